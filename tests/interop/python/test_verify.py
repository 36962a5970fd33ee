"""Do the verifiers of Python accept our tokens, and only those?"""

import asyncio
from collections.abc import Callable

import jwt
import pytest
import requests
from auth0.authentication.exceptions import TokenValidationError
from auth0.authentication.token_verifier import AsymmetricSignatureVerifier, TokenVerifier
from auth0_api_python import ApiClient, ApiClientOptions
from auth0_api_python.errors import VerifyAccessTokenError
from authlib.oauth2.rfc6750.errors import InsufficientScopeError, InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc import jwt as joserfc_jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from servers import SERVE, STANDARD, Server
from tokens import audience_of, fetch_token, forge, hostile, tampered

Verify = Callable[[str], dict]


def auth0_python(server: Server, audience: str) -> Verify:
    signature = AsymmetricSignatureVerifier(server.jwks_uri)
    return TokenVerifier(signature_verifier=signature, issuer=server.issuer, audience=audience).verify


def auth0_api_python(server: Server, audience: str) -> Verify:
    client = ApiClient(ApiClientOptions(domain=server.domain, audience=audience))
    return lambda token: asyncio.run(client.verify_access_token(token))


def pyjwt(server: Server, audience: str) -> Verify:
    keys = jwt.PyJWKClient(server.jwks_uri)

    def verify(token: str) -> dict:
        key = keys.get_signing_key_from_jwt(token)
        return jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=server.issuer)

    return verify


def joserfc(server: Server, audience: str) -> Verify:
    keys = KeySet.import_key_set(requests.get(server.jwks_uri, timeout=10).json())
    claims = joserfc_jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": server.issuer},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
    )

    def verify(token: str) -> dict:
        decoded = joserfc_jwt.decode(token, keys, algorithms=["RS256"])
        claims.validate(decoded.claims)
        return decoded.claims

    return verify


def authlib(server: Server, audience: str, scopes: list[str] | None = None) -> Verify:
    class Validator(JWTBearerTokenValidator):
        def get_jwks(self) -> dict:
            return requests.get(server.jwks_uri, timeout=10).json()

    validator = Validator(server.issuer, audience)

    def verify(token: str) -> dict:
        claims = validator.authenticate_token(token)
        validator.validate_token(claims, scopes, None)
        return claims

    return verify


ANY = ["auth0", "auth0-authz", "rfc9068", "rfc9068-authz", "identityserver"]
WITH_SUBJECT = ANY[:-1]
RFC9068 = ["rfc9068", "rfc9068-authz"]
CASES = [
    pytest.param(make, refusal, dialect, id=f"{make.__name__}-{dialect}")
    for make, refusal, dialects in [
        # It verifies ID tokens, and is widely used for access tokens: it wants a `sub`.
        (auth0_python, TokenValidationError, WITH_SUBJECT),
        (auth0_api_python, VerifyAccessTokenError, ANY),
        (pyjwt, jwt.PyJWTError, ANY),
        (joserfc, (JoseError, ValueError), ANY),
        (authlib, InvalidTokenError, RFC9068),
    ]
    for dialect in dialects
]


@pytest.mark.parametrize("server", [STANDARD, SERVE], ids=str)
@pytest.mark.parametrize("make, refusal, dialect", CASES)
def test_our_token_is_accepted(server: Server, make, refusal, dialect: str) -> None:
    audience = audience_of(dialect)
    claims = make(server, audience)(fetch_token(server, audience))
    assert (claims["iss"], claims["aud"]) == (server.issuer, audience)


@pytest.mark.parametrize("make, refusal, dialect", CASES)
def test_what_is_not_our_token_is_refused(make, refusal, dialect: str) -> None:
    audience = audience_of(dialect)
    verify = make(STANDARD, audience)
    token = fetch_token(STANDARD, audience)
    # The tokens that follow are refused for what was changed, not for how they were made.
    assert verify(forge(token))["aud"] == audience
    of_another_api = fetch_token(STANDARD, audience_of("rfc9068" if dialect == "auth0" else "auth0"))
    for name, wrong in (hostile(token) | {"another API": of_another_api}).items():
        with pytest.raises(refusal):
            verify(wrong)
            pytest.fail(f"accepts: {name}")


@pytest.mark.parametrize("make, refusal, dialect", CASES)
def test_what_is_not_a_token_of_serve_is_refused(make, refusal, dialect: str) -> None:
    audience = audience_of(dialect)
    verify = make(SERVE, audience)
    for name, wrong in tampered(fetch_token(SERVE, audience)).items():
        with pytest.raises(refusal):
            verify(wrong)
            pytest.fail(f"accepts: {name}")


def test_authlib_refuses_the_dialect_of_auth0_and_auth0_python_a_token_without_a_subject() -> None:
    with pytest.raises(InvalidTokenError):
        authlib(STANDARD, audience_of("auth0"))(fetch_token(STANDARD, audience_of("auth0")))
    with pytest.raises(TokenValidationError, match="sub"):
        audience = audience_of("identityserver")
        auth0_python(STANDARD, audience)(fetch_token(STANDARD, audience))


@pytest.mark.parametrize("dialect", RFC9068)
def test_authlib_reads_the_scope(dialect: str) -> None:
    audience = audience_of(dialect)
    token = fetch_token(STANDARD, audience)
    assert authlib(STANDARD, audience, ["list:users"])(token)["scope"] == "list:users create:users"
    with pytest.raises(InsufficientScopeError):
        authlib(STANDARD, audience, ["delete:users"])(token)
