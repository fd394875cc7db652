"""Writing first: templates when the window is closed, people's wishes, and the pace of sending."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from atendeai.domain import templates
from atendeai.kit import clock
from atendeai.kit.errors import Unavailable
from atendeai.kit.testing.clinics import TestClinic
from atendeai.kit.testing.waiting import eventually
from atendeai.whatsapp.pacing import Pacing
from atendeai.whatsapp.templates import request
from fakes import graph_templates
from tests.whatsapp.world import PATIENT, SECONDS, World

pytestmark = pytest.mark.integration

APPOINTMENT = uuid4()
LEMBRETE: dict[str, Any] = {
    "name": "atendeai_lembrete",
    "language": "pt_BR",
    "parameters": ["Maria", "amanhã, quarta-feira (26/11)", "14h"],
    "payloads": [f"confirm:{APPOINTMENT}", f"cancel:{APPOINTMENT}"],
}
BUTTONS = [{"id": f"confirm:{APPOINTMENT}", "title": "Confirmar"}, {"id": f"cancel:{APPOINTMENT}", "title": "Cancelar"}]
REMINDER: dict[str, Any] = {"kind": "buttons", "buttons": BUTTONS, "purpose": "reminder", "template": LEMBRETE}


async def approved(world: World, clinic: TestClinic, *wanted: templates.Template) -> None:
    """Have Meta approve templates."""
    bearer = {"Authorization": f"Bearer {clinic.credentials['whatsapp']['access-token']}"}
    for template in wanted or templates.TEMPLATES:
        answer = await world.fake.post("/v23.0/1000/message_templates", json=request(template), headers=bearer)
        answer.raise_for_status()


async def silent(clinic: TestClinic) -> None:
    """Let the clinic's patients have been silent for more than a day."""
    await clinic.fetch(
        "UPDATE atendeai.whatsapp_contact SET last_inbound_at = now() - interval '25 hours' WHERE clinic_id = $1",
        clinic.id,
    )


async def test_a_reminder_goes_as_buttons_inside_the_window_and_as_a_template_outside(pool: World) -> None:
    clinic = await pool.clinic()
    await approved(pool, clinic)
    contact = await pool.contact(clinic)
    assert (await pool.send(clinic, contact, "Você vem?", **REMINDER)).status_code == 202
    (inside,) = await pool.received(clinic)
    assert inside["type"] == "interactive"
    await silent(clinic)
    outbound_id = (await pool.send(clinic, contact, "Você vem?", **REMINDER)).json()["outbound_id"]
    await pool.outbound(clinic, outbound_id, "read")
    outside = (await pool.received(clinic, 2))[1]
    assert outside["type"] == "template"
    assert outside["text"] == templates.REMINDER.filled(LEMBRETE["parameters"])
    # What is pressed comes back as the payload that was given.
    press = {"type": "button", "button": {"text": "Confirmar", "payload": f"confirm:{APPOINTMENT}"}}
    await pool.inbound(clinic, message=press, context_wamid=outside["wamid"])
    pressed = (await pool.conversation.until(2))[1]
    assert (pressed["kind"], pressed["reply_id"]) == ("button", f"confirm:{APPOINTMENT}")
    assert pressed["context"] == {"outbound_id": outbound_id}
    listed = await pool.service.get("/api/v1/whatsapp/messages", headers=clinic.headers(), params={"page_size": 2})
    assert outside["text"] in [item["text"] for item in listed.json()["items"]]


@pytest.mark.parametrize("window", ["call", "status"])
async def test_when_metas_clock_says_closed_the_template_goes_instead(pool: World, window: str) -> None:
    clinic = await pool.clinic({"window": window})
    await approved(pool, clinic)
    contact = await pool.contact(clinic)
    aged = {"phone_number_id": clinic.phone_number_id, "user": PATIENT, "age_seconds": 86_500}
    await pool.fake.post("/_fake/window", json=aged)
    outbound_id = (await pool.send(clinic, contact, "Você vem?", **REMINDER)).json()["outbound_id"]
    row = await pool.outbound(clinic, outbound_id, "read")
    assert (row["as_template"], row["attempts"]) == (True, 2)


