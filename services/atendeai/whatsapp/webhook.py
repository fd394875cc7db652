"""`/webhook/whatsapp`: the address Meta knows. Proven by signature, not by token; never limited."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import PlainTextResponse, Response

from atendeai.kit import clock
from atendeai.kit.errors import Problem
from atendeai.kit.fast import FastRoutes
from atendeai.kit.openapi import problems
from atendeai.kit.parameters import any_query
from atendeai.kit.resources import KitDep
from atendeai.kit.tenancy import FoundTenantDep, find_tenant
from atendeai.whatsapp.directory import Directory
from atendeai.whatsapp.inbox import CHANGES, Inbox
from atendeai.whatsapp.payload import NotAWebhookError, parse

router = APIRouter(prefix="/webhook/whatsapp", tags=["webhook"])
_OBJECTS = {"type": "array", "items": {"type": "object"}}
_VALUE = {
    "type": "object",
    "description": "What happened, by `field`; of `messages` it is these.",
    "properties": {
        "metadata": {"type": "object", "properties": {"phone_number_id": {"type": "string"}}},
        "contacts": _OBJECTS,
        "messages": _OBJECTS,
        "statuses": _OBJECTS,
    },
}
_CHANGE = {"type": "object", "properties": {"field": {"type": "string"}, "value": _VALUE}}
_ENTRY = {
    "type": "object",
    "description": "Of one business account.",
    "properties": {"id": {"type": "string"}, "changes": {"type": "array", "items": _CHANGE}},
}
_ENVELOPE = {
    "type": "object",
    "description": "Meta's envelope, with whatever else Meta adds to it; what is not understood is left out.",
    "required": ["entry"],
    "properties": {"object": {"type": "string"}, "entry": {"type": "array", "items": _ENTRY}},
}
_BODY = {"content": {"application/json": {"schema": _ENVELOPE}}, "required": True}


@router.get("", operation_id="webhook_verify", response_class=PlainTextResponse, responses=problems(403, 503))
@any_query
async def verify(
    request: Request,
    kit: KitDep,
    clinic: FoundTenantDep,
    mode: Annotated[str, Query(alias="hub.mode")] = "",
    token: Annotated[str, Query(alias="hub.verify_token")] = "",
    challenge: Annotated[str, Query(alias="hub.challenge")] = "",
) -> Response:
    """Answer Meta's question whether this address is ours."""
    known = False
    if mode == "subscribe" and token:
        if clinic is not None:
            expected = clinic.config.credentials.whatsapp.verify_token
            known = bool(expected) and hmac.compare_digest(expected.encode(), token.encode())
        elif kit.settings.shared:
            directory: Directory = request.app.state.directory
            known = await directory.knows(token)
    if not known:
        raise Problem(
            403,
            "verification-refused",
            "Verification refused",
            "hub.mode must be subscribe, and hub.verify_token the verify-token of the clinic's credentials.",
        )
    return PlainTextResponse(challenge)


@router.post(
    "",
    operation_id="webhook_receive",
    response_class=Response,
    responses=problems(400, 401, 503, s401="No delivery in it is signed with the app secret of its clinic"),
    openapi_extra={"requestBody": _BODY},
)
@any_query
async def receive(request: Request) -> Response:
    """Take what Meta delivers: stored before the 200, so that what was acknowledged is never lost."""
    clinic = await find_tenant(request)
    body = await request.body()
    try:
        changes = parse(body, clock.now())
    except NotAWebhookError as error:
        CHANGES.labels("malformed").inc()
        raise Problem(400, "not-a-webhook", "Not a webhook", f"Send a WhatsApp webhook as JSON: {error}.") from error
    inbox: Inbox = request.app.state.inbox
    accepted = await inbox.verified(changes, body, request.headers.get("x-hub-signature-256"), clinic)
    if not accepted:
        raise Problem(
            401,
            "bad-signature",
            "The signature does not verify",
            "X-Hub-Signature-256 must be the HMAC-SHA256 of the raw body with the app secret of the clinic that the"
            " phone_number_id belongs to.",
            headers={"WWW-Authenticate": 'X-Hub-Signature-256 realm="atendeai"'},  # a 401 says how (RFC 9110, 15.5.2)
        )
    for tenant, theirs in accepted:
        await inbox.take(tenant, theirs)
    return Response(status_code=200)


BODIES = {("POST", "/webhook/whatsapp"): 4 * 1024 * 1024}
"""Bytes: Meta sends up to three megabytes at once (developers.facebook.com, "Webhooks: payload size"), and again and
again what is refused."""
FAST: FastRoutes = {("POST", "/webhook/whatsapp"): receive}
