"""The conventions for dates and times, line by line. Now is Tuesday, 24 November 2026, 09:00."""
# ruff: noqa: DTZ001 - wall-clock times

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atendeai.domain.understanding.dates import Role, parse
from atendeai.domain.understanding.normalise import normalise

TUESDAY = "2026-11-24T09:00"
SUNDAY = "2026-11-29T09:00"
WEDNESDAY = "2026-11-25T09:00"
LATE = "2026-11-24T22:30"


def read(text: str, now: str = TUESDAY, role: Role = Role.WANTED, **more: Any) -> dict[str, Any]:
    return parse(normalise(text).norm, datetime.fromisoformat(now), role=role, **more).to_json()


def either(*candidates: dict[str, str]) -> dict[str, Any]:
    return {"ambiguous": True, "candidates": list(candidates)}


def day(date: str, **more: str) -> dict[str, str]:
    return {"date": date, **more}


def span(begin: str, until: str, **more: str) -> dict[str, str]:
    return {"date_from": begin, "date_to": until, **more}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hoje às 14h", day("2026-11-24", time="14:00")),
        ("amanhã às 14h", day("2026-11-25", time="14:00")),
        ("depois de amanhã 10h", day("2026-11-26", time="10:00")),
        ("amn 14h", day("2026-11-25", time="14:00")),
        ("hj a tarde", day("2026-11-24", time_from="12:00", time_to="18:00")),
        ("hoje às 8", day("2026-11-24", time="20:00")),
        ("hoje às 8 da manhã", {"invalid": True}),
        # Weeks run from Monday to Sunday.
        ("essa semana", span("2026-11-24", "2026-11-29")),
        ("ainda essa semana de tarde", span("2026-11-24", "2026-11-29", time_from="12:00", time_to="18:00")),
        ("semana que vem", span("2026-11-30", "2026-12-06")),
        ("na próxima semana", span("2026-11-30", "2026-12-06")),
        ("mês que vem", span("2026-12-01", "2026-12-31")),
        ("fim de semana", span("2026-11-28", "2026-11-29")),
        # A bare weekday.
        ("sexta", day("2026-11-27")),
        ("segunda", day("2026-11-30")),
        ("sabado de manha", day("2026-11-28", time_from="08:00", time_to="12:00")),
        ("2a feira às 9h", day("2026-11-30", time="09:00")),
        ("quero pra 4ª", day("2026-11-25")),
        ("terça", either(day("2026-11-24"), day("2026-12-01"))),
        ("terça às 14h", either(day("2026-11-24", time="14:00"), day("2026-12-01", time="14:00"))),
        ("terça às 8", day("2026-12-01", time="08:00")),
        # X que vem, próxima X.
        ("sexta que vem", either(day("2026-11-27"), day("2026-12-04"))),
        ("próxima sexta", either(day("2026-11-27"), day("2026-12-04"))),
        ("domingo que vem", either(day("2026-11-29"), day("2026-12-06"))),
        ("segunda que vem", day("2026-11-30")),
        ("próxima terça", day("2026-12-01")),
        # Nearest and next week's.
        ("sexta agora", day("2026-11-27")),
        ("essa sexta", day("2026-11-27")),
        ("nessa quinta às 10h", day("2026-11-26", time="10:00")),
        ("sexta da semana que vem", day("2026-12-04")),
        ("semana que vem na terça de manhã", day("2026-12-01", time_from="08:00", time_to="12:00")),
        # Weekday and number.
        ("sexta dia 27", day("2026-11-27")),
        ("sexta, dia 27, às 15h", day("2026-11-27", time="15:00")),
        ("sexta 27", day("2026-11-27")),
        ("sexta, 04/12", day("2026-12-04")),
        ("quinta dia 27", either(day("2026-11-26"), day("2026-11-27"))),
        ("amanhã, quarta, às 10", day("2026-11-25", time="10:00")),
        # Dia N.
        ("dia 30", day("2026-11-30")),
        ("dia 5", day("2026-12-05")),
        ("dia 31", day("2026-12-31")),
        ("dia quinze", day("2026-12-15")),
        ("dia 24", either(day("2026-11-24"), day("2026-12-24"))),
        ("dia 24 às 8h", day("2026-12-24", time="08:00")),
        ("dia 5 do mês que vem", day("2026-12-05")),
        ("dia 10 ou dia 11", either(day("2026-12-10"), day("2026-12-11"))),
        # DD/MM.
        ("25/12", day("2026-12-25")),
        ("15/11", day("2027-11-15")),
        ("3/12 às 9h", day("2026-12-03", time="09:00")),
        ("25/12/2026", day("2026-12-25")),
        ("15 de dezembro as 9", day("2026-12-15", time="09:00")),
        ("primeiro de dezembro", day("2026-12-01")),
        ("dia 3 do 12", day("2026-12-03")),
        ("25/12/2025", {"invalid": True}),
        ("31/12/9999 às 23h30", {"invalid": True}),
        ("entre 20/12/9999 e 31/12/9999", {"invalid": True}),
        ("na semana de 31/12/9999", {"invalid": True}),
        ("5 de janeiro de 2150", {"invalid": True}),
        ("31/11", {"invalid": True}),
        ("29/02", {"invalid": True}),
        ("dia 31 de novembro", {"invalid": True}),
        ("dia 32", {"invalid": True}),
        ("quero marcar ontem as 10h", {"invalid": True}),
        ("pode agendar uma consulta para anteontem", {"invalid": True}),
        ("marquei ontem", {}),
        ("ontem passei mal, quero marcar amanha", day("2026-11-25")),
        ("cancela as duas", {}),
        ("quero desmarcar as duas por favor", {}),
        ("cancela as duas da tarde", {"time": "14:00"}),
        # Counting.
        ("em 15 dias", day("2026-12-09")),
        ("daqui a duas semanas", day("2026-12-08")),
        ("de hoje a oito", day("2026-12-01")),
        ("daqui a 1 hora", day("2026-11-24", time="10:00")),
        ("daqui a meia hora", day("2026-11-24", time="09:30")),
        # Working days: not at weekends, not on national holidays.
        ("em 3 dias úteis", day("2026-11-27")),
        ("daqui a cinco dias úteis", day("2026-12-01")),
        ("primeiro dia útil de janeiro", day("2027-01-04")),
        # The nth weekday of a month, and the one after the coming one.
        ("primeira segunda de dezembro", day("2026-12-07")),
        ("última sexta do mês", day("2026-11-27")),
        ("no outro sábado", day("2026-12-05")),
        # Two days, and spans of days.
        ("entre os dias 10 e 15", span("2026-12-10", "2026-12-15")),
        ("dia 15 ou 16", either(day("2026-12-15"), day("2026-12-16"))),
        ("de 10 a 15/12", span("2026-12-10", "2026-12-15")),
        ("dia vinte e cinco de dezembro às nove", day("2026-12-25", time="09:00")),
        ("janeiro", span("2027-01-01", "2027-01-31")),
        ("2026-12-03", day("2026-12-03")),
        ("fim de semana que vem", either(span("2026-11-28", "2026-11-29"), span("2026-12-05", "2026-12-06"))),
        ("sesta feira", day("2026-11-27")),
        ("sext feira às 15", day("2026-11-27", time="15:00")),
        ("sextafeira", day("2026-11-27")),
        # What is given up for another day, or will not do.
        ("sábado em vez de quinta", day("2026-11-28")),
        ("em vez do dia 5 queria dia 8", day("2026-12-08")),
        ("quinta às 9h no lugar de sexta às 10h", day("2026-11-26", time="09:00")),
        ("hoje ficou ruim, pode ser sexta", day("2026-11-27")),
        # Holidays.
        ("no natal", day("2026-12-25")),
        ("na sexta-feira santa", day("2027-03-26")),
        ("no carnaval", day("2027-02-09")),
        ("depois do carnaval", either({"date_from": "2027-02-10"}, {"date_from": "2027-02-15"})),
        # Bounds.
        ("a partir do dia 10", {"date_from": "2026-12-10"}),
        ("até sexta", {"date_to": "2026-11-27"}),
        ("antes do dia 20", {"date_to": "2026-12-19"}),
        ("de 10 a 15 de dezembro", span("2026-12-10", "2026-12-15")),
        ("de quarta a sexta", span("2026-11-25", "2026-11-27")),
        ("fim do mês", span("2026-11-24", "2026-11-30")),
        ("fim do mês que vem", span("2026-12-21", "2026-12-31")),
    ],
)
def test_days(text: str, expected: dict[str, Any]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("às 15h", {"time": "15:00"}),
        ("14:30", {"time": "14:30"}),
        ("14h30", {"time": "14:30"}),
        ("às 3", {"time": "15:00"}),
        ("às 6 e meia", {"time": "18:30"}),
        ("às 7", {"time": "07:00"}),
        ("às 11", {"time": "11:00"}),
        ("8 da noite", {"time": "20:00"}),
        ("às 3 da tarde", {"time": "15:00"}),
        ("duas e meia", {"time": "14:30"}),
        ("quinze para as três da tarde", {"time": "14:45"}),
        ("meio-dia e meia", {"time": "12:30"}),
        ("10h30 tá ótimo", {"time": "10:30"}),
        ("de manhã", {"time_from": "08:00", "time_to": "12:00"}),
        ("à tarde", {"time_from": "12:00", "time_to": "18:00"}),
        ("à noite", {"time_from": "18:00", "time_to": "22:00"}),
        ("fim da tarde", {"time_from": "16:00", "time_to": "18:00"}),
        ("primeira hora", {"time_from": "08:00", "time_to": "09:00"}),
        ("na hora do almoço", {"time_from": "12:00", "time_to": "14:00"}),
        ("8h da noite", {"time": "20:00"}),
        ("meio-dia e quinze", {"time": "12:15"}),
        ("10 ou 11 da manhã", either({"time": "10:00"}, {"time": "11:00"})),
        ("18h em diante", {"time_from": "18:00"}),
        ("de 8 às 10", {"time_from": "08:00", "time_to": "10:00"}),
        ("depois das 17", {"time_from": "17:00"}),
        ("depois das 5", {"time_from": "17:00"}),
        ("a partir das 15h", {"time_from": "15:00"}),
        ("até as 11h", {"time_to": "11:00"}),
        ("entre 14h e 16h", {"time_from": "14:00", "time_to": "16:00"}),
        ("das 14 às 16", {"time_from": "14:00", "time_to": "16:00"}),
        ("amanhã à tarde às 3", day("2026-11-25", time="15:00")),
        ("amanhã nove e quinze", day("2026-11-25", time="09:15")),
        ("sexta, três e quarenta e cinco", day("2026-11-27", time="15:45")),
        ("dez e vinte", {"time": "10:20"}),
        ("ao invés das 10 pode ser às 11?", {"time": "11:00"}),
        ("trabalho até as 18h, queria depois disso", {"time_from": "18:00"}),
        ("fico no trabalho até as 17h", {"time_from": "17:00"}),
        ("às 14h ou 15h", either({"time": "14:00"}, {"time": "15:00"})),
    ],
)
def test_times(text: str, expected: dict[str, Any]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "tenho 2 filhos",
        "14 por 9",
        "minha pressão está 14/9",
        "boa tarde",
        "bom dia, tudo bem?",
        "preciso da segunda via",
        "é minha segunda consulta",
        "jejum de 8 horas",
        "estou com febre há 3 dias",
        "vocês abrem de segunda a sexta?",
        "atendem aos sábados?",
        "fica na rua 25 de março",
        "nasci em 12/05/1990",
        "meu telefone é 11 98765-4321",
        "custa R$ 150",
        "ele tem 7 anos",
        "estive aí semana passada",
        "vou levar as 2 crianças",
        "fiquei plantada 3 horas aí",
        "ele pesa vinte e cinco",
        "pode ser mais tarde?",
        "consulta de 1 hora",
        "bom fim de semana pra vocês",
    ],
)
def test_numbers_and_words_that_are_no_dates(text: str) -> None:
    assert read(text) == {}


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("segunda que vem", SUNDAY, either(day("2026-11-30"), day("2026-12-07"))),
        ("próxima sexta", SUNDAY, either(day("2026-12-04"), day("2026-12-11"))),
        ("domingo que vem", SUNDAY, day("2026-12-06")),
        ("essa semana", SUNDAY, span("2026-11-29", "2026-11-29")),
        ("semana que vem", SUNDAY, span("2026-11-30", "2026-12-06")),
        ("segunda que vem", WEDNESDAY, day("2026-11-30")),
        ("quarta que vem", WEDNESDAY, day("2026-12-02")),
        ("terça", LATE, day("2026-12-01")),
        ("hoje à tarde", LATE, {"invalid": True}),
        ("dia 31", "2026-11-30T09:00", day("2026-12-31")),
        ("dia 30", "2027-01-31T09:00", day("2027-03-30")),
        ("29/02", "2028-01-10T09:00", day("2028-02-29")),
        ("daqui a 1 hora", "2026-12-31T23:30", day("2027-01-01", time="00:30")),
    ],
)
def test_other_moments(text: str, now: str, expected: dict[str, Any]) -> None:
    assert read(text, now) == expected


