// How the tests of an API look with Jest. ES modules need NODE_OPTIONS=--experimental-vm-modules.
import { start } from 'tokenhouse-testing';

let tokenhouse;
let api;
beforeAll(async () => {
  tokenhouse = await start();
  // In your tests, start your API here and let it trust tokenhouse.issuer. This is the one that Tokenhouse brings.
  api = (token) => fetch(`${tokenhouse.resourceApi}users`, { headers: { authorization: `Bearer ${token}` } });
}, 60_000);
afterAll(() => tokenhouse.stop());

test('a partner lists its users', async () => {
  const response = await api(await tokenhouse.token({ clientId: 'partner-a' }));
  expect((await response.json()).total).toBe(2);
});

test.each(['expired', 'wrong_audience', 'forged_key'])('a token that is not right is refused: %s', async (defect) => {
  expect((await api(await tokenhouse.mint({ defect }))).status).toBe(401);
});
