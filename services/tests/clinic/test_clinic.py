"""The clinic service: what the resource declares, for its own staff alone."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from atendeai.clinic.app import create_app
from atendeai.clinic.service import show_clinic, show_context
from atendeai.kit.testing.clinics import TestClinic
from atendeai.kit.testing.plugin import AppClient, ClientFactory, ClinicFactory
from atendeai.kit.testing.waiting import eventually

pytestmark = pytest.mark.integration

SAO_PAULO = ZoneInfo("America/Sao_Paulo")


@pytest.fixture
async def clinic(clinic_factory: ClinicFactory) -> TestClinic:
    return await clinic_factory()


@pytest.fixture
async def client(clinic: TestClinic, client_for: ClientFactory) -> AppClient:
    return await client_for(create_app, clinic.service_settings("clinic"))


@pytest.mark.parametrize("role", ["owner", "admin", "professional", "receptionist"])
async def test_any_staff_sees_the_clinic(client: AppClient, clinic: TestClinic, role: str) -> None:
    response = await client.get("/api/v1/clinics/me", headers=clinic.headers(role))
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["id"] == str(clinic.id)
    assert body["hosts"] == [clinic.host]
    assert body["profile"]["services"][0] == {
        "code": "consulta",
        "name": "Consulta",
        "duration_minutes": 30,
        "price_brl": "250.00",
        "preparation": None,
    }
    assert body["profile"]["policies"] == {
        "cancellation_notice_minutes": 0,
        "waiting_list": True,
        "waiting_offer_minutes": 30,
    }
    assert body["profile"]["professionals"][1]["hours"]["mon"] == [{"opens": "08:00", "closes": "18:00"}]
    assert body["profile"]["business_hours"].keys() == {"mon", "tue", "wed", "thu", "fri"}
    assert body["profile"]["address"].startswith("Rua das Flores")
    assert body["channels"]["whatsapp_configured"] is True
    for secret in clinic.credentials["whatsapp"].values():
        assert secret not in response.text


async def test_by_id_only_ones_own(client: AppClient, clinic: TestClinic, clinic_factory: ClinicFactory) -> None:
    other = await clinic_factory()
    own = await client.get(f"/api/v1/clinics/{clinic.id}", headers=clinic.headers())
    assert own.json()["id"] == str(clinic.id)
    for wanted in (other.id, uuid4()):
        refused = await client.get(f"/api/v1/clinics/{wanted}", headers=clinic.headers())
        assert refused.status_code == 404
    assert (await client.get("/api/v1/clinics/nonsense", headers=clinic.headers())).status_code == 422


async def test_strangers_see_nothing(client: AppClient, clinic: TestClinic, clinic_factory: ClinicFactory) -> None:
    other = await clinic_factory()
    crossed = {**other.headers(), "Host": clinic.host}
    for headers in ({"Host": clinic.host}, crossed):
        for path in ("/api/v1/clinics/me", "/api/v1/clinics/me/context", f"/api/v1/clinics/{clinic.id}"):
            assert (await client.get(path, headers=headers)).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", ""), ("PUT", "/me"), ("PATCH", "/me"), ("DELETE", "/6f9d2a2e-3a0f-4f44-9f0e-0c2ad4e7c001")],
)
async def test_writing_is_answered_with_where_to_write(
    client: AppClient, clinic: TestClinic, method: str, path: str
) -> None:
    response = await client.request(method, f"/api/v1/clinics{path}", json={}, headers=clinic.headers())
    assert response.status_code == 409
    assert f"kubectl edit clinic {clinic.name} --namespace atendeai" in response.json()["detail"]
    anonymous = await client.request(method, f"/api/v1/clinics{path}", json={}, headers={"Host": clinic.host})
    assert anonymous.status_code == 401


async def test_the_context_follows_the_configuration(client: AppClient, clinic: TestClinic) -> None:
    before = await client.get("/api/v1/clinics/me/context", headers=clinic.headers())
    assert before.json()["persona"]["name"] == "Sofia"
    clinic.settings["ai"]["persona"]["name"] = "Teresa"
    await clinic.write()

    async def seen() -> bool:
        answer = await client.get("/api/v1/clinics/me/context", headers=clinic.headers())
        return bool(answer.json()["persona"]["name"] == "Teresa")

    await eventually(seen, seconds=5)


@pytest.mark.parametrize(
    ("moment", "is_open", "weekday"),
    [
        (datetime(2030, 11, 25, 8, 0, tzinfo=SAO_PAULO), True, "mon"),
        (datetime(2030, 11, 25, 7, 59, tzinfo=SAO_PAULO), False, "mon"),
        (datetime(2030, 11, 25, 18, 0, tzinfo=SAO_PAULO), False, "mon"),
        (datetime(2030, 11, 24, 12, 0, tzinfo=SAO_PAULO), False, "sun"),
        (datetime(2030, 12, 25, 12, 0, tzinfo=SAO_PAULO), False, "wed"),
        (datetime(2030, 11, 26, 1, 0, tzinfo=ZoneInfo("UTC")), False, "mon"),
    ],
)
async def test_open_is_told_in_the_clinics_own_time(
    clinic: TestClinic, moment: datetime, is_open: bool, weekday: str
) -> None:
    context = show_context(clinic.tenant.config, moment)
    assert (context.open_now, context.weekday) == (is_open, weekday)
    assert context.now == moment
    assert bool(context.today) is (weekday != "sun" and moment.month != 12)


async def test_a_bare_profile_is_shown_as_it_is(clinic_factory: ClinicFactory) -> None:
    bare = await clinic_factory(profile={}, credentials={"whatsapp": {"access-token": ""}})
    view = show_clinic(bare.tenant.config)
    assert view.profile.business_hours == {}
    assert view.profile.address is None
    assert view.channels.whatsapp_configured is False
