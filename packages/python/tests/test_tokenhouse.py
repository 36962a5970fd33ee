"""Does each call do what it says, on a real server?"""

import gc
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from urllib.parse import urlsplit

import pytest

from tokenhouse_testing import ControlError, IsolatedIssuer, Issuer, TokenError, Tokenhouse
from tokenhouse_testing.process import find_binary

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def status_of(issuer: Issuer, token: str, opener: urllib.request.OpenerDirector = OPENER) -> int:
    """What the bundled resource API says to a token."""
    request = urllib.request.Request(f"{issuer.resource_api}whoami", headers={"Authorization": f"Bearer {token}"})
    try:
        with opener.open(request, timeout=30) as response:
            return response.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def published(issuer: Issuer) -> list[str]:
    with OPENER.open(issuer.jwks_uri, timeout=30) as response:
        return [key["kid"] for key in json.load(response)["keys"]]


def is_listening(url: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), 1).close()
    except OSError:
        return False
    return True


def test_a_token_from_the_endpoint_and_a_minted_one_are_accepted(tokenhouse_issuer: IsolatedIssuer) -> None:
    assert status_of(tokenhouse_issuer, tokenhouse_issuer.token()) == 200
    assert status_of(tokenhouse_issuer, tokenhouse_issuer.mint()) == 200
    with pytest.raises(TokenError) as refused:
        tokenhouse_issuer.token(client_secret="wrong")
    assert (refused.value.status, refused.value.error) == (401, "invalid_client")


def test_what_is_minted_is_what_was_asked_for(tokenhouse_issuer: IsolatedIssuer) -> None:
    minted = tokenhouse_issuer.mint_whole(
        client_id="nobody", scope="a b", claims={"tenant": 7, "jti": None}, header={"x": 1}, expires_in=-5
    )
    claims = minted["claims"]
    assert (claims["client_id"], claims["scope"], claims["tenant"], "jti" in claims) == ("nobody", "a b", 7, False)
    assert (minted["header"]["x"], claims["exp"] - claims["iat"] <= 0) == (1, True)


def test_every_defect_is_refused(tokenhouse_issuer: IsolatedIssuer) -> None:
    defects = tokenhouse_issuer.defects()
    assert len(defects) > 10
    accepted = [defect["name"] for defect in defects if status_of(tokenhouse_issuer, tokenhouse_issuer.mint(defect=defect["name"])) != 401]
    assert accepted == []


def test_time_moves_for_all_that_the_issuer_does(tokenhouse_issuer: IsolatedIssuer) -> None:
    token = tokenhouse_issuer.token()
    assert tokenhouse_issuer.advance(2 * 86_400)["offset_seconds"] >= 2 * 86_400 - 5
    assert status_of(tokenhouse_issuer, token) == 401
    assert status_of(tokenhouse_issuer, tokenhouse_issuer.token()) == 200
    clock = tokenhouse_issuer.set_clock(datetime(2030, 1, 1, tzinfo=timezone.utc), frozen=True)
    assert (clock["now"], clock["frozen"]) == (1_893_456_000, True)
    assert tokenhouse_issuer.clock()["now"] == 1_893_456_000
    assert tokenhouse_issuer.freeze(False)["frozen"] is False
    assert tokenhouse_issuer.set_clock(None)["offset_seconds"] == 0


def test_keys_rotate_and_leave(tokenhouse_issuer: IsolatedIssuer) -> None:
    before, token = published(tokenhouse_issuer), tokenhouse_issuer.token()
    rotated = tokenhouse_issuer.rotate_keys()
    assert rotated["active"]["kid"] in before and rotated["next"]["kid"] not in before
    assert status_of(tokenhouse_issuer, token) == 200
    old = next(key["kid"] for key in tokenhouse_issuer.keys() if key["state"] == "retired")
    assert tokenhouse_issuer.drop_key(old)["dropped"]["kid"] == old
    assert old not in published(tokenhouse_issuer)
    assert status_of(tokenhouse_issuer, token) == 401


def test_faults_spoil_the_next_answers_only(tokenhouse_issuer: IsolatedIssuer) -> None:
    tokenhouse_issuer.fail_next("token", status=503, retry_after=1, times=2)
    assert tokenhouse_issuer.faults()[0]["left"] == 2
    for _ in range(2):
        with pytest.raises(TokenError) as refused:
            tokenhouse_issuer.token()
        assert refused.value.status == 503
    assert tokenhouse_issuer.token()
    tokenhouse_issuer.fail_next("jwks", kind="empty_jwks")
    tokenhouse_issuer.clear_faults()
    assert published(tokenhouse_issuer) != []


