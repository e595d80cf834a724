'use strict';
// A person at a browser without any script: cookies, forms by their field names, and redirects that are seen before they are followed.

const assert = require('node:assert/strict');

const { ready } = require('./support');

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', '#34': '"', '#39': "'", '#x27': "'", '#38': '&', '#60': '<', '#62': '>' };
const unescaped = (text) => text.replace(/&(#?\w+);/g, (whole, name) => ENTITIES[name] ?? whole);

class Browser {
  constructor() {
    this.cookies = new Map();
    this.url = null;
    this.page = '';
    this.status = 0;
    this.leftFor = null;
  }

  async get(url) {
    return this.#go(url, {});
  }

  /** Sends the first form of the page that has all of these fields, or buttons of these names. */
  async submit(fields) {
    for (const [, attributes, inner] of this.page.matchAll(/<form([^>]*)>([\s\S]*?)<\/form>/g)) {
      const names = new Set([...inner.matchAll(/name="([^"]+)"/g)].map((found) => found[1]));
      if (!Object.keys(fields).every((name) => names.has(name))) continue;
      const action = attributes.match(/action="([^"]*)"/);
      const url = action ? new URL(unescaped(action[1]), this.url).href : this.url;
      const hidden = [...inner.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
      const form = { ...Object.fromEntries(hidden.map(([, name, value]) => [name, unescaped(value)])), ...fields };
      return this.#go(url, { method: 'POST', body: new URLSearchParams(form), headers: { origin: new URL(url).origin } });
    }
    return assert.fail(`no form with ${Object.keys(fields)}: ${this.title()}`);
  }

  async signIn(name) {
    return this.submit({ username: ready.users[name].login, password: ready.users[name].password });
  }

  title() {
    return unescaped((this.page.match(/<h1[^>]*>([\s\S]*?)<\/h1>/)?.[1] ?? '').replace(/<[^>]+>/g, '')).trim();
  }

  async #go(target, options) {
    this.leftFor = null;
    let [url, init] = [target, options];
    for (;;) {
      const cookie = [...this.cookies].map((pair) => pair.join('=')).join('; ');
      const reply = await fetch(url, { ...init, redirect: 'manual', headers: { ...init.headers, cookie } });
      for (const line of reply.headers.getSetCookie()) {
        const [name, value] = line.split(';')[0].split(/=(.*)/s);
        if (value) this.cookies.set(name, value);
        else this.cookies.delete(name);
      }
      const location = reply.headers.get('location');
      if (!location) {
        [this.url, this.status, this.page] = [url, reply.status, await reply.text()];
        return this;
      }
      const next = new URL(location, url);
      if (next.origin !== new URL(url).origin) {
        this.leftFor = next.href;
        return this;
      }
      [url, init] = [next.href, {}];
    }
  }
}

/** The administrator has installed the command line and assigned this person. */
async function install(name) {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: '4038181954557748008',
    redirect_uri: 'http://127.0.0.1:12345/cli/callback',
    state: 's',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  });
  const alice = await new Browser().get(`${ready.issuer}/oauth2/v1/auth?${query}`);
  await alice.signIn('alice');
  if (alice.title() === 'Official application authorization') await alice.submit({ decision: 'allow' });
  await alice.get(`${ready.issuer}/apps/official-cli/assignments`);
  if (!alice.page.includes(`>${name}<`)) await alice.submit({ identity_type: 'user', identity: name });
  assert.ok(alice.page.includes(`>${name}<`));
}

module.exports = { Browser, install };
