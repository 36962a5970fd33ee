// Why would this request be refused? Each cause leads to the page on which it is put right.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive, fact, follow, look, press, row } from './support/browser.mjs';
import { token } from './support/house.mjs';
import { stage } from './support/stage.mjs';

const audience = 'https://api.example.com/';
const { house, page } = await stage({
  as: 'operator',
  prepare: ({ apply }) => apply({
    apis: [
      { identifier: 'https://orders.example.com/', name: 'Orders', scopes: [{ value: 'read:orders' }] },
      { identifier: 'https://stock.example.com/', name: 'Stock', scopes: [{ value: 'read:stock' }] },
    ],
    clients: [
      {
        client_id: 'asleep',
        name: 'Asleep',
        enabled: false,
        secrets: [{ value: 'a secret that sleeps' }],
        grants: [{ audience, scope: ['list:users'] }],
      },
      { client_id: 'bare', name: 'Bare', grants: [{ audience, scope: ['list:users'] }] },
      {
        client_id: 'two-ways',
        name: 'Two ways',
        secrets: [{ value: 'a secret for two ways' }],
        grants: [
          { audience: 'https://orders.example.com/', scope: ['read:orders'] },
          { audience: 'https://stock.example.com/', scope: ['read:stock'] },
        ],
      },
    ],
  }),
});

async function explain(request) {
  await page.goto(`${house.issuer}console/explain`);
  for (const [label, value] of Object.entries(request)) await page.getByLabel(label, { exact: false }).first().fill(value);
  await press(page, 'Explain');
  await page.getByRole('heading', { name: 'If it is refused all the same' }).waitFor();
  await look(page);
}

test('nothing is explained before a client is named, and an unknown one is told from a known one', async () => {
  await page.goto(`${house.issuer}console/explain`);
  await arrive(page, 'Explain');
  await page.getByText('Which request?').waitFor();
  await page.getByLabel('Client id').fill('partner-z');
  await page.getByLabel('Audience', { exact: false }).first().fill(audience);
  await press(page, 'Explain');
  await page.getByRole('alert').getByText('No client has this id').waitFor();
  await look(page);
  assert.equal(await page.getByLabel('Client id').inputValue(), 'partner-z');
  assert.equal(await page.getByLabel('Audience', { exact: false }).first().inputValue(), audience);
});

test('a request that would be granted is told with its token', async () => {
  await explain({ 'Client id': 'partner-a', Audience: audience, Scope: 'list:users' });
  await page.getByRole('heading', { name: 'A token is issued' }).waitFor();
  assert.equal(await fact(page, 'Audience').textContent(), audience);
  assert.equal(await fact(page, 'Scope').textContent(), 'list:users');
  assert.match(await fact(page, 'Lives').textContent(), /hour/);
  await follow(page, 'partner-a');
  await arrive(page, 'Partner A');
  await follow(page, 'Explain a request');
  await arrive(page, 'Explain');
  assert.equal(await page.getByLabel('Client id').inputValue(), 'partner-a');
});

const refusals = [
  {
    why: 'a scope that is not granted',
    request: { 'Client id': 'partner-a', Audience: audience, Scope: 'delete:users' },
    title: 'A scope that is not granted.',
    error: 'invalid_scope',
    remedy: 'Change the grant',
    leadsTo: 'Partner API for Partner A',
  },
  {
    why: 'an API for which there is no grant',
    request: { 'Client id': 'partner-a', Audience: 'https://orders.example.com/' },
    title: 'The client has no grant for that API.',
    error: 'invalid_target',
    remedy: 'Grant the API to the client',
    leadsTo: 'Grant an API',
  },
  {
    why: 'an API that there is not',
    request: { 'Client id': 'partner-a', Audience: 'https://api.example.com' },
    title: 'There is no API with that identifier.',
    error: 'invalid_target',
    remedy: 'Create the API',
    leadsTo: 'New API',
  },
  {
    why: 'no audience where there are several',
    request: { 'Client id': 'two-ways' },
    title: 'No API named, and none follows',
    error: 'invalid_target',
    remedy: 'Give the client a default audience',
    leadsTo: 'Edit Two ways',
  },
  {
    why: 'a client that is disabled',
    request: { 'Client id': 'asleep', Audience: audience },
    title: 'The client is unknown, disabled,',
    error: 'invalid_client',
    hidden: 'the client is disabled: enable it',
    remedy: 'Enable the client',
    leadsTo: 'Enable Asleep?',
  },
  {
    why: 'a client without a secret',
    request: { 'Client id': 'bare', Audience: audience },
    title: 'The client is unknown, disabled,',
    error: 'invalid_client',
    remedy: 'Give it another secret',
    leadsTo: 'Add a secret',
  },
];

for (const { why, request, title, error, hidden, remedy, leadsTo } of refusals) {
  test(`${why} is named, and the remedy leads to where it is put right`, async () => {
    await explain(request);
    await page.getByRole('heading', { name: 'The request is refused' }).waitFor();
    await page.getByText(title).first().waitFor();
    assert.equal(await fact(page, /^error$/).textContent(), error);
    if (hidden) assert.equal(await fact(page, 'What the caller is not told').textContent(), hidden);
    await follow(page, remedy);
    await arrive(page, leadsTo);
  });
}

test('whoever tried too often with a wrong secret has to wait, and the checklist says so', async () => {
  // The first wait is of a second: shorter than a page takes at times.
  await house.control('PUT', 'clock', { frozen: true });
  const guess = () => token(house.issuer, { ...house.partner, client_secret: 'not the secret' }, audience);
  while ((await guess()).status !== 429);
  await explain({ 'Client id': 'partner-a', Audience: audience });
  await page.getByRole('heading', { name: 'A token is issued' }).waitFor();
  const attempts = row(page, 'What may keep the client from proving who it is', 'Failed attempts');
  assert.match(await attempts.textContent(), /(May be it|Hinders).*wait/s);
});
