"""A control plane for the session, with the project's CRDs, and a namespace for each test."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from atendeai_operator.api.crds import crds
from atendeai_operator.kube.client import Cluster, connect
from atendeai_operator.kube.kinds import CRD, STACK
from atendeai_operator.pipeline.errors import KubeError
from tests.pipeline.controlplane import control_plane
from tests.pipeline.world import World

READY_SECONDS = 60.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.pipeline)


async def _install(kubeconfig: Path) -> None:
    cluster, wanted = await connect(kubeconfig), list(crds().values())
    try:
        async with asyncio.timeout(READY_SECONDS):
            for crd in wanted:
                while True:
                    try:
                        await cluster.apply(crd)
                        break
                    except KubeError as error:
                        if error.status not in (0, 403, 404, 500, 503):
                            raise
                        await asyncio.sleep(0.2)
            for crd in wanted:
                while True:
                    live = await cluster.get(CRD, None, crd["metadata"]["name"])
                    conditions = ((live or {}).get("status") or {}).get("conditions") or []
                    if any(c["type"] == "Established" and c["status"] == "True" for c in conditions):
                        break
                    await asyncio.sleep(0.1)
            while True:  # the server takes a moment to serve what is established
                try:
                    await cluster._call("GET", STACK.path("default"))
                    break
                except KubeError:
                    await asyncio.sleep(0.1)
    finally:
        await cluster.close()


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with control_plane(tmp_path_factory.mktemp("control-plane")) as path:
        asyncio.run(_install(path))
        yield path


@pytest.fixture
async def cluster(kubeconfig: Path) -> AsyncIterator[Cluster]:
    client = await connect(kubeconfig)
    yield client
    await client.close()


@pytest.fixture
async def namespace(cluster: Cluster) -> str:
    name = f"t{uuid.uuid4().hex[:10]}"
    await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


@pytest.fixture
async def world(kubeconfig: Path, namespace: str) -> AsyncIterator[World]:
    client = await connect(kubeconfig)
    made = World(client._transport, namespace)
    yield made
    await made.kubelet.forget()
    await client.close()
