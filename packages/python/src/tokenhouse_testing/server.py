"""How does a test get a server, and issuers of its own in it?"""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from tokenhouse_testing.issuer import Issuer, Json
from tokenhouse_testing.process import Process, find_binary


class Tokenhouse(Issuer):
    """A running server: the issuer of the process, which can make others. It ends with `stop()`, at the end of a `with` block, and with the
    process that started it."""

    def __init__(
        self,
        *,
        binary: str | os.PathLike[str] | None = None,
        port: int = 0,
        resource_port: int | None = None,
        seed: Json | str | os.PathLike[str] | None = None,
        compat: str | None = None,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        timeout: float = 30,
    ) -> None:
        """Starts it and waits until it is ready. `seed` is a configuration document or the path of one."""
        command = ["dev", "--control", "--json", "--port", str(port)]
        if resource_port is not None:
            command += ["--resource-port", str(resource_port)]
        if compat is not None:
            command += ["--compat", compat]
        with tempfile.TemporaryDirectory(prefix="tokenhouse-") as folder:
            if isinstance(seed, dict):
                # Private, as its folder is: a seed may hold secrets.
                path = os.path.join(folder, "seed.json")
                with open(path, "w", encoding="utf-8") as file:
                    json.dump(seed, file)
                command += ["--seed", path]
            elif seed is not None:
                command += ["--seed", os.fspath(seed)]
            self._process = Process(find_binary(binary), [*command, *arguments], environment or {}, timeout)
        ready = self._process.ready
        super().__init__(ready, ready["control"], ready.get("ca_file"))

    def isolated(self, name: str | None = None, *, seed: Json | None = None) -> "IsolatedIssuer":
        """An issuer of its own, under `/t/{name}/`: its keys, clients, time, faults and requests are nobody else's."""
        options = {key: value for key, value in (("name", name), ("seed", seed)) if value is not None}
        return IsolatedIssuer(self, self.call("POST", "issuers", options))

    def stop(self) -> None:
        """Ends the server."""
        self._process.stop()

    def __enter__(self) -> "Tokenhouse":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()


class IsolatedIssuer(Issuer):
    """An issuer under `/t/{name}/`."""

    def __init__(self, house: Tokenhouse, ready: Json) -> None:
        control: Any = ready.get("control") or {
            "url": urljoin(ready["issuer"], "_control/"),
            "key": house.control["key"],
        }
        super().__init__(ready, control, ready.get("ca_file"))
        self._house = house

    @property
    def name(self) -> str:
        return urlsplit(self.issuer).path.rstrip("/").rpartition("/")[2]

    def remove(self) -> None:
        """Ends it; its name may be used again."""
        self._house.call("DELETE", f"issuers/{quote(self.name, safe='')}")

    def __enter__(self) -> "IsolatedIssuer":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.remove()
