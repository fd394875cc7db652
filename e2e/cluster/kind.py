"""The cluster itself: one control plane and one worker, its pod network, its life and its end."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from cluster import engine, gobuild, paths, steps

NAME = "atendeai"
CONTEXT = f"kind-{NAME}"
HTTP, HTTPS = 8080, 8443  # on 127.0.0.1 of this machine
NODE_PORT_HTTP, NODE_PORT_HTTPS = 30080, 30443
POD_SUBNET = "10.244.0.0/16"
SERVICE_SUBNET = "10.96.0.0/16"
NODES = (f"{NAME}-control-plane", f"{NAME}-worker")
_CNI_FILE = "/etc/cni/net.d/10-atendeai.conflist"

# containerd 2.3 looks at every container's counters each second, for a kubelet that asks containerd for them. Ours
# reads them itself, and forty idle pods cost an eighth of a processor that way. An older containerd warns of the keys.
_STATISTICS = """
[plugins."io.containerd.cri.v1.runtime"]
  stats_collect_period = "60s"
  stats_retention_period = "120s"
"""


def kubeconfig() -> Path:
    """A kubeconfig of this cluster alone, whatever the user's own says."""
    return paths.cache() / "kubeconfig"


def user_kubeconfig() -> Path:
    """Where kind merges the context into: the first file of $KUBECONFIG, or ~/.kube/config."""
    named = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    return Path(named) if named else Path.home() / ".kube" / "config"


def config(*, own_network: bool, cgroup_v1: bool, restricted: bool) -> dict[str, Any]:
    """The kind configuration.

    ``own_network``: the node image brings no pod network. ``cgroup_v1``: the kubelet refuses it unless told otherwise
    (since 1.35). ``restricted``: the host lacks CAP_SYS_RESOURCE, so the kubelet may not insist on what needs it.
    """
    kubelet = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        # A clinic of its own has eight pods; two dozen of them fit on one node's address range (/24).
        "maxPods": 220,
        **({"failCgroupV1": False} if cgroup_v1 else {}),
    }
    ports = [
        {"containerPort": inside, "hostPort": outside, "listenAddress": "127.0.0.1", "protocol": "TCP"}
        for inside, outside in ((NODE_PORT_HTTP, HTTP), (NODE_PORT_HTTPS, HTTPS))
    ]
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": NAME,
        "networking": {
            "podSubnet": POD_SUBNET,
            "serviceSubnet": SERVICE_SUBNET,
            "disableDefaultCNI": own_network,
        },
        **({"featureGates": {"KubeletInUserNamespace": True}} if restricted else {}),
        "kubeadmConfigPatches": [json.dumps(kubelet)],
        "containerdConfigPatches": [_STATISTICS],
        "nodes": [{"role": "control-plane", "extraPortMappings": ports}, {"role": "worker"}],
    }


def exists() -> bool:
    """Whether containers of this cluster exist, running or not."""
    return bool(_containers())


def nodes_run() -> bool:
    """Whether the containers of both nodes exist and run; a reboot or a restarted engine leaves them stopped."""
    states = _containers()
    return set(states) == set(NODES) and set(states.values()) == {"running"}


def start_nodes() -> bool:
    """Start the stopped nodes of a whole cluster. False when nodes are missing or do not start."""
    if set(_containers()) != set(NODES):
        return False
    with steps.step("start the stopped nodes"):
        return steps.succeeds([engine.client(), "start", *NODES], timeout=60)


def healthy(wait_seconds: float) -> bool:
    """Whether the API server answers and both nodes are Ready, within the given time."""
    gobuild.ensure(["kind", "kubectl"])
    deadline = time.monotonic() + wait_seconds
    while not _answers():
        if time.monotonic() > deadline:
            return False
        time.sleep(1)
    return True


def _answers() -> bool:
    try:
        if not kubeconfig().exists():
            write_kubeconfigs()
        nodes = json.loads(kubectl("get", "nodes", "-o", "json", "--request-timeout=15s"))["items"]
    except (steps.StepFailedError, ValueError):
        return False
    return {node["metadata"]["name"] for node in nodes if _ready(node)} == set(NODES)


def _containers() -> dict[str, str]:
    """Name -> state of this cluster's containers, by the label that kind gives them."""
    out = engine.docker(
        "ps",
        "-a",
        "--filter",
        f"label=io.x-k8s.kind.cluster={NAME}",
        "--format",
        "{{.Names}} {{.State}}",
    )
    return dict(line.split(maxsplit=1) for line in out.splitlines() if line)


def _ready(node: dict[str, Any]) -> bool:
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in node["status"].get("conditions", [])
    )


def kubectl(*arguments: str, stdin: str | None = None, timeout: float | None = None) -> str:
    """Run kubectl on this cluster, never on another context. Raises StepFailedError."""
    return steps.run(
        [gobuild.path("kubectl"), "--kubeconfig", kubeconfig(), "--context", CONTEXT, *arguments],
        stdin=stdin,
        timeout=timeout,
    )


def create(image: str | None) -> None:
    """Create the cluster from a node image (None: kind's published one) and wait until it serves pods."""
    gobuild.ensure(["kind", "kubectl"])
    own_network = image is not None
    wanted = config(
        own_network=own_network,
        cgroup_v1=not Path("/sys/fs/cgroup/cgroup.controllers").exists(),
        restricted=engine.lacks_sys_resource(),
    )
    user_kubeconfig().parent.mkdir(parents=True, exist_ok=True)
    command = ["create", "cluster", "--name", NAME, "--config", "-", "--retain", "--kubeconfig", str(user_kubeconfig())]
    if image:
        command += ["--image", image]
    with steps.step(f"kind create cluster {NAME}"):
        try:
            _kind(*command, stdin=json.dumps(wanted))
        except steps.StepFailedError as failure:
            raise steps.StepFailedError(
                failure.what,
                tail=failure.tail + _node_complaints(),
                remedy=f"are the ports 127.0.0.1:{HTTP} and {HTTPS} free? `make down` removes what is half made",
            ) from failure
        write_kubeconfigs()
    if own_network:
        with steps.step("pod network"):
            connect()
    with steps.step("nodes Ready, DNS and storage up"):
        kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=180s")
        # Both nodes take pods: their CPU requests and addresses would otherwise fill the worker alone.
        kubectl("taint", "nodes", NODES[0], "node-role.kubernetes.io/control-plane:NoSchedule-")
        settle()


