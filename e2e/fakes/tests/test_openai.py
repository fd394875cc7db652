"""The fake of OpenAI: what its chat completions refuse and keep, and that its policy leads the product to a booking."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi.testclient import TestClient

from atendeai.conversation.engine import Actions, Line, Question
from atendeai.conversation.journal import Journal
from atendeai.conversation.memory import MemoryClinic
from atendeai.conversation.model_client import Endpoint
from atendeai.conversation.openai_engine import OpenAIEngine
from atendeai.conversation.repository import Unhandled
from atendeai.domain.dialogue.clinic import clinic_from_profile
from atendeai.domain.dialogue.ports import Answer, Request
from atendeai.domain.dialogue.session import Message, Patient
from atendeai.domain.dialogue.state import State
from fakes.openai import create_openai

KEY, MODEL, CHAT = "sk-clinic", "small", "/v1/chat/completions"
USER = {"role": "user", "content": "oi"}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLED: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [CALL]}
NO_SCHEMAS: list[Any] = [[], {"type": "array"}, {"type": "object", "properties": {"x": "string"}}]
TOLD = {"role": "tool", "tool_call_id": "c1", "content": "{}"}


def tool(name: str = "hand_off", **function: Any) -> dict[str, Any]:
    known = {"name": name, "parameters": {"type": "object", "properties": {}}}
    return {"type": "function", "function": known | function}


@pytest.fixture(scope="module")
def openai() -> Iterator[TestClient]:
    with TestClient(create_openai()) as client:
        client.post("/_fake/accounts", json={"api_key": KEY, "models": [MODEL]})
        client.headers["Authorization"] = f"Bearer {KEY}"
        yield client


@pytest.fixture
def reasoning(openai: TestClient) -> Iterator[None]:
    """The model thinks before it answers."""
    account = {"api_key": KEY, "models": [MODEL]}
    openai.post("/_fake/accounts", json=account | {"reasons": True})
    yield
    openai.post("/_fake/accounts", json=account)


def ask(openai: TestClient, *messages: dict[str, Any], **more: Any) -> httpx.Response:
    answer: httpx.Response = openai.post(CHAT, json={"model": MODEL, "messages": list(messages) or [USER]} | more)
    return answer


def chats(openai: TestClient, after: int = 0) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = openai.get("/_fake/chats", params={"after": after}).json()["items"]
    return items


def refused(answer: httpx.Response) -> tuple[int, str | None, str | None]:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return answer.status_code, error["code"], error["param"]


def test_only_a_key_that_was_given_out_opens_the_models_that_it_is_for(openai: TestClient) -> None:
    for header in ("", "Basic abc", "Bearer"):
        assert refused(openai.post(CHAT, headers={"Authorization": header}, json={})) == (401, None, None)
    wrong = openai.post(CHAT, headers={"Authorization": "Bearer sk-other"}, json={"model": MODEL})
    assert refused(wrong) == (401, "invalid_api_key", None)
    assert "sk-other" not in wrong.text
    assert refused(ask(openai, model="large")) == (404, "model_not_found", None)
    assert refused(openai.post(CHAT, json={})) == (400, None, None)
    assert refused(openai.post(CHAT, content=b"<html>")) == (400, None, None)
    assert ask(openai).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "code", "param"),
    [
        ({"colour": "red"}, "unknown_parameter", "colour"),
        ({"messages": []}, "empty_array", "messages"),
        ({"messages": "oi"}, "invalid_type", "messages"),
        ({"messages": ["oi"]}, "invalid_type", "messages[0]"),
        ({"messages": [{"content": "oi"}]}, "missing_required_parameter", "messages[0].role"),
        ({"messages": [{"role": "patient", "content": "oi"}]}, "invalid_value", "messages[0].role"),
        ({"messages": [{"role": "user", "content": None}]}, None, "messages.[0].content"),
        ({"messages": [USER, TOLD]}, None, "messages.[1].role"),
        ({"messages": [USER, CALLED]}, None, "messages.[2].role"),
        ({"messages": [USER, CALLED, USER]}, None, "messages.[2].role"),
        ({"messages": [USER, CALLED, TOLD, TOLD]}, None, "messages.[3].role"),
        ({"messages": [USER, {**CALLED, "tool_calls": []}]}, "empty_array", "messages[1].tool_calls"),
        (
            {"messages": [USER, {**CALLED, "tool_calls": [{**CALL, "type": "tool"}]}]},
            "invalid_value",
            "messages[1].tool_calls[0].type",
        ),
        ({"tools": []}, "empty_array", "tools"),
        ({"tools": [tool()] * 129}, "array_above_max_length", "tools"),
        ({"tools": [{"name": "f"}]}, "missing_required_parameter", "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "missing_required_parameter", "tools[0].function"),
        ({"tools": [tool(), tool("a b")]}, "invalid_value", "tools[1].function.name"),
        ({"tools": [tool("f" * 65)]}, "string_above_max_length", "tools[0].function.name"),
        *(
            ({"tools": [tool(parameters=schema)]}, "invalid_function_parameters", "tools[0].function.parameters")
            for schema in NO_SCHEMAS
        ),
        ({"tool_choice": "auto"}, None, "tool_choice"),
        ({"temperature": 3}, "decimal_above_max_value", "temperature"),
        ({"temperature": "hot"}, "invalid_type", "temperature"),
        ({"max_tokens": 0}, "integer_below_min_value", "max_tokens"),
        ({"stream": True}, "unsupported_value", "stream"),
    ],
)
def test_what_is_malformed_is_refused(openai: TestClient, wrong: dict[str, Any], code: str | None, param: str) -> None:
    assert refused(ask(openai, **wrong)) == (400, code, param)


@pytest.mark.usefixtures("reasoning")
async def test_a_model_that_reasons_refuses_what_such_models_refuse(openai: TestClient) -> None:
    assert refused(ask(openai, max_tokens=600)) == (400, "unsupported_parameter", "max_tokens")
    assert refused(ask(openai, temperature=0)) == (400, "unsupported_value", "temperature")
    assert ask(openai, max_completion_tokens=600, temperature=1).status_code == 200
    patient, before = Dialogue(openai), len(chats(openai))
    assert "27/11" in await patient.say("queria ver o doutor dia 27/11")
    assert [one["status"] for one in chats(openai, before)] == [400, 400, 200, 200, 200]
    assert patient.failed == [None]


def test_what_arrives_is_kept_with_what_was_answered(openai: TestClient) -> None:
    before = len(chats(openai))
    answer = ask(openai, USER, CALLED, TOLD, tools=[tool()], temperature=0, max_tokens=600).json()
    (choice,) = answer["choices"]
    assert (answer["object"], answer["model"], choice["finish_reason"]) == ("chat.completion", MODEL, "tool_calls")
    assert choice["message"]["tool_calls"][0]["function"]["name"] == "hand_off"
    assert ask(openai, tools=[tool()], tool_choice="none").json()["choices"][0]["finish_reason"] == "stop"
    ask(openai, model="large")
    kept = chats(openai, before)
    assert [(one["model"], one["status"]) for one in kept] == [(MODEL, 200), (MODEL, 200), ("large", 404)]
    assert json.loads(kept[0]["received"])["messages"] == [USER, CALLED, TOLD]
    assert kept[0]["said"] == choice["message"]
    assert kept[-1]["error"]["code"] == "model_not_found"
    large = openai.get("/_fake/chats", params={"after": before, "model": "large"}).json()
    assert large["items"] == kept[-1:]


def test_it_fails_and_is_slow_when_told_to(openai: TestClient) -> None:
    def told(**fault: Any) -> httpx.Response:
        openai.post("/_fake/faults", json={"operation": "chat", **fault})
        return ask(openai)

    limited = told(http_status=429, subject=MODEL)
    assert refused(limited) == (429, "rate_limit_exceeded", None)
    assert int(limited.headers["Retry-After"]) > 0
    broken = told(http_status=500)
    assert (refused(broken), broken.json()["error"]["type"]) == ((500, None, None), "server_error")
    assert told(delay_seconds=0.01).status_code == 200
    assert told(http_status=500, subject="large").status_code == 200, "another model's"
    openai.delete("/_fake/faults")


NOW = datetime(2026, 11, 24, 9)  # noqa: DTZ001 - wall-clock time
PROFILE: dict[str, Any] = {
    "services": [{"code": "retorno", "name": "Retorno"}, {"code": "consulta", "name": "Consulta", "duration": "30m"}],
    "professionals": [{"code": "p1", "name": "Dr. Caio Luz", "services": ["consulta", "retorno"]}],
    "businessHours": {day: [["08:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    "address": "Rua das Flores, 100, São Paulo, SP",
}


class Dialogue:
    """A patient and the product's own engine, which asks the fake; the clinic is in memory."""

    def __init__(self, openai: TestClient) -> None:
        endpoint = Endpoint("http://openai/v1", MODEL, KEY)
        self.failed: list[str | None] = []
        transport = httpx.ASGITransport(app=openai.app)
        self.engine = OpenAIEngine(endpoint, transport=transport, note=self.failed.append)
        self.clinic = MemoryClinic(PROFILE, NOW)
        self.state = State()
        self.history: tuple[Line, ...] = ()

    async def answer(self, request: Request, key: UUID) -> Answer:
        return self.clinic.answer(request)

    async def say(self, text: str) -> str:
        at, known = NOW.astimezone(), clinic_from_profile("Clínica Foz", PROFILE)
        batch = Unhandled(
            uuid4(), uuid4(), None, {}, 0, None, None, False, uuid4(), "text", text, None, None, at, None, None
        )

        async def save() -> None:
            """Nothing is run again."""

        question = Question(self.state, Message(text), known, NOW, Patient(name="Helena Prado"), self.history)
        answered = await self.engine.answer(question, Actions(self, Journal([batch], at), uuid4(), save))
        self.state, reply = answered.turn.state, "\n".join(answered.turn.replies)
        self.history += (Line("patient", text, answered.engine == "embedded"), Line("attendant", reply))
        return reply

    @property
    def booked(self) -> list[datetime]:
        return [one.start for one in self.clinic.appointments.values()]


