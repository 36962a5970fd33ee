// Whoever may write a name may write anything there. Every page shows it as the text that it is, and runs nothing of it.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { follow, look, openPage, press, row, signedIn } from './support/browser.mjs';
import { lacks, run } from './support/programs.mjs';
import { stage } from './support/stage.mjs';

/// What ends a text, an attribute or an element wherever it may stand, and runs something behind it.
const pieces = [
  '<script>alert(1)</script>', '<svg onload=alert(1)>', '<img src=x onerror=alert(1)>', '</textarea>', '</title>', '</code></pre>',
  '</option></select>', '{{7*7}}', '${7*7}', '<!--', '&lt;b&gt;', 'javascript:alert(1)',
];
const hostile = (where) => `${where} ${pieces.join('"\'>')}`;
/// The same in as much as stands in an id, a scope or an identifier.
const dense = "<svg/onload=alert(1)>'{{7*7}}</title><!--&amp;%2e%2e/?x=y";
const query = (fields) => new URLSearchParams(fields);
const inJson = (text) => JSON.stringify(text).slice(1, -1);

/// And what has a program run another one.
const shell = "';touch${IFS}pwned;'$(touch${IFS}pwned)`touch${IFS}pwned`";

const scope = `a${dense}`;
const api = {
  identifier: `javascript:alert(1)//${dense}${shell}`,
  name: hostile('API'),
  scopes: [{ value: scope, description: hostile('Scope') }],
};
const victim = { client_id: 'victim', client_secret: 'a secret of the victim' };
const strange = `"><b>${dense}`;
let apiId;
const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const { browser, house, page } = await stage({
  as: 'operator',
  prepare: ({ apply }) => apply({
    apis: [api],
    clients: [
      {
        client_id: victim.client_id,
        name: hostile('Client'),
        default_audience: api.identifier,
        secrets: [{ value: victim.client_secret, label: hostile('Label'), expires_at: new Date(Date.now() + 9.5 * 86_400_000).toISOString() }],
        jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: `k${dense}`, name: hostile('Key') }] },
        claims: { tenant: hostile('Claim'), [hostile('Member')]: [hostile('Item')] },
        grants: [{ audience: api.identifier, scope: [scope] }],
      },
      { client_id: strange, name: strange },
    ],
  }),
});

/// The page as it stands shows each of the `texts`, and nothing of them has become a part of the page itself.
async function harmless(on, ...texts) {
  // All that is shown must fit into the window too; a page of an error says nothing but that.
  if (texts.length > 0) await look(on);
  assert.deepEqual(on.faults, [], on.url());
  const found = await on.evaluate(() => {
    const all = [...document.querySelectorAll('*')];
    const addresses = ['href', 'src', 'action', 'formaction', 'data', 'xlink:href'];
    const leads = (element) => addresses.some((name) => /^\s*(javascript|data):/i.test(element.getAttribute(name) ?? ''));
    const listens = (element) => element.getAttributeNames().some((name) => name.startsWith('on') || name.startsWith('hx-on'));
    const loads = 'script:not([src^="/console/assets/"]), img, iframe, object, embed, base, b, style, body svg:not([aria-hidden], [role="img"])';
    return {
      alien: [...all.filter((element) => leads(element) || listens(element)), ...document.querySelectorAll(loads)].map(({ outerHTML }) => outerHTML),
      isWhole: document.title.endsWith(' · Tokenhouse') && document.body.lastElementChild.id === 'said',
      text: [document.documentElement.textContent, ...[...document.querySelectorAll('input, textarea')].map(({ value }) => value)].join('\n'),
    };
  });
  assert.deepEqual(found.alien, [], on.url());
  assert.ok(found.isWhole, `${on.url()} has its end`);
  for (const text of texts) assert.ok(found.text.includes(text), `${on.url()} shows ${text}`);
}

const headed = (on, name) => on.getByRole('heading', { level: 1, name }).waitFor();

/// Goes to `path` of the console, which answers with `status` and is harmless.
async function visit(path, texts = [], status = 200, on = page) {
  const answer = await on.goto(`${house.issuer}console/${path}`);
  assert.equal(answer.status(), status, path);
  await harmless(on, ...texts);
}

