'use strict';
// A person at a real browser: Chromium signs in, agrees, and comes back to the program that waits on loopback.
//
// With TEGATA_SCREENS=FOLDER every page is photographed on the way.

const assert = require('node:assert/strict');
const { createHash, randomBytes } = require('node:crypto');
const { existsSync } = require('node:fs');
const { createServer } = require('node:http');
const { join } = require('node:path');
const { after, before, test } = require('node:test');

const { chromium } = require('playwright-core');

const { ready: world } = require('./support');

const program = process.env.TEGATA_CHROMIUM ?? '/usr/bin/chromium';
const folder = process.env.TEGATA_SCREENS;
const CLIENT = '4038181954557748008';
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

// A program that waits on loopback, as the command line does.
async function waiting(port) {
  const state = randomBytes(16).toString('base64url');
  const verifier = randomBytes(32).toString('base64url');
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const redirect = `http://127.0.0.1:${port}/cli/callback`;
  let came;
  const answer = new Promise((resolve) => (came = resolve));
  const server = createServer((request, reply) => {
    const url = new URL(request.url, redirect);
    reply.setHeader('content-type', 'text/plain');
    reply.end('You can close this window.');
    if (url.pathname === '/cli/callback') came(url.searchParams);
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: CLIENT,
    redirect_uri: redirect,
    state,
    code_challenge: challenge,
    code_challenge_method: 'S256',
  });
  return { url: `${world.issuer}/oauth2/v1/auth?${query}`, state, verifier, redirect, answer, close: () => server.close() };
}

async function signIn(page, name) {
  await page.fill('#username', world.users[name].login);
  await page.fill('#password', world.users[name].password);
  await page.click('button[type=submit]');
}

const heading = (page) => page.locator('h1').innerText();

