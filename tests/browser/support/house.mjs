// How is a Tokenhouse started for a test, and how does a test set it up as an operator would from a script?

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const program = process.env.TOKENHOUSE_BIN;

/// `tokenhouse dev` on free ports, with the configuration document `seed` if there is one. `control` drives it, and `apply` makes what a
/// document says.
export async function dev(seed) {
  const directory = mkdtempSync(join(tmpdir(), 'tokenhouse-'));
  const ready = join(directory, 'ready.json');
  const extra = seed ? ['--seed', seed] : [];
  const child = spawn(program, ['dev', '--port', '0', '--control', '--ready-file', ready, ...extra], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (piece) => { log += piece; });
  const described = await until(child, () => log, () => JSON.parse(readFileSync(ready, 'utf8')));
  const control = (method, path, body) => driven(described.control, method, path, body);
  return {
    ...described,
    partner: described.clients[0],
    control,
    apply: (document) => control('PUT', 'document', document),
    /// Lets `seconds` pass for the server.
    pass: (seconds) => control('POST', 'clock/advance', { seconds }),
    log: () => log,
    stop: () => stop(child, directory),
  };
}

/// `tokenhouse serve` on a database of its own, with one managing client. `cli` runs a command on the same database.
export async function serve() {
  const directory = mkdtempSync(join(tmpdir(), 'tokenhouse-'));
  const port = await freePort();
  const issuer = `http://localhost:${port}/`;
  const settings = {
    TOKENHOUSE__ISSUER: issuer,
    TOKENHOUSE__DATABASE__URL: `sqlite:${join(directory, 'tokenhouse.db')}`,
    TOKENHOUSE__KEYS__DIRECTORY: join(directory, 'keys'),
    TOKENHOUSE__METRICS__BIND: 'off',
    TOKENHOUSE__SERVER__BIND: `127.0.0.1:${port}`,
  };
  const env = { ...process.env, ...settings };
  const cli = (...args) => {
    const done = spawnSync(program, args, { env, cwd: directory, encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`${args.join(' ')}: ${done.stderr}`);
    return args.includes('json') ? JSON.parse(done.stdout) : done.stdout;
  };
  const child = spawn(program, ['serve'], { env, cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (piece) => { log += piece; });
  await until(child, () => log, async () => {
    if (!(await fetch(`${issuer}readyz`)).ok) throw new Error('not ready');
  });
  const management = cli('client', 'create', '--id', 'manager', '--management', '--output', 'json');
  return { issuer, management, cli, directory, log: () => log, stop: () => stop(child, directory) };
}

async function driven({ url, key }, method, path, body) {
  const answer = await fetch(url + path, { method, headers: { authorization: `Bearer ${key}` }, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

/// An access token of the client `client`.
export async function token(issuer, client, audience, scope) {
  const { client_id, client_secret } = client;
  const body = new URLSearchParams({ grant_type: 'client_credentials', audience, client_id, client_secret, ...(scope && { scope }) });
  const answer = await fetch(`${issuer}oauth/token`, { method: 'POST', body });
  return { status: answer.status, ...(await answer.json()) };
}

async function until(child, log, attempt) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (child.exitCode !== null || Date.now() > deadline) {
        child.kill();
        throw new Error(`it does not start: ${error.message}\n${log()}`);
      }
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
  }
}

async function stop(child, directory) {
  const ended = new Promise((resolve) => { child.once('exit', resolve); });
  child.kill('SIGTERM');
  await ended;
  rmSync(directory, { recursive: true, force: true });
}

async function freePort() {
  const { createServer } = await import('node:net');
  const server = createServer();
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address();
  await new Promise((resolve) => { server.close(resolve); });
  return port;
}
