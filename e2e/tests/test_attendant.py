"""Whole dialogues on the running system: what patients write, press and send, and what changes in calendars."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

import pytest

from local import database, edge, kubectl, world
from local.chat import Phone, buttons_of
from local.demo import appointments
from local.outside import Outside

pytestmark = pytest.mark.e2e
ZONE = ZoneInfo("America/Sao_Paulo")
MakePhone = Callable[[world.LocalClinic], Phone]


@pytest.fixture
def phone_of(fakes: Outside) -> Iterator[MakePhone]:
    """Makes a patient of a clinic who can press buttons, under a name of their own; shows what was said if it fails."""
    phones: list[Phone] = []

    def make(local: world.LocalClinic) -> Phone:
        phones.append(Phone(local, fakes, name=f"Rita {secrets.token_hex(2).translate(_LETTERS).title()}"))
        return phones[-1]

    yield make
    for phone in phones:
        print(phone.transcript())


_LETTERS = str.maketrans("0123456789", "ghijklmnop")


@pytest.fixture
def by_day(local: world.LocalClinic) -> Iterator[ZoneInfo]:
    """Has the clinic where it is day: nobody is written to at night, whenever these tests run."""
    zones = map(ZoneInfo, (ZONE.key, "Europe/London", "Asia/Dubai", "Asia/Tokyo", "Pacific/Auckland", "America/Denver"))
    zone = next(zone for zone in zones if 9 <= dt.datetime.now(zone).hour < 18)
    _live_in(local, zone)
    yield zone
    _live_in(local, ZONE)


def _live_in(local: world.LocalClinic, zone: ZoneInfo) -> None:
    kubectl.apply(world.clinic(local, timezone=zone.key))
    ask = f"select settings->>'timezone' from atendeai.clinic_config where clinic_id = '{database.clinic_id(local)}'"
    kubectl.wait_for(f"{local.name} in {zone.key}", lambda: database.psql(ask) == [[zone.key]] or None)


@pytest.fixture
def quiet_day(fakes: Outside, local: world.LocalClinic, by_day: ZoneInfo) -> Iterator[dt.date]:
    """A day in some weeks on which the clinic's calendar has room at ten o'clock alone."""
    taken = {dt.datetime.fromisoformat(event["start"]["dateTime"]).date() for event in fakes.events(local)}
    today = dt.datetime.now(by_day).date()
    days = [day for ahead in range(21, 51) if (day := today + dt.timedelta(days=ahead)) not in taken]
    day = secrets.choice(days)
    morning, rest = (dt.time(0), dt.time(10)), (dt.time(10, 30), dt.time(23, 59))
    for start, end in (morning, rest):
        fakes.take(local, dt.datetime.combine(day, start, by_day), dt.datetime.combine(day, end, by_day))
    yield day
    fakes.free(local)


def _at(row: dict[str, str]) -> dt.datetime:
    return dt.datetime.fromisoformat(row["start"]).replace(tzinfo=ZONE)


def _booked(phone: Phone) -> list[dict[str, str]]:
    return [row for row in appointments(phone.local, phone.number) if row["status"] == "booked"]


def _book(phone: Phone, wish: str) -> dict[str, str]:
    phone.ask(wish)
    phone.ask("pode ser")
    return kubectl.wait_for(f"the booking of {wish!r}", lambda: _booked(phone))[0]


def _new(phone: Phone, heard: int) -> str:
    return kubectl.wait_for("a message by itself", lambda: "\n".join(phone.heard()[heard:]), deadline=90)


def _event(phone: Phone, start: dt.datetime) -> dict[str, str]:
    """The id of the event that stands for an appointment."""

    def found() -> dict[str, str] | None:
        events = phone.fakes.events(phone.local)
        return next((e for e in events if dt.datetime.fromisoformat(e["start"]["dateTime"]) == start), None)

    return kubectl.wait_for("the event in the calendar", found, deadline=60)


def _free_start(phone: Phone, after: dt.datetime) -> dt.datetime:
    """A time in the clinic's hours, some days later, at which nothing stands."""
    taken = {dt.datetime.fromisoformat(e["start"]["dateTime"]) for e in phone.fakes.events(phone.local)}
    times = (
        after.replace(hour=hour, minute=0) + dt.timedelta(days=days) for days in range(60, 90) for hour in range(9, 17)
    )
    return next(time for time in times if time not in taken)


