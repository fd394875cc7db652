"""What the internet can and cannot do at HAProxy's port."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

import httpx
import pytest

from local import database, edge, kubectl, world
from local.demo import Patient

pytestmark = pytest.mark.e2e
MakePatient = Callable[[world.LocalClinic], Patient]


def test_a_wrong_signature_is_refused_and_stores_nothing(local: world.LocalClinic, patient_of: MakePatient) -> None:
    patient = patient_of(local)
    wamid = f"wamid.{uuid.uuid4().hex}"
    payload = edge.text_message(local, patient.number, "oi", name="Ana", wamid=wamid)
    answer = edge.post_webhook(local, payload, "not-the-secret")
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert database.count("whatsapp_inbound", local, f"wamid = '{wamid}'") == 0


def test_the_same_webhook_ten_times_is_one_message_and_one_answer(
    local: world.LocalClinic, patient_of: MakePatient
) -> None:
    patient = patient_of(local)
    wamid = f"wamid.{uuid.uuid4().hex}"
    patient.fakes.open_window(local, patient.number)
    payload = edge.text_message(local, patient.number, "qual o endereço?", name="Ana", wamid=wamid)
    body, headers = edge.signed(payload, patient.app_secret)

    async def deliver() -> list[int]:
        base = f"https://127.0.0.1:{world.HTTPS}"
        async with httpx.AsyncClient(base_url=base, verify=False, headers={"Host": local.host}, timeout=30) as door:  # noqa: S501
            extensions = {"sni_hostname": local.host}
            posts = [
                door.post("/webhook/whatsapp", content=body, headers=headers, extensions=extensions) for _ in range(10)
            ]
            return [answer.status_code for answer in await asyncio.gather(*posts)]

    assert asyncio.run(deliver()) == [200] * 10
    kubectl.wait_for("the answer", patient.heard, deadline=60)
    assert database.count("whatsapp_inbound", local, f"wamid = '{wamid}'") == 1
    # A second answer would come through the same queue as the next one: once that is there, none can be behind it.
    patient.ask("que horas abre?")
    assert len(patient.heard()) == 2


def test_a_payload_for_another_clinics_number_reaches_neither(patient_of: MakePatient) -> None:
    patient = patient_of(world.SOL)
    wamid = f"wamid.{uuid.uuid4().hex}"
    payload = edge.text_message(world.LUA, patient.number, "oi", name="Ana", wamid=wamid)
    for door in world.CLINICS:
        body, headers = edge.signed(payload, patient.app_secret)
        with edge.client(door.host) as client:
            assert client.post("/webhook/whatsapp", content=body, headers=headers).status_code == 401
    for clinic in world.CLINICS:
        assert database.count("whatsapp_inbound", clinic, f"wamid = '{wamid}'") == 0


def test_verification_answers_the_challenge(local: world.LocalClinic) -> None:
    credentials = kubectl.secret(f"{local.name}-whatsapp", world.NAMESPACE)
    assert credentials is not None
    query = {"hub.mode": "subscribe", "hub.verify_token": credentials["verify-token"], "hub.challenge": "12345"}
    with edge.client(local.host) as door:
        answer = door.get("/webhook/whatsapp", params=query)
        assert (answer.status_code, answer.text) == (200, "12345")
        assert door.get("/webhook/whatsapp", params=query | {"hub.verify_token": "wrong"}).status_code == 403


def test_an_unknown_host_is_not_found() -> None:
    with edge.client("nobody.atendeai.local") as door:
        assert door.get("/api/v1/clinics/me").status_code == 404
        assert door.post("/webhook/whatsapp", json={}).status_code in {401, 404}


def test_internal_paths_are_not_reachable(local: world.LocalClinic) -> None:
    with edge.client(local.host) as door:
        assert door.post("/internal/v1/messages", json={}).status_code == 404
        assert door.get("/metrics").status_code == 404


def test_http_is_sent_to_https() -> None:
    answer = httpx.get(f"http://127.0.0.1:{world.HTTP}/health", headers={"Host": world.SOL.host})
    assert answer.status_code in {301, 302, 308}
    assert answer.headers["location"].startswith("https://")


def test_cors_answers_only_configured_origins(local: world.LocalClinic) -> None:
    ask = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    with edge.client(local.host) as door:
        good = f"https://painel.{local.name}.test"
        answer = door.options("/api/v1/appointments", headers=ask | {"Origin": good})
        assert answer.headers["access-control-allow-origin"] == good
        assert answer.headers["access-control-allow-credentials"] == "true"
        for bad in ("https://evil.test", f"{good}.evil.test", "null"):
            answer = door.options("/api/v1/appointments", headers=ask | {"Origin": bad})
            assert "access-control-allow-origin" not in answer.headers


def test_a_configured_origin_may_read_what_the_edge_answers_by_itself(local: world.LocalClinic) -> None:
    good = f"https://painel.{local.name}.test"
    with edge.client(local.host) as door:
        for path, status in (("/api/v1/appointments", 401), ("/api/v1/nothing", 404)):
            answer = door.get(path, headers={"Origin": good})
            assert answer.status_code == status
            assert "x-service" not in answer.headers
            assert answer.headers["access-control-allow-origin"] == good
            assert answer.headers["access-control-allow-credentials"] == "true"
            assert "Retry-After" in answer.headers["access-control-expose-headers"]
            for bad in ("https://evil.test", f"{good}.evil.test", "null"):
                refused = door.get(path, headers={"Origin": bad})
                assert refused.status_code == status
                assert "access-control-allow-origin" not in refused.headers
        webhook = door.get("/webhook/whatsapp", headers={"Origin": good})
        assert "access-control-allow-origin" not in webhook.headers


def test_bad_bodies_get_a_clear_answer(local: world.LocalClinic, patient_of: MakePatient) -> None:
    patient = patient_of(local)
    with edge.client(local.host) as door:
        answer = door.post("/webhook/whatsapp", content=b"{not json", headers={"Content-Type": "application/json"})
        assert answer.status_code in {400, 401}
        huge = b"x" * (10 * 1024 * 1024)
        assert door.post("/webhook/whatsapp", content=huge).status_code == 413
    assert patient.ask("qual o endereço?")


def test_every_answer_names_service_version_and_clinic(local: world.LocalClinic) -> None:
    with edge.client(local.host) as door:
        answer = door.get("/api/v1/clinics/me")
        assert answer.status_code == 401
        answer = door.get("/webhook/whatsapp")
    assert answer.headers["x-service"] == "whatsapp"
    assert answer.headers["x-clinic-id"] == database.clinic_id(local)
    assert answer.headers["x-version"]
    for header in ("content-security-policy", "strict-transport-security", "x-content-type-options", "referrer-policy"):
        assert header in answer.headers
