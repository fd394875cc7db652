"""What must not go wrong: who is in danger, who wants no more messages, and who only speaks of such things."""
# It is Wednesday, 25/11/2026, 9h.

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from atendeai.conversation.shell import converse
from atendeai.domain.dialogue.texts import ADVICE, DOUBT_PASSED_ON
from tests.domain.talking import doubt, hold

SCENE: dict[str, Any] = {
    "now": "2026-11-25T09:00",
    "clinic": {
        "name": "Clínica Mar",
        "services": [{"name": "Consulta", "minutes": 30, "price_brl": 250}],
        "professionals": [{"name": "Dra. Ana Lima", "services": ["Consulta"]}],
        "hours": {day: [["08:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    },
}


def talk(*messages: str) -> list[dict[str, Any]]:
    return hold(SCENE, messages)


def words(*messages: str) -> str:
    return "\n".join(talk(*messages)[-1]["replies"])


def outcome(*messages: str) -> str:
    return str(talk(*messages)[-1]["state"]["outcome"])


@pytest.mark.parametrize(
    "text",
    [
        "to gravida de 30 semanas e to perdendo liquido",
        "gravida de 34 semanas sangrando",
        "a bolsa estourou, to gravida",
        "não consigo respirar, acho que vou desmaiar",
    ],
)
def test_an_emergency_of_the_body_is_no_crisis_of_life(text: str) -> None:
    said = words(text)
    assert "192" in said
    assert "CVV" not in said


@pytest.mark.parametrize(
    "text",
    [
        "quero me matar",
        "não aguento mais viver",
        "estou pensando em tirar minha vida",
        "tomei um monte de remédio pra dormir e não acordar",
        "minha filha se cortou de propósito e fala em suicídio",
    ],
)
def test_a_crisis_of_life_is_told_of_188(text: str) -> None:
    said = words(text)
    assert "192" in said
    assert "188" in said


@pytest.mark.parametrize(
    "text",
    [
        "minha mãe tem 78 anos, caiu semana passada mas tá tudo bem, queria ver se o doutor atende ela segunda",
        "estou com dor de cabeça forte há 3 dias, tem vaga?",
    ],
)
def test_what_is_over_or_waits_is_no_emergency(text: str) -> None:
    assert outcome(text) != "emergency"


def test_after_an_emergency_a_word_is_answered_with_a_word() -> None:
    alarm = "meu pai está com dor forte no peito e suando frio"
    assert "Fez bem" in words(alarm, "já liguei pro samu")
    assert "Que bom" in words(alarm, "não é emergência, quero só marcar consulta")
    assert outcome(alarm, "não é emergência, quero só marcar consulta") == "emergency"
    assert talk(alarm, "quero marcar um retorno pra ela")[-1]["replies"] == []


@pytest.mark.parametrize(
    "text",
    [
        "recebi uma mensagem",
        "não recebi a mensagem",
        "a mensagem 5 não abriu",
        "mensagem 17",
        "quero receber mensagens",
        "não quero perder as mensagens",
        "me manda msg",
        "recebi sua mensagem, quero confirmar",
        "recebi um lembrete",
        "não recebi o lembrete, pode mandar mensagem?",
        "contato",
        "quero receber lembretes de novo",
        "me tira da lista de espera",
        "quero sair da lista de espera",
    ],
)
def test_speaking_of_messages_refuses_none(text: str) -> None:
    assert outcome(text) != "opted_out"


@pytest.mark.parametrize("text", ["SAIR", "PARA de me mandar mensagem", "me tira da lista", "não quero mais lembretes"])
def test_refusing_messages_is_taken_at_its_word(text: str) -> None:
    assert outcome(text) == "opted_out"
    assert "se a clínica precisar mudar ou cancelar uma consulta sua" in words(text)


@pytest.mark.parametrize("text", ["VOLTAR", "quero receber lembretes de novo", "pode voltar a me mandar os lembretes"])
def test_notices_are_wanted_again(text: str) -> None:
    assert "volta a receber" in words("SAIR", text)
    assert outcome("SAIR", text) != "opted_out"


def test_refusing_them_again_is_no_wish_for_them() -> None:
    assert outcome("SAIR", "não quero receber nada mesmo") == "opted_out"


def test_leaving_the_waiting_list_is_handed_to_a_person() -> None:
    assert "lista de espera" in words("me tira da lista de espera")


@pytest.mark.parametrize(
    "text", ["qro dismarca minha consuta di quinta", "nao vo pode ir quinta", "dismarca pra mim pfv"]
)
def test_cancelling_is_understood_by_ear(text: str) -> None:
    standing = {"service": "Consulta", "professional": "Dra. Ana Lima", "date": "2026-11-26", "time": "10:00"}
    lines = [{**SCENE, "existing": [standing]}, {"text": text}, {"text": "sim"}]
    turns = list(converse(io.StringIO("\n".join(json.dumps(line) for line in lines))))
    assert turns[-1]["state"]["outcome"] == "cancelled", turns


# ---------------------------------------------------------------- may it be taken?


@pytest.mark.parametrize(
    "text",
    [
        "to grávida, posso tomar dipirona?",
        "estou gravida posso toma dipirona",
        "tô amamentando, pode usar ibuprofeno?",
        "minha filha de 5 anos ta com febre, quantas gotas de dipirona dou?",
        "minha mae é hipertensa, pode tomar dorflex?",
        "posso tomar dipirona antes da consulta?",
        "posso tomar meu remedio da pressao antes da consulta?",
        "tomei dipirona e to grávida, faz mal?",
        "posso parar de tomar o antibiótico?",
        "que remédio é bom pra dor de cabeça?",
    ],
)
def test_what_medicine_may_be_taken_is_for_a_person_to_say(text: str) -> None:
    begun = talk("quero marcar consulta", text)[-1]["replies"]
    assert talk(text)[-1]["replies"] == [ADVICE]
    assert outcome(text) == "answered"
    assert begun == [ADVICE, "Para qual dia você gostaria?"]


def test_what_may_be_eaten_before_it_is_no_question_whether_it_is_done_here() -> None:
    assert words("posso tomar café antes da consulta?") == DOUBT_PASSED_ON


@pytest.mark.parametrize(
    "text",
    [
        "to grávida e sangrando, posso tomar dipirona?",
        "gravida de 8 meses, pressao 17 por 11, posso tomar o remedio?",
        "tomei dipirona e minha garganta ta fechando",
        "meu pai ta com dor no peito, posso dar aspirina?",
        "bebê de 1 mês com febre 39, posso dar dipirona?",
        "to gravida e tomei a caixa toda de dipirona",
    ],
)
def test_an_emergency_is_one_also_where_a_medicine_is_asked_about(text: str) -> None:
    assert outcome(text) == "emergency"


DOUBTFUL = "acho que meu tio teve um derrame, quero marcar consulta amanhã às 14h"
"""To a classifier that is not sure of it."""


def test_a_doubtful_emergency_names_help_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    doubt(monkeypatch)
    first, *_, last = talk(DOUBTFUL, "Bruno Teles", "sim")
    assert "192" in first["replies"][0]
    assert first["asks"] == "name"
    assert last["state"] == {
        "outcome": "booked",
        "service": "Consulta",
        "professional": "Dra. Ana Lima",
        "date": "2026-11-26",
        "time": "14:00",
    }


def test_whoever_falls_silent_after_a_doubtful_emergency_had_one(monkeypatch: pytest.MonkeyPatch) -> None:
    doubt(monkeypatch)
    assert outcome(DOUBTFUL) == "emergency"
    assert outcome(DOUBTFUL, "na verdade quanto custa a consulta?") == "nothing_booked"


def test_a_doubtful_emergency_in_mid_dialogue_keeps_what_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    doubt(monkeypatch)
    said = talk("quero marcar uma consulta", "minha tia está tendo um derrame, quanto custa mesmo?")[-1]
    assert "192" in said["replies"][0]
    assert said["asks"] == "date"


def test_a_jest_of_death_names_who_listens() -> None:
    said = words(
        "quero marcar uma consulta", "dá vontade de me jogar da janela kkk brincadeira, pode ser amanhã às 10h?"
    )
    assert "188" in said
    assert "192" in said


@pytest.mark.parametrize("text", ["tô sem ar", "minha mãe desmaiou e não acorda, quero marcar consulta"])
def test_a_sure_emergency_leaves_the_conversation_to_a_person(text: str) -> None:
    assert outcome(text, "quero marcar uma consulta") == "emergency"