test('lists and searches show what is written as text', async () => {
  await visit('overview', [hostile('Label')]);
  await visit('clients', [hostile('Client'), strange]);
  await visit(`clients?q=${encodeURIComponent(strange.slice(0, 20))}`, [strange]);
  await visit(`clients?${query({ q: hostile('nobody'), state: hostile('state') })}`, [hostile('nobody')]);
  await visit('apis', [api.name, api.identifier]);
  apiId = (await row(page, 'APIs', 'API <script>').getByRole('link').getAttribute('href')).split('/').at(-1);
  await visit(`apis?${query({ q: hostile('nothing') })}`, [hostile('nothing')]);
});

test('the page of a client, its forms and its questions show it as text', async () => {
  const [client, label] = [hostile('Client'), hostile('Label')];
  const claims = [inJson(hostile('Claim')), inJson(hostile('Member'))];
  await visit('clients/victim', [client, label, hostile('Key'), `k${dense}`, ...claims, api.name, scope]);
  const below = async (name) => (await page.getByRole('link', { name }).first().getAttribute('href')).split('/clients/victim/').at(-1);
  const [secret, grant] = [await below(/^Change the secret/), await below(/^Change the grant/)];
  const removal = await below(/^Remove the key/);
  await visit('clients/victim/edit', [client, ...claims, api.identifier]);
  for (const path of ['state', 'delete', 'grants/new', 'claim-link', 'secrets/new', 'secrets/rotate', 'keys/new', grant, `${grant}/delete`]) {
    await visit(`clients/victim/${path}`, [client]);
  }
  await visit(`clients/victim/${secret}`, [label]);
  await visit(`clients/victim/${secret}/retire`, [label]);
  await visit(`clients/victim/${removal}`, [`k${dense}`]);
  await visit('clients/partner-a/grants/new', [api.name, api.identifier]);
  await visit(`clients/partner-a/grants/new?api=${apiId}`, [api.name, scope, hostile('Scope')]);
});

test('a client is found by its id, whatever stands in it', async () => {
  await visit('clients');
  await follow(page, strange);
  await headed(page, strange);
  await harmless(page, strange);
  await follow(page, 'Edit');
  await headed(page, `Edit ${strange}`);
  await harmless(page);
  await follow(page, 'Cancel');
  await follow(page, 'Who changed it');
  await headed(page, 'Audit log');
  await page.locator('li[id^=event-] summary').first().click();
  await harmless(page, strange);
  await page.getByRole('link', { name: `Clients: ${strange}` }).click();
  await headed(page, strange);
});

test('the page of an API, its form and its questions show it as text', async () => {
  await visit(`apis/${apiId}`, [api.name, api.identifier, scope, hostile('Scope')]);
  await visit(`apis/${apiId}/delete`, [api.name]);
  await visit(`apis/${apiId}/edit`, [api.name, api.identifier, scope, hostile('Scope')]);
  await page.getByRole('checkbox', { name: /^Remove scope/ }).first().check();
  await press(page, 'Save');
  await page.getByRole('button', { name: 'Save, and take these scopes away' }).waitFor();
  await harmless(page, api.name, scope);
});

test('what is mistyped comes back as text', async () => {
  await page.goto(`${house.issuer}console/clients/new`);
  await page.getByLabel('Client id').fill(hostile('id'));
  await page.getByLabel('Name', { exact: true }).fill(hostile('name'));
  await page.getByLabel('Where it publishes its keys').fill(`https://x.example/${dense}`);
  await page.getByLabel('Per hour').fill(hostile('1'));
  await page.getByLabel('Claims for its tokens').fill(`{"${hostile('claims')}`);
  await press(page, 'Create client');
  await page.getByRole('alert').waitFor();
  await harmless(page, hostile('id'), hostile('name'), hostile('1'), `{"${hostile('claims')}`);

  await page.goto(`${house.issuer}console/apis/new`);
  await page.getByLabel('Identifier').fill(hostile('identifier'));
  await page.getByLabel('Scope 1', { exact: true }).fill(hostile('scope'));
  await page.getByLabel('What scope 1 allows').fill(hostile('allows'));
  await press(page, 'Create the API');
  await page.getByRole('alert').waitFor();
  await harmless(page, hostile('identifier'), hostile('scope'), hostile('allows'));

  await page.goto(`${house.issuer}console/clients/victim/keys/new`);
  await page.getByLabel('Public key').fill(`{"kty":"${hostile('key')}`);
  await page.getByRole('textbox', { name: /^kid / }).fill(hostile('kid'));
  await press(page, 'Add the key');
  await page.getByRole('alert').waitFor();
  await harmless(page, hostile('kid'), `{"kty":"${hostile('key')}`);

  const stranger = await openPage(browser);
  await stranger.goto(`${house.issuer}console/sign-in?${query({ next: `/console/${hostile('next')}`, done: hostile('done') })}`);
  await stranger.getByLabel('Client id').fill(hostile('who'));
  await stranger.getByLabel('Client secret').fill(hostile('secret'));
  await press(stranger, 'Sign in');
  await stranger.getByRole('alert').waitFor();
  await harmless(stranger, hostile('who'));
  assert.doesNotMatch(await stranger.content(), /secret &lt;script|secret <script/, 'a secret is never written back');
  await visit(`claim?${query({ link: hostile('link') })}`, [], 410, stranger);
  await visit(`enter?${query({ link: hostile('link') })}`, [], 410, stranger);
  await stranger.context().close();
});

