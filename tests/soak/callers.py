"""Who talks to the server meanwhile? Clients at a steady rate, one who guesses, an administrator, and verifiers with a cache."""

import asyncio
import base64
import hashlib
import itertools
import json
import random
import time
from urllib.parse import urlencode

from house import AUDIENCE

STEADY = 20
CONNECTIONS = 16
# Seconds after which the server may have closed a connection: it keeps one for thirty.
IDLE = 20
FORM = "application/x-www-form-urlencoded"
# The DigestInfo of SHA-256 before its 32 bytes (RFC 8017 §9.2, note 1).
DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


class Connection:
    """One connection that stays open: HTTP/1.1 as far as this server speaks it."""

    def __init__(self, port):
        self.port = port
        self.streams = None
        self.used = 0.0

    async def request(self, method, path, body=b"", headers=()):
        """Status, headers and body. A connection that was idle for too long is opened once more; one that was in use must not have been closed."""
        begun = time.monotonic()
        idle = begun - self.used
        was_idle = self.streams is not None and idle > IDLE
        try:
            return await self.once(method, path, body, headers)
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            if not was_idle:
                took = time.monotonic() - begun
                raise OSError(f"{method} {path.split('/')[-1]}: {error}; {took:.3f} s after it was sent, {idle:.3f} s after the one before") from error
            return await self.once(method, path, body, headers)
        finally:
            self.used = time.monotonic()

    async def once(self, method, path, body, headers):
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        head = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", f"Content-Length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in headers]
        writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        told = {name.lower(): value for name, _, value in (line.partition(": ") for line in answer[1:] if line)}
        content = await reader.readexactly(int(told.get("content-length", "0")))
        if told.get("connection", "").lower() == "close":
            # So the server may answer a body that its endpoint does not read, if that arrives a moment later than the head (RFC 9112 §9.6).
            self.close()
        return int(answer[0].split()[1]), told, content

    def close(self):
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None

    async def token(self, client_id, secret):
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        return await self.request("POST", "/oauth/token", urlencode(form).encode(), [("Content-Type", FORM)])


class Clients:
    """Those that are there all the time, with their secrets."""

    def __init__(self, server):
        self.known = []
        for number in range(STEADY):
            answer = server.manage("POST", "/clients", {"name": f"steady {number}"}).json()
            grant = {"client_id": answer["client_id"], "audience": AUDIENCE, "scope": ["a"]}
            assert server.manage("POST", "/client-grants", grant).status == 201
            self.known.append((answer["client_id"], answer["client_secret"]))

    def any(self):
        return random.choice(self.known)


async def measure_capacity(server, clients, seconds=10.0):
    """Tokens a second that eight connections get which never wait."""
    done = 0
    end = time.monotonic() + seconds

    async def ask():
        nonlocal done
        connection = Connection(server.port)
        while time.monotonic() < end:
            status, _, content = await connection.token(*clients.any())
            assert status == 200, content
            done += 1
        connection.close()

    await asyncio.gather(*(ask() for _ in range(8)))
    return done / seconds


def is_busy(status, headers):
    """Is this the refusal of a server that has too much to do?"""
    return status == 503 and "retry-after" in headers


class Worker:
    def __init__(self, server):
        self.server = server
        self.errors = []
        self.done = 0

    async def safely(self, action, what):
        """The answer, or None where there was none, which is an error."""
        try:
            return await action
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            self.errors.append(f"{what}: {type(error).__name__}: {error}")
            return None


class Reader(Worker):
    """Asks for tokens at a steady rate, whether the ones before were answered or not."""

    def __init__(self, server, clients, rate):
        super().__init__(server)
        self.clients = clients
        self.rate = rate
        self.latencies = []
        self.busy = 0

    async def work(self, end):
        began = time.monotonic()
        due = (began + number / self.rate for number in itertools.count())

        async def ask():
            connection = Connection(self.server.port)
            for at in due:
                if at >= end:
                    return
                await asyncio.sleep(max(0.0, at - time.monotonic()))
                answer = await self.safely(connection.token(*self.clients.any()), "a token")
                if answer is None:
                    continue
                self.done += 1
                # From when it was due: who waits for a connection waits too.
                self.latencies.append((at - began, time.monotonic() - at))
                if is_busy(*answer[:2]):
                    self.busy += 1
                elif answer[0] != 200:
                    self.errors.append(f"a right secret: {answer[0]} {answer[2][:200]!r}")
            connection.close()

        await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))


class Guesser(Worker):
    """Tries wrong secrets of clients that there are and of some that there are not."""

    def __init__(self, server, clients):
        super().__init__(server)
        self.clients = clients
        self.throttled = 0

    async def work(self, end):
        connection = Connection(self.server.port)
        for number in itertools.count():
            if time.monotonic() >= end:
                return connection.close()
            # One whose right secret must work all the while, which makes its failures forgotten; ever new names; and one name all the time.
            client_id = (self.clients.known[0][0], f"nobody-{number}", "nobody")[number % 3]
            answer = await self.safely(connection.token(client_id, f"wrong-{number}"), "a guess")
            if answer is not None:
                self.done += 1
                self.throttled += answer[0] == 429
                if answer[0] not in (401, 429):
                    self.errors.append(f"a wrong secret: {answer[0]} {answer[2][:200]!r}")
            await asyncio.sleep(0.1)


