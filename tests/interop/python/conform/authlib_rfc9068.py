"""A protected API with Authlib: its ResourceProtector, and its validator for RFC 9068."""

import functools
from types import SimpleNamespace

import requests
from authlib.oauth2 import OAuth2Error, ResourceProtector
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.jwk import KeySet

from wsgi import AUDIENCE, ISSUER, JWKS_URI, SCOPE, Refusal, serve


class Validator(JWTBearerTokenValidator):
    @functools.cache
    def get_jwks(self) -> KeySet:
        return KeySet.import_key_set(requests.get(JWKS_URI, timeout=10).json())


protector = ResourceProtector()
protector.register_token_validator(Validator(issuer=ISSUER, resource_server=AUDIENCE))


def authorize(header: str | None) -> None:
    request = SimpleNamespace(headers={} if header is None else {"Authorization": header})
    try:
        protector.validate_request([SCOPE], request)
    except OAuth2Error as error:
        status = {401: "401 Unauthorized", 403: "403 Forbidden"}.get(error.status_code, "400 Bad Request")
        raise Refusal(status, dict(error.get_headers()).get("WWW-Authenticate", "Bearer")) from None


serve(authorize)
