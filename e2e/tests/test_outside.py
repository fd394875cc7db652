"""A clinic that asks a model outside and is let into its owner's Google calendar: what leaves, and what fails."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from local import database, edge, kubectl, staff, world
from local.bookings import ZONE, booked, free_starts, in_words
from local.chat import Phone
from local.guest import create, credentials, guest
from local.outside import CONSENTED, Outside, reached

pytestmark = pytest.mark.e2e
MakePhone = Callable[[world.LocalClinic], Phone]
FOZ = dataclasses.replace(guest("foz", 888, "Dr. Ivo Sales"), model="foz-small", consents=True)
SLOTS, STATUS = "/api/v1/appointments/slots", "/api/v1/calendar/status"
NAME, CPF = "Helena Viana Castro", "529.982.247-25"


@pytest.fixture(scope="module")
def local(fakes: Outside) -> Iterator[world.LocalClinic]:
    """The clinic, whose owner has not let it into a calendar yet."""
    with credentials(FOZ, fakes):
        create(FOZ)
        yield FOZ


@pytest.fixture(scope="module")
def desk(local: world.LocalClinic) -> Iterator[httpx.Client]:
    """The owner at their desk."""
    with staff.desk(local) as door:
        yield door


@pytest.fixture(scope="module")
def model(local: world.LocalClinic) -> Iterator[httpx.Client]:
    """The fake of OpenAI, which has given the clinic its key."""
    key = kubectl.secret(f"{local.name}-ai", world.NAMESPACE)
    assert key is not None
    with reached("openai") as fake:
        account = {"api_key": key["api-key"], "models": [local.model]}
        fake.post("/_fake/accounts", json=account).raise_for_status()
        yield fake


@pytest.fixture
def diary(local: world.LocalClinic, desk: httpx.Client, fakes: Outside) -> None:
    """The owner has let the clinic into their calendar."""
    if not staff.asked(desk, STATUS)["ready"]:
        assert _consent(local, desk, fakes)[1].status_code == 200


def _consent(local: world.LocalClinic, desk: httpx.Client, fakes: Outside) -> tuple[httpx.URL, httpx.Response]:
    """Go to Google's page as a browser does, and where it leads back to; returns that address and its answer."""
    begun = desk.post("/api/v1/calendar/oauth/start")
    assert begun.status_code == 200, begun.text
    page = httpx.URL(begun.json()["authorization_url"])
    assert str(page).startswith(f"{world.GOOGLE}/o/oauth2/v2/auth?")
    assert page.params["code_challenge_method"] == "S256"
    led = fakes.google.get(page.raw_path.decode())
    assert led.status_code == 302, led.text
    back = httpx.URL(led.headers["Location"])
    assert (back.host, back.path) == (local.host, CONSENTED)
    assert back.params["state"] == page.params["state"]
    return back, _browse(local, back)


def _browse(local: world.LocalClinic, address: httpx.URL) -> httpx.Response:
    with edge.client(local.host) as browser:
        return browser.get(address.raw_path.decode())


def _free(desk: httpx.Client, day: dt.date) -> dict[str, Any]:
    return staff.asked(desk, SLOTS, service_code="consulta", date_from=day.isoformat(), limit=1)


def _calendar_ready(local: world.LocalClinic, words: str) -> dict[str, Any]:
    """What the Clinic says of its calendar, once it says these words."""

    def said() -> dict[str, Any] | None:
        found = kubectl.condition(kubectl.get("clinic", local.name, namespace=world.NAMESPACE), "CalendarReady")
        assert words in found.get("message", ""), found
        return found

    return kubectl.wait_for(f"CalendarReady of {local.name} saying {words!r}", said, deadline=60)


def test_the_owner_lets_the_clinic_into_a_calendar_and_appointments_appear_there(
    local: world.LocalClinic, desk: httpx.Client, fakes: Outside
) -> None:
    start = next(free_starts(fakes, local))
    before = staff.asked(desk, STATUS)
    assert (before["ready"], before["reason"], before["consent"]["state"]) == (False, "credentials", "missing")
    assert _free(desk, start.date())["reason"] == "calendar_unavailable"
    assert _calendar_ready(local, "an owner or admin must connect Google")["status"] == "False"

    back, answer = _consent(local, desk, fakes)
    assert answer.status_code == 200, answer.text
    assert "está conectada" in answer.text
    after = staff.asked(desk, STATUS)
    assert (after["ready"], after["consent"]["state"]) == (True, "connected")
    again = _browse(local, back)
    assert (again.status_code, "não vale mais" in again.text) == (400, True), "a state is good once"

    wish = {"service_code": "consulta", "professional_code": "p1", "start": start.isoformat(), "patient_name": NAME}
    made = desk.post("/api/v1/appointments", json=wish)
    assert made.status_code == 201, made.text
    event = kubectl.wait_for("the event", lambda: fakes.event_at(local, start), deadline=60)
    assert NAME in event["summary"]


