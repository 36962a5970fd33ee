// Verifies new tokens with `jose`, and a JWK Set that is kept for its max-age and not fetched for an unknown key.
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';

const { ISSUER, AUDIENCE, CLIENT_ID, CLIENT_SECRET, SECONDS_LONG } = process.env;
let keys;
let fresh = 0;

async function keySet() {
  const now = performance.now();
  if (now >= fresh) {
    const answer = await fetch(`${ISSUER}.well-known/jwks.json`);
    const [, maxAge] = /max-age=(\d+)/.exec(answer.headers.get('cache-control'));
    keys = createLocalJWKSet(await answer.json());
    // From when it was asked for, as HTTP caches count.
    fresh = now + 1000 * maxAge;
  }
  return keys;
}

const body = new URLSearchParams({ grant_type: 'client_credentials', audience: AUDIENCE, client_id: CLIENT_ID, client_secret: CLIENT_SECRET });
const kids = new Set();
let verified = 0;
const end = performance.now() + 1000 * SECONDS_LONG;
while (performance.now() < end) {
  // The set first: a token that is newer than the set is what a rotation could break.
  const known = await keySet();
  const { access_token: token } = await (await fetch(`${ISSUER}oauth/token`, { method: 'POST', body })).json();
  kids.add(decodeProtectedHeader(token).kid);
  await jwtVerify(token, known, { issuer: ISSUER, audience: AUDIENCE, typ: 'at+jwt', algorithms: ['RS256'] });
  verified += 1;
}
console.log(`jose: ${verified} tokens of ${kids.size} keys, none refused`);
if (kids.size < 3) throw new Error('too few keys have signed to tell');
