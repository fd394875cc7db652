"""Bringing a number into service by API, and the account's news."""

from __future__ import annotations

from typing import Any

import pytest

from atendeai.domain.templates import TEMPLATES
from atendeai.kit.testing.clinics import TestClinic
from atendeai.kit.testing.waiting import eventually
from atendeai.whatsapp.onboarding_texts import message as told
from tests.whatsapp.world import PATIENT, SECONDS, World, signature

pytestmark = pytest.mark.integration
URL = "/api/v1/whatsapp/onboarding"
NAMES = [template.name for template in TEMPLATES]


async def onboard(world: World, clinic: TestClinic, **body: Any) -> dict[str, Any]:
    answer = await world.service.post(URL, json=body, headers=clinic.headers("admin"))
    assert answer.status_code == 200, answer.text
    state: dict[str, Any] = answer.json()
    return state


def steps(state: dict[str, Any]) -> dict[str, bool]:
    return {step["name"]: step["ok"] for step in state["steps"]}


async def channel(world: World, clinic: TestClinic) -> dict[str, Any]:
    answer = await world.service.get("/internal/v1/channel", headers=clinic.service_headers("operator"))
    body: dict[str, Any] = answer.json()
    return body


async def news(world: World, clinic: TestClinic, field: str, **value: Any) -> None:
    body = {"phone_number_id": clinic.phone_number_id, "field": field, "value": value}
    assert (await world.fake.post("/_fake/news", json=body)).json() == {"http_status": 200}


async def test_a_number_is_brought_into_service_step_by_step(pool: World) -> None:
    clinic = await pool.clinic({"registered": False, "pin": "123456"})
    assert steps((await pool.service.get(URL, headers=clinic.headers())).json()) == dict.fromkeys(
        ("register", "subscribe", "templates"), False
    )
    first = await onboard(pool, clinic)
    assert steps(first) == {"register": False, "subscribe": True, "templates": True}
    assert "give its pin" in first["steps"][0]["meta"]["error"]["title"]
    assert [step["message"] for step in first["steps"]] == [
        "O número ainda não está registrado. Informe o PIN de seis dígitos da verificação em duas etapas.",
        "As mensagens dos pacientes chegam ao endereço da clínica.",
        f"{len(NAMES)} de {len(NAMES)} modelos aprovados.",
    ]
    callback = first["steps"][1]["meta"]["data"][0]["override_callback_uri"]
    assert callback == f"https://{clinic.host}/webhook/whatsapp"
    assert [one["status"] for one in first["steps"][2]["meta"]["templates"]] == ["APPROVED"] * len(NAMES)
    # It goes on where it stopped, and shows Meta's refusal in Meta's words.
    wrong = await onboard(pool, clinic, pin="000000")
    assert (wrong["done"], wrong["steps"][0]["meta"]["error"]["code"]) == (False, 133005)
    assert wrong["steps"][0]["message"].startswith("O PIN não confere.")
    assert wrong["steps"][1]["at"] == first["steps"][1]["at"]
    right = await onboard(pool, clinic, pin="123456")
    assert (right["done"], right["steps"][0]["meta"]) == (True, {"success": True})
    assert await onboard(pool, clinic) == right
    listed = await pool.fake.get("/_fake/templates", params={"phone_number_id": clinic.phone_number_id})
    assert [template["name"] for template in listed.json()] == NAMES
    stored = await clinic.fetch(
        "SELECT onboarding::text FROM atendeai.whatsapp_channel WHERE clinic_id = $1", clinic.id
    )
    assert "123456" not in stored[0][0]
    events = await clinic.fetch(
        "SELECT reason, details::text FROM atendeai.audit_event"
        " WHERE clinic_id = $1 AND action = 'whatsapp.onboarding'",
        clinic.id,
    )
    assert [event["reason"] for event in events] == ["asked-by-staff"] * 4
    assert not any("123456" in event["details"] for event in events)


async def test_steps_fail_alone_and_can_be_asked_for_by_name(pool: World) -> None:
    clinic = await pool.clinic({"review": "reject"})
    await pool.fault(operation="subscribe", code=2)
    state = await onboard(pool, clinic)
    assert steps(state) == {"register": True, "subscribe": False, "templates": False}
    assert state["steps"][1]["meta"]["error"]["code"] == 2
    assert state["steps"][1]["message"] == "A Meta não conseguiu responder agora. Tente de novo em alguns minutos."
    assert "O modelo atendeai_lembrete não pode ser usado" in state["steps"][2]["message"]
    named = await onboard(pool, clinic, steps=["subscribe"])
    assert steps(named) == {"register": True, "subscribe": True, "templates": False}
    # A token that Meta does not take is said of each step.
    other = await pool.clinic({"access_token": "another"})
    refused = (await onboard(pool, other))["steps"]
    assert [step["meta"]["error"]["code"] for step in refused] == [190, 190, 190]
    assert all(step["message"].startswith("A Meta recusou o token de acesso") for step in refused)


