"""Redis 7: one server, its append-only file, its access list, its exporter. Pure."""

from __future__ import annotations

from importlib.resources import files

from atendeai_operator.api import names, quantity
from atendeai_operator.catalogue import Resources
from atendeai_operator.objects import pods
from atendeai_operator.objects.meta import Object, config_map, digest
from atendeai_operator.objects.stateful import stateful_set, volume_claim
from atendeai_operator.objects.workloads import account, service
from atendeai_operator.stack.plan import StackPlan

COMPONENT = "redis"
PORT, METRICS_PORT = 6379, 9121
UID = 999  # of the user redis, in both images
EXPORTER = Resources(cpu_request="10m", memory_request="32Mi", memory_limit="128Mi")
SHUTDOWN_SECONDS = 60


def configuration(max_memory: str) -> str:
    """Return redis.conf. `max_memory` is a quantity."""
    lines = (
        "bind * -::*",
        f"port {PORT}",
        "protected-mode no",  # the access list guards every connection
        "dir /data",
        "aclfile /data/users.acl",
        "acllog-max-len 64",
        "appendonly yes",
        "appendfsync everysec",
        'save ""',  # the append-only file is the one record
        f"maxmemory {int(quantity.parse(max_memory))}",
        # An evicted revocation would let a signed-out person in again: refuse writes instead, and let the alert ring.
        "maxmemory-policy noeviction",
        "tcp-keepalive 60",
        "timeout 0",
    )
    return "\n".join(lines) + "\n"


def objects(plan: StackPlan) -> list[Object]:
    """Return the cache's objects."""
    name, owner = names.child(plan.name, COMPONENT), plan.owner
    config = {
        "redis.conf": configuration(plan.redis.max_memory),
        "start.sh": files(__package__).joinpath("redis_start.sh").read_text(encoding="utf-8"),
    }
    claim = names.child(plan.name, f"{COMPONENT}-data")
    config_digest = digest([config, plan.minted.redis_admin_password.encode()])
    return [
        account(name, owner, COMPONENT),
        config_map(name, owner, COMPONENT, config),
        volume_claim(claim, owner, COMPONENT, plan.redis.storage),
        service(name, owner, COMPONENT, {"redis": PORT, "metrics": METRICS_PORT}),
        stateful_set(name, owner, COMPONENT, _pod(plan, name, claim), config_digest),
    ]


def _pod(plan: StackPlan, name: str, claim: str) -> Object:
    # LOADING and NOAUTH are answers too, but not the one a client wants.
    ping = ["sh", "-c", "redis-cli --no-auth-warning --user operator ping | grep -q PONG"]
    server = {
        "name": COMPONENT,
        "image": plan.images.redis,
        "command": ["sh", "/etc/atendeai/start.sh"],
        "ports": [{"name": "redis", "containerPort": PORT, "protocol": "TCP"}],
        "env": [pods.env_from_secret("REDISCLI_AUTH", name, "admin-password")],
        "startupProbe": pods.tcp_probe("redis", period=2, timeout=2, failures=150),
        "livenessProbe": pods.tcp_probe("redis", period=30, timeout=10, failures=3),
        "readinessProbe": pods.exec_probe(ping, period=10, timeout=5, failures=2),
        "resources": pods.resources(plan.redis.resources),
        "securityContext": pods.harmless(),
        "volumeMounts": [
            pods.mount("data", "/data", read_only=False),
            pods.mount("config", "/etc/atendeai"),
            pods.mount("admin", "/etc/atendeai-admin"),
            pods.mount("tmp", "/tmp", read_only=False),
        ],
    }
    exporter = {
        "name": "exporter",
        "image": plan.images.redis_exporter,
        "ports": [{"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"}],
        "env": [
            *pods.env({"REDIS_ADDR": f"redis://127.0.0.1:{PORT}", "REDIS_USER": "exporter"}),
            pods.env_from_secret("REDIS_PASSWORD", name, "exporter-password"),
        ],
        "resources": pods.resources(EXPORTER),
        "securityContext": pods.harmless(),
    }
    return pods.pod(
        [server, exporter],
        image=plan.migration.image,  # for its pull secrets: they are the whole stack's
        account=name,
        security=pods.as_user(UID, own_volumes=True),
        volumes=[
            {"name": "data", "persistentVolumeClaim": {"claimName": claim}},
            pods.config_volume("config", name),
            pods.secret_volume("admin", name, ["admin-password"]),
            pods.scratch("tmp", limit="64Mi"),
        ],
        grace=SHUTDOWN_SECONDS,
    )
