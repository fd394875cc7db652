"""A stack's own Prometheus and Alertmanager, on a real API server with the Prometheus Operator's own definitions."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from atendeai_operator.kube.client import Cluster, connect
from atendeai_operator.kube.kinds import (
    ALERTMANAGER,
    CLUSTER_ROLE_BINDING,
    CRD,
    PROMETHEUS,
    SECRET,
    SERVICE_MONITOR,
    STACK,
    Kind,
    of_object,
)
from atendeai_operator.pipeline.errors import KubeError
from tests.pipeline.samples import running_stack
from tests.pipeline.world import World

REPOSITORY = Path(__file__).resolve().parents[3]
READY_SECONDS = 60.0
KINDS = (SERVICE_MONITOR, PROMETHEUS, ALERTMANAGER)
BOTH: dict[str, Any] = {"prometheus": {"storage": {"size": "1Gi"}}, "alertmanager": {}}


def _definitions() -> list[dict[str, Any]]:
    """Return the Prometheus Operator's definitions of the kinds that the operator makes."""
    told = subprocess.run(
        [sys.executable, "e2e/cluster", "prometheus-crds"],
        cwd=REPOSITORY,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    folder = Path(told.stdout.split()[-1])
    return [yaml.safe_load((folder / f"{kind.group}_{kind.plural}.yaml").read_text()) for kind in KINDS]


async def _until(probe: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(READY_SECONDS):
        while not await probe():  # noqa: ASYNC110 - another process's state sends no event
            await asyncio.sleep(0.1)


async def _install(kubeconfig: Path, definitions: list[dict[str, Any]]) -> None:
    cluster = await connect(kubeconfig)
    for definition in definitions:
        await cluster.apply(definition)
    for kind in KINDS:
        await _until(partial(_is_served, cluster, kind))
    await cluster.close()


async def _uninstall(kubeconfig: Path, definitions: list[dict[str, Any]]) -> None:
    cluster = await connect(kubeconfig)
    names = [definition["metadata"]["name"] for definition in definitions]
    for name in names:
        await cluster.delete(CRD, None, name)
    for name in names:
        await _until(partial(_is_gone, cluster, name))
    await cluster.close()


@pytest.fixture(scope="module")
def prometheus_operator(kubeconfig: Path) -> Iterator[None]:
    """The definitions, for the tests of this file that ask for them: all others are about clusters without them."""
    definitions = _definitions()
    asyncio.run(_install(kubeconfig, definitions))
    yield
    asyncio.run(_uninstall(kubeconfig, definitions))


async def _is_gone(cluster: Cluster, name: str) -> bool:
    return await cluster.get(CRD, None, name) is None


async def _is_served(cluster: Cluster, kind: Kind) -> bool:
    crd = await cluster.get(CRD, None, f"{kind.plural}.{kind.group}")
    conditions = ((crd or {}).get("status") or {}).get("conditions") or []
    if not any(entry["type"] == "Established" and entry["status"] == "True" for entry in conditions):
        return False
    try:
        await cluster._call("GET", kind.path("default"))
    except KubeError:
        return False
    return True


async def _told(world: World, kind: Kind, **conditions: str) -> None:
    """Say of the stack's object what the Prometheus Operator says of it."""
    live = await world.user.get(kind, world.namespace, "dev")
    assert live
    told = [
        {
            "type": name,
            "status": status,
            "observedGeneration": live["metadata"]["generation"],
            "lastTransitionTime": live["metadata"]["creationTimestamp"],
            "message": f"it is {status}",
            "reason": "",
        }
        for name, status in conditions.items()
    ]
    status = {"paused": False, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "unavailableReplicas": 0}
    patch = {"status": {**status, "conditions": told}}
    await world.user.patch(kind, world.namespace, "dev", patch, subresource="status")


async def _ready(world: World) -> dict[str, Any]:
    return (await world.conditions(STACK, "dev"))["MonitoringReady"]


# the first, because the definitions stay for the rest of the file
async def test_without_definitions_nothing_else_suffers(world: World) -> None:
    await running_stack(world, monitoring=BOTH)
    conditions = await world.conditions(STACK, "dev")
    assert conditions["Ready"]["status"] == "True", conditions["Ready"]
    assert conditions["MonitoringReady"]["reason"] == "NotInstalled"


@pytest.mark.usefixtures("prometheus_operator")
async def test_it_is_made_and_watched_and_taken_away(world: World) -> None:
    await running_stack(world, monitoring=BOTH)
    made = await world.children()
    binding = ("ClusterRoleBinding", "", f"atendeai-prometheus.{world.namespace}.dev")
    wanted = {
        binding,
        ("Prometheus", world.namespace, "dev"),
        ("Alertmanager", world.namespace, "dev"),
        ("Secret", world.namespace, "dev-alertmanager"),
        ("Service", world.namespace, "dev-prometheus"),
        ("ServiceAccount", world.namespace, "dev-prometheus"),
        ("ServiceMonitor", world.namespace, "dev-operator"),
    }
    assert wanted <= set(made)
    (subject,) = made[binding]["subjects"]
    assert (subject["namespace"], subject["name"]) == (world.namespace, "dev-prometheus")
    conditions = await world.conditions(STACK, "dev")
    assert conditions["Ready"]["status"] == "True", conditions["Ready"]
    assert conditions["MonitoringReady"]["reason"] == "Progressing"

    await _told(world, PROMETHEUS, Reconciled="False", Available="True")
    await world.settle()
    assert (await _ready(world))["message"] == "Prometheus is not reconciled: it is False"
    for kind in (PROMETHEUS, ALERTMANAGER):
        await _told(world, kind, Reconciled="True", Available="True")
    await world.settle()
    assert (await _ready(world))["status"] == "True"
    world.meter.writes.clear()
    await world.reconcile(STACK, "dev")
    assert world.meter.writes == []

    await world.change(STACK, "dev", {"spec": {"monitoring": {"prometheus": None, "alertmanager": None}}})
    await world.settle()
    left = await world.children()
    assert not wanted & set(left)
    assert ("ServiceMonitor", world.namespace, "dev-whatsapp") in left
    assert (await _ready(world))["reason"] == "Configured"


@pytest.mark.usefixtures("prometheus_operator")
async def test_what_is_deleted_or_edited_is_put_right(world: World) -> None:
    await running_stack(world, monitoring=BOTH)
    before = {
        key: live
        for key, live in (await world.children()).items()
        if key[0] in ("Prometheus", "Alertmanager", "ClusterRoleBinding", "ServiceMonitor")
    }
    for (_, namespace, name), live in before.items():
        await world.user.delete(of_object(live), namespace or None, name)
    await world.settle()
    assert set(before) <= set(await world.children())

    await world.change(PROMETHEUS, "dev", {"spec": {"retention": "1h", "externalUrl": "http://elsewhere.test"}})
    await world.change(ALERTMANAGER, "dev", {"spec": {"configSecret": "another"}})
    await world.change(CLUSTER_ROLE_BINDING, f"atendeai-prometheus.{world.namespace}.dev", {"subjects": []})
    await world.settle()
    prometheus = await world.user.get(PROMETHEUS, world.namespace, "dev")
    alertmanager = await world.user.get(ALERTMANAGER, world.namespace, "dev")
    binding = await world.user.get(CLUSTER_ROLE_BINDING, None, f"atendeai-prometheus.{world.namespace}.dev")
    assert prometheus
    assert prometheus["spec"]["retention"] == "200h"
    assert "externalUrl" not in prometheus["spec"]
    assert alertmanager
    assert alertmanager["spec"]["configSecret"] == "dev-alertmanager"
    assert binding
    assert len(binding["subjects"]) == 1


@pytest.mark.usefixtures("prometheus_operator")
async def test_it_ends_with_its_stack(world: World) -> None:
    await running_stack(world, monitoring=BOTH, deletionPolicy="Delete")
    await world.user.delete(STACK, world.namespace, "dev")
    await world.settle()
    left = {kind for kind, _, _ in await world.children()}
    assert left == {"PersistentVolumeClaim"}  # nobody plays the protection controller


@pytest.mark.usefixtures("prometheus_operator")
async def test_a_missing_configuration_stalls_and_heals(world: World) -> None:
    await running_stack(world, monitoring={**BOTH, "alertmanager": {"configSecretRef": {"name": "on-call"}}})
    stalled = (await world.conditions(STACK, "dev"))["Stalled"]
    assert (stalled["status"], stalled["reason"]) == ("True", "SecretMissing")
    assert "on-call" in stalled["message"]
    await world.user.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "on-call", "namespace": world.namespace},
            "stringData": {"alertmanager.yaml": "route: {receiver: us}\nreceivers: [{name: us}]\n"},
        }
    )
    await world.settle()
    assert (await world.conditions(STACK, "dev"))["Stalled"]["status"] == "False"
    alertmanager = await world.user.get(ALERTMANAGER, world.namespace, "dev")
    assert alertmanager
    assert alertmanager["spec"]["configSecret"] == "on-call"
    assert await world.user.get(SECRET, world.namespace, "dev-alertmanager") is None
