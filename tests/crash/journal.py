"""What was acknowledged, what may have happened besides, and whether the database says so.

Each client belongs to one writer, which makes one change at a time. A change whose answer came is a fact. One whose answer never came has
happened wholly or not at all; the next look at the database decides which.
"""

import copy
import dataclasses
import json
import random
import sqlite3
import subprocess

from house import AUDIENCE, check

ACKNOWLEDGED, REFUSED, UNKNOWN = "acknowledged", "refused", "unknown"


@dataclasses.dataclass
class State:
    """A client as a change left it. `secrets` counts all of them, also those that nobody knows since no answer came."""

    exists: bool = False
    enabled: bool = True
    scope: tuple = ()
    secrets: int = 0

    def after(self, change):
        state = copy.copy(self)
        match change:
            case "create":
                state.exists, state.secrets = True, 1
            case "grant":
                state.scope = ("a",)
            case "regrant":
                state.scope = ("a", "b")
            case "add_secret":
                state.secrets += 1
            case "retire_secret":
                state.secrets -= 1
            case "disable":
                state.enabled = False
            case "enable":
                state.enabled = True
            case "delete":
                return State()
        return state


class Client:
    def __init__(self, name):
        self.name = name
        # Its client id: chosen at the command line, the server's choice over HTTP.
        self.id = name
        self.grant_id = None
        self.state = State()
        # A change of which nobody knows whether it happened: (name of the change, the secret that it retires).
        self.pending = None
        self.live, self.dead = [], []

    def possible(self):
        """The changes that make sense now."""
        state = self.state
        if not state.exists:
            return [] if self.dead else ["create"]
        changes = ["disable" if state.enabled else "enable"]
        changes.append("regrant" if state.scope else "grant")
        if state.secrets < 4:
            changes.append("add_secret")
        if len(self.live) > 1:
            changes.append("retire_secret")
        if len(self.live) + len(self.dead) > 2:
            changes.append("delete")
        return changes

    def settle(self, change, secret=None):
        """The change has happened; `secret` is the one that it made or retired, if known."""
        self.state = self.state.after(change)
        if change in ("create", "add_secret") and secret:
            self.live.append(secret)
        elif change == "retire_secret":
            self.live.remove(secret)
            self.dead.append(secret)
        elif change == "delete":
            self.dead += self.live
            self.live = []


