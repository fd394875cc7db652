"""The Graph fake's media: uploaded by the business, or sent by a person; read in two steps as on the platform.

Operations that a fault can name: `upload`, `media` (asking for the address), `download` (the bytes).
Source: developers.facebook.com, "WhatsApp Cloud API: media" (types, sizes, the address good for five minutes).
"""

import hashlib
import itertools
import time
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from fakes.graph_auth import account_of, admitted, as_refusal, caller, unknown_object
from fakes.graph_errors import refusal
from fakes.graph_state import Account, GraphState, Media

MIB = 1024 * 1024
ADDRESS_SECONDS = 300
IDS = itertools.count(900_000_000_000_001)

OFFICE = "application/vnd.openxmlformats-officedocument."
LIMITS: dict[str, int] = {
    **dict.fromkeys(("audio/aac", "audio/amr", "audio/mp4", "audio/mpeg", "audio/ogg"), 16 * MIB),
    **dict.fromkeys(("image/jpeg", "image/png"), 5 * MIB),
    **dict.fromkeys(("video/mp4", "video/3gpp"), 16 * MIB),
    "image/webp": 500 * 1024,
    **dict.fromkeys(
        (
            "text/plain",
            "application/pdf",
            "application/msword",
            "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            f"{OFFICE}wordprocessingml.document",
            f"{OFFICE}spreadsheetml.sheet",
            f"{OFFICE}presentationml.presentation",
        ),
        100 * MIB,
    ),
}
"""Bytes that the platform takes of each type."""


def media_routes(state: GraphState) -> APIRouter:
    """Build the routes of media."""
    router = APIRouter()

    @router.post("/{version}/{phone_number_id}/media")
    async def upload(request: Request, version: str, phone_number_id: str) -> Response:
        known = await admitted(state, account_of(state, request, version, phone_number_id), "upload")
        if isinstance(known, Response):
            return known
        return _uploaded(state, known, form(request.headers.get("content-type", ""), await request.body()))

    @router.get("/whatsapp_business/attachments/")
    async def download(request: Request, mid: str) -> Response:
        known = await admitted(state, caller(state, request, "v1.0"), "download")
        return known if isinstance(known, Response) else _downloaded(state, known, mid)

    return router


def _uploaded(state: GraphState, account: Account, fields: dict[str, tuple[str, bytes]]) -> Response:
    file = fields.get("file")
    if file is None or fields.get("messaging_product", ("", b""))[1] != b"whatsapp":
        return refusal(100, "The parameters file and messaging_product are required.")
    mime_type, content = file
    limit = LIMITS.get(mime_type.partition(";")[0])
    if limit is None:
        return refusal(100, f"Param file must be a file with one of the supported types. Received {mime_type}")
    if len(content) > limit:
        return refusal(131053, f"Media size exceeds {limit} bytes")
    return JSONResponse({"id": keep(state, account.phone_number_id, mime_type, content).id})


def _downloaded(state: GraphState, account: Account, media_id: str) -> Response:
    media = state.media.get(media_id)
    if media is None or state.accounts[media.phone_number_id].access_token != account.access_token:
        return Response(status_code=404)
    if media.address_until < time.monotonic():
        return Response(status_code=404)
    state.media_reads.add(phone_number_id=media.phone_number_id, media_id=media.id, step="download")
    return Response(media.content, media_type=media.mime_type)


async def media_document(state: GraphState, request: Request, version: str, media: Media) -> Response:
    """Answer where a media's bytes are, for five minutes."""
    known = account_of(state, request, version, media.phone_number_id)
    if isinstance(known, Response):
        return unknown_object(request, media.id) if known.status_code == 400 else known
    fault = await state.faults.take("media", media.phone_number_id)
    if fault:
        return as_refusal(fault)
    media.address_until = time.monotonic() + ADDRESS_SECONDS
    state.media_reads.add(phone_number_id=media.phone_number_id, media_id=media.id, step="address")
    return JSONResponse(
        {
            "messaging_product": "whatsapp",
            "url": media.address or f"{request.base_url}whatsapp_business/attachments/?mid={media.id}&ext=1&hash=x",
            "mime_type": media.mime_type,
            "sha256": media.sha256,
            "file_size": media.declared_size if media.declared_size is not None else len(media.content),
            "id": media.id,
        }
    )


def keep(state: GraphState, phone_number_id: str, mime_type: str, content: bytes, **more: Any) -> Media:
    """Remember a media under a new id."""
    media = Media(
        id=str(next(IDS)),
        phone_number_id=phone_number_id,
        mime_type=mime_type,
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        **more,
    )
    state.remember(media)
    return media


def form(content_type: str, body: bytes) -> dict[str, tuple[str, bytes]]:
    """Read multipart/form-data: name to (type, content). What is no such body has no fields."""
    _, _, boundary = content_type.partition("boundary=")
    fields: dict[str, tuple[str, bytes]] = {}
    if not boundary:
        return fields
    for part in body.split(b"--" + boundary.strip('"').encode())[1:]:
        head, found, content = part.partition(b"\r\n\r\n")
        if not found:
            continue
        lines = (line.partition(": ") for line in head.decode("utf-8", "replace").strip().split("\r\n"))
        headers = {key.lower(): value for key, _, value in lines}
        name = headers.get("content-disposition", "").partition('name="')[2].partition('"')[0]
        fields[name] = (headers.get("content-type", "text/plain"), content.removesuffix(b"\r\n"))
    return fields
