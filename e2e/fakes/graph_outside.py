"""`/_fake/` of the Graph fake, second part: templates under review, files people send, news of the business account."""

from typing import Any, Literal

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field

from fakes.graph_media import keep
from fakes.graph_state import Account, GraphState
from fakes.graph_webhooks import Deliverer, news


class Review(BaseModel):
    """What the reviewers, or the quality of a template, made of it."""

    model_config = ConfigDict(extra="forbid")

    phone_number_id: str
    name: str
    language: str = "pt_BR"
    status: Literal["APPROVED", "PENDING", "REJECTED", "PAUSED", "DISABLED", "gone"]
    reason: str = "NONE"
    body: str | None = Field(None, description="make the template, if there is none, with this body")
    notify: bool = Field(True, description="deliver message_template_status_update")


class News(BaseModel):
    """A change of the business account, delivered on demand."""

    model_config = ConfigDict(extra="forbid")

    phone_number_id: str
    field: str
    value: dict[str, Any]


def outside_routes(state: GraphState, deliverer: Deliverer) -> APIRouter:
    """Build the routes under /_fake."""
    router = APIRouter(prefix="/_fake")

    def account_of(phone_number_id: str) -> Account:
        account = state.accounts.get(phone_number_id)
        if account is None:
            raise HTTPException(404, f"no account {phone_number_id}: POST /_fake/accounts first")
        return account

    @router.post("/templates")
    async def review(given: Review) -> dict[str, Any]:
        account = account_of(given.phone_number_id)
        template = _reviewed(state.templates_of(account.business_account_id), given)
        if template is None or not given.notify or account.callback_url is None:
            return {"http_status": None}
        value = {
            "event": given.status,
            "message_template_id": int(template["id"]),
            "message_template_name": given.name,
            "message_template_language": given.language,
            "message_template_category": template["category"],
            "reason": given.reason,
        }
        payload = news(account, "message_template_status_update", value)
        return {"http_status": await deliverer.deliver(account, payload, repeat=False)}

    @router.get("/templates")
    async def templates(phone_number_id: str) -> list[dict[str, Any]]:
        return list(state.templates_of(account_of(phone_number_id).business_account_id).values())

    @router.post("/news")
    async def tell(given: News) -> dict[str, Any]:
        account = account_of(given.phone_number_id)
        payload = news(account, given.field, given.value)
        return {"http_status": await deliverer.deliver(account, payload, repeat=False)}

    return router


def file_routes(state: GraphState) -> APIRouter:
    """Build the routes of files under /_fake."""
    router = APIRouter(prefix="/_fake")

    @router.post("/media", status_code=201)
    async def media(
        request: Request,
        phone_number_id: str,
        mime_type: str,
        address: str | None = None,
        declared_size: int | None = None,
    ) -> dict[str, str]:
        made = keep(
            state,
            phone_number_id,
            mime_type,
            await request.body(),
            address=address,
            declared_size=declared_size,
        )
        return {"id": made.id, "sha256": made.sha256, "mime_type": mime_type}

    @router.get("/media/{media_id}")
    async def kept(media_id: str) -> dict[str, Any]:
        found = state.media.get(media_id)
        if found is None:
            raise HTTPException(404, f"no media {media_id}")
        return {"mime_type": found.mime_type, "sha256": found.sha256, "size": len(found.content)}

    @router.get("/media-reads")
    async def media_reads(phone_number_id: str | None = None, media_id: str | None = None) -> dict[str, Any]:
        return state.media_reads.read(phone_number_id=phone_number_id, media_id=media_id)

    return router


def _reviewed(templates: dict[tuple[str, str], dict[str, Any]], given: Review) -> dict[str, Any] | None:
    key = (given.name, given.language)
    if given.status == "gone":
        templates.pop(key, None)
        return None
    if key not in templates:
        if given.body is None:
            raise HTTPException(404, f"no template {given.name} in {given.language}")
        templates[key] = {
            "name": given.name,
            "language": given.language,
            "category": "UTILITY",
            "components": [{"type": "BODY", "text": given.body}],
            "id": f"7{len(templates):014d}",
        }
    templates[key] |= {"status": given.status, "rejected_reason": given.reason}
    return templates[key]
