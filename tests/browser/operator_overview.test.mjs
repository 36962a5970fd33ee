// The start page says at a glance whether all is well, and if not, why and what to do.

import assert from 'node:assert/strict';
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { arrive, follow, look, press, row, signedIn, told } from './support/browser.mjs';
import { serve, token } from './support/house.mjs';
import { stage } from './support/stage.mjs';

const audience = 'https://api.example.com/';
const aDay = 86_400;
const { browser, house, page } = await stage({ as: 'operator' });

const tile = (label) => page.locator('.tile', { hasText: label });
const verdict = () => page.getByRole('region', { name: /^(All is well|Needs a look|Not issuing)$/ });

test('a house on which nothing is yet teaches the first steps', async () => {
  const fresh = await serve();
  try {
    const first = await signedIn(browser, fresh.issuer, fresh.management);
    await arrive(first, 'Overview');
    await first.getByRole('heading', { name: 'All is well' }).waitFor();
    await first.getByText('No client has asked for a token yet').waitFor();
    await first.getByText('No request was refused since this server was started.').waitFor();
    await follow(first, 'Create the API that is to be called');
    await arrive(first, 'New API');
    await first.getByLabel('Identifier').fill(audience);
    await press(first, 'Create the API');
    await told(first, 'The API is there.');
    await first.goto(`${fresh.issuer}console/overview`);
    const steps = first.locator('.steps > li');
    assert.deepEqual(await steps.getByText('Done', { exact: true }).count(), 1);
    await look(first);
    await follow(first, 'Create a client for each program that calls it');
    await arrive(first, 'New client');
    await first.context().close();
  } finally {
    await fresh.stop();
  }
});

test('all is well, and what was issued and refused is counted by its causes', async () => {
  await page.goto(`${house.issuer}console/overview`);
  await arrive(page, 'Overview');
  assert.equal(await verdict().getByRole('heading').textContent(), 'All is well');
  for (let count = 0; count < 3; count += 1) await token(house.issuer, house.partner, audience);
  await token(house.issuer, { ...house.partner, client_secret: 'not the secret' }, audience);
  await token(house.issuer, house.partner, audience, house.partner.ungranted_scope);
  await page.reload();
  assert.match(await tile('Refused in the last hour').textContent(), /40\.0 %.*2 of 5 requests/s);
  const refusals = (cause) => row(page, 'Refusals of this server by cause', cause);
  assert.match(await refusals('invalid_client').textContent(), /checklist of the client says/);
  assert.match(await refusals('scope_not_granted').textContent(), /Add the scope to the client's grant/);
  await page.getByText('Causes that have not occurred').click();
  await page.getByText('The client has no grant for that API').waitFor();
  const hour = page.getByRole('img', { name: 'Tokens issued and requests refused by the minute' });
  await hour.waitFor();
  assert.match(await row(page, 'Busiest clients', 'partner-a').textContent(), /partner-a3/);
  await look(page);
  await page.getByRole('region', { name: 'Busiest clients' }).getByRole('link', { name: 'partner-a' }).click();
  await arrive(page, 'Partner A');
});

test('the keys are shown with their age, and lead to their pages', async () => {
  await page.goto(`${house.issuer}console/overview`);
  const keys = row(page, 'Keys that sign', 'RS256');
  assert.match(await keys.textContent(), /\d+ (second|minute)s?/);
  await keys.getByRole('link').first().click();
  await arrive(page, 'Signing key');
});

test('a secret that expires soon is named with its client', async () => {
  const secret = { value: 'a secret of a few days', label: 'of the fair', expires_at: new Date(Date.now() + 5 * aDay * 1000).toISOString() };
  await house.apply({ clients: [{ client_id: 'hasty', secrets: [secret] }] });
  await page.goto(`${house.issuer}console/overview`);
  assert.match(await row(page, 'Secrets that expire soon', 'hasty').textContent(), /of the fair.*in 5 days/);
  await look(page);
});

test('the part that changes is fetched again by itself, but not while somebody is in it', async () => {
  await page.clock.install();
  await page.goto(`${house.issuer}console/overview`);
  const refusals = () => row(page, 'Refusals of this server by cause', 'no_grant').count();
  const passed = async () => { await page.clock.runFor(16_000); };
  const polled = () => page.waitForResponse((answer) => answer.url().endsWith('/overview/now'));
  assert.equal(await refusals(), 0);
  await house.apply({ apis: [{ identifier: 'https://other.example.com/' }] });
  await token(house.issuer, house.partner, 'https://other.example.com/');

  await page.locator('#now').getByRole('link', { name: 'Reload' }).focus();
  let asked = 0;
  page.on('request', (request) => { if (request.url().endsWith('/overview/now')) asked += 1; });
  await passed();
  assert.equal(asked, 0, 'it is fetched although somebody is in it');

  await page.getByRole('link', { name: 'Skip to the content' }).focus();
  await Promise.all([polled(), passed()]);
  await row(page, 'Refusals of this server by cause', 'no_grant').waitFor();
  assert.match(await page.getByRole('link', { name: 'Skip to the content' }).evaluate((link) => String(document.activeElement === link)), /true/);
  await look(page);

  await follow(page, 'Let it stand still');
  await page.getByText('It stands still').waitFor();
  await passed();
  assert.equal(asked, 1);
  await look(page);
});

test('when many are refused, and while the database is away, the start page says so', async () => {
  for (let count = 0; count < 12; count += 1) await token(house.issuer, house.partner, audience, house.partner.ungranted_scope);
  await page.goto(`${house.issuer}console/overview`);
  await page.locator('.tile.warning', { hasText: 'Refused in the last hour' }).waitFor();
  await look(page);

  const real = await serve();
  try {
    const operator = await signedIn(browser, real.issuer, real.management);
    await arrive(operator, 'Overview');
    // As if the disk had gone.
    for (const file of ['tokenhouse.db', 'tokenhouse.db-wal']) truncateSync(join(real.directory, file), 0);
    const readiness = async () => (await fetch(`${real.issuer}readyz`)).text();
    while (!(await readiness()).includes('does not answer')) await operator.waitForTimeout(200);
    await operator.reload();
    await operator.getByRole('heading', { name: 'Needs a look' }).waitFor();
    await operator.getByText('The database was last heard of').waitFor();
    await operator.getByText('Nothing can be changed meanwhile.').waitFor();
    await operator.getByText('What this server knows is above.').waitFor();
    await operator.getByText('Not to be had while the database does not answer.').first().waitFor();
    await look(operator);
    await operator.context().close();
  } finally {
    await real.stop();
  }
});

test('a key that has signed for long shows its age', async () => {
  await house.pass(100 * aDay);
  const later = await signedIn(browser, house.issuer, house.management);
  await arrive(later, 'Overview');
  assert.match(await row(later, 'Keys that sign', 'RS256').textContent(), /3 months/);
  await later.context().close();
});
