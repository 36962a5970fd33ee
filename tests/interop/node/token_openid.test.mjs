// Do openid-client and oauth4webapi, which are strict about OAuth and OpenID Connect, discover the server and get tokens?
import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';

import { AUDIENCE, UNGRANTED, assertTokenResponse, overHttps, plain } from './support/servers.mjs';

const ways = {
  post: { openid: openid.ClientSecretPost, oauth: oauth.ClientSecretPost },
  basic: { openid: openid.ClientSecretBasic, oauth: oauth.ClientSecretBasic },
};

function discover(server, { clientId, clientSecret }, way, options) {
  return openid.discovery(new URL(server.issuer), clientId, clientSecret, ways[way].openid(clientSecret), options);
}

/** Reads the metadata, asks for a token and lets the library judge the answer. */
async function grant4webapi(server, { clientId, clientSecret }, way, parameters, { algorithm = 'oidc', ...options } = {}) {
  const issuer = new URL(server.issuer);
  const metadata = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm, ...options }),
  );
  const client = { client_id: clientId };
  const answer = await oauth.clientCredentialsGrantRequest(
    metadata,
    client,
    ways[way].oauth(clientSecret),
    new URLSearchParams(parameters),
    options,
  );
  return oauth.processClientCredentialsResponse(metadata, client, answer);
}

for (const { server, errors } of overHttps) {
  for (const way of Object.keys(ways)) {
    for (const [who, credentials] of Object.entries({ plain: server.partner, unusual: server.odd })) {
      test(`openid-client, ${server.name}, ${way}, ${who} secret: a token`, async () => {
        const configuration = await discover(server, credentials, way);
        const answer = await openid.clientCredentialsGrant(configuration, { audience: AUDIENCE, scope: 'list:users' });
        assertTokenResponse(assert, answer, 'list:users');
      });

      test(`oauth4webapi, ${server.name}, ${way}, ${who} secret: a token`, async () => {
        const parameters = { resource: AUDIENCE, scope: 'create:users' };
        assertTokenResponse(assert, await grant4webapi(server, credentials, way, parameters), 'create:users');
      });
    }

    test(`openid-client, ${server.name}, ${way}: errors keep their code`, async () => {
      const configuration = await discover(server, server.partner, way);
      const refused = ({ status, error }) => ({ name: 'ResponseBodyError', status, error });
      const grant = (parameters) => openid.clientCredentialsGrant(configuration, parameters);
      await assert.rejects(grant({ audience: 'https://unknown/' }), refused(errors.unknownApi));
      await assert.rejects(grant({ audience: AUDIENCE, scope: UNGRANTED }), refused(errors.ungrantedScope));
      await assert.rejects(grant({ audience: AUDIENCE, organization: 'org_1' }), refused(errors.organization));
    });
  }

  test(`openid-client, ${server.name}: a wrong secret is told by its code after post, by a challenge after Basic`, async () => {
    const wrong = { ...server.partner, clientSecret: 'wrong' };
    await assert.rejects(openid.clientCredentialsGrant(await discover(server, wrong, 'post'), { audience: AUDIENCE }), {
      name: 'ResponseBodyError',
      ...errors.wrongSecret,
    });
    await assert.rejects(openid.clientCredentialsGrant(await discover(server, wrong, 'basic'), { audience: AUDIENCE }), {
      name: 'WWWAuthenticateChallengeError',
      status: 401,
    });
  });

  test(`oauth4webapi, ${server.name}: the metadata of RFC 8414 serves as well`, async () => {
    const answer = await grant4webapi(server, server.partner, 'basic', { audience: AUDIENCE }, { algorithm: 'oauth2' });
    assertTokenResponse(assert, answer);
  });
}

test('openid-client over HTTP, when it is allowed to', async () => {
  const configuration = await discover(plain, plain.partner, 'post', { execute: [openid.allowInsecureRequests] });
  assertTokenResponse(assert, await openid.clientCredentialsGrant(configuration, { audience: AUDIENCE }));
});

test('oauth4webapi over HTTP, when it is allowed to', async () => {
  const options = { [oauth.allowInsecureRequests]: true };
  assertTokenResponse(assert, await grant4webapi(plain, plain.partner, 'basic', { audience: AUDIENCE }, options));
});