async def test_the_policy_leads_the_product_to_a_booking_and_its_cancelling(openai: TestClient) -> None:
    patient, before = Dialogue(openai), len(chats(openai))
    words = "oi, sou a Helena Prado, cpf 529.982.247-25, queria ver o doutor dia 27/11"
    offer = await patient.say(words)
    assert not [one for one in ("Helena", "529.982") if one in str(chats(openai, before))]
    assert "sexta-feira, 27/11 às 13h30" in offer, "no hour was named: the last time of those that were found"
    assert "Helena Prado" in offer
    used = [one["said"]["tool_calls"][0]["function"] for one in chats(openai, before)]
    assert [one["name"] for one in used] == ["clinic_info", "search_slots", "offer_slot"]
    start = datetime.fromisoformat(json.loads(used[-1]["arguments"])["start"])
    assert (await patient.say("pode ser")).startswith("Agendado!")
    assert patient.booked == [start]

    assert "11/01/2027 às 10h30" in await patient.say("mudando de assunto: tem consulta dia 11/01 às 10h30?")
    assert "Rua das Flores, 100" in await patient.say("qual o endereço de vocês?")
    assert "?" in await patient.say("não vou conseguir ir na sexta, como faço para cancelar?")
    await patient.say("sim, pode cancelar")
    assert patient.booked == []
    assert set(patient.failed) == {None}, "every turn that is the model's was answered by it"


async def test_what_the_policy_does_not_know_is_a_persons(openai: TestClient) -> None:
    patient = Dialogue(openai)
    assert "pessoa" in await patient.say("vocês têm manobrista na porta?")
    late = NOW + timedelta(days=4)
    assert "outro dia" in await Dialogue(openai).say(f"queria ver o doutor dia {late:%d/%m}"), "a Saturday"
