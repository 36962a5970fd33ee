// An operator reads in the audit log who changed what, and how it was before.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive, follow, look, press } from './support/browser.mjs';
import { stage } from './support/stage.mjs';

const { house, page } = await stage({ as: 'operator' });

const events = () => page.getByRole('main').locator('li[id^=event-]');

test('a change is found, with what it was before and after', async () => {
  await page.goto(`${house.issuer}console/clients/partner-a/edit`);
  await page.getByLabel('Name', { exact: true }).fill('Partner A, renamed');
  await press(page, 'Save changes');
  await follow(page, 'Who changed it');
  await arrive(page, 'Audit log');
  const newest = events().first();
  await newest.locator('summary').first().click();
  await newest.getByRole('region', { name: /^What differs/ }).waitFor();
  assert.equal(await newest.locator('del').first().textContent(), 'Partner A');
  assert.equal(await newest.locator('ins').first().textContent(), 'Partner A, renamed');
  assert.match(await newest.textContent(), new RegExp(house.management.client_id));
  await newest.getByText('As JSON').click();
  await look(page);
  await newest.getByRole('link', { name: /partner-a/ }).click();
  await arrive(page, 'Partner A, renamed');
});

test('events are filtered by object, kind, action, person and time', async () => {
  await page.goto(`${house.issuer}console/audit`);
  await look(page);
  const all = await events().count();
  await page.getByLabel('Kind of object').selectOption({ label: 'Client' });
  await page.getByLabel('Who', { exact: false }).fill(house.management.client_id);
  await press(page, 'Filter');
  await page.getByRole('link', { name: 'Show everything' }).first().waitFor();
  const some = await events().count();
  assert.ok(some > 0 && some < all, `${some} of ${all}`);
  await look(page);
  await page.getByLabel('Since (UTC)').fill('2100-01-01T00:00');
  await press(page, 'Filter');
  await page.getByText('No event matches').waitFor();
  await look(page);
  await page.getByRole('link', { name: 'Show everything' }).first().click();
  await page.getByLabel('Object', { exact: false }).first().fill('nobody-of-this-name');
  await press(page, 'Filter');
  await page.getByText('No event matches').waitFor();
});

test('a long trail is paged through, newest first', async () => {
  await house.apply({ clients: Array.from({ length: 70 }, (_, number) => ({ client_id: `crowd-${number}`, name: `Crowd ${number}` })) });
  await page.goto(`${house.issuer}console/audit`);
  assert.equal(await events().count(), 50);
  const first = Number((await events().first().getAttribute('id')).slice('event-'.length));
  await follow(page, 'Next');
  await page.getByRole('link', { name: 'To the newest events' }).waitFor();
  const later = Number((await events().first().getAttribute('id')).slice('event-'.length));
  assert.equal(later, first - 50);
  await look(page);
});
