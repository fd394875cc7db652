"""From the store to conversation: in order, at least once, every kind, and one contact for each person."""

from __future__ import annotations

import asyncio
from uuid import UUID

import httpx
import pytest

from atendeai.kit.testing.clinics import TestClinic
from atendeai.kit.testing.waiting import eventually
from tests.whatsapp.world import PATIENT, World, message, signature, webhook

pytestmark = pytest.mark.integration


async def posted(world: World, clinic: TestClinic, *values: dict[str, object]) -> httpx.Response:
    secret = clinic.credentials["whatsapp"]["app-secret"]
    body = webhook(clinic.phone_number_id, *values)
    return await world.service.post("/webhook/whatsapp", content=body, headers=signature(body, secret))


async def deliver(world: World, clinic: TestClinic, *values: dict[str, object]) -> None:
    assert (await posted(world, clinic, *values)).status_code == 200


async def test_what_conversation_gets(pool: World) -> None:
    clinic = await pool.clinic()
    await deliver(pool, clinic, message("wamid.1", "Quero marcar"))
    (taken,) = await pool.conversation.until(1)
    assert taken["wamid"] == "wamid.1"
    assert taken["kind"] == "text"
    assert taken["text"] == "Quero marcar"
    assert taken["contact"] == {"wa_id": PATIENT, "name": "Maria"}
    assert taken["sent_at"].startswith("2026-09-21T")
    assert pool.conversation.keys == [taken["message_id"]]


async def test_one_person_is_heard_in_order_also_after_refusals(pool: World) -> None:
    clinic = await pool.clinic()
    pool.conversation.refuse = [503, 503, 503, 503]
    late = message("wamid.3", "três", at=1_790_000_020)
    await deliver(pool, clinic, message("wamid.2", "dois", at=1_790_000_010), late)
    await deliver(pool, clinic, message("wamid.1", "um", at=1_790_000_000))
    taken = await pool.conversation.until(3)
    assert [item["text"] for item in taken] == ["um", "dois", "três"]


async def test_a_message_that_is_refused_for_good_does_not_hold_back_the_next(pool: World) -> None:
    clinic = await pool.clinic()
    pool.conversation.refuse = [422]
    await deliver(pool, clinic, message("wamid.1", "um"), message("wamid.2", "dois", at=1_790_000_001))
    taken = await pool.conversation.until(1)
    assert [item["text"] for item in taken] == ["dois"]
    rows = await clinic.fetch(
        "SELECT refused_status FROM atendeai.whatsapp_inbound WHERE wamid = 'wamid.1' AND clinic_id = $1", clinic.id
    )
    assert rows[0]["refused_status"] == 422


async def test_every_kind_is_stored_and_handed_on(pool: World) -> None:
    clinic = await pool.clinic()
    await pool.inbound(clinic, button={"id": "slot-1", "title": "14:00"})
    await pool.inbound(clinic, list_row={"id": "row-2", "title": "Quarta, 15:00"})
    await pool.inbound(clinic, message={"type": "button", "button": {"text": "Confirmar", "payload": "ok"}})
    await pool.inbound(clinic, message={"type": "image", "image": {"id": "1", "caption": "exame"}})
    await pool.inbound(clinic, message={"type": "reaction", "reaction": {"message_id": "wamid.x", "emoji": "👍"}})
    await pool.inbound(clinic, message={"type": "unsupported", "errors": [{"code": 131051}]})
    taken = await pool.conversation.until(6)
    assert sorted((item["kind"], item["text"]) for item in taken) == [
        ("button", "14:00"),
        ("button", "Confirmar"),
        ("image", "exame"),
        ("list", "Quarta, 15:00"),
        ("reaction", "👍"),
        ("unsupported", ""),
    ]


