"""A clinic inside a real PostgreSQL: what it sees, what it never sees, how it comes and how it goes."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from atendeai_operator.pipeline.errors import Waiting
from atendeai_operator.tenancy import names, partitions
from atendeai_operator.tenancy.postgres import StackPostgres
from tests.tenancy.tables import ROOM, VISIT, add_templates, constraints, next_transaction, tenant_tables

pytestmark = pytest.mark.integration


async def add_room(connection: Any, clinic_id: UUID, name: str) -> UUID:
    """Insert a room and return its id."""
    room: UUID = await connection.fetchval(
        f"INSERT INTO atendeai.{ROOM} (clinic_id, name) VALUES ($1, $2) RETURNING id", clinic_id, name
    )
    return room


async def ensure(postgres: StackPostgres, *clinics: UUID, login: bool = True) -> None:
    """Onboard clinics."""
    for clinic in clinics:
        await postgres.ensure_clinic(clinic, login=login, password="secret")


async def test_a_clinic_sees_its_own_rows_alone(postgres: StackPostgres, superuser: Any, connect: Any) -> None:
    first, second = uuid4(), uuid4()
    async with tenant_tables(superuser):
        await ensure(postgres, first, second)
        async with connect(names.role(first), "secret") as one, connect(names.role(second), "secret") as two:
            await add_room(one, first, "first's")
            await add_room(two, second, "second's")

            assert [row["name"] for row in await one.fetch(f"SELECT name FROM atendeai.{ROOM}")] == ["first's"]
            assert [row["name"] for row in await two.fetch(f"SELECT name FROM atendeai.{ROOM}")] == ["second's"]
            assert await one.fetch(f"SELECT FROM atendeai.{ROOM} WHERE clinic_id = $1", second) == []
            assert await one.execute(f"UPDATE atendeai.{ROOM} SET name = '' WHERE clinic_id = $1", second) == "UPDATE 0"
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                await add_room(one, second, "smuggled in")
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                await one.execute(f"UPDATE atendeai.{ROOM} SET clinic_id = $1", second)


async def test_no_clinic_reads_a_partition_directly(postgres: StackPostgres, superuser: Any, connect: Any) -> None:
    first, second = uuid4(), uuid4()
    async with tenant_tables(superuser):
        await ensure(postgres, first, second)
        async with connect(names.role(first), "secret") as one:
            for clinic in (first, second):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await one.execute(f"SELECT FROM {names.qualified(names.partition(ROOM, clinic))}")
        async with superuser() as connection:
            flags = await connection.fetch(
                "SELECT relname::text, relrowsecurity AND relforcerowsecurity AS forced FROM pg_class "
                "WHERE relnamespace = 'atendeai'::regnamespace AND (relkind = 'p' OR relispartition) AND relkind <> 'I'"
                " AND relkind <> 'i'"
            )
            grants = await connection.fetch(
                "SELECT c.relname::text, a.grantee::regrole::text FROM pg_class AS c CROSS JOIN LATERAL "
                "aclexplode(c.relacl) AS a WHERE c.relispartition AND a.grantee <> c.relowner "
                "AND c.relnamespace = 'atendeai'::regnamespace"
            )
    assert flags
    assert all(row["forced"] for row in flags)
    assert grants == []


async def test_the_pool_is_whoever_the_transaction_says(postgres: StackPostgres, superuser: Any, connect: Any) -> None:
    first, second = uuid4(), uuid4()
    async with tenant_tables(superuser):
        await ensure(postgres, first, login=True)
        await ensure(postgres, second, login=False)
        async with connect(names.POOL, "pool-password") as pool:
            for clinic in (first, second, first, second):
                async with pool.transaction():
                    await pool.execute(f"SET LOCAL ROLE {names.role(clinic)}")
                    await add_room(pool, clinic, str(clinic))
                    assert {row["name"] for row in await pool.fetch(f"SELECT name FROM atendeai.{ROOM}")} == {
                        str(clinic)
                    }
            # Outside a clinic's transaction the pool is nobody.
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await pool.execute(f"SELECT FROM atendeai.{ROOM}")
            # A prepared statement must not keep the clinic that it was first run for.
            statement = f"SELECT DISTINCT name FROM atendeai.{ROOM}"
            for clinic in (first, second) * 4:
                async with pool.transaction():
                    await pool.execute(f"SET LOCAL ROLE {names.role(clinic)}")
                    assert await pool.fetchval(statement) == str(clinic)


async def test_a_shared_clinic_does_not_log_in_and_changing_sides_works(
    postgres: StackPostgres, superuser: Any, connect: Any, clinic_id: UUID
) -> None:
    role = names.role(clinic_id)
    await ensure(postgres, clinic_id, login=False)
    with pytest.raises(asyncpg.PostgresError):
        async with connect(role, "secret"):
            pass

    await ensure(postgres, clinic_id, login=True)
    async with connect(role, "secret") as own:
        assert await own.fetchval("SELECT current_user::text") == role
        await ensure(postgres, clinic_id, login=False)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await own.fetchval("SELECT 1")
    with pytest.raises(asyncpg.PostgresError):
        async with connect(role, "secret"):
            pass


async def test_a_changed_password_replaces_the_old(postgres: StackPostgres, connect: Any, clinic_id: UUID) -> None:
    await postgres.ensure_clinic(clinic_id, login=True, password="old")
    await postgres.ensure_clinic(clinic_id, login=True, password="new")

    with pytest.raises(asyncpg.InvalidPasswordError):
        async with connect(names.role(clinic_id), "old"):
            pass
    async with connect(names.role(clinic_id), "new") as own:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await own.execute("SET ROLE atendeai_owner")


async def test_what_holds_costs_no_write(postgres: StackPostgres, superuser: Any, clinic_id: UUID) -> None:
    async with tenant_tables(superuser):
        await ensure(postgres, clinic_id)
        async with superuser() as connection:
            before = await next_transaction(connection)
            await ensure(postgres, clinic_id)
            assert await next_transaction(connection) == before


async def test_a_partition_has_what_its_templates_ask(
    postgres: StackPostgres, superuser: Any, connect: Any, clinic_id: UUID
) -> None:
    async with tenant_tables(superuser):
        await ensure(postgres, clinic_id)
        async with superuser() as connection:
            found = (await constraints(connection, VISIT, clinic_id)).values()
        assert {definition.split()[0] for definition in found} == {"c", "f", "p", "x"}
        assert any(f"REFERENCES atendeai.{names.partition(ROOM, clinic_id)}" in one for one in found)
        visit = f"INSERT INTO atendeai.{VISIT} (clinic_id, room_id, during) VALUES ($1, $2, '[2026-01-01,2026-01-02)')"
        async with connect(names.role(clinic_id), "secret") as own:
            room = await add_room(own, clinic_id, "one")
            await own.execute(visit, clinic_id, room)
            with pytest.raises(asyncpg.ExclusionViolationError):
                await own.execute(visit, clinic_id, room)
            assert await own.execute(f"{visit} ON CONFLICT DO NOTHING", clinic_id, room) == "INSERT 0 0"
            with pytest.raises(asyncpg.ForeignKeyViolationError):
                await own.execute(visit, clinic_id, uuid4())


async def test_tables_and_templates_of_a_later_version_reach_old_clinics(
    postgres: StackPostgres, superuser: Any, connect: Any, clinic_id: UUID
) -> None:
    await ensure(postgres, clinic_id)
    async with tenant_tables(superuser):
        await ensure(postgres, clinic_id)
        async with connect(names.role(clinic_id), "secret") as own:
            await add_room(own, clinic_id, "one")
        async with superuser() as connection:
            await add_templates(
                connection, ((ROOM, 20, "ALTER TABLE {partition} ADD CONSTRAINT later CHECK (name <> '{}')"),)
            )
            await ensure(postgres, clinic_id)
            await ensure(postgres, clinic_id)
            assert "later" in await constraints(connection, ROOM, clinic_id)


async def test_onboarding_lets_the_others_work(postgres: StackPostgres, superuser: Any, connect: Any) -> None:
    working = uuid4()
    async with tenant_tables(superuser):
        await ensure(postgres, working)
        async with connect(names.role(working), "secret") as own, own.transaction():
            await add_room(own, working, "uncommitted")
            await own.fetch(f"SELECT FROM atendeai.{ROOM} WHERE clinic_id = $1", working)

            await asyncio.wait_for(asyncio.gather(*(ensure(postgres, uuid4()) for _ in range(4))), 60)


async def test_dropping_a_clinic_lets_the_others_work(postgres: StackPostgres, superuser: Any, connect: Any) -> None:
    leaving, staying = uuid4(), uuid4()
    done = asyncio.Event()
    served = 0

    async def load() -> None:
        nonlocal served
        async with connect(names.role(staying), "secret") as own:
            while not done.is_set():
                async with own.transaction():
                    await own.execute("SET LOCAL lock_timeout = '1s'")
                    await add_room(own, staying, "busy")
                    await own.fetch(f"SELECT FROM atendeai.{ROOM} WHERE clinic_id = $1", staying)
                served += 1

    async with tenant_tables(superuser):
        await ensure(postgres, leaving, staying)
        async with connect(names.role(leaving), "secret") as own:
            await add_room(own, leaving, "gone")
        loads = [asyncio.create_task(load()) for _ in range(3)]
        try:
            await asyncio.wait_for(postgres.drop_clinic(leaving), 60)
        finally:
            done.set()
            await asyncio.gather(*loads)
        assert served > 0
        assert await postgres.retained(leaving) is None
        async with superuser() as connection:
            assert await connection.fetchval("SELECT to_regrole($1)", names.role(leaving)) is None
            assert await connection.fetchval(f"SELECT count(*) FROM atendeai.{ROOM}") == served
        await postgres.drop_clinic(leaving)


async def test_a_drop_that_is_held_up_waits_and_ends_later(
    postgres: StackPostgres, superuser: Any, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving, staying = uuid4(), uuid4()
    monkeypatch.setattr(partitions, "ATTEMPTS", 1)
    async with tenant_tables(superuser):
        await ensure(postgres, leaving, staying)
        async with connect(names.role(staying), "secret") as own, own.transaction():
            await own.fetch(f"SELECT FROM atendeai.{ROOM} LIMIT 1")
            with pytest.raises(Waiting, match="long transaction"):
                await postgres.drop_clinic(leaving)
            # The detach is left half done; nobody is kept from working by it, nor another clinic from coming.
            async with connect(names.role(staying), "secret") as other:
                await asyncio.wait_for(add_room(other, staying, "still at work"), 5)
        monkeypatch.undo()
        await ensure(postgres, uuid4())
        await postgres.drop_clinic(leaving)
        assert await postgres.retained(leaving) is None


async def test_retained_data_is_named_and_comes_back(
    postgres: StackPostgres, superuser: Any, connect: Any, clinic_id: UUID
) -> None:
    async with tenant_tables(superuser):
        assert await postgres.retained(clinic_id) is None
        await ensure(postgres, clinic_id)
        async with connect(names.role(clinic_id), "secret") as own:
            await add_room(own, clinic_id, "kept")

        await postgres.drop_config(clinic_id)

        with pytest.raises(asyncpg.PostgresError):
            async with connect(names.role(clinic_id), "secret"):
                pass
        retained = await postgres.retained(clinic_id)
        assert retained is not None
        assert retained.tables >= 2
        await ensure(postgres, clinic_id)
        async with connect(names.role(clinic_id), "secret") as own:
            assert await own.fetchval(f"SELECT name FROM atendeai.{ROOM} WHERE clinic_id = $1", clinic_id) == "kept"


def test_a_table_name_that_postgres_would_cut_is_refused(clinic_id: UUID) -> None:
    with pytest.raises(ValueError, match="too long"):
        names.partition("a" * 31, clinic_id)


def test_templates_leave_other_braces_alone(clinic_id: UUID) -> None:
    template = partitions.Template("probe", 1, "ALTER {partition} CHECK (x <> '{}' AND y <> '{hex}' AND {other})")
    assert template.render(clinic_id) == (
        f"ALTER \"atendeai\".\"probe_{clinic_id.hex}\" CHECK (x <> '{{}}' AND y <> '{clinic_id.hex}' AND {{other}})"
    )
