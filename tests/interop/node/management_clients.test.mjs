// Can Auth0's SDKs manage clients: create, show, change, delete, rotate the secret, page through many?
import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { asManager, makeMany, rejects, requestToken, sdks } from './support/management.mjs';
import { AUDIENCE, auth0, standard } from './support/servers.mjs';

/** More than the largest page, which holds 100. */
const MANY = 103;

for (const server of [standard, auth0]) {
  before(async () => {
    const { clients } = sdks[0].connect(asManager(server));
    await makeMany(MANY, (index) => clients.create({ name: `many ${index}` }));
  });

  for (const sdk of sdks) {
    const manager = sdk.connect(asManager(server));

    test(`${sdk.name}, ${server.name}: a client from its creation to its end`, async () => {
      const created = await manager.clients.create({
        name: 'Partner',
        description: 'before',
        app_type: 'non_interactive',
        grant_types: ['client_credentials'],
        token_endpoint_auth_method: 'client_secret_post',
        client_metadata: { team: 'blue', region: 'eu' },
        jwt_configuration: { alg: 'RS256' },
      });
      assert.match(created.client_id, /^[A-Za-z0-9._~-]{1,64}$/);
      assert.ok(created.client_secret.length > 32);

      const shown = await manager.clients.get(created.client_id);
      assert.equal(shown.name, 'Partner');
      assert.equal(shown.client_secret, undefined, 'the secret is told once');
      assert.deepEqual(shown.client_metadata, { team: 'blue', region: 'eu' });
      assert.deepEqual(shown.grant_types, ['client_credentials']);

      const changed = await manager.clients.update(created.client_id, {
        name: 'Renamed',
        description: null,
        client_metadata: { region: null, tier: 'gold' },
      });
      assert.equal(changed.name, 'Renamed');
      assert.equal(changed.description ?? null, null);
      assert.deepEqual(changed.client_metadata, { team: 'blue', tier: 'gold' });

      await manager.clients.delete(created.client_id);
      await rejects(sdk, manager.clients.get(created.client_id), 404, 'inexistent_client');
      await rejects(sdk, manager.clients.update(created.client_id, { name: 'x' }), 404, 'inexistent_client');
      // As with Auth0, deleting what is gone is no error.
      await manager.clients.delete(created.client_id);
    });

    test(`${sdk.name}, ${server.name}: a client sent back as it was read is as it was`, async () => {
      const { client_secret: _, ...created } = await manager.clients.create({ name: 'Round trip' });
      const { client_id, global: _global, updated_at: before, ...body } = created;
      const after = await manager.clients.update(client_id, body);
      assert.deepEqual(after, created);
      assert.equal(after.updated_at, before);
    });

    test(`${sdk.name}, ${server.name}: the fields that were asked for, or all but those`, async () => {
      const { client_id } = await manager.clients.create({ name: 'Fields' });
      const some = await manager.clients.get(client_id, { fields: 'client_id,name', include_fields: true });
      assert.deepEqual(some, { client_id, name: 'Fields' });
      const others = await manager.clients.get(client_id, { fields: 'client_id,name', include_fields: false });
      assert.equal(others.client_id, undefined);
      assert.ok(others.grant_types);
      const { clients } = await manager.clients.page({ fields: 'client_id', include_fields: true, per_page: 2 });
      assert.deepEqual(clients.map(Object.keys), [['client_id'], ['client_id']]);
    });

    test(`${sdk.name}, ${server.name}: a rotated secret, and the one before`, async () => {
      const client = await manager.clients.create({ name: 'Rotated' });
      // It has no grant: what tells whether it authenticated is the code of the refusal.
      const refused = async (secret) => (await requestToken(server, { ...client, client_secret: secret }, { audience: AUDIENCE })).status;
      const authenticated = await refused(client.client_secret);
      assert.notEqual(authenticated, 401);
      const rotated = await manager.clients.rotateSecret(client.client_id);
      assert.notEqual(rotated.client_secret, client.client_secret);
      assert.equal(await refused(rotated.client_secret), authenticated);
      assert.equal(await refused(client.client_secret), 401);
      await rejects(sdk, manager.clients.rotateSecret('unknown'), 404, 'inexistent_client');
    });

    test(`${sdk.name}, ${server.name}: every client, page after page, each once`, async () => {
      const everything = await manager.clients.all();
      const ids = everything.map((client) => client.client_id);
      assert.equal(new Set(ids).size, ids.length);
      assert.ok(everything.filter((client) => client.name.startsWith('many ')).length === MANY);
      const { total, start, limit, clients } = await manager.clients.page({ page: 1, per_page: 10 });
      assert.deepEqual([total, start, limit], [ids.length, 10, 10]);
      assert.deepEqual(clients.map((client) => client.client_id), ids.slice(10, 20));
      const past = await manager.clients.page({ page: 1000, per_page: 100 });
      assert.deepEqual([past.total, past.clients], [ids.length, []]);
      if (manager.clients.bare) assert.equal((await manager.clients.bare({ per_page: 3 })).length, 3);
    });

    test(`${sdk.name}, ${server.name}: the total honours the filters`, async () => {
      const all = await manager.clients.page({ per_page: 1 });
      const notGlobal = await manager.clients.page({ per_page: 1, is_global: false });
      assert.equal(notGlobal.total, (await manager.clients.all({ is_global: false })).length);
      assert.ok(notGlobal.total <= all.total);
      const spa = await manager.clients.create({ name: 'SPA', app_type: 'spa', grant_types: ['authorization_code'] });
      const found = await manager.clients.page({ app_type: 'spa' });
      assert.ok(found.clients.some((client) => client.client_id === spa.client_id));
      assert.ok(found.clients.every((client) => client.app_type === 'spa'));
      assert.equal(found.total, found.clients.length);
      await manager.clients.delete(spa.client_id);
    });

    test(`${sdk.name}, ${server.name}: a body or a query that cannot be used`, async () => {
      await rejects(sdk, manager.clients.create({ description: 'without a name' }), 400, 'invalid_body');
      await rejects(sdk, manager.clients.create({ name: 'x', grant_types: 'client_credentials' }), 400, 'invalid_body');
      await rejects(sdk, manager.clients.page({ per_page: 101 }), 400, 'invalid_query_string');
    });

    test(`${sdk.name}, ${server.name}: a token that is none`, async () => {
      const stranger = sdk.connect({ domain: server.domain, token: 'nonsense' });
      await rejects(sdk, stranger.clients.page({}), 401, 'invalid_token');
    });
  }
}
