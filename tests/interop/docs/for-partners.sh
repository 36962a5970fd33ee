#!/usr/bin/env bash
# Does docs/for-partners.md say what works? The blocks under `<!-- run: curl -->` are one bash; each block of another language is a program of
# its own, run as it stands, and must show the partner's users (that of the key: a token). Then each refusal that can be provoked must stand
# in the table with its status and code in both modes. Go and Java are left out where they are missing, which is said.
# Run it as: tests/interop/with-servers tests/interop/docs/for-partners.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
page=$root/docs/for-partners.md
tokenhouse=$(realpath "${TOKENHOUSE_BIN:-$root/target/debug/tokenhouse}")
installed=$(realpath "${CARGO_TARGET_DIR:-$root/target}/interop")

work=$INTEROP_SERVERS/for-partners
mkdir -p "$work/programs"
cd "$work"
awk '
    /^<!-- run: / { split($0, word, " "); language = word[3]; key = word[4] == "key" ? "key-" : ""; next }
    language != "" && !inside && /^```/ { inside = 1; file = "programs/" (language == "curl" ? "page.curl" : key NR "." language); next }
    inside && /^```$/ { inside = 0; language = ""; close(file); next }
    inside { print >>file }
' "$page"

fail() {
    echo "docs/for-partners.md: $1" >&2
    exit 1
}

# A member of what the server $1 said about itself, or about its first client.
said() { sed -n 's/.*"'"$2"'":"\([^"]*\)".*/\1/p' "$INTEROP_SERVERS/$1.json" | head -n 1; }
first_client() { sed -n 's/.*"clients":\[{"client_id":"\([^"]*\)","client_secret":"\([^"]*\)".*/\1 \2/p' "$INTEROP_SERVERS/$1.json"; }
use() {
    ISSUER=$(said "$1" issuer) API_URL=$(said "$1" resource_api) AUDIENCE=https://api.example.com/
    read -r CLIENT_ID CLIENT_SECRET < <(if [ -e "$work/partner.$1" ]; then cat "$work/partner.$1"; else first_client "$1"; fi)
    export ISSUER API_URL AUDIENCE CLIENT_ID CLIENT_SECRET SCOPE=list:users
}

# A partner at the server $1 who may call two APIs: a program that forgets the audience gets no token.
make_partner() {
    local management token
    management=$(sed -n 's/.*"management":{\([^}]*\)}.*/\1/p' "$INTEROP_SERVERS/$1.json")
    field() { sed -n 's/.*"'"$2"'":"\([^"]*\)".*/\1/p' <<<"$1"; }
    use "$1"
    token=$(field "$(curl -sS "${ISSUER}oauth/token" -d grant_type=client_credentials -d "client_id=$(field "$management" client_id)" \
        -d "client_secret=$(field "$management" client_secret)" -d "audience=${ISSUER}api/v2/")" access_token)
    management() { curl -sS --fail-with-body "${ISSUER}api/v2/$1" -H "Authorization: Bearer $token" -H "Content-Type: application/json" -d "$2"; }
    local made
    made=$(management clients '{"name":"Partner of two APIs"}')
    CLIENT_ID=$(field "$made" client_id)
    for audience in "$AUDIENCE" https://rfc9068.example.com/; do
        management client-grants "{\"client_id\":\"$CLIENT_ID\",\"audience\":\"$audience\",\"scope\":[\"list:users\"]}" >/dev/null
    done
    printf '%s %s\n' "$CLIENT_ID" "$(field "$made" client_secret)" >"partner.$1"
}

# --- the programs ---------------------------------------------------------------------------------------------------------------------

mkdir node_modules
modules=$(realpath "$here/../node/node_modules")
ln -s "$modules/auth0-7" node_modules/auth0
ln -s "$modules/openid-client" node_modules/openid-client

run_curl() { bash -euo pipefail -c "curl() { command curl --fail-with-body \"\$@\"; }; . '$1'"; }
run_node() { cp "$1" "$1.mjs" && ln -sfn "$work/node_modules" programs/node_modules && node "$1.mjs"; }
run_python() { "$installed/python/bin/python" -B "$1"; }
# Debian's package of the library lies in a GOPATH.
run_go() { cp "$1" partner.go && env GO111MODULE=off GOFLAGS= GOPATH=/usr/share/gocode GOCACHE="$work/go-cache" go run partner.go; }
run_java() {
    cp "$1" Partner.java
    # Java trusts a store of its own.
    keytool -importcert -noprompt -alias interop -file "$(said standard ca_file)" -keystore trust.p12 \
        -storetype PKCS12 -storepass interop-only >keytool.log 2>&1 || { cat keytool.log; return 1; }
    java -Djavax.net.ssl.trustStore=trust.p12 -Djavax.net.ssl.trustStorePassword=interop-only Partner.java
}
run_rust() {
    mkdir -p rust/examples
    cp "$root"/tests/interop/rust/{Cargo.toml,Cargo.lock,servers.rs} rust
    cp "$1" rust/examples/partner.rs
    # The page's client knows public CAs only: over plain HTTP.
    (use plain && cd rust && CARGO_TARGET_DIR="$installed/rust" cargo run --quiet --locked --offline --example partner)
}
has_go() { command -v go >/dev/null && [ -d /usr/share/gocode/src/golang.org/x/oauth2 ]; }
has_java() { command -v javac >/dev/null && command -v keytool >/dev/null; }

