// Tokens of organizations, verified by `jose` with the keys as every endpoint tells them.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { pathToFileURL } = require('node:url');
const { ready, remember } = require('./support');

const api = `${ready.issuer}/csp/gateway/am/api`;

test('each form of the keys verifies a token', async () => {
  const jose = await import(pathToFileURL(require.resolve('jose')));
  const body = new URLSearchParams({ refresh_token: ready.users.alice.csp_api_token });
  const told = await (await fetch(`${api}/auth/api-tokens/authorize`, { method: 'POST', body })).json();
  remember(told.access_token);
  const pem = await (await fetch(`${api}/auth/token-public-key`)).json();
  const sets = [`${api}/auth/token-public-key?format=jwks`, `${api}/auth/keys`].map((url) => jose.createRemoteJWKSet(new URL(url)));
  for (const key of [await jose.importSPKI(pem.value, 'RS256'), ...sets]) {
    const { payload, protectedHeader } = await jose.jwtVerify(told.access_token, key, { issuer: pem.issuer, algorithms: ['RS256'] });
    assert.equal(protectedHeader.typ, 'JWT');
    assert.equal(payload.username, 'alice');
    assert.equal(payload.context_name, ready.account.org_id);
    assert.equal(payload.perms.join(' '), told.scope);
  }
  // The keys of the authorization server verify none of them.
  const others = jose.createRemoteJWKSet(new URL(`${ready.issuer}/oauth/keys`));
  await assert.rejects(jose.jwtVerify(told.access_token, others));
});