@pytest.mark.parametrize(
    ("status", "code"), [("PAUSED", 132015), ("DISABLED", 132016), ("REJECTED", 132001), ("gone", 132001)]
)
async def test_a_template_that_cannot_be_used_is_a_failure_that_says_why(pool: World, status: str, code: int) -> None:
    clinic = await pool.clinic()
    await approved(pool, clinic)
    contact = await pool.contact(clinic)
    review = {"phone_number_id": clinic.phone_number_id, "name": LEMBRETE["name"], "status": status}
    await pool.fake.post("/_fake/templates", json={**review, "notify": False, "reason": "ABUSIVE_CONTENT"})
    await silent(clinic)
    for _ in range(2):
        outbound_id = (await pool.send(clinic, contact, "Você vem?", **REMINDER)).json()["outbound_id"]
        row = await pool.outbound(clinic, outbound_id, "failed")
        assert row["error_code"] == code
        assert "atendeai_lembrete (pt_BR)" in row["error_details"]

    async def read_anew() -> Any:
        answer = await pool.service.get("/internal/v1/channel", headers=clinic.service_headers("operator"))
        body = answer.json()
        found = body["templates"]["missing" if status == "gone" else "refused"]
        return body if found == [LEMBRETE["name"]] else None

    channel = await eventually(read_anew, seconds=SECONDS, what="the channel says that a template is refused")
    assert channel["state"] == ("ok" if status == "gone" else "broken")
    if status != "gone":
        assert (channel["error"]["code"], "ABUSIVE_CONTENT" in channel["error"]["title"]) == (code, True)


