"""Answers written by orjson."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from starlette.responses import Response


def dumps(value: Any) -> bytes:
    """Write JSON: UUIDs, dates and pydantic models included.

    Raises `TypeError` for what JSON cannot hold.
    """
    return orjson.dumps(value, default=_default)


def _default(value: Any) -> Any:
    if isinstance(value, UUID):  # asyncpg's is a subclass, which orjson does not take for one
        return str(value)
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return dump(mode="json", by_alias=True)
    raise TypeError(f"cannot write {type(value).__name__} as JSON")


class JSON(Response):
    """`application/json`, rendered by `dumps`."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Write the body."""
        return dumps(content)


class ProblemJSON(JSON):
    """`application/problem+json` (RFC 9457)."""

    media_type = "application/problem+json"
