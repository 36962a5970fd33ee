// What does a test file begin with? A house, a browser to use it with, and often somebody who is signed in there.

import { after } from 'node:test';
import { open, signedIn } from './browser.mjs';
import { dev } from './house.mjs';

/// A browser, and a house of `tokenhouse dev` in which `prepare(house)` was done; both close after the last test of the file. With `as`, the
/// `operator` or the `partner`, also the `page` on which that one is signed in, of a window with `options`.
export async function stage({ as, options, prepare } = {}) {
  const [opening, starting] = await Promise.allSettled([open(), dev()]);
  const [browser, house] = [opening.value, starting.value];
  const close = () => Promise.all([browser?.close(), house?.stop()]);
  try {
    for (const { status, reason } of [opening, starting]) if (status === 'rejected') throw reason;
    await prepare?.(house);
    const clients = { operator: house.management, partner: house.partner };
    const page = as && await signedIn(browser, house.issuer, clients[as], options);
    after(close);
    return { browser, house, page };
  } catch (error) {
    // No `after` is run where a file fails before its first test.
    await close();
    throw error;
  }
}
