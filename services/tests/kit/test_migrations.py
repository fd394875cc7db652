"""The migrations as the Job runs them, and what they leave behind."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from atendeai.kit.testing.clinics import Stack
from atendeai.kit.testing.plugin import ClinicFactory
from atendeai.kit.testing.servers import postgres_server
from atendeai.kit.testing.waiting import eventually
from atendeai.migrations.__main__ import main

pytestmark = pytest.mark.integration


def environment(url: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "ATENDEAI_DATABASE_URL": url,
    }


def migrate(stack: Stack, *arguments: str, user: str = "migrator") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "atendeai.migrations", *arguments],
        env=environment(stack.postgres.dsn(f"atendeai_{user}", user)),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_upgrading_again_changes_nothing_and_check_agrees(stack: Stack) -> None:
    for command in ("upgrade", "check", "current"):
        done = migrate(stack, command)
        assert done.returncode == 0, done.stderr
    assert "(head)" in migrate(stack, "current").stdout


def test_a_wrong_address_is_refused_before_anything_else(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("ATENDEAI_DATABASE_URL", "postgres://migrator:secret@/")
    assert main(["upgrade"]) == 2
    assert capsys.readouterr().err.startswith("migrations cannot start: one variable is wrong.\n")


def test_wrong_calls_and_wrong_logins_are_told(stack: Stack) -> None:
    assert migrate(stack).returncode == 2
    assert "usage" in migrate(stack, "downgrade").stderr
    refused = migrate(stack, "upgrade", user="pool")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr


async def test_a_migration_that_waits_for_a_table_lets_others_use_it(tmp_path: Path) -> None:
    with postgres_server() as server:
        env = environment(server.dsn("atendeai_migrator", "migrator"))
        imports = "from alembic import command; from atendeai.migrations.__main__ import config"
        back = f"{imports}; command.downgrade(config(), '0014')"
        for arguments in (["-m", "atendeai.migrations", "upgrade"], ["-c", back]):
            command = [sys.executable, *arguments]
            await asyncio.to_thread(subprocess.run, command, env=env, check=True, capture_output=True, timeout=120)
        first, second = await asyncpg.connect(server.admin_dsn), await asyncpg.connect(server.admin_dsn)
        holding = first.transaction()
        await holding.start()
        await first.execute("SELECT FROM atendeai.whatsapp_outbound")
        waiting = (
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'atendeai.whatsapp_outbound'::regclass"
            " AND mode = 'AccessExclusiveLock'"
        )
        with (tmp_path / "log").open("w") as log:
            command = [sys.executable, "-m", "atendeai.migrations", "upgrade"]
            job = subprocess.Popen(command, env=env, stdout=log)  # noqa: ASYNC220 - it is begun, not waited for
            try:
                await eventually(lambda: second.fetchval(waiting))
                await asyncio.wait_for(second.execute("SELECT FROM atendeai.whatsapp_outbound"), 30)
                assert job.poll() is None
                await holding.commit()
                assert await asyncio.to_thread(job.wait, 60) == 0, (tmp_path / "log").read_text()
            finally:
                job.kill()
                job.wait()
        assert await second.fetchval("SELECT version_num FROM atendeai.alembic_version") >= "0015"
        await first.close()
        await second.close()


async def test_every_table_is_the_owners_and_guarded(stack: Stack, clinic_factory: ClinicFactory) -> None:
    clinic = await clinic_factory()
    tables = await clinic.fetch(
        "SELECT c.relname, c.relkind::text, c.relrowsecurity AND c.relforcerowsecurity AS guarded,"
        " pg_get_userbyid(c.relowner) AS owner, EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid"
        " AND a.attname = 'clinic_id' AND NOT a.attisdropped) AS tenant"
        " FROM pg_class c WHERE c.relnamespace = 'atendeai'::regnamespace AND c.relkind IN ('r', 'p')"
    )
    assert len(tables) > 8
    for table in tables:
        assert table["owner"] == "atendeai_owner", table["relname"]
        # Claims are the operator's alone: nobody else has a grant on them.
        assert table["guarded"] or not table["tenant"] or table["relname"] == "claim", table["relname"]


async def test_no_function_is_everybodys(stack: Stack, clinic_factory: ClinicFactory) -> None:
    clinic = await clinic_factory()
    functions = await clinic.fetch(
        "SELECT p.proname, p.prosecdef, pg_get_userbyid(p.proowner), p.proconfig,"
        " EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0) OR p.proacl IS NULL"
        " FROM pg_proc p WHERE p.pronamespace = 'atendeai'::regnamespace"
    )
    assert functions
    for function in functions:
        name, definer, owner, options, everybody = function
        assert not everybody, name
        if definer:
            assert owner == "atendeai_finder", name
            assert any(option.startswith("search_path=pg_catalog") for option in options), name


async def test_a_clinic_sees_its_own_configuration_and_changes_none(
    stack: Stack, clinic_factory: ClinicFactory
) -> None:
    clinic, other = await clinic_factory(isolation="Dedicated"), await clinic_factory()
    connection = await asyncpg.connect(stack.postgres.dsn(clinic.role, clinic.password))
    try:
        rows = await connection.fetch("SELECT clinic_id FROM atendeai.clinic_config")
        assert [row["clinic_id"] for row in rows] == [clinic.id]
        for statement in (
            "UPDATE atendeai.clinic_config SET suspended = true",
            "DELETE FROM atendeai.audit_event",
            "TABLE atendeai.claim",
            f'TABLE atendeai."audit_event_{clinic.id.hex}"',
            f'TABLE atendeai."audit_event_{other.id.hex}"',
            f'SET ROLE "{other.role}"',
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()
