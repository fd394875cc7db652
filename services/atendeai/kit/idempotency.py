"""POSTs that may arrive twice: the second gets the first one's answer.

The key, the request's hash and the answer are written in the same transaction as the effect. A second request that
arrives meanwhile waits for that commit inside PostgreSQL (the primary key) and is then answered from the row; if the
first rolls back, nothing is kept and the second runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Header
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit.errors import Problem
from atendeai.kit.responses import JSON, dumps

IdempotencyKeyDep = Annotated[
    str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")
]
"""The header, or None."""

KEPT_DAYS = 7

_CLAIM = text(
    "INSERT INTO atendeai.idempotency_key (clinic_id, scope, key, request_hash)"
    " VALUES (:clinic_id, :scope, :key, :hash) ON CONFLICT DO NOTHING"
)
_STORED = text(
    "SELECT request_hash, status, body FROM atendeai.idempotency_key"
    " WHERE clinic_id = :clinic_id AND scope = :scope AND key = :key"
)
_STORE = text(
    "UPDATE atendeai.idempotency_key SET status = :status, body = :body"
    " WHERE clinic_id = :clinic_id AND scope = :scope AND key = :key"
)
_TIDY = text(
    f"DELETE FROM atendeai.idempotency_key WHERE clinic_id = :clinic_id"  # noqa: S608 - a constant of this module
    f" AND created_at < now() - interval '{KEPT_DAYS} days'"
)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that can be stored: JSON and its status."""

    status: int
    body: Any = None
    replayed: bool = False

    def response(self) -> JSON:
        """Return it as an HTTP answer; a replay says so in `Idempotency-Replayed`."""
        headers = {"Idempotency-Replayed": "true"} if self.replayed else None
        if self.body is None:
            answer = JSON(None, self.status, headers)
            answer.body = b""
            answer.init_headers(headers)
            return answer
        return JSON(self.body, self.status, headers)


async def idempotent(
    connection: AsyncConnection,
    *,
    clinic_id: UUID,
    scope: str,
    key: str | None,
    request: Any,
    run: Callable[[], Awaitable[Reply]],
) -> Reply:
    """Run once per (clinic, scope, key) and return its reply; later calls with the same request get the stored one.

    `scope` names the operation and whoever asks (`appointments.create:person:<id>`); `request` is whatever decides
    the effect, as JSON-able data. Without a key it simply runs. Raises a 422 problem when the key was used for
    another request; what `run` raises passes, and leaves nothing stored.
    """
    if key is None:
        return await run()
    digest = hashlib.sha256(orjson.dumps(orjson.loads(dumps(request)), option=orjson.OPT_SORT_KEYS)).digest()
    names = {"clinic_id": clinic_id, "scope": scope, "key": key}
    claimed = await connection.execute(_CLAIM, {**names, "hash": digest})
    if claimed.rowcount == 0:
        stored = (await connection.execute(_STORED, names)).one()
        if bytes(stored.request_hash) != digest:
            raise Problem(
                422,
                "idempotency-key-reused",
                "The idempotency key was used for another request",
                "Use a new Idempotency-Key for a new request.",
                errors=[{"field": "Idempotency-Key", "reason": "already used with a different request"}],
            )
        return Reply(stored.status, orjson.loads(bytes(stored.body)), replayed=True)
    reply = await run()
    await connection.execute(_STORE, {**names, "status": reply.status, "body": dumps(reply.body)})
    if digest[0] == 0:  # about one request in 256 tidies up
        await connection.execute(_TIDY, {"clinic_id": clinic_id})
    return reply