test('no address and no Referer is believed', async () => {
  const evil = encodeURIComponent(hostile('id'));
  for (const path of [
    evil, `clients/${evil}`, `clients/${evil}/edit`, `clients/${evil}/delete`, `clients/victim/secrets/${evil}`,
    `clients/victim/secrets/${evil}/retire`, `clients/victim/keys/${evil}/remove`, `clients/victim/grants/${evil}`,
    `clients/victim/grants/${evil}/delete`, `apis/${evil}`, `apis/${evil}/edit`, `keys/${evil}`,
  ]) {
    await visit(path, [], 404);
  }
  for (const path of [
    `clients?done=${evil}`, `own/token?api=${evil}`, `own/code?api=${evil}&lang=${evil}`, `clients/partner-a/grants/new?api=${evil}`,
  ]) {
    await visit(path);
    assert.doesNotMatch(await page.locator('#notices').textContent(), /\S/, path);
  }
  await page.goto(`${house.issuer}console/clients?done=${evil}`, { referer: `http://localhost/${evil}?"><script>alert(1)</script>` });
  await harmless(page);
});

test('Explain and the audit log show what was asked and what was written as text', async () => {
  await visit(`explain?${query({ client_id: hostile('who'), audience: hostile('audience'), scope: hostile('scope') })}`,
    [hostile('who'), hostile('audience'), hostile('scope')], 404);
  await visit(`explain?${query({ client_id: 'victim', audience: api.identifier, scope })}`, [api.identifier, scope]);
  await visit(`explain?${query({ client_id: 'victim', audience: `no${dense}`, scope: `no${dense}` })}`, [`no${dense}`]);
  const filter = { object_id: hostile('what'), actor: hostile('who'), action: hostile('action'), since: hostile('since') };
  await visit(`audit?${query(filter)}`, [hostile('what'), hostile('who')], 400);

  await page.goto(`${house.issuer}console/clients/victim/edit`);
  await page.getByLabel('Name', { exact: true }).fill(hostile('Another'));
  await press(page, 'Save changes');
  await headed(page, hostile('Another'));
  await harmless(page);
  await visit('audit?object_id=victim');
  await page.locator('li[id^=event-] details').evaluateAll((all) => all.forEach((details) => { details.open = true; }));
  await harmless(page, hostile('Another'), hostile('Client'), hostile('Claim'), hostile('Item'), hostile('Member'));
  assert.ok((await page.locator('del').allTextContents()).includes(hostile('Client')));
});

test('a document is planned, applied and exported, and shown as text', async () => {
  await page.goto(`${house.issuer}console/document`);
  await page.getByLabel('The document', { exact: true }).fill(`clients: [${hostile('broken')}`);
  await press(page, 'Show the plan');
  await page.getByRole('alert').waitFor();
  await harmless(page, hostile('broken'));
  const another = `<i>${dense}`;
  const document = JSON.stringify({
    apis: [{ identifier: `https://x.example/${dense}`, name: hostile('Planned') }],
    clients: [{ client_id: another, name: hostile('Planned') }],
  });
  await page.getByLabel('The document', { exact: true }).fill(document);
  await press(page, 'Show the plan');
  await headed(page, 'What would be done');
  await harmless(page, another, `https://x.example/${dense}`, document);
  await press(page, 'Change the document');
  await headed(page, 'Configuration');
  await harmless(page, document);
  await press(page, 'Show the plan');
  await press(page, 'Apply');
  await headed(page, 'It is done');
  await harmless(page, another);
  await page.goto(`${house.issuer}console/document`);
  await press(page, 'Export…');
  await headed(page, 'The export is ready');
  await harmless(page);
  const saved = page.waitForEvent('download');
  await press(page, 'Download');
  assert.match((await saved).suggestedFilename(), /^tokenhouse-[\d-]+\.yaml$/);
});

