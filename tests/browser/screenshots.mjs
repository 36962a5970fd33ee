// Takes the pictures of docs/console/, of a house in which something goes on: `tests/browser/run --screenshots`.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { follow, open, press, signedIn } from './support/browser.mjs';
import { dev, token } from './support/house.mjs';

const folder = process.argv[2];
const parcels = 'https://api.example.com/';
const rates = 'https://rates.example.com/';
const aDay = 86_400;
const partner = (name) => ({ client_id: name, client_secret: `${name}-secret-of-the-pictures` });

mkdirSync(folder, { recursive: true });
const browser = await open();
const house = await dev(fileURLToPath(new URL('seed.yaml', import.meta.url)));
// The time of the pictures is that of the house, not of the reader.
const options = { timezoneId: 'UTC', locale: 'en-GB', colorScheme: 'light', reducedMotion: 'reduce' };
try {
  await live();
  const operator = await signedIn(browser, house.issuer, house.management, options);
  await changes(operator);
  await pictures(operator);
  await ofThePartner();
  await inOtherClothes();
} finally {
  await browser.close();
  await house.stop();
}

/// Two weeks of requests, more on some days than on others, and a last hour with mistakes in it.
async function live() {
  const days = [3, 5, 4, 6, 2, 1, 5, 7, 6, 8, 5, 2, 3, 6];
  for (const [day, count] of days.entries()) {
    for (let number = 0; number < count; number += 1) {
      await token(house.issuer, partner('harbour-logistics'), number % 3 === 2 ? rates : parcels);
      if (number % 2 === 0) await token(house.issuer, partner('nordwind-versand'), parcels);
    }
    await token(house.issuer, partner('rue-du-lac'), rates);
    if (day === 8) await house.control('POST', 'keys/rotate', {});
    await house.pass(aDay);
  }
  const half = [2, 3, 3, 4, 6, 5, 4, 5, 7, 8, 6, 5, 5, 4, 6, 7, 9, 8, 6, 5, 4, 3, 4, 5, 6, 5, 4, 3, 3, 4];
  const minutes = [...half.toReversed(), ...half];
  for (const [minute, count] of minutes.entries()) {
    for (let number = 0; number < count; number += 1) await token(house.issuer, partner('harbour-logistics'), parcels);
    if (minute % 17 === 3) await token(house.issuer, partner('nordwind-versand'), rates);
    if (minute === 47) await token(house.issuer, { ...partner('harbour-logistics'), client_secret: 'an old one' }, parcels);
    if (minute > 50 && minute % 4 === 0) await token(house.issuer, partner('nightly-report'), parcels);
    await house.pass(60);
  }
}

/// What the audit log has to tell of, and a secret that ends soon.
async function changes(page) {
  await page.goto(`${house.issuer}console/clients/nordwind-versand/secrets/new`);
  await page.getByLabel('Label').fill('order desk, next year');
  await press(page, 'Add the secret');
  await page.getByText('Shown once.').waitFor();
  await page.goto(`${house.issuer}console/clients/nordwind-versand`);
  await page.getByRole('link', { name: 'Change the secret order desk', exact: true }).click();
  await page.locator('input[name=ends][value=days]').check();
  await page.locator('input[name=days]').fill('9');
  await press(page, 'Save changes');
  await page.goto(`${house.issuer}console/clients/rue-du-lac/edit`);
  await page.getByLabel('Name', { exact: true }).fill('Rue du Lac');
  await page.getByLabel('Per day').fill('200');
  await press(page, 'Save changes');
  await page.getByRole('status').getByText('The client is changed.').waitFor();
}

async function pictures(page) {
  const at = (path) => page.goto(`${house.issuer}console/${path}`);
  await at('overview');
  await take(page, 'overview');
  await at('clients');
  await take(page, 'clients');
  await at('clients/harbour-logistics');
  await take(page, 'client');
  await at('keys');
  await take(page, 'keys');
  await at('audit');
  await page.locator('li[id^=event-] summary').first().click();
  await take(page, 'audit');
  await at('explain');
  await page.getByLabel('Client id').fill('nightly-report');
  await page.getByLabel('Audience').fill(parcels);
  await page.getByRole('main').getByRole('button').last().click();
  await page.getByRole('heading', { name: 'The request is refused' }).waitFor();
  await take(page, 'explain');
  await at('document');
  await page.getByLabel('The document', { exact: true }).fill(`apis:
- identifier: https://returns.example.com/
  name: Returns
  scopes: [{value: open:returns}]
clients:
- client_id: harbour-logistics
  name: Harbour Logistics
  quota: {per_day: 8000, enforce: true}
- client_id: atelier-brun
  name: Atelier Brun
  secrets: [{value: a-secret-of-the-pictures-only}]
  grants: [{audience: "https://returns.example.com/", scope: ["open:returns"]}]
`);
  await press(page, 'Show the plan');
  await page.getByRole('heading', { name: 'What would be done' }).waitFor();
  await take(page, 'document-plan');
  await at('clients/nordwind-versand/secrets/rotate');
  await press(page, 'Make the new secret');
  await page.getByText('Shown once.').waitFor();
  await take(page, 'new-secret');
}

async function ofThePartner() {
  const page = await signedIn(browser, house.issuer, partner('harbour-logistics'), options);
  await page.goto(`${house.issuer}console/own`);
  await take(page, 'partner');
  await page.goto(`${house.issuer}console/own/token`);
  await page.getByRole('main').getByRole('button', { name: 'Get a token' }).click();
  await page.getByText('The API would accept it.').waitFor();
  // The claims below would make it a long picture.
  await take(page, 'token-tester', 0.95);
}

async function inOtherClothes() {
  const dark = await signedIn(browser, house.issuer, house.management, { ...options, colorScheme: 'dark' });
  await dark.goto(`${house.issuer}console/overview`);
  await take(dark, 'overview-dark');
  const phone = await signedIn(browser, house.issuer, house.management, { ...options, viewport: { width: 360, height: 800 } });
  await phone.goto(`${house.issuer}console/overview`);
  await take(phone, 'phone');
}

/// What stands on the first of the `screens`, and what little goes beyond it; the rest of a long page says no more in a picture.
async function take(page, name, screens = 1.2) {
  const { width, height } = page.viewportSize();
  const whole = await page.evaluate(() => document.documentElement.scrollHeight);
  // The pointer marks nothing.
  await page.mouse.move(0, 0);
  const clip = { x: 0, y: 0, width, height: Math.min(whole, Math.round(height * screens)) };
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true, clip, animations: 'disabled' });
}
