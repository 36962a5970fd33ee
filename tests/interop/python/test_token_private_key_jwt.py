"""Do the libraries of Python get tokens with a client assertion (RFC 7523) in place of a secret, each in its own spelling?"""

import pytest
from auth0.authentication import GetToken
from auth0.authentication.exceptions import Auth0Error
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from management import both, connect
from servers import AUDIENCE, Server, assert_token_response


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    pkcs8 = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, pkcs8, serialization.NoEncryption()).decode()


# Two keys, as while one is replaced by the other; the libraries say with no `kid` which one they sign with.
FIRST, SECOND, STRANGERS = new_key(), new_key(), new_key()


def register(server: Server) -> str:
    """A client with both keys and a grant; gives its id."""
    manager = connect(server)

    def credential(name: str, key: rsa.RSAPrivateKey) -> dict:
        spki = serialization.PublicFormat.SubjectPublicKeyInfo
        public = key.public_key().public_bytes(serialization.Encoding.PEM, spki).decode()
        return {"credential_type": "public_key", "name": name, "pem": public, "alg": "RS256"}

    credentials = [credential("first", FIRST), credential("second", SECOND)]
    methods = {"private_key_jwt": {"credentials": credentials}}
    client_id = manager.clients.create(name="Assertion", client_authentication_methods=methods).client_id
    manager.client_grants.create(client_id=client_id, audience=AUDIENCE, scope=["list:users"])
    return client_id


@both
def test_auth0_python(server: Server) -> None:
    client_id = register(server)

    def get(key: rsa.RSAPrivateKey) -> dict:
        return GetToken(server.domain, client_id, client_assertion_signing_key=pem(key)).client_credentials(AUDIENCE)

    for key in (FIRST, SECOND):
        assert_token_response(get(key), "list:users")
    with pytest.raises(Auth0Error) as caught:
        get(STRANGERS)
    assert (caught.value.status_code, caught.value.error_code) == server.error("wrong_secret")


@both
@pytest.mark.parametrize("library", [OAuth2Session, OAuth2Client])
def test_authlib(library, server: Server) -> None:
    client_id = register(server)

    def get(key: rsa.RSAPrivateKey) -> dict:
        with library(client_id, pem(key), token_endpoint_auth_method="private_key_jwt") as client:
            # Its audience is the token endpoint, it lives for an hour, and the body has no client_id.
            client.register_client_auth_method(PrivateKeyJWT(server.token_endpoint))
            return client.fetch_token(server.token_endpoint, grant_type="client_credentials", audience=AUDIENCE)

    for key in (FIRST, SECOND):
        assert_token_response(get(key), "list:users")
    with pytest.raises(OAuthError) as caught:
        get(STRANGERS)
    assert caught.value.error == server.error("wrong_secret")[1]
