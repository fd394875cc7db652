"""What the appointment service counts besides the kit's own. Labels never carry a clinic or a person."""

from __future__ import annotations

from prometheus_client import Counter

__all__ = ["SLOTS_TAKEN", "TRANSITIONS"]

TRANSITIONS = Counter(
    "atendeai_appointment_transitions_total",
    "Committed changes of appointments: hold, offer, book, cancel, reschedule, expire, remind, notify, conflict,"
    " mark-….",
    ("action",),
)
SLOTS_TAKEN = Counter("atendeai_appointment_slots_taken_total", "Attempts to take a time that was no longer free.")
