"""Under which keys this service has messages sent: what each is about can be read off its key, and each goes once."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

__all__ = ["change_key", "offer_key", "offer_of", "reminder_key"]

_OFFER = "offer:"


def reminder_key(appointment_id: UUID, start: datetime, offset: timedelta) -> str:
    """Name the reminder so long before an appointment's start; a moved appointment is reminded of anew."""
    return f"reminder:{appointment_id}:{int(start.timestamp())}:{int(offset.total_seconds() // 60)}"


def change_key(appointment_id: UUID, version: int) -> str:
    """Name the word on what the clinic changed in an appointment, which has that version since."""
    return f"change:{appointment_id}:{version}"


def offer_key(offer_id: UUID) -> str:
    """Name the offer of a freed time."""
    return f"{_OFFER}{offer_id}"


def offer_of(key: str) -> UUID | None:
    """Return the id of the offer that a key names; None when it names something else."""
    try:
        return UUID(key.removeprefix(_OFFER)) if key.startswith(_OFFER) else None
    except ValueError:
        return None
