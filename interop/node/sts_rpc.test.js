'use strict';
// STS through `@alicloud/pop-core` and through the STS class of `ali-oss` (RPC signature V1).

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { RPCClient } = require('@alicloud/pop-core');
const OSS = require('ali-oss');

const { ready, role, keyOf, userArn, temporaryKey, sessionPolicy, uniquePrefix, issue, tampered, withClock, refusal } = require('./support');

function client(key) {
  return new RPCClient({
    endpoint: ready.issuer, apiVersion: '2015-04-01', accessKeyId: key.id, accessKeySecret: key.secret, securityToken: key.token,
    opts: { timeout: 30000 },
  });
}

const METHODS = ['GET', 'POST'];

function identity(key, method = 'GET') {
  return client(key).request('GetCallerIdentity', {}, { method });
}

function assume(key, fields = {}, method = 'POST') {
  return client(key).request('AssumeRole', { RoleArn: role, RoleSessionName: 'pop', ...fields }, { method });
}

/** The code that the SDK reports (it ignores the status; the recorded exchange has it). */
async function refused(call, status, code) {
  const error = await refusal(call);
  assert.deepEqual([error.entry?.response.statusCode, error.code], [status, code], error.message);
  assert.ok(error.data.RequestId);
}

for (const method of METHODS) {
  test(`identities and a role session by ${method}`, async () => {
    assert.equal((await identity(keyOf('bob'), method)).Arn, userArn('bob'));
    assert.equal((await identity(keyOf('root'), method)).IdentityType, 'Account');
    const answer = await assume(keyOf('appserver'), { Policy: sessionPolicy('pop'), DurationSeconds: 900 }, method);
    assert.equal(answer.AssumedRoleUser.Arn, `${role}/pop`);
    const session = await identity(temporaryKey(answer.Credentials), method);
    assert.equal(session.Arn, `acs:ram::${ready.account.uid}:assumed-role/app-uploader/pop`);
    assert.equal(session.PrincipalId, answer.AssumedRoleUser.AssumedRoleId);
  });

  test(`refusals by ${method}`, async () => {
    const key = keyOf('appserver');
    for (const user of ['root', 'alice', 'dan']) {
      await refused(() => assume(keyOf(user), {}, method), 403, 'NoPermission');
    }
    await refused(() => assume(key, { RoleArn: `acs:ram::${ready.account.uid}:role/no-such-role` }, method), 403, 'NoPermission');
    await refused(() => assume(key, { DurationSeconds: 899 }, method), 400, 'InvalidParameter.DurationSeconds');
    await refused(() => assume(key, { Policy: '[]' }, method), 400, 'InvalidParameter.PolicyGrammar');
    await refused(() => identity({ ...key, secret: tampered(key.secret) }, method), 400, 'SignatureDoesNotMatch');
    const [first, second] = [await issue(), await issue()];
    await refused(() => identity({ ...first, token: tampered(first.token) }, method), 400, 'InvalidSecurityToken.Malformed');
    await refused(() => identity({ ...first, token: second.token }, method), 400, 'InvalidSecurityToken.MismatchWithAccessKey');
    await refused(() => identity({ ...first, token: undefined }, method), 400, 'MissingSecurityToken');
  });

  test(`a skewed clock by ${method}`, async () => {
    for (const seconds of [-3600, 3600]) {
      await withClock(seconds, () => refused(() => identity(keyOf('bob'), method), 400, 'InvalidTimeStamp.Expired'));
    }
  });
}

test('a nonce serves once', async () => {
  const fixed = { SignatureNonce: uniquePrefix('nonce') };
  const answer = await assume(keyOf('appserver'), fixed);
  temporaryKey(answer.Credentials);
  await refused(() => assume(keyOf('appserver'), fixed), 400, 'SignatureNonceUsed');
});

test('the STS class of ali-oss, whose timestamps have milliseconds', async () => {
  const key = keyOf('appserver');
  const sts = (secret) => new OSS.STS({ accessKeyId: key.id, accessKeySecret: secret, endpoint: ready.issuer });
  const answer = await sts(key.secret).assumeRole(role, sessionPolicy('ali'), 900, 'ali');
  const session = await identity(temporaryKey(answer.credentials));
  assert.equal(session.Arn, `acs:ram::${ready.account.uid}:assumed-role/app-uploader/ali`);
  const error = await refusal(() => sts(tampered(key.secret)).assumeRole(role, undefined, 900, 'ali'));
  assert.deepEqual([error.status, error.code], [400, 'SignatureDoesNotMatch']);
  const late = await withClock(3600, () => refusal(() => sts(key.secret).assumeRole(role, undefined, 900, 'ali')));
  assert.deepEqual([late.status, late.code], [400, 'InvalidTimeStamp.Expired']);
});
