"""Buttons, the waiting list, consent, opting out, and the hand to a person and back, on the real services."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest

from atendeai.kit import clock
from atendeai.kit.testing.waiting import eventually
from tests.conversation.world import OPEN_ALWAYS, MakeWorld, World
from tests.domain.talking import doubt

pytestmark = pytest.mark.integration


def pressed(world: World, contact: UUID, title: str, reply_id: str) -> dict[str, Any]:
    return world.message(contact, title, kind="button", reply_id=reply_id)


async def press(world: World, contact: UUID, title: str, reply_id: str) -> str:
    return await world.say(contact, title, kind="button", reply_id=reply_id)


async def booked(world: World, contact: UUID, hour: int) -> str:
    await world.say(contact, f"quero marcar consulta amanhã às {hour}h")
    assert "Agendado!" in await world.say(contact, "sim")
    return str((await world.appointments(contact))[-1]["id"])


async def conversation(world: World, contact: UUID) -> Any:
    (row,) = await world.clinic.fetch(
        "SELECT * FROM atendeai.conversation WHERE clinic_id = $1 AND contact_id = $2", world.clinic.id, contact
    )
    return row


async def test_buttons_act_on_the_appointment_they_name(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    first, second = await booked(world, contact, 9), await booked(world, contact, 11)
    assert "às 11h" in await press(world, contact, "Confirmar", f"confirm:{second}")
    assert "às 9h" in await press(world, contact, "Cancelar", f"cancel:{first}")
    rows = {str(a["id"]): a for a in await world.appointments(contact)}
    assert rows[first]["status"] == "cancelled"
    assert (rows[second]["status"], rows[second]["confirmed_at"] is not None) == ("booked", True)
    assert "não está mais marcada" in await press(world, contact, "Confirmar", f"confirm:{first}")
    assert "não está mais marcada" in await press(world, contact, "Cancelar", f"cancel:{first}")
    assert "não está mais marcada" in await press(world, contact, "Confirmar", f"confirm:{uuid4()}")


async def test_a_question_goes_with_its_answers_and_a_tap_is_one_of_them(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    text = await world.say(contact, "quero marcar consulta amanhã às 14h")
    (sent,) = world.whatsapp.sent.values()
    assert (sent["kind"], sent["text"]) == ("buttons", text)
    assert [one["title"] for one in sent["buttons"]] == ["Pode ser", "Outro horário"]
    accept = sent["buttons"][0]["id"]
    assert "não vale mais" in await press(world, uuid4(), "Pode ser", accept)  # somebody else's question
    assert "Agendado!" in await press(world, contact, "Pode ser", accept)
    world.whatsapp.fail_with = [422]
    await world.say(contact, "preciso cancelar minha consulta")
    last = list(world.whatsapp.sent.values())[-1]
    assert (last.get("kind", "text"), "buttons" in last) == ("text", False)  # a whatsapp that does not know them yet
    assert "não vale mais" in await press(world, contact, "Pode ser", accept)
    assert [a["status"] for a in await world.appointments(contact)] == ["booked"]
    path = f"/api/v1/conversations/{(await conversation(world, contact))['id']}/messages?sort=position"
    entries = (await world.client.get(path, headers=world.clinic.headers("auditor"))).json()["items"]
    titles = [[option["title"] for option in entry["options"]] for entry in entries]
    cancel = ["Sim, cancelar", "Não cancelar", "Remarcar"]
    assert titles == [[], ["Pode ser", "Outro horário"], [], [], [], cancel, [], cancel]
    assert [entry["text"] for entry in entries if entry["kind"] == "button"] == ["Pode ser"] * 2


async def offered(world: World, contact: UUID, hour: int) -> str:
    """Keep a time tomorrow for a contact, as an offer of the waiting list, whatever the time of day; return its id."""
    tz = world.clinic.tenant.config.tz
    tomorrow = clock.now().astimezone(tz).date() + timedelta(days=1)
    body = {
        "contact_id": str(contact),
        "patient_name": "Maria Souza",
        "service_code": "consulta",
        "professional_code": "ana",
        "start": datetime.combine(tomorrow, time(hour), tz).isoformat(),
    }
    transport = httpx.ASGITransport(app=world.appointment.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://appointment") as client:
        headers = world.clinic.service_headers("conversation", uuid4())
        key = str((await client.post("/internal/v1/holds", json=body, headers=headers)).json()["id"])
    await world.clinic.fetch(
        "UPDATE atendeai.appointment SET waitlist_id = gen_random_uuid() WHERE clinic_id = $1 AND id = $2",
        world.clinic.id,
        UUID(key),
    )
    return key


async def test_an_offer_of_the_waiting_list_taken_and_declined_in_words(make_world: MakeWorld) -> None:
    world = await make_world()
    taker, leaver = uuid4(), uuid4()
    await offered(world, taker, 9)
    await offered(world, leaver, 15)
    assert "Agendado!" in await world.say(taker, "sim, quero")
    assert "passei a vaga adiante" in await world.say(leaver, "não, obrigada")


async def test_an_offer_of_the_waiting_list_taken_and_declined(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    taken, left = await offered(world, contact, 9), await offered(world, contact, 15)
    assert "Agendado!" in await press(world, contact, "Quero", f"accept:{taken}")
    assert "passei a vaga adiante" in await press(world, contact, "Não, obrigado", f"decline:{left}")
    assert "continua marcada" in await press(world, contact, "Não, obrigado", f"decline:{taken}")
    assert "não está mais disponível" in await press(world, contact, "Quero", f"accept:{left}")
    assert [a["status"] for a in await world.appointments(contact)] == ["booked", "cancelled"]


async def test_a_button_with_anothers_appointment_does_nothing_and_claims_nothing(make_world: MakeWorld) -> None:
    world = await make_world()
    owner, stranger = uuid4(), uuid4()
    standing, offer = await booked(world, owner, 9), await offered(world, owner, 15)
    before = [dict(one) for one in await world.appointments(owner)]
    assert {one["status"] for one in before} == {"booked", "proposed"}
    for key in (standing, offer, str(uuid4()), "123"):
        assert "não está mais marcada" in await press(world, stranger, "Confirmar", f"confirm:{key}")
        assert "não está mais marcada" in await press(world, stranger, "Cancelar", f"cancel:{key}")
        for title, act in (("Quero", "accept"), ("Não, obrigado", "decline")):
            told = await press(world, stranger, title, f"{act}:{key}")
            assert "Essa vaga não está mais disponível" in told
    assert [dict(one) for one in await world.appointments(owner)] == before
    assert await world.appointments(stranger) == []


async def test_a_button_after_an_emergency_leaves_it_one(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    key = await booked(world, contact, 9)
    await world.say(contact, "meu pai desmaiou e não acorda")
    assert "às 9h" in await press(world, contact, "Confirmar", f"confirm:{key}")
    row = await conversation(world, contact)
    assert (row["status"], row["outcome"], row["alert"]) == ("handed_off", "emergency", "emergency")
    assert "equipe" in await world.say(contact, "já chamei o samu")


async def test_a_lesser_alert_does_not_hide_an_emergency(make_world: MakeWorld) -> None:
    world = await make_world(profile={**OPEN_ALWAYS, "policies": {"cancellationNotice": "96h"}})
    contact = uuid4()
    key = await booked(world, contact, 9)
    await world.say(contact, "meu pai desmaiou e não acorda")
    before = await conversation(world, contact)
    assert "uma pessoa da nossa equipe" in await press(world, contact, "Cancelar", f"cancel:{key}")
    row = await conversation(world, contact)
    assert (row["alert"], row["alert_at"]) == ("emergency", before["alert_at"])


async def test_a_doubtful_emergency_is_shown_to_staff_and_the_conversation_goes_on(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubt(monkeypatch)
    world = await make_world()
    contact = uuid4()
    doubtful = "acho que meu tio teve um derrame, quero marcar consulta amanhã às 14h"
    said = await world.say(contact, doubtful)
    assert "192" in said
    assert "às 14h" in said
    (sent,) = world.whatsapp.sent.values()
    assert sent["purpose"] == "emergency"
    row = await conversation(world, contact)
    assert (row["status"], row["outcome"], row["alert"]) == ("open", "emergency", "possible_emergency")
    assert "Agendado!" in await world.say(contact, "sim")
    await world.say(contact, "", kind="image")
    row = await conversation(world, contact)
    assert (row["outcome"], row["alert"]) == ("booked", "possible_emergency")
    await world.say(contact, "meu pai desmaiou e não acorda")
    row = await conversation(world, contact)
    assert (row["status"], row["alert"]) == ("handed_off", "emergency")


async def test_an_appointment_is_not_undone_by_declining_it(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    key = await booked(world, contact, 9)
    assert "continua marcada" in await press(world, contact, "Não, obrigado", f"decline:{key}")
    assert [a["status"] for a in await world.appointments(contact)] == ["booked"]


async def test_a_full_day_is_waited_for(make_world: MakeWorld) -> None:
    alone = [{"code": "ana", "name": "Dra. Ana", "services": ["consulta"]}]
    hours = {day: [{"opens": "09:00", "closes": "09:30"}] for day in OPEN_ALWAYS["businessHours"]}
    world = await make_world(profile={**OPEN_ALWAYS, "professionals": alone, "businessHours": hours})
    await booked(world, uuid4(), 9)
    contact = uuid4()
    assert "lista de espera" in await world.say(contact, "quero marcar consulta amanhã às 9h", name="Rui Sá")
    assert "está na lista de espera" in await world.say(contact, "quero entrar na lista de espera", name="Rui Sá")
    (wish,) = await world.clinic.fetch("SELECT * FROM atendeai.waitlist_entry WHERE clinic_id = $1", world.clinic.id)
    assert (wish["contact_id"], wish["patient_name"], wish["status"]) == (contact, "Rui Sá", "waitlist")
    assert [a["status"] for a in await world.appointments(contact)] in ([], ["cancelled"])  # nothing is held meanwhile


async def test_too_late_without_a_person(make_world: MakeWorld) -> None:
    world = await make_world(profile={**OPEN_ALWAYS, "policies": {"cancellationNotice": "96h"}})
    contact = uuid4()
    key = await booked(world, contact, 9)
    await world.say(contact, "quero cancelar minha consulta")
    assert "uma pessoa da nossa equipe" in await world.say(contact, "sim")
    assert (await world.appointments(contact))[0]["status"] == "booked"
    row = await conversation(world, contact)
    assert (row["status"], row["alert"]) == ("handed_off", "notice_too_short")
    assert "uma pessoa da nossa equipe" in await press(world, contact, "Cancelar", f"cancel:{key}")


async def test_the_privacy_notice_is_given_once_and_recorded(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    assert "LGPD" in await world.say(contact, "onde fica?")
    assert "LGPD" not in await world.say(contact, "quanto custa?")
    row = await conversation(world, contact)
    assert row["consent_at"] is not None
    assert row["consent_version"]
    shown = await world.client.get(f"/api/v1/conversations/{row['id']}", headers=world.clinic.headers("owner"))
    assert shown.json()["consent_version"] == row["consent_version"]
    emergency = uuid4()
    assert "LGPD" not in await world.say(emergency, "meu pai desmaiou e não acorda")
    assert (await conversation(world, emergency))["consent_at"] is None


async def test_opting_out_and_in_again_is_told_to_whatsapp(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    await world.say(contact, "parem de me mandar mensagens")
    await eventually(lambda: world.whatsapp.opted_out.get(str(contact)) is True)
    assert (await conversation(world, contact))["opted_out_at"] is not None
    assert "Estamos em" in await world.say(contact, "qual o endereço?")  # what is asked is answered all the same
    assert "volta a receber" in await world.say(contact, "quero voltar a receber os avisos")
    await eventually(lambda: world.whatsapp.opted_out.get(str(contact)) is False)
    assert (await conversation(world, contact))["opted_out_at"] is None


async def test_a_reaction_is_not_answered_and_a_document_is_handed_on(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    await world.post(world.message(contact, "", kind="reaction"))
    stored = {"id": str(uuid4()), "mime_type": "application/pdf", "transcript": False}
    assert "Recebi e já passei" in await world.say(contact, "", kind="document", media=stored)
    assert len(world.whatsapp.texts(contact)) == 1
    assert (await conversation(world, contact))["alert"] == "file"
    heard = {"id": str(uuid4()), "mime_type": "audio/ogg", "transcript": True}
    assert "Estamos em" in await world.say(contact, "qual o endereço?", kind="audio", media=heard)


async def test_a_sign_under_a_question_answers_it_and_undoes_nothing(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    key, offer = await booked(world, contact, 9), await offered(world, contact, 15)
    reminder, vacancy = [f"confirm:{key}", f"cancel:{key}"], [f"accept:{offer}", f"decline:{offer}"]

    def sign(emoji: str, buttons: list[str]) -> dict[str, Any]:
        return {"text": emoji, "kind": "reaction", "context": {"outbound_id": str(uuid4()), "buttons": buttons}}

    async def react(emoji: str, buttons: list[str]) -> str:
        return await world.say(contact, **sign(emoji, buttons))

    assert "Presença confirmada" in await react("👍🏽", reminder)
    await world.say(contact, "quero marcar consulta amanhã às 11h")
    assert "remarcar para outro dia ou prefere cancelar" in await react("👎", reminder)
    rows = {str(a["id"]): a for a in await world.appointments(contact)}
    assert (rows[key]["status"], rows[key]["confirmed_at"] is not None) == ("booked", True)
    assert [a["status"] for a in rows.values()] == ["booked", "proposed", "cancelled"]  # what was held is free again
    assert "Confirma o cancelamento?" in await world.say(contact, "cancelar")
    assert "Cancelado" in await world.say(contact, "sim")
    assert "não está mais marcada" in await react("❌", reminder)
    assert "Agendado!" in await react("❤️", vacancy)
    for emoji, buttons in (("😂", reminder), ("👎", vacancy), ("", vacancy), ("👍", [])):
        assert (await world.post(world.message(contact, **sign(emoji, buttons)))).json()["typing"] is False
    said = len(world.whatsapp.texts(contact))
    assert "Estamos em" in await world.say(contact, "qual o endereço?")
    assert len(world.whatsapp.texts(contact)) == said + 1
    await world.say(contact, "quero falar com uma pessoa")
    await world.post(world.message(contact, **sign("👎", [f"confirm:{offer}", f"cancel:{offer}"])))
    assert "às 15h" in await react("👍", [f"confirm:{offer}", f"cancel:{offer}"])  # as its button; no more is asked
    assert len(world.whatsapp.texts(contact)) == said + 3


async def test_after_silence_the_attendant_answers_again(make_world: MakeWorld) -> None:
    world = await make_world(settings={"ai": {"handoff": {"timeout": "2h"}}})
    contact = uuid4()
    await world.say(contact, "quero falar com uma pessoa")
    await world.clinic.fetch(
        "UPDATE atendeai.conversation SET handed_off_at = handed_off_at - interval '3 hours',"
        " state = state || '{\"misses\": 3}' WHERE clinic_id = $1",
        world.clinic.id,
    )
    await world.clinic.fetch(
        "UPDATE atendeai.conversation_message SET received_at = received_at - interval '3 hours' WHERE clinic_id = $1",
        world.clinic.id,
    )
    world.whatsapp.staff_wrote_at = clock.now() - timedelta(hours=1)  # the talk goes on: it is they who are waited for
    await world.post(world.message(contact, "está bem, obrigada"))

    async def handled() -> bool:
        rows = await world.clinic.fetch(
            "SELECT FROM atendeai.conversation_message WHERE clinic_id = $1 AND handled_at IS NULL", world.clinic.id
        )
        return not rows

    await eventually(handled)
    assert len(world.whatsapp.texts(contact)) == 1
    assert (await conversation(world, contact))["status"] == "handed_off"
    await world.clinic.fetch(
        "UPDATE atendeai.conversation_message SET received_at = received_at - interval '3 hours' WHERE clinic_id = $1",
        world.clinic.id,
    )
    world.whatsapp.staff_wrote_at = clock.now() - timedelta(hours=4)
    # What was not understood before the person came counts no longer.
    assert "Pode escrever" in await world.say(contact, "", kind="unsupported")
    assert "Estamos em" in await world.say(contact, "qual o endereço?")
    assert (await conversation(world, contact))["status"] == "open"


async def test_a_bare_yes_near_an_appointment_confirms_it(make_world: MakeWorld) -> None:
    world = await make_world(settings={"reminders": {"enabled": True, "before": ["72h"]}})
    contact = uuid4()
    await booked(world, contact, 9)
    # The conversation rested: nothing of ours is being answered but the reminder.
    await world.clinic.fetch("UPDATE atendeai.conversation SET state = '{}' WHERE clinic_id = $1", world.clinic.id)
    assert "Presença confirmada" in await world.say(contact, "sim")
    # Nor does it matter how lately it was booked, once the patient was reminded of it since.
    other = uuid4()
    key = await booked(world, other, 10)
    assert "Presença confirmada" not in await world.say(other, "ok")
    await world.clinic.fetch(
        "INSERT INTO atendeai.appointment_reminder"
        " (clinic_id, appointment_id, starts_at, minutes_before, outcome, at)"
        " SELECT clinic_id, id, starts_at, 120, 'sent', now() + interval '1 minute' FROM atendeai.appointment"
        " WHERE clinic_id = $1 AND id = $2",
        world.clinic.id,
        UUID(key),
    )
    assert "Presença confirmada" in await world.say(other, "confirmo")


async def test_what_is_edited_or_deleted_while_it_waits_is_answered_as_it_then_is(make_world: MakeWorld) -> None:
    world = await make_world(quiet=1.0)
    contact = uuid4()
    first, second = world.message(contact, "quero consulta amanhã às 9h"), world.message(contact, "cancela tudo")
    taken = await world.post(first)
    assert taken.json()["typing"] is True
    await world.post(second)
    edited = world.message(
        contact, "quero consulta amanhã às 15h", kind="edit", context={"message_id": first["message_id"]}
    )
    assert (await world.post(edited)).json()["typing"] is True
    await world.post(world.message(contact, "", kind="revoke", context={"message_id": second["message_id"]}))
    await eventually(lambda: world.whatsapp.texts(contact), seconds=20)
    assert "às 15h" in world.whatsapp.texts(contact)[0]
    assert len(world.whatsapp.texts(contact)) == 1
    later = await world.say(
        contact, "quero consulta amanhã às 16h", kind="edit", context={"message_id": first["message_id"]}
    )
    assert "às 16h" in later
    await world.post(world.message(contact, "", kind="revoke", context={"message_id": first["message_id"]}))
    rows = await world.clinic.fetch(
        "SELECT kind, text FROM atendeai.conversation_message WHERE clinic_id = $1", world.clinic.id
    )
    assert {tuple(row) for row in rows} == {("revoke", "")}, "answered long ago, and its words are gone all the same"
    assert len(world.whatsapp.texts(contact)) == 2


@pytest.mark.parametrize("acknowledged", [True, False])
async def test_a_clinic_with_a_model_of_its_own(make_world: MakeWorld, acknowledged: bool) -> None:
    heard: list[dict[str, Any]] = []

    async def model(request: httpx.Request) -> httpx.Response:
        heard.append(orjson.loads(request.content))
        assert request.headers["Authorization"] == "Bearer k-123"
        message = {"role": "assistant", "content": "Ficamos na Rua das Flores, 100. Posso ajudar em algo mais?"}
        return httpx.Response(200, json={"choices": [{"message": message}]})

    world = await make_world(
        model=httpx.MockTransport(model),
        settings={
            "ai": {
                "provider": "OpenAI",
                "baseURL": "http://model/v1",
                "model": "small",
                "privacy": {"acknowledged": acknowledged},
            }
        },
        credentials={"ai": {"api-key": "k-123"}},
    )
    contact = uuid4()
    answer = await world.say(contact, "sou a Maria Souza, qual o endereço?")
    (reply,) = await world.clinic.fetch(
        "SELECT engine FROM atendeai.reply WHERE clinic_id = $1 AND contact_id = $2", world.clinic.id, contact
    )
    if not acknowledged:
        assert (heard, reply["engine"]) == ([], "embedded")
        assert "Estamos em" in answer
        return
    assert "Posso ajudar em algo mais?" in answer
    assert "LGPD" in answer
    assert reply["engine"] == "small"
    assert "Maria" not in orjson.dumps(heard).decode()
    assert "192" in await world.say(contact, "meu pai desmaiou e não acorda")
    await world.post(world.message(contact, "ele toma varfarina"))
    row = await conversation(world, contact)
    path, headers = f"/api/v1/conversations/{row['id']}", world.clinic.headers("receptionist")

    async def handled() -> bool:
        shown = (await world.client.get(f"{path}/messages", headers=headers)).json()["items"]
        return all(entry["state"] != "received" for entry in shown)

    await eventually(handled)
    await world.client.post(f"{path}/release", headers=headers)
    assert len(heard) == 1
    await world.say(contact, "e qual o endereço?")
    assert [m["content"] for m in heard[1]["messages"][1:] if m["role"] == "user"] == [
        "sou a [NOME_1], qual o endereço?",
        "e qual o endereço?",
    ]
    assert "192" not in orjson.dumps(heard[1]["messages"][1:]).decode()