def test_the_clinics_own_day_decides_whether_today_is_over() -> None:
    until_noon = {1: ((time(8), time(12)),)}
    assert read("terça", "2026-11-24T13:00", hours=until_noon) == day("2026-12-01")
    assert read("terça", "2026-11-24T13:00") == either(day("2026-11-24"), day("2026-12-01"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mudar de terça para quinta às 10h", day("2026-11-26", time="10:00")),
        ("quero remarcar minha consulta de quinta para sexta as 15h", day("2026-11-27", time="15:00")),
        ("mudar minha consulta de amanhã às 14h para quinta às 10h", day("2026-11-26", time="10:00")),
        ("passar das 14h para as 16h", {"time": "16:00"}),
        ("remarcar minha consulta de amanhã", {}),
        ("não vou conseguir ir amanhã, pode ser sexta?", day("2026-11-27")),
        ("adiar para semana que vem", span("2026-11-30", "2026-12-06")),
        ("remarca pra sábado em vez de quinta", day("2026-11-28")),
        ("sexta no lugar de quinta, remarca", day("2026-11-27")),
        ("hoje deu ruim, joga pra outro dia", {}),
        ("a minha tá marcada pra daqui 2 meses, queria antecipar", {}),
        ("minha consulta é sexta 10h, quero passar pra segunda", day("2026-11-30")),
    ],
)
def test_of_a_change_the_new_time(text: str, expected: dict[str, Any]) -> None:
    assert read(text, role=Role.NEW) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("não vou poder ir amanhã", day("2026-11-25")),
        ("cancelar a de sexta", day("2026-11-27")),
        ("sábado em vez de quinta", day("2026-11-26")),
        ("não consigo ir na quinta às 10h", day("2026-11-26", time="10:00")),
    ],
)
def test_of_a_cancellation_the_appointment_meant(text: str, expected: dict[str, Any]) -> None:
    assert read(text, role=Role.EXISTING) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amanhã não posso, pode ser sexta?", day("2026-11-27")),
        ("segunda não, quarta", day("2026-11-25")),
        ("qualquer dia da semana que vem menos quarta", span("2026-11-30", "2026-12-06")),
        ("semana que vem, menos quarta e quinta", span("2026-11-30", "2026-12-06")),
        ("semana que vem, nem segunda nem sexta", span("2026-11-30", "2026-12-06")),
        ("semana que vem, menos segunda, terça e quarta", span("2026-11-30", "2026-12-06")),
        ("semana que vem, quinta ou sexta", either(day("2026-12-03"), day("2026-12-04"))),
        ("quarta ou quinta", either(day("2026-11-25"), day("2026-11-26"))),
        (
            "quarta às 10h ou quinta às 15h",
            either(day("2026-11-25", time="10:00"), day("2026-11-26", time="15:00")),
        ),
        (
            "quarta e sexta de manhã",
            either(
                day("2026-11-25", time_from="08:00", time_to="12:00"),
                day("2026-11-27", time_from="08:00", time_to="12:00"),
            ),
        ),
    ],
)
def test_several_in_one_message(text: str, expected: dict[str, Any]) -> None:
    assert read(text) == expected