class Journal:
    """Everything that writers did to the issuer in `house`."""

    def __init__(self, house):
        self.house = house
        self.clients = []
        self.acknowledged = 0
        self.unknown = {"happened": 0, "did not": 0}
        # Kids: the one that signs, those that may instead, those that were revoked.
        self.signing = None
        self.signing_pending = False
        self.revoked = set()

    def new_client(self, prefix):
        client = Client(f"{prefix}-{len(self.clients)}")
        self.clients.append(client)
        return client

    # --- making a change --------------------------------------------------------------------------------------------------------------

    def change(self, client, change, writer):
        """Makes a change through `writer`, a CliWriter or HttpWriter, and writes down what came of it."""
        retired = random.choice(client.live) if change == "retire_secret" else None
        client.pending = (change, retired)
        outcome, secret = writer.make(client, change, retired)
        if outcome == ACKNOWLEDGED:
            client.settle(change, secret or retired)
            self.acknowledged += 1
        if outcome != UNKNOWN:
            client.pending = None
        return outcome

    # --- looking at the database ------------------------------------------------------------------------------------------------------

    def verify(self, tokens=200):
        """Compares the database with the journal, and asks the server for tokens with at most so many secrets."""
        house = self.house
        document = json.loads(house.run("export", "--format", "json"))
        by_id = {entry["client_id"]: entry for entry in document.get("clients", [])}
        by_name = {entry.get("name"): entry for entry in document.get("clients", [])}
        for client in self.clients:
            entry = by_id.get(client.id) or by_name.get(client.name)
            self.verify_client(client, entry)
        revision = self.verify_trail()
        house.await_status(lambda: house.get("/readyz").json()["revision"], revision, "the revision that is served")
        self.verify_tokens(tokens)
        self.verify_keys()
        if house.is_sqlite:
            verify_file(house.database)

    def verify_client(self, client, entry):
        found = State()
        if entry is not None:
            grants = [grant for grant in entry.get("grants", []) if grant["audience"] == AUDIENCE]
            scope = tuple(sorted(grants[0]["scope"])) if grants else ()
            found = State(True, entry.get("enabled", True), scope, len(entry.get("secrets", [])))
            client.id = entry["client_id"]
        if client.pending is None:
            check(found == client.state, f"{client.name} is {found}, but what was acknowledged is {client.state}")
            return
        change, retired = client.pending
        whole = client.state.after(change)
        check(
            found in (client.state, whole),
            f"{client.name} is {found}: neither {client.state} nor, with the change {change}, {whole}",
        )
        happened = found == whole
        self.unknown["happened" if happened else "did not"] += 1
        if happened:
            client.settle(change, retired)
        client.pending = None

    def verify_tokens(self, most):
        secrets = [(client, secret, True) for client in self.clients for secret in client.live]
        secrets += [(client, secret, False) for client in self.clients for secret in client.dead]
        # The newest are those that the crash may have touched.
        older, newest = secrets[: -most // 2], secrets[-most // 2 :]
        for client, secret, is_live in random.sample(older, min(len(older), most // 2)) + newest:
            state = client.state
            expected = 401
            if is_live and state.exists and state.enabled:
                expected = 200 if state.scope else 400
            answer = self.house.ask_token(client.id, secret, audience=AUDIENCE)
            check(
                answer.status == expected,
                f"a {'live' if is_live else 'retired'} secret of {client.name}, {state}, is answered with {answer}, not {expected}",
            )

    def verify_keys(self):
        keys = json.loads(self.house.run("key", "list", "--output", "json"))
        active = [key["kid"] for key in keys if key["state"] == "active"]
        check(len(active) == 1, f"keys sign: {active}")
        if self.signing and not self.signing_pending:
            check(active[0] == self.signing, f"{active[0]} signs, but {self.signing} was acknowledged")
        self.signing, self.signing_pending = active[0], False
        published = {key["kid"] for key in self.house.get("/.well-known/jwks.json").json()["keys"]}
        check(active[0] in published, f"{active[0]} signs and is not published")
        check(not (self.revoked & published), f"revoked and published: {self.revoked & published}")

    def verify_trail(self):
        """The chain holds, and every revision has its events: nothing was changed without a record. Returns the revision."""
        house = self.house
        house.run("audit", "verify")
        revisions = {json.loads(line)["revision"] for line in house.run("audit", "export").splitlines()}
        check(revisions == set(range(1, max(revisions) + 1)), f"revisions without an event: {max(revisions)} of them have {len(revisions)}")
        return max(revisions)

    # --- signing keys -----------------------------------------------------------------------------------------------------------------

    def rotate(self, writer):
        self.signing_pending = True
        outcome, kid = writer.rotate()
        if outcome == ACKNOWLEDGED:
            # Over HTTP the answer names the next key, not the one that signs.
            self.signing = kid
            self.acknowledged += 1
        self.signing_pending = outcome == UNKNOWN or kid is None
        return outcome

    def revoke(self, writer):
        keys = json.loads(self.house.run("key", "list", "--output", "json"))
        retired = [key["kid"] for key in keys if key["state"] == "retired"]
        if not retired:
            return REFUSED
        outcome = writer.revoke(retired[0])
        if outcome == ACKNOWLEDGED:
            self.revoked.add(retired[0])
            self.acknowledged += 1
        return outcome


def verify_file(database):
    """SQLite's own look at a file, which nobody may hold up."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
    try:
        check(connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)], f"{database} is damaged")
        check(connection.execute("PRAGMA foreign_key_check").fetchall() == [], f"{database} has rows that refer to nothing")
    finally:
        connection.close()


class CliWriter:
    """Makes changes by commands, which can be killed too."""

    def __init__(self, house, failpoints=None):
        self.house = house
        self.failpoints = failpoints
        self.process = None
        self.last = None

    def command(self, *arguments):
        process = self.house.popen(
            *arguments, "--output", "json", failpoints=self.failpoints, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.process = process
        stdout, stderr = process.communicate(timeout=60)
        self.last = subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)
        if process.returncode == 0:
            return ACKNOWLEDGED, json.loads(stdout) if stdout.strip().startswith(("{", "[")) else {}
        # Ended by a signal, or the server of the database went away in the middle.
        definite = process.returncode > 0 and "cannot be reached" not in stderr
        return (REFUSED if definite else UNKNOWN), stderr

    def make(self, client, change, retired):
        arguments = {
            "create": ["client", "create", "--id", client.id, "--name", client.name],
            "grant": ["grant", "create", client.id, AUDIENCE, "--scope", "a"],
            "regrant": ["grant", "update", client.id, AUDIENCE, "--scope", "a", "--scope", "b"],
            "add_secret": ["client", "secret", "add", client.id],
            "retire_secret": ["client", "secret", "retire", client.id, (retired or "")[:12]],
            "disable": ["client", "update", client.id, "--enabled", "false"],
            "enable": ["client", "update", client.id, "--enabled", "true"],
            "delete": ["client", "delete", client.id],
        }[change]
        outcome, said = self.command(*arguments)
        return outcome, said.get("client_secret") if outcome == ACKNOWLEDGED else None

    def rotate(self):
        outcome, said = self.command("key", "rotate", "--now")
        return outcome, said["kid"] if outcome == ACKNOWLEDGED else None

    def revoke(self, kid):
        return self.command("key", "revoke", kid)[0]

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()


class HttpWriter:
    """Makes changes over the Management API."""

    def __init__(self, house):
        self.house = house
        self.last = None

    def call(self, method, path, body=None):
        answer = self.last = self.house.manage(method, path, body)
        if answer.status in (200, 201, 204):
            return ACKNOWLEDGED, answer.json() if answer.text else {}
        # What says that nothing was changed is believed, and so must be true.
        definite = 400 <= answer.status < 500 or "nothing was changed" in answer.text
        return (REFUSED if definite else UNKNOWN), answer.text

    def make(self, client, change, retired):
        path = f"/clients/{client.id}"
        match change:
            case "create":
                outcome, said = self.call("POST", "/clients", {"name": client.name})
                if outcome == ACKNOWLEDGED:
                    client.id = said["client_id"]
                    return outcome, said["client_secret"]
            case "grant":
                outcome, said = self.call("POST", "/client-grants", {"client_id": client.id, "audience": AUDIENCE, "scope": ["a"]})
            case "regrant":
                grants = self.house.manage("GET", f"/client-grants?client_id={client.id}")
                if grants.status != 200:
                    # Nothing was tried.
                    return REFUSED, None
                outcome, said = self.call("PATCH", f"/client-grants/{grants.json()[0]['id']}", {"scope": ["a", "b"]})
            case "add_secret":
                outcome, said = self.call("POST", f"{path}/secrets", {})
                if outcome == ACKNOWLEDGED:
                    return outcome, said["client_secret"]
            case "retire_secret":
                outcome, said = self.call("DELETE", f"{path}/secrets/{retired[:12]}")
            case "disable" | "enable":
                outcome, said = self.call("PATCH", path, {"enabled": change == "enable"})
            case "delete":
                outcome, said = self.call("DELETE", path)
        return outcome, None

    def rotate(self):
        return self.call("POST", "/keys/signing/rotate", {"force": True})[0], None

    def revoke(self, kid):
        return self.call("PUT", f"/keys/signing/{kid}/revoke")[0]

    def kill(self):
        pass
