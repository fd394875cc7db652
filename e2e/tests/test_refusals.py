"""What a clinic may not have: said in its status, with nothing of anybody else's touched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local import edge, kubectl, world
from local.guest import credentials, delete, guest, remove, wait

ILHA, CAIS = guest("ilha", 333, "Dra. Eva Dias"), guest("cais", 666, "Dr. Davi Rocha")
pytestmark = pytest.mark.e2e


@pytest.fixture
def ilha() -> Iterator[world.LocalClinic]:
    """A third clinic, nothing of which is there yet; it goes afterwards with its data."""
    yield ILHA
    remove(ILHA)


@pytest.fixture
def cais() -> Iterator[world.LocalClinic]:
    """Another one with its credentials, which claims what is Lua's."""
    with credentials(CAIS):
        yield CAIS


def _stalled(local: world.LocalClinic, *words: str) -> dict[str, Any]:
    def probe() -> dict[str, Any] | None:
        found: dict[str, Any] = kubectl.get("clinic", local.name, namespace=world.NAMESPACE)
        stalled = kubectl.condition(found, "Stalled")
        return stalled if stalled.get("status") == "True" and all(w in stalled["message"] for w in words) else None

    return kubectl.wait_for(f"clinic/{local.name} Stalled, naming {words}", probe, deadline=60)


def _answers(host: str) -> bool:
    with edge.client(host) as door:
        return door.get("/api/v1/clinics/me").status_code == 401


def test_a_missing_secret_is_named_and_heals(ilha: world.LocalClinic) -> None:
    kubectl.apply(world.clinic(ilha))
    _stalled(ilha, f"{ilha.name}-whatsapp")
    world.ensure_credentials(ilha)
    wait(ilha, seconds=60)


def test_a_namespace_of_somebody_else_is_never_taken(ilha: world.LocalClinic) -> None:
    namespace = f"{world.NAMESPACE}-{ilha.name}"
    kubectl.kubectl("create", "namespace", namespace)
    try:
        world.ensure_credentials(ilha)
        kubectl.apply(world.clinic(ilha, isolation="Dedicated", deletionPolicy="Delete"))
        _stalled(ilha, namespace)
        assert not kubectl.get("deployment", namespace=namespace)
    finally:
        delete(ilha)
        assert kubectl.get("namespace", namespace) is not None
        kubectl.kubectl("delete", "namespace", namespace, "--timeout=60s")


@pytest.mark.parametrize("local", [world.LUA], ids=["Shared"])
def test_a_claimed_host_or_number_is_refused_to_the_later_clinic(
    local: world.LocalClinic, cais: world.LocalClinic
) -> None:
    kubectl.apply(world.clinic(cais, hosts=[local.host]))
    _stalled(cais, local.host)
    whatsapp = world.clinic(cais)["spec"]["whatsapp"] | {"phoneNumberId": local.phone_number_id}
    kubectl.apply(world.clinic(cais, whatsapp=whatsapp))
    _stalled(cais, local.phone_number_id)
    # The earlier claim stays whole, also when its own resource is edited meanwhile.
    second = f"b-{local.host}"
    kubectl.apply(world.clinic(local, hosts=[local.host, second]))
    try:
        kubectl.wait_for(
            "the edited clinic served at both hosts",
            lambda: all(_answers(host) for host in (local.host, second)),
            deadline=60,
        )
        _stalled(cais, local.phone_number_id)
    finally:
        kubectl.apply(world.clinic(local))