def test_what_is_sent_in_pieces_is_answered_once(local: world.LocalClinic, phone_of: MakePhone) -> None:
    phone = phone_of(local)
    for piece in ("oi", "quero marcar", "uma consulta amanhã de manhã"):
        phone.say(piece)
    arrived = list(phone.arriving(0))
    assert len(arrived) == 1, [phone.heard()]
    assert local.professional.split()[-1] in phone.heard()[0]


def test_a_price_is_answered_in_the_middle_of_a_booking(local: world.LocalClinic, phone_of: MakePhone) -> None:
    phone = phone_of(local)
    phone.ask("quero marcar uma consulta depois de amanhã às 15h")
    assert "250" in phone.ask("quanto custa?")
    phone.ask("tá bom, pode marcar")
    assert kubectl.wait_for("the booking", lambda: _booked(phone))


def test_an_emergency_is_answered_with_192_and_a_person_takes_over(
    local: world.LocalClinic, phone_of: MakePhone
) -> None:
    phone = phone_of(local)
    assert "192" in phone.ask("meu pai está com dor forte no peito e não consegue respirar")
    suffix = database.clinic_id(local).replace("-", "")
    rows = database.psql(
        "select v.status, v.alert "
        f"from atendeai.conversation_{suffix} v join atendeai.whatsapp_contact_{suffix} c on c.id = v.contact_id "
        f"where c.wa_id = '{phone.number}'"
    )
    assert rows == [["handed_off", "emergency"]]


def test_a_voice_message_is_answered_with_a_request_to_write(local: world.LocalClinic, phone_of: MakePhone) -> None:
    phone = phone_of(local)
    phone.send_voice(b"OggS" + bytes(24) + b"OpusHead" + bytes(100))
    assert "áudio" in _new(phone, 0)


def test_an_event_moved_in_the_calendar_moves_the_appointment(local: world.LocalClinic, phone_of: MakePhone) -> None:
    phone = phone_of(local)
    start = _at(_book(phone, "quero marcar consulta para daqui a 4 dias às 10h"))
    event = _event(phone, start)
    heard, later = len(phone.heard()), _free_start(phone, start)
    phone.fakes.move(local, event["id"], later, dt.timedelta(minutes=30))
    kubectl.wait_for("the appointment at its new time", lambda: [_at(r) for r in _booked(phone)] == [later] or None)
    assert later.strftime("%d/%m") in _new(phone, heard)


def test_an_event_deleted_in_the_calendar_cancels_the_appointment(
    local: world.LocalClinic, phone_of: MakePhone
) -> None:
    phone = phone_of(local)
    start = _at(_book(phone, "quero marcar consulta para daqui a 5 dias às 11h"))
    event = _event(phone, start)
    heard = len(phone.heard())
    phone.fakes.remove(local, event["id"])
    kubectl.wait_for("the appointment cancelled", lambda: not _booked(phone) or None)
    assert "cancel" in _new(phone, heard)


def test_a_time_that_gets_free_is_offered_to_who_waits(
    local: world.LocalClinic, phone_of: MakePhone, quiet_day: dt.date, by_day: ZoneInfo
) -> None:
    first, second = phone_of(local), phone_of(local)
    day = quiet_day.strftime("%d/%m")
    ten = dt.datetime.combine(quiet_day, dt.time(10), by_day)
    assert _at(_book(first, f"quero marcar consulta dia {day} às 10h")) == ten
    assert "lista de espera" in second.ask(f"quero marcar consulta dia {day} às 10h")
    assert day in second.ask("quero entrar na lista de espera")
    heard = len(second.heard())
    answer = first.ask("preciso cancelar minha consulta")
    if "?" in answer:
        first.ask("sim, pode cancelar")
    kubectl.wait_for("the cancellation", lambda: not _booked(first) or None, deadline=10)
    offer = _new(second, heard)
    assert "10h" in offer
    accept = next(button for button in buttons_of(second.messages()[-1]) if button.id.startswith("accept:"))
    second.press(accept)
    taken = kubectl.wait_for("the offered time booked", lambda: _booked(second))
    assert _at(taken[0]) == ten


def test_a_feed_is_read_by_its_address_alone(local: world.LocalClinic) -> None:
    with edge.client(local.host) as door:
        answer = door.get(f"/api/v1/appointments/feeds/{secrets.token_urlsafe(32)}.ics")
    assert answer.status_code == 404
    assert answer.headers["x-service"] == "appointment", "the gateway lets it through; the service knows no such feed"
