// A partner's way from the link in its mail to a program that runs, and what it sees of itself on the way.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive, fact, follow, leavesNoTrace, look, openPage, press, row, signedIn } from './support/browser.mjs';
import { token } from './support/house.mjs';
import { lacks, run } from './support/programs.mjs';
import { stage } from './support/stage.mjs';

const audience = 'https://api.example.com/';
const day = 24 * 3600;
const desk = { client_id: 'parcel-desk' };
let link;
let page;
const { browser, house } = await stage({
  prepare: ({ apply, partner }) => apply({
    clients: [{ client_id: desk.client_id, name: 'Parcel desk', grants: [{ audience, scope: partner.scope.split(' ') }] }],
  }),
});

const own = (path = '') => page.goto(`${house.issuer}console/own${path}`);

/// The table `name`, row by row: what stands in its first column, with the second.
async function members(name) {
  const rows = await page.getByRole('region', { name }).locator('tbody tr').all();
  return Object.fromEntries(await Promise.all(rows.map(async (one) => [
    await one.locator('th code').textContent(), await one.locator('td').first().locator('code').textContent(),
  ])));
}

/// Has the token `pasted` judged.
async function check(pasted) {
  await page.getByLabel('Token', { exact: true }).fill(pasted);
  // The page before may have shown another that was judged.
  const answered = page.waitForEvent('load');
  await press(page, 'Check it');
  await answered;
  await page.getByRole('heading', { name: 'The token that you pasted' }).waitFor();
  return page.locator('.verdict').textContent();
}

test('an operator makes a claim link, and opening it redeems nothing', async () => {
  const operator = await signedIn(browser, house.issuer, house.management);
  await operator.goto(`${house.issuer}console/clients/${desk.client_id}`);
  await follow(operator, 'Make a claim link');
  await arrive(operator, 'Make a claim link');
  await operator.getByLabel('It works for').fill('1441');
  await operator.getByLabel('Label of the secret').fill('from the mail');
  await press(operator, 'Make the link');
  await operator.getByRole('alert').waitFor();
  await look(operator);
  assert.equal(await operator.getByLabel('Label of the secret').inputValue(), 'from the mail');
  await operator.getByLabel('It works for').fill('120');
  await press(operator, 'Make the link');
  await arrive(operator, 'A link to pick up a secret');
  await operator.getByText('Shown once.').waitFor();
  link = await operator.locator('#link').textContent();
  await leavesNoTrace(operator, link);

  // As programs do that read mail before its owner does.
  for (const method of ['GET', 'HEAD', 'GET']) {
    const scanned = await fetch(link, { method });
    assert.equal(scanned.status, 200);
    assert.doesNotMatch(await scanned.text(), /ths_/);
  }
  const scanner = await openPage(browser, { javaScriptEnabled: false });
  await scanner.goto(link);
  await scanner.getByRole('heading', { name: 'Pick up your secret' }).waitFor();
  await scanner.context().close();
  const forged = await fetch(link, { method: 'POST', body: new URLSearchParams({ link: new URL(link).searchParams.get('link') }) });
  assert.equal(forged.status, 403, 'no page of the console sent it');

  await operator.goto(`${house.issuer}console/clients/${desk.client_id}`);
  await operator.getByText('There is no secret').waitFor();
  await look(operator);
  await follow(operator, 'Make a claim link');
  await operator.getByText('There is still 1 link of this client open').waitFor();
  await look(operator);
  await operator.context().close();
});

