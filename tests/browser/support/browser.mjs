// How does a test use the console as a person at a browser does, and what must be true of every page on the way?

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/// A browser; close it with `close()`.
export async function open() {
  // As root Chromium starts without its sandbox only.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: process.env.CHROMIUM, args });
}

/// A window of `browser`. It notes what no page may do: ask other sites for anything, break its own policy, throw.
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  page.faults = [];
  page.runsScripts = options.javaScriptEnabled !== false;
  page.on('pageerror', (error) => page.faults.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of (400|401|403|404|409|410|429)/.test(message.text())) page.faults.push(message.text());
  });
  page.on('dialog', async (dialog) => {
    page.faults.push(`a script of somebody else ran: ${dialog.message()}`);
    await dialog.dismiss();
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.hostname !== 'localhost') page.faults.push(`a request to ${url.hostname}`);
  });
  return page;
}

/// Signs `client` in to the console of `issuer`.
export async function signIn(page, issuer, client) {
  await page.goto(`${issuer}console/sign-in`);
  await page.getByLabel('Client id').fill(client.client_id);
  await page.getByLabel('Client secret', { exact: false }).first().fill(client.client_secret);
  await page.getByRole('button', { name: 'Sign in' }).click();
  // On a phone it is in the menu, which is closed.
  await page.getByRole('button', { name: 'Sign out', exact: true, includeHidden: true }).waitFor({ state: 'attached' });
}

/// Looks at the page as it stands: whether everybody can use it, and whether it did what no page may do.
export async function look(page) {
  assert.deepEqual(page.faults, [], page.url());
  // Its own world: the policy of the page keeps scripts out of the page's.
  const found = await inIsolation(page, `${axe}; axe.run(document, { resultTypes: ['violations'] })`);
  const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const told = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`).join('\n')}`);
  assert.deepEqual(told, [], page.url());
  assert.equal(await page.locator('h1').count(), 1, `${page.url()} has one heading of the first level`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${page.url()} is ${wide} px wider than the window`);
}

async function inIsolation(page, expression) {
  const session = await (page.inspector ??= page.context().newCDPSession(page));
  const { frameTree } = await session.send('Page.getFrameTree');
  const { executionContextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id });
  const disableScripts = (value) => session.send('Emulation.setScriptExecutionDisabled', { value });
  if (!page.runsScripts) {
    // A session lifts only what it has set itself. The page's own scripts do not run any more: it was read without them.
    await disableScripts(true);
    await disableScripts(false);
  }
  const answer = await session.send('Runtime.evaluate', {
    expression, contextId: executionContextId, awaitPromise: true, returnByValue: true,
  });
  if (!page.runsScripts) await disableScripts(true);
  assert.ok(!answer.exceptionDetails, JSON.stringify(answer.exceptionDetails));
  return answer.result.value;
}

/// A window in which `client` is signed in.
export async function signedIn(browser, issuer, client, options) {
  const page = await openPage(browser, options);
  await signIn(page, issuer, client);
  return page;
}

/// Presses the button `name`.
export async function press(page, name) {
  await page.getByRole('button', { name, exact: true }).click();
}

/// Goes where the link `name` in the content of the page leads.
export async function follow(page, name) {
  await page.getByRole('main').getByRole('link', { name, exact: true }).click();
}

/// Waits for the page that is headed `name`, and looks at it.
export async function arrive(page, name) {
  await page.getByRole('heading', { level: 1, name }).waitFor();
  await look(page);
}

/// Waits for the words of a change that was made.
export async function told(page, words) {
  await page.getByRole('status').getByText(words).waitFor();
}

/// What the list of facts says about `term`.
export function fact(page, term) {
  return page.locator('dl.facts > div', { has: page.locator('dt', { hasText: term }) }).locator('dd').first();
}

/// The row of the table `table` that says `text`.
export function row(page, table, text) {
  return page.getByRole('region', { name: table, exact: true }).getByRole('row').filter({ hasText: text });
}

/// The page that shows `secret` is the only place where it is: no address, no storage, and neither Back nor Forward shows it again.
export async function leavesNoTrace(page, secret) {
  assert.ok(secret.length > 20, secret);
  const shown = page.url();
  assert.ok(!shown.includes(secret), 'it is in the address');
  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  assert.ok(!stored.includes(secret), 'it is in the storage of the browser');
  const overview = new URL('/console/overview', shown).href;
  await page.goto(overview);
  // The browser asks before it sends a form again, which shows as an error of its own here.
  await page.goBack().catch(() => {});
  assert.ok(!(await settled(page)).includes(secret), 'Back shows it again');
  await page.goto(overview).catch(() => page.goto(overview));
}

async function settled(page) {
  for (;;) {
    await page.waitForLoadState();
    const content = await page.content().catch(() => '');
    if (content !== '') return content;
  }
}
