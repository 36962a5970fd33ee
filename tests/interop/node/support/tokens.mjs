// Which tokens must a verifier refuse, made from one that it accepts? `dev` signs with public test keys, so a test can sign as well.
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';

const testKey = createPrivateKey(readFileSync(new URL('../../../keys/rs256-active.pem', import.meta.url)));
const strangersKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

/** A token of the client `partner`, as the server issues it. */
export async function fetchToken(server, audience, scope) {
  const { clientId: client_id, clientSecret: client_secret } = server.partner;
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret, audience });
  if (scope !== undefined) body.set('scope', scope);
  const answer = await fetch(server.tokenEndpoint, { method: 'POST', body });
  const { access_token: token } = await answer.json();
  if (answer.status !== 200) throw new Error(`no token for ${audience}: ${answer.status}`);
  return token;
}

const decode = (part) => JSON.parse(Buffer.from(part, 'base64url'));
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Header and claims of a token. */
export function parts(token) {
  const [header, claims, signature] = token.split('.');
  return { header: decode(header), claims: decode(claims), signature };
}

function signed(header, claims, key) {
  const message = `${encode(header)}.${encode(claims)}`;
  return `${message}.${sign('RSA-SHA256', Buffer.from(message), key).toString('base64url')}`;
}

/** A token with other claims, signed with the key that `dev` signs with. */
export function forge(token, changes = {}, headerChanges = {}) {
  const { header, claims } = parts(token);
  return signed({ ...header, ...headerChanges }, { ...claims, ...changes }, testKey);
}

/** What must be refused of every server: name and token. */
export function tampered(token) {
  const { header, claims, signature } = parts(token);
  const more = { ...claims, scope: 'list:users create:users delete:users' };
  const flipped = Buffer.from(signature, 'base64url');
  flipped[100] ^= 1;
  const unsigned = `${encode({ ...header, alg: 'none' })}.${encode(claims)}`;
  const symmetric = `${encode({ ...header, alg: 'HS256' })}.${encode(claims)}`;
  const publicKey = createPublicKey(testKey).export({ type: 'spki', format: 'pem' });
  const [head, body] = token.split('.');
  return [
    ['more scope, the same signature', `${head}.${encode(more)}.${signature}`],
    ['one bit of the signature flipped', `${head}.${body}.${flipped.toString('base64url')}`],
    ["a stranger's key with our kid", signed(header, claims, strangersKey)],
    ['alg none', `${unsigned}.`],
    ['HS256 with the public key', `${symmetric}.${createHmac('sha256', publicKey).update(symmetric).digest('base64url')}`],
  ];
}

/** What must be refused of `dev`: name and token. */
export function hostile(token) {
  const now = Math.floor(Date.now() / 1000);
  const { iss } = parts(token).claims;
  return [
    ...tampered(token),
    ['expired', forge(token, { iat: now - 7200, exp: now - 3600 })],
    ['for another audience', forge(token, { aud: 'https://other.example.com/' })],
    ['of another issuer', forge(token, { iss: 'https://other.example.com/' })],
    ['of our issuer without its slash', forge(token, { iss: iss.replace(/\/$/, '') })],
    ['with an unknown kid', forge(token, {}, { kid: 'unknown' })],
  ];
}
