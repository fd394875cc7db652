"""The Graph fake refuses what the platform refuses, and delivers signed webhooks."""

import asyncio
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from starlette.responses import Response

from fakes.graph import create_graph
from fakes.graph_rules import complaint, same_person

PHONE = "1001"
TO = "5511987654321"


def text(to: str = TO, body: str = "oi", **more: Any) -> dict[str, Any]:
    return {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": body}, **more}


@pytest.fixture
def graph() -> Iterator[TestClient]:
    with TestClient(create_graph(), headers={"Authorization": "Bearer tok"}) as client:
        account = {"phone_number_id": PHONE, "access_token": "tok", "app_secret": "sec", "pair_burst": 3}
        assert client.post("/_fake/accounts", json=account).status_code == 201
        yield client


def open_window(graph: TestClient, user: str = TO, age: float = 0) -> None:
    asked = {"phone_number_id": PHONE, "user": user, "age_seconds": age}
    assert graph.post("/_fake/window", json=asked).status_code == 204


def send(graph: TestClient, payload: dict[str, Any], **headers: str) -> Any:
    return graph.post(f"/v23.0/{PHONE}/messages", json=payload, headers=headers or None)


def test_wrong_token_and_unknown_number(graph: TestClient) -> None:
    answer = send(graph, text(), Authorization="Bearer no")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, 190)
    answer = graph.post("/v23.0/9999/messages", json=text())
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["error_subcode"]) == (400, 100, 33)
    assert graph.post(f"/latest/{PHONE}/messages", json=text()).json()["error"]["code"] == 2500


def test_free_text_needs_an_open_window(graph: TestClient) -> None:
    assert send(graph, text()).json()["error"]["code"] == 131047
    open_window(graph, age=24 * 3600 + 1)
    assert send(graph, text()).json()["error"]["code"] == 131047
    open_window(graph, user="551187654321", age=24 * 3600 - 60)
    answer = send(graph, text())
    assert answer.status_code == 200
    assert answer.json()["contacts"] == [{"input": TO, "wa_id": "551187654321"}]
    kept = graph.get("/_fake/messages", params={"phone_number_id": PHONE, "to": TO}).json()
    assert [item["text"] for item in kept["items"]] == ["oi"]
    template = {"name": "lembrete", "language": {"code": "pt_BR"}}
    outside = {"messaging_product": "whatsapp", "to": "5521999998888", "type": "template", "template": template}
    assert send(graph, outside).status_code == 200


def test_pair_limit_and_faults(graph: TestClient) -> None:
    open_window(graph)
    codes = [send(graph, text()).status_code for _ in range(3)]
    assert codes == [200, 200, 200]
    assert send(graph, text()).json()["error"]["code"] == 131056
    open_window(graph, "5521911112222")
    graph.post("/_fake/faults", json={"operation": "messages", "code": 131000, "count": 1})
    assert send(graph, text("5521911112222")).status_code == 500
    assert send(graph, text("5521911112222")).status_code == 200
    graph.post("/_fake/faults", json={"operation": "messages", "http_status": 502, "after": True})
    before = graph.get("/_fake/messages").json()["total"]
    assert send(graph, text("5521911112222")).status_code == 502
    assert graph.get("/_fake/messages").json()["total"] == before + 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"text": {"body": ""}}, 131008),
        ({"text": {"body": "x" * 4097}}, 131009),
        ({"messaging_product": None}, 100),
        ({"to": "12"}, 131009),
        ({"type": "postcard"}, 100),
        ({"type": "interactive", "interactive": {"type": "button", "body": {"text": "?"}, "action": {}}}, 131009),
        ({"type": "template", "template": {"name": "nada", "language": {"code": "pt_BR"}}}, 132001),
    ],
)
def test_malformed_messages(change: dict[str, Any], code: int) -> None:
    found = complaint({**text(), **change}, {("lembrete", "pt_BR")})
    assert found is not None
    assert found[0] == code


def test_buttons_and_lists() -> None:
    def buttons(*titles: str) -> dict[str, Any]:
        made = [{"type": "reply", "reply": {"id": str(i), "title": title}} for i, title in enumerate(titles)]
        action = {"buttons": made}
        return {**text(), "type": "interactive", "interactive": _interactive("button", action)}

    def _interactive(kind: str, action: dict[str, Any]) -> dict[str, Any]:
        return {"type": kind, "body": {"text": "Qual?"}, "action": action}

    assert complaint(buttons("Sim", "Não"), None) is None
    assert complaint(buttons("Sim", "Sim"), None) is not None
    assert complaint(buttons("um título que passa de vinte"), None) is not None
    assert complaint(buttons("1", "2", "3", "4"), None) is not None
    rows = [{"id": str(i), "title": f"{i}h"} for i in range(11)]
    for count, fine in ((10, True), (11, False)):
        action = {"button": "Ver", "sections": [{"rows": rows[:count]}]}
        payload = {**text(), "type": "interactive", "interactive": _interactive("list", action)}
        assert (complaint(payload, None) is None) is fine


