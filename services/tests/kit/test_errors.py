"""Problem documents: every refusal names the field or the remedy, and nothing of the inside leaks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from atendeai.kit.testing.clinics import TestClinic
from atendeai.kit.testing.plugin import AppClient, ClientFactory
from tests.kit.toy import CreateApp

pytestmark = pytest.mark.integration


@pytest.fixture
async def client(clinic: TestClinic, client_for: ClientFactory, toy_app: CreateApp) -> AppClient:
    return await client_for(toy_app, clinic.service_settings("auth", max_body_bytes=2048))


def problem(response: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["type"] == f"urn:atendeai:problem:{slug}"
    assert body["status"] == status
    assert body["request_id"] == response.headers["x-request-id"]
    return body


async def test_a_wrong_field_is_named(client: AppClient, clinic: TestClinic) -> None:
    response = await client.post("/api/v1/things", json={"name": "x", "size": 0}, headers=clinic.headers())
    body = problem(response, 422, "invalid-request")
    assert [error["field"] for error in body["errors"]] == ["name", "size"]
    assert "at least 2 characters" in body["errors"][0]["reason"]
    assert body["instance"] == "/api/v1/things"


async def test_a_path_parameter_is_named(client: AppClient, clinic: TestClinic) -> None:
    body = problem(await client.get("/api/v1/things/x", headers=clinic.headers()), 422, "invalid-request")
    assert body["errors"][0]["field"] == "thing"


async def test_what_is_not_json_is_400(client: AppClient, clinic: TestClinic) -> None:
    headers = {**clinic.headers(), "Content-Type": "application/json"}
    problem(await client.post("/api/v1/things", content=b"{nope", headers=headers), 400, "not-json")


@pytest.mark.parametrize("content", [b"{nope", b"[" * 1020 + b"]" * 1020, b'{"name": "\xff"}', b'{"size": "x"}'])
async def test_nobody_is_told_what_is_wrong_with_their_body(
    client: AppClient, clinic: TestClinic, content: bytes
) -> None:
    said = {"Content-Type": "application/json", "Host": clinic.host, "X-Clinic-ID": str(clinic.id)}
    for path in ("/api/v1/things", "/internal/v1/echo"):
        problem(await client.post(path, content=content, headers=said), 401, "unauthenticated")


@pytest.mark.parametrize("said", [{}, {"Content-Type": "text/plain"}, {"Content-Type": "application/x-json"}])
async def test_what_is_not_said_to_be_json_is_415(client: AppClient, clinic: TestClinic, said: dict[str, str]) -> None:
    thing = b'{"name": "thing", "size": 1}'
    response = await client.post("/api/v1/things", content=thing, headers=clinic.headers() | said)
    body = problem(response, 415, "unsupported-media-type")
    assert body["errors"][0]["field"] == "Content-Type"
    assert "send application/json" in body["detail"]
    assert response.headers["accept"] == "application/json"
    taken = {"Content-Type": "application/merge-patch+json"}
    assert (await client.post("/api/v1/things", content=thing, headers=clinic.headers() | taken)).status_code == 201


async def test_what_is_nested_too_deeply_or_no_utf8_is_400(client: AppClient, clinic: TestClinic) -> None:
    headers = {**clinic.headers(), "Content-Type": "application/json"}
    for content in (b"[" * 1020 + b"]" * 1020, b'{"name": "\xff"}'):
        refused = await client.post("/api/v1/things", content=content, headers=headers)
        body = problem(refused, 400, "bad-request")
        assert body["errors"][0]["field"] == "body"
        assert "send JSON in UTF-8" in body["detail"]


async def test_head_is_get_without_the_body(client: AppClient, clinic: TestClinic) -> None:
    whole, head = [
        await client.request(method, "/api/v1/open", headers={"Host": clinic.host}) for method in ("GET", "HEAD")
    ]
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert head.headers["content-type"] == whole.headers["content-type"]
    refused = await client.head("/api/v1/login", headers={"Host": clinic.host})
    assert (refused.status_code, refused.headers["allow"]) == (405, "OPTIONS, POST")


async def test_unknown_paths_and_methods(client: AppClient, clinic: TestClinic) -> None:
    problem(await client.get("/nope", headers=clinic.headers()), 404, "not-found")
    response = await client.delete("/api/v1/things/3", headers=clinic.headers())
    problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_what_nobody_handled_says_nothing(client: AppClient, clinic: TestClinic) -> None:
    response = await client.get("/api/v1/broken", headers=clinic.headers())
    problem(response, 500, "internal")
    assert "João" not in response.text
    assert response.headers["x-frame-options"] == "DENY"


async def test_a_large_body_is_413_with_and_without_a_length(client: AppClient, clinic: TestClinic) -> None:
    refused = problem(await client.post("/webhook/raw", content=b"x" * 2049), 413, "too-large")
    assert refused["errors"][0]["field"] == "body"
    assert "2048 bytes" in refused["detail"]

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"x" * 100

    problem(await client.post("/webhook/raw", content=chunks()), 413, "too-large")
    accepted = await client.post("/webhook/raw", content=b"x" * 2048)
    assert accepted.json()["bytes"] == 2048


async def test_a_length_that_is_no_number_is_400(client: AppClient) -> None:
    response = await client.post("/webhook/raw", headers={"Content-Length": "ten"}, content=b"")
    problem(response, 400, "bad-request")


async def test_a_problem_of_a_service_keeps_its_headers(client: AppClient, clinic: TestClinic) -> None:
    response = await client.get("/api/v1/busy", headers=clinic.headers())
    body = problem(response, 409, "busy")
    assert body["queue"] == 3
    assert response.headers["retry-after"] == "7"
