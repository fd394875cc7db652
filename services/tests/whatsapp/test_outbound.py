"""Sending: once, in order, within the window, each class of error in its own way."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from atendeai.kit import clock
from atendeai.kit.testing.waiting import eventually
from atendeai.whatsapp import failures
from atendeai.whatsapp.pacing import Pacing
from tests.whatsapp.world import PATIENT, SECONDS, World, message, signature, webhook

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the order of the pauses, not their length."""
    real = failures.pause

    def short(course: failures.Course, attempts: int, jitter: float) -> timedelta | None:
        wait = real(course, attempts, jitter)
        return None if wait is None else wait / 50

    monkeypatch.setattr("atendeai.whatsapp.outbox.pause", short)
    monkeypatch.setattr("atendeai.whatsapp.outbox.unsure_pause", lambda *_: timedelta(seconds=1))
    monkeypatch.setattr("atendeai.whatsapp.pacing.SLOWED", timedelta(seconds=0.02))


async def refusals(world: World) -> int:
    return int((await world.fake.get("/_fake/refusals")).json()["count"])


async def test_a_reply_goes_once_and_its_statuses_come_back(pool: World) -> None:
    clinic = await pool.clinic()
    contact, key = await pool.contact(clinic), uuid4()
    answers = await asyncio.gather(*(pool.send(clinic, contact, key=key) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {202}
    (outbound_id,) = {answer.json()["outbound_id"] for answer in answers}
    row = await pool.outbound(clinic, outbound_id, "read")
    (sent,) = await pool.received(clinic)
    assert (sent["to"], sent["text"], sent["wamid"]) == (PATIENT, "Temos 14h.", row["wamid"])
    assert row["attempts"] == 1
    assert row["sent_at"] is not None
    assert row["read_at"] is not None
    reused = await pool.send(clinic, contact, "Outra coisa", key=key)
    assert reused.status_code == 422


async def test_statuses_in_any_order_and_more_than_once(pool: World) -> None:
    clinic = await pool.clinic({"statuses": ["sent", "delivered", "read"], "shuffle_statuses": True})
    contact = await pool.contact(clinic)
    outbound_id = (await pool.send(clinic, contact)).json()["outbound_id"]
    row = await pool.outbound(clinic, outbound_id, "read")

    async def all_three() -> bool:
        return await pool.count(clinic, "whatsapp_status") == 3

    await eventually(all_three, seconds=SECONDS, what="three statuses")
    again = {"phone_number_id": clinic.phone_number_id, "wamid": row["wamid"], "user": PATIENT, "status": "sent"}
    assert (await pool.fake.post("/_fake/status", json=again)).json() == {"http_status": 200}
    assert await pool.count(clinic, "whatsapp_status") == 3
    assert (await pool.outbound(clinic, outbound_id, "read"))["state"] == "read"


async def test_order_per_person_holds_through_retries_and_between_replicas(pool: World) -> None:
    await pool.start(pool.stack.settings("whatsapp"))
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    await pool.fault(operation="messages", code=131000, count=2)
    words = ["um", "dois", "três", "quatro", "cinco", "seis"]
    for text in words:
        assert (await pool.send(clinic, contact, text)).status_code == 202
    assert [item["text"] for item in await pool.received(clinic, 6)] == words


@pytest.mark.parametrize("code", [131056, 130429, 131016, 80007])
async def test_errors_that_pass_are_tried_again(pool: World, code: int) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    await pool.fault(operation="messages", code=code, count=2)
    outbound_id = (await pool.send(clinic, contact)).json()["outbound_id"]
    row = await pool.outbound(clinic, outbound_id, "read")
    assert (row["attempts"], row["error_code"]) == (3, None)
    assert len(await pool.received(clinic)) == 1


@pytest.mark.parametrize("code", [131026, 190, 368, 132001, 131030])
async def test_errors_that_stay_are_shown_and_not_retried(pool: World, code: int) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    await pool.fault(operation="messages", code=code, count=1)
    outbound_id = (await pool.send(clinic, contact)).json()["outbound_id"]
    row = await pool.outbound(clinic, outbound_id, "failed")
    assert (row["attempts"], row["error_code"]) == (1, code)
    assert row["error_title"]
    assert await refusals(pool) == 1
    # The next message is not held back by it.
    await pool.send(clinic, contact, "Outra")
    assert [item["text"] for item in await pool.received(clinic)] == ["Outra"]


async def test_a_failure_that_comes_later_as_a_status(pool: World) -> None:
    clinic = await pool.clinic({"statuses": ["sent"]})
    contact = await pool.contact(clinic)
    await pool.fault(operation="messages", code=131026, as_status=True)
    outbound_id = (await pool.send(clinic, contact)).json()["outbound_id"]
    row = await pool.outbound(clinic, outbound_id, "failed")
    assert row["error_code"] == 131026
    assert row["wamid"] is not None
    await pool.fault(operation="messages", code=131000, as_status=True)
    retried = (await pool.send(clinic, contact, "de novo")).json()["outbound_id"]

    async def again() -> bool:
        return bool((await pool.outbound(clinic, retried, "sent"))["attempts"] == 2)

    await eventually(again, what="the failed message sent again")


async def test_a_failed_status_without_a_code_is_that_messages_alone(pool: World) -> None:
    clinic = await pool.clinic({"statuses": ["sent"]})
    contact = await pool.contact(clinic)
    outbound_id = (await pool.send(clinic, contact)).json()["outbound_id"]
    wamid = (await pool.outbound(clinic, outbound_id, "sent"))["wamid"]
    body = webhook(clinic.phone_number_id, {"statuses": [{"id": wamid, "status": "failed", "timestamp": "1790000000"}]})
    headers = {"Host": clinic.host, **signature(body, clinic.credentials["whatsapp"]["app-secret"])}
    assert (await pool.service.post("/webhook/whatsapp", content=body, headers=headers)).status_code == 200
    assert (await pool.outbound(clinic, outbound_id, "failed"))["error_code"] == 0
    broken = "SELECT error_code FROM atendeai.whatsapp_channel WHERE clinic_id = $1 AND error_at IS NOT NULL"
    assert await clinic.fetch(broken, clinic.id) == []


async def test_outside_the_window_by_call_by_status_and_without_asking(pool: World) -> None:
    by_call = await pool.clinic()
    contact = await pool.contact(by_call)
    aged = {"phone_number_id": by_call.phone_number_id, "user": PATIENT, "age_seconds": 86_500}
    await pool.fake.post("/_fake/window", json=aged)
    outbound_id = (await pool.send(by_call, contact)).json()["outbound_id"]
    assert (await pool.outbound(by_call, outbound_id, "failed"))["error_code"] == 131047
    assert await refusals(pool) == 1

    by_status = await pool.clinic({"window": "status"})
    contact = await pool.contact(by_status)
    await pool.fake.post("/_fake/window", json={**aged, "phone_number_id": by_status.phone_number_id})
    outbound_id = (await pool.send(by_status, contact)).json()["outbound_id"]
    assert (await pool.outbound(by_status, outbound_id, "failed"))["error_code"] == 131047

    # What the clock already says is not asked.
    await by_call.fetch(
        "UPDATE atendeai.whatsapp_contact SET last_inbound_at = now() - interval '25 hours' WHERE clinic_id = $1",
        by_call.id,
    )
    contact = (await by_call.fetch("SELECT id FROM atendeai.whatsapp_contact WHERE clinic_id = $1", by_call.id))[0][0]
    outbound_id = (await pool.send(by_call, contact)).json()["outbound_id"]
    assert (await pool.outbound(by_call, outbound_id, "failed"))["error_code"] == 131047
    assert await refusals(pool) == 1


async def test_an_answer_to_a_message_that_came_a_day_late_is_reported(pool: World) -> None:
    clinic = await pool.clinic()
    late = int(clock.now().timestamp()) - 25 * 3600
    body = webhook(clinic.phone_number_id, message("wamid.late", at=late))
    signed = signature(body, clinic.credentials["whatsapp"]["app-secret"])
    headers = {"Host": clinic.host, **signed}
    assert (await pool.service.post("/webhook/whatsapp", content=body, headers=headers)).status_code == 200
    (taken,) = await pool.conversation.until(1)
    # Whoever is to be told is away at first, and learns of it all the same.
    pool.conversation.refuse = [503, 404]
    reply = uuid4()
    outbound_id = (await pool.send(clinic, UUID(taken["contact_id"]), key=reply)).json()["outbound_id"]
    assert (await pool.outbound(clinic, outbound_id, "failed"))["attempts"] == 0  # what the clock says is not asked
    await eventually(lambda: pool.conversation.setbacks, seconds=SECONDS, what="the report")
    assert pool.conversation.setbacks == [
        {"reply_id": str(reply), "outbound_id": outbound_id, "error": "131047 Re-engagement message"}
    ]


@pytest.mark.parametrize("purpose", ["reply", "emergency"])
async def test_of_conversations_messages_only_answers_that_will_not_arrive_are_reported(
    pool: World, purpose: str
) -> None:
    clinic = await pool.clinic()
    contact, reply = await pool.contact(clinic), uuid4()
    await pool.fault(operation="messages", code=131026, count=1)
    reminder = (await pool.send(clinic, contact, purpose="reminder")).json()["outbound_id"]
    await pool.outbound(clinic, reminder, "failed")
    arrived = (await pool.send(clinic, contact)).json()["outbound_id"]
    await pool.outbound(clinic, arrived, "read")
    await pool.fault(operation="messages", code=131026, count=1)
    refused = (await pool.send(clinic, contact, key=reply, purpose=purpose)).json()["outbound_id"]
    await eventually(lambda: pool.conversation.setbacks, seconds=SECONDS, what="the report")
    assert [(one["reply_id"], one["outbound_id"]) for one in pool.conversation.setbacks] == [(str(reply), refused)]


@pytest.mark.parametrize("purpose", ["change", "reminder", "waitlist"])
async def test_notices_that_will_not_arrive_are_reported_by_their_contact(pool: World, purpose: str) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    await pool.fault(operation="messages", code=131026, count=1)
    key = uuid4()
    refused = await pool.send(clinic, contact, key=key, author="appointment", purpose=purpose)
    assert refused.status_code == 202, refused.text
    await eventually(lambda: pool.conversation.setbacks, seconds=SECONDS, what="the report")
    assert pool.conversation.setbacks == [{"contact_id": str(contact)}]
    # A time that was offered shall be offered to the next.
    assert pool.appointment.setbacks == ([{"key": str(key)}] if purpose == "waitlist" else [])


async def test_what_waits_is_taken_back_by_its_author_alone(pool: World) -> None:
    clinic = await pool.clinic()
    contact, key, other = await pool.contact(clinic), uuid4(), uuid4()
    # Messages go in order: while one is being sent, those behind it wait.
    await pool.fault(operation="messages", delay_seconds=3)
    before = (await pool.send(clinic, contact, "antes")).json()["outbound_id"]
    await pool.outbound(clinic, before, "sending")
    first = (await pool.send(clinic, contact, "lembrete", key=key, purpose="reminder")).json()["outbound_id"]
    second = (await pool.send(clinic, contact, "resposta", key=other)).json()["outbound_id"]

    async def withdraw(author: str, *keys: str) -> int:
        answer = await pool.service.post(
            "/internal/v1/outbound/withdraw", json={"keys": keys}, headers=clinic.service_headers(author)
        )
        assert answer.status_code == 200, answer.text
        return int(answer.json()["withdrawn"])

    assert await withdraw("appointment", str(key)) == 0
    assert await withdraw("conversation", str(key), str(uuid4())) == 1
    assert await withdraw("conversation", str(key)) == 0
    assert (await pool.outbound(clinic, first, "failed"))["error_title"] == "It was taken back before it was sent"
    await pool.outbound(clinic, second, "read")
    assert await withdraw("conversation", str(other)) == 0
    assert [item["text"] for item in await pool.received(clinic)] == ["antes", "resposta"]
    assert pool.conversation.setbacks == []
    [told] = await clinic.fetch(
        "SELECT actor, reason, details->'ids' AS ids FROM atendeai.audit_event"
        " WHERE clinic_id = $1 AND action = 'whatsapp.message.withdraw'",
        clinic.id,
    )
    assert tuple(told) == ("service:conversation", "subject-changed", f'["{first}"]')


async def test_a_lost_answer_is_settled_by_the_status(pool: World) -> None:
    clinic = await pool.clinic({"statuses": ["delivered"]})
    contact = await pool.contact(clinic)
    await pool.fault(operation="messages", http_status=502, after=True)
    outbound_id = (await pool.send(clinic, contact)).json()["outbound_id"]
    row = await pool.outbound(clinic, outbound_id, "delivered")
    assert row["attempts"] == 1
    (sent,) = await pool.received(clinic)
    assert row["wamid"] == sent["wamid"]


async def test_a_lost_answer_that_no_status_settles_is_sent_again(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    await pool.fault(operation="messages", http_status=502)
    outbound_id = (await pool.send(clinic, contact)).json()["outbound_id"]
    assert (await pool.outbound(clinic, outbound_id, "read"))["attempts"] == 2
    assert len(await pool.received(clinic)) == 1


async def test_lost_answers_come_to_an_end(pool: World) -> None:
    clinic = await pool.clinic({"statuses": []})
    contact = await pool.contact(clinic)
    await pool.fault(operation="messages", http_status=502)
    key = uuid4()
    outbound_id = (await pool.send(clinic, contact, key=key)).json()["outbound_id"]
    await pool.outbound(clinic, outbound_id, "sending")
    # As it stands after as many attempts as there are, the last of which had no answer either.
    await clinic.fetch(
        "UPDATE atendeai.whatsapp_outbound SET attempts = $2 WHERE clinic_id = $1", clinic.id, failures.MOST_ATTEMPTS
    )
    row = await pool.outbound(clinic, outbound_id, "failed")
    assert (row["attempts"], row["error_title"]) == (failures.MOST_ATTEMPTS, "Nobody knows whether it was sent")
    assert (await pool.send(clinic, contact, "depois")).status_code == 202  # what comes after is not held back
    assert [item["text"] for item in await pool.received(clinic)] == ["depois"]
    await eventually(lambda: pool.conversation.setbacks, seconds=SECONDS, what="the report")
    assert [one["reply_id"] for one in pool.conversation.setbacks] == [str(key)]


async def test_the_database_going_away_during_a_call_does_not_send_twice(pool: World) -> None:
    clinic = await pool.clinic({"statuses": []})
    contact = await pool.contact(clinic)
    await pool.fault(operation="messages", delay_seconds=1)
    outbound_id = (await pool.send(clinic, contact)).json()["outbound_id"]
    await pool.outbound(clinic, outbound_id, "sending")
    await clinic.fetch("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'atendeai_pool'")
    row = await pool.outbound(clinic, outbound_id, "sent")
    (sent,) = await pool.received(clinic)
    assert (row["attempts"], row["wamid"]) == (1, sent["wamid"])
    assert (await pool.inbound(clinic, "ainda aí?"))["http_statuses"] == [200]
    await pool.conversation.until(2)


async def test_a_message_left_half_sent_by_a_process_that_died(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    await pool.fault(operation="messages", code=131056)
    outbound_id = (await pool.send(clinic, contact)).json()["outbound_id"]
    await pool.outbound(clinic, outbound_id, "read")
    # As the database stands when a process dies between marking a message and hearing what became of it.
    await clinic.fetch(
        "UPDATE atendeai.whatsapp_outbound SET state = 'sending', wamid = NULL, due_at = now() + interval '1 second'"
        " WHERE clinic_id = $1",
        clinic.id,
    )
    assert (await pool.send(clinic, contact, "depois")).status_code == 202
    received = await pool.received(clinic, 3)
    assert [item["text"] for item in received] == ["Temos 14h.", "Temos 14h.", "depois"]


async def test_buttons_and_lists_are_cut_to_fit(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    buttons = [{"id": str(n), "title": f"Quarta-feira, 2 de dezembro, {n}h"} for n in (14, 15)]
    assert (await pool.send(clinic, contact, kind="buttons", buttons=buttons)).status_code == 202
    assert (await pool.send(clinic, contact, kind="list", buttons=buttons)).status_code == 202
    shown, listed = await pool.received(clinic, 2)
    titles = [b["reply"]["title"] for b in shown["payload"]["interactive"]["action"]["buttons"]]
    assert titles == ["1. Quarta-feira, 2…", "2. Quarta-feira, 2…"]
    rows = listed["payload"]["interactive"]["action"]["sections"][0]["rows"]
    assert [row["description"] for row in rows] == [button["title"] for button in buttons]


async def test_what_a_message_offers_is_shown_to_staff(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    rows = [{"id": "a", "title": "qua, 25/11 às 14h", "description": "Dra. Ana"}, {"id": "b", "title": "Outro horário"}]
    assert (await pool.send(clinic, contact, kind="list", buttons=rows)).status_code == 202
    (sent,) = await pool.received(clinic)
    assert sent["payload"]["interactive"]["action"]["sections"][0]["rows"] == rows
    page = (await pool.service.get("/api/v1/whatsapp/messages", headers=clinic.headers())).json()
    shown = {item["direction"]: item["options"] for item in page["items"]}
    offered = [{"title": row["title"], "description": row.get("description")} for row in rows]
    assert shown == {"outbound": offered, "inbound": []}


async def test_what_may_be_asked(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    bad: list[dict[str, Any]] = [
        {"text": ""},
        {"text": "x" * 4097},
        {"kind": "buttons", "buttons": []},
        {"kind": "buttons", "buttons": [{"id": str(n), "title": "x"} for n in range(4)]},
        {"kind": "text", "buttons": [{"id": "1", "title": "x"}]},
        {"kind": "picture"},
    ]
    for body in bad:
        assert (await pool.send(clinic, contact, **body)).status_code == 422
    assert (await pool.send(clinic, uuid4())).status_code == 404
    headers = clinic.service_headers("conversation")
    body = {"contact_id": str(contact), "text": "oi"}
    without_key = await pool.service.post("/internal/v1/outbound", json=body, headers=headers)
    assert without_key.json()["errors"][0]["field"] == "Idempotency-Key"
    person = await pool.service.post("/internal/v1/outbound", json=body, headers=clinic.headers())
    assert person.status_code in (401, 404)


async def test_the_daily_quota(pool: World) -> None:
    clinic = await pool.clinic(settings={"quota": {"messagesPerDay": 2}})
    contact = await pool.contact(clinic)
    ids = [(await pool.send(clinic, contact, str(n))).json()["outbound_id"] for n in range(3)]
    row = await pool.outbound(clinic, ids[2], "failed")
    assert "quota" in row["error_title"]
    assert len(await pool.received(clinic, 2)) == 2
    await pool.send(clinic, contact, "Ligue 192", purpose="emergency")
    assert [sent["text"] for sent in await pool.received(clinic, 3)] == ["0", "1", "Ligue 192"]


async def test_the_answer_to_an_emergency_waits_for_nothing_that_is_tried_again(
    pool: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    monkeypatch.setattr("atendeai.whatsapp.outbox.pause", lambda *_: timedelta(minutes=5))
    await pool.fault(operation="messages", code=131000, count=1)
    first = (await pool.send(clinic, contact, "Temos 14h.")).json()["outbound_id"]
    await eventually(lambda: refusals(pool), seconds=SECONDS, what="the refusal")
    for text, purpose in (("E 15h.", "reply"), ("Ligue 192", "emergency"), ("Ligue já", "emergency")):
        await pool.send(clinic, contact, text, purpose=purpose)
    assert [sent["text"] for sent in await pool.received(clinic, 2)] == ["Ligue 192", "Ligue já"]
    assert (await pool.outbound(clinic, first, "queued"))["attempts"] == 1


async def test_a_message_asked_for_again_under_the_contact_that_its_own_is_by_now(pool: World) -> None:
    clinic = await pool.clinic()
    number = await pool.contact(clinic, "5511911112222")
    await pool.inbound(clinic, sender=None, user_id="BR.U1")
    user = UUID((await pool.conversation.until(2))[1]["contact_id"])
    key = uuid4()
    first = (await pool.send(clinic, user, key=key)).json()
    await pool.inbound(clinic, sender="5511911112222", user_id="BR.U1")
    await eventually(lambda: pool.conversation.joins, seconds=SECONDS, what="the join")
    for contact in (number, user):
        again = await pool.send(clinic, contact, key=key)
        assert (again.status_code, again.json()) == (202, first)
    assert (await pool.send(clinic, number, "Outra coisa", key=key)).status_code == 422


async def test_what_is_worth_nothing_any_more_is_not_sent(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    now = datetime.now(UTC)
    late, fresh = [
        (await pool.send(clinic, contact, text, purpose="reminder", expires_at=until.isoformat())).json()["outbound_id"]
        for text, until in (("ontem", now - timedelta(seconds=1)), ("amanhã", now + timedelta(hours=1)))
    ]
    assert "too late" in (await pool.outbound(clinic, late, "failed"))["error_title"]
    await pool.outbound(clinic, fresh, "read")
    [sent] = await pool.received(clinic)
    assert sent["payload"]["text"]["body"] == "amanhã"


async def test_who_waits_for_redis_keeps_nobody_from_the_message(pool: World, monkeypatch: pytest.MonkeyPatch) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    free: list[int] = []
    real = Pacing.take

    async def slowly(self: Pacing, *what: Any) -> timedelta | None:
        found = "SELECT id FROM atendeai.whatsapp_outbound WHERE clinic_id = $1 FOR UPDATE NOWAIT"
        free.append(len(await clinic.fetch(found, clinic.id)))
        return await real(self, *what)

    monkeypatch.setattr(Pacing, "take", slowly)
    sent = (await pool.send(clinic, contact)).json()["outbound_id"]
    await pool.outbound(clinic, sent, "read")
    assert free == [1]