async def test_an_answer_names_the_message_it_answers(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    outbound_id = (await pool.send(clinic, contact)).json()["outbound_id"]
    (sent,) = await pool.received(clinic)
    await pool.outbound(clinic, outbound_id, "read")
    await pool.inbound(clinic, "pode ser", context_wamid=sent["wamid"])
    taken = await pool.conversation.until(2)
    assert taken[1]["context"] == {"outbound_id": outbound_id}


async def test_a_sign_names_the_message_it_is_under_and_what_that_asks(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    choices = [{"id": "confirm:a1", "title": "Confirmar"}, {"id": "cancel:a1", "title": "Cancelar"}]
    asked = (await pool.send(clinic, contact, "Você vem?", kind="buttons", buttons=choices)).json()["outbound_id"]
    told = (await pool.send(clinic, contact, "Até lá!")).json()["outbound_id"]
    await pool.outbound(clinic, told, "read")
    for wamid in [sent["wamid"] for sent in await pool.received(clinic, 2)]:
        reaction = {"type": "reaction", "reaction": {"message_id": wamid, "emoji": "👍"}}
        await pool.inbound(clinic, message=reaction)
    contexts = [one["context"] for one in (await pool.conversation.until(3))[1:]]
    assert sorted(contexts, key=len) == [
        {"outbound_id": told},
        {"outbound_id": asked, "buttons": ["confirm:a1", "cancel:a1"]},
    ]


async def test_both_forms_of_a_number_are_one_contact_and_answers_go_to_the_last_one_given(pool: World) -> None:
    clinic = await pool.clinic()
    await pool.inbound(clinic, sender="5511987654321")
    await pool.inbound(clinic, sender="551187654321")
    taken = await pool.conversation.until(2)
    assert taken[0]["contact_id"] == taken[1]["contact_id"]
    await pool.send(clinic, taken[0]["contact_id"])
    (sent,) = await pool.received(clinic)
    assert sent["to"] == "551187654321"


async def test_a_person_without_a_number(pool: World) -> None:
    clinic = await pool.clinic()
    await pool.inbound(clinic, sender=None, user_id="BR.13491208655302741918")
    (taken,) = await pool.conversation.until(1)
    assert taken["contact"] == {"user_id": "BR.13491208655302741918", "name": "Paciente"}
    await pool.send(clinic, taken["contact_id"])
    (sent,) = await pool.received(clinic)
    assert sent["payload"]["recipient"] == "BR.13491208655302741918"
    assert "to" not in sent["payload"]
    # The number becomes known: still the same person.
    await pool.inbound(clinic, sender=PATIENT, user_id="BR.13491208655302741918")
    assert (await pool.conversation.until(2))[1]["contact_id"] == taken["contact_id"]


async def test_two_contacts_that_turn_out_to_be_one_person(pool: World) -> None:
    clinic = await pool.clinic()
    await pool.inbound(clinic, sender=PATIENT)
    await pool.conversation.until(1)  # those of two contacts keep no order
    await pool.inbound(clinic, sender=None, user_id="BR.777")
    first, second = await pool.conversation.until(2)
    assert first["contact_id"] != second["contact_id"]
    await pool.inbound(clinic, sender=PATIENT, user_id="BR.777")
    third = (await pool.conversation.until(3))[2]
    assert third["contact_id"] == first["contact_id"]
    await pool.send(clinic, second["contact_id"])
    (sent,) = await pool.received(clinic)
    assert sent["to"] == PATIENT
    # One history under either id.
    for known in (first, second):
        url = f"/api/v1/whatsapp/messages?contact_id={known['contact_id']}"
        items = (await pool.service.get(url, headers=clinic.headers())).json()["items"]
        assert [item["direction"] for item in items] == ["outbound", "inbound", "inbound", "inbound"]
        assert {item["contact"]["id"] for item in items} == {first["contact_id"]}


async def test_who_keeps_something_under_a_joined_contact_is_told_before_the_next_message(pool: World) -> None:
    clinic = await pool.clinic()
    await pool.inbound(clinic, sender=PATIENT)
    await pool.inbound(clinic, sender=None, user_id="BR.778")
    first, second = await pool.conversation.until(2)
    pool.appointment.refuse, pool.conversation.refuse = [503, 401], [500]
    await pool.inbound(clinic, sender=PATIENT, user_id="BR.778")
    third = (await pool.conversation.until(3))[2]
    kept = third["contact_id"]
    [gone] = {first["contact_id"], second["contact_id"]} - {kept}
    # Told already when the message came, and until both have heard it.
    assert set(pool.appointment.joins) == set(pool.conversation.joins) == {(gone, kept)}
    assert not pool.appointment.refuse
    assert not pool.conversation.refuse


async def test_an_emergency_does_not_wait_until_two_contacts_are_one(pool: World) -> None:
    clinic = await pool.clinic()
    await pool.inbound(clinic, sender=PATIENT)
    await pool.inbound(clinic, sender=None, user_id="BR.780")
    await pool.conversation.until(2)
    pool.appointment.refuse = [503] * 1000
    await pool.inbound(clinic, "oi", sender=PATIENT, user_id="BR.780")
    await pool.inbound(clinic, "meu pai desmaiou e não acorda", sender=PATIENT, user_id="BR.780")
    assert (await pool.conversation.until(3))[2]["text"] == "meu pai desmaiou e não acorda"
    pool.appointment.refuse = []
    assert [item["text"] for item in (await pool.conversation.until(4))[3:]] == ["oi"]


async def test_what_a_last_turn_left_under_a_joined_contact_is_found_later(pool: World) -> None:
    clinic = await pool.clinic()
    await pool.inbound(clinic, sender=PATIENT)
    await pool.inbound(clinic, sender=None, user_id="BR.779")
    await pool.conversation.until(2)
    await pool.inbound(clinic, sender=PATIENT, user_id="BR.779")
    await pool.conversation.until(3)
    [join] = set(pool.appointment.joins)
    gone, key = UUID(join[0]), (clinic.id, join[0])
    soon = "lease_token IS NULL AND due_at BETWEEN now() + interval '2 minutes' AND now() + interval '3 minutes'"
    work = "atendeai.work WHERE clinic_id = $1 AND key = $2"
    await eventually(lambda: clinic.fetch(f"SELECT FROM {work} AND {soon}", *key), what="it being looked at again")
    pool.appointment.joins.clear()
    ago = "UPDATE atendeai.whatsapp_contact SET join_told_at = join_told_at - interval '3 minutes'"
    await clinic.fetch(f"{ago} WHERE clinic_id = $1 AND id = $2", clinic.id, gone)
    await clinic.fetch("UPDATE atendeai.work SET due_at = now() WHERE clinic_id = $1 AND key = $2", *key)
    await eventually(lambda: pool.appointment.joins == [join])
    await eventually(lambda: _settled(clinic, join[0]), what="the key being done with")
    assert pool.appointment.joins == [join]


async def _settled(clinic: TestClinic, key: str) -> bool:
    return not await clinic.fetch("SELECT FROM atendeai.work WHERE clinic_id = $1 AND key = $2", clinic.id, key)


async def test_a_number_that_passed_to_somebody_else_does_not_carry_the_history_along(pool: World) -> None:
    clinic = await pool.clinic()
    await pool.inbound(clinic, sender=PATIENT, user_id="BR.1")
    await pool.conversation.until(1)
    await pool.inbound(clinic, sender=PATIENT, user_id="BR.2")
    first, second = await pool.conversation.until(2)
    assert first["contact_id"] != second["contact_id"]
    refused = (await pool.send(clinic, first["contact_id"])).json()["outbound_id"]
    assert (await pool.outbound(clinic, refused, "failed"))["error_code"] == 0
    await pool.send(clinic, second["contact_id"])
    assert [item["to"] for item in await pool.received(clinic)] == [PATIENT]


async def test_one_person_under_three_identities_at_once_is_one_contact(pool: World) -> None:
    clinic = await pool.clinic()
    ids: list[dict[str, object]] = [
        {"from": PATIENT},
        {"from": "551187654321"},
        {"from_user_id": "BR.55"},
        {"from": PATIENT, "from_user_id": "BR.55"},
    ]
    values: list[dict[str, object]] = [
        {
            "messages": [
                {"id": f"wamid.{number}", "timestamp": "1790000000", "type": "text", "text": {"body": "oi"}}
                | ids[number % len(ids)]
            ]
        }
        for number in range(24)
    ]
    answers = await asyncio.gather(*(posted(pool, clinic, value) for value in values))
    assert {answer.status_code for answer in answers} == {200}
    await pool.conversation.until(24)
    await deliver(pool, clinic, values[3] | {"contacts": [{"profile": {"name": "Maria"}, "wa_id": PATIENT}]})
    contacts = await clinic.fetch(
        "SELECT id, number_key, user_id, merged_into FROM atendeai.whatsapp_contact WHERE clinic_id = $1", clinic.id
    )
    one = [row for row in contacts if row["merged_into"] is None]
    assert [(row["number_key"], row["user_id"]) for row in one] == [("551187654321", "BR.55")]
    assert {row["merged_into"] for row in contacts} <= {None, one[0]["id"]}
    assert await pool.count(clinic, "whatsapp_inbound") == 24
    rows = await clinic.fetch(
        "SELECT DISTINCT contact_id FROM atendeai.whatsapp_inbound WHERE clinic_id = $1", clinic.id
    )
    assert [row["contact_id"] for row in rows] == [one[0]["id"]]
