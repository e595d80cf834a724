'use strict';
// `openid-client`, a certified library that knows the standards alone: discovery, code with PKCE and a proof of possession, devices,
// refresh, introspection and revocation.

const assert = require('node:assert/strict');
const { before, test } = require('node:test');
const { pathToFileURL } = require('node:url');

const { Browser, install } = require('./people');
const { ready, refusal, remember } = require('./support');

const VENDOR = '4038181954557748008';
const CALLBACK = 'http://127.0.0.1:12345/cli/callback';
const SCOPE = 'openid /internal/ram/usersts';
let client;

before(async () => {
  client = await import(pathToFileURL(require.resolve('openid-client')));
  await install('bob');
});

/** The server as its own documents describe it; plain http only because it is on this machine. */
async function discovered(id, secret, auth) {
  const config = await client.discovery(new URL(ready.issuer), id, secret, auth, { execute: [client.allowInsecureRequests] });
  // What this server signs is verified by its published keys, although it came from itself.
  client.enableNonRepudiationChecks(config);
  return config;
}

const confidential = (auth) => discovered(ready.clients.bench.id, ready.clients.bench.secret, auth);

/** What the server's answers say, written down for the search of its log. */
function kept(tokens) {
  remember(...[tokens.access_token, tokens.refresh_token, tokens.id_token].filter(Boolean));
  return tokens;
}

/** bob signs in and agrees; where the browser is sent then. */
async function agreed(url) {
  const bob = await new Browser().get(url.href);
  await bob.signIn('bob');
  await bob.submit({ decision: 'allow' });
  return new URL(bob.leftFor);
}

/** A code for a public client, and what it needs to be redeemed. */
async function begun(config, scope = SCOPE) {
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope,
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  return { url, checks: { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true } };
}

test('the documents are what the standard wants', async () => {
  const meta = (await confidential()).serverMetadata();
  assert.equal(meta.issuer, ready.issuer);
  assert.ok(meta.supportsPKCE('S256'));
  assert.ok(meta.authorization_response_iss_parameter_supported);
  assert.ok(meta.dpop_signing_alg_values_supported.includes('ES256'));
});

test('client credentials, introspection and revocation, with the secret in header and body', async () => {
  for (const auth of [client.ClientSecretBasic(ready.clients.bench.secret), client.ClientSecretPost(ready.clients.bench.secret)]) {
    const config = await confidential(auth);
    const tokens = kept(await client.clientCredentialsGrant(config, { scope: 'profile' }));
    assert.equal(tokens.scope, 'profile');
    const told = await client.tokenIntrospection(config, tokens.access_token);
    assert.ok(told.active && told.client_id === ready.clients.bench.id);
    await client.tokenRevocation(config, tokens.access_token);
    assert.deepEqual(await client.tokenIntrospection(config, tokens.access_token), { active: false });
  }
});

test('client credentials that are bound to a key', async () => {
  const config = await confidential();
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
  const tokens = kept(await client.clientCredentialsGrant(config, { scope: 'profile' }, { DPoP }));
  assert.equal(tokens.token_type, 'dpop');
  assert.ok((await client.tokenIntrospection(config, tokens.access_token)).cnf.jkt);
});

test('a code with PKCE and a proof of possession, the server nonce among it', async () => {
  const config = await discovered('tegata-cli', undefined, client.None());
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
  const { url, checks } = await begun(config);
  const tokens = kept(await client.authorizationCodeGrant(config, await agreed(url), checks, undefined, { DPoP }));
  assert.equal(tokens.token_type, 'dpop');
  const { sub } = tokens.claims();
  assert.equal((await client.fetchUserInfo(config, tokens.access_token, sub, { DPoP })).sub, sub);
  const exchange = new URL('/v1/exchange', ready.issuer);
  const key = await (await client.fetchProtectedResource(config, tokens.access_token, exchange, 'POST', null, undefined, { DPoP })).json();
  remember(key.accessKeySecret, key.securityToken);
  assert.match(key.accessKeyId, /^STS\./);
  // Without the key, and with another one, the tokens are worth nothing.
  const bare = await fetch(exchange, { method: 'POST', headers: { authorization: `Bearer ${tokens.access_token}` } });
  assert.equal(bare.status, 401);
  const stranger = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
  const stolen = await refusal(() => client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP: stranger }));
  assert.match(stolen.error, /invalid_(grant|dpop_proof)/);
  const again = kept(await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP }));
  assert.notEqual(again.access_token, tokens.access_token);
  await client.tokenRevocation(config, again.refresh_token);
  const ended = await refusal(() => client.refreshTokenGrant(config, again.refresh_token, undefined, { DPoP }));
  assert.equal(ended.error, 'invalid_grant');
});

test('a plain public client: refresh rotates, and what was replaced long ago is refused', async () => {
  const config = await discovered(VENDOR, undefined, client.None());
  const { url, checks } = await begun(config);
  const came = await agreed(url);
  const tokens = kept(await client.authorizationCodeGrant(config, came, checks));
  const first = kept(await client.refreshTokenGrant(config, tokens.refresh_token));
  const same = kept(await client.refreshTokenGrant(config, tokens.refresh_token));
  assert.equal(same.refresh_token, first.refresh_token, 'whoever lost the answer gets the same successor');
  kept(await client.refreshTokenGrant(config, first.refresh_token));
  assert.equal((await refusal(() => client.refreshTokenGrant(config, tokens.refresh_token))).error, 'invalid_grant');
  assert.equal((await refusal(() => client.authorizationCodeGrant(config, came, checks))).error, 'invalid_grant');
});

test('an answer of another server, or to another request, is not believed', async () => {
  const config = await discovered(VENDOR, undefined, client.None());
  const { url, checks } = await begun(config);
  const came = await agreed(url);
  for (const [name, value] of [['iss', 'https://evil.example'], ['state', 'other']]) {
    const forged = new URL(came);
    forged.searchParams.set(name, value);
    await refusal(() => client.authorizationCodeGrant(config, forged, checks));
  }
  const { checks: other } = await begun(config);
  const mixed = { ...checks, pkceCodeVerifier: other.pkceCodeVerifier };
  assert.equal((await refusal(() => client.authorizationCodeGrant(config, came, mixed))).error, 'invalid_grant');
});

test('a device, with and without a proof of possession', async () => {
  for (const id of [VENDOR, 'tegata-cli']) {
    const config = await discovered(id, undefined, client.None());
    const options = id === VENDOR ? {} : { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256')) };
    const device = await client.initiateDeviceAuthorization(config, { scope: SCOPE });
    remember(device.device_code);
    const bob = await new Browser().get(device.verification_uri);
    await bob.signIn('bob');
    await bob.submit({ user_code: device.user_code });
    await bob.submit({ user_code: device.user_code, decision: 'allow' });
    const tokens = kept(await client.pollDeviceAuthorizationGrant(config, device, undefined, options));
    assert.ok(tokens.refresh_token, id);
  }
});
