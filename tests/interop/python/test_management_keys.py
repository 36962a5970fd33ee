"""Can auth0-python list, rotate and revoke signing keys, and do tokens follow at once?"""

from auth0.management.errors import NotFoundError

from management import both, connect, refused
from servers import AUDIENCE, Server
from tokens import fetch_token, parts


@both
def test_the_signing_keys_rotated_and_revoked(server: Server) -> None:
    keys = connect(server).keys.signing

    def kid_of_a_token() -> str:
        return parts(fetch_token(server, AUDIENCE))[0]["kid"]

    # The first of each kind has the algorithm that rotates when none is named.
    listed = keys.list()
    current = next(key for key in listed if key.current)
    coming = next(key for key in listed if key.next)
    assert current.kid == kid_of_a_token()
    assert keys.get(coming.kid).cert == coming.cert
    rotated = keys.rotate()
    assert kid_of_a_token() == coming.kid
    after = {key.kid: key for key in keys.list()}
    assert after[current.kid].previous and after[rotated.kid].next
    refused(NotFoundError, 404, "inexistent_signing_key", keys.revoke, "unknown")
    # The SDK's own token was signed with it: it needs another one for whatever comes after this.
    assert keys.revoke(current.kid).kid == current.kid