test('a link to pick up a secret shows whose it is as text', async () => {
  await page.goto(`${house.issuer}console/clients/victim/claim-link`);
  await page.getByLabel('Label of the secret').fill(hostile('Claimed'));
  await press(page, 'Make the link');
  await headed(page, 'A link to pick up a secret');
  await harmless(page, hostile('Another'));
  const owner = await openPage(browser);
  await owner.goto(await page.locator('#link').textContent());
  await harmless(owner, hostile('Another'));
  await press(owner, 'Show me the secret');
  await headed(owner, 'Your secret');
  await harmless(owner, victim.client_id);
  await owner.context().close();
});

test("a partner's own pages show it as text, and so do its programs and what its tokens say", async () => {
  const partner = await signedIn(browser, house.issuer, victim);
  await visit('own', [hostile('Another'), api.name, api.identifier, scope, hostile('Scope')], 200, partner);
  await visit('own/secrets', [hostile('Label'), hostile('Claimed'), hostile('Key'), `k${dense}`], 200, partner);
  await visit('own/code', [api.name, api.identifier], 200, partner);
  const languages = partner.getByRole('navigation', { name: 'Language' }).getByRole('link');
  for (const chosen of await languages.evaluateAll((links) => links.map(({ search }) => search))) {
    await visit(`own/code${chosen}`, [], 200, partner);
    assert.match(await partner.locator('#program').textContent(), /javascript:alert\(1\)/);
  }
  await visit('own/token', [api.name, scope, hostile('Scope')], 200, partner);
  await partner.getByRole('checkbox').first().check();
  await press(partner, 'Get a token');
  await partner.getByRole('heading', { name: 'Your token' }).waitFor();
  await harmless(partner, api.identifier, scope);
  await partner.getByLabel('Another scope').fill(`no${dense} ${hostile('scope')}`);
  await press(partner, 'Get a token');
  await partner.getByRole('heading', { name: 'No token' }).waitFor();
  await harmless(partner, `no${dense} ${hostile('scope')}`);

  for (const [client, defect] of [[victim.client_id, undefined], [strange, undefined], [victim.client_id, 'wrong_issuer']]) {
    const { access_token } = await house.control('POST', 'tokens', {
      client_id: client, audience: api.identifier, scope, defect,
      header: { [hostile('Header')]: hostile('In the header') },
      claims: { [hostile('Name')]: hostile('Value'), list: [hostile('Listed')] },
    });
    await partner.getByLabel('Token', { exact: true }).fill(access_token);
    const answered = partner.waitForEvent('load');
    await press(partner, 'Check it');
    await answered;
    await partner.getByRole('heading', { name: 'The token that you pasted' }).waitFor();
    await partner.getByText('Its header').click();
    await harmless(partner, hostile('Name'), hostile('Value'), inJson(hostile('Listed')), hostile('Header'), hostile('In the header'), client);
  }
  await partner.getByLabel('Token', { exact: true }).fill(hostile('token'));
  await press(partner, 'Check it');
  await partner.getByText('It is not a whole JWT').waitFor();
  await harmless(partner);
  await partner.context().close();
});

test('a program that is filled in with hostile values runs nothing but itself', async (t) => {
  const partner = await signedIn(browser, house.issuer, victim);
  for (const [code, file, command] of [
    ['curl', 'program.sh', 'sh'], ['node', 'program.mjs', process.execPath], ['python', 'program.py', 'python3'],
  ]) {
    await partner.goto(`${house.issuer}console/own/code?lang=${code}`);
    const text = await partner.locator('#program').textContent();
    assert.ok(text.includes('touch'), 'the values are in it');
    if (code === 'curl' && lacks(t, 'curl', '--version')) continue;
    if (code === 'python' && lacks(t, 'python3', '-c', 'import requests')) continue;
    // It gets its token, with which another API will not have it.
    const said = run(text, file, command, { CLIENT_SECRET: victim.client_secret, API_URL: house.resource_api });
    assert.match(said, /invalid_token/, code);
  }
  await partner.context().close();
});
