"""Durations as the API writes them (`15m`, `168h`, `1h30m`): hours, minutes, seconds. Pure."""

from __future__ import annotations

import re

_FORM = re.compile(r"^(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?$")


def seconds(text: str) -> int:
    """Return a duration in seconds; ValueError when it is none."""
    match = _FORM.match(text)
    if not match or not text:
        raise ValueError(f"not a duration: {text!r}")
    hours, minutes, secs = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + secs
