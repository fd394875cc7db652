"""No clinic sees another's rows or keys, by whichever way it asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from local import database, kubectl, world
from local.demo import Patient

pytestmark = [pytest.mark.e2e, pytest.mark.beside]
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