def settle(wait_seconds: float = 180) -> None:
    """Wait until names resolve and volumes are made. Raises StepFailedError.

    After a restart the recorded readiness of pods is old news, so CoreDNS itself is asked, over the pod network.
    """
    for namespace, deployment in (("kube-system", "coredns"), ("local-path-storage", "local-path-provisioner")):
        kubectl("-n", namespace, "rollout", "status", f"deployment/{deployment}", "--timeout=180s")
    deadline = time.monotonic() + wait_seconds
    while not _names_resolve():
        if time.monotonic() > deadline:
            raise steps.StepFailedError(
                f"CoreDNS is not ready after {wait_seconds:.0f} s",
                remedy="kubectl -n kube-system logs deployment/coredns; `make down` gives the cluster up",
            )
        time.sleep(1)


def _names_resolve() -> bool:
    try:
        names = kubectl("-n", "kube-system", "get", "pods", "-l", "k8s-app=kube-dns", "-o", "name").split()
        for name in names:
            pod = name.removeprefix("pod/")
            kubectl("get", "--raw", f"/api/v1/namespaces/kube-system/pods/{pod}:8181/proxy/ready")
    except steps.StepFailedError:
        return False
    return bool(names)


def delete() -> None:
    """Remove this cluster's nodes and its kubeconfig entries, and nothing else. Safe when there is none."""
    if exists():
        gobuild.ensure(["kind"])
        with steps.step(f"kind delete cluster {NAME}"):
            _kind("delete", "cluster", "--name", NAME, "--kubeconfig", str(user_kubeconfig()))
    kubeconfig().unlink(missing_ok=True)


def write_kubeconfigs() -> None:
    """Write the cache's kubeconfig, and put the context into the user's where it is missing."""
    paths.write_whole(kubeconfig(), _kind("get", "kubeconfig", "--name", NAME), mode=0o600)
    contexts = ""
    if user_kubeconfig().exists():
        contexts = steps.run(
            [gobuild.path("kubectl"), "--kubeconfig", user_kubeconfig(), "config", "get-contexts", "-o", "name"]
        )
    if CONTEXT not in contexts.split():
        _kind("export", "kubeconfig", "--name", NAME, "--kubeconfig", str(user_kubeconfig()))


def _kind(*arguments: str, stdin: str | None = None) -> str:
    return steps.run([gobuild.path("kind"), *arguments], env=engine.environment(), stdin=stdin)


def _node_complaints() -> str:
    """The last lines of the kubelets and containerds of nodes that would not start."""
    said = ""
    for node in _containers():
        try:
            said += engine.docker(
                "exec", node, "journalctl", "--no-pager", "-n", "12", "-u", "kubelet", "-u", "containerd", "-o", "cat"
            )
        except steps.StepFailedError:
            continue
    return said


def conflist(pod_cidr: str) -> dict[str, Any]:
    """The CNI configuration of one node: a veth pair per pod, addresses of the node's own range, host ports."""
    return {
        "cniVersion": "0.3.1",
        "name": NAME,
        "plugins": [
            {
                "type": "ptp",
                "ipMasq": False,
                "mtu": 1500,
                "ipam": {
                    "type": "host-local",
                    "dataDir": "/run/cni-ipam-state",
                    "ranges": [[{"subnet": pod_cidr}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def connect() -> None:
    """What kindnet would do: a conflist per node, routes between the nodes, one rule for what leaves.

    Safe to repeat, and needed again after a node has restarted: routes are lost, and its address may be another.
    """
    nodes = json.loads(kubectl("get", "nodes", "-o", "json"))["items"]
    ranges: dict[str, tuple[str, str]] = {}
    for node in nodes:
        address = next(item["address"] for item in node["status"]["addresses"] if item["type"] == "InternalIP")
        ranges[node["metadata"]["name"]] = (node["spec"]["podCIDR"], address)
    for name, (pod_cidr, _) in ranges.items():
        lines = [f"ip route replace {cidr} via {address}" for other, (cidr, address) in ranges.items() if other != name]
        rule = f"POSTROUTING -s {POD_SUBNET} ! -d {POD_SUBNET} -j MASQUERADE"
        lines.append(f"iptables -t nat -C {rule} 2>/dev/null || iptables -t nat -A {rule}")
        # kube-proxy changes its tables one after the other: between them, a Service that loses or gets its last
        # endpoint is neither translated nor refused, and the packet would leave for whatever answers out there.
        stray = f"FORWARD -d {SERVICE_SUBNET} -j REJECT"
        lines.append(f"iptables -C {stray} 2>/dev/null || iptables -I {stray}")
        lines.append(f"mkdir -p {Path(_CNI_FILE).parent}")
        # Last, and whole: the kubelet reports Ready as soon as the file is there.
        lines.append(f"cat > {_CNI_FILE}.part && mv {_CNI_FILE}.part {_CNI_FILE}")
        engine.docker(
            "exec",
            "-i",
            name,
            "bash",
            "-euc",
            "\n".join(lines),
            stdin=json.dumps(conflist(pod_cidr), indent=2),
            what=f"pod network of {name}",
        )