test('its button shows the first secret once, and the link then opens nothing', async () => {
  page = await openPage(browser);
  await page.goto(link);
  await arrive(page, 'Pick up your secret');
  await page.getByText('Parcel desk').waitFor();
  assert.equal((await page.context().cookies()).length, 0, 'nobody is signed in by looking');
  const answered = page.waitForResponse((answer) => answer.request().method() === 'POST');
  await press(page, 'Show me the secret');
  await arrive(page, 'Your secret');
  const answer = await answered;
  assert.equal(answer.status(), 200, 'the form itself is answered, not a page after it');
  assert.equal(answer.headers()['cache-control'], 'no-store');
  await page.getByText('Shown once.').waitFor();
  desk.client_secret = await page.locator('#secret').textContent();
  assert.doesNotMatch(await page.getByLabel('A first request with curl').textContent(), /ths_/);
  await leavesNoTrace(page, desk.client_secret);

  const late = await openPage(browser);
  const gone = await late.goto(link);
  assert.equal(gone.status(), 410);
  await arrive(late, 'This link opens nothing');
  await late.context().close();
  const form = new URLSearchParams({ link: new URL(link).searchParams.get('link') });
  const pressed = await fetch(`${house.issuer}console/claim`, { method: 'POST', body: form, headers: { origin: new URL(link).origin } });
  assert.equal(pressed.status, 410);
  assert.doesNotMatch(await pressed.text(), /ths_/);
});

test('its owner is signed in, and sees its own page and nothing else', async () => {
  await page.goto(`${house.issuer}console/`);
  await arrive(page, 'Parcel desk');
  assert.equal(new URL(page.url()).pathname, '/console/own');
  assert.equal(await page.getByRole('navigation', { name: 'Sections' }).count(), 0);
  assert.match(await fact(page, 'Audience').textContent(), new RegExp(audience));
  assert.match(await fact(page, 'Scopes').textContent(), /list:users.*create:users|create:users.*list:users/s);
  assert.doesNotMatch(await fact(page, 'Scopes').textContent(), /delete:users/);
  assert.match(await fact(page, 'Token endpoint').textContent(), new RegExp(`${house.issuer}oauth/token`));
  assert.match(await fact(page, 'JWK Set').textContent(), new RegExp(house.jwks_uri));
  await page.getByText('you got no token, and no request in your name was refused').waitFor();
  await page.getByText('This is the only open session of your client.').waitFor();
  for (const path of ['clients', 'clients/partner-a', 'clients/new', 'apis', 'keys', 'audit', 'explain?client_id=partner-a', 'document']) {
    const answer = await page.goto(`${house.issuer}console/${path}`);
    assert.equal(answer.status(), 403, path);
    await page.getByRole('heading', { level: 1, name: 'Not allowed' }).waitFor();
    assert.doesNotMatch(await page.content(), /Partner A/, path);
  }
  await look(page);
  // By hand, as nobody shows it the button.
  const status = await page.evaluate(async () => {
    const sent = await fetch('/console/clients/partner-a/state', { method: 'POST', body: new URLSearchParams({ state: 'disabled' }) });
    return sent.status;
  });
  assert.equal(status, 403);
  assert.equal((await token(house.issuer, house.partner, audience)).status, 200);
});

test('a token is tried with the scopes chosen, and judged as the API would', async () => {
  await own();
  await page.getByRole('navigation', { name: 'Your client' }).getByRole('link', { name: 'Try a token' }).click();
  await page.getByRole('heading', { name: 'Ask for a token for Partner API' }).waitFor();
  await look(page);
  await page.getByLabel('list:users').check();
  await press(page, 'Get a token');
  await page.getByRole('heading', { name: 'Your token' }).waitFor();
  await look(page);
  await page.getByText('The API would accept it.').waitFor();
  assert.equal(await fact(page, 'Scopes').textContent(), 'list:users');
  const claims = await members('The claims of the token');
  assert.equal(claims.scope, 'list:users');
  assert.equal(claims.client_id, desk.client_id);
  assert.equal(claims.aud, audience);
  await page.getByText('Its header').click();
  assert.equal((await members('The header of the token')).alg, 'RS256');
  await look(page);
  assert.ok(await page.getByLabel('list:users').isChecked(), 'what was chosen stays chosen');
  const issued = await page.locator('#issued-token').textContent();
  const { status } = await fetch(`${house.resource_api}users`, { headers: { authorization: `Bearer ${issued}` } });
  assert.equal(status, 200, 'it is a real token');
});

