"""The Graph fake's edges of a WhatsApp Business Account: its templates and the apps that hear of it.

Operations that a fault can name: `templates`, `subscribe`, `register`.
"""

import itertools
import re
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from fakes import graph_templates
from fakes.control import json_object
from fakes.graph_auth import account_of, admitted, asked, business_of
from fakes.graph_errors import refusal
from fakes.graph_state import Account, GraphState
from fakes.graph_webhooks import Deliverer

PIN = re.compile(r"^\d{6}$")
IDS = itertools.count(700_000_000_000_001)


def template_routes(state: GraphState) -> APIRouter:
    """Build the edge of templates."""
    router = APIRouter()

    @router.get("/{version}/{business_account_id}/message_templates")
    async def listed(
        request: Request,
        version: str,
        business_account_id: str,
        fields: str | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 25,
        after: str | None = None,
    ) -> Response:
        known = await admitted(state, business_of(state, request, version, business_account_id), "templates")
        if isinstance(known, Response):
            return known
        start = int(after) if after and after.isdigit() else 0
        found = list(state.templates_of(business_account_id).values())
        page = found[start : start + limit]
        paging: dict[str, Any] = {"cursors": {"before": str(start), "after": str(start + len(page))}}
        if start + limit < len(found):
            paging["next"] = f"{request.url.path}?after={start + limit}"
        return JSONResponse({"data": [asked(fields, template) for template in page], "paging": paging})

    @router.post("/{version}/{business_account_id}/message_templates")
    async def create(request: Request, version: str, business_account_id: str) -> Response:
        known = await admitted(state, business_of(state, request, version, business_account_id), "templates")
        return known if isinstance(known, Response) else _created(state, known, await json_object(request) or {})

    return router


def account_routes(state: GraphState, deliverer: Deliverer) -> APIRouter:
    """Build the edge of subscriptions, and the registration of a number."""
    router = APIRouter()

    @router.post("/{version}/{business_account_id}/subscribed_apps")
    async def subscribe(request: Request, version: str, business_account_id: str) -> Response:
        known = await admitted(state, business_of(state, request, version, business_account_id), "subscribe")
        if isinstance(known, Response):
            return known
        return await _subscribed(state, deliverer, known, await json_object(request) or {})

    @router.get("/{version}/{business_account_id}/subscribed_apps")
    async def subscriptions(request: Request, version: str, business_account_id: str) -> Response:
        known = business_of(state, request, version, business_account_id)
        if isinstance(known, Response):
            return known
        found = state.subscriptions.get(business_account_id)
        app = {"whatsapp_business_api_data": {"id": "1", "name": "AtendeAI", "link": "https://example.com"}}
        return JSONResponse({"data": [app | found] if found is not None else []})

    @router.post("/{version}/{phone_number_id}/register")
    async def register(request: Request, version: str, phone_number_id: str) -> Response:
        known = await admitted(state, account_of(state, request, version, phone_number_id), "register")
        return known if isinstance(known, Response) else _registered(known, await json_object(request) or {})

    return router


def _registered(account: Account, wanted: dict[str, Any]) -> Response:
    if wanted.get("messaging_product") != "whatsapp":
        return refusal(100, "The parameter messaging_product is required.")
    pin = wanted.get("pin")
    if not isinstance(pin, str) or not PIN.match(pin):
        return refusal(100, "Param pin must be a 6-digit string.")
    if account.pin is not None and account.pin != pin:
        return refusal(133005)
    account.pin, account.registered = pin, True
    return JSONResponse({"success": True})


def _created(state: GraphState, account: Account, wanted: dict[str, Any]) -> Response:
    wrong = next(graph_templates.creating(wanted), None)
    if wrong:
        return refusal(100, wrong)
    templates = state.templates_of(account.business_account_id)
    key = (wanted["name"], wanted["language"])
    if key in templates:
        return refusal(
            100,
            f"There is already {wanted['language']} content for this template.",
            message="Invalid parameter",
            subcode=graph_templates.EXISTS,
        )
    status = {"approve": "APPROVED", "pending": "PENDING", "reject": "REJECTED"}[account.review]
    made = {
        "name": wanted["name"],
        "language": wanted["language"],
        "category": wanted["category"],
        "components": wanted["components"],
        "status": status,
        "rejected_reason": "INVALID_FORMAT" if status == "REJECTED" else "NONE",
        "quality_score": {"score": "UNKNOWN"},
        "id": str(next(IDS)),
    }
    templates[key] = made
    return JSONResponse({"id": made["id"], "status": status, "category": made["category"]})


async def _subscribed(state: GraphState, deliverer: Deliverer, account: Account, wanted: dict[str, Any]) -> Response:
    override, token = wanted.get("override_callback_uri"), wanted.get("verify_token")
    if override is None:
        state.subscriptions[account.business_account_id] = {}
        return JSONResponse({"success": True})
    if not isinstance(override, str) or not override.startswith("https://") or not isinstance(token, str):
        return refusal(100, "override_callback_uri must be an https address and verify_token is required.")
    problem = await deliverer.verify(account, override, token)
    if problem:
        return refusal(2200, f"Callback verification failed: {problem}", http_status=400)
    state.subscriptions[account.business_account_id] = {"override_callback_uri": override}
    return JSONResponse({"success": True})
