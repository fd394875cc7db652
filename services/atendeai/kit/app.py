"""`create_service`: the one way a service's app is built, in tests as in production."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from http import HTTPStatus

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute

from atendeai.kit import metrics, openapi
from atendeai.kit.errors import Problem
from atendeai.kit.fast import FastRoutes, Service
from atendeai.kit.guard import guard
from atendeai.kit.health import Check, Health, Liveness, Overview, Readiness
from atendeai.kit.methods import HeadLikeGet, invalid, refused
from atendeai.kit.middleware import Outermost, as_problem, problem_response
from atendeai.kit.parameters import any_query, unproven
from atendeai.kit.resources import Kit
from atendeai.kit.responses import JSON
from atendeai.kit.settings import Settings
from atendeai.kit.work import Worker
from atendeai.kit.workers import WorkLoops

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

# FastAPI's own instrumentation records paths and query strings as they came: the kit's says what may be said.
_NO_SPANS_OF_ITS_OWN: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}


def create_service(
    name: str,
    settings: Settings,
    *,
    routers: Sequence[APIRouter],
    workers: Sequence[Worker] = (),
    kit: Kit | None = None,
    fast: FastRoutes | None = None,
    bodies: Mapping[tuple[str, str], int] | None = None,
    checks: Mapping[str, Check] | None = None,
    lifespan: Lifespan | None = None,
) -> FastAPI:
    """Build a service: its routers behind the kit's guard, its workers, health, metrics, problems and headers.

    A service whose workers or routers need the kit makes `Kit(settings)` first and hands it in; it is started and
    closed with the app. `fast` names the routes that skip FastAPI (see `kit.fast`); `bodies` those whose body may have
    other than the settings' `max_body_bytes`, by method and exact path.

    `checks` join readiness; a router that has a `/health` of its own replaces the kit's; `lifespan` runs inside the
    kit's own. Raises `ValueError` when the settings are another service's.
    """
    if settings.service != name:
        raise ValueError(f"these are the settings of {settings.service!r}, not of {name!r}")
    resources = kit if kit is not None else Kit(settings)
    metrics.BUILD.labels(name, settings.version).set(1)

    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[None]:
        loops = WorkLoops(resources, workers)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(resources.close)
            stack.push_async_callback(resources.answered)
            await resources.start()
            if lifespan is not None:
                await stack.enter_async_context(lifespan(app))
            await loops.start()
            stack.push_async_callback(loops.stop, settings.grace_seconds)
            yield

    app = Service(
        routes=_routes(routers),
        title=f"AtendeAI {name}",
        version=settings.version,
        lifespan=run,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        telemetry=_NO_SPANS_OF_ITS_OWN,
        fast=fast,
        outermost=partial(Outermost, kit=resources, bodies=bodies or {}),
        middleware=[Middleware(Outermost, kit=resources, bodies=bodies or {}), Middleware(HeadLikeGet)],
    )
    app.state.kit = resources
    app.state.health = Health(resources, checks or {})
    app.state.parameters = {}
    _answer_problems(app)
    openapi.install(app)
    return app


# Probes, proxies and whoever watches ask these, with a query of their own if they like.
_own, _overview = APIRouter(tags=["health"]), APIRouter(tags=["health"])


@_own.get("/health/live", response_model=Liveness)
@any_query
async def live() -> Response:
    """The process alone: it is running and answers."""
    return JSON({"status": "alive"})


@_own.get(
    "/health/ready",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "Nobody should be sent here at the moment"}},
)
@any_query
async def ready(request: Request) -> Response:
    """Whether the process takes requests: what it needs answers, and it is not about to end."""
    health: Health = request.app.state.health
    overview = await health.overview()
    return JSON({"status": "ready"}) if _is_well(overview) else JSON({"status": overview["status"]}, 503)


@_overview.get(
    "/health",
    response_model=Overview,
    responses={503: {"model": Overview, "description": "Something that the process needs is down, or it is ending"}},
)
@any_query
async def details(request: Request) -> Response:
    """The same with details: each thing that the process needs, and how it is."""
    health: Health = request.app.state.health
    overview = await health.overview()
    return JSON(overview, 200 if _is_well(overview) else 503, headers={"Cache-Control": "no-store"})


@_own.get("/metrics", response_class=PlainTextResponse)
@any_query
async def exposition() -> Response:
    """The process's metrics, in Prometheus' text format."""
    body, media_type = metrics.render()
    return Response(body, media_type=media_type)


def _is_well(overview: Overview) -> bool:
    return overview["status"] == "healthy"


_made: dict[tuple[int, ...], list[BaseRoute]] = {}
"""By the routers' identities, which stay: their routes are kept here. (A router has no hash.)"""


def _routes(routers: Sequence[APIRouter]) -> list[BaseRoute]:
    """Return a service's routes behind the guard, the same for every app of a process.

    What a route depends on and how its bodies are validated is worked out when they are first asked for, and kept in
    them. It is a third of what a test with an app of its own would cost.
    """
    name = tuple(map(id, routers))
    if name not in _made:
        whole = APIRouter(dependencies=[Depends(guard)])
        has_its_own = any(getattr(route, "path", None) == "/health" for router in routers for route in router.routes)
        for router in (*routers, *(() if has_its_own else (_overview,)), _own):
            whole.include_router(router)
        _made[name] = list(whole.routes)
    return _made[name]


def _answer_problems(app: FastAPI) -> None:
    async def on_problem(request: Request, error: Exception) -> Response:
        return problem_response(request.scope, as_problem(error))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for that type alone
        nobody = await unproven(request) if error.status_code == HTTPStatus.BAD_REQUEST else None
        return problem_response(request.scope, nobody or refused(app, error, request.method, request.url.path))

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for that type alone
        nobody = await unproven(request)
        return problem_response(request.scope, nobody or invalid(app, error, request.method, request.url.path))

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_invalid)
