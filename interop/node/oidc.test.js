'use strict';
// Federation by OpenID Connect: `oidc-provider`, a certified implementation, signs tokens; the public clients trade them for roles.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { pathToFileURL } = require('node:url');
const { promisify } = require('node:util');
const { $OpenApiUtil } = require('@alicloud/openapi-core');
const { RPCClient } = require('@alicloud/pop-core');
const { default: Sts, AssumeRoleWithOIDCRequest } = require('@alicloud/sts20150401');

const { ready, issuerHost, keyOf, temporaryKey, refusal } = require('./support');

const AUDIENCE = 'https://sts.tegata.test';
const CLIENT = { client_id: 'deployer', client_secret: crypto.randomBytes(16).toString('hex') };
const uid = ready.account.uid;
const providerArn = (name) => `acs:ram::${uid}:oidc-provider/${name}`;
const roleArn = (name) => `acs:ram::${uid}:role/${name}`;

const admin = keyOf('alice');
const ims = new RPCClient({ endpoint: ready.issuer, apiVersion: '2019-08-15', accessKeyId: admin.id, accessKeySecret: admin.secret });
const ram = new RPCClient({ endpoint: ready.issuer, apiVersion: '2015-05-01', accessKeyId: admin.id, accessKeySecret: admin.secret });

let issuer;
let server;

/** A provider with keys of its own on a free port of loopback. */
async function startIssuer(port = 0) {
  const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));
  const key = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  const listener = http.createServer();
  await new Promise((done) => { listener.listen(port, '127.0.0.1', done); });
  const url = `http://127.0.0.1:${listener.address().port}`;
  const provider = new Provider(url, {
    clients: [{ ...CLIENT, grant_types: ['client_credentials'], redirect_uris: [], response_types: [] }],
    jwks: { keys: [{ ...key, use: 'sig', alg: 'RS256', kid: crypto.randomBytes(4).toString('hex') }] },
    scopes: ['deploy'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        getResourceServerInfo: (_context, resource) => ({
          scope: 'deploy', audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
  listener.on('request', provider.callback());
  return { url, listener };
}

async function tokenFor(resource = AUDIENCE) {
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${CLIENT.client_id}:${CLIENT.client_secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource }),
  });
  const { access_token: token } = await answer.json();
  assert.equal(token.split('.').length, 3);
  if (process.env.TEGATA_SECRETS_FILE) {
    fs.appendFileSync(process.env.TEGATA_SECRETS_FILE, `${token}\n`);
  }
  return token;
}

function trust(conditions) {
  const statement = { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Federated: [providerArn('node-ci')] }, Condition: conditions };
  return JSON.stringify({ Version: '1', Statement: [statement] });
}

const EXACT = { StringEquals: { 'oidc:aud': [AUDIENCE], 'oidc:sub': [CLIENT.client_id] } };

before(async () => {
  const started = await startIssuer();
  [issuer, server] = [started.url, started.listener];
  const made = await ims.request('CreateOIDCProvider', {
    OIDCProviderName: 'node-ci', IssuerUrl: issuer, ClientIds: 'other,sts', IssuanceLimitTime: 1, Description: 'a test',
  }, { method: 'POST' });
  assert.deepEqual([made.OIDCProvider.Arn, made.OIDCProvider.IssuerUrl, made.OIDCProvider.ClientIds], [providerArn('node-ci'), issuer, 'other,sts']);
  await ims.request('AddClientIdToOIDCProvider', { OIDCProviderName: 'node-ci', ClientId: AUDIENCE }, { method: 'POST' });
  const role = { RoleName: 'node-deployer', AssumeRolePolicyDocument: trust(EXACT) };
  const saved = await ram.request('CreateRole', role, { method: 'POST' });
  assert.equal(saved.Warnings, undefined, 'nothing to warn about');
});

after(async () => {
  await ram.request('DeleteRole', { RoleName: 'node-deployer' });
  await ims.request('DeleteOIDCProvider', { OIDCProviderName: 'node-ci' });
  server.close();
  server.closeAllConnections();
});

function anonymous() {
  return new Sts(new $OpenApiUtil.Config({ endpoint: issuerHost, protocol: 'http', accessKeyId: 'unused', accessKeySecret: 'unused' }));
}

async function assume(fields) {
  const request = new AssumeRoleWithOIDCRequest({
    OIDCProviderArn: providerArn('node-ci'), roleArn: roleArn('node-deployer'), roleSessionName: 'build-1', ...fields,
  });
  return (await anonymous().assumeRoleWithOIDC(request)).body;
}

async function refused(fields, code) {
  const error = await refusal(() => assume(fields));
  assert.deepEqual([error.statusCode, error.code], [401, code]);
  return error;
}

