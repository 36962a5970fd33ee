// Does each call do what it says, on a real server?
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { connect } from 'node:net';
import { after, before, beforeEach, afterEach, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { ControlError, start, TokenError } from 'tokenhouse-testing';

let house;
let issuer;
before(async () => {
  house = await start();
});
after(() => house.stop());
beforeEach(async () => {
  issuer = await house.isolated();
});
afterEach(() => issuer.remove());

/** What the bundled resource API says to a token. */
async function statusOf(at, token) {
  const response = await fetch(`${at.resourceApi}whoami`, { headers: { authorization: `Bearer ${token}` } });
  await response.arrayBuffer();
  return response.status;
}

async function published(at) {
  const { keys } = await (await fetch(at.jwksUri)).json();
  return keys.map((key) => key.kid);
}

function isListening(url) {
  return new Promise((resolve) => {
    const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1' });
    socket.once('connect', () => socket.destroy() && resolve(true));
    socket.once('error', () => resolve(false));
  });
}

test('a token from the endpoint and a minted one are accepted', async () => {
  assert.equal(await statusOf(issuer, await issuer.token()), 200);
  assert.equal(await statusOf(issuer, await issuer.mint()), 200);
  await assert.rejects(issuer.token({ clientSecret: 'wrong' }), (error) => {
    assert.ok(error instanceof TokenError);
    assert.deepEqual([error.status, error.error], [401, 'invalid_client']);
    return true;
  });
});

test('what is minted is what was asked for', async () => {
  const { header, claims } = await issuer.mintWhole({
    clientId: 'nobody',
    scope: 'a b',
    claims: { tenant: 7, jti: null },
    header: { x: 1 },
    expiresIn: -5,
  });
  assert.deepEqual([claims.client_id, claims.scope, claims.tenant, 'jti' in claims], ['nobody', 'a b', 7, false]);
  assert.equal(header.x, 1);
  assert.ok(claims.exp <= claims.iat);
});

test('every defect is refused', async () => {
  const defects = await issuer.defects();
  assert.ok(defects.length > 10);
  for (const { name } of defects) assert.equal(await statusOf(issuer, await issuer.mint({ defect: name })), 401, name);
});

test('time moves for all that the issuer does', async () => {
  const token = await issuer.token();
  assert.ok((await issuer.advance(2 * 86_400)).offset_seconds >= 2 * 86_400 - 5);
  assert.equal(await statusOf(issuer, token), 401);
  assert.equal(await statusOf(issuer, await issuer.token()), 200);
  const clock = await issuer.setClock({ now: new Date('2030-01-01T00:00:00Z'), frozen: true });
  assert.deepEqual([clock.now, clock.frozen], [1_893_456_000, true]);
  assert.equal((await issuer.clock()).now, 1_893_456_000);
  assert.equal((await issuer.setClock({ frozen: false })).frozen, false);
  assert.equal((await issuer.setClock({ now: null })).offset_seconds, 0);
});

test('keys rotate and leave', async () => {
  const before = await published(issuer);
  const token = await issuer.token();
  const rotated = await issuer.rotateKeys();
  assert.ok(before.includes(rotated.active.kid) && !before.includes(rotated.next.kid));
  assert.equal(await statusOf(issuer, token), 200);
  const { kid } = (await issuer.keys()).find((key) => key.state === 'retired');
  assert.equal((await issuer.dropKey({ kid })).dropped.kid, kid);
  assert.ok(!(await published(issuer)).includes(kid));
  assert.equal(await statusOf(issuer, token), 401);
});

test('faults spoil the next answers only', async () => {
  await issuer.failNext('token', { status: 503, retryAfter: 1, times: 2 });
  assert.equal((await issuer.faults())[0].left, 2);
  for (let count = 0; count < 2; count += 1) await assert.rejects(issuer.token(), { name: 'TokenError', status: 503 });
  assert.ok(await issuer.token());
  await issuer.failNext('jwks', { kind: 'empty_jwks' });
  await issuer.clearFaults();
  assert.notDeepEqual(await published(issuer), []);
});

test('requests are listed and waited for', async () => {
  await issuer.token();
  const [asked] = await issuer.requests({ endpoint: 'token' });
  assert.deepEqual([asked.status, asked.body.client_secret], [200, '[redacted]']);
  const later = pause(200).then(() => issuer.token());
  assert.equal((await issuer.waitForRequests(2, { endpoint: 'token', timeoutSeconds: 30 })).length, 2);
  await later;
  await assert.rejects(issuer.waitForRequests(9, { endpoint: 'token', timeoutSeconds: 1 }), /2 of 9/);
  await issuer.clearRequests();
  assert.deepEqual(await issuer.requests(), []);
  await assert.rejects(issuer.requests({ client_id: 'x' }), TypeError);
});

test('the configuration is read and changed', async () => {
  await issuer.apply({
    apis: [{ identifier: 'https://new.example/', scopes: [{ value: 'a' }] }],
    clients: [
      {
        client_id: 'new',
        secrets: [{ value: 'not-a-secret' }],
        grants: [{ audience: 'https://new.example/', scope: ['a'] }],
      },
    ],
  });
  const asNew = { clientId: 'new', clientSecret: 'not-a-secret', audience: 'https://new.example/' };
  assert.ok(await issuer.token(asNew));
  assert.ok((await issuer.document()).clients.some((client) => client.client_id === 'new'));
  await issuer.reset();
  await assert.rejects(issuer.token(asNew), TokenError);
});

test('isolated issuers never meet', async () => {
  await Promise.all(
    [1, 2, 3, 4].map(async (number) => {
      const own = await house.isolated({ name: `node-${number}` });
      assert.deepEqual([own.name, own.issuer.endsWith(`/t/node-${number}/`)], [`node-${number}`, true]);
      await own.advance(number * 1000);
      for (let count = 0; count < number; count += 1) await own.token();
      assert.equal((await own.requests({ endpoint: 'token' })).length, number);
      assert.ok(Math.abs((await own.clock()).offset_seconds - number * 1000) < 5);
      assert.equal(await statusOf(own, await own.token()), 200);
      assert.equal(await statusOf(own, await house.token()), 401);
      await own.remove();
    }),
  );
});

test('a wrong call is told', async () => {
  await assert.rejects(issuer.mint({ defect: 'no-such-defect' }), (error) => {
    assert.ok(error instanceof ControlError);
    assert.match(error.message, /POST .*\/_control\/tokens: 400/);
    assert.equal(error.error, 'invalid_request');
    return true;
  });
  assert.equal((await issuer.state()).issuer, issuer.issuer);
});

test('a seed replaces the demo, and the server ends', async () => {
  const seed = {
    apis: [{ identifier: 'https://seeded.example/' }],
    clients: [{ client_id: 'seeded', secrets: [{ value: 's' }] }],
  };
  const seeded = await start({ seed });
  assert.deepEqual(seeded.clients.map((client) => client.client_id), ['seeded']);
  assert.equal(await isListening(seeded.issuer), true);
  await seeded.stop();
  assert.equal(await isListening(seeded.issuer), false);
});

test('it works over TLS, with the CA that the server made', async () => {
  assert.equal(house.caFile, null);
  const secure = await start({ args: ['--tls'] });
  try {
    const own = await secure.isolated();
    const ca = readFileSync(secure.caFile);
    for (const at of [secure, own]) {
      assert.equal(new URL(at.issuer).protocol, 'https:');
      assert.equal(at.caFile, secure.caFile);
      const headers = { authorization: `Bearer ${await at.token()}` };
      const [response] = await once(get(`${at.resourceApi}whoami`, { ca, headers, agent: false }), 'response');
      response.resume();
      assert.equal(response.statusCode, 200);
      await assert.rejects(at.token({ clientSecret: 'wrong' }), { name: 'TokenError', status: 401, error: 'invalid_client' });
      await assert.rejects(at.mint({ defect: 'no-such-defect' }), { name: 'ControlError', status: 400 });
      assert.equal((await at.requests({ endpoint: 'token' })).length, 2);
      await at.clearRequests();
    }
    await own.remove();
  } finally {
    await secure.stop();
  }
});

test('a server that cannot start says why', async () => {
  await assert.rejects(start({ seed: '/nowhere/seed.yaml' }), /did not start[\s\S]*cannot read/);
  await assert.rejects(start({ binary: '/nowhere/tokenhouse' }), /there is no program \/nowhere\/tokenhouse/);
});

for (const signal of ['SIGKILL', 'SIGTERM', 'none']) {
  test(`the server ends with the test process: ${signal}`, async () => {
    // Without a signal, the program ends by itself although it forgets to stop the server.
    const program = `
      import { start } from 'tokenhouse-testing';
      process.stdout.write((await start()).issuer + '\\n');
      ${signal === 'none' ? '' : 'setInterval(() => {}, 1000);'}
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
    if (signal !== 'none') child.kill(signal);
    await exited;
    const deadline = Date.now() + 60_000;
    while (await isListening(line.trim())) {
      assert.ok(Date.now() < deadline, 'the server was left behind');
      await pause(50);
    }
  });
}