_WORDS = re.findall(
    r"\S+",
    "amanhã hoje sexta terça que vem dia 31 12 às 14h de para ou e não próxima semana mês fim do natal "
    "depois antes até entre 10 29/02 31/12 2027 manhã tarde noite daqui a uma hora dias 30 segunda",
)


@settings(deadline=None)
@given(
    text=st.text(alphabet=st.sampled_from(list("abcdefghijklmnopqrstuvwxyzçãéíô 0123456789/:.,?!-ªº")), max_size=60)
    | st.lists(
        st.sampled_from(_WORDS),
        max_size=12,
    ).map(" ".join),
    now=st.datetimes(min_value=datetime(2024, 1, 1), max_value=datetime(2032, 12, 31)),
)
def test_whatever_is_written_it_never_points_back(text: str, now: datetime) -> None:
    when = parse(normalise(text).norm, now)
    moments = list(when.candidates) or [when.moment]
    assert len(when.candidates) != 1
    for moment in moments:
        for date in (moment.date, moment.date_to):
            assert date is None or date >= now.date() or moment.date_from is None
        if moment.date == now.date() and moment.time is not None and when.candidates == ():
            assert moment.time >= now.time().replace(second=0, microsecond=0)


@pytest.mark.parametrize(
    ("text", "now", "found"),
    [
        ("quero no último dia do ano", "2026-12-28T10:00", {"date": "2026-12-31"}),
        ("no último dia do mês", "2026-11-24T09:00", {"date": "2026-11-30"}),
        ("ainda esse ano", "2026-12-28T10:00", {"date_from": "2026-12-28", "date_to": "2026-12-31"}),
        ("primeiro dia útil do ano que vem", "2026-12-28T10:00", {"date": "2027-01-04"}),
        ("segunda depois do ano novo", "2026-12-28T10:00", {"date": "2027-01-04"}),
        ("quarta depois do natal", "2026-12-01T10:00", {"date": "2026-12-30"}),
        ("primeira semana de dezembro", "2026-11-24T09:00", {"date_from": "2026-12-01", "date_to": "2026-12-07"}),
        ("última semana do mês que vem", "2026-11-24T09:00", {"date_from": "2026-12-25", "date_to": "2026-12-31"}),
        ("esperei duas horas e ninguém veio", "2026-11-24T09:00", {}),
        ("fiquei umas 3 horas aí ontem", "2026-11-24T09:00", {}),
    ],
)
def test_ends_of_months_and_years(text: str, now: str, found: dict[str, Any]) -> None:
    assert parse(normalise(text).norm, datetime.fromisoformat(now)).to_json() == found


