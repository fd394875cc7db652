"""Acts and questions told without their usual words, and what a guess of the rules is worth."""

from collections.abc import Collection, Mapping
from datetime import datetime

import pytest

from atendeai.domain.understanding.intent import Intent
from atendeai.domain.understanding.intents import by_rules
from atendeai.domain.understanding.judge import decide, marks
from atendeai.domain.understanding.normalise import normalise
from atendeai.domain.understanding.understand import understand

NOW = datetime(2026, 11, 24, 9)  # noqa: DTZ001 - a clinic's wall clock

BY_RULES = [
    ("reschedule", "tava marcado pra hoje, dá pra ser na quinta?"),
    ("reschedule", "era amanhã às 8, pode ser às 10?"),
    ("reschedule", "posso ir um pouco antes do horário combinado?"),
    ("reschedule", "peço a alteração da data do exame"),
    ("reschedule", "gostaria que a consulta fosse antecipada"),
    ("reschedule", "põe a minha sessão pra outra semana"),
    ("reschedule", "tenho hora com o dr Caio mas queria com outra médica"),
    ("reschedule", "quero a dra Helena no lugar do dr Ivo"),
    ("cancel", "desconsiderem a minha consulta"),
    ("cancel", "podem encerrar o agendamento"),
    ("cancel", "não comparecerei amanhã"),
    ("opt_out", "favor não encaminhar mais mensagens"),
    ("opt_out", "parem de me escrever"),
    ("data_request", "solicito a retificação do meu nome"),
    ("data_request", "quero cópia integral da documentação clínica"),
    ("data_request", "não autorizo o uso da minha imagem"),
    ("data_request", "onde vocês acharam o meu zap?"),
    ("human", "passaram meu cartão duas vezes"),
    ("human", "tem uma cobrança no cartão que não reconheço"),
    ("human", "queria deixar um recado pra doutora"),
    ("results_or_prescription", "quando fica pronto?"),
    ("results_or_prescription", "a doutora já viu meus exames?"),
    ("running_late", "o metrô parou, já chego"),
    ("running_late", "tô no elevador"),
    ("list_appointments", "que horas eu tenho que estar aí?"),
    ("list_appointments", "qual médico vai me atender na sexta?"),
    ("ask_price", "vocês fazem um abatimento à vista?"),
    ("ask_price", "quanto eu gasto pra fazer uma limpeza?"),
    ("ask_price", "o retorno já está incluso?"),
    ("ask_address", "tô na frente de uma padaria, é aqui?"),
    ("ask_address", "cheguei na praça mas não acho o prédio"),
    ("ask_availability", "tem lugar na quinta de tarde?"),
    ("ask_availability", "vocês costumam ter vaga no sábado?"),
    ("ask_hours", "a clínica vai emendar o feriado?"),
]


def ruled(text: str) -> Intent:
    return by_rules(normalise(text).norm, says_time=False, names_something=False).intent


@pytest.mark.parametrize(("intent", "text"), BY_RULES)
def test_the_rules_know_acts_by_other_words(intent: str, text: str) -> None:
    assert ruled(text) == intent


@pytest.mark.parametrize(("intent", "text"), BY_RULES)
def test_the_classifier_leaves_them_standing(intent: str, text: str) -> None:
    assert understand(text, NOW).intent == intent


@pytest.mark.parametrize(
    ("intent", "text"),
    [
        ("running_late", "tô na recepção, vou atrasar dois minutos pra subir"),
        ("book", "quero marcar uma consulta pra quinta, pode ser às 10?"),
        ("book", "coloca minha mãe pra quinta"),
        ("ask_price", "quanto custa a consulta?"),
        ("list_appointments", "minha consulta é quinta ou sexta?"),
    ],
)
def test_what_only_sounds_alike_stays_what_it_is(intent: str, text: str) -> None:
    assert understand(text, NOW).intent == intent


class Judge:
    """A classifier that always sees the same."""

    def __init__(self, **margins: float) -> None:
        self.seen = {intent: margins.get(intent, -1.0) for intent in Intent}

    def margins(self, norm: str, marks: Collection[str]) -> Mapping[Intent, float]:
        return self.seen


def test_a_guess_from_a_time_yields_to_a_classifier_that_knows_better() -> None:
    def judged(**margins: float) -> Intent:
        return decide("quinta as 10", says_time=True, names_something=False, classifier=Judge(**margins)).intent

    assert judged() is Intent.BOOK
    assert judged(book=-0.4, reschedule=-0.2) is Intent.RESCHEDULE


def test_a_guess_goes_by_another_name_than_a_finding() -> None:
    norm = "quinta as 10"
    guess = by_rules(norm, says_time=True, names_something=False)
    assert marks(norm, guess, says_time=True, names_something=False) == {"guesses book", "time"}
    found = by_rules("quero marcar uma consulta", says_time=False, names_something=False)
    assert {"is book", "shows book"} <= marks(
        "quero marcar uma consulta", found, says_time=False, names_something=False
    )
