// Signing in and out, by secret, by a link of the host, and where a session ends.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { look, openPage, signIn } from './support/browser.mjs';
import { serve } from './support/house.mjs';
import { stage } from './support/stage.mjs';

const { browser, house } = await stage();

test('an operator signs in with a secret, and out', async () => {
  const page = await openPage(browser);
  await page.goto(`${house.issuer}console/clients`);
  await look(page);
  await page.getByLabel('Client id').fill(house.management.client_id);
  await page.getByLabel('Client secret').fill('not the secret');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').waitFor();
  await look(page);
  assert.equal(await page.getByLabel('Client id').inputValue(), house.management.client_id);
  assert.equal(await page.getByLabel('Client secret').inputValue(), '');
  await page.getByLabel('Client secret').fill(house.management.client_secret);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(`${house.issuer}console/clients`);
  await page.getByRole('heading', { level: 1, name: 'Clients' }).waitFor();
  await look(page);

  const [cookie] = await page.context().cookies();
  assert.deepEqual(
    { name: cookie.name, secure: cookie.secure, httpOnly: cookie.httpOnly, sameSite: cookie.sameSite, path: cookie.path },
    { name: '__Host-tokenhouse', secure: true, httpOnly: true, sameSite: 'Strict', path: '/' },
  );
  const stored = await page.evaluate(() => [{ ...localStorage }, { ...sessionStorage }, document.cookie]);
  assert.deepEqual(stored, [{}, { 'htmx-current-path-for-history': '/console/clients' }, ''], 'an address, and no more');
  await page.getByRole('button', { name: 'Sign out', exact: true }).first().click();
  await page.getByLabel('Client secret').waitFor();
  assert.deepEqual(await page.context().cookies(), []);
  await page.goBack();
  await page.getByLabel('Client secret').waitFor();
  await page.context().close();
});

test('the host signs an operator in by a link that works once', async () => {
  const real = await serve();
  try {
    const { url } = real.cli('console', 'login', '--output', 'json');
    const page = await openPage(browser);
    await page.goto(url);
    await look(page);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor();
    await look(page);
    await page.getByRole('link', { name: 'Open the console' }).click();
    await page.waitForURL(`${real.issuer}console/overview`);
    const again = await openPage(browser);
    await again.goto(url);
    await again.getByRole('heading', { name: 'This link opens nothing' }).waitFor();
    await look(again);
    assert.ok(!real.log().includes(new URL(url).searchParams.get('link')), 'the log has the link');
    await page.context().close();
    await again.context().close();
  } finally {
    await real.stop();
  }
});

test('another site neither frames the console nor sends its forms', async () => {
  const page = await openPage(browser);
  await signIn(page, house.issuer, house.management);
  const evil = await page.context().newPage();
  // Another origin of the same machine, with the cookie in reach.
  const { createServer } = await import('node:http');
  const server = createServer((_, answer) => {
    answer.setHeader('content-type', 'text/html');
    answer.end(`<form method="post" action="${house.issuer}console/sign-out-everywhere"><button>go</button></form>
      <iframe src="${house.issuer}console/overview"></iframe>`);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  try {
    await evil.goto(`http://127.0.0.1:${server.address().port}/`);
    await evil.waitForTimeout(500);
    const framed = evil.frames().find((frame) => frame.parentFrame());
    assert.ok(!(await framed.content()).includes('Sign out'), 'it is framed');
    await evil.getByRole('button').click();
    await evil.getByRole('heading', { name: 'Not sent from this console' }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Sign out', exact: true }).first().waitFor({ state: 'attached' });
  } finally {
    server.close();
  }
  await page.context().close();
});
