// What can a test do with one issuer? Each method is one call of the control API, which docs/testing.md of Tokenhouse describes.
import { ControlError, TokenError } from './errors.js';

/** An issuer: that of the process, or an isolated one. */
export class Issuer {
  #control;
  #send;

  constructor(ready, control, send) {
    this.ready = ready;
    this.#control = control;
    this.#send = send;
  }

  /** The issuer identifier. */
  get issuer() {
    return this.ready.issuer;
  }

  get tokenEndpoint() {
    return this.ready.token_endpoint;
  }

  get jwksUri() {
    return this.ready.jwks_uri;
  }

  /** The URL of the bundled resource API. */
  get resourceApi() {
    return this.ready.resource_api;
  }

  /** The CA that the server made, as a file in PEM, where it runs with `--tls`; else null. */
  get caFile() {
    return this.ready.ca_file ?? null;
  }

  /** The clients of the seed, with their secrets. */
  get clients() {
    return this.ready.clients;
  }

  /** URL and key of the control API. */
  get control() {
    return { ...this.#control };
  }

  /** Calls the control API with a path of its own; resolves with the JSON of the answer. */
  async call(method, path, body) {
    const headers = { authorization: `Bearer ${this.#control.key}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const url = new URL(path, this.#control.url);
    const { status, text } = await this.#send(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    const json = text ? parsed(text) : undefined;
    if (!isSuccess(status)) throw new ControlError(`${method} ${url.pathname}`, status, json);
    return json;
  }

  /** Gets a token as a client does, from the token endpoint: secrets, scopes and audiences are checked. */
  async token({ clientId, clientSecret, audience, scope } = {}) {
    const client = this.clients.find((known) => known.client_id === clientId) ?? (clientId === undefined ? this.clients[0] : undefined);
    const form = {
      grant_type: 'client_credentials',
      client_id: clientId ?? client?.client_id,
      client_secret: clientSecret ?? client?.client_secret,
      audience: audience ?? client?.audience,
      scope,
    };
    const given = Object.entries(form).filter(([, value]) => value !== undefined && value !== null);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const { status, text } = await this.#send(this.tokenEndpoint, { method: 'POST', headers, body: String(new URLSearchParams(given)) });
    const body = parsed(text);
    if (!isSuccess(status)) throw new TokenError(status, body);
    return body.access_token;
  }

  /** Mints any token, good or bad; nothing is checked. */
  async mint(options) {
    return (await this.mintWhole(options)).access_token;
  }

  /** The same, with header, claims and the defect. */
  mintWhole({ clientId, expiresIn, ...options } = {}) {
    return this.call('POST', 'tokens', { client_id: clientId, expires_in: expiresIn, ...options });
  }

  /** What a token can be given so that an API must refuse it. */
  async defects() {
    return (await this.call('GET', 'tokens/defects')).defects;
  }

  /** The time that the issuer goes by. */
  clock() {
    return this.call('GET', 'clock');
  }

  /** Sets the time, stops it, or lets it run. A `Date` is as good as Unix seconds; null is the system's time. */
  setClock({ now, frozen }) {
    return this.call('PUT', 'clock', { now: now instanceof Date ? now.toISOString() : now, frozen });
  }

  /** Moves time on. */
  advance(seconds) {
    return this.call('POST', 'clock/advance', { seconds });
  }

  async keys() {
    return (await this.call('GET', 'keys')).keys;
  }

  /** The next key signs from now on; the one before stays published. */
  rotateKeys({ alg } = {}) {
    return this.call('POST', 'keys/rotate', { alg });
  }

  /** A key leaves the JWK Set at once. */
  dropKey({ kid } = {}) {
    return this.call('POST', 'keys/drop', { kid });
  }

  /** Spoils the next answers of an endpoint. */
  failNext(endpoint, { retryAfter, delayMs, pauseMs, ...options } = {}) {
    return this.call('POST', 'faults', { endpoint, retry_after: retryAfter, delay_ms: delayMs, pause_ms: pauseMs, ...options });
  }

  async faults() {
    return (await this.call('GET', 'faults')).faults;
  }

  clearFaults() {
    return this.call('DELETE', 'faults');
  }

  /** What was asked so far, secrets redacted. */
  async requests(filter = {}) {
    return (await this.call('GET', `requests${query(filter)}`)).requests;
  }

  /** Waits until at least `count` requests match; rejects if they do not come. */
  async waitForRequests(count, { timeoutSeconds = 5, ...filter } = {}) {
    const found = await this.call('GET', `requests${query({ ...filter, waitFor: count, timeoutSeconds })}`);
    if (!found.complete) {
      throw new Error(`${found.requests.length} of ${count} requests came within ${timeoutSeconds} seconds`);
    }
    return found.requests;
  }

  clearRequests() {
    return this.call('DELETE', 'requests');
  }

  /** The whole configuration. */
  document() {
    return this.call('GET', 'document');
  }

  /** Makes the issuer say what the document says. */
  apply(document, { prune = false } = {}) {
    return this.call('PUT', `document${prune ? '?prune=true' : ''}`, document);
  }

  state() {
    return this.call('GET', '');
  }

  /** Everything back to the start. */
  reset() {
    return this.call('POST', 'reset');
  }
}

const NAMES = { since: 'since', endpoint: 'endpoint', clientId: 'client_id', waitFor: 'wait_for', timeoutSeconds: 'timeout_seconds' };

function query(filter) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) {
    if (!(name in NAMES)) throw new TypeError(`there is no filter ${name}: use ${Object.keys(NAMES).join(', ')}`);
    if (value !== undefined) parameters.set(NAMES[name], String(value));
  }
  return parameters.size > 0 ? `?${parameters}` : '';
}

function isSuccess(status) {
  return status >= 200 && status < 300;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
