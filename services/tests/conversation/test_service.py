"""The service on a real PostgreSQL and Redis, with the real appointment service behind it and a stand-in WhatsApp."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from atendeai.appointment.app import create_app as create_appointment
from atendeai.conversation.http_port import AppointmentPort
from atendeai.domain.dialogue.ports import Answer, Book, Refused
from atendeai.kit import clock
from atendeai.kit.http import ServiceError
from atendeai.kit.testing.peers import Peers
from atendeai.kit.testing.plugin import ClinicFactory
from atendeai.kit.testing.waiting import eventually
from tests.conversation.world import OPEN_ALWAYS, FlakyAppointment, MakeWorld, WhatsApp, World, conversation_of

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("isolation", ["Dedicated", "Shared"])
async def test_a_patient_books(make_world: MakeWorld, isolation: str) -> None:
    world = await make_world(isolation=isolation)
    contact = uuid4()
    offer = await world.say(contact, "Olá, quero marcar uma consulta amanhã às 14h")
    assert "às 14h" in offer
    assert "Dra. Ana Souza" in offer
    assert "Maria Souza" in offer
    answer = await world.say(contact, "pode ser")
    assert answer.startswith("Agendado!")
    (appointment,) = await world.appointments(contact)
    assert (appointment["status"], appointment["patient_name"]) == ("booked", "Maria Souza")
    assert appointment["starts_at"].astimezone(world.clinic.tenant.config.tz).hour == 14


async def test_moving_and_cancelling(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    await world.say(contact, "quero marcar consulta amanhã às 9h")
    await world.say(contact, "sim")
    assert "16h" in await world.say(contact, "preciso remarcar para amanhã às 16h")
    assert (await world.say(contact, "confirmo")).startswith("Remarcado!")
    (moved,) = await world.appointments(contact)
    assert moved["starts_at"].astimezone(world.clinic.tenant.config.tz).hour == 16
    assert "16h" in await world.say(contact, "quando é minha consulta?")
    assert "Presença confirmada" in await world.say(contact, "quero confirmar minha presença")
    assert "cancelamento" in await world.say(contact, "quero cancelar minha consulta")
    assert (await world.say(contact, "sim")).startswith("Cancelado")
    (gone,) = await world.appointments(contact)
    assert gone["status"] == "cancelled"


async def test_whoever_calls_themselves_something_very_long_is_answered_too(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    assert "192" in await world.say(contact, "socorro, dor forte no peito", name="Ana " + "x" * 250)


async def test_the_same_message_many_times_is_answered_once(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    message = world.message(contact, "qual o endereço?")
    answers = await asyncio.gather(*(world.post(message) for _ in range(10)))
    assert {a.status_code for a in answers} == {202}
    await eventually(lambda: world.whatsapp.texts(contact))
    await world.say(contact, "obrigado")
    assert len(world.whatsapp.texts(contact)) == 2
    rows = await world.clinic.fetch(
        "SELECT id FROM atendeai.conversation_message WHERE clinic_id = $1", world.clinic.id
    )
    assert len(rows) == 2


async def test_two_patients_who_want_one_time(make_world: MakeWorld) -> None:
    world = await make_world(
        profile={**OPEN_ALWAYS, "professionals": [{"code": "ana", "name": "Dra. Ana", "services": ["consulta"]}]}
    )
    first, second = uuid4(), uuid4()
    assert "às 11h" in await world.say(first, "quero marcar consulta amanhã às 11h")
    assert "Não tenho horário livre" in await world.say(second, "quero marcar consulta amanhã às 11h", name="Rui Sá")
    assert (await world.say(second, "pode ser")).startswith("Agendado!")
    assert (await world.say(first, "pode ser")).startswith("Agendado!")
    (one,), (other,) = await world.appointments(first), await world.appointments(second)
    assert one["starts_at"] != other["starts_at"]


async def test_several_messages_in_a_row_are_answered_once(make_world: MakeWorld) -> None:
    world = await make_world(quiet=0.5)
    contact = uuid4()
    for text in ("oi", "quero marcar uma consulta", "amanhã", "às 10h"):
        assert (await world.post(world.message(contact, text))).status_code == 202
    await eventually(lambda: world.whatsapp.texts(contact), seconds=20)
    (offer,) = world.whatsapp.texts(contact)
    assert "às 10h" in offer
    assert "Pode ser?" in offer
    assert (await world.say(contact, "pode ser")).startswith("Agendado!")
    rows = await world.clinic.fetch(
        "SELECT handled_at FROM atendeai.conversation_message WHERE clinic_id = $1", world.clinic.id
    )
    assert len(rows) == 5
    assert all(row["handled_at"] for row in rows)


async def test_an_emergency_does_not_wait_for_more(make_world: MakeWorld) -> None:
    world = await make_world(quiet=60)
    contact = uuid4()
    await world.post(world.message(contact, "oi"))
    assert "192" in await world.say(contact, "meu pai desmaiou e não acorda")
    assert len(world.whatsapp.texts(contact)) == 1


@pytest.mark.parametrize("stuck", ["refused", "hanging"])
async def test_an_emergency_does_not_wait_for_a_turn_that_waits_for_a_service(
    make_world: MakeWorld, stuck: str
) -> None:
    world = await make_world()
    contact = uuid4()
    world.appointment.hold_back = "/holds" if stuck == "hanging" else None
    world.appointment.lose = ["/holds"] * (1000 if stuck == "refused" else 0)
    await world.post(world.message(contact, "quero marcar consulta amanhã às 11h"))
    await eventually(lambda: world.appointment.held_back or 0 < len(world.appointment.lose) < 1000)
    await world.post(world.message(contact, "e aceita Unimed?"))
    assert "192" in await world.say(contact, "meu pai desmaiou e não acorda")
    headers = world.clinic.headers("owner")
    (conversation,) = (await world.client.get("/api/v1/conversations", headers=headers)).json()["items"]
    assert (conversation["status"], conversation["alert"]) == ("handed_off", "emergency")
    world.appointment.go_on.set()
    world.appointment.lose = []

    async def all_handled() -> bool:
        url = f"/api/v1/conversations/{conversation['id']}/messages"
        return all(e["state"] != "received" for e in (await world.client.get(url, headers=headers)).json()["items"])

    await eventually(all_handled, seconds=30)
    assert len(world.whatsapp.texts(contact)) == 1  # what was written before is a person's business now
    assert "booked" not in {a["status"] for a in await world.appointments(contact)}


async def test_what_a_turn_has_taken_up_is_edited_by_another_message_and_erased_with_its_end(
    make_world: MakeWorld,
) -> None:
    world = await make_world(quiet=60)
    contact = uuid4()
    first, second = world.message(contact, "quero uma consulta"), world.message(contact, "amanhã às 9h")
    for message in (first, second):
        await world.post(message)
    journal = {"now": first["sent_at"], "messages": [first["message_id"], second["message_id"]], "steps": []}
    await world.clinic.fetch(
        "UPDATE atendeai.conversation_message SET journal = CAST($3 AS jsonb) WHERE clinic_id = $1 AND id = $2",
        world.clinic.id,
        UUID(first["message_id"]),
        json.dumps(journal),
    )
    context = {"message_id": second["message_id"]}
    await world.post(world.message(contact, "amanhã às 15h", kind="edit", context=context))

    async def said() -> list[str]:
        rows = await world.clinic.fetch(
            "SELECT text FROM atendeai.conversation_message WHERE clinic_id = $1 ORDER BY position", world.clinic.id
        )
        return [row["text"] for row in rows]

    assert await said() == ["quero uma consulta", "amanhã às 9h", "amanhã às 15h"]
    await world.post(world.message(contact, "", kind="revoke", context=context))
    assert await said() == ["quero uma consulta", "amanhã às 9h", "", ""]
    await world.post(world.message(contact, "meu pai desmaiou"))  # no more pauses: the turn comes to its end

    async def gone() -> bool:
        return await said() == ["quero uma consulta", "", "", "", "meu pai desmaiou"]

    await eventually(gone, seconds=20)


async def test_a_turn_that_read_other_words_than_were_edited_meanwhile_changes_nothing(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    world.appointment.hold_back = "/slots/search"
    message = world.message(contact, "quero marcar consulta amanhã às 14h")
    await world.post(message)
    await eventually(lambda: world.appointment.held_back)
    context = {"message_id": message["message_id"]}
    await world.post(world.message(contact, "quero marcar consulta amanhã às 16h", kind="edit", context=context))
    world.appointment.go_on.set()
    await eventually(lambda: world.whatsapp.texts(contact), seconds=20)
    assert "às 16h" in world.whatsapp.texts(contact)[0]
    assert [
        a["starts_at"].astimezone(world.clinic.tenant.config.tz).hour for a in await world.appointments(contact)
    ] == [16]


@pytest.mark.parametrize("lost", ["/holds", "/book", "/slots/search"])
async def test_a_lost_answer_books_once(make_world: MakeWorld, lost: str) -> None:
    world = await make_world()
    contact = uuid4()
    world.appointment.lose = [lost]
    assert "às 11h" in await world.say(contact, "quero marcar consulta amanhã às 11h")
    assert (await world.say(contact, "sim")).startswith("Agendado!")
    assert not world.appointment.lose
    live = [a for a in await world.appointments(contact) if a["status"] != "cancelled"]
    assert [a["status"] for a in live] == ["booked"]
    assert len(world.whatsapp.texts(contact)) == 2


class Refusing:
    """Answers every call with a 409 of this slug."""

    def __init__(self, slug: str) -> None:
        self.problem = {"type": f"urn:atendeai:problem:{slug}"}

    async def call(self, *_: Any, **__: Any) -> Any:
        raise ServiceError("appointment", 409, self.problem)


async def test_what_is_still_being_handled_is_no_refusal() -> None:
    async def answer(slug: str) -> Answer:
        services: Any = Refusing(slug)
        tenant: Any = None
        return await AppointmentPort(services, tenant, uuid4(), clock.now()).answer(Book("hold", None), uuid4())

    assert await answer("slot-taken") == Refused("slot-taken")
    with pytest.raises(ServiceError):
        await answer("idempotency-key-in-flight")


async def test_nothing_is_lost_while_the_others_are_down(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    world.appointment.down = True
    message = world.message(contact, "quero marcar consulta amanhã às 15h")
    assert (await world.post(message)).status_code == 202
    await eventually(lambda: world.appointment.seen)
    world.whatsapp.fail_with = [503, 503, 503, 401]
    world.appointment.down = False
    await eventually(lambda: world.whatsapp.texts(contact), seconds=30)
    assert len(world.whatsapp.texts(contact)) == 1
    assert "às 15h" in world.whatsapp.texts(contact)[0]


async def test_a_process_that_dies_in_the_middle_is_followed_by_another(clinic_factory: Any) -> None:
    clinic = await clinic_factory(profile=OPEN_ALWAYS)
    booking = create_appointment(clinic.service_settings("appointment"))
    async with booking.router.lifespan_context(booking):
        whatsapp, flaky = WhatsApp(), FlakyAppointment(booking)
        peers = Peers({"appointment": flaky, "whatsapp": whatsapp.app})
        contact = uuid4()
        flaky.hang = "/holds"
        async with conversation_of(clinic, peers) as client:
            world = World(clinic, client, whatsapp, flaky)
            await world.post(world.message(contact, "quero marcar consulta amanhã às 17h"))
            await eventually(lambda: flaky.hung)
        # It ended after the hold was made and before its answer came.
        assert len(await world.appointments(contact)) == 1
        assert whatsapp.texts(contact) == []
        async with conversation_of(clinic, peers) as client:
            await eventually(lambda: whatsapp.texts(contact), seconds=60)
            world = World(clinic, client, whatsapp, flaky)
            assert (await world.say(contact, "pode ser")).startswith("Agendado!")
        (appointment,) = await world.appointments(contact)
        assert appointment["status"] == "booked"
        assert "às 17h" in whatsapp.texts(contact)[0]
        assert len(whatsapp.texts(contact)) == 2


async def test_a_refused_reply_is_shown_to_staff(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    world.whatsapp.fail_with = [404]
    await world.post(world.message(contact, "onde fica?"))
    headers = world.clinic.headers("receptionist")

    async def alerted() -> bool:
        page = (await world.client.get("/api/v1/conversations", params={"alerted": True}, headers=headers)).json()
        return [c["alert"] for c in page["items"]] == ["undelivered"]

    await eventually(alerted)
    assert await world.say(contact, "onde fica?")  # what comes after is not held back


async def test_a_reply_given_up_later_is_shown_to_staff_once(make_world: MakeWorld) -> None:
    world = await make_world()
    contact, headers = uuid4(), world.clinic.headers("receptionist")
    await world.say(contact, "onde fica?")
    ((reply, sent),) = world.whatsapp.sent.items()

    async def report(**change: str) -> bool:
        body = {
            "reply_id": reply,
            "outbound_id": sent["outbound_id"],
            "error": "131047 Re-engagement message",
            **change,
        }
        answer = await world.client.post(
            "/internal/v1/undelivered", json=body, headers=world.clinic.service_headers("whatsapp", uuid4())
        )
        assert answer.status_code == 200, answer.text
        return bool(answer.json()["shown"])

    async def shown() -> Any:
        (one,) = (await world.client.get("/api/v1/conversations", headers=headers)).json()["items"]
        return one

    assert not await report(reply_id=str(uuid4()))
    assert (await shown())["alert"] is None
    assert await report()
    conversation = await shown()
    assert (conversation["status"], conversation["alert"]) == ("open", "undelivered")
    path = f"/api/v1/conversations/{conversation['id']}"
    last = (await world.client.get(f"{path}/messages", headers=headers)).json()["items"][0]
    assert (last["author"], last["state"], last["error"]) == ("attendant", "refused", "131047 Re-engagement message")

    await world.client.post(f"{path}/release", headers=headers)
    assert not await report()  # what staff has seen to does not come back
    assert (await shown())["alert"] is None


async def test_a_notice_given_up_is_shown_in_the_contacts_conversation(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    await world.say(contact, "onde fica?")

    async def report(about: Any) -> Any:
        body = {"contact_id": str(about)}
        headers = world.clinic.service_headers("whatsapp", uuid4())
        return (await world.client.post("/internal/v1/undelivered-notices", json=body, headers=headers)).json()

    assert await report(uuid4()) == {"shown": False}
    assert await report(contact) == {"shown": True}
    page = await world.client.get("/api/v1/conversations", headers=world.clinic.headers("receptionist"))
    assert [(one["status"], one["alert"]) for one in page.json()["items"]] == [("open", "undelivered")]


async def test_a_reply_given_up_does_not_hide_an_emergency(make_world: MakeWorld) -> None:
    world = await make_world()
    await world.say(uuid4(), "estou com dor forte no peito e falta de ar")
    ((reply, sent),) = world.whatsapp.sent.items()
    body = {"reply_id": reply, "outbound_id": sent["outbound_id"]}
    headers = world.clinic.service_headers("whatsapp", uuid4())
    assert (await world.client.post("/internal/v1/undelivered", json=body, headers=headers)).json() == {"shown": True}
    page = await world.client.get("/api/v1/conversations", headers=world.clinic.headers("receptionist"))
    assert [one["alert"] for one in page.json()["items"]] == ["emergency"]


async def test_who_writes_to_a_patient_takes_the_conversation_over(make_world: MakeWorld) -> None:
    world = await make_world()
    contact, somebody = uuid4(), f"person:{uuid4()}"
    await world.say(contact, "bom dia")
    await world.clinic.fetch(
        "INSERT INTO atendeai.user_account (clinic_id, id, email, name, roles, status, created_at, updated_at)"
        " VALUES ($1, $2, 'ana@sol.example', 'Ana Prado', '{receptionist}', 'deactivated', now(), now())",
        world.clinic.id,
        UUID(somebody.removeprefix("person:")),
    )
    headers = world.clinic.headers("owner")
    (conversation,) = (await world.client.get("/api/v1/conversations", headers=headers)).json()["items"]
    path = f"/api/v1/conversations/{conversation['id']}"

    message = {"id": str(uuid4()), "text": "Bom dia, aqui é a Ana.", "at": clock.now().isoformat()}

    async def write(to: Any) -> Any:
        body = {"contact_id": str(to), "actor": somebody, "message": message}
        given = world.clinic.service_headers("whatsapp", uuid4())
        return (await world.client.post("/internal/v1/takeovers", json=body, headers=given)).json()["taken_over"]

    assert [await write(uuid4()), await write(contact), await write(contact)] == [False, True, False]
    assert (await world.client.get(path, headers=headers)).json()["status"] == "handed_off"
    await world.post(world.message(contact, "qual o endereço?"))

    async def heard() -> bool:
        shown = (await world.client.get(f"{path}/messages", headers=headers)).json()["items"]
        return len(shown) == 4 and all(one["state"] != "received" for one in shown)

    await eventually(heard)
    assert len(world.whatsapp.texts(contact)) == 1  # the person answers
    entries = (await world.client.get(f"{path}/messages?sort=position", headers=headers)).json()["items"]
    assert [(one["author"], one["staff_id"], one["staff_name"]) for one in entries] == [
        ("patient", None, None),
        ("attendant", None, None),
        ("staff", somebody.removeprefix("person:"), "Ana Prado"),
        ("patient", None, None),
    ]
    assert (entries[2]["id"], entries[2]["text"]) == (message["id"], message["text"])
    await world.client.post(f"{path}/release", headers=headers)
    assert not await write(contact), "told once more, it takes nothing over that was released since"
    assert "Estamos em" in await world.say(contact, "qual o endereço?")
    events = await world.clinic.fetch(
        "SELECT actor, reason FROM atendeai.audit_event WHERE clinic_id = $1 AND action = 'conversation.handoff'",
        world.clinic.id,
    )
    assert [(one["actor"], one["reason"]) for one in events] == [(somebody, "wrote-to-the-patient")]


async def test_what_staff_wrote_before_a_release_takes_nothing_over_after_it(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    await world.say(contact, "bom dia")
    headers = world.clinic.headers("owner")
    (conversation,) = (await world.client.get("/api/v1/conversations", headers=headers)).json()["items"]
    path = f"/api/v1/conversations/{conversation['id']}"

    async def told(text: str, at: datetime) -> Any:
        message = {"id": str(uuid4()), "text": text, "at": at.isoformat()}
        body = {"contact_id": str(contact), "actor": f"person:{uuid4()}", "message": message}
        given = world.clinic.service_headers("whatsapp", uuid4())
        return (await world.client.post("/internal/v1/takeovers", json=body, headers=given)).json()["taken_over"]

    written = clock.now()
    released = await world.client.post(f"{path}/release", headers=headers)
    assert released.json()["status"] == "open"
    assert not await told("Pronto, resolvido!", written)
    assert (await world.client.get(path, headers=headers)).json()["status"] == "open"
    shown = (await world.client.get(f"{path}/messages", headers=headers)).json()["items"]
    assert "Pronto, resolvido!" in [one["text"] for one in shown]
    assert "Estamos em" in await world.say(contact, "qual o endereço?")
    assert await told("Mais uma coisa", clock.now())
    assert (await world.client.get(path, headers=headers)).json()["status"] == "handed_off"


async def test_staff_reads_takes_over_and_gives_back(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    await world.say(contact, "bom dia")
    await world.say(contact, "quero falar com um atendente")
    headers = world.clinic.headers("receptionist")
    page = (await world.client.get("/api/v1/conversations?status=handed_off", headers=headers)).json()
    (conversation,) = page["items"]
    assert (conversation["status"], conversation["alert"]) == ("handed_off", "human")
    assert conversation["contact_name"] == "Maria Souza"
    path = f"/api/v1/conversations/{conversation['id']}"

    await world.post(world.message(contact, "alguém aí?"))

    async def handled() -> bool:
        shown = (await world.client.get(f"{path}/messages", headers=headers)).json()["items"]
        return len(shown) == 5 and all(e["state"] != "received" for e in shown)

    await eventually(handled)
    assert len(world.whatsapp.texts(contact)) == 2  # the machine keeps quiet

    released = await world.client.post(f"{path}/release", headers=headers)
    assert (released.json()["status"], released.json()["alert"]) == ("open", None)
    assert "Estamos em" in await world.say(contact, "qual o endereço?")
    taken = await world.client.post(f"{path}/handoff", headers=headers)
    assert (await world.client.post(f"{path}/handoff", headers=headers)).json() == taken.json()
    assert taken.json()["status"] == "handed_off"

    shown = (await world.client.get(f"{path}/messages?page_size=3", headers=headers)).json()
    assert [e["author"] for e in shown["items"]] == ["attendant", "patient", "patient"]
    rest = await world.client.get(f"{path}/messages", params={"page_token": shown["next_page_token"]}, headers=headers)
    assert [e["position"] for e in rest.json()["items"]] == [4, 3, 2, 1]
    audited = await world.clinic.fetch(
        "SELECT action, reason FROM atendeai.audit_event WHERE clinic_id = $1 AND target = $2",
        world.clinic.id,
        f"conversation:{conversation['id']}",
    )
    assert {
        ("conversation.messages.read", None),
        ("conversation.handoff", "asked-by-staff"),
        ("conversation.release", "asked-by-staff"),
    } <= {tuple(row) for row in audited}


async def test_what_was_not_understood_counts_no_longer_once_staff_gave_back(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    for _ in range(3):
        await world.say(contact, "", kind="unsupported")
    headers = world.clinic.headers("receptionist")
    (given,) = (await world.client.get("/api/v1/conversations?status=handed_off", headers=headers)).json()["items"]
    assert given["alert"] == "not_understood"
    await world.client.post(f"/api/v1/conversations/{given['id']}/release", headers=headers)
    assert "Pode escrever" in await world.say(contact, "", kind="unsupported")
    shown = await world.client.get(f"/api/v1/conversations/{given['id']}", headers=headers)
    assert (shown.json()["status"], shown.json()["alert"]) == ("open", None)


async def test_an_emergency_calls_a_person(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    assert "192" in await world.say(contact, "meu pai desmaiou e não acorda")
    headers = world.clinic.headers("owner")
    (conversation,) = (await world.client.get("/api/v1/conversations", headers=headers)).json()["items"]
    assert (conversation["alert"], conversation["outcome"]) == ("emergency", "emergency")


async def test_the_answer_to_an_emergency_goes_out_before_what_waits(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    world.whatsapp.fail_with = [503] * 1000
    for count, words in ((1, "qual o endereço?"), (2, "meu pai desmaiou e não acorda")):
        await world.post(world.message(contact, words))

        async def answered(count: int = count) -> bool:
            sql = "SELECT 1 FROM atendeai.reply WHERE clinic_id = $1 AND state = 'queued'"
            return len(await world.clinic.fetch(sql, world.clinic.id)) == count

        await eventually(answered, seconds=20)
    calls = world.whatsapp.calls
    await eventually(lambda: world.whatsapp.calls > calls + 3, seconds=20)  # it was begun anew: one call is three
    world.whatsapp.fail_with = []
    await eventually(lambda: len(world.whatsapp.texts(contact)) == 2, seconds=30)
    assert [one["purpose"] for one in world.whatsapp.sent.values()] == ["emergency", "reply"]


async def test_lists_page_by_page(make_world: MakeWorld) -> None:
    world = await make_world()
    contacts = [uuid4() for _ in range(5)]
    for contact in contacts:
        await world.post(world.message(contact, "oi"))
    headers = world.clinic.headers("owner")
    seen: list[str] = []
    token: str | None = None
    while True:
        params: dict[str, int | str] = {"page_size": 2, **({"page_token": token} if token else {})}
        page = (await world.client.get("/api/v1/conversations", params=params, headers=headers)).json()
        seen += [c["contact_id"] for c in page["items"]]
        token = page["next_page_token"]
        if token is None:
            break
    assert seen == [str(c) for c in reversed(contacts)]
    bad = await world.client.get("/api/v1/conversations?page_token=xyz", headers=headers)
    assert bad.status_code == 422
    assert bad.json()["errors"][0]["field"] == "page_token"


@pytest.mark.parametrize("isolation", ["Dedicated", "Shared"])
async def test_clinics_see_nothing_of_each_other(
    make_world: MakeWorld, clinic_factory: ClinicFactory, isolation: str
) -> None:
    one = await make_world(isolation=isolation)
    if isolation == "Dedicated":
        other = await make_world(isolation=isolation)
    else:  # one pool serves both: a second one might take the first clinic's work, and rightly so
        other = one.beside(await clinic_factory(profile=OPEN_ALWAYS))
    contact = uuid4()
    await one.say(contact, "oi")
    headers = one.clinic.headers("owner")
    (conversation,) = (await one.client.get("/api/v1/conversations", headers=headers)).json()["items"]
    theirs = other.clinic.headers("owner")
    assert (await other.client.get("/api/v1/conversations", headers=theirs)).json()["items"] == []
    path = f"/api/v1/conversations/{conversation['id']}"
    assert (await other.client.get(path, headers=theirs)).status_code == 404
    assert (await other.client.post(f"{path}/handoff", headers=theirs)).status_code == 404


async def test_who_may_hand_messages_on(make_world: MakeWorld) -> None:
    world = await make_world()
    message = world.message(uuid4(), "oi")
    anonymous = await world.client.post(
        "/internal/v1/messages", json=message, headers={"X-Clinic-ID": str(world.clinic.id)}
    )
    assert anonymous.status_code == 401
    stranger = await world.client.post(
        "/internal/v1/messages", json=message, headers=world.clinic.service_headers("calendar")
    )
    assert stranger.status_code == 403
    nobody = await world.client.get("/api/v1/conversations", headers={"Host": world.clinic.host})
    assert nobody.status_code == 401


async def test_what_is_not_text_is_asked_for_in_words(make_world: MakeWorld) -> None:
    world = await make_world()
    assert "texto" in await world.say(uuid4(), "", kind="audio")
