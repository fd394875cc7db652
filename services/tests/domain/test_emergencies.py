"""Who is in danger: beside a wish, in place of an answer, and who only speaks of it."""
# ruff: noqa: DTZ001 - wall-clock times

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

import pytest

from atendeai.domain.dialogue.clinic import Clinic
from atendeai.domain.dialogue.reading import read
from atendeai.domain.dialogue.session import Message
from atendeai.domain.dialogue.state import Asks, State
from atendeai.domain.understanding.emergency import is_emergency
from atendeai.domain.understanding.intent import Intent
from atendeai.domain.understanding.judge import decide
from atendeai.domain.understanding.normalise import normalise
from atendeai.domain.understanding.telling import told
from atendeai.domain.understanding.understand import understand
from training.corpus import phrases

NOW = datetime(2026, 11, 24, 9)
CLINIC = Clinic("Clínica Mar", (), (), {})

DANGERS = (
    "meu tio tá com a cara repuxada e babando de um lado",
    "enfiaram uma faca no meu irmão",
    "o pitbull rasgou o braço da menina",
    "tomei a dose de um mês inteiro de uma vez",
    "ela tá toda mole e gelada",
    "parei de sentir minhas pernas do nada",
    "separei os comprimidos, ninguém vai notar",
    "respirei muita fumaça e tô tossindo preto",
)
"""Some of which no rule knows."""
WISHES = (
    "{}",
    "bom dia, queria marcar uma consulta, {}",
    "queria marcar uma consulta {}",
    "quero cardiologista hoje, {}",
    "{}, quero marcar pra hoje",
    "{}. pode cancelar minha consulta de amanhã",
    "{} preciso remarcar minha consulta",
    "{}. quanto custa a consulta?",
    "{}, vcs aceitam unimed?",
    "{}, me liga por favor",
    "pode me atender agora? {}",
    "{}, será que o médico me atende hoje?",
)


def unseen() -> dict[str, list[str]]:
    """The messages that nothing was taught with, by what they are."""
    said: dict[str, list[str]] = {}
    kind = ""
    for line in Path(__file__).with_name("emergencies.txt").read_text("utf-8").splitlines():
        if line.startswith("@"):
            kind = line[1:].strip()
        elif not line.startswith("#"):
            said.setdefault(kind, []).append(line)
    return said


def test_what_was_never_heard_before_is_known_for_an_emergency() -> None:
    said = unseen()["emergency"]
    missed = [text for text in said if understand(text, NOW).intent is not Intent.EMERGENCY]
    assert len(missed) <= len(said) * 0.1, missed


def test_what_only_sounds_so_seldom_calls_the_ambulance() -> None:
    said = unseen()["none"]
    alarmed = [text for text in said if understand(text, NOW).intent is Intent.EMERGENCY]
    assert len(alarmed) <= len(said) * 0.12, alarmed


def test_none_of_that_is_taught() -> None:
    taught = {phrase.text.lower() for phrase in phrases()}
    assert not [text for said in unseen().values() for text in said if text.lower() in taught]


@pytest.mark.parametrize("wish", WISHES)
def test_a_wish_beside_it_drowns_no_emergency(wish: str) -> None:
    read_as = {text: understand(wish.format(text), NOW).intent for text in DANGERS}
    assert {text: intent for text, intent in read_as.items() if intent is not Intent.EMERGENCY} == {}


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("bom dia, queria marcar uma consulta, ela caiu dura", "ela caiu dura"),
        ("quero marcar com o pediatra pra minha filha ela não acorda", "ela nao acorda"),
        ("ele apagou. tem horário hoje?", "ele apagou."),
        ("tô com dor no peito, será que o cardiologista me atende hoje?", "estou com dor no peito"),
        ("cancela minha consulta de quinta", ""),
        ("quero marcar cardiologista amanhã às 10h", ""),
        ("tem médico que trata dor no peito?", "tem medico que trata dor no peito?"),
        ("meu pai caiu", "meu pai caiu"),
    ],
)
def test_what_is_told_apart_from_what_is_asked_for(text: str, rest: str) -> None:
    assert told(normalise(text).norm) == rest


class _Sums:
    """A classifier that sees an emergency in "gelada", unless it hears of a consultation."""

    def margins(self, norm: str, marks: Collection[str]) -> dict[Intent, float]:
        alarm = 0.5 * ("gelada" in norm) - 1.0 * ("consulta" in norm)
        return {intent: alarm if intent is Intent.EMERGENCY else -0.5 for intent in Intent}


def test_the_classifier_is_asked_of_what_is_told_alone() -> None:
    def intent(norm: str) -> Intent:
        return decide(norm, says_time=False, names_something=False, classifier=_Sums()).intent

    assert intent("quero marcar uma consulta, ela esta gelada") is Intent.EMERGENCY
    assert intent("quero marcar uma consulta, ela esta bem") is Intent.BOOK


