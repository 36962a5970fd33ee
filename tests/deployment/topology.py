"""Runs what docker-compose.yml describes as processes of this machine, and does what an operator and a partner would do with it.

    topology.py --binary TOKENHOUSE --compose "docker compose" --postgresql-port PORT --work FOLDER

Commands, settings, secrets, health checks and grace periods are those of docker-compose.yml as Compose itself reads it; nginx runs with
deploy/compose/nginx.conf. Only what a process cannot have is replaced: addresses and ports, and the folders of secrets and volumes. In
FOLDER/secrets lie the files of deploy/compose/make-secrets for the host `localhost`; PostgreSQL is there, with their password.
"""

import argparse
import base64
import http.client
import json
import os
import pwd
import random
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
AUDIENCE = "https://api.example.com/"
# Every process of the issuers' side, and this script, connects from here: it stands for the proxy's address.
PROXY = "127.0.0.1"
# Somebody else on the same network, and a partner.
STRANGER, PARTNER = "127.0.0.9", "127.0.0.7"


def say(text):
    print(text, flush=True)


def fail(text):
    raise SystemExit(f"tests/deployment/run: {text}")


def check(condition, text):
    if not condition:
        fail(text)
    say(f"ok   {text}")


GIVEN_PORTS = set()


def free_port():
    """A port that nobody has, below those that outgoing connections get: a service that starts again finds it free."""
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


# --- the services of the compose file -------------------------------------------------------------------------------------------------


