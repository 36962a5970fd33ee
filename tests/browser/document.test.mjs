// The configuration document is taken out, changed, and put in again: the plan that was seen is done, or nothing.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { arrive, fact, follow, look, press, row } from './support/browser.mjs';
import { token } from './support/house.mjs';
import { stage } from './support/stage.mjs';

const orders = 'https://orders.example.com/';
const added = `apis:
  - identifier: ${orders}
    name: Orders
    scopes: [{ value: "read:orders", description: Read all orders }]
clients:
  - client_id: shop
    name: Shop
    secrets: [{ value: "a secret of this shop" }]
    grants: [{ audience: "${orders}", scope: ["read:orders"] }]
`;
const { house, page } = await stage({ as: 'operator' });

const pasted = () => page.getByLabel('The document', { exact: true });
const steps = () => page.getByRole('region', { name: 'Steps' }).getByRole('row');
const clients = async () => (await house.control('GET', 'document')).clients.map(({ client_id: id }) => id);

async function showPlan(document, { prune = false } = {}) {
  await page.goto(`${house.issuer}console/document`);
  await pasted().fill(document);
  if (prune) await page.getByLabel('Delete what the document lacks').check();
  await press(page, 'Show the plan');
}

async function exported(form) {
  await page.goto(`${house.issuer}console/document`);
  await page.getByLabel('Written as').selectOption(form);
  await press(page, 'Export…');
  await arrive(page, 'The export is ready');
  assert.equal(await fact(page, 'Written as').textContent(), form);
  const [download] = await Promise.all([page.waitForEvent('download'), press(page, 'Download')]);
  assert.match(download.suggestedFilename(), /^[\w.-]+\.(yaml|json)$/);
  return readFileSync(await download.path(), 'utf8');
}

test('a document is applied after its plan was seen', async () => {
  await page.goto(`${house.issuer}console/document`);
  await arrive(page, 'Configuration');
  await showPlan(added);
  await arrive(page, 'What would be done');
  assert.match(await row(page, 'Steps', 'API').first().textContent(), /Create.*orders/);
  assert.ok(await steps().count() > 3);
  assert.ok(!(await clients()).includes('shop'), 'nothing is done by looking at it');
  await press(page, 'Change the document');
  await arrive(page, 'Configuration');
  assert.equal(await pasted().inputValue(), added);
  await press(page, 'Show the plan');
  await press(page, 'Apply');
  await arrive(page, 'It is done');
  const shop = { client_id: 'shop', client_secret: 'a secret of this shop' };
  assert.equal((await token(house.issuer, shop, orders)).scope, 'read:orders');
  await showPlan(added);
  await arrive(page, 'Nothing would change');
  assert.equal(await page.getByRole('button', { name: 'Apply' }).count(), 0);
});

test('a mistake keeps the text that was typed and says where it is', async () => {
  const mistaken = `${added}clientz: []\n`;
  await showPlan(mistaken);
  await page.getByRole('alert').getByText(/line 10, column 1.*clientz/).waitFor();
  await look(page);
  assert.equal(await pasted().inputValue(), mistaken);
  await showPlan(added.replace('["read:orders"]', '["write:orders"]'));
  await page.getByRole('alert').getByText('write:orders').waitFor();
  await look(page);
  await showPlan('clients: [{ client_id: shop, secrets: [{ value_env: HOME }] }]');
  await page.getByRole('alert').getByText('value_env').first().waitFor();
});

test('what is exported is the whole configuration, and no secret is in it', async () => {
  const yaml = await exported('YAML');
  assert.match(yaml, /client_id: "?shop/);
  assert.doesNotMatch(yaml, /a secret of this shop/);
  assert.doesNotMatch(yaml, new RegExp(house.partner.client_secret));
  const json = JSON.parse(await exported('JSON'));
  assert.ok(json.clients.some(({ client_id: id }) => id === 'shop'));
  await showPlan(yaml);
  await arrive(page, 'Nothing would change');
});

test('a file is read into the field, and seen before it is sent', async () => {
  await page.goto(`${house.issuer}console/document`);
  await page.getByLabel('Or read it from a file').setInputFiles({ name: 'house.yaml', mimeType: 'application/yaml', buffer: Buffer.from(added) });
  await page.waitForFunction((text) => document.getElementById('f-document').value === text, added);
  await press(page, 'Show the plan');
  await arrive(page, 'Nothing would change');
});

test('a plan that something has made another one is not carried out', async () => {
  const renamed = added.replace('name: Shop', 'name: The shop');
  await showPlan(renamed);
  await arrive(page, 'What would be done');
  await house.control('PUT', 'document', { clients: [{ client_id: 'shop', name: 'Shop', enabled: false }] });
  await press(page, 'Apply');
  await page.getByRole('alert').getByText('The plan has changed.').waitFor();
  await look(page);
  const shop = (await house.control('GET', 'document')).clients.find(({ client_id: id }) => id === 'shop');
  assert.equal(shop.name, 'Shop');
  await press(page, 'Apply');
  await arrive(page, 'It is done');
});

test('what the document lacks is deleted only after that was said', async () => {
  const rest = await exported('YAML');
  const without = rest.replace(/- client_id: "?partner-b"?[\s\S]*?(?=\n- client_id:|$)/, '').replace(/\n\n+/g, '\n');
  assert.ok(!without.includes('partner-b'));
  await showPlan(without);
  await arrive(page, 'Nothing would change');
  await showPlan(without, { prune: true });
  await arrive(page, 'What would be done');
  await page.getByText('It deletes.').waitFor();
  assert.match(await row(page, 'Steps', 'partner-b').first().textContent(), /Delete/);
  await press(page, 'Apply, and delete');
  await arrive(page, 'It is done');
  assert.ok(!(await clients()).includes('partner-b'));
  await follow(page, 'Clients');
  await arrive(page, 'Clients');
});

test('the export of another product is taken over, with a word about what it became', async () => {
  await page.goto(`${house.issuer}console/document`);
  const form = page.getByLabel('What you paste');
  await form.selectOption({ label: (await form.locator('option').allTextContents()).find((label) => /Hydra/.test(label)) });
  const client = {
    client_id: 'from-hydra',
    client_name: 'From Hydra',
    grant_types: ['client_credentials'],
    scope: 'read:things',
    token_endpoint_auth_method: 'client_secret_basic',
  };
  await pasted().fill(JSON.stringify([client]));
  await press(page, 'Show the plan');
  await page.getByRole('alert').waitFor();
  await look(page);
  await page.getByLabel('Identifier of the API for scopes that belong to none').fill('https://things.example.com/');
  await press(page, 'Show the plan');
  await arrive(page, 'What would be done');
  await page.getByRole('heading', { name: 'What the export became' }).waitFor();
  await press(page, 'Apply');
  await arrive(page, 'It is done');
  assert.ok((await clients()).includes('from-hydra'));
});
