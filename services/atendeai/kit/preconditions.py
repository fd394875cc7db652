"""ETag, If-Match and If-None-Match (RFC 9110, sections 8.8 and 13): nobody overwrites what they have not seen.

A GET answers a strong ETag. Sent back in `If-Match` with a change, it makes the change conditional: 412 when somebody
else was faster. Without `If-Match` a change goes through, as it does for the attendant, which asks the patient anew
anyway; states that only move on (see `domain.appointment_states`) bear that. In `If-None-Match` of a GET it spares the
body: 304.
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any

from fastapi import Header
from starlette.responses import Response

from atendeai.kit.errors import Problem
from atendeai.kit.responses import JSON, dumps

__all__ = ["IfMatchDep", "IfNoneMatchDep", "etag_of", "fresh", "require_match", "tagged", "version_tag"]

# Section 8.8.3: anything but quotes, controls and blanks between the quotes.
_TAG = re.compile(r'(W/)?"[\x21\x23-\x7e\x80-\xff]*"')

IfMatchDep = Annotated[
    str | None,
    Header(alias="If-Match", max_length=1000, description="The ETag of what was read, or `*`; 412 when stale."),
]
"""Belongs to every change of what people edit."""

IfNoneMatchDep = Annotated[
    str | None,
    Header(alias="If-None-Match", max_length=1000, description="ETags that are known, or `*`; 304 when current."),
]
"""Belongs to the GET of what has an ETag."""


def version_tag(version: int) -> str:
    """Return the ETag of a row with a version."""
    return f'"v{version}"'


def etag_of(content: bytes) -> str:
    """Return the ETag of what has no version: of its bytes."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def fresh(if_none_match: str | None, tag: str) -> bool:
    """Whether the caller has it already: by weak comparison, or `*` for anything that exists."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag in {one.removeprefix("W/") for one in _tags(if_none_match)}


def require_match(if_match: str | None, tag: str) -> None:
    """Raise a 412 problem when what is there is not what the caller saw: by strong comparison, `*` for anything."""
    if if_match is None or if_match.strip() == "*" or tag in _tags(if_match):
        return
    raise Problem(
        412,
        "changed-meanwhile",
        "It has changed since it was read",
        "Somebody was faster: read it again, look at what is there now, and send its ETag in If-Match.",
        errors=[{"field": "If-Match", "reason": "is not the ETag of what is there now"}],
        headers={"ETag": tag},
    )


def _tags(header: str) -> set[str]:
    """Return the tags of a header; what is none matches nothing."""
    return {match.group(0) for match in _TAG.finditer(header)}


def tagged(body: Any, tag: str | None = None, if_none_match: str | None = None) -> Response:
    """Answer a body with its ETag, or 304 without it. Private: what a shared cache kept would be somebody's data."""
    content = dumps(body)
    tag = tag or etag_of(content)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if fresh(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=JSON.media_type)
