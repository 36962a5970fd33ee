"""Does httpx-auth get a token and call the bundled resource API with it? It sends Basic raw."""

import httpx
import pytest
from httpx_auth import InvalidGrantRequest, OAuth2, OAuth2ClientCredentials

from servers import AUDIENCE, AUTH0, OVER_HTTPS, PLAIN, STANDARD, Server


@pytest.fixture(autouse=True)
def no_token_yet() -> None:
    OAuth2.token_cache.clear()


def auth(server: Server, credentials: tuple[str, str], **parameters: str) -> OAuth2ClientCredentials:
    client_id, client_secret = credentials
    return OAuth2ClientCredentials(server.token_endpoint, client_id=client_id, client_secret=client_secret, **parameters)


@pytest.mark.parametrize("server", [STANDARD, AUTH0, PLAIN], ids=str)
@pytest.mark.parametrize("who", ["partner", "odd"])
def test_a_token_for_the_resource_api(server: Server, who: str) -> None:
    answer = httpx.get(f"{server.resource_api}whoami", auth=auth(server, getattr(server, who), audience=AUDIENCE))
    assert answer.status_code == 200, answer.text
    assert answer.json()["client_id"] == getattr(server, who)[0]


@pytest.mark.parametrize("server", [STANDARD, AUTH0], ids=str)
def test_a_token_with_too_little_scope(server: Server) -> None:
    users = f"{server.resource_api}users"
    narrow = auth(server, server.partner, audience=AUDIENCE, scope="create:users")
    answer = httpx.get(users, auth=narrow)
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert httpx.post(users, auth=narrow, json={"email": "new@example.com", "name": "New"}).status_code == 201


@pytest.mark.parametrize("server", OVER_HTTPS, ids=str)
def test_errors_keep_their_code(server: Server) -> None:
    for case, credentials, audience in [
        ("wrong_secret", (server.partner[0], "wrong"), AUDIENCE),
        ("unknown_api", server.partner, "https://unknown/"),
    ]:
        with pytest.raises(InvalidGrantRequest, match=server.error(case)[1]):
            httpx.get(server.issuer, auth=auth(server, credentials, audience=audience))
