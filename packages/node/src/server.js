// How does a test get a server, and issuers of its own in it?
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { sender } from './http.js';
import { Issuer } from './issuer.js';
import { findBinary, run } from './process.js';

/** A running server: the issuer of the process, which can make others. */
export class Tokenhouse extends Issuer {
  #stop;

  constructor(ready, stop) {
    super(ready, ready.control, sender(ready.ca_file));
    this.#stop = stop;
  }

  /** An issuer of its own, under `/t/{name}/`: its keys, clients, time, faults and requests are nobody else's. */
  async isolated({ name, seed } = {}) {
    const ready = await this.call('POST', 'issuers', { name, seed });
    return new IsolatedIssuer(this, ready);
  }

  /** Ends the server. */
  async stop() {
    await this.#stop();
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.stop();
  }
}

class IsolatedIssuer extends Issuer {
  #house;

  constructor(house, ready) {
    const control = ready.control ?? { url: new URL('_control/', ready.issuer).href, key: house.control.key };
    super(ready, control, sender(house.caFile));
    this.#house = house;
  }

  get name() {
    return new URL(this.issuer).pathname.split('/').at(-2);
  }

  /** Ends it; its name may be used again. */
  async remove() {
    await this.#house.call('DELETE', `issuers/${encodeURIComponent(this.name)}`);
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.remove();
  }
}

/** Starts a server and waits until it is ready. It ends with `stop()`, and with the process that started it. */
export async function start({ binary, port = 0, resourcePort, seed, compat, args = [], env = {}, timeoutMs = 30_000 } = {}) {
  const program = findBinary(binary);
  const folder = seed !== undefined && typeof seed !== 'string' ? await mkdtemp(join(tmpdir(), 'tokenhouse-')) : undefined;
  try {
    let seedFile = seed;
    if (folder) {
      // Private: a seed may hold secrets.
      seedFile = join(folder, 'seed.json');
      await writeFile(seedFile, JSON.stringify(seed), { mode: 0o600 });
    }
    const options = [
      ['--port', port],
      ['--resource-port', resourcePort],
      ['--seed', seedFile],
      ['--compat', compat],
    ];
    const given = options.filter(([, value]) => value !== undefined).flatMap(([name, value]) => [name, String(value)]);
    const { ready, stop } = await run(program, ['dev', '--control', '--json', ...given, ...args], { timeoutMs, env });
    return new Tokenhouse(ready, stop);
  } finally {
    if (folder) await rm(folder, { recursive: true, force: true });
  }
}
