"""Fast routes: in the outermost layer and in no other, and given to FastAPI where they leave a request."""

from __future__ import annotations

import inspect

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from prometheus_client import REGISTRY
from starlette.responses import PlainTextResponse, Response

from atendeai.kit.app import create_service
from atendeai.kit.parameters import any_query
from atendeai.kit.settings import Settings

PATH = "/webhook/fast"


def app() -> FastAPI:
    """A service whose one route says through which files a request came; `?leave` is left to FastAPI."""
    router = APIRouter()

    @router.get(PATH)
    @any_query
    async def files(request: Request) -> Response:
        return PlainTextResponse("\n".join(frame.filename for frame in inspect.stack()))

    async def fast(request: Request) -> Response | None:
        return None if request.scope["query_string"] else await files(request)

    settings = Settings(service="auth", database_url="postgresql://x@127.0.0.1/x", redis_url="redis://127.0.0.1")
    return create_service("auth", settings, routers=[router], fast={("GET", PATH): fast})


async def ask(query: str = "", method: str = "GET") -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app()), base_url="http://x") as client:
        return await client.request(method, PATH + query)


def counted() -> float:
    labels = {"service": "auth", "method": "GET", "route": PATH, "status": "200"}
    return REGISTRY.get_sample_value("http_server_request_duration_seconds_count", labels) or 0


async def test_no_layer_of_the_frameworks_is_between() -> None:
    answer = await ask()
    assert "kit/middleware.py" in answer.text
    assert not [file for file in answer.text.split() if "/starlette/" in file or "/fastapi/" in file]


@pytest.mark.parametrize("query", ["", "?leave"])
async def test_whoever_answers_is_dressed_and_counted_once(query: str) -> None:
    before = counted()
    answer = await ask(query)
    assert ("/fastapi/" in answer.text) is bool(query)
    for name in ("x-request-id", "x-service", "content-security-policy"):
        assert len(answer.headers.get_list(name)) == 1
    assert answer.headers["x-service"] == "auth"
    assert counted() == before + 1


async def test_its_address_takes_head_and_no_other_method() -> None:
    assert (await ask(method="HEAD")).status_code == 200
    refused = await ask(method="DELETE")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
