'use strict';
// STS over TLS. Node reads additional authorities only when it starts, so the calls are made by a child process.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { test } = require('node:test');
const { promisify } = require('node:util');

const { ready, userArn, refusal } = require('./support');

const CALLS = `
  const { ready, keyOf } = require('./support');
  const { $OpenApiUtil } = require('@alicloud/openapi-core');
  const { default: Sts } = require('@alicloud/sts20150401');
  const { RPCClient } = require('@alicloud/pop-core');
  (async () => {
    const key = keyOf('bob');
    const issuer = ready.https.issuer;
    const tea = new Sts(new $OpenApiUtil.Config({
      accessKeyId: key.id, accessKeySecret: key.secret, endpoint: new URL(issuer).host, protocol: 'https' }));
    console.log((await tea.getCallerIdentity()).body.arn);
    const pop = new RPCClient({ endpoint: issuer, apiVersion: '2015-04-01', accessKeyId: key.id, accessKeySecret: key.secret });
    console.log((await pop.request('GetCallerIdentity')).Arn);
  })().catch((error) => { console.error(error.message); process.exit(1); });
`;

function call(environment) {
  const options = { cwd: __dirname, env: { ...process.env, ...environment }, timeout: 60000 };
  return promisify(execFile)(process.execPath, ['-e', CALLS], options);
}

test('with the throwaway authority', async () => {
  const { stdout } = await call({ NODE_EXTRA_CA_CERTS: ready.https.ca_file });
  assert.deepEqual(stdout.trim().split('\n'), [userArn('bob'), userArn('bob')]);
});

test('an unknown authority is not trusted', async () => {
  const { stderr } = await refusal(() => call({ NODE_EXTRA_CA_CERTS: '' }));
  assert.match(stderr, /certificate/);
});
