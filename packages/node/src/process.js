// How does the server run, and how does it end when the test process does, however that ends?
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Runs the server for as long as its standard input is open. The kernel closes that when the test process is gone, also after SIGKILL, when
 * no code of the test process runs any more.
 */
const GUARD = `
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
{ while read -r _ <&3; do :; done; kill "$server"; } >/dev/null 2>&1 &
guard=$!
exec 3<&-
wait "$server"
status=$?
kill "$guard" 2>/dev/null
exit "$status"
`;

/** So much of what the server writes to standard error is kept, to be told when it does not start. */
const KEPT_BYTES = 16_384;

/** Where the program is: the option, else TOKENHOUSE_BIN, else `tokenhouse` in PATH. */
export function findBinary(option) {
  const named = option ?? process.env.TOKENHOUSE_BIN;
  const candidates = named ? [named] : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'tokenhouse'));
  for (const candidate of candidates) {
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not here.
    }
  }
  throw new Error(
    named
      ? `there is no program ${named}: correct the option binary, or TOKENHOUSE_BIN`
      : 'there is no tokenhouse in PATH: install it, or set TOKENHOUSE_BIN or the option binary to where it is',
  );
}

/** Starts the program; resolves with its ready object, and a function that stops it. */
export async function run(binary, args, { timeoutMs, env }) {
  const child = spawn('/bin/sh', ['-c', GUARD, 'tokenhouse-guard', binary, ...args], {
    // A group of its own: Ctrl-C reaches the test process alone, which then decides.
    detached: true,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let complaints = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text) => {
    complaints = (complaints + text).slice(-KEPT_BYTES);
  });
  child.stdin.on('error', () => {});
  const ended = new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', resolve);
  });

  async function stop() {
    child.stdin.end();
    const stopped = ended.then(() => true);
    if (!(await within(stopped, 15_000))) killGroup(child.pid);
    await ended;
  }

  try {
    const ready = await within(Promise.race([readyLine(child), ended.then(() => undefined)]), timeoutMs);
    if (!ready) throw new Error('the server did not start');
    // A test that forgets to stop it still ends.
    child.unref();
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.unref();
    return { ready, stop };
  } catch (error) {
    await stop();
    throw new Error(`${binary} ${args.join(' ')}: ${error.message}\n${complaints}`.trim());
  }
}

/** The value of `promise`, or undefined after so many milliseconds. */
function within(promise, milliseconds) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function readyLine(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (more) => {
      text += more;
      const end = text.indexOf('\n');
      if (end < 0) return;
      try {
        resolve(JSON.parse(text.slice(0, end)));
      } catch {
        reject(new Error(`its first line is no JSON: ${text.slice(0, 200)}`));
      }
    });
  });
}

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It is gone.
  }
}
