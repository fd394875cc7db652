"""Every way in which a stack cannot be carried out names the field and the remedy; and what its objects promise."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from atendeai_operator.api.names import LABEL_VERSION
from atendeai_operator.pipeline.errors import InvalidSpec
from atendeai_operator.stack import build
from atendeai_operator.stack.facts import InfraImages, SecretFact, StackFacts
from atendeai_operator.stack.validate import validate
from tests.unit.build import samples


def _refused(facts: StackFacts) -> InvalidSpec:
    with pytest.raises(InvalidSpec) as caught:
        validate(facts)
    return caught.value


def _objects(facts: StackFacts, kind: str) -> dict[str, dict[str, Any]]:
    return {obj["metadata"]["name"]: obj for obj in build.build(validate(facts)) if obj["kind"] == kind}


def test_an_image_that_cannot_be_had_is_named_with_the_way_out() -> None:
    images = InfraImages(**{**samples.IMAGES.__dict__, "kong": ""})
    error = _refused(samples.stack_facts(images=images))
    assert error.field == "spec.gateway.provider"
    assert "Envoy" in error.reason
    validate(samples.stack_facts({"gateway": {"provider": "Envoy"}}, images=images))


def test_only_kong_has_a_gui() -> None:
    assert _refused(samples.stack_facts({"gateway": {"provider": "Envoy", "adminGUI": True}})).field == (
        "spec.gateway.adminGUI"
    )


def test_a_missing_pull_secret_is_named() -> None:
    spec = {"image": {"pullSecrets": [{"name": "one"}, {"name": "two"}]}}
    error = _refused(samples.stack_facts(spec, pull_secrets=(samples.pull_secret("one"), SecretFact("two"))))
    assert (error.field, error.code) == ("spec.image.pullSecrets[1].name", "SecretMissing")
    error = _refused(samples.stack_facts(spec, pull_secrets=(samples.pull_secret("one"), SecretFact("two", {}))))
    assert (error.field, error.code) == ("spec.image.pullSecrets[1].name", "SecretType")


@pytest.mark.parametrize(("part", "fact"), [("gateway", "gateway_tls"), ("loadBalancer", "load_balancer_tls")])
def test_a_certificate_must_be_there_and_load(part: str, fact: str) -> None:
    spec = {part: {"tls": {"secretRef": {"name": "edge-tls"}}}}
    validate(samples.stack_facts(spec))
    for secret, code in (
        (SecretFact("edge-tls"), "SecretMissing"),
        (SecretFact("edge-tls", {"tls.crt": b"x"}), "SecretKeyMissing"),
        (SecretFact("edge-tls", {"tls.crt": b"x", "tls.key": b"y"}), "InvalidCertificate"),
    ):
        error = _refused(samples.stack_facts(spec, **{fact: secret}))
        assert error.field == f"spec.{part}.tls.secretRef.name"
        assert error.code == code


def test_services_run_the_migrated_version_and_none_runs_before() -> None:
    assert not {name for name in _objects(samples.stack_facts(migrated=None), "Deployment") if "whatsapp" in name}
    deployments = _objects(samples.stack_facts({"version": "2.1.0"}, migrated="2.0.0"), "Deployment")
    container = deployments["dev-whatsapp"]["spec"]["template"]["spec"]["containers"][0]
    assert container["image"].endswith(":2.0.0")


def test_the_migration_is_that_of_the_wanted_version_and_renamed_when_it_changes() -> None:
    def job(**spec: Any) -> tuple[str, dict[str, Any]]:
        return next(iter(_objects(samples.stack_facts(spec), "Job").items()))

    name, found = job(version="2.1.0")
    assert found["metadata"]["labels"][LABEL_VERSION] == "2.1.0"
    assert name.startswith("dev-migrate-2-1-0-")
    assert job(version="2.1.0", image={"pullPolicy": "Always"})[0] != name
    assert job(version="2.1.0", gateway={"replicas": 3})[0] == name


def test_without_a_pool_whatsapp_runs_alone() -> None:
    services = _objects(samples.stack_facts({"sharedPool": {"enabled": False}}), "Deployment")
    assert set(services) == {"dev-whatsapp", "dev-gateway", "dev-haproxy"}


def test_service_monitors_are_there_exactly_when_they_are_read() -> None:
    clinics = tuple(samples.edge_clinic(name, isolation="Dedicated") for name in ("a", "b", "c"))
    assert len(_objects(samples.stack_facts(clinics=clinics), "ServiceMonitor")) == 12
    assert not _objects(samples.stack_facts(prometheus_crds=False), "ServiceMonitor")
    assert not _objects(samples.stack_facts({"monitoring": {"enabled": False}}), "ServiceMonitor")


def test_every_service_monitor_finds_a_service_with_that_port() -> None:
    facts = samples.stack_facts()
    services = [obj for obj in build.build(validate(facts)) if obj["kind"] == "Service"]
    for monitor in _objects(facts, "ServiceMonitor").values():
        wanted, (endpoint,) = monitor["spec"]["selector"]["matchLabels"], monitor["spec"]["endpoints"]
        avoided = {entry["key"] for entry in monitor["spec"]["selector"]["matchExpressions"]}
        found = [
            service
            for service in services
            if wanted.items() <= service["metadata"]["labels"].items()
            and not avoided & set(service["metadata"]["labels"])
            and endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
        ]
        assert len(found) == 1, monitor["metadata"]["name"]


def test_every_selector_finds_the_pods_of_one_workload() -> None:
    objects = build.build(validate(samples.stack_facts()))
    pods = {
        obj["metadata"]["name"]: obj["spec"]["template"]["metadata"]["labels"]
        for obj in objects
        if obj["kind"] in ("Deployment", "StatefulSet", "Job")
    }
    for obj in objects:
        if obj["kind"] == "Service":
            selector = obj["spec"]["selector"]
            assert len([name for name, labels in pods.items() if selector.items() <= labels.items()]) == 1


def test_a_narrower_size_moves_what_it_inherits() -> None:
    services = {
        "defaults": {"resources": {"limits": {"memory": "128Mi"}}},
        "overrides": {
            "whatsapp": {"resources": {"requests": {"memory": "512Mi"}}},
            "user": {"resources": {"limits": {"memory": "64Mi"}}},
        },
    }
    deployments = _objects(samples.stack_facts({"services": services}), "Deployment")

    def memory(name: str) -> tuple[str, str]:
        found = deployments[f"dev-{name}"]["spec"]["template"]["spec"]["containers"][0]["resources"]
        return found["requests"]["memory"], found["limits"]["memory"]

    assert memory("whatsapp") == ("512Mi", "512Mi")
    assert memory("user") == ("64Mi", "64Mi")
    assert memory("clinic") == ("96Mi", "128Mi")


def test_redis_gets_room_beyond_its_data() -> None:
    def limit(spec: dict[str, Any]) -> str:
        found = _objects(samples.stack_facts({"redis": spec}), "StatefulSet")["dev-redis"]
        amount: str = found["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"]
        return amount

    assert limit({"maxMemory": "1Gi"}) == "2112Mi"
    assert limit({"maxMemory": "1Gi", "resources": {"limits": {"memory": "1536Mi"}}}) == "1536Mi"


def test_the_edges_pods_are_nudged_when_and_only_when_their_files_change() -> None:
    def values(**changes: Any) -> dict[str, str]:
        nudges = build.nudges(validate(samples.stack_facts(**changes)))
        return {nudge.labels["app.kubernetes.io/component"]: nudge.value for nudge in nudges}

    before = values()
    assert values() == before
    with_clinic = values(clinics=(samples.edge_clinic("lua"),))
    assert with_clinic["gateway"] != before["gateway"]
    assert with_clinic["haproxy"] == before["haproxy"]
    with_certificate = values(clinics=(samples.edge_clinic("lua", tls=samples.certificate("lua")),))
    assert with_certificate["haproxy"] != before["haproxy"]
    with_origin = values(clinics=(samples.edge_clinic("lua", origins=("https://painel.lua",)),))
    assert with_origin["haproxy"] != before["haproxy"]


def test_a_clinics_own_origins_take_the_place_of_the_stacks() -> None:
    clinics = (
        samples.edge_clinic("lua"),
        samples.edge_clinic("rio", origins=("https://painel.rio",)),
        samples.edge_clinic("mar", origins=()),
    )
    facts = samples.stack_facts({"gateway": {"cors": {"origins": ["https://painel.dev"]}}}, clinics=clinics)
    assert validate(facts).edge.origins == (
        ("lua.atendeai.local", "https://painel.dev"),
        ("rio.atendeai.local", "https://painel.rio"),
    )


def test_a_new_clinic_replaces_no_pod() -> None:
    def templates(**changes: Any) -> list[Any]:
        facts = samples.stack_facts(**changes)
        return [
            obj["spec"]["template"] for kind in ("Deployment", "StatefulSet") for obj in _objects(facts, kind).values()
        ]

    for provider in ("Kong", "Envoy"):
        spec = {"gateway": {"provider": provider}}
        clinics = tuple(samples.edge_clinic(name) for name in ("lua", "rio"))
        assert templates(spec=spec) == templates(spec=spec, clinics=clinics)


def test_keys_and_passwords_are_in_secrets_alone() -> None:
    facts = samples.stack_facts(clinics=(samples.edge_clinic("lua"), samples.edge_clinic("sol", isolation="Dedicated")))
    key = base64.urlsafe_b64encode(samples.key32("jwt lua")).decode().rstrip("=")
    for provider in ("Kong", "Envoy"):
        spec = facts.spec.model_copy(update={"gateway": facts.spec.gateway.model_copy(update={"provider": provider})})
        for obj in build.build(validate(replace(facts, spec=spec))):
            if obj["kind"] != "Secret":
                text = json.dumps(obj)
                assert "made-up-" not in text
                assert key[:20] not in text
                assert "PRIVATE KEY" not in text
