"""SQL of message templates: what Meta last said of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_PUT = text(
    "INSERT INTO atendeai.whatsapp_template AS t"
    " (clinic_id, id, name, language, category, status, reason, meta_id, body, updated_at)"
    " VALUES (:clinic_id, :id, :name, :language, :category, :status, :reason, :meta_id, :body, :now)"
    " ON CONFLICT (clinic_id, name, language) DO UPDATE SET status = excluded.status, reason = excluded.reason,"
    " category = coalesce(excluded.category, t.category), meta_id = coalesce(excluded.meta_id, t.meta_id),"
    " body = coalesce(excluded.body, t.body), updated_at = excluded.updated_at"
)
_FORGET = text("DELETE FROM atendeai.whatsapp_template WHERE clinic_id = :clinic_id AND updated_at < :before")
_ALL = text(
    "SELECT name, language, category, status, reason, body, updated_at FROM atendeai.whatsapp_template"
    " WHERE clinic_id = :clinic_id ORDER BY name, language"
)
_ONE = text(
    "SELECT name, language, category, status, reason, body, updated_at FROM atendeai.whatsapp_template"
    " WHERE clinic_id = :clinic_id AND name = :name AND language = :language"
)
_SYNCED = text(
    "INSERT INTO atendeai.whatsapp_channel"
    " (clinic_id, id, account_checked_at, templates_synced_at, templates_problem)"
    " VALUES (:clinic_id, :clinic_id, :now, :at, :problem)"
    " ON CONFLICT (clinic_id, id) DO UPDATE SET templates_problem = excluded.templates_problem,"
    " account_checked_at = excluded.account_checked_at,"
    " templates_synced_at = coalesce(excluded.templates_synced_at, whatsapp_channel.templates_synced_at)"
)


@dataclass(frozen=True, slots=True)
class Known:
    """A template as Meta has it; `reason` says why it is not usable, where Meta gave one."""

    name: str
    language: str
    category: str | None
    status: str
    reason: str | None
    body: str | None
    updated_at: datetime | None = None
    meta_id: str | None = None


async def put(connection: AsyncConnection, clinic_id: UUID, template: Known, now: datetime) -> None:
    """Record what Meta says of a template; what it does not say stays as it was."""
    await connection.execute(
        _PUT,
        {
            "clinic_id": clinic_id,
            "id": uuid4(),
            "name": template.name,
            "language": template.language,
            "category": template.category,
            "status": template.status,
            "reason": template.reason,
            "meta_id": template.meta_id,
            "body": template.body,
            "now": now,
        },
    )


async def replace_all(connection: AsyncConnection, clinic_id: UUID, found: Sequence[Known], now: datetime) -> None:
    """Record the whole list: a template that is not in it any more is forgotten."""
    for template in sorted(found, key=lambda one: (one.name, one.language)):
        await put(connection, clinic_id, template, now)
    await connection.execute(_FORGET, {"clinic_id": clinic_id, "before": now})
    await connection.execute(_SYNCED, {"clinic_id": clinic_id, "now": now, "at": now, "problem": None})


async def not_synced(connection: AsyncConnection, clinic_id: UUID, problem: str, now: datetime) -> None:
    """Record why the list could not be read."""
    await connection.execute(_SYNCED, {"clinic_id": clinic_id, "now": now, "at": None, "problem": problem})


async def all_of(connection: AsyncConnection, clinic_id: UUID) -> list[Known]:
    """Return the templates that are known, by name."""
    return [Known(*row) for row in await connection.execute(_ALL, {"clinic_id": clinic_id})]


async def one(connection: AsyncConnection, clinic_id: UUID, name: str, language: str) -> Known | None:
    """Return one template."""
    names = {"clinic_id": clinic_id, "name": name, "language": language}
    row = (await connection.execute(_ONE, names)).one_or_none()
    return Known(*row) if row else None
