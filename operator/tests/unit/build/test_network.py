"""Who may talk to whom, asked of the rendered objects."""

from __future__ import annotations

from typing import Any

import pytest

from atendeai.kit.http import CALLS
from atendeai_operator.catalogue import CATALOGUE
from atendeai_operator.clinic import build as clinic_build
from atendeai_operator.clinic import validate as clinic_validate
from atendeai_operator.stack import build as stack_build
from atendeai_operator.stack import validate as stack_validate
from tests.unit.build import samples
from tests.unit.build.netpol import Outside, Pod, may

GRAPH, PRIVATE, METADATA = Outside("157.240.1.1"), Outside("10.9.8.7"), Outside("169.254.169.254")
OPERATOR = Pod("atendeai-system", {"app.kubernetes.io/name": "atendeai-operator"})
PROMETHEUS = Pod("monitoring", {"app.kubernetes.io/name": "prometheus"})
STRANGER = Pod("default", {"app": "stranger"})
DNS = Pod("kube-system", {"k8s-app": "kube-dns"})


class World:
    """A stack with two Dedicated clinics: all their objects, and their pods by name."""

    def __init__(self) -> None:
        plan = stack_validate.validate(samples.stack_facts())
        self.objects: list[dict[str, Any]] = list(stack_build.build(plan))
        for name in ("sol", "mar"):
            spec = samples.clinic_spec(calendar={"provider": "Google", "credentialsSecretRef": {"name": "c"}})
            facts = samples.clinic_facts(spec, name=name)
            self.objects += clinic_build.build(clinic_validate.validate(facts))
        self._namespaces = {
            obj["metadata"]["name"]: obj["metadata"]["labels"] for obj in self.objects if obj["kind"] == "Namespace"
        }

    def pod(self, name: str) -> Pod:
        """`sol/whatsapp` is a pod of a clinic, `postgres` one of the stack."""
        clinic, _, component = name.rpartition("/")
        namespace = f"atendeai-{clinic}" if clinic else samples.NAMESPACE
        for obj in self.objects:
            if obj["kind"] in ("Deployment", "StatefulSet", "Job") and obj["metadata"]["namespace"] == namespace:
                labels = obj["spec"]["template"]["metadata"]["labels"]
                if labels["app.kubernetes.io/component"] == component:
                    return Pod(namespace, labels, self._namespaces.get(namespace, {}))
        raise LookupError(name)

    def may(self, source: Any, target: Any, port: int, protocol: str = "TCP") -> bool:
        ends = [self.pod(end) if isinstance(end, str) else end for end in (source, target)]
        return may(self.objects, ends[0], ends[1], port, protocol)


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.mark.parametrize(
    ("source", "target", "port"),
    [
        ("haproxy", "gateway", 8000),
        ("haproxy", "gateway", 8100),
        ("gateway", "sol/whatsapp", 3007),
        ("gateway", "whatsapp", 3007),
        ("sol/whatsapp", "sol/conversation", 3005),
        ("sol/conversation", "sol/whatsapp", 3007),
        ("sol/appointment", "sol/calendar", 3008),
        ("sol/health", "sol/auth", 3001),
        ("sol/health", "gateway", 8100),
        ("health", "gateway", 8100),
        ("sol/auth", "postgres", 5432),
        ("sol/auth", "redis", 6379),
        ("auth", "postgres", 5432),
        ("migrate", "postgres", 5432),
        ("sol/auth", DNS, 53),
        (OPERATOR, "postgres", 5432),
        (OPERATOR, "redis", 6379),
        (OPERATOR, "gateway", 8000),
        (OPERATOR, "sol/whatsapp", 3007),
        (OPERATOR, "sol/calendar", 3008),
        (OPERATOR, "whatsapp", 3007),
        (OPERATOR, "calendar", 3008),
        (PROMETHEUS, "sol/whatsapp", 3007),
        (PROMETHEUS, "postgres", 9187),
        (PROMETHEUS, "haproxy", 8404),
        (PROMETHEUS, "gateway", 8100),
        ("sol/whatsapp", GRAPH, 443),
        ("sol/calendar", GRAPH, 443),
        ("whatsapp", GRAPH, 443),
        (GRAPH, "haproxy", 8443),
        (GRAPH, "haproxy", 8080),
    ],
)
def test_what_must_be_possible(world: World, source: Any, target: Any, port: int) -> None:
    assert world.may(source, target, port)