@pytest.mark.usefixtures("diary")
def test_a_consent_withdrawn_at_google_is_said_everywhere_and_nothing_is_offered_until_it_is_given_anew(
    local: world.LocalClinic, desk: httpx.Client, fakes: Outside, model: httpx.Client, phone_of: MakePhone
) -> None:
    phone, start = phone_of(local), next(free_starts(fakes, local))
    assert _free(desk, start.date())["slots"]
    fakes.google.post("/_fake/withdraw", params={"account": local.owner}).raise_for_status()

    nothing = _free(desk, start.date())
    assert (nothing["slots"], nothing["reason"]) == ([], "calendar_unavailable")
    status = staff.asked(desk, STATUS)
    assert (status["ready"], status["reason"], status["consent"]["state"]) == (False, "credentials", "refused")
    assert "conecte novamente" in status["remedy"]
    # What a calendar's state depends on has changed: the operator asks at once, instead of within five minutes.
    profile = world.clinic(local)["spec"]["profile"]
    named = [one | {"calendarId": local.calendar_id} for one in profile["professionals"]]
    kubectl.apply(world.clinic(local, profile=profile | {"professionals": named}))
    with _failing(model, local, 500):  # the words are the embedded dialogue's own
        answer = phone.ask(f"quero marcar consulta {in_words(start)}")
    assert "Não consegui consultar a agenda" in answer
    assert staff.conversation_of(desk, phone.name)["alert"] == "calendar_unavailable"
    assert _calendar_ready(local, "an owner or admin must connect it again")["status"] == "False"

    assert _consent(local, desk, fakes)[1].status_code == 200
    assert _free(desk, start.date())["slots"]


@contextmanager
def _failing(model: httpx.Client, local: world.LocalClinic, *statuses: int) -> Iterator[None]:
    """Has the clinic's model answer with these, one after the other, and with the last of them from then on."""
    for place, status in enumerate(statuses, start=1):
        fault = {"operation": "chat", "subject": local.model, "http_status": status}
        model.post("/_fake/faults", json=fault | {"count": 1 if place < len(statuses) else 0}).raise_for_status()
    try:
        yield
    finally:
        model.delete("/_fake/faults").raise_for_status()


def _chats(model: httpx.Client, local: world.LocalClinic, after: int = 0) -> dict[str, Any]:
    query: dict[str, Any] = {"model": local.model, "after": after}
    found: dict[str, Any] = model.get("/_fake/chats", params=query).raise_for_status().json()
    return found


def _engines(phone: Phone) -> list[str]:
    """Who gave the patient's answers, in their order: the name of a model, or `embedded`."""
    suffix = database.clinic_id(phone.local).replace("-", "")
    rows = database.psql(
        f"select r.engine from atendeai.reply_{suffix} r join atendeai.whatsapp_contact_{suffix} c "
        f"on c.id = r.contact_id where c.wa_id = '{phone.number}' order by r.position"
    )
    return [engine for (engine,) in rows]


@pytest.mark.usefixtures("diary")
def test_a_model_leads_to_a_booking_without_being_told_who_the_patient_is(
    local: world.LocalClinic, model: httpx.Client, fakes: Outside, phone_of: MakePhone
) -> None:
    phone, begun = phone_of(local), _chats(model, local)["total"]
    phone.name = NAME
    written = f"({phone.number[2:4]}) {phone.number[4:9]}-{phone.number[9:]}"
    day = dt.datetime.now(ZONE).date() + dt.timedelta(days=12)
    offer = phone.ask(f"Oi, sou a {NAME}, CPF {CPF}, telefone {written}. Queria ver o doutor dia {day:%d/%m}")
    called = [one["said"]["tool_calls"][0]["function"] for one in _chats(model, local, begun)["items"]]
    assert [one["name"] for one in called] == ["clinic_info", "search_slots", "offer_slot"]
    start = dt.datetime.fromisoformat(json.loads(called[-1]["arguments"])["start"]).replace(tzinfo=ZONE)
    assert start.date() == day
    assert f"{start:%d/%m}" in offer
    assert f"às {start.hour}h" in offer
    assert NAME in offer, "what stood for the name is the name again"
    assert NAME in phone.ask("pode ser")
    assert kubectl.wait_for("the booking", lambda: booked(phone)) == [start]
    assert NAME in kubectl.wait_for("the event", lambda: fakes.event_at(local, start), deadline=60)["summary"]

    assert "Estamos na Rua das Flores" in phone.ask("qual o endereço de vocês?"), "the model's own words"
    assert _engines(phone) == [local.model, "embedded", local.model], "the last word is no model's business"
    chats = _chats(model, local, begun)["items"]
    assert {one["status"] for one in chats} == {200}
    told = " ".join(one["received"] for one in chats).casefold()
    assert "[nome_1]" in told
    secrets = (*NAME.casefold().split(), CPF, re.sub(r"\D", "", CPF), written[5:], phone.number, phone.number[4:])
    assert not [secret for secret in secrets if secret in told]


@pytest.mark.usefixtures("diary")
def test_where_the_model_fails_the_embedded_dialogue_answers(
    local: world.LocalClinic, model: httpx.Client, fakes: Outside, phone_of: MakePhone
) -> None:
    phone, start, begun = phone_of(local), next(free_starts(fakes, local)), _chats(model, local)["total"]
    with _failing(model, local, 429, 500):
        assert f"às {start.hour}h" in phone.ask(f"quero marcar consulta {in_words(start)}")
        assert "Rua das Flores" in phone.ask("qual o endereço de vocês?")
        phone.ask("pode ser")
        assert kubectl.wait_for("the booking", lambda: booked(phone)) == [start]
    assert [one["status"] for one in _chats(model, local, begun)["items"]] == [429, 500]
    assert set(_engines(phone)) == {"embedded"}
