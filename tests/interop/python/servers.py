"""Which servers run, and what do they know? (tests/interop/with-servers started them, with tests/interop/seed.yaml)"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

# The audience of the API in the dialect of the server's `compat`; `partner` and `odd~partner` have a grant for it.
AUDIENCE = "https://api.example.com/"
# What `partner` is granted of every API.
GRANTED = "list:users create:users"
# What every API defines, and nobody is granted.
UNGRANTED = "delete:users"


@dataclass(frozen=True)
class Server:
    name: str
    issuer: str
    token_endpoint: str
    resource_api: str | None
    management: dict | None
    partner: tuple[str, str]
    # Its secret is not the same raw and form-encoded.
    odd: tuple[str, str]

    @property
    def domain(self) -> str:
        """What Auth0's libraries call the domain."""
        return urlsplit(self.issuer).netloc

    @property
    def jwks_uri(self) -> str:
        return f"{self.issuer}.well-known/jwks.json"

    def error(self, case: str) -> tuple[int, str]:
        """Status and code of the answer to a mistake."""
        return (AUTH0_ERRORS if self.name == "auth0" else STANDARD_ERRORS)[case]

    def __str__(self) -> str:
        return self.name


STANDARD_ERRORS = {
    "wrong_secret": (401, "invalid_client"),
    "unknown_api": (400, "invalid_target"),
    "ungranted_scope": (400, "invalid_scope"),
    "organization": (400, "invalid_request"),
}
AUTH0_ERRORS = {
    "wrong_secret": (401, "access_denied"),
    "unknown_api": (403, "access_denied"),
    "ungranted_scope": (403, "access_denied"),
    "organization": (400, "invalid_request"),
}


def _server(name: str) -> Server:
    ready = json.loads((Path(os.environ["INTEROP_SERVERS"]) / f"{name}.json").read_text())
    partner, odd = ((client["client_id"], client["client_secret"]) for client in ready["clients"])
    return Server(
        name, ready["issuer"], ready["token_endpoint"], ready.get("resource_api"), ready.get("management"), partner, odd
    )


# `dev --tls`, `dev --tls --compat auth0`, `serve` with certificate files, `dev` over HTTP.
STANDARD, AUTH0, SERVE, PLAIN = map(_server, ["standard", "auth0", "serve", "plain"])
OVER_HTTPS = [STANDARD, AUTH0, SERVE]
ALL = [*OVER_HTTPS, PLAIN]


def assert_token_response(answer: dict, scope: str = GRANTED) -> None:
    """Fails unless `answer` is a token response as RFC 6749 §5.1 has it."""
    assert answer["access_token"].count(".") == 2
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 3600
    assert answer["scope"] == scope or answer["scope"] == scope.split(" ")
