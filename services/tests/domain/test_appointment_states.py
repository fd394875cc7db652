"""The table of an appointment's life, read from the ranks of the contract."""

from __future__ import annotations

from itertools import product

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
