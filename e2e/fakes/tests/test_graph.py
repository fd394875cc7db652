"""The Graph fake refuses what the platform refuses, and delivers signed webhooks."""

import asyncio
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
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


def template(name: str, *values: str, to: str = TO, **more: Any) -> dict[str, Any]:
    parameters = [{"type": "text", "text": value} for value in values]
    content = {
        "name": name,
        "language": {"code": "pt_BR"},
        "components": [{"type": "body", "parameters": parameters}],
        **more,
    }
    return {"messaging_product": "whatsapp", "to": to, "type": "template", "template": content}


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
    assert send(graph, template("lembrete", "Maria", to="5521999998888")).json()["error"]["code"] == 132001
    made = {"phone_number_id": PHONE, "name": "lembrete", "status": "APPROVED", "body": "Olá, {{1}}! Tudo bem?"}
    graph.post("/_fake/templates", json=made)
    assert send(graph, template("lembrete", "Maria", to="5521999998888")).status_code == 200
    kept = graph.get("/_fake/messages", params={"to": "5521999998888"}).json()
    assert [item["text"] for item in kept["items"]] == ["Olá, Maria! Tudo bem?"]


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
    found = complaint({**text(), **change}, {("lembrete", "pt_BR"): {"status": "APPROVED", "components": []}})
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


def reviewed(status: str) -> dict[tuple[str, str], dict[str, Any]]:
    buttons = [{"type": "QUICK_REPLY", "text": "Sim"}]
    components = [{"type": "BODY", "text": "Olá, {{1}}, às {{2}} então."}, {"type": "BUTTONS", "buttons": buttons}]
    return {("lembrete", "pt_BR"): {"status": status, "components": components}}


def press(index: str, payload: str) -> dict[str, Any]:
    parameters = [{"type": "payload", "payload": payload}]
    return {"type": "button", "sub_type": "quick_reply", "index": index, "parameters": parameters}


def test_templates_are_sent_only_as_they_were_approved() -> None:
    def code(message: dict[str, Any], status: str = "APPROVED") -> int | None:
        found = complaint(message, reviewed(status))
        return found[0] if found else None

    good = template("lembrete", "Maria", "14h")
    assert code(good) is None
    assert [code(good, status) for status in ("PAUSED", "DISABLED", "PENDING", "REJECTED")] == [
        132015,
        132016,
        132001,
        132001,
    ]
    assert code(template("lembrete", "Maria")) == 132000
    assert code(template("lembrete", "Maria", "14h\nou 15h")) == 132018
    assert code(template("lembrete", "Maria", " ")) == 131008
    good["template"]["language"]["code"] = "en_US"
    assert code(good) == 132001
    for part, expected in ((press("0", "sim"), None), (press("1", "x"), 132018), (press("0", "x" * 129), 131008)):
        message = template("lembrete", "Maria", "14h")
        message["template"]["components"].append(part)
        assert code(message) == expected


def new_template(**change: Any) -> dict[str, Any]:
    body = {"type": "BODY", "text": "Olá, {{1}}! Até amanhã.", "example": {"body_text": [["Maria"]]}}
    return {"name": "aviso", "language": "pt_BR", "category": "UTILITY", "components": [body], **change}


def test_templates_are_reviewed_listed_and_made_once(graph: TestClient) -> None:
    url = "/v23.0/100000000000000/message_templates"
    made = graph.post(url, json=new_template()).json()
    assert made["status"] == "APPROVED"
    again = graph.post(url, json=new_template()).json()["error"]
    assert (again["code"], again["error_subcode"]) == (100, 2388024)
    body = {"type": "BODY", "text": "{{1}}, até amanhã.", "example": {"body_text": [["Maria"]]}}
    assert graph.post(url, json=new_template(name="outro", components=[body])).status_code == 400
    body = {"type": "BODY", "text": "Olá, {{1}}! Até amanhã."}
    assert graph.post(url, json=new_template(name="outro", components=[body])).status_code == 400
    graph.post(url, json=new_template(name="outro"))
    page = graph.get(url, params={"fields": "name,status", "limit": 1}).json()
    assert page["data"] == [{"name": "aviso", "status": "APPROVED", "id": made["id"]}]
    rest = graph.get(url, params={"after": page["paging"]["cursors"]["after"]}).json()
    assert [item["name"] for item in rest["data"]] == ["outro"]
    assert graph.get("/v23.0/999/message_templates").json()["error"]["error_subcode"] == 33


