"""The Helm chart: what it renders, what it refuses, and that it says the same as the other ways of installing."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from atendeai_operator.api.clinic import ClinicResource
from atendeai_operator.api.stack import StackResource
from atendeai_operator.stack.build.prometheus import CLUSTER_ROLE
from tests.packaging import rendering

MONITORED = ("--api-versions", "monitoring.coreos.com/v1/ServiceMonitor")


def by_kind(documents: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Return the documents of one kind."""
    return [document for document in documents if document["kind"] == kind]


def one(documents: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """Return the only document of a kind."""
    (document,) = by_kind(documents, kind)
    return document


def test_it_passes_helms_own_linter() -> None:
    done = subprocess.run(
        [rendering.helm(), "lint", "--strict", str(rendering.CHART)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (("replicaCount=many",), "replicaCount"),
        (("nosuch=1",), "nosuch"),
        (("images.postgres=",), "postgres"),
        (("images.mysql=mysql:8",), "mysql"),
        (("images.prometheusVersion=latest",), "prometheusVersion"),
        (("image.pullPolicy=Sometimes",), "pullPolicy"),
        (("metrics.serviceMonitor.enabled=maybe",), "enabled"),
        (("watchNamespaces={Clinics}",), "watchNamespaces"),
    ],
)
def test_values_that_mean_nothing_are_refused(values: tuple[str, ...], named: str) -> None:
    arguments = [part for value in values for part in ("--set", value)]
    with pytest.raises(subprocess.CalledProcessError) as refused:
        rendering.template(*arguments)
    assert named in refused.value.stderr


def test_the_definitions_are_the_generated_ones_and_stay_on_uninstall() -> None:
    definitions = by_kind(rendering.template(), "CustomResourceDefinition")
    generated = {path.name: yaml.safe_load(path.read_text()) for path in rendering.CRDS.glob("atendeai.io_*.yaml")}
    assert len(definitions) == len(generated) == 2
    for definition in definitions:
        assert definition["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
        assert definition in generated.values()
    for path in rendering.CRDS.glob("atendeai.io_*.yaml"):
        assert (rendering.CHART / "files" / "crds" / path.name).read_text() == path.read_text(), "run `make crds`"
    assert not by_kind(rendering.template("--set", "crds.enabled=false"), "CustomResourceDefinition")
    kept = by_kind(rendering.template("--set", "crds.keep=false"), "CustomResourceDefinition")
    assert all("annotations" not in definition["metadata"] for definition in kept)


def rules(role: dict[str, Any]) -> dict[tuple[str, str], set[str]]:
    """Return the verbs of a role by group and resource."""
    granted: dict[tuple[str, str], set[str]] = {}
    for rule in role["rules"]:
        assert set(rule) - {"resourceNames"} == {"apiGroups", "resources", "verbs"}
        named = (
            f" ({', '.join(f'`{name}`' for name in rule['resourceNames'])} alone)" if "resourceNames" in rule else ""
        )
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                granted.setdefault((group, resource + named), set()).update(rule["verbs"])
    return granted


def test_the_operator_may_do_what_its_readme_says_and_nothing_else() -> None:
    documents = rendering.template()
    table = re.findall(
        r"^\| (\S+) \| ([^|]+) \| ([^|]+) \|$", (rendering.ROOT / "operator" / "README.md").read_text(), re.MULTILINE
    )
    stated = {
        (group.strip('"'), resource.strip()): {verb.strip() for verb in verbs.split(",")}
        for group, resources, verbs in table
        if {verb.strip() for verb in verbs.split(",")} & {"get", "update", "create", "bind"}
        for resource in re.sub(r"\(own .*\)", "", resources).split(",")
    }
    assert len(stated) > 15
    own = {key: verbs for key, verbs in stated.items() if key[0] == "coordination.k8s.io"}
    (role,) = (role for role in by_kind(documents, "ClusterRole") if role["metadata"]["name"] == "atendeai-operator")
    assert rules(role) == {key: verbs for key, verbs in stated.items() if key not in own}
    assert rules(one(documents, "Role")) == own
    for role in (*by_kind(documents, "ClusterRole"), one(documents, "Role")):
        assert not any("*" in part for rule in role["rules"] for parts in rule.values() for part in parts)


def test_the_operator_can_give_away_what_finds_targets_and_nothing_else() -> None:
    roles = {role["metadata"]["name"]: rules(role) for role in by_kind(rendering.template(), "ClusterRole")}
    assert set(roles) == {"atendeai-operator", CLUSTER_ROLE}
    given = [key for key, verbs in roles["atendeai-operator"].items() if verbs & {"bind", "escalate", "impersonate"}]
    assert given == [("rbac.authorization.k8s.io", f"clusterroles (`{CLUSTER_ROLE}` alone)")]
    found = {("", "services"), ("", "endpoints"), ("", "pods"), ("discovery.k8s.io", "endpointslices")}
    assert roles[CLUSTER_ROLE] == {key: {"get", "list", "watch"} for key in found}


def test_the_pod_is_confined() -> None:
    pod = one(rendering.template(), "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]
    assert {probe for probe in container if probe.endswith("Probe")} == {
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
    }


def test_the_images_reach_the_operator_as_json() -> None:
    documents = rendering.template(
        "--set", "image.tag=3.1.4", "--set", "images.haproxy=registry.example.com/haproxy:2.8"
    )
    (container,) = one(documents, "Deployment")["spec"]["template"]["spec"]["containers"]
    environment = {variable["name"]: variable.get("value") for variable in container["env"]}
    images = json.loads(environment["ATENDEAI_IMAGES"])
    assert set(images) == {
        "postgres",
        "postgresExporter",
        "redis",
        "redisExporter",
        "kong",
        "envoy",
        "haproxy",
        "prometheus",
        "prometheusVersion",
        "alertmanager",
        "alertmanagerVersion",
        "operator",
    }
    assert images["operator"] == container["image"] == "atendeai/operator:3.1.4"
    assert images["haproxy"] == "registry.example.com/haproxy:2.8"


def test_the_helm_that_comes_with_the_project_renders_the_chart_without_a_cluster() -> None:
    done = subprocess.run(
        [rendering.helm(), "template", "atendeai", str(rendering.CHART)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_depends_on_replicas_and_on_prometheus() -> None:
    assert not {"PodDisruptionBudget", "ServiceMonitor"} & {document["kind"] for document in rendering.template()}
    assert by_kind(rendering.template("--set", "replicaCount=2"), "PodDisruptionBudget")
    assert by_kind(rendering.template(*MONITORED), "ServiceMonitor")
    assert not by_kind(
        rendering.template(*MONITORED, "--set", "metrics.serviceMonitor.enabled=Never"), "ServiceMonitor"
    )
    named = rendering.template("--set", "watchNamespaces={a,b}")
    (container,) = one(named, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert {"name": "WATCH_NAMESPACES", "value": "a,b"} in container["env"]


def comparable(documents: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return documents by kind and name, without what only Helm wants to find again."""
    found = {}
    for document in documents:
        document["metadata"].pop("annotations", None)
        found[document["kind"], document["metadata"]["name"]] = rendering.without_helm(document)
    return found


def test_kustomize_gives_the_same_objects() -> None:
    kustomized = comparable(rendering.kustomize(rendering.ROOT / "manifests" / "base"))
    namespace = kustomized.pop(("Namespace", "atendeai-system"))
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert kustomized == comparable(rendering.template())


def test_the_local_overlay_puts_in_the_local_images(tmp_path: Path) -> None:
    overlay = rendering.copied_overlay(tmp_path)
    (overlay / "images.json").write_text('{"postgres": "here/postgres:15"}')
    (overlay / "operator-image").write_text("here/operator:1")

    documents = rendering.kustomize(overlay)

    (container,) = one(documents, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "here/operator:1"
    assert {"name": "ATENDEAI_IMAGES", "value": '{"postgres": "here/postgres:15"}'} in container["env"]
    assert not by_kind(documents, "ConfigMap")
    monitor = comparable([one(documents, "ServiceMonitor")])
    assert monitor == comparable([one(rendering.template(*MONITORED), "ServiceMonitor")])


def test_the_overlay_that_the_readme_shows_names_all_images(tmp_path: Path) -> None:
    text = (rendering.ROOT / "manifests" / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    overlay = rendering.copied_overlay(tmp_path).parent / "registry"
    overlay.mkdir()
    (overlay / "kustomization.yaml").write_text(shown.replace("../base", "../../base"))

    def started(documents: list[dict[str, Any]]) -> tuple[dict[str, str], str, Any]:
        pod = one(documents, "Deployment")["spec"]["template"]["spec"]
        environment = {variable["name"]: variable.get("value") for variable in pod["containers"][0]["env"]}
        images = {key: value for key, value in json.loads(environment["ATENDEAI_IMAGES"]).items() if value}
        return images, pod["containers"][0]["image"], pod["imagePullSecrets"]

    chart = rendering.template(
        *("--set", "image.repository=registry.example.com/atendeai/operator", "--set", "image.tag=2.1.0"),
        *("--set", "imagePullSecrets[0].name=registry"),
    )
    assert started(rendering.kustomize(overlay)) == started(chart)


def test_the_samples_are_valid_and_their_secrets_are_named() -> None:
    documents = rendering.kustomize(rendering.ROOT / "manifests" / "samples")
    StackResource.model_validate(one(documents, "AtendeAIStack"))
    clinics = by_kind(documents, "Clinic")
    assert {clinic["spec"]["isolation"] for clinic in clinics} == {"Dedicated", "Shared"}
    for clinic in clinics:
        ClinicResource.model_validate(clinic)
        assert clinic["spec"]["stackRef"]["name"] == one(documents, "AtendeAIStack")["metadata"]["name"]
    example = rendering.ROOT / "manifests" / "samples" / "secrets.example.yaml"
    secrets = list(yaml.safe_load_all(example.read_text()))
    referred = set(re.findall(r"SecretRef': {'name': '([^']+)'|secretRef': {'name': '([^']+)'", str(documents)))
    assert {secret["metadata"]["name"] for secret in secrets} == {name for pair in referred for name in pair if name}
    assert all(set(secret["stringData"].values()) == {"FILL-IN"} for secret in secrets)
