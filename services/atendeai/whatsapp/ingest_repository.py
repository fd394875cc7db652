"""SQL of many messages of one clinic at once: who wrote them, and storing them once, in two statements.

They speak to the driver itself (see `kit.db.driver`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit.db import driver
from atendeai.kit.responses import dumps
from atendeai.kit.work import ALREADY_WORK
from atendeai.whatsapp.people import Known

# Locked, and in the order of their ids: two groups that share people wait for each other, never crosswise. What the
# next statement sees is then what whoever held these rows before has left behind.
MEET = (
    "SELECT id, number_key, user_id FROM atendeai.whatsapp_contact WHERE clinic_id = $1"
    " AND (number_key = ANY($2::text[]) OR user_id = ANY($3::text[])) ORDER BY id FOR NO KEY UPDATE"
)

# $1 clinic, $2 now, $3 queue, $4 the fields of each `Row`, as JSON: of arrays, asyncpg knows text[] alone without
# asking the server in a way that a clinic's role may not. A contact that turns out to exist under another transaction's
# id is not made, its messages are not stored, and the answer says so (`met`). It speaks only of messages of which there
# is something to say: nearly all are simply stored.
STORE = f"""
WITH given AS MATERIALIZED (
  SELECT * FROM json_to_recordset($4::json) AS g(id uuid, wamid text, contact_id uuid, fresh boolean, wa_id text,
    number_key text, user_id text, name text, kind text, text text, reply_id text, context_wamid text, content jsonb,
    sent_at timestamptz, window_at timestamptz, position int, trace text)
), made AS (
  INSERT INTO atendeai.whatsapp_contact
    (clinic_id, id, wa_id, number_key, user_id, name, last_inbound_at, created_at, updated_at)
  SELECT $1, g.contact_id, g.wa_id, g.number_key, g.user_id, g.name, max(g.window_at), $2, $2 FROM given g
  WHERE g.fresh AND NOT EXISTS (
    SELECT FROM atendeai.whatsapp_inbound i WHERE i.clinic_id = $1 AND i.wamid = g.wamid)
  GROUP BY g.contact_id, g.wa_id, g.number_key, g.user_id, g.name
  ON CONFLICT DO NOTHING RETURNING id
), stored AS (
  INSERT INTO atendeai.whatsapp_inbound
    (clinic_id, id, wamid, contact_id, kind, text, reply_id, context_wamid, content, sent_at, received_at, position)
  SELECT $1, g.id, g.wamid, g.contact_id, g.kind, g.text, g.reply_id, g.context_wamid, g.content, g.sent_at,
    $2, g.position
  FROM given g WHERE NOT g.fresh OR g.contact_id IN (SELECT id FROM made) ORDER BY g.wamid
  ON CONFLICT (clinic_id, wamid) DO NOTHING RETURNING id, contact_id
), said AS (
  UPDATE atendeai.whatsapp_contact c SET last_inbound_at = greatest(c.last_inbound_at, n.window_at),
    wa_id = coalesce(n.wa_id, c.wa_id), number_key = coalesce(n.number_key, c.number_key),
    user_id = coalesce(n.user_id, c.user_id), name = coalesce(n.name, c.name), updated_at = $2
  FROM (
    SELECT g.contact_id, g.wa_id, g.number_key, g.user_id, g.name, max(g.window_at) AS window_at
    FROM stored s JOIN given g ON g.id = s.id WHERE NOT g.fresh
    GROUP BY g.contact_id, g.wa_id, g.number_key, g.user_id, g.name) n
  WHERE c.clinic_id = $1 AND c.id = n.contact_id
), woken AS (
  INSERT INTO atendeai.work AS w (clinic_id, queue, key, due_at, due_since, traces)
  SELECT $1, $3, k.key, now(), now(), k.traces FROM (
    SELECT s.contact_id::text AS key,
      coalesce(array_agg(g.trace ORDER BY g.sent_at, g.position) FILTER (WHERE g.trace IS NOT NULL), '{{}}') AS traces
    FROM stored s JOIN given g ON g.id = s.id GROUP BY 1) k ORDER BY k.key
  {ALREADY_WORK}
)
SELECT * FROM (
  SELECT g.id, s.id IS NOT NULL AS stored, NOT g.fresh OR m.id IS NOT NULL AS met, s.id IS NOT NULL AND EXISTS (
    SELECT FROM atendeai.whatsapp_inbound i WHERE i.clinic_id = $1 AND i.contact_id = g.contact_id
    AND i.sent_at >= g.sent_at AND i.kind IN ('edit', 'revoke') AND i.context_wamid = g.wamid) AS overtaken
  FROM given g LEFT JOIN stored s ON s.id = g.id LEFT JOIN made m ON m.id = g.contact_id) AS became
WHERE NOT (stored AND met) OR overtaken
"""  # noqa: S608 - constants; every value is bound


class Row(TypedDict):
    """One message, and what is known of its sender by the last of the group; `fresh`: the contact is to be made."""

    id: UUID
    wamid: str
    contact_id: UUID
    fresh: bool
    wa_id: str | None
    number_key: str | None
    user_id: str | None
    name: str | None
    kind: str
    text: str
    reply_id: str | None
    context_wamid: str | None
    content: orjson.Fragment
    sent_at: datetime
    window_at: datetime | None
    position: int
    trace: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one: `met` is False when another transaction made the contact in this very moment.

    `overtaken`: an edit or a deletion of it had come before it.
    """

    stored: bool = True
    met: bool = True
    overtaken: bool = False


SIMPLY_STORED = Outcome()


async def meet(
    connection: AsyncConnection, clinic_id: UUID, number_keys: Sequence[str], user_ids: Sequence[str]
) -> list[Known]:
    """Return, and lock, the contacts that have one of these numbers or user ids."""
    return [Known(*row) for row in await driver(connection).fetch(MEET, clinic_id, number_keys, user_ids)]


async def store(
    connection: AsyncConnection, clinic_id: UUID, rows: Sequence[Row], queue: str, now: datetime
) -> dict[UUID, Outcome]:
    """Store messages that are not there yet, what they say about their senders, and the work of handing them on.

    Returns, by the id of the row, what became of those that were not `SIMPLY_STORED`.
    """
    given = dumps(rows).decode()
    found = await driver(connection).fetch(STORE, clinic_id, now, queue, given)
    return {row[0]: Outcome(row[1], row[2], row[3]) for row in found}
