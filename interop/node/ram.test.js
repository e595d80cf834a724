'use strict';
// The table of RAM calls through `@alicloud/ram20150501` (ACS3-HMAC-SHA256) and through `@alicloud/pop-core` (RPC signature V1).
// One file for both: its tests run one after another, and some of them change the settings of the account.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { $OpenApiUtil } = require('@alicloud/openapi-core');
const ram = require('@alicloud/ram20150501');

const { issuerHost } = require('./support');
const { Refused, Table, claims, pop, play } = require('./calls');

const RAM = new Table('ram');

/** A request object of the library, from parameters as the API names them. */
function request(Model, parameters) {
  const types = Model.types();
  const fields = Object.entries(Model.names()).filter(([, name]) => name in parameters).map(([field, name]) => {
    const Item = types[field].itemType;
    const value = parameters[name];
    return [field, typeof Item === 'function' ? value.map((item) => request(Item, item)) : value];
  });
  assert.equal(fields.length, Object.keys(parameters).length, `${Model.name} does not know all of ${Object.keys(parameters)}`);
  return new Model(Object.fromEntries(fields));
}

/** An answer as the API names it. */
function named(value) {
  if (Array.isArray(value)) return value.map(named);
  if (value === null || typeof value !== 'object') return value;
  const names = value.constructor.names?.() ?? {};
  return Object.fromEntries(Object.entries(value).map(([field, item]) => [names[field] ?? field, named(item)]));
}

async function tea(key, operation, parameters) {
  const client = new ram.default(new $OpenApiUtil.Config({
    accessKeyId: key.id, accessKeySecret: key.secret, endpoint: issuerHost, protocol: 'http',
  }));
  const method = operation[0].toLowerCase() + operation.slice(1);
  const Model = ram[`${operation}Request`];
  try {
    const answer = Model === undefined ? await client[method]() : await client[method](request(Model, parameters));
    return named(answer.body);
  } catch (error) {
    if (error.statusCode === undefined) throw error;
    throw new Refused(error.statusCode, error.code);
  }
}

const LIBRARIES = { '@alicloud/ram20150501': tea, '@alicloud/pop-core by GET': pop(RAM, 'GET'), '@alicloud/pop-core by POST': pop(RAM, 'POST') };

for (const [library, call] of Object.entries(LIBRARIES)) {
  for (const scenario of RAM.scenarios) {
    test(`${scenario.about} through ${library}`, () => play(RAM, scenario, call));
  }
}

test('every operation that is offered is called', () => {
  assert.deepEqual(RAM.operations(), claims(RAM.version));
});
