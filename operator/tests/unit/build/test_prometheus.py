"""A stack's own Prometheus and Alertmanager: when they are made, what they select, who may reach them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from atendeai_operator.api.conditions import by_type
from atendeai_operator.pipeline.errors import InvalidSpec
from atendeai_operator.pipeline.outcome import Outcome
from atendeai_operator.settings import SettingsError, images
from atendeai_operator.stack import build
from atendeai_operator.stack import status as stack_status
from atendeai_operator.stack.facts import SecretFact, StackFacts
from atendeai_operator.stack.validate import validate
from tests.unit.build import samples
from tests.unit.build.netpol import Pod, may, selects

BOTH: dict[str, Any] = {"monitoring": {"prometheus": {}, "alertmanager": {}}}
OWN_CONFIG = {"monitoring": {"prometheus": {}, "alertmanager": {"configSecretRef": {"name": "on-call"}}}}
OPERATED = {"Prometheus", "Alertmanager", "ClusterRoleBinding"}


def _objects(facts: StackFacts) -> list[dict[str, Any]]:
    return list(build.build(validate(facts)))


def _one(facts: StackFacts, kind: str, name: str = "dev") -> dict[str, Any]:
    (found,) = (obj for obj in _objects(facts) if (obj["kind"], obj["metadata"]["name"]) == (kind, name))
    return found


@pytest.mark.parametrize(
    ("spec", "facts"),
    [
        ({}, {}),
        ({"monitoring": {**BOTH["monitoring"], "enabled": False}}, {}),
        (BOTH, {"prometheus_operator": False}),
        (BOTH, {"prometheus_crds": False}),
    ],
    ids=["not-wanted", "disabled", "no-definitions", "no-monitors"],
)
def test_none_is_made_where_it_is_not_wanted_or_not_possible(spec: dict[str, Any], facts: dict[str, Any]) -> None:
    made = _objects(samples.stack_facts(spec, **facts))
    assert not OPERATED & {obj["kind"] for obj in made}
    assert not [obj for obj in made if "prometheus" in obj["metadata"]["name"] or "operator" in obj["metadata"]["name"]]


def test_it_selects_every_monitor_of_its_stack_and_of_no_other() -> None:
    facts = samples.stack_facts(BOTH)
    selector = _one(facts, "Prometheus")["spec"]["serviceMonitorSelector"]
    monitors = [obj for obj in _objects(facts) if obj["kind"] == "ServiceMonitor"]
    assert len(monitors) == 15
    assert all(selects(selector, monitor["metadata"]["labels"]) for monitor in monitors)
    assert not selects(selector, {**monitors[0]["metadata"]["labels"], "atendeai.io/stack": "atendeai.other"})
    assert _one(facts, "Prometheus")["spec"]["ruleSelector"] == selector


def test_the_pods_of_the_prometheus_operator_are_those_of_the_services_and_policies() -> None:
    facts = samples.stack_facts(BOTH)
    for kind, component, port in (("Prometheus", "prometheus", 9090), ("Alertmanager", "alertmanager", 9093)):
        own = _one(facts, kind)["spec"]["podMetadata"]["labels"]
        # as the Prometheus Operator adds them
        labels = {**own, "app.kubernetes.io/name": component, "app.kubernetes.io/instance": "dev"}
        service = _one(facts, "Service", f"dev-{component}")["spec"]
        assert service["selector"].items() <= labels.items()
        assert [(entry["name"], entry["port"]) for entry in service["ports"]] == [("web", port)]
        pod = Pod(samples.NAMESPACE, labels)
        prometheus = Pod(samples.NAMESPACE, {**labels, "app.kubernetes.io/name": "prometheus"})
        if component == "alertmanager":
            prometheus.labels["app.kubernetes.io/component"] = "prometheus"  # type: ignore[index] # made of a dict above
        assert may(_objects(facts), prometheus, pod, port)
        assert may(_objects(facts), prometheus, pod, 8080)
        assert may(_objects(facts), Pod("grafana", {"app.kubernetes.io/name": "grafana"}), pod, port)
        assert not may(_objects(facts), Pod("default", {"app": "stranger"}), pod, port)


def test_its_alerts_go_to_its_alertmanager_alone() -> None:
    (target,) = _one(samples.stack_facts(BOTH), "Prometheus")["spec"]["alerting"]["alertmanagers"]
    assert target == {"namespace": samples.NAMESPACE, "name": "dev-alertmanager", "port": "web"}
    assert "alerting" not in _one(samples.stack_facts({"monitoring": {"prometheus": {}}}), "Prometheus")["spec"]


def test_the_configuration_of_the_alertmanager_is_the_users_or_tells_nobody() -> None:
    facts = samples.stack_facts(OWN_CONFIG)
    assert _one(facts, "Alertmanager")["spec"]["configSecret"] == "on-call"
    assert not [
        obj for obj in _objects(facts) if (obj["kind"], obj["metadata"]["name"]) == ("Secret", "dev-alertmanager")
    ]
    assert _one(samples.stack_facts(BOTH), "Alertmanager")["spec"]["configSecret"] == "dev-alertmanager"
    assert "alertmanager.yaml" in _one(samples.stack_facts(BOTH), "Secret", "dev-alertmanager")["data"]


@pytest.mark.parametrize(
    ("data", "code"),
    [(None, "SecretMissing"), ({}, "SecretKeyMissing"), ({"alertmanager.yml": b"x"}, "SecretKeyMissing")],
)
def test_a_configuration_that_is_not_there_is_named(data: dict[str, bytes] | None, code: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        validate(samples.stack_facts(OWN_CONFIG, alertmanager_config=SecretFact("on-call", data)))
    assert caught.value.field == "spec.monitoring.alertmanager.configSecretRef.name"
    assert caught.value.code == code


def test_images_and_versions_are_said_only_where_they_are_known() -> None:
    prometheus = _one(samples.stack_facts(BOTH), "Prometheus")["spec"]
    alertmanager = _one(samples.stack_facts(BOTH), "Alertmanager")["spec"]
    assert (prometheus["image"], prometheus["version"]) == ("prometheus:3", "v3.5.0")
    assert not {"image", "version"} & set(alertmanager)


def test_the_operator_starts_without_images_of_the_monitoring() -> None:
    needed = {
        name: name
        for name in ("postgres", "postgresExporter", "redis", "redisExporter", "kong", "envoy", "haproxy", "operator")
    }
    text = str(needed).replace("'", '"')
    assert images(text).prometheus == ""
    assert images(text[:-1] + ', "alertmanager": "a:1", "prometheusVersion": "v3.5.0"}').alertmanager == "a:1"
    with pytest.raises(SettingsError, match="postgres"):
        images('{"prometheus": "p:3"}')


# ---------------------------------------------------------------- MonitoringReady
def _live(kind: str, **conditions: str) -> dict[str, Any]:
    told = [
        {"type": name, "status": status, "observedGeneration": 2, "message": f"{kind} {name}", "reason": "R"}
        for name, status in conditions.items()
    ]
    return {
        "kind": kind,
        "metadata": {"name": "dev", "namespace": samples.NAMESPACE, "generation": 2},
        "status": {"conditions": told},
    }


GOOD = {"Reconciled": "True", "Available": "True"}


@pytest.mark.parametrize(
    ("live", "status", "reason"),
    [
        ([], "Unknown", "Pending"),
        ([_live("Prometheus")], "False", "Progressing"),
        ([_live("Prometheus", Reconciled="False", Available="True")], "False", "Failed"),
        ([_live("Prometheus", Reconciled="True", Available="False")], "False", "Progressing"),
        ([_live("Prometheus", **GOOD)], "Unknown", "Pending"),
        ([_live("Prometheus", **GOOD), _live("Alertmanager", Reconciled="False")], "False", "Failed"),
        ([_live("Prometheus", **GOOD), _live("Alertmanager", **GOOD)], "True", "Ready"),
    ],
)
def test_monitoring_is_ready_when_the_prometheus_operator_says_so(
    live: list[dict[str, Any]], status: str, reason: str
) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    after = stack_status.status(samples.stack_facts(BOTH), Outcome(), live, [], now)
    found = by_type(after.conditions)["MonitoringReady"]
    assert (found.status, found.reason) == (status, reason)


def test_monitoring_is_not_ready_without_definitions() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    facts = samples.stack_facts(BOTH, prometheus_operator=False)
    found = by_type(stack_status.status(facts, Outcome(), [], [], now).conditions)["MonitoringReady"]
    assert (found.status, found.reason) == ("False", "NotInstalled")


def test_whatever_runs_in_the_stacks_namespace_pulls_with_its_secrets() -> None:
    spec = {**BOTH, "image": {"pullSecrets": [{"name": "one"}, {"name": "two"}]}}
    pods: dict[tuple[str, str], Any] = {}
    for obj in _objects(samples.stack_facts(spec)):
        kind = obj["kind"]
        if kind in {"Deployment", "StatefulSet", "Job"}:
            pods[kind, obj["metadata"]["name"]] = obj["spec"]["template"]["spec"]
        elif kind in {"Prometheus", "Alertmanager"}:
            pods[kind, obj["metadata"]["name"]] = obj["spec"]
    kinds = {kind for kind, _ in pods}
    assert kinds >= {"Deployment", "StatefulSet", "Prometheus", "Alertmanager"}
    assert [name for name, pod in pods.items() if pod["imagePullSecrets"] != [{"name": "one"}, {"name": "two"}]] == []
