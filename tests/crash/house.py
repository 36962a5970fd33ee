"""A folder with an issuer: its database, its master key, its server, and the commands that act on it. All of them real processes."""

import atexit
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

AUDIENCE = "https://api.example.com/"
# However slow the machine: a restart that takes longer is a failure.
LONGEST_RESTART = 10.0
# Who failed, in messages; other scripts than those beside this file set their own.
PROGRAM = "tests/crash/run"


def say(text):
    print(text, flush=True)


def fail(text):
    raise SystemExit(f"{PROGRAM}: FAILED: {text}")


def check(condition, text):
    if not condition:
        fail(text)


def free_port():
    """A port that nobody has, below those that outgoing connections get."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


class Answer:
    """What a server said, or status 0 where it said nothing before the connection ended."""

    def __init__(self, status=0, body=b"", headers=None):
        self.status = status
        self.text = body.decode(errors="replace")
        self.headers = headers or {}

    def json(self):
        return json.loads(self.text)

    def __repr__(self):
        return f"{self.status} {self.text[:300]}"


class House:
    """`folder` has everything but a PostgreSQL database, which is `url`."""

    def __init__(self, binary, folder, url=None, database="tokenhouse.db"):
        self.binary = binary
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}/"
        self.database = self.folder / database
        self.is_sqlite = url is None
        self.server = None
        self.restarts = []
        self.manager = None
        self.token = None
        if url is None:
            url = f"sqlite:{self.database}"
        secret = self.folder / "database-url"
        secret.write_text(url)
        self.environment = {
            "PATH": os.environ["PATH"],
            "USER": "operator",
            "TOKENHOUSE__DATABASE__URL_FILE": str(secret),
            "TOKENHOUSE__KEYS__DIRECTORY": str(self.folder / "keys"),
            "TOKENHOUSE__ISSUER": self.issuer,
            "TOKENHOUSE__SERVER__BIND": f"127.0.0.1:{self.port}",
            "TOKENHOUSE__METRICS__BIND": "off",
            # What must not work is tried again and again.
            "TOKENHOUSE__LIMITS__FAILED_ATTEMPTS": "0",
            "TOKENHOUSE__LIMITS__MANAGEMENT_PER_SECOND": "100000",
            "TOKENHOUSE__LIMITS__MANAGEMENT_BURST": "100000",
        }

    # --- commands ---------------------------------------------------------------------------------------------------------------------

    def popen(self, *arguments, failpoints=None, **options):
        environment = dict(self.environment)
        if failpoints:
            environment["FAILPOINTS"] = failpoints
        # As it is, so that a limit on the size of files is an error and no signal.
        options.setdefault("restore_signals", False)
        command = [self.binary, *map(str, arguments)]
        process = subprocess.Popen(command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, **options)
        started.difference_update([one for one in started if one.returncode is not None])
        started.add(process)
        return process

    def cli(self, *arguments, failpoints=None):
        """Runs a command; the result has `returncode`, `stdout` and `stderr`."""
        process = self.popen(*arguments, failpoints=failpoints, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        stdout, stderr = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)

    def run(self, *arguments):
        """The output of a command that must succeed."""
        done = self.cli(*arguments)
        check(done.returncode == 0, f"tokenhouse {' '.join(map(str, arguments))}: {done.returncode}: {done.stderr}")
        return done.stdout

    # --- the server -------------------------------------------------------------------------------------------------------------------

    def spawn(self, failpoints=None):
        with open(self.folder / "log", "a") as log:
            self.server = self.popen("serve", failpoints=failpoints, stdout=log, stderr=log)

    def start(self, failpoints=None):
        """Starts the server and waits until it is ready; returns how many seconds that took."""
        began = time.monotonic()
        self.spawn(failpoints)
        while not self.is_ready():
            check(self.server.poll() is None, f"the server does not start:\n{self.log()[-2000:]}")
            check(time.monotonic() - began < LONGEST_RESTART, f"the server is not ready in {LONGEST_RESTART} s:\n{self.log()[-2000:]}")
            time.sleep(0.005)
        took = time.monotonic() - began
        self.restarts.append(took)
        return took

    def is_ready(self):
        return self.get("/readyz").status == 200

    def kill(self):
        self.server.send_signal(signal.SIGKILL)
        self.server.wait()

    def stop(self):
        self.server.terminate()
        return self.server.wait(timeout=60)

    def died(self):
        """Waits until the server ends; returns its exit code, negative for a signal."""
        return self.server.wait(timeout=60)

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    # --- requests ---------------------------------------------------------------------------------------------------------------------

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.read(), dict(response.getheaders()))
        except (OSError, http.client.HTTPException):
            return Answer()
        finally:
            connection.close()

    def get(self, path):
        return self.request("GET", path)

    def ask_token(self, client_id, secret, **more):
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret, **more}
        return self.post_form(form)

    def post_form(self, form):
        from urllib.parse import urlencode

        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.request("POST", "/oauth/token", urlencode(form), headers)

    def manage(self, method, path, body=None):
        """A call of the Management API, with a token of its own client."""
        for fresh in (False, True):
            if fresh or self.token is None:
                answer = self.ask_token("manager", self.manager)
                if answer.status != 200:
                    return answer if answer.status != 401 else Answer(0, b"no token for the manager yet")
                self.token = answer.json()["access_token"]
            headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
            answer = self.request(method, f"/api/v2{path}", None if body is None else json.dumps(body), headers)
            if answer.status != 401:
                break
        return answer

    # --- what is there from the start -------------------------------------------------------------------------------------------------

    def furnish(self):
        """Starts the server for the first time, with an API and a client that may manage."""
        self.start()
        self.restarts.clear()
        self.run("api", "create", AUDIENCE, "--scope", "a", "--scope", "b")
        self.manager = json.loads(self.run("client", "create", "--id", "manager", "--management", "--output", "json"))["client_secret"]
        self.await_status(lambda: self.ask_token("manager", self.manager).status, 200, "the manager gets a token")

    def await_status(self, ask, wanted, what, seconds=10.0):
        """Waits until `ask` returns `wanted`."""
        deadline = time.monotonic() + seconds
        while (got := ask()) != wanted:
            check(time.monotonic() < deadline, f"{what}: {got} and not {wanted} after {seconds} s")
            time.sleep(0.02)


def restart_figures(seconds):
    """How long restarts took, in words."""
    ordered = sorted(seconds)
    if not ordered:
        return "no restart"
    return f"{len(ordered)} restarts, ready after {ordered[len(ordered) // 2]:.2f} s (median), {ordered[-1]:.2f} s at most"


started = set()


def leave_none_behind():
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def interrupted(*_):
    sys.exit(130)


atexit.register(leave_none_behind)
signal.signal(signal.SIGTERM, interrupted)