async def test_what_is_not_set_is_named(pool: World) -> None:
    clinic = await pool.clinic_factory(settings={"whatsapp": {"businessAccountId": None}})
    asked = await onboard(pool, clinic, steps=["subscribe", "templates"])
    assert [step["message"] for step in asked["steps"]] == [
        "Ainda não foi feito.",
        "Falta configurar na clínica: spec.whatsapp.businessAccountId.",
        "Falta configurar na clínica: spec.whatsapp.businessAccountId.",
    ]


def test_every_refusal_is_told_in_portuguese() -> None:
    waiting = {"name": "a", "ok": True, "status": "PENDING"}
    there = {"name": "b", "ok": True, "error": {"code": 100, "error_subcode": 2388024}}
    gone = {"name": "c", "ok": False, "status": "REJECTED", "reason": "TAG_CONTENT_MISMATCH"}
    assert told("templates", ok=False, meta={"templates": [waiting, there, gone]}) == (
        "0 de 3 modelos aprovados, 2 em análise pela Meta. O modelo c não pode ser usado: TAG_CONTENT_MISMATCH."
    )
    for error, words in (
        ({"code": 100, "error_subcode": 33}, "não encontra este número"),
        ({"code": 2200}, "confirmar o endereço"),
        ({"code": 0, "http_status": 503}, "Tente de novo"),
        ({"code": 100, "title": "Invalid parameter."}, "recusou este passo: Invalid parameter (código 100)."),
        ({"code": 100, "title": "x", "error_user_msg": "Faça isto"}, "recusou este passo: Faça isto (código 100)."),
    ):
        assert words in told("register", ok=False, meta={"error": error})
    assert told("register", ok=True, meta={"success": True}) == "O número está registrado."
    assert told("templates", ok=False, meta={}) == "Ainda não foi feito."


async def test_a_callback_that_does_not_answer_is_told(pool: World) -> None:
    clinic = await pool.clinic({"host": None})
    clinic.credentials["whatsapp"]["verify-token"] = "changed-but-not-written"
    wrong = await pool.fake.post(
        "/v23.0/1000/subscribed_apps",
        json={"override_callback_uri": f"https://{clinic.host}/webhook/whatsapp", "verify_token": "no"},
        headers={"Authorization": f"Bearer {clinic.credentials['whatsapp']['access-token']}"},
    )
    assert wrong.json()["error"]["code"] == 2200
    assert "HTTP 403" in wrong.json()["error"]["error_data"]["details"]


async def test_who_may_and_what_may_be_asked(pool: World) -> None:
    clinic = await pool.clinic()
    for role in ("receptionist", "professional"):
        assert (await pool.service.post(URL, json={}, headers=clinic.headers(role))).status_code == 403
        assert (await pool.service.get("/api/v1/whatsapp/templates", headers=clinic.headers(role))).status_code == 403
    for body in ({"pin": "12345"}, {"pin": "12345a"}, {"steps": ["dance"]}, {"x": 1}):
        answer = await pool.service.post(URL, json=body, headers=clinic.headers())
        assert answer.status_code == 422
        assert "12345" not in answer.text


async def test_templates_are_listed_and_follow_metas_news(pool: World) -> None:
    clinic = await pool.clinic()
    headers = clinic.headers("owner")
    before = (await pool.service.get("/api/v1/whatsapp/templates", headers=headers)).json()
    assert (before["items"], before["missing"], before["synced_at"]) == ([], NAMES, None)
    await onboard(pool, clinic)

    async def synced() -> Any:
        body = (await pool.service.get("/api/v1/whatsapp/templates", headers=headers)).json()
        return body if body["synced_at"] and not body["missing"] else None

    listed = await eventually(synced, seconds=SECONDS, what="templates read from Meta")
    assert {item["status"] for item in listed["items"]} == {"APPROVED"}
    assert listed["items"][0]["body"]
    review = {"phone_number_id": clinic.phone_number_id, "name": NAMES[0], "status": "PAUSED"}
    assert (await pool.fake.post("/_fake/templates", json=review)).json() == {"http_status": 200}
    broken = await channel(pool, clinic)
    assert (broken["state"], broken["error"]["code"]) == ("broken", 132015)
    assert broken["templates"]["refused"] == [NAMES[0]]
    await pool.fake.post("/_fake/templates", json={**review, "status": "APPROVED"})
    assert (await channel(pool, clinic))["state"] == "ok"