class Topology:
    """The services as processes, with their ports on this machine."""

    def __init__(self, options):
        self.work = Path(options.work)
        self.binary = options.binary
        self.secrets = self.work / "secrets"
        self.public, self.public_api = free_port(), free_port()
        self.issuer = f"https://localhost:{self.public}/"
        self.config = self.read(options.compose)
        self.services = self.config["services"]
        self.ports = {}
        self.processes = {}
        self.logs = {}
        self.tls = ssl.create_default_context(cafile=self.secrets / "tls-ca.pem")
        # Containers run as a user of their own without any right; only root can do the same here.
        self.user = pwd.getpwnam("nobody") if os.getuid() == 0 else None
        # What is no volume cannot be written in a container either.
        self.nowhere = self.work / "nowhere"
        self.nowhere.mkdir()
        self.nowhere.chmod(0o555)
        self.scratch = self.folder("scratch")
        self.point_to_postgresql(options.postgresql_port)
        for path in self.secrets.iterdir() if self.user else []:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        if self.user:
            os.chown(self.secrets, self.user.pw_uid, self.user.pw_gid)

    def read(self, compose):
        """The compose file as Compose reads it, with the variables that an operator would set."""
        variables = {
            "TOKENHOUSE_SECRETS": str(self.secrets),
            "TOKENHOUSE_HOST": "localhost",
            "TOKENHOUSE_ISSUER": self.issuer,
            "TOKENHOUSE_PORT": str(self.public),
            "RESOURCE_API_PORT": str(self.public_api),
            "RESOURCE_API_URL": f"https://localhost:{self.public_api}/",
        }
        command = [*shlex.split(compose), "--file", str(REPOSITORY / "docker-compose.yml"), "config", "--format", "json"]
        shown = subprocess.run(command, env={**os.environ, **variables}, stdout=subprocess.PIPE, check=True)
        return json.loads(shown.stdout)

    def folder(self, name):
        folder = self.work / name
        folder.mkdir()
        if self.user:
            os.chown(folder, self.user.pw_uid, self.user.pw_gid)
        return folder

    def point_to_postgresql(self, port):
        url = self.secrets / "database-url"
        text = url.read_text()
        check(text.count("@database/") == 1, "the database URL names the service `database`")
        url.write_text(text.replace("@database/", f"@127.0.0.1:{port}/"))

    def address(self, service, port):
        """Where the port of a container is on this machine."""
        return f"127.0.0.1:{self.port(service, port)}"

    def port(self, service, port):
        published = [entry["published"] for entry in self.services[service].get("ports", []) if entry["target"] == port]
        return self.ports.setdefault((service, port), int(published[0]) if published else free_port())

    def here(self, service, text):
        """A value of `service` in the compose file with what a process of this machine needs in its place."""
        text = re.sub(r"^0\.0\.0\.0:(\d+)$", lambda bind: self.address(service, int(bind[1])), text)
        text = re.sub(r"\b127\.0\.0\.1:(\d+)", lambda found: self.moved(service, found), text)
        text = re.sub(r"\blocalhost:(8443)\b", lambda found: f"localhost:{self.port('proxy', int(found[1]))}", text)
        text = re.sub(r"/run/secrets/(\w+)", lambda secret: self.secret(service, secret[1]), text)
        for volume in self.services[service].get("volumes", []):
            if volume["type"] == "volume":
                text = text.replace(volume["target"], str(self.work / volume["source"]))
        return text.replace(self.proxy_address(), PROXY)

    def moved(self, service, found):
        port = int(found[1])
        return found[0] if port in self.ports.values() else self.address(service, port)

    def secret(self, service, name):
        granted = [secret["source"] for secret in self.services[service].get("secrets", [])]
        if name not in granted:
            fail(f"{service} reads the secret {name}, which docker-compose.yml does not give to it")
        return self.config["secrets"][name]["file"]

    def proxy_address(self):
        return self.services["proxy"]["networks"]["front"]["ipv4_address"]

    def environment(self, service):
        settings = {key: self.here(service, value) for key, value in self.services[service]["environment"].items()}
        left = [f"{key}={value}" for key, value in settings.items() if re.search(r"0\.0\.0\.0|172\.|/run/|/var/", value)]
        if left:
            fail(f"{service} has settings that this script cannot carry over: {', '.join(left)}")
        # Containers know nothing of the environment here.
        return {"PATH": os.environ["PATH"], "TMPDIR": str(self.nowhere), **settings}

    def spawn(self, name, command, environment):
        log = self.work / f"{name}.log"
        output = open(log, "ab")
        who = {}
        if self.user:
            os.fchown(output.fileno(), self.user.pw_uid, self.user.pw_gid)
            who = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        self.logs[name] = log
        self.processes[name] = subprocess.Popen(
            command, env=environment, cwd=self.nowhere, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **who
        )
        output.close()

    def start(self, service):
        command = [self.binary, *self.services[service]["command"]]
        self.spawn(service, command, self.environment(service))

    def wait_until_healthy(self, service):
        """Does the health check of the compose file until it succeeds, as often as Compose would."""
        kind, program, *arguments = self.services[service]["healthcheck"]["test"]
        if (kind, program) != ("CMD", "tokenhouse"):
            fail(f"the health check of {service} is not `tokenhouse …`")
        deadline = time.monotonic() + 60
        arguments = [self.here(service, argument) for argument in arguments]
        while True:
            self.check_alive(service)
            asked = self.tokenhouse(service, *arguments)
            if asked.returncode == 0:
                return say(f"ok   {service} is healthy: tokenhouse {shlex.join(arguments)}")
            if time.monotonic() > deadline:
                fail(f"{service} is not healthy after a minute: {asked.stderr}")
            time.sleep(0.1)

    def tokenhouse(self, service, *arguments):
        """What `docker compose exec SERVICE tokenhouse …` does."""
        who = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}
        return subprocess.run(
            [self.binary, *arguments], env=self.environment(service), cwd=self.nowhere, capture_output=True, text=True, **who
        )

    def administer(self, *arguments):
        done = self.tokenhouse("issuer-1", *arguments)
        if done.returncode != 0:
            fail(f"tokenhouse {shlex.join(arguments)}: {done.stderr}")
        return done.stdout

    def start_proxy(self, nginx):
        text = (REPOSITORY / "deploy/compose/nginx.conf").read_text()
        text = re.sub(r"(?<=\s)/tmp/", f"{self.scratch}/", text)
        text = re.sub(r"listen (\d+)", lambda listen: f"listen {self.address('proxy', int(listen[1]))}", text)
        text, servers = re.subn(
            r"server ([\w-]+):(\d+)", lambda server: f"server {self.address(server[1], int(server[2]))}", text
        )
        text = re.sub(r"/run/secrets/(\w+)", lambda secret: self.secret("proxy", secret[1]), text)
        if servers != 3:
            fail(f"nginx.conf has {servers} upstream servers in place of three")
        conf = self.work / "nginx.conf"
        conf.write_text(text)
        _, *arguments = self.services["proxy"]["entrypoint"]
        command = [nginx, "-p", str(self.scratch), "-e", "/dev/stderr", "-c", str(conf), *arguments]
        self.spawn("proxy", command, {"PATH": os.environ["PATH"]})
        deadline = time.monotonic() + 20
        while True:
            self.check_alive("proxy")
            try:
                return socket.create_connection(("127.0.0.1", self.public), 1).close()
            except OSError:
                if time.monotonic() > deadline:
                    fail("nginx does not listen")
                time.sleep(0.05)

    def check_alive(self, name):
        if self.processes[name].poll() is not None:
            sys.stderr.write(self.logs[name].read_text())
            fail(f"{name} ended by itself")

    def stop(self, service):
        """What `docker compose stop SERVICE` does: it must end by itself within its grace period, with 0."""
        process = self.processes[service]
        grace = float(self.services[service]["stop_grace_period"].rstrip("s"))
        process.send_signal(getattr(signal, self.services[service].get("stop_signal", "SIGTERM")))
        started = time.monotonic()
        try:
            status = process.wait(grace)
        except subprocess.TimeoutExpired:
            fail(f"{service} does not stop within {grace} s")
        took = time.monotonic() - started
        check(status == 0, f"{service} stopped in {took:.2f} s with 0 (allowed: {grace:.0f} s)")

    def end(self):
        running = [process for process in self.processes.values() if process.poll() is None]
        # First gently: nginx would leave its workers behind.
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    # --- requests ---------------------------------------------------------------------------------------------------------------------

    def ask(self, port, method, path, body=None, headers=None, source=PROXY, tls=True):
        """One request on a connection of its own: status, headers, and the body as JSON where it is."""
        where = ("localhost" if tls else "127.0.0.1", port)
        source = (source, 0)
        if tls:
            connection = http.client.HTTPSConnection(*where, timeout=20, context=self.tls, source_address=source)
        else:
            connection = http.client.HTTPConnection(*where, timeout=20, source_address=source)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            text = answer.read()
            try:
                return answer.status, answer.headers, json.loads(text)
            except ValueError:
                return answer.status, answer.headers, text.decode()
        finally:
            connection.close()

    def ask_replica(self, service, *arguments, **options):
        """A request as from the proxy, to one replica."""
        return self.ask(self.port(service, 8080), *arguments, tls=False, **options)

    def token(self, client, secret, ask, **options):
        credentials = base64.b64encode(f"{client}:{secret}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/x-www-form-urlencoded"}
        headers.update(options.pop("headers", {}))
        return ask("POST", "/oauth/token", "grant_type=client_credentials", headers, **options)

    def token_by_proxy(self, client, secret, **options):
        return self.token(client, secret, lambda *arguments, **more: self.ask(self.public, *arguments, **more), **options)

    def token_by_replica(self, service, client, secret, **options):
        return self.token(client, secret, lambda *arguments, **more: self.ask_replica(service, *arguments, **more), **options)

    def users(self, method, token, body=None):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return self.ask(self.public_api, method, "/users", body and json.dumps(body), headers)

    def log_lines(self, service):
        lines = self.logs[service].read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