@pytest.mark.parametrize(
    ("text", "wished", "instead"),
    [
        ("dia 2/12 às 10h, se não tiver, dia 3/12", day("2026-12-02", time="10:00"), [day("2026-12-03")]),
        ("se não tiver quinta pode ser sexta", day("2026-11-26"), [day("2026-11-27")]),
        ("consulta, se nao der quinta, sexta serve", day("2026-11-26"), [day("2026-11-27")]),
        (
            "caso nao tenha vaga na quinta às 10h quero sexta às 11h",
            day("2026-11-26", time="10:00"),
            [day("2026-11-27", time="11:00")],
        ),
        ("se não puder ir quinta, pode ser sexta?", day("2026-11-27"), []),
        (
            "sexta de manhã, senão segunda",
            {"date": "2026-11-27", "time_from": "08:00", "time_to": "12:00"},
            [day("2026-11-30")],
        ),
        ("às 10h, se não der, às 11h, se não der, às 12h", {"time": "10:00"}, [{"time": "11:00"}, {"time": "12:00"}]),
        ("se não der pra ir sexta eu aviso", day("2026-11-27"), []),
    ],
)
def test_what_would_do_where_the_wish_is_not_free(
    text: str, wished: dict[str, str], instead: list[dict[str, str]]
) -> None:
    when = parse(normalise(text).norm, datetime.fromisoformat(TUESDAY))
    assert when.to_json() == wished
    assert [moment.to_json() for moment in when.otherwise] == instead


