'use strict';
// Profiles that somebody signed in with, as `@alicloud/credentials` reads them from the vendor's file: `CloudSSO`, whose URL is anybody's,
// and `OAuth`, whose hosts are compiled in and are mapped to loopback in a network namespace.

const assert = require('node:assert/strict');
const { execFile, execFileSync } = require('node:child_process');
const { createHash, randomBytes } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { promisify } = require('node:util');

const { Browser, install } = require('./people');
const { ready, program, refusal, remember } = require('./support');

const SINGLE = 'app-vaz16tltdxs96audqf35';
const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const WHOAMI = `
  const { default: Credential } = require('@alicloud/credentials');
  const { $OpenApiUtil } = require('@alicloud/openapi-core');
  const { default: Sts } = require('@alicloud/sts20150401');
  (async () => {
    const credential = new Credential();
    const client = new Sts(new $OpenApiUtil.Config({ credential, endpoint: process.env.ISSUER_HOST, protocol: 'http' }));
    const { arn } = (await client.getCallerIdentity()).body;
    const { accessKeySecret, securityToken, providerName } = await credential.getCredential();
    console.log(JSON.stringify({ arn, accessKeySecret, securityToken, providerName }));
  })().catch((error) => { console.error(error.message); process.exit(1); });
`;

const run = promisify(execFile);
const homes = [];

before(() => install('bob'));
after(() => homes.forEach((folder) => fs.rmSync(folder, { recursive: true })));

function home() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tegata-interop-'));
  homes.push(folder);
  return folder;
}

/** Whom the server sees in a program with that profile. */
async function whoami(profile) {
  const folder = home();
  fs.mkdirSync(path.join(folder, '.aliyun'));
  fs.writeFileSync(path.join(folder, '.aliyun/config.json'), JSON.stringify({ current: profile.name, profiles: [profile] }), { mode: 0o600 });
  const kept = Object.entries(process.env).filter(([name]) => !/^(ALIBABA_?CLOUD|ALICLOUD|TEGATA_ENDPOINT)/.test(name));
  const more = { HOME: folder, ISSUER_HOST: new URL(ready.issuer).host, ALIBABA_CLOUD_ECS_METADATA_DISABLED: 'true' };
  const { stdout } = await run(process.execPath, ['-e', WHOAMI], { cwd: __dirname, env: { ...Object.fromEntries(kept), ...more }, timeout: 60000 });
  const found = JSON.parse(stdout);
  remember(found.accessKeySecret, found.securityToken);
  return found;
}

const post = (at, body, headers = {}) =>
  fetch(ready.issuer + at, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } });

/** What a sign-in of the vendor's command line in mode `CloudSSO` writes down. */
async function single() {
  const verifier = randomBytes(24).toString('hex');
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const begin = { ClientId: SINGLE, CodeChallenge: challenge, CodeChallengeMethod: 'S256', PortalUrl: `${ready.issuer}/acme/login` };
  const begun = await (await post('/device-authorization', begin)).json();
  const bob = await new Browser().get(begun.VerificationUriComplete);
  await bob.signIn('bob');
  await bob.submit({ user_code: begun.UserCode });
  await bob.submit({ user_code: begun.UserCode, decision: 'allow' });
  const question = { ClientId: SINGLE, CodeVerifier: verifier, DeviceCode: begun.DeviceCode, GrantType: GRANT };
  const token = await (await post('/token', question)).json();
  remember(token.AccessToken, begun.DeviceCode);
  const headers = { authorization: `Bearer ${token.AccessToken}` };
  const { Accounts: [account] } = await (await fetch(`${ready.issuer}/access-assignments/accounts?MaxResults=100`, { headers })).json();
  const at = `${ready.issuer}/access-assignments/access-configurations?AccountId=${account.AccountId}`;
  const roles = (await (await fetch(at, { headers })).json()).AccessConfigurationsForAccount;
  const role = roles.find((one) => one.AccessConfigurationName === 'app-uploader');
  return {
    name: 'sso', mode: 'CloudSSO', region_id: 'cn-hangzhou', cloud_sso_sign_in_url: `${ready.issuer}/acme/login`,
    cloud_sso_account_id: account.AccountId, cloud_sso_access_config: role.AccessConfigurationId, access_token: token.AccessToken,
    cloud_sso_access_token_expire: Math.floor(Date.now() / 1000) + token.ExpiresIn,
  };
}

// The library makes a body that says which role is wanted, and does not send it (2.4.7). Without it no server can know; the token alone
// must not become just any role. If a later version sends it, this test says so.
test('a profile of single sign-on whose library does not say which role is refused in words', async () => {
  const profile = await single();
  const ours = await post(
    '/cloud-credentials',
    { AccountId: profile.cloud_sso_account_id, AccessConfigurationId: profile.cloud_sso_access_config },
    { authorization: `Bearer ${profile.access_token}` },
  );
  assert.equal(ours.status, 200);
  const { CloudCredential: key } = await ours.json();
  remember(key.AccessKeySecret, key.SecurityToken);
  const { stderr } = await refusal(() => whoami(profile));
  assert.match(stderr, /get session token from CloudSSO failed: .*"InvalidParameter".*the body is not the JSON/);
});

function namespaces() {
  try {
    execFileSync('unshare', ['-Urmn', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const skip = namespaces() ? false : 'this machine gives no private network namespaces';

for (const site of ['CN', 'INTL']) {
  test(`a profile that the vendor's tool signed in with renews itself: ${site}`, { skip }, async () => {
    const inside = ['-Urmn', process.execPath, path.join(__dirname, 'namespace_profile.js'), program(), home(), site];
    const { first, said } = JSON.parse((await run('unshare', inside, { cwd: __dirname, timeout: 120000 })).stdout);
    const [one, again, renewed] = said;
    for (const each of said) {
      assert.ok(each.arn.endsWith(':user/bob') && each.id.startsWith('STS.') && each.by === 'default/cli_profile', each.arn);
      assert.equal(each.after.access_key_id, each.id);
      assert.equal(each.after.kept, 'yes');
    }
    assert.notEqual(one.after.oauth_refresh_token, first, 'the rotated token was written back');
    assert.equal(again.after.oauth_refresh_token, one.after.oauth_refresh_token, 'a token that is good is used again');
    assert.notEqual(renewed.after.oauth_refresh_token, one.after.oauth_refresh_token);
  });
}
