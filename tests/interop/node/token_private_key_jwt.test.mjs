// Do the libraries of Node get tokens with a client assertion (RFC 7523) in place of a secret, each in its own spelling?
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { before, test } from 'node:test';

import { AuthClient } from '@auth0/auth0-auth-js';
import * as auth0v4 from 'auth0-4';
import * as auth0v6 from 'auth0-6';
import * as auth0v7 from 'auth0-7';
import * as auth0v7legacy from 'auth0-7/legacy';
import { importPKCS8 } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';

import { asManager, sdks } from './support/management.mjs';
import { AUDIENCE, assertTokenResponse, auth0, standard } from './support/servers.mjs';

const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const privatePem = ({ privateKey }) => privateKey.export({ type: 'pkcs8', format: 'pem' });
const publicPem = ({ publicKey }) => publicKey.export({ type: 'spki', format: 'pem' });

// Two keys, as while one is replaced by the other; most libraries say with no `kid` which one they sign with.
const first = pair();
const second = pair();
const strangers = pair();

const legacy = { 'auth0 4': auth0v4, 'auth0 6': auth0v6, 'auth0 7 (auth0/legacy)': auth0v7legacy };

for (const server of [standard, auth0]) {
  const clientIds = {};
  const refusal = server === auth0 ? 'access_denied' : 'invalid_client';

  before(async () => {
    const { clients, clientGrants } = sdks[2].connect(asManager(server));
    for (const alg of ['RS256', 'RS384', 'PS256']) {
      const credential = (name, key) => ({ credential_type: 'public_key', name, pem: publicPem(key), alg });
      const { client_id } = await clients.create({
        name: `Assertion ${alg}`,
        client_authentication_methods: {
          private_key_jwt: { credentials: [credential('first', first), credential('second', second)] },
        },
      });
      clientIds[alg] = client_id;
      await clientGrants.create({ client_id, audience: AUDIENCE, scope: ['list:users'] });
    }
    const audience = server.management.audience;
    await clientGrants.create({ client_id: clientIds.RS256, audience, scope: ['read:clients'] });
  });

  for (const [sdk, { AuthenticationClient, AuthApiError }] of Object.entries(legacy)) {
    const grant = (key, alg) =>
      new AuthenticationClient({
        domain: server.domain,
        clientId: clientIds[alg ?? 'RS256'],
        clientAssertionSigningKey: privatePem(key),
        ...(alg && { clientAssertionSigningAlg: alg }),
      }).oauth.clientCredentialsGrant({ audience: AUDIENCE });

    test(`${sdk}, ${server.name}: an assertion of either key, with each algorithm`, async () => {
      for (const key of [first, second]) assertTokenResponse(assert, (await grant(key)).data, 'list:users');
      for (const alg of ['RS256', 'RS384', 'PS256']) {
        assertTokenResponse(assert, (await grant(second, alg)).data, 'list:users');
      }
    });

    test(`${sdk}, ${server.name}: a stranger's assertion`, () =>
      assert.rejects(grant(strangers), (thrown) => {
        assert.ok(thrown instanceof AuthApiError, `${thrown}`);
        assert.deepEqual([thrown.statusCode, thrown.error], [401, refusal]);
        return true;
      }));
  }

  for (const [sdk, { ManagementClient }] of Object.entries({ 'auth0 4': auth0v4, 'auth0 6': auth0v6, 'auth0 7': auth0v7 })) {
    test(`${sdk}, ${server.name}: the Management API with an assertion`, async () => {
      const { clients } = new ManagementClient({
        domain: server.domain,
        clientId: clientIds.RS256,
        clientAssertionSigningKey: privatePem(first),
      });
      const shown = sdk === 'auth0 4' ? await clients.get({ client_id: clientIds.RS256 }) : await clients.get(clientIds.RS256);
      assert.equal((shown.data ?? shown).name, 'Assertion RS256');
    });
  }

  test(`auth0-auth-js, ${server.name}: an assertion`, async () => {
    const client = (key) =>
      new AuthClient({ domain: server.domain, clientId: clientIds.RS256, clientAssertionSigningKey: privatePem(key) });
    const answer = await client(first).getTokenByClientCredentials({ audience: AUDIENCE });
    assert.equal(answer.scope, 'list:users');
    await assert.rejects(client(strangers).getTokenByClientCredentials({ audience: AUDIENCE }), (thrown) => {
      assert.equal(thrown.cause?.error, refusal, `${thrown}`);
      return true;
    });
  });

  for (const alg of ['RS256', 'RS384', 'PS256']) {
    test(`openid-client and oauth4webapi, ${server.name}, ${alg}: an assertion`, async () => {
      const issuer = new URL(server.issuer);
      const key = await importPKCS8(privatePem(first), alg);
      const configuration = await openid.discovery(issuer, clientIds[alg], {}, openid.PrivateKeyJwt(key));
      assertTokenResponse(assert, await openid.clientCredentialsGrant(configuration, { audience: AUDIENCE }), 'list:users');

      const metadata = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer));
      const client = { client_id: clientIds[alg] };
      const grant = async (signer) =>
        oauth.processClientCredentialsResponse(
          metadata,
          client,
          await oauth.clientCredentialsGrantRequest(metadata, client, oauth.PrivateKeyJwt(signer), { audience: AUDIENCE }),
        );
      assertTokenResponse(assert, await grant(key), 'list:users');
      await assert.rejects(grant(await importPKCS8(privatePem(strangers), alg)), {
        name: 'ResponseBodyError',
        status: 401,
        error: refusal,
      });
    });
  }
}
