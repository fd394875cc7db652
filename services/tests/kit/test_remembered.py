"""Tokens are remembered no longer, and for no more, than they are good for."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Any

import jwt
import pytest

from atendeai.kit import identity
from atendeai.kit.errors import Problem
from atendeai.kit.remembered import Remembered
from atendeai.kit.tenancy import Tenant
from atendeai.kit.testing.clinics import TestClinic
from atendeai.kit.testing.plugin import ClinicFactory


@dataclass(frozen=True)
class Proof:
    expires_at: int


def test_the_least_used_go_first() -> None:
    remembered: Remembered[Proof] = Remembered(most=3)
    under, proof = object(), Proof(int(time.time()) + 60)
    for token in "abc":
        remembered.put("person", token, under, proof)
    assert remembered.get("person", "a", under) is proof
    remembered.put("person", "d", under, proof)
    assert len(remembered) == 3
    assert remembered.get("person", "b", under) is None
    assert remembered.get("person", "a", under) is proof
    assert remembered.get("service", "a", under) is None


def test_an_expired_one_and_one_of_another_configuration_are_forgotten() -> None:
    remembered: Remembered[Proof] = Remembered()
    under = object()
    remembered.put("person", "old", under, Proof(int(time.time())))
    remembered.put("person", "good", under, Proof(int(time.time()) + 60))
    assert remembered.get("person", "old", under) is None
    assert remembered.get("person", "good", object()) is None
    assert len(remembered) == 0


@pytest.fixture
async def clinic(clinic_factory: ClinicFactory) -> TestClinic:
    return await clinic_factory()


@pytest.mark.integration
async def test_a_signature_is_checked_once_and_expiry_each_time(
    clinic: TestClinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, token = clinic.tenant, clinic.token("admin", seconds=30)
    decoded: list[str] = []
    decode = jwt.decode

    def counted(token: str, *values: Any, **named: Any) -> Any:
        decoded.append(token)
        return decode(token, *values, **named)

    monkeypatch.setattr(jwt, "decode", counted)
    first = identity.verify(tenant, token, "person")
    assert identity.verify(tenant, token, "person") is first
    assert decoded == [token]
    monkeypatch.setattr("atendeai.kit.remembered.time.time", lambda: float(first.expires_at))
    assert identity._verified.get("person", token, tenant.config) is None


@pytest.mark.integration
async def test_a_key_that_is_withdrawn_ends_what_was_remembered(clinic: TestClinic) -> None:
    tenant, token = clinic.tenant, clinic.token("admin")
    identity.verify(tenant, token, "person")
    credentials = tenant.config.credentials.model_copy(
        update={"jwt": tenant.config.credentials.jwt.model_copy(update={"keys": {}})}
    )
    rotated = Tenant(tenant.id, dataclasses.replace(tenant.config, credentials=credentials))
    with pytest.raises(Problem) as refused:
        identity.verify(rotated, token, "person")
    assert refused.value.status == 401


@pytest.mark.integration
async def test_another_clinic_and_another_kind_learn_nothing(clinic: TestClinic, clinic_factory: ClinicFactory) -> None:
    other, token = await clinic_factory(), clinic.token("admin")
    identity.verify(clinic.tenant, token, "person")
    for tenant, kind in ((other.tenant, "person"), (clinic.tenant, "service")):
        with pytest.raises(Problem):
            identity.verify(tenant, token, kind)  # type: ignore[arg-type]  # one of both
