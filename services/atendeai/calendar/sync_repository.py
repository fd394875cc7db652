"""The SQL of reading along: how far each calendar was read, and the channels by which Google tells of changes.

Whoever reads a calendar has its number, `reading`; the next reader has the next. What a reader writes counts only while
the number is its own, so that one that lost its lease and does not know it yet neither turns the clock back nor opens a
second channel. Of a channel's token only the hash is kept: it is compared, never sent again. Every statement names its
clinic.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit.work import enqueue

__all__ = ["SYNC_QUEUE", "Channel", "SyncRepository", "SyncRow"]

SYNC_QUEUE = "calendar.sync"
"""Its keys are calendars."""


@dataclass(frozen=True, slots=True)
class SyncRow:
    """One calendar. `error` is why the last attempt failed, `watch_refused` why Google opens no channel for it."""

    calendar_id: str
    sync_token: str | None = None
    last_synced_at: datetime | None = None
    failures: int = 0
    error: str | None = None
    watch_refused: str | None = None
    watch_again_at: datetime | None = None
    reading: int = 0
    """The number of the reader this row was given to."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One watch channel; without a resource id Google was asked for it and has not answered yet."""

    id: UUID
    calendar_id: str
    token_sha256: bytes
    resource_id: str | None
    opened_at: datetime
    expires_at: datetime
    heard_at: datetime | None = None


