"""Can auth0-python manage the public keys with which a client may authenticate?"""

import datetime

from auth0.management.errors import BadRequestError, NotFoundError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from management import both, connect, refused
from servers import Server


@both
def test_a_credential_from_its_creation_to_its_end(server: Server) -> None:
    clients = connect(server).clients
    client_id = clients.create(name="Partner").client_id
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    created = clients.credentials.create(client_id, credential_type="public_key", name="laptop", pem=pem, alg="RS256")
    assert created.id.startswith("cred_") and created.kid
    assert [one.id for one in clients.credentials.list(client_id)] == [created.id]
    expires = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(days=1)
    assert clients.credentials.update(client_id, created.id, expires_at=expires).expires_at == expires
    refused(
        BadRequestError, 400, "invalid_body", clients.credentials.create, client_id, credential_type="public_key", pem="no"
    )
    clients.credentials.delete(client_id, created.id)
    assert clients.credentials.list(client_id) == []
    refused(NotFoundError, 404, "inexistent_credential", clients.credentials.get, client_id, created.id)
