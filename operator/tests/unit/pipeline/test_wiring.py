"""Whom an event wakes."""

from __future__ import annotations

from typing import Any, cast

import pytest

from atendeai_operator.kube.watch import Key
from atendeai_operator.pipeline.wake import WakeQueue
from atendeai_operator.probes import Pulse
from atendeai_operator.wiring import Wiring

STACK, CLINIC = Key("stack", "ns", "dev"), Key("clinic", "ns", "sol")


class Woken:
    """A queue that only remembers."""

    def __init__(self) -> None:
        self.keys: set[Key] = set()

    def wake(self, key: Key, _after: float = 0) -> None:
        self.keys.add(key)


def _body(kind: str, name: str, spec: dict[str, Any] | None = None, **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "ns", "uid": name, "generation": 1, "labels": labels}
    return {"kind": kind, "metadata": metadata, "spec": spec or {}}


@pytest.fixture
async def wired() -> tuple[Wiring, Woken]:
    """A wiring that knows a stack and a clinic, both asleep."""
    queue = Woken()
    wiring = Wiring(cast("WakeQueue[Key]", queue), cast("Pulse", None))
    config = {"name": "on-call"}
    spec = {
        "image": {"pullSecrets": [{"name": "registry"}]},
        "monitoring": {"prometheus": {}, "alertmanager": {"configSecretRef": config}},
    }
    await wiring.stack(_body("AtendeAIStack", "dev", spec), "ADDED")
    await wiring.clinic(_body("Clinic", "sol", {"stackRef": {"name": "dev"}}), "ADDED")
    queue.keys.clear()
    return wiring, queue


async def test_a_pull_secret_wakes_the_stack_and_those_that_have_copies(wired: tuple[Wiring, Woken]) -> None:
    wiring, queue = wired
    await wiring.child(_body("Secret", "registry"))
    assert queue.keys == {STACK, CLINIC}


async def test_the_configuration_of_an_alertmanager_wakes_its_stack(wired: tuple[Wiring, Woken]) -> None:
    wiring, queue = wired
    await wiring.child(_body("Secret", "on-call"))
    assert STACK in queue.keys


async def test_what_the_prometheus_operator_says_wakes_the_stack_alone(wired: tuple[Wiring, Woken]) -> None:
    wiring, queue = wired
    labels = {"app.kubernetes.io/managed-by": "atendeai-operator", "atendeai.io/stack": "ns.dev"}
    await wiring.child(_body("Prometheus", "dev", None, **labels))
    assert queue.keys == {STACK}


async def test_the_wish_for_another_signing_key_wakes_the_clinic(wired: tuple[Wiring, Woken]) -> None:
    wiring, queue = wired
    body = _body("Clinic", "sol", {"stackRef": {"name": "dev"}})
    body["metadata"]["annotations"] = {"atendeai.io/rotate-signing-key": "1", "else": "1"}
    await wiring.clinic(body, "MODIFIED")
    assert CLINIC in queue.keys
    queue.keys.clear()
    body["metadata"]["annotations"]["else"] = "2"
    await wiring.clinic(body, "MODIFIED")
    assert CLINIC not in queue.keys


async def test_a_secret_of_nobody_wakes_nobody(wired: tuple[Wiring, Woken]) -> None:
    wiring, queue = wired
    await wiring.child(_body("Secret", "other"))
    assert not queue.keys
