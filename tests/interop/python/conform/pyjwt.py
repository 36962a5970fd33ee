"""A protected API with PyJWT, its key and its token read as the usage examples of PyJWT show it."""

import jwt

from wsgi import AUDIENCE, ISSUER, JWKS_URI, SCOPE, Refusal, serve

keys = jwt.PyJWKClient(JWKS_URI)


def authorize(header: str | None) -> None:
    if header is None:
        raise Refusal("401 Unauthorized", "Bearer")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise Refusal("401 Unauthorized", "Bearer")
    try:
        key = keys.get_signing_key_from_jwt(token)
        claims = jwt.decode(token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER)
    except jwt.PyJWTError:
        raise Refusal("401 Unauthorized", 'Bearer error="invalid_token"') from None
    scope = claims.get("scope")
    if not isinstance(scope, str) or SCOPE not in scope.split():
        raise Refusal("403 Forbidden", f'Bearer error="insufficient_scope", scope="{SCOPE}"')


serve(authorize)
