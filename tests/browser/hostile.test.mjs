// Whatever somebody calls a thing, every page shows it as the text that it is: nothing runs, and no form breaks.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { look, open, press, signedIn } from './support/browser.mjs';
import { dev, token } from './support/house.mjs';

const hostile = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(2)>',
  "' autofocus onfocus='alert(3)",
  '</textarea></title></style><svg onload=alert(4)>',
  'javascript:alert(5)',
  '{{ 7 * 7 }} ${7 * 7} {% raw %}',
  '&lt;b&gt; &#60;i&#62;',
  // From here on the text runs from right to left.
  'invoice \u202Egnp.exe',
].join(' ');
// What the grammars of identifiers and scopes let through: no spaces, quotes and backslashes.
const identifier = "javascript:alert(6)//<svg/onload=alert(7)>'onfocus=alert(8)&lt;{{7*7}}";
const scope = "<svg/onload=alert(9)>'onfocus=alert(10)&lt;{{7*7}}";
const kid = '<svg/onload=alert(11)>{{7*7}}';
const target = { client_id: 'target', client_secret: 'a secret of the target' };

let browser;
let house;
let page;
let api;
let client;
before(async () => {
  [browser, house] = await Promise.all([open(), dev()]);
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await house.apply({
    apis: [{ identifier, name: hostile, scopes: [{ value: scope, description: hostile }], token_lifetime: 3600 }],
    clients: [{
      client_id: 'target',
      name: hostile,
      secrets: [{ value: target.client_secret, label: hostile, expires_at: new Date(Date.now() + 5 * 86_400_000).toISOString() }],
      jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256' }] },
      grants: [{ audience: identifier, scope: [scope] }],
      claims: { [hostile]: hostile, html: '<script>alert(12)</script>' },
    }],
  });
  await token(house.issuer, target, identifier);
  page = await signedIn(browser, house.issuer, house.management);
  api = await hrefOf('apis', /\/apis\/[0-9a-f-]+$/, hostile);
  client = `${house.issuer}console/clients/target`;
});
after(async () => { await browser.close(); await house.stop(); });

async function hrefOf(section, pattern, name) {
  await page.goto(`${house.issuer}console/${section}`);
  const link = page.getByRole('main').getByRole('link', { name: name.trim(), exact: true });
  const href = new URL(await link.getAttribute('href'), house.issuer).href;
  assert.match(href, pattern);
  return href;
}

/// The page has no element, no handler and no address that the texts would have made, and shows `texts`.
async function isHarmless(within, texts) {
  const found = await within.evaluate(() => ({
    scripts: document.querySelectorAll('script:not([src^="/console/assets/"])').length,
    foreign: document.querySelectorAll('main :is(img, iframe, object, embed, style, base), svg[onload]').length,
    handlers: [...document.querySelectorAll('*')].flatMap((element) => element.getAttributeNames()).filter((name) => /^on/i.test(name)).length,
    addresses: [...document.querySelectorAll('a[href], form[action], button[formaction]')].filter((element) => /^\s*javascript:/i.test(element.href ?? element.action)).length,
  }));
  assert.deepEqual(found, { scripts: 0, foreign: 0, handlers: 0, addresses: 0 }, within.url());
  const shown = await within.evaluate(() => {
    const fields = [...document.querySelectorAll('input, textarea, option')].map((field) => field.value);
    return [document.body.textContent, ...fields].join('\n');
  });
  for (const text of texts) assert.ok(shown.includes(text), `${within.url()} does not show ${text}`);
  await look(within);
}

async function seen(address, texts) {
  await page.goto(address);
  await page.evaluate(() => { for (const closed of document.querySelectorAll('details')) closed.open = true; });
  await isHarmless(page, texts);
}

test('the pages of a client show its texts as texts', async () => {
  await seen(`${house.issuer}console/clients`, [hostile]);
  await seen(client, [hostile, identifier, scope, kid]);
  await seen(`${client}/edit`, [hostile, identifier]);
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), hostile);
  for (const step of ['state', 'delete', 'grants/new', 'secrets/new', 'secrets/rotate', 'keys/new', 'claim-link']) {
    await seen(`${client}/${step}`, [hostile]);
  }
});

test('the pages of its grants, secrets and keys do so, too', async () => {
  await page.goto(client);
  const links = await page.getByRole('main').locator('a[href*="/target/"]').evaluateAll((found) => found.map(({ href }) => href));
  const deeper = links.filter((href) => /\/(grants|secrets|keys)\/[0-9a-f-]{36}/.test(href));
  assert.equal(deeper.length, 5, deeper.join());
  for (const href of deeper) await seen(href, href.includes('/keys/') ? [kid] : [hostile]);
});

test('the pages of an API show its texts as texts', async () => {
  await seen(`${house.issuer}console/apis`, [hostile, identifier]);
  await seen(api, [hostile, identifier, scope]);
  await seen(`${api}/edit`, [hostile, scope]);
  await seen(`${api}/delete`, [hostile]);
  await page.goto(`${api}/edit`);
  await page.getByLabel(/^Remove scope/).first().check();
  await press(page, 'Save');
  await page.getByRole('heading', { name: /^Remove scopes/ }).waitFor();
  await isHarmless(page, [scope, hostile]);
});

