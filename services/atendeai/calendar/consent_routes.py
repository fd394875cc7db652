"""The routes that Google or a browser on its way back from Google calls, and those that send it there."""

from __future__ import annotations

from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from atendeai.calendar.channels import Message
from atendeai.calendar.consent import ConsentRefusedError
from atendeai.calendar.deps import ChannelsDep, ConsentsDep
from atendeai.calendar.google_errors import CalendarError
from atendeai.calendar.models import AuthorizationView
from atendeai.calendar.routes import told
from atendeai.calendar.sync_repository import SYNC_QUEUE
from atendeai.kit.errors import not_found
from atendeai.kit.identity import Principal, permitted
from atendeai.kit.limits import limited
from atendeai.kit.openapi import problems
from atendeai.kit.parameters import any_query
from atendeai.kit.resources import KitDep
from atendeai.kit.tenancy import TenantDep
from atendeai.kit.work import enqueue

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/calendar", tags=["calendar"])

InChargeDep = Annotated[Principal, Depends(permitted("calendar.consent"))]

_PAGE: dict[str, Any] = {
    "text/html": {"schema": {"type": "string"}},
    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
}
_CONNECTED = ("Agenda conectada", "Pronto: a agenda do Google está conectada. Você já pode fechar esta janela.")
_PAGES = {
    "state": ("Pedido vencido", "Este pedido de conexão não vale mais. Volte ao painel e conecte novamente."),
    "denied": ("Agenda não conectada", "A permissão não foi dada. Volte ao painel se quiser conectar novamente."),
    "incomplete": (
        "Faltou uma permissão",
        "Para marcar consultas é preciso permitir tudo o que foi pedido. Volte ao painel e conecte novamente.",
    ),
    "code": ("Agenda não conectada", "O Google recusou a conexão. Volte ao painel e conecte novamente."),
    "away": ("Agenda não conectada", "O Google não respondeu. Espere um pouco e conecte novamente pelo painel."),
}


# Google's own call, proven by the channel's token; never limited.
@router.post("/push", status_code=204, operation_id="calendar_push")
@limited("none")
@any_query
async def push(
    tenant: TenantDep,
    kit: KitDep,
    channels: ChannelsDep,
    channel_id: Annotated[str, Header(alias="X-Goog-Channel-ID", max_length=64)] = "",
    token: Annotated[str, Header(alias="X-Goog-Channel-Token", max_length=256)] = "",
    resource_id: Annotated[str, Header(alias="X-Goog-Resource-ID", max_length=256)] = "",
    expiration: Annotated[str, Header(alias="X-Goog-Channel-Expiration", max_length=64)] = "",
) -> Response:
    """Have the calendar read that the message is about; the message itself carries nothing."""
    calendar_id = await channels.recognise(tenant, Message(channel_id, token, resource_id, expiration))
    if calendar_id is None:
        # Google repeats what was answered with 5xx, and nothing else.
        raise not_found("channel")
    async with kit.database.transaction(tenant) as connection:
        await enqueue(connection, tenant.id, SYNC_QUEUE, calendar_id)
    return Response(status_code=204)


@router.post("/oauth/start", operation_id="calendar_oauth_start", responses=problems(409))
async def start(tenant: TenantDep, who: InChargeDep, consents: ConsentsDep) -> AuthorizationView:
    """Say where at Google to consent; good for ten minutes."""
    return AuthorizationView(authorization_url=await consents.start(tenant, who))


@router.get(
    "/oauth/callback",
    operation_id="calendar_oauth_callback",
    response_class=HTMLResponse,
    responses={
        400: {"description": "Nothing was connected; the page says why", "content": _PAGE},
        503: {"description": "Google did not answer, or this service; try again", "content": _PAGE},
    },
)
@any_query
async def callback(
    tenant: TenantDep,
    consents: ConsentsDep,
    state: Annotated[str, Query(max_length=512)] = "",
    code: Annotated[str | None, Query(max_length=2048)] = None,
    error: Annotated[str | None, Query(max_length=256)] = None,
) -> Response:
    """Take somebody back from Google. Proven by the state; answered with a page for people."""
    try:
        await consents.finish(tenant, state, code, error)
    except ConsentRefusedError as refused:
        return _page(_PAGES[refused.slug], 400)
    except CalendarError:
        return _page(_PAGES["away"], 503)
    return _page(_CONNECTED, 200)


@router.delete("/oauth", status_code=204, operation_id="calendar_oauth_withdraw", responses=problems(409, 424))
async def withdraw(tenant: TenantDep, who: InChargeDep, consents: ConsentsDep) -> Response:
    """Take the consent back, at Google and here."""
    with told():
        await consents.withdraw(tenant, who)
    return Response(status_code=204)


def _page(texts: tuple[str, str], status: int) -> HTMLResponse:
    title, text = (escape(part) for part in texts)
    return HTMLResponse(
        f'<!doctype html><html lang="pt-BR"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
        f"<body><h1>{title}</h1><p>{text}</p></body></html>",
        status,
    )
