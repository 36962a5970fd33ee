// Can Auth0's SDKs list, rotate and revoke signing keys, and do tokens and the JWK Set follow at once?
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createRemoteJWKSet, jwtVerify } from 'jose';

import { asManager, rejects, sdks } from './support/management.mjs';
import { AUDIENCE, auth0, standard } from './support/servers.mjs';
import { fetchToken, parts } from './support/tokens.mjs';

const kidOf = async (server) => parts(await fetchToken(server, AUDIENCE)).header.kid;
const published = async (server) =>
  (await (await fetch(`${server.issuer}.well-known/jwks.json`)).json()).keys.map(({ kid }) => kid);

for (const server of [standard, auth0]) {
  for (const sdk of sdks) {
    const manager = sdk.connect(asManager(server));

    test(`${sdk.name}, ${server.name}: the signing keys, rotated and revoked`, async () => {
      const before = await manager.keys.list();
      for (const { kid, cert, fingerprint, thumbprint } of before) {
        assert.match(cert, /^-----BEGIN CERTIFICATE-----/);
        assert.ok(kid && fingerprint && thumbprint);
      }
      // The first of each kind has the algorithm that rotates when none is named.
      const [current] = before.filter((key) => key.current);
      const [next] = before.filter((key) => key.next);
      assert.equal(current.kid, await kidOf(server));
      assert.equal((await manager.keys.get(next.kid)).kid, next.kid);
      const tokenBefore = await fetchToken(server, AUDIENCE);

      const rotated = await manager.keys.rotate();
      assert.ok(rotated.kid && rotated.cert);
      const after = Object.fromEntries((await manager.keys.list()).map((key) => [key.kid, key]));
      assert.ok(after[next.kid].current);
      assert.ok(after[current.kid].previous);
      assert.ok(after[rotated.kid].next);
      assert.equal(await kidOf(server), next.kid);

      // Tokens of the key before still verify, until it is revoked.
      const keys = () => createRemoteJWKSet(new URL(`${server.issuer}.well-known/jwks.json`));
      await jwtVerify(tokenBefore, keys());
      await rejects(sdk, manager.keys.revoke('unknown'), 404, 'inexistent_signing_key');
      await rejects(sdk, manager.keys.revoke(next.kid), 409, 'key_in_use');
      assert.equal((await manager.keys.revoke(current.kid)).kid, current.kid);
      assert.ok(!(await published(server)).includes(current.kid));
      await assert.rejects(jwtVerify(tokenBefore, keys()), { code: 'ERR_JWKS_NO_MATCHING_KEY' });
      await jwtVerify(await fetchToken(server, AUDIENCE), keys());
    });
  }
}