# --- what is done with it -------------------------------------------------------------------------------------------------------------


def read_as_described(topology):
    services = topology.services
    issuers = [services[name] for name in ("issuer-1", "issuer-2")]
    check(
        issuers[0]["environment"] == issuers[1]["environment"] and issuers[0]["command"] == issuers[1]["command"],
        "both replicas have the same settings",
    )
    check(
        issuers[0]["environment"]["TOKENHOUSE__SERVER__TRUSTED_PROXIES"] == topology.proxy_address(),
        f"the issuers trust the proxy's address alone: {topology.proxy_address()}",
    )
    published = sorted(name for name, service in services.items() if service.get("ports"))
    check(published == ["proxy"], "only the proxy's ports are published")
    check(topology.config["networks"]["database"]["internal"], "the database's network leads nowhere else")
    hardened = [name for name, service in services.items() if name != "database"]
    for name in hardened:
        service = services[name]
        if not (service["read_only"] and service["cap_drop"] == ["ALL"] and "no-new-privileges:true" in service["security_opt"]):
            fail(f"{name} is not hardened")
    check(True, f"read-only, without capabilities and new privileges: {', '.join(hardened)}")


def start(topology, nginx):
    for volume in topology.config["volumes"]:
        if volume != "database":
            topology.folder(volume)
    # At the same time, on an empty database.
    for service in ("issuer-1", "issuer-2"):
        topology.start(service)
    for service in ("issuer-1", "issuer-2"):
        topology.wait_until_healthy(service)
    topology.start("resource-api")
    topology.wait_until_healthy("resource-api")
    topology.start_proxy(nginx)
    check_keys(topology)
    status, _, body = topology.ask(topology.public, "GET", "/readyz")
    check(status == 200 and body["status"] == "ready", "/readyz through the proxy: ready")
    for service in ("issuer-1", "issuer-2"):
        for path in ("/livez", "/readyz", "/metrics"):
            status, _, _ = topology.ask(topology.port(service, 9090), "GET", path, tls=False)
            if status != 200:
                fail(f"{service} answers {path} on its metrics listener with {status}")
    status, _, _ = topology.ask(topology.public, "GET", "/metrics")
    check(status == 404, "metrics are on their own listener, and not to be had through the proxy")


