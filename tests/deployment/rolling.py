"""Three replicas behind nginx at a steady load: each is restarted several times, then one is killed.

    rolling.py --nginx NGINX [--restarts N] [--keep-alive]

nginx runs with deploy/compose/nginx.conf, for three replicas in place of two; with --keep-alive it keeps its connections to the replicas, too. The
callers keep their connections and never try again, and no request may fail: not while replicas stop by SIGTERM and start again. When one
is killed with kill -9, callers who try once more see nothing.
"""

import argparse
import base64
import http.client
import os
import re
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests/postgres"))

from replicas import Setting, check, fail, free_port, say, until  # noqa: E402

REPLICAS = 3
CALLERS = 6


class Caller(threading.Thread):
    """One partner: on a connection of its own that it keeps, from an address of its own, since nginx limits each."""

    def __init__(self, number, port, tls, secret, attempts):
        super().__init__(daemon=True)
        self.where = {"host": "localhost", "port": port, "timeout": 20, "context": tls, "source_address": (f"127.0.0.{10 + number}", 0)}
        self.secret, self.attempts = secret, attempts
        self.stopped = threading.Event()
        self.answered = self.connections = self.retried = 0
        self.slowest = 0.0
        self.failures = []
        self.connection = None

    def run(self):
        credentials = base64.b64encode(f"partner-a:{self.secret}".encode()).decode()
        form = {"Authorization": f"Basic {credentials}", "Content-Type": "application/x-www-form-urlencoded"}
        requests = [("POST", "/oauth/token", "grant_type=client_credentials", form)] * 4
        requests += [("GET", "/.well-known/jwks.json", None, {}), ("GET", "/.well-known/openid-configuration", None, {})]
        while not self.stopped.is_set():
            for request in requests:
                began = time.monotonic()
                self.ask(request)
                self.slowest = max(self.slowest, time.monotonic() - began)
                # Steady, and below what nginx.conf allows one address.
                time.sleep(0.012)

    def ask(self, request):
        for attempt in range(self.attempts):
            try:
                outcome = self.once(request)
            except (OSError, http.client.HTTPException) as error:
                outcome = repr(error)
                self.connection = None
            if outcome == 200:
                self.answered += 1
                self.retried += attempt
                return
        self.failures.append(f"{time.strftime('%X')} {request[0]} {request[1]}: {outcome}")

    def once(self, request):
        if self.connection is None or self.connection.sock is None:
            self.connection = http.client.HTTPSConnection(**self.where)
            self.connections += 1
        self.connection.request(*request)
        answer = self.connection.getresponse()
        body = answer.read()
        return 200 if answer.status == 200 else f"{answer.status} {body[:200]}"


class Load:
    """All callers."""

    def __init__(self, port, tls, secret, attempts):
        self.callers = [Caller(number, port, tls, secret, attempts) for number in range(CALLERS)]
        self.began = time.monotonic()
        for caller in self.callers:
            caller.start()

    def stop(self, what):
        for caller in self.callers:
            caller.stopped.set()
        for caller in self.callers:
            caller.join()
        seconds = time.monotonic() - self.began
        answered, connections = (sum(getattr(one, name) for one in self.callers) for name in ("answered", "connections"))
        failures = [failure for one in self.callers for failure in one.failures]
        sys.stderr.write("".join(f"{failure}\n" for failure in failures[:10]))
        check(
            not failures and answered > 30 * seconds,
            f"{what}: no request failed of {answered} in {seconds:.0f} s on {connections} connections; "
            f"the slowest took {max(one.slowest for one in self.callers):.2f} s",
        )
        return sum(one.retried for one in self.callers)


