// A protected API, written as the README of express-oauth2-jwt-bearer shows it. STRICT turns on its check for RFC 9068.
import express from 'express';
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer';

const { AUDIENCE: audience, ISSUER: issuerBaseURL, PORT, STRICT } = process.env;

const app = express();
app.use(auth({ issuerBaseURL, audience, strict: STRICT === 'yes' }));
app.get('/users', requiredScopes('list:users'), (_request, response) => response.json({ users: [] }));
app.listen(Number(PORT), '127.0.0.1');
