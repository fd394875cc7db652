"""The resources that the tests of the pipeline start from."""

from __future__ import annotations

import base64
import copy
from typing import Any

from atendeai_operator.kube.kinds import CLINIC
from tests.pipeline.world import World

STACK_SPEC: dict[str, Any] = {
    "version": "2.0.0",
    "gateway": {"provider": "Envoy", "replicas": 1},
    "loadBalancer": {"serviceType": "ClusterIP"},
    "sharedPool": {"enabled": False},  # half of a stack's objects, which most tests need not wait for
}
POOL: dict[str, Any] = {"enabled": True}
CLINIC_SPEC: dict[str, Any] = {
    "stackRef": {"name": "dev"},
    "displayName": "Clínica Sol",
    "isolation": "Dedicated",
    "hosts": ["sol.example.com"],
    "owner": {"email": "dona@sol.example.com"},
    "whatsapp": {"phoneNumberId": "1001", "credentialsSecretRef": {"name": "sol-whatsapp"}},
    "profile": {"services": [{"code": "consulta", "name": "Consulta"}]},
}


def clinic(**changes: Any) -> dict[str, Any]:
    """Return the spec of a clinic, changed at the top level."""
    return {**copy.deepcopy(CLINIC_SPEC), **changes}


async def whatsapp_secret(world: World, name: str = "sol-whatsapp") -> None:
    """Create credentials of WhatsApp."""
    await world.secret(name, access_token="t", app_secret="s", verify_token="v")


async def running_stack(world: World, **changes: Any) -> None:
    """Create the stack `dev` and wait until it is ready."""
    await world.put("AtendeAIStack", "dev", {**copy.deepcopy(STACK_SPEC), **changes})
    await world.settle()


async def running_clinic(world: World, name: str = "sol", **changes: Any) -> None:
    """Create a clinic and its credentials, and wait until it is ready."""
    await whatsapp_secret(world, f"{name}-whatsapp")
    spec = clinic(**changes)
    spec["whatsapp"] = {**spec["whatsapp"], "credentialsSecretRef": {"name": f"{name}-whatsapp"}}
    await world.put("Clinic", name, spec)
    await world.settle()


def secret_text(secret: dict[str, Any] | None, key: str) -> str:
    """Return a value of a Secret, decoded."""
    assert secret
    return base64.b64decode(secret["data"][key]).decode()


async def is_stalled(world: World, name: str = "sol") -> dict[str, Any]:
    """Return the condition Stalled of a clinic that has it."""
    conditions = await world.conditions(CLINIC, name)
    assert conditions["Stalled"]["status"] == "True", conditions
    assert conditions["Ready"]["status"] == "False"
    assert conditions["Reconciling"]["status"] == "False"
    return conditions["Stalled"]


async def is_ready(world: World, name: str = "sol") -> dict[str, Any]:
    """Return a clinic that is ready."""
    conditions = await world.conditions(CLINIC, name)
    assert conditions["Ready"]["status"] == "True", conditions
    live = await world.user.get(CLINIC, world.namespace, name)
    assert live
    return live