def test_a_number_is_registered_with_its_pin(graph: TestClient) -> None:
    account = {
        "phone_number_id": "2002",
        "access_token": "tok2",
        "app_secret": "s",
        "registered": False,
        "pin": "123456",
    }
    graph.post("/_fake/accounts", json=account)
    bearer = {"Authorization": "Bearer tok2"}
    assert graph.post("/v23.0/2002/messages", json=text(), headers=bearer).json()["error"]["code"] == 133010
    for pin, code in (("12345", 100), ("000000", 133005), ("123456", None)):
        body = {"messaging_product": "whatsapp", "pin": pin}
        answer = graph.post("/v23.0/2002/register", json=body, headers=bearer).json()
        assert answer.get("error", {}).get("code") == code
    assert graph.get("/v23.0/2002", params={"fields": "status"}, headers=bearer).json()["status"] == "CONNECTED"


def test_media_are_read_in_two_steps_with_the_token(graph: TestClient) -> None:
    sent = graph.post(
        "/_fake/media", params={"phone_number_id": PHONE, "mime_type": "audio/ogg"}, content=b"OggS\x00\r\n\xff"
    ).json()
    found = graph.get(f"/v23.0/{sent['id']}").json()
    assert (found["mime_type"], found["file_size"], found["sha256"]) == ("audio/ogg", 8, sent["sha256"])
    assert graph.get(found["url"], headers={"Authorization": "Bearer no"}).status_code == 401
    assert graph.get(found["url"]).content == b"OggS\x00\r\n\xff"
    assert graph.get("/_fake/media-reads").json()["count"] == 2


def test_media_are_uploaded_and_then_sent(graph: TestClient) -> None:
    open_window(graph)
    url = f"/v23.0/{PHONE}/media"
    png = b"\x89PNG\r\n\x1a\n\r\n--not-the-boundary"
    answer = graph.post(url, data={"messaging_product": "whatsapp"}, files={"file": ("a.png", png, "image/png")})
    media = answer.json()["id"]
    assert graph.get(f"/_fake/media/{media}").json() == {
        "mime_type": "image/png",
        "sha256": hashlib.sha256(png).hexdigest(),
        "size": len(png),
    }
    message = {"messaging_product": "whatsapp", "to": TO, "type": "image", "image": {"id": media, "caption": "mapa"}}
    assert send(graph, message).status_code == 200
    assert send(graph, {**message, "image": {"id": "1"}}).json()["error"]["code"] == 100
    odd = graph.post(url, data={"messaging_product": "whatsapp"}, files={"file": ("a.exe", b"MZ", "application/x-exe")})
    assert odd.json()["error"]["code"] == 100
    big = {"file": ("a.png", b"x" * (5 * 1024 * 1024 + 1), "image/png")}
    assert graph.post(url, data={"messaging_product": "whatsapp"}, files=big).json()["error"]["code"] == 131053


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


def test_accounts_and_windows_outlive_a_restart(tmp_path: Path) -> None:
    keep = tmp_path / "state"
    with TestClient(create_graph(keep=keep), headers={"Authorization": "Bearer tok"}) as graph:
        account = {"phone_number_id": PHONE, "access_token": "tok", "app_secret": "sec"}
        assert graph.post("/_fake/accounts", json=account).status_code == 201
        open_window(graph)
    with TestClient(create_graph(keep=keep), headers={"Authorization": "Bearer tok"}) as graph:
        assert send(graph, text()).status_code == 200
        assert graph.post("/_fake/reset").status_code == 204
        graph.post("/_fake/faults", json={"operation": "messages", "code": 131000})
        assert send(graph, text()).json()["error"]["code"] == 131000, "faults are still taken after a reset"
