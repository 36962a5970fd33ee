#!/usr/bin/env bash
# Does docs/testing.md say what works? Every block under `<!-- run: curl -->` is run, in order, in one bash: the first starts the program, the
# others drive it. Then what they showed is looked at. It needs curl and jq.
# Run it as: tests/interop/docs/testing.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
page=$here/../../../docs/testing.md
tokenhouse=$(realpath "${TOKENHOUSE_BIN:-$here/../../../target/debug/tokenhouse}")

fail() {
    echo "docs/testing.md: $1" >&2
    cat output >&2
    exit 1
}

work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
mkdir bin
ln -s "$tokenhouse" bin/tokenhouse
PATH=$work/bin:$PATH

{
    echo 'set -euo pipefail'
    echo 'curl() { command curl --fail-with-body "$@"; echo; }'
    awk '
        /^<!-- run: curl -->$/ { marked = 1; next }
        marked && !inside && /^```/ { inside = 1; next }
        inside && /^```$/ { inside = marked = 0; next }
        inside { print }
    ' "$page"
    echo 'kill %1; wait %1'
} >page.sh
[ "$(grep -c curl page.sh)" -gt 10 ] || { touch output; fail "its blocks are not found"; }
bash page.sh >output 2>&1 || fail "a block failed"

[ -s ready.json ] || fail "there is no ready file"
refused=$(grep -cE '^[a-z0-9_]+ 401$' output) || true
defects=$(grep -cE '^\| `[a-z0-9_]+` \| .* \|$' <(sed -n '/^| `defect` | what is wrong/,/^$/p' "$page") || true)
# The head of the table has the form of a row.
[ "$refused" -eq $((defects - 1)) ] || fail "$refused defects were refused, and the page lists $((defects - 1))"
for shown in '"access_token":' '"users":' '"offset_seconds":7200' '"left":2' '/t/checkout-1/'; do
    grep -qF "$shown" output || fail "nothing shows $shown"
done
echo "docs/testing.md: its commands work, and all $refused bad tokens are refused"
