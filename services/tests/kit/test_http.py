"""Calls between services: signed, repeated only where that is harmless, and clear about what went wrong."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from atendeai.kit.http import ServiceClient, ServiceError, trusted, trusted_at
from atendeai.kit.testing.clinics import Stack, TestClinic
from atendeai.kit.testing.peers import Peers
from atendeai.kit.testing.plugin import ClientFactory
from tests.kit.toy import create_app

pytestmark = pytest.mark.integration

Handler = Callable[[httpx.Request], httpx.Response]


def client(stack: Stack, handler: Handler) -> ServiceClient:
    return ServiceClient(stack.settings("health"), transport=httpx.MockTransport(handler))


class Answers:
    """Gives one answer after the other and keeps what it was asked."""

    def __init__(self, *answers: httpx.Response | type[httpx.TransportError]) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, httpx.Response):
            return answer
        raise answer("broken", request=request)


async def test_one_service_reaches_another_as_itself(
    stack: Stack, clinic: TestClinic, client_for: ClientFactory
) -> None:
    peer = await client_for(create_app, clinic.service_settings("auth"))
    peers = Peers({"auth": peer.app})
    services = ServiceClient(stack.settings("health"), transport=peers)
    answer = await services.call(clinic.tenant, "auth", "POST", "/internal/v1/echo", json={"id": uuid4().hex})
    assert answer["from"] == "health"
    assert answer["clinic"] == str(clinic.id)
    assert peers.requests[0].url == "http://auth:3001/internal/v1/echo"


async def test_refusals_keep_their_problem(stack: Stack, clinic: TestClinic) -> None:
    document = {"type": "urn:atendeai:problem:slot-taken", "title": "Taken", "status": 409}
    services = client(stack, Answers(httpx.Response(409, json=document)))
    with pytest.raises(ServiceError) as refused:
        await services.call(clinic.tenant, "appointment", "POST", "/internal/v1/holds", json={})
    assert (refused.value.status, refused.value.slug, refused.value.temporary) == (409, "slot-taken", False)


@pytest.mark.parametrize(
    ("method", "key", "failure", "asked"),
    [
        ("GET", None, httpx.Response(503), 2),
        ("GET", None, httpx.ReadError, 2),
        ("POST", "k", httpx.Response(503), 2),
        ("POST", "k", httpx.ReadTimeout, 2),
        ("POST", None, httpx.ConnectError, 2),
        ("POST", None, httpx.Response(503), 1),
        ("POST", None, httpx.ReadTimeout, 1),
        ("GET", None, httpx.Response(500), 1),
    ],
)
async def test_only_what_is_harmless_is_repeated(
    stack: Stack, clinic: TestClinic, method: str, key: str | None, failure: Any, asked: int
) -> None:
    answers = Answers(failure, httpx.Response(200, json={"ok": True}))
    services = client(stack, answers)
    if asked == 2:
        assert await services.call(clinic.tenant, "user", method, "/internal/v1/x", idempotency_key=key) == {"ok": True}
    else:
        with pytest.raises(ServiceError) as error:
            await services.call(clinic.tenant, "user", method, "/internal/v1/x", idempotency_key=key)
        assert error.value.temporary
    assert len(answers.requests) == asked
    assert {request.headers.get("Idempotency-Key") for request in answers.requests} == {key}


def in_flight(wait: str) -> httpx.Response:
    document = {"type": "urn:atendeai:problem:idempotency-key-in-flight", "status": 409}
    return httpx.Response(409, json=document, headers={"Retry-After": wait})


async def test_what_is_still_being_handled_is_asked_for_again(stack: Stack, clinic: TestClinic) -> None:
    answers = Answers(httpx.ReadTimeout, *[in_flight("0") for _ in range(4)], httpx.Response(200, json={"ok": True}))
    taken = await client(stack, answers).call(clinic.tenant, "user", "POST", "/internal/v1/x", idempotency_key="k")
    assert (taken, len(answers.requests)) == ({"ok": True}, 6)


async def test_what_is_handled_for_longer_than_an_answer_may_take_is_left_for_later(
    stack: Stack, clinic: TestClinic
) -> None:
    answers = Answers(in_flight("60"))
    with pytest.raises(ServiceError) as error:
        await client(stack, answers).call(clinic.tenant, "user", "POST", "/internal/v1/x", idempotency_key="k")
    assert (error.value.status, error.value.temporary, len(answers.requests)) == (409, True, 1)


async def test_it_gives_up(stack: Stack, clinic: TestClinic) -> None:
    answers = Answers(*[httpx.ConnectError] * 5)
    with pytest.raises(ServiceError) as error:
        await client(stack, answers).call(clinic.tenant, "user", "GET", "/internal/v1/x")
    assert error.value.status is None
    assert len(answers.requests) == 3


async def test_an_empty_answer_is_none_and_a_strange_one_an_error(stack: Stack, clinic: TestClinic) -> None:
    services = client(stack, Answers(httpx.Response(204), httpx.Response(200, content=b"<html>")))
    assert await services.call(clinic.tenant, "calendar", "DELETE", "/internal/v1/events/1") is None
    with pytest.raises(ServiceError):
        await services.call(clinic.tenant, "calendar", "GET", "/internal/v1/x")


async def test_a_service_that_the_network_refuses_is_not_even_tried(stack: Stack, clinic: TestClinic) -> None:
    answers = Answers()
    services = ServiceClient(stack.settings("clinic"), transport=httpx.MockTransport(answers))
    with pytest.raises(RuntimeError, match="clinic calls user"):
        await services.call(clinic.tenant, "user", "GET", "/internal/v1/x")
    assert not answers.requests


async def test_no_authorities_are_read_where_nobody_is_asked_over_tls(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes 30 ms of CPU, of a start that should cost little."""
    inside = trusted_at("http://auth:3001", None)
    assert (inside.verify_mode, inside.check_hostname, inside.get_ca_certs()) == (ssl.CERT_REQUIRED, True, [])
    assert trusted_at("http://auth:3001", "HTTPS://gateway") is trusted()

    def reads() -> ssl.SSLContext:
        raise AssertionError("the authorities are read")

    monkeypatch.setattr("atendeai.kit.http.trusted", reads)
    await ServiceClient(stack.settings("auth")).close()
    secure = stack.settings("auth", service_url_template="https://{service}")
    with pytest.raises(AssertionError, match="authorities are read"):
        ServiceClient(secure)
