"""``make bench-services``: webhook ingest and a tenant read, side by side with the same in Fastify and node-postgres.

Each contestant is one process; 64 connections; the same PostgreSQL, the same statements, every commit on disk before
its answer. The rounds alternate, so that what else this machine does falls on all of them; ratios are taken round by
round. `RUNS` and `REQUESTS` of the environment make it longer or shorter.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import date, timedelta
from typing import Any

import asyncpg

from atendeai.kit.testing.clinics import Stack, TestClinic
from bench import diary, requests, sql, stand
from bench.table import Goal, show

RUNS = max(5, int(os.environ.get("RUNS", "5")))
REQUESTS = min(200_000, int(os.environ.get("REQUESTS", "10000")))
WARM = 1000
RUN_SECONDS = 60.0
PEER_POOL = 16
"""Connections of the plain peer to PostgreSQL; the services' pool has 6 to 18."""

LANES = 2
CHURN = 20_000
OURS = "atendeai"
PLAIN, GROUPED = "fastify", "fastify, grouped"

Make = Callable[[int], list[bytes]]


def rounds(servers: Mapping[str, stand.Server], make: Make) -> dict[str, list[dict[str, Any]]]:
    """Measure each server in turn, round after round; whoever is first differs from round to round."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in servers}
    for server in servers.values():
        stand.load(server, make(WARM))
    names = list(servers)
    for number in range(RUNS):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            report = stand.load(servers[name], make(REQUESTS), seconds=RUN_SECONDS)
            if set(report["statuses"]) != {"200"}:
                raise RuntimeError(f"{name} answered {report['statuses']}")
            runs[name].append(report)
    return runs


def contest(made: Stack, service: str, clinics: list[TestClinic], make: Make) -> dict[str, list[dict[str, Any]]]:
    """Start the service and both peers, and measure them."""
    with ExitStack() as running:
        ours = running.enter_context(stand.service(made, service))
        statements = sql.statements()
        shared = {"lanes": LANES, "limit": 10**9, "statuses": sql.STATUSES, "lapsed": sql.LAPSED_REASONS}
        plain = running.enter_context(stand.peer(made, clinics, statements, pool=PEER_POOL, group=False, **shared))
        grouped = running.enter_context(stand.peer(made, clinics, statements, pool=PEER_POOL, group=True, **shared))
        return rounds({OURS: ours, PLAIN: plain, GROUPED: grouped}, make)


def floor(made: Stack, clinic: TestClinic) -> None:
    """Show what the load generator reaches when the server does nothing."""
    with stand.peer(made, [clinic], {}, pool=1, group=False, lanes=1) as server:
        nothing = [b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"]
        stand.load(server, nothing * WARM)
        report = stand.load(server, nothing * REQUESTS)
    print(
        f"floor: the load generator and a server that does nothing: {report['throughput']:,.0f} requests/s,"
        f" p99 {report['p99_ms']:.1f} ms"
    )


def ingest(made: Stack) -> None:
    """Webhooks of one clinic, one message each."""
    clinic = stand.clinic(made)
    before = stored(made, clinic)
    runs = contest(made, "whatsapp", [clinic], lambda count: requests.webhooks([clinic], count))
    acknowledged = sum(report["answered"] for reports in runs.values() for report in reports) + WARM * len(runs)
    found = stored(made, clinic) - before
    goals = [
        Goal(PLAIN, "throughput", 1.1),
        Goal(PLAIN, "p99_ms", 0.5, most=True),
        Goal(GROUPED, "throughput", 0.75),
    ]
    show("webhook ingest (signature, store once, 200)", runs, goals)
    print(f"  acknowledged {acknowledged:,}, found in PostgreSQL {found:,}")
    if found != acknowledged:
        raise SystemExit("what was acknowledged is not what was stored")


def read(made: Stack) -> None:
    """Days of one clinic, twenty appointments each."""
    clinic = stand.clinic(made)
    days = requests.days(date.today() + timedelta(days=7), 30)  # noqa: DTZ011 - any days will do
    diary.fill(clinic, days)
    runs = contest(made, "appointment", [clinic], lambda count: requests.reads(clinic, days, count))
    goals = [Goal(PLAIN, "throughput", 1.0), Goal(PLAIN, "p99_ms", 0.5, most=True)]
    show("tenant read (token, limit, row security, 20 appointments, audit)", runs, goals)
    sizes = {
        name: statistics.median(report["bytes"] / report["answered"] for report in of) for name, of in runs.items()
    }
    print("  bytes an answer: " + ", ".join(f"{name} {size:,.0f}" for name, size in sizes.items()))


def metrics(made: Stack) -> None:
    """`/metrics` after as many kinds of requests as a caller can think of."""
    chance = random.Random(1)  # noqa: S311 - any will do
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    strange = [
        (
            f"{chance.choice(methods)} /api/v1/{chance.getrandbits(64):x} HTTP/1.1\r\n"
            f"Host: {chance.getrandbits(32):x}.example\r\nContent-Length: 0\r\n\r\n"
        ).encode()
        for _ in range(CHURN)
    ]
    with stand.service(made, "appointment") as server:
        stand.load(server, strange)
        report = stand.load(server, [b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"] * 50, connections=1)
    size = report["bytes"] / report["answered"]
    verdict = "met" if report["max_ms"] <= 50 else "missed"  # noqa: PLR2004 - the goal
    print(
        f"\n/metrics after {CHURN:,} requests of {CHURN:,} paths: p50 {report['p50_ms']:.1f} ms,"
        f" longest of 50 {report['max_ms']:.1f} ms, {size:,.0f} bytes; goal 50 ms: {verdict}"
    )


def stored(made: Stack, clinic: TestClinic) -> int:
    """How many messages of the clinic PostgreSQL holds."""

    async def count() -> int:
        connection = await asyncpg.connect(made.postgres.admin_dsn)
        try:
            query = "SELECT count(*) FROM atendeai.whatsapp_inbound WHERE clinic_id = $1"
            return int(await connection.fetchval(query, clinic.id))
        finally:
            await connection.close()

    return asyncio.run(count())


def main() -> None:
    """Run all of it."""
    stand.build_load()
    stand.install_peer()
    with stand.stack() as made:
        floor(made, stand.clinic(made))
        ingest(made)
        read(made)
        metrics(made)


if __name__ == "__main__":
    main()
