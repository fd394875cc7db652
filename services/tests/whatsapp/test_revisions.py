"""What people take back, and people who change: edits, deletions, reactions, new numbers."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import uuid4

import pytest

from atendeai.kit.testing.clinics import TestClinic
from atendeai.kit.testing.waiting import eventually
from atendeai.whatsapp import content
from atendeai.whatsapp.inbox import INBOUND_QUEUE
from atendeai.whatsapp.people import Identity, Known, Move, move
from tests.whatsapp.world import PATIENT, SECONDS, World

pytestmark = pytest.mark.integration
NEW = "5511912345678"
OTHER = "5521998887766"


async def system(world: World, clinic: TestClinic, old: str | None = PATIENT, **said: Any) -> Any:
    """Let WhatsApp say that somebody changed."""
    told = {"type": "user_changed_number", "body": f"User A changed from {old}", **said}
    return await world.inbound(clinic, sender=old, message={"type": "system", "system": told})


async def edit(world: World, clinic: TestClinic, original: str, text: str, **more: Any) -> Any:
    said = {"original_message_id": original, "message": {"type": "text", "text": {"body": text}}}
    return await world.inbound(clinic, message={"type": "edit", "edit": said, **more})


async def revoke(world: World, clinic: TestClinic, original: str, **more: Any) -> Any:
    return await world.inbound(clinic, message={"type": "revoke", "revoke": {"original_message_id": original}, **more})


async def row(clinic: TestClinic, wamid: str) -> Any:
    rows = await clinic.fetch(
        "SELECT * FROM atendeai.whatsapp_inbound WHERE clinic_id = $1 AND wamid = $2", clinic.id, wamid
    )
    return rows[0]


async def test_an_edit_after_the_message_was_handed_on_is_handed_on_and_names_it(pool: World) -> None:
    clinic = await pool.clinic()
    sent = await pool.inbound(clinic, "quero 14h")
    first = (await pool.conversation.until(1))[0]
    await edit(pool, clinic, sent["wamid"], "quero 15h")
    taken = (await pool.conversation.until(2))[1]
    assert (taken["kind"], taken["text"]) == ("edit", "quero 15h")
    assert taken["context"] == {"message_id": first["message_id"]}
    stored = await row(clinic, sent["wamid"])
    assert (stored["text"], stored["edited_at"] is not None) == ("quero 15h", True)


async def refused_for_now(clinic: TestClinic, sent: Any) -> None:
    """Wait until the message was refused and waits for the next attempt."""
    contact = (await row(clinic, sent["wamid"]))["contact_id"]

    async def waits() -> bool:
        rows = await clinic.fetch(
            "SELECT attempts > 0 AND lease_token IS NULL FROM atendeai.work"
            " WHERE clinic_id = $1 AND queue = $2 AND key = $3",
            clinic.id,
            INBOUND_QUEUE,
            str(contact),
        )
        return bool(rows and rows[0][0])

    await eventually(waits, seconds=SECONDS, every=0.002)


@pytest.mark.parametrize("kind", ["edit", "revoke"])
async def test_what_is_taken_back_while_conversation_is_being_told_reaches_it(pool: World, kind: str) -> None:
    clinic = await pool.clinic()
    pool.conversation.hold = asyncio.Event()
    sent = await pool.inbound(clinic, "segredo às 9h")
    await eventually(lambda: pool.conversation.asked, seconds=SECONDS)
    await (edit(pool, clinic, sent["wamid"], "às 11h") if kind == "edit" else revoke(pool, clinic, sent["wamid"]))
    pool.conversation.hold.set()
    first, second = await pool.conversation.until(2)
    assert (first["kind"], first["text"]) == ("text", "segredo às 9h")
    assert (second["kind"], second["text"]) == (kind, "às 11h" if kind == "edit" else "")
    assert second["context"] == {"message_id": first["message_id"]}


async def test_an_edit_before_the_message_was_handed_on_replaces_its_words(pool: World) -> None:
    clinic = await pool.clinic()
    pool.conversation.refuse = [503] * 4
    sent = await pool.inbound(clinic, "quero 14h")
    await refused_for_now(clinic, sent)
    await edit(pool, clinic, sent["wamid"], "quero 15h")
    await pool.inbound(clinic, "obrigada")
    taken = await pool.conversation.until(2)
    assert [(item["kind"], item["text"]) for item in taken] == [("text", "quero 15h"), ("text", "obrigada")]


async def test_a_deleted_message_is_erased_and_conversation_is_told(pool: World) -> None:
    clinic = await pool.clinic()
    media = await pool.file(clinic, b"\xff\xd8\xff\xe0 exame", "image/jpeg")
    image = {"id": media, "mime_type": "image/jpeg", "caption": "meu exame"}
    sent = await pool.inbound(clinic, message={"type": "image", "image": image})
    first = (await pool.conversation.until(1))[0]
    await revoke(pool, clinic, sent["wamid"])
    taken = (await pool.conversation.until(2))[1]
    assert (taken["kind"], taken["text"], taken["context"]) == ("revoke", "", {"message_id": first["message_id"]})
    stored = await row(clinic, sent["wamid"])
    assert (stored["text"], stored["content"], stored["revoked_at"] is not None) == ("", "{}", True)
    (file,) = await pool.media(clinic, "erased")
    assert (file["content"], file["size"]) == (None, 0)
    listed = (await pool.service.get("/api/v1/whatsapp/messages", headers=clinic.headers())).json()["items"]
    assert [item["media"]["state"] for item in listed if item["media"]] == ["erased"]
    assert any(item["revoked_at"] for item in listed)


async def test_a_message_deleted_before_it_was_handed_on_is_never_given_to_conversation(pool: World) -> None:
    clinic = await pool.clinic()
    pool.conversation.refuse = [503] * 4
    sent = await pool.inbound(clinic, "segredo")
    await refused_for_now(clinic, sent)
    await revoke(pool, clinic, sent["wamid"])
    await pool.inbound(clinic, "oi")
    taken = await pool.conversation.until(1)
    assert [item["text"] for item in taken] == ["oi"]
    assert (await row(clinic, sent["wamid"]))["text"] == ""


async def test_a_deletion_that_overtakes_its_message(pool: World) -> None:
    clinic = await pool.clinic()
    sent = {"timestamp": str(int(time.time()))}
    await revoke(pool, clinic, "wamid.late", **sent)
    await pool.conversation.until(1)
    # However long its way was: it was sent before it was taken back.
    await pool.inbound(clinic, message={"type": "text", "text": {"body": "segredo"}, **sent}, wamid="wamid.late")
    await pool.inbound(clinic, "oi")
    taken = await pool.conversation.until(2)
    assert [(item["kind"], item["text"]) for item in taken] == [("revoke", ""), ("text", "oi")]
    assert (await row(clinic, "wamid.late"))["text"] == ""


async def test_a_reaction_names_what_it_is_about(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    outbound_id = (await pool.send(clinic, contact)).json()["outbound_id"]
    (sent,) = await pool.received(clinic)
    await pool.outbound(clinic, outbound_id, "read")
    reaction = {"message_id": sent["wamid"], "emoji": "👍"}
    await pool.inbound(clinic, message={"type": "reaction", "reaction": reaction})
    taken = (await pool.conversation.until(2))[1]
    assert (taken["kind"], taken["text"], taken["context"]) == ("reaction", "👍", {"outbound_id": outbound_id})


async def test_other_kinds_have_what_can_be_read_of_them(pool: World) -> None:
    clinic = await pool.clinic()
    places = {"latitude": -23.5, "longitude": -46.6, "name": "Clínica Sol", "address": "Rua A, 1"}
    people = [{"name": {"formatted_name": "Dr. Rui"}, "phones": []}, {"name": {"formatted_name": "Ana"}}]
    order = {"catalog_id": "1", "text": "quero este", "product_items": []}
    for message in (
        {"type": "location", "location": places},
        {"type": "contacts", "contacts": people},
        {"type": "order", "order": order},
        {"type": "unsupported", "errors": [{"code": 131051}]},
        {"type": "request_welcome"},
    ):
        await pool.inbound(clinic, message=message)
    taken = await pool.conversation.until(5)
    assert [(item["kind"], item["text"]) for item in taken] == [
        ("location", "Clínica Sol, Rua A, 1"),
        ("contacts", "Dr. Rui, Ana"),
        ("order", "quero este"),
        ("unsupported", ""),
        ("request_welcome", ""),
    ]
    kept = await clinic.fetch(
        "SELECT content->'location'->>'latitude' FROM atendeai.whatsapp_inbound WHERE clinic_id = $1 AND kind = $2",
        clinic.id,
        "location",
    )
    assert kept[0][0] == "-23.5"


async def test_a_new_number_takes_the_conversation_along(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    told = await system(pool, clinic, wa_id=NEW)
    taken = (await pool.conversation.until(2))[1]
    assert (taken["kind"], taken["text"], taken["contact_id"]) == ("system", "", str(contact))
    assert taken["contact"]["wa_id"] == NEW
    # The other form of the new number is the same person, and answers go to it.
    await pool.inbound(clinic, sender=NEW)
    assert (await pool.conversation.until(3))[2]["contact_id"] == str(contact)
    await pool.send(clinic, contact)
    (sent,) = await pool.received(clinic)
    assert sent["to"] == NEW
    # The old number is somebody else's from now on, also when the news comes once more.
    await pool.inbound(clinic, sender=PATIENT)
    stranger = (await pool.conversation.until(4))[3]["contact_id"]
    assert stranger != str(contact)
    again = {"type": "user_changed_number", "wa_id": NEW}
    await pool.inbound(clinic, sender=PATIENT, message={"type": "system", "system": again}, wamid=told["wamid"])
    await pool.inbound(clinic, "ainda eu", sender=PATIENT)
    assert (await pool.conversation.until(5))[4]["contact_id"] == stranger


async def test_news_of_a_new_number_open_no_window(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    await clinic.fetch(
        "UPDATE atendeai.whatsapp_contact SET last_inbound_at = now() - interval '25 hours' WHERE clinic_id = $1",
        clinic.id,
    )
    await system(pool, clinic, wa_id=NEW)
    await pool.conversation.until(2)
    outbound_id = (await pool.send(clinic, contact)).json()["outbound_id"]
    assert (await pool.outbound(clinic, outbound_id, "failed"))["error_code"] == 131047


async def test_who_already_wrote_from_the_new_number_is_joined_and_keeps_their_wish(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    early = await pool.contact(clinic, sender=NEW)
    headers = clinic.service_headers("conversation")
    await pool.service.put(f"/internal/v1/contacts/{early}/preferences", json={"opted_out": True}, headers=headers)
    await system(pool, clinic, wa_id=NEW, user_id="BR.22")
    taken = await pool.conversation.until(3)
    assert taken[2]["contact_id"] == str(contact)
    await pool.inbound(clinic, sender=NEW, user_id="BR.22")
    assert (await pool.conversation.until(4))[3]["contact_id"] == str(contact)
    # What was meant for the joined contact reaches the person; what they did not ask for does not.
    assert (await pool.send(clinic, early)).status_code == 202
    (sent,) = await pool.received(clinic)
    assert sent["to"] == NEW
    for known in (contact, early):
        assert (await pool.send(clinic, known, purpose="reminder")).status_code == 409


async def test_a_new_user_id_without_a_number(pool: World) -> None:
    clinic = await pool.clinic()
    await pool.inbound(clinic, sender=None, user_id="BR.1")
    (first,) = await pool.conversation.until(1)
    told = {"type": "user_changed_user_id", "user_id": "BR.2", "previous_user_id": "BR.1"}
    await pool.inbound(clinic, sender=None, user_id="BR.1", message={"type": "system", "system": told})
    await pool.inbound(clinic, sender=None, user_id="BR.2")

    async def both() -> bool:
        return len(pool.conversation.taken) >= 3

    await eventually(both, seconds=SECONDS, what="three messages")
    assert {item["contact_id"] for item in pool.conversation.taken} == {first["contact_id"]}


# ------------------------------------------------------------ the pure rooms
def test_who_moves() -> None:

    a, b = uuid4(), uuid4()
    old, new = Identity(PATIENT, "BR.1"), Identity(NEW, "BR.2")
    assert move(old, new, [], []) == Move(None)
    assert move(old, new, [Known(a, old.key, None)], []) == Move(a)
    assert move(old, new, [Known(a, None, "BR.1")], [Known(b, new.key, None)]) == Move(a, (b,))
    assert move(old, new, [Known(a, old.key, None)], [Known(b, new.key, "BR.9")]) == Move(a, (), b)
    assert move(old, new, [Known(a, old.key, None)], [Known(a, new.key, None)]) == Move(a)
    # The old number is another account's by now: that one stays where it is.
    assert move(old, new, [Known(a, old.key, "BR.7")], []) == Move(None)


def test_what_is_read_of_odd_messages() -> None:
    nested: dict[str, Any] = {"type": "edit", "edit": {"original_message_id": "a"}}
    for _ in range(5000):
        nested = {"type": "edit", "edit": {"original_message_id": "a", "message": nested}}
    assert content.read(nested) == content.Content("edit", "", about="a")
    caption = {"type": "image", "image": {"id": "1", "caption": "novo"}}
    assert content.read({"type": "edit", "edit": {"message": caption}}).text == "novo"
    for odd in ({}, {"type": 5}, {"type": "edit", "edit": []}, {"type": "contacts", "contacts": [1, {"name": 2}]}):
        assert content.read(odd).text == ""
    assert content.moved({"type": "system", "system": {"type": "user_changed_number"}}) is None
    assert content.moved({"type": "system", "from": OTHER, "system": "x"}) is None
    older = {"type": "system", "from": OTHER, "system": {"type": "customer_changed_number", "new_wa_id": NEW}}
    assert content.moved(older) == (Identity(OTHER, None), Identity(NEW, None))
