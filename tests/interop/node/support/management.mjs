// How does each version of Auth0's SDK say the same thing to the Management API? Version 4 has one style, 6 and 7 another.
import assert from 'node:assert/strict';

import * as auth0v4 from 'auth0-4';
import * as auth0v6 from 'auth0-6';
import * as auth0v7 from 'auth0-7';

/** Everything that an async iterable gives. */
async function collect(iterable) {
  const all = [];
  for await (const one of iterable) all.push(one);
  return all;
}

/** Version 4: methods take an object of path parameters, answers lie in `data`, and the caller pages. */
function version4(name, { ManagementClient, ManagementApiError }) {
  return {
    name,
    connect(options) {
      const { clients, resourceServers, clientGrants, keys } = new ManagementClient(options);
      const data = async (answer) => (await answer).data;

      /** Page after page with totals, until there are as many as the total says. */
      async function byPage(list, member, query) {
        const all = [];
        for (let page = 0; ; page += 1) {
          const answer = await list({ ...query, page, per_page: 100, include_totals: true });
          assert.deepEqual([answer.start, answer.limit], [page * 100, 100]);
          all.push(...answer[member]);
          if (answer[member].length === 0 || all.length >= answer.total) {
            assert.equal(all.length, answer.total);
            return all;
          }
        }
      }

      /** From checkpoint to checkpoint. */
      async function byCheckpoint(list, member, query) {
        const all = [];
        for (let from; ; ) {
          const answer = await list({ ...query, take: 40, ...(from && { from }) });
          all.push(...answer[member]);
          from = answer.next;
          if (!from) return all;
        }
      }

      return {
        clients: {
          create: (body) => data(clients.create(body)),
          get: (client_id, query) => data(clients.get({ client_id, ...query })),
          update: (client_id, body) => data(clients.update({ client_id }, body)),
          delete: (client_id) => data(clients.delete({ client_id })),
          rotateSecret: (client_id) => data(clients.rotateClientSecret({ client_id })),
          page: (query) => data(clients.getAll({ ...query, include_totals: true })),
          bare: (query) => data(clients.getAll(query)),
          all: (query) => byPage((asked) => data(clients.getAll(asked)), 'clients', query),
        },
        credentials: {
          create: (client_id, body) => data(clients.createCredential({ client_id }, body)),
          list: (client_id) => data(clients.getCredentials({ client_id })),
          get: (client_id, credential_id) => data(clients.getCredential({ client_id, credential_id })),
          update: (client_id, credential_id, body) =>
            data(clients.updateCredential({ client_id, credential_id }, body)),
          delete: (client_id, credential_id) => data(clients.deleteCredential({ client_id, credential_id })),
        },
        resourceServers: {
          create: (body) => data(resourceServers.create(body)),
          get: (id, query) => data(resourceServers.get({ id, ...query })),
          update: (id, body) => data(resourceServers.update({ id }, body)),
          delete: (id) => data(resourceServers.delete({ id })),
          all: (query) => byPage((asked) => data(resourceServers.getAll(asked)), 'resource_servers', query),
        },
        clientGrants: {
          create: (body) => data(clientGrants.create(body)),
          update: (id, body) => data(clientGrants.update({ id }, body)),
          delete: (id) => data(clientGrants.delete({ id })),
          all: (query) => byCheckpoint((asked) => data(clientGrants.getAll(asked)), 'client_grants', query),
          byPage: (query) => byPage((asked) => data(clientGrants.getAll(asked)), 'client_grants', query),
          bare: (query) => data(clientGrants.getAll(query)),
        },
        keys: {
          list: () => data(keys.getAll()),
          get: (kid) => data(keys.get({ kid })),
          rotate: () => data(keys.rotate()),
          revoke: (kid) => data(keys.revoke({ kid })),
        },
      };
    },
    /** Fails unless `thrown` is the SDK's own error for `status` and the code. */
    assertError(thrown, status, code) {
      assert.ok(thrown instanceof ManagementApiError, `${thrown?.stack}`);
      assert.deepEqual([thrown.statusCode, thrown.errorCode], [status, code]);
      assert.ok(thrown.msg.length > 0);
      return thrown.msg;
    },
  };
}