def check_keys(topology):
    """Both made keys at the same time; what stands is one that signs and one that is announced, on both."""
    deadline = time.monotonic() + 10
    while True:
        sets = [topology.ask_replica(service, "GET", "/.well-known/jwks.json")[2]["keys"] for service in ("issuer-1", "issuer-2")]
        published = [sorted(key["kid"] for key in keys) for keys in sets]
        # The announced key is made after the start, and reaches the other replica with its next look at the database.
        if published[0] == published[1] and len(published[0]) == 2:
            return say("ok   both replicas publish the same two keys: one that signs, and the next")
        if time.monotonic() > deadline:
            fail(f"the replicas publish different keys, or not two: {published}")
        time.sleep(0.1)


def be_a_partner(topology):
    topology.administer("api", "create", AUDIENCE, "--scope", "list:users", "--scope", "create:users")
    secret = json.loads(topology.administer("client", "create", "--id", "partner-a", "--output", "json"))["client_secret"]
    topology.administer("grant", "create", "partner-a", AUDIENCE, "--scope", "list:users", "--scope", "create:users")
    time.sleep(1)
    status, headers, body = topology.token_by_proxy("partner-a", secret)
    check(status == 200 and headers["Cache-Control"] == "no-store", "a token through the proxy")
    token = body["access_token"]
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    check(claims["iss"] == topology.issuer, f"its issuer is the public one: {claims['iss']}")
    status, _, body = topology.users("POST", token, {"email": "ada@example.com", "name": "Ada"})
    if status != 201:
        fail(f"POST /users: {status} {body}")
    status, _, body = topology.users("GET", token)
    check(status == 200 and body["total"] == 1, "a user made and listed with it, through the proxy")
    status, _, body = topology.ask(topology.public_api, "GET", "/users", None, {"Authorization": f"Bearer {token}x"})
    check(status == 401, "a token that was changed is refused")
    status, _, body = topology.ask(topology.public_api, "GET", "/.well-known/oauth-protected-resource")
    check(body["authorization_servers"] == [topology.issuer], "the resource API's metadata name the issuer")
    return secret


def forge(topology, secret):
    """A partner who writes addresses into headers, and somebody who goes past the proxy."""
    forged = {"X-Forwarded-For": "192.0.2.66", "Forwarded": "for=192.0.2.66", "X-Request-Id": "forged"}
    status, headers, _ = topology.token_by_proxy("partner-a", secret, headers=forged, source=PARTNER)
    request_id = headers["X-Request-Id"]
    check(status == 200 and request_id != "forged", "the request's id is the proxy's")
    time.sleep(0.2)
    found = []
    for service in ("issuer-1", "issuer-2"):
        text = [line for line in topology.logs[service].read_text().splitlines() if request_id in line and "token request" in line]
        found += [re.search(r'"client_address":"([^"]*)"', line)[1] for line in text]
    check(found == [PARTNER], "a caller who forges X-Forwarded-For is logged with its own address")
    statuses = [
        topology.token_by_replica("issuer-1", "partner-a", secret, headers=forged, source=STRANGER)[0],
        topology.ask_replica("issuer-1", "GET", "/.well-known/jwks.json", source=STRANGER)[0],
        topology.ask_replica("issuer-1", "GET", "/readyz", source=STRANGER)[0],
    ]
    check(statuses == [403, 403, 200], "who does not come from the proxy gets 403, and health checks only")


