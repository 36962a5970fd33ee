#!/usr/bin/env python3
"""Runs `tokenhouse conform` against small APIs built on real libraries, and compares what it finds with what it found before:

    tests/interop/conform/run.py [--write] [SAMPLE...]

What is expected of each sample lies in expected/SAMPLE.txt: one line for each case that is wrong or worth a look. When a library changes, a
line changes: read it, then write the file anew with --write. Started by tests/interop/run, which has installed the libraries and sets
TOKENHOUSE_BIN and CONFORM_PYTHON.
"""

import difflib
import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
AUDIENCE = "https://api.example.com/"
TOKENHOUSE = os.environ.get("TOKENHOUSE_BIN", str(HERE.parents[2] / "target/debug/tokenhouse"))
PYTHON = os.environ.get("CONFORM_PYTHON", sys.executable)


@dataclass
class Sample:
    """An API, and the rules that it says it follows."""

    name: str
    program: list[str]
    profile: str
    environment: dict[str, str] = field(default_factory=dict)


def node(name: str) -> list[str]:
    return ["node", str(HERE.parent / "node/conform" / f"{name}.mjs")]


def python(name: str) -> list[str]:
    return [PYTHON, "-B", str(HERE.parent / "python/conform" / f"{name}.py")]


SAMPLES = [
    Sample("express-oauth2-jwt-bearer", node("express-oauth2-jwt-bearer"), "jwt"),
    Sample("express-oauth2-jwt-bearer-strict", node("express-oauth2-jwt-bearer"), "rfc9068", {"STRICT": "yes"}),
    Sample("express-jwt", node("express-jwt"), "jwt"),
    Sample("jose", node("jose"), "rfc9068"),
    Sample("pyjwt", python("pyjwt"), "jwt"),
    Sample("authlib-rfc9068", python("authlib_rfc9068"), "rfc9068"),
]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def findings(sample: Sample) -> list[str]:
    """What conform finds, one line for each case that is not right, and the sums."""
    port, own = free_port(), free_port()
    environment = {"PORT": str(port), "ISSUER": f"http://localhost:{own}/", "AUDIENCE": AUDIENCE, "NODE_ENV": "production"}
    api = subprocess.Popen(
        sample.program, env=os.environ | environment | sample.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        arguments = ["--audience", AUDIENCE, "--scope", "list:users", "--profile", sample.profile, "--wait", "60", "--timeout", "60", "--output", "json"]
        command = [TOKENHOUSE, "conform", f"http://127.0.0.1:{port}/users", "--listen", f"127.0.0.1:{own}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        api.kill()
        _, complaints = api.communicate()
    if done.returncode not in (0, 1) or not done.stdout:
        raise SystemExit(f"{sample.name}: {done.stderr}\n{complaints}")
    report = json.loads(done.stdout)
    lines = [f"{case['grade']:6} {case['id']:28} {case['finding']}" for case in report["cases"] if case["grade"] in ("failed", "advice")]
    return [*lines, *(f"{count} {grade}" for grade, count in report["summary"].items())]


def main() -> None:
    write = "--write" in sys.argv
    chosen = [name for name in sys.argv[1:] if name != "--write"]
    wrong = []
    for sample in (sample for sample in SAMPLES if not chosen or sample.name in chosen):
        found = findings(sample)
        path = HERE / "expected" / f"{sample.name}.txt"
        if write:
            path.write_text("".join(f"{line}\n" for line in found))
        expected = path.read_text().splitlines() if path.exists() else []
        if found == expected:
            print(f"ok   {sample.name}: {', '.join(found[-4:])}")
        else:
            wrong.append(sample.name)
            print(f"FAIL {sample.name}: something changed")
            print("\n".join(difflib.unified_diff(expected, found, "expected", "found", lineterm="", n=0)))
    if wrong:
        raise SystemExit(f"not as expected: {', '.join(wrong)}")


main()
