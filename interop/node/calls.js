'use strict';
// Plays the tables of `../calls` through a client; `../python/calls.py` says what their steps mean. Each library needs only one
// function: `call(key, operation, parameters)` answers the body as the API names it, or throws `Refused`.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const { RPCClient } = require('@alicloud/pop-core');

const { ready, keyOf, remember, refusal } = require('./support');

class Refused extends Error {
  constructor(status, code) {
    super(`${status} ${code}`);
    this.answer = [status, code];
  }
}

class Table {
  constructor(name) {
    this.all = JSON.parse(fs.readFileSync(path.join(__dirname, '../calls', `${name}.json`), 'utf8'));
    this.version = this.all.version;
    this.scenarios = this.all.scenarios;
  }

  /** Those with a call that succeeds and one that is refused. */
  operations() {
    const steps = this.scenarios.flatMap((scenario) => scenario.steps);
    const named = (refused) => [...new Set(steps.filter((step) => Array.isArray(step[2]) === refused).map((step) => step[0]))].sort();
    assert.deepEqual(named(false), named(true), 'without a good call, or without a refusal');
    return named(false);
  }
}

/** The operations of that version which the reference page says are offered. */
function claims(version) {
  const page = fs.readFileSync(path.join(__dirname, '../../docs/ram.md'), 'utf8');
  const [section] = page.match(new RegExp(`^### [^\\n]*${version}[^]*?(?=^#|$(?![^]))`, 'm'));
  return [...section.matchAll(/^\| `([A-Z][A-Za-z]+)` \| yes\b/gm)].map((found) => found[1]).sort();
}

/** The code of the current half minute, or of `step` half minutes later (RFC 6238). */
function oneTimeCode(seed, step) {
  const bits = [...seed.replace(/=+$/, '')].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + step));
  const mac = crypto.createHmac('sha1', key).update(counter).digest();
  const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
  return String(number % 1000000).padStart(6, '0');
}

function* at(value, places) {
  const [first, ...rest] = places;
  if (first === undefined) yield value;
  else if (first === '*') for (const item of value ?? []) yield* at(item, rest);
  else if (value !== null && typeof value === 'object' && first in value) yield* at(value[first], rest);
}

/** `@alicloud/pop-core` by that method. */
function pop(table, method) {
  return async (key, operation, parameters) => {
    const client = new RPCClient({
      endpoint: ready.issuer, apiVersion: table.version, accessKeyId: key.id, accessKeySecret: key.secret, opts: { timeout: 30000 },
    });
    try {
      return await client.request(operation, parameters, { method });
    } catch (error) {
      if (error.entry === undefined) throw error;
      throw new Refused(error.entry.response.statusCode, error.code);
    }
  };
}

/** The message that comes with a refusal of `dan`; not every library passes it on. */
async function diagnostic(table) {
  const key = keyOf('dan');
  const client = new RPCClient({ endpoint: ready.issuer, apiVersion: table.version, accessKeyId: key.id, accessKeySecret: key.secret });
  const { data } = await refusal(() => client.request('ListUsers'));
  return data.AccessDeniedDetail.EncodedDiagnosticMessage;
}

/** One scenario, from its first step to what it leaves behind being taken away. */
async function play(table, scenario, call) {
  const keys = {};
  const values = { account: ready.account.uid };

  const value = (name) => {
    if (name.startsWith('totp:')) {
      const [, seed, step] = name.split(':');
      return oneTimeCode(values[seed], Number(step));
    }
    assert.ok(name in values, `nothing is called ${name}`);
    return values[name];
  };
  const filled = (given) => {
    if (typeof given === 'string') return given.replace(/\$\{([^}]+)\}/g, (_, name) => value(name));
    if (Array.isArray(given)) return given.map(filled);
    if (given !== null && typeof given === 'object') return Object.fromEntries(Object.entries(given).map(([name, item]) => [name, filled(item)]));
    return given;
  };
  const send = async (operation, parameters, who = 'alice') => call(keys[who] ?? keyOf(who), operation, filled(parameters));
  const fits = (found, expected) => {
    if (expected?.date) return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(found);
    if (expected?.any) return found !== undefined && found !== null && found !== '';
    return found === filled(expected);
  };
  const compare = (where, body, place, expected) => {
    const found = [...at(body, place.replace(/^!/, '').split('.'))];
    if (expected?.keep) {
      assert.ok(found.length, where);
      values[expected.keep] = found[0];
      if (expected.secret) remember(found[0]);
    } else if (expected?.key) {
      assert.equal(found.length, 1, where);
      remember(found[0].AccessKeySecret);
      keys[expected.key] = { id: found[0].AccessKeyId, secret: found[0].AccessKeySecret };
      values[expected.key] = found[0].AccessKeyId;
    } else {
      assert.notEqual(found.some((each) => fits(each, expected)), place.startsWith('!'), where);
    }
  };

  for (const [name, text] of Object.entries(table.all.documents ?? {})) values[name] = filled(text);
  for (const kind of scenario.unique ?? []) values[kind] = `${kind}-${crypto.randomBytes(6).toString('hex')}`;
  for (const kind of scenario.passwords ?? []) {
    values[kind] = `Interop-${crypto.randomBytes(11).toString('hex')}`;
    remember(values[kind]);
  }
  if (scenario.needs?.includes('diagnostic')) values.diagnostic = await diagnostic(table);
  try {
    for (const [operation, parameters, expected, who] of scenario.steps) {
      const where = `${operation} ${JSON.stringify(parameters)} as ${who ?? 'alice'}`;
      let body;
      try {
        body = await send(operation, parameters, who);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        assert.deepEqual(error.answer, expected, where);
        continue;
      }
      assert.ok(!Array.isArray(expected), `${where}: was not refused: ${JSON.stringify(body)}`);
      assert.ok(body.RequestId, where);
      for (const [place, wanted] of Object.entries(expected)) {
        compare(`${where}: ${place} in ${JSON.stringify(body)}`, body, place, wanted);
      }
    }
  } finally {
    for (const [operation, parameters, who] of scenario.cleanup ?? []) {
      await send(operation, parameters, who).catch(() => {});
    }
  }
}

module.exports = { Refused, Table, claims, pop, play };