test('the start page, the audit log, and the explanations show them as texts', async () => {
  await seen(`${house.issuer}console/overview`, [hostile]);
  await seen(`${house.issuer}console/audit`, [hostile, scope, identifier]);
  const asked = new URLSearchParams({ client_id: 'target', audience: identifier, scope });
  await seen(`${house.issuer}console/explain?${asked}`, [identifier, scope]);
  const refused = new URLSearchParams({ client_id: hostile, audience: hostile, scope: hostile });
  await seen(`${house.issuer}console/explain?${refused}`, [hostile]);
  await seen(`${house.issuer}console/clients?${new URLSearchParams({ q: hostile, state: hostile })}`, [hostile]);
  await seen(`${house.issuer}console/apis?${new URLSearchParams({ q: hostile })}`, [hostile]);
  await seen(`${house.issuer}console/audit?${new URLSearchParams({ object_id: hostile, actor: hostile, since: hostile, object_kind: hostile })}`, [hostile]);
  await seen(`${house.issuer}console/clients/${encodeURIComponent(hostile)}`, []);
  await seen(`${house.issuer}console/overview?${new URLSearchParams({ done: hostile, refresh: hostile })}`, []);
});

test('a document with such texts is planned, refused and exported as text', async () => {
  const document = JSON.stringify({ clients: [{ client_id: 'further', name: hostile, grants: [{ audience: identifier, scope: [scope] }] }] });
  await page.goto(`${house.issuer}console/document`);
  const pasted = page.getByLabel('The document', { exact: true });
  await pasted.fill(document);
  await press(page, 'Show the plan');
  await page.getByRole('heading', { name: 'What would be done' }).waitFor();
  await isHarmless(page, [identifier, document]);
  await press(page, 'Change the document');
  assert.equal(await pasted.inputValue(), document);
  const mistaken = `${hostile}\n: [</textarea>\n`;
  await pasted.fill(mistaken);
  await press(page, 'Show the plan');
  await page.getByRole('alert').waitFor();
  await isHarmless(page, [hostile]);
  assert.equal(await pasted.inputValue(), mistaken);
  await pasted.fill(JSON.stringify({ [hostile]: 1 }));
  await press(page, 'Show the plan');
  await page.getByRole('alert').waitFor();
  await isHarmless(page, []);
});

test('a form with a mistake shows again what was typed, as text', async () => {
  await page.goto(`${house.issuer}console/clients/new`);
  const typed = { 'Client id': hostile, 'Per hour': hostile, 'Claims for its tokens': `${hostile}\n</textarea>`, 'The link works for': hostile };
  for (const [label, value] of Object.entries(typed)) await page.getByLabel(label).fill(value);
  await page.getByLabel('Name', { exact: true }).fill(hostile);
  await press(page, 'Create client');
  await page.getByRole('alert').waitFor();
  for (const [label, value] of Object.entries(typed)) assert.equal(await page.getByLabel(label).inputValue(), value, label);
  await isHarmless(page, [hostile]);
  await page.goto(`${house.issuer}console/apis/new`);
  await page.getByLabel('Identifier').fill(hostile);
  await page.getByLabel('Scope 1', { exact: true }).fill(hostile);
  await page.getByLabel('What scope 1 allows').fill(hostile);
  await press(page, 'Create the API');
  await page.getByRole('alert').waitFor();
  assert.equal(await page.getByLabel('Scope 1', { exact: true }).inputValue(), hostile);
  await isHarmless(page, [hostile]);
});

test('a partner with such a name reads it as text, also in the programs', async () => {
  const partner = await signedIn(browser, house.issuer, target);
  for (const path of ['own', 'own/token', 'own/code', 'own/secrets']) {
    await partner.goto(`${house.issuer}console/${path}`);
    await isHarmless(partner, [hostile]);
  }
  await partner.goto(`${house.issuer}console/own/token`);
  await partner.getByLabel('Another scope').fill(hostile);
  await press(partner, 'Get a token');
  await partner.getByText('The token endpoint refuses this.').waitFor();
  await isHarmless(partner, [hostile]);
  const { access_token: forged } = await house.control('POST', 'tokens', {
    audience: identifier, scope, header: { [hostile]: hostile }, claims: { [hostile]: hostile, client_id: hostile, sub: hostile },
  });
  for (const pasted of [forged, hostile]) {
    await partner.getByLabel('Token', { exact: true }).fill(pasted);
    await press(partner, 'Check it');
    await partner.getByRole('heading', { name: 'The token that you pasted' }).waitFor();
    await isHarmless(partner, []);
  }
  await partner.goto(`${house.issuer}console/own/secrets`);
  await partner.getByLabel('Label').fill(hostile);
  await partner.getByLabel('1 hour').check();
  await press(partner, 'Show me a new secret');
  await partner.getByText('Shown once.').waitFor();
  await isHarmless(partner, []);
  await partner.context().close();
});

test('a link with such texts is looked at and claimed as text', async () => {
  await page.goto(`${client}/claim-link`);
  await page.getByLabel('Label of the secret').fill(hostile);
  await press(page, 'Make the link');
  await page.getByText('Shown once.').waitFor();
  await isHarmless(page, [hostile]);
  const link = await page.locator('#link').textContent();
  await seen(link, [hostile]);
  await press(page, 'Show me the secret');
  await page.getByRole('heading', { name: 'Your secret' }).waitFor();
  await isHarmless(page, []);
  await seen(`${house.issuer}console/claim?${new URLSearchParams({ link: hostile })}`, []);
  await seen(`${house.issuer}console/sign-in?${new URLSearchParams({ next: `javascript:${hostile}` })}`, []);
});
