"""A server with a volume of its own: the database, the cache. Pure."""

from __future__ import annotations

from atendeai_operator.api.storage import Storage
from atendeai_operator.objects.meta import Object, Owner, make


def volume_claim(name: str, owner: Owner, component: str, storage: Storage) -> Object:
    """Return a claim of its own rather than a template of the StatefulSet, which could never grow."""
    spec: Object = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage.size}}}
    if storage.class_name:
        spec["storageClassName"] = storage.class_name
    return make("v1", "PersistentVolumeClaim", name, owner, component, spec=spec)


def stateful_set(name: str, owner: Owner, component: str, pod: Object, config_digest: str) -> Object:
    """Return a StatefulSet of one pod, which is replaced when the digest of its configuration changes."""
    spec = {
        "serviceName": name,
        "replicas": 1,
        "revisionHistoryLimit": 3,
        "podManagementPolicy": "OrderedReady",
        "updateStrategy": {"type": "RollingUpdate"},
        "selector": {"matchLabels": owner.selector(component)},
        "template": {
            "metadata": {"labels": owner.labels(component), "annotations": {"atendeai.io/config": config_digest}},
            "spec": pod,
        },
    }
    return make("apps/v1", "StatefulSet", name, owner, component, spec=spec)
