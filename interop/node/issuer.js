'use strict';
// An OpenID provider: its discovery document, its keys, and tokens as a CI system would hand them to its jobs.

const crypto = require('node:crypto');
const http = require('node:http');

const encoded = (value) => Buffer.from(Buffer.isBuffer(value) ? value : JSON.stringify(value)).toString('base64url');

/** Does `work` while an issuer answers on loopback. It is given its URL and `token(audience, subject, claims)`. */
async function withIssuer(work) {
  const { privateKey, publicKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = crypto.randomBytes(8).toString('hex');
  const server = http.createServer((request, answer) => {
    const body = {
      '/.well-known/openid-configuration': {
        issuer: url, jwks_uri: `${url}/keys`, authorization_endpoint: `${url}/authorize`, response_types_supported: ['id_token'],
        subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['RS256'],
      },
      '/keys': { keys: [{ ...publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid }] },
    }[request.url];
    answer.writeHead(body ? 200 : 404, { 'Content-Type': 'application/json' }).end(JSON.stringify(body ?? {}));
  });
  await new Promise((listening) => { server.listen(0, '127.0.0.1', listening); });
  const url = `http://127.0.0.1:${server.address().port}`;

  const token = (audience, subject, claims) => {
    const now = Math.floor(Date.now() / 1000);
    const all = { iss: url, aud: audience, sub: subject, iat: now, exp: now + 600, jti: crypto.randomUUID(), ...claims };
    const signed = `${encoded({ alg: 'RS256', typ: 'JWT', kid })}.${encoded(all)}`;
    return `${signed}.${encoded(crypto.sign('sha256', Buffer.from(signed), privateKey))}`;
  };
  try {
    return await work({ url, token });
  } finally {
    server.close();
  }
}

module.exports = { withIssuer };
