// Which servers run, and what do they know? (tests/interop/with-servers started them, with tests/interop/seed.yaml)
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The audience of the API in the dialect of the server's `compat`; `partner` and `odd~partner` have a grant for it. */
export const AUDIENCE = 'https://api.example.com/';

/** What `partner` is granted of every API. */
export const GRANTED = 'list:users create:users';

/** What the bundled resource API and every other API of the seed define, and nobody is granted. */
export const UNGRANTED = 'delete:users';

function server(name) {
  const ready = JSON.parse(readFileSync(join(process.env.INTEROP_SERVERS, `${name}.json`), 'utf8'));
  const [partner, odd] = ready.clients;
  return {
    name,
    issuer: ready.issuer,
    /** What Auth0's libraries call the domain. */
    domain: new URL(ready.issuer).host,
    tokenEndpoint: ready.token_endpoint,
    resourceApi: ready.resource_api,
    management: ready.management,
    partner: { clientId: partner.client_id, clientSecret: partner.client_secret },
    /** Its secret is not the same raw and form-encoded. */
    odd: { clientId: odd.client_id, clientSecret: odd.client_secret },
  };
}

/** `dev --tls` as it is. */
export const standard = server('standard');
/** `dev --tls --compat auth0`. */
export const auth0 = server('auth0');
/** `dev` over HTTP. */
export const plain = server('plain');
/** `serve` with certificate files. */
export const serve = server('serve');

/** Those over HTTPS, each with the errors that its `compat` has for the same mistakes. */
export const overHttps = [
  { server: standard, errors: standardErrors() },
  { server: auth0, errors: auth0Errors() },
  { server: serve, errors: standardErrors() },
];

function standardErrors() {
  return {
    wrongSecret: { status: 401, error: 'invalid_client' },
    unknownApi: { status: 400, error: 'invalid_target' },
    noGrant: { status: 400, error: 'invalid_target' },
    ungrantedScope: { status: 400, error: 'invalid_scope' },
    organization: { status: 400, error: 'invalid_request' },
  };
}

function auth0Errors() {
  const denied = { status: 403, error: 'access_denied' };
  return {
    wrongSecret: { status: 401, error: 'access_denied' },
    unknownApi: denied,
    noGrant: denied,
    ungrantedScope: denied,
    organization: { status: 400, error: 'invalid_request' },
  };
}

/** Fails unless `answer` is a token response as RFC 6749 §5.1 and Auth0's libraries want it. */
export function assertTokenResponse(assert, answer, scope = GRANTED) {
  assert.match(answer.access_token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  assert.equal(answer.token_type.toLowerCase(), 'bearer');
  assert.equal(answer.expires_in, 3600);
  if (scope !== undefined) assert.equal(answer.scope, scope);
}
