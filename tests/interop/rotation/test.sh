#!/usr/bin/env bash
# Do verifiers that cache the JWK Set go on verifying while the signing keys rotate by themselves, every few seconds, under load? `jose` and
# PyJWT keep the set for its max-age and never look for an unknown key in between, which is stricter than most; the bundled resource API is as
# it is. Each gets new tokens all the time, and none may be refused.
# Run it as: tests/interop/rotation/test.sh PYTHON [SECONDS], where PYTHON has PyJWT.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tokenhouse=$(realpath "${TOKENHOUSE_BIN:-$here/../../../target/debug/tokenhouse}")
python=$(realpath -s "$1")
export SECONDS_LONG=${2:-30}

work=$(mktemp -d)
processes=()
trap '[ "${#processes[@]}" -eq 0 ] || { kill "${processes[@]}" && wait "${processes[@]}"; } 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

port=$((20000 + RANDOM % 10000)) api_port=$((30000 + RANDOM % 2000))
export ISSUER=http://localhost:$port/ AUDIENCE=https://api.example.com/ API=http://127.0.0.1:$api_port/
cat >tokenhouse.toml <<TOML
issuer = "$ISSUER"

# A key signs for three seconds, and is announced for three.
[keys]
rotation_seconds = 3
propagation_seconds = 1

[jwks]
max_age_seconds = 2

[metrics]
bind = "off"
TOML

# Runs a program in the background, and waits until the URL $2 answers.
start() {
    local name=$1 url=$2
    shift 2
    "$tokenhouse" "$@" >/dev/null 2>"$name.log" &
    processes+=($!)
    for _ in $(seq 600); do
        ! curl --silent --fail --output answer "$url" || return 0
        kill -0 "${processes[-1]}" 2>/dev/null || break
        sleep 0.05
    done
    cat "$name.log" >&2
    echo "rotation/test.sh: $name is not ready" >&2
    exit 1
}
start serve "${ISSUER}readyz" serve --bind "127.0.0.1:$port"
start resource-api "${API}healthz" resource-api --issuer "$ISSUER" --audience "$AUDIENCE" --bind "127.0.0.1:$api_port"

"$tokenhouse" api create "$AUDIENCE" --scope list:users >/dev/null
CLIENT_ID=partner
CLIENT_SECRET=$("$tokenhouse" client create --id partner --output json | sed -n 's/.*"client_secret": "\([^"]*\)".*/\1/p')
export CLIENT_ID CLIENT_SECRET
"$tokenhouse" grant create partner "$AUDIENCE" --scope list:users >/dev/null
sleep 1

status=0 verifiers=()
node "$here/../node/rotation.mjs" & verifiers+=($!)
"$python" -B "$here/../python/rotation.py" pyjwt & verifiers+=($!)
"$python" -B "$here/../python/rotation.py" resource_api & verifiers+=($!)
for verifier in "${verifiers[@]}"; do
    wait "$verifier" || status=1
done
rotations=$(grep -c 'the signing key was rotated' serve.log || true)
echo "the keys rotated $rotations times in $SECONDS_LONG s"
[ "$status" -eq 0 ] && [ "$rotations" -ge $((SECONDS_LONG / 8)) ] || { grep -hv 'token request' serve.log resource-api.log >&2; exit 1; }
