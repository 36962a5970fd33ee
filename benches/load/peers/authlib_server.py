"""An authorization server made with Authlib and Flask: in memory, client secret compared in constant time, JWT access tokens (RFC 9068)
signed RS256-2048 with audience and scope. Settings come in the environment: BENCH_ISSUER, BENCH_CLIENT_ID, BENCH_CLIENT_SECRET,
BENCH_AUDIENCE, BENCH_SCOPE."""

import hmac
import os

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant as BaseGrant
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from flask import Flask
from joserfc.jwk import RSAKey

ISSUER, CLIENT_ID, CLIENT_SECRET, AUDIENCE, SCOPE = (
    os.environ[f"BENCH_{name}"] for name in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET", "AUDIENCE", "SCOPE")
)
KEY = RSAKey.generate_key(2048, {"kid": "bench"})


class Client(ClientMixin):
    client_id = CLIENT_ID

    def get_client_id(self):
        return self.client_id

    def get_allowed_scope(self, scope):
        allowed = SCOPE.split()
        return " ".join(value for value in (scope or SCOPE).split() if value in allowed)

    def check_client_secret(self, client_secret):
        return hmac.compare_digest(client_secret.encode(), CLIENT_SECRET.encode())

    def check_endpoint_auth_method(self, method, endpoint):
        return method == "client_secret_post"

    def check_grant_type(self, grant_type):
        return grant_type == "client_credentials"


class ClientCredentialsGrant(BaseGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_post"]


class TokenGenerator(JWTBearerTokenGenerator):
    def get_jwks(self):
        return KEY

    def get_audiences(self, client, user, scope):
        return AUDIENCE


CLIENTS = {CLIENT_ID: Client()}
app = Flask(__name__)
server = AuthorizationServer(app, query_client=CLIENTS.get, save_token=lambda token, request: None)
server.register_token_generator("default", TokenGenerator(issuer=ISSUER, alg="RS256"))
server.register_grant(ClientCredentialsGrant)


@app.post("/token")
def token():
    return server.create_token_response()