test('a token becomes a role session', async () => {
  const token = await tokenFor();
  const body = await assume({ OIDCToken: `${token}\n`, durationSeconds: 900 });
  assert.equal(body.assumedRoleUser.arn, `${roleArn('node-deployer')}/build-1`);
  assert.deepEqual(
    [body.OIDCTokenInfo.subject, body.OIDCTokenInfo.issuer, body.OIDCTokenInfo.clientIds, body.OIDCTokenInfo.verificationInfo],
    ['deployer', issuer, AUDIENCE, 'Success'],
  );
  const { accessKeyId, accessKeySecret, securityToken, expiration } = body.credentials;
  const key = temporaryKey({ AccessKeyId: accessKeyId, AccessKeySecret: accessKeySecret, SecurityToken: securityToken, Expiration: expiration });
  const config = { accessKeyId: key.id, accessKeySecret: key.secret, securityToken: key.token, endpoint: issuerHost, protocol: 'http' };
  const identity = (await new Sts(new $OpenApiUtil.Config(config)).getCallerIdentity()).body;
  assert.equal(identity.arn, `acs:ram::${uid}:assumed-role/node-deployer/build-1`);
});

test('what is not let in', async () => {
  const token = await tokenFor();
  const [header, payload, signature] = token.split('.');
  const spoiled = Buffer.from(signature, 'base64url');
  spoiled[3] ^= 1;
  await refused({ OIDCToken: `${header}.${payload}.${spoiled.toString('base64url')}` }, 'AuthenticationFail.OIDCToken.InvalidSignature');
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const { n } = (await (await fetch(`${issuer}/jwks`)).json()).keys[0];
  const confused = `${encode({ alg: 'HS256' })}.${payload}`;
  const tag = crypto.createHmac('sha256', n).update(confused).digest('base64url');
  await refused({ OIDCToken: `${confused}.${tag}` }, 'AuthenticationFail.OIDCToken.Invalid');
  await refused({ OIDCToken: `${encode({ alg: 'none' })}.${payload}.` }, 'AuthenticationFail.OIDCToken.Invalid');
  await refused({ OIDCToken: await tokenFor('https://elsewhere.test') }, 'AuthenticationFail.OIDCToken.AudienceNotMatch');
  const unknown = await refused({ OIDCToken: token, OIDCProviderArn: providerArn('nobody') }, 'AuthenticationFail.NoPermission');
  const untrusting = await refused({ OIDCToken: token, roleArn: roleArn('app-uploader') }, 'AuthenticationFail.NoPermission');
  const absent = await refused({ OIDCToken: token, roleArn: roleArn('no-such-role') }, 'AuthenticationFail.NoPermission');
  const text = (error) => error.message.replace(/[0-9A-F-]{36}/g, 'ID').replace(/^.*?:/, '');
  assert.deepEqual([text(unknown), text(absent)], [text(untrusting), text(untrusting)]);
});

test('the issuer goes away and its keys are used on', async () => {
  const token = await tokenFor();
  await assume({ OIDCToken: token });
  const { port } = server.address();
  server.closeAllConnections();
  await new Promise((done) => { server.close(done); });
  await assume({ OIDCToken: token });
  // It comes back with other keys: what it signed before is worth nothing once we have asked it again.
  const started = await startIssuer(port);
  server = started.listener;
  const wait = Date.now() + 15000;
  for (;;) {
    const fresh = await tokenFor();
    const outcome = await assume({ OIDCToken: fresh }).then(() => 'in', (error) => error.code);
    if (outcome === 'in') break;
    assert.equal(outcome, 'AuthenticationFail.OIDCToken.InvalidSignature');
    assert.ok(Date.now() < wait, 'the new keys were not fetched');
    await new Promise((done) => { setTimeout(done, 1000); });
  }
  await refused({ OIDCToken: token }, 'AuthenticationFail.OIDCToken.InvalidSignature');
});

test('clients leave the warnings about a trust policy alone', async () => {
  const update = (document) => ram.request('UpdateRole', { RoleName: 'node-deployer', NewAssumeRolePolicyDocument: document }, { method: 'POST' });
  const wide = await update(trust({ StringLike: { 'oidc:sub': ['repo:acme*'] } }));
  assert.equal(wide.Role.RoleName, 'node-deployer');
  assert.deepEqual(wide.Warnings.Warning.map((one) => one.Code), ['oidc-audience-missing', 'oidc-subject-strangers']);
  await update(trust(EXACT));
});

const CHAIN = `
  const { default: Credential, Config } = require('@alicloud/credentials');
  (async () => {
    const credential = new Credential(new Config(JSON.parse(process.env.CONFIG)));
    const given = await credential.getCredential();
    console.log(JSON.stringify({
      AccessKeyId: given.accessKeyId, AccessKeySecret: given.accessKeySecret, SecurityToken: given.securityToken, Expiration: '2000-01-01T00:00:00Z' }));
  })().catch((error) => { console.error(error.message); process.exit(1); });
`;

test('the credentials library, with a token from a file', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tegata-oidc-'));
  const file = path.join(folder, 'token');
  fs.writeFileSync(file, `${await tokenFor()}\n`);
  const config = {
    type: 'oidc_role_arn', roleArn: roleArn('node-deployer'), oidcProviderArn: providerArn('node-ci'), oidcTokenFilePath: file,
    roleSessionName: 'chain', durationSeconds: 900, stsEndpoint: new URL(ready.https.issuer).host,
  };
  // Node reads additional authorities only when it starts.
  const env = { ...process.env, CONFIG: JSON.stringify(config), NODE_EXTRA_CA_CERTS: ready.https.ca_file };
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', CHAIN], { cwd: __dirname, env, timeout: 60000 });
  temporaryKey(JSON.parse(stdout));
  fs.rmSync(folder, { recursive: true });
});
