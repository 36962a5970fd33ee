"""How does auth0-python reach the Management API, and how does a test look at its answers?"""

import pytest
import requests
from auth0.management import ManagementClient
from auth0.management.core.api_error import ApiError

from servers import AUTH0, STANDARD, Server

# More than the largest page, which holds 100.
MANY = 103
SCOPES = [{"value": value, "description": f"May {value}"} for value in ("read", "write", "admin")]

both = pytest.mark.parametrize("server", [STANDARD, AUTH0], ids=str)


def connect(server: Server) -> ManagementClient:
    """As the client that may do everything."""
    credentials = {name: server.management[name] for name in ("client_id", "client_secret")}
    return ManagementClient(domain=server.domain, **credentials)


def refused(kind: type[ApiError], status: int, code: str, call, *arguments, **keywords) -> str:
    """Fails unless the call is refused with the SDK's own error; gives its message."""
    with pytest.raises(kind) as caught:
        call(*arguments, **keywords)
    assert (caught.value.status_code, caught.value.body["errorCode"]) == (status, code)
    return caught.value.body["message"]


def request_token(server: Server, client_id: str, client_secret: str, audience: str) -> requests.Response:
    form = {"grant_type": "client_credentials", "audience": audience}
    return requests.post(server.token_endpoint, data=form, auth=(client_id, client_secret), timeout=10)
