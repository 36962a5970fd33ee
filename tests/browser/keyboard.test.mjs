// Everything is done with keys alone: where one is, is seen, and nothing is lost when a part of a page is fetched.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive, look, openPage, press, signedIn } from './support/browser.mjs';
import { token } from './support/house.mjs';
import { stage } from './support/stage.mjs';

const audience = 'https://api.example.com/';
const { browser, house } = await stage();

const focused = (page) => page.evaluate(() => {
  const { activeElement: element } = document;
  const label = element.labels?.[0]?.textContent ?? element.getAttribute('aria-label') ?? element.textContent;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  return {
    tag: element.localName,
    role: element.getAttribute('role'),
    name: label.trim().replace(/\s+/g, ' '),
    isSeen: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
  };
});

/// Presses Tab until `name` has the focus. On the way everything that has it is seen to have it.
async function tabTo(page, name) {
  for (let steps = 0; steps < 80; steps += 1) {
    await page.keyboard.press('Tab');
    const at = await focused(page);
    assert.ok(at.tag === 'body' || at.isSeen, `${page.url()}: the focus on ${at.tag} ${at.name} is not seen`);
    if (name instanceof RegExp ? name.test(at.name) : at.name === name) return;
  }
  assert.fail(`${page.url()}: no way to ${name}`);
}

async function typeInto(page, name, text) {
  await tabTo(page, name);
  await page.keyboard.insertText(text);
}

test('an operator signs in, makes a client, and copies its secret with keys alone', async () => {
  const page = await openPage(browser, { permissions: ['clipboard-read', 'clipboard-write'] });
  await page.goto(`${house.issuer}console/clients`);
  await typeInto(page, 'Client id', house.management.client_id);
  await typeInto(page, 'Client secret', house.management.client_secret);
  await page.keyboard.press('Enter');
  await arrive(page, 'Clients');
  await tabTo(page, 'New client');
  await page.keyboard.press('Enter');
  await arrive(page, 'New client');
  await typeInto(page, /^Client id/, 'with-keys');
  await typeInto(page, 'Name', 'Made with keys');
  await typeInto(page, /^Per hour/, 'many');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').waitFor();

  // The mistake is where the focus is, and leads to its field.
  assert.equal((await focused(page)).role, 'alert');
  await look(page);
  await tabTo(page, /whole number|tokens/);
  await page.keyboard.press('Enter');
  assert.match((await focused(page)).name, /^Per hour/);
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.insertText('100');
  await tabTo(page, /^Make it now/);
  await page.keyboard.press('Space');
  await tabTo(page, 'Create client');
  await page.keyboard.press('Enter');
  await arrive(page, 'Made with keys');
  await tabTo(page, 'Copy');
  await page.keyboard.press('Enter');
  await page.locator('#said').getByText('Copied').waitFor({ state: 'attached' });
  const secret = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal((await token(house.issuer, { client_id: 'with-keys', client_secret: secret }, audience)).error, 'invalid_target');
  await page.context().close();
});

test('the first thing on a page leads past the navigation, which has landmarks', async () => {
  const page = await signedIn(browser, house.issuer, house.management);
  for (const path of ['overview', 'clients', 'clients/partner-a', 'apis', 'keys', 'audit', 'explain', 'document', 'own']) {
    await page.goto(`${house.issuer}console/${path}`);
    await page.keyboard.press('Tab');
    const first = await focused(page);
    assert.equal(first.name, 'Skip to the content');
    assert.ok(await page.getByRole('link', { name: 'Skip to the content' }).evaluate((link) => link.getBoundingClientRect().top >= 0), 'it is seen');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
    await page.keyboard.press('Tab');
    const isInContent = await page.evaluate(() => document.getElementById('main').contains(document.activeElement));
    assert.ok(isInContent, `${path}: what comes next is in the content`);
    for (const landmark of ['banner', 'main', 'contentinfo']) assert.equal(await page.getByRole(landmark).count(), 1, `${path}: ${landmark}`);
    const sections = page.getByRole('navigation', { name: 'Sections' });
    assert.equal(await sections.locator('[aria-current=page]').count(), 1, path);
    const levels = await page.locator('h1, h2, h3, h4').evaluateAll(
      (found) => found.filter((heading) => heading.checkVisibility()).map(({ localName }) => Number(localName[1])),
    );
    assert.equal(levels[0], 1, path);
    for (const [place, level] of levels.entries()) {
      assert.ok(place === 0 || level <= levels[place - 1] + 1, `${path}: h${levels[place - 1]} is followed by h${level}`);
    }
  }
  await page.context().close();
});

test('whoever types into a search keeps the focus and the place in the text', async () => {
  const page = await signedIn(browser, house.issuer, house.management);
  await page.goto(`${house.issuer}console/clients`);
  await tabTo(page, /^Client id or name/);
  await page.keyboard.type('partner-', { delay: 20 });
  await page.getByRole('link', { name: 'Management' }).waitFor({ state: 'detached' });
  await page.keyboard.type('b', { delay: 20 });
  await page.getByRole('link', { name: 'Partner A' }).waitFor({ state: 'detached' });
  assert.match((await focused(page)).name, /^Client id or name/);
  assert.equal(await page.getByLabel('Client id or name').inputValue(), 'partner-b');
  assert.match(page.url(), /q=partner-b/);
  await look(page);
  await page.context().close();
});

test('an error beside a field is read with it', async () => {
  const page = await signedIn(browser, house.issuer, house.management);
  await page.goto(`${house.issuer}console/apis/new`);
  await page.getByLabel('Identifier').fill('https://orders.example.com/#part');
  await press(page, 'Create the API');
  await page.getByRole('alert').waitFor();
  const identifier = page.getByLabel('Identifier');
  assert.equal(await identifier.getAttribute('aria-invalid'), 'true');
  const described = (await identifier.getAttribute('aria-describedby')).split(' ');
  assert.match(await page.locator(`[id="${described[0]}"]`).textContent(), /^Error: /);
  assert.equal((await focused(page)).role, 'alert');
  await page.context().close();
});

test('a menu on a phone is opened and closed with keys', async () => {
  const page = await signedIn(browser, house.issuer, house.management, { viewport: { width: 360, height: 740 } });
  await tabTo(page, 'Menu');
  await page.keyboard.press('Enter');
  await tabTo(page, 'Clients');
  await page.keyboard.press('Escape');
  assert.equal((await focused(page)).name, 'Menu');
  await page.keyboard.press('Enter');
  await tabTo(page, 'Audit log');
  await page.keyboard.press('Enter');
  await arrive(page, 'Audit log');
  await page.context().close();
});
