"""Verifies new tokens while keys rotate: `rotation.py pyjwt` with a JWK Set that is kept for its max-age and not fetched for an unknown
key; `rotation.py resource_api` by calling the bundled resource API."""

import json
import os
import re
import sys
import time
import urllib.parse
import urllib.request

import jwt

ISSUER, AUDIENCE, API = (os.environ[name] for name in ("ISSUER", "AUDIENCE", "API"))
FORM = urllib.parse.urlencode(
    {
        "grant_type": "client_credentials",
        "audience": AUDIENCE,
        "client_id": os.environ["CLIENT_ID"],
        "client_secret": os.environ["CLIENT_SECRET"],
    }
).encode()


class CachedKeys:
    """The JWK Set of the issuer, kept as long as it says."""

    def __init__(self):
        self.keys, self.fresh = {}, 0.0

    def current(self):
        now = time.monotonic()
        if now >= self.fresh:
            with urllib.request.urlopen(f"{ISSUER}.well-known/jwks.json") as answer:
                max_age = int(re.search(r"max-age=(\d+)", answer.headers["Cache-Control"])[1])
                self.keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(json.load(answer)).keys}
            # From when it was asked for, as HTTP caches count.
            self.fresh = now + max_age
        return self.keys


def fetch_token():
    with urllib.request.urlopen(f"{ISSUER}oauth/token", FORM) as answer:
        return json.load(answer)["access_token"]


def pyjwt(cache=CachedKeys()):
    # The set first: a token that is newer than the set is what a rotation could break.
    keys, token = cache.current(), fetch_token()
    kid = jwt.get_unverified_header(token)["kid"]
    jwt.decode(token, keys[kid], algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER)
    return kid


def resource_api():
    token = fetch_token()
    with urllib.request.urlopen(urllib.request.Request(f"{API}whoami", headers={"Authorization": f"Bearer {token}"})):
        return jwt.get_unverified_header(token)["kid"]


def main():
    verify = {"pyjwt": pyjwt, "resource_api": resource_api}[sys.argv[1]]
    kids, verified, end = set(), 0, time.monotonic() + float(os.environ["SECONDS_LONG"])
    while time.monotonic() < end:
        kids.add(verify())
        verified += 1
    print(f"{sys.argv[1]}: {verified} tokens of {len(kids)} keys, none refused", flush=True)
    if len(kids) < 3:
        raise SystemExit("too few keys have signed to tell")


main()
