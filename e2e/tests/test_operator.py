"""Whatever is deleted or edited by hand is put right; what the spec says reaches the running services."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from local import edge, kubectl, world
from local.demo import Patient
from local.outside import Outside

pytestmark = pytest.mark.e2e
KEPT = {"Namespace", "PersistentVolumeClaim", "Job"}
"""Not deleted here: a namespace takes its children along (a test of its own), a claim is in use, a Job has been run."""


def _inventory(kind: str, name: str) -> list[dict[str, str]]:
    found = kubectl.get(kind, name, namespace=world.NAMESPACE)["status"]["inventory"]
    return [item for item in found if item["kind"] not in KEPT]


def _live(item: dict[str, str]) -> dict[str, Any] | None:
    resource = f"{item['kind']}.{item['group']}" if item.get("group") else item["kind"]
    found: dict[str, Any] | None = kubectl.get(resource, item["name"], namespace=item.get("namespace"))
    return found


def _back(item: dict[str, str], uid: str) -> bool:
    found = _live(item)
    return bool(found and found["metadata"]["uid"] != uid and not found["metadata"].get("deletionTimestamp"))


def _delete(item: dict[str, str]) -> str:
    """Delete an object and return the uid it had."""
    found = _live(item)
    assert found is not None, item
    resource = f"{item['kind']}.{item['group']}" if item.get("group") else item["kind"]
    namespace = ["-n", item["namespace"]] if item.get("namespace") else []
    kubectl.kubectl(*namespace, "delete", resource, item["name"], "--wait=false")
    return str(found["metadata"]["uid"])


def _wait_ready(kind: str, name: str, seconds: int = 240) -> None:
    kubectl.kubectl(
        "-n",
        world.NAMESPACE,
        "wait",
        "--for=condition=Ready",
        f"{kind}/{name}",
        f"--timeout={seconds}s",
        timeout=seconds + 20,
    )


@pytest.mark.parametrize(("kind", "name"), [("clinic", "sol"), ("stack", world.STACK)])
def test_every_deleted_child_comes_back(kind: str, name: str) -> None:
    items = _inventory(kind, name)
    assert len({item["kind"] for item in items}) >= 5, items
    deleted = [(item, _delete(item)) for item in items]
    for item, uid in deleted:
        kubectl.wait_for(f"{item['kind']}/{item['name']} again", lambda i=item, u=uid: _back(i, u), deadline=90)  # type: ignore[misc]
    _wait_ready("stack", world.STACK)
    for local in world.CLINICS:
        _wait_ready("clinic", local.name)


def test_a_deleted_namespace_comes_back_with_everything_in_it(fakes: Outside) -> None:
    before = kubectl.get("clinic", "sol", namespace=world.NAMESPACE)["status"]
    uid = kubectl.get("namespace", before["namespace"])["metadata"]["uid"]
    kubectl.kubectl("delete", "namespace", before["namespace"], "--timeout=120s", timeout=150)

    def whole() -> bool:
        found = kubectl.get("namespace", before["namespace"])
        return bool(
            found
            and found["metadata"]["uid"] != uid
            and _live({"kind": "Service", "name": "whatsapp", "namespace": before["namespace"]})
        )

    kubectl.wait_for("the namespace again", whole, deadline=90)
    _wait_ready("clinic", "sol")
    after = kubectl.get("clinic", "sol", namespace=world.NAMESPACE)["status"]
    assert after["clinicId"] == before["clinicId"]
    assert "Rua das Flores" in Patient(world.SOL, fakes).ask("qual o endereço?")


def test_an_edited_child_is_put_right() -> None:
    namespace = kubectl.get("clinic", "sol", namespace=world.NAMESPACE)["status"]["namespace"]
    before = kubectl.get("deployment", "whatsapp", namespace=namespace)["spec"]["template"]["spec"]["containers"][0]
    patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "atendeai/none:0"}]
    kubectl.kubectl("-n", namespace, "patch", "deployment", "whatsapp", "--type=json", "-p", json.dumps(patch))
    kubectl.wait_for(
        "the image put right",
        lambda: (
            kubectl.get("deployment", "whatsapp", namespace=namespace)["spec"]["template"]["spec"]["containers"][0][
                "image"
            ]
            == before["image"]
        ),
        deadline=60,
    )
    kubectl.kubectl("-n", namespace, "patch", "service", "whatsapp", "-p", '{"spec":{"selector":{"app":"none"}}}')
    kubectl.wait_for(
        "the selector put right",
        lambda: "app" not in kubectl.get("service", "whatsapp", namespace=namespace)["spec"]["selector"],
        deadline=60,
    )


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


def _stalled(name: str, *words: str) -> dict[str, Any]:
    def probe() -> dict[str, Any] | None:
        found: dict[str, Any] = kubectl.get("clinic", name, namespace=world.NAMESPACE)
        stalled = kubectl.condition(found, "Stalled")
        return stalled if stalled.get("status") == "True" and all(w in stalled["message"] for w in words) else None

    return kubectl.wait_for(f"clinic/{name} Stalled, naming {words}", probe, deadline=60)


def _answers(host: str) -> bool:
    with edge.client(host) as door:
        return door.get("/api/v1/clinics/me").status_code == 401


@pytest.fixture
def other() -> Any:
    """A third clinic's resource, removed afterwards with its data."""
    third = world.LocalClinic(
        "ilha", "Clínica Ilha", "Shared", "ilha.atendeai.local", "333000000000003", "agenda@ilha.test", "Dra. Eva Dias"
    )
    yield third
    if kubectl.get("clinic", "ilha", namespace=world.NAMESPACE) is not None:
        kubectl.kubectl(
            "-n",
            world.NAMESPACE,
            "patch",
            "clinic",
            "ilha",
            "--type=merge",
            "-p",
            '{"spec":{"deletionPolicy":"Delete"}}',
        )
        kubectl.kubectl("-n", world.NAMESPACE, "delete", "clinic", "ilha", "--timeout=120s", timeout=150)
    kubectl.kubectl("-n", world.NAMESPACE, "delete", "secret", "ilha-whatsapp", "ilha-calendar", "--ignore-not-found")


