"""Makes clinics the way the operator does: role, partitions, Redis user, configuration row, claims."""

from __future__ import annotations

import base64
import copy
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal
from uuid import UUID, uuid4

import asyncpg
import redis.asyncio as aioredis
from cryptography.fernet import Fernet
from pydantic import SecretStr

from atendeai.kit.clinic_config import read_row
from atendeai.kit.identity import issue_access_token, issue_service_token
from atendeai.kit.settings import SERVICE_PORTS, Settings
from atendeai.kit.tenancy import Tenant
from atendeai.kit.testing.servers import PostgresServer, RedisServer, clinic_rules, verifier
from atendeai.kit.testing.superuser import Superuser

WEEK = {day: [{"opens": "08:00", "closes": "18:00"}] for day in ("mon", "tue", "wed", "thu", "fri")}

AFTER_ALL_ATTACHED = 100  # as in the migrations' `tenant.py`, which only a migration can import

PROFILE: dict[str, Any] = {
    "businessHours": WEEK,
    "services": [
        {"code": "consulta", "name": "Consulta", "duration": "30m", "priceBRL": "250.00"},
        {"code": "retorno", "name": "Retorno", "duration": "30m"},
    ],
    "professionals": [
        {"code": "ana", "name": "Dra. Ana Souza", "services": ["consulta", "retorno"]},
        {"code": "bruno", "name": "Dr. Bruno Lima", "services": ["consulta"]},
    ],
    "insurance": ["Unimed"],
    "address": {"text": "Rua das Flores, 100, Centro, São Paulo"},
    "holidays": ["2030-12-25"],
}


@dataclass(frozen=True)
class Stack:
    """The servers of a session after the migrations, and the stack's key."""

    postgres: PostgresServer
    redis: RedisServer
    key: str
    spare: dict[str, list[UUID]] = field(default_factory=dict)
    """By isolation: ids of clinics whose test is over. Their role and partitions serve the next test, emptied."""

    @cached_property
    def superuser(self) -> Superuser:
        """The superuser, for what tests prepare and look at."""
        return Superuser(self.postgres.admin_dsn)

    def give_back(self, clinic: TestClinic) -> None:
        """Let the next test that makes a clinic of this isolation have the role and the partitions."""
        self.spare.setdefault(clinic.isolation, []).append(clinic.id)

    def settings(self, service: str, clinic: TestClinic | None = None, **overrides: Any) -> Settings:
        """Settings of one service: of that clinic alone when it is Dedicated, else of the shared pool."""
        dedicated = clinic is not None and clinic.isolation == "Dedicated"
        values: dict[str, Any] = {
            "service": service,
            "version": "0.0.0-test",
            "stack_key": SecretStr(self.key),
            "drain_seconds": 0.0,
            "grace_seconds": 5.0,
            "database_connect_seconds": 20.0,  # what is slow is the machine that the tests run on, not away
            "service_url_template": "http://{service}:{port}",
            "port": SERVICE_PORTS.get(service, 3000),
            "clinic_id": clinic.id if dedicated and clinic else None,
            "database_url": SecretStr(
                self.postgres.dsn(clinic.role, clinic.password)
                if dedicated and clinic
                else self.postgres.dsn("atendeai_pool", "pool")
            ),
            "redis_url": SecretStr(
                self.redis.url(f"clinic-{clinic.id.hex}", clinic.password)
                if dedicated and clinic
                else self.redis.url("pool", "pool")
            ),
        }
        return Settings(**{**values, **overrides})