test('an administrator installs, a person agrees, and the program gets its tokens', { skip }, async () => {
  const program = await waiting(12348);
  try {
    const admin = await browser.newPage({ viewport: DESK });
    const faults = [];
    admin.on('pageerror', (fault) => faults.push(`pageerror: ${fault}`));
    // What a page still loads when it is left is given up by the browser, and no fault.
    admin.on('requestfailed', (request) => {
      const cause = request.failure()?.errorText ?? '';
      if (cause !== 'net::ERR_ABORTED') faults.push(`${request.url()}: ${cause}`);
    });
    admin.on('console', (line) => line.type() === 'error' && !line.text().includes('status of 4') && faults.push(line.text()));
    await admin.goto(program.url);
    await photo(admin, 'sign-in');
    await photo(admin, 'sign-in-phone-dark', { size: PHONE, dark: true });
    await admin.goto(`${program.url}&lang=ja`);
    await photo(admin, 'sign-in-ja', { size: PHONE });
    await admin.goto(`${program.url}&lang=en`);
    await signIn(admin, 'alice');
    if ((await heading(admin)) === 'Official application authorization') {
      await photo(admin, 'admin-consent');
      await admin.click('button[value=allow]');
      await photo(admin, 'installed', { size: PHONE });
      assert.equal(await heading(admin), 'Installed');
    }
    await admin.goto(`${world.issuer}/apps/official-cli/assignments`);
    if (!(await admin.locator('td', { hasText: /^bob$/ }).count())) {
      await admin.fill('#identity', 'bob');
      await admin.click('button[value=assign]');
    }
    assert.equal(await admin.locator('td', { hasText: /^bob$/ }).count(), 1);
    await photo(admin, 'assignments-dark', { dark: true });
    assert.deepEqual(faults, []);

    const context = await browser.newContext({ viewport: DESK });
    const bob = await context.newPage();
    await bob.goto(program.url);
    await bob.fill('#username', world.users.bob.login);
    await bob.fill('#password', 'a guess');
    await bob.click('button[type=submit]');
    assert.match(await bob.locator('#problem').innerText(), /do not belong together/);
    await photo(bob, 'sign-in-wrong', { size: PHONE });
    await signIn(bob, 'bob');
    await photo(bob, 'consent');
    await photo(bob, 'consent-phone-dark', { size: PHONE, dark: true });
    await bob.click('button[value=allow]');
    const answer = await program.answer;
    assert.equal(answer.get('state'), program.state);
    assert.equal(answer.get('iss'), world.issuer);
    const tokens = await fetch(`${world.issuer}/v1/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: answer.get('code'),
        client_id: CLIENT,
        redirect_uri: program.redirect,
        code_verifier: program.verifier,
      }),
    });
    assert.equal(tokens.status, 200);
    assert.ok((await tokens.json()).refresh_token);
    await bob.goto(program.url);
    assert.match(await heading(bob), /Continue as bob@acme/);

    const cookies = await context.cookies();
    const ours = cookies.filter((cookie) => cookie.name.startsWith('tegata'));
    assert.equal(ours.length, 2);
    for (const cookie of ours) assert.ok(cookie.httpOnly && cookie.sameSite === 'Lax', cookie.name);
  } finally {
    program.close();
  }
});

test('whoever is not assigned, has a second factor, or switches roles', { skip }, async () => {
  const program = await waiting(12349);
  try {
    const dan = await (await browser.newContext({ viewport: DESK })).newPage();
    await dan.goto(program.url);
    await signIn(dan, 'dan');
    assert.equal(await heading(dan), 'You are not assigned');
    await photo(dan, 'not-assigned', { size: PHONE });

    const carol = await (await browser.newContext({ viewport: DESK })).newPage();
    await carol.goto(`${world.issuer}/signin`);
    await signIn(carol, 'carol');
    assert.equal(await heading(carol), 'One-time code');
    await photo(carol, 'one-time-code', { size: PHONE, dark: true });

    const bob = await (await browser.newContext({ viewport: DESK })).newPage();
    await bob.goto(`${world.issuer}/switch-role`);
    await signIn(bob, 'bob');
    await bob.fill('#role', 'app-uploader');
    await bob.click('main form:last-of-type button');
    assert.match(await bob.locator('dl').innerText(), /app-uploader/);
    await photo(bob, 'signed-in');
  } finally {
    program.close();
  }
});

test('a code is shown to be typed, to the one of several people who was chosen, and signing out ends all', { skip }, async () => {
  const challenge = createHash('sha256').update(randomBytes(32)).digest('base64url');
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'tegata-cli',
    redirect_uri: `${world.issuer}/oauth/code`,
    state: 'typed',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  });
  const context = await browser.newContext({ viewport: DESK });
  const page = await context.newPage();
  await page.goto(`${world.issuer}/signin`);
  await signIn(page, 'dan');
  await page.goto(`${world.issuer}/signin?step=somebody-else`);
  await signIn(page, 'bob');
  await page.goto(`${world.issuer}/oauth2/v1/auth?${query}`);
  assert.equal(await heading(page), 'Choose an account');
  // By keys alone: what is reached first is what is read first.
  const reached = [];
  for (let i = 0; i < 12; i += 1) {
    await page.keyboard.press('Tab');
    reached.push(await page.evaluate(() => document.activeElement?.value ?? document.activeElement?.textContent ?? ''));
  }
  assert.ok(reached.indexOf('bob@acme') < reached.indexOf('dan@acme'), reached.join(', '));
  await page.focus('button[value="bob@acme"]');
  await page.keyboard.press('Enter');
  await page.waitForURL(/chosen=/);
  await page.click('button[value=allow]');
  const code = await page.locator('code').first().innerText();
  assert.match(code, /^[B-Z]{4}(-[B-Z]{4}){3}$/);
  await photo(page, 'code');
  await photo(page, 'code-phone-dark', { size: PHONE, dark: true });
  await page.goto(`${page.url()}&lang=ja`);
  assert.equal(await page.locator('code').first().innerText(), code);
  await photo(page, 'code-ja', { size: PHONE });
  await page.goto(`${world.issuer}/signin?lang=en`);
  await page.click('form[action$=signout] button');
  for (const place of ['signin', 'switch-role', 'device', 'apps/official-cli/assignments']) {
    await page.goto(`${world.issuer}/${place}`);
    assert.equal(await heading(page), 'Sign in', place);
  }
});

test('a page of another site can neither frame nor post our pages', { skip }, async () => {
  const evil = createServer((request, reply) => {
    reply.setHeader('content-type', 'text/html');
    reply.end(`<iframe src="${world.issuer}/signin"></iframe>
      <form id=f method=post action="${world.issuer}/signin"><input name=username value=alice@acme><input name=password value=x></form>`);
  });
  await new Promise((resolve) => evil.listen(0, '127.0.0.1', resolve));
  try {
    const page = await (await browser.newContext()).newPage();
    await page.goto(`http://127.0.0.1:${evil.address().port}/`);
    const framed = await page.frames()[1]?.content().catch(() => '');
    assert.ok(!framed?.includes('name="password"'));
    const [reply] = await Promise.all([page.waitForNavigation(), page.evaluate(() => document.getElementById('f').submit())]);
    assert.equal(reply.status(), 403);
  } finally {
    evil.close();
  }
});
