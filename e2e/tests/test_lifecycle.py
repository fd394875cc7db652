"""Suspending, waking, deleting and re-creating a clinic: what stays, what goes, and who may have it back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from local import database, edge, kubectl, world
from local.demo import Patient
from local.outside import Outside

pytestmark = pytest.mark.e2e


def _wait(name: str, condition: str = "Ready", seconds: int = 120) -> None:
    kubectl.kubectl(
        "-n",
        world.NAMESPACE,
        "wait",
        f"--for=condition={condition}",
        f"clinic/{name}",
        f"--timeout={seconds}s",
        timeout=seconds + 20,
    )


def _pods(namespace: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = kubectl.get("pods", namespace=namespace)
    return found


@contextmanager
def _knocking(patient: Patient) -> Iterator[list[str]]:
    """Deliver one and the same webhook four times a second, as Meta would again and again; gives what went wrong."""
    refused: list[str] = []
    payload = edge.text_message(patient.local, patient.number, "oi", name=patient.name)
    over = threading.Event()

    def knock() -> None:
        while not over.wait(0.25):
            try:
                status = edge.post_webhook(patient.local, payload, patient.app_secret).status_code
            except httpx.HTTPError as error:
                refused.append(type(error).__name__)
            else:
                if status != 200:
                    refused.append(str(status))

    with ThreadPoolExecutor(max_workers=1) as pool:
        knocks = pool.submit(knock)
        try:
            yield refused
        finally:
            over.set()
            knocks.result()


def test_a_suspended_clinic_sleeps_and_loses_nothing(fakes: Outside) -> None:
    local = world.SOL
    namespace = kubectl.get("clinic", local.name, namespace=world.NAMESPACE)["status"]["namespace"]
    patient = Patient(local, fakes)
    with _knocking(Patient(local, fakes)) as refused:
        kubectl.apply(world.clinic(local, suspended=True))
        try:
            _wait(local.name, "Suspended")
            kubectl.wait_for("no pods", lambda: not _pods(namespace), deadline=120)
            payload = edge.text_message(local, patient.number, "qual o endereço?", name="Ana")
            assert edge.post_webhook(local, payload, patient.app_secret).status_code == 200
            assert patient.heard() == []
        finally:
            kubectl.apply(world.clinic(local))
        _wait(local.name, "Suspended=False", seconds=180)  # it was Ready asleep as well
        _wait(local.name, seconds=180)
    assert refused == [], "a webhook is taken at every moment of going to sleep and of waking"
    fakes.open_window(local, patient.number)
    answer = kubectl.wait_for("the stored message answered after waking", patient.heard, deadline=90)
    assert "Rua das Flores" in answer[0]


@pytest.fixture
def mar(fakes: Outside) -> Iterator[world.LocalClinic]:
    """A third clinic with its credentials; whatever is left of it goes at the end."""
    local = world.LocalClinic(
        "rio", "Clínica Rio", "Shared", "rio.atendeai.local", "444000000000004", "agenda@rio.test", "Dr. Caio Luz"
    )
    world.ensure_credentials(local)
    fakes.register(local)
    yield local
    if kubectl.get("clinic", local.name, namespace=world.NAMESPACE) is not None:
        kubectl.kubectl("-n", world.NAMESPACE, "delete", "clinic", local.name, "--timeout=120s", timeout=150)
    for name in ("rio-whatsapp", "rio-calendar", "rio-clinic", "rio-owner-invitation"):
        kubectl.kubectl("-n", world.NAMESPACE, "delete", "secret", name, "--ignore-not-found")


def _create(local: world.LocalClinic, **changes: Any) -> float:
    began = time.monotonic()
    kubectl.apply(world.clinic(local, **changes))
    _wait(local.name)
    return time.monotonic() - began


def _delete(local: world.LocalClinic) -> None:
    kubectl.kubectl("-n", world.NAMESPACE, "delete", "clinic", local.name, "--timeout=120s", timeout=150)


def _rows(clinic_id: str) -> int:
    suffix = clinic_id.replace("-", "")
    if database.psql(f"select to_regclass('atendeai.whatsapp_inbound_{suffix}') is null") == [["t"]]:
        return 0
    return int(database.psql(f"select count(*) from atendeai.whatsapp_inbound_{suffix}")[0][0])


def _leftovers(name: str) -> list[str]:
    label = f"atendeai.io/clinic={world.NAMESPACE}.{name}"
    kinds = (
        "namespaces,deployments,services,configmaps,secrets,networkpolicies,serviceaccounts,poddisruptionbudgets,"
        "resourcequotas,limitranges,roles,rolebindings"
    )
    return kubectl.kubectl("get", kinds, "-A", "-l", label, "-o", "name").split()


def test_a_shared_clinic_is_ready_in_time_and_its_data_follows_its_policy(
    mar: world.LocalClinic, fakes: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = _create(mar)
    with capsys.disabled():
        print(f"\nShared clinic Ready after {seconds:.1f} s (goal 15 s)")
    assert seconds < 15
    clinic_id = database.clinic_id(mar)
    Patient(mar, fakes).ask("qual o endereço?")
    assert _rows(clinic_id) > 0

    _delete(mar)
    assert _leftovers(mar.name) == [f"secret/{mar.name}-clinic"], "Retain keeps the data, and the keys to it"
    assert _rows(clinic_id) > 0
    with edge.client(mar.host) as door:
        kubectl.wait_for("the host gone", lambda: door.get("/api/v1/clinics/me").status_code == 404, deadline=30)

    kubectl.apply(world.clinic(mar))
    _wait(mar.name, "Stalled")
    message = kubectl.condition(kubectl.get("clinic", mar.name, namespace=world.NAMESPACE), "Stalled")["message"]
    assert clinic_id in message
    _delete(mar)

    _create(mar, clinicId=clinic_id, deletionPolicy="Delete")
    assert database.clinic_id(mar) == clinic_id
    assert _rows(clinic_id) > 0
    _delete(mar)
    assert _rows(clinic_id) == 0
    assert _leftovers(mar.name) == []
    assert kubectl.get("secret", f"{mar.name}-clinic", namespace=world.NAMESPACE) is None


def test_a_dedicated_clinic_is_ready_in_time_and_leaves_nothing_behind(
    mar: world.LocalClinic, fakes: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = _create(mar, isolation="Dedicated", deletionPolicy="Delete")
    with capsys.disabled():
        print(f"\nDedicated clinic Ready after {seconds:.1f} s (goal 60 s)")
    assert seconds < 60
    Patient(mar, fakes).ask("qual o endereço?")
    namespace = kubectl.get("clinic", mar.name, namespace=world.NAMESPACE)["status"]["namespace"]
    _delete(mar)
    kubectl.wait_for("the namespace gone", lambda: kubectl.get("namespace", namespace) is None, deadline=90)
    assert _leftovers(mar.name) == []