/** Versions 6 and 7: methods take the id, lists are async iterables that page by themselves, each status has its error class. */
function iterating(name, { ManagementClient, ManagementError, Management }) {
  const classes = {
    400: Management.BadRequestError,
    401: Management.UnauthorizedError,
    403: Management.ForbiddenError,
    404: Management.NotFoundError,
    409: Management.ConflictError,
  };
  return {
    name,
    connect(options) {
      const { clients, resourceServers, clientGrants, keys } = new ManagementClient(options);
      const all = async (page) => collect(await page);
      return {
        clients: {
          create: (body) => clients.create(body),
          get: (id, query) => clients.get(id, query),
          update: (id, body) => clients.update(id, body),
          delete: (id) => clients.delete(id),
          rotateSecret: (id) => clients.rotateSecret(id),
          page: async (query) => (await clients.list(query)).response,
          all: (query) => all(clients.list(query)),
        },
        credentials: {
          create: (clientId, body) => clients.credentials.create(clientId, body),
          list: (clientId) => clients.credentials.list(clientId),
          get: (clientId, id) => clients.credentials.get(clientId, id),
          update: (clientId, id, body) => clients.credentials.update(clientId, id, body),
          delete: (clientId, id) => clients.credentials.delete(clientId, id),
        },
        resourceServers: {
          create: (body) => resourceServers.create(body),
          get: (id, query) => resourceServers.get(id, query),
          update: (id, body) => resourceServers.update(id, body),
          delete: (id) => resourceServers.delete(id),
          all: (query) => all(resourceServers.list(query)),
        },
        clientGrants: {
          create: (body) => clientGrants.create(body),
          get: (id) => clientGrants.get(id),
          update: (id, body) => clientGrants.update(id, body),
          delete: (id) => clientGrants.delete(id),
          all: (query) => all(clientGrants.list(query)),
        },
        keys: {
          list: () => keys.signing.list(),
          get: (kid) => keys.signing.get(kid),
          rotate: () => keys.signing.rotate(),
          revoke: (kid) => keys.signing.revoke(kid),
        },
      };
    },
    assertError(thrown, status, code) {
      // Where Auth0 documents no such status for a call, the SDK throws the class of them all.
      assert.ok(thrown instanceof classes[status] || thrown?.constructor === ManagementError, `${thrown?.stack}`);
      assert.deepEqual([thrown.statusCode, thrown.body.statusCode, thrown.body.errorCode], [status, status, code]);
      assert.ok(thrown.body.message.length > 0);
      return thrown.body.message;
    },
  };
}

export const sdks = [
  version4('auth0 4', auth0v4),
  iterating('auth0 6', auth0v6),
  iterating('auth0 7', auth0v7),
];

/** Calls `make` with 0 to `count` - 1, a few at a time: each call under way is a TLS connection of its own. */
export async function makeMany(count, make) {
  const indices = Array.from({ length: count }, (_, index) => index).values();
  const worker = async () => {
    for (const index of indices) await make(index);
  };
  await Promise.all(Array.from({ length: 4 }, worker));
}

/** The options with which an SDK may do everything. */
export function asManager(server) {
  const { client_id: clientId, client_secret: clientSecret } = server.management;
  return { domain: server.domain, clientId, clientSecret };
}

/** Fails unless `promise` is rejected with the SDK's error for `status` and `code`; gives its message. */
export async function rejects(sdk, promise, status, code) {
  let message;
  await assert.rejects(promise, (thrown) => {
    message = sdk.assertError(thrown, status, code);
    return true;
  });
  return message;
}

/** What the token endpoint answers to a client, with the claims of the token. */
export async function requestToken(server, { client_id, client_secret }, parameters) {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret, ...parameters });
  const answer = await fetch(server.tokenEndpoint, { method: 'POST', body });
  const read = await answer.json();
  const claims = read.access_token && JSON.parse(Buffer.from(read.access_token.split('.')[1], 'base64url'));
  return { status: answer.status, ...read, claims };
}
