"""Two contacts that turn out to be one person: one conversation, one set of appointments, on the real services."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.conversation.test_care import booked, conversation
from tests.conversation.world import MakeWorld, World

pytestmark = pytest.mark.integration


async def joined(world: World, contact: UUID, into: UUID, caller: str = "whatsapp") -> list[Any]:
    """Tell both services as whatsapp does, and return their answers."""
    body = {"contact_id": str(contact), "into": str(into)}
    answers = []
    booking = httpx.AsyncClient(transport=httpx.ASGITransport(app=world.appointment), base_url="http://appointment")
    async with booking:
        for client in (booking, world.client):
            answer = await client.post(
                "/internal/v1/contacts/join", json=body, headers=world.clinic.service_headers(caller)
            )
            answers.append(answer.json() if answer.status_code == 200 else answer.status_code)
    return answers


async def said(world: World, conversation_id: Any) -> list[str]:
    url = f"/api/v1/conversations/{conversation_id}/messages?page_size=50"
    answer = await world.client.get(url, headers=world.clinic.headers())
    assert answer.status_code == 200, answer.text
    return [entry["text"] for entry in reversed(answer.json()["items"]) if entry["author"] == "patient"]


async def test_a_dialogue_and_its_appointment_go_on_under_the_other_contact(make_world: MakeWorld) -> None:
    world = await make_world()
    number, user_id = uuid4(), uuid4()
    kept = await booked(world, number, 9)
    await world.say(number, "quero marcar outra consulta amanhã às 15h")
    [moved, went_on] = await joined(world, number, user_id)
    assert moved["moved"] >= 2
    assert went_on["conversation_id"] == str((await conversation(world, user_id))["id"])
    assert "Agendado!" in await world.say(user_id, "sim")
    assert kept in {str(row["id"]) for row in await world.appointments(user_id)}
    assert await world.appointments(number) == []
    await world.say(user_id, "quero cancelar a consulta das 9h")
    await world.say(user_id, "sim, pode cancelar")
    assert {row["status"] for row in await world.appointments(user_id) if str(row["id"]) == kept} == {"cancelled"}


async def test_two_conversations_become_one_in_the_order_of_time(make_world: MakeWorld) -> None:
    world = await make_world()
    first, second = uuid4(), uuid4()
    await world.say(first, "qual o endereço?")
    await world.say(second, "vocês atendem Unimed?")
    await world.say(first, "quero falar com um atendente")
    await world.say(second, "quanto custa a consulta?")
    assert (await joined(world, first, second))[1]["conversation_id"] == str((await conversation(world, second))["id"])
    row = await conversation(world, second)
    assert await said(world, row["id"]) == [
        "qual o endereço?",
        "vocês atendem Unimed?",
        "quero falar com um atendente",
        "quanto custa a consulta?",
    ]
    assert (row["status"], row["handed_off_at"] is not None) == ("handed_off", True), "a person has it still"
    again = await joined(world, first, second)
    assert again == [{"moved": 0}, {"conversation_id": None}], "told twice, nothing changes"
    gone = await world.clinic.fetch(
        "SELECT 1 FROM atendeai.conversation WHERE clinic_id = $1 AND contact_id = $2", world.clinic.id, first
    )
    assert gone == []


async def test_one_name_under_both_contacts_is_one_patient(make_world: MakeWorld) -> None:
    world = await make_world()
    first, second = uuid4(), uuid4()
    await booked(world, first, 9)
    await booked(world, second, 11)
    await joined(world, first, second)
    rows = await world.appointments(second)
    assert len(rows) == 2
    assert len({row["patient_id"] for row in rows}) == 1
    patients = await world.clinic.fetch("SELECT contact_id FROM atendeai.patient WHERE clinic_id = $1", world.clinic.id)
    assert [row["contact_id"] for row in patients] == [second]


async def test_only_whatsapp_says_who_is_who(make_world: MakeWorld) -> None:
    world = await make_world()
    assert await joined(world, uuid4(), uuid4(), "calendar") == [403, 403]