def start_proxy(setting, nginx, secrets, port, keep_alive):
    text = (REPOSITORY / "deploy/compose/nginx.conf").read_text()
    scratch = setting.work / "nginx"
    scratch.mkdir(mode=0o777)
    scratch.chmod(0o777)
    text = re.sub(r"(?<=\s)/tmp/", f"{scratch}/", text)
    text = text.replace("/run/secrets/tls_certificate", str(secrets / "tls-certificate.pem")).replace("/run/secrets/tls_key", str(secrets / "tls-key.pem"))
    text = text.replace("listen 8443 ssl", f"listen 127.0.0.1:{port} ssl").replace("listen 8444 ssl", f"listen 127.0.0.1:{free_port()} ssl")
    servers = "\n".join(f"        server 127.0.0.1:{replica.port} max_fails=0;" for replica in setting.replicas)
    text, first = re.subn(r" *server issuer-1:8080 max_fails=0;\n *server issuer-2:8080 max_fails=0;", servers, text)
    text, second = re.subn(r"server resource-api:8081", f"server 127.0.0.1:{free_port()}", text)
    if (first, second) != (1, 1):
        fail("nginx.conf is not what this script knows")
    if keep_alive:
        text = text.replace("zone issuers 64k;", "zone issuers 64k;\n        keepalive 16;")
        text = text.replace("proxy_set_header      Host $http_host;", 'proxy_set_header      Host $http_host;\n    proxy_set_header      Connection "";')
    conf = setting.work / "nginx.conf"
    conf.write_text(text)
    log = (setting.work / "nginx.log").open("w")
    return subprocess.Popen(
        [nginx, "-p", str(scratch), "-e", "/dev/stderr", "-c", str(conf), "-g", "daemon off;"], stdout=log, stderr=log, stdin=subprocess.DEVNULL
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nginx", required=True)
    parser.add_argument("--restarts", type=int, default=3)
    parser.add_argument("--keep-alive", action="store_true")
    options = parser.parse_args()
    with Setting() as setting:
        secrets = setting.work / "secrets"
        subprocess.run(
            [REPOSITORY / "deploy/compose/make-secrets", "localhost"], env={**os.environ, "TOKENHOUSE_SECRETS": str(secrets)},
            check=True, stdout=subprocess.DEVNULL,
        )
        port = free_port()
        for number in range(REPLICAS):
            setting.replica(
                f"replica-{number + 1}", ISSUER=f"https://localhost:{port}/", SERVER__BEHIND_PROXY="true",
                SERVER__TRUSTED_PROXIES="127.0.0.1", LOG__LEVEL="warn",
            ).start()
        for replica in setting.replicas:
            replica.wait_until_ready(60)
        setting.api()
        secret = setting.partner()
        proxy = start_proxy(setting, options.nginx, secrets, port, options.keep_alive)
        try:
            tls = ssl.create_default_context(cafile=secrets / "tls-ca.pem")
            time.sleep(1)
            roll(setting, port, tls, secret, options.restarts)
            kill(setting, port, tls, secret)
        finally:
            proxy.terminate()
            proxy.wait()


def roll(setting, port, tls, secret, restarts):
    load = Load(port, tls, secret, attempts=1)
    time.sleep(2)
    slowest = 0.0
    for _ in range(restarts):
        for replica in setting.replicas:
            slowest = max(slowest, replica.terminate(35))
            time.sleep(0.2)
            replica.start()
            replica.wait_until_ready()
            time.sleep(0.5)
    time.sleep(1)
    load.stop(f"each of {REPLICAS} replicas was restarted {restarts} times, and nobody tried again")
    say(f"     the slowest stop took {slowest:.2f} s")


def kill(setting, port, tls, secret):
    load = Load(port, tls, secret, attempts=2)
    time.sleep(1)
    for replica in setting.replicas:
        replica.process.kill()
        replica.process.wait()
        time.sleep(1)
        replica.start()
        replica.wait_until_ready()
    retried = load.stop("each replica was killed once with kill -9, and callers tried once more")
    say(f"     they had to try again {retried} times")
    until(lambda: all(replica.readyz()[0] == 200 for replica in setting.replicas), 10, "all are ready")


main()
