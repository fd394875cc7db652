"""A Dedicated clinic's own pods: put to sleep, deleted, edited, and put right each time."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from local import children, edge, kubectl, world
from local.demo import Patient
from local.guest import create, credentials, delete, guest, leftovers, namespace_of, wait
from local.outside import Outside

SERRA = guest("serra", 555, "Dra. Rosa Prado", isolation="Dedicated")
pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module", autouse=True)
def seconds(fakes: Outside) -> Iterator[float]:
    """A clinic that these tests may disturb, beside those that others talk to: how long it took to be Ready."""
    with credentials(SERRA, fakes):
        yield create(SERRA, deletionPolicy="Delete")


def test_it_answers_once_it_is_ready(seconds: float, fakes: Outside, measured: Callable[[str], None]) -> None:
    measured(f"Dedicated clinic Ready after {seconds:.1f} s (goal 60 s)")
    assert "Rua das Flores" in Patient(SERRA, fakes).ask("qual o endereço?")


@contextmanager
def _knocking(patient: Patient) -> Iterator[list[str]]:
    """Deliver one and the same webhook four times a second, as Meta would again and again; gives what went wrong."""
    refused: list[str] = []
    payload = edge.text_message(patient.local, patient.number, "oi", name=patient.name)
    over = threading.Event()

    def knock() -> None:
        while not over.wait(0.25):
            try:
                answer = edge.post_webhook(patient.local, payload, patient.app_secret)
            except httpx.HTTPError as error:
                refused.append(repr(error))
            else:
                if answer.status_code != 200:
                    refused.append(
                        f"{answer.status_code} of {answer.headers.get('x-service', 'the edge')}: {answer.text}"
                    )

    with ThreadPoolExecutor(max_workers=1) as pool:
        knocks = pool.submit(knock)
        try:
            yield refused
        finally:
            over.set()
            knocks.result()


def test_an_edited_child_is_put_right() -> None:
    namespace = namespace_of(SERRA)
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


def test_a_suspended_clinic_sleeps_and_loses_nothing(fakes: Outside) -> None:
    local, namespace = SERRA, namespace_of(SERRA)
    patient = Patient(local, fakes)
    with _knocking(Patient(local, fakes)) as refused:
        kubectl.apply(world.clinic(local, deletionPolicy="Delete", suspended=True))
        try:
            wait(local, "Suspended")
            kubectl.wait_for("no pods", lambda: not kubectl.get("pods", namespace=namespace), deadline=120)
            fakes.open_window(local, patient.number)  # it is answered the moment the clinic is awake
            payload = edge.text_message(local, patient.number, "qual o endereço?", name="Ana")
            assert edge.post_webhook(local, payload, patient.app_secret).status_code == 200
            assert patient.heard() == []
        finally:
            kubectl.apply(world.clinic(local, deletionPolicy="Delete"))
        wait(local, "Suspended=False", seconds=180)  # it was Ready asleep as well
        wait(local, seconds=180)
    assert refused == [], "a webhook is taken at every moment of going to sleep and of waking"
    answer = kubectl.wait_for("the stored message answered after waking", patient.heard, deadline=90)
    assert "Rua das Flores" in answer[0]


def test_every_deleted_child_comes_back() -> None:
    # All Deployments go with the namespace, in a test of its own; here one of them stands for the eight.
    spared = {("Deployment", name) for name in world.SERVICES if name != "calendar"}
    children.delete_all("clinic", SERRA.name, spared=spared)
    wait(SERRA)


def test_a_deleted_namespace_comes_back_with_everything_in_it(fakes: Outside) -> None:
    before = kubectl.get("clinic", SERRA.name, namespace=world.NAMESPACE)["status"]
    uid = kubectl.get("namespace", before["namespace"])["metadata"]["uid"]
    kubectl.kubectl("delete", "namespace", before["namespace"], "--timeout=120s", timeout=150)

    def whole() -> bool:
        found = kubectl.get("namespace", before["namespace"])
        return bool(
            found
            and found["metadata"]["uid"] != uid
            and kubectl.get("service", "whatsapp", namespace=before["namespace"])
        )

    kubectl.wait_for("the namespace again", whole, deadline=90)
    wait(SERRA, seconds=240)
    after = kubectl.get("clinic", SERRA.name, namespace=world.NAMESPACE)["status"]
    assert after["clinicId"] == before["clinicId"]
    assert "Rua das Flores" in Patient(SERRA, fakes).ask("qual o endereço?")


def test_deleted_it_leaves_nothing_behind() -> None:
    namespace = namespace_of(SERRA)
    delete(SERRA)
    kubectl.wait_for("the namespace gone", lambda: kubectl.get("namespace", namespace) is None, deadline=90)
    assert leftovers(SERRA) == []
