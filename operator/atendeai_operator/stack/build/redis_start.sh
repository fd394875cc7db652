#!/bin/sh
# Starts Redis 7 on its volume. Runs as the user redis.
set -eu
umask 077

acl=/data/users.acl
password=/etc/atendeai-admin/admin-password

# An access list without a line for `default` lets everybody in, and one without the operator shuts it out for good.
# Both lines are made anew at every start; those of the clinics, which the operator wrote, stay.
# Nobody can sign in as `default`, which is off, but the server replays its own file as it: what it may not do is lost.
{
    echo "user default off resetpass ~* &* +@all"
    echo "user operator on #$(sha256sum <"$password" | cut -c 1-64) ~* &* +@all"
    if [ -f "$acl" ]; then grep -v -e '^user default ' -e '^user operator ' "$acl" || :; fi
} >"$acl.new"
mv "$acl.new" "$acl"

exec redis-server /etc/atendeai/redis.conf
