'use strict';
// The table of IMS calls through `@alicloud/pop-core` (RPC signature V1).

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { Table, claims, pop, play } = require('./calls');

const IMS = new Table('ims');

for (const scenario of IMS.scenarios) {
  test(scenario.about, () => play(IMS, scenario, pop(IMS, 'POST')));
}

test('every operation that is offered is called', () => {
  assert.deepEqual(IMS.operations(), claims(IMS.version));
});
