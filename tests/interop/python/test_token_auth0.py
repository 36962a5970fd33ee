"""Does auth0-python get tokens, with `compat` standard and auth0? It sends JSON, with `"organization": null`."""

import pytest
from auth0.authentication import GetToken
from auth0.authentication.exceptions import Auth0Error

from servers import ALL, AUDIENCE, Server, assert_token_response


def get_token(server: Server, credentials: tuple[str, str]) -> GetToken:
    client_id, client_secret = credentials
    protocol = server.issuer.split(":")[0]
    return GetToken(server.domain, client_id, client_secret=client_secret, protocol=protocol)


@pytest.mark.parametrize("server", ALL, ids=str)
def test_a_token(server: Server) -> None:
    assert_token_response(get_token(server, server.partner).client_credentials(AUDIENCE))


@pytest.mark.parametrize("server", ALL, ids=str)
def test_a_secret_of_unusual_characters(server: Server) -> None:
    assert_token_response(get_token(server, server.odd).client_credentials(AUDIENCE))


@pytest.mark.parametrize("server", ALL, ids=str)
def test_errors_keep_their_code(server: Server) -> None:
    def refused(case: str, credentials: tuple[str, str], audience: str, **parameters: str) -> None:
        with pytest.raises(Auth0Error) as caught:
            get_token(server, credentials).client_credentials(audience, **parameters)
        assert (caught.value.status_code, caught.value.error_code) == server.error(case)
        assert caught.value.message

    refused("wrong_secret", (server.partner[0], "wrong"), AUDIENCE)
    refused("unknown_api", server.partner, "https://unknown/")
    refused("organization", server.partner, AUDIENCE, organization="org_1")
