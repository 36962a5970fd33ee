// A partner picks up its secret by a link, finds on its own page all that it needs, and replaces the secret by itself.

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { arrive, fact, follow, leavesNoTrace, look, open, openPage, press, row, signedIn } from './support/browser.mjs';
import { dev, token } from './support/house.mjs';

const audience = 'https://api.example.com/';
const newcomer = { client_id: 'newcomer' };
let browser;
let house;
let operator;
let partner;
before(async () => {
  [browser, house] = await Promise.all([open(), dev()]);
  await house.apply({
    clients: [{
      client_id: 'newcomer',
      name: 'The newcomer',
      grants: [{ audience, scope: ['list:users', 'create:users'] }],
      quota: { per_hour: 100, enforce: true },
    }],
  });
  [operator, partner] = await Promise.all([signedIn(browser, house.issuer, house.management), openPage(browser)]);
});
after(async () => { await browser.close(); await house.stop(); });

const tab = (name) => partner.getByRole('navigation', { name: 'Your client' }).getByRole('link', { name, exact: true }).click();

async function claimLink() {
  await operator.goto(`${house.issuer}console/clients/newcomer`);
  await follow(operator, 'Make a claim link');
  await arrive(operator, 'Make a claim link');
  await press(operator, 'Make the link');
  await operator.getByText('Shown once.').waitFor();
  await look(operator);
  return operator.locator('#link').textContent();
}

