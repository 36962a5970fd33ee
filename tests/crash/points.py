"""Ends a process at every named place around what is written, starts again, and looks whether anything is lost or half done.

    points.py --binary TOKENHOUSE --work FOLDER [--url URL]
"""

import argparse
import base64
import json
import random
import re
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

from house import AUDIENCE, House, check, fail, restart_figures, say
from journal import ACKNOWLEDGED, UNKNOWN, CliWriter, HttpWriter, Journal, verify_file

REPOSITORY = Path(__file__).resolve().parents[2]
# What `abort` ends a process with.
ABORTED = -6
WRITES = ["write.begun", "write.revised", "write.unrecorded", "write.changed", "write.ended"]
MASTER_KEY_FILE = ["master_key.empty", "master_key.half", "master_key.whole", "master_key.renamed", "master_key.made"]
CHANGES = ["create", "grant", "add_secret", "retire_secret", "disable", "delete"]
reached = set()


def at(point, passes=0):
    """The setting that ends a process when it gets to `point` after having passed it so many times."""
    reached.add(point)
    return f"{point}={passes}*off->return" if passes else f"{point}=return"


def check_aborted(code, point):
    check(code == ABORTED, f"the process was to end at {point}, but ended with {code}")


# --- changes --------------------------------------------------------------------------------------------------------------------------


def prepare(journal, writer, change):
    """A client that `change` makes sense for."""
    client = journal.new_client("cli")
    before = {
        "create": [],
        "grant": ["create"],
        "add_secret": ["create", "grant"],
        "retire_secret": ["create", "grant", "add_secret"],
        "disable": ["create", "grant"],
        "delete": ["create", "grant"],
    }
    for earlier in before[change]:
        check(journal.change(client, earlier, writer) == ACKNOWLEDGED, f"{earlier}: {writer.last}")
    return client


def changes_by_command(house, journal):
    """Every kind of change, ended at every place."""
    plain = CliWriter(house)
    for point in WRITES:
        for change in CHANGES:
            client = prepare(journal, plain, change)
            writer = CliWriter(house, failpoints=at(point))
            check(journal.change(client, change, writer) == UNKNOWN, f"{change} at {point}: {writer.last}")
            check_aborted(writer.last.returncode, point)
        # A rotation is more than one transaction: it ends in the first, and in the second where that one gets to the place.
        for kind, passes in [("rotate", 0), ("rotate", 1), ("revoke", 0)]:
            # Afterwards there is a retired key to revoke.
            check(journal.rotate(plain) == ACKNOWLEDGED, f"rotate: {plain.last}")
            writer = CliWriter(house, failpoints=at(point, passes))
            outcome = getattr(journal, kind)(writer)
            if not (passes and outcome == ACKNOWLEDGED):
                check(outcome == UNKNOWN, f"{kind} at {point}: {writer.last}")
                check_aborted(writer.last.returncode, point)
        journal.verify()
    say(f"ok   {len(WRITES) * (len(CHANGES) + 2)} commands were ended in the middle of a change, of each kind at each place")


def changes_over_http(house, journal, times):
    """The server ends at every place, in one of several changes."""
    for point in WRITES:
        for _ in range(times):
            house.stop()
            house.start(at(point, random.randrange(3, 20)))
            writer = HttpWriter(house)
            client = journal.new_client("http")
            while True:
                if not client.possible():
                    client = journal.new_client("http")
                if journal.change(client, random.choice(client.possible()), writer) == UNKNOWN:
                    break
            check_aborted(house.died(), point)
            house.start()
            journal.verify()
    say(f"ok   {len(WRITES) * times} servers ended in the middle of a call of the Management API")


# --- what is written beside changes ---------------------------------------------------------------------------------------------------


def issued(house):
    return sum(day["issued"] for day in json.loads(house.run("stats", "--output", "json"))["days"])


def usage(house, journal):
    """What was counted is written when the server stops: once, or not at all where that fails."""
    client = prepare(journal, CliWriter(house), "disable")
    secret = client.live[0]
    for point, is_written in [("last_used.noted", False), ("last_used.written", False), ("usage.counted", False), ("usage.written", True)]:
        house.stop()
        before = issued(house)
        house.start(at(point))
        house.await_status(lambda: house.ask_token(client.id, secret).status, 200, "a token")
        house.server.terminate()
        check_aborted(house.died(), point)
        counted = issued(house) - before
        check(counted == is_written, f"{counted} tokens are counted after an end at {point}")
        house.start()
    journal.verify()
    say("ok   a server that ends while it writes counts loses those of the last seconds, and writes none twice")


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def assertion(house, client_id, key, jti):
    header, now = base64url(b'{"alg":"RS256"}'), int(time.time())
    claims = {"iss": client_id, "sub": client_id, "aud": house.issuer, "jti": jti, "exp": now + 120}
    text = f"{header}.{base64url(json.dumps(claims).encode())}"
    signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key, "-binary"], input=text.encode(), capture_output=True, check=True)
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return {"grant_type": "client_credentials", "client_assertion_type": kind, "client_assertion": f"{text}.{base64url(signed.stdout)}"}


