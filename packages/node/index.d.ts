/** Starts a Tokenhouse issuer for tests and drives it. What each call does stands in docs/testing.md of Tokenhouse. */

/** The ready object of an issuer, as `tokenhouse dev --json` prints it. */
export interface Ready {
  issuer: string;
  token_endpoint: string;
  jwks_uri: string;
  resource_api: string;
  ca_file: string | null;
  clients: Client[];
  management: { client_id: string; client_secret: string; audience: string };
  control: Control | null;
}

/** A client of the seed; what is not known is null. */
export interface Client {
  client_id: string;
  client_secret: string | null;
  audience: string | null;
  scope: string | null;
  ungranted_scope: string | null;
}

/** Where the control API is. */
export interface Control {
  url: string;
  key: string;
}

export interface StartOptions {
  /** The program; else TOKENHOUSE_BIN, else `tokenhouse` in PATH. */
  binary?: string;
  /** The port of the issuer; 0, the default, takes a free one. */
  port?: number;
  /** The port of the bundled resource API; a free one, or the next. */
  resourcePort?: number;
  /** A configuration document in place of the demo objects: an object, or the path of a file. */
  seed?: object | string;
  compat?: 'standard' | 'auth0' | 'identityserver';
  /** Further arguments of `tokenhouse dev`. */
  args?: string[];
  /** Further variables of its environment. */
  env?: Record<string, string>;
  /** How long it may take to start; 30 seconds. */
  timeoutMs?: number;
}

export interface TokenOptions {
  /** A client of the seed, whose secret and audience are known; else give them. */
  clientId?: string;
  clientSecret?: string;
  audience?: string;
  scope?: string;
}

export type Algorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA';

export interface MintOptions {
  clientId?: string;
  audience?: string;
  scope?: string;
  /** Seconds from now; negative is in the past. */
  expiresIn?: number;
  /** Merged into the header; null removes a member. */
  header?: Record<string, unknown>;
  /** Merged into the claims; null removes a member. */
  claims?: Record<string, unknown>;
  alg?: Algorithm;
  /** `other` is a key that is published nowhere. */
  key?: 'active' | 'other';
  /** One thing wrong with it: a name of `defects()`, such as `expired` or `wrong_audience`. */
  defect?: string;
}

export interface Minted {
  access_token: string;
  token_type: 'Bearer';
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
  defect: Defect | null;
}

export interface Defect {
  name: string;
  description: string;
  reference: string;
}

export interface Clock {
  now: number;
  iso: string;
  frozen: boolean;
  offset_seconds: number;
}

export interface Key {
  kid: string;
  alg: Algorithm;
  state: 'next' | 'active' | 'retired' | 'removed';
  [member: string]: unknown;
}

export type Endpoint = 'token' | 'jwks' | 'discovery' | 'management' | 'resource_api' | 'any' | 'other';

export interface FaultOptions {
  kind?: 'status' | 'delay' | 'drop' | 'truncate' | 'slow' | 'empty_jwks';
  times?: number;
  status?: number;
  /** Seconds. */
  retryAfter?: number;
  body?: unknown;
  delayMs?: number;
  pieces?: number;
  pauseMs?: number;
}

export interface Fault {
  id: number;
  endpoint: Endpoint;
  kind: string;
  times: number;
  left: number;
  [member: string]: unknown;
}

export interface RequestFilter {
  /** Only those with a higher number. */
  since?: number;
  endpoint?: Endpoint;
  clientId?: string;
}

/** A request that was received, secrets redacted. */
export interface LoggedRequest {
  number: number;
  at: string;
  method: string;
  path: string;
  /** null if it is longer than 4 KiB or cannot be read; then `query_bytes` says how long it was. */
  query: Record<string, unknown> | null;
  query_bytes: number;
  endpoint: Endpoint;
  headers: Record<string, string>;
  body: Record<string, unknown> | null;
  client_id: string | null;
  status: number | null;
  error: string | null;
  fault: number | null;
  [member: string]: unknown;
}

/** An issuer: that of the process, or an isolated one. */
export class Issuer {
  readonly ready: Ready;
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly jwksUri: string;
  readonly resourceApi: string;
  /** The CA that the server made, as a file in PEM, where it runs with `--tls`; else null. */
  readonly caFile: string | null;
  readonly clients: Client[];
  readonly control: Control;
  /** Gets a token from the token endpoint, as a client does. */
  token(options?: TokenOptions): Promise<string>;
  /** Mints any token, good or bad; nothing is checked. */
  mint(options?: MintOptions): Promise<string>;
  mintWhole(options?: MintOptions): Promise<Minted>;
  /** What a token can be given so that an API must refuse it. */
  defects(): Promise<Defect[]>;
  clock(): Promise<Clock>;
  setClock(clock: { now?: number | string | Date | null; frozen?: boolean }): Promise<Clock>;
  advance(seconds: number): Promise<Clock>;
  keys(): Promise<Key[]>;
  rotateKeys(options?: { alg?: Algorithm }): Promise<{ active: Key; next: Key }>;
  dropKey(options?: { kid?: string }): Promise<{ dropped: Key; active: Key | null }>;
  /** Spoils the next answers of an endpoint. */
  failNext(endpoint: Endpoint, options?: FaultOptions): Promise<Fault>;
  faults(): Promise<Fault[]>;
  clearFaults(): Promise<void>;
  requests(filter?: RequestFilter): Promise<LoggedRequest[]>;
  /** Rejects if fewer come within `timeoutSeconds`, 5 by default. */
  waitForRequests(count: number, filter?: RequestFilter & { timeoutSeconds?: number }): Promise<LoggedRequest[]>;
  clearRequests(): Promise<void>;
  document(): Promise<Record<string, unknown>>;
  apply(document: object, options?: { prune?: boolean }): Promise<unknown>;
  state(): Promise<Record<string, unknown>>;
  /** Everything back to the start. */
  reset(): Promise<Record<string, unknown>>;
  /** Any call of the control API. */
  call(method: string, path: string, body?: unknown): Promise<any>;
}

/** An issuer under `/t/{name}/`. */
export interface IsolatedIssuer extends Issuer {
  readonly name: string;
  /** Ends it. */
  remove(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A running server. */
export class Tokenhouse extends Issuer {
  /** An issuer of its own: its keys, clients, time, faults and requests are nobody else's. */
  isolated(options?: { name?: string; seed?: object }): Promise<IsolatedIssuer>;
  /** Ends the server. It also ends with the process that started it, however that ends. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a server and waits until it is ready. */
export function start(options?: StartOptions): Promise<Tokenhouse>;

/** The control API refused. */
export class ControlError extends Error {
  readonly status: number;
  readonly error: string | undefined;
}

/** The token endpoint refused. */
export class TokenError extends Error {
  readonly status: number;
  readonly error: string | undefined;
}
