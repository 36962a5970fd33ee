// An operator's work with clients: from the first name to the last secret.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { arrive, fact, follow, leavesNoTrace, look, open, press, row, signedIn, told } from './support/browser.mjs';
import { dev, token } from './support/house.mjs';

const audience = 'https://api.example.com/';
let browser;
let house;
let page;
before(async () => {
  [browser, house] = await Promise.all([open(), dev()]);
  page = await signedIn(browser, house.issuer, house.management);
});
after(async () => { await browser.close(); await house.stop(); });

test('a client is made, with its secret shown once, gets a grant, and then a token', async () => {
  await page.goto(`${house.issuer}console/clients`);
  await follow(page, 'New client');
  await arrive(page, 'New client');
  await page.getByLabel('Client id').fill('parcel-desk');
  await page.getByLabel('Name', { exact: true }).fill('Parcel desk');
  await page.getByLabel('Claims for its tokens').fill('{"tenant": 12');
  await page.getByLabel('Per hour').fill('many');
  await press(page, 'Create client');
  const summary = page.getByRole('alert');
  await summary.getByText('2 things need another look').waitFor();
  await look(page);
  assert.equal(await page.getByLabel('Client id').inputValue(), 'parcel-desk');
  assert.equal(await page.getByLabel('Per hour').inputValue(), 'many');
  assert.equal(await page.getByLabel('Claims for its tokens').inputValue(), '{"tenant": 12');
  await summary.getByRole('link').first().click();
  await page.getByLabel('Per hour').fill('1000');
  await page.getByLabel('Claims for its tokens').fill('{"tenant": 12}');
  await page.getByLabel('Make it now').check();
  const answered = page.waitForResponse((answer) => answer.request().method() === 'POST');
  await press(page, 'Create client');
  await arrive(page, 'Parcel desk');
  const answer = await answered;
  assert.equal(answer.status(), 200, 'the form itself is answered, not a page after it');
  assert.equal(answer.headers()['cache-control'], 'no-store');
  await page.getByText('Shown once.').waitFor();
  const secret = await page.locator('#secret').textContent();
  await leavesNoTrace(page, secret);

  await page.goto(`${house.issuer}console/clients/parcel-desk`);
  await follow(page, 'Grant an API');
  await arrive(page, 'Grant an API');
  await page.getByLabel('Partner API').check();
  await press(page, 'Next: its scopes');
  await arrive(page, 'Partner API for Parcel desk');
  await page.getByLabel('list:users').check();
  await press(page, 'Grant');
  await told(page, 'The API is granted.');
  await arrive(page, 'Parcel desk');
  assert.match(await fact(page, 'Last seen').textContent(), /never/);
  const got = await token(house.issuer, { client_id: 'parcel-desk', client_secret: secret }, audience);
  assert.equal(got.scope, 'list:users');
  await page.reload();
  assert.doesNotMatch(await fact(page, 'Last seen').textContent(), /never/);
  assert.doesNotMatch(await row(page, 'Secrets', 'without').or(page.getByRole('table').nth(1).getByRole('row').nth(1)).textContent(), /never used/);
  await page.getByRole('heading', { name: 'Use in the last 30 days' }).waitFor();
  await page.getByText('1 token', { exact: false }).first().waitFor();
  await look(page);
});

test('a client is edited, and whoever edits it at the same time is told', async () => {
  await page.goto(`${house.issuer}console/clients/partner-a`);
  await follow(page, 'Edit');
  await arrive(page, 'Edit Partner A');
  const other = await page.context().newPage();
  await other.goto(page.url());
  await page.getByLabel('Name', { exact: true }).fill('Partner A of Bremen');
  await page.getByLabel('Per day').fill('5000');
  await page.getByLabel('Default audience').selectOption({ label: 'Partner API (https://api.example.com/)' });
  await press(page, 'Save changes');
  await told(page, 'The client is changed.');
  await arrive(page, 'Partner A of Bremen');
  assert.match(await fact(page, 'Quota').textContent(), /5,000 tokens a day/);
  await other.getByLabel('Name', { exact: true }).fill('Partner A of Hamburg');
  await press(other, 'Save changes');
  await other.getByRole('alert').waitFor();
  assert.equal(await other.getByLabel('Name', { exact: true }).inputValue(), 'Partner A of Hamburg');
  await press(other, 'Save changes');
  await told(other, 'The client is changed.');
  await other.close();
});

