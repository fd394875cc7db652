"""Credentials of a registry on their way to a Dedicated clinic's own namespace."""

from __future__ import annotations

import base64
import json

from atendeai_operator.kube.kinds import CLINIC, SECRET, STACK
from tests.pipeline.samples import STACK_SPEC, running_clinic
from tests.pipeline.world import World


async def _registry_secret(world: World, password: str) -> None:
    text = json.dumps({"auths": {"registry.test": {"auth": password}}})
    await world.user.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "registry", "namespace": world.namespace},
            "type": "kubernetes.io/dockerconfigjson",
            "stringData": {".dockerconfigjson": text},
        }
    )


async def _copy(world: World) -> str:
    """Return what the clinic's own namespace has of it."""
    copy = await world.user.get(SECRET, f"{world.namespace}-sol", "pull-registry")
    assert copy
    assert copy["type"] == "kubernetes.io/dockerconfigjson"
    return base64.b64decode(copy["data"][".dockerconfigjson"]).decode()


async def test_pull_secrets_reach_the_clinics_namespace(world: World) -> None:
    spec = {**STACK_SPEC, "image": {"repository": "registry.test/services", "pullSecrets": [{"name": "registry"}]}}
    await world.put("AtendeAIStack", "dev", spec)
    await world.settle()
    stalled = (await world.conditions(STACK, "dev"))["Stalled"]
    assert (stalled["status"], stalled["reason"]) == ("True", "SecretMissing")
    assert "registry" in stalled["message"]
    await _registry_secret(world, "first")
    await running_clinic(world)
    assert (await world.conditions(CLINIC, "sol"))["Ready"]["status"] == "True"
    assert "first" in await _copy(world)

    await world.user.delete(SECRET, world.namespace, "registry")
    await world.settle()
    conditions = await world.conditions(CLINIC, "sol")
    assert conditions["Ready"]["reason"] == "StackNotReady"
    assert "registry" in conditions["Ready"]["message"]
    assert "first" in await _copy(world)
    await _registry_secret(world, "second")
    await world.settle()
    assert (await world.conditions(CLINIC, "sol"))["Ready"]["status"] == "True"
    assert "second" in await _copy(world)
