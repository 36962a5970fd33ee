#!/usr/bin/env bash
# Does docs/management-api.md say what works? Every block under a line `<!-- run: cli -->` or `<!-- run: curl -->` is run, in order, in one
# bash, on a server of its own; the `<!-- run: node -->` blocks are one program, run where the last of them stands. `fails` after the language
# means that the block must fail; elsewhere a command that fails, or an answer of 4xx or 5xx, is the end.
# Run it as: tests/interop/with-servers tests/interop/docs/test.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
page=$here/../../../docs/management-api.md

work=$INTEROP_SERVERS/docs
mkdir "$work" "$work/bin"
cd "$work"
ln -s "$(realpath "${TOKENHOUSE_BIN:-$here/../../../target/debug/tokenhouse}")" bin/tokenhouse
PATH=$work/bin:$PATH

# The page says `from 'auth0'`: that is the newest version.
mkdir node_modules
ln -s "$(realpath "$here/../node/node_modules")/auth0-7" node_modules/auth0

server=
trap '[ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true' EXIT
cat >tokenhouse.toml <<TOML
[tls]
certificate_file = "$INTEROP_SERVERS/serve/server.pem"
key_file = "$INTEROP_SERVERS/serve/server.key"

[store]
poll_milliseconds = 10

# A key can be rotated at once.
[jwks]
max_age_seconds = 0

[keys]
propagation_seconds = 0

[metrics]
bind = "off"
TOML
port=$((30000 + RANDOM % 2000))
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
export TOKENHOUSE__ISSUER=https://localhost:$port/ DOMAIN=localhost:$port
tokenhouse serve --bind "127.0.0.1:$port" 2>serve.log &
server=$!
for _ in $(seq 300); do
    ! command curl --silent --fail --output ready "https://localhost:$port/readyz" || break
    kill -0 "$server" 2>/dev/null || { cat serve.log >&2; exit 1; }
    sleep 0.1
done

# --- the page as a script -------------------------------------------------------------------------------------------------------------

cat >page.sh <<'PRELUDE'
set -euo pipefail
ISSUER=$TOKENHOUSE__ISSUER
curl() { command curl --fail-with-body "$@"; }
begin() { line=$1; exec >"output.$1" 2>&1; }
# What was changed on the command line is served a moment later.
end() { exec 1>&3 2>&4; sleep 0.1; }
report() {
    status=$?
    exec 1>&3 2>&4
    [ "$status" -eq 0 ] || { echo "docs/management-api.md, line $line: status $status, with the output:"; cat "output.$line"; } >&4
}
exec 3>&1 4>&2
line=0
trap report EXIT
PRELUDE
awk '
    /^<!-- run: / { marker = $0; next }
    marker != "" && /^```/ {
        language = marker ~ /run: node/ ? "node" : "shell"
        fails = marker ~ / fails/
        marker = ""
        inside = 1
        blocks++
        text = "begin " NR "\n" (fails ? "set +e; ( set -e\n" : "")
        next
    }
    inside && /^```$/ {
        inside = 0
        if (language == "shell") {
            part[++parts] = text (fails ? "); status=$?; set -e; [ \"$status\" -ne 0 ] || { echo \"it should have failed\"; exit 1; }\n" : "") "end"
        } else {
            part[++parts] = ""
            last = parts
            line = NR
        }
        next
    }
    inside && language == "node" { program = program $0 "\n"; next }
    inside { text = text $0 "\n" }
    END {
        if (blocks == 0) exit 1
        printf "%s", program >"page.mjs"
        for (number = 1; number <= parts; number++) {
            print part[number]
            if (number == last) print "begin " line "\nSECRET=$SECRET node program.mjs\nend"
        }
        print "exec 1>&3; echo \"docs: " blocks " blocks of docs/management-api.md do what they say\""
    }
' "$page" >>page.sh
{
    # The two values that the page leaves to the reader.
    echo 'const { DOMAIN, SECRET } = process.env;'
    cat page.mjs
} >program.mjs
bash page.sh
