// The console as people have set their machines: light, dark, on a phone, in their own zone, without motion. And what its script adds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive, look, openPage, press, signIn, signedIn } from './support/browser.mjs';
import { token } from './support/house.mjs';
import { stage } from './support/stage.mjs';

const audience = 'https://api.example.com/';
const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
const { browser, house } = await stage({
  prepare: async ({ issuer, partner }) => {
    await token(issuer, partner, audience);
    await token(issuer, partner, audience, partner.ungranted_scope);
  },
});

const currentKey = async () => (await (await fetch(house.jwks_uri)).json()).keys[0].kid;
const mainPages = (kid) => [
  'overview', 'clients', 'clients/new', 'clients/partner-a', 'clients/partner-a/edit', 'clients/partner-a/grants/new',
  'clients/partner-a/secrets/new', 'clients/partner-a/secrets/rotate', 'clients/partner-a/claim-link', 'clients/partner-a/delete', 'apis',
  'apis/new', 'keys', 'keys/rotate/RS256', `keys/${kid}`, `keys/${kid}/revoke`, 'audit', 'explain',
  `explain?client_id=partner-a&audience=${encodeURIComponent(audience)}&scope=delete:users`, 'document', 'own',
];
const partnerPages = ['own', 'own/token', 'own/code', 'own/secrets'];

/// Is its text dark, as on a light page? What is behind it may be transparent, and then has no colour of its own.
const isLight = (page) => page.evaluate(() => {
  const [red, green, blue] = getComputedStyle(document.body).color.match(/\d+/g).map(Number);
  return (red + green + blue) / 3 < 128;
});

const setting = {
  'in light': { colorScheme: 'light' },
  'in dark': { colorScheme: 'dark' },
  'on a phone of 360 px': { ...phone, colorScheme: 'light' },
};
for (const [name, options] of Object.entries(setting)) {
  test(`every main page is whole and legible ${name}`, async () => {
    const [operator, partner] = await Promise.all([
      signedIn(browser, house.issuer, house.management, options), signedIn(browser, house.issuer, house.partner, options),
    ]);
    const visit = async (page, paths) => {
      for (const path of paths) {
        await page.goto(`${house.issuer}console/${path}`);
        await look(page);
      }
      assert.equal(await isLight(page), options.colorScheme === 'light');
      await page.context().close();
    };
    await Promise.all([visit(operator, mainPages(await currentKey())), visit(partner, partnerPages)]);
  });
}

test('on a phone the menu opens and leads everywhere, and a table is a list of cards', async () => {
  const page = await signedIn(browser, house.issuer, house.management, phone);
  await press(page, 'Menu');
  await look(page);
  await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Clients' }).click();
  await page.getByRole('heading', { level: 1, name: 'Clients' }).waitFor();
  const cell = page.locator('td[data-label="State"]').first();
  assert.equal(await cell.evaluate((found) => getComputedStyle(found, '::before').content), '"State"');
  await press(page, 'Menu');
  await press(page, 'Sign out');
  await page.getByLabel('Client secret').waitFor();
  await look(page);
  await page.context().close();
});

test('times are in the zone of the reader, with UTC where one points', async () => {
  const page = await signedIn(browser, house.issuer, house.management, { timezoneId: 'Asia/Kolkata', locale: 'de-DE' });
  await page.goto(`${house.issuer}console/clients/partner-a`);
  await page.getByText('Times are in your zone, Asia/').waitFor();
  const described = (found) => found.map(({ dateTime, title, textContent }) => ({ dateTime, title, textContent }));
  const times = await page.locator('time').evaluateAll(described);
  assert.ok(times.length > 3);
  const written = (at) => at.toISOString().slice(0, 16).replace('T', ' ');
  for (const { dateTime, title, textContent } of times) {
    const at = new Date(dateTime);
    assert.equal(title, `${written(at)} UTC`);
    assert.equal(textContent, written(new Date(at.getTime() + 330 * 60_000)));
  }
  await page.goto(`${house.issuer}console/clients`);
  await page.getByLabel('Client id or name').fill('partner-a');
  await page.getByRole('link', { name: 'Partner B' }).waitFor({ state: 'detached' });
  await page.locator('#results time[title$="UTC"]').first().waitFor();
  await look(page);
  await page.context().close();
});

