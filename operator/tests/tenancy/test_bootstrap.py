"""What the operator's bootstrap leaves in a bare server: who may do what, before any clinic exists."""

from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from atendeai_operator.pipeline.errors import TenancyError, Waiting
from atendeai_operator.pipeline.ports import PostgresAccess
from atendeai_operator.tenancy import names, roles
from atendeai_operator.tenancy.postgres import StackPostgres
from tests.tenancy.tables import next_transaction

pytestmark = pytest.mark.integration


async def test_the_roles_are_what_the_contracts_say(postgres_access: PostgresAccess, superuser: Any) -> None:
    async with superuser() as connection:
        rows = await connection.fetch(
            "SELECT rolname::text, rolcanlogin, rolinherit, rolbypassrls, rolsuper OR rolcreaterole OR rolcreatedb "
            "FROM pg_roles WHERE rolname LIKE 'atendeai%'"
        )
    assert {tuple(row) for row in rows} == {
        ("atendeai_owner", False, True, False, False),
        ("atendeai_finder", False, True, True, False),
        ("atendeai_clinic", False, True, False, False),
        ("atendeai_migrator", True, True, True, False),
        ("atendeai_pool", True, False, False, False),
        ("atendeai_exporter", True, True, False, False),
    }


async def test_the_database_plans_anew_for_each_clinic(postgres_access: PostgresAccess, connect: Any) -> None:
    async with connect(names.POOL, "pool-password") as pool:
        assert await pool.fetchval("SHOW plan_cache_mode") == "force_custom_plan"
        assert await pool.fetchval("SHOW jit") == "off"
        extensions = await pool.fetch("SELECT extname::text FROM pg_extension")
    assert {"uuid-ossp", "pgcrypto", "btree_gist"} <= {row["extname"] for row in extensions}


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT set_config('role', 'atendeai_owner', false)",
        "UPDATE pg_settings SET setting = 'off' WHERE name = 'row_security'",
        "CREATE TEMPORARY TABLE mine (x int)",
        "CREATE TABLE public.mine (x int)",
        "CREATE TABLE atendeai.mine (x int)",
        "CREATE SCHEMA mine",
        "SET ROLE atendeai_owner",
        "SET ROLE atendeai_finder",
        "SET SESSION AUTHORIZATION postgres",
        "SELECT pg_read_file('postgresql.conf')",
        "SELECT rolpassword FROM pg_authid",
    ],
)
async def test_the_pool_is_refused(postgres_access: PostgresAccess, connect: Any, statement: str) -> None:
    async with connect(names.POOL, "pool-password") as pool:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)


@pytest.mark.parametrize("database", ["postgres", "template1"])
async def test_no_other_database_is_open(postgres_access: PostgresAccess, connect: Any, database: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with connect(names.POOL, "pool-password", database):
            pass


async def test_the_exporter_sees_figures_and_no_rows(postgres_access: PostgresAccess, connect: Any) -> None:
    async with connect(names.EXPORTER, "exporter-password") as exporter:
        assert await exporter.fetchval("SELECT count(*) FROM pg_stat_activity") > 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await exporter.execute("SELECT FROM atendeai.clinic_config")


async def test_a_second_bootstrap_writes_nothing(postgres: StackPostgres, superuser: Any) -> None:
    async with superuser() as connection:
        before = await next_transaction(connection)
        await postgres.bootstrap()
        assert await next_transaction(connection) == before


async def test_drift_is_put_right(postgres: StackPostgres, connect: Any, superuser: Any) -> None:
    async with superuser() as connection:
        await connection.execute("ALTER ROLE atendeai_pool INHERIT SUPERUSER PASSWORD 'other'")
        await connection.execute("REVOKE atendeai_owner FROM atendeai_migrator")
        await connection.execute("GRANT EXECUTE ON FUNCTION set_config(text, text, boolean) TO PUBLIC")
        await connection.execute("ALTER DATABASE atendeai RESET plan_cache_mode")
        await connection.execute("GRANT CONNECT ON DATABASE postgres TO PUBLIC")

    await postgres.bootstrap()

    async with connect(names.POOL, "pool-password") as pool:
        assert await pool.fetchval("SHOW plan_cache_mode") == "force_custom_plan"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute("SELECT set_config('role', 'atendeai_owner', false)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with connect(names.POOL, "pool-password", "postgres"):
            pass
    async with connect(names.MIGRATOR, "migrator-password") as migrator:
        await migrator.execute("SET ROLE atendeai_owner")


async def test_no_password_reaches_the_server_in_a_statement() -> None:
    passwords = dict.fromkeys((names.MIGRATOR, names.POOL, names.EXPORTER), "plain-secret")
    for role in roles.stack_roles(passwords):
        assert not any("plain-secret" in statement for statement in roles.role_statements(role, None))


async def test_the_revision_is_told(postgres: StackPostgres, postgres_server: PostgresAccess) -> None:
    assert await postgres.migrations_applied()


async def test_a_server_that_is_away_is_waited_for(postgres_access: PostgresAccess) -> None:
    nobody = StackPostgres(replace(postgres_access, port=1))
    with pytest.raises(Waiting, match="PostgreSQL at"):
        await nobody.bootstrap()
    await nobody.close()


async def test_a_wrong_password_is_named_without_being_told(postgres_access: PostgresAccess) -> None:
    stranger = StackPostgres(replace(postgres_access, superuser_password="not-this-one"))
    with pytest.raises(TenancyError, match="password") as refused:
        await stranger.bootstrap()
    assert "not-this-one" not in str(refused.value)
    await stranger.close()


async def test_before_the_migrations_a_clinic_waits(postgres_access: PostgresAccess, clinic_id: Any) -> None:
    bare = StackPostgres(replace(postgres_access, database="not_migrated"))
    with pytest.raises(Waiting, match="migrations"):
        await bare.claim(clinic_id, [])
    await bare.bootstrap()
    with pytest.raises(Waiting, match="migrations"):
        await bare.claim(clinic_id, [])
    assert await bare.migrations_applied() is None
    await bare.close()
