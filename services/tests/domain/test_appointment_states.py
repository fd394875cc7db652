"""The table of an appointment's life, read from the ranks of the contract."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from atendeai.domain.appointment_states import (
    FINAL,
    LIVE,
    Status,
    TransitionError,
    allowed,
    next_statuses,
    transition,
)

BEFORE = [Status.PROPOSED, Status.PENDING, Status.WAITLIST]
CHAIN = [Status.BOOKED, Status.ARRIVED, Status.CHECKED_IN]
OVER = [Status.FULFILLED, Status.CANCELLED, Status.NOSHOW]


def test_the_statuses_are_fhirs() -> None:
    assert {status.value for status in Status} == {
        *("proposed", "pending", "booked", "arrived", "fulfilled", "cancelled", "noshow"),
        *("entered-in-error", "checked-in", "waitlist"),
    }


def test_before_booking_everything_is_free() -> None:
    for current, wanted in product(BEFORE, BEFORE):
        assert allowed(current, wanted) is (current is not wanted)


@pytest.mark.parametrize("current", BEFORE)
def test_forward_is_allowed_from_the_start(current: Status) -> None:
    assert next_statuses(current) >= {*CHAIN, *OVER, Status.ENTERED_IN_ERROR}


def test_never_back() -> None:
    ladder = [*CHAIN]
    for low, high in product(range(3), range(3)):
        assert allowed(ladder[low], ladder[high]) is (low < high)
    for current, wanted in product(CHAIN, BEFORE):
        assert not allowed(current, wanted)


@pytest.mark.parametrize("current", OVER)
def test_what_is_over_can_only_be_declared_a_mistake(current: Status) -> None:
    assert current in FINAL
    assert next_statuses(current) == {Status.ENTERED_IN_ERROR}


def test_a_mistake_is_declared_from_anywhere_and_once() -> None:
    for current in Status:
        assert allowed(current, Status.ENTERED_IN_ERROR) is (current is not Status.ENTERED_IN_ERROR)
    assert next_statuses(Status.ENTERED_IN_ERROR) == frozenset()


def test_a_refused_transition_says_what_is_possible() -> None:
    assert transition(Status.PROPOSED, Status.BOOKED) is Status.BOOKED
    with pytest.raises(TransitionError, match="cancelled cannot become booked; it can become: entered-in-error"):
        transition(Status.CANCELLED, Status.BOOKED)


def test_nothing_final_and_no_waiting_list_takes_up_time() -> None:
    assert frozenset(Status) - FINAL - {Status.WAITLIST} == LIVE


README = Path(__file__).parents[2] / "README.md"


def documented() -> dict[Status, tuple[str, frozenset[Status]]]:
    """Read the table of statuses in the services' documentation: whether each takes time, and what may follow."""
    rows = re.findall(r"^\| `([a-z-]+)` \| [^|]+ \| (yes|no) \| ([^|]*)\|$", README.read_text(), re.MULTILINE)
    return {
        Status(name): (takes, frozenset(map(Status, re.findall(r"`([a-z-]+)`", following))))
        for name, takes, following in rows
    }


def test_the_documented_table_is_the_codes() -> None:
    assert documented() == {status: ("yes" if status in LIVE else "no", next_statuses(status)) for status in Status}


def test_the_drawing_shows_no_step_that_the_code_refuses_and_leaves_out_no_status() -> None:
    [drawing] = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", README.read_text(), re.DOTALL)
    groups = {"before": BEFORE, "over": OVER}

    def named(word: str) -> list[Status]:
        return groups.get(word) or [Status(word.replace("_", "-"))]

    arrows = [(a, b) for a, b in re.findall(r"(\S+) --> (\S+)", drawing) if "[*]" not in (a, b)]
    for tail, head in arrows:
        for current, wanted in product(named(tail), named(head)):
            assert allowed(current, wanted), (current, wanted)
    drawn = set(re.findall(r"[a-z_]+", drawing))
    assert {status.value.replace("-", "_") for status in Status} <= drawn
    reached = {status for pair in arrows for end in pair for status in named(end)}
    assert reached == set(Status)
