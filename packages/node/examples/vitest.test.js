// How the tests of an API look with Vitest: each test has an issuer of its own, so that they may run at the same time.
import { afterAll, beforeAll, expect, test as base } from 'vitest';

import { start } from 'tokenhouse-testing';

let tokenhouse;
beforeAll(async () => {
  tokenhouse = await start();
}, 60_000);
afterAll(() => tokenhouse.stop());

const test = base.extend({
  issuer: async ({}, use) => {
    const issuer = await tokenhouse.isolated();
    await use(issuer);
    await issuer.remove();
  },
});

// In your tests, let your API trust issuer.issuer. This is the API that Tokenhouse brings.
const call = (issuer, token) => fetch(`${issuer.resourceApi}users`, { headers: { authorization: `Bearer ${token}` } });

test.concurrent('an hour later the token is of no use', async ({ issuer }) => {
  const token = await issuer.token();
  await issuer.advance(2 * 3600);
  expect((await call(issuer, token)).status).toBe(401);
});

test.concurrent('a partner lists its users', async ({ issuer }) => {
  expect((await call(issuer, await issuer.token())).status).toBe(200);
});