def assertions(house, journal):
    """An assertion whose use was written is refused, one whose use was not is still good: once."""
    key, public = house.folder / "client.key", house.folder / "client.pub"
    command = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key]
    subprocess.run(command, capture_output=True, check=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], capture_output=True, check=True)
    house.run("client", "create", "--id", "signer", "--no-secret")
    house.run("grant", "create", "signer", AUDIENCE, "--scope", "a")
    house.run("client", "key", "add", "signer", "--file", public)
    for point, expected in [("assertion.noted", [200, 401]), ("assertion.written", [401, 401])]:
        house.stop()
        house.start(at(point))
        form = assertion(house, "signer", key, point)
        check(house.post_form(form).status == 0, f"an answer came although the server ended at {point}")
        check_aborted(house.died(), point)
        house.start()
        statuses = [house.post_form(form).status for _ in expected]
        check(statuses == expected, f"an assertion used before an end at {point} is answered with {statuses}, not {expected}")
    journal.verify()
    say("ok   no assertion is good twice, although the server ended while it wrote down the use")


def hash_upgrade(house, journal):
    """A brought secret is good before and after its hash is replaced, and at the moment between."""
    document = house.folder / "imported.json"
    # SHA-256 of the secret, as IdentityServer stores it.
    stored = "8vuBXTnTHUm974K++paE3MoT1TWqmLpwkZr0OnsCRRs="
    for point, is_upgraded in [("hash_upgrade.begun", False), ("hash_upgrade.ended", True)]:
        name = point.replace(".", "-")
        grant = {"audience": AUDIENCE, "scope": ["a"]}
        entry = {"client_id": name, "secrets": [{"hash": stored}], "grants": [grant]}
        document.write_text(json.dumps({"clients": [entry]}))
        house.run("apply", "-f", document)
        house.stop()
        house.start(at(point))
        house.ask_token(name, "a secret that was brought")
        check_aborted(house.died(), point)
        text = house.run("export", "--format", "json")
        entry = next(client for client in json.loads(text)["clients"] if client["client_id"] == name)
        check(("argon2id" in json.dumps(entry["secrets"])) == is_upgraded, f"after an end at {point}: {entry['secrets']}")
        house.start()
        statuses = [house.ask_token(name, secret).status for secret in ("a secret that was brought", "another")]
        check(statuses == [200, 401], f"after an end at {point} the secret and another are answered with {statuses}")
    journal.verify()
    say("ok   a secret works on, although the server ended while it replaced its hash")


# --- another master key ---------------------------------------------------------------------------------------------------------------


def published(house):
    return sorted(key["kid"] for key in house.get("/.well-known/jwks.json").json()["keys"])


def another_master_key(house, journal):
    """Wherever `key reseal --new-master-key` ends, the files that are there open every key, and the next one goes through."""
    client = prepare(journal, CliWriter(house), "disable")
    # Both of the keys that are to be opened, before anything else is.
    house.await_status(lambda: len([key for key in json.loads(house.run("key", "list", "--output", "json")) if key["state"] == "next"]), 1, "a next key")
    house.await_status(lambda: house.ask_token(client.id, client.live[0]).status, 200, "a token")
    keys, ended = published(house), 0
    for point in [*MASTER_KEY_FILE, *WRITES]:
        # Once for the old key's file or the first look at the keys, once for the new one's or the change itself.
        for passes in (0, 1):
            house.stop()
            done = house.cli("key", "reseal", "--new-master-key", failpoints=at(point, passes))
            if not (passes and done.returncode == 0):
                check_aborted(done.returncode, point)
                ended += 1
            house.start()
            check(published(house) == keys, f"after an end at {point} other keys are published")
            check(house.ask_token(client.id, client.live[0]).status == 200, f"no token after an end at {point}")
            check(house.get("/readyz").json()["status"] == "ready", f"after an end at {point}: {house.get('/readyz')}")
    house.stop()
    house.run("key", "reseal", "--new-master-key")
    (house.folder / "keys/master.key.old").unlink()
    house.start()
    check(published(house) == keys, "resealed, other keys are published")
    journal.verify()
    say(f"ok   {ended} changes of the master key ended in the middle, and every signing key could be opened")


# --- first starts ---------------------------------------------------------------------------------------------------------------------


def first_starts(options, databases):
    """The very first start ends at every place, and the next one makes what is missing."""
    points = ["migration.run", "migration.named", "migration.ended", "database.unsettled", *WRITES]
    if options.url is None:
        # Files that are made the same way whatever the database is.
        points += ["database_file.made", "master_key.directory", *MASTER_KEY_FILE]
    for number, point in enumerate(points):
        house = House(options.binary, options.work / f"first-{number}", databases(f"first_{number}"))
        house.spawn(at(point))
        check_aborted(house.died(), point)
        house.furnish()
        journal = Journal(house)
        client = prepare(journal, CliWriter(house), "disable")
        house.await_status(lambda: house.ask_token(client.id, client.live[0]).status, 200, f"a token after an end at {point}")
        journal.verify()
        check(house.stop() == 0, "the server does not stop")
        left = sorted(path.name for path in (house.folder / "keys").iterdir())
        check(left == ["master.key"], f"after an end at {point} there are keys/{left}")
    say(f"ok   {len(points)} first starts ended in the middle, and the next one went on")


