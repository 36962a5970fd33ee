// Do Auth0's own SDKs for Node get tokens, with `compat` standard and auth0?
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AuthClient } from '@auth0/auth0-auth-js';
import * as auth0v4 from 'auth0-4';
import * as auth0v6 from 'auth0-6';
import * as auth0v7 from 'auth0-7/legacy';

import { AUDIENCE, assertTokenResponse, overHttps } from './support/servers.mjs';

// The main entry of version 7 has no AuthenticationClient any more.
const sdks = { 'auth0 4': auth0v4, 'auth0 6': auth0v6, 'auth0 7 (auth0/legacy)': auth0v7 };

for (const [sdk, { AuthenticationClient, AuthApiError }] of Object.entries(sdks)) {
  for (const { server, errors } of overHttps) {
    const grant = (parameters, credentials = server.partner) =>
      new AuthenticationClient({ domain: server.domain, ...credentials }).oauth.clientCredentialsGrant({
        audience: AUDIENCE,
        ...parameters,
      });
    const refused = ({ status, error }) => (thrown) => {
      assert.ok(thrown instanceof AuthApiError, `${thrown}`);
      assert.equal(thrown.statusCode, status);
      assert.equal(thrown.error, error);
      assert.ok(thrown.error_description.length > 0);
      return true;
    };

    test(`${sdk}, ${server.name}: a token`, async () => {
      const { data, status } = await grant({});
      assert.equal(status, 200);
      assertTokenResponse(assert, data);
    });

    test(`${sdk}, ${server.name}: a secret of unusual characters`, async () => {
      const { data } = await grant({}, server.odd);
      assertTokenResponse(assert, data);
    });

    test(`${sdk}, ${server.name}: errors keep their code`, async () => {
      const wrong = { ...server.partner, clientSecret: 'wrong' };
      await assert.rejects(grant({}, wrong), refused(errors.wrongSecret));
      await assert.rejects(grant({}, { clientId: 'unknown', clientSecret: 'wrong' }), refused(errors.wrongSecret));
      await assert.rejects(grant({ audience: 'https://unknown/' }), refused(errors.unknownApi));
      await assert.rejects(grant({ audience: 'https://nobody.example.com/' }), refused(errors.noGrant));
    });

    test(`${sdk}, ${server.name}: an organization is refused, an empty one is none`, async () => {
      await assert.rejects(grant({ organization: 'org_1' }), refused(errors.organization));
      const { data } = await grant({ organization: '' });
      assertTokenResponse(assert, data);
    });
  }
}

for (const { server, errors } of overHttps) {
  const client = (credentials = server.partner) => new AuthClient({ domain: server.domain, ...credentials });

  test(`auth0-auth-js, ${server.name}: a token, its endpoint found by discovery`, async () => {
    const before = Math.floor(Date.now() / 1000);
    const answer = await client().getTokenByClientCredentials({ audience: AUDIENCE });
    assert.match(answer.accessToken, /^[\w-]+\.[\w-]+\.[\w-]+$/);
    assert.ok(Math.abs(answer.expiresAt - before - 3600) < 30, `${answer.expiresAt}`);
    assert.equal(answer.scope, 'list:users create:users');
  });

  test(`auth0-auth-js, ${server.name}: errors keep their code`, async () => {
    const refused = ({ error }) => (thrown) => {
      assert.equal(thrown.name, 'TokenByClientCredentialsError', `${thrown}`);
      assert.equal(thrown.cause.error, error);
      assert.ok(thrown.cause.error_description.length > 0);
      return true;
    };
    const wrong = { ...server.partner, clientSecret: 'wrong' };
    await assert.rejects(
      client(wrong).getTokenByClientCredentials({ audience: AUDIENCE }),
      refused(errors.wrongSecret),
    );
    await assert.rejects(
      client().getTokenByClientCredentials({ audience: 'https://unknown/' }),
      refused(errors.unknownApi),
    );
    await assert.rejects(
      client().getTokenByClientCredentials({ audience: AUDIENCE, organization: 'org_1' }),
      refused(errors.organization),
    );
  });
}
