"""Kills servers and commands at any moment while several of them write, and looks whether anything acknowledged is lost.

    kills.py --binary TOKENHOUSE --work FOLDER --rounds N [--url URL --cluster FOLDER --programs FOLDER]

On SQLite every round kills the server and the commands that run. On PostgreSQL a round kills those, or a process of PostgreSQL that serves
a connection, or PostgreSQL as a whole, which this script then starts again while our server runs on.
"""

import argparse
import os
import random
import signal
import subprocess
import threading
import time
from pathlib import Path

from house import House, check, restart_figures, say
from journal import UNKNOWN, CliWriter, HttpWriter, Journal

HTTP_WRITERS, CLI_WRITERS = 3, 2
# Longer than a server may take to follow a database that is back.
CAUGHT_UP = 10.0


class Round:
    """Writers at work until they are told to stop."""

    def __init__(self, journal, number):
        self.journal = journal
        self.stopped = threading.Event()
        self.failures = []
        house = journal.house
        self.writers = [HttpWriter(house) for _ in range(HTTP_WRITERS)] + [CliWriter(house) for _ in range(CLI_WRITERS)]
        # Their own clients, so that each knows in which order its changes come.
        work = [(writer, [journal.new_client(f"r{number}w{place}") for _ in range(2)]) for place, writer in enumerate(self.writers)]
        self.threads = [threading.Thread(target=self.work, args=one) for one in work]
        # One at a time changes signing keys.
        self.threads.append(threading.Thread(target=self.rotate, args=(random.choice(self.writers),)))
        for thread in self.threads:
            thread.start()

    def work(self, writer, clients):
        try:
            while not self.stopped.is_set():
                idle = [client for client in clients if client.pending is None and client.possible()]
                if not idle:
                    return
                client = random.choice(idle)
                if self.journal.change(client, random.choice(client.possible()), writer) == UNKNOWN:
                    time.sleep(0.02)
        except BaseException as failure:
            self.failures.append(failure)

    def rotate(self, writer):
        other = type(writer)(self.journal.house)
        self.writers.append(other)
        try:
            time.sleep(random.uniform(0, 0.5))
            if not self.stopped.is_set():
                self.journal.rotate(other)
        except BaseException as failure:
            self.failures.append(failure)

    def end(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        for failure in self.failures:
            raise failure


class Postgresql:
    """The cluster that tests/postgres/server.sh started."""

    def __init__(self, options):
        self.options = options
        self.pid_file = options.cluster / "data/postmaster.pid" if options.cluster else None
        if self.pid_file:
            self.command = self.command_line()

    def pid(self):
        return int(self.pid_file.read_text().split()[0])

    def command_line(self):
        return Path(f"/proc/{self.pid()}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")

    def kill(self):
        os.kill(self.pid(), signal.SIGKILL)

    def kill_backend(self):
        """One that works for us; PostgreSQL then ends all of them and recovers."""
        children = Path(f"/proc/{self.pid()}/task/{self.pid()}/children").read_text().split()
        backends = [child for child in children if b"tokenhouse" in self.title(child)]
        if backends:
            os.kill(int(random.choice(backends)), signal.SIGKILL)

    @staticmethod
    def title(pid):
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return b""

    def start(self):
        """Starts it again; what the dead one left may be in use for a moment yet."""
        stat = self.options.cluster.stat()
        demote = {"user": stat.st_uid, "group": stat.st_gid, "extra_groups": []} if os.getuid() == 0 else {}
        deadline = time.monotonic() + 30
        while True:
            with open(self.options.work / "postgresql.log", "ab") as log:
                process = subprocess.Popen(self.command, cwd="/", stdout=log, stderr=log, start_new_session=True, **demote)
            time.sleep(0.3)
            if process.poll() is None:
                return
            check(time.monotonic() < deadline, "PostgreSQL does not start again")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--url", help="a PostgreSQL server: postgres://user:password@host:port/ without a database")
    parser.add_argument("--cluster", type=Path, help="its folder")
    options = parser.parse_args()

    url = None
    if options.url:
        subprocess.run(["psql", "--quiet", "-c", "CREATE DATABASE kills", f"{options.url}postgres"], check=True)
        url = f"{options.url}kills"
    postgresql = Postgresql(options)
    house = House(options.binary, options.work / "house", url)
    house.furnish()
    journal = Journal(house)
    kinds = ["ours"] if url is None else ["ours", "backend", "ours", "postgresql"]
    killed = dict.fromkeys(kinds, 0)
    returns = []
    for number in range(options.rounds):
        kind = kinds[number % len(kinds)]
        killed[kind] += 1
        going = Round(journal, number)
        time.sleep(random.uniform(0.05, 0.8))
        if kind == "ours":
            going.stopped.set()
            house.kill()
            for writer in going.writers:
                writer.kill()
            going.end()
            house.start()
        else:
            postgresql.kill_backend() if kind == "backend" else postgresql.kill()
            time.sleep(0.1)
            if kind == "postgresql":
                postgresql.start()
            began = time.monotonic()
            going.end()
            # Our server is the same process, and catches up by itself.
            check(house.server.poll() is None, f"the server ended when PostgreSQL did:\n{house.log()[-2000:]}")
            returns.append(caught_up(house) - began)
        journal.verify()
        if (number + 1) % 25 == 0:
            say(f"     {number + 1} rounds, {journal.acknowledged} changes acknowledged, none lost")
        # What is looked at in every round must not grow without end.
        settled = [client for client in journal.clients if client.pending is None]
        if len(settled) > 150:
            for client in settled[: len(settled) - 100]:
                if client.state.exists:
                    house.run("client", "delete", client.id)
                journal.clients.remove(client)
    check(house.stop() == 0, "the server does not stop")
    engine = "SQLite" if url is None else "PostgreSQL"
    say(f"ok   {engine}: {options.rounds} rounds of kill -9 ({killed}): {journal.acknowledged} changes were acknowledged and none was lost")
    say(f"     without an answer: {journal.unknown}, none of them half; {restart_figures(house.restarts)}")
    if returns:
        say(f"     the database was back and changes were made again after {max(returns):.2f} s at most")


def caught_up(house):
    """Waits until our server makes changes again; returns when that was."""
    deadline = time.monotonic() + CAUGHT_UP
    writer = CliWriter(house)
    while True:
        tried = house.manage("GET", "/clients?per_page=1")
        if tried.status == 200 and writer.command("client", "list")[0] == "acknowledged":
            break
        check(time.monotonic() < deadline, f"the server has not caught up after {CAUGHT_UP} s: {tried}\n{house.log()[-2000:]}")
        time.sleep(0.05)
    return time.monotonic()


main()
