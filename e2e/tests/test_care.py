"""What patients and staff have of each other by the attendant: moves, hand-offs, reminders, files, feeds, voices."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import icalendar
import pytest

from local import database, edge, kubectl, staff, world
from local.bookings import book, booked, cancel, free_starts, in_words, news
from local.chat import Phone
from local.demo import buttons_of
from local.guest import create, credentials, guest
from local.outside import Outside

pytestmark = pytest.mark.e2e
MakePhone = Callable[[world.LocalClinic], Phone]
MakeDesk = Callable[[world.LocalClinic], httpx.Client]
DUE_IN = dt.timedelta(seconds=60)
"""Two bookings, one of them by dialogue, are agreed well before."""
VALE = dataclasses.replace(guest("vale", 777, "Dra. Inês Moura"), transcribes=True)


@pytest.fixture(scope="module")
def local(fakes: Outside) -> Iterator[world.LocalClinic]:
    """A clinic whose reminders and hours these tests may change, beside those that others talk to."""
    with credentials(VALE, fakes):
        create(VALE)
        yield VALE


@pytest.fixture(scope="module")
def desk_of() -> Iterator[MakeDesk]:
    """Has the owner of a clinic at their desk, signed in once for all tests."""
    with ExitStack() as signed_in:
        yield functools.cache(lambda local: signed_in.enter_context(staff.desk(local)))


def test_a_patient_moves_an_appointment(
    local: world.LocalClinic, phone_of: MakePhone, desk_of: MakeDesk, fakes: Outside
) -> None:
    phone, times = phone_of(local), free_starts(fakes, local)
    old, new = next(times), next(times)
    assert book(phone, f"quero marcar consulta {in_words(old)}") == old
    event = kubectl.wait_for("the event", lambda: fakes.event_at(local, old), deadline=60)
    assert "?" in phone.ask(f"preciso remarcar minha consulta para {in_words(new)}")
    heard, (confirm, *_) = len(phone.heard()), buttons_of(phone.messages()[-1])
    assert confirm.title == "Confirmo"
    phone.press(confirm)
    assert f"{new:%d/%m}" in news(phone, heard)
    kubectl.wait_for("the appointment at its new time alone", lambda: booked(phone) == [new], deadline=10)
    moved = kubectl.wait_for("the event at its new time", lambda: fakes.event_at(local, new), deadline=60)
    assert moved["id"] == event["id"]
    query = {"service_code": "consulta", "date_from": f"{old:%Y-%m-%d}", "time_from": f"{old:%H:%M}", "limit": 1}
    slots = staff.asked(desk_of(local), "/api/v1/appointments/slots", **query)["slots"]
    assert [dt.datetime.fromisoformat(slot["start"]) for slot in slots] == [old], "the old time is free again"


def test_the_attendant_is_silent_until_staff_give_the_conversation_back(
    local: world.LocalClinic, phone_of: MakePhone, desk_of: MakeDesk
) -> None:
    phone, door = phone_of(local), desk_of(local)
    assert "pessoa" in phone.ask("quero falar com uma pessoa, por favor")
    handed = staff.conversation_of(door, phone.name)
    assert (handed["status"], handed["alert"]) == ("handed_off", "human")
    path = f"/api/v1/conversations/{handed['id']}"
    phone.say("que horas vocês fecham?")

    def settled() -> bool:
        newest = staff.asked(door, f"{path}/messages", page_size=1)["items"][0]
        return (newest["author"], newest["text"], newest["state"]) == ("patient", "que horas vocês fecham?", "handled")

    kubectl.wait_for("what was written meanwhile to be handled without a reply", settled, deadline=30, every=1)
    released = door.post(f"{path}/release")
    assert released.status_code == 200, released.text
    assert (released.json()["status"], released.json()["alert"]) == ("open", None)
    assert "Rua das Flores" in phone.ask("qual o endereço?")
    assert len(phone.heard()) == 2, "the hand-off and the address, and nothing in between"


def _reminded_in(local: world.LocalClinic, zone: ZoneInfo, *starts: dt.datetime) -> None:
    """Have the clinic remind of appointments at these starts `DUE_IN` from now, each by an offset of its own."""
    due = dt.datetime.now(dt.UTC) + DUE_IN
    before = [f"{(start - due) // dt.timedelta(seconds=1)}s" for start in starts]
    kubectl.apply(world.clinic(local, timezone=zone.key, reminders={"before": before}))
    ask = (
        "select count(*) from atendeai.clinic_config "
        f"where clinic_id = '{database.clinic_id(local)}' and settings->'reminders'->>'before' like '%{before[0]}%'"
    )
    kubectl.wait_for(f"{local.name} reminds {before} before", lambda: database.psql(ask) == [["1"]], deadline=20)


def _appointment(door: httpx.Client, start: dt.datetime, contact_id: str) -> dict[str, Any]:
    found = staff.asked(door, "/api/v1/appointments", date=f"{start:%Y-%m-%d}", contact_id=contact_id)["items"]
    assert [dt.datetime.fromisoformat(one["start"]) for one in found] == [start]
    one: dict[str, Any] = found[0]
    return one


def test_a_reminder_is_confirmed_by_its_button_and_spares_who_opted_out(
    local: world.LocalClinic, phone_of: MakePhone, desk_of: MakeDesk, by_day: ZoneInfo
) -> None:
    asked, spared, door = phone_of(local), phone_of(local), desk_of(local)
    times = free_starts(asked.fakes, local, by_day)
    theirs, others = next(times), next(times)
    _reminded_in(local, by_day, theirs, others)

    assert book(asked, f"quero marcar consulta {in_words(theirs)}") == theirs
    assert "não vamos mais enviar lembretes" in spared.ask("SAIR")
    left = staff.conversation_of(door, spared.name)
    assert left["opted_out"]
    assert left["opted_out_at"]
    wish = {"service_code": "consulta", "professional_code": "p1", "start": others.isoformat()}
    known = {"patient_name": spared.name, "contact_id": left["contact_id"]}
    made = door.post("/api/v1/appointments", json=wish | known)
    assert made.status_code == 201, made.text

    reminder = news(asked, 2)  # after the offer and the confirmation
    assert f"{theirs:%d/%m}" in reminder
    assert "Você confirma a sua presença?" in reminder
    assert "consulta" not in reminder.lower()
    assert local.professional.split()[-1] not in reminder, "what is read on a locked screen names neither"
    confirm, _ = buttons_of(asked.messages()[-1])
    contact = staff.conversation_of(door, asked.name)["contact_id"]
    assert "confirmed_at" not in _appointment(door, theirs, contact)
    asked.press(confirm)
    assert f"{theirs:%d/%m}" in news(asked, 3)
    assert _appointment(door, theirs, contact)["confirmed_at"]

    def became() -> list[str]:
        history = staff.asked(door, f"/api/v1/appointments/{made.json()['id']}/history")["items"]
        return [event["details"]["outcome"] for event in history if event["action"] == "remind"]

    assert kubectl.wait_for("the reminder that is not sent", became, deadline=30, every=1) == ["opted-out"]
    assert len(spared.heard()) == 1, "the answer to SAIR, and nothing unasked"


def test_a_photo_is_kept_for_staff_and_its_caption_answered(
    local: world.LocalClinic, phone_of: MakePhone, desk_of: MakeDesk
) -> None:
    phone, door = phone_of(local), desk_of(local)
    photo, caption = b"\xff\xd8\xff\xe0" + secrets.token_bytes(2000), "esse é o meu documento. qual o endereço?"
    phone.send_photo(photo, caption)
    answer = news(phone, 0)
    assert "Recebi e já passei para a nossa equipe." in answer
    assert "Rua das Flores" in answer
    conversation = staff.conversation_of(door, phone.name)
    assert conversation["alert"] == "file"
    query = {"contact_id": conversation["contact_id"], "direction": "inbound"}
    (message,) = staff.asked(door, "/api/v1/whatsapp/messages", **query)["items"]
    assert (message["kind"], message["text"]) == ("image", caption)
    assert (message["media"]["state"], message["media"]["size"]) == ("stored", len(photo))
    file = door.get(f"/api/v1/whatsapp/media/{message['media']['id']}")
    assert (file.status_code, file.headers["content-type"]) == (200, "image/jpeg")
    assert file.content == photo


@pytest.fixture
def feed(local: world.LocalClinic, desk_of: MakeDesk) -> Iterator[Callable[[], list[icalendar.Event]]]:
    """Reads the feed of the clinic's professional as a calendar program does, by its address alone."""
    door, professional = desk_of(local), "/api/v1/appointments/professionals/p1/feed"
    made = door.post(professional)
    assert made.status_code == 201, made.text
    path = made.json()["path"]

    def read() -> list[icalendar.Event]:
        with edge.client(local.host) as subscriber:
            answer = subscriber.get(path)
        assert answer.status_code == 200, answer.text
        return icalendar.Calendar.from_ical(answer.content).events

    yield read
    assert door.delete(professional).status_code == 204
    with edge.client(local.host) as subscriber:
        assert subscriber.get(path).status_code == 404, "an address that was taken back"


def test_a_subscribed_feed_holds_what_is_booked_and_no_more(
    local: world.LocalClinic, phone_of: MakePhone, feed: Callable[[], list[icalendar.Event]]
) -> None:
    phone = phone_of(local)
    start = next(free_starts(phone.fakes, local))
    book(phone, f"quero marcar consulta {in_words(start)}")
    (event,) = (one for one in feed() if one.start == start)
    assert (event.end - event.start, str(event["STATUS"])) == (dt.timedelta(minutes=30), "TENTATIVE")
    assert phone.name.split()[-1] not in event.to_ical().decode(), "initials alone"
    cancel(phone)
    assert [one for one in feed() if one.start == start or one["UID"] == event["UID"]] == []


def test_a_spoken_wish_is_answered_with_an_offer(local: world.LocalClinic, phone_of: MakePhone) -> None:
    assert local.transcribes
    phone = phone_of(local)
    phone.fakes.hear("Quero marcar uma consulta amanhã às 10h.")
    phone.send_voice(b"OggS" + bytes(24) + b"OpusHead" + bytes(100))
    assert local.professional.split()[-1] in news(phone, 0)
