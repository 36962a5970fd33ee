// An operator's work with signing keys: their lives, a rotation, a revocation.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive, fact, follow, look, press, told } from './support/browser.mjs';
import { token } from './support/house.mjs';
import { stage } from './support/stage.mjs';

const { house, page } = await stage({ as: 'operator' });

const published = async () => (await (await fetch(house.jwks_uri)).json()).keys.map(({ kid }) => kid);
const signing = async () => {
  const { access_token } = await token(house.issuer, house.partner, 'https://api.example.com/');
  return JSON.parse(Buffer.from(access_token.split('.')[0], 'base64url')).kid;
};

test('the keys are shown with what happens to them next', async () => {
  await page.goto(`${house.issuer}console/keys`);
  await arrive(page, 'Signing keys');
  assert.match(await fact(page, 'Signs now').textContent(), new RegExp(await signing()));
  await page.getByRole('heading', { name: 'Their lives' }).waitFor();
  await page.getByRole('img').first().waitFor();
  await page.getByRole('region', { name: 'Signing keys' }).getByRole('link').first().click();
  await arrive(page, 'Signing key');
  assert.match(await page.getByLabel('The public key as a JWK').textContent(), /"kty"/);
  assert.match(await page.getByLabel('The certificate as PEM').textContent(), /BEGIN CERTIFICATE/);
  assert.doesNotMatch(await page.content(), /PRIVATE KEY|"d":/);
});

test('the next key signs from now on, and the one before stays published', async () => {
  const before = await signing();
  await page.goto(`${house.issuer}console/keys`);
  await follow(page, 'Rotate…');
  await arrive(page, 'Rotate the RS256 key now?');
  if (await page.getByText('Too early.').isVisible()) {
    await press(page, 'Rotate now');
    await page.getByRole('alert').waitFor();
    await look(page);
    await page.getByLabel('Rotate now all the same').check();
  }
  await press(page, 'Rotate now');
  await told(page, 'The next key signs now.');
  await arrive(page, 'Signing keys');
  const now = await signing();
  assert.notEqual(now, before);
  assert.ok((await published()).includes(before));
  await page.getByRole('heading', { name: 'What leaves the JWK Set' }).waitFor();
});

test('a key is revoked after all that follows was said', async () => {
  const kid = await signing();
  await page.goto(`${house.issuer}console/keys/${kid}`);
  await follow(page, 'Revoke');
  await arrive(page, `Revoke the signing key ${kid}?`);
  await page.getByText('Every token that it signed stops verifying').waitFor();
  await page.getByText('This cannot be taken back.').waitFor();
  await press(page, 'Revoke the key');
  await page.getByRole('alert').waitFor();
  await look(page);
  assert.ok((await published()).includes(kid), 'not before it was said twice');
  await page.getByLabel('Revoke it although it is in use').check();
  await press(page, 'Revoke the key');
  await told(page, 'The key is revoked');
  await arrive(page, 'Signing keys');
  assert.ok(!(await published()).includes(kid));
  assert.notEqual(await signing(), kid);
  await page.goto(`${house.issuer}console/keys/${kid}/revoke`);
  await arrive(page, 'This key is gone already');
});
