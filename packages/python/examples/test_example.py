"""How the tests of an API look, with the fixtures that the package brings."""

import json
import urllib.error
import urllib.request

import pytest

AUDIENCE = "https://api.example.com/"


class Api:
    """The API under test. In your tests it is yours, told to trust `issuer`; here it is the one that Tokenhouse brings."""

    def __init__(self, issuer: str, url: str) -> None:
        self.issuer, self.url = issuer, url

    def get(self, path: str, token: str) -> tuple[int, dict]:
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)


@pytest.fixture
def api(tokenhouse_issuer) -> Api:
    return Api(tokenhouse_issuer.issuer, tokenhouse_issuer.resource_api)


def test_a_partner_lists_its_users(api, tokenhouse_issuer):
    status, users = api.get("users", tokenhouse_issuer.token(client_id="partner-a"))
    assert (status, users["total"]) == (200, 2)


def test_a_token_without_the_scope_is_refused(api, tokenhouse_issuer):
    token = tokenhouse_issuer.mint(audience=AUDIENCE, scope="create:users")
    assert api.get("users", token)[0] == 403


@pytest.mark.parametrize("defect", ["expired", "wrong_audience", "wrong_issuer", "forged_key", "alg_none"])
def test_a_token_that_is_not_right_is_refused(api, tokenhouse_issuer, defect):
    assert api.get("users", tokenhouse_issuer.mint(defect=defect))[0] == 401


def test_an_hour_later_the_token_is_of_no_use(api, tokenhouse_issuer):
    token = tokenhouse_issuer.token()
    tokenhouse_issuer.advance(2 * 3600)
    assert api.get("users", token)[0] == 401
