// oauth2-mock-server: signs RS256-2048 with audience and scope. It checks no secret.
import { OAuth2Server } from 'oauth2-mock-server';

const [port, , , audience] = process.argv.slice(2);
const server = new OAuth2Server();
await server.issuer.keys.generate('RS256');
server.service.on('beforeTokenSigning', (token) => {
  token.payload.aud = audience;
});
await server.start(Number(port), '127.0.0.1');
