// Do the usual middlewares for Express accept our tokens, and only those?
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { auth, requiredScopes } from 'express-oauth2-jwt-bearer';
import { expressjwt } from 'express-jwt';
import jwtAuthz from 'express-jwt-authz';
import jwks from 'jwks-rsa';
import passport from 'passport';
import { ExtractJwt, Strategy } from 'passport-jwt';

import { standard } from './support/servers.mjs';
import { audienceOf, expressVerifier, verifies } from './support/verifiers.mjs';
import { fetchToken } from './support/tokens.mjs';

const jwksUri = (server) => `${server.issuer}.well-known/jwks.json`;

// --- express-oauth2-jwt-bearer -------------------------------------------------------------------------------------------------------

const bearer = expressVerifier(
  (server, audience) => auth({ issuerBaseURL: server.issuer, audience }),
  (scope) => requiredScopes(scope),
);
const bearerDialects = ['auth0', 'auth0-authz', 'rfc9068', 'rfc9068-authz', 'identityserver'];
verifies('express-oauth2-jwt-bearer', bearerDialects, bearer.make);

const strict = expressVerifier((server, audience) => auth({ issuerBaseURL: server.issuer, audience, strict: true }));
verifies('express-oauth2-jwt-bearer, strict', ['rfc9068', 'rfc9068-authz'], strict.make);

test('express-oauth2-jwt-bearer, strict: refuses the dialect of Auth0, which RFC 9068 does not know', async () => {
  const verify = await strict.make(standard, audienceOf('auth0'));
  await assert.rejects(verify(await fetchToken(standard, audienceOf('auth0'))), { message: 'refused' });
});

for (const dialect of bearerDialects) {
  test(`express-oauth2-jwt-bearer, ${dialect}: reads the scope`, () =>
    bearer.enforcesScope(standard, audienceOf(dialect)));
}

// --- express-jwt, jwks-rsa, express-jwt-authz ----------------------------------------------------------------------------------------

const expressJwt = (server, audience) =>
  expressjwt({
    secret: jwks.expressJwtSecret({ cache: true, jwksUri: jwksUri(server) }),
    audience,
    issuer: server.issuer,
    algorithms: ['RS256'],
  });
const byScope = expressVerifier(expressJwt, (scope) => jwtAuthz([scope], { customUserKey: 'auth' }));
const expressJwtDialects = ['auth0', 'rfc9068', 'identityserver'];
verifies('express-jwt and jwks-rsa', expressJwtDialects, byScope.make);

for (const dialect of expressJwtDialects) {
  test(`express-jwt-authz, ${dialect}: reads the scope, a string or an array`, () =>
    byScope.enforcesScope(standard, audienceOf(dialect)));
}

const permissionKey = { customUserKey: 'auth', customScopeKey: 'permissions' };
const byPermission = expressVerifier(expressJwt, (scope) => jwtAuthz([scope], permissionKey));
for (const dialect of ['auth0-authz', 'rfc9068-authz']) {
  test(`express-jwt-authz, ${dialect}: reads the permissions`, () =>
    byPermission.enforcesScope(standard, audienceOf(dialect)));
}

// --- passport-jwt --------------------------------------------------------------------------------------------------------------------

const passportJwt = expressVerifier((server, audience) => {
  const strategy = new Strategy(
    {
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      secretOrKeyProvider: jwks.passportJwtSecret({ cache: true, jwksUri: jwksUri(server) }),
      audience,
      issuer: server.issuer,
      algorithms: ['RS256'],
    },
    (claims, done) => done(null, claims),
  );
  const instance = new passport.Passport();
  instance.use(strategy);
  return instance.authenticate('jwt', { session: false });
});
verifies('passport-jwt and jwks-rsa', ['auth0', 'rfc9068'], passportJwt.make);
