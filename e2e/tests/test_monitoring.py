"""The SRE's view: every target up, every query of dashboards and rules with data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local import kubectl, world

pytestmark = [pytest.mark.e2e, pytest.mark.alone]
# Series that begin with an event which this suite does not bring about.
LATER = {
    "atendeai_model_request_seconds_bucket": "a request to a language model",
}


@pytest.fixture(scope="module")
def prometheus() -> Iterator[httpx.Client]:
    """Prometheus' own API, through a forwarded port."""
    with (
        kubectl.forward("svc/prometheus-operated", 9090, namespace=world.NAMESPACE) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        yield client


def _targets(client: httpx.Client) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/targets", params={"state": "active"}).raise_for_status().json()
    found: list[dict[str, Any]] = answer["data"]["activeTargets"]
    return found


def test_every_target_is_up(prometheus: httpx.Client) -> None:
    def settled() -> list[dict[str, Any]] | None:
        found = _targets(prometheus)
        down = [f"{t['scrapePool']} {t['scrapeUrl']}: {t['lastError']}" for t in found if t["health"] != "up"]
        assert not down, down
        jobs = " ".join(sorted({t["labels"]["job"] for t in found}))
        pools = {f"{t['labels'].get('namespace')}/{t['labels'].get('service')}" for t in found}
        for service in world.SERVICES:
            assert f"{world.NAMESPACE}-sol/{service}" in pools, pools
            assert f"{world.NAMESPACE}/{service}" in pools, pools
        for part in ("postgres", "redis", "haproxy", "gateway"):
            assert part in jobs, jobs
        return found

    assert kubectl.wait_for("every target up", settled, deadline=150, every=3)


def test_retention_is_two_hundred_hours(prometheus: httpx.Client) -> None:
    flags = prometheus.get("/api/v1/status/flags").raise_for_status().json()["data"]
    assert flags["storage.tsdb.retention.time"] in {"200h", "1w1d8h", "8d8h"}


def _rules() -> list[tuple[str, str]]:
    rules = kubectl.get("prometheusrules", namespace=world.MONITORING)
    return [
        (rule.get("alert") or rule["record"], rule["expr"])
        for found in rules
        for group in found["spec"]["groups"]
        for rule in group["rules"]
    ]


def test_every_rule_is_loaded_and_healthy(prometheus: httpx.Client) -> None:
    def loaded() -> set[str]:
        groups = prometheus.get("/api/v1/rules").raise_for_status().json()["data"]["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        broken = [rule["name"] for rule in rules if rule["health"] == "err"]
        assert not broken, broken
        return {rule["name"] for rule in rules}

    names = {name for name, _ in _rules()}
    assert names
    kubectl.wait_for("the rules loaded", lambda: names <= loaded(), deadline=120)


def _metrics(expression: str) -> set[str]:
    """The names of the series that a query reads, without functions, operators, labels and durations."""
    for aside in (r"\{[^}]*\}", r"\[[^\]]*\]", r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)"):
        expression = re.sub(aside, " ", expression)
    return set(re.findall(r"\b[a-z_:][a-z0-9_:]*\b(?!\s*\()", expression)) - {"and", "or", "unless", "bool"}


def test_every_rule_reads_series_that_exist(prometheus: httpx.Client) -> None:
    """An alert on a name that nobody exposes can never fire; a recording rule must have something to record."""

    def ask(query: str) -> Any:
        answer = prometheus.get("/api/v1/query", params={"query": query}).raise_for_status().json()
        return answer["data"]["result"]

    def complete() -> bool:
        known = set(prometheus.get("/api/v1/label/__name__/values").raise_for_status().json()["data"])
        missing = {
            f"{name}: {metric}" for name, expr in _rules() for metric in _metrics(expr) - known if metric not in LATER
        }
        assert not missing, missing
        empty = [name for name, expr in _rules() if ":" in name and not ask(expr)]
        assert not empty, empty
        return True

    kubectl.wait_for("every series of the rules", complete, deadline=120, every=3)


def test_every_dashboard_query_returns_data(prometheus: httpx.Client) -> None:
    maps = kubectl.get("configmaps", namespace=world.MONITORING, selector="grafana_dashboard=1")
    assert maps
    for found in maps:
        for name, text in found["data"].items():
            for panel in json.loads(text)["panels"]:
                for target in panel.get("targets", []):
                    expression = target["expr"].replace("$__rate_interval", "5m").replace("$clinic", ".*")
                    expression = expression.replace("$stack", ".*").replace("$namespace", ".*")

                    def answered(query: str = expression) -> bool:
                        answer = prometheus.get("/api/v1/query", params={"query": query}).json()
                        assert answer["status"] == "success", (query, answer)
                        return bool(answer["data"]["result"])

                    kubectl.wait_for(f"data for {name}: {panel['title']}: {expression}", answered, deadline=120)
