"""The gateway: Kong or Envoy over one model of the edge. Pure.

Everything that follows the clinics lies in a Secret, because it holds the keys that sign tokens. Its pods read it as
files: Envoy watches them itself, Kong's are carried to its loopback admin by the agent beside it.
"""

from __future__ import annotations

from atendeai_operator.api import names
from atendeai_operator.catalogue import Resources
from atendeai_operator.gateway import envoy, kong
from atendeai_operator.gateway.model import PROXY_PORT, STATUS_PORT, TLS_PORT
from atendeai_operator.objects import pods
from atendeai_operator.objects.meta import Object, config_map, digest, secret
from atendeai_operator.objects.workloads import account, budget, deployment, service
from atendeai_operator.stack.plan import StackPlan

COMPONENT = "gateway"
ENVOY_UID, KONG_UID = 101, 1000  # of the users in their images
BOOTSTRAP_DIR = "/etc/envoy-bootstrap"
AGENT = Resources(cpu_request="10m", memory_request="32Mi", memory_limit="96Mi")
AGENT_UID = 65532
# Time for HAProxy's checks and for DNS to leave a pod alone before it ends.
FAREWELL_SECONDS = 6
PORTS = {"http": PROXY_PORT, "https": TLS_PORT, "status": STATUS_PORT}
STATUS_PATH = "/status/ready"


def configuration_secret(plan: StackPlan) -> str:
    """Return the name of the Secret with the configuration."""
    return names.child(plan.name, COMPONENT)


def tls_secret(plan: StackPlan) -> str:
    """Return the name of the Secret with the certificate of the gateway's own TLS port."""
    return names.child(plan.name, f"{COMPONENT}-tls")


def files(plan: StackPlan) -> dict[str, str]:
    """Return the configuration's files by name."""
    return kong.files(plan.edge) if plan.gateway.provider == "Kong" else envoy.files(plan.edge)


def objects(plan: StackPlan) -> list[Object]:
    """Return the gateway's objects."""
    name, owner, wanted = names.child(plan.name, COMPONENT), plan.owner, plan.gateway
    certificate = {"tls.crt": wanted.tls.certificate, "tls.key": wanted.tls.key}
    found = [
        account(name, owner, COMPONENT),
        secret(configuration_secret(plan), owner, COMPONENT, files(plan)),
        secret(tls_secret(plan), owner, COMPONENT, certificate, kind="kubernetes.io/tls"),
    ]
    if wanted.provider == "Kong":
        pod_spec, annotations = _kong(plan, name), {}
    else:
        static = {"bootstrap.json": envoy.bootstrap()}
        found.append(config_map(name, owner, COMPONENT, static))
        pod_spec, annotations = _envoy(plan, name), {"atendeai.io/config": digest(static)}
    found += [
        service(name, owner, COMPONENT, PORTS),
        # HAProxy asks for the pods themselves, so that it leaves a failing one at once
        service(names.child(plan.name, f"{COMPONENT}-pods"), owner, COMPONENT, PORTS, headless=True),
        deployment(name, owner, COMPONENT, wanted.replicas, pod_spec, annotations=annotations),
    ]
    if wanted.replicas > 1:
        found.append(budget(name, owner, COMPONENT))
    return found


def _container(plan: StackPlan, image: str, **fields: object) -> Object:
    ready = {"httpGet": {"path": STATUS_PATH, "port": "status"}, "timeoutSeconds": 3}
    alive = {"tcpSocket": {"port": "status"}, "timeoutSeconds": 10}
    return {
        "name": COMPONENT,
        "image": image,
        "ports": [{"name": port, "containerPort": number, "protocol": "TCP"} for port, number in PORTS.items()],
        "startupProbe": {**ready, "periodSeconds": 1, "failureThreshold": 60},
        "readinessProbe": {**ready, "periodSeconds": 3, "failureThreshold": 2},
        "livenessProbe": {**alive, "periodSeconds": 30, "failureThreshold": 3},
        "lifecycle": {"preStop": {"sleep": {"seconds": FAREWELL_SECONDS}}},
        "resources": pods.resources(plan.gateway.resources),
        "securityContext": pods.harmless(),
        **fields,
    }


def _pod(plan: StackPlan, name: str, containers: list[Object], volumes: list[Object], uid: int) -> Object:
    return pods.pod(
        containers,
        image=plan.migration.image,  # for its pull secrets: they are the whole stack's
        account=name,
        security=pods.as_user(uid, own_volumes=True),
        volumes=[
            # Kubernetes mounts both with a change of a symbolic link, which is what everything here watches
            pods.secret_volume("config", configuration_secret(plan)),
            pods.secret_volume("tls", tls_secret(plan)),
            pods.scratch("tmp", limit="256Mi"),
            *volumes,
        ],
        spread_over=plan.owner.selector(COMPONENT) if plan.gateway.replicas > 1 else None,
        # names are asked for in full: a wrong search path must not cost a query each
        dnsConfig={"options": [{"name": "ndots", "value": "2"}]},
    )


def _envoy(plan: StackPlan, name: str) -> Object:
    arguments = ["--disable-hot-restart", "--concurrency", "2", "--drain-time-s", "20", "--log-level", "warning"]
    container = _container(
        plan,
        plan.images.envoy,
        command=["envoy", "--config-path", f"{BOOTSTRAP_DIR}/bootstrap.json", *arguments],
        volumeMounts=[
            pods.mount("bootstrap", BOOTSTRAP_DIR),
            pods.mount("config", envoy.CONFIG_DIR),
            pods.mount("tls", envoy.TLS_DIR),
            pods.mount("tmp", "/tmp", read_only=False),
        ],
    )
    return _pod(plan, name, [container], [pods.config_volume("bootstrap", name)], ENVOY_UID)


def _kong(plan: StackPlan, name: str) -> Object:
    # the image's own entry point prepares the prefix, which lies on a volume, and starts the proxy
    proxy = _container(
        plan,
        plan.images.kong,
        env=pods.env(kong.environment(admin_gui=plan.gateway.admin_gui)),
        volumeMounts=[
            pods.mount("config", kong.CONFIG_DIR),
            pods.mount("tls", kong.TLS_DIR),
            pods.mount("prefix", kong.PREFIX, read_only=False),
            pods.mount("tmp", "/tmp", read_only=False),
        ],
    )
    agent = {
        "name": "agent",
        "image": plan.images.operator,
        "command": ["python3", "-m", "atendeai_operator.gateway.agent", "kong"],
        "args": ["--watch", kong.CONFIG_DIR, "--admin", f"http://127.0.0.1:{kong.ADMIN_PORT}"],
        "resources": pods.resources(AGENT),
        "securityContext": {**pods.harmless(), "runAsUser": AGENT_UID},
        "volumeMounts": [pods.mount("config", kong.CONFIG_DIR)],
    }
    return _pod(plan, name, [proxy, agent], [pods.scratch("prefix", limit="256Mi")], KONG_UID)
