"""What `kubectl atendeai` makes of live objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from atendeai_operator.cli import view
from atendeai_operator.cli.main import app


def _clinic(generation: int = 3, **conditions: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "sol", "namespace": "ns", "uid": "u1", "generation": generation},
        "spec": {"isolation": "Dedicated", "stackRef": {"name": "dev"}},
        "status": {
            "namespace": "ns-sol",
            "version": "2.0.0",
            "url": "https://sol.example.com",
            "services": [{"name": "auth", "ready": 1, "desired": 1}, {"name": "user", "ready": 0, "desired": 2}],
            "conditions": [
                {"type": kind, "status": status, "reason": "Because", "message": "m", "observedGeneration": 3}
                for kind, status in conditions.items()
            ],
        },
    }


def test_the_verdict_in_one_word() -> None:
    assert view.verdict(_clinic(Ready="True")) == "ready"
    assert view.verdict(_clinic(generation=4, Ready="True")) == "working"
    assert view.verdict(_clinic(Ready="False", Stalled="True")) == "stalled"
    assert view.verdict(_clinic(Ready="True", Suspended="True")) == "suspended"
    assert view.verdict(_clinic(Ready="True", Paused="True", Stalled="True")) == "paused"
    gone = _clinic(Ready="True")
    gone["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert view.verdict(gone) == "deleting"


def test_a_clinic_in_one_line() -> None:
    row = view.clinic_row(_clinic(Ready="True"))
    assert row == ("sol", "ready", "Dedicated", "1/3", "2.0.0", "https://sol.example.com")
    assert view.clinic_row({"metadata": {"name": "x", "generation": 1}})[3] == "-"


def test_concerns_leave_the_heads_out() -> None:
    (only,) = view.concerns(_clinic(Ready="True", Paused="False", RouteReady="False"))
    assert (only.name, only.good) == ("RouteReady", False)


def test_advice_names_what_is_not_ready() -> None:
    steps = view.advice(_clinic(Ready="False", Stalled="True", RouteReady="False"))
    assert "wait --for=condition=Ready clinic/sol" in steps[0]
    assert any("component=user" in step for step in steps)
    assert not any("component=auth" in step for step in steps)
    assert any("describe stack dev" in step for step in steps)


def test_only_the_latest_events_of_this_very_object() -> None:
    events = [
        {
            "involvedObject": {"uid": uid},
            "metadata": {},
            "lastTimestamp": f"2026-01-0{day}",
            "reason": "R",
            "message": uid,
        }
        for day, uid in ((3, "u1"), (1, "u1"), (2, "other"))
    ]
    assert [when for when, _, _ in view.recent_events(events, "u1")] == ["2026-01-01", "2026-01-03"]
    assert len(view.recent_events(events * 9, "u1")) == 5


def test_a_missing_kubeconfig_is_told(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["clinics", "--kubeconfig", str(tmp_path / "none")])
    assert result.exit_code == 2
    assert "name one with --kubeconfig" in result.output


def test_columns_are_aligned_and_never_cut() -> None:
    assert view.columns([("A", "B"), ("long" * 40, "x")]) == ["A".ljust(160) + "  B", "long" * 40 + "  x"]
