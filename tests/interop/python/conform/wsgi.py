"""Serves a protected API: what every sample has in common. `authorize` is what differs."""

import os
from collections.abc import Callable
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

AUDIENCE = os.environ["AUDIENCE"]
ISSUER = os.environ["ISSUER"]
JWKS_URI = f"{ISSUER}.well-known/jwks.json"
SCOPE = "list:users"


class Refusal(Exception):
    """A refusal with its status and its challenge."""

    def __init__(self, status: str, challenge: str) -> None:
        super().__init__(status)
        self.status, self.challenge = status, challenge


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Handler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing."""


def serve(authorize: Callable[[str | None], None]) -> None:
    """`authorize` takes the Authorization header and raises a Refusal."""

    def application(environ: dict, start_response: Callable) -> list[bytes]:
        try:
            authorize(environ.get("HTTP_AUTHORIZATION"))
        except Refusal as refusal:
            start_response(refusal.status, [("WWW-Authenticate", refusal.challenge)])
            return []
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b'{"users": []}']

    make_server("127.0.0.1", int(os.environ["PORT"]), application, Server, Handler).serve_forever()
