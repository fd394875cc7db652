"""The roles of a stack's database, its extensions, schema and settings, and the role of each clinic.

Run as the superuser, before the migrations: they create the tables as `atendeai_owner` and could not create roles.
Every function reads what is there first and writes only what differs; writes wait for each other on an advisory lock,
because concurrent changes of one role fail with "tuple concurrently updated".
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from atendeai_operator.tenancy import names, scram

SALT_BYTES = 16
_ROLES_LOCK = 0x61746E64  # "atnd": any constant that is ours alone

EXTENSIONS = ("btree_gist", "pgcrypto", "uuid-ossp")

SETTINGS: Mapping[str, str] = {
    # A generic plan cannot prune partitions by a parameter: the sixth execution of a prepared statement would lock
    # every clinic's partition.
    "plan_cache_mode": "force_custom_plan",
    # Compiling a plan over a thousand partitions costs more than running it.
    "jit": "off",
    # A forgotten transaction would hold up onboarding, migrations and vacuum for everybody.
    "idle_in_transaction_session_timeout": "60s",
}
"""Settings of the database `atendeai`, in effect for new connections."""


@dataclass(frozen=True)
class Role:
    """What a role must be; `password` None with `login` True leaves a password as it is."""

    name: str
    login: bool = False
    inherit: bool = True
    bypass_rls: bool = False
    member_of: tuple[str, ...] = ()
    password: str | None = None

    @property
    def attributes(self) -> str:
        """The attributes in SQL, all of them, so that none can drift."""
        flags = {
            "LOGIN": self.login,
            "INHERIT": self.inherit,
            "BYPASSRLS": self.bypass_rls,
            "SUPERUSER": False,
            "CREATEROLE": False,
            "CREATEDB": False,
            "REPLICATION": False,
        }
        return " ".join(flag if wanted else f"NO{flag}" for flag, wanted in flags.items())


def stack_roles(passwords: Mapping[str, str]) -> tuple[Role, ...]:
    """Return the roles of a stack; `passwords` by role name, for those that log in."""
    return (
        Role(names.OWNER),
        Role(names.FINDER, bypass_rls=True),
        Role(names.CLINICS),
        Role(
            names.MIGRATOR,
            login=True,
            bypass_rls=True,
            member_of=(names.OWNER, names.FINDER),
            password=passwords[names.MIGRATOR],
        ),
        Role(names.POOL, login=True, inherit=False, password=passwords[names.POOL]),
        Role(names.EXPORTER, login=True, member_of=("pg_monitor",), password=passwords[names.EXPORTER]),
    )


async def ensure_roles(connection: Any, roles: Sequence[Role]) -> bool:
    """Put `roles` right. Returns whether anything was written."""
    statements = await _differences(connection, roles)
    if not statements:
        return False
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _ROLES_LOCK)
        for statement in await _differences(connection, roles):
            await connection.execute(statement)
    return True


async def _differences(connection: Any, roles: Sequence[Role]) -> list[str]:
    rows = await connection.fetch(
        "SELECT rolname::text, rolcanlogin, rolinherit, rolbypassrls, rolpassword, "
        "rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication AS excess "
        "FROM pg_catalog.pg_authid WHERE rolname::text = ANY($1::text[])",
        [role.name for role in roles],
    )
    found = {row["rolname"]: row for row in rows}
    memberships = {
        (row["member"], row["role"])
        for row in await connection.fetch(
            "SELECT m.rolname::text AS member, r.rolname::text AS role FROM pg_catalog.pg_auth_members AS am "
            "JOIN pg_catalog.pg_roles AS m ON m.oid = am.member JOIN pg_catalog.pg_roles AS r ON r.oid = am.roleid "
            "WHERE m.rolname::text = ANY($1::text[])",
            [role.name for role in roles],
        )
    }
    statements = []
    for role in roles:
        row = found.get(role.name)
        statements += role_statements(role, row)
        statements += [
            f"GRANT {names.quoted(group)} TO {names.quoted(role.name)}"
            for group in role.member_of
            if (role.name, group) not in memberships
        ]
    return statements


def role_statements(role: Role, row: Any) -> list[str]:
    """Return what makes `role` out of the row of pg_authid that is there, or None."""
    name = names.quoted(role.name)
    statements = []
    if row is None:
        statements.append(f"CREATE ROLE {name} {role.attributes}")
    elif row["excess"] or (row["rolcanlogin"], row["rolinherit"], row["rolbypassrls"]) != (
        role.login,
        role.inherit,
        role.bypass_rls,
    ):
        statements.append(f"ALTER ROLE {name} {role.attributes}")
    stored = None if row is None else row["rolpassword"]
    if not role.login and stored is not None:
        statements.append(f"ALTER ROLE {name} PASSWORD NULL")
    if role.login and role.password is not None and not scram.matches(stored, role.password):
        fresh = scram.verifier(role.password, os.urandom(SALT_BYTES))
        statements.append(f"ALTER ROLE {name} PASSWORD {names.literal(fresh)}")
    return statements


async def ensure_database(connection: Any) -> bool:
    """Put right the database, schema, extensions and grants. Returns whether anything was written.

    Runs connected to the database of the stack. The roles must exist.
    """
    database: str = await connection.fetchval("SELECT current_database()::text")
    statements = [
        *await _settings(connection, database),
        *await _extensions(connection),
        *await _schema(connection),
        *await _connect_privileges(connection, database),
        *await _revocations(connection),
    ]
    if not statements:
        return False
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _ROLES_LOCK)
        for statement in statements:
            await connection.execute(statement)
    return True


async def _settings(connection: Any, database: str) -> list[str]:
    stored = await connection.fetchval(
        "SELECT s.setconfig FROM pg_catalog.pg_db_role_setting AS s "
        "JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase "
        "WHERE d.datname = current_database() AND s.setrole = 0",
    )
    present = dict(entry.split("=", 1) for entry in stored or [])
    return [
        f"ALTER DATABASE {names.quoted(database)} SET {setting} = {names.literal(value)}"
        for setting, value in SETTINGS.items()
        if present.get(setting) != value
    ]


async def _extensions(connection: Any) -> list[str]:
    present = {row["extname"] for row in await connection.fetch("SELECT extname::text FROM pg_catalog.pg_extension")}
    # In `public`, where an unqualified operator class is found and nobody but the superuser may create.
    return [
        f"CREATE EXTENSION IF NOT EXISTS {names.quoted(extension)} SCHEMA public"
        for extension in EXTENSIONS
        if extension not in present
    ]


async def _schema(connection: Any) -> list[str]:
    statements = []
    owner = await connection.fetchval(
        "SELECT pg_get_userbyid(nspowner)::text FROM pg_catalog.pg_namespace WHERE nspname = $1", names.SCHEMA
    )
    if owner is None:
        statements.append(f"CREATE SCHEMA {names.SCHEMA} AUTHORIZATION {names.OWNER}")
    elif owner != names.OWNER:
        statements.append(f"ALTER SCHEMA {names.SCHEMA} OWNER TO {names.OWNER}")
    for role, privilege in _SCHEMA_GRANTS:
        if owner is None or not await connection.fetchval(
            "SELECT has_schema_privilege($1, $2, $3)", role, names.SCHEMA, privilege
        ):
            statements.append(f"GRANT {privilege} ON SCHEMA {names.SCHEMA} TO {role}")
    return statements


async def _connect_privileges(connection: Any, database: str) -> list[str]:
    """Nobody connects anywhere but who is named here; each role by itself, for the pool inherits nothing."""
    # The other databases too: what is revoked inside this one is not revoked there.
    public = await connection.fetch(
        "SELECT d.name, p.privilege FROM unnest($1::text[]) AS d (name) "
        "CROSS JOIN unnest(ARRAY['CONNECT', 'TEMPORARY', 'CREATE']) AS p (privilege) "
        "WHERE has_database_privilege('public', d.name, p.privilege)",
        [database, "postgres", "template1"],
    )
    admitted = await connection.fetch(
        "SELECT r.rolname::text AS name FROM pg_catalog.pg_database AS d CROSS JOIN LATERAL aclexplode(d.datacl) AS a "
        "JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee WHERE d.datname = $1 AND a.privilege_type = 'CONNECT'",
        database,
    )
    present = {row["name"] for row in admitted}
    return [
        *(f"REVOKE {row['privilege']} ON DATABASE {names.quoted(row['name'])} FROM PUBLIC" for row in public),
        *(
            f"GRANT CONNECT ON DATABASE {names.quoted(database)} TO {role}"
            for role in (names.MIGRATOR, names.POOL, names.EXPORTER, names.CLINICS)
            if role not in present
        ),
    ]


async def _revocations(connection: Any) -> list[str]:
    statements = []
    if await connection.fetchval("SELECT has_schema_privilege('public', 'public', 'CREATE')"):
        statements.append("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    # One injected SELECT could otherwise change the role, by the function or by the view that calls it on UPDATE.
    if await connection.fetchval("SELECT has_function_privilege('public', $1, 'EXECUTE')", _SET_CONFIG):
        statements.append(f"REVOKE EXECUTE ON FUNCTION {_SET_CONFIG} FROM PUBLIC")
    if await connection.fetchval("SELECT has_table_privilege('public', 'pg_catalog.pg_settings', 'UPDATE')"):
        statements.append("REVOKE UPDATE ON pg_catalog.pg_settings FROM PUBLIC")
    return statements


_SET_CONFIG = "pg_catalog.set_config(text, text, boolean)"
_SCHEMA_GRANTS = (
    (names.CLINICS, "USAGE"),
    (names.POOL, "USAGE"),
    (names.FINDER, "USAGE"),
)


async def ensure_clinic_role(connection: Any, clinic_id: UUID, *, login: bool, password: str) -> bool:
    """Put a clinic's role right: it logs in itself (Dedicated), or only the pool takes it on (Shared).

    Sessions of an old password, or of a role that may no longer log in, are ended. Returns whether anything was
    written.
    """
    role = names.role(clinic_id)
    wanted = Role(role, login=login, member_of=(names.CLINICS,), password=password if login else None)
    written = await ensure_roles(connection, [wanted])
    if written:
        await end_sessions(connection, role)
    return await _admit_pool(connection, role) or written


async def _admit_pool(connection: Any, role: str) -> bool:
    admitted = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_auth_members AS am "
        "JOIN pg_catalog.pg_roles AS m ON m.oid = am.member JOIN pg_catalog.pg_roles AS r ON r.oid = am.roleid "
        "WHERE m.rolname = $1 AND r.rolname = $2)",
        names.POOL,
        role,
    )
    if admitted:
        return False
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _ROLES_LOCK)
        await connection.execute(f"GRANT {names.quoted(role)} TO {names.POOL}")
    return True


async def retire_clinic_role(connection: Any, clinic_id: UUID) -> None:
    """Let nobody log in as the clinic, and end its sessions; its data stays."""
    role = names.role(clinic_id)
    if await connection.fetchval("SELECT true FROM pg_catalog.pg_roles WHERE rolname = $1", role):
        await ensure_roles(connection, [Role(role, member_of=(names.CLINICS,))])
        await end_sessions(connection, role)


async def drop_clinic_role(connection: Any, clinic_id: UUID) -> None:
    """Drop the clinic's role, with what was granted to it."""
    role = names.role(clinic_id)
    if not await connection.fetchval("SELECT true FROM pg_catalog.pg_roles WHERE rolname = $1", role):
        return
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _ROLES_LOCK)
        await connection.execute(f"DROP OWNED BY {names.quoted(role)}")
        await connection.execute(f"DROP ROLE {names.quoted(role)}")


async def end_sessions(connection: Any, role: str) -> None:
    """End the sessions that logged in as `role`."""
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = $1", role
    )
