"""Does Authlib get tokens, on requests and on httpx? It sends Basic raw, or the secret in the form."""

import asyncio

import pytest
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuth2Client
from authlib.integrations.requests_client import OAuth2Session

from servers import ALL, AUDIENCE, UNGRANTED, Server, assert_token_response

METHODS = ["client_secret_basic", "client_secret_post"]


@pytest.fixture(autouse=True)
def insecure_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


def fetch(library, server: Server, credentials: tuple[str, str], method: str, **parameters: str) -> dict:
    async def fetch_async() -> dict:
        async with AsyncOAuth2Client(*credentials, token_endpoint_auth_method=method) as client:
            return await client.fetch_token(server.token_endpoint, grant_type="client_credentials", **parameters)

    if library is AsyncOAuth2Client:
        return asyncio.run(fetch_async())
    with library(*credentials, token_endpoint_auth_method=method) as client:
        return client.fetch_token(server.token_endpoint, grant_type="client_credentials", **parameters)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("library", [OAuth2Session, OAuth2Client, AsyncOAuth2Client])
@pytest.mark.parametrize("server", ALL, ids=str)
class TestAuthlib:
    def test_a_token(self, library, server: Server, method: str) -> None:
        assert_token_response(fetch(library, server, server.partner, method, audience=AUDIENCE))

    def test_a_secret_of_unusual_characters_and_a_scope(self, library, server: Server, method: str) -> None:
        answer = fetch(library, server, server.odd, method, audience=AUDIENCE, scope="list:users")
        assert_token_response(answer, "list:users")

    def test_errors_keep_their_code(self, library, server: Server, method: str) -> None:
        def refused(case: str, credentials: tuple[str, str], **parameters: str) -> None:
            with pytest.raises(OAuthError) as caught:
                fetch(library, server, credentials, method, **parameters)
            assert caught.value.error == server.error(case)[1]
            assert caught.value.description

        refused("wrong_secret", (server.partner[0], "wrong"), audience=AUDIENCE)
        refused("unknown_api", server.partner, audience="https://unknown/")
        refused("ungranted_scope", server.partner, audience=AUDIENCE, scope=UNGRANTED)
