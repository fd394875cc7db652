"""Whole dialogues on the running system: what patients write, press and send, and what changes in calendars."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

import pytest

from local import database, edge, kubectl, world
from local.bookings import book, booked, cancel, free_starts, news
from local.chat import Phone
from local.demo import buttons_of
from local.guest import create, credentials, guest
from local.outside import Outside

pytestmark = pytest.mark.e2e
MakePhone = Callable[[world.LocalClinic], Phone]
MEL = guest("mel", 999, "Dra. Lia Prates")


@pytest.fixture(scope="module", params=(world.SOL, MEL), ids=("Dedicated", "Shared-mel"))
def local(request: pytest.FixtureRequest, fakes: Outside) -> Iterator[world.LocalClinic]:
    """Of the shared ones a clinic of its own, which costs no pod: these dialogues would queue behind all of `lua`'s."""
    if request.param is not MEL:
        yield request.param
        return
    with credentials(MEL, fakes):
        create(MEL)
        yield MEL


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


def _event(phone: Phone, start: dt.datetime) -> dict[str, str]:
    """The event that stands for an appointment."""
    return kubectl.wait_for("the event in the calendar", lambda: phone.fakes.event_at(phone.local, start), deadline=60)


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
    assert kubectl.wait_for("the booking", lambda: booked(phone))


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


@pytest.mark.parametrize("local", [world.SOL], ids=["Dedicated"])
def test_a_voice_message_is_answered_with_a_request_to_write(local: world.LocalClinic, phone_of: MakePhone) -> None:
    assert not local.transcribes
    phone = phone_of(local)
    phone.send_voice(b"OggS" + bytes(24) + b"OpusHead" + bytes(100))
    assert "áudio" in news(phone, 0)


def test_an_event_moved_in_the_calendar_moves_the_appointment(
    local: world.LocalClinic, phone_of: MakePhone, by_day: ZoneInfo
) -> None:
    phone = phone_of(local)
    start = book(phone, "quero marcar consulta para daqui a 4 dias às 10h")
    event = _event(phone, start)
    heard, later = len(phone.heard()), next(free_starts(phone.fakes, local, by_day, range(60, 90)))
    phone.fakes.move(local, event["id"], later, dt.timedelta(minutes=30))
    kubectl.wait_for("the appointment at its new time", lambda: booked(phone) == [later] or None)
    assert later.strftime("%d/%m") in news(phone, heard)


@pytest.mark.usefixtures("by_day")
def test_an_event_deleted_in_the_calendar_cancels_the_appointment(
    local: world.LocalClinic, phone_of: MakePhone
) -> None:
    phone = phone_of(local)
    start = book(phone, "quero marcar consulta para daqui a 5 dias às 11h")
    event = _event(phone, start)
    heard = len(phone.heard())
    phone.fakes.remove(local, event["id"])
    kubectl.wait_for("the appointment cancelled", lambda: not booked(phone) or None)
    assert "cancel" in news(phone, heard)


def test_a_time_that_gets_free_is_offered_to_who_waits(
    local: world.LocalClinic, phone_of: MakePhone, quiet_day: dt.date, by_day: ZoneInfo
) -> None:
    first, second = phone_of(local), phone_of(local)
    day = quiet_day.strftime("%d/%m")
    ten = dt.datetime.combine(quiet_day, dt.time(10), by_day)
    assert book(first, f"quero marcar consulta dia {day} às 10h") == ten
    assert "lista de espera" in second.ask(f"quero marcar consulta dia {day} às 10h")
    assert day in second.ask("quero entrar na lista de espera")
    heard = len(second.heard())
    cancel(first)
    offer = news(second, heard)
    assert "10h" in offer
    accept = next(button for button in buttons_of(second.messages()[-1]) if button.id.startswith("accept:"))
    second.press(accept)
    assert kubectl.wait_for("the offered time booked", lambda: booked(second)) == [ten]


def test_a_feed_is_read_by_its_address_alone(local: world.LocalClinic) -> None:
    with edge.client(local.host) as door:
        answer = door.get(f"/api/v1/appointments/feeds/{secrets.token_urlsafe(32)}.ics")
    assert answer.status_code == 404
    assert answer.headers["x-service"] == "appointment", "the gateway lets it through; the service knows no such feed"
