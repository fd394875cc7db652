"""Rules and dashboards, judged by promtool: do they parse, do the alerts behave, does each have its runbook."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from atendeai_operator.api.names import LABEL_STACK, label_value

MONITORING = Path(__file__).resolve().parents[1]
ROOT = MONITORING.parent
RULES = sorted((MONITORING / "base" / "rules").glob("*.yaml"))
DASHBOARDS = sorted((MONITORING / "base" / "dashboards").glob("*.json"))
SEVERITIES = {"warning", "critical"}


@pytest.fixture(scope="session")
def promtool() -> str:
    """Return the path of promtool: the local cluster's, so that the rules are judged by the version that reads them."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "e2e" / "cluster"), "bin", "promtool"], check=True, capture_output=True, text=True
    )
    return done.stdout.split()[-1]


def groups(path: Path) -> list[dict[str, Any]]:
    """Return the rule groups of a PrometheusRule."""
    document = yaml.safe_load(path.read_text())
    assert (document["apiVersion"], document["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    found: list[dict[str, Any]] = document["spec"]["groups"]
    return found


def alerts() -> list[dict[str, Any]]:
    """Return every alert."""
    return [rule for path in RULES for group in groups(path) for rule in group["rules"] if "alert" in rule]


def panels() -> list[tuple[str, dict[str, Any]]]:
    """Return every panel of every dashboard."""
    return [(path.name, panel) for path in DASHBOARDS for panel in json.loads(path.read_text())["panels"]]


def plain(folder: Path) -> None:
    """Write the rules as Prometheus itself reads them."""
    for path in RULES:
        (folder / path.name).write_text(yaml.safe_dump({"groups": groups(path)}))


def run(promtool: str, *arguments: str, cwd: Path) -> None:
    """Run promtool, failing with its own words."""
    done = subprocess.run([promtool, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_parse(promtool: str, tmp_path: Path) -> None:
    plain(tmp_path)
    run(promtool, "check", "rules", *(path.name for path in RULES), cwd=tmp_path)


def test_the_alerts_behave(promtool: str, tmp_path: Path) -> None:
    plain(tmp_path)
    shutil.copy(Path(__file__).with_name("rules_test.yaml"), tmp_path)
    run(promtool, "test", "rules", "rules_test.yaml", cwd=tmp_path)


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_each_alert_says_what_it_means_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in SEVERITIES
    assert alert["for"]
    assert alert["annotations"]["summary"]
    assert alert["annotations"]["description"]
    assert alert["annotations"]["runbook"] == f"monitoring/README.md#{alert['alert'].lower()}"
    readme = (MONITORING / "README.md").read_text()
    section = re.search(rf"^### {alert['alert']}\n(.+?)(?=^### |\Z)", readme, re.MULTILINE | re.DOTALL)
    assert section, "it has no section in the runbook"
    assert len(section.group(1)) > 80


def test_the_runbook_has_no_section_without_an_alert() -> None:
    sections = set(re.findall(r"^### (AtendeAI\w+)$", (MONITORING / "README.md").read_text(), re.MULTILINE))
    assert sections == {alert["alert"] for alert in alerts()}


def test_every_query_of_the_dashboards_parses(promtool: str, tmp_path: Path) -> None:
    expressions = [target["expr"] for _, panel in panels() for target in panel["targets"]]
    assert len(expressions) > 30
    filled = [re.sub(r"\$namespace", ".*", one.replace("$__rate_interval", "5m")) for one in expressions]
    assert not [one for one in filled if "$" in one], "a variable that is not known here"
    rules = [{"record": f"query:{number}", "expr": one} for number, one in enumerate(filled)]
    (tmp_path / "queries.yaml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    run(promtool, "check", "rules", "--lint=none", "queries.yaml", cwd=tmp_path)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_a_dashboard_is_whole(path: Path) -> None:
    board = json.loads(path.read_text())
    identifiers = [panel["id"] for panel in board["panels"]]
    assert len(identifiers) == len(set(identifiers))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        assert panel["title"]
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, f"{panel['title']} lies over another panel"
        taken |= cells


def test_every_dashboard_is_provisioned() -> None:
    kustomization = yaml.safe_load((MONITORING / "base" / "kustomization.yaml").read_text())
    provisioned = {file for generator in kustomization["configMapGenerator"] for file in generator["files"]}
    assert provisioned == {f"dashboards/{path.name}" for path in DASHBOARDS}
    assert kustomization["generatorOptions"]["labels"]["grafana_dashboard"] == "1"
    assert set(kustomization["resources"]) == {f"rules/{path.name}" for path in RULES}


def test_the_metrics_it_asks_for_are_the_ones_that_exist() -> None:
    sources = [
        *(ROOT / "services" / "atendeai").rglob("*.py"),
        *(ROOT / "operator" / "atendeai_operator").rglob("*.py"),
    ]
    defined = set()
    for path in sources:
        for kind, name in re.findall(r"\b(Counter|Gauge|Histogram)\(\s*\"([a-z_]+)\"", path.read_text()):
            defined.add(f"{name.removesuffix('_total')}_total" if kind == "Counter" else name)
            defined |= {f"{name}_{part}" for part in ("bucket", "count", "sum")} if kind == "Histogram" else set()
    asked = {
        name
        for expression in [
            *(rule["expr"] for path in RULES for group in groups(path) for rule in group["rules"]),
            *(target["expr"] for _, panel in panels() for target in panel["targets"]),
        ]
        for name in re.findall(r"\b((?:atendeai|http_server_request|http_client)_[a-z_]+)\b", expression)
    }
    assert len(asked) > 8
    assert asked <= defined


def test_the_local_overlay_gives_rules_and_monitors_to_the_stacks_prometheus() -> None:
    folder = MONITORING / "local"
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    (patch,) = kustomization["patches"]
    (operation,) = yaml.safe_load(patch["patch"])
    assert patch["target"] == {"kind": "PrometheusRule"}
    assert operation["path"].rpartition("/")[2].replace("~1", "/") == LABEL_STACK
    stack = operation["value"]
    assert stack == label_value("atendeai", "dev")
    documents = list(yaml.safe_load_all((folder / "monitors.yaml").read_text()))
    assert [one["metadata"]["labels"][LABEL_STACK] for one in documents if one["kind"] == "ServiceMonitor"] == [stack]
    assert {path.name for path in folder.glob("*.yaml")} == {
        "kustomization.yaml",
        *(name for name in kustomization["resources"] if name != "../base"),
    }
