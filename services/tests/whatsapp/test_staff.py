"""What people of the clinic see and send, and the health of the channel."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from atendeai.kit.testing.waiting import eventually
from tests.whatsapp.world import SECONDS, World

pytestmark = pytest.mark.integration
MESSAGES = "/api/v1/whatsapp/messages"


async def test_messages_are_listed_page_by_page_and_the_reading_is_audited(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    outbound_id = (await pool.send(clinic, contact)).json()["outbound_id"]
    await pool.outbound(clinic, outbound_id, "read")
    reader = str(uuid4())
    headers = clinic.headers("receptionist", subject=reader)
    page = (await pool.service.get(MESSAGES, headers=headers, params={"page_size": 1})).json()
    (newest,) = page["items"]
    assert (newest["direction"], newest["state"], newest["text"]) == ("outbound", "read", "Temos 14h.")
    assert newest["author"] == "service:conversation"
    page = (
        await pool.service.get(
            MESSAGES, headers=headers, params={"page_size": 1, "page_token": page["next_page_token"]}
        )
    ).json()
    (older,) = page["items"]
    assert (older["direction"], older["contact"]["name"]) == ("inbound", "Paciente")
    assert page["next_page_token"] is None
    rising = (await pool.service.get(MESSAGES, headers=headers, params={"sort": "at"})).json()
    assert [item["id"] for item in rising["items"]] == [older["id"], newest["id"]]
    events = await clinic.fetch(
        "SELECT actor, target FROM atendeai.audit_event WHERE clinic_id = $1 AND action = 'whatsapp.messages.read'",
        clinic.id,
    )
    assert [(event["actor"], event["target"]) for event in events] == [(f"person:{reader}", "messages")] * 3


async def test_filters(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    await pool.fault(operation="messages", code=131026)
    failed = (await pool.send(clinic, contact)).json()["outbound_id"]
    await pool.outbound(clinic, failed, "failed")

    async def listed(**params: Any) -> list[dict[str, Any]]:
        answer = await pool.service.get(MESSAGES, headers=clinic.headers(), params=params)
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    (only,) = await listed(state="failed")
    assert (only["id"], only["error"]["code"]) == (failed, 131026)
    assert [item["direction"] for item in await listed(direction="inbound")] == ["inbound"]
    assert len(await listed(contact_id=str(contact))) == 2
    assert await listed(contact_id=str(uuid4())) == []
    answer = await pool.service.get(MESSAGES, headers=clinic.headers(), params={"page_token": "yesterday"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "page_token")
    unstorable = {"contact_id": str(contact), "text": "a\u0000b"}
    answer = await pool.service.post(MESSAGES, headers=clinic.headers(), json=unstorable)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "text")


async def test_nobody_reads_another_clinics_messages(pool: World) -> None:
    a, b = await pool.clinic(), await pool.clinic()
    await pool.contact(a)
    assert (await pool.service.get(MESSAGES, headers={**a.headers(), "Host": b.host})).status_code == 401
    assert (await pool.service.get(MESSAGES, headers={"Host": a.host})).status_code == 401
    assert (await pool.service.get(MESSAGES, headers=b.headers())).json()["items"] == []


async def test_staff_send_within_the_window(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    headers = {**clinic.headers("receptionist"), "Idempotency-Key": "k1"}
    body = {"contact_id": str(contact), "text": "Bom dia, aqui é da recepção."}

    async def wrote_at() -> str | None:
        path = f"/internal/v1/contacts/{contact}"
        known = (await pool.service.get(path, headers=clinic.service_headers("conversation"))).json()
        assert known["id"] == str(contact)
        at: str | None = known["staff_wrote_at"]
        return at

    assert await wrote_at() is None
    first = await pool.service.post(MESSAGES, json=body, headers=headers)
    again = await pool.service.post(MESSAGES, json=body, headers=headers)
    assert (first.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    assert [item["text"] for item in await pool.received(clinic)] == [body["text"]]
    assert await wrote_at() is not None
    await eventually(lambda: pool.conversation.takeovers, what="the attendant told to keep quiet")
    told = {(one["contact_id"], one["actor"].partition(":")[0]) for one in pool.conversation.takeovers}
    assert told == {(str(contact), "person")}
    message = pool.conversation.takeovers[0]["message"]
    assert (message["id"], message["text"]) == (first.json()["id"], body["text"])
    await clinic.fetch(
        "UPDATE atendeai.whatsapp_contact SET last_inbound_at = now() - interval '25 hours' WHERE clinic_id = $1",
        clinic.id,
    )
    again = await pool.service.post(MESSAGES, json=body, headers=headers)
    assert (again.status_code, again.json()) == (202, first.json())
    sent = "SELECT details FROM atendeai.audit_event WHERE clinic_id = $1 AND action = 'whatsapp.message.send'"
    assert len(await clinic.fetch(sent, clinic.id)) == len(pool.conversation.takeovers) == 1
    late = await pool.service.post(MESSAGES, json=body, headers=clinic.headers())
    assert (late.status_code, late.json()["type"]) == (409, "urn:atendeai:problem:outside-window")
    unknown = await pool.service.post(MESSAGES, json={**body, "contact_id": str(uuid4())}, headers=clinic.headers())
    assert unknown.status_code == 404


async def test_the_channel_breaks_and_mends(pool: World) -> None:
    clinic = await pool.clinic()

    async def status() -> dict[str, Any]:
        answer = await pool.service.get("/api/v1/whatsapp/status", headers=clinic.headers())
        body: dict[str, Any] = answer.json()
        return body

    healthy = await status()
    assert (healthy["state"], healthy["token"]["valid"]) == ("ok", True)
    contact = await pool.contact(clinic)
    await pool.fault(operation="messages", code=368)
    failed = (await pool.send(clinic, contact)).json()["outbound_id"]
    await pool.outbound(clinic, failed, "failed")
    broken = await status()
    assert (broken["state"], broken["error"]["code"]) == ("broken", 368)
    internal = await pool.service.get("/internal/v1/channel", headers=clinic.service_headers("health"))
    assert internal.json()["state"] == "broken"
    await pool.send(clinic, contact)

    async def mended() -> bool:
        return bool((await status())["state"] == "ok")

    await eventually(mended, seconds=SECONDS, what="a channel that sends is in order again")


async def test_a_token_that_is_refused_shows(pool: World) -> None:
    clinic = await pool.clinic({"access_token": "another"})
    answer = await pool.service.get("/api/v1/whatsapp/status", headers=clinic.headers())
    body = answer.json()
    assert (body["state"], body["token"]["valid"]) == ("broken", False)
    assert "OAuth" in body["token"]["problem"]
