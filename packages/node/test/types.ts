// Do the types fit the way in which the package is used? Checked by `npm run types`, never run.
import { ControlError, type IsolatedIssuer, start, type Tokenhouse } from 'tokenhouse-testing';

export async function example(): Promise<void> {
  const house: Tokenhouse = await start({ seed: { apis: [] }, compat: 'auth0', timeoutMs: 1000 });
  const issuer: IsolatedIssuer = await house.isolated({ name: 'a' });
  const token: string = await issuer.mint({ defect: 'expired', claims: { tenant: 1, sub: null } });
  const { claims } = await issuer.mintWhole({ alg: 'ES256', expiresIn: -1 });
  const status: number | null | undefined = (await issuer.requests({ endpoint: 'token' }))[0]?.status;
  await issuer.failNext('jwks', { kind: 'slow', pieces: 3, pauseMs: 10 });
  await issuer.setClock({ now: new Date(), frozen: true });
  const { active } = await issuer.rotateKeys();
  const name: string = active.kid + token + String(status) + String(claims['sub']) + (issuer.caFile ?? '') + issuer.clients.map((client) => client.client_id).join();
  // @ts-expect-error There is no such endpoint.
  await issuer.failNext('tokens');
  // @ts-expect-error The option is called clientId.
  await issuer.mint({ client_id: name });
  try {
    await issuer.remove();
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
  }
  await house.stop();
}
