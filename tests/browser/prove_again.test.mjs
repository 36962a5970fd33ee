// Who is still there? What touches secrets, keys and rights asks for the credential anew, and nothing that was typed is lost on the way.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { arrive, follow, leavesNoTrace, look, press, row, signedIn, told } from './support/browser.mjs';
import { token } from './support/house.mjs';
import { stage } from './support/stage.mjs';

const audience = 'https://api.example.com/';
const question = 'Prove who you are once more';
const { browser, house, page } = await stage({ as: 'operator' });

const at = (path) => page.goto(`${house.issuer}console/${path}`);
const secrets = async (client) => {
  await at(`clients/${client}`);
  return page.getByRole('region', { name: 'Secrets', exact: true }).locator('tbody tr').count();
};

/// Lets the proof grow old, while the session goes on.
const wait = () => house.pass(301);

/// Answers the question with `secret`.
async function prove(secret, on = page) {
  await on.getByLabel('Client secret').fill(secret);
  await press(on, 'Go on');
}

/// Fills in the form for a new secret of partner-a.
async function fillSecret(label) {
  await at('clients/partner-a/secrets/new');
  await page.getByLabel('Generate it').check();
  await page.getByLabel('Label').fill(label);
  await page.getByLabel('After some days').check();
  await page.getByRole('textbox', { name: /^After / }).fill('90');
}

test('a secret is made only after the credential was given anew, and nothing typed is lost', async () => {
  await wait();
  const before = await secrets('partner-a');
  await fillSecret('vault of the night shift');
  await press(page, 'Add the secret');
  await arrive(page, question);
  await page.getByText('Nothing of what you sent is lost.').waitFor();
  await prove('not the secret');
  await page.getByRole('alert').waitFor();
  await arrive(page, question);
  assert.equal(await page.getByLabel('Client secret').inputValue(), '');
  await prove(house.clients[1].client_secret);
  await page.getByRole('alert').waitFor();
  assert.ok(await page.getByRole('heading', { name: question }).isVisible(), 'the secret of another client is none');
  await prove(house.management.client_secret);
  await page.getByText('Shown once.').waitFor();
  await look(page);
  await leavesNoTrace(page, await page.locator('#secret').textContent());
  assert.equal(await secrets('partner-a'), before + 1);
  assert.match(await row(page, 'Secrets', 'vault of the night shift').textContent(), /in 3 months/);

  await fillSecret('vault of the day shift');
  await press(page, 'Add the secret');
  await page.getByText('Shown once.').waitFor();
});

test('a secret that was brought is all that has to be typed once more', async () => {
  await wait();
  await at('clients/partner-a/secrets/new');
  await page.getByLabel('Bring one that exists').check();
  await page.getByLabel('The secret that exists').fill('an old secret of theirs, 1998');
  await page.getByLabel('Label').fill('from the old server');
  await page.getByLabel('It does not').check();
  await press(page, 'Add the secret');
  await arrive(page, question);
  await page.getByText('What you sent is kept, but for the secret in it').waitFor();
  assert.ok(!(await page.content()).includes('1998'), 'it is written into no page');
  await prove(house.management.client_secret);
  await page.getByRole('alert').waitFor();
  await arrive(page, 'Add a secret');
  assert.ok(await page.getByLabel('Bring one that exists').isChecked());
  assert.equal(await page.getByLabel('Label').inputValue(), 'from the old server');
  assert.equal(await page.getByLabel('The secret that exists').inputValue(), '');
  await page.getByLabel('The secret that exists').fill('an old secret of theirs, 1998');
  await press(page, 'Add the secret');
  await told(page, 'The secret is added');
  await row(page, 'Secrets', 'from the old server').waitFor();
});

