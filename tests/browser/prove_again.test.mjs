// Some minutes after the last proof, secrets and keys ask for one more. What was typed is not lost on the way.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { arrive, follow, leavesNoTrace, look, open, press, row, signedIn, told } from './support/browser.mjs';
import { dev, token } from './support/house.mjs';

const audience = 'https://api.example.com/';
const freshness = 5 * 60;
const heading = 'Prove who you are once more';
let browser;
let house;
let page;
before(async () => {
  [browser, house] = await Promise.all([open(), dev()]);
  page = await signedIn(browser, house.issuer, house.management);
});
after(async () => { await browser.close(); await house.stop(); });

async function prove(within = page, client = house.management) {
  await arrive(within, heading);
  await within.getByLabel('Client secret').fill(client.client_secret);
  await press(within, 'Go on');
}

test('a secret asks for the credential anew, and a wrong one keeps the form', async () => {
  await page.goto(`${house.issuer}console/clients/partner-a/secrets/new`);
  await page.getByLabel('Generate it').check();
  await page.getByLabel('Label').fill('vault of the night shift');
  await page.getByLabel('After some days').check();
  await page.getByRole('textbox', { name: /^After / }).fill('90');
  await house.pass(freshness + 1);
  await press(page, 'Add the secret');
  await arrive(page, heading);
  await page.getByLabel('Client secret').fill('not the secret');
  await press(page, 'Go on');
  await page.getByRole('alert').waitFor();
  await look(page);
  assert.equal(await page.getByLabel('Client secret').inputValue(), '');
  await prove();
  await page.getByText('Shown once.').waitFor();
  await look(page);
  const secret = await page.locator('#secret').textContent();
  assert.equal((await token(house.issuer, { client_id: 'partner-a', client_secret: secret }, audience)).status, 200);
  await leavesNoTrace(page, secret);
  await page.goto(`${house.issuer}console/clients/partner-a`);
  assert.match(await row(page, 'Secrets', 'vault of the night shift').textContent(), /in 3 months/);
});

test('within the freshness nothing is asked', async () => {
  await house.pass(freshness - 60);
  await page.goto(`${house.issuer}console/clients/partner-a/secrets/rotate`);
  await press(page, 'Make the new secret');
  await page.getByText('Shown once.').waitFor();
});

test('what somebody else knows is no proof', async () => {
  await house.pass(freshness + 1);
  await page.goto(`${house.issuer}console/clients/partner-a/claim-link`);
  await press(page, 'Make the link');
  await arrive(page, heading);
  await page.getByLabel('Client secret').fill(house.partner.client_secret);
  await press(page, 'Go on');
  await page.getByRole('alert').waitFor();
  await prove();
  await page.getByText('Shown once.').waitFor();
});

test('keys ask, and what was pasted arrives', async () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await page.goto(`${house.issuer}console/clients/partner-b/keys/new`);
  await page.getByLabel('Public key').fill(publicKey.export({ type: 'spki', format: 'pem' }));
  await page.getByLabel('Name').fill('build machine');
  await page.getByRole('textbox', { name: /^kid / }).fill('build-1');
  await page.getByLabel('It does not').check();
  await house.pass(freshness + 1);
  await press(page, 'Add the key');
  await prove();
  await told(page, 'The key is added.');
  assert.match(await row(page, 'Public keys', 'build-1').textContent(), /build machine/);

  await house.pass(freshness + 1);
  await page.goto(`${house.issuer}console/keys`);
  await follow(page, 'Rotate…');
  const early = page.getByLabel('Rotate now all the same');
  if (await early.count() > 0) await early.check();
  await press(page, 'Rotate now');
  await prove();
  await told(page, 'The next key signs now.');
});

test('a client with a first secret, and a document, ask and lose nothing', async () => {
  await page.goto(`${house.issuer}console/clients/new`);
  await page.getByLabel('Client id').fill('parcel-desk');
  await page.getByLabel('Name', { exact: true }).fill('Parcel desk');
  await page.getByLabel('Claims for its tokens').fill('{\n  "tenant": 12\n}');
  await page.getByLabel('Make it now').check();
  await house.pass(freshness + 1);
  await press(page, 'Create client');
  await prove();
  await page.getByText('Shown once.').waitFor();
  await arrive(page, 'Parcel desk');
  await follow(page, 'Open the client');
  assert.match(await page.getByLabel('Claims', { exact: true }).textContent(), /"tenant": 12/);

  const document = 'clients:\n  - client_id: parcel-desk\n    name: "Parcels & more"\n';
  await page.goto(`${house.issuer}console/document`);
  await page.getByLabel('The document', { exact: true }).fill(document);
  await press(page, 'Show the plan');
  await arrive(page, 'What would be done');
  await house.pass(freshness + 1);
  await press(page, 'Apply');
  await prove();
  await arrive(page, 'It is done');
  await house.pass(freshness + 1);
  await page.goto(`${house.issuer}console/document`);
  await press(page, 'Export…');
  await prove();
  await arrive(page, 'The export is ready');
});

test('a partner that replaces its secret is asked for the old one', async () => {
  const partner = await signedIn(browser, house.issuer, house.partner);
  await partner.goto(`${house.issuer}console/own/secrets`);
  await partner.getByLabel('Label').fill('autumn');
  await partner.getByLabel('1 hour').check();
  await house.pass(freshness + 1);
  await press(partner, 'Show me a new secret');
  await prove(partner, house.partner);
  await arrive(partner, 'Your new secret');
  await partner.goto(`${house.issuer}console/own/secrets`);
  await row(partner, 'Your secrets', 'autumn').waitFor();
  await partner.context().close();
});

test('whoever was away for too long signs in again and is led back', async () => {
  await page.goto(`${house.issuer}console/clients/partner-b`);
  await house.pass(16 * 60);
  await page.reload();
  await page.getByLabel('Client id').fill(house.management.client_id);
  await page.getByLabel('Client secret').fill(house.management.client_secret);
  await press(page, 'Sign in');
  await arrive(page, 'Partner B');
});
