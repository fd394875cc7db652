"""A Prometheus and an Alertmanager of the stack's own, as the Prometheus Operator takes them. Pure.

The Prometheus Operator makes the pods. They carry the stack's labels beside its own, and each of the two has a Service
by its own name: what the Prometheus Operator makes by itself is one Service for everybody in the namespace.
"""

from __future__ import annotations

from atendeai_operator.api import names
from atendeai_operator.api.storage import Storage
from atendeai_operator.catalogue import Resources
from atendeai_operator.objects import pods
from atendeai_operator.objects.meta import Object, make, secret
from atendeai_operator.objects.policies import incoming, pods_here, pods_in, policy, tcp
from atendeai_operator.objects.workloads import account, service
from atendeai_operator.stack.plan import ALERTMANAGER_KEY, AlertmanagerPlan, PrometheusPlan, StackPlan

API = "monitoring.coreos.com/v1"
PROMETHEUS, ALERTMANAGER = "prometheus", "alertmanager"
PROMETHEUS_PORT, ALERTMANAGER_PORT, RELOADER_PORT = 9090, 9093, 8080
PORT_NAME = "web"
"""As the Prometheus Operator calls the port of both."""
CLUSTER_ROLE = "atendeai-prometheus"
"""What such a Prometheus may read; the operator's chart installs it, and the operator may bind it and no other."""
UID = 65534  # nobody, as the upstream images run
INTERVAL = "15s"
NOBODY = """\
route:
  receiver: nobody
  group_by: [alertname, namespace]
receivers:
  - name: nobody
"""


def objects(plan: StackPlan) -> list[Object]:
    """Return them; none where the stack wants none."""
    if plan.prometheus is None:
        return []
    found = _prometheus(plan, plan.prometheus)
    if plan.prometheus.alertmanager is not None:
        found += _alertmanager(plan, plan.prometheus.alertmanager, keep_volume=plan.prometheus.keep_volume)
    return found


def _prometheus(plan: StackPlan, wanted: PrometheusPlan) -> list[Object]:
    name, owner = names.child(plan.name, PROMETHEUS), plan.owner
    mine = {"matchLabels": {names.LABEL_STACK: owner.stack}}
    # Said in full, because an empty selector and none at all mean different things and look the same.
    everywhere = {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "Exists"}]}
    spec: Object = {
        **_pods(plan, PROMETHEUS, plan.images.prometheus, plan.images.prometheus_version, wanted.resources),
        "serviceAccountName": name,
        "retention": wanted.retention,
        "scrapeInterval": INTERVAL,
        "evaluationInterval": INTERVAL,
        "serviceMonitorSelector": mine,
        "serviceMonitorNamespaceSelector": everywhere,
        "ruleSelector": mine,
        "ruleNamespaceSelector": everywhere,
        **_volume(wanted.storage, keep=wanted.keep_volume),
    }
    if wanted.alertmanager is not None:
        target = {"namespace": owner.namespace, "name": names.child(plan.name, ALERTMANAGER), "port": PORT_NAME}
        spec["alerting"] = {"alertmanagers": [target]}
    return [
        account(name, owner, PROMETHEUS),
        _binding(plan, name),
        policy(
            name,
            owner,
            owner.selector(PROMETHEUS),
            ingress=[
                incoming(
                    [pods_in({}, {names.LABEL_NAME: reader}) for reader in ("prometheus", "grafana")],
                    tcp(PROMETHEUS_PORT, RELOADER_PORT),
                ),
            ],
        ),
        service(name, owner, PROMETHEUS, {PORT_NAME: PROMETHEUS_PORT}),
        make(API, "Prometheus", plan.name, owner, PROMETHEUS, spec=spec),
    ]


def _binding(plan: StackPlan, account_name: str) -> Object:
    """Return the binding of the role; its reach is the cluster, because the namespaces of clinics come and go."""
    name = names.bounded(f"{CLUSTER_ROLE}.{plan.owner.namespace}.{plan.name}")
    return make(
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        name,
        plan.owner,
        PROMETHEUS,
        namespaced=False,
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": CLUSTER_ROLE},
        subjects=[{"kind": "ServiceAccount", "name": account_name, "namespace": plan.owner.namespace}],
    )


def _alertmanager(plan: StackPlan, wanted: AlertmanagerPlan, *, keep_volume: bool) -> list[Object]:
    name, owner = names.child(plan.name, ALERTMANAGER), plan.owner
    spec: Object = {
        **_pods(plan, ALERTMANAGER, plan.images.alertmanager, plan.images.alertmanager_version, wanted.resources),
        "serviceAccountName": name,
        "automountServiceAccountToken": False,
        "configSecret": wanted.config_secret or name,
    }
    if wanted.storage is not None:
        spec |= _volume(wanted.storage, keep=keep_volume)
    found = [
        account(name, owner, ALERTMANAGER),
        policy(
            name,
            owner,
            owner.selector(ALERTMANAGER),
            ingress=[
                incoming([pods_here(owner.selector(PROMETHEUS))], tcp(ALERTMANAGER_PORT, RELOADER_PORT)),
                incoming([pods_in({}, {names.LABEL_NAME: "grafana"})], tcp(ALERTMANAGER_PORT)),
            ],
        ),
        service(name, owner, ALERTMANAGER, {PORT_NAME: ALERTMANAGER_PORT}),
        make(API, "Alertmanager", plan.name, owner, ALERTMANAGER, spec=spec),
    ]
    return found if wanted.config_secret else [secret(name, owner, ALERTMANAGER, {ALERTMANAGER_KEY: NOBODY}), *found]


def _pods(plan: StackPlan, component: str, image: str, version: str, amounts: Resources) -> Object:
    """Return what both say about their pods."""
    labels = plan.owner.selector(component)
    # The Prometheus Operator gives this label the resource's name, which is the same.
    labels.pop(names.LABEL_INSTANCE)
    spec: Object = {
        "replicas": 1,
        "podMetadata": {"labels": labels},
        "resources": pods.resources(amounts),
        "securityContext": pods.as_user(UID, own_volumes=True),
    }
    if plan.migration.image.pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in plan.migration.image.pull_secrets]
    if image:
        spec["image"] = image
    if version:
        spec["version"] = version
    return spec


def _volume(storage: Storage, *, keep: bool) -> Object:
    claim: Object = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage.size}}}
    if storage.class_name:
        claim["storageClassName"] = storage.class_name
    return {
        "storage": {"volumeClaimTemplate": {"spec": claim}},
        "persistentVolumeClaimRetentionPolicy": {
            "whenDeleted": "Retain" if keep else "Delete",
            "whenScaled": "Retain",
        },
    }
