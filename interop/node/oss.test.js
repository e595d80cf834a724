'use strict';
// The object gateway through `ali-oss`, with both signature versions and in each way this library addresses a bucket.

const assert = require('node:assert/strict');
const http = require('node:http');
const { test } = require('node:test');
const OSS = require('ali-oss');

const { ready, bucket, keyOf, uniquePrefix, issue, tampered, withClock, refusal } = require('./support');

const named = new URL(ready.oss_named);

/** Names below the gateway's own name mean buckets; name servers do not know them, so this agent does. */
const loopbackAgent = new http.Agent({
  lookup: (_name, options, answer) => (options.all ? answer(null, [{ address: '127.0.0.1', family: 4 }]) : answer(null, '127.0.0.1', 4)),
});

const ADDRESSING = {
  'path style by name': { endpoint: ready.oss_named, sldEnable: true },
  // With an IP endpoint the library names <bucket>.<region>.aliyuncs.com as Host and puts the bucket into the path, too.
  'path style by IP': { endpoint: ready.oss, sldEnable: true },
  'bucket in the host name': { endpoint: ready.oss_named, agent: loopbackAgent },
};

function client(key, v4, options = ADDRESSING['path style by name']) {
  return new OSS({
    accessKeyId: key.id, accessKeySecret: key.secret, stsToken: key.token, bucket, region: `oss-${ready.oss_region}`,
    authorizationV4: v4, timeout: 30000, refreshSTSToken: key.token ? async () => ({
      accessKeyId: key.id, accessKeySecret: key.secret, stsToken: key.token }) : null, refreshSTSTokenInterval: 3600000, ...options,
  });
}

/** Status and code that the SDK reports. */
async function refused(call, status, code) {
  const error = await refusal(call);
  assert.deepEqual([error.status, error.code], [status, code], error.message);
  return error;
}

/** `fetch` resolves names itself; requests to a signed URL go to the gateway's own address. */
async function open(url, options) {
  const answer = await fetch(url, options);
  return { status: answer.status, text: await answer.text() };
}

for (const v4 of [false, true]) {
  const version = v4 ? 'V4' : 'V1';

  for (const [style, options] of Object.entries(ADDRESSING)) {
    test(`${version}, ${style}: put, get, head and list inside the prefix`, async () => {
      const prefix = uniquePrefix('ali');
      const oss = client(await issue(prefix), v4, options);
      const body = Buffer.from('a picture'.repeat(1000));
      const put = await oss.put(`${prefix}/cat.jpg`, body, { headers: { 'x-oss-meta-mood': 'sleepy' } });
      assert.equal(put.res.status, 200);
      const got = await oss.get(`${prefix}/cat.jpg`);
      assert.ok(got.content.equals(body));
      assert.equal(got.res.headers['content-type'], 'image/jpeg');
      const head = await oss.head(`${prefix}/cat.jpg`);
      assert.equal(head.res.headers['content-length'], String(body.length));
      assert.equal(head.meta.mood, 'sleepy');
      const names = [`${prefix}/b/one`, `${prefix}/cat.jpg`, `${prefix}/ü ü`];
      await oss.put(names[0], Buffer.from('x'));
      await oss.put(names[2], Buffer.from('x'));
      const first = await oss.list({ prefix: `${prefix}/`, 'max-keys': 100 });
      assert.deepEqual(first.objects.map((object) => object.name), names);
      const second = await oss.listV2({ prefix: `${prefix}/`, delimiter: '/', 'max-keys': '100' });
      assert.deepEqual(second.prefixes, [`${prefix}/b/`]);
      await refused(() => oss.put('elsewhere/mine', Buffer.from('x')), 403, 'AccessDenied');
      await refused(() => oss.get(`${prefix}/absent`), 404, 'NoSuchKey');
    });
  }

  test(`${version}: pages and odd keys`, async () => {
    const prefix = uniquePrefix('ali');
    const oss = client(await issue(prefix), v4);
    const names = ['100%', 'a//b', 'plus+plus', 'q?x=1&y', 'star*tilde~', 'with space', '日本語'].map((name) => `${prefix}/${name}`);
    for (const name of names) {
      await oss.put(name, Buffer.from(name));
      assert.equal((await oss.get(name)).content.toString(), name);
    }
    const seen = [];
    let token;
    do {
      const page = await oss.listV2({ prefix: `${prefix}/`, 'max-keys': '3', ...(token ? { 'continuation-token': token } : {}) });
      seen.push(...page.objects.map((object) => object.name));
      token = page.nextContinuationToken;
    } while (token);
    assert.deepEqual(seen, names);
  });

  test(`${version}: refused outside the prefix`, async () => {
    const prefix = uniquePrefix('ali');
    const oss = client(await issue(prefix), v4);
    for (const call of [
      () => oss.put('elsewhere/mine', Buffer.from('x')),
      () => oss.get('elsewhere/theirs'),
      () => oss.put(`${prefix}x`, Buffer.from('x')),
      () => oss.list({ prefix: 'elsewhere/' }),
      () => oss.list({}),
      () => oss.list({ prefix: '' }),
      () => oss.listV2({ prefix: '' }),
      () => oss.delete(`${prefix}/a`),
      () => oss.head('elsewhere/theirs'),
    ]) {
      await refused(call, 403, 'AccessDenied');
    }
  });

  test(`${version}: tokens of others, wrong secret, unknown key`, async () => {
    const prefix = uniquePrefix('ali');
    const [first, second] = [await issue(prefix), await issue(prefix)];
    const read = (key) => () => client(key, v4).get(`${prefix}/a`);
    await refused(read({ ...first, token: tampered(first.token) }), 403, 'InvalidSecurityToken');
    await refused(read({ ...first, token: second.token }), 403, 'AccessKeyIdAndSecurityTokenNotMatch');
    await refused(read({ ...first, token: undefined }), 403, 'InvalidAccessKeyId');
    await refused(read({ ...first, secret: tampered(first.secret) }), 403, 'SignatureDoesNotMatch');
    const bob = keyOf('bob');
    await refused(read({ ...bob, secret: tampered(bob.secret) }), 403, 'SignatureDoesNotMatch');
    await refused(read({ ...bob, id: 'LTAI0000000000000unknown' }), 403, 'InvalidAccessKeyId');
  });

  test(`${version}: a skewed clock`, async () => {
    const prefix = uniquePrefix('ali');
    const oss = client(await issue(prefix), v4);
    for (const seconds of [-3600, 3600]) {
      await withClock(seconds, () => refused(() => oss.put(`${prefix}/late`, Buffer.from('x')), 403, 'RequestTimeTooSkewed'));
    }
    await refused(() => oss.get(`${prefix}/late`), 404, 'NoSuchKey');
    await withClock(600, () => oss.put(`${prefix}/soon`, Buffer.from('x')));
  });
}

