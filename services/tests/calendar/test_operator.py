"""What the operator asks of this service: its own token is taken, and what the service says is understood there."""

from __future__ import annotations

import time

import pytest

from atendeai.kit.testing.plugin import ClientFactory, ClinicFactory
from atendeai_operator.pipeline.ports import Door, Report, Verdict
from atendeai_operator.probing import answers
from atendeai_operator.probing.tokens import service_token
from tests.calendar.google_world import GoogleWorld
from tests.calendar.test_calendar_service import ANA, Service, made

pytestmark = pytest.mark.integration


async def _report(service: Service) -> Report:
    keys = service.clinic.tenant.config.credentials.jwt
    door = Door("http://calendar", service.clinic.id, keys.active, keys.keys[keys.active])
    headers = {"Authorization": f"Bearer {service_token(door, time.time())}", "X-Clinic-ID": str(service.clinic.id)}
    answer = await service.client.get("/internal/v1/status", headers=headers)
    assert answer.status_code == 200, answer.text
    return answers.calendar(answer.json())


async def test_the_operator_hears_whether_the_calendars_can_be_read(
    clinic_factory: ClinicFactory, client_for: ClientFactory, google: GoogleWorld
) -> None:
    service = await made(clinic_factory, client_for, google)
    assert (await _report(service)).verdict is Verdict.WORKING


async def test_the_operator_hears_of_a_calendar_that_is_not_shared(
    clinic_factory: ClinicFactory, client_for: ClientFactory, google: GoogleWorld
) -> None:
    service = await made(clinic_factory, client_for, google)
    await google.control("DELETE", f"/calendars/{ANA}")
    found = await _report(service)
    assert (found.verdict, found.credentials) == (Verdict.REFUSED, False)
    assert found.text.endswith("Not readable: ana.")
