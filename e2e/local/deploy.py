"""From an empty cluster to two ready clinics: what a platform team does, step by step.

Run as `python -m local.deploy`. Every step is an apply, so running it again changes only what differs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

from cluster.steps import StepFailedError, elapsed, say, step
from local import kubectl, outside, world

ROOT = Path(__file__).resolve().parents[2]


def rollout(namespace: str, *targets: str, deadline: int = 300) -> None:
    """Wait until the named workloads are rolled out; raises StepFailedError with the pods' own state."""
    for target in targets:
        try:
            kubectl.kubectl(
                "-n", namespace, "rollout", "status", target, f"--timeout={deadline}s", timeout=deadline + 30
            )
        except (kubectl.KubectlError, subprocess.TimeoutExpired) as error:
            tail = kubectl.kubectl("-n", namespace, "get", "pods,events", "--sort-by=.metadata.creationTimestamp")
            remedy = f"kubectl -n {namespace} describe {target}"
            raise StepFailedError(f"{namespace}/{target} did not become ready", tail=tail, remedy=remedy) from error


def monitoring(refs: dict[str, Any]) -> None:
    """The Prometheus Operator with its CRDs, the rules and the dashboards; what it runs is the stack's own."""
    crds = kubectl.cluster("prometheus-crds")
    kubectl.kubectl("apply", "--server-side", "--force-conflicts", "-f", crds)
    # Applied is not yet served: what follows is of these kinds.
    kubectl.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", crds)
    text = kubectl.kubectl("kustomize", str(ROOT / "monitoring" / "local"))
    for key, placeholder in (
        ("prometheusOperator", "prometheus-operator:local"),
        ("prometheusConfigReloader", "prometheus-config-reloader:local"),
    ):
        text = text.replace(placeholder, refs[key])
    kubectl.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)


def operator(refs: dict[str, Any], version: str) -> None:
    """The operator, by its Helm chart."""
    names = (
        *("postgres", "postgresExporter", "redis", "redisExporter", "kong", "envoy", "haproxy"),
        *("prometheus", "prometheusVersion", "alertmanager", "alertmanagerVersion"),
    )
    values = {
        "image": {"repository": "atendeai/operator", "tag": version, "pullPolicy": "IfNotPresent"},
        "images": {name: refs[name] for name in names if refs.get(name)},
    }
    command = [kubectl.binary("helm"), "--kube-context", kubectl.CONTEXT, "upgrade", "--install", "atendeai"]
    command += [str(ROOT / "charts" / "atendeai"), "--namespace", world.SYSTEM, "--values", "-"]
    command += ["--wait", "--timeout", "2m"]
    done = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        tail = done.stdout + done.stderr
        tail += kubectl.kubectl("-n", world.SYSTEM, "get", "pods", "-o", "wide")
        raise StepFailedError(
            "helm upgrade --install atendeai",
            tail=tail,
            remedy=f"kubectl -n {world.SYSTEM} logs -l app.kubernetes.io/name=atendeai-operator",
        )


def standing(found: dict[str, Any]) -> str:
    """How a resource stands that is awaited: its Ready condition, unless that speaks of what was before the change."""
    current = kubectl.condition(found)
    if current.get("observedGeneration") != found["metadata"]["generation"] or current.get("status") == "True":
        return "the operator has yet to take up the change"
    return f"{current.get('reason', '')} {current.get('message', '')}".rstrip()


def ready(kind: str, name: str, version: str, deadline: float, began: float | None = None) -> dict[str, Any]:
    """Wait until a resource is Ready at its current generation and version, saying on the way what it waits for.

    `began` is when it was applied, by the monotonic clock; by default now. Raises StepFailedError after `deadline` s.
    """
    said = ""
    applied = time.monotonic() if began is None else began

    def probe() -> dict[str, Any] | None:
        nonlocal said
        found: dict[str, Any] = kubectl.get(kind, name, namespace=world.NAMESPACE)
        current = kubectl.condition(found)
        seen = current.get("observedGeneration") == found["metadata"]["generation"]
        if current.get("status") == "True" and seen and found["status"].get("version") == version:
            say(f"  {kind}/{name} is Ready after {elapsed(time.monotonic() - applied)}")
            return found
        text = f"{kind}/{name}: {standing(found)}"
        if text != said:
            said = text
            say(f"  {textwrap.shorten(text, 150, placeholder=' …')}")
        return None

    try:
        return kubectl.wait_for(f"{kind}/{name} Ready", probe, deadline=deadline, every=1)
    except TimeoutError as error:
        tail = kubectl.kubectl("get", "pods", "-A", "-o", "wide")
        remedy = f"kubectl -n {world.NAMESPACE} describe {kind} {name}"
        raise StepFailedError(f"{kind}/{name} did not become Ready: {said}", tail=tail, remedy=remedy) from error


def monitored(deadline: float) -> None:
    """Wait until the stack says that its own monitoring runs."""

    def probe() -> bool:
        found = kubectl.condition(kubectl.get("stack", world.STACK, namespace=world.NAMESPACE), "MonitoringReady")
        assert found.get("status") == "True", f"{found.get('reason')}: {found.get('message')}"
        return True

    try:
        kubectl.wait_for("MonitoringReady", probe, deadline=deadline, every=1)
    except TimeoutError as error:
        tail = kubectl.kubectl("-n", world.NAMESPACE, "get", "prometheuses,alertmanagers,pods", "-o", "wide")
        remedy = f"kubectl -n {world.MONITORING} logs deployment/prometheus-operator"
        raise StepFailedError(str(error), tail=tail, remedy=remedy) from error


def main() -> int:
    """Deploy everything; returns the exit code."""
    refs = json.loads(kubectl.cluster("image-refs"))
    # Building says which version it built: the sources may be edited while this runs.
    built = dict(line.rpartition(":")[::2] for line in kubectl.cluster("app-images").splitlines())
    version = built["atendeai/operator"]
    provider = "Kong" if refs.get("kong") else "Envoy"
    try:
        with step("namespaces, monitoring"):
            kubectl.apply(*world.namespaces())
            monitoring(refs)
        with step("the faked outside world (Graph API, Google Calendar, OpenAI)"):
            kubectl.apply(*outside.manifests(built["atendeai/fakes"]))
        with step("the operator (Helm)"):
            operator(refs, version)
        with step("the fakes know both clinics"):
            rollout(world.FAKES, *(f"deployment/{name}" for name in (*outside.REMEMBERING, *outside.FORGETFUL)))
            for local in world.CLINICS:
                world.ensure_credentials(local)
            with outside.outside() as fakes:
                for local in world.CLINICS:
                    fakes.register(local)
        # The clinics wait for their stack by themselves, and need not begin when its last pod is ready.
        clinics = ", ".join(f"{local.name} ({local.isolation})" for local in world.CLINICS)
        with step(f"AtendeAIStack {world.STACK} (gateway: {provider}), Clinics {clinics}"):
            began = time.monotonic()
            kubectl.apply(world.stack(version, provider), *map(world.clinic, world.CLINICS))
            ready("stack", world.STACK, version, 600, began)
            for local in reversed(world.CLINICS):
                ready("clinic", local.name, version, 300, began)
        with step("Prometheus and Alertmanager"):
            rollout(world.MONITORING, "deployment/prometheus-operator")
            monitored(300)
    except StepFailedError as error:
        say(error.render())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