# --- files ----------------------------------------------------------------------------------------------------------------------------


def names(house):
    connection = sqlite3.connect(f"file:{house.database}?mode=ro", uri=True)
    found = {name for (name,) in connection.execute("SELECT client_id FROM clients WHERE client_id <> 'manager'")}
    connection.close()
    return found


def files(options):
    """Backup, restore and the document of an import: the file is what it was or whole, wherever they end."""
    house = House(options.binary, options.work / "files")
    house.furnish()
    house.run("client", "create", "--id", "old")
    backup, database = house.folder / "backup.db", house.database
    house.run("backup", backup)
    old = backup.read_bytes()
    house.run("client", "create", "--id", "new")
    for point in ["backup.copied", "file.written", "file.synced", "file.renamed"]:
        backup.write_bytes(old)
        done = house.cli("backup", backup, "--force", failpoints=at(point))
        check_aborted(done.returncode, point)
        is_new = backup.read_bytes() != old
        check(is_new == (point == "file.renamed"), f"after an end at {point} the backup is {'another' if is_new else 'the old one'}")
        verify_file(backup)
        # What lies beside it is nobody's, and in nobody's way.
        house.run("backup", backup, "--force")
    house.stop()

    backup.write_bytes(old)
    state = house.folder / "state.db"
    shutil.copy(database, state)
    for point in ["restore.copied", "restore.marked", "restore.set_aside", "file.written", "file.synced", "file.renamed"]:
        house.run("restore", state, "--force")
        check(names(house) == {"old", "new"}, f"before: {names(house)}")
        done = house.cli("restore", backup, "--force", failpoints=at(point))
        check_aborted(done.returncode, point)
        expected = {"old"} if point == "file.renamed" else {"old", "new"}
        check(names(house) == expected, f"after an end at {point} there are the clients {names(house)}, not {expected}")
        verify_file(database)
        house.run("audit", "verify")
        house.start()
        house.stop()
        house.run("restore", backup, "--force")
        check(names(house) == {"old"}, f"again: {names(house)}")

    export = REPOSITORY / "tests/it/imports/exports/hydra-list.json"
    for point in ["file.written", "file.synced", "file.renamed"]:
        document = house.folder / "document.yaml"
        document.write_text("{}\n")
        arguments = ["import", "hydra", export, "--audience", "https://parcels.example.com/", "--to-document", document]
        check_aborted(house.cli(*arguments, failpoints=at(point)).returncode, point)
        text = document.read_text()
        check((text == "{}\n") == (point != "file.renamed"), f"after an end at {point}: {text[:100]}")
        house.run("apply", "-f", document, "--dry-run")
    active = next(key["kid"] for key in json.loads(house.run("key", "list", "--output", "json")) if key["state"] == "active")
    for point in ["file.written", "file.synced", "file.renamed"]:
        exported = house.folder / f"{point}.pem"
        check_aborted(house.cli("key", "export", active, "--file", exported, failpoints=at(point)).returncode, point)
        check(exported.exists() == (point == "file.renamed"), f"after an end at {point} the exported key is {exported.exists()}")
    subprocess.run(["openssl", "pkey", "-in", exported, "-noout"], check=True)
    say("ok   backups, restored databases, documents and exported keys are what they were or whole, wherever the command ended")
    say(f"     {restart_figures(house.restarts)}")


def places_in_the_sources():
    texts = (path.read_text() for path in (REPOSITORY / "src").rglob("*.rs"))
    return {place for text in texts for place in re.findall(r'fail_point::reach\("([^"]+)"\)', text)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--url", help="a PostgreSQL server: postgres://user:password@host:port/ without a database")
    parser.add_argument("--times", type=int, default=2, help="ends of a server at each place")
    options = parser.parse_args()

    def databases(name):
        """The URL of a new database; none for SQLite, which is a file."""
        if options.url is None:
            return None
        subprocess.run(["psql", "--quiet", "-c", f"CREATE DATABASE {name}", f"{options.url}postgres"], check=True)
        return f"{options.url}{name}"

    house = House(options.binary, options.work / "house", databases("house"))
    house.furnish()
    journal = Journal(house)
    changes_by_command(house, journal)
    changes_over_http(house, journal, options.times)
    usage(house, journal)
    assertions(house, journal)
    hash_upgrade(house, journal)
    if options.url is None:
        another_master_key(house, journal)
    house.stop()
    say(f"     {journal.acknowledged} changes were acknowledged; of those without an answer {journal.unknown}; {restart_figures(house.restarts)}")
    first_starts(options, databases)
    if options.url is None:
        files(options)
        missing = places_in_the_sources() - reached
        if missing:
            fail(f"no process was ended at {sorted(missing)}: add them to tests/crash/points.py")


main()