def test_both_forms_of_a_brazilian_number() -> None:
    assert same_person("5511987654321") == same_person("+551187654321")
    assert same_person("551132654321") == "551132654321"
    assert same_person("5511987654321") != same_person("5511987654322")


class Receiver:
    """A callback that checks signatures, refuses the first few, and keeps the rest."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.refuse = 0
        app = FastAPI()

        @app.post("/webhook/whatsapp")
        async def hook(request: Request) -> Response:
            body = await request.body()
            expected = "sha256=" + hmac.new(b"sec", body, hashlib.sha256).hexdigest()
            if self.refuse:
                self.refuse -= 1
                return Response(status_code=503)
            if request.headers["x-hub-signature-256"] != expected:
                return Response(status_code=401)
            self.bodies.append(json.loads(body) | {"host": request.headers["host"]})
            return Response()

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.server = uvicorn.Server(uvicorn.Config(app, port=self.port, log_level="warning"))
        self.thread = threading.Thread(target=self.server.run)

    async def until(self, count: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(20):
            while len(self.bodies) < count:  # noqa: ASYNC110 - filled by another thread
                await asyncio.sleep(0.02)
        return self.bodies


@pytest.fixture
async def receiver() -> Any:
    made = Receiver()
    made.thread.start()
    async with asyncio.timeout(20):
        while not made.server.started:  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(0.02)
    yield made
    made.server.should_exit = True
    await asyncio.to_thread(made.thread.join)


async def test_webhooks_are_signed_repeated_and_followed_by_statuses(receiver: Receiver) -> None:
    with TestClient(create_graph(), headers={"Authorization": "Bearer tok"}) as graph:
        account = {
            "phone_number_id": PHONE,
            "access_token": "tok",
            "app_secret": "sec",
            "callback_url": f"http://127.0.0.1:{receiver.port}/webhook/whatsapp",
            "host": "sol.example.com",
            "status_delay_seconds": 0,
        }
        await asyncio.to_thread(graph.post, "/_fake/accounts", json=account)
        receiver.refuse = 2
        asked = {"phone_number_id": PHONE, "from": TO, "text": "Olá"}
        answer = await asyncio.to_thread(graph.post, "/_fake/inbound", json=asked)
        assert answer.json()["http_statuses"] == [200]
        value = receiver.bodies[0]["entry"][0]["changes"][0]["value"]
        assert value["messages"][0]["text"]["body"] == "Olá"
        assert value["metadata"]["phone_number_id"] == PHONE
        assert receiver.bodies[0]["host"] == "sol.example.com"
        forged = await asyncio.to_thread(
            graph.post, "/_fake/inbound", json={**asked, "app_secret": "other", "repeat": False}
        )
        assert forged.json()["http_statuses"] == [401]
        sent = await asyncio.to_thread(graph.post, f"/v23.0/{PHONE}/messages", json=text())
        wamid = sent.json()["messages"][0]["id"]
        bodies = await receiver.until(4)
        statuses = [b["entry"][0]["changes"][0]["value"]["statuses"][0] for b in bodies[1:]]
        assert [(s["id"], s["status"]) for s in statuses] == [(wamid, s) for s in ("sent", "delivered", "read")]


async def test_a_window_that_fails_later(receiver: Receiver) -> None:
    with TestClient(create_graph(), headers={"Authorization": "Bearer tok"}) as graph:
        account = {
            "phone_number_id": PHONE,
            "access_token": "tok",
            "app_secret": "sec",
            "callback_url": f"http://127.0.0.1:{receiver.port}/webhook/whatsapp",
            "window": "status",
        }
        await asyncio.to_thread(graph.post, "/_fake/accounts", json=account)
        sent = await asyncio.to_thread(graph.post, f"/v23.0/{PHONE}/messages", json=text())
        assert sent.status_code == 200
        bodies = await receiver.until(1)
        status = bodies[0]["entry"][0]["changes"][0]["value"]["statuses"][0]
        assert (status["status"], status["errors"][0]["code"]) == ("failed", 131047)
