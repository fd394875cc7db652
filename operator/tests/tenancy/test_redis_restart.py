"""What a Redis that the operator starts still knows after a restart, and whom it lets in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from atendeai_operator.stack.build import redis as build
from tests.processes import free_port, running, wait_for_port

pytestmark = pytest.mark.integration

PASSWORD = "admin-password"
SCRIPT = "redis.call('HSET', KEYS[1], 'count', 1) redis.call('EXPIRE', KEYS[1], 600) redis.call('INCR', KEYS[2])"


@contextmanager
def started(place: Path, run: int) -> Iterator[int]:
    """Run the pod's own start script and configuration on a folder in the place of its volumes; its port."""
    port, log = free_port(), place / f"log-{run}"
    configuration = build.configuration("64Mi").replace("/data", str(place))
    configuration = configuration.replace("bind * -::*", "bind 127.0.0.1").replace(f"port {build.PORT}", f"port {port}")
    (place / "redis.conf").write_text(configuration)
    (place / "admin-password").write_text(PASSWORD)
    script = files(build.__package__).joinpath("redis_start.sh").read_text(encoding="utf-8")
    for path in ("/etc/atendeai-admin/", "/etc/atendeai/", "/data/"):
        script = script.replace(path, f"{place}/")
    (place / "start.sh").write_text(script)
    with running(["sh", str(place / "start.sh")], log) as process:
        wait_for_port(port, process, log)
        yield port
    assert "CRITICAL" not in log.read_text(errors="replace")


def test_what_a_script_wrote_survives_a_restart(tmp_path: Path) -> None:
    with started(tmp_path, 1) as port, Redis(port=port, username="operator", password=PASSWORD) as redis:
        redis.eval(SCRIPT, 2, "clinic:x:limit", "clinic:x:lockout")
        redis.set("clinic:x:plain", "1")
        redis.execute_command("ACL", "SETUSER", "sol", "on", ">sol", "~clinic:x:*", "+@all")
        redis.execute_command("ACL", "SAVE")
    with started(tmp_path, 2) as port:
        with Redis(port=port, username="operator", password=PASSWORD) as redis:
            assert sorted(redis.keys()) == [b"clinic:x:limit", b"clinic:x:lockout", b"clinic:x:plain"]
            assert redis.ttl("clinic:x:limit") > 0
        with Redis(port=port, username="sol", password="sol") as redis:
            assert redis.get("clinic:x:plain") == b"1"
        for user, password in ((None, None), (None, ""), ("default", "x")):
            with Redis(port=port, username=user, password=password) as redis, pytest.raises(AuthenticationError):
                redis.ping()