@pytest.mark.parametrize(
    ("source", "target", "port"),
    [
        ("sol/whatsapp", "mar/whatsapp", 3007),
        ("sol/whatsapp", "mar/conversation", 3005),
        ("sol/whatsapp", "conversation", 3005),
        ("whatsapp", "sol/conversation", 3005),
        ("sol/clinic", GRAPH, 443),
        ("sol/conversation", GRAPH, 443),
        ("sol/whatsapp", PRIVATE, 443),
        ("sol/whatsapp", METADATA, 443),
        ("whatsapp", METADATA, 80),
        ("auth", GRAPH, 443),
        ("haproxy", "sol/whatsapp", 3007),
        ("haproxy", "gateway", 8001),
        ("gateway", "postgres", 5432),
        ("gateway", "redis", 6379),
        ("postgres", GRAPH, 443),
        (STRANGER, "sol/whatsapp", 3007),
        (STRANGER, "postgres", 5432),
        (STRANGER, "redis", 6379),
        (STRANGER, "gateway", 8000),
        (STRANGER, "gateway", 8001),
        (STRANGER, "gateway", 8100),
        (STRANGER, "haproxy", 8404),
        (PROMETHEUS, "postgres", 5432),
        (OPERATOR, "sol/auth", 3001),
        (OPERATOR, "auth", 3001),
        (OPERATOR, "gateway", 8001),
        (GRAPH, "sol/whatsapp", 3007),
    ],
)
def test_what_must_not_be_possible(world: World, source: Any, target: Any, port: int) -> None:
    assert not world.may(source, target, port)


def test_dns_may_be_asked_by_udp(world: World) -> None:
    assert world.may("sol/auth", DNS, 53, "UDP")
    assert not world.may("sol/auth", DNS, 54, "UDP")


def test_a_service_reaches_exactly_the_services_it_calls(world: World) -> None:
    for caller in CATALOGUE:
        for called in CATALOGUE:
            if caller.name != called.name:
                expected = called.name in caller.calls
                assert world.may(f"sol/{caller.name}", f"sol/{called.name}", called.port) is expected


def test_the_network_lets_through_exactly_what_the_services_ask() -> None:
    assert {service.name: frozenset(service.calls) for service in CATALOGUE} == CALLS


def test_a_clinic_reaches_the_cluster_service_it_names_and_no_other_namespace() -> None:
    spec = samples.clinic_spec()
    spec["whatsapp"] = {**spec["whatsapp"], "baseURL": "http://graph.fakes.svc.cluster.local:8080"}
    objects = clinic_build.build(clinic_validate.validate(samples.clinic_facts(spec)))
    deployment = next(o for o in objects if o["kind"] == "Deployment" and o["metadata"]["name"] == "whatsapp")
    me = Pod("atendeai-sol", deployment["spec"]["template"]["metadata"]["labels"])
    assert may(objects, me, Pod("fakes", {"app": "graph"}), 8080)
    assert not may(objects, me, Pod("fakes", {"app": "graph"}), 443)
    assert not may(objects, me, Pod("other", {"app": "graph"}), 8080)
    assert not may(objects, me, GRAPH, 443)


def test_every_service_reaches_the_collector_of_traces_and_only_where_there_is_one(world: World) -> None:
    endpoint = {"telemetry": {"otlpEndpoint": "http://collector.observability.svc:4318"}}
    collector = Pod("observability", {"app": "collector"})
    traced = World()
    plan = stack_validate.validate(samples.stack_facts(endpoint))
    facts = samples.clinic_facts(stack=samples.stack_summary(endpoint))
    traced.objects = [*stack_build.build(plan), *clinic_build.build(clinic_validate.validate(facts))]
    for row in CATALOGUE:
        for name in (row.name, f"sol/{row.name}"):
            assert traced.may(name, collector, 4318)
            assert row.outside or not traced.may(name, collector, 22)
            assert row.outside or not world.may(name, collector, 4318)
    deployments = [obj for obj in traced.objects if obj["kind"] == "Deployment"]
    told = {
        obj["metadata"]["namespace"] + "/" + container["name"]: entry["value"]
        for obj in deployments
        for container in obj["spec"]["template"]["spec"]["containers"]
        for entry in container.get("env", ())
        if entry["name"] == "ATENDEAI_OTLP_ENDPOINT"
    }
    assert set(told) == {f"{place}/{row.name}" for row in CATALOGUE for place in (samples.NAMESPACE, "atendeai-sol")}
    assert set(told.values()) == {"http://collector.observability.svc:4318"}
