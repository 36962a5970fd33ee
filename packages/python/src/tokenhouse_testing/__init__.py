"""Starts a Tokenhouse issuer for tests and drives it. What each call does stands in docs/testing.md of Tokenhouse."""

from tokenhouse_testing.errors import ControlError, TokenError
from tokenhouse_testing.issuer import Issuer
from tokenhouse_testing.server import IsolatedIssuer, Tokenhouse

__all__ = ["ControlError", "IsolatedIssuer", "Issuer", "TokenError", "Tokenhouse"]