test('whatever gives secrets, keys or rights asks, and does nothing without an answer', async () => {
  await at('apis');
  const system = (await row(page, 'APIs', 'Management API').getByRole('link').first().getAttribute('href')).split('/').at(-1);
  await at('clients/partner-a');
  const secret = (await page.getByRole('link', { name: /^Change the secret/ }).first().getAttribute('href')).split('/console/').at(-1);
  await at('keys');
  const key = (await page.getByRole('region', { name: 'Signing keys' }).getByRole('link').first().getAttribute('href')).split('/console/').at(-1);
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const fill = (label, value) => () => page.getByLabel(label).fill(value);
  const check = (label) => () => page.getByLabel(label).check();
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'idle-1' }] };
  await house.apply({ clients: [{ client_id: 'idle', name: 'Idle', enabled: false, jwks }] });
  const newest = async () => {
    await at('audit');
    return page.locator('li[id^=event-]').first().getAttribute('id');
  };
  const before = await newest();
  await wait();
  for (const [path, button, ...steps] of [
    ['clients/partner-a/secrets/rotate', 'Make the new secret'],
    ['clients/partner-a/claim-link', 'Make the link'],
    [secret, 'Save changes', fill('Label', 'another label')],
    [`${secret}/retire`, 'Retire it'],
    ['clients/partner-a/keys/new', 'Add the key', fill('Public key', publicKey.export({ type: 'spki', format: 'pem' })), check('It does not')],
    ['clients/partner-a/edit', 'Save changes', fill('Where it publishes its keys', 'https://partner.example/jwks.json')],
    [`clients/partner-a/grants/new?api=${system}`, 'Grant', check(/^read:clients/)],
    ['clients/partner-a/delete', 'Delete it for good'],
    ['clients/idle/state', 'Enable it'],
    ['clients/idle', 'Remove it', () => follow(page, 'Remove the key idle-1')],
    ['clients/new', 'Create client', fill('Name', 'Newcomer'), check('Make it now')],
    ['keys', 'Rotate now', () => follow(page, 'Rotate…')],
    [`${key}/revoke`, 'Revoke the key'],
    ['document', 'Export…'],
    ['document', 'Apply', fill(/^The document$/, '{"clients": [{"client_id": "newcomer"}]}'), () => press(page, 'Show the plan')],
    ['own/token', 'Get a token'],
    ['own/secrets', 'Show me a new secret'],
  ]) {
    await at(path);
    for (const step of steps) await step();
    await press(page, button);
    await page.getByRole('heading', { name: question }).waitFor({ timeout: 5000 }).catch(() => assert.fail(`${path} does not ask`));
  }
  await look(page);
  assert.equal(await newest(), before, 'nothing was done');
});

test('what is taken away in an emergency does not wait for an answer', async () => {
  await wait();
  await at('clients/partner-b/state');
  await press(page, 'Disable it');
  await told(page, 'The client is disabled');
  await follow(page, 'Delete the grant for Partner API');
  await press(page, 'Delete the grant');
  await told(page, 'The grant is deleted.');
  await look(page);
});

test('Cancel does nothing', async () => {
  await at('clients/partner-a/delete');
  await press(page, 'Delete it for good');
  await arrive(page, question);
  await follow(page, 'Cancel');
  await page.waitForURL(/\/console\/overview$/);
  await look(page);
  assert.equal((await token(house.issuer, house.partner, audience)).status, 200);
});

test('an answer that showed a secret, loaded again, makes no second one', async () => {
  for (const asks of [true, false]) {
    if (asks) await wait();
    const before = await secrets('partner-a');
    await fillSecret(`answered ${asks}`);
    await press(page, 'Add the secret');
    if (asks) await prove(house.management.client_secret);
    await page.getByText('Shown once.').waitFor();
    const again = await page.reload();
    assert.equal(again.status(), 409);
    await arrive(page, 'Sent before');
    assert.doesNotMatch(await page.content(), /ths_/);
    assert.equal(await secrets('partner-a'), before + 1);
  }
  await at('clients/partner-a/claim-link');
  await press(page, 'Make the link');
  await page.getByText('Shown once.').waitFor();
  assert.equal((await page.reload()).status(), 409);
  await at('clients/partner-a/claim-link');
  await page.getByText('There is still 1 link of this client open').waitFor();
});

test('the same form, sent once more after Back, makes a second secret only where that is wished', async () => {
  const before = await secrets('partner-a');
  await at('clients/partner-a/secrets/new');
  await page.getByLabel('Label').fill('made twice');
  const name = await page.locator('form input[name=once]').inputValue();
  await press(page, 'Add the secret');
  await page.getByText('Shown once.').waitFor();
  const first = await page.locator('#secret').textContent();
  await page.goBack();
  await arrive(page, 'Add a secret');
  await page.getByLabel('Label').fill('made twice');
  // A browser may show the page as it was left. This one asks for it anew, and gets another name in it.
  await page.locator('form input[name=once]').evaluate((field, value) => { field.value = value; }, name);
  await press(page, 'Add the secret');
  await arrive(page, 'Sent before');
  await page.getByText('This form was sent before').waitFor();
  assert.ok(!(await page.content()).includes(first), 'the secret is not shown again');
  await look(page);
  await press(page, 'Send it again');
  await page.getByText('Shown once.').waitFor();
  const second = await page.locator('#secret').textContent();
  await look(page);
  assert.notEqual(second, first);
  for (const client_secret of [first, second]) {
    assert.equal((await token(house.issuer, { ...house.partner, client_secret }, audience)).status, 200);
  }
  assert.equal(await secrets('partner-a'), before + 2);
  assert.equal(await row(page, 'Secrets', 'made twice').count(), 2);
});