async def test_news_at_the_stacks_own_address_reach_the_clinics_of_the_business_account(pool: World) -> None:
    clinic = await pool.clinic(settings={"whatsapp": {"businessAccountId": "4242"}})
    stranger = await pool.clinic(settings={"whatsapp": {"businessAccountId": "4243"}})
    await pool.start(pool.stack.settings("whatsapp"))
    await pool.register(clinic, host="stack.example.com", messaging_limit="TIER_1K")
    await pool.register(stranger, host="stack.example.com")
    await news(pool, clinic, "business_capability_update", max_daily_conversations_per_business="TIER_10K")
    assert (await channel(pool, clinic))["messaging_limit"] == "TIER_10K"
    assert (await channel(pool, stranger))["messaging_limit"] is None
    # Signed by somebody else's secret, it is nobody's.
    body = b'{"entry": [{"id": "4242", "changes": [{"field": "account_update", "value": {"event": "X"}}]}]}'
    forged = signature(body, stranger.credentials["whatsapp"]["app-secret"]) | {"Host": "stack.example.com"}
    assert (await pool.service.post("/webhook/whatsapp", content=body, headers=forged)).status_code == 401


async def test_quality_and_limit_are_read_and_counted(pool: World) -> None:
    clinic = await pool.clinic({"quality_rating": "RED", "messaging_limit": "TIER_100K"})
    await channel(pool, clinic)  # whoever looks for the first time has it read

    async def read() -> bool:
        return bool((await channel(pool, clinic))["quality_rating"] == "RED")

    await eventually(read, seconds=SECONDS, what="the quality rating")
    assert (await channel(pool, clinic))["messaging_limit"] == "TIER_100K"
    exposed = (await pool.service.get("/metrics")).text
    assert 'atendeai_whatsapp_numbers_by_quality{rating="RED"} 1.0' in exposed
    assert 'atendeai_whatsapp_numbers_by_messaging_limit{limit="TIER_100K"} 1.0' in exposed
    assert str(clinic.id) not in exposed
    # The news names no rating: it is read anew at once, not an hour later.
    await pool.register(clinic, quality_rating="YELLOW", messaging_limit="TIER_1K")
    await news(pool, clinic, "phone_number_quality_update", event="DOWNGRADE", current_limit="TIER_1K")
    assert (await channel(pool, clinic))["messaging_limit"] == "TIER_1K"

    async def read_anew() -> bool:
        return bool((await channel(pool, clinic))["quality_rating"] == "YELLOW")

    await eventually(read_anew, seconds=SECONDS, what="the quality rating anew")
    assert 'atendeai_whatsapp_numbers_by_quality{rating="YELLOW"} 1.0' in (await pool.service.get("/metrics")).text


async def test_a_locked_account_breaks_the_channel_until_it_is_reinstated(pool: World) -> None:
    clinic = await pool.clinic()
    assert (await channel(pool, clinic))["state"] == "ok"
    await news(pool, clinic, "account_update", event="DISABLED_UPDATE", ban_info={"waba_ban_state": "DISABLE"})
    locked = await channel(pool, clinic)
    assert (locked["state"], locked["error"]["code"]) == ("broken", 131031)
    assert locked["account_event"] == "DISABLED_UPDATE: DISABLE"
    await news(pool, clinic, "account_update", event="DISABLED_UPDATE", ban_info={"waba_ban_state": "REINSTATE"})
    assert (await channel(pool, clinic))["state"] == "ok"


async def test_odd_news_are_taken_and_say_nothing(pool: World) -> None:
    clinic = await pool.clinic()
    odd: list[tuple[str, dict[str, Any]]] = [
        ("security", {"event": 1}),
        ("message_template_status_update", {"event": ["APPROVED"], "message_template_name": {"a": 1}}),
        ("business_capability_update", {"max_daily_conversations_per_business": True, "current_limit": [1]}),
        ("account_update", {"event": None, "ban_info": "DISABLE"}),
        ("user_preferences", {"user_preferences": [{"wa_id": 5}, "x", {"category": "marketing_messages"}]}),
    ]
    for field, value in odd:
        await news(pool, clinic, field, **value)
    assert (await channel(pool, clinic))["state"] == "ok"


async def test_a_person_stops_and_resumes_marketing_messages(pool: World) -> None:
    clinic = await pool.clinic()
    await pool.contact(clinic)

    async def stopped() -> bool:
        rows = await clinic.fetch(
            "SELECT marketing_stopped_at FROM atendeai.whatsapp_contact WHERE clinic_id = $1", clinic.id
        )
        return rows[0][0] is not None

    for said, expected in (("stop", True), ("resume", False)):
        wish = {"wa_id": PATIENT, "category": "marketing_messages", "value": said, "timestamp": 1}
        metadata = {"phone_number_id": clinic.phone_number_id}
        await news(pool, clinic, "user_preferences", metadata=metadata, user_preferences=[wish])
        assert await stopped() is expected
