"""The API server's verdict on the fixture resources: the same as the models' (`unit/api/test_fixture_resources.py`)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from atendeai_operator.kube.client import Cluster
from atendeai_operator.kube.kinds import of_object
from atendeai_operator.pipeline.errors import KubeError
from tests.fixtures.cases import Case, cases


async def _create(cluster: Cluster, obj: dict[str, Any], namespace: str, method: str = "POST") -> dict[str, Any]:
    """Create or replace as `kubectl` does: unknown fields are refused. A status is written after the creation."""
    body = copy.deepcopy(obj)
    body["metadata"]["namespace"] = namespace
    kind, name = of_object(body), body["metadata"]["name"]
    path = kind.path(namespace, name if method == "PUT" else None)
    made = await cluster._call(method, path, query={"fieldValidation": "Strict"}, body=body)
    if method == "POST" and "status" in body:
        made = await cluster.patch(kind, namespace, name, {"status": body["status"]}, subresource="status")
    return made


@pytest.mark.parametrize("case", cases(), ids=str)
async def test_verdict(case: Case, cluster: Cluster, namespace: str) -> None:
    method, resource = "POST", case.resource
    if case.before is not None:
        created = await _create(cluster, case.before, namespace)
        method, resource = "PUT", {**case.resource, "metadata": created["metadata"]}
    if case.accepted:
        await _create(cluster, resource, namespace, method)
        return
    with pytest.raises(KubeError) as refused:
        await _create(cluster, resource, namespace, method)
    assert refused.value.status in (400, 422), refused.value
    assert case.says.lower() in str(refused.value).lower()
    assert not case.alone or "is invalid: [" not in str(refused.value), "several messages"
