"""One contact who books for several people: whose appointment is meant, moved, cancelled. It is Tuesday, 24/11/2026."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from atendeai.conversation.memory import MemoryClinic
from atendeai.domain.dialogue.alert import Alert
from atendeai.domain.dialogue.clinic import clinic_from_profile
from atendeai.domain.dialogue.manager import turn
from atendeai.domain.dialogue.ports import Appointment, Cancel, Refused
from atendeai.domain.dialogue.session import Message, Patient, Turn
from atendeai.domain.dialogue.state import State

PROFILE: dict[str, Any] = {
    "services": [{"code": "c", "name": "Consulta", "duration": "30m"}],
    "professionals": [{"code": "ana", "name": "Dra. Ana Lima", "services": ["c"]}],
    "businessHours": {day: [["08:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
}
MARIA, JOAO, BIA = ("Maria Souza", "01 17:00"), ("João Lima", "02 17:00"), ("Bia Lima", "02 17:30")
MOTHER = ("Lúcia Prado", "03 16:00")


class Family:
    """A contact who goes by the name of Maria Souza, and what is booked: (patient, day of December and hour)."""

    def __init__(self, *booked: tuple[str, str], state: State | None = None) -> None:
        self.clinic = clinic_from_profile("Sol", PROFILE)
        self.now = datetime(2026, 11, 24, 9)  # noqa: DTZ001 - the clinic's wall clock
        self.world = MemoryClinic(PROFILE, self.now)
        for key, (name, at) in enumerate(booked):
            start = datetime.strptime(f"2026-12-{at}", "%Y-%m-%d %H:%M")  # noqa: DTZ007 - the clinic's wall clock
            self.world.appointments[f"a{key}"] = Appointment(f"a{key}", start, "ana", "c", name)
        self.state = state or State()
        self.refused: dict[str, str] = {}
        self.reasons: list[str] = []
        self.turn: Turn

    def say(self, *texts: str) -> str:
        """The last reply."""
        for text in texts:
            steps = turn(self.state, Message(text), self.clinic, self.now, Patient("Maria Souza"))
            try:
                request = next(steps)
                while True:
                    self.reasons += [request.reason] if isinstance(request, Cancel) else []
                    no = self.refused.get(request.appointment) if isinstance(request, Cancel) else None
                    request = steps.send(Refused(no) if no else self.world.answer(request))
            except StopIteration as stop:
                self.turn = stop.value
            self.state = self.turn.state
        return "\n".join(self.turn.replies)

    @property
    def standing(self) -> dict[str, str]:
        """Who has an appointment when."""
        return {str(a.patient_name): f"{a.start:%d %H:%M}" for a in self.world.appointments.values()}


@pytest.mark.parametrize(
    ("texts", "gone"),
    [
        (("o João não vai poder ir na consulta dele", "sim"), JOAO),
        (("quero cancelar", "a do joão", "sim"), JOAO),
        (("cancela a da Bia", "sim"), BIA),
        (("cancela a da Bia", "não, a do João", "sim"), JOAO),
        (("cancela a da Bia", "sim, a do João", "sim"), JOAO),
        (("quero desmarcar a minha", "sim"), MARIA),
        (("cancela a de quarta da Bia", "sim"), BIA),
        (("quero cancelar", "2", "sim"), JOAO),
    ],
)
def test_who_is_named_is_who_it_is_about(texts: tuple[str, ...], gone: tuple[str, str]) -> None:
    family = Family(MARIA, JOAO, BIA)
    *before, last = texts
    assert f"em nome de {gone[0]}. Confirma o cancelamento?" in family.say(*before)
    assert f"em nome de {gone[0]}" in family.say(last)
    assert family.standing == dict({MARIA, JOAO, BIA} - {gone})


def test_of_several_it_is_asked_which_and_each_is_named() -> None:
    family = Family(MARIA, JOAO)
    which = family.say("quero cancelar")
    assert which.endswith("às 17h, em nome de João Lima\nQual delas?")
    assert "1) Consulta com Dra. Ana Lima, terça-feira, 01/12 às 17h, em nome de Maria Souza" in which
    assert "em nome de João Lima" in Family(MARIA, JOAO).say("quais consultas eu tenho?")
    assert "em nome de Lúcia Prado" in Family(MOTHER).say("quais consultas eu tenho?")
    assert "em nome" not in Family(MARIA).say("quais consultas eu tenho?")
    assert "Maria" not in Family(MARIA, JOAO).say("que dia é a consulta do João?")


def test_what_was_booked_last_is_not_taken_for_what_is_meant() -> None:
    family = Family()
    family.say("quero marcar pro meu filho Pedro Souza na sexta às 9h", "Pedro Souza", "sim")
    family.say("e outra pra mim na quinta às 9h", "sim")
    assert family.standing == {"Pedro Souza": "27 09:00", "Maria Souza": "26 09:00"}
    assert family.say("quero cancelar").endswith("Qual delas?")
    assert "em nome de Pedro Souza. Confirma" in family.say("a do meu filho")


def test_a_relative_is_known_by_the_name_they_were_booked_under() -> None:
    booking = ("quero marcar pra minha mãe quinta às 16h", "Lúcia Prado", "sim")
    family = Family(("Maria Souza", "04 16:00"), ("Rui Souza", "05 10:00"))
    family.say(*booking)
    assert family.say("quero cancelar").count("em nome de") == 3
    assert "em nome de Lúcia Prado. Confirma o cancelamento?" in family.say("a da minha mãe")
    family.state = State.from_json(family.state.rested().to_json())
    moving = family.say("preciso remarcar a da minha mãe pra sexta às 17h")
    assert moving == (
        "Posso remarcar de quinta-feira, 26/11 às 16h para: Consulta com Dra. Ana Lima, sexta-feira, 27/11 às 17h, "
        "em nome de Lúcia Prado. Confirma?"
    )
    assert "27/11 às 17h, em nome de Lúcia Prado" in family.say("sim")
    assert family.standing["Lúcia Prado"] == "27 17:00"


def test_the_new_time_stays_when_another_is_meant() -> None:
    family = Family(MARIA, JOAO)
    assert "em nome de Maria Souza" in family.say("remarca a da Maria pra sexta às 9h")
    assert "02/12 às 17h para: Consulta com Dra. Ana Lima, sexta-feira, 27/11 às 9h" in family.say("não, a do João")
    family.say("sim")
    assert family.standing == {"Maria Souza": "01 17:00", "João Lima": "27 09:00"}


@pytest.mark.parametrize("text", ["cancela a do Pedro", "o pedro não vai poder ir", "confirmo a do Pedro"])
def test_nobody_elses_is_touched_where_the_one_who_is_named_has_none(text: str) -> None:
    family = Family(MARIA)
    assert family.say(text).startswith("Não encontrei nenhuma consulta marcada para Pedro. Você tem marcado:")
    family.say("sim")
    assert family.standing == dict([MARIA])
    assert not family.world.confirmed


def test_with_nothing_booked_it_is_looked_for_in_their_name() -> None:
    family = Family()
    assert family.say("remarca a do Pedro pra sexta às 9h").startswith(
        "Não encontrei nenhuma consulta marcada para Pedro; vou procurar um horário novo."
    )
    assert family.say("sim") == "Qual é o nome completo do paciente, por favor?"
    family.say("Pedro Souza", "sim")
    assert family.standing == {"Pedro Souza": "27 09:00"}
    another = Family()
    another.say("remarca a da minha mãe", "quero", "sexta às 9h")
    assert another.say("sim") == "Qual é o nome completo do paciente, por favor?"


# ---------------------------------------------------------------- another one, all of them


@pytest.mark.parametrize(
    ("text", "whose"),
    [
        ("e outra pra mim na quinta às 9h", "Maria Souza"),
        ("e pra mim na quinta às 9h?", "Maria Souza"),
        ("e mais uma pra mim na quinta às 9h", "Maria Souza"),
        ("e pro João na quinta às 9h", "João Souza"),
    ],
)
def test_another_one_beside_what_was_booked_is_a_booking(text: str, whose: str) -> None:
    family = Family()
    family.say("marca em nome de Pedro Souza na sexta às 9h30", "sim")
    assert family.standing == {"Pedro Souza": "27 09:30"}
    if "Qual é o nome" in family.say(text):
        family.say("João Souza")
    family.say("sim")
    assert family.standing == {"Pedro Souza": "27 09:30", whose: "26 09:00"}


def test_another_time_for_what_was_booked_is_still_a_move() -> None:
    family = Family()
    family.say("quero marcar na sexta às 9h30", "sim")
    assert family.say("e quinta às 9h, tem?").startswith("Posso remarcar de sexta-feira, 27/11 às 9h30 para:")
    family.say("não, deixa como está")
    assert family.say("e para o Natal às 9h, tem?").startswith("Posso remarcar de sexta-feira, 27/11 às 9h30 para:")


@pytest.mark.parametrize(
    "texts",
    [("cancela as duas",), ("cancela todas",), ("quero cancelar", "as duas"), ("cancela a do João", "cancela as duas")],
)
def test_all_are_cancelled_after_one_yes(texts: tuple[str, ...]) -> None:
    family = Family(MARIA, JOAO)
    asked = family.say(*texts)
    assert asked.startswith("Você quer cancelar:\n• Consulta com Dra. Ana Lima, terça-feira, 01/12 às 17h, em nome de ")
    assert (
        "\n• Consulta com Dra. Ana Lima, quarta-feira, 02/12 às 17h, em nome de João Lima\nConfirma o cancelamento?"
        in asked
    )
    done = family.say("sim")
    assert done.startswith("Cancelado:")
    assert "Maria Souza" in done
    assert "João Lima" in done
    assert not family.standing


def test_both_of_one_person_are_meant_though_one_is_at_hand() -> None:
    family = Family(MARIA, ("Maria Souza", "03 10:00"))
    assert "03/12" in family.say("cancela a de terça", "cancela as duas")
    family.say("sim")
    assert not family.standing


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (("não vou poder ir, estou com febre", "sim"), "estou com febre"),
        (("cancela, consegui em outro lugar", "sim"), "consegui em outro lugar"),
        (("Preciso desmarcar porque meu carro quebrou.", "sim"), "meu carro quebrou"),
        (("cancela minha consulta", "sim, surgiu um imprevisto"), "surgiu um imprevisto"),
        (("bom dia, aqui é a Maria, cancela minha consulta de terça, por favor", "sim"), "patient"),
    ],
)
def test_why_a_patient_cancels_is_kept_in_their_words(texts: tuple[str, ...], reason: str) -> None:
    family = Family(MARIA)
    family.say(*texts)
    assert (family.reasons, family.standing) == ([reason], {})


def test_both_of_three_are_asked_for() -> None:
    family = Family(MARIA, JOAO, BIA)
    assert family.say("cancela as duas").endswith("Qual delas?")
    assert len(family.standing) == 3


def test_moves_go_one_by_one_and_that_is_said() -> None:
    assert Family(MARIA, JOAO).say("quero remarcar todas").startswith("Remarco uma de cada vez. ")


def test_what_was_cancelled_is_said_though_the_next_is_refused() -> None:
    family = Family(MARIA, JOAO)
    family.refused["a1"] = "notice-too-short"
    said = family.say("cancela as duas", "sim")
    assert said.startswith("Cancelado: Consulta com Dra. Ana Lima, terça-feira, 01/12 às 17h, em nome de Maria Souza.")
    assert "precisa ser feita por uma pessoa" in said
    assert family.turn.alerts == (Alert.NOTICE,)
    assert family.standing == dict([JOAO])


# ---------------------------------------------------------------- rights over one's data


def test_after_a_data_request_questions_are_still_answered() -> None:
    family = Family()
    told = family.say("quais dados meus vocês tem? quero apagar tudo")
    assert "pessoa responsável" in told
    assert family.turn.alerts == (Alert.DATA_REQUEST,)
    assert (family.state.handed_off, family.state.outcome.value) == (False, "handed_off")
    assert family.say("vocês abrem sábado?") == "No sábado, 28/11, não abrimos."


@pytest.mark.parametrize(
    ("text", "opted_out", "standing"),
    [
        ("não quero mais receber mensagem e cancela minha consulta", True, {}),
        ("cancela minha consulta e não me mandem mais mensagens", True, {}),
        ("quero desmarcar o horário de terça e sair da lista de mensagens", True, {}),
        (
            "pare de me mandar mensagens e remarca minha consulta pra sexta 10h",
            True,
            {"Maria Souza": "27 10:00"},
        ),
        ("quero cancelar minha consulta e apagar meus dados", False, {}),
    ],
)
def test_a_change_beside_the_end_of_messages_or_of_data_is_made_too(
    text: str, opted_out: bool, standing: dict[str, str]
) -> None:
    family = Family(MARIA)
    said = family.say(text)
    assert said.startswith(
        "Tudo bem, não vamos mais enviar" if opted_out else "Recebi o seu pedido sobre os seus dados"
    )
    family.say("sim")
    assert (family.state.opted_out, family.standing) == (opted_out, standing)


@pytest.mark.parametrize(
    ("text", "booked"),
    [
        ("não quero mais mensagens de vocês e marca uma consulta sexta às 10h", {"Maria Souza": "27 10:00"}),
        ("parem de me mandar mensagem. tem horário sexta às 10h?", {"Maria Souza": "27 10:00"}),
        ("não quero mais mensagens, se eu precisar marcar eu chamo", {}),
        ("não quero mais mensagens, já marquei em outro lugar", {}),
    ],
)
def test_a_booking_beside_the_end_of_messages_is_made_too(text: str, booked: dict[str, str]) -> None:
    family = Family()
    assert family.say(text).startswith("Tudo bem, não vamos mais enviar")
    family.say("sim")
    assert (family.state.opted_out, family.standing) == (True, booked)


def test_a_cancellation_beside_that_of_the_reminders_needs_no_verb_of_its_own() -> None:
    family = Family(MARIA)
    assert "Confirma o cancelamento?" in family.say("quero cancelar os lembretes e a consulta")


def test_the_end_of_messages_lets_go_of_what_was_on_offer() -> None:
    family = Family()
    family.say("consulta sexta às 10h")
    assert family.world.holds
    family.say("não quero mais receber mensagens")
    assert (family.state.opted_out, family.world.holds) == (True, {})


@pytest.mark.parametrize(
    "text",
    [
        "quero falar com atendente e marcar consulta amanhã",
        "quero remarcar minha consulta e falar com a recepção",
        "não me mandem mais mensagens, quero falar com um atendente",
    ],
)
def test_who_asks_for_a_person_beside_something_else_gets_one(text: str) -> None:
    family = Family(MARIA)
    assert "Vou chamar uma pessoa" in family.say(text)
    assert (family.turn.alerts, family.state.handed_off) == ((Alert.HUMAN,), True)


def test_who_could_not_reach_a_person_asks_for_none() -> None:
    family = Family()
    assert "Tenho este horário" in family.say("não consegui falar com a recepção, quero consulta sexta às 10h")


@pytest.mark.parametrize(
    "text",
    [
        "cancela as mensagens",
        "parem de me mandar mensagem, quero cancelar o envio",
        "não quero receber lembrete da minha consulta de terça, pode cancelar",
        "não cancela minha consulta, só não quero mais receber mensagens",
    ],
)
def test_the_end_of_messages_alone_changes_no_appointment(text: str) -> None:
    family = Family(MARIA)
    assert "?" not in family.say(text)
    assert family.state.opted_out


@pytest.mark.parametrize(
    ("wish", "standing"),
    [
        (
            "remarcar a minha pra quinta às 9h e a da minha mãe pra sexta às 10h",
            {"Maria Souza": "26 09:00", "Lúcia Prado": "27 10:00"},
        ),
        (
            "remarca a da Lúcia pra sexta às 10h e a minha pra quinta às 9h",
            {"Maria Souza": "26 09:00", "Lúcia Prado": "27 10:00"},
        ),
        ("cancela a minha e a da minha mãe", {}),
        ("cancela a minha e remarca a da minha mãe pra sexta às 10h", {"Lúcia Prado": "27 10:00"}),
        (
            "remarca a minha pra quinta às 9h, a da minha mãe continua igual",
            {"Maria Souza": "26 09:00", "Lúcia Prado": "03 16:00"},
        ),
    ],
)
def test_changes_of_several_people_in_one_message_are_made_one_after_the_other(
    wish: str, standing: dict[str, str]
) -> None:
    family = Family(MARIA, MOTHER)
    family.say(wish, "sim", "sim")
    assert family.standing == standing


def test_a_day_said_of_the_last_is_that_of_the_others() -> None:
    family = Family(MARIA, MOTHER)
    assert "para: Consulta com Dra. Ana Lima, sexta-feira, 27/11 às 9h, em nome de Maria Souza" in family.say(
        "remarca a minha e a da minha mãe pra sexta às 9h"
    )
    assert "em nome de Lúcia Prado" in family.say("sim")


def test_of_three_changes_none_is_lost() -> None:
    family = Family(MARIA, MOTHER, JOAO)
    family.say("remarca a minha pra quinta às 9h, a da Lúcia pra sexta às 10h e a do João pra sexta às 11h")
    family.say("sim", "sim", "sim")
    assert family.standing == {"Maria Souza": "26 09:00", "Lúcia Prado": "27 10:00", "João Lima": "27 11:00"}


def test_one_for_another_beside_a_move_keeps_its_own_day() -> None:
    for one in ("uma", "uma consulta"):
        family = Family(MARIA)
        said = family.say(
            f"quero remarcar a minha pra sexta às 11h e marcar {one} pra minha mãe Lúcia na quinta às 15h"
        )
        assert "para: Consulta com Dra. Ana Lima, sexta-feira, 27/11 às 11h. Confirma?" in said
        assert family.say("sim").endswith("Quer marcar também consulta para sua mãe?")
        family.say("sim", "Lúcia Prado", "sim")
        assert family.standing == {"Maria Souza": "27 11:00", "Lúcia Prado": "26 15:00"}


@pytest.mark.parametrize(
    "said",
    [
        ("muda a da bia pra sexta de tarde",),
        ("quero remarcar", "a da minha filha pra sexta de tarde"),
        ("remarca a minha pra quinta às 10h", "na verdade muda a da Bia pra sexta de tarde"),
        ("remarca a minha pra quinta às 10h e a da bia pra sexta a tarde", "sim"),
        ("cancela a da Bia", "não, passa a da Bia pra sexta de tarde"),
        ("cancela a minha", "na verdade muda a da Bia pra sexta à tarde"),
    ],
)
def test_the_part_of_the_day_is_kept_when_anothers_is_moved(said: tuple[str, ...]) -> None:
    words = Family(MARIA, BIA).say(*said)
    assert "1) sexta-feira, 27/11 às 12h\n2) sexta-feira, 27/11 às 14h" in words


def test_the_day_by_which_one_is_picked_is_not_the_one_it_is_moved_to() -> None:
    assert Family(MARIA, BIA).say("quero remarcar", "a do dia 2 de tarde") == "Para qual dia você gostaria?"