test('a scope that was not granted is refused as at the token endpoint', async () => {
  await own('/token');
  await page.getByLabel('Another scope').fill('delete:users');
  await press(page, 'Get a token');
  await page.getByRole('heading', { name: 'No token' }).waitFor();
  await look(page);
  assert.equal(await page.getByLabel('Another scope').inputValue(), 'delete:users');
  const refused = await token(house.issuer, desk, audience, 'delete:users');
  assert.equal(await fact(page, 'Status').textContent(), String(refused.status));
  assert.equal(await page.locator('dl.facts dd').nth(1).textContent(), refused.error);
  assert.equal(await fact(page, 'error_description').textContent(), refused.error_description);
  assert.equal(await page.locator('#issued-token').count(), 0);
});

test('a token that one has is judged, and never shown again', async () => {
  await own('/token');
  await press(page, 'Check it');
  assert.equal(new URL(page.url()).pathname, '/console/own/token', 'the browser asks for something to check');
  const mint = async (what) => (await house.control('POST', 'tokens', { client_id: desk.client_id, audience, ...what })).access_token;
  const good = await mint({});
  assert.match(await check(` Bearer ${good}\n`), /The API would accept it/);
  await look(page);
  assert.equal(await page.getByLabel('Token', { exact: true }).inputValue(), '');
  assert.ok(!(await page.content()).includes(good), 'it is looked at and forgotten');
  assert.match(await check(await mint({ defect: 'wrong_issuer' })), /The API would refuse it.*another issuer than the one that this API trusts/s);
  await page.getByText('nothing of it is proved').waitFor();
  await look(page);
  assert.match(await check(await mint({ defect: 'expired' })), /Its time is over/);
  assert.match(await check(await mint({ defect: 'wrong_audience' })), /It is for another API/);
  assert.match(await check(await mint({ key: 'other' })), /refuse it/);
  assert.match(await check(await mint({ client_id: 'partner-a' })), /it is not yours: it was issued to the client partner-a/);
  assert.match(await check('not.a.token'), /It is not a whole JWT/);
  await page.getByLabel('Token', { exact: true }).fill(desk.client_secret);
  await press(page, 'Check it');
  await page.getByRole('alert').getByText('This is a client secret, not a token.').waitFor();
  await look(page);
  assert.ok(!(await page.content()).includes(desk.client_secret));

  const short = await mint({ expires_in: 120 });
  assert.match(await check(short), /The API would accept it/);
  await house.pass(240);
  assert.match(await check(short), /Its time is over/);
  await house.control('PUT', 'clock', { now: null });
});

