"""Cursors of lists that are ordered by a moment and an id."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from uuid import UUID

from atendeai.kit.errors import invalid

__all__ = ["decode_cursor", "encode_cursor"]


def encode_cursor(moment: datetime, row: UUID) -> str:
    """Return a cursor that names the last row seen."""
    return base64.urlsafe_b64encode(f"{moment.isoformat()} {row}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[datetime, UUID]:
    """Return what a cursor names. Raises a 422 problem for one that no list gave out."""
    try:
        moment, _, name = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(" ")
        return datetime.fromisoformat(moment), UUID(name)
    except (binascii.Error, ValueError):
        raise invalid("cursor", "is not one that this list gave out") from None
