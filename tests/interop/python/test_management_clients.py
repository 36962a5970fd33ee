"""Can auth0-python manage clients: create, show, change, delete, rotate the secret, page through many?"""

from auth0.management import ManagementClient
from auth0.management.errors import BadRequestError, NotFoundError, UnauthorizedError

from management import MANY, both, connect, refused, request_token
from servers import AUDIENCE, Server


@both
def test_a_client_from_its_creation_to_its_end(server: Server) -> None:
    clients = connect(server).clients
    created = clients.create(
        name="Partner",
        description="before",
        app_type="non_interactive",
        grant_types=["client_credentials"],
        client_metadata={"team": "blue", "region": "eu"},
    )
    assert created.client_id and created.client_secret

    shown = clients.get(created.client_id)
    assert (shown.name, shown.client_secret) == ("Partner", None)
    changed = clients.update(created.client_id, name="Renamed", client_metadata={"region": None, "tier": "gold"})
    assert changed.name == "Renamed"
    assert changed.client_metadata == {"team": "blue", "tier": "gold"}
    some = clients.get(created.client_id, fields="client_id,name", include_fields=True)
    assert some.model_dump(exclude_unset=True) == {"client_id": created.client_id, "name": "Renamed"}

    clients.delete(created.client_id)
    clients.delete(created.client_id)
    refused(NotFoundError, 404, "inexistent_client", clients.get, created.client_id)
    refused(NotFoundError, 404, "inexistent_client", clients.update, created.client_id, name="x")


@both
def test_a_rotated_secret_and_the_one_before(server: Server) -> None:
    clients = connect(server).clients
    created = clients.create(name="Rotated")
    # It has no grant: what tells whether it authenticated is the status of the refusal.
    authenticated = request_token(server, created.client_id, created.client_secret, AUDIENCE).status_code
    assert authenticated in (400, 403)
    rotated = clients.rotate_secret(created.client_id)
    assert request_token(server, created.client_id, rotated.client_secret, AUDIENCE).status_code == authenticated
    assert request_token(server, created.client_id, created.client_secret, AUDIENCE).status_code == 401


@both
def test_every_client_page_after_page_each_once(server: Server) -> None:
    clients = connect(server).clients
    made = {clients.create(name=f"many {index}").client_id for index in range(MANY)}
    found = [client.client_id for client in clients.list()]
    assert len(set(found)) == len(found)
    assert made <= set(found)
    page = clients.list(page=1, per_page=10)
    assert page.response.total == len(found)
    assert [client.client_id for client in page.items] == found[10:20]


@both
def test_what_is_refused(server: Server) -> None:
    clients = connect(server).clients
    refused(BadRequestError, 400, "invalid_query_string", clients.list, per_page=101)
    refused(BadRequestError, 400, "invalid_body", clients.create, name=" ")
    stranger = ManagementClient(domain=server.domain, token="nonsense")
    refused(UnauthorizedError, 401, "invalid_token", stranger.clients.list)
    # The audience of partner's token is another.
    token = request_token(server, *server.partner, AUDIENCE).json()["access_token"]
    partner = ManagementClient(domain=server.domain, token=token)
    refused(UnauthorizedError, 401, "invalid_token", partner.clients.list)
