#!/usr/bin/env bash
# Does the Management API answer as its openapi.json says, whatever is sent? Schemathesis makes up calls from the description, with a token,
# with one that holds few scopes, and without any: no answer is 5xx, has an undocumented status, or another form than is described.
# Run it as: tests/interop/with-servers tests/interop/openapi/test.sh SCHEMATHESIS
set -euo pipefail

schemathesis=$1
ready=$INTEROP_SERVERS/plain.json
issuer=$(sed -n 's/.*"issuer":"\([^"]*\)".*/\1/p' "$ready")
secret=$(sed -n 's/.*"management":{"client_id":"management","client_secret":"\([^"]*\)".*/\1/p' "$ready")
log=$INTEROP_SERVERS/schemathesis.log

token_of() {
    curl --silent --show-error --fail "${issuer}oauth/token" -d grant_type=client_credentials -d "client_id=$1" -d "client_secret=$2" \
        --data-urlencode "audience=${issuer}api/v2/" | sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p'
}

call() {
    curl --silent --show-error --fail "${issuer}api/v2/$1" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' -d "$2"
}

try() {
    local name=$1 examples=$2
    shift 2
    if ! "$schemathesis" run "${issuer}api/v2/openapi.json" --checks \
        not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance \
        --phases coverage,fuzzing,stateful --max-examples "$examples" --seed 4711 --request-timeout 20 --no-color "$@" >"$log" 2>&1; then
        sed -n '/= FAILURES =/,$p' "$log" >&2
        echo "openapi: $name: the answers are not those that openapi.json describes" >&2
        exit 1
    fi
    echo "$name: $(sed -n 's/^ *\([0-9]* generated.*\)/\1/p' "$log")"
}

token=$(token_of management "$secret")
[ -n "$token" ] || { echo "openapi: no token for the management client" >&2; exit 1; }
reader=$(call clients '{"name":"reader"}')
id=$(sed 's/.*"client_id":"\([^"]*\)".*/\1/' <<<"$reader")
call client-grants "{\"client_id\":\"$id\",\"audience\":\"${issuer}api/v2/\",\"scope\":[\"read:clients\"]}" >/dev/null
few=$(token_of "$id" "$(sed 's/.*"client_secret":"\([^"]*\)".*/\1/' <<<"$reader")")

try "without a token" 5
try "with one scope" 5 -H "Authorization: Bearer $few"
try "with every scope" 30 -H "Authorization: Bearer $token"
