"""What can a test do with one issuer? Each method is one call of the control API."""

import json
import ssl
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from tokenhouse_testing.errors import ControlError, TokenError

Json = dict[str, Any]


def _opener(ca_file: str | None) -> OpenerDirector:
    # A proxy would not know localhost.
    handlers: list[Any] = [ProxyHandler({})]
    if ca_file:
        handlers.append(HTTPSHandler(context=ssl.create_default_context(cafile=ca_file)))
    return build_opener(*handlers)


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None


def _given(**members: Any) -> Json:
    return {name: value for name, value in members.items() if value is not None}


class Issuer:
    """An issuer: that of the process, or an isolated one."""

    def __init__(self, ready: Json, control: Mapping[str, str], ca_file: str | None = None) -> None:
        self.ready = ready
        self.control = dict(control)
        # The CA that the server made, as a file in PEM, where it runs with `--tls`.
        self.ca_file = ca_file
        self._open = _opener(ca_file)

    @property
    def issuer(self) -> str:
        """The issuer identifier."""
        return self.ready["issuer"]

    @property
    def token_endpoint(self) -> str:
        return self.ready["token_endpoint"]

    @property
    def jwks_uri(self) -> str:
        return self.ready["jwks_uri"]

    @property
    def resource_api(self) -> str:
        """The URL of the bundled resource API."""
        return self.ready["resource_api"]

    @property
    def clients(self) -> list[Json]:
        """The clients of the seed, with their secrets."""
        return self.ready["clients"]

    def _send(self, request: Request, timeout: float) -> tuple[int, Any]:
        try:
            with self._open.open(request, timeout=timeout) as response:
                return response.status, _parsed(response.read())
        except HTTPError as error:
            with error:
                return error.code, _parsed(error.read())

    def call(self, method: str, path: str, body: Any = None, *, timeout: float = 30) -> Any:
        """Calls the control API with a path of its own; the JSON of the answer."""
        url = urljoin(self.control["url"], path)
        headers = {"Authorization": f"Bearer {self.control['key']}"}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        status, answer = self._send(Request(url, data, headers, method=method), timeout)
        if status >= 400:
            raise ControlError(f"{method} {urlsplit(url).path}", status, answer)
        return answer

    def token(
        self,
        client_id: str | None = None,
        client_secret: str | None = None,
        audience: str | None = None,
        scope: str | None = None,
    ) -> str:
        """Gets a token as a client does, from the token endpoint: secrets, scopes and audiences are checked."""
        known = [client for client in self.clients if client_id in (None, client["client_id"])]
        client = known[0] if known else {}
        form = _given(
            grant_type="client_credentials",
            client_id=client_id or client.get("client_id"),
            client_secret=client_secret or client.get("client_secret"),
            audience=audience or client.get("audience"),
            scope=scope,
        )
        status, answer = self._send(Request(self.token_endpoint, urlencode(form).encode()), 30)
        if status >= 400 or not isinstance(answer, dict):
            raise TokenError(status, answer)
        return answer["access_token"]

    def mint(self, **options: Any) -> str:
        """Mints any token, good or bad; nothing is checked. The options are those of `mint_whole`."""
        return self.mint_whole(**options)["access_token"]

    def mint_whole(
        self,
        *,
        client_id: str | None = None,
        audience: str | None = None,
        scope: str | None = None,
        expires_in: int | None = None,
        header: Json | None = None,
        claims: Json | None = None,
        alg: str | None = None,
        key: str | None = None,
        defect: str | None = None,
    ) -> Json:
        """The token with header, claims and the defect. In `header` and `claims`, None removes a member."""
        options = _given(
            client_id=client_id,
            audience=audience,
            scope=scope,
            expires_in=expires_in,
            header=header,
            claims=claims,
            alg=alg,
            key=key,
            defect=defect,
        )
        return self.call("POST", "tokens", options)

    def defects(self) -> list[Json]:
        """What a token can be given so that an API must refuse it."""
        return self.call("GET", "tokens/defects")["defects"]

    def clock(self) -> Json:
        """The time that the issuer goes by."""
        return self.call("GET", "clock")

    def set_clock(self, now: int | str | datetime | None, *, frozen: bool | None = None) -> Json:
        """Sets the time: Unix seconds, an instant, or None for the system's. Stops it with `frozen`."""
        instant = now.astimezone().isoformat() if isinstance(now, datetime) else now
        return self.call("PUT", "clock", {"now": instant, **_given(frozen=frozen)})

    def freeze(self, frozen: bool = True) -> Json:
        """Stops the clock where it is, or lets it run on."""
        return self.call("PUT", "clock", {"frozen": frozen})

    def advance(self, seconds: int) -> Json:
        """Moves time on."""
        return self.call("POST", "clock/advance", {"seconds": seconds})

    def keys(self) -> list[Json]:
        return self.call("GET", "keys")["keys"]

    def rotate_keys(self, alg: str | None = None) -> Json:
        """The next key signs from now on; the one before stays published."""
        return self.call("POST", "keys/rotate", _given(alg=alg))

    def drop_key(self, kid: str | None = None) -> Json:
        """A key leaves the JWK Set at once."""
        return self.call("POST", "keys/drop", _given(kid=kid))

    def fail_next(
        self,
        endpoint: str,
        *,
        kind: str | None = None,
        times: int | None = None,
        status: int | None = None,
        retry_after: int | None = None,
        body: Any = None,
        delay_ms: int | None = None,
        pieces: int | None = None,
        pause_ms: int | None = None,
    ) -> Json:
        """Spoils the next answers of an endpoint."""
        options = _given(
            endpoint=endpoint,
            kind=kind,
            times=times,
            status=status,
            retry_after=retry_after,
            body=body,
            delay_ms=delay_ms,
            pieces=pieces,
            pause_ms=pause_ms,
        )
        return self.call("POST", "faults", options)

    def faults(self) -> list[Json]:
        return self.call("GET", "faults")["faults"]

    def clear_faults(self) -> None:
        self.call("DELETE", "faults")

    def requests(self, *, since: int | None = None, endpoint: str | None = None, client_id: str | None = None) -> list[Json]:
        """What was asked so far, secrets redacted."""
        filters = _given(since=since, endpoint=endpoint, client_id=client_id)
        return self.call("GET", f"requests?{urlencode(filters)}")["requests"]

    def wait_for_requests(
        self,
        count: int,
        *,
        since: int | None = None,
        endpoint: str | None = None,
        client_id: str | None = None,
        timeout_seconds: int = 5,
    ) -> list[Json]:
        """Waits until at least `count` requests match; TimeoutError if they do not come."""
        filters = _given(
            since=since, endpoint=endpoint, client_id=client_id, wait_for=count, timeout_seconds=timeout_seconds
        )
        found = self.call("GET", f"requests?{urlencode(filters)}", timeout=timeout_seconds + 30)
        if not found["complete"]:
            raise TimeoutError(f"{len(found['requests'])} of {count} requests came within {timeout_seconds} seconds")
        return found["requests"]

    def clear_requests(self) -> None:
        self.call("DELETE", "requests")

    def document(self) -> Json:
        """The whole configuration."""
        return self.call("GET", "document")

    def apply(self, document: Json, *, prune: bool = False) -> Any:
        """Makes the issuer say what the document says."""
        return self.call("PUT", "document?prune=true" if prune else "document", document)

    def state(self) -> Json:
        return self.call("GET", "")

    def reset(self) -> Json:
        """Everything back to the start."""
        return self.call("POST", "reset")
