// Do libraries that verify a token without a web framework accept our tokens, and only those?
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { JwtRsaVerifier } from 'aws-jwt-verify';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';

import { standard } from './support/servers.mjs';
import { audienceOf, verifies } from './support/verifiers.mjs';
import { fetchToken } from './support/tokens.mjs';

const dialects = ['auth0', 'auth0-authz', 'rfc9068', 'rfc9068-authz', 'identityserver'];
const jwksUri = (server) => `${server.issuer}.well-known/jwks.json`;

verifies('jose', dialects, async (server, audience) => {
  const keys = createRemoteJWKSet(new URL(jwksUri(server)));
  return async (token) => (await jwtVerify(token, keys, { issuer: server.issuer, audience })).payload;
});

test('jose can insist on the typ of each dialect', async () => {
  const keys = createRemoteJWKSet(new URL(jwksUri(standard)));
  for (const [dialect, typ, other] of [
    ['auth0', 'JWT', 'at+jwt'],
    ['rfc9068', 'at+jwt', 'JWT'],
  ]) {
    const token = await fetchToken(standard, audienceOf(dialect));
    await jwtVerify(token, keys, { typ });
    await assert.rejects(jwtVerify(token, keys, { typ: other }), { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED' });
  }
});

async function verifyLikeAws(server, audience) {
  const verifier = JwtRsaVerifier.create({ issuer: server.issuer, audience, jwksUri: jwksUri(server) });
  return (token) => verifier.verify(token);
}
verifies('aws-jwt-verify', dialects.filter((dialect) => dialect !== 'identityserver'), verifyLikeAws);

test('aws-jwt-verify refuses the dialect of IdentityServer: a scope that is an array', async () => {
  const verify = await verifyLikeAws(standard, audienceOf('identityserver'));
  await assert.rejects(verify(await fetchToken(standard, audienceOf('identityserver'))), /scope claim is not a string/);
});

// Knows RFC 9068 only.
async function validate4webapi(server, audience) {
  const issuer = new URL(server.issuer);
  const metadata = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer));
  return (token) => {
    const request = new Request('https://api.example.com/', { headers: { authorization: `Bearer ${token}` } });
    return oauth.validateJwtAccessToken(metadata, request, audience);
  };
}
verifies('oauth4webapi', ['rfc9068', 'rfc9068-authz'], validate4webapi);

test('oauth4webapi refuses the dialect of Auth0, which RFC 9068 does not know', async () => {
  const verify = await validate4webapi(standard, audienceOf('auth0'));
  await assert.rejects(verify(await fetchToken(standard, audienceOf('auth0'))), /"typ"|missing "jti"/);
});
