"""A sample of `make soak-tenancy`: two clinics, every kind of request, cancellation, a transaction pooler."""

from __future__ import annotations

import pytest

from atendeai.kit.testing.clinics import Stack
from atendeai.kit.testing.plugin import ClinicFactory
from atendeai.kit.testing.servers import pooler
from bench import diary, soak

pytestmark = pytest.mark.integration


async def test_two_clinics_get_nothing_of_each_other(stack: Stack, clinic_factory: ClinicFactory) -> None:
    limits = {"security": {"rateLimits": {"api": {"minute": 10**6, "hour": 10**6}}}}
    clinics = [await clinic_factory(settings=limits) for _ in range(2)]
    for clinic in clinics:
        await diary.filled(clinic, soak.DAYS, clinic.name)
    with pooler(stack.postgres, {"atendeai_pool": "pool"}) as gate:
        prepared = await soak.prepare(stack, gate.port, clinics)
        try:
            await prepared.run(3000, seconds=12)
        finally:
            await prepared.kit.close()
    assert prepared.foreign == []
    assert await soak.crossed(stack, clinics) == 0
    for kind in ("fast read", "read", "webhook", "rows", "write", "foreign write", "across", "keys", "cancelled"):
        assert prepared.counts[kind] > 0, prepared.counts
    assert prepared.counts["status 200"] > prepared.counts.total() / 20
    assert prepared.counts["apart"] < prepared.counts["webhook"] / 2, prepared.counts
