# ruff: noqa: PT012 - what happens to the rest of a block is what these tests look at
"""Transactions: inside one clinic, whole or not at all, and surviving what happens to connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from atendeai.kit import audit
from atendeai.kit.db import Database, UnknownClinicError, driver, on_commit, sqlstate
from atendeai.kit.errors import Unavailable
from atendeai.kit.testing.clinics import Stack, TestClinic
from atendeai.kit.testing.plugin import ClinicFactory
from atendeai.kit.testing.proxy import proxied
from atendeai.kit.testing.waiting import eventually

pytestmark = pytest.mark.integration

COUNT = text("SELECT count(*) FROM atendeai.audit_event WHERE clinic_id = :clinic_id")


@pytest.fixture
async def database(stack: Stack) -> AsyncIterator[Database]:
    made = Database(stack.settings("auth", database_pool_size=2))
    yield made
    await made.close()


async def write(database: Database, clinic: TestClinic, target: str = "x") -> UUID:
    async with database.transaction(clinic.id) as connection:
        return await audit.record(connection, clinic.id, "service:test", "test", target, reason="tested")


async def count(database: Database, clinic: TestClinic) -> int:
    async with database.transaction(clinic.id) as connection:
        return int((await connection.execute(COUNT, {"clinic_id": clinic.id})).scalar_one())


async def test_a_transaction_is_its_clinic_and_leaves_nothing_behind(
    database: Database, clinic_factory: ClinicFactory
) -> None:
    first, second = await clinic_factory(), await clinic_factory()
    await write(database, first)
    for clinic in (first, second, first):
        async with database.transaction(clinic.tenant) as connection:
            assert (await connection.execute(text("SELECT current_user::text"))).scalar() == clinic.role
    async with database.system() as connection:
        assert (await connection.execute(text("SELECT current_user::text"))).scalar() == "atendeai_pool"
    async with database.transaction(second.id) as connection:
        seen = await connection.execute(text("SELECT count(*) FROM atendeai.audit_event"))
        assert seen.scalar() == 0
    assert await count(database, first) == 1


async def test_another_clinics_rows_cannot_be_written(database: Database, clinic_factory: ClinicFactory) -> None:
    first, second = await clinic_factory(), await clinic_factory()
    with pytest.raises(DBAPIError) as error:
        async with database.transaction(first.id) as connection:
            await audit.record(connection, second.id, "service:test", "test", "x", reason="tested")
    assert sqlstate(error.value) == "42501"
    assert await count(database, second) == 0


async def test_the_pool_alone_sees_no_table(database: Database) -> None:
    for table in ("audit_event", "clinic_config", "claim", "work", "partition_template"):
        with pytest.raises(DBAPIError) as error:
            async with database.system() as connection:
                await connection.execute(text(f"TABLE atendeai.{table}"))
        assert sqlstate(error.value) == "42501", table


async def test_an_exception_rolls_back(database: Database, clinic_factory: ClinicFactory) -> None:
    clinic = await clinic_factory()
    called = []
    with pytest.raises(KeyError):
        async with database.transaction(clinic.id) as connection:
            on_commit(connection, lambda: called.append(1))
            await audit.record(connection, clinic.id, "service:test", "test", "x", reason="tested")
            raise KeyError("stop")
    assert await count(database, clinic) == 0
    assert called == []
    async with database.transaction(clinic.id) as connection:
        on_commit(connection, lambda: called.append(2))
    assert called == [2]


async def test_a_swallowed_failure_is_not_called_a_commit(database: Database, clinic_factory: ClinicFactory) -> None:
    clinic = await clinic_factory()
    with pytest.raises(RuntimeError, match="swallowed"):
        async with database.transaction(clinic.id) as connection:
            await audit.record(connection, clinic.id, "service:test", "test", "x", reason="tested")
            with pytest.raises(DBAPIError):
                await connection.execute(text("SELECT 1/0"))
    assert await count(database, clinic) == 0


async def test_a_savepoint_keeps_the_rest(database: Database, clinic_factory: ClinicFactory) -> None:
    clinic = await clinic_factory()
    async with database.transaction(clinic.id) as connection:
        await audit.record(connection, clinic.id, "service:test", "test", "kept", reason="tested")
        with pytest.raises(DBAPIError):
            async with connection.begin_nested():
                await audit.record(connection, clinic.id, "service:test", "test", "lost", reason="tested")
                await connection.execute(text("SELECT 1/0"))
    assert await count(database, clinic) == 1


async def test_a_cancelled_request_gives_back_a_clean_connection(
    database: Database, clinic_factory: ClinicFactory
) -> None:
    clinic = await clinic_factory()

    async def slow() -> None:
        async with database.transaction(clinic.id) as connection:
            await audit.record(connection, clinic.id, "service:test", "test", "x", reason="tested")
            await connection.execute(text("SELECT pg_sleep(30)"))

    for _ in range(8):  # more than the pool holds: a leaked connection would show
        task = asyncio.create_task(slow())
        await eventually(lambda: clinic_is_sleeping(clinic), seconds=10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await count(database, clinic) == 0


async def clinic_is_sleeping(clinic: TestClinic) -> bool:
    rows = await clinic.fetch("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'")
    return bool(rows)


async def test_an_unknown_clinic_is_told_apart(database: Database) -> None:
    with pytest.raises(UnknownClinicError):
        async with database.transaction(uuid4()):
            pass


async def test_connections_that_died_in_the_pool_are_replaced(
    database: Database, clinic_factory: ClinicFactory
) -> None:
    clinic = await clinic_factory()
    await asyncio.gather(*(write(database, clinic) for _ in range(4)))
    killed = await clinic.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'atendeai_pool'"
        " AND application_name = 'atendeai-auth'"
    )
    assert killed
    for _ in range(4):
        await write(database, clinic)
    assert await count(database, clinic) == 8


async def test_what_a_burst_opened_serves_the_next_one_and_is_closed_when_nobody_needs_it(
    stack: Stack, clinic_factory: ClinicFactory
) -> None:
    clinic = await clinic_factory()
    database = Database(stack.settings("auth", database_pool_size=3, database_idle_seconds=1))
    all_there = asyncio.Barrier(3)

    async def backend() -> int:
        async with database.transaction(clinic.id) as connection:
            await asyncio.wait_for(all_there.wait(), 10)
            return int((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())

    first = set(await asyncio.gather(*(backend() for _ in range(3))))
    assert set(await asyncio.gather(*(backend() for _ in range(3)))) == first

    async def gone() -> bool:
        return not await clinic.fetch("SELECT 1 FROM pg_stat_activity WHERE pid = ANY($1)", list(first))

    await eventually(gone)
    assert set(await asyncio.gather(*(backend() for _ in range(3)))).isdisjoint(first)
    await database.close()


async def test_an_outage_is_unavailable_and_passes(stack: Stack, clinic_factory: ClinicFactory) -> None:
    clinic = await clinic_factory()
    async with proxied(stack.postgres.port) as proxy:
        url = f"postgresql://atendeai_pool:pool@127.0.0.1:{proxy.port}/atendeai"
        database = Database(stack.settings("auth", database_url=SecretStr(url)))
        try:
            await write(database, clinic)
            proxy.cut()
            for _ in range(3):
                with pytest.raises(Unavailable) as refused:
                    await write(database, clinic)
                assert refused.value.headers["Retry-After"]
            with pytest.raises(Unavailable):
                await database.ping()
            proxy.mend()
            await write(database, clinic)

            with pytest.raises(Unavailable):
                async with database.transaction(clinic.id) as connection:
                    await audit.record(connection, clinic.id, "service:test", "test", "lost", reason="tested")
                    proxy.cut()
                    await connection.execute(COUNT, {"clinic_id": clinic.id})
            proxy.mend()
            assert await count(database, clinic) == 2
        finally:
            await database.close()


async def test_a_password_that_is_being_changed_is_an_outage(stack: Stack, clinic_factory: ClinicFactory) -> None:
    clinic = await clinic_factory()
    url = make_url(stack.settings("auth").database_url.get_secret_value()).set(password="yesterday's")
    database = Database(
        stack.settings("auth", database_url=SecretStr(url.render_as_string(hide_password=False)), database_pool_size=1)
    )
    try:
        with pytest.raises(Unavailable):
            await count(database, clinic)
    finally:
        await database.close()


async def test_no_statement_stays_behind_on_a_connection(database: Database, clinic_factory: ClinicFactory) -> None:
    clinic = await clinic_factory()
    await write(database, clinic)
    async with database.transaction(clinic.id) as connection:
        await audit.record(connection, clinic.id, "service:test", "test", "x", reason="tested")
        await connection.execute(COUNT, {"clinic_id": clinic.id})
        names = (await connection.execute(text("SELECT name FROM pg_prepared_statements WHERE name <> ''"))).scalars()
        assert list(names) == []


@pytest.mark.parametrize("ends", ["committed", "failed", "cancelled"])
async def test_nothing_of_a_transaction_reaches_the_next_on_its_connection(
    stack: Stack, clinic_factory: ClinicFactory, ends: str
) -> None:
    """There is no reset query between them: role, settings, statements, cursors and locks end with the transaction."""
    first, second = await clinic_factory(), await clinic_factory()
    database = Database(stack.settings("auth", database_pool_size=1))

    async def use() -> int:
        async with database.transaction(first.id) as connection:
            await connection.execute(text("SET LOCAL timezone TO 'America/Manaus'"))
            await connection.execute(text("SELECT pg_advisory_xact_lock(42)"))
            await connection.execute(text("DECLARE kept CURSOR FOR SELECT clinic_id FROM atendeai.audit_event"))
            await driver(connection).fetch("SELECT $1::text", "an unnamed statement")
            backend = int(await driver(connection).fetchval("SELECT pg_backend_pid()"))
            if ends == "failed":
                await connection.execute(text("SELECT 1/0"))
            if ends == "cancelled":
                await connection.execute(text("SELECT pg_sleep(30)"))
            return backend

    try:
        task = asyncio.create_task(use())
        if ends == "cancelled":
            await eventually(lambda: clinic_is_sleeping(first), seconds=10)
            task.cancel()
        done = (await asyncio.gather(task, return_exceptions=True))[0]
        async with database.transaction(second.id) as connection:
            ask = driver(connection).fetchval
            assert await ask("SELECT current_user::text") == second.role
            assert await ask("SELECT current_setting('timezone')") != "America/Manaus"
            assert await ask("SELECT count(*) FROM pg_cursors WHERE name = 'kept'") == 0
            assert await ask("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''") == 0
            assert await ask("SELECT pg_try_advisory_xact_lock(42)")
            if ends == "committed":
                assert await ask("SELECT pg_backend_pid()") == done
        async with database.system() as connection:
            assert await driver(connection).fetchval("SELECT current_user::text") == "atendeai_pool"
    finally:
        await database.close()


async def test_a_role_cannot_be_changed_by_a_query(database: Database, clinic_factory: ClinicFactory) -> None:
    first, second = await clinic_factory(), await clinic_factory()
    with pytest.raises(DBAPIError) as error:
        async with database.transaction(first.id) as connection:
            await connection.execute(text("SELECT set_config('role', :role, true)"), {"role": second.role})
    assert sqlstate(error.value) == "42501"
    with pytest.raises(DBAPIError) as error:
        async with database.transaction(first.id) as connection:
            await connection.execute(
                text("UPDATE pg_settings SET setting = :role WHERE name = 'role'"), {"role": second.role}
            )
    assert sqlstate(error.value) == "42501"
