"""What the operator asks of this service: its own token is taken, and what the service says is understood there."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from atendeai.domain.templates import TEMPLATES
from atendeai.kit.testing.clinics import TestClinic
from atendeai.kit.testing.waiting import eventually
from atendeai.kit.work import enqueue
from atendeai.whatsapp.templates import ACCOUNT_QUEUE, SYNC, request
from atendeai_operator.api.conditions import Reason
from atendeai_operator.pipeline.ports import Door, Report, Verdict
from atendeai_operator.probing import answers
from atendeai_operator.probing.tokens import service_token
from tests.whatsapp.world import World


def _headers(clinic: TestClinic) -> dict[str, str]:
    keys = clinic.tenant.config.credentials.jwt
    door = Door("http://whatsapp", clinic.id, keys.active, keys.keys[keys.active])
    return {"Authorization": f"Bearer {service_token(door, time.time())}", "X-Clinic-ID": str(clinic.id)}


async def _report(pool: World, clinic: TestClinic) -> Report:
    answer = await pool.service.get("/internal/v1/channel", headers=_headers(clinic))
    assert answer.status_code == 200, answer.text
    return answers.channel(answer.json())


async def test_the_operator_hears_of_a_channel_that_works_and_of_a_refused_account(pool: World) -> None:
    clinic = await pool.clinic()
    assert (await _report(pool, clinic)).verdict is Verdict.WORKING
    contact = await pool.contact(clinic)
    await pool.fault(operation="messages", code=368)
    failed = (await pool.send(clinic, contact)).json()["outbound_id"]
    await pool.outbound(clinic, failed, "failed")
    found = await _report(pool, clinic)
    assert (found.verdict, found.credentials) == (Verdict.REFUSED, False)
    assert "368" in found.text


async def test_the_operator_hears_of_a_refused_token(pool: World) -> None:
    clinic = await pool.clinic({"access_token": "another"})
    found = await _report(pool, clinic)
    assert (found.verdict, found.credentials) == (Verdict.REFUSED, True)
    assert "OAuth" in found.text


async def test_the_operator_hears_of_a_template_that_was_rejected(pool: World) -> None:
    clinic = await pool.clinic()
    review = {"phone_number_id": clinic.phone_number_id, "name": "atendeai_lembrete", "body": "Olá, {{1}}!"}
    rejected = {**review, "status": "REJECTED", "reason": "TAG_CONTENT_MISMATCH"}
    assert (await pool.fake.post("/_fake/templates", json=rejected)).json() == {"http_status": 200}
    found = await _report(pool, clinic)
    assert (found.verdict, found.credentials) == (Verdict.REFUSED, False)
    assert "atendeai_lembrete is REJECTED: TAG_CONTENT_MISMATCH (error 132001)" in found.text


async def test_the_operator_hears_of_templates_that_are_missing(pool: World) -> None:
    clinic = await pool.clinic()

    async def heard() -> Report | None:
        found = await _report(pool, clinic)
        return found if found.short else None

    found = await eventually(heard, what="the account being read")
    assert (found.verdict, found.short) == (Verdict.WORKING, Reason.TEMPLATES_MISSING)
    assert all(template.name in found.text for template in TEMPLATES)
    bearer = {"Authorization": f"Bearer {clinic.credentials['whatsapp']['access-token']}"}
    for template in TEMPLATES:
        await pool.fake.post("/v23.0/1000/message_templates", json=request(template), headers=bearer)
    async with pool.service.app.state.kit.database.transaction(clinic.tenant) as connection:
        await enqueue(connection, clinic.id, ACCOUNT_QUEUE, SYNC)

    async def whole() -> bool:
        return (await _report(pool, clinic)).short is None

    await eventually(whole, what="the account being read anew")


async def test_the_operators_token_is_worth_nothing_at_another_clinic(pool: World) -> None:
    clinic, other = await pool.clinic(), await pool.clinic()
    headers = _headers(clinic) | {"X-Clinic-ID": str(other.id)}
    assert (await pool.service.get("/internal/v1/channel", headers=headers)).status_code == 401


async def test_when_the_access_token_ends_is_told_where_meta_says_it(pool: World) -> None:
    soon = await pool.clinic({"token_days": 3})
    endless = await pool.clinic()

    async def ends(clinic: TestClinic) -> str | None:
        answer = await pool.service.get("/internal/v1/channel", headers=clinic.service_headers("health"))
        token = answer.json()["token"]
        assert token["valid"] is True
        found: str | None = token["expires_at"]
        return found

    told = await ends(soon)
    assert told is not None
    left = datetime.fromisoformat(told) - datetime.now(UTC)
    assert timedelta(days=2, hours=23) < left <= timedelta(days=3)
    assert await ends(endless) is None
