'use strict';
// What all Node.js suites share: the running server, temporary keys, a clock that can be wrong.
//
// The server is found through TEGATA_READY (path of its ready file). Every secret that a suite obtains is written to
// TEGATA_SECRETS_FILE, one a line, so that the server's log can be searched for it afterwards.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');

function load() {
  const path = process.env.TEGATA_READY;
  assert.ok(path, 'TEGATA_READY must name the ready file of a running `tegata dev`');
  const ready = JSON.parse(fs.readFileSync(path, 'utf8'));
  assert.equal(ready.version, 1, 'the ready file has another version than these suites know');
  return ready;
}

const ready = load();
const issuerHost = new URL(ready.issuer).host;
const role = ready.roles['app-uploader'].arn;
const bucket = ready.buckets[0];

/** The long-term key of a user of the sample directory, or of `root`. */
function keyOf(user) {
  const entry = user === 'root' ? ready.root : ready.users[user];
  return { id: entry.access_key_id, secret: entry.access_key_secret };
}

/** Our own program, for the ways in which other programs get their keys from it. */
function program() {
  assert.ok(process.env.TEGATA_PROGRAM, 'TEGATA_PROGRAM must name the program `tegata`');
  return process.env.TEGATA_PROGRAM;
}

function userArn(user) {
  return `acs:ram::${ready.account.uid}:user/${user}`;
}

/** A temporary key just obtained: its shape is checked, its secrets are written down. */
function temporaryKey(given) {
  const key = { id: given.AccessKeyId, secret: given.AccessKeySecret, token: given.SecurityToken, expiration: given.Expiration };
  assert.match(key.id, /^STS\./);
  assert.match(key.expiration, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.ok(key.secret && key.token);
  assert.ok(key.token.length <= 2048, 'clients put the token into URLs');
  remember(key.secret, key.token);
  return key;
}

/** Writes secrets down for the search of the server's log. */
function remember(...secrets) {
  if (process.env.TEGATA_SECRETS_FILE) {
    fs.appendFileSync(process.env.TEGATA_SECRETS_FILE, secrets.map((secret) => `${secret}\n`).join(''));
  }
}

/** A key prefix that no other test uses. */
function uniquePrefix(name) {
  return `${name}-${crypto.randomBytes(6).toString('hex')}`;
}

/** The narrowest policy an app server would give to one of its users: one prefix of one bucket. */
function sessionPolicy(prefix) {
  return JSON.stringify({
    Version: '1',
    Statement: [
      { Effect: 'Allow', Action: ['oss:PutObject', 'oss:GetObject'], Resource: [`acs:oss:*:*:${bucket}/${prefix}/*`] },
      {
        Effect: 'Allow',
        Action: ['oss:ListObjects'],
        Resource: [`acs:oss:*:*:${bucket}`],
        Condition: { StringLike: { 'oss:Prefix': [`${prefix}/`, `${prefix}/*`] } },
      },
    ],
  });
}

/** Asks for a temporary key as `appserver`, with a session policy for one prefix (or none). */
async function issue(prefix) {
  const { RPCClient } = require('@alicloud/pop-core');
  const key = keyOf('appserver');
  const client = new RPCClient({ endpoint: ready.issuer, apiVersion: '2015-04-01', accessKeyId: key.id, accessKeySecret: key.secret });
  const fields = { RoleArn: role, RoleSessionName: 'interop', DurationSeconds: 900 };
  if (prefix !== undefined) fields.Policy = sessionPolicy(prefix);
  const answer = await client.request('AssumeRole', fields, { method: 'POST', timeout: 30000 });
  return temporaryKey(answer.Credentials);
}

/** The same text with one character in its middle exchanged for another of the same kind. */
function tampered(text) {
  let at = Math.floor(text.length / 2);
  while (!/[A-Za-z0-9]/.test(text[at])) at += 1;
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
}

const RealDate = Date;

/**
 * Runs `work` while this process believes to live `seconds` in the future (or, if negative, in the past).
 * Tests of one file run one after another, so nobody else looks at the clock meanwhile.
 */
async function withClock(seconds, work) {
  class ShiftedDate extends RealDate {
    constructor(...given) {
      if (given.length === 0) super(RealDate.now() + seconds * 1000);
      else super(...given);
    }

    static now() {
      return RealDate.now() + seconds * 1000;
    }
  }
  globalThis.Date = ShiftedDate;
  try {
    return await work();
  } finally {
    globalThis.Date = RealDate;
  }
}

/** The error of a call that must fail. */
async function refusal(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return assert.fail('the call should have been refused');
}

module.exports = {
  ready, issuerHost, role, bucket, keyOf, program, userArn, temporaryKey, remember, uniquePrefix, sessionPolicy, issue, tampered, withClock,
  refusal,
};
