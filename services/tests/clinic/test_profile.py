"""What staff add to the profile: under what the resource declares, one after the other, with a history of it all."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from atendeai.clinic.app import create_app
from atendeai.kit import clock
from atendeai.kit.testing.clinics import PROFILE, TestClinic
from atendeai.kit.testing.plugin import AppClient, ClientFactory, ClinicFactory
from atendeai.kit.testing.waiting import eventually

pytestmark = pytest.mark.integration

ME = "/api/v1/clinics/me"
AHEAD = (clock.now() + timedelta(days=40)).date()

OPEN: dict[str, Any] = {
    "businessHours": PROFILE["businessHours"],
    "services": [{"code": "consulta", "name": "Consulta", "duration": "30m", "priceBRL": "250.00"}],
    "professionals": [{"code": "ana", "name": "Dra. Ana Souza", "services": ["consulta"]}],
    "insurance": [],
    "holidays": ["2030-12-25"],
    "policies": {"cancellationNotice": "0m"},
}
"""As the operator writes it: defaults filled in, and insurance, address and preparation left open."""


@pytest.fixture
async def clinic(clinic_factory: ClinicFactory) -> TestClinic:
    return await clinic_factory(
        profile=OPEN, settings={"security": {"rateLimits": {"api": {"minute": 5000, "hour": 5000}}}}
    )


@pytest.fixture
async def client(clinic: TestClinic, client_for: ClientFactory) -> AppClient:
    return await client_for(create_app, clinic.service_settings("clinic"))


async def change(client: AppClient, clinic: TestClinic, body: dict[str, Any], **headers: str) -> httpx.Response:
    return await client.patch(f"{ME}/additions", json=body, headers={**clinic.headers("admin"), **headers})


async def close(client: AppClient, clinic: TestClinic, role: str = "owner", **body: Any) -> httpx.Response:
    return await client.post(
        f"{ME}/exceptions", json={"date_from": AHEAD.isoformat(), **body}, headers=clinic.headers(role)
    )


async def shown(client: AppClient, clinic: TestClinic) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(ME, headers=clinic.headers())).json()
    return found


async def test_what_the_resource_leaves_open_staff_set(client: AppClient, clinic: TestClinic) -> None:
    response = await change(
        client,
        clinic,
        {
            "insurance": ["Unimed", "Bradesco"],
            "address": "Rua das Flores, 100",
            "holidays": ["2031-01-02"],
            "services": {"consulta": {"preparation": "Venha em jejum."}},
            "professionals": {"ana": {"hours": {"mon": [{"opens": "09:00", "closes": "12:00"}]}}},
            "persona": {"greeting": "Olá!"},
            "reason": "Convênios novos",
        },
    )
    assert response.status_code == 200, response.text
    assert response.json()["overridden"] == {}
    found = await shown(client, clinic)
    profile = found["profile"]
    assert profile["insurance"] == ["Unimed", "Bradesco"]
    assert profile["address"] == "Rua das Flores, 100"
    assert profile["holidays"] == ["2030-12-25", "2031-01-02"]
    assert (profile["services"][0]["preparation"], profile["services"][0]["price_brl"]) == ("Venha em jejum.", "250.00")
    assert profile["professionals"][0]["hours"] == {"mon": [{"opens": "09:00", "closes": "12:00"}]}
    assert found["persona"] == {"name": "Sofia", "tone": "Friendly", "greeting": "Olá!"}
    assert found["set_by_staff"] == [
        "address",
        "holidays.2031-01-02",
        "insurance",
        "persona.greeting",
        "professionals.ana.hours",
        "services.consulta.preparation",
    ]
    taken_back = await change(client, clinic, {"insurance": None, "address": None})
    assert taken_back.json()["insurance"] is None
    assert (await shown(client, clinic))["profile"]["insurance"] == []


@pytest.mark.parametrize(
    ("body", "field", "there"),
    [
        (
            {"business_hours": {"sat": [{"opens": "08:00", "closes": "12:00"}]}},
            "business_hours",
            "spec.profile.businessHours",
        ),
        (
            {"services": {"consulta": {"price_brl": "1.00"}}},
            "services.consulta.price_brl",
            "spec.profile.services[0].priceBRL",
        ),
        ({"holidays": ["2030-12-25"]}, "holidays.2030-12-25", "spec.profile.holidays"),
        ({"persona": {"name": "Teresa"}}, "persona.name", "spec.ai.persona.name"),
    ],
)
async def test_what_it_declares_is_refused_with_the_field_to_change(
    client: AppClient, clinic: TestClinic, body: dict[str, Any], field: str, there: str
) -> None:
    response = await change(client, clinic, {**body, "insurance": ["Unimed"]})
    assert response.status_code == 409
    problem = response.json()
    assert problem["type"] == "urn:atendeai:problem:declared-elsewhere"
    assert problem["errors"] == [{"field": field, "reason": f"declared by {there} of the Clinic resource"}]
    assert f"kubectl edit clinic {clinic.name} --namespace atendeai" in problem["detail"]
    assert (await shown(client, clinic))["profile"]["insurance"] == [], "nothing of a refused change holds"


async def test_the_clinic_itself_is_refused_by_field(client: AppClient, clinic: TestClinic) -> None:
    response = await client.patch(ME, json={"display_name": "Lua", "hosts": []}, headers=clinic.headers("owner"))
    assert response.status_code == 409
    assert [one["field"] for one in response.json()["errors"]] == ["display_name", "hosts"]
    assert "spec.displayName, spec.hosts" in response.json()["detail"]
    assert "/api/v1/clinics/me/additions" in response.json()["detail"]


async def test_what_the_resource_comes_to_declare_wins(client: AppClient, clinic: TestClinic) -> None:
    await change(client, clinic, {"insurance": ["Unimed"]})
    clinic.profile["insurance"], clinic.generation = ["Amil"], 2
    await clinic.write()

    async def follows() -> bool:
        return bool((await shown(client, clinic))["profile"]["insurance"] == ["Amil"])

    await eventually(follows, seconds=5)
    kept = await client.get(f"{ME}/additions", headers=clinic.headers())
    assert kept.json()["insurance"] == ["Unimed"]
    assert kept.json()["overridden"] == {"insurance": "spec.profile.insurance"}
    assert "insurance" not in (await shown(client, clinic))["set_by_staff"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"services": {"limpeza": {"preparation": "x"}}}, "services.limpeza"),
        ({"professionals": {"eva": {"hours": {}}}}, "professionals.eva"),
        ({"nonsense": 1}, "nonsense"),
        ({"services": {"consulta": {"price_brl": "12,50"}}}, "services.consulta.price_brl"),
        ({"business_hours": {"sat": [{"opens": "12:00", "closes": "08:00"}]}}, "business_hours.sat.0"),
        (
            {"business_hours": {"sat": [{"opens": "08:00", "closes": "12:00"}, {"opens": "11:00", "closes": "13:00"}]}},
            "business_hours",
        ),
        ({"holidays": ["25/12/2030"]}, "holidays.0"),
        ({"address": "a\u0000b"}, "address"),
    ],
)
async def test_what_cannot_be_is_refused_by_field(
    client: AppClient, clinic: TestClinic, body: dict[str, Any], field: str
) -> None:
    response = await change(client, clinic, body)
    assert response.status_code == 422, response.text
    assert response.json()["errors"][0]["field"] == field


async def test_nobody_overwrites_what_they_have_not_seen(client: AppClient, clinic: TestClinic) -> None:
    read = await client.get(f"{ME}/additions", headers=clinic.headers("admin"))
    tag = read.headers["etag"]
    known = await client.get(f"{ME}/additions", headers={**clinic.headers("admin"), "If-None-Match": tag})
    assert known.status_code == 304
    first = await change(client, clinic, {"insurance": ["Unimed"]}, **{"If-Match": tag})
    assert first.status_code == 200
    assert first.headers["etag"] != tag
    late = await change(client, clinic, {"insurance": ["Amil"]}, **{"If-Match": tag})
    assert late.status_code == 412
    assert late.headers["etag"] == first.headers["etag"]
    assert (await shown(client, clinic))["profile"]["insurance"] == ["Unimed"]


async def test_of_many_at_once_with_one_etag_one_gets_through(client: AppClient, clinic: TestClinic) -> None:
    tag = (await client.get(f"{ME}/additions", headers=clinic.headers("admin"))).headers["etag"]
    answers = await asyncio.gather(
        *(change(client, clinic, {"insurance": [f"Plano {number}"]}, **{"If-Match": tag}) for number in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412, 412]


async def test_an_exception_is_set_listed_and_taken_back(client: AppClient, clinic: TestClinic) -> None:
    made = await close(client, clinic, date_to=(AHEAD + timedelta(days=2)).isoformat(), reason="Congresso")
    assert made.status_code == 201, made.text
    assert made.json()["source"] == "staff"
    assert made.json()["affected"] == (
        f"/api/v1/appointments?date_from={AHEAD}&date_to={AHEAD + timedelta(days=2)}&status=booked&outside_hours=true"
    )
    listed = await client.get(f"{ME}/exceptions", params={"date_from": str(AHEAD)}, headers=clinic.headers())
    assert [one["id"] for one in listed.json()["items"]] == [made.json()["id"]]
    known = {**clinic.headers(), "If-None-Match": listed.headers["etag"]}
    assert (await client.get(f"{ME}/exceptions", params={"date_from": str(AHEAD)}, headers=known)).status_code == 304
    assert (await shown(client, clinic))["profile"]["exceptions"][0]["reason"] == "Congresso"
    for wrong, field in (
        ({"date_from": str(AHEAD), "date_to": str(AHEAD - timedelta(days=1))}, "date_to"),
        ({"professional_code": "Ana!"}, "professional_code"),
    ):
        refused = await client.get(f"{ME}/exceptions", params=wrong, headers=clinic.headers())
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    earlier = {"date_to": str(AHEAD - timedelta(days=1))}
    assert (await client.get(f"{ME}/exceptions", params=earlier, headers=clinic.headers())).json()["items"] == []
    path, stale = f"{ME}/exceptions/{made.json()['id']}", {**clinic.headers("admin"), "If-Match": '"v1"'}
    assert (await client.delete(path, headers=stale)).status_code == 412
    right = stale | {"If-Match": listed.headers["etag"]}
    assert (await client.delete(path, params={"reason": " "}, headers=right)).status_code == 422
    assert (await client.delete(path, params={"reason": "Congresso adiado"}, headers=right)).status_code == 204
    newest = (await client.get(f"{ME}/versions", headers=clinic.headers())).json()["items"][0]
    [told] = await clinic.fetch(
        "SELECT reason FROM atendeai.audit_event WHERE clinic_id = $1 AND action = 'clinic.exception.remove'", clinic.id
    )
    assert newest["reason"] == told["reason"] == "Congresso adiado"
    again = await client.delete(f"{ME}/exceptions/{made.json()['id']}", headers=clinic.headers("admin"))
    assert again.status_code == 404
    assert (await shown(client, clinic))["profile"]["exceptions"] == []


async def test_an_exception_that_arrives_twice_is_set_once(client: AppClient, clinic: TestClinic) -> None:
    headers = {**clinic.headers("admin", subject=str(uuid4())), "Idempotency-Key": str(uuid4())}
    body = {"date_from": AHEAD.isoformat()}
    answers = [await client.post(f"{ME}/exceptions", json=body, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len((await shown(client, clinic))["profile"]["exceptions"]) == 1


async def test_exceptions_against_the_resource_or_each_other_are_refused(client: AppClient, clinic: TestClinic) -> None:
    await close(client, clinic)
    overlapping = await close(client, clinic, hours=[{"opens": "08:00", "closes": "10:00"}])
    assert overlapping.status_code == 409
    assert overlapping.json()["type"].endswith("exception-overlaps")
    assert (await close(client, clinic, professional_code="ana")).status_code == 201
    holiday = await close(client, clinic, date_from="2030-12-25", hours=[{"opens": "08:00", "closes": "10:00"}])
    assert holiday.status_code == 409
    assert "spec.profile.holidays" in holiday.json()["errors"][0]["reason"]
    clinic.profile["exceptions"] = [{"dateFrom": "2030-12-24", "hours": [{"opens": "08:00", "closes": "12:00"}]}]
    await clinic.write()
    fixed = await close(client, clinic, date_from="2030-12-20", date_to="2030-12-26")
    assert fixed.status_code == 409
    assert "spec.profile.exceptions" in fixed.json()["errors"][0]["reason"]
    for body, field in (
        ({"professional_code": "eva"}, "professional_code"),
        ({"date_from": "2020-01-01"}, "date_from"),
        ({"date_to": str(AHEAD - timedelta(days=1))}, "date_to"),
    ):
        wrong = await close(client, clinic, **body)
        assert wrong.status_code == 422, wrong.text
        assert wrong.json()["errors"][0]["field"] == field


async def test_a_day_is_not_both_a_holiday_and_given_hours(client: AppClient, clinic: TestClinic) -> None:
    hours = [{"opens": "08:00", "closes": "12:00"}]
    first, second, third = (str(AHEAD + timedelta(days=days)) for days in (0, 1, 2))
    assert (await change(client, clinic, {"holidays": [first]})).status_code == 200
    refused = await close(client, clinic, hours=hours)
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "exception-overlaps")
    assert first in refused.json()["errors"][0]["reason"]
    made = await close(client, clinic, date_from=second, hours=hours)
    refused = await change(client, clinic, {"holidays": [first, second]})
    assert refused.status_code == 409
    assert refused.json()["errors"] == [{"field": "holidays", "reason": f"overlaps the exception {made.json()['id']}"}]
    clinic.profile["exceptions"] = [{"dateFrom": third, "hours": hours}]
    await clinic.write()
    refused = await change(client, clinic, {"holidays": [first, third]})
    assert refused.json()["errors"] == [
        {"field": f"holidays.{third}", "reason": "declared by spec.profile.exceptions of the Clinic resource"}
    ]
    assert (await close(client, clinic)).status_code == 201, "closed twice is no contradiction"
    assert (await change(client, clinic, {"holidays": [first, str(AHEAD + timedelta(days=9))]})).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_body_that_is_nested_without_end_is_refused(client: AppClient, clinic: TestClinic, method: str) -> None:
    headers = {**clinic.headers("owner"), "Content-Type": "application/json"}
    path = "/api/v1/clinics" if method == "POST" else ME
    assert (await client.request(method, path, content="[" * 100_000, headers=headers)).status_code == 409
    refused = await client.request("PATCH", f"{ME}/additions", content="[" * 100_000, headers=headers)
    assert refused.status_code == 400


@pytest.mark.parametrize("role", ["professional", "receptionist", "auditor"])
async def test_only_who_runs_the_clinic_changes_it(client: AppClient, clinic: TestClinic, role: str) -> None:
    assert (await close(client, clinic, role)).status_code == 403
    refused = await client.patch(f"{ME}/additions", json={"insurance": []}, headers=clinic.headers(role))
    assert refused.status_code == 403
    for path in ("additions", "exceptions", "versions", "versions/1"):
        assert (await client.get(f"{ME}/{path}", headers=clinic.headers(role))).status_code == 200


async def test_another_clinics_staff_neither_sees_nor_changes_it(
    client: AppClient, clinic: TestClinic, clinic_factory: ClinicFactory
) -> None:
    other = await clinic_factory(profile=OPEN)
    made = await close(client, clinic)
    assert (await client.get(f"{ME}/exceptions", headers=other.headers())).json()["items"] == []
    crossed = await client.delete(f"{ME}/exceptions/{made.json()['id']}", headers=other.headers("owner"))
    assert crossed.status_code == 404
    assert (await client.get(f"{ME}/versions", headers=other.headers())).json()["items"][0]["version"] == 1
    assert len((await shown(client, clinic))["profile"]["exceptions"]) == 1


async def test_the_history_says_who_changed_what_and_when(client: AppClient, clinic: TestClinic) -> None:
    person = str(uuid4())
    await client.post(
        f"{ME}/exceptions",
        json={"date_from": AHEAD.isoformat(), "reason": "Dedetização"},
        headers=clinic.headers("owner", subject=person),
    )
    clinic.profile["services"][0]["priceBRL"], clinic.generation = "300.00", 7
    await clinic.write()
    clinic.generation = 8  # the resource changed, its profile did not
    await clinic.write()
    listed = (await client.get(f"{ME}/versions", headers=clinic.headers())).json()
    assert listed["next_page_token"] is None
    newest, middle, first = listed["items"]
    assert (newest["version"], newest["source"], newest["generation"], newest["changed_by"]) == (3, "resource", 7, None)
    assert newest["changes"] == [{"field": "services.consulta.price_brl", "before": "250.00", "after": "300.00"}]
    assert (middle["source"], middle["changed_by"], middle["reason"]) == ("staff", f"person:{person}", "Dedetização")
    assert middle["changes"] == [{"field": f"exceptions.clinic.{AHEAD}", "before": None, "after": "closed"}]
    assert (first["version"], first["source"], first["changes"]) == (1, "resource", [])
    then = (await client.get(f"{ME}/versions/2", headers=clinic.headers())).json()
    assert then["profile"]["services"][0]["price_brl"] == "250.00"
    assert len(then["profile"]["exceptions"]) == 1
    assert then["persona"]["name"] == "Sofia"
    assert (await client.get(f"{ME}/versions/4", headers=clinic.headers())).status_code == 404
    rows = await clinic.fetch(
        "SELECT actor, action, reason FROM atendeai.audit_event WHERE clinic_id = $1 AND action LIKE 'clinic.%'",
        clinic.id,
    )
    assert [tuple(row) for row in rows] == [(f"person:{person}", "clinic.exception.add", "Dedetização")]


async def test_what_changes_nothing_is_no_change(client: AppClient, clinic: TestClinic) -> None:
    await change(client, clinic, {"insurance": ["Unimed"]})
    before = await shown(client, clinic)
    nothings: list[dict[str, Any]] = [{"insurance": ["Unimed"]}, {"holidays": []}, {"services": {}}, {"address": None}]
    for nothing in nothings:
        assert (await change(client, clinic, nothing)).status_code == 200
    assert await shown(client, clinic) == before
    events = await clinic.fetch(
        "SELECT reason FROM atendeai.audit_event WHERE clinic_id = $1 AND action = 'clinic.additions.change'", clinic.id
    )
    assert [event["reason"] for event in events] == ["asked-by-staff"], "who says nothing is not made to"
    newest = (await client.get(f"{ME}/versions", headers=clinic.headers())).json()["items"][0]
    assert (newest["source"], newest["reason"]) == ("staff", None), "the history is for what people said"


async def test_the_history_is_paged_and_bounded(client: AppClient, clinic: TestClinic) -> None:
    for number in range(2, 206):
        clinic.profile["services"][0]["priceBRL"] = f"{number}.00"
        await clinic.write()
    params: dict[str, Any] = {"page_size": 90}
    seen: list[dict[str, Any]] = []
    while True:
        page = (await client.get(f"{ME}/versions", params=params, headers=clinic.headers())).json()
        seen += page["items"]
        if page["next_page_token"] is None:
            break
        params["page_token"] = page["next_page_token"]
    assert [one["version"] for one in seen] == list(range(205, 5, -1))
    assert [len(one["changes"]) for one in seen] == [1] * 199 + [0]


async def test_a_clinic_cannot_rewrite_its_history(clinic: TestClinic, client: AppClient) -> None:
    await close(client, clinic)
    for statement in (
        "DELETE FROM atendeai.profile_version",
        "UPDATE atendeai.profile_version SET actor = 'person:nobody'",
        "DELETE FROM atendeai.clinic_additions",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with client.kit.database.transaction(clinic.id) as connection:
                await connection.execute(text(statement))
