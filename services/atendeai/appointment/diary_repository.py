"""SQL of days of the diary, for many readers at once: each page as JSON, and each reader's line in the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.appointment.models import NEVER_LISTED
from atendeai.kit.db import driver
from atendeai.kit.responses import dumps

# What `Appointment.as_json` writes (a test compares them), without a Python object for each row and each moment. The
# transaction's time zone is the clinic's, so a moment is written with its offset. Absent fields are left out of the
# text, for an object that loses its nulls would lose those that belong there.
_ITEM = """
  left(json_build_object(
    'id', a.id, 'status', a.status, 'start', a.starts_at, 'end', a.ends_at,
    'service_code', a.service_code, 'service_name', a.service_name,
    'professional_code', a.professional_code, 'professional_name', a.professional_name,
    'patient', json_build_object('id', a.patient_id, 'name', a.patient_name, 'contact_id', a.contact_id),
    'participant', json_build_array(
      json_build_object(
        'actor', json_build_object('type', 'Patient', 'reference', 'Patient/' || a.patient_id::text,
          'display', a.patient_name),
        'status', CASE WHEN a.status = 'cancelled' AND a.cancel_code = 'pat' THEN 'declined'
          WHEN a.confirmed_at IS NOT NULL OR a.status IN ('arrived', 'checked-in', 'fulfilled') THEN 'accepted'
          ELSE 'needs-action' END),
      json_build_object(
        'actor', json_build_object('type', 'Practitioner', 'reference', 'Practitioner/' || a.professional_code,
          'display', a.professional_name),
        'status', CASE WHEN a.conflict IS NULL THEN 'accepted' ELSE 'tentative' END)),
    'source', a.source, 'calendar', json_build_object('state', a.calendar_state, 'error', a.calendar_error),
    'created_at', a.created_at, 'version', a.version)::text, -1)
  || CASE WHEN a.status = 'proposed' THEN ',"expires_at":' || to_json(a.expires_at)::text ELSE '' END
  || CASE WHEN a.confirmed_at IS NULL THEN '' ELSE ',"confirmed_at":' || to_json(a.confirmed_at)::text END
  || CASE WHEN a.cancel_reason IS NULL THEN '' ELSE ',"cancel_reason":' || to_json(a.cancel_reason)::text
    || ',"cancellation_reason":'
    || json_build_object('code', coalesce(a.cancel_code, 'other'), 'text', a.cancel_reason)::text END
  || CASE WHEN a.waitlist_id IS NULL THEN '' ELSE ',"waitlist_id":' || to_json(a.waitlist_id)::text END
  || CASE WHEN a.conflict IS NULL THEN '' ELSE ',"conflict":' || a.conflict::text END
  || '}'
"""

# $1 clinic, $2 now, $3 the fields of each `Look`, as JSON, $4 cancel reasons that are shown to nobody. One row more
# than a page tells that there is another page; then nothing is noted, for somebody else answers.
READ = f"""
WITH page AS MATERIALIZED (
  SELECT r.n, r.event, r.actor, r.size, x.found, x.items, x.ids
  FROM json_to_recordset($3::json) AS r(n int, event uuid, actor text, first timestamptz, beyond timestamptz, size int)
  CROSS JOIN LATERAL (
    SELECT count(*) AS found, coalesce(string_agg(p.item, ',' ORDER BY p.starts_at, p.id), '') AS items,
      coalesce(json_agg(p.id ORDER BY p.starts_at, p.id), '[]') AS ids
    FROM (
      SELECT a.id, a.starts_at, {_ITEM} AS item FROM atendeai.appointment a
      WHERE a.clinic_id = $1 AND a.starts_at >= r.first AND a.starts_at < r.beyond
        AND coalesce(a.cancel_reason, '') <> ALL($4::text[])
      ORDER BY a.starts_at, a.id LIMIT r.size + 1) p) x
), noted AS (
  INSERT INTO atendeai.audit_event (clinic_id, id, at, actor, action, target, details)
  SELECT $1, p.event, $2, p.actor, 'appointment.list', 'appointments', jsonb_build_object('ids', p.ids)
  FROM page p WHERE p.found <= p.size
)
SELECT p.n, p.found <= p.size AS whole, p.items FROM page p
"""  # noqa: S608 - constants; every value is bound


@dataclass(frozen=True, slots=True)
class Look:
    """One reader's wish: what starts in `[first, beyond)`, at most `size`; `event` names their line in the log."""

    n: int
    event: UUID
    actor: str
    first: datetime
    beyond: datetime
    size: int


async def zone(connection: AsyncConnection, name: str) -> None:
    """Let moments be written in a time zone, until this transaction ends."""
    quoted = name.replace("'", "''")
    await driver(connection).execute(f"SET LOCAL timezone TO '{quoted}'")


async def read(
    connection: AsyncConnection, clinic_id: UUID, looks: Sequence[Look], now: datetime
) -> dict[int, str | None]:
    """Return the items of each look as JSON without brackets; None where there are more than it asked for."""
    given = dumps([{name: getattr(look, name) for name in Look.__slots__} for look in looks]).decode()
    found = await driver(connection).fetch(READ, clinic_id, now, given, list(NEVER_LISTED))
    return {row[0]: row[2] if row[1] else None for row in found}