test('a client is disabled and enabled again, each after its consequences were told', async () => {
  await page.goto(`${house.issuer}console/clients/partner-b`);
  const partner = house.clients.find(({ client_id }) => client_id === 'partner-b');
  await follow(page, 'Disable');
  await arrive(page, 'Disable Partner B?');
  await page.getByText('It gets no more tokens').waitFor();
  await press(page, 'Disable it');
  await told(page, 'The client is disabled');
  await look(page);
  assert.equal((await token(house.issuer, partner, audience)).error, 'invalid_client');
  await follow(page, 'Enable');
  await arrive(page, 'Enable Partner B?');
  await press(page, 'Enable it');
  await told(page, 'The client is enabled');
  assert.equal((await token(house.issuer, partner, audience)).status, 200);
});

test('a grant is changed and taken away', async () => {
  await page.goto(`${house.issuer}console/clients/partner-b`);
  const partner = house.clients.find(({ client_id }) => client_id === 'partner-b');
  await follow(page, 'Change the grant for Partner API');
  await arrive(page, 'Partner API for Partner B');
  await page.getByLabel('delete:users').check();
  await page.getByLabel('list:users').uncheck();
  await press(page, 'Save changes');
  await told(page, 'The grant is changed.');
  assert.equal((await token(house.issuer, partner, audience)).scope, 'delete:users');
  await follow(page, 'Delete the grant for Partner API');
  await arrive(page, 'Take Partner API away from Partner B?');
  await press(page, 'Delete the grant');
  await told(page, 'The grant is deleted.');
  await page.getByText('No API is granted').waitFor();
  await look(page);
  assert.equal((await token(house.issuer, partner, audience)).error, 'invalid_target');
});

test('a secret is added, labelled, given an end, and retired', async () => {
  await page.goto(`${house.issuer}console/clients/partner-b`);
  await follow(page, 'Add a secret');
  await arrive(page, 'Add a secret');
  await page.getByLabel('Generate it').check();
  await page.getByLabel('Label').fill('vault of the night shift');
  await page.getByLabel('After some days').check();
  await press(page, 'Add the secret');
  await page.getByRole('alert').waitFor();
  await look(page);
  assert.equal(await page.getByLabel('Label').inputValue(), 'vault of the night shift');
  await page.getByRole('textbox', { name: /^After / }).fill('90');
  await press(page, 'Add the secret');
  await page.getByText('Shown once.').waitFor();
  await look(page);
  await leavesNoTrace(page, await page.locator('#secret').textContent());
  await page.goto(`${house.issuer}console/clients/partner-b`);
  assert.match(await row(page, 'Secrets', 'vault of the night shift').textContent(), /in 3 months/);
  await follow(page, 'Change the secret vault of the night shift');
  await arrive(page, 'Change the secret vault of the night shift');
  await page.getByLabel('Label').fill('vault of the day shift');
  await page.getByLabel('It does not').check();
  await press(page, 'Save changes');
  await told(page, 'The secret is changed.');
  await look(page);
  await follow(page, 'Retire the secret vault of the day shift');
  await arrive(page, 'Retire the secret vault of the day shift?');
  await press(page, 'Retire it');
  await told(page, 'The secret is retired');
});

test('a secret that exists is brought along', async () => {
  await page.goto(`${house.issuer}console/clients/partner-b/secrets/new`);
  await page.getByLabel('Bring one that exists').check();
  await page.getByLabel('The secret that exists').fill('short');
  await page.getByLabel('Label').fill('from the old server');
  await page.getByLabel('It does not').check();
  await press(page, 'Add the secret');
  await page.getByRole('alert').waitFor();
  assert.equal(await page.getByLabel('The secret that exists').inputValue(), '', 'a secret is never written back');
  assert.equal(await page.getByLabel('Label').inputValue(), 'from the old server');
  await page.getByLabel('The secret that exists').fill('an old secret of theirs, 1998');
  await press(page, 'Add the secret');
  await told(page, 'The secret is added');
  await row(page, 'Secrets', 'from the old server').waitFor();
});

