"""What Prometheus shall scrape: one ServiceMonitor per kind of target, however many clinics there are. Pure."""

from __future__ import annotations

from atendeai_operator.api import names
from atendeai_operator.catalogue import CATALOGUE, METRICS_PATH
from atendeai_operator.objects.meta import PART_OF, Object, make
from atendeai_operator.objects.workloads import LABEL_HEADLESS
from atendeai_operator.stack.build.prometheus import ALERTMANAGER, PORT_NAME, PROMETHEUS
from atendeai_operator.stack.plan import StackPlan

INTERVAL, TIMEOUT = "15s", "10s"
OPERATOR = "atendeai-operator"  # the name that the operator's Service carries, however it was installed
# component -> port of its Service
INFRASTRUCTURE = {"postgres": "metrics", "redis": "metrics", "gateway": "status", "haproxy": "stats"}


def objects(plan: StackPlan) -> list[Object]:
    """Return the ServiceMonitors; none where nothing would read them."""
    if plan.monitor_labels is None:
        return []
    found = [_monitor(plan, row.name, "http", everywhere=True) for row in CATALOGUE]
    found += [_monitor(plan, component, port) for component, port in INFRASTRUCTURE.items()]
    if plan.prometheus is not None:  # it watches itself, and who made it
        own = [PROMETHEUS, *([ALERTMANAGER] if plan.prometheus.alertmanager else [])]
        found += [_monitor(plan, component, PORT_NAME) for component in own]
        found.append(_operator(plan))
    for monitor in found:
        monitor["metadata"]["labels"] = {**plan.monitor_labels, **monitor["metadata"]["labels"]}
    return found


def _monitor(plan: StackPlan, component: str, port: str, *, everywhere: bool = False) -> Object:
    labels = {
        names.LABEL_PART_OF: PART_OF,
        names.LABEL_STACK: plan.owner.stack,
        names.LABEL_COMPONENT: component,
    }
    endpoint = {
        "port": port,
        "path": METRICS_PATH,
        "interval": INTERVAL,
        "scrapeTimeout": TIMEOUT,
        "relabelings": [
            _take("service", names.LABEL_COMPONENT),
            _take("stack", names.LABEL_STACK),
            _take("clinic", names.LABEL_CLINIC),
        ],
    }
    spec: Object = {
        "selector": {"matchLabels": labels, "matchExpressions": _scraped_once(component)},
        "namespaceSelector": {"any": True} if everywhere else {"matchNames": [plan.owner.namespace]},
        "endpoints": [endpoint],
    }
    name = names.child(plan.name, component)
    return make("monitoring.coreos.com/v1", "ServiceMonitor", name, plan.owner, component, spec=spec)


def _operator(plan: StackPlan) -> Object:
    """Return the monitor of the operator itself, for a Prometheus that selects nothing but what names its stack."""
    monitor = _monitor(plan, "operator", "http", everywhere=True)
    monitor["spec"]["selector"] = {"matchLabels": {names.LABEL_NAME: OPERATOR}}
    # The same whatever the Service is called: alerts look for it.
    monitor["spec"]["endpoints"][0]["relabelings"] = [{"targetLabel": "service", "replacement": OPERATOR}]
    return monitor


def _scraped_once(component: str) -> list[Object]:
    """Leave out the second, headless Service of a component, which names the same pods again."""
    if component != "gateway":
        return []
    return [{"key": LABEL_HEADLESS, "operator": "DoesNotExist"}]


def _take(label: str, source: str) -> Object:
    safe = source.replace(".", "_").replace("/", "_").replace("-", "_")
    return {
        "action": "replace",
        "sourceLabels": [f"__meta_kubernetes_service_label_{safe}"],
        "targetLabel": label,
    }
