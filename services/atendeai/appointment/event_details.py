"""What a line of an appointment's history tells besides who did what: the one table of it.

The repository writes nothing else, and the document of the history is made of it. A detail that is not written any more
stays here, for the lines that hold it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

# pydantic reads no TypedDict of Python 3.11's own.
from typing_extensions import TypedDict

from atendeai.appointment.messenger import Outcome
from atendeai.appointment.models import CancelCode
from atendeai.kit.audit import check_details

__all__ = ["EventDetails", "known"]


class Place(TypedDict):
    """When an appointment begins, and with whom."""

    start: datetime
    professional_code: str


# `from` is a word of Python's, which a class could not have.
EventDetails = TypedDict(
    "EventDetails",
    {
        # reschedule.
        "from": Place,
        "to": Place,
        # cancel: why, in words and as FHIR's code.
        "reason": str,
        "code": CancelCode,
        # conflict: what the professional's calendar has against it, and the times of that where it has any.
        "kind": Literal["moved", "deleted", "overlapped"],
        "start": datetime,
        "end": datetime,
        # remind, notify: what became of the message; remind: how long before the start it was due.
        "outcome": Outcome,
        "minutes_before": int,
    },
    total=False,
)
"""Those of these that the line's action has something to say of."""


def known(action: str, details: Mapping[str, Any]) -> dict[str, Any]:
    """Return the details of a line as they are kept. Raises `ValueError` for one that `EventDetails` does not name."""
    check_details(EventDetails, action, details)
    return dict(details)
