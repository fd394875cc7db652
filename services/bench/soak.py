"""``make soak-tenancy``: a million mixed requests of two clinics, many of them cancelled, through a transaction pooler.

Not one row and not one key of the other may come back. Fewer connections than requests, in the services and in the
pooler, so that both clinics' transactions follow each other on every one of them.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import asyncpg
import orjson
import structlog
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from atendeai.appointment.app import create_app
from atendeai.kit import audit, clock
from atendeai.kit.db import driver, sqlstate
from atendeai.kit.errors import Unavailable
from atendeai.kit.resources import Kit
from atendeai.kit.testing.clinics import Stack, TestClinic
from atendeai.kit.testing.servers import pooler
from atendeai.whatsapp.ingest import Ingest
from atendeai.whatsapp.payload import parse
from bench import diary, stand

AT_ONCE = 24
CANCELLED = 0.25
"""How many of the requests are broken off, at any moment of their first few milliseconds."""

PROGRESS = 50_000
"""After how many requests it is said how far it has come."""

DAYS = [date(2031, 3, 3) + timedelta(days=index) for index in range(5)]
_ROWS = text("SELECT clinic_id FROM atendeai.audit_event LIMIT 200")
_FORBIDDEN = "42501"


@dataclass
class Soak:
    """What two clinics ask for, and what came back."""

    kit: Kit
    app: FastAPI
    ingest: Ingest
    clinics: Sequence[TestClinic]
    chance: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    foreign: list[str] = field(default_factory=list)
    """What came back that was the other's. Nothing may."""

    headers: dict[str, list[tuple[bytes, bytes]]] = field(default_factory=dict)

    async def run(self, requests: int, *, seconds: float, say: Callable[[str], None] = lambda _: None) -> None:
        """Send so many requests, or as many as fit into the time; `say` hears now and then how far it is."""
        begun = time.monotonic()
        left, done, ends = requests, 0, begun + seconds

        async def worker() -> None:
            nonlocal left, done
            while left > 0 and time.monotonic() < ends:
                left -= 1
                await self._one()
                done += 1
                if done % PROGRESS == 0:
                    passed = time.monotonic() - begun
                    say(f"  {done:>12,} requests after {passed:,.0f} s, foreign: {len(self.foreign)}")

        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))

    async def _one(self) -> None:
        kind, ask = self.chance.choice(self._kinds())
        clinic = self.chance.choice(self.clinics)
        task = asyncio.create_task(ask(clinic))
        if self.chance.random() < CANCELLED:
            await asyncio.sleep(self.chance.random() * 0.02)
            task.cancel()
        try:
            await task
            self.counts[kind] += 1
        except asyncio.CancelledError:
            self.counts["cancelled"] += 1
        except Unavailable:
            self.counts["unavailable"] += 1

    def _kinds(self) -> Sequence[tuple[str, Callable[[TestClinic], Coroutine[Any, Any, None]]]]:
        return (
            ("fast read", self._fast),
            ("fast read", self._fast),
            ("read", self._slow),
            ("webhook", self._webhook),
            ("webhook", self._webhook),
            ("rows", self._rows),
            ("write", self._write),
            ("foreign write", self._foreign_write),
            ("across", self._across),
            ("keys", self._keys),
        )

    def _expect(self, what: str, clinic: TestClinic, found: object, wanted: object) -> None:
        if found != wanted:
            self.foreign.append(f"{what} of {clinic.name}: {found!r} instead of {wanted!r}")

    # ------------------------------------------------------------ over HTTP
    async def _fast(self, clinic: TestClinic) -> None:
        await self._get(clinic, f"date={self.chance.choice(DAYS)}&page_size=20")

    async def _slow(self, clinic: TestClinic) -> None:
        await self._get(clinic, f"date={self.chance.choice(DAYS)}&professional_code=ana&page_size=20")

    async def _get(self, clinic: TestClinic, query: str) -> None:
        status, headers, body = await self._call(clinic, "/api/v1/appointments", query)
        self.counts[f"status {status}"] += 1
        if status != 200:  # noqa: PLR2004
            return
        self._expect("X-Clinic-ID", clinic, headers.get(b"x-clinic-id"), str(clinic.id).encode())
        for item in orjson.loads(body)["items"]:
            self._expect("a patient", clinic, item["patient"]["name"], clinic.name)

    async def _call(self, clinic: TestClinic, path: str, query: str) -> tuple[int, dict[bytes, bytes], bytes]:
        if clinic.name not in self.headers:
            given = clinic.headers("receptionist", seconds=86_400)
            self.headers[clinic.name] = [(key.lower().encode(), value.encode()) for key, value in given.items()]
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": self.headers[clinic.name],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 1),
        }
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        body = b"".join(message.get("body", b"") for message in sent)
        return sent[0]["status"], dict(sent[0]["headers"]), body

    # ------------------------------------------------------------ what arrives together
    async def _webhook(self, clinic: TestClinic) -> None:
        sender = f"55119{80000000 + self.chance.randrange(50)}"
        message = {
            "from": sender,
            "id": f"{clinic.name}.{uuid4().hex}",
            "timestamp": str(int(time.time())),
            "type": "text",
            "text": {"body": clinic.name},
        }
        value = {
            "metadata": {"phone_number_id": clinic.phone_number_id},
            "contacts": [{"profile": {"name": clinic.name}, "wa_id": sender}],
            "messages": [message],
        }
        body = orjson.dumps({"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]})
        if await self.ingest.take(clinic.tenant, parse(body, clock.now())) is None:
            self.counts["apart"] += 1

    # ------------------------------------------------------------ transactions
    async def _rows(self, clinic: TestClinic) -> None:
        """Ask for all rows there are: row security alone stands before the other's."""
        async with self.kit.database.transaction(clinic.id) as connection:
            zone = await driver(connection).fetchval("SELECT current_setting('timezone')")
            if zone not in ("Etc/UTC", "UTC", "GMT"):
                self.foreign.append(f"a time zone was left behind: {zone}")
            for (owner,) in await connection.execute(_ROWS):
                self._expect("a row", clinic, owner, clinic.id)

    async def _write(self, clinic: TestClinic) -> None:
        async with self.kit.database.transaction(clinic.id) as connection:
            await connection.execute(text("SET LOCAL timezone TO 'America/Manaus'"))
            await audit.record(connection, clinic.id, "service:soak", "soak", clinic.name, reason="soaked")
            role = await driver(connection).fetchval("SELECT current_user::text")
            self._expect("the role", clinic, role, clinic.role)

    async def _foreign_write(self, clinic: TestClinic) -> None:
        other = next(one for one in self.clinics if one is not clinic)
        try:
            async with self.kit.database.transaction(clinic.id) as connection:
                await audit.record(connection, other.id, "service:soak", "soak", clinic.name, reason="soaked")
        except DBAPIError as error:
            self._expect("the refusal", clinic, sqlstate(error), _FORBIDDEN)
        else:
            self.foreign.append(f"{clinic.name} wrote a row of {other.name}")

    async def _across(self, clinic: TestClinic) -> None:
        other = next(one for one in self.clinics if one is not clinic)
        async with self.kit.database.across(clinic.id) as across:
            for one in (clinic, other, clinic):
                connection = await across.enter(one.id)
                for (owner,) in await driver(connection).fetch("SELECT clinic_id FROM atendeai.patient LIMIT 20"):
                    self._expect("a row across", one, owner, one.id)

    # ------------------------------------------------------------ Redis
    async def _keys(self, clinic: TestClinic) -> None:
        redis = self.kit.cache.for_tenant(clinic.id)
        name = f"soak:{self.chance.randrange(20)}"
        await redis.set(name, f"{clinic.id}:{name}", seconds=600)
        found = await redis.get(name)
        if found is not None:
            self._expect("a key", clinic, found.decode(), f"{clinic.id}:{name}")
        await redis.publish("soak", clinic.name)


async def prepare(made: Stack, port: int, clinics: Sequence[TestClinic]) -> Soak:
    """Make the services of a soak, in this process, behind the pooler at that port."""
    url = SecretStr(f"postgresql://atendeai_pool:pool@127.0.0.1:{port}/atendeai")
    settings = made.settings("appointment", database_url=url, database_pool_size=6, redis_pool_size=4)
    kit = Kit(settings)
    return Soak(kit, create_app(settings, kit=kit), Ingest(kit, "soak"), clinics, random.Random(7))  # noqa: S311


async def crossed(made: Stack, clinics: Sequence[TestClinic]) -> int:
    """How many rows lie in the partition of a clinic whose content says that it is the other's."""
    connection = await asyncpg.connect(made.postgres.admin_dsn)
    try:
        found = 0
        for clinic in clinics:
            for query in (
                "SELECT count(*) FROM atendeai.whatsapp_inbound WHERE clinic_id = $1 AND text <> $2",
                "SELECT count(*) FROM atendeai.whatsapp_contact WHERE clinic_id = $1 AND name <> $2",
                "SELECT count(*) FROM atendeai.audit_event WHERE clinic_id = $1 AND action = 'soak' AND target <> $2",
            ):
                found += await connection.fetchval(query, clinic.id, clinic.name)
        return found
    finally:
        await connection.close()


def main() -> None:
    """Soak, say what was counted, and fail on the first thing that was the other's."""
    requests = int(os.environ.get("REQUESTS", "1000000"))
    seconds = float(os.environ.get("SECONDS_AT_MOST", str(4 * 3600)))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    limits = {"security": {"rateLimits": {"api": {"minute": 10**9, "hour": 10**9}}}}
    with stand.stack({"fsync": "off", "synchronous_commit": "off"}) as made:
        clinics = [stand.clinic(made, name=name, settings=limits) for name in ("sol", "lua")]
        for clinic in clinics:
            diary.fill(clinic, DAYS, patient=clinic.name)
        with pooler(made.postgres, {"atendeai_pool": "pool"}) as gate:

            async def soak() -> Soak:
                prepared = await prepare(made, gate.port, clinics)
                try:
                    await prepared.run(requests, seconds=seconds, say=partial(print, flush=True))
                finally:
                    await prepared.kit.close()
                return prepared

            done = asyncio.run(soak())
        rows = asyncio.run(crossed(made, clinics))
    for kind, count in sorted(done.counts.items()):
        print(f"  {kind:<16}{count:>12,}")
    print(f"rows in the other's partition: {rows}; answers with something of the other's: {len(done.foreign)}")
    for line in done.foreign[:20]:
        print(f"  {line}")
    if rows or done.foreign:
        sys.exit(1)


if __name__ == "__main__":
    main()
