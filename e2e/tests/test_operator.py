"""What the spec says reaches the running services; what is deleted of the stack comes back."""

from __future__ import annotations

import pytest

from local import children, edge, kubectl, world

pytestmark = pytest.mark.e2e


@pytest.mark.alone
def test_every_deleted_child_of_the_stack_comes_back() -> None:
    children.delete_all("stack", world.STACK)
    kubectl.wait("stack", world.STACK, namespace=world.NAMESPACE, seconds=240)
    kubectl.kubectl(
        *("-n", world.NAMESPACE, "wait", "--for=condition=Ready", "clinic", "--all", "--timeout=240s"), timeout=260
    )
    columns, *rows = kubectl.kubectl("-n", world.NAMESPACE, "get", "clinics").splitlines()
    assert columns.split()[:3] == ["NAME", "READY", "ISOLATION"]
    shown = {tuple(row.split()[:3]) for row in rows}
    assert shown >= {(local.name, "True", local.isolation) for local in world.CLINICS}


def test_a_changed_field_reaches_the_running_services(local: world.LocalClinic) -> None:
    origin = f"https://novo.{local.name}.test"

    def allowed() -> bool:
        ask = {"Access-Control-Request-Method": "GET", "Origin": origin}
        with edge.client(local.host) as door:
            answer = door.options("/api/v1/appointments", headers=ask)
            return bool(answer.headers.get("access-control-allow-origin") == origin)

    assert not allowed()
    changed = world.clinic(local, security={"corsOrigins": [f"https://painel.{local.name}.test", origin]})
    kubectl.apply(changed)
    try:
        kubectl.wait_for("the new origin answered", allowed, deadline=30)
    finally:
        kubectl.apply(world.clinic(local))
    kubectl.wait_for("the old origins again", lambda: not allowed(), deadline=30)