make_partner standard
make_partner plain

# The client that has a key, and no secret.
openssl genrsa -out private.pem 2048 2>/dev/null
openssl rsa -in private.pem -pubout -out public.pem 2>/dev/null
(
    cd "$INTEROP_SERVERS/serve"
    TOKENHOUSE__ISSUER=$(said serve issuer)
    export TOKENHOUSE__ISSUER
    "$tokenhouse" client create --id key-partner --no-secret
    "$tokenhouse" client key add key-partner --file "$work/public.pem"
    "$tokenhouse" client update key-partner --authentication-method private_key_jwt
    "$tokenhouse" grant create key-partner https://api.example.com/ --scope list:users
) >"$work/key-partner.log" 2>&1 || { cat "$work/key-partner.log" >&2; fail "no client with a key"; }
sleep 1

ran=() left_out=()
for program in $(ls programs/* | sort -t/ -k2 -V); do
    language=${program##*.}
    name=${program#programs/}
    if declare -F "has_$language" >/dev/null && ! "has_$language"; then
        left_out+=("$language")
        continue
    fi
    expected='"users"'
    use standard
    case $name in
        key-*) use serve; CLIENT_ID=key-partner expected='200 {"access_token"'; unset CLIENT_SECRET ;;
    esac
    "run_$language" "$program" >output.txt 2>&1 || { cat output.txt >&2; fail "the program of line ${name%.*} ($language) failed"; }
    grep -qF -- "$expected" output.txt || { cat output.txt >&2; fail "the program of line ${name%.*} ($language) does not show $expected"; }
    ran+=("$language")
done
[ "${#ran[@]}" -gt 0 ] || fail "no blocks"

# --- the table of refusals ------------------------------------------------------------------------------------------------------------

# Status and code of a refused request, as the table writes them.
refusal() { curl -sS -o refusal.json -w '%{http_code}' "${ISSUER}oauth/token" "$@" && sed 's/.*"error":"\([^"]*\)".*/ `\1`/' refusal.json; }
checked=0
# A row that begins with $1 must have what the request $2... gets from both servers.
row() {
    local begins=$1 standard auth0
    shift
    use standard
    standard=$(refusal "${@//SECRET/$CLIENT_SECRET}")
    use auth0
    auth0=$(refusal "${@//SECRET/$CLIENT_SECRET}")
    grep -F -- "| $begins" "$page" | grep -qF -- "| $standard | $auth0 |" ||
        fail "no row '$begins' with | $standard | $auth0 |"
    checked=$((checked + 1))
}
# From here on as the first client, which both servers know.
rm partner.standard
good=(-d client_id=partner -d client_secret=SECRET -d grant_type=client_credentials -d audience=https://api.example.com/)
named=(-d client_id=partner -d client_secret=SECRET -d grant_type=client_credentials)
row "id or secret is wrong" -d client_id=partner -d client_secret=wrong -d grant_type=client_credentials
row "id or secret is wrong" -d client_id=nobody -d client_secret=wrong -d grant_type=client_credentials
row "no credentials" -d grant_type=client_credentials
row "no credentials" -H "Authorization: Bearer x" -d grant_type=client_credentials
row "two kinds of credentials" -u partner:SECRET "${good[@]}"
row "two kinds of credentials" "${good[@]}" -d grant_type=client_credentials
row "two kinds of credentials" "${good[@]}" -H "Content-Type: text/plain"
row "two kinds of credentials" "${good[@]}" -d organization=org_1
row "the body is too large" "${good[@]}" -d "padding=$(head -c 20000 /dev/zero | tr '\0' x)"
row '`grant_type` is missing' -d client_id=partner -d client_secret=SECRET
row '`grant_type` is another one' -d client_id=partner -d client_secret=SECRET -d grant_type=password
row "there is no API" "${named[@]}" -d audience=https://unknown.example.com/
row "the API is there" "${named[@]}" -d audience=https://nobody.example.com/
row '`audience` and `resource`' "${good[@]}" -d resource=https://rfc9068.example.com/
row "a scope was not granted" "${good[@]}" -d scope=delete:users
row "a scope was not granted" "${good[@]}" --data-urlencode 'scope=a"b'
row "not a POST" -G

echo "docs: the programs of docs/for-partners.md do what they say (${ran[*]}), and $checked refusals are in its table"
[ "${#left_out[@]}" -eq 0 ] || echo "SKIPPED: the programs in: ${left_out[*]}: install golang-go and golang-golang-x-oauth2-dev, or a JDK" >&2
