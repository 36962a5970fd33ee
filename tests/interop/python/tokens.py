"""Which tokens must a verifier refuse, made from one that it accepts? `dev` signs with public test keys, so a test can sign as well."""

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from servers import Server

_KEYS = Path(__file__).parents[2] / "keys"
_test_key = serialization.load_pem_private_key((_KEYS / "rs256-active.pem").read_bytes(), password=None)
_strangers_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def audience_of(dialect: str) -> str:
    """The API of the seed in a dialect."""
    return f"https://{dialect}.example.com/"


def fetch_token(server: Server, audience: str) -> str:
    """A token of the client `partner`, as the server issues it."""
    form = {"grant_type": "client_credentials", "audience": audience}
    answer = requests.post(server.token_endpoint, data=form, auth=server.partner, timeout=10)
    answer.raise_for_status()
    return answer.json()["access_token"]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parts(token: str) -> tuple[dict, dict, bytes]:
    """Header, claims and signature of a token."""
    header, claims, signature = map(_decode, token.split("."))
    return json.loads(header), json.loads(claims), signature


def _message(header: dict, claims: dict) -> str:
    return ".".join(_encode(json.dumps(part).encode()) for part in (header, claims))


def _signed(header: dict, claims: dict, key: rsa.RSAPrivateKey) -> str:
    message = _message(header, claims)
    return f"{message}.{_encode(key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def forge(token: str, changes: dict | None = None, header_changes: dict | None = None) -> str:
    """A token with other claims, signed with the key that `dev` signs with."""
    header, claims, _ = parts(token)
    return _signed(header | (header_changes or {}), claims | (changes or {}), _test_key)


def tampered(token: str) -> dict[str, str]:
    """What must be refused of every server."""
    header, claims, signature = parts(token)
    head, body, signature_text = token.split(".")
    more = _encode(json.dumps(claims | {"scope": "list:users create:users delete:users"}).encode())
    flipped = bytearray(signature)
    flipped[100] ^= 1
    symmetric = _message(header | {"alg": "HS256"}, claims)
    public_key = _test_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    mac = hmac.new(public_key, symmetric.encode(), hashlib.sha256).digest()
    return {
        "more scope, the same signature": f"{head}.{more}.{signature_text}",
        "one bit of the signature flipped": f"{head}.{body}.{_encode(bytes(flipped))}",
        "a stranger's key with our kid": _signed(header, claims, _strangers_key),
        "alg none": f"{_message(header | {'alg': 'none'}, claims)}.",
        "HS256 with the public key": f"{symmetric}.{_encode(mac)}",
    }


def hostile(token: str) -> dict[str, str]:
    """What must be refused of `dev`."""
    now = int(time.time())
    issuer = parts(token)[1]["iss"]
    return tampered(token) | {
        "expired": forge(token, {"iat": now - 7200, "exp": now - 3600}),
        "another audience": forge(token, {"aud": "https://other.example.com/"}),
        "another issuer": forge(token, {"iss": "https://other.example.com/"}),
        "our issuer without its slash": forge(token, {"iss": issuer.rstrip("/")}),
        "unknown kid": forge(token, {}, {"kid": "unknown"}),
    }
