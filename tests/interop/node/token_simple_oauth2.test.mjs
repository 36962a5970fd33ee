// Does simple-oauth2 get tokens in each of the spellings that it knows for credentials and body?
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ClientCredentials } from 'simple-oauth2';

import { AUDIENCE, UNGRANTED, assertTokenResponse, overHttps, plain } from './support/servers.mjs';

const spellings = ['header', 'body'].flatMap((authorizationMethod) =>
  ['strict', 'loose'].flatMap((credentialsEncodingMode) =>
    ['form', 'json'].map((bodyFormat) => ({ authorizationMethod, credentialsEncodingMode, bodyFormat })),
  ),
);

// `tokenPath` is /oauth/token when nothing is said.
function client(server, { clientId, clientSecret }, options) {
  return new ClientCredentials({
    client: { id: clientId, secret: clientSecret },
    auth: { tokenHost: server.issuer },
    options,
  });
}

for (const { server, errors } of [...overHttps, { server: plain, errors: overHttps[0].errors }]) {
  for (const options of spellings) {
    const spelling = Object.values(options).join(' ');

    test(`simple-oauth2, ${server.name}, ${spelling}: a token`, async () => {
      const { token } = await client(server, server.partner, options).getToken({ audience: AUDIENCE });
      assertTokenResponse(assert, token);
    });

    test(`simple-oauth2, ${server.name}, ${spelling}: an unusual secret, and a scope`, async () => {
      const { token } = await client(server, server.odd, options).getToken({ scope: ['list:users'] });
      assertTokenResponse(assert, token, 'list:users');
    });

    test(`simple-oauth2, ${server.name}, ${spelling}: errors keep their code`, async () => {
      const refused = ({ status, error }) => (thrown) => {
        assert.equal(thrown.output?.statusCode, status, `${thrown}`);
        assert.equal(thrown.data.payload.error, error);
        return true;
      };
      const wrong = { ...server.partner, clientSecret: 'wrong' };
      await assert.rejects(client(server, wrong, options).getToken({ audience: AUDIENCE }), refused(errors.wrongSecret));
      await assert.rejects(
        client(server, server.partner, options).getToken({ audience: AUDIENCE, scope: UNGRANTED }),
        refused(errors.ungrantedScope),
      );
    });
  }
}
