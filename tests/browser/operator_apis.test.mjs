// An operator's work with APIs and their scopes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive, fact, follow, look, press, row, told } from './support/browser.mjs';
import { token } from './support/house.mjs';
import { stage } from './support/stage.mjs';

const { house, page } = await stage({ as: 'operator' });

test('an API is made with its scopes, and what is wrong with one stands beside it', async () => {
  await page.goto(`${house.issuer}console/apis`);
  await look(page);
  await follow(page, 'New API');
  await arrive(page, 'New API');
  await page.getByLabel('Identifier').fill('https://orders.example.com/');
  await page.getByLabel('Name').fill('Orders');
  await page.getByLabel('Token lifetime', { exact: false }).first().fill('2');
  await page.getByLabel('Unit of the token lifetime').selectOption('hours');
  await page.getByLabel('Scope 1', { exact: true }).fill('read orders');
  await page.getByLabel('What scope 1 allows').fill('Read all orders');
  await press(page, 'Create the API');
  await page.getByRole('alert').waitFor();
  await look(page);
  assert.equal(await page.getByLabel('Scope 1', { exact: true }).inputValue(), 'read orders');
  assert.equal(await page.getByLabel('What scope 1 allows').inputValue(), 'Read all orders');
  await page.getByLabel('Scope 1', { exact: true }).fill('read:orders');
  await page.getByLabel('Scope 2', { exact: true }).fill('write:orders');
  const rows = await page.getByRole('textbox', { name: /^Scope \d+$/ }).count();
  await press(page, 'More rows for scopes');
  await page.waitForFunction((before) => document.querySelectorAll('input[name=scope_value]').length > before, rows);
  assert.equal(await page.getByLabel('Scope 2', { exact: true }).inputValue(), 'write:orders');
  await page.getByText('How its tokens look').click();
  await page.getByLabel('ES256').check();
  await look(page);
  await press(page, 'Create the API');
  await told(page, 'The API is there.');
  await arrive(page, 'Orders');
  assert.match(await row(page, 'Scopes', 'read:orders').textContent(), /Read all orders/);
  await page.getByText('No client may call it yet').waitFor();
  assert.match(await page.getByText('tokenhouse verify').first().textContent(), /https:\/\/orders\.example\.com\//);
});

test('a scope that a client holds is taken away only after that was said', async () => {
  await page.goto(`${house.issuer}console/apis`);
  await page.getByLabel('Identifier or name').fill('partner api');
  await press(page, 'Search');
  await page.getByRole('link', { name: 'Orders' }).waitFor({ state: 'detached' });
  await follow(page, 'Partner API');
  await arrive(page, 'Partner API');
  await follow(page, 'Edit');
  await arrive(page, 'Edit Partner API');
  await page.getByLabel(/^Remove scope \d+ list:users$/).check();
  await page.getByLabel('Name').fill('The API for partners');
  await press(page, 'Save');
  await arrive(page, /Remove scopes of .The API for partners. that clients hold\?|Remove scopes of .Partner API. that clients hold\?/);
  await page.getByText(/list:users/).first().waitFor();
  await press(page, 'Back to the form');
  await page.getByRole('heading', { name: 'Edit Partner API' }).waitFor();
  assert.equal(await page.getByLabel('Name').inputValue(), 'The API for partners');
  await press(page, 'Save');
  await press(page, 'Save, and take these scopes away');
  await told(page, 'The API is changed.');
  await arrive(page, 'The API for partners');
  assert.equal((await token(house.issuer, house.partner, 'https://api.example.com/')).scope, 'create:users');
});

test('the Management API is shown as what it is', async () => {
  await page.goto(`${house.issuer}console/apis`);
  await page.getByRole('row', { name: /Management API/ }).getByRole('link').first().click();
  await page.getByText('It belongs to this server').waitFor();
  await look(page);
  assert.equal(await page.getByRole('main').getByRole('link', { name: 'Delete' }).count(), 0);
  await follow(page, 'Edit');
  await look(page);
});

test('an API is deleted with what hangs on it, and says so before', async () => {
  await page.goto(`${house.issuer}console/apis`);
  await follow(page, 'The API for partners');
  assert.match(await fact(page, 'Identifier').textContent(), /https:\/\/api\.example\.com\//);
  await follow(page, 'Delete');
  await page.getByText(/grants? go(es)? with it/).waitFor();
  await look(page);
  await press(page, 'Delete the API');
  await told(page, 'The API is deleted');
  await arrive(page, 'APIs');
  assert.equal((await token(house.issuer, house.partner, 'https://api.example.com/')).error, 'invalid_target');
  await page.getByLabel('Identifier or name').fill('nothing of that name');
  await press(page, 'Search');
  await page.getByText('No API is called that').waitFor();
  await look(page);
});
