// How the tests of an API look with node:test.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { start } from 'tokenhouse-testing';

let tokenhouse;
let api;
before(async () => {
  tokenhouse = await start();
  // In your tests, start your API here and let it trust tokenhouse.issuer. This is the one that Tokenhouse brings.
  api = (token) => fetch(`${tokenhouse.resourceApi}users`, { headers: { authorization: `Bearer ${token}` } });
});
after(() => tokenhouse.stop());

test('a partner lists its users', async () => {
  const response = await api(await tokenhouse.token({ clientId: 'partner-a' }));
  assert.equal((await response.json()).total, 2);
});

test('a token without the scope is refused', async () => {
  const response = await api(await tokenhouse.mint({ scope: 'create:users' }));
  assert.equal(response.status, 403);
});

for (const defect of ['expired', 'wrong_audience', 'wrong_issuer', 'forged_key', 'alg_none']) {
  test(`a token that is not right is refused: ${defect}`, async () => {
    const response = await api(await tokenhouse.mint({ defect }));
    assert.equal(response.status, 401);
  });
}
