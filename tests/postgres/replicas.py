"""A PostgreSQL server and replicas of Tokenhouse on it, as processes of this machine, for the scripts beside this file.

The program is TOKENHOUSE_BIN, by default the debug build. A script that fails shows the ends of the replicas' logs.
"""

import base64
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
AUDIENCE = "https://api.example.com/"
NAME = Path(sys.argv[0]).name


def say(text):
    print(text, flush=True)


def fail(text):
    raise SystemExit(f"tests/postgres/{NAME}: {text}")


def check(condition, text):
    if not condition:
        fail(f"not so: {text}")
    say(f"ok   {text}")


def program():
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    path = Path(os.environ.get("TOKENHOUSE_BIN", target / "debug/tokenhouse"))
    if not path.exists():
        fail(f"there is no {path}: run cargo build -p tokenhouse --features postgres")
    return str(path)


GIVEN_PORTS = set()


def free_port():
    """A port that nobody has, below those that outgoing connections get."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in GIVEN_PORTS:
            GIVEN_PORTS.add(port)
            return port


def until(condition, seconds, text):
    """The seconds that it takes until `condition` is true: a failure after `seconds`."""
    began = time.monotonic()
    while True:
        answer = condition()
        took = time.monotonic() - began
        if answer:
            return took
        if took > seconds:
            fail(f"after {seconds} s it is still not so: {text}")
        time.sleep(0.02)


# --- PostgreSQL -----------------------------------------------------------------------------------------------------------------------


class PostgreSQL:
    """A server of its own. Tokenhouse is its user `app`, who owns the database `tokenhouse` and nothing else."""

    def __init__(self, work, settings=""):
        self.cluster = work / "cluster"
        self.password = os.urandom(16).hex()
        self.holders = []
        found = self.bash(f'start_postgresql "{self.cluster}" "{self.password}" "{settings}"; echo "$postgresql_port"')
        self.port = int(found.split()[-1])
        self.programs = self.bash("postgresql_programs").strip()
        say(found.splitlines()[0])
        self.sql(f"CREATE ROLE app LOGIN PASSWORD '{self.password}'")
        self.sql("CREATE DATABASE tokenhouse OWNER app")

    @staticmethod
    def bash(script):
        sourced = f"set -euo pipefail; . {REPOSITORY}/tests/postgres/server.sh; {script}"
        return subprocess.run(["bash", "-c", sourced], stdout=subprocess.PIPE, text=True, check=True).stdout

    def url(self, host="127.0.0.1", user="app", password=None, database="tokenhouse", **parameters):
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        return f"postgres://{user}:{password or self.password}@{host}:{self.port}/{database}{query}"

    def psql(self, *arguments, user="tokenhouse", database="tokenhouse"):
        command = [f"{self.programs}/psql", "-qAtX", "-v", "ON_ERROR_STOP=1", *arguments]
        where = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": user, "PGDATABASE": database, "PGPASSWORD": self.password}
        return command, {**os.environ, **where, "PGCONNECT_TIMEOUT": "5"}

    def sql(self, text, database="postgres"):
        """What the superuser gets for an answer."""
        command, environment = self.psql("-c", text, database=database)
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            fail(f"{text}: {done.stderr}")
        return done.stdout.strip()

    def count(self, where):
        return int(self.sql(f"SELECT count(*) FROM pg_stat_activity WHERE {where}"))

    def disconnect(self, where="application_name = 'tokenhouse'"):
        self.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {where}")

    def pg_ctl(self, *arguments):
        command = f'as_postgresql_user "{self.programs}/pg_ctl" -D "{self.cluster}/data" {" ".join(arguments)}'
        return self.bash(f"{command} >/dev/null 2>&1")

    def stop(self):
        self.pg_ctl("-m fast -w stop")

    def start(self):
        """Starts it again. It takes connections when this returns."""
        self.pg_ctl(f'-l "{self.cluster}/log" -w -t 60 start')

    def pids(self):
        """The postmaster and its children."""
        parent = int((self.cluster / "data/postmaster.pid").read_text().split()[0])
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True)
        return [parent, *map(int, children.stdout.split())]

    def signal(self, number):
        # The postmaster first: one that has stopped makes no more children, and those that it has made until then are found.
        self.kill_each(self.pids()[:1], number)
        self.kill_each(self.pids()[1:], number)

    @staticmethod
    def kill_each(pids, number):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def kill(self):
        """kill -9 of all its processes at once: as if the power had failed."""
        self.signal(signal.SIGSTOP)
        pids = self.pids()
        self.kill_each(pids, signal.SIGKILL)
        until(lambda: not any(Path(f"/proc/{pid}/stat").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text()
                              for pid in pids), 10, "PostgreSQL's processes are gone")

    def end(self):
        self.release()
        if (self.cluster / "data/postmaster.pid").exists():
            try:
                self.signal(signal.SIGCONT)
                self.pg_ctl("-m immediate -w stop")
            except (ProcessLookupError, subprocess.CalledProcessError):
                pass

    def use_up_connections(self):
        """Holds every connection that the user may have, so that Tokenhouse gets none."""
        command, environment = self.psql("-c", "SELECT pg_sleep(600)", user="app")
        deadline = time.monotonic() + 30
        while True:
            for _ in range(8):
                self.holders.append(
                    subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                )
            time.sleep(0.3)
            self.holders = [holder for holder in self.holders if holder.poll() is None]
            if self.count("application_name = 'tokenhouse'") == 0:
                time.sleep(0.5)
                if self.count("application_name = 'tokenhouse'") == 0:
                    return len(self.holders)
            if time.monotonic() > deadline:
                fail("the connections cannot be used up")
            self.disconnect()

    def release(self):
        for holder in self.holders:
            holder.kill()
        for holder in self.holders:
            holder.wait()
        if self.holders:
            self.disconnect("application_name = 'psql' AND usename = 'app'")
        self.holders = []


# --- Tokenhouse -----------------------------------------------------------------------------------------------------------------------


class Replica:
    """One `tokenhouse serve`."""

    def __init__(self, setting, name, **settings):
        self.setting, self.name = setting, name
        self.port, self.metrics_port = free_port(), free_port()
        self.log = setting.work / f"{name}.log"
        self.settings = settings
        self.process = None
        self.kept = None
        setting.replicas.append(self)

    def start(self, *arguments):
        environment = self.setting.environment(
            SERVER__BIND=f"127.0.0.1:{self.port}", METRICS__BIND=f"127.0.0.1:{self.metrics_port}", **self.settings
        )
        with self.log.open("a") as output:
            self.process = subprocess.Popen(
                [program(), "serve", *arguments], env=environment, cwd=self.setting.work, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output,
            )
        return self

    def wait_until_ready(self, seconds=30):
        return until(lambda: self.is_alive() and self.readyz()[0] == 200, seconds, f"{self.name} is ready")

    def is_alive(self):
        if self.process.poll() is not None:
            fail(f"{self.name} ended by itself with {self.process.returncode}")
        return True

    def terminate(self, seconds=10):
        """Ends it by SIGTERM: the seconds that it takes."""
        began = time.monotonic()
        self.process.terminate()
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            fail(f"{self.name} does not stop within {seconds} s")
        if status != 0:
            fail(f"{self.name} ended with {status} after SIGTERM")
        return time.monotonic() - began

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def ask(self, method, path, body=None, headers=None, port=None, timeout=30):
        """One request: status, headers, and the body as JSON where it is."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        try:
            return answer.status, answer.headers, json.loads(text)
        except ValueError:
            return answer.status, answer.headers, text.decode()

    def readyz(self):
        try:
            status, _, body = self.ask("GET", "/readyz")
        except ConnectionError:
            return None, {}
        return status, body

    def metric(self, name):
        _, _, text = self.ask("GET", "/metrics", port=self.metrics_port)
        values = [line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(f"{name} ")]
        if len(values) != 1:
            fail(f"{self.name} tells {name} {len(values)} times")
        return float(values[0])

    def token(self, client, secret, **parameters):
        credentials = base64.b64encode(f"{client}:{secret}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/x-www-form-urlencoded"}
        body = urllib.parse.urlencode({"grant_type": "client_credentials", **parameters})
        return self.ask("POST", "/oauth/token", body, headers)

    def manage(self, method, path, token, body=None):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return self.ask(method, f"/api/v2/{path}", None if body is None else json.dumps(body), headers)

    def logged(self, text):
        return text in self.log.read_text()