@dataclass
class TestClinic:
    """One clinic of the test stack. `settings`, `profile` and `credentials` are what its row holds."""

    __test__ = False

    stack: Stack
    id: UUID
    name: str
    isolation: Literal["Dedicated", "Shared"]
    password: str
    data_key: bytes
    settings: dict[str, Any]
    profile: dict[str, Any]
    credentials: dict[str, Any]
    suspended: bool = False
    generation: int = 1
    _config_key: bytes = field(default=b"", repr=False)

    @property
    def role(self) -> str:
        """Database role."""
        return f"clinic_{self.id.hex}"

    @property
    def host(self) -> str:
        """The clinic's first host."""
        return str(self.settings["hosts"][0])

    @property
    def phone_number_id(self) -> str:
        """The clinic's WhatsApp phone number id."""
        return str(self.settings["whatsapp"]["phoneNumberId"])

    def row(self) -> dict[str, Any]:
        """Columns of `atendeai.clinic_config`, sealed."""
        return {
            "clinic_id": self.id,
            "name": self.name,
            "namespace": "atendeai",
            "display_name": f"Clínica {self.name.capitalize()}",
            "generation": self.generation,
            "isolation": self.isolation,
            "suspended": self.suspended,
            "settings": json.dumps(self.settings),
            "profile": json.dumps(self.profile),
            "wrapped_key": Fernet(self.stack.key.encode()).encrypt(self.data_key),
            "credentials": Fernet(self.data_key).encrypt(json.dumps(self.credentials).encode()),
        }

    @property
    def tenant(self) -> Tenant:
        """The clinic as a service sees it."""
        return Tenant(self.id, read_row(self.row(), self.stack.key.encode()))

    def service_settings(self, service: str, **overrides: Any) -> Settings:
        """Settings of one service that serves this clinic."""
        return self.stack.settings(service, self, **overrides)

    def token(
        self, *roles: str, subject: str | None = None, sid: str | None = None, seconds: float | None = None
    ) -> str:
        """Return a person's access token; an owner's unless roles are named."""
        return issue_access_token(
            self.tenant,
            subject=subject or str(uuid4()),
            roles=roles or ("owner",),
            sid=sid or str(uuid4()),
            seconds=seconds,
        )[0]

    def headers(self, *roles: str, **token: Any) -> dict[str, str]:
        """Headers of a person's request through the edge."""
        return {"Host": self.host, "Authorization": f"Bearer {self.token(*roles, **token)}"}

    def service_headers(self, service: str, idempotency_key: str | UUID | None = None) -> dict[str, str]:
        """Headers of an internal call by another service."""
        headers = {"X-Clinic-ID": str(self.id), "Authorization": f"Bearer {issue_service_token(self.tenant, service)}"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = str(idempotency_key)
        return headers

    async def write(self) -> None:
        """Write the configuration row and the claims as they stand now, as the operator would."""

        async def work(connection: asyncpg.Connection) -> None:
            async with connection.transaction():
                await _write(connection, self)

        await self.stack.superuser.run(work)

    async def fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Run a query as the superuser: for a test's own look at what was stored."""

        async def work(connection: asyncpg.Connection) -> list[asyncpg.Record]:
            rows: list[asyncpg.Record] = await connection.fetch(query, *arguments)
            return rows

        return await self.stack.superuser.run(work)


def merged(base: Mapping[str, Any], extra: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return `base` with `extra` laid over it, map by map."""
    result = copy.deepcopy(dict(base))
    for key, value in (extra or {}).items():
        if isinstance(value, Mapping) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


async def make_clinic(
    stack: Stack,
    *,
    name: str | None = None,
    isolation: Literal["Dedicated", "Shared"] = "Shared",
    suspended: bool = False,
    settings: Mapping[str, Any] | None = None,
    profile: Mapping[str, Any] | None = None,
    credentials: Mapping[str, Any] | None = None,
) -> TestClinic:
    """Make a clinic with everything it needs; what is given is laid over sensible defaults.

    Where one of this isolation is spare, its role and partitions are taken, without a row or a key of the earlier test:
    they are half of what a short test costs.
    """
    spare = stack.spare.get(isolation, [])
    used = spare.pop() if spare else None
    clinic_id = used or uuid4()
    name = name or f"c{clinic_id.hex[:10]}"
    kid = "test-" + secrets.token_hex(3)
    signing = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    clinic = TestClinic(
        stack=stack,
        id=clinic_id,
        name=name,
        isolation=isolation,
        suspended=suspended,
        password=secrets.token_hex(12),
        data_key=Fernet.generate_key(),
        settings=merged(
            {
                "timezone": "America/Sao_Paulo",
                "locale": "pt-BR",
                "hosts": [f"{name}-{clinic_id.hex[:6]}.example.com"],
                "whatsapp": {
                    "phoneNumberId": str(clinic_id.int)[:15],
                    "businessAccountId": "1000",
                    "graphVersion": "v23.0",
                    "baseURL": "http://graph.invalid",
                },
                "calendar": {"provider": "None"},
                "ai": {"provider": "Embedded", "persona": {"name": "Sofia", "tone": "Friendly"}},
                "security": {
                    "corsOrigins": ["https://painel.example.com"],
                    "rateLimits": {"auth": {"minute": 5, "hour": 100}, "api": {"minute": 100, "hour": 1000}},
                    "accessTokenTTLSeconds": 900,
                    "refreshTokenTTLSeconds": 604800,
                },
            },
            settings,
        ),
        profile=dict(PROFILE) if profile is None else copy.deepcopy(dict(profile)),
        credentials=merged(
            {
                "whatsapp": {
                    "access-token": secrets.token_hex(8),
                    "app-secret": secrets.token_hex(16),
                    "verify-token": secrets.token_hex(8),
                },
                "calendar": {},
                "ai": {},
                "jwt": {"active": kid, "keys": {kid: signing}},
            },
            credentials,
        ),
    )

    async def work(connection: asyncpg.Connection) -> None:
        if used is None:
            await _make_role(connection, clinic)
            await make_partitions(connection, clinic_id)
        else:
            await _empty(connection, clinic)
        async with connection.transaction():
            await _write(connection, clinic)

    await stack.superuser.run(work)
    await _make_redis_user(stack, clinic, known=used is not None)
    return clinic


async def _empty(connection: asyncpg.Connection, clinic: TestClinic) -> None:
    """Take every row that names the clinic out of every table, and give its role the new password."""
    tables = await connection.fetch(
        "SELECT c.relname, c.relkind = 'p' AS partitioned FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'clinic_id'"
        " WHERE n.nspname = 'atendeai' AND c.relkind IN ('p', 'r') AND NOT c.relispartition"
    )
    # No foreign key and no trigger asks: everything goes. One round trip, and the partitions by their own names: the
    # planner would look at every clinic's.
    statements = ["SET LOCAL session_replication_role = replica"]
    for table, partitioned in tables:
        found = f"{table}_{clinic.id.hex}" if partitioned else table
        statements.append(f"DELETE FROM atendeai.\"{found}\" WHERE clinic_id = '{clinic.id}'")  # noqa: S608 - ours
    if clinic.isolation == "Dedicated":
        statements.append(f"ALTER ROLE \"{clinic.role}\" PASSWORD '{verifier(clinic.password)}'")
    async with connection.transaction():
        await connection.execute(";".join(statements))


async def _make_role(connection: asyncpg.Connection, clinic: TestClinic) -> None:
    login = f"LOGIN PASSWORD '{verifier(clinic.password)}'" if clinic.isolation == "Dedicated" else "NOLOGIN"
    await connection.execute(f'CREATE ROLE "{clinic.role}" {login} INHERIT IN ROLE atendeai_clinic')
    await connection.execute(f'GRANT "{clinic.role}" TO atendeai_pool')


async def make_partitions(connection: asyncpg.Connection, clinic_id: UUID) -> None:
    """Give the clinic a partition of every tenant table that has none for it yet."""
    tables = await connection.fetch(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'atendeai' AND c.relkind = 'p' ORDER BY c.relname"
    )
    templates = await connection.fetch(
        "SELECT table_name, position, statement FROM atendeai.partition_template ORDER BY position, table_name"
    )
    made: list[str] = []
    for (table,) in tables:
        partition = f'atendeai."{table}_{clinic_id.hex}"'
        if await connection.fetchval("SELECT to_regclass($1)", partition) is not None:
            continue
        made.append(table)
        async with connection.transaction():
            await connection.execute("SET LOCAL ROLE atendeai_owner")
            await connection.execute(f'CREATE TABLE {partition} (LIKE atendeai."{table}" INCLUDING ALL)')
            await connection.execute(f"ALTER TABLE {partition} ENABLE ROW LEVEL SECURITY")
            await connection.execute(f"ALTER TABLE {partition} FORCE ROW LEVEL SECURITY")
            for template in templates:
                if template["table_name"] == table and template["position"] < AFTER_ALL_ATTACHED:
                    await connection.execute(_filled(template["statement"], table, clinic_id))
            await connection.execute(
                f"ALTER TABLE atendeai.\"{table}\" ATTACH PARTITION {partition} FOR VALUES IN ('{clinic_id}')"
            )
    for template in templates:
        if template["table_name"] in made and template["position"] >= AFTER_ALL_ATTACHED:
            async with connection.transaction():
                await connection.execute("SET LOCAL ROLE atendeai_owner")
                await connection.execute(_filled(template["statement"], template["table_name"], clinic_id))


def _filled(statement: str, table: str, clinic_id: UUID) -> str:
    """Fill a template's placeholders."""
    filled = statement.replace("{partition}", f'atendeai."{table}_{clinic_id.hex}"').replace("{hex}", clinic_id.hex)
    while "{partition:" in filled:
        before, _, rest = filled.partition("{partition:")
        other, _, after = rest.partition("}")
        filled = f'{before}atendeai."{other}_{clinic_id.hex}"{after}'
    return filled


async def _write(connection: asyncpg.Connection, clinic: TestClinic) -> None:
    row = clinic.row()
    columns = ", ".join(row)
    values = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    updates = ", ".join(f"{column} = excluded.{column}" for column in row if column != "clinic_id")
    await connection.execute(
        f"INSERT INTO atendeai.clinic_config ({columns}) VALUES ({values})"  # noqa: S608 - columns of our own
        f" ON CONFLICT (clinic_id) DO UPDATE SET {updates}, updated_at = now()",
        *row.values(),
    )
    await connection.execute("DELETE FROM atendeai.claim WHERE clinic_id = $1", clinic.id)
    claims = [("host", host) for host in clinic.settings["hosts"]]
    claims.append(("phone", clinic.phone_number_id))
    for kind, value in claims:
        await connection.execute(
            "INSERT INTO atendeai.claim (kind, value, clinic_id) VALUES ($1, $2, $3)", kind, value, clinic.id
        )


async def _make_redis_user(stack: Stack, clinic: TestClinic, *, known: bool) -> None:
    if clinic.isolation != "Dedicated" and not known:
        return
    client = aioredis.Redis.from_url(stack.redis.admin_url, protocol=2)
    try:
        if known:
            keys = [key async for key in client.scan_iter(f"clinic:{clinic.id}:*", count=1000)]
            if keys:
                await client.delete(*keys)
        if clinic.isolation != "Dedicated":
            return
        rules = clinic_rules(str(clinic.id)).split()
        await client.execute_command(
            "ACL", "SETUSER", f"clinic-{clinic.id.hex}", "reset", "on", f">{clinic.password}", *rules
        )
    finally:
        await client.aclose()
