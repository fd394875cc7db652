"""No clinic sees another's rows or keys, by whichever way it asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from local import database, kubectl, world
from local.demo import Patient

pytestmark = pytest.mark.e2e
MakePatient = Callable[[world.LocalClinic], Patient]


def _credentials(local: world.LocalClinic) -> dict[str, str]:
    found = kubectl.secret(f"{local.name}-clinic", world.NAMESPACE)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def rows_on_both_sides(fakes: object) -> None:
    """Each clinic has contacts and messages, so that an empty answer means a guard and not an empty table."""
    for local in world.CLINICS:
        if database.count("whatsapp_inbound", local) == 0:
            Patient(local, fakes).ask("qual o endereço?")  # type: ignore[arg-type]
        assert database.count("whatsapp_inbound", local) > 0


@pytest.mark.usefixtures("rows_on_both_sides")
def test_a_dedicated_role_sees_its_own_rows_and_none_of_the_others() -> None:
    password = _credentials(world.SOL)["database-password"]
    ask = "select clinic_id, count(*) from atendeai.whatsapp_inbound group by 1"
    seen = database.psql(ask, user=database.role(world.SOL), password=password)
    assert [row[0] for row in seen] == [database.clinic_id(world.SOL)]
    other = database.clinic_id(world.LUA)
    asked = f"select count(*) from atendeai.whatsapp_inbound where clinic_id = '{other}'"
    assert database.psql(asked, user=database.role(world.SOL), password=password) == [["0"]]


@pytest.mark.usefixtures("rows_on_both_sides")
def test_a_dedicated_role_cannot_read_a_partition_directly() -> None:
    password = _credentials(world.SOL)["database-password"]
    partition = f"whatsapp_inbound_{database.clinic_id(world.LUA).replace('-', '')}"
    with pytest.raises(kubectl.KubectlError, match="permission denied"):
        database.psql(
            f"select count(*) from atendeai.{partition}",
            user=database.role(world.SOL),
            password=password,
        )


@pytest.mark.usefixtures("rows_on_both_sides")
def test_the_pool_inside_one_clinics_transaction_sees_none_of_the_others() -> None:
    pool = kubectl.secret(f"{world.STACK}-postgres", world.NAMESPACE)
    assert pool is not None
    ask = (  # the role is the operator's own name for the clinic
        f"begin; set local role {database.role(world.LUA)}; "
        "select distinct clinic_id from atendeai.whatsapp_inbound; commit;"
    )
    seen = database.psql(ask, user="atendeai_pool", password=pool["pool-password"])
    assert seen == [[database.clinic_id(world.LUA)]]
    with pytest.raises(kubectl.KubectlError, match="permission denied"):
        database.psql(
            "select count(*) from atendeai.whatsapp_inbound", user="atendeai_pool", password=pool["pool-password"]
        )


def test_a_redis_user_reaches_only_its_own_keys() -> None:
    own, other = database.clinic_id(world.SOL), database.clinic_id(world.LUA)
    user, password = f"clinic-{own.replace('-', '')}", _credentials(world.SOL)["redis-password"]
    assert database.redis("SET", f"clinic:{own}:probe", "1", "EX", "30", user=user, password=password) == "OK"
    assert database.redis("GET", f"clinic:{own}:probe", user=user, password=password) == "1"
    for command in (
        ("GET", f"clinic:{other}:probe"),
        ("SET", f"clinic:{other}:probe", "1"),
        ("KEYS", "*"),
        ("SCAN", "0"),
        ("RANDOMKEY",),
        ("EVAL", f"return redis.call('get','clinic:{other}:probe')", "0"),
        ("CONFIG", "GET", "*"),
        ("ACL", "LIST"),
    ):
        answer = database.redis(*command, user=user, password=password)
        assert "NOPERM" in answer or "can't access" in answer, (command, answer)


_CONNECT = """
import socket, sys
for address in sys.argv[1:]:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), 3).close()
        print(address, "open")
    except OSError as error:
        print(address, type(error).__name__)
"""


def _open(deployment: str, namespace: str, *addresses: str) -> set[str]:
    """Those of the addresses (`host:port`) that a pod of the deployment can open a connection to."""
    command = ["exec", f"deployment/{deployment}", "-n", namespace, "--", "python3", "-c", _CONNECT, *addresses]
    return {line.split()[0] for line in kubectl.kubectl(*command).splitlines() if line.endswith(" open")}


_STACK = f"{world.NAMESPACE}.svc.cluster.local"
_ASKED = ("conversation:3005", "appointment:3006", f"dev-postgres.{_STACK}:5432", f"dev-redis.{_STACK}:6379")
_NOT_ASKED = ("auth:3001", "user:3002", f"dev-auth.{_STACK}:3001", f"dev-haproxy.{_STACK}:443")


def test_a_service_connects_to_everything_that_it_asks() -> None:
    assert _open("whatsapp", f"{world.NAMESPACE}-sol", *_ASKED) == set(_ASKED)


def test_a_service_connects_to_nothing_else() -> None:
    if kubectl.get("daemonset", "kindnet", namespace="kube-system") is None:
        pytest.skip("this cluster's network enforces no NetworkPolicy; one made where an image registry answers does")
    assert _open("whatsapp", f"{world.NAMESPACE}-sol", *_NOT_ASKED) == set()
