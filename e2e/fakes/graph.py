"""The Graph API fake: the provider's own routes, and under `/_fake/` what steers it.

Operations that a fault can name: `messages`, `phone` (reading a phone number), `*`.
"""

import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse, Response

from fakes.control import Fault, fault_routes, json_object
from fakes.graph_control import control_routes, record_routes
from fakes.graph_errors import refusal, status_error
from fakes.graph_rules import complaint, recipient_of
from fakes.graph_state import Account, GraphState
from fakes.graph_webhooks import Deliverer, status_value

VERSION = re.compile(r"^v\d+\.\d+$")


def create_graph(callback_transport: httpx.AsyncBaseTransport | None = None) -> FastAPI:
    """Build the app; its state is at `app.state.graph`. `callback_transport` carries its webhooks in tests."""
    state = GraphState()
    deliverer = Deliverer(state, callback_transport)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await deliverer.close()

    app = FastAPI(title="Graph API fake", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.graph = state
    app.include_router(fault_routes(state.faults))
    app.include_router(control_routes(state, deliverer))
    app.include_router(record_routes(state))

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/{version}/{phone_number_id}")
    async def phone_number(request: Request, version: str, phone_number_id: str) -> Response:
        checked = _account(state, request, version, phone_number_id)
        fault = await state.faults.take("phone", phone_number_id)
        if fault:
            return _as_refusal(fault)
        if isinstance(checked, Response):
            return checked
        return JSONResponse(
            {
                "verified_name": checked.verified_name,
                "display_phone_number": checked.display_phone_number,
                "quality_rating": "GREEN",
                "platform_type": "CLOUD_API",
                "id": checked.phone_number_id,
            },
        )

    @app.post("/{version}/{phone_number_id}/messages")
    async def messages(
        request: Request, version: str, phone_number_id: str, access_token: Annotated[str | None, Query()] = None
    ) -> Response:
        checked = _account(state, request, version, phone_number_id, access_token)
        if isinstance(checked, Response):
            return _kept(state, phone_number_id, None, checked)
        payload = await json_object(request)
        if payload is None:
            return _kept(state, phone_number_id, None, refusal(100, "The request body is not a JSON object."))
        if payload.get("status") == "read":
            return _mark_read(state, checked, payload)
        return await _accept(state, deliverer, checked, payload)

    return app


def _account(
    state: GraphState, request: Request, version: str, phone_number_id: str, in_query: str | None = None
) -> Account | Response:
    if not VERSION.match(version):
        return refusal(2500, message="Unknown path components", http_status=400)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else (in_query or "")
    if not token:
        return refusal(104, "An access token is required.", http_status=401)
    owner = state.account_of_token(token)
    if owner is None:
        return refusal(190)
    account = state.accounts.get(phone_number_id)
    # A token of another business sees no difference between a number that is not there and one it may not use.
    if account is None or account.access_token != token:
        message = (
            f"Unsupported {request.method.lower()} request. Object with ID '{phone_number_id}' does not exist, "
            "cannot be loaded due to missing permissions, or does not support this operation."
        )
        return refusal(100, message=message, subcode=33)
    return account


def _as_refusal(fault: Fault) -> Response:
    if fault.code is None:
        return Response(fault.message or "", fault.http_status or 500, media_type="text/plain")
    return refusal(fault.code, fault.message, http_status=fault.http_status)


def _kept(state: GraphState, phone_number_id: str, to: str | None, answer: Response) -> Response:
    state.refusals.add(
        phone_number_id=phone_number_id, to=to, http_status=answer.status_code, body=bytes(answer.body).decode()
    )
    return answer


def _mark_read(state: GraphState, account: Account, payload: dict[str, Any]) -> Response:
    wamid = payload.get("message_id")
    if not isinstance(wamid, str) or not state.knows(wamid):
        answer = refusal(131009, "Parameter value is not valid: message_id")
        return _kept(state, account.phone_number_id, None, answer)
    state.reads.add(phone_number_id=account.phone_number_id, wamid=wamid, typing="typing_indicator" in payload)
    return JSONResponse({"success": True})


async def _accept(state: GraphState, deliverer: Deliverer, account: Account, payload: dict[str, Any]) -> Response:
    number, to = account.phone_number_id, recipient_of(payload) or ""
    fault = await state.faults.take("messages", number, to)
    if fault and not fault.after and not fault.as_status:
        return _kept(state, number, to, _as_refusal(fault))
    refused = _refused(state, account, payload, to)
    if refused:
        return _kept(state, number, to, refusal(*refused))
    error = None
    if not _may_talk(state, account, payload, to):
        if account.window == "call":
            return _kept(state, number, to, refusal(131047))
        error = status_error(131047)
    if fault and fault.as_status:
        error = status_error(fault.code or 131000, fault.message)
    answer = _store(state, deliverer, account, payload, to, error)
    if fault and fault.after:
        # Carried out, but the caller is told otherwise: what a lost answer looks like from outside.
        return _as_refusal(fault)
    return answer


def _refused(state: GraphState, account: Account, payload: dict[str, Any], to: str) -> tuple[int, str | None] | None:
    approved = None if account.templates is None else set(account.templates)
    found = complaint(payload, approved)
    if found:
        return found
    if account.allowed_recipients is not None and to not in account.allowed_recipients:
        return 131030, None
    limit = state.limited(account, to)
    return (limit, None) if limit else None


def _may_talk(state: GraphState, account: Account, payload: dict[str, Any], to: str) -> bool:
    return payload.get("type") == "template" or account.window == "off" or state.window_open(account, to)


def _store(
    state: GraphState,
    deliverer: Deliverer,
    account: Account,
    payload: dict[str, Any],
    to: str,
    error: dict[str, Any] | None,
) -> Response:
    user = state.user(account, to)
    wamid = state.new_wamid(user.get("wa_id", "0"), inbound=False)
    opaque = payload.get("biz_opaque_callback_data")
    state.messages.add(
        phone_number_id=account.phone_number_id,
        wamid=wamid,
        to=to,
        type=payload.get("type", "text"),
        text=text_of(payload),
        payload=payload,
        failed=error["code"] if error else None,
        received_at=time.time(),
    )
    if error:
        values = [status_value(user, wamid, "failed", error, opaque=opaque)]
    else:
        values = [status_value(user, wamid, status, opaque=opaque) for status in account.statuses]
        if account.shuffle_statuses:
            values.reverse()
    if values and account.callback_url:
        deliverer.later(account, values, account.status_delay_seconds)
    return JSONResponse(
        {
            "messaging_product": "whatsapp",
            "contacts": [{"input": to, **user}],
            "messages": [{"id": wamid}],
        },
    )


def text_of(payload: dict[str, Any]) -> str:
    """Return what the person would read of a message, for tests to look at."""
    kind = payload.get("type", "text")
    content = payload.get(kind)
    if not isinstance(content, dict):
        return ""
    if kind == "interactive":
        return str(content["body"]["text"])
    return str(content.get("body") or content.get("name") or content.get("caption") or content.get("emoji") or "")