def change_on_one_replica(topology):
    """A client made through one replica gets its token from the other one within a second."""
    manager = json.loads(topology.administer("client", "create", "--id", "manager", "--management", "--output", "json"))
    time.sleep(1)
    _, _, body = topology.token_by_replica("issuer-1", "manager", manager["client_secret"])
    headers = {"Authorization": f"Bearer {body['access_token']}", "Content-Type": "application/json"}
    slowest = 0
    for made_on, asked in [("issuer-1", "issuer-2"), ("issuer-2", "issuer-1")] * 3:
        client = {"name": "A partner", "app_type": "non_interactive", "grant_types": ["client_credentials"]}
        status, _, made = topology.ask_replica(made_on, "POST", "/api/v2/clients", json.dumps(client), headers)
        if status != 201:
            fail(f"POST /api/v2/clients: {status} {made}")
        grant = {"client_id": made["client_id"], "audience": AUDIENCE, "scope": ["list:users"]}
        status, _, body = topology.ask_replica(made_on, "POST", "/api/v2/client-grants", json.dumps(grant), headers)
        if status != 201:
            fail(f"POST /api/v2/client-grants: {status} {body}")
        began = time.monotonic()
        while True:
            status, _, body = topology.token_by_replica(asked, made["client_id"], made["client_secret"])
            took = time.monotonic() - began
            if status == 200:
                break
            if took > 1:
                fail(f"{asked} answers {status} {body} a second after {made_on} made the client")
            time.sleep(0.01)
        slowest = max(slowest, took)
    check(slowest <= 1, f"what one replica made the other one serves within a second; slowest of 6: {slowest:.2f} s")


class Callers:
    """Partners who ask for tokens, keys and users all the time, through the proxy."""

    def __init__(self, topology, secret):
        self.topology, self.secret = topology, secret
        self.stopped = threading.Event()
        self.answered = {"token": 0, "jwks": 0, "users": 0}
        self.failures = []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(4)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.stopped.is_set():
            token = self.attempt("token", lambda: self.topology.token_by_proxy("partner-a", self.secret))
            self.attempt("jwks", lambda: self.topology.ask(self.topology.public, "GET", "/.well-known/jwks.json"))
            if token:
                self.attempt("users", lambda: self.topology.users("GET", token["access_token"]))
            # Below what nginx.conf allows one address.
            time.sleep(0.05)

    def attempt(self, what, ask):
        try:
            status, _, body = ask()
        except OSError as error:
            status, body = 0, repr(error)
        with self.lock:
            if status != 200:
                self.failures.append(f"{what}: {status} {body}")
                return None
            self.answered[what] += 1
        return body

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        return self.answered


def stop_one_after_the_other(topology, secret):
    """A rolling restart under load: each replica stops by SIGTERM and starts again, and no request fails."""
    callers = Callers(topology, secret)
    for service in ("issuer-1", "issuer-2"):
        time.sleep(1)
        topology.stop(service)
        time.sleep(1)
        topology.start(service)
        topology.wait_until_healthy(service)
    time.sleep(1)
    answered = callers.stop()
    if callers.failures:
        sys.stderr.write("".join(f"{failure}\n" for failure in callers.failures[:10]))
    total = ", ".join(f"{count} {what}" for what, count in answered.items())
    check(not callers.failures, f"no request failed while the replicas restarted: {total}")
    if min(answered.values()) < 20:
        fail("there were too few requests to tell")
    retried = sum("," in line.get("upstream_status", "") for line in topology.log_lines("proxy"))
    say(f"     the proxy asked the other replica {retried} times")


def stop_all(topology, secret):
    for service in ("issuer-1", "issuer-2"):
        topology.stop(service)
    status, headers, body = topology.token_by_proxy("partner-a", secret)
    check(
        status == 503 and body["error"] == "temporarily_unavailable" and headers["Retry-After"] == "1",
        "without any replica a token request gets 503 with Retry-After, as JSON",
    )
    topology.start("issuer-2")
    topology.wait_until_healthy("issuer-2")
    status, _, _ = topology.token_by_proxy("partner-a", secret)
    check(status == 200, "with one replica back, the next token request is answered")


def main():
    parser = argparse.ArgumentParser()
    for option in ("--binary", "--compose", "--nginx", "--postgresql-port", "--work"):
        parser.add_argument(option, required=True)
    options = parser.parse_args()
    topology = Topology(options)
    try:
        read_as_described(topology)
        start(topology, options.nginx)
        secret = be_a_partner(topology)
        forge(topology, secret)
        change_on_one_replica(topology)
        stop_one_after_the_other(topology, secret)
        stop_all(topology, secret)
        for service in ("proxy", "resource-api", "issuer-2"):
            topology.stop(service)
    except BaseException:
        for name, log in topology.logs.items():
            tail = log.read_text().splitlines()[-15:]
            sys.stderr.write(f"--- the end of what {name} wrote\n" + "".join(f"{line}\n" for line in tail))
        raise
    finally:
        topology.end()


main()
