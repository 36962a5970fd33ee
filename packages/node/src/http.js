// How does a request get to the server: in plain HTTP, or over TLS with the CA that it made?
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';

/** What sends a request and resolves with status and text of the answer. `fetch` takes no CA, so that TLS goes through node:https. */
export function sender(caFile) {
  if (!caFile) return sendPlain;
  // A connection of its own for each: none is idle when the server closes it.
  const agent = new Agent({ ca: readFileSync(caFile), keepAlive: false });
  return (url, options) => sendOverTls(agent, url, options);
}

async function sendPlain(url, { method, headers, body }) {
  const response = await fetch(url, { method, headers, body });
  return { status: response.status, text: await response.text() };
}

function sendOverTls(agent, url, { method, headers, body }) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (more) => {
        text += more;
      });
      response.once('end', () => resolve({ status: response.statusCode, text }));
      response.once('error', reject);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
