"""POSTs that may arrive twice: the second gets the first one's answer, status and headers included.

As in the IETF's draft-ietf-httpapi-idempotency-key-header. The key, the request's hash and the answer are written in
the same transaction as the effect; if that rolls back, nothing is kept and the next one runs. A second request that
arrives while the first is still being handled is refused with 409 and Retry-After, at once: it holds no connection
while it waits, and `ServiceClient` asks again by itself. Another request under the same key is refused with 422.

Keys belong to a clinic, an operation and whoever asks. They are kept for a week: Meta repeats a delivery for that
long, and what follows from one must not happen twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Header
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from atendeai.kit.errors import IN_FLIGHT, Problem
from atendeai.kit.responses import JSON, dumps
from atendeai.kit.wording import spelt

IdempotencyKeyDep = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=spelt(r"^[\x21-\x7e]+$", "visible characters of ASCII, without blanks"),
        description="A key of your own for this request: sent again with it, the request has no second effect.",
    ),
]
"""The header, or None."""

KEPT_DAYS = 7

# The lock ends with the transaction. Who does not get it is told so and waits for nothing.
_CLAIM = text(
    "WITH ours AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(hashtextextended(:lock, 0)) AS it), claimed AS ("
    " INSERT INTO atendeai.idempotency_key (clinic_id, scope, key, request_hash)"
    " SELECT :clinic_id, :scope, :key, :hash FROM ours WHERE ours.it ON CONFLICT DO NOTHING RETURNING 1)"
    " SELECT ours.it AS ours, EXISTS (SELECT 1 FROM claimed) AS new FROM ours"
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
    """An answer that can be stored: JSON and its status. `headers` follow from the body, see `idempotent`."""

    status: int
    body: Any = None
    replayed: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """Return it as an HTTP answer; a replay says so in `Idempotency-Replayed`."""
        headers = {**self.headers, **({"Idempotency-Replayed": "true"} if self.replayed else {})}
        if self.body is None:
            return Response(status_code=self.status, headers=headers)
        return JSON(self.body, self.status, headers)


async def idempotent(
    connection: AsyncConnection,
    *,
    clinic_id: UUID,
    scope: str,
    key: str | None,
    request: Any,
    run: Callable[[], Awaitable[Reply]],
    headers: Callable[[Any], Mapping[str, str]] | None = None,
) -> Reply:
    """Run once per (clinic, scope, key) and return its reply; later calls with the same request get the stored one.

    `scope` names the operation and whoever asks (`appointments.create:person:<id>`); `request` is whatever decides
    the effect, as JSON-able data; `headers` makes the answer's headers of its body (as JSON-able data), the first
    time and again. Without a key it simply runs. Raises a problem: 422 when the key was used for another request, 409
    while the first is being handled; what `run` raises passes, and leaves nothing stored.
    """
    reply = await _once(connection, clinic_id, scope, key, request, run)
    if headers is None or reply.body is None:
        return reply
    return replace(reply, headers={**reply.headers, **headers(reply.body)})


async def stored(
    connection: AsyncConnection,
    *,
    clinic_id: UUID,
    scope: str,
    key: str | None,
    request: Any,
    headers: Callable[[Any], Mapping[str, str]],
) -> Reply | None:
    """Return what was answered under this key before, None when nothing was; the names are those of `idempotent`.

    For an operation that judges a request before its transaction: what judges it may judge otherwise the second time.
    Raises a 422 problem when the key was used for another request.
    """
    if key is None:
        return None
    row = (await connection.execute(_STORED, {"clinic_id": clinic_id, "scope": scope, "key": key})).one_or_none()
    if row is None:
        return None
    reply = _replay(row, _digest(request))
    return replace(reply, headers=headers(reply.body))


def _digest(request: Any) -> bytes:
    return hashlib.sha256(orjson.dumps(orjson.loads(dumps(request)), option=orjson.OPT_SORT_KEYS)).digest()


def _replay(row: Row[Any], digest: bytes) -> Reply:
    if bytes(row.request_hash) != digest:
        raise _reused()
    return Reply(row.status, orjson.loads(bytes(row.body)), replayed=True)


async def _once(
    connection: AsyncConnection,
    clinic_id: UUID,
    scope: str,
    key: str | None,
    request: Any,
    run: Callable[[], Awaitable[Reply]],
) -> Reply:
    if key is None:
        return await run()
    digest = _digest(request)
    names = {"clinic_id": clinic_id, "scope": scope, "key": key}
    claim = {**names, "hash": digest, "lock": f"idempotency:{clinic_id}:{scope}:{key}"}
    claimed = (await connection.execute(_CLAIM, claim)).one()
    if not claimed.ours:
        raise _in_flight()
    if not claimed.new:
        return _replay((await connection.execute(_STORED, names)).one(), digest)
    reply = await run()
    await connection.execute(_STORE, {**names, "status": reply.status, "body": dumps(reply.body)})
    if digest[0] == 0:  # about one request in 256 tidies up
        await connection.execute(_TIDY, {"clinic_id": clinic_id})
    return reply


def _reused() -> Problem:
    return Problem(
        422,
        "idempotency-key-reused",
        "The idempotency key was used for another request",
        "Use a new Idempotency-Key for a new request.",
        errors=[{"field": "Idempotency-Key", "reason": "already used with a different request"}],
    )


def _in_flight() -> Problem:
    return Problem(
        409,
        IN_FLIGHT,
        "The first request with this key is still being handled",
        "Send the same request again in a second: it gets the first one's answer.",
        errors=[{"field": "Idempotency-Key", "reason": "a request with it is being handled"}],
        headers={"Retry-After": "1"},
    )
