// Can Auth0's SDKs manage the public keys with which a client may authenticate?
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';

import { asManager, rejects, sdks } from './support/management.mjs';
import { auth0, standard } from './support/servers.mjs';

const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const spki = publicKey.export({ type: 'spki', format: 'pem' });
const pkcs1 = publicKey.export({ type: 'pkcs1', format: 'pem' });

for (const server of [standard, auth0]) {
  for (const sdk of sdks) {
    const manager = sdk.connect(asManager(server));

    test(`${sdk.name}, ${server.name}: a credential from its creation to its end`, async () => {
      const { client_id: clientId } = await manager.clients.create({ name: 'Partner' });
      assert.deepEqual(await manager.credentials.list(clientId), []);

      const created = await manager.credentials.create(clientId, {
        credential_type: 'public_key',
        name: 'laptop',
        pem: spki,
        alg: 'RS256',
      });
      assert.match(created.id, /^cred_/);
      assert.deepEqual([created.name, created.alg, created.credential_type], ['laptop', 'RS256', 'public_key']);
      assert.ok(created.kid);
      assert.equal(created.pem, undefined);

      assert.deepEqual((await manager.credentials.list(clientId)).map(({ id }) => id), [created.id]);
      assert.equal((await manager.credentials.get(clientId, created.id)).kid, created.kid);
      const expires = new Date(Date.now() + 86_400_000).toISOString();
      const changed = await manager.credentials.update(clientId, created.id, { expires_at: expires });
      assert.equal(Date.parse(changed.expires_at), Date.parse(expires));

      await manager.credentials.delete(clientId, created.id);
      await manager.credentials.delete(clientId, created.id);
      await rejects(sdk, manager.credentials.get(clientId, created.id), 404, 'inexistent_credential');
      assert.deepEqual(await manager.credentials.list(clientId), []);
    });

    test(`${sdk.name}, ${server.name}: a credential in use cannot be deleted, one that is no key cannot be added`, async () => {
      const client = await manager.clients.create({
        name: 'Partner',
        client_authentication_methods: {
          private_key_jwt: { credentials: [{ credential_type: 'public_key', name: 'first', pem: pkcs1, alg: 'RS256' }] },
        },
      });
      const [{ id }] = client.client_authentication_methods.private_key_jwt.credentials;
      await rejects(sdk, manager.credentials.delete(client.client_id, id), 400, 'operation_not_supported');
      const add = (body) => manager.credentials.create(client.client_id, { credential_type: 'public_key', ...body });
      await rejects(sdk, add({ pem: 'no key' }), 400, 'invalid_body');
      await rejects(sdk, manager.credentials.list('unknown'), 404, 'inexistent_client');
    });
  }
}