test('a link is looked at as often as one likes, and gives the secret once', async () => {
  const link = await claimLink();
  for (const method of ['GET', 'HEAD', 'GET']) {
    const opened = await fetch(link, { method });
    assert.equal(opened.status, 200, 'as a program does that reads mail');
    assert.equal(opened.headers.get('set-cookie'), null);
  }
  await partner.goto(link);
  await arrive(partner, 'Pick up your secret');
  await partner.getByText('The newcomer').waitFor();
  assert.equal(await fact(partner, 'Client id').textContent(), 'newcomer');
  await press(partner, 'Show me the secret');
  await arrive(partner, 'Your secret');
  await partner.getByText('Shown once.').waitFor();
  newcomer.client_secret = await partner.locator('#secret').textContent();

  const request = await partner.getByLabel('A first request with curl').textContent();
  const ran = spawnSync('bash', ['-c', request], { input: `${newcomer.client_secret}\n`, encoding: 'utf8' });
  assert.match(ran.stdout, /"access_token":"ey/, ran.stderr);

  await leavesNoTrace(partner, newcomer.client_secret);
  const late = await openPage(browser);
  await late.goto(link);
  await arrive(late, 'This link opens nothing');
  await late.context().close();
  assert.ok(!house.log().includes(newcomer.client_secret));
  assert.ok(!house.log().includes(new URL(link).searchParams.get('link')));
});

test('links that nobody has used are withdrawn', async () => {
  const link = await claimLink();
  await operator.goto(`${house.issuer}console/clients/newcomer/claim-link`);
  await operator.getByText('of this client open').waitFor();
  await press(operator, 'Withdraw what is open');
  await operator.getByRole('status').getByText('Done.').waitFor();
  await look(operator);
  const late = await openPage(browser);
  await late.goto(link);
  await arrive(late, 'This link opens nothing');
  await late.context().close();
});

test('a partner signs in, and sees its own page and nothing else', async () => {
  await partner.context().close();
  partner = await signedIn(browser, house.issuer, newcomer);
  await arrive(partner, 'The newcomer');
  assert.equal(await partner.getByRole('navigation', { name: 'Sections' }).count(), 0);
  assert.equal(await fact(partner, 'Audience').locator('code').textContent(), audience);
  assert.match(await fact(partner, 'Scopes').textContent(), /list:users/);
  for (const path of ['overview', 'overview/now', 'clients', 'clients/newcomer', 'clients/partner-a', 'apis', 'keys', 'audit', 'explain', 'document']) {
    const answer = await partner.goto(`${house.issuer}console/${path}`);
    assert.equal(answer.status(), 403, path);
    assert.ok(!(await partner.content()).includes('partner-b'), path);
  }
  await look(partner);
  await follow(partner, 'Go to the start page');
  await arrive(partner, 'The newcomer');
});

test('a token is asked for and shown with what it says', async () => {
  await tab('Try a token');
  await look(partner);
  await partner.getByLabel('list:users').check();
  await press(partner, 'Get a token');
  await partner.getByText('The API would accept it.').waitFor();
  await partner.getByText('What it allows: list:users.').waitFor();
  assert.match(await row(partner, 'The claims of the token', 'aud').textContent(), /https:\/\/api\.example\.com\//);
  assert.match(await row(partner, 'The claims of the token', 'exp').textContent(), /in 1 hour/);
  await partner.getByText('Its header').click();
  await row(partner, 'The header of the token', 'kid').waitFor();
  assert.match(await fact(partner, 'Quota').textContent(), /of 100 left in this hour/);
  await look(partner);
  const shown = await partner.locator('#issued-token').textContent();
  const called = await fetch(`${house.resource_api}users`, { headers: { authorization: `Bearer ${shown}` } });
  assert.equal(called.status, 200);
});

test('a scope that was not granted is refused as at the token endpoint', async () => {
  await partner.getByLabel('Another scope').fill('delete:users');
  await press(partner, 'Get a token');
  await partner.getByText('The token endpoint refuses this.').waitFor();
  const asked = await token(house.issuer, newcomer, audience, 'delete:users');
  assert.equal(await fact(partner, /^error$/).textContent(), asked.error);
  assert.equal(await fact(partner, 'error_description').textContent(), asked.error_description);
  await look(partner);
});

test('a token that somebody has is judged as the API would judge it', async () => {
  const mint = async (body) => (await house.control('POST', 'tokens', { client_id: 'newcomer', audience, ...body })).access_token;
  const judged = [
    [await mint({}), 'The API would accept it.'],
    [await mint({ defect: 'expired' }), 'Its time is over.'],
    [await mint({ defect: 'wrong_audience' }), 'It is for another API'],
    [await mint({ defect: 'tampered_signature' }), 'Its signature does not fit'],
    [await mint({ client_id: 'partner-a' }), 'But it is not yours'],
    ['ey is not a token', 'It is not a whole JWT'],
  ];
  for (const [pasted, words] of judged) {
    await partner.getByLabel('Token', { exact: true }).fill(pasted);
    await press(partner, 'Check it');
    await partner.getByText(words).first().waitFor();
    assert.equal(await partner.getByLabel('Token', { exact: true }).inputValue(), '');
  }
  await look(partner);
});

test('programs in seven languages have its values, and those that this machine can run get a token', async () => {
  await tab('Code to paste');
  await look(partner);
  const labels = ['curl', 'Node: fetch', 'Python: requests', 'Go', 'Java', 'C#', 'Rust'];
  const programs = new Map();
  for (const label of labels) {
    await partner.getByRole('navigation', { name: 'Language' }).getByRole('link', { name: label, exact: true }).click();
    const shown = partner.getByLabel(label, { exact: true });
    await shown.waitFor();
    const text = await shown.textContent();
    for (const value of [house.issuer, 'newcomer', audience, 'list:users']) assert.ok(text.includes(value), `${label} lacks ${value}`);
    assert.ok(!text.includes(newcomer.client_secret), label);
    programs.set(label, text);
  }
  await look(partner);

  const directory = mkdtempSync(join(tmpdir(), 'tokenhouse-code-'));
  try {
    const env = { ...process.env, CLIENT_SECRET: newcomer.client_secret, API_URL: house.resource_api };
    const runs = [['curl', 'sh', 'program.sh'], ['Node: fetch', process.execPath, 'program.mjs']];
    const hasRequests = spawnSync('python3', ['-c', 'import requests']).status === 0;
    if (hasRequests) runs.push(['Python: requests', 'python3', 'program.py']);
    for (const [label, interpreter, name] of runs) {
      const file = join(directory, name);
      writeFileSync(file, programs.get(label));
      const { stdout } = await promisify(execFile)(interpreter, [file], { env });
      assert.match(stdout, /"?(users|id|name)"?/, label);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('its use is counted by the day, with what the quota leaves', async () => {
  await tab('What you may do');
  await arrive(partner, 'The newcomer');
  await partner.getByRole('img', { name: 'Tokens issued to you' }).waitFor();
  const left = partner.locator('.tile', { hasText: 'Tokens left this hour' });
  assert.match(await left.textContent(), /9\d of 100/);
  await partner.getByText(/In the last 30 days you got \d tokens, and \d requests? in your name/).waitFor();
});

test('a secret is replaced, and the old one works on until its overlap is over', async () => {
  await tab('Secrets and keys');
  await look(partner);
  await row(partner, 'Your secrets', 'You signed in with this one').waitFor();
  await partner.getByLabel('Label').fill('second');
  await partner.getByLabel('1 hour').check();
  await press(partner, 'Show me a new secret');
  await arrive(partner, 'Your new secret');
  const second = { ...newcomer, client_secret: await partner.locator('#secret').textContent() };
  for (const client of [newcomer, second]) assert.equal((await token(house.issuer, client, audience)).status, 200);
  await leavesNoTrace(partner, second.client_secret);
  await partner.goto(`${house.issuer}console/own/secrets`);
  await row(partner, 'Your secrets', 'Ends soon').getByText('in 1 hour').waitFor();
  assert.match(await row(partner, 'Your secrets', 'second').textContent(), /Works.*no end/s);
  await look(partner);
  await house.pass(3601);
  assert.equal((await token(house.issuer, newcomer, audience)).error, 'invalid_client');
  assert.equal((await token(house.issuer, second, audience)).status, 200);
  await partner.reload();
  await partner.getByLabel('Client secret').waitFor();
});

test('a secret that ends soon is warned of, with what to do', async () => {
  const { now } = await house.control('GET', 'clock');
  const secret = 'a secret of a few days';
  await house.apply({ clients: [{ client_id: 'brief', name: 'Brief', secrets: [{ value: secret, expires_at: new Date((now + 5 * 86_400) * 1000).toISOString() }] }] });
  const brief = await signedIn(browser, house.issuer, { client_id: 'brief', client_secret: secret });
  await arrive(brief, 'Brief');
  await brief.getByText('You may not call any API yet').waitFor();
  await brief.getByRole('link', { name: 'Secrets and keys' }).click();
  await brief.getByText('The last of your secrets stops working in 5 days').waitFor();
  await look(brief);
  await brief.context().close();
});
