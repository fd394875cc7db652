"""The webhook's door: who is believed, and that what is believed is stored once."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from atendeai.kit.testing.clinics import TestClinic
from tests.whatsapp.world import World, message, signature, webhook

pytestmark = pytest.mark.integration
URL = "/webhook/whatsapp"


def secret(clinic: TestClinic) -> str:
    return str(clinic.credentials["whatsapp"]["app-secret"])


async def post(world: World, body: bytes, app_secret: str, host: str = "stack.example.com") -> int:
    headers = {**signature(body, app_secret), "Host": host}
    return (await world.service.post(URL, content=body, headers=headers)).status_code


async def test_verification(pool: World) -> None:
    clinic = await pool.clinic()
    token = clinic.credentials["whatsapp"]["verify-token"]
    asked = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "1158201444"}
    for host in (clinic.host, "stack.example.com"):
        answer = await pool.service.get(URL, params=asked, headers={"Host": host})
        assert (answer.status_code, answer.text) == (200, "1158201444")
    for wrong in ({"hub.verify_token": "no"}, {"hub.verify_token": ""}, {"hub.mode": "unsubscribe"}):
        answer = await pool.service.get(URL, params={**asked, **wrong}, headers={"Host": clinic.host})
        assert answer.status_code == 403
    other = await pool.clinic()
    assert (await pool.service.get(URL, params=asked, headers={"Host": other.host})).status_code == 403


async def test_ten_identical_webhooks_at_once_are_one_message(pool: World) -> None:
    clinic = await pool.clinic()
    body = webhook(clinic.phone_number_id, message("wamid.same"))
    answers = await asyncio.gather(*(post(pool, body, secret(clinic), clinic.host) for _ in range(10)))
    assert answers == [200] * 10
    assert await pool.count(clinic, "whatsapp_inbound") == 1
    assert await pool.count(clinic, "whatsapp_contact") == 1
    taken = await pool.conversation.until(1)
    assert [item["wamid"] for item in taken] == ["wamid.same"]


def _nested(levels: int) -> list[Any]:
    nested: list[Any] = []
    for _ in range(levels):
        nested = [nested]
    return nested


@pytest.mark.parametrize(
    "odd",
    [
        {"id": "wamid." + "".join(chr(0x4E00 + i * 7 % 20000) for i in range(3000))},
        {"from": "".join(chr(0x1F300 + i % 500) for i in range(900))},
        {"from": "5" * 9000},
        {"from_user_id": "".join(chr(0x4E00 + i * 11 % 20000) for i in range(3000))},
        {"x": 10**400},
        {"x": _nested(400)},
        {"x": _nested(400), "text": {"body": "half \ud83d"}},
        {"type": "t" * 9000},
        {"context": {"id": "c" * 9000}},
        {"timestamp": "-62135596800"},
    ],
    ids="+".join,
)
async def test_an_odd_message_does_not_hold_back_its_neighbour(pool: World, odd: dict[str, Any]) -> None:
    clinic = await pool.clinic()
    strange = message("wamid.odd")
    strange["messages"][0].update(odd)
    body = webhook(clinic.phone_number_id, strange, message("wamid.sane", sender="5511955554444"))
    assert await post(pool, body, secret(clinic), clinic.host) == 200
    taken = await pool.conversation.until(1)
    async with asyncio.timeout(10):
        while "wamid.sane" not in [item["wamid"] for item in taken]:
            taken = await pool.conversation.until(2)


@pytest.mark.parametrize("code", [10**12, -(2**31) - 1, 2**70, True, "131026"])
async def test_an_odd_error_code_is_a_failure_all_the_same(pool: World, code: Any) -> None:
    clinic = await pool.clinic()
    status = {"id": "wamid.none", "status": "failed", "timestamp": "1790000000", "errors": [{"code": code}]}
    opaque = {**status, "id": "wamid.other", "biz_opaque_callback_data": f"{uuid4()}:{10**30}"}
    body = webhook(clinic.phone_number_id, {"statuses": [status, opaque]})
    assert await post(pool, body, secret(clinic), clinic.host) == 200
    assert await pool.count(clinic, "whatsapp_status") == 2


async def test_senders_without_a_number_are_nobody_together(pool: World) -> None:
    clinic = await pool.clinic()
    values = []
    for wamid, sender in (("wamid.a", "(none)"), ("wamid.b", "unknown")):
        value = message(wamid, sender=sender)
        value["contacts"] = []
        values.append(value)
    assert await post(pool, webhook(clinic.phone_number_id, *values), secret(clinic), clinic.host) == 200
    assert await pool.count(clinic, "whatsapp_contact") == 0


async def test_a_wrong_signature_stores_nothing(pool: World) -> None:
    clinic = await pool.clinic()
    body = webhook(clinic.phone_number_id, message("wamid.forged"))
    assert await post(pool, body, "wrong", clinic.host) == 401
    assert await post(pool, body, "", clinic.host) == 401
    unsigned = await pool.service.post(URL, content=body, headers={"Host": clinic.host})
    assert unsigned.status_code == 401
    assert unsigned.headers["content-type"] == "application/problem+json"
    tampered = {**signature(body, secret(clinic)), "Host": clinic.host}
    assert (await pool.service.post(URL, content=body + b" ", headers=tampered)).status_code == 401
    assert await pool.count(clinic, "whatsapp_inbound") == 0


async def test_without_an_app_secret_nobody_is_believed(pool: World) -> None:
    clinic = await pool.clinic_factory(credentials={"whatsapp": {"app-secret": ""}})
    body = webhook(clinic.phone_number_id, message("wamid.empty"))
    assert await post(pool, body, "", clinic.host) == 401
    assert await pool.count(clinic, "whatsapp_inbound") == 0


async def test_the_number_of_b_under_the_secret_of_a_reaches_neither(pool: World) -> None:
    a, b = await pool.clinic(), await pool.clinic()
    body = webhook(b.phone_number_id, message("wamid.crossed"))
    for host in (a.host, b.host, "stack.example.com"):
        assert await post(pool, body, secret(a), host) == 401
    # Signed by its owner, but sent to somebody else's door.
    assert await post(pool, body, secret(b), a.host) == 401
    for clinic in (a, b):
        assert await pool.count(clinic, "whatsapp_inbound") == 0
    assert await post(pool, body, secret(b)) == 200
    assert await pool.count(b, "whatsapp_inbound") == 1


async def test_changes_that_do_not_verify_are_dropped_and_the_others_kept(pool: World) -> None:
    a, b = await pool.clinic(), await pool.clinic()
    ours, theirs = message("wamid.ours"), message("wamid.theirs")
    theirs["metadata"] = {"phone_number_id": b.phone_number_id}
    body = webhook(a.phone_number_id, ours, theirs)
    assert await post(pool, body, secret(a)) == 200
    assert await pool.count(a, "whatsapp_inbound") == 1
    assert await pool.count(b, "whatsapp_inbound") == 0


async def test_unknown_numbers_and_bodies_that_are_no_webhooks(pool: World) -> None:
    clinic = await pool.clinic()
    assert await post(pool, webhook("000", message("wamid.x")), secret(clinic)) == 401
    for body in (b"not json", b"[]", b"{}", b'{"entry": {}}', b'{"entry": [' * 5000):
        answer = await pool.service.post(URL, content=body, headers=signature(body, secret(clinic)))
        assert answer.status_code == 400
        assert answer.json()["type"] == "urn:atendeai:problem:not-a-webhook"
    big = b'{"entry": [], "padding": "' + b"x" * 10_000_000 + b'"}'
    answer = await pool.service.post(URL, content=big, headers=signature(big, secret(clinic)))
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")


async def test_as_much_as_meta_sends_at_once_is_taken_here_alone(pool: World) -> None:
    clinic = await pool.clinic()
    padding = {"padding": "x" * 3_000_000}
    body = webhook(clinic.phone_number_id, {**message("wamid.big"), **padding})
    assert await post(pool, body, secret(clinic), clinic.host) == 200
    assert await pool.count(clinic, "whatsapp_inbound") == 1
    headers = clinic.service_headers("conversation", uuid4())
    assert (await pool.service.post("/internal/v1/outbound", json=padding, headers=headers)).status_code == 413


async def test_a_dedicated_service_takes_its_own_clinic_alone(world: World) -> None:
    ours = await world.clinic(isolation="Dedicated")
    other = await world.clinic(isolation="Dedicated")
    await world.start(ours.service_settings("whatsapp"))
    theirs = webhook(other.phone_number_id, message("wamid.theirs"))
    assert await post(world, theirs, secret(other), ours.host) == 401
    assert await post(world, theirs, secret(ours), ours.host) == 401
    assert await post(world, webhook(ours.phone_number_id, message("wamid.ours")), secret(ours), ours.host) == 200
    assert await world.count(ours, "whatsapp_inbound") == 1
    assert await world.count(other, "whatsapp_inbound") == 0
    await world.conversation.until(1)


async def test_the_pool_keeps_what_is_sent_to_suspended_clinics_until_they_wake(pool: World) -> None:
    clinic = await pool.clinic(isolation="Shared", suspended=True)
    awake = await pool.clinic()
    assert (await pool.inbound(clinic))["http_statuses"] == [200]
    assert (await pool.inbound(awake, sender="5521911112222"))["http_statuses"] == [200]
    taken = await pool.conversation.until(1)
    assert [item["contact"]["wa_id"] for item in taken] == ["5521911112222"]
    assert await pool.count(clinic, "whatsapp_inbound") == 1
    clinic.suspended = False
    await clinic.write()
    taken = await pool.conversation.until(2)
    assert taken[1]["contact"]["wa_id"] == "5511987654321"


async def test_the_pool_stores_for_a_dedicated_clinic_and_its_own_service_hands_on(pool: World) -> None:
    clinic = await pool.clinic(isolation="Dedicated")
    body = webhook(clinic.phone_number_id, message("wamid.stack"))
    assert await post(pool, body, secret(clinic)) == 200
    assert await pool.count(clinic, "whatsapp_inbound") == 1
    assert pool.conversation.taken == []
    await pool.start(clinic.service_settings("whatsapp"))
    (taken,) = await pool.conversation.until(1)
    assert taken["wamid"] == "wamid.stack"


async def test_text_that_postgresql_cannot_hold_is_kept_readable(pool: World) -> None:
    clinic = await pool.clinic()
    odd = webhook(clinic.phone_number_id, message("wamid.nul", "a\x00b"))
    assert await post(pool, odd, secret(clinic)) == 200
    half = webhook(clinic.phone_number_id, message("wamid.half", "tudo bem \ud83d"))
    assert await post(pool, half, secret(clinic)) == 200
    texts = {item["text"] for item in await pool.conversation.until(2)}
    assert texts == {"ab", "tudo bem ?"}
