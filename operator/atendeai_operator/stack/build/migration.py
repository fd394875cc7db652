"""The Job that brings the schema to the version of the services, before any of them starts. Pure."""

from __future__ import annotations

from atendeai_operator import catalogue
from atendeai_operator.api import names
from atendeai_operator.catalogue import Resources
from atendeai_operator.objects import pods
from atendeai_operator.objects.meta import Object, digest, make, secret
from atendeai_operator.objects.workloads import account
from atendeai_operator.stack.plan import StackPlan

COMPONENT = "migrate"
SIZE = Resources(cpu_request="50m", memory_request="128Mi", memory_limit="512Mi")
DEADLINE_SECONDS = 1800
RETRIES = 6


def objects(plan: StackPlan) -> list[Object]:
    """Return the Job and what it reads. A Job cannot change: its name follows its version and its template."""
    owner, wanted = plan.owner, plan.migration
    runtime = names.child(plan.name, "migrator-runtime")
    name = names.child(plan.name, COMPONENT)
    container = {
        "name": COMPONENT,
        "image": wanted.image.reference,
        "imagePullPolicy": wanted.image.pull_policy,
        "command": ["python3", "-m", "atendeai.migrations", "upgrade"],
        "env": [
            *pods.env({"ATENDEAI_SERVICE": "migrations", "ATENDEAI_VERSION": wanted.version}),
            pods.env_from_secret("ATENDEAI_DATABASE_URL", runtime, "database-url"),
        ],
        "resources": pods.resources(SIZE),
        "securityContext": pods.harmless(),
        "volumeMounts": [pods.mount("tmp", "/tmp", read_only=False)],
    }
    pod_spec = pods.pod(
        [container],
        account=name,
        security=pods.as_user(catalogue.SERVICE_UID),
        volumes=[pods.scratch("tmp", limit="64Mi")],
        image=wanted.image,
        restartPolicy="Never",
    )
    spec = {
        "backoffLimit": RETRIES,
        "activeDeadlineSeconds": DEADLINE_SECONDS,
        "template": {"metadata": {"labels": owner.labels(COMPONENT, wanted.version)}, "spec": pod_spec},
    }
    job = names.migration_job(plan.name, wanted.version, digest(spec))
    return [
        account(name, owner, COMPONENT),
        secret(runtime, owner, COMPONENT, {"database-url": wanted.database_url}),
        make("batch/v1", "Job", job, owner, COMPONENT, version=wanted.version, spec=spec),
    ]
