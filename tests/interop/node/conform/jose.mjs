// A protected API by hand, with jose and all its checks turned on.
import { createServer } from 'node:http';

import { createRemoteJWKSet, jwtVerify } from 'jose';

const { AUDIENCE: audience, ISSUER: issuer, PORT } = process.env;

const keys = createRemoteJWKSet(new URL('.well-known/jwks.json', issuer));
const rules = {
  issuer,
  audience,
  algorithms: ['RS256'],
  typ: 'at+jwt',
  requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id'],
};

function refuse(response, status, challenge) {
  response.writeHead(status, { 'WWW-Authenticate': `Bearer ${challenge}` }).end();
}

createServer(async (request, response) => {
  const header = request.headers.authorization;
  if (header === undefined) return refuse(response, 401, 'realm="users"');
  const [, token] = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header) ?? [];
  if (!token) return refuse(response, 400, 'error="invalid_request"');
  let claims;
  try {
    claims = (await jwtVerify(token, keys, rules)).payload;
  } catch {
    return refuse(response, 401, 'error="invalid_token"');
  }
  const scopes = typeof claims.scope === 'string' ? claims.scope.split(' ') : [];
  if (!scopes.includes('list:users')) return refuse(response, 403, 'error="insufficient_scope", scope="list:users"');
  return response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"users":[]}');
}).listen(Number(PORT), '127.0.0.1');