class Churn(Worker):
    """Creates a client, uses it, gives it another secret, disables and deletes it; and again."""

    def __init__(self, server):
        super().__init__(server)
        self.created = 0
        self.calls = 0
        self.access = (0.0, "")

    async def work(self, end):
        connection = Connection(self.server.port)
        while time.monotonic() < end:
            await self.safely(self.once(connection), "a client's life")
            await asyncio.sleep(0.2)
        connection.close()

    async def call(self, connection, method, path, body, wanted):
        until, token = self.access
        if time.monotonic() >= until:
            status, _, content = await connection.token("manager", self.server.manager)
            if status != 200:
                raise ValueError(f"no token for the manager: {status}")
            token = json.loads(content)["access_token"]
            self.access = (time.monotonic() + 30, token)
        headers = [("Authorization", f"Bearer {token}"), ("Content-Type", "application/json")]
        encoded = b"" if body is None else json.dumps(body).encode()
        status, _, content = await connection.request(method, f"/api/v2{path}", encoded, headers)
        self.calls += 1
        if status != wanted:
            raise ValueError(f"{method} {path.split('/')[1]}: {status} {content[:200]!r}")
        return json.loads(content) if content else None

    async def expect(self, connection, client, wanted, what):
        status, headers, content = await connection.token(*client)
        while is_busy(status, headers):
            await asyncio.sleep(float(headers["retry-after"]))
            status, headers, content = await connection.token(*client)
        if status != wanted:
            raise ValueError(f"{what}: {status} {content[:200]!r}")

    async def once(self, connection):
        made = await self.call(connection, "POST", "/clients", {"name": "passing"}, 201)
        name, first = made["client_id"], made["client_secret"]
        grant = {"client_id": name, "audience": AUDIENCE, "scope": ["b"]}
        await self.call(connection, "POST", "/client-grants", grant, 201)
        await self.expect(connection, (name, first), 200, "a new client")
        rotated = await self.call(connection, "POST", f"/clients/{name}/rotate-secret", {}, 200)
        await self.expect(connection, (name, rotated["client_secret"]), 200, "a new secret")
        await self.call(connection, "PATCH", f"/clients/{name}", {"enabled": False}, 200)
        await self.expect(connection, (name, rotated["client_secret"]), 401, "a disabled client")
        await self.call(connection, "DELETE", f"/clients/{name}", None, 204)
        await self.expect(connection, (name, rotated["client_secret"]), 401, "a deleted client")
        self.created += 1


class Verifier(Worker):
    """Verifies tokens (RS256) with a JWK Set that it keeps for as long as it may, and fetches no other in between."""

    def __init__(self, server, clients):
        super().__init__(server)
        self.clients = clients
        self.fetches = 0
        self.keys = {}
        self.kids = set()
        self.until = 0.0

    async def work(self, end):
        connection = Connection(self.server.port)
        while time.monotonic() < end:
            answer = await self.safely(connection.token(*self.clients.any()), "a token to verify")
            if answer is not None and answer[0] == 200:
                await self.safely(self.verify(connection, json.loads(answer[2])["access_token"]), "a verification")
            elif answer is not None and not is_busy(*answer[:2]):
                self.errors.append(f"a right secret: {answer[0]} {answer[2][:200]!r}")
            await asyncio.sleep(0.2 + random.random() / 5)
        connection.close()

    async def fetch(self, connection):
        status, headers, content = await connection.request("GET", "/.well-known/jwks.json")
        if status != 200:
            raise ValueError(f"the JWK Set: {status}")
        age = next(int(part.split("=")[1]) for part in headers["cache-control"].split(", ") if part.startswith("max-age="))
        self.keys = {key["kid"]: key for key in json.loads(content)["keys"]}
        self.until = time.monotonic() + age
        self.fetches += 1

    async def verify(self, connection, token):
        if time.monotonic() >= self.until:
            await self.fetch(connection)
        signed, _, signature = token.rpartition(".")
        header = json.loads(decode(token.split(".")[0]))
        # A key that signs was published before for as long as anybody may keep the set.
        if header["kid"] not in self.keys:
            raise ValueError(f"the key {header['kid']} was not announced")
        if not is_signed(signed.encode(), decode(signature), self.keys[header["kid"]]):
            raise ValueError("the signature is wrong")
        self.kids.add(header["kid"])
        self.done += 1


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def is_signed(text, signature, key):
    """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2.2)."""
    modulus, exponent = (int.from_bytes(decode(key[name]), "big") for name in ("n", "e"))
    length = (modulus.bit_length() + 7) // 8
    expected = b"\x00\x01" + b"\xff" * (length - 54) + b"\x00" + DIGEST_INFO + hashlib.sha256(text).digest()
    return pow(int.from_bytes(signature, "big"), exponent, modulus).to_bytes(length, "big") == expected