@pytest.mark.parametrize(
    "text",
    [
        "bbei veneno de rato",
        "bebi vneeno",
        "fui esfaqueadoo na rua",
        "meu filho engasguo",
        "tô sem repirar direito, flata de ar",
        "vai se mtaar hoje",
        "meu tio teve um AVC agora",
        "meu marido tá azul",
        "tô com uma corda na mão",
        "quase desmaiei duas vezes hoje e meu coração tá falhando",
        "tentei suicídio há dois anos e hoje quero me matar de novo",
        "não é emergência no trabalho não, meu filho não respira",
        "minha mãe tem 78 anos desmaiou e não acorda",
        "fiz a cirurgia mês passado, agora tô sangrando sem parar",
        "operei semana passada e não consigo respirar",
        "vou me matar de uma vez",
        "não quero mais acordar amanhã",
    ],
)
def test_misspelt_or_beside_what_is_over_it_is_one(text: str) -> None:
    assert understand(text, NOW).intent is Intent.EMERGENCY


@pytest.mark.parametrize(
    "text",
    [
        "faz 3 anos que tentei suicídio, sigo em tratamento, quero marcar retorno",
        "minha mãe segue internada por causa do derrame de sábado, preciso remarcar",
        "minha irmã sofreu um acidente de carro mês passado e tá de muleta, muda a consulta dela?",
        "minha tia que teve AVC tem retorno marcado?",
        "quais são os sinais de infarto? tem palestra?",
        "que médico trata falta de ar crônica?",
        "gente, emergência no trabalho, dá pra ser outro dia?",
        "quase infartei com o preço",
        "curso de primeiros socorros pra engasgo vocês dão?",
        "a sala azul é a da minha filha?",
        "só falta dar entrada no convênio",
        "meu chefe vai me matar, dá pra ser sábado?",
        "me corta o coração desmarcar, mas não dá",
        "aqui é a Maria do Socorro",
    ],
)
def test_what_is_over_in_care_or_asked_about_is_none_by_rule(text: str) -> None:
    assert not is_emergency(normalise(text).norm)
    assert understand(text, NOW).intent is not Intent.EMERGENCY


@pytest.mark.parametrize(
    "text",
    [
        "meu remédio da tireoide acabou",
        "minha receita de antidepressivo acabou, preciso de outra",
        "meu avô morreu sábado, desmarca tudo dele",
        "minha cachorra morreu, cancela minha limpeza",
        "não aguento mais essas propagandas",
        "vou sim, se eu não morrer antes kkk",
        "a doutora salvou a vida da minha filha, obrigada",
        "vocês ficam em frente ao SAMU?",
        "é perto do SAMU?",
        "a coleta de sangue começa que horas?",
        "to grávida, posso tomar dipirona?",
        "meu cabelo tá caindo muito, quero dermato",
        "tenho asma controlada, quero marcar pneumologista",
        "fui na upa sábado e mandaram procurar um cardiologista",
        "o hemograma do meu filho deu alterado, com quem marco?",
        "torci o joelho no futebol, tá inchado, tem ortopedista?",
    ],
)
def test_everyday_messages_do_not_call_the_ambulance(text: str) -> None:
    assert understand(text, NOW).intent is not Intent.EMERGENCY


def asked(what: Asks, text: str) -> Intent:
    """What an answer is read as while ``what`` is asked for."""
    return read(Message(text), State(asks=what), CLINIC, NOW).intent


@pytest.mark.parametrize("what", [Asks.NAME, Asks.DATE, Asks.TIME, Asks.CONFIRMATION, Asks.SERVICE])
@pytest.mark.parametrize(
    "text",
    [
        "cachorro mordeu o rosto da menina",
        "água fervendo queimou as costas da bebê",
        "tomei o remédio errado",
        "tiro de raspão na cabeça",
        "criança enfiou miçanga no nariz e não respira",
        "me furo todo dia e hoje foi fundo",
        "bebê roxinho",
    ],
)
def test_no_answer_hides_an_emergency(what: Asks, text: str) -> None:
    assert asked(what, text) is Intent.EMERGENCY


FIRST = "Ana|João|Febrônia|Viviane|Caio|Roxana|Vivian|Heitor|Consolação|Rita|Bento|Dalva|Moacir|Aurora|Edvaldo"
LAST = "Silva|das Dores|Vidal|Vivaldi|Matarazzo|do Socorro Lima|Sacramento|Sangalo|Boaventura|Braga|Fogaça|da Luz"
NAMES = [f"{first} {last}" for first in FIRST.split("|") for last in LAST.split("|")]


@pytest.mark.parametrize("form", ["{}", "é {}", "meu nome é {}"])
def test_a_name_that_is_asked_for_is_a_name(form: str) -> None:
    said = [form.format(name) for name in (*NAMES, "Socorro Lima", "Lucas Tiro", "Enzo Caído")]
    assert [text for text in said if asked(Asks.NAME, text) is Intent.EMERGENCY] == []


def test_a_name_in_small_letters_is_one_too() -> None:
    assert [name for name in NAMES if asked(Asks.NAME, name.lower()) is Intent.EMERGENCY] == []
    assert asked(Asks.NAME, "socorro") is Intent.EMERGENCY
