"""What is read of a clinic that was stored before today's rules."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from atendeai_operator.api import names
from atendeai_operator.stack import signing
from atendeai_operator.stack.edge import edge_clinic
from atendeai_operator.stack.facts import EdgeClinic
from atendeai_operator.stack.gather import clinic_at_the_edge
from tests.unit.build import samples

ORIGIN = "https://painel.example.com"
KEYS = signing.written(signing.Ring(signing.Key("kid-0", base64.urlsafe_b64encode(b"k" * 32).decode())))


def _served(told: dict[str, Any] | None = None, /, **changes: Any) -> EdgeClinic | None:
    identity = str(samples.clinic_id("sol"))
    live = {
        "metadata": {"name": "sol", "namespace": "clinics", "uid": "u", "generation": 2},
        "spec": samples.clinic_spec(security={"corsOrigins": [ORIGIN]}) | changes,
        "status": {"clinicId": identity, "hosts": ["sol.example.com"], **(told or {})},
    }
    spec, status = clinic_at_the_edge(live)
    return edge_clinic(samples.clinic_facts().meta, spec, status, {"clinic-id": identity.encode(), **KEYS}, None)


@pytest.mark.parametrize("refused", [{"displayName": " "}, {"hosts": ["SOL"]}, {"nobody": "knows"}])
def test_a_clinic_that_todays_rules_refuse_is_served_as_before(refused: dict[str, Any]) -> None:
    assert _served() is not None
    assert _served(**refused) == _served()


def test_services_of_its_own_stay_known_while_it_rests_or_moves() -> None:
    meta = samples.clinic_facts().meta
    own = names.clinic_namespace(meta.namespace, meta.name)

    def standby(status: dict[str, Any], **spec: Any) -> str | None:
        found = _served(status, **spec)
        assert found
        return found.standby

    dedicated, shared = {"isolation": "Dedicated"}, {"isolation": "Shared"}
    assert standby({"namespace": own}, **dedicated) is None
    assert standby({"namespace": own}, **dedicated, suspended=True) == own
    assert standby({"namespace": meta.namespace}, **dedicated) == own  # from the pool to pods of its own
    assert standby({"namespace": own}, **shared) == own  # and back
    assert standby({"namespace": meta.namespace}, **shared) is None
    assert standby({"namespace": meta.namespace}, **shared, suspended=True) is None


def test_of_what_the_edge_cannot_read_it_takes_what_is_usual() -> None:
    found = _served(security={"corsOrigins": [f"{ORIGIN}:99999"]})
    assert found
    assert found.hosts == ("sol.example.com",)
    assert found.origins is None
