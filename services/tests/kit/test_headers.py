"""Headers every answer carries, and CORS for exactly the clinic's origins."""

from __future__ import annotations

import pytest

from atendeai.kit.testing.clinics import TestClinic
from atendeai.kit.testing.plugin import AppClient, ClientFactory, ClinicFactory
from tests.kit.toy import CreateApp

pytestmark = pytest.mark.integration

ORIGIN = "https://painel.example.com"


@pytest.mark.parametrize("path", ["/health/live", "/api/v1/open", "/nope", "/api/v1/things/1", "/webhook/raw"])
async def test_every_answer_carries_them(client: AppClient, clinic: TestClinic, path: str) -> None:
    headers = (await client.get(path, headers={"Host": clinic.host})).headers
    assert headers["x-service"] == "auth"
    assert headers["x-version"] == "0.0.0-test"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "max-age=31536000" in headers["strict-transport-security"]
    assert headers["x-clinic-id"] in (str(clinic.id), "shared")
    assert len(headers["x-request-id"]) >= 8


async def test_the_clinic_is_named_where_it_is_known(
    client: AppClient, clinic: TestClinic, clinic_factory: ClinicFactory, client_for: ClientFactory, toy_app: CreateApp
) -> None:
    answer = await client.get("/api/v1/open", headers={"Host": clinic.host})
    assert answer.headers["x-clinic-id"] == str(clinic.id)
    assert answer.headers["cache-control"] == "no-store"
    dedicated = await clinic_factory(isolation="Dedicated")
    own = await client_for(toy_app, dedicated.service_settings("auth"))
    assert (await own.get("/health/live")).headers["x-clinic-id"] == str(dedicated.id)


async def test_a_request_id_is_kept_when_it_is_one(client: AppClient) -> None:
    given = await client.get("/health/live", headers={"X-Request-ID": "abcdef-123456"})
    assert given.headers["x-request-id"] == "abcdef-123456"
    made = await client.get("/health/live", headers={"X-Request-ID": "bad id with spaces\t"})
    assert made.headers["x-request-id"] != "bad id with spaces"


async def test_a_preflight_of_a_configured_origin(client: AppClient, clinic: TestClinic) -> None:
    response = await client.options(
        "/api/v1/things/1",
        headers={"Host": clinic.host, "Origin": ORIGIN, "Access-Control-Request-Method": "GET"},
    )
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert response.headers["access-control-allow-credentials"] == "true"
    assert "PATCH" in response.headers["access-control-allow-methods"]
    assert {"Authorization", "If-Match", "If-None-Match"} <= {
        *response.headers["access-control-allow-headers"].split(", ")
    }
    assert response.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example.com", "https://painel.example.com.evil.com", "http://painel.example.com", "null", "*"],
)
async def test_any_other_origin_gets_nothing(client: AppClient, clinic: TestClinic, origin: str) -> None:
    headers = {"Host": clinic.host, "Origin": origin}
    preflight = await client.options("/api/v1/things/1", headers={**headers, "Access-Control-Request-Method": "GET"})
    assert preflight.status_code == 403
    plain = await client.get("/api/v1/open", headers=headers)
    assert plain.status_code == 200
    for response in (preflight, plain):
        assert "access-control-allow-origin" not in response.headers
        assert response.headers["vary"] == "Origin"


async def test_answers_and_refusals_carry_cors_too(client: AppClient, clinic: TestClinic) -> None:
    headers = {"Host": clinic.host, "Origin": ORIGIN}
    for path in ("/api/v1/open", "/api/v1/things/1", "/api/v1/broken"):
        response = await client.get(path, headers=headers)
        assert response.headers["access-control-allow-origin"] == ORIGIN
        exposed = response.headers["access-control-expose-headers"].split(", ")
        assert {"Retry-After", "ETag", "Idempotency-Replayed"} <= {*exposed}


async def test_the_origin_of_one_clinic_is_nothing_to_another(client: AppClient, clinic_factory: ClinicFactory) -> None:
    other = await clinic_factory(settings={"security": {"corsOrigins": ["https://outra.example.com"]}})
    response = await client.get("/api/v1/open", headers={"Host": other.host, "Origin": ORIGIN})
    assert "access-control-allow-origin" not in response.headers
    unknown = await client.get("/api/v1/open", headers={"Host": "nobody.example.com", "Origin": ORIGIN})
    assert unknown.status_code == 404
    assert "access-control-allow-origin" not in unknown.headers
