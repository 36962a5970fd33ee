// What can go wrong in words that say what to do.

/** The control API refused. */
export class ControlError extends Error {
  constructor(call, status, body) {
    super(`${call}: ${status} ${body?.error_description ?? body?.error ?? ''}`.trim());
    this.name = 'ControlError';
    this.status = status;
    this.error = body?.error;
  }
}

/** The token endpoint refused. */
export class TokenError extends Error {
  constructor(status, body) {
    super(`no token: ${status} ${body?.error ?? ''} ${body?.error_description ?? ''}`.trim());
    this.name = 'TokenError';
    this.status = status;
    this.error = body?.error;
  }
}