test('a secret is rotated, and the one before works on for a while', async () => {
  await page.goto(`${house.issuer}console/clients/partner-a`);
  const before = house.clients.find(({ client_id }) => client_id === 'partner-a');
  assert.equal((await token(house.issuer, before, audience)).status, 200);
  await follow(page, 'Rotate');
  await arrive(page, 'Rotate the secret');
  await page.getByLabel('They work on for').fill('2');
  await page.getByLabel('Counted in').selectOption('hours');
  await page.getByLabel('Label of the new secret').fill('second');
  await press(page, 'Make the new secret');
  await page.getByText('Shown once.').waitFor();
  await look(page);
  const after = { client_id: 'partner-a', client_secret: await page.locator('#secret').textContent() };
  await leavesNoTrace(page, after.client_secret);
  for (const client of [before, after]) assert.equal((await token(house.issuer, client, audience)).status, 200);
  await page.goto(`${house.issuer}console/clients/partner-a`);
  await row(page, 'Secrets', 'first').getByText('in 2 hours').waitFor();
  assert.doesNotMatch(await row(page, 'Secrets', 'second').textContent(), /never used/);
  await look(page);
  await house.pass(2 * 3600 + 1);
  assert.equal((await token(house.issuer, before, audience)).error, 'invalid_client');
  assert.equal((await token(house.issuer, after, audience)).status, 200);
  await house.control('PUT', 'clock', { now: null });
});

test('a public key is registered, and removed', async () => {
  await page.goto(`${house.issuer}console/clients/partner-b`);
  await follow(page, 'Add a key');
  await arrive(page, 'Add a public key');
  await page.getByLabel('Public key').fill('-----BEGIN PUBLIC KEY-----\nMFk');
  await page.getByLabel('Name').fill('build machine');
  await page.getByLabel('It does not').check();
  await press(page, 'Add the key');
  await page.getByRole('alert').waitFor();
  await look(page);
  assert.equal(await page.getByLabel('Name').inputValue(), 'build machine');
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await page.getByLabel('Public key').fill(publicKey.export({ type: 'spki', format: 'pem' }));
  await page.getByRole('textbox', { name: /^kid / }).fill('build-1');
  await press(page, 'Add the key');
  await told(page, 'The key is added.');
  await look(page);
  await follow(page, 'Remove the key build-1');
  await arrive(page, 'Remove the key build-1?');
  await press(page, 'Remove it');
  await told(page, 'The key is removed');
});

test('a client is deleted after its name was read once more', async () => {
  await page.goto(`${house.issuer}console/clients/parcel-desk`);
  await follow(page, 'Delete');
  await arrive(page, 'Delete Parcel desk?');
  await page.getByText('With it are deleted 1 grant, 1 secret and 0 keys.').waitFor();
  await press(page, 'Delete it for good');
  await told(page, 'The client is deleted');
  await arrive(page, 'Clients');
  assert.equal(await page.getByText('parcel-desk').count(), 0);
});

test('one of many clients is found, and all of them are paged through', async () => {
  const clients = Array.from({ length: 60 }, (_, number) => ({ client_id: `crowd-${String(number).padStart(2, '0')}`, name: `Crowd ${number}` }));
  await house.apply({ clients });
  await page.goto(`${house.issuer}console/clients`);
  await look(page);
  const shown = () => page.getByRole('region', { name: 'Clients' }).getByRole('row').count();
  assert.equal(await shown(), 51, '50 and the heads of the columns');
  await follow(page, 'Next');
  await page.getByRole('link', { name: 'Previous' }).waitFor();
  assert.equal(await shown(), 14, 'the partners, the manager, and the rest of the crowd');
  await look(page);
  await page.getByLabel('Client id or name').fill('CROWD 42');
  await press(page, 'Search');
  await page.getByRole('link', { name: 'Crowd 42' }).waitFor();
  assert.equal(await shown(), 2);
  await page.getByLabel('Client id or name').fill('nobody');
  await press(page, 'Search');
  await page.getByText('No client matches').waitFor();
  await look(page);
  await page.getByLabel('Client id or name').fill('');
  await page.getByLabel('State').selectOption('Disabled');
  await press(page, 'Search');
  await page.getByText('No client matches').waitFor();
});
