"""`/api/v1/whatsapp/media`: files that patients sent, and those that staff are about to send.

An upload comes in parts of at most one mebibyte, the most that any request here may carry: first its row (`POST`), then
each part at its offset (`PUT`), in order; a part that was lost is sent again.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit import audit, clock
from atendeai.kit.errors import Problem, conflict, invalid, not_found
from atendeai.kit.idempotency import IdempotencyKeyDep, Reply, idempotent
from atendeai.kit.identity import Principal, permitted
from atendeai.kit.openapi import problems
from atendeai.kit.resources import ConnectionDep
from atendeai.kit.tenancy import Tenant, TenantDep
from atendeai.whatsapp import media_repository as repository
from atendeai.whatsapp.media_types import EXTENSIONS, SENT_AS, bare, recognise
from atendeai.whatsapp.schemas import Upload, UploadState

router = APIRouter(prefix="/api/v1/whatsapp/media", tags=["whatsapp"])

ReaderDep = Annotated[Principal, Depends(permitted("messages.read"))]
AuthorDep = Annotated[Principal, Depends(permitted("messages.send"))]
_BYTES = {"type": "string", "format": "binary"}
UNSENT_FOR = timedelta(days=1)


@router.get(
    "/{media_id}",
    operation_id="whatsapp_media_read",
    response_class=Response,
    responses={200: {"description": "The file, as it was sent", "content": {"*/*": {"schema": _BYTES}}}},
)
async def read(media_id: UUID, tenant: TenantDep, connection: ConnectionDep, reader: ReaderDep) -> Response:
    """Return a file's bytes; the reading is in the audit log. 404 for one that is not there (any more)."""
    media = await repository.get(connection, tenant.id, media_id)
    if media is None or media.state != "stored" or media.mime_type is None:
        raise not_found("file", "There is no such file, or it was refused, or the person deleted it.")
    await audit.record(connection, tenant.id, reader, "whatsapp.media.read", f"media:{media_id}")
    body = await repository.content(connection, tenant.id, media_id)
    name = media.filename or f"{media_id}.{EXTENSIONS.get(media.mime_type, 'bin')}"
    return Response(
        body,
        media_type=media.mime_type,
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"},
    )


@router.post(
    "", status_code=201, operation_id="whatsapp_media_begin", response_model=UploadState, responses=problems(409)
)
async def begin(
    wanted: Upload, tenant: TenantDep, connection: ConnectionDep, author: AuthorDep, key: IdempotencyKeyDep = None
) -> Response:
    """Begin an upload. 422 for a type or a size that Meta does not take."""
    kind, most = SENT_AS.get(bare(wanted.mime_type), ("", 0))
    if not kind:
        raise invalid("mime_type", f"one of {', '.join(sorted(SENT_AS))}")
    if wanted.size > most:
        raise invalid("size", f"at most {most} bytes of {bare(wanted.mime_type)}")

    async def run() -> Reply:
        return Reply(201, await _begun(connection, tenant, author, wanted))

    reply = await idempotent(
        connection,
        clinic_id=tenant.id,
        scope=f"whatsapp.media:{author.actor}",
        key=key,
        request=wanted,
        run=run,
        headers=lambda body: {"Location": f"/api/v1/whatsapp/media/{body['id']}"},
    )
    return reply.response()


async def _begun(connection: AsyncConnection, tenant: Tenant, author: Principal, wanted: Upload) -> dict[str, Any]:
    now = clock.now()
    await repository.tidy(connection, tenant.id, now - UNSENT_FOR)
    media = uuid4()
    await repository.expect_upload(
        connection, tenant.id, media, bare(wanted.mime_type), wanted.filename, now, size=wanted.size
    )
    target = f"media:{media}"
    await audit.record(connection, tenant.id, author, "whatsapp.media.upload", target, reason=audit.ASKED_BY_STAFF)
    return UploadState(id=media, state="waiting", received=0, size=wanted.size).model_dump(mode="json")


@router.put(
    "/{media_id}",
    operation_id="whatsapp_media_part",
    responses=problems(409),
    openapi_extra={"requestBody": {"content": {"application/octet-stream": {"schema": _BYTES}}}},
)
async def part(
    media_id: UUID,
    request: Request,
    tenant: TenantDep,
    connection: ConnectionDep,
    author: AuthorDep,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> UploadState:
    """Take the part that begins at `offset`; the last one completes the file, which is then checked.

    409 `wrong-offset` names where to go on; 422 for a file that is not what it was said to be.
    """
    del author  # proven by the dependency; who began it is in the audit log
    body = await request.body()
    media = await repository.get(connection, tenant.id, media_id, lock=True)
    if media is None or media.kind != "upload":
        raise not_found("upload")
    if media.state != "waiting":
        return UploadState(id=media_id, state="stored", received=media.size, size=media.size)
    size = media.expected or 0
    if offset != media.size:
        raise conflict("wrong-offset", f"Go on at offset {media.size}.", title="Not the next part")
    if offset + len(body) > size:
        raise invalid("size", f"{size} bytes were announced")
    await repository.append(connection, tenant.id, media_id, body)
    received = offset + len(body)
    if received < size:
        return UploadState(id=media_id, state="waiting", received=received, size=size)
    whole = await repository.content(connection, tenant.id, media_id)
    if recognise(whole, media.declared_type) != media.declared_type:
        raise Problem(
            422,
            "wrong-type",
            "The file is of another type",
            f"Its bytes are not {media.declared_type}; begin a new upload with the right type.",
        )
    sha256 = hashlib.sha256(whole).hexdigest()
    await repository.stored(connection, tenant.id, media_id, media.declared_type or "", whole, sha256)
    return UploadState(id=media_id, state="stored", received=size, size=size)