test('a copy button copies what stands beside it, and says so', async () => {
  const page = await openPage(browser, { permissions: ['clipboard-read', 'clipboard-write'] });
  await signIn(page, house.issuer, house.management);
  const copied = async (source, button) => {
    const text = await source.textContent();
    await button.click();
    await page.locator('#said').getByText('Copied').waitFor({ state: 'attached' });
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), text);
    await button.getByText('Copied').waitFor();
    return text;
  };
  await page.goto(`${house.issuer}console/clients/partner-b/secrets/rotate`);
  await press(page, 'Make the new secret');
  await page.getByText('Shown once.').waitFor();
  const secret = await copied(page.locator('#secret'), page.locator('.secret-box').getByRole('button'));
  assert.equal((await token(house.issuer, { client_id: 'partner-b', client_secret: secret }, audience)).status, 200);
  await look(page);
  await page.getByRole('button', { name: 'Copy' }).nth(1).waitFor();
  const kid = await currentKey();
  await page.goto(`${house.issuer}console/keys/${kid}`);
  const jwk = page.getByLabel('The public key as a JWK');
  assert.equal(JSON.parse(await copied(jwk, page.locator('.snippet', { has: jwk }).getByRole('button'))).kid, kid);
  await page.context().close();
});

test('a double click on the button that makes a secret makes one', async () => {
  const page = await signedIn(browser, house.issuer, house.management);
  const secrets = async () => {
    await page.goto(`${house.issuer}console/clients/partner-a`);
    return page.getByRole('region', { name: 'Secrets', exact: true }).locator('tbody tr').count();
  };
  const before = await secrets();
  await page.goto(`${house.issuer}console/clients/partner-a/secrets/new`);
  await page.getByLabel('Label').fill('clicked twice');
  let sent = 0;
  page.on('request', (request) => { if (request.method() === 'POST') sent += 1; });
  await page.getByRole('button', { name: 'Add the secret' }).dblclick();
  await page.getByText('Shown once.').waitFor();
  const secret = await page.locator('#secret').textContent();
  assert.equal((await token(house.issuer, { client_id: 'partner-a', client_secret: secret }, audience)).status, 200);
  assert.equal(sent, 1);
  await look(page);
  assert.equal(await secrets(), before + 1);
  await page.context().close();
});

test('the session goes on under whoever types, and does not under whoever only looks', async () => {
  const page = await openPage(browser);
  await page.clock.install();
  await signIn(page, house.issuer, house.management);
  await page.goto(`${house.issuer}console/document`);
  const field = page.getByLabel('The document', { exact: true });
  let asked = 0;
  page.on('request', (request) => { if (request.method() === 'HEAD') asked += 1; });
  const pass = async (minutes) => {
    await page.clock.fastForward(minutes * 60_000);
    await house.pass(minutes * 60);
  };
  const type = (text) => field.pressSequentially(text);
  await type('clients:');
  assert.equal(asked, 0, 'the page itself has just been asked for');
  await pass(10);
  assert.equal(asked, 0, 'nobody types');
  const answered = page.waitForResponse((answer) => answer.request().method() === 'HEAD');
  await type(' [{ client_id');
  assert.equal((await answered).status(), 200);
  assert.equal((await answered).url(), page.url());
  assert.equal(asked, 1, 'once for all that is typed within minutes');

  // Since the page was loaded that is longer than a session lasts in which nothing is asked for.
  await pass(10);
  await type(': late-shop }]');
  await press(page, 'Show the plan');
  await arrive(page, 'What would be done');

  await page.goto(`${house.issuer}console/document`);
  await pass(16);
  await page.reload();
  await arrive(page, 'Sign in');
  assert.equal(asked, 2, 'each time that somebody typed after a while, and no more');
  await page.context().close();
  await house.control('PUT', 'clock', { now: null });
});

test('nothing moves for whoever wants no motion', async () => {
  for (const [reducedMotion, moves] of [['reduce', false], ['no-preference', true]]) {
    const page = await signedIn(browser, house.issuer, house.management, { reducedMotion });
    const moving = await page.evaluate(() => [...document.querySelectorAll('*')].filter((element) => {
      const { transitionDuration, animationName } = getComputedStyle(element);
      return transitionDuration !== '0s' || animationName !== 'none';
    }).length);
    assert.equal(moving > 0, moves);
    await look(page);
    await page.context().close();
  }
});
