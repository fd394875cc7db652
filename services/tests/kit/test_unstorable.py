"""Values that are text or dates to a parser and cannot be kept: a refusal that says so, never a failure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import AwareDatetime, BaseModel, SecretStr
from sqlalchemy import text

from atendeai.kit.app import create_service
from atendeai.kit.resources import ConnectionDep, Kit
from atendeai.kit.settings import Settings
from atendeai.kit.tenancy import TenantDep
from atendeai.kit.testing.clinics import TestClinic
from atendeai.kit.testing.plugin import AppClient, ClientFactory, ClinicFactory

pytestmark = pytest.mark.integration
JSON = {"Content-Type": "application/json"}


class Note(BaseModel):
    text: str = ""
    secret: SecretStr = SecretStr("")
    at: AwareDatetime = datetime(2026, 1, 1, tzinfo=UTC)
    day: date = date(2026, 1, 1)


router = APIRouter(prefix="/api/v1/notes")


@router.post("")
async def keep(note: Note, tenant: TenantDep, connection: ConnectionDep) -> dict[str, str]:
    secret = note.secret.get_secret_value().encode()
    statement = text("SELECT CAST(:text AS text), CAST(:at AS timestamptz), CAST(:secret AS bytea)")
    await connection.execute(statement, {"text": note.text, "at": note.at, "secret": secret})
    return {"after": str(note.day + timedelta(days=1)), "clinic": str(tenant.id)}


@router.post("/json")
async def keep_json(note: Note, connection: ConnectionDep) -> None:
    await connection.execute(text("SELECT jsonb_build_object('a', CAST(:text AS text))"), {"text": note.text})


def create_app(settings: Settings) -> FastAPI:
    return create_service("user", settings, routers=[router], kit=Kit(settings))


@pytest.fixture
async def clinic(clinic_factory: ClinicFactory) -> TestClinic:
    return await clinic_factory()


@pytest.fixture
async def client(clinic: TestClinic, client_for: ClientFactory) -> AppClient:
    return await client_for(create_app, clinic.service_settings("user"))


async def _post(client: AppClient, clinic: TestClinic, body: str, path: str = "") -> httpx.Response:
    return await client.post(f"/api/v1/notes{path}", content=body, headers=clinic.headers() | JSON)


@pytest.mark.parametrize(
    "body",
    [
        '{"text": "a\\u0000b"}',
        '{"secret": "half \\ud83d"}',
        '{"day": "9999-12-31"}',
        '{"at": "0001-01-01T00:00:00+14:00"}',
        '{"at": "9999-12-31T23:59:59-14:00"}',
    ],
)
async def test_what_cannot_be_kept_is_refused(client: AppClient, clinic: TestClinic, body: str) -> None:
    answer = await _post(client, clinic, body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] == "urn:atendeai:problem:unstorable-value"
    assert (await _post(client, clinic, '{"text": "ok"}')).status_code == 200


async def test_json_columns_refuse_the_same(client: AppClient, clinic: TestClinic) -> None:
    answer = await _post(client, clinic, '{"text": "a\\u0000b"}', "/json")
    assert answer.status_code == 422
