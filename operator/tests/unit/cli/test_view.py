"""What `kubectl atendeai` makes of live objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from atendeai_operator.cli import main, view
from atendeai_operator.cli.main import app
from atendeai_operator.clinic.validate import WHATSAPP_KEYS
from atendeai_operator.kube.kinds import CLINIC, STACK, Kind
from atendeai_operator.pipeline.errors import KubeError


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
    assert any("describe stack dev" in step for step in view.advice(_clinic(Ready="False", RouteReady="False")))


def _stalled(reason: str, message: str, **spec: Any) -> dict[str, Any]:
    live = _clinic(Ready="False", Stalled="True", RouteReady="False")
    live["spec"] |= spec
    live["status"]["services"] = []
    (stalled,) = (entry for entry in live["status"]["conditions"] if entry["type"] == "Stalled")
    stalled |= {"reason": reason, "message": message}
    return live


@pytest.mark.parametrize(
    ("field", "spec", "command"),
    [
        (
            "spec.whatsapp.credentialsSecretRef.name",
            {"whatsapp": {"credentialsSecretRef": {"name": "keys"}}},
            f"create secret generic keys {' '.join(f'--from-literal={key}=…' for key in WHATSAPP_KEYS)}",
        ),
        (
            "spec.calendar.credentialsSecretRef.name",
            {"calendar": {"credentialsSecretRef": {"name": "agenda"}}},
            "create secret generic agenda --from-file=service-account.json=…",
        ),
        (
            "spec.ai.apiKeySecretRef.name",
            {"ai": {"apiKeySecretRef": {"name": "model"}}},
            "create secret generic model --from-literal=api-key=…",
        ),
        (
            "spec.tls.secretRef.name",
            {"tls": {"secretRef": {"name": "cert"}}},
            "create secret tls cert --cert=… --key=…",
        ),
    ],
)
def test_advice_about_a_missing_secret_is_the_command_that_makes_it(
    field: str, spec: dict[str, Any], command: str
) -> None:
    made, then = view.advice(_stalled("SecretMissing", f"{field}: Secret x does not exist", **spec))
    assert made == f"kubectl -n ns {command}"
    assert "wait --for=condition=Ready" in then


@pytest.mark.parametrize(
    ("reason", "message", "command"),
    [
        ("ClaimLost", "spec.hosts[0]: lost", "kubectl -n ns get clinics -o custom-columns=NAME:"),
        (
            "RetainedData",
            "spec.clinicId: data is retained: set spec.clinicId to 1",
            "kubectl -n ns patch clinic sol --type=merge",
        ),
        ("NoSharedPool", "spec.isolation: no pool", "kubectl -n ns patch stack dev --type=merge"),
    ],
)
def test_advice_helps_with_the_reason_and_leaves_the_stack_alone(reason: str, message: str, command: str) -> None:
    first, then = view.advice(_stalled(reason, message))
    assert first.startswith(command)
    assert "wait --for=condition=Ready" in then


def test_what_holds_but_warns_has_a_mark_and_a_step_of_its_own() -> None:
    live = _clinic(Ready="True", RouteReady="True", ChannelReady="True", CalendarReady="False")
    live["status"]["services"] = []
    assert view.advice(live) == []
    (channel,) = (entry for entry in live["status"]["conditions"] if entry["type"] == "ChannelReady")
    channel["reason"] = "TemplatesMissing"
    assert [(one.name, one.mark) for one in view.concerns(live)] == [
        ("RouteReady", "✓"),
        ("ChannelReady", "!"),
        ("CalendarReady", "…"),
    ]
    (step,) = view.advice(live)
    assert step.startswith("curl -X POST https://sol.example.com/api/v1/whatsapp/onboarding ")
    assert "owner or admin" in step


def test_advice_about_a_missing_stack_names_no_object_that_is_not_there() -> None:
    live = _clinic(Ready="False", Stalled="True", RouteReady="Unknown")
    live["status"]["services"] = []
    (stalled,) = (entry for entry in live["status"]["conditions"] if entry["type"] == "Stalled")
    stalled["reason"] = "StackNotFound"
    stacks, remedy = view.advice(live)
    assert stacks == "kubectl -n ns get stack"
    assert remedy.startswith("create the stack dev")


def test_a_pause_heads_what_is_explained() -> None:
    live = _clinic(Ready="False", Paused="True")
    for entry in live["status"]["conditions"]:
        entry["message"] = f"about {entry['type']}"
    assert view.head(live) == ["about Paused", "about Ready"]
    for entry in live["status"]["conditions"]:
        entry["message"] = "left alone"
    assert view.head(live) == ["left alone"]
    assert view.head(_clinic(Ready="True", Paused="False")) == ["m"]
    assert view.head({"metadata": {"name": "x"}}) == ["The operator has not seen this clinic yet."]


def test_a_clinic_of_another_namespace_is_hinted_at() -> None:
    there = [{"metadata": {"name": name, "namespace": space}} for name, space in (("sol", "ns"), ("lua", "other"))]
    assert view.nowhere("sol", "default", there).endswith("There is one in ns: add -n ns.")
    assert view.nowhere("mar", "default", there) == "There is no Clinic mar in namespace default."


def test_a_stack_that_is_taken_for_a_clinic_is_called_one() -> None:
    stacks = [{"metadata": {"name": "dev", "namespace": space}} for space in ("a", "ns")]
    assert view.nowhere("dev", "ns", [], stacks).endswith(" dev is a stack: kubectl atendeai status -n ns")
    assert view.nowhere("dev", "default", [], stacks).endswith(" dev is a stack: kubectl atendeai status -n a")
    assert "stack" not in view.nowhere("sol", "ns", [], stacks)


class _Elsewhere:
    """A cluster with clinic sol and stack dev in the namespace `ns`; `refuse`: he may not list all namespaces."""

    def __init__(self, *, refuse: bool) -> None:
        self.refuse = refuse

    async def get(self, *_: Any) -> None:
        return None

    async def list(self, kind: Kind, namespace: str | None = None) -> list[dict[str, Any]]:
        if self.refuse and namespace is None:
            raise KubeError("forbidden", status=403)
        there = {CLINIC: _clinic(Ready="True"), STACK: {"metadata": {"name": "dev", "namespace": "ns"}}}
        return [there[kind]] if namespace in (None, "ns") else []

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(("refuse", "hint"), [(False, "add -n ns."), (True, "in namespace default.")])
def test_explain_without_a_namespace_says_where_the_clinic_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, refuse: bool, hint: str
) -> None:
    async def connect(_: Path) -> _Elsewhere:
        return _Elsewhere(refuse=refuse)

    monkeypatch.setattr(main, "connect", connect)
    result = CliRunner().invoke(app, ["explain", "sol", "--kubeconfig", str(tmp_path)])
    assert result.exit_code == 2
    assert result.output.strip().endswith(hint)


@pytest.mark.parametrize(
    ("arguments", "refuse"), [(["dev"], False), (["dev", "-n", "ns"], False), (["dev", "-n", "ns"], True)]
)
def test_explain_knows_a_stack_by_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], refuse: bool
) -> None:
    async def connect(_: Path) -> _Elsewhere:
        return _Elsewhere(refuse=refuse)

    monkeypatch.setattr(main, "connect", connect)
    result = CliRunner().invoke(app, ["explain", *arguments, "--kubeconfig", str(tmp_path)])
    assert result.exit_code == 2
    assert result.output.strip().endswith("dev is a stack: kubectl atendeai status -n ns")


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