test('V1: signed URLs', async () => {
  const prefix = uniquePrefix('ali');
  const oss = client(await issue(prefix), false);
  const put = await oss.asyncSignatureUrl(`${prefix}/by url`, { method: 'PUT', expires: 60, 'Content-Type': 'text/x-test' });
  assert.equal((await open(put, { method: 'PUT', body: 'sent by url', headers: { 'Content-Type': 'text/x-test' } })).status, 200);
  const get = oss.signatureUrl(`${prefix}/by url`, { expires: 60 });
  assert.deepEqual(await open(get), { status: 200, text: 'sent by url' });
  assert.match((await open(put, { method: 'PUT', body: 'x', headers: { 'Content-Type': 'text/other' } })).text, /<Code>SignatureDoesNotMatch</);
  const outside = await open(oss.signatureUrl('elsewhere/a', { expires: 60 }));
  assert.equal(outside.status, 403);
  assert.match(outside.text, /<Code>AccessDenied</);
  const old = await withClock(-7200, async () => oss.signatureUrl(`${prefix}/by url`, { expires: 60 }));
  assert.match((await open(old)).text, /<Code>AccessDenied<[^]*Request has expired/);
});

test('V4: signed URLs', async () => {
  const prefix = uniquePrefix('ali');
  const oss = client(await issue(prefix), true);
  const put = await oss.signatureUrlV4('PUT', 60, { headers: { 'content-type': 'text/x-test' } }, `${prefix}/by url`);
  assert.equal((await open(put, { method: 'PUT', body: 'sent by url', headers: { 'Content-Type': 'text/x-test' } })).status, 200);
  const get = await oss.signatureUrlV4('GET', 60, {}, `${prefix}/by url`);
  assert.deepEqual(await open(get), { status: 200, text: 'sent by url' });
  const outside = await open(await oss.signatureUrlV4('GET', 60, {}, 'elsewhere/a'));
  assert.match(outside.text, /<Code>AccessDenied</);
  const old = await withClock(-7200, () => oss.signatureUrlV4('GET', 60, {}, `${prefix}/by url`));
  assert.match((await open(old)).text, /<Code>AccessDenied</);
});

test('a token in header and URL at once', async () => {
  const prefix = uniquePrefix('ali');
  const key = await issue(prefix);
  const header = { 'x-oss-security-token': key.token };
  const both = [
    client(key, false).signatureUrl(`${prefix}/a`, { expires: 60 }),
    await client(key, true).signatureUrlV4('GET', 60, {}, `${prefix}/a`),
  ];
  for (const url of both) {
    const answer = await open(url, { headers: header });
    assert.equal(answer.status, 400);
    assert.match(answer.text, /<Code>InvalidArgument<[^]*<EC>0002-00000010</);
  }
});

test('a stream, and a long-term administrator key', async () => {
  const prefix = uniquePrefix('ali');
  const oss = client(await issue(prefix), true);
  const { Readable } = require('node:stream');
  await oss.putStream(`${prefix}/stream`, Readable.from(Array.from({ length: 100 }, () => Buffer.alloc(1000, 'x'))));
  assert.equal((await oss.get(`${prefix}/stream`)).content.length, 100000);
  const alice = client(keyOf('alice'), true);
  const { buckets } = await alice.listBuckets({});
  assert.ok(buckets.some((entry) => entry.name === bucket));
  await alice.delete(`${prefix}/stream`);
  await refused(() => alice.get(`${prefix}/stream`), 404, 'NoSuchKey');
  assert.equal(named.hostname, 'localhost');
});
