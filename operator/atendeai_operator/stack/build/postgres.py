"""PostgreSQL 15: one server, its volume, its exporter. Pure.

The same StatefulSet runs docker.io/library/postgres:15 and a Debian image of the same paths: it brings its own start
script and uses neither's entry point.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from atendeai_operator.api import names
from atendeai_operator.catalogue import Resources
from atendeai_operator.objects import pods
from atendeai_operator.objects.meta import Object, config_map, digest
from atendeai_operator.objects.stateful import stateful_set, volume_claim
from atendeai_operator.objects.workloads import account, service
from atendeai_operator.stack.plan import StackPlan

COMPONENT = "postgres"
PORT, METRICS_PORT = 5432, 9187
UID = 999  # of the user postgres, in both images
BIN = "/usr/lib/postgresql/15/bin"
EXPORTER = Resources(cpu_request="10m", memory_request="32Mi", memory_limit="128Mi")
SHUTDOWN_SECONDS = 60

# Our own, over which spec.postgres.parameters are laid; those it may not name are refused by the schema.
_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "*",
    "port": str(PORT),
    "unix_socket_directories": "/var/run/postgresql",
    "hba_file": "/etc/atendeai/pg_hba.conf",
    "password_encryption": "scram-sha-256",
    # a query that does not name its clinic locks every clinic's partition
    "max_locks_per_transaction": "1024",
    "max_connections": "300",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # an error's detail shows the row it is about, and so a patient
    "log_error_verbosity": "terse",
    "log_line_prefix": "%m [%p] %u ",
    "log_checkpoints": "off",
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
_HBA = """\
# Inside the pod the user postgres needs no password; from outside everybody does.
local all postgres peer
local all all scram-sha-256
host  all all 0.0.0.0/0 scram-sha-256
host  all all ::/0 scram-sha-256
"""


def configuration(parameters: Mapping[str, str]) -> str:
    """Return postgresql.conf."""
    return "".join(f"{key} = '{value}'\n" for key, value in {**_SETTINGS, **parameters}.items())


def objects(plan: StackPlan) -> list[Object]:
    """Return the database's objects."""
    name, owner = names.child(plan.name, COMPONENT), plan.owner
    config = {
        "postgresql.conf": configuration(plan.postgres.parameters),
        "pg_hba.conf": _HBA,
        "start.sh": files(__package__).joinpath("postgres_start.sh").read_text(encoding="utf-8"),
    }
    claim = names.child(plan.name, f"{COMPONENT}-data")
    # A new password or setting takes effect at a start; the start script makes the superuser's password hold.
    config_digest = digest([config, plan.minted.postgres_password.encode()])
    return [
        account(name, owner, COMPONENT),
        config_map(name, owner, COMPONENT, config),
        volume_claim(claim, owner, COMPONENT, plan.postgres.storage),
        service(name, owner, COMPONENT, {"postgres": PORT, "metrics": METRICS_PORT}),
        stateful_set(name, owner, COMPONENT, _pod(plan, name, claim), config_digest),
    ]


def _pod(plan: StackPlan, name: str, claim: str) -> Object:
    answers = [f"{BIN}/pg_isready", "-q", "-h", "127.0.0.1", "-U", "postgres"]
    server = {
        "name": COMPONENT,
        "image": plan.images.postgres,
        "command": ["bash", "/etc/atendeai/start.sh"],
        "ports": [{"name": "postgres", "containerPort": PORT, "protocol": "TCP"}],
        # recovery after a crash may take its time: it is alive as long as it answers anything, "starting up" included
        "startupProbe": pods.exec_probe(answers, period=2, timeout=5, failures=300),
        "livenessProbe": pods.exec_probe(
            ["sh", "-c", f"{' '.join(answers)}; test $? -lt 2"], period=30, timeout=10, failures=3
        ),
        "readinessProbe": pods.exec_probe(answers, period=10, timeout=5, failures=2),
        "resources": pods.resources(plan.postgres.resources),
        "securityContext": pods.harmless(),
        "volumeMounts": [
            pods.mount("data", "/var/lib/postgresql/data", read_only=False),
            pods.mount("config", "/etc/atendeai"),
            pods.mount("superuser", "/etc/atendeai-superuser"),
            pods.mount("run", "/var/run/postgresql", read_only=False),
            pods.mount("tmp", "/tmp", read_only=False),
            pods.mount("shm", "/dev/shm", read_only=False),
        ],
    }
    exporter = {
        "name": "exporter",
        "image": plan.images.postgres_exporter,
        "ports": [{"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"}],
        "env": [
            *pods.env(
                {
                    "DATA_SOURCE_URI": f"127.0.0.1:{PORT}/atendeai?sslmode=disable",
                    "DATA_SOURCE_USER": "atendeai_exporter",
                }
            ),
            pods.env_from_secret("DATA_SOURCE_PASS", name, "exporter-password"),
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
            pods.secret_volume("superuser", name, ["postgres-password"]),
            pods.scratch("run"),
            pods.scratch("tmp", limit="256Mi"),
            pods.scratch("shm", memory=True, limit="256Mi"),
        ],
        grace=SHUTDOWN_SECONDS,
    )
