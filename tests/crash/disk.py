"""Fills the disk of a running issuer, and makes room again: tokens go on, changes fail and say so, nothing is lost, nothing restarts.

    disk.py --binary TOKENHOUSE --work FOLDER tmpfs [--url URL --tablespace FOLDER] | limit

`tmpfs` needs a mount namespace of its own, in which it may mount. `limit` needs nothing: it bounds the size of the files that the server
may write, which fails with another error than a full disk.
"""

import argparse
import os
import resource
import subprocess
import time
from pathlib import Path

from house import AUDIENCE, House, check, say
from journal import ACKNOWLEDGED, REFUSED, CliWriter, HttpWriter, Journal

TOKENS = 50


def mount(folder, size):
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], check=True)


def fill(folder):
    """Takes every byte that is left."""
    with open(folder / "filler", "ab", buffering=0) as filler:
        block = bytes(65536)
        while block:
            try:
                while filler.write(block) == len(block):
                    pass
            except OSError:
                block = block[: len(block) // 2]


def make_room(folder):
    (folder / "filler").unlink()


class Partner:
    """A client that gets tokens all the time."""

    def __init__(self, house, journal):
        self.house = house
        self.client = journal.new_client("partner")
        writer = CliWriter(house)
        for change in ("create", "grant"):
            check(journal.change(self.client, change, writer) == ACKNOWLEDGED, f"{change}: {writer.last}")
        house.await_status(self.status, 200, "a token")

    def status(self):
        return self.house.ask_token(self.client.id, self.client.live[0], audience=AUDIENCE).status

    def check_tokens(self, when):
        statuses = {self.status() for _ in range(TOKENS)}
        check(statuses == {200}, f"{when}, token requests are answered with {statuses}")


def fail_to_change(journal, writer, prefix):
    """Makes clients until the disk takes no more; returns what the last one was told."""
    for _ in range(5000):
        if journal.change(journal.new_client(prefix), "create", writer) == REFUSED:
            return writer.last
    raise SystemExit("tests/crash/run: FAILED: the disk is full, and 5000 clients were stored all the same")


def make_some(house, journal):
    """Some changes that must not be lost."""
    writer = HttpWriter(house)
    for _ in range(20):
        client = journal.new_client("before")
        for change in ("create", "grant", "add_secret", "retire_secret", "disable"):
            check(journal.change(client, change, writer) == ACKNOWLEDGED, f"{change}: {writer.last}")


def check_refusals(house, journal, told):
    """What they are told who want to change something while it cannot be written."""
    answer = fail_to_change(journal, HttpWriter(house), "http")
    check(answer.status == 503 and "retry-after" in answer.headers, f"a change without room: {answer} {answer.headers}")
    check("nothing was changed" in answer.text, f"a change without room: {answer}")
    if house.is_sqlite:
        check_ready(house, "degraded, still issuing", 2)
    # The log is written many lines at a time.
    house.await_status(lambda: told in house.log(), True, f"the log says {told!r}", seconds=2)


def check_ready(house, status, seconds):
    house.await_status(lambda: house.get("/readyz").json()["status"], status, "/readyz", seconds)


def check_recovery(house, journal, partner):
    """Without a restart, within what a person takes for at once."""
    began = time.monotonic()
    writer = HttpWriter(house)
    client = journal.new_client("later")
    while journal.change(client, "create", writer) != ACKNOWLEDGED:
        check(time.monotonic() - began < 10, f"there is room again, and changes are still refused: {writer.last}")
        time.sleep(0.05)
    took = time.monotonic() - began
    check(journal.change(client, "grant", writer) == ACKNOWLEDGED, f"grant: {writer.last}")
    house.await_status(lambda: house.ask_token(client.id, client.live[0]).status, 200, "a token of a client made after that")
    partner.check_tokens("after that")
    # A few seconds later, since a single success may be luck.
    check_ready(house, "ready", 15)
    return took


def full_sqlite(options):
    disk = options.work / "disk"
    mount(disk, "12m")
    house = House(options.binary, options.work / "house", database="../disk/tokenhouse.db")
    house.furnish()
    journal = Journal(house)
    partner = Partner(house, journal)
    make_some(house, journal)
    backup = options.work / "backup.db"
    fill(disk)
    check_refusals(house, journal, "the database's disk is full: make room on it")
    partner.check_tokens("on a full disk")
    command = CliWriter(house)
    told = fail_to_change(journal, command, "cli")
    check(told.returncode == 1 and "disk is full" in told.stderr, f"a command on a full disk: {told}")
    refused = house.cli("backup", disk / "backup.db")
    check(refused.returncode == 1 and "no backup was made" in refused.stderr, f"a backup on a full disk: {refused}")
    check(not list(disk.glob("*backup*")) and not list(disk.glob(".*")), f"left behind: {list(disk.iterdir())}")
    # What is there can be read, and so can be taken away.
    house.run("client", "list")
    house.run("backup", backup)
    made = journal.acknowledged
    make_room(disk)
    took = check_recovery(house, journal, partner)
    journal.verify()
    check(house.stop() == 0, "the server does not stop")

    # Whether a start needs room depends on what the last one left; if it fails, it says why and does no harm.
    fill(disk)
    house.spawn()
    deadline = time.monotonic() + 10
    while house.server.poll() is None and not house.is_ready():
        check(time.monotonic() < deadline, "on a full disk the server neither starts nor says why not")
        time.sleep(0.02)
    started = house.server.poll() is None
    if started:
        partner.check_tokens("started on a full disk")
        check(house.stop() == 0, "the server does not stop on a full disk")
    else:
        check("disk is full" in house.log()[-1000:], f"a start on a full disk: {house.log()[-1000:]}")
    make_room(disk)
    house.run("restore", backup, "--force")
    house.run("audit", "verify")
    house.start()
    house.stop()
    say(f"ok   SQLite on a full disk: tokens go on, changes are refused, {made} acknowledged changes are all there")
    say(f"     with room again the first change was made after {took:.2f} s; a start on a full disk {'works' if started else 'says why it cannot'}")


def limited_files(options):
    house = House(options.binary, options.work / "limited")
    house.furnish()
    journal = Journal(house)
    partner = Partner(house, journal)
    make_some(house, journal)
    _, hard = resource.prlimit(house.server.pid, resource.RLIMIT_FSIZE)
    # Less than is there already, so that not even a part of a page can be added. The log is not to be hit.
    open(house.folder / "log", "w").close()
    largest = (house.folder / "tokenhouse.db-wal").stat().st_size
    resource.prlimit(house.server.pid, resource.RLIMIT_FSIZE, (largest, hard))
    check_refusals(house, journal, "the database's disk is full or fails")
    partner.check_tokens("while nothing can be written")
    resource.prlimit(house.server.pid, resource.RLIMIT_FSIZE, (hard, hard))
    took = check_recovery(house, journal, partner)
    journal.verify()
    house.kill()
    house.start()
    journal.verify()
    check(house.stop() == 0, "the server does not stop")
    say(f"ok   SQLite whose writes fail: tokens go on, changes are refused, nothing is lost; changes again after {took:.2f} s")


def full_postgresql(options):
    """The tables lie in a tablespace of their own: a full disk under the log of PostgreSQL itself stops all of it."""
    disk = options.tablespace
    for statement in (f"CREATE TABLESPACE small LOCATION '{disk / 'space'}'", "CREATE DATABASE full_disk TABLESPACE small"):
        subprocess.run(["psql", "--quiet", "-c", statement, f"{options.url}postgres"], check=True)
    house = House(options.binary, options.work / "house", f"{options.url}full_disk")
    house.furnish()
    journal = Journal(house)
    partner = Partner(house, journal)
    make_some(house, journal)
    fill(disk)
    check_refusals(house, journal, "the database's disk is full: make room on it")
    partner.check_tokens("on a full disk")
    told = fail_to_change(journal, CliWriter(house), "cli")
    check(told.returncode == 1 and "disk is full" in told.stderr, f"a command on a full disk: {told}")
    made = journal.acknowledged
    make_room(disk)
    took = check_recovery(house, journal, partner)
    journal.verify()

    # Read-only, as the standby of a failover is.
    def read_only(on):
        statements = [f"ALTER DATABASE full_disk SET default_transaction_read_only = {on}"]
        statements.append("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'full_disk'")
        for statement in statements:
            subprocess.run(["psql", "--quiet", "-o", "/dev/null", "-c", statement, f"{options.url}postgres"], check=True)

    read_only("on")
    time.sleep(1)
    check_refusals(house, journal, "the database is read-only")
    partner.check_tokens("while the database is read-only")
    read_only("off")
    check_recovery(house, journal, partner)
    journal.verify()
    check(house.stop() == 0, "the server does not stop")
    say(f"ok   PostgreSQL on a full disk, and read-only: tokens go on, changes are refused, {made} acknowledged changes are all there")
    say(f"     with room again the first change was made after {took:.2f} s")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("what", choices=["tmpfs", "limit", "postgresql"])
    parser.add_argument("--url", help="a PostgreSQL server: postgres://user:password@host:port/ without a database")
    parser.add_argument("--tablespace", type=Path, help="a small disk with a folder `space` that PostgreSQL may write in")
    options = parser.parse_args()
    {"tmpfs": full_sqlite, "limit": limited_files, "postgresql": full_postgresql}[options.what](options)


main()
