// Does Auth0's deploy CLI export, import into another server, import again without a change, and say which scope is missing?
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { asManager, sdks } from './support/management.mjs';
import { auth0, standard } from './support/servers.mjs';

const program = createRequire(import.meta.url).resolve('auth0-deploy-cli');
const work = mkdtempSync(join(tmpdir(), 'interop-deploy-'));
after(() => rmSync(work, { recursive: true }));

/** Runs the CLI with what it needs to know of the server; gives exit code and output. */
async function deploy(server, credentials, settings, ...parameters) {
  const config = {
    AUTH0_DOMAIN: server.domain,
    AUTH0_CLIENT_ID: credentials.client_id,
    AUTH0_CLIENT_SECRET: credentials.client_secret,
    // Without it the CLI asks for some forty other kinds of objects as well.
    AUTH0_INCLUDED_ONLY: ['clients', 'resourceServers', 'clientGrants'],
    ...settings,
  };
  const file = join(mkdtempSync(join(work, 'config-')), 'config.json');
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  const child = spawn(process.execPath, [program, ...parameters, '-c', file], { cwd: work });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const code = await new Promise((resolve) => child.on('close', resolve));
  return { code, output };
}

/** Every file below a folder with its JSON, but for the times, which each server has of its own. */
function filesOf(folder) {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = names.map((entry) => join(entry.parentPath ?? entry.path, entry.name)).sort();
  const read = (path) => {
    const { created_at: _created, updated_at: _updated, ...object } = JSON.parse(readFileSync(path, 'utf8'));
    return [path.slice(folder.length + 1), object];
  };
  return Object.fromEntries(paths.map(read));
}

const revision = async (server) => (await (await fetch(`${server.issuer}readyz`)).json()).revision;
const succeeded = ({ code, output }) => assert.equal(code, 0, output);
const exported = join(work, 'exported');

before(async () => {
  const { clients, resourceServers, clientGrants } = sdks[2].connect(asManager(standard));
  const scopes = [{ value: 'read:orders', description: 'Read orders' }, { value: 'write:orders' }];
  const identifier = 'https://orders.example.com/';
  await resourceServers.create({ identifier, name: 'Orders', scopes, token_lifetime: 900, token_dialect: 'access_token_authz' });
  const shop = await clients.create({
    name: 'Shop',
    description: 'Sells',
    app_type: 'non_interactive',
    grant_types: ['client_credentials'],
    client_metadata: { team: 'blue' },
  });
  await clientGrants.create({ client_id: shop.client_id, audience: identifier, scope: ['read:orders'] });
});

test('a client that lacks rights is told which scope it needs', async () => {
  const { clients, clientGrants } = sdks[2].connect(asManager(standard));
  const weak = await clients.create({ name: 'Weak' });
  await clientGrants.create({ client_id: weak.client_id, audience: standard.management.audience, scope: ['read:clients'] });
  const { code, output } = await deploy(standard, weak, {}, 'export', '-f', 'directory', '-o', join(work, 'weak'));
  await clients.delete(weak.client_id);
  // It goes on without what it may not read, and reads the missing scope out of our message.
  assert.equal(code, 0, output);
  assert.match(output, /Cannot retrieve resourceServers due to missing scopes: read:resource_servers/);
  assert.match(output, /Cannot retrieve clientGrants due to missing scopes: read:client_grants/);
  assert.ok(Object.keys(filesOf(join(work, 'weak'))).every((name) => name.startsWith('clients/')));
});

test('an export into a folder and into tenant.yaml', async () => {
  const runs = [
    deploy(standard, standard.management, {}, 'export', '-f', 'directory', '-o', exported),
    deploy(standard, standard.management, {}, 'export', '-f', 'yaml', '-o', join(work, 'yaml')),
  ];
  (await Promise.all(runs)).forEach(succeeded);
  const files = filesOf(exported);
  assert.equal(files['clients/Shop.json'].description, 'Sells');
  assert.equal(files['clients/Shop.json'].client_secret, undefined);
  assert.equal(files['resource-servers/Orders.json'].token_lifetime, 900);
  assert.deepEqual(files['grants/Shop-Orders.json']?.scope, ['read:orders'], Object.keys(files).join());
  assert.equal(files['resource-servers/Auth0 Management API.json'], undefined);
  const yaml = readFileSync(join(work, 'yaml', 'tenant.yaml'), 'utf8');
  assert.match(yaml, /name: Shop/);
});

test('an import into another server, another one without a change, and an export that is the same', async () => {
  succeeded(await deploy(auth0, auth0.management, {}, 'import', '-i', exported));
  const manager = sdks[2].connect(asManager(auth0));
  const shop = (await manager.clients.all()).find((client) => client.name === 'Shop');
  const [grant] = await manager.clientGrants.all({ client_id: shop.client_id });
  assert.deepEqual([grant.audience, grant.scope], ['https://orders.example.com/', ['read:orders']]);

  // The same from tenant.yaml, and allowed to delete: it must touch neither itself nor the Management API.
  const before = await revision(auth0);
  const settings = { AUTH0_ALLOW_DELETE: true };
  succeeded(await deploy(auth0, auth0.management, settings, 'import', '-i', join(work, 'yaml', 'tenant.yaml')));
  assert.equal(await revision(auth0), before, 'the second import changed something');

  succeeded(await deploy(auth0, auth0.management, {}, 'export', '-f', 'directory', '-o', join(work, 'again')));
  assert.deepEqual(filesOf(join(work, 'again')), filesOf(exported));
});

test('an export with a client assertion in place of a secret', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keyFile = join(work, 'key.pem');
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const pem = publicKey.export({ type: 'spki', format: 'pem' });
  const { clients, clientGrants } = sdks[2].connect(asManager(standard));
  const { client_id } = await clients.create({
    name: 'Signer',
    client_authentication_methods: {
      private_key_jwt: { credentials: [{ credential_type: 'public_key', name: 'laptop', pem, alg: 'RS256' }] },
    },
  });
  const scope = ['read:clients', 'read:client_credentials', 'read:resource_servers', 'read:client_grants'];
  await clientGrants.create({ client_id, audience: standard.management.audience, scope });

  const folder = join(work, 'signed');
  const settings = { AUTH0_CLIENT_SIGNING_KEY_PATH: keyFile };
  succeeded(await deploy(standard, { client_id }, settings, 'export', '-f', 'directory', '-o', folder));
  const { client_authentication_methods: methods } = filesOf(folder)['clients/Signer.json'];
  assert.deepEqual(methods, { private_key_jwt: { credentials: [{ name: 'laptop', credential_type: 'public_key' }] } });
});
