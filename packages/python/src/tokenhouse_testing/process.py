"""How does the server run, and how does it end when the test process does, however that ends?"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from typing import Any

# Runs the server for as long as its standard input is open. The kernel closes that when the test process is gone, also after SIGKILL, when no
# code of the test process runs any more.
_GUARD = """
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
{ while read -r _ <&3; do :; done; kill "$server"; } >/dev/null 2>&1 &
guard=$!
exec 3<&-
wait "$server"
status=$?
kill "$guard" 2>/dev/null
exit "$status"
"""


def find_binary(option: str | os.PathLike[str] | None = None) -> str:
    """The option, else TOKENHOUSE_BIN, else `tokenhouse` in PATH."""
    named = os.fspath(option) if option is not None else os.environ.get("TOKENHOUSE_BIN")
    found = shutil.which(named or "tokenhouse")
    if found:
        return found
    if named:
        raise FileNotFoundError(f"there is no program {named}: correct the option binary, or TOKENHOUSE_BIN")
    raise FileNotFoundError(
        "there is no tokenhouse in PATH: install it, or set TOKENHOUSE_BIN or the option binary to where it is"
    )


class Process:
    """A running server."""

    def __init__(self, binary: str, arguments: Sequence[str], environment: Mapping[str, str], timeout: float) -> None:
        self._complaints = tempfile.TemporaryFile()
        command = [binary, *arguments]
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "tokenhouse-guard", *command],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            # A group of its own: Ctrl-C reaches the test process alone, which then decides.
            start_new_session=True,
        )
        line = self._first_line(timeout)
        try:
            self.ready: dict[str, Any] = json.loads(line)
        except ValueError:
            self._end()
            said = self._said()
            self._complaints.close()
            raise RuntimeError(f"{' '.join(command)}: the server did not start\n{said}".strip()) from None

    def _first_line(self, timeout: float) -> bytes:
        lines: list[bytes] = []
        stdout = self._process.stdout
        assert stdout is not None
        reader = threading.Thread(target=lambda: lines.append(stdout.readline()), daemon=True)
        reader.start()
        reader.join(timeout)
        return lines[0] if lines else b""

    def _said(self) -> str:
        self._complaints.seek(0)
        return self._complaints.read()[-16_384:].decode(errors="replace")

    def stop(self) -> None:
        """Ends it, at the latest after 15 seconds."""
        self._end()
        self._complaints.close()

    def _end(self) -> None:
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
