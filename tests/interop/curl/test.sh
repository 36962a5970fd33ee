#!/usr/bin/env bash
# Does curl get tokens: Basic, form, JSON with nulls, over HTTPS and HTTP; and call the bundled resource API?
# Run it as: tests/interop/with-servers tests/interop/curl/test.sh
set -euo pipefail

passed=0
body=$INTEROP_SERVERS/curl-body.json
head=$INTEROP_SERVERS/curl-head.txt

# The text member $2 of the JSON in the file $1, where it stands once.
member() {
    sed -n "s/.*[{,]\"$2\":\"\([^\"]*\)\".*/\1/p" "$1"
}

# The secret of the client $2 in the ready file $1.
secret_of() {
    sed -n "s/.*\"client_id\":\"$2\",\"client_secret\":\"\([^\"]*\)\".*/\1/p" "$1"
}

# expect NAME STATUS TEXT CURL-ARGUMENTS...: the answer has that status, and TEXT stands in its body.
expect() {
    local name=$1 status=$2 text=$3 answered
    shift 3
    answered=$(curl --silent --show-error --output "$body" --dump-header "$head" --write-out '%{http_code}' "$@")
    if [ "$answered" != "$status" ] || ! grep -qF -- "$text" "$body"; then
        echo "curl: $name: expected $status with $text, got $answered with $(cat "$body")" >&2
        exit 1
    fi
    passed=$((passed + 1))
}

# The answer before has a header that matches $1.
expect_header() {
    grep -qiE -- "$1" "$head" || { echo "curl: no header $1 in $(cat "$head")" >&2; exit 1; }
}

for server in standard auth0 serve plain; do
    ready=$INTEROP_SERVERS/$server.json
    url=$(member "$ready" token_endpoint)
    id=partner
    secret=$(secret_of "$ready" partner)
    odd_secret=$(secret_of "$ready" odd~partner)
    audience=https://api.example.com/
    grant=(-d grant_type=client_credentials)
    token='"access_token":"ey'
    invalid_client='"error":"invalid_client"'
    invalid_scope=(400 '"error":"invalid_scope"')
    invalid_target=(400 '"error":"invalid_target"')
    if [ "$server" = auth0 ]; then
        invalid_client='"error":"access_denied"'
        invalid_scope=(403 '"error":"access_denied"')
        invalid_target=(403 '"error":"access_denied"')
    fi

    expect "$server, Basic" 200 "$token" "$url" -u "$id:$secret" "${grant[@]}" --data-urlencode "audience=$audience"
    expect_header '^cache-control:.*no-store'
    expect "$server, Basic, an unusual secret" 200 "$token" "$url" -u "odd~partner:$odd_secret" "${grant[@]}"
    expect "$server, form" 200 "$token" "$url" "${grant[@]}" -d client_id="$id" -d client_secret="$secret" -d audience="$audience"
    expect "$server, form, an unusual secret" 200 "$token" "$url" "${grant[@]}" -d client_id=odd~partner \
        --data-urlencode "client_secret=$odd_secret"
    expect "$server, the other path" 200 "$token" "${url%/oauth/token}/connect/token" -u "$id:$secret" "${grant[@]}"

    # The quick-starts of Auth0 show this form.
    json=(-H 'Content-Type: application/json; charset=utf-8')
    members="\"client_id\":\"$id\",\"client_secret\":\"$secret\",\"grant_type\":\"client_credentials\""
    expect "$server, JSON" 200 "$token" "$url" "${json[@]}" -d "{$members,\"audience\":\"$audience\"}"
    expect "$server, JSON with nulls" 200 "$token" "$url" "${json[@]}" \
        -d "{$members,\"audience\":null,\"scope\":null,\"organization\":null,\"resource\":null,\"client_assertion\":null}"
    expect "$server, JSON with empty values" 200 "$token" "$url" "${json[@]}" -d "{$members,\"scope\":\"\",\"organization\":\"\"}"
    expect "$server, an organization" 400 '"error":"invalid_request"' "$url" "${json[@]}" -d "{$members,\"organization\":\"org_1\"}"
    expect "$server, JSON that is none" 400 '"error":"invalid_request"' "$url" "${json[@]}" -d "{$members"

    expect "$server, a wrong secret with Basic" 401 "$invalid_client" "$url" -u "$id:wrong" "${grant[@]}"
    expect_header '^www-authenticate: basic'
    expect "$server, a wrong secret in the form" 401 "$invalid_client" "$url" "${grant[@]}" -d client_id="$id" -d client_secret=wrong
    ! grep -qi '^www-authenticate' "$head" || { echo "curl: $server: a challenge although Basic was not used" >&2; exit 1; }
    expect "$server, an ungranted scope" "${invalid_scope[@]}" "$url" -u "$id:$secret" "${grant[@]}" -d scope=delete:users
    expect "$server, an unknown API" "${invalid_target[@]}" "$url" -u "$id:$secret" "${grant[@]}" -d audience=https://unknown/
    expect "$server, GET" 405 '"error"' "$url?grant_type=client_credentials"
    expect_header '^allow: post'

    api=$(member "$ready" resource_api)
    [ -n "$api" ] || continue
    expect "$server, a token for the resource API" 200 "$token" "$url" -u "$id:$secret" "${grant[@]}" -d scope=list:users
    bearer=(-H "Authorization: Bearer $(member "$body" access_token)")
    expect "$server, with the scope" 200 '"users":[' "${api}users" "${bearer[@]}"
    expect "$server, without the scope" 403 insufficient_scope "${api}users" "${bearer[@]}" --json '{"email":"new@example.com","name":"New"}'
    expect "$server, without a token" 401 '' "${api}users"
done
echo "curl: $passed requests were answered as they should be"
