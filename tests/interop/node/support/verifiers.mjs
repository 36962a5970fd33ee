// Does a verifier accept our tokens and refuse the others? The tests are the same for each library.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';

import express from 'express';

import { serve, standard } from './servers.mjs';
import { fetchToken, forge, hostile, tampered } from './tokens.mjs';

/** The API of the seed in a dialect. */
export const audienceOf = (dialect) => `https://${dialect}.example.com/`;

/**
 * Registers the tests of a verifier.
 *
 * `make(server, audience)` gives a function that takes a token, returns its claims and throws when it refuses it.
 */
export function verifies(library, dialects, make) {
  for (const dialect of dialects) {
    const audience = audienceOf(dialect);

    test(`${library}, ${dialect}: accepts our token`, async () => {
      for (const server of [standard, serve]) {
        const verify = await make(server, audience);
        const claims = await verify(await fetchToken(server, audience));
        assert.equal(claims.aud, audience);
        assert.equal(claims.iss, server.issuer);
      }
    });

    test(`${library}, ${dialect}: refuses what is not our token`, async () => {
      const verify = await make(standard, audience);
      const token = await fetchToken(standard, audience);
      // The tokens that follow are refused for what was changed, not for how they were made.
      await verify(forge(token));
      for (const [name, wrong] of hostile(token)) {
        await assert.rejects(async () => verify(wrong), (thrown) => isVerdict(thrown), `accepts a token ${name}`);
      }
      const elsewhere = await fetchToken(standard, audienceOf(dialect === 'auth0' ? 'rfc9068' : 'auth0'));
      await assert.rejects(async () => verify(elsewhere), (thrown) => isVerdict(thrown), 'accepts a token of another API');
    });

    test(`${library}, ${dialect}: refuses what is not a token of serve`, async () => {
      const verify = await make(serve, audience);
      for (const [name, wrong] of tampered(await fetchToken(serve, audience))) {
        await assert.rejects(async () => verify(wrong), (thrown) => isVerdict(thrown), `accepts a token ${name}`);
      }
    });
  }
}

/** Whether it is the token that was refused: anything else that went wrong would throw these. */
function isVerdict(thrown) {
  const others = [TypeError, ReferenceError, assert.AssertionError];
  assert.ok(!others.some((other) => thrown instanceof other) && !thrown?.cause?.code, `${thrown?.stack}`);
  return true;
}

/** Registers a server with an Express middleware that authenticates; returns verifiers that ask it. */
export function expressVerifier(middleware, scopeMiddleware) {
  const apps = new Map();
  const open = [];
  after(() => open.forEach((server) => server.close()));

  async function start(server, audience) {
    const app = express();
    app.use(middleware(server, audience));
    app.get('/', (request, response) => response.json(request.auth?.payload ?? request.auth ?? request.user));
    if (scopeMiddleware) {
      app.get('/granted', scopeMiddleware('list:users'), (_, response) => response.json({}));
      app.get('/ungranted', scopeMiddleware('delete:users'), (_, response) => response.json({}));
    }
    app.use((error, _request, response, _next) => response.status(error.status ?? 500).json({ error: error.message }));
    const listening = app.listen(0, '127.0.0.1');
    open.push(listening);
    await once(listening, 'listening');
    return `http://127.0.0.1:${listening.address().port}`;
  }

  /** The URL of the app for an API. */
  async function url(server, audience) {
    const key = `${server.name} ${audience}`;
    if (!apps.has(key)) apps.set(key, start(server, audience));
    return apps.get(key);
  }

  async function make(server, audience) {
    const app = await url(server, audience);
    return async (token) => {
      const answer = await fetch(app, { headers: { authorization: `Bearer ${token}` } });
      if (answer.status !== 200) {
        assert.equal(answer.status, 401, await answer.text());
        throw new Error('refused');
      }
      return answer.json();
    };
  }

  /** Fails unless the scope of a route is enforced. */
  async function enforcesScope(server, audience) {
    const headers = { authorization: `Bearer ${await fetchToken(server, audience)}` };
    const app = await url(server, audience);
    assert.equal((await fetch(`${app}/granted`, { headers })).status, 200);
    assert.equal((await fetch(`${app}/ungranted`, { headers })).status, 403);
  }

  return { make, enforcesScope };
}
