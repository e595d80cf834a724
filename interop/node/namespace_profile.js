'use strict';
// Run inside a private network namespace: a server of our own under the vendor's host names, and a profile of mode `OAuth`, read by the
// vendor's library as it is. Prints one JSON object.
//
// Node reads additional authorities when it starts, so what speaks TLS is a second process, started when the server has made its own.

const { execFileSync, spawn } = require('node:child_process');
const { createHash, randomBytes } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const SITES = {
  CN: { signin: 'https://signin.aliyun.com', oauth: 'https://oauth.aliyun.com', id: '4038181954557748008' },
  INTL: { signin: 'https://signin.alibabacloud.com', oauth: 'https://oauth.alibabacloud.com', id: '4103531455503354461' },
};
const OTHERS = ['sts.aliyuncs.com', 'sts.cn-hangzhou.aliyuncs.com'];
const CALLBACK = 'http://127.0.0.1:12345/cli/callback';
const LIBRARY = `
  const { default: Credential } = require('@alicloud/credentials');
  const { $OpenApiUtil } = require('@alicloud/openapi-core');
  const { default: Sts } = require('@alicloud/sts20150401');
  (async () => {
    const credential = new Credential();
    const client = new Sts(new $OpenApiUtil.Config({ credential, endpoint: 'sts.aliyuncs.com' }));
    const { arn } = (await client.getCallerIdentity()).body;
    const { accessKeyId, providerName } = await credential.getCredential();
    console.log(JSON.stringify({ arn, id: accessKeyId, by: providerName }));
  })().catch((error) => { console.error(error.message); process.exit(1); });
`;
// Its own network stack begins with a loopback that is down.
const LOOPBACK_UP = `
import fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
    flags = struct.unpack("16sh", fcntl.ioctl(probe, 0x8913, b"lo".ljust(18, b"\\0")))[1]
    fcntl.ioctl(probe, 0x8914, struct.pack("16sh", b"lo", flags | 1))
`;

async function main(program, folder, site) {
  execFileSync('python3', ['-c', LOOPBACK_UP]);
  const names = [...Object.values(SITES).flatMap(({ signin, oauth }) => [signin, oauth]).map((url) => new URL(url).host), ...OTHERS];
  fs.writeFileSync(path.join(folder, 'hosts'), `127.0.0.1 localhost ${names.join(' ')}\n`);
  execFileSync('mount', ['--bind', path.join(folder, 'hosts'), '/etc/hosts']);
  const ready = path.join(folder, 'ready.json');
  const words = ['dev', '--http', '127.0.0.1:0', '--oss', '127.0.0.1:0', '--https', '127.0.0.1:443', '--ready-file', ready];
  const log = fs.openSync(path.join(folder, 'server.log'), 'w');
  const server = spawn(program, [...words, ...names.flatMap((name) => ['--tls-name', name])], { stdio: ['ignore', 'ignore', log] });
  try {
    for (let left = 300; left > 0 && !fs.existsSync(ready); left -= 1) await new Promise((done) => { setTimeout(done, 100); });
    const ca = JSON.parse(fs.readFileSync(ready, 'utf8')).https.ca_file;
    const { PATH, NODE_PATH } = process.env;
    const environment = { PATH, NODE_PATH, HOME: path.join(folder, 'home'), TEGATA_READY: ready, NODE_EXTRA_CA_CERTS: ca };
    process.stdout.write(execFileSync(process.execPath, [__filename, 'inside', site], { cwd: __dirname, env: environment }));
  } finally {
    const ended = new Promise((done) => { server.once('exit', done); });
    server.kill('SIGTERM');
    await ended;
  }
}

/** A refresh token, as the vendor's command line gets it. */
async function signedIn({ signin, oauth, id }) {
  const { Browser, install } = require('./people');
  await install('bob');
  const verifier = randomBytes(96).toString('base64url');
  const query = new URLSearchParams({
    response_type: 'code', client_id: id, redirect_uri: CALLBACK, state: 's'.repeat(16), code_challenge_method: 'S256',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  });
  const bob = await new Browser().get(`${signin}/oauth2/v1/auth?${query}`);
  await bob.signIn('bob');
  await bob.submit({ decision: 'allow' });
  const code = new URL(bob.leftFor).searchParams.get('code');
  const form = { grant_type: 'authorization_code', code, client_id: id, redirect_uri: CALLBACK, code_verifier: verifier };
  const answer = await fetch(`${oauth}/v1/token`, { method: 'POST', body: new URLSearchParams(form) });
  return (await answer.json()).refresh_token;
}

async function inside(site) {
  const config = path.join(process.env.HOME, '.aliyun/config.json');
  const refresh = await signedIn(SITES[site]);
  fs.mkdirSync(path.dirname(config), { recursive: true });
  const profile = { name: 'me', mode: 'OAuth', oauth_site_type: site, oauth_refresh_token: refresh, region_id: 'cn-hangzhou', kept: 'yes' };
  fs.writeFileSync(config, JSON.stringify({ current: 'me', profiles: [profile] }), { mode: 0o600 });
  const environment = { ...process.env, ALIBABA_CLOUD_ECS_METADATA_DISABLED: 'true' };
  const said = [];
  for (const change of [{}, {}, { oauth_access_token_expire: 1 }]) {
    const whole = JSON.parse(fs.readFileSync(config, 'utf8'));
    Object.assign(whole.profiles[0], change);
    fs.writeFileSync(config, JSON.stringify(whole));
    const found = JSON.parse(execFileSync(process.execPath, ['-e', LIBRARY], { cwd: __dirname, env: environment }));
    said.push({ ...found, after: JSON.parse(fs.readFileSync(config, 'utf8')).profiles[0] });
  }
  console.log(JSON.stringify({ first: refresh, said }));
}

const [first, ...rest] = process.argv.slice(2);
(first === 'inside' ? inside(...rest) : main(first, ...rest)).catch((error) => {
  console.error(error);
  process.exit(1);
});
