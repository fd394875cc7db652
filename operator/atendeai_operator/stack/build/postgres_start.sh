#!/bin/bash
# Starts PostgreSQL 15 on its volume, making the cluster first where there is none. Runs as the user postgres.
set -euo pipefail
umask 077

bin=/usr/lib/postgresql/15/bin
volume=/var/lib/postgresql/data
data=$volume/pgdata
password=/etc/atendeai-superuser/postgres-password

if [ ! -e "$data" ]; then
    # Made beside its place and moved there whole: a start that was interrupted leaves nothing that looks like a cluster.
    rm -rf "$data.new"
    "$bin/initdb" --pgdata="$data.new" --username=postgres --pwfile="$password" --auth-local=peer \
        --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --data-checksums --no-instructions
    mv "$data.new" "$data"
    sha256sum <"$password" >"$volume/superuser.sha256"
elif [ ! -s "$data/PG_VERSION" ]; then
    echo "$data exists and is no PostgreSQL cluster; it is left untouched. Empty the volume, or restore it." >&2
    exit 1
elif [ "$(cat "$data/PG_VERSION")" != 15 ]; then
    echo "$data was made by PostgreSQL $(cat "$data/PG_VERSION"); this is 15." >&2
    exit 1
fi

# The Secret is right: where it was lost and made again, the server takes over its new password.
if [ "$(cat "$volume/superuser.sha256" 2>/dev/null)" != "$(sha256sum <"$password")" ]; then
    quoted=$(sed "s/'/''/g" "$password")
    printf "ALTER ROLE postgres PASSWORD '%s'\n" "$quoted" |
        "$bin/postgres" --single -D "$data" -c log_statement=none postgres >/dev/null
    sha256sum <"$password" >"$volume/superuser.sha256"
fi

exec "$bin/postgres" -D "$data" -c config_file=/etc/atendeai/postgresql.conf