async def test_what_a_template_may_hold(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    bad: list[dict[str, Any]] = [
        {"parameters": ["Maria"]},
        {"parameters": ["Maria", " ", "14h"]},
        {"payloads": ["one"]},
        {"payloads": ["x" * 129, "y"]},
        {"name": "Nome Errado"},
        {"extra": 1},
    ]
    for change in bad:
        answer = await pool.send(clinic, contact, template={**LEMBRETE, **change})
        assert answer.status_code == 422, change
    lines = {**LEMBRETE, "parameters": ["Maria", "amanhã\n(26/11)", "14h"]}
    assert (await pool.send(clinic, contact, template=lines)).status_code == 202


async def test_who_opted_out_gets_answers_and_changes_but_no_reminders(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    headers = clinic.service_headers("conversation")
    url = f"/internal/v1/contacts/{contact}/preferences"
    key = uuid4()
    first = await pool.send(clinic, contact, key=key, purpose="reminder")
    answer = await pool.service.put(url, json={"opted_out": True}, headers=headers)
    assert answer.json() == {"contact_id": str(contact), "opted_out": True}
    for purpose in ("reminder", "waitlist"):
        refused = await pool.send(clinic, contact, purpose=purpose)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:atendeai:problem:opted-out")
    # A repeated call is answered as the first one was.
    assert (await pool.send(clinic, contact, key=key, purpose="reminder")).json() == first.json()
    for purpose in ("reply", "change", "staff"):
        assert (await pool.send(clinic, contact, purpose=purpose)).status_code == 202
    await pool.service.put(url, json={"opted_out": False}, headers=headers)
    assert (await pool.send(clinic, contact, purpose="waitlist")).status_code == 202
    unknown = await pool.service.put(url.replace(str(contact), str(uuid4())), json={"opted_out": True}, headers=headers)
    assert unknown.status_code == 404


async def test_a_wish_for_no_more_is_in_the_log_once_and_so_is_its_end(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    url, headers = f"/internal/v1/contacts/{contact}/preferences", clinic.service_headers("conversation")
    for opted_out in (False, True, True, False):
        answer = await pool.service.put(url, json={"opted_out": opted_out}, headers=headers)
        assert answer.json() == {"contact_id": str(contact), "opted_out": opted_out}
    rows = await clinic.fetch(
        "SELECT actor, action, target, reason FROM atendeai.audit_event"
        " WHERE clinic_id = $1 AND action LIKE 'contact.%' ORDER BY at",
        clinic.id,
    )
    assert [tuple(row) for row in rows] == [
        ("service:conversation", f"contact.opt-{way}", f"contact:{contact}", "asked-by-patient")
        for way in ("out", "in")
    ]


async def test_a_reminder_that_was_queued_before_the_person_opted_out_is_not_sent(
    pool: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atendeai.whatsapp.outbox.pause", lambda *_: timedelta(seconds=0.4))
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    await pool.fault(operation="messages", code=131056)
    await pool.send(clinic, contact, "primeiro")
    outbound_id = (await pool.send(clinic, contact, "lembrete", purpose="reminder")).json()["outbound_id"]
    url = f"/internal/v1/contacts/{contact}/preferences"
    await pool.service.put(url, json={"opted_out": True}, headers=clinic.service_headers("conversation"))
    row = await pool.outbound(clinic, outbound_id, "failed")
    assert "asked for no more" in row["error_title"]
    assert [item["text"] for item in await pool.received(clinic)] == ["primeiro"]


async def test_two_replicas_keep_one_pace_so_that_nothing_is_refused(
    pool: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atendeai.whatsapp.pacing.PAIR_BURST", 3)
    # Two that knew nothing of each other would send every quarter of a second; a busy machine may be late by 0.2 s.
    monkeypatch.setattr("atendeai.whatsapp.pacing.PAIR_EVERY", timedelta(seconds=0.5))
    await pool.start(pool.stack.settings("whatsapp"))
    clinic = await pool.clinic({"pair_burst": 3, "pair_interval_seconds": 0.3})
    contact = await pool.contact(clinic)
    for number in range(6):
        assert (await pool.send(clinic, contact, str(number))).status_code == 202
    received = await pool.received(clinic, 6)
    assert [item["text"] for item in received] == [str(number) for number in range(6)]
    assert (await pool.fake.get("/_fake/refusals")).json()["count"] == 0


async def test_the_pace_of_a_pair_and_of_the_number(pool: World) -> None:
    clinic = await pool.clinic()
    pacing = Pacing(pool.service.kit.cache)
    now, one = clock.now(), uuid4()
    # Apart by more than a second in groups of ten, so that the number's own limit is not what is met.
    waits = [await pacing.take(clinic.id, one, now + timedelta(seconds=number // 10)) for number in range(46)]
    assert waits[:45] == [None] * 45
    assert waits[45] is not None
    assert timedelta(seconds=1) < waits[45] <= timedelta(seconds=6)
    assert await pacing.take(clinic.id, one, now + timedelta(seconds=4) + waits[45]) is None
    later = now + timedelta(minutes=1)
    others = [await pacing.take(clinic.id, uuid4(), later + timedelta(milliseconds=number)) for number in range(120)]
    assert 10 <= others.count(None) <= 80
    await pacing.slow_down(clinic.id, later + timedelta(seconds=5))
    assert await pacing.take(clinic.id, uuid4(), later + timedelta(seconds=5, milliseconds=500)) is not None
    assert await pacing.take(clinic.id, uuid4(), later + timedelta(seconds=7)) is None


async def test_without_redis_nobody_waits() -> None:
    class Away:
        def for_tenant(self, _: UUID) -> Any:
            return self

        async def eval(self, *_: Any) -> int:
            raise Unavailable("Redis")

    pacing = Pacing(Away())  # type: ignore[arg-type]  # only what is asked of it
    assert [await pacing.take(uuid4(), uuid4(), clock.now()) for _ in range(50)] == [None] * 50


def test_our_templates_are_what_the_reviewers_take() -> None:
    for template in templates.TEMPLATES:
        assert list(graph_templates.creating(request(template))) == []
        assert len(template.examples) == template.parameters
        longest = template.filled([templates.parameter("x" * 2000)] * template.parameters)
        assert len(longest) < 2048
    with pytest.raises(ValueError, match="3 parameters"):
        templates.REMINDER.filled(["Maria"])
    assert templates.parameter(" a\n\t b     c ") == "a b c"
