"""Conditions: kstatus, transitions, and what each kind says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from atendeai_operator.api.clinic import ClinicSpec, ClinicStatus
from atendeai_operator.api.conditions import bad, by_type, good, merge, unknown
from atendeai_operator.api.stack import StackStatus
from atendeai_operator.clinic import status as clinic_status
from atendeai_operator.pipeline.errors import InvalidSpec, Waiting
from atendeai_operator.pipeline.observe import lacking, observed, pod_troubles, ready, workload
from atendeai_operator.pipeline.outcome import Outcome
from atendeai_operator.pipeline.ports import Claim
from atendeai_operator.stack import status as stack_status
from atendeai_operator.stack.facts import Meta

CLINIC_SPEC = {
    "stackRef": {"name": "dev"},
    "displayName": "Clínica Sol",
    "hosts": ["sol.example.com"],
    "whatsapp": {"phoneNumberId": "1001", "credentialsSecretRef": {"name": "sol-whatsapp"}},
}
EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
META = Meta("dev", "ns", "uid", 7)


def test_the_transition_time_moves_only_on_a_flip() -> None:
    first = merge([], {"Ready": unknown("Pending", "a")}, generation=1, now=EARLY)
    same = merge(first, {"Ready": unknown("Pending", "b")}, generation=2, now=LATE)
    flipped = merge(same, {"Ready": good()}, generation=2, now=LATE)
    assert same[0].last_transition_time == first[0].last_transition_time
    assert (same[0].message, same[0].observed_generation) == ("b", 2)
    assert flipped[0].last_transition_time != first[0].last_transition_time


def test_the_first_status_is_unknown_and_reconciling() -> None:
    for status in (stack_status.first(META, EARLY), clinic_status.first(META, EARLY)):
        found = by_type(status.conditions)
        assert found["Ready"].status == "Unknown"
        assert found["Reconciling"].status == "True"
        assert found["Stalled"].status == "False"
        assert all(c.observed_generation == 7 for c in status.conditions)
        assert status.observed_generation == 7


def test_an_unreadable_spec_is_stalled() -> None:
    status = stack_status.unreadable(META, [], InvalidSpec("spec.version", "is missing"), EARLY)
    found = by_type(status.conditions)
    assert found["Stalled"].status == "True"
    assert found["Stalled"].message == "spec.version: is missing"
    assert found["Reconciling"].status == "False"


def test_a_pause_keeps_what_is_known() -> None:
    before = StackStatus(conditions=merge([], {"Ready": good(), "Paused": bad("Active", "")}, generation=1, now=EARLY))
    after = stack_status.paused(META, before, LATE)
    ready_, paused = by_type(after.conditions)["Ready"], by_type(after.conditions)["Paused"]
    assert (paused.status, paused.observed_generation) == ("True", 7)
    assert (ready_.status, ready_.reason, ready_.message) == ("True", "Paused", paused.message)
    known = by_type(before.conditions)["Ready"]
    assert ready_ == known.model_copy(update={"reason": "Paused", "message": paused.message})
    assert stack_status.paused(META, after, LATE) == after


def test_a_pause_does_not_hide_why_a_resource_is_not_ready() -> None:
    known = merge([], {"Ready": bad("SecretMissing", "why"), "Paused": bad("Active", "")}, generation=1, now=EARLY)
    after = stack_status.paused(META, StackStatus(conditions=known), LATE)
    assert by_type(after.conditions)["Ready"] == by_type(known)["Ready"]


@pytest.mark.parametrize("waits", [False, True])
def test_a_mended_refusal_is_not_told_any_longer(waits: bool) -> None:
    spec = ClinicSpec.model_validate(CLINIC_SPEC)
    lost = InvalidSpec("spec.hosts[0]", "another clinic holds it", code="ClaimLost")
    first = clinic_status.refused(META, spec, ClinicStatus(), lost, EARLY)
    assert by_type(first.conditions)["RouteReady"].reason == "ClaimLost"
    again = clinic_status.refused(META, spec, first, lost, LATE)
    assert by_type(again.conditions)["RouteReady"] == by_type(first.conditions)["RouteReady"]
    number = InvalidSpec("spec.whatsapp.phoneNumberId", "another clinic holds it", code="ClaimLost")
    if waits:
        after = clinic_status.waiting(META, spec, first, Waiting("Waiting for the stack."), LATE)
    else:
        after = clinic_status.refused(META, spec, first, number, LATE)
        assert by_type(after.conditions)["ChannelReady"].message == str(number)
    route = by_type(after.conditions)["RouteReady"]
    assert (route.status, route.reason) == ("Unknown", "Pending")
    assert "spec.hosts" not in route.message


def test_a_refusal_leaves_what_else_is_known() -> None:
    spec = ClinicSpec.model_validate(CLINIC_SPEC)
    known = {"RouteReady": good(), "CalendarReady": bad("Refused", "Share the calendar.")}
    before = ClinicStatus(conditions=merge([], known, generation=1, now=EARLY))
    after = clinic_status.refused(META, spec, before, InvalidSpec("spec.whatsapp.phoneNumberId", "no"), LATE)
    found = by_type(after.conditions)
    assert (found["RouteReady"].status, found["CalendarReady"].message) == ("True", "Share the calendar.")


def test_what_is_released_is_not_served_any_longer() -> None:
    def after(*hosts: str) -> tuple[list[str], str | None]:
        held = (*(Claim("host", host) for host in hosts), Claim("phone", "1001"))
        before = ClinicStatus(hosts=["a.example", "b.example"], url="https://a.example", version="2.0.0")
        status = clinic_status.released(before, held)
        assert status.version == "2.0.0"
        return status.hosts, status.url

    assert after("c.example", "b.example", "a.example") == (["a.example", "b.example"], "https://a.example")
    assert after("c.example", "a.example") == (["a.example"], "https://a.example")
    assert after("b.example") == (["b.example"], None)
    assert after("c.example") == ([], None)


def test_a_suspended_clinic_has_pods_of_its_own_only_when_dedicated() -> None:
    def said(isolation: str) -> str:
        spec = ClinicSpec.model_validate({**CLINIC_SPEC, "isolation": isolation, "suspended": True})
        status = clinic_status.refused(META, spec, ClinicStatus(), InvalidSpec("spec.hosts", "no"), EARLY)
        return by_type(status.conditions)["Suspended"].message

    assert said("Shared") == "Messages are acknowledged and kept."
    assert said("Dedicated") == "Messages are acknowledged and kept; its pods go as soon as the pool takes them in."


def test_the_pool_takes_in_what_is_for_a_clinic_that_moves() -> None:
    def said(isolation: str, namespace: str | None) -> str:
        spec = ClinicSpec.model_validate({**CLINIC_SPEC, "isolation": isolation})
        before = ClinicStatus(namespace=namespace)
        status = clinic_status.refused(META, spec, before, InvalidSpec("spec.hosts", "no"), EARLY)
        return by_type(status.conditions)["Suspended"].reason

    assert said("Dedicated", "ns") == said("Shared", "ns-dev") == "Waking"
    assert said("Dedicated", "ns-dev") == said("Shared", "ns") == said("Dedicated", None) == "Active"


def _deployment(**status: int) -> dict[str, object]:
    return {
        "kind": "Deployment",
        "metadata": {"name": "a", "namespace": "ns", "generation": 2},
        "spec": {"replicas": 2},
        "status": status,
    }


def test_a_workload_is_ready_when_all_pods_run_its_latest_spec() -> None:
    assert ready(workload(_deployment(observedGeneration=2, updatedReplicas=2, readyReplicas=2)))
    assert not ready(workload(_deployment(observedGeneration=1, updatedReplicas=2, readyReplicas=2)))
    assert not ready(workload(_deployment(observedGeneration=2, updatedReplicas=1, readyReplicas=2)))
    assert not ready(workload(_deployment(observedGeneration=2, updatedReplicas=2, readyReplicas=1)))
    assert not ready(None)


def test_a_rolling_update_is_over_when_no_old_pod_is_left() -> None:
    # Its two old pods are ready; of the two new ones none is.
    rolling = workload(_deployment(observedGeneration=2, replicas=4, updatedReplicas=2, readyReplicas=2))
    assert rolling is not None
    assert not ready(rolling)
    assert lacking("a", rolling) == "a 2/2 (2 old pods still run)"
    later = workload(_deployment(observedGeneration=2, replicas=2, updatedReplicas=1, readyReplicas=1))
    assert later is not None
    assert lacking("a", later) == "a 1/2 (1 old pod still runs)"
    first = workload(_deployment(observedGeneration=2, replicas=2, updatedReplicas=2, readyReplicas=1))
    assert first is not None
    assert lacking("a", first) == "a 1/2"
    unseen = workload(_deployment(observedGeneration=1, replicas=2, updatedReplicas=2, readyReplicas=2))
    assert unseen is not None
    assert lacking("a", unseen) == "a 2/2 (its change has not been taken up yet)"
    over = workload(_deployment(observedGeneration=2, replicas=2, updatedReplicas=2, readyReplicas=2))
    assert over is not None
    assert lacking("a", over) is None


def test_a_part_of_the_stack_says_how_many_old_pods_it_still_has() -> None:
    rolling = _deployment(observedGeneration=2, replicas=3, updatedReplicas=2, readyReplicas=2)
    rolling["metadata"] = {"name": "dev-gateway", "namespace": "ns", "generation": 2}
    concern = stack_status.infrastructure(Meta("dev", "ns", "uid", 1), observed([rolling]))["GatewayReady"]
    assert concern.message == "The gateway: 2 of 2 pods are ready, 1 old pod still runs."


def test_troubles_of_pods_are_told() -> None:
    pod = {
        "metadata": {"name": "whatsapp-1"},
        "status": {
            "containerStatuses": [
                {"name": "service", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}},
                {"name": "other", "state": {"waiting": {"reason": "ContainerCreating"}}},
            ]
        },
    }
    (trouble,) = pod_troubles([pod])
    assert "whatsapp-1" in trouble
    assert "ImagePullBackOff no such image" in trouble


def test_what_another_sentence_says_already_is_said_once() -> None:
    outcome = Outcome()
    outcome.waiting += [Waiting("No database: it is away"), Waiting("it is away")]
    assert outcome.summary(["Something else."]) == "No database: it is away. Something else."
