'use strict';
// Letters at a real browser: a new browser is told of, "that was not me" ends it, and a forgotten password is set by a link.
//
// `tegata dev` keeps its letters as files. With TEGATA_SCREENS=FOLDER every page is photographed on the way.

const assert = require('node:assert/strict');
const { existsSync, readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { after, before, test } = require('node:test');
const { setTimeout: pause } = require('node:timers/promises');

const { chromium } = require('playwright-core');

const { ready: world } = require('./support');

const program = process.env.TEGATA_CHROMIUM ?? '/usr/bin/chromium';
const folder = process.env.TEGATA_SCREENS;
const PHONE = { width: 390, height: 760 };
const DESK = { width: 1100, height: 760 };

const skip = existsSync(program) ? false : `there is no ${program}`;
let browser;

before(async () => {
  if (skip) return;
  browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
});
after(async () => browser?.close());

async function photo(page, name, { size = DESK, dark = false } = {}) {
  if (!folder) return;
  await page.setViewportSize(size);
  await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await page.setViewportSize(DESK);
  await page.emulateMedia({ colorScheme: 'light' });
}

const seen = new Set();

// The next letter whose subject begins like this; each is given once.
async function letter(subject) {
  const at = join(world.data, 'mail');
  for (let turn = 0; turn < 100; turn += 1) {
    for (const name of existsSync(at) ? readdirSync(at).sort() : []) {
      if (seen.has(name) || !name.endsWith('.txt') || name.startsWith('.')) continue;
      const text = readFileSync(join(at, name), 'utf8');
      if (!text.includes(`\nSubject: ${subject}`)) continue;
      seen.add(name);
      assert.match(text, new RegExp(`^To: ${world.root.login}\n`));
      return text;
    }
    await pause(100);
  }
  throw new Error(`no letter with the subject ${subject}`);
}

const link = (text) => text.match(/https?:\/\/\S+\/(?:reset|not-me)\/\S+/)[0];
const heading = (page) => page.locator('h1').innerText();

async function signIn(page, password) {
  await page.goto(`${world.issuer}/signin`);
  await page.fill('#username', world.root.login);
  await page.fill('#password', password);
  await page.click('button[type=submit]');
}

test('what was not oneself is undone, and a new password set by letter', { skip }, async () => {
  const thief = await (await browser.newContext({ viewport: DESK })).newPage();
  await signIn(thief, world.root.password);
  const told = await letter('New sign-in');
  assert.match(told, /Chrome/);

  const owner = await (await browser.newContext({ viewport: DESK })).newPage();
  await owner.goto(link(told));
  assert.equal(await heading(owner), 'Was that not you?');
  await photo(owner, 'not-me');
  await owner.goto(`${link(told)}?lang=ja`);
  await photo(owner, 'not-me-ja', { size: PHONE });
  await owner.goto(`${link(told)}?lang=en`);
  await owner.click('button[type=submit]');
  assert.equal(await heading(owner), 'Done');
  await thief.goto(`${world.issuer}/signin`);
  assert.equal(await heading(thief), 'Sign in');
  await signIn(thief, world.root.password);
  assert.match(await thief.locator('#problem').innerText(), /do not belong together/);
  await letter('Set a new password');

  await owner.goto(`${world.issuer}/signin`);
  await owner.click('a[href$="reset"]');
  await photo(owner, 'reset');
  await photo(owner, 'reset-phone-dark', { size: PHONE, dark: true });
  await owner.fill('#username', world.root.login);
  await owner.click('button[type=submit]');
  assert.equal(await heading(owner), 'Look into your mailbox');
  const way = link(await letter('Set a new password'));
  await owner.goto(way);
  await photo(owner, 'new-password');
  await owner.fill('#password', 'Battery-staple-42');
  await owner.fill('#again', 'Battery-staple-42');
  await owner.click('button[type=submit]');
  assert.equal(await heading(owner), 'Sign in');
  await letter('Your password was changed');
  const again = await owner.goto(way);
  assert.equal(again.status(), 404);
  await signIn(owner, 'Battery-staple-42');
  assert.equal(await owner.locator('form[action$="signout"]').count() > 0, true);
});