test("a partner's own secret is replaced only after the present one was given anew", async () => {
  const partner = await signedIn(browser, house.issuer, house.partner);
  await partner.goto(`${house.issuer}console/own/secrets`);
  await wait();
  await partner.getByLabel('Label').fill('autumn');
  await partner.getByLabel('24 hours').check();
  await press(partner, 'Show me a new secret');
  await arrive(partner, question);
  await prove(house.partner.client_secret, partner);
  await arrive(partner, 'Your new secret');
  await leavesNoTrace(partner, await partner.locator('#secret').textContent());
  await partner.goto(`${house.issuer}console/own/secrets`);
  assert.match(await row(partner, 'Your secrets', 'autumn').textContent(), /You signed in with this one/);
  await partner.context().close();
});

/// Changes the name of partner-a to `name`, on a page whose session ends while somebody looks at it, and comes to the sign-in page.
async function sendLate(name) {
  await at('clients/partner-a/edit');
  await page.getByLabel('Name', { exact: true }).fill(name);
  await house.pass(15 * 60 + 60);
  await press(page, 'Save changes');
  await page.getByRole('alert').getByText('What you sent is kept').waitFor();
  await look(page);
}

async function signInHere(client_id, client_secret) {
  await page.getByLabel('Client id').fill(client_id);
  await page.getByLabel('Client secret').fill(client_secret);
  await press(page, 'Sign in');
}

test('a form that is sent after the session ended goes along with signing in', async () => {
  await sendLate('Partner A of Bremen');
  await signInHere(house.management.client_id, 'not the secret');
  await page.getByRole('alert').getByText('No client that may sign in').waitFor();
  await look(page);
  await page.getByLabel('Client secret').fill(house.management.client_secret);
  await press(page, 'Sign in');
  await arrive(page, 'You are signed in');
  await page.getByText('What you sent before has not been done yet.').waitFor();
  await press(page, 'Send it now');
  await told(page, 'The client is changed.');
  await arrive(page, 'Partner A of Bremen');
});

test('it is left when that is wished, and loses the secret in it', async () => {
  await at('clients/partner-a/secrets/new');
  await page.getByLabel('Bring one that exists').check();
  await page.getByLabel('The secret that exists').fill('an old secret of theirs, 1997');
  await page.getByLabel('Label').fill('brought late');
  await page.getByLabel('It does not').check();
  await house.pass(15 * 60 + 60);
  await press(page, 'Add the secret');
  await page.getByRole('alert').getByText('What you sent is kept').waitFor();
  assert.ok(!(await page.content()).includes('1997'));
  await signInHere(house.management.client_id, house.management.client_secret);
  await arrive(page, 'You are signed in');
  await page.getByText('What you sent is kept, but for the secret in it').waitFor();
  assert.ok(!(await page.content()).includes('1997'));
  await press(page, 'Send it now');
  await page.getByRole('alert').waitFor();
  await arrive(page, 'Add a secret');
  assert.equal(await page.getByLabel('Label').inputValue(), 'brought late');

  await sendLate('Partner A of Kiel');
  await signInHere(house.management.client_id, house.management.client_secret);
  await arrive(page, 'You are signed in');
  await follow(page, 'Leave it');
  await page.waitForURL(/\/console\/overview$/);
  await at('clients/partner-a');
  await arrive(page, 'Partner A of Bremen');
});

test('whoever else signs in sends it with no more rights than its own', async () => {
  await sendLate('Partner A of nowhere');
  await signInHere(house.partner.client_id, house.partner.client_secret);
  await arrive(page, 'You are signed in');
  await press(page, 'Send it now');
  await arrive(page, 'Not allowed');
  await at('own');
  await arrive(page, 'Partner A of Bremen');
});
