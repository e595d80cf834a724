'use strict';
// The chains of `@alicloud/credentials`: how a program finds a key without its author having written one down. A key that a chain
// found has to work: each is shown to `GetCallerIdentity`.
//
// The library reads its environment, and Node the additional authorities, when they start: a chain is tried in a process of its own.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { after, test } = require('node:test');
const { promisify } = require('node:util');

const { ready, role, keyOf, program, userArn, remember, sessionPolicy, refusal } = require('./support');

const WHOAMI = `
  const { default: Credential, Config } = require('@alicloud/credentials');
  const { $OpenApiUtil } = require('@alicloud/openapi-core');
  const { default: Sts } = require('@alicloud/sts20150401');
  (async () => {
    const given = process.env.CHAIN ? new Config(JSON.parse(process.env.CHAIN)) : undefined;
    const credential = new Credential(given);
    const client = new Sts(new $OpenApiUtil.Config({ credential, endpoint: process.env.ISSUER_HOST, protocol: 'http' }));
    const { arn } = (await client.getCallerIdentity()).body;
    const { accessKeyId, accessKeySecret, securityToken } = await credential.getCredential();
    console.log(JSON.stringify({ arn, accessKeyId, accessKeySecret, securityToken }));
  })().catch((error) => { console.error(error.message); process.exit(1); });
`;

const homes = [];

/** A home folder of nobody. */
function home() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tegata-interop-'));
  homes.push(folder);
  return folder;
}

after(() => homes.forEach((folder) => fs.rmSync(folder, { recursive: true })));

/** This process's environment without any key in it. */
function environment(more) {
  const kept = Object.entries(process.env).filter(([name]) => !/^(ALIBABA_?CLOUD|ALICLOUD|TEGATA_ENDPOINT)/.test(name));
  return { ...Object.fromEntries(kept), HOME: home(), ISSUER_HOST: new URL(ready.issuer).host, ALIBABA_CLOUD_ECS_METADATA_DISABLED: 'true', ...more };
}

async function run(file, parameters, more) {
  return (await promisify(execFile)(file, parameters, { cwd: __dirname, env: environment(more), timeout: 60000 })).stdout;
}

/** Whom the server sees in a program with that chain (by default: the default one) and that environment. */
async function whoami(chain, more) {
  const found = JSON.parse(await run(process.execPath, ['-e', WHOAMI], chain === undefined ? more : { ...more, CHAIN: JSON.stringify(chain) }));
  return shown(found);
}

function shown({ arn, accessKeyId, accessKeySecret, securityToken }) {
  if (securityToken) {
    assert.match(accessKeyId, /^STS\./);
    remember(accessKeySecret, securityToken);
  }
  return arn;
}

/** The environment of a program of that user. */
function as(user) {
  const key = keyOf(user);
  return { ALIBABA_CLOUD_ACCESS_KEY_ID: key.id, ALIBABA_CLOUD_ACCESS_KEY_SECRET: key.secret };
}

function sessionArn(name) {
  return `acs:ram::${ready.account.uid}:assumed-role/app-uploader/${name}`;
}

// --- RamRoleArn: AssumeRole by the library, over TLS ---

const TRUSTED = { NODE_EXTRA_CA_CERTS: ready.https.ca_file };

function roleChain(user, more) {
  const key = keyOf(user);
  return {
    type: 'ram_role_arn', accessKeyId: key.id, accessKeySecret: key.secret, roleArn: role, roleSessionName: 'chain',
    stsEndpoint: new URL(ready.https.issuer).host, ...more,
  };
}

test('a role', async () => {
  assert.equal(await whoami(roleChain('bob'), TRUSTED), sessionArn('chain'));
  const narrowed = { policy: JSON.stringify(JSON.parse(sessionPolicy('a b')), null, 2), roleSessionExpiration: 900, externalId: 'x-1' };
  assert.equal(await whoami(roleChain('bob', narrowed), TRUSTED), sessionArn('chain'));
});

