# A PostgreSQL server of one's own, for the scripts that source this: in a temporary folder, on any free port of this machine.

# Prints where the programs of the newest PostgreSQL on this machine lie.
postgresql_programs() {
    local found
    found=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
    [ -n "$found" ] || found=$(dirname "$(command -v initdb 2>/dev/null || echo /nowhere/initdb)")
    [ -x "$found/initdb" ] && [ -x "$found/pg_ctl" ] && echo "$found"
}

# Whether programs can be built with libpq.
has_libpq() {
    local include
    include=$(pg_config --includedir 2>/dev/null) && [ -e "$include/libpq-fe.h" ]
}

# Installs PostgreSQL and libpq's headers where they are missing, if this is root on Debian.
install_postgresql() {
    ! { postgresql_programs >/dev/null && has_libpq; } || return 0
    "$(dirname "${BASH_SOURCE[0]}")/../apt-install" postgresql libpq-dev || true
}

# initdb and postgres refuse to run as root.
as_postgresql_user() {
    if [ "$(id -u)" -ne 0 ]; then "$@"; else (cd / && runuser -u "$(postgresql_user)" -- "$@"); fi
}

postgresql_user() {
    id -un postgres 2>/dev/null || echo nobody
}

# Starts a server whose data lie in the new folder $1, with a user `tokenhouse` who has the password $2 and may do anything, and with the
# settings $3 as lines of postgresql.conf, if any. Sets `postgresql_port`, and `postgresql_cluster` for stop_postgresql.
start_postgresql() {
    local programs
    postgresql_cluster=$1
    programs=$(postgresql_programs)
    mkdir "$postgresql_cluster"
    [ "$(id -u)" -ne 0 ] || chown "$(postgresql_user)" "$postgresql_cluster"
    printf '%s\n' "$2" | as_postgresql_user tee "$postgresql_cluster/password" >/dev/null
    as_postgresql_user "$programs/initdb" -D "$postgresql_cluster/data" --username=tokenhouse \
        --pwfile="$postgresql_cluster/password" --auth=scram-sha-256 --encoding=UTF8 --no-sync >/dev/null
    # Written down, so that it starts again in the same way.
    printf '%s\n' "listen_addresses = '127.0.0.1'" "unix_socket_directories = ''" "fsync = off" "${3:-}" |
        as_postgresql_user tee -a "$postgresql_cluster/data/postgresql.conf" >/dev/null
    for _ in 1 2 3 4 5; do
        # Any free port, below those that outgoing connections get: another try if somebody has it.
        postgresql_port=$((20000 + RANDOM % 12000))
        echo "port = $postgresql_port" | as_postgresql_user tee -a "$postgresql_cluster/data/postgresql.conf" >/dev/null
        if as_postgresql_user "$programs/pg_ctl" -D "$postgresql_cluster/data" -l "$postgresql_cluster/log" -w -t 60 start \
            >/dev/null 2>&1; then
            echo "PostgreSQL $("$programs/postgres" --version | sed 's/.*PostgreSQL) //; s/ .*//') listens on port $postgresql_port"
            return 0
        fi
    done
    cat "$postgresql_cluster/log" >&2
    return 1
}

# Stops it at once, if it was started.
stop_postgresql() {
    [ -n "${postgresql_cluster:-}" ] || return 0
    as_postgresql_user "$(postgresql_programs)/pg_ctl" -D "$postgresql_cluster/data" -m immediate -w stop >/dev/null 2>&1 || true
}

# Prints a port that nobody listens on, below those that outgoing connections get.
free_port() {
    local port
    while port=$((20000 + RANDOM % 12000)) && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo "$port"
}
