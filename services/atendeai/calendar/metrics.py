"""What the calendar service counts besides the kit's own. Labels never carry a clinic or a calendar."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

__all__ = ["CHANGES", "GOOGLE", "SYNCS"]

GOOGLE = Histogram(
    "atendeai_google_calendar_request_duration_seconds",
    "Time of one call to Google Calendar, by method and outcome (ok, or the class of the error).",
    ("method", "outcome"),
    buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
SYNCS = Counter(
    "atendeai_calendar_syncs_total",
    "Readings of a calendar's changes, by outcome (ok, or the class of the error).",
    ("outcome",),
)
CHANGES = Counter(
    "atendeai_calendar_changes_total",
    "Changes handed on, by kind (moved, deleted, overlapped, cleared) and what the appointment service made of them.",
    ("kind", "applied"),
)
