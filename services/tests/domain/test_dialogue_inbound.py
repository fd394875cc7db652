"""What is answered to everything that a phone can send, and what must not be taken for the patient's words."""
# It is Tuesday, 24/11/2026, 9h.

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from atendeai.conversation import emergencies
from atendeai.conversation.batch import as_one, wants_answer
from atendeai.conversation.repository import Unhandled
from atendeai.domain.dialogue import texts
from atendeai.domain.dialogue.alert import Alert
from atendeai.domain.dialogue.clinic import Clinic
from atendeai.domain.dialogue.manager import turn
from atendeai.domain.dialogue.session import Patient, Turn
from atendeai.domain.dialogue.state import Asks, Purpose, Stage, State
from atendeai.whatsapp import content as whatsapp_content

NOW = datetime(2026, 11, 24, 9)  # noqa: DTZ001 - wall-clock time
CLINIC = Clinic("Clínica Sol", address="Rua das Flores, 10")
STORED: dict[str, Any] = {"id": str(uuid4()), "mime_type": "image/jpeg", "transcript": False}
HEARD = {**STORED, "transcript": True}
WHERE = "onde fica a clínica?"
ADDRESS = "Estamos em: Rua das Flores, 10."


def sent(kind: str, text: str = "", media: Mapping[str, Any] | None = None) -> Unhandled:
    return Unhandled(
        conversation_id=UUID(int=1),
        contact_id=UUID(int=2),
        contact_name=None,
        state={},
        revision=0,
        handed_off_at=None,
        consent_at=None,
        opted_out=False,
        id=uuid4(),
        kind=kind,
        text=text,
        reply_id=None,
        media=media,
        received_at=NOW.replace(tzinfo=UTC),
        journal=None,
        previous_at=None,
    )


def answer(*messages: Unhandled, state: State | None = None) -> Turn | None:
    """What is answered to messages that came together; None: nothing, and nobody is made to wait for it."""
    message = as_one(messages)
    if message is None:
        return None
    with pytest.raises(StopIteration) as done:
        next(turn(state or State(), message, CLINIC, NOW))
    result: Turn = done.value.value
    return result


def said(*messages: Unhandled) -> list[str]:
    result = answer(*messages)
    return list(result.replies) if result else []


@pytest.mark.parametrize(
    ("message", "replies"),
    [
        (sent("text", WHERE), [ADDRESS]),
        (sent("button", WHERE), [ADDRESS]),
        (sent("list", WHERE), [ADDRESS]),
        (sent("edit", WHERE), [ADDRESS]),
        (sent("audio", WHERE, HEARD), [ADDRESS]),
        (sent("audio", media=STORED), [texts.NO_AUDIO]),
        (sent("audio"), [texts.NO_AUDIO]),
        (sent("image", media=STORED), [texts.FILE]),
        (sent("image", WHERE, STORED), [texts.FILE, ADDRESS]),
        (sent("document", media=STORED), [texts.FILE]),
        (sent("video", media=STORED), [texts.FILE]),
        (sent("image"), [texts.FILE_LOST]),
        (sent("document"), [texts.FILE_LOST]),
        (sent("video"), [texts.FILE_LOST]),
        (sent("image", WHERE), [texts.FILE_LOST, ADDRESS]),
        (sent("location", "Clínica Sol, Rua das Flores, 10"), [texts.FILE]),
        (sent("contacts", "Maria Souza"), [texts.FILE]),
        (sent("order"), [texts.FILE]),
        (sent("order", WHERE), [texts.FILE, ADDRESS]),
        (sent("unsupported"), [texts.NOT_TEXT]),
        (sent("unknown"), [texts.NOT_TEXT]),
    ],
    ids=lambda value: value.kind if isinstance(value, Unhandled) else None,
)
def test_what_is_answered_to_each_kind(message: Unhandled, replies: list[str]) -> None:
    assert wants_answer(message.kind, message.text)
    assert said(message) == replies


@pytest.mark.parametrize("kind", ["sticker", "reaction", "revoke", "system", "edit"])
def test_what_says_nothing_is_not_answered_and_shows_nobody_typing(kind: str) -> None:
    assert not wants_answer(kind, "")
    assert said(sent(kind)) == []
    assert said(sent(kind), sent("text", WHERE)) == [ADDRESS]


@pytest.mark.parametrize("kind", ["image", "location", "contacts", "order"])
def test_what_cannot_be_read_is_shown_to_a_person(kind: str) -> None:
    result = answer(sent(kind))
    assert result is not None
    assert result.alerts == (Alert.FILE,)
    assert not result.state.misses


@pytest.mark.parametrize(
    ("message", "asked", "handed"),
    [
        (sent("audio", media=STORED), texts.NO_AUDIO, texts.HANDOFF_HEARD),
        (sent("audio"), texts.NO_AUDIO, texts.HANDOFF),
        (sent("unsupported"), texts.NOT_TEXT, texts.HANDOFF),
    ],
    ids=["audio", "audio that the clinic has not got", "unsupported"],
)
def test_who_cannot_write_reaches_a_person(message: Unhandled, asked: str, handed: str) -> None:
    state = State()
    for reply, alerts in ((asked, ()), (asked, ()), (handed, (Alert.NOT_UNDERSTOOD,))):
        result = answer(message, sent("sticker"), state=state)
        assert result is not None
        state = result.state
        assert (result.replies, result.alerts) == ((reply,), alerts)
    assert state.handed_off


def test_what_is_written_between_two_voices_is_understood() -> None:
    state = State()
    for one in (sent("audio"), sent("audio"), sent("text", WHERE), sent("audio")):
        result = answer(one, state=state)
        assert result is not None
        state = result.state
    assert (state.misses, state.handed_off) == (1, False)


def test_of_several_files_the_one_that_is_missing_is_asked_for() -> None:
    assert said(sent("image", media=STORED), sent("document")) == [texts.FILES_LOST]
    assert said(sent("image"), sent("document")) == [texts.FILE_LOST]


def test_the_name_on_a_card_is_not_the_patients() -> None:
    asked = State(
        stage=Stage.COLLECTING,
        purpose=Purpose.BOOK,
        asks=Asks.NAME,
        question=texts.ASK_NAME,
    )
    result = answer(sent("contacts", "Maria Souza"), state=asked)
    assert result is not None
    assert (result.state.name, result.state.asks) == (None, Asks.NAME)
    assert result.replies == (texts.FILE, texts.ASK_NAME)


SEEN_BY_RULES = "meu pai desmaiou e não acorda"
HEARD_ALONE = "meu avô apagou na cadeira e não volta"
"""The trained classifier alone takes it for an emergency."""


@pytest.mark.parametrize("danger", [SEEN_BY_RULES, HEARD_ALONE])
def test_an_emergency_is_found_among_what_waits_whoever_sees_it(danger: str) -> None:
    alarm = sent("text", danger)
    assert emergencies.among([sent("text", "quanto custa a limpeza?"), alarm]) == [alarm]
    assert whatsapp_content.alarming("text", danger)
    assert not whatsapp_content.alarming("location", danger)
    answered = emergencies.answered([alarm], State(), CLINIC, NOW, Patient())
    assert answered is not None
    assert answered.alerts == (Alert.EMERGENCY,)


def test_the_second_half_of_a_sentence_is_not_taken_for_an_emergency() -> None:
    assert emergencies.among([sent("text", "quero marcar um exame"), sent("text", "de sangue")]) == []
    assert emergencies.among([sent("text", "quero marcar um exame"), sent("text", "amanhã")]) == []
