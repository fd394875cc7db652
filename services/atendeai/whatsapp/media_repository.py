"""SQL of files: those that came with messages and those that staff send. Bytes are read only where they are needed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.whatsapp.content import File

_FILE = (
    "SELECT id, inbound_id, contact_id, meta_id, kind, declared_type, mime_type, filename, state, problem, size,"
    " expected, sha256, attempts, created_at, ready_at FROM atendeai.whatsapp_media"
    " WHERE clinic_id = :clinic_id AND id = :id"
)
_GET = text(_FILE)
_GET_LOCKED = text(_FILE + " FOR UPDATE")
_EXPECT = text(
    "INSERT INTO atendeai.whatsapp_media"
    " (clinic_id, id, inbound_id, contact_id, meta_id, kind, declared_type, filename, expected, state, created_at)"
    " VALUES (:clinic_id, :id, :inbound_id, :contact_id, :meta_id, :kind, :declared, :filename, :expected, 'waiting',"
    " :now)"
)
_BYTES = text("SELECT content FROM atendeai.whatsapp_media WHERE clinic_id = :clinic_id AND id = :id")
_TRIED = text(
    "UPDATE atendeai.whatsapp_media SET attempts = attempts + 1, problem = :problem"
    " WHERE clinic_id = :clinic_id AND id = :id"
)
_STORED = text(
    "UPDATE atendeai.whatsapp_media SET state = 'stored', mime_type = :mime_type, content = :content, size = :size,"
    " sha256 = :sha256, problem = NULL WHERE clinic_id = :clinic_id AND id = :id AND state = 'waiting'"
)
_REFUSED = text(
    "UPDATE atendeai.whatsapp_media SET state = 'refused', problem = :problem, content = NULL, size = 0,"
    " ready_at = coalesce(ready_at, :now) WHERE clinic_id = :clinic_id AND id = :id AND state = 'waiting'"
)
_READY = text(
    "UPDATE atendeai.whatsapp_media SET ready_at = coalesce(ready_at, :now) WHERE clinic_id = :clinic_id AND id = :id"
)
_TRANSCRIBED = text(
    "UPDATE atendeai.whatsapp_inbound SET text = :text, transcribed = true"
    " WHERE clinic_id = :clinic_id AND media_id = :id AND id = :inbound_id AND revoked_at IS NULL"
)
_APPEND = text(
    "UPDATE atendeai.whatsapp_media SET content = coalesce(content, ''::bytea) || CAST(:part AS bytea),"
    " size = size + :length WHERE clinic_id = :clinic_id AND id = :id"
)
_AT_META = text("UPDATE atendeai.whatsapp_media SET meta_id = :meta_id WHERE clinic_id = :clinic_id AND id = :id")
# Uploads that were begun, or never sent, for a day; not what a message carries.
_TIDY = text(
    "DELETE FROM atendeai.whatsapp_media m WHERE m.clinic_id = :clinic_id AND m.inbound_id IS NULL"
    " AND m.created_at < :before AND NOT EXISTS (SELECT 1 FROM atendeai.whatsapp_outbound o"
    " WHERE o.clinic_id = :clinic_id AND o.media_id = m.id)"
)


@dataclass(frozen=True, slots=True)
class Media:
    """A file without its bytes. `state`: waiting, stored, refused (see `problem`), erased by the person who sent it."""

    id: UUID
    inbound_id: UUID | None
    contact_id: UUID | None
    meta_id: str | None
    kind: str
    declared_type: str | None
    mime_type: str | None
    filename: str | None
    state: str
    problem: str | None
    size: int
    expected: int | None
    sha256: str | None
    attempts: int
    created_at: datetime
    ready_at: datetime | None


async def expect(
    connection: AsyncConnection,
    clinic_id: UUID,
    media: UUID,
    kind: str,
    file: File,
    now: datetime,
    *,
    inbound: UUID,
    contact: UUID,
) -> None:
    """Make the row of a file that came with a message and is still to be fetched."""
    names = {"inbound_id": inbound, "contact_id": contact, "meta_id": file.meta_id, "kind": kind, "expected": None}
    told = {"declared": file.mime_type, "filename": file.filename}
    await connection.execute(_EXPECT, {"clinic_id": clinic_id, "id": media, "now": now, **names, **told})


async def expect_upload(
    connection: AsyncConnection,
    clinic_id: UUID,
    media: UUID,
    declared: str,
    filename: str | None,
    now: datetime,
    *,
    size: int,
) -> None:
    """Make the row of a file that staff are about to upload."""
    names = {"inbound_id": None, "contact_id": None, "meta_id": None, "kind": "upload", "expected": size}
    told = {"declared": declared, "filename": filename}
    await connection.execute(_EXPECT, {"clinic_id": clinic_id, "id": media, "now": now, **names, **told})


async def get(connection: AsyncConnection, clinic_id: UUID, media: UUID, *, lock: bool = False) -> Media | None:
    """Return a file without its bytes."""
    statement = _GET_LOCKED if lock else _GET
    row = (await connection.execute(statement, {"clinic_id": clinic_id, "id": media})).one_or_none()
    return Media(*row) if row else None


async def content(connection: AsyncConnection, clinic_id: UUID, media: UUID) -> bytes:
    """Return a file's bytes; none for one that has none (any more)."""
    found = (await connection.execute(_BYTES, {"clinic_id": clinic_id, "id": media})).scalar_one_or_none()
    return bytes(found) if found is not None else b""


async def tried(connection: AsyncConnection, clinic_id: UUID, media: UUID, problem: str) -> None:
    """Count an attempt that failed."""
    await connection.execute(_TRIED, {"clinic_id": clinic_id, "id": media, "problem": problem})


async def stored(
    connection: AsyncConnection, clinic_id: UUID, media: UUID, mime_type: str, body: bytes, sha256: str
) -> None:
    """Keep a file's bytes, unless it was deleted by its sender meanwhile."""
    names = {"mime_type": mime_type, "content": body, "size": len(body), "sha256": sha256}
    await connection.execute(_STORED, {"clinic_id": clinic_id, "id": media, **names})


async def refused(connection: AsyncConnection, clinic_id: UUID, media: UUID, problem: str, now: datetime) -> None:
    """Give a file up, with the reason."""
    await connection.execute(_REFUSED, {"clinic_id": clinic_id, "id": media, "problem": problem, "now": now})


async def ready(
    connection: AsyncConnection, clinic_id: UUID, media: Media, transcript: str | None, now: datetime
) -> None:
    """Record that nothing more will become of a file, and what its voice says, where that was written down."""
    if transcript is not None:
        names = {"id": media.id, "inbound_id": media.inbound_id, "text": transcript}
        await connection.execute(_TRANSCRIBED, {"clinic_id": clinic_id, **names})
    await connection.execute(_READY, {"clinic_id": clinic_id, "id": media.id, "now": now})


async def append(connection: AsyncConnection, clinic_id: UUID, media: UUID, part: bytes) -> None:
    """Add a part at the end of an upload."""
    await connection.execute(_APPEND, {"clinic_id": clinic_id, "id": media, "part": part, "length": len(part)})


async def at_meta(connection: AsyncConnection, clinic_id: UUID, media: UUID, meta_id: str) -> None:
    """Record under which id Meta holds a file."""
    await connection.execute(_AT_META, {"clinic_id": clinic_id, "id": media, "meta_id": meta_id})


async def tidy(connection: AsyncConnection, clinic_id: UUID, before: datetime) -> None:
    """Forget uploads that were never sent."""
    await connection.execute(_TIDY, {"clinic_id": clinic_id, "before": before})
