"""`make chat` with a clinic that somebody made on the local cluster: which will do, and what the fake is told of it."""

import io
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from rich.console import Console

from fakes.graph import create_graph
from local import chat, kubectl, world
from local.demo import Button, buttons_of
from local.outside import Outside

CREDENTIALS = {"access-token": "none", "app-secret": "none", "verify-token": "none"}


def clinic(ready: str = "True", **whatsapp: Any) -> dict[str, Any]:
    ours = {"phoneNumberId": "5", "baseURL": world.GRAPH, "credentialsSecretRef": {"name": "mar-whatsapp"}}
    return {
        "metadata": {"name": "mar"},
        "spec": {"hosts": ["mar.atendeai.local"], "displayName": "Clínica Mar", "whatsapp": ours | whatsapp},
        "status": {"conditions": [{"type": "Ready", "status": ready, "message": "why not"}]},
    }


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The clinic of the cluster; replaced by a test."""
    there = [clinic()]
    monkeypatch.setattr(kubectl, "get", lambda *_, **__: there[0])
    monkeypatch.setattr(kubectl, "secret", lambda *_: CREDENTIALS)
    return there


@pytest.mark.parametrize("account", [{}, {"businessAccountId": "95"}, {"baseURL": f"{world.GRAPH}/"}])
def test_the_fake_takes_in_whatever_clinic_writes_to_it(made: list[dict[str, Any]], account: dict[str, str]) -> None:
    made[0] = clinic(**account)
    local = chat.find("mar")
    told = chat.account(local)
    assert told.get("business_account_id") == account.get("businessAccountId")
    with TestClient(create_graph()) as graph:
        assert graph.post("/_fake/window", json={"phone_number_id": "5", "user": "5511987654321"}).status_code == 404
        assert graph.post("/_fake/accounts", json=told).status_code == 201
        assert graph.post("/_fake/window", json={"phone_number_id": "5", "user": "5511987654321"}).status_code == 204


@pytest.mark.parametrize(
    ("other", "remedy"),
    [
        (clinic(baseURL="https://graph.facebook.com"), f'{{"baseURL": "{world.GRAPH}"}}'),
        (clinic(credentialsSecretRef={"name": "meta"}), "credentials in meta"),
        (clinic(ready="False"), "not ready: why not"),
    ],
)
def test_what_no_conversation_reaches_is_refused_with_the_remedy(
    made: list[dict[str, Any]], other: dict[str, Any], remedy: str
) -> None:
    made[0] = other
    with pytest.raises(LookupError, match="mar") as refusal:
        chat.find("mar")
    assert remedy in refusal.value.args[0]


def test_a_number_that_presses_nothing_is_explained(made: list[dict[str, Any]]) -> None:
    seen = io.StringIO()
    with httpx.Client() as nobody:
        phone = chat.Phone(chat.find("mar"), Outside(nobody, nobody))
        talk = chat.Chat(phone, Console(file=seen, width=200))
        assert not talk._send("/2")
        assert "escreva só o número, 2." in seen.getvalue()
        talk.buttons = [Button("a", "Confirmar")]
        assert not talk._send("/2")
    assert "Não há esse botão." in seen.getvalue()


def test_an_option_is_tapped_by_its_number_or_title_until_something_newer_comes(
    made: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, said = io.StringIO(), []
    rows = [{"id": "a", "title": "qua, 25/11 às 14h", "description": "Dra. Ana"}, {"id": "b", "title": "Outro horário"}]
    action = {"button": "Ver opções", "sections": [{"title": "Opções", "rows": rows}]}
    offer = {"interactive": {"type": "list", "body": {"text": "Qual?"}, "action": action}, "type": "interactive"}
    monkeypatch.setattr(chat.Phone, "press", lambda _, button: said.append(button.id))
    monkeypatch.setattr(chat.Phone, "say", lambda _, text: said.append(text))
    with httpx.Client() as nobody:
        talk = chat.Chat(chat.Phone(chat.find("mar"), Outside(nobody, nobody)), Console(file=seen, width=200))
        talk._show({"payload": offer})
        for line in ("2", "QUA, 25/11 às 14h", "3"):
            assert talk._send(line)
        talk._show({"payload": {"type": "text", "text": {"body": "Certo!"}}})
        assert talk._send("1")
        assert talk._send("/1")
    assert said == ["b", "a", "3", "1", "a"]
    assert "1  qua, 25/11 às 14h  Dra. Ana" in seen.getvalue()
    assert [button.row for button in buttons_of({"payload": offer})] == [True, True]
