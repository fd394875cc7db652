"""Who may call the Graph fake, and how it says no: shared by all of its routes."""

import re
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from fakes.control import Fault
from fakes.graph_errors import refusal
from fakes.graph_state import Account, GraphState

VERSION = re.compile(r"^v\d+\.\d+$")


def caller(state: GraphState, request: Request, version: str, in_query: str | None = None) -> Account | Response:
    """Return an account that the request's token belongs to, or what the platform answers to a stranger."""
    if not VERSION.match(version):
        return refusal(2500, message="Unknown path components", http_status=400)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else (in_query or "")
    if not token:
        return refusal(104, "An access token is required.", http_status=401)
    return state.account_of_token(token) or refusal(190)


def account_of(
    state: GraphState, request: Request, version: str, phone_number_id: str, in_query: str | None = None
) -> Account | Response:
    """Return the account of a phone number id, if the request's token may act for it."""
    known = caller(state, request, version, in_query)
    if isinstance(known, Response):
        return known
    account = state.accounts.get(phone_number_id)
    # A token of another business sees no difference between a number that is not there and one it may not use.
    if account is None or account.access_token != known.access_token:
        return unknown_object(request, phone_number_id)
    return account


def business_of(state: GraphState, request: Request, version: str, business_account_id: str) -> Account | Response:
    """Return an account of a WhatsApp Business Account, if the request's token may act for it."""
    known = caller(state, request, version)
    if isinstance(known, Response):
        return known
    for account in state.accounts.values():
        if account.business_account_id == business_account_id and account.access_token == known.access_token:
            return account
    return unknown_object(request, business_account_id)


async def admitted(state: GraphState, known: Account | Response, operation: str) -> Account | Response:
    """Let a known caller on to an operation, unless a fault waits there."""
    if isinstance(known, Response):
        return known
    fault = await state.faults.take(operation, known.phone_number_id)
    return as_refusal(fault) if fault else known


def unknown_object(request: Request, object_id: str) -> Response:
    """Answer for an object that is not there, or not the caller's."""
    message = (
        f"Unsupported {request.method.lower()} request. Object with ID '{object_id}' does not exist, "
        "cannot be loaded due to missing permissions, or does not support this operation."
    )
    return refusal(100, message=message, subcode=33)


def as_refusal(fault: Fault) -> Response:
    """Answer as a fault says."""
    if fault.code is None:
        return Response(fault.message or "", fault.http_status or 500, media_type="text/plain")
    return refusal(fault.code, fault.message, http_status=fault.http_status)


def asked(fields: str | None, document: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that were asked for (`id` always), or the document's own when none were."""
    if not fields:
        return document
    wanted = {name.partition("{")[0] for name in fields.split(",")} | {"id"}
    return {key: value for key, value in document.items() if key in wanted}