test('programs in seven languages are filled in with its values', async () => {
  await own('/code');
  const languages = page.getByRole('navigation', { name: 'Language' }).getByRole('link');
  const names = await languages.allTextContents();
  for (const language of ['curl', 'Node: fetch', 'Python: requests', 'Go', 'Java', 'C#', 'Rust']) assert.ok(names.includes(language), language);
  for (const name of names) {
    await follow(page, name);
    await page.getByLabel(name, { exact: true }).waitFor();
    await look(page);
    const text = await page.locator('#program').textContent();
    for (const value of [house.issuer.slice(0, -1), desk.client_id, audience, house.partner.scope]) {
      assert.ok(text.includes(value), `${name}: ${value}`);
    }
    assert.match(text, /CLIENT_SECRET/, name);
    assert.doesNotMatch(text, /ths_|(getenv|environ\[|env\.get|Env\(|var\()\W*(ISSUER|CLIENT_ID|AUDIENCE|SCOPE)\b/i, name);
  }
});

/// The program that the page shows for the language `code`.
async function program(code) {
  await own(`/code?lang=${code}`);
  return page.locator('#program').textContent();
}

/// Runs it with what the page says stays outside.
const started = (text, file, command) => run(text, file, command, { CLIENT_SECRET: desk.client_secret, API_URL: house.resource_api });

test('the program for a shell gets an answer of the API', async (t) => {
  if (lacks(t, 'curl', '--version')) return;
  assert.match(started(await program('curl'), 'program.sh', 'sh'), /"users":\[/);
});

test('the program for Node gets an answer of the API', async () => {
  assert.match(started(await program('node'), 'program.mjs', process.execPath), /^200 .*"users":\[/);
});

test('the program for Python gets an answer of the API', async (t) => {
  const text = await program('python');
  if (lacks(t, 'python3', '-c', text.match(/^(import|from) .*/gm).join('\n'))) return;
  assert.match(started(text, 'program.py', 'python3'), /^200 .*"users":\[/);
});

test('what a client used is counted, and what was refused to it', async () => {
  const partner = await signedIn(browser, house.issuer, house.clients[1]);
  await partner.goto(`${house.issuer}console/own`);
  await partner.getByText('you got no token, and no request in your name was refused').waitFor();
  for (const scope of ['list:users', undefined, 'create:users']) await token(house.issuer, house.clients[1], audience, scope);
  await partner.reload();
  await partner.getByText('you got 2 tokens, and one request in your name was refused').waitFor();
  await arrive(partner, 'Partner B');
  await partner.context().close();
});

test('the end of a secret is told, and warned of when it is near', async () => {
  const smith = { client_id: 'locksmith', client_secret: 'the key under the mat' };
  const ends = (days) => new Date(Date.now() + days * day * 1000).toISOString();
  const secrets = [{ value: smith.client_secret, label: 'summer', expires_at: ends(9.5) }];
  await house.apply({ clients: [{ client_id: smith.client_id, secrets }] });
  const partner = await signedIn(browser, house.issuer, smith);
  await partner.goto(`${house.issuer}console/own/secrets`);
  await arrive(partner, 'locksmith');
  await partner.getByText('The last of your secrets stops working in 9 days').waitFor();
  const summer = row(partner, 'Your secrets', 'summer');
  assert.match(await summer.textContent(), /You signed in with this one.*Ends soon.*in 9 days/s);
  // One that goes on longer takes the haste away, not the end.
  secrets.push({ value: 'another key entirely', label: 'winter', expires_at: ends(90) });
  await house.apply({ clients: [{ client_id: smith.client_id, secrets }] });
  await partner.reload();
  await arrive(partner, 'locksmith');
  assert.equal(await partner.getByText('The last of your secrets').count(), 0);
  assert.match(await summer.textContent(), /Ends soon/);
  assert.match(await row(partner, 'Your secrets', 'winter').textContent(), /Works.*never/s);
  await partner.context().close();
});

test('a secret is replaced by its owner, and the one before works on for a while', async () => {
  await own('/secrets');
  assert.match(await row(page, 'Your secrets', 'from the mail').textContent(), /You signed in with this one.*Works.*no end/s);
  await page.getByLabel('Label').fill('autumn');
  await page.getByLabel('1 hour').check();
  const answered = page.waitForResponse((answer) => answer.request().method() === 'POST');
  await press(page, 'Show me a new secret');
  await arrive(page, 'Your new secret');
  assert.equal((await answered).status(), 200);
  await page.getByText('The old one works on until').waitFor();
  const replaced = { ...desk, client_secret: await page.locator('#secret').textContent() };
  await leavesNoTrace(page, replaced.client_secret);
  for (const client of [desk, replaced]) assert.equal((await token(house.issuer, client, audience)).status, 200);
  await own('/secrets');
  await look(page);
  assert.match(await row(page, 'Your secrets', 'autumn').textContent(), /You signed in with this one.*Works/s);
  assert.match(await row(page, 'Your secrets', 'from the mail').textContent(), /Ends soon.*in (59|60) minutes|Ends soon.*in 1 hour/s);
  await house.pass(3601);
  assert.equal((await token(house.issuer, desk, audience)).error, 'invalid_client');
  assert.equal((await token(house.issuer, replaced, audience)).status, 200);
  await house.control('PUT', 'clock', { now: null });
});