def test_a_missing_secret_is_named_and_heals(other: world.LocalClinic) -> None:
    kubectl.apply(world.clinic(other))
    _stalled("ilha", "ilha-whatsapp")
    world.ensure_credentials(other)
    kubectl.kubectl("-n", world.NAMESPACE, "wait", "--for=condition=Ready", "clinic/ilha", "--timeout=60s")


def test_a_claimed_host_or_number_is_refused_to_the_later_clinic(other: world.LocalClinic) -> None:
    world.ensure_credentials(other)
    kubectl.apply(world.clinic(other, hosts=[world.LUA.host]))
    _stalled("ilha", world.LUA.host)
    resource = world.clinic(other)
    whatsapp = copy.deepcopy(resource["spec"]["whatsapp"]) | {"phoneNumberId": world.LUA.phone_number_id}
    kubectl.apply(world.clinic(other, whatsapp=whatsapp))
    _stalled("ilha", world.LUA.phone_number_id)
    # The earlier claim stays whole, also when its own resource is edited meanwhile.
    second = f"b-{world.LUA.host}"
    kubectl.apply(world.clinic(world.LUA, hosts=[world.LUA.host, second]))
    try:
        kubectl.wait_for(
            "the edited clinic served at both hosts",
            lambda: all(_answers(host) for host in (world.LUA.host, second)),
            deadline=60,
        )
        _stalled("ilha", world.LUA.phone_number_id)
    finally:
        kubectl.apply(world.clinic(world.LUA))


def test_a_namespace_of_somebody_else_is_never_taken(other: world.LocalClinic) -> None:
    namespace = f"{world.NAMESPACE}-ilha"
    kubectl.kubectl("create", "namespace", namespace)
    try:
        world.ensure_credentials(other)
        kubectl.apply(world.clinic(other, isolation="Dedicated", deletionPolicy="Delete"))
        _stalled("ilha", namespace)
        assert not kubectl.get("deployment", namespace=namespace)
    finally:
        kubectl.kubectl("-n", world.NAMESPACE, "delete", "clinic", "ilha", "--timeout=120s", timeout=150)
        assert kubectl.get("namespace", namespace) is not None
        kubectl.kubectl("delete", "namespace", namespace, "--timeout=60s")
