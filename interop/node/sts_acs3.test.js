'use strict';
// STS through `@alicloud/sts20150401` (ACS3-HMAC-SHA256).

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { $OpenApiUtil } = require('@alicloud/openapi-core');
const { default: Sts, AssumeRoleRequest } = require('@alicloud/sts20150401');

const { ready, issuerHost, role, keyOf, userArn, temporaryKey, sessionPolicy, issue, tampered, withClock, refusal } = require('./support');

function client(key, config = {}) {
  return new Sts(new $OpenApiUtil.Config({
    accessKeyId: key.id, accessKeySecret: key.secret, securityToken: key.token, endpoint: issuerHost, protocol: 'http', ...config,
  }));
}

async function identity(key) {
  return (await client(key).getCallerIdentity()).body;
}

async function assume(key, fields = {}) {
  const request = new AssumeRoleRequest({ roleArn: role, roleSessionName: 'acs3', ...fields });
  return (await client(key).assumeRole(request)).body;
}

function given(body) {
  const { accessKeyId, accessKeySecret, securityToken, expiration } = body.credentials;
  return temporaryKey({ AccessKeyId: accessKeyId, AccessKeySecret: accessKeySecret, SecurityToken: securityToken, Expiration: expiration });
}

/** Status and code that the SDK reports. */
async function refused(call, status, code) {
  const error = await refusal(call);
  assert.deepEqual([error.statusCode, error.code], [status, code]);
  return error;
}

test('identities', async () => {
  const user = await identity(keyOf('bob'));
  assert.deepEqual([user.identityType, user.arn, user.accountId], ['RAMUser', userArn('bob'), ready.account.uid]);
  const owner = await identity(keyOf('root'));
  assert.deepEqual([owner.identityType, owner.arn], ['Account', `acs:ram::${ready.account.uid}:root`]);
});

test('assume a role and be its session', async () => {
  const body = await assume(keyOf('appserver'), { policy: sessionPolicy('acs3'), durationSeconds: 900, sourceIdentity: 'Alice' });
  assert.equal(body.assumedRoleUser.arn, `${role}/acs3`);
  assert.equal(body.sourceIdentity, 'Alice');
  const session = await identity(given(body));
  assert.equal(session.identityType, 'AssumedRoleUser');
  assert.equal(session.arn, `acs:ram::${ready.account.uid}:assumed-role/app-uploader/acs3`);
  assert.equal(session.principalId, body.assumedRoleUser.assumedRoleId);
});

test('who may not assume the role', async () => {
  for (const user of ['root', 'alice', 'dan']) {
    await refused(() => assume(keyOf(user)), 403, 'NoPermission');
  }
  const error = await refused(() => assume(keyOf('dan')), 403, 'NoPermission');
  assert.equal(error.accessDeniedDetail.AuthAction, 'sts:AssumeRole');
  const session = await issue();
  await refused(() => assume(session), 403, 'NoPermission');
});

test('bad parameters', async () => {
  const key = keyOf('appserver');
  await refused(() => assume(keyOf('alice'), { roleArn: `acs:ram::${ready.account.uid}:role/no-such-role` }), 404, 'EntityNotExist.Role');
  await refused(() => assume(key, { roleArn: 'nonsense' }), 400, 'InvalidParameter.RoleArn');
  await refused(() => assume(key, { roleSessionName: '!' }), 400, 'InvalidParameter.RoleSessionName');
  await refused(() => assume(key, { durationSeconds: 899 }), 400, 'InvalidParameter.DurationSeconds');
  await refused(() => assume(key, { durationSeconds: 43201 }), 400, 'InvalidParameter.DurationSeconds');
  await refused(() => assume(key, { policy: '{' }), 400, 'InvalidParameter.PolicyGrammar');
});

test('wrong secret, unknown key, tokens of others', async () => {
  const key = keyOf('appserver');
  await refused(() => identity({ ...key, secret: tampered(key.secret) }), 400, 'SignatureDoesNotMatch');
  await refused(() => assume({ ...key, secret: tampered(key.secret) }), 400, 'SignatureDoesNotMatch');
  await refused(() => identity({ ...key, id: 'LTAI0000000000000unknown' }), 404, 'InvalidAccessKeyId.NotFound');
  const [first, second] = [await issue(), await issue()];
  await refused(() => identity({ ...first, token: tampered(first.token) }), 400, 'InvalidSecurityToken.Malformed');
  await refused(() => identity({ ...first, token: second.token }), 400, 'InvalidSecurityToken.MismatchWithAccessKey');
  await refused(() => identity({ ...first, token: undefined }), 400, 'MissingSecurityToken');
  await refused(() => identity({ ...first, secret: tampered(first.secret) }), 400, 'SignatureDoesNotMatch');
});

test('a skewed clock', async () => {
  for (const seconds of [-3600, 3600]) {
    await withClock(seconds, () => refused(() => identity(keyOf('bob')), 400, 'InvalidTimeStamp.Expired'));
    await withClock(seconds, () => refused(() => assume(keyOf('bob')), 400, 'InvalidTimeStamp.Expired'));
  }
  await withClock(600, () => identity(keyOf('bob')));
});