for (const [user, more, code] of [
  ['dan', {}, 'NoPermission'],
  ['root', {}, 'NoPermission'],
  ['bob', { roleSessionExpiration: 3601 }, 'InvalidParameter.DurationSeconds'],
  ['bob', { policy: '[]' }, 'InvalidParameter.PolicyGrammar'],
]) {
  test(`a role refused: ${user}, ${code}`, async () => {
    const { stderr } = await refusal(() => whoami(roleChain(user, more), TRUSTED));
    assert.match(stderr, new RegExp(code.replace('.', '\\.')));
  });
}

test('an unknown authority is not trusted', async () => {
  const { stderr } = await refusal(() => whoami(roleChain('bob'), { NODE_EXTRA_CA_CERTS: '' }));
  assert.match(stderr, /certificate/);
});

// --- CredentialsURI ---

/** Does `work` while a URL on loopback answers what our `credentials` says. */
async function withUri(name, work) {
  const parameters = ['credentials', '--format', 'uri', '--role', role, '--role-session-name', name];
  const body = await run(program(), parameters, { ...as('bob'), TEGATA_ENDPOINT: ready.issuer });
  const server = http.createServer((_, answer) => answer.end(body));
  await new Promise((listening) => { server.listen(0, '127.0.0.1', listening); });
  try {
    return await work(`http://127.0.0.1:${server.address().port}/credentials`);
  } finally {
    server.close();
  }
}

test('a credentials URI', async () => {
  await withUri('uri', async (uri) => {
    assert.equal(await whoami({ type: 'credentials_uri', credentialsURI: uri }), sessionArn('uri'));
    assert.equal(await whoami(undefined, { ALIBABA_CLOUD_CREDENTIALS_URI: uri }), sessionArn('uri'));
  });
});

// --- External: a program that prints a key ---

function profiles(user) {
  const key = keyOf(user);
  const folder = home();
  const command = `${program()} credentials --format aliyun --profile base --role ${role} --role-session-name external --endpoint ${ready.issuer}`;
  const text = JSON.stringify({
    current: 'ext',
    profiles: [
      { name: 'base', mode: 'AK', access_key_id: key.id, access_key_secret: key.secret, region_id: 'x' },
      { name: 'ext', mode: 'External', process_command: command, region_id: 'x' },
    ],
    meta_path: '',
  });
  fs.mkdirSync(path.join(folder, '.aliyun'));
  fs.writeFileSync(path.join(folder, '.aliyun/config.json'), text, { mode: 0o600 });
  return folder;
}

test('a profile with a program', async () => {
  const folder = profiles('bob');
  assert.equal(await whoami(undefined, { HOME: folder }), sessionArn('external'));
  // The library keeps what it got in the profile. Ours still reads the file, and nobody else can.
  const file = path.join(folder, '.aliyun/config.json');
  assert.match(JSON.parse(fs.readFileSync(file, 'utf8')).profiles[1].access_key_id, /^STS\./);
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  assert.match(await run(program(), ['profile', 'list'], { HOME: folder }), /External/);
  assert.equal(await whoami(undefined, { HOME: folder, ALIBABA_CLOUD_PROFILE: 'base' }), userArn('bob'));
});

test('a program that is refused', async () => {
  const { stderr } = await refusal(() => whoami(undefined, { HOME: profiles('dan') }));
  assert.match(stderr, /NoPermission/);
});

// --- the default chain ---

test('the default chain in our exec', async () => {
  const parameters = ['exec', '--role', role, '--role-session-name', 'exec', '--', process.execPath, '-e', WHOAMI];
  const found = JSON.parse(await run(program(), parameters, { ...as('bob'), TEGATA_ENDPOINT: ready.issuer }));
  assert.equal(shown(found), sessionArn('exec'));
});

test('the default chain in our agent', async () => {
  const parameters = ['agent', '--role', role, '--role-session-name', 'agent', '--', process.execPath, '-e', WHOAMI];
  const found = JSON.parse(await run(program(), parameters, { ...as('bob'), TEGATA_ENDPOINT: ready.issuer }));
  assert.equal(shown(found), sessionArn('agent'));
});
