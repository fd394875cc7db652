"""The Graph API fake: the provider's own routes, and under `/_fake/` what steers it.

Operations that a fault can name: `messages`, `phone` (reading a phone number), `read`, those of `graph_business` and
`graph_media`, and `*`.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import JSONResponse, Response

from fakes import graph_templates
from fakes.control import fault_routes, json_object
from fakes.graph_auth import account_of, as_refusal, asked, caller
from fakes.graph_business import account_routes, template_routes
from fakes.graph_control import control_routes, record_routes
from fakes.graph_errors import refusal, status_error
from fakes.graph_media import media_document, media_routes
from fakes.graph_outside import file_routes, outside_routes
from fakes.graph_rules import complaint, recipient_of
from fakes.graph_state import Account, GraphState
from fakes.graph_webhooks import Deliverer, status_value
from fakes.keep import Keeper, Touching


def create_graph(callback_transport: httpx.AsyncBaseTransport | None = None, keep: Path | None = None) -> FastAPI:
    """Build the app; its state is at `app.state.graph`, and in the file `keep` over a restart.

    `callback_transport` carries its webhooks in tests.
    """
    state = GraphState()
    deliverer = Deliverer(state, callback_transport)
    keeper = Keeper(keep, state.remembered, state.recall)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with keeper.running():
            yield
            await deliverer.close()

    app = FastAPI(title="Graph API fake", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.graph = state
    app.state.keeper = keeper
    app.add_middleware(Touching, keeper=keeper)
    app.include_router(fault_routes(state.faults))
    app.include_router(control_routes(state, deliverer))
    app.include_router(record_routes(state))
    app.include_router(outside_routes(state, deliverer))
    app.include_router(file_routes(state))
    app.include_router(media_routes(state))
    app.include_router(template_routes(state))
    app.include_router(account_routes(state, deliverer))
    app.include_router(token_routes(state))
    app.include_router(number_routes(state, deliverer))

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app


def token_routes(state: GraphState) -> APIRouter:
    """Build the route that says of an access token whether it is one, and when it ends (0: never)."""
    router = APIRouter()

    @router.get("/{version}/debug_token")
    async def debug_token(request: Request, version: str, input_token: str = "") -> Response:
        known = caller(state, request, version)
        if isinstance(known, Response):
            return known
        account = state.account_of_token(input_token)
        if account is None:
            return JSONResponse({"data": {"is_valid": False, "scopes": []}})
        ends = 0 if account.token_days is None else int(time.time() + account.token_days * 86400)
        return JSONResponse({"data": {"type": "SYSTEM_USER", "is_valid": True, "expires_at": ends, "scopes": []}})

    return router


def number_routes(state: GraphState, deliverer: Deliverer) -> APIRouter:
    """Build the routes of a phone number: what it is, and sending."""
    router = APIRouter()

    @router.get("/{version}/{object_id}")
    async def described(request: Request, version: str, object_id: str, fields: str | None = None) -> Response:
        if object_id in state.media:
            return await media_document(state, request, version, state.media[object_id])
        checked = account_of(state, request, version, object_id)
        fault = await state.faults.take("phone", object_id)
        if fault:
            return as_refusal(fault)
        if isinstance(checked, Response):
            return checked
        return JSONResponse(asked(fields, _phone(checked)))

    @router.post("/{version}/{phone_number_id}/messages")
    async def messages(
        request: Request, version: str, phone_number_id: str, access_token: Annotated[str | None, Query()] = None
    ) -> Response:
        checked = account_of(state, request, version, phone_number_id, access_token)
        if isinstance(checked, Response):
            return _kept(state, phone_number_id, None, checked)
        payload = await json_object(request)
        if payload is None:
            return _kept(state, phone_number_id, None, refusal(100, "The request body is not a JSON object."))
        if payload.get("status") == "read":
            fault = await state.faults.take("read", phone_number_id)
            return as_refusal(fault) if fault else _mark_read(state, checked, payload)
        return await _accept(state, deliverer, checked, payload)

    return router


def _phone(account: Account) -> dict[str, Any]:
    return {
        "verified_name": account.verified_name,
        "display_phone_number": account.display_phone_number,
        "quality_rating": account.quality_rating,
        "platform_type": "CLOUD_API" if account.registered else "NOT_APPLICABLE",
        "status": "CONNECTED" if account.registered else "PENDING",
        "whatsapp_business_manager_messaging_limit": account.messaging_limit,
        "throughput": {"level": "STANDARD"},
        "id": account.phone_number_id,
    }


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
        return _kept(state, number, to, as_refusal(fault))
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
        return as_refusal(fault)
    return answer


def _refused(state: GraphState, account: Account, payload: dict[str, Any], to: str) -> tuple[int, str | None] | None:
    if not account.registered:
        return 133010, None
    found = complaint(payload, state.templates_of(account.business_account_id), state.media)
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
        text=text_of(payload, state.templates_of(account.business_account_id)),
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


def text_of(payload: dict[str, Any], templates: graph_templates.Templates) -> str:
    """Return what the person would read of a message, for tests to look at."""
    kind = payload.get("type", "text")
    content = payload.get(kind)
    if not isinstance(content, dict):
        return ""
    if kind == "interactive":
        return str(content["body"]["text"])
    if kind == "template":
        return graph_templates.filled(templates[(content["name"], content["language"]["code"])], content)
    return str(content.get("body") or content.get("name") or content.get("caption") or content.get("emoji") or "")