def test_requests_are_listed_and_waited_for(tokenhouse_issuer: IsolatedIssuer) -> None:
    tokenhouse_issuer.token()
    (asked,) = tokenhouse_issuer.requests(endpoint="token")
    assert (asked["status"], asked["body"]["client_secret"]) == (200, "[redacted]")
    timer = threading.Timer(0.2, tokenhouse_issuer.token)
    timer.start()
    assert len(tokenhouse_issuer.wait_for_requests(2, endpoint="token", timeout_seconds=30)) == 2
    timer.join()
    with pytest.raises(TimeoutError, match="2 of 9"):
        tokenhouse_issuer.wait_for_requests(9, endpoint="token", timeout_seconds=1)
    tokenhouse_issuer.clear_requests()
    assert tokenhouse_issuer.requests() == []


def test_the_configuration_is_read_and_changed(tokenhouse_issuer: IsolatedIssuer) -> None:
    client = {
        "client_id": "new",
        "secrets": [{"value": "not-a-secret"}],
        "grants": [{"audience": "https://new.example/", "scope": ["a"]}],
    }
    tokenhouse_issuer.apply({"apis": [{"identifier": "https://new.example/", "scopes": [{"value": "a"}]}], "clients": [client]})
    assert tokenhouse_issuer.token("new", "not-a-secret", "https://new.example/")
    assert "new" in [known["client_id"] for known in tokenhouse_issuer.document()["clients"]]
    tokenhouse_issuer.reset()
    with pytest.raises(TokenError):
        tokenhouse_issuer.token("new", "not-a-secret", "https://new.example/")


def test_isolated_issuers_never_meet(tokenhouse: Tokenhouse) -> None:
    def live(number: int) -> None:
        with tokenhouse.isolated(f"python-{number}") as issuer:
            assert (issuer.name, issuer.issuer.endswith(f"/t/python-{number}/")) == (f"python-{number}", True)
            issuer.advance(number * 1000)
            for _ in range(number):
                issuer.token()
            assert len(issuer.requests(endpoint="token")) == number
            assert abs(issuer.clock()["offset_seconds"] - number * 1000) < 5
            assert status_of(issuer, issuer.token()) == 200
            assert status_of(issuer, tokenhouse.token()) == 401

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(live, range(1, 5)))


def test_a_wrong_call_is_told(tokenhouse_issuer: IsolatedIssuer) -> None:
    with pytest.raises(ControlError, match="POST .*/_control/tokens: 400 invalid_request"):
        tokenhouse_issuer.mint(defect="no-such-defect")
    assert tokenhouse_issuer.state()["issuer"] == tokenhouse_issuer.issuer


def test_a_seed_replaces_the_demo_and_the_server_ends() -> None:
    seed = {"apis": [{"identifier": "https://seeded.example/"}], "clients": [{"client_id": "seeded", "secrets": [{"value": "s"}]}]}
    with Tokenhouse(seed=seed) as house:
        assert [client["client_id"] for client in house.clients] == ["seeded"]
        assert is_listening(house.issuer)
    assert not is_listening(house.issuer)


def test_it_works_over_tls_with_the_ca_that_the_server_made(tokenhouse: Tokenhouse) -> None:
    assert tokenhouse.ca_file is None
    with Tokenhouse(arguments=["--tls"]) as house, house.isolated() as own:
        context = ssl.create_default_context(cafile=house.ca_file)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
        for issuer in (house, own):
            assert issuer.issuer.startswith("https://") and issuer.ca_file == house.ca_file
            assert status_of(issuer, issuer.token(), opener) == 200
            with pytest.raises(TokenError, match="401 invalid_client"):
                issuer.token(client_secret="wrong")
            with pytest.raises(ControlError, match="400 invalid_request"):
                issuer.mint(defect="no-such-defect")


def test_nothing_is_left_open(tmp_path) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with Tokenhouse():
            pass
        with pytest.raises(RuntimeError):
            Tokenhouse(seed=tmp_path / "missing.yaml")
        gc.collect()
    # Other warnings are not about this.
    assert [str(warning.message) for warning in warned if warning.category is ResourceWarning] == []


def test_a_server_that_cannot_start_says_why(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="(?s)did not start.*cannot read"):
        Tokenhouse(seed=tmp_path / "missing.yaml")
    monkeypatch.setenv("TOKENHOUSE_BIN", "/nowhere/tokenhouse")
    with pytest.raises(FileNotFoundError, match="TOKENHOUSE_BIN"):
        Tokenhouse()


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_ends_when_the_test_process_is_killed(kill: signal.Signals) -> None:
    program = "import time\nfrom tokenhouse_testing import Tokenhouse\nprint(Tokenhouse().issuer, flush=True)\ntime.sleep(600)\n"
    environment = {**os.environ, "TOKENHOUSE_BIN": find_binary()}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        issuer = process.stdout.readline().strip()
        assert is_listening(issuer)
        process.send_signal(kill)
    deadline = time.monotonic() + 60
    while is_listening(issuer):
        assert time.monotonic() < deadline, "the server was left behind"
        time.sleep(0.05)
