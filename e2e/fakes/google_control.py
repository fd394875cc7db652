"""`/_fake/` of the Google fake: accounts, calendars, what people put into them by hand, faults and what was asked."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from fakes.google_errors import GoogleError
from fakes.google_push import Pusher
from fakes.google_state import Calendar, GoogleState, Role, shown


class ServiceAccount(BaseModel):
    """A service account; without a public key one is made and its credentials file returned."""

    model_config = ConfigDict(extra="forbid")

    client_email: str
    public_key: str | None = None
    token_uri: str = "https://oauth2.googleapis.com/token"


class OAuthClient(BaseModel):
    """An OAuth client, and the person's account that consents to it: a refresh token at once, or by the consent page.

    `denies`: the person refuses; `grants`: the scopes they allow, absent for all that is asked for.
    """

    model_config = ConfigDict(extra="forbid")

    account: str
    client_id: str
    client_secret: str
    refresh_token: str | None = None
    redirect_uris: list[str] = []
    denies: bool = False
    grants: str | None = None


class NewCalendar(BaseModel):
    """A calendar and who may use it."""

    model_config = ConfigDict(extra="forbid")

    calendar_id: str
    acl: dict[str, Role]
    time_zone: str = "America/Sao_Paulo"


class Busy(BaseModel):
    """A stretch that is taken, without an event anybody can see."""

    model_config = ConfigDict(extra="forbid")

    calendar_id: str
    start: datetime
    end: datetime


class HandMade(BaseModel):
    """An event that a person makes in the calendar."""

    model_config = ConfigDict(extra="forbid")

    calendar_id: str
    event: dict[str, Any]


class Push(BaseModel):
    """Where notifications connect to in place of their address's host, and hosts that get no channel."""

    model_config = ConfigDict(extra="forbid")

    connect_to: str | None = None
    unverified: list[str] = []


def account_routes(state: GoogleState) -> APIRouter:
    """Build what registers accounts and calendars, under /_fake."""
    router = APIRouter(prefix="/_fake")

    @router.post("/service-accounts", status_code=201)
    async def service_account(given: ServiceAccount) -> dict[str, Any]:
        if given.public_key:
            state.tokens.keys[given.client_email] = given.public_key
            return {"client_email": given.client_email}
        return state.tokens.new_service_account(given.client_email, given.token_uri)

    @router.post("/clients", status_code=201)
    async def client(given: OAuthClient) -> dict[str, Any]:
        state.tokens.clients[given.client_id] = given.model_dump()
        if given.refresh_token is not None:
            pair = given.model_dump(include={"account", "client_id", "client_secret"})
            state.tokens.refresh[given.refresh_token] = pair
        return {"account": given.account}

    @router.post("/revoke-tokens", status_code=204)
    async def revoke() -> None:
        state.tokens.revoke_all()

    @router.post("/reset", status_code=204)
    async def reset(accounts: bool = False) -> None:
        state.reset(accounts=accounts)

    @router.post("/calendars", status_code=201)
    async def calendar(given: NewCalendar) -> dict[str, str]:
        known = state.calendars.get(given.calendar_id)
        if known is None:
            state.calendars[given.calendar_id] = Calendar(given.calendar_id, given.acl, given.time_zone)
        else:
            known.acl, known.time_zone = given.acl, given.time_zone
        return {"calendar_id": given.calendar_id}

    @router.delete("/calendars/{calendar_id}", status_code=204)
    async def drop(calendar_id: str) -> None:
        state.calendars.pop(calendar_id, None)

    return router


def _calendar(state: GoogleState, calendar_id: str) -> Calendar:
    if calendar_id not in state.calendars:
        raise GoogleError("notFound", f"no calendar {calendar_id}: POST /_fake/calendars first")
    return state.calendars[calendar_id]


def _dragged(event: dict[str, Any]) -> dict[str, Any]:
    """Give an event its other time, or a day, in place of what it had: so it is when a person drags it."""
    none = {"date": None, "dateTime": None}
    return event | {edge: none | event[edge] for edge in ("start", "end") if event.get(edge)}


def control_routes(state: GoogleState, pusher: Pusher) -> APIRouter:
    """Build what people do to calendars by hand, and what reads back, under /_fake."""
    router = APIRouter(prefix="/_fake")

    @router.post("/busy", status_code=204)
    async def busy(given: Busy) -> None:
        _calendar(state, given.calendar_id).busy.append((given.start, given.end))

    @router.delete("/busy", status_code=204)
    async def not_busy(calendar_id: str) -> None:
        _calendar(state, calendar_id).busy.clear()

    @router.post("/events", status_code=201)
    async def hand_made(given: HandMade) -> dict[str, Any]:
        found = _calendar(state, given.calendar_id)
        event_id = str(given.event.get("id"))
        known = event_id in found.events
        event = found.change(event_id, _dragged(given.event)) if known else found.insert(given.event, found.id)
        pusher.changed(found.id)
        return shown(event)

    @router.delete("/events/{event_id}", status_code=204)
    async def hand_deleted(event_id: str, calendar_id: str) -> None:
        _calendar(state, calendar_id).delete(event_id)
        pusher.changed(calendar_id)

    @router.get("/events")
    async def events(calendar_id: str | None = None, deleted: bool = False) -> dict[str, Any]:
        chosen = state.calendars.values() if calendar_id is None else [_calendar(state, calendar_id)]
        items = [
            {"calendar_id": one.id, **shown(event)}
            for one in chosen
            for event in one.changed_since(0)
            if deleted or event["status"] != "cancelled"
        ]
        return {"count": len(items), "items": items}

    @router.post("/expire-sync-tokens", status_code=204)
    async def expire_sync(calendar_id: str) -> None:
        found = _calendar(state, calendar_id)
        found.version += 1
        found.oldest_sync = found.version

    @router.post("/push", status_code=204)
    async def push(given: Push) -> None:
        pusher.connect_to, pusher.unverified = given.connect_to, set(given.unverified)

    @router.get("/channels")
    async def channels() -> list[dict[str, Any]]:
        return list(state.channels.values())

    @router.get("/calls")
    async def calls(operation: str | None = None, after: int = 0) -> dict[str, Any]:
        return {"grants": state.tokens.grants, **state.calls.read(after=after, operation=operation)}

    return router
