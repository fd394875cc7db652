"""`/_fake/` of the Graph fake: accounts, faults, inbound messages, and what was received."""

import asyncio
import time
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from fakes.graph_state import Account, GraphState
from fakes.graph_webhooks import Deliverer, envelope, inbound_value, status_value


class Inbound(BaseModel):
    """A message that a person writes to the business."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    phone_number_id: str
    sender: str | None = Field(None, alias="from", description="the number; absent when the person hides it")
    user_id: str | None = Field(None, description="the business-scoped user id")
    name: str = "Paciente"
    text: str | None = None
    button: dict[str, str] | None = Field(None, description="a pressed reply button: id and title")
    list_row: dict[str, str] | None = Field(None, description="a chosen list row: id and title")
    message: dict[str, Any] | None = Field(None, description="any other message as the platform would send it")
    context_wamid: str | None = Field(None, description="the message this one answers")
    wamid: str | None = Field(None, description="to repeat a message under its id")
    copies: int = Field(1, ge=1, le=100, description="how many times it is delivered, at the same moment")
    app_secret: str | None = Field(None, description="sign with this instead: a forged webhook")
    repeat: bool = Field(True, description="redeliver while it is not answered 2xx")
    wait: bool = Field(True, description="answer only once it was delivered")

    @model_validator(mode="after")
    def _someone_says_something(self) -> "Inbound":
        if not self.sender and not self.user_id:
            raise ValueError("from or user_id is required")
        if not any((self.text is not None, self.button, self.list_row, self.message)):
            raise ValueError("one of text, button, list_row, message is required")
        return self

    def content(self) -> dict[str, Any]:
        """Return the message in the platform's form, without sender, id and time."""
        context = {"context": {"id": self.context_wamid}} if self.context_wamid else {}
        if self.text is not None:
            return {**context, "type": "text", "text": {"body": self.text}}
        if self.button:
            reply = {"type": "button_reply", "button_reply": self.button}
            return {**context, "type": "interactive", "interactive": reply}
        if self.list_row:
            reply = {"type": "list_reply", "list_reply": self.list_row}
            return {**context, "type": "interactive", "interactive": reply}
        return {**context, **(self.message or {})}


class Window(BaseModel):
    """When a person last wrote, in seconds before now."""

    model_config = ConfigDict(extra="forbid")

    phone_number_id: str
    user: str
    age_seconds: float = 0


class Status(BaseModel):
    """A status of a sent message, delivered on demand."""

    model_config = ConfigDict(extra="forbid")

    phone_number_id: str
    wamid: str
    user: str
    status: str
    error: dict[str, Any] | None = None


def control_routes(state: GraphState, deliverer: Deliverer) -> APIRouter:
    """Build the routes under /_fake."""
    router = APIRouter(prefix="/_fake")

    def account_of(phone_number_id: str) -> Account:
        account = state.accounts.get(phone_number_id)
        if account is None:
            raise HTTPException(404, f"no account {phone_number_id}: POST /_fake/accounts first")
        return account

    @router.post("/window", status_code=204)
    async def window(given: Window) -> None:
        user = {"wa_id": given.user} if given.user.isdigit() else {"user_id": given.user}
        state.heard_from(account_of(given.phone_number_id), user, time.time() - given.age_seconds)

    @router.post("/inbound")
    async def inbound(given: Inbound) -> dict[str, Any]:
        account = account_of(given.phone_number_id)
        user = {k: v for k, v in (("wa_id", given.sender), ("user_id", given.user_id)) if v}
        wamid = given.wamid or state.new_wamid(given.sender or "0", inbound=True)
        if given.app_secret is None:
            state.heard_from(account, user)
        payload = envelope(account, inbound_value(user, given.name, wamid, given.content()))
        if not given.wait:
            deliverer.later(account, [payload["entry"][0]["changes"][0]["value"]] * given.copies, 0)
            return {"wamid": wamid, "http_statuses": []}
        answers = await asyncio.gather(
            *(
                deliverer.deliver(account, payload, secret=given.app_secret, repeat=given.repeat)
                for _ in range(given.copies)
            ),
        )
        return {"wamid": wamid, "http_statuses": answers}

    @router.post("/status")
    async def status(given: Status) -> dict[str, Any]:
        account = account_of(given.phone_number_id)
        user = {"wa_id": given.user} if given.user.isdigit() else {"user_id": given.user}
        payload = envelope(account, status_value(user, given.wamid, given.status, given.error))
        return {"http_status": await deliverer.deliver(account, payload)}

    return router


def record_routes(state: GraphState) -> APIRouter:
    """Build the register of accounts and what reads back, under /_fake."""
    router = APIRouter(prefix="/_fake")

    @router.post("/accounts", status_code=201)
    async def register(account: Account) -> dict[str, str]:
        state.accounts[account.phone_number_id] = account
        return {"phone_number_id": account.phone_number_id}

    @router.get("/accounts")
    async def accounts() -> list[str]:
        return sorted(state.accounts)

    @router.delete("/accounts/{phone_number_id}", status_code=204)
    async def unregister(phone_number_id: str) -> None:
        state.accounts.pop(phone_number_id, None)

    @router.get("/messages")
    async def messages(
        phone_number_id: str | None = None,
        to: str | None = None,
        after: int = 0,
        limit: Annotated[int, Query(le=10_000)] = 1000,
    ) -> dict[str, Any]:
        return state.messages.read(after=after, limit=limit, phone_number_id=phone_number_id, to=to)

    @router.get("/reads")
    async def reads(phone_number_id: str | None = None, after: int = 0) -> dict[str, Any]:
        return state.reads.read(after=after, phone_number_id=phone_number_id)

    @router.get("/refusals")
    async def refusals(phone_number_id: str | None = None, to: str | None = None, after: int = 0) -> dict[str, Any]:
        return state.refusals.read(after=after, phone_number_id=phone_number_id, to=to)

    @router.get("/deliveries")
    async def deliveries(phone_number_id: str | None = None, after: int = 0) -> dict[str, Any]:
        return state.deliveries.read(after=after, phone_number_id=phone_number_id)

    @router.post("/reset", status_code=204)
    async def reset(accounts: bool = False) -> None:
        state.reset(accounts=accounts)

    return router
