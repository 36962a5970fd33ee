// Without JavaScript everything works but comfort: an operator's and a partner's whole work, by links and forms alone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive, fact, follow, look, openPage, press, row, signedIn, told } from './support/browser.mjs';
import { token } from './support/house.mjs';
import { stage } from './support/stage.mjs';

const orders = 'https://orders.example.com/';
const unscripted = { javaScriptEnabled: false };
const shop = { client_id: 'shop' };
const { browser, house, page } = await stage({ as: 'operator', options: unscripted });

test('an operator makes an API, a client with a link, and a grant', async () => {
  await page.getByRole('link', { name: 'APIs' }).first().click();
  await follow(page, 'New API');
  await page.getByLabel('Identifier').fill(orders);
  await page.getByLabel('Name').fill('Orders');
  await page.getByLabel('Scope 1', { exact: true }).fill('read:orders');
  await press(page, 'More rows for scopes');
  assert.equal(await page.getByLabel('Scope 1', { exact: true }).inputValue(), 'read:orders');
  await press(page, 'Create the API');
  await told(page, 'The API is there.');
  await arrive(page, 'Orders');

  await page.getByRole('link', { name: 'Clients' }).first().click();
  await follow(page, 'New client');
  await page.getByLabel('Client id').fill('shop');
  await page.getByLabel('Name', { exact: true }).fill('Shop');
  await page.getByLabel('Make a link').check();
  await press(page, 'Create client');
  await arrive(page, 'Shop');
  shop.link = await page.locator('#link').textContent();
  await follow(page, 'Next: grant it an API');
  await page.getByLabel('Orders').check();
  await press(page, 'Next: its scopes');
  await page.getByLabel('read:orders').check();
  await press(page, 'Grant');
  await told(page, 'The API is granted.');
  await arrive(page, 'Shop');
  assert.equal(await page.getByRole('button', { name: 'Copy' }).count(), 0, 'what needs a script is not offered');
  assert.match(await fact(page, 'Created').textContent(), /UTC/);
});

test('a partner picks up its secret, tries a token, and replaces the secret', async () => {
  const partner = await openPage(browser, unscripted);
  const tab = (name) => partner.getByRole('navigation', { name: 'Your client' }).getByRole('link', { name }).click();
  await partner.goto(shop.link);
  await press(partner, 'Show me the secret');
  await arrive(partner, 'Your secret');
  shop.client_secret = await partner.locator('#secret').textContent();
  assert.equal((await token(house.issuer, shop, orders)).scope, 'read:orders');
  await follow(partner, 'I have kept it: open my page');
  await arrive(partner, 'Shop');
  await tab('Try a token');
  await press(partner, 'Get a token');
  await partner.getByText('The API would accept it.').waitFor();
  await look(partner);
  await tab('Code to paste');
  await follow(partner, 'Rust');
  await partner.getByLabel('Rust', { exact: true }).waitFor();
  await look(partner);
  await tab('Secrets and keys');
  await partner.getByLabel('1 hour').check();
  await press(partner, 'Show me a new secret');
  await arrive(partner, 'Your new secret');
  shop.client_secret = await partner.locator('#secret').textContent();
  assert.equal((await token(house.issuer, shop, orders)).status, 200);
  await press(partner, 'Sign out');
  await arrive(partner, 'Sign in');
  await partner.context().close();
});

test('lists are searched and filtered, and a request is explained', async () => {
  await page.goto(`${house.issuer}console/clients`);
  await page.getByLabel('Client id or name').fill('sho');
  await press(page, 'Search');
  await page.waitForURL(/q=sho/);
  assert.equal(await page.getByRole('region', { name: 'Clients' }).getByRole('row').count(), 2);
  await page.goto(`${house.issuer}console/audit`);
  await page.getByLabel('Kind of object').selectOption({ label: 'Client' });
  await press(page, 'Filter');
  await page.getByRole('link', { name: 'Show everything' }).first().waitFor();
  await page.getByRole('main').locator('li[id^=event-] summary').first().click();
  await look(page);
  await page.goto(`${house.issuer}console/explain`);
  await page.getByLabel('Client id').fill('shop');
  await page.getByLabel('Audience', { exact: false }).first().fill(orders);
  await press(page, 'Explain');
  await page.getByRole('heading', { name: 'A token is issued' }).waitFor();
  await look(page);
});

test('the start page is reloaded by a link, and the menu of a phone opens', async () => {
  await page.goto(`${house.issuer}console/overview`);
  await arrive(page, 'Overview');
  await page.getByRole('link', { name: 'Reload' }).click();
  await row(page, 'Busiest clients', 'shop').waitFor();
  assert.equal(await page.getByText('It refreshes itself').isVisible(), false);
  const phone = await signedIn(browser, house.issuer, house.management, { ...unscripted, viewport: { width: 360, height: 740 } });
  await press(phone, 'Menu');
  await phone.getByRole('link', { name: 'Signing keys' }).first().click();
  await arrive(phone, 'Signing keys');
  await phone.context().close();
});

test('an operator rotates a secret', async () => {
  await page.goto(`${house.issuer}console/clients/shop`);
  await follow(page, 'Rotate');
  await arrive(page, 'Rotate the secret');
  await page.getByLabel('They work on for').fill('2');
  await page.getByLabel('Counted in').selectOption('hours');
  await page.getByLabel('Label of the new secret').fill('rotated');
  await press(page, 'Make the new secret');
  await page.getByText('Shown once.').waitFor();
  await look(page);
  const rotated = { ...shop, client_secret: await page.locator('#secret').textContent() };
  for (const client of [shop, rotated]) assert.equal((await token(house.issuer, client, orders)).status, 200);
  await page.goto(`${house.issuer}console/clients/shop`);
  await row(page, 'Secrets', 'rotated').waitFor();
  await row(page, 'Secrets', 'in 2 hours').first().waitFor();
});

test('secrets, keys and the document go their whole way', async () => {
  await page.goto(`${house.issuer}console/clients/shop/secrets/new`);
  await page.getByLabel('Generate it').check();
  await page.getByLabel('It does not').check();
  await house.pass(5 * 60 + 1);
  await press(page, 'Add the secret');
  await arrive(page, 'Prove who you are once more');
  await page.getByLabel('Client secret').fill(house.management.client_secret);
  await press(page, 'Go on');
  await page.getByText('Shown once.').waitFor();
  await page.goto(`${house.issuer}console/document`);
  assert.equal(await page.getByLabel('Or read it from a file').isVisible(), false);
  await page.getByLabel('The document', { exact: true }).fill('clients: [{ client_id: shop, name: Another shop }]');
  await press(page, 'Show the plan');
  await arrive(page, 'What would be done');
  await press(page, 'Apply, and delete');
  await arrive(page, 'It is done');
  await page.goto(`${house.issuer}console/clients/shop/delete`);
  await press(page, 'Delete it for good');
  await told(page, 'The client is deleted');
});

test('an operator signs out, and Back shows nothing more', async () => {
  await page.goto(`${house.issuer}console/clients`);
  await arrive(page, 'Clients');
  await press(page, 'Sign out');
  await arrive(page, 'Sign in');
  assert.deepEqual(await page.context().cookies(), []);
  await page.goBack();
  await arrive(page, 'Sign in');
});