class Setting:
    """What a script runs in: a folder, a PostgreSQL, replicas on it."""

    def __init__(self, postgresql_settings=""):
        self.temporary = tempfile.TemporaryDirectory(prefix="tokenhouse-")
        self.work = Path(self.temporary.name)
        self.work.chmod(0o755)
        self.replicas = []
        self.postgresql = None
        self.postgresql_settings = postgresql_settings
        self.url = None

    def __enter__(self):
        self.postgresql = PostgreSQL(self.work, self.postgresql_settings)
        self.url = self.postgresql.url()
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            for replica in self.replicas:
                if replica.log.exists():
                    tail = [line for line in replica.log.read_text().splitlines() if '"token request"' not in line][-12:]
                    sys.stderr.write(f"--- the end of what {replica.name} wrote\n" + "".join(f"{line}\n" for line in tail))
        for replica in self.replicas:
            replica.end()
        self.postgresql.end()
        self.temporary.cleanup()

    def environment(self, **settings):
        url = settings.pop("URL", self.url)
        path = self.work / f"url-{abs(hash(url))}"
        if not path.exists():
            path.write_text(url)
            path.chmod(0o600)
        given = {"DATABASE__URL_FILE": path, "KEYS__DIRECTORY": self.work / "keys", "METRICS__BIND": "off", **settings}
        # What must not work is tried again and again.
        given.setdefault("LIMITS__FAILED_ATTEMPTS", 0)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.work),
            **{f"TOKENHOUSE__{key}": str(value) for key, value in given.items()},
        }

    def replica(self, name, **settings):
        return Replica(self, name, **settings)

    def command(self, *arguments, **settings):
        """A command of the program: its exit code, and what it wrote."""
        return subprocess.run(
            [program(), *arguments], env=self.environment(**settings), cwd=self.work, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=120,
        )

    def cli(self, *arguments):
        done = self.command(*arguments)
        if done.returncode != 0:
            fail(f"tokenhouse {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def client(self, client_id, *arguments):
        """Makes a client with a secret, and returns that."""
        made = json.loads(self.cli("client", "create", "--id", client_id, *arguments, "--output", "json"))
        return made["client_secret"]

    def partner(self, client_id="partner-a"):
        """A client that may list and create users."""
        secret = self.client(client_id)
        self.cli("grant", "create", client_id, AUDIENCE, "--scope", "list:users", "--scope", "create:users")
        return secret

    def api(self):
        self.cli("api", "create", AUDIENCE, "--scope", "list:users", "--scope", "create:users")

    def management_token(self, replica):
        """The secret of a client that may do anything, and a token of it for the Management API."""
        secret = self.client("manager", "--management")
        answers = []

        def issued():
            answers[:] = [replica.token("manager", secret)]
            return answers[0][0] == 200

        until(issued, 5, "the managing client gets a token")
        return secret, answers[0][2]["access_token"]
