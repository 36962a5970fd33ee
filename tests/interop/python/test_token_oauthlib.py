"""Does requests-oauthlib get tokens? It sends Basic raw, or the secret in the form, and raises when the scope is not the one it asked for."""

import pytest
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from requests_oauthlib import OAuth2Session

from servers import ALL, AUDIENCE, UNGRANTED, Server, assert_token_response


@pytest.fixture(autouse=True)
def insecure_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


def fetch(
    server: Server, credentials: tuple[str, str], in_body: bool, scope: list[str] | None = None, **parameters: str
) -> dict:
    client_id, client_secret = credentials
    session = OAuth2Session(client=BackendApplicationClient(client_id, scope=scope))
    return session.fetch_token(
        server.token_endpoint, client_id=client_id, client_secret=client_secret, include_client_id=in_body, **parameters
    )


@pytest.mark.parametrize("in_body", [False, True], ids=["basic", "post"])
@pytest.mark.parametrize("server", ALL, ids=str)
class TestRequestsOauthlib:
    def test_a_token(self, server: Server, in_body: bool) -> None:
        assert_token_response(fetch(server, server.partner, in_body, audience=AUDIENCE))

    def test_the_scope_that_it_asked_for_in_any_order(self, server: Server, in_body: bool) -> None:
        answer = fetch(server, server.odd, in_body, scope=["create:users", "list:users"])
        assert sorted(answer["scope"]) == ["create:users", "list:users"]

    def test_errors_keep_their_code(self, server: Server, in_body: bool) -> None:
        def refused(case: str, credentials: tuple[str, str], **parameters) -> None:
            with pytest.raises(OAuth2Error) as caught:
                fetch(server, credentials, in_body, **parameters)
            # Its `status_code` is that of the exception class, not of the answer.
            assert caught.value.error == server.error(case)[1]

        refused("wrong_secret", (server.partner[0], "wrong"), audience=AUDIENCE)
        refused("unknown_api", server.partner, audience="https://unknown/")
        refused("ungranted_scope", server.partner, audience=AUDIENCE, scope=[UNGRANTED])
