// How is a program run that the console shows, as whoever pastes it would run it?

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/// Runs `text` as it stands, as the file `file` with `command`, with `outside` in the environment. What it writes to standard output.
export function run(text, file, command, outside) {
  const directory = mkdtempSync(join(tmpdir(), 'tokenhouse-'));
  try {
    writeFileSync(join(directory, file), text);
    const env = { ...process.env, ...outside };
    const done = spawnSync(command, [file], { cwd: directory, env, encoding: 'utf8', timeout: 30_000 });
    assert.equal(done.status, 0, `${done.error ?? done.stderr}`);
    assert.deepEqual(readdirSync(directory), [file], 'it leaves nothing behind');
    return done.stdout;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/// Is `t` to be skipped, because the command does not work here? Then it says so, loudly.
export function lacks(t, command, ...args) {
  if (spawnSync(command, args).status === 0) return false;
  const reason = `${[command, ...args].join(' ')}: does not work here`;
  process.stderr.write(`\nSKIPPED: ${t.name}: ${reason}\n\n`);
  t.skip(reason);
  return true;
}
