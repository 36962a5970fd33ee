"""What can go wrong, in words that say what to do."""

from typing import Any


def _words(body: Any) -> str:
    if not isinstance(body, dict):
        return ""
    return " ".join(str(body[name]) for name in ("error", "error_description") if body.get(name))


class ControlError(Exception):
    """The control API refused."""

    def __init__(self, call: str, status: int, body: Any) -> None:
        super().__init__(f"{call}: {status} {_words(body)}".strip())
        self.status = status
        self.error: str | None = body.get("error") if isinstance(body, dict) else None


class TokenError(Exception):
    """The token endpoint refused."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"no token: {status} {_words(body)}".strip())
        self.status = status
        self.error: str | None = body.get("error") if isinstance(body, dict) else None