class SyncRepository:
    """Reads and writes one clinic's rows inside one transaction of the kit."""

    def __init__(self, connection: AsyncConnection, clinic_id: UUID) -> None:
        self._connection = connection
        self._clinic_id = clinic_id

    async def all(self) -> dict[str, SyncRow]:
        """Return every calendar of the clinic that is read along, by its id."""
        rows = await self._run(
            "SELECT calendar_id, sync_token, last_synced_at, failures, error, watch_refused, watch_again_at, reading"
            " FROM atendeai.calendar_sync WHERE clinic_id = :clinic_id"
        )
        return {row["calendar_id"]: SyncRow(**row) for row in rows.mappings()}

    async def begin(self, calendar_id: str) -> SyncRow:
        """Begin to read a calendar: return its row, an empty one when it was never read, with a number of its own."""
        rows = await self._run(
            "INSERT INTO atendeai.calendar_sync AS s (clinic_id, calendar_id, reading)"
            " VALUES (:clinic_id, :calendar_id, 1)"
            " ON CONFLICT (clinic_id, calendar_id) DO UPDATE SET reading = s.reading + 1 RETURNING calendar_id,"
            " sync_token, last_synced_at, failures, error, watch_refused, watch_again_at, reading",
            calendar_id=calendar_id,
        )
        return SyncRow(**rows.mappings().one())

    async def holds(self, row: SyncRow) -> bool:
        """Whether the calendar is still this reader's; nobody else begins before the end of the transaction."""
        rows = await self._run(
            "SELECT reading FROM atendeai.calendar_sync WHERE clinic_id = :clinic_id AND calendar_id = :calendar_id"
            " FOR UPDATE",
            calendar_id=row.calendar_id,
        )
        return bool(rows.scalar() == row.reading)

    async def save(self, row: SyncRow) -> bool:
        """Write what this reader learnt of a calendar; False when it is not this reader's any more."""
        result = await self._run(
            "UPDATE atendeai.calendar_sync SET sync_token = :sync_token, last_synced_at = :last_synced_at,"
            " failures = :failures, error = :error, watch_refused = :watch_refused, watch_again_at = :watch_again_at"
            " WHERE clinic_id = :clinic_id AND calendar_id = :calendar_id AND reading = :reading",
            calendar_id=row.calendar_id,
            reading=row.reading,
            sync_token=row.sync_token,
            last_synced_at=row.last_synced_at,
            failures=row.failures,
            error=row.error,
            watch_refused=row.watch_refused,
            watch_again_at=row.watch_again_at,
        )
        return bool(result.rowcount == 1)

    async def anew(self, calendar_id: str) -> None:
        """Have everything in a calendar read again, also by whoever is reading it at this moment."""
        await self._run(
            "UPDATE atendeai.calendar_sync SET sync_token = NULL, reading = reading + 1"
            " WHERE clinic_id = :clinic_id AND calendar_id = :calendar_id",
            calendar_id=calendar_id,
        )
        await enqueue(self._connection, self._clinic_id, SYNC_QUEUE, calendar_id)

    async def forget(self, calendar_id: str) -> None:
        """Drop a calendar that the clinic does not keep any more."""
        await self._run(
            "DELETE FROM atendeai.calendar_sync WHERE clinic_id = :clinic_id AND calendar_id = :calendar_id",
            calendar_id=calendar_id,
        )

    # ------------------------------------------------------------------ channels

    async def channels(self, calendar_id: str | None = None) -> list[Channel]:
        """Return the channels, the one that lasts longest first; of one calendar, when given."""
        rows = await self._run(
            "SELECT id, calendar_id, token_sha256, resource_id, opened_at, expires_at, heard_at"
            " FROM atendeai.calendar_channel WHERE clinic_id = :clinic_id"
            " AND (CAST(:calendar_id AS text) IS NULL OR calendar_id = :calendar_id) ORDER BY expires_at DESC, id",
            calendar_id=calendar_id,
        )
        return [Channel(**row) for row in rows.mappings()]

    async def channel(self, channel_id: UUID) -> Channel | None:
        """Return one channel."""
        rows = await self._run(
            "SELECT id, calendar_id, token_sha256, resource_id, opened_at, expires_at, heard_at"
            " FROM atendeai.calendar_channel WHERE clinic_id = :clinic_id AND id = :id",
            id=channel_id,
        )
        row = rows.mappings().one_or_none()
        return Channel(**row) if row else None

    async def keep(self, channel: Channel) -> None:
        """Write a channel, before it is asked for and once it is open."""
        await self._run(
            "INSERT INTO atendeai.calendar_channel (clinic_id, id, calendar_id, token_sha256, resource_id, opened_at,"
            " expires_at) VALUES (:clinic_id, :id, :calendar_id, :token_sha256, :resource_id, :opened_at, :expires_at)"
            " ON CONFLICT (clinic_id, id) DO UPDATE SET resource_id = excluded.resource_id,"
            " expires_at = excluded.expires_at",
            id=channel.id,
            calendar_id=channel.calendar_id,
            token_sha256=channel.token_sha256,
            resource_id=channel.resource_id,
            opened_at=channel.opened_at,
            expires_at=channel.expires_at,
        )

    async def heard(self, channel_id: UUID, at: datetime, resource_id: str | None, until: datetime | None) -> None:
        """Note that Google reaches us on this channel; a first message also says what an answer that got lost said."""
        await self._run(
            "UPDATE atendeai.calendar_channel SET heard_at = :at,"
            " expires_at = CASE WHEN resource_id IS NULL THEN coalesce(:until, expires_at) ELSE expires_at END,"
            " resource_id = coalesce(resource_id, :resource_id) WHERE clinic_id = :clinic_id AND id = :id",
            id=channel_id,
            at=at,
            resource_id=resource_id,
            until=until,
        )

    async def unheard(self, calendar_id: str, since: datetime) -> bool:
        """Note that Google does not reach us any more: it kept silent about a change at `since`. Whether it did."""
        result = await self._run(
            "UPDATE atendeai.calendar_channel SET heard_at = NULL WHERE clinic_id = :clinic_id"
            " AND calendar_id = :calendar_id AND opened_at < :since AND heard_at < :since",
            calendar_id=calendar_id,
            since=since,
        )
        return bool(result.rowcount)

    async def drop(self, channel_id: UUID) -> None:
        """Forget a channel."""
        await self._run(
            "DELETE FROM atendeai.calendar_channel WHERE clinic_id = :clinic_id AND id = :id", id=channel_id
        )

    async def _run(self, statement: str, **arguments: Any) -> Any:
        return await self._connection.execute(text(statement), {"clinic_id": self._clinic_id} | arguments)
