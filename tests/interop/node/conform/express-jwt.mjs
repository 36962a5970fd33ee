// A protected API, written as the READMEs of express-jwt, jwks-rsa and express-jwt-authz show it; without the rate
// limit of jwks-rsa, since what is found must not depend on how quickly the tokens come.
import express from 'express';
import { expressjwt } from 'express-jwt';
import jwtAuthz from 'express-jwt-authz';
import jwks from 'jwks-rsa';

const { AUDIENCE: audience, ISSUER: issuer, PORT } = process.env;

const app = express();
app.use(
  expressjwt({
    secret: jwks.expressJwtSecret({
      cache: true,
      jwksUri: `${issuer}.well-known/jwks.json`,
    }),
    audience,
    issuer,
    algorithms: ['RS256'],
  }),
);
app.get('/users', jwtAuthz(['list:users'], { customUserKey: 'auth' }), (_request, response) => response.json({ users: [] }));
app.use((error, _request, response, next) => {
  if (error.name === 'UnauthorizedError') response.status(401).send('invalid token');
  else next(error);
});
app.listen(Number(PORT), '127.0.0.1');
