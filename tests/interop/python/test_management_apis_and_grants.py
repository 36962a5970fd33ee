"""Can auth0-python manage APIs and client grants, and do tokens follow at once?"""

from auth0.management import ManagementClient
from auth0.management.errors import ConflictError, ForbiddenError, NotFoundError

from management import MANY, SCOPES, both, connect, refused, request_token
from servers import Server


@both
def test_an_api_from_its_creation_to_its_end(server: Server) -> None:
    apis = connect(server).resource_servers
    identifier = "https://things.example.com/api/v1?x=1"
    created = apis.create(identifier=identifier, name="Things", scopes=SCOPES, token_lifetime=600)
    assert (created.identifier, created.token_lifetime) == (identifier, 600)
    refused(ConflictError, 409, "conflict", apis.create, identifier=identifier)
    assert apis.get(created.id).id == created.id
    # The SDK percent-encodes the identifier into one segment of the path.
    assert apis.get(identifier).id == created.id
    changed = apis.update(created.id, name="Other things", scopes=SCOPES[:1], token_dialect="rfc9068_profile")
    assert (changed.name, changed.identifier, changed.token_dialect) == ("Other things", identifier, "rfc9068_profile")
    assert [scope.value for scope in changed.scopes] == ["read"]
    apis.delete(created.id)
    apis.delete(created.id)
    refused(NotFoundError, 404, "inexistent_resource_server", apis.get, created.id)


@both
def test_a_grant_from_its_creation_to_its_end_and_the_tokens_that_follow(server: Server) -> None:
    manager = connect(server)
    audience = "https://granted.example.com/"
    manager.resource_servers.create(identifier=audience, name="Granted", scopes=SCOPES)
    client = manager.clients.create(name="Partner")

    def answer() -> tuple[int, str | None]:
        response = request_token(server, client.client_id, client.client_secret, audience)
        return response.status_code, response.json().get("scope")

    assert answer()[0] in (400, 403)
    grant = manager.client_grants.create(client_id=client.client_id, audience=audience, scope=["read", "write"])
    assert answer() == (200, "read write")
    arguments = {"client_id": client.client_id, "audience": audience, "scope": ["read"]}
    refused(ConflictError, 409, "conflict", manager.client_grants.create, **arguments)
    assert manager.client_grants.update(grant.id, scope=["admin"]).scope == ["admin"]
    assert answer() == (200, "admin")
    assert [found.id for found in manager.client_grants.list(client_id=client.client_id)] == [grant.id]
    assert manager.client_grants.get(grant.id).audience == audience
    manager.client_grants.delete(grant.id)
    manager.client_grants.delete(grant.id)
    assert answer()[0] in (400, 403)


@both
def test_every_api_and_grant_page_after_page_each_once(server: Server) -> None:
    manager = connect(server)
    crowd = manager.clients.create(name="Crowd").client_id
    for index in range(MANY):
        audience = f"https://many.example.com/{index}"
        manager.resource_servers.create(identifier=audience, name=f"many {index}", scopes=SCOPES)
        manager.client_grants.create(client_id=crowd, audience=audience, scope=["read"])
    apis = [api.id for api in manager.resource_servers.list()]
    assert len(set(apis)) == len(apis) > MANY
    grants = [grant.id for grant in manager.client_grants.list(client_id=crowd)]
    assert len(set(grants)) == len(grants) == MANY
    mine = [api.name for api in manager.resource_servers.list(identifiers=["https://many.example.com/7"])]
    assert mine == ["many 7"]


@both
def test_too_few_rights(server: Server) -> None:
    manager = connect(server)
    reader = manager.clients.create(name="Reader")
    audience = server.management["audience"]
    manager.client_grants.create(client_id=reader.client_id, audience=audience, scope=["read:clients"])
    reading = ManagementClient(domain=server.domain, client_id=reader.client_id, client_secret=reader.client_secret)
    assert reading.clients.get(reader.client_id).name == "Reader"
    message = refused(ForbiddenError, 403, "insufficient_scope", reading.clients.create, name="x")
    assert "Insufficient scope, expected any of: create:clients" in message
