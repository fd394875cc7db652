"""Whether a live object holds what was applied."""

from __future__ import annotations

from typing import Any

import pytest

from atendeai_operator.kube import drift


@pytest.mark.parametrize(
    ("wanted", "live"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"emptyDir": {}}, {"emptyDir": {}}),
        ({"podSelector": {}}, {}),
        ({"list": []}, {}),
        ({"flag": False}, {}),
        ({"env": [{"name": "A", "value": ""}]}, {"env": [{"name": "A"}]}),
        ({"ports": [{"name": "http", "port": 80}]}, {"ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}),
        ({"requests": {"cpu": "1000m"}}, {"requests": {"cpu": "1"}}),
        ({"hard": {"requests.memory": "1024Mi"}}, {"hard": {"requests.memory": "1Gi"}}),
        ({"containers": [{"name": "a"}]}, {"containers": [{"name": "sidecar"}, {"name": "a"}]}),
    ],
)
def test_holds(wanted: Any, live: Any) -> None:
    assert drift.holds(wanted, live)


@pytest.mark.parametrize(
    ("wanted", "live"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {}),
        ({"a": {"b": "c"}}, {"a": {}}),
        ({"list": ["a", "b"]}, {"list": ["b", "a"]}),
        ({"list": ["a"]}, {"list": ["a", "b"]}),
        ({"requests": {"cpu": "1"}}, {"requests": {"cpu": "2"}}),
        ({"image": "1000m"}, {"image": "1"}),
        ({"flag": False}, {"flag": True}),
        ({"list": []}, {"list": ["a"]}),
        ({"containers": [{"name": "a", "image": "x"}]}, {"containers": [{"name": "a", "image": "y"}]}),
    ],
)
def test_does_not_hold(wanted: Any, live: Any) -> None:
    assert not drift.holds(wanted, live)


def _live(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"managedFields": list(entries)}}


def test_strangers_are_those_who_hold_spec_or_data() -> None:
    ours = {"manager": "atendeai-operator", "operation": "Apply", "fieldsV1": {"f:spec": {}}}
    controller = {"manager": "kube-controller-manager", "fieldsV1": {"f:spec": {}}}
    status = {"manager": "x", "subresource": "status", "fieldsV1": {"f:spec": {}}}
    labels = {"manager": "kubectl-label", "fieldsV1": {"f:metadata": {}}}
    edit = {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:data": {"f:x": {}}}}
    assert drift.strangers(_live(ours, controller, status, labels)) == []
    assert drift.strangers(_live(ours, edit)) == [edit]
    taken = drift.taken_over(_live(ours, edit, controller))
    assert taken == [{**ours, "fieldsV1": {"f:data": {"f:x": {}}, "f:spec": {}}}, controller]


def test_the_digest_follows_the_content() -> None:
    secret = {"kind": "Secret", "metadata": {"name": "a"}, "stringData": {"k": "v"}}
    first = drift.prepared(secret)
    assert first["data"] == {"k": "dg=="}
    assert "stringData" not in first
    assert drift.prepared(secret) == first
    changed = drift.prepared({**secret, "stringData": {"k": "w"}})
    assert changed["metadata"]["annotations"] != first["metadata"]["annotations"]
