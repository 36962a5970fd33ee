"""Fixtures for pytest: one server for the session, and an issuer of its own for each test."""

from collections.abc import Iterator
from typing import Any

import pytest

from tokenhouse_testing.server import IsolatedIssuer, Tokenhouse


@pytest.fixture(scope="session")
def tokenhouse_options() -> dict[str, Any]:
    """How the server is started: override it to give `Tokenhouse` a seed, for example."""
    return {}


@pytest.fixture(scope="session")
def tokenhouse(tokenhouse_options: dict[str, Any]) -> Iterator[Tokenhouse]:
    """The server of the session. What one test does to it, the others see."""
    with Tokenhouse(**tokenhouse_options) as house:
        yield house


@pytest.fixture
def tokenhouse_issuer(tokenhouse: Tokenhouse) -> Iterator[IsolatedIssuer]:
    """An issuer of this test alone."""
    with tokenhouse.isolated() as issuer:
        yield issuer
