// What a test imports: start a server, and drive it.
export { ControlError, TokenError } from './errors.js';
export { Issuer } from './issuer.js';
export { start, Tokenhouse } from './server.js';
