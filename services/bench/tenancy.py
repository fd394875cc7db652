"""``make bench-tenancy``: what row security and a thousand clinics' partitions cost a read.

The same statement, the same rows: once through the parent of a thousand partitions, as a clinic's role under forced row
security, once from a table without either. Compared is what PostgreSQL says of execution, alternately; and locks are
counted at each of the first twenty executions of one prepared statement, where a cached generic plan would show.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg

from atendeai.kit.testing.clinics import Stack
from bench import stand

CLINICS = int(os.environ.get("CLINICS", "1000"))
ROWS = 1000
"""Of each clinic that is read."""

ROUNDS = 400
EXECUTIONS = 20
MOST_LOCKS = 16
MOST_RATIO = 1.10

_READ = (
    "SELECT t.id, t.starts_at, t.status FROM {table} t WHERE t.clinic_id = $1 AND t.starts_at >= $2"
    " AND t.status = ANY($3::text[]) ORDER BY t.starts_at, t.id LIMIT 20"
)
_COLUMNS = "clinic_id uuid NOT NULL, id uuid NOT NULL, starts_at timestamptz NOT NULL, status text NOT NULL"
_STATES = ["booked", "arrived"]
_NOW = datetime.now(UTC)


async def prepare(connection: asyncpg.Connection) -> list[UUID]:
    """Make both tables with the same rows; the clinics."""
    clinics = [uuid4() for _ in range(CLINICS)]
    await connection.execute(
        f"CREATE TABLE atendeai.bench ({_COLUMNS}, PRIMARY KEY (clinic_id, id)) PARTITION BY LIST (clinic_id);"
        " CREATE INDEX ON atendeai.bench (clinic_id, starts_at, id);"
        " ALTER TABLE atendeai.bench ENABLE ROW LEVEL SECURITY; ALTER TABLE atendeai.bench FORCE ROW LEVEL SECURITY;"
        " CREATE POLICY tenant ON atendeai.bench USING (clinic_id = atendeai.current_clinic())"
        " WITH CHECK (clinic_id = atendeai.current_clinic());"
        " GRANT SELECT ON atendeai.bench TO atendeai_clinic;"
        f" CREATE TABLE public.plain ({_COLUMNS}, PRIMARY KEY (clinic_id, id));"
        " CREATE INDEX ON public.plain (clinic_id, starts_at, id);"
    )
    for clinic in clinics:
        name = f'atendeai."bench_{clinic.hex}"'
        await connection.execute(
            f"CREATE TABLE {name} (LIKE atendeai.bench INCLUDING ALL);"
            f" ALTER TABLE {name} ENABLE ROW LEVEL SECURITY; ALTER TABLE {name} FORCE ROW LEVEL SECURITY;"
            f" ALTER TABLE atendeai.bench ATTACH PARTITION {name} FOR VALUES IN ('{clinic}')"
        )
    read = clinics[:: max(1, CLINICS // 5)][:5]
    await connection.execute(
        "INSERT INTO public.plain SELECT c, gen_random_uuid(), now() + n * interval '1 hour',"
        " CASE n % 5 WHEN 0 THEN 'cancelled' ELSE 'booked' END"
        " FROM unnest($1::text[]::uuid[]) c, generate_series(1, $2::int) n",
        [str(clinic) for clinic in read],
        ROWS,
    )
    await connection.execute("INSERT INTO atendeai.bench SELECT * FROM public.plain")
    await connection.execute("VACUUM ANALYZE public.plain")
    await connection.execute("ANALYZE atendeai.bench")
    for clinic in read:
        await connection.execute(f'CREATE ROLE "clinic_{clinic.hex}" IN ROLE atendeai_clinic')
        await connection.execute(f'GRANT "clinic_{clinic.hex}" TO atendeai_pool')
    await connection.execute("GRANT SELECT ON public.plain TO atendeai_clinic; GRANT USAGE ON SCHEMA public TO PUBLIC")
    return read


async def execution(connection: asyncpg.Connection, table: str, clinic: UUID) -> float:
    """Milliseconds that PostgreSQL spent on executing one read, as the clinic."""
    async with connection.transaction():
        await connection.execute(f'SET LOCAL ROLE "clinic_{clinic.hex}"')
        text = "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + _READ.format(table=table)
        (plan,) = json.loads(await connection.fetchval(text, clinic, _NOW, _STATES))
        return float(plan["Execution Time"])


async def locks(connection: asyncpg.Connection, clinic: UUID) -> list[int]:
    """How many locks the transaction of each of the first executions held."""
    held = []
    statement = await connection.prepare(_READ.format(table="atendeai.bench"))
    for _ in range(EXECUTIONS):
        async with connection.transaction():
            await connection.execute(f'SET LOCAL ROLE "clinic_{clinic.hex}"')
            rows = await statement.fetch(clinic, _NOW, _STATES)
            if len(rows) != 20:  # noqa: PLR2004 - the page
                raise RuntimeError(f"{len(rows)} rows instead of 20")
            # but for the one that looking takes
            query = "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation <> 'pg_locks'::regclass"
            held.append(int(await connection.fetchval(query)))
    return held


async def measure(made: Stack) -> bool:
    """Print both and whether they are within what is wanted."""
    admin = await asyncpg.connect(made.postgres.admin_dsn)
    try:
        clinics = await prepare(admin)
    finally:
        await admin.close()
    # The codecs of arrays would be asked for in a way that this login may not; text[] is known.
    connection = await asyncpg.connect(made.postgres.dsn("atendeai_pool", "pool"))
    times: dict[str, list[float]] = {"atendeai.bench": [], "public.plain": []}
    try:
        held = await locks(connection, clinics[0])
        for index in range(ROUNDS):
            clinic = clinics[index % len(clinics)]
            for table in sorted(times, reverse=bool(index % 2)):
                times[table].append(await execution(connection, table, clinic))
    finally:
        await connection.close()
    guarded, plain = (statistics.median(times[table]) for table in ("atendeai.bench", "public.plain"))
    parts = [
        statistics.median(times["atendeai.bench"][part::5]) / statistics.median(times["public.plain"][part::5])
        for part in range(5)
    ]
    ratio = guarded / plain
    print(
        f"execution of a read, {CLINICS:,} partitions under row security {guarded:.3f} ms,"
        f" one bare table {plain:.3f} ms: ratio {ratio:.2f} ({min(parts):.2f} to {max(parts):.2f});"
        f" goal at most {MOST_RATIO}: {'met' if ratio <= MOST_RATIO else 'missed'}"
    )
    print(
        f"locks at executions 1 to {EXECUTIONS}: {min(held)} to {max(held)}; goal at most {MOST_LOCKS}:"
        f" {'met' if max(held) <= MOST_LOCKS else 'missed'}"
    )
    return ratio <= MOST_RATIO and max(held) <= MOST_LOCKS


def main() -> None:
    """Measure, and say by the exit code whether it is as wanted."""
    with stand.stack() as made:
        good = asyncio.run(measure(made))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
