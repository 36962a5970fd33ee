// Can Auth0's SDKs manage APIs and client grants, and do tokens follow at once?
import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { asManager, makeMany, rejects, requestToken, sdks } from './support/management.mjs';
import { auth0, standard } from './support/servers.mjs';

/** More than the largest page, which holds 100. */
const MANY = 103;

const scopes = ['read', 'write', 'admin'].map((value) => ({ value, description: `May ${value}` }));

for (const server of [standard, auth0]) {
  const refusal = server === auth0 ? [403, 'access_denied'] : [400, 'invalid_target'];
  let crowd;

  before(async () => {
    const { clients, resourceServers, clientGrants } = sdks[2].connect(asManager(server));
    crowd = await clients.create({ name: 'Crowd' });
    await makeMany(MANY, async (index) => {
      const identifier = `https://many.example.com/${index}`;
      await resourceServers.create({ identifier, name: `many ${index}`, scopes });
      await clientGrants.create({ client_id: crowd.client_id, audience: identifier, scope: ['read'] });
    });
  });

  for (const sdk of sdks) {
    const manager = sdk.connect(asManager(server));
    const slug = sdk.name.replace(' ', '-');

    test(`${sdk.name}, ${server.name}: an API from its creation to its end`, async () => {
      const identifier = `https://${slug}.example.com/api/v1?x=1`;
      const created = await manager.resourceServers.create({ identifier, name: 'Things', scopes, token_lifetime: 600 });
      assert.match(created.id, /^[0-9a-f]+$/);
      assert.deepEqual([created.identifier, created.token_lifetime, created.scopes], [identifier, 600, scopes]);
      await rejects(sdk, manager.resourceServers.create({ identifier }), 409, 'conflict');

      // By its id, or by its identifier, which the SDK percent-encodes into one segment of the path.
      for (const id of [created.id, identifier]) {
        assert.equal((await manager.resourceServers.get(id)).id, created.id);
      }
      const changed = await manager.resourceServers.update(created.id, {
        name: 'Other things',
        scopes: scopes.slice(0, 1),
        token_dialect: 'rfc9068_profile_authz',
        enforce_policies: true,
      });
      assert.deepEqual([changed.name, changed.identifier], ['Other things', identifier]);
      assert.deepEqual(changed.scopes, scopes.slice(0, 1));
      assert.equal(changed.token_dialect, 'rfc9068_profile_authz');

      await manager.resourceServers.delete(created.id);
      await rejects(sdk, manager.resourceServers.get(created.id), 404, 'inexistent_resource_server');
      await rejects(sdk, manager.resourceServers.update(created.id, { name: 'x' }), 404, 'inexistent_resource_server');
      await manager.resourceServers.delete(created.id);
    });

    test(`${sdk.name}, ${server.name}: a grant from its creation to its end, and the tokens that follow`, async () => {
      const audience = `https://${slug}.example.com/granted`;
      await manager.resourceServers.create({ identifier: audience, name: 'Granted', scopes });
      const client = await manager.clients.create({ name: 'Partner' });
      assert.deepEqual(await outcome(server, client, audience), refusal);

      const grant = await manager.clientGrants.create({ client_id: client.client_id, audience, scope: ['read', 'write'] });
      assert.match(grant.id, /^cgr_/);
      assert.deepEqual([grant.client_id, grant.audience, grant.scope.toSorted()], [client.client_id, audience, ['read', 'write']]);
      assert.deepEqual(await outcome(server, client, audience), [200, 'read write']);
      const again = { client_id: client.client_id, audience, scope: ['read'] };
      await rejects(sdk, manager.clientGrants.create(again), 409, 'conflict');

      await manager.clientGrants.update(grant.id, { scope: ['admin'] });
      assert.deepEqual(await outcome(server, client, audience), [200, 'admin']);
      if (manager.clientGrants.get) assert.deepEqual((await manager.clientGrants.get(grant.id)).scope, ['admin']);
      const found = await manager.clientGrants.all({ client_id: client.client_id });
      assert.deepEqual(found.map(({ id }) => id), [grant.id]);

      await manager.clientGrants.delete(grant.id);
      assert.deepEqual(await outcome(server, client, audience), refusal);
      await manager.clientGrants.delete(grant.id);
      await rejects(sdk, manager.clientGrants.update(grant.id, { scope: [] }), 404, 'inexistent_client_grant');
    });

    test(`${sdk.name}, ${server.name}: a grant of nothing, to nobody`, async () => {
      const audience = 'https://api.example.com/';
      const client = await manager.clients.create({ name: 'Partner' });
      const create = (body) => manager.clientGrants.create({ client_id: client.client_id, audience, scope: [], ...body });
      await rejects(sdk, create({ client_id: 'unknown' }), 404, 'inexistent_client');
      await rejects(sdk, create({ audience: 'https://unknown/' }), 404, 'inexistent_resource_server');
      await rejects(sdk, create({ scope: ['unknown:scope'] }), 400, 'invalid_body');
    });

    test(`${sdk.name}, ${server.name}: every API and every grant, page after page, each once`, async () => {
      const apis = await manager.resourceServers.all();
      assert.equal(new Set(apis.map(({ id }) => id)).size, apis.length);
      assert.equal(apis.filter(({ name }) => name.startsWith('many ')).length, MANY);
      // What it is called, and that it says so of itself, is how the deploy CLI knows what it must not touch.
      const own = apis.filter((api) => api.is_system);
      assert.deepEqual(own.map((api) => api.name), ['Auth0 Management API']);
      assert.equal(own[0].identifier, server.management.audience);

      const grants = await manager.clientGrants.all({ client_id: crowd.client_id });
      assert.equal(new Set(grants.map(({ id }) => id)).size, MANY);
      if (manager.clientGrants.byPage) {
        const paged = await manager.clientGrants.byPage({ client_id: crowd.client_id });
        assert.deepEqual(paged.map(({ id }) => id), grants.map(({ id }) => id));
        assert.equal((await manager.clientGrants.bare({ per_page: 5 })).length, 5);
      }
      const one = await manager.clientGrants.all({ audience: 'https://many.example.com/7' });
      assert.deepEqual(one.map(({ client_id }) => client_id), [crowd.client_id]);
    });

    test(`${sdk.name}, ${server.name}: too few rights`, async () => {
      const client = await manager.clients.create({ name: 'Reader' });
      const audience = server.management.audience;
      await manager.clientGrants.create({ client_id: client.client_id, audience, scope: ['read:clients'] });
      const { client_id: clientId, client_secret: clientSecret } = client;
      const reader = sdk.connect({ domain: server.domain, clientId, clientSecret });
      assert.equal((await reader.clients.get(clientId)).name, 'Reader');
      const message = await rejects(sdk, reader.clients.create({ name: 'x' }), 403, 'insufficient_scope');
      assert.match(message, /Insufficient scope, expected any of: create:clients/);
      await rejects(sdk, reader.resourceServers.all(), 403, 'insufficient_scope');
      await rejects(sdk, reader.clientGrants.create({ client_id: clientId, audience, scope: [] }), 403, 'insufficient_scope');
    });
  }
}

/** Status and error of a token request without scope, or status and the scope of the token. */
async function outcome(server, client, audience) {
  const { status, error, claims } = await requestToken(server, client, { audience });
  return [status, error ?? claims.scope];
}