@pytest.mark.parametrize(
    "text",
    [
        "torci o pé no futsal domingo, ainda tá inchado mas consigo andar",
        "terminei um relacionamento de 9 anos em agosto, tô sem dormir",
        "apareceu uma mancha no meu braço desde o são joão",
        "a tosse não passa desde segunda",
        "ele passou a noite tossindo",
        "tossiu a noite toda",
        "me botaram no turno da tarde",
        "minha esposa tá com 34 semanas",
        "esperei 2 horas e fui atendida em 5 minutos",
        "qual o primeiro horário livre da dra Ana?",
    ],
)
def test_stories_hold_no_wished_time(text: str) -> None:
    assert read(text) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("comecei a sentir dor, tem vaga sexta?", day("2026-11-27")),
        ("amh às 17:30", day("2026-11-25", time="17:30")),
        ("fico com o das 17", {"time": "17:00"}),
        ("13h, 12h é apertado", {"time": "13:00"}),
        ("13h, eu entro às 14", {"time": "13:00"}),
        ("pode ser 14h, saio do trabalho às 13h", {"time": "14:00"}),
        ("na véspera do feriado do dia 8, na segunda", day("2026-12-07")),
        ("na véspera do dia 20 às 9h", day("2026-12-19", time="09:00")),
        ("na véspera de tiradentes", day("2027-04-20")),
        ("na véspera do dia 45", {"invalid": True}),
        ("depois do feriado, dia 22", day("2026-12-22")),
    ],
)
def test_days_and_hours_told_beside_others(text: str, expected: dict[str, Any]) -> None:
    assert read(text) == expected
