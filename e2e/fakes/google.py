"""The Google Calendar fake: token endpoint, free/busy, events, sync tokens, watch channels; `/_fake/` steers it.

Operations that a fault can name: `token`, `revoke`, `freebusy`, `events.insert`, `events.get`, `events.patch`,
`events.delete`, `events.list`, `events.watch`, `channels.stop`, `*`.
Parameters and bodies are held against the published discovery document: what it does not know is refused.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from fakes.control import fault_routes, json_object
from fakes.google_consent import consent_routes
from fakes.google_control import account_routes, control_routes
from fakes.google_errors import GoogleError, TokenError
from fakes.google_list import list_events
from fakes.google_push import Pusher, open_channel
from fakes.google_shapes import unknown_parameters, unknown_properties
from fakes.google_state import Calendar, GoogleState, Role, shown
from fakes.keep import Keeper, Touching


def create_google(keep: Path | None = None) -> FastAPI:
    """Build the app; its state is at `app.state.google`, and in the file `keep` over a restart."""
    state = GoogleState()
    pusher = Pusher(state)

    def remember() -> dict[str, Any]:
        return {**state.remembered(), "push": (pusher.connect_to, pusher.unverified)}

    def recall(memory: dict[str, Any]) -> None:
        state.recall(memory)
        pusher.connect_to, pusher.unverified = memory["push"]

    keeper = Keeper(keep, remember, recall)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with keeper.running():
            yield
            await pusher.close()

    app = FastAPI(title="Google Calendar fake", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.google = state
    app.state.pusher = pusher
    app.state.keeper = keeper
    app.add_middleware(Touching, keeper=keeper)
    app.include_router(consent_routes(state))
    app.include_router(fault_routes(state.faults))
    app.include_router(account_routes(state))
    app.include_router(control_routes(state, pusher))

    app.add_exception_handler(GoogleError, _answer_error)
    app.add_exception_handler(TokenError, _answer_error)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/calendar/v3/freeBusy")
    async def free_busy(request: Request) -> Response:
        account = state.tokens.account(request.headers.get("authorization", ""), "freebusy")
        body = await _body(request, "FreeBusyRequest")
        state.calls.add(
            operation="freebusy", calendars=[i.get("id") for i in body.get("items", []) if i], account=account
        )

        async def answer() -> Response:
            return JSONResponse(state.free_busy(account, body))

        return await _faulty(state, "freebusy", None, answer)

    @app.post("/calendar/v3/channels/stop")
    async def stop(request: Request) -> Response:
        account = state.tokens.account(request.headers.get("authorization", ""), "channels.stop")
        body = await _body(request, "Channel")
        state.calls.add(operation="channels.stop", channel_id=body.get("id"), account=account)

        async def carry_out() -> Response:
            channel = state.channels.get(str(body.get("id")))
            if channel is None or channel["resourceId"] != body.get("resourceId"):
                raise GoogleError("notFound")
            del state.channels[channel["id"]]
            return Response(status_code=204)

        return await _faulty(state, "channels.stop", None, carry_out)

    _token_routes(app, state)
    _event_routes(app, state, pusher)
    return app


def _token_routes(app: FastAPI, state: GoogleState) -> None:
    @app.post("/token")
    async def token(request: Request) -> Response:
        async def grant() -> Response:
            form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
            known_as = {str(request.url), "https://oauth2.googleapis.com/token"}
            return JSONResponse(state.tokens.grant(form, known_as))

        return await _faulty(state, "token", None, grant)

    @app.post("/revoke")
    async def revoke(request: Request) -> Response:
        async def carry_out() -> Response:
            form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
            state.tokens.revoke(form.get("token", ""))
            return JSONResponse({})

        state.calls.add(operation="revoke")
        return await _faulty(state, "revoke", None, carry_out)


def _answer_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, GoogleError | TokenError)
    return error.response()


class _Runner:
    """Runs one call on a calendar: who asks, faults, the right to do it, and the notification of a change."""

    def __init__(self, state: GoogleState, pusher: Pusher) -> None:
        self._state, self._pusher = state, pusher

    async def __call__(
        self, request: Request, operation: str, calendar_id: str, role: Role, act: Callable[[Calendar, str], Any]
    ) -> Response:
        account = self._state.tokens.account(request.headers.get("authorization", ""), operation)
        unknown = unknown_parameters(operation, list(request.query_params))
        if unknown:
            raise GoogleError("invalid", f"Unknown parameters: {', '.join(unknown)}")
        self._state.calls.add(
            operation=operation,
            calendar_id=calendar_id,
            account=account,
            path=request.url.path,
            query=dict(request.query_params),
        )

        async def carry_out() -> Response:
            calendar = self._state.calendar(calendar_id, account, role)
            before = calendar.version
            answer = act(calendar, account)
            if calendar.version != before:
                self._pusher.changed(calendar.id)
            return Response(status_code=204) if answer is None else JSONResponse(answer)

        return await _faulty(self._state, operation, calendar_id, carry_out)


def _event_routes(app: FastAPI, state: GoogleState, pusher: Pusher) -> None:
    base = "/calendar/v3/calendars/{calendar_id}/events"
    run = _Runner(state, pusher)

    @app.get(base)
    async def listing(request: Request, calendar_id: str) -> Response:
        query = dict(request.query_params)
        return await run(request, "events.list", calendar_id, "reader", lambda c, a: list_events(c, query, a))

    @app.post(base + "/watch")
    async def watch(request: Request, calendar_id: str) -> Response:
        body = await _body(request, "Channel")
        return await run(
            request,
            "events.watch",
            calendar_id,
            "reader",
            lambda c, _: open_channel(state, pusher, c.id, body),
        )

    @app.post(base)
    async def insert(request: Request, calendar_id: str) -> Response:
        body = await _body(request, "Event")
        return await run(request, "events.insert", calendar_id, "writer", lambda c, a: shown(c.insert(body, a)))

    @app.get(base + "/{event_id}")
    async def get(request: Request, calendar_id: str, event_id: str) -> Response:
        return await run(request, "events.get", calendar_id, "reader", lambda c, _: shown(c.get(event_id)))

    @app.patch(base + "/{event_id}")
    @app.put(base + "/{event_id}")
    async def change(request: Request, calendar_id: str, event_id: str) -> Response:
        body = await _body(request, "Event")
        etag, replace = request.headers.get("if-match"), request.method == "PUT"
        return await run(
            request,
            "events.patch",
            calendar_id,
            "writer",
            lambda c, _: shown(c.change(event_id, body, etag=etag, replace=replace)),
        )

    @app.delete(base + "/{event_id}")
    async def delete(request: Request, calendar_id: str, event_id: str) -> Response:
        return await run(request, "events.delete", calendar_id, "writer", lambda c, _: c.delete(event_id))


async def _body(request: Request, schema: str) -> dict[str, Any]:
    body = await json_object(request)
    if body is None:
        raise GoogleError("parseError")
    unknown = unknown_properties(schema, body)
    if unknown:
        raise GoogleError("invalid", f"Unknown names: {', '.join(unknown)}")
    return body


async def _faulty(
    state: GoogleState, operation: str, subject: str | None, answer: Callable[[], Awaitable[Response]]
) -> Response:
    fault = await state.faults.take(operation, subject)
    if fault is None:
        return await answer()
    if fault.after:
        # Carried out, but the caller is told otherwise: what a lost answer looks like from outside.
        await asyncio.shield(asyncio.ensure_future(answer()))
    if operation in {"token", "revoke"}:
        raise TokenError(fault.reason or "internal_failure", fault.message or "", fault.http_status or 500)
    raise GoogleError(fault.reason or "backendError", fault.message, fault.http_status)
