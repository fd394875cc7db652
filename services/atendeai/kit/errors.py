"""Errors as callers see them: RFC 9457 problem documents.

A service raises `Problem`; the app turns it into `application/problem+json`. Nothing about the inside of the process,
and nothing a patient wrote, may go into one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from atendeai.kit import wording

TYPE_PREFIX = "urn:atendeai:problem:"
MEDIA_TYPE = "application/problem+json"
IN_FLIGHT = "idempotency-key-in-flight"
"""Slug of the 409 that passes by itself: the same request is still being handled."""
_SAID = 5
"""How many fields the sentence names; `errors` names them all."""


class FieldError(TypedDict):
    """One field that was refused: where it is (dotted, `items.0.name`) and why.

    `code` is for programs: the name of the rule that it breaks; `value_error` where that rule is none of the schema's.
    """

    field: str
    reason: str
    code: NotRequired[str]


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """An answer that says what went wrong (RFC 9457).

    `slug` becomes the URI `urn:atendeai:problem:<slug>`; `title` is the same for every occurrence of that type,
    `detail` explains this one and names the remedy. `errors` names the fields that were refused.
    """

    def __init__(
        self,
        status: int,
        slug: str,
        title: str,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{status} {slug}")
        self.status = status
        self.slug = slug
        self.title = title
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extensions = dict(extensions or {})

    def body(self, *, instance: str | None = None, request_id: str | None = None) -> dict[str, Any]:
        """Return the document's members; absent ones are left out."""
        document: dict[str, Any] = {"type": TYPE_PREFIX + self.slug, "title": self.title, "status": self.status}
        if self.detail:
            document["detail"] = self.detail
        if instance:
            document["instance"] = instance
        if self.errors:
            document["errors"] = [dict(error) for error in self.errors]
        if request_id:
            document["request_id"] = request_id
        return {**self.extensions, **document}


class Unavailable(Problem):
    """Something this process depends on does not answer, or not as it should: 503 with Retry-After (seconds).

    `how` is what it does instead, as the words after its name.
    """

    def __init__(self, dependency: str, *, how: str = "does not answer", retry_after: int = 2) -> None:
        super().__init__(
            503,
            "unavailable",
            "Temporarily unavailable",
            f"{dependency} {how} at the moment; try again shortly.",
            headers={"Retry-After": str(retry_after)},
        )
        self.dependency = dependency
        self.how = how


def not_found(what: str, detail: str | None = None) -> Problem:
    """404 for one thing that is not there, or not this clinic's."""
    return Problem(404, "not-found", "Not found", detail or f"There is no such {what}.")


def conflict(slug: str, detail: str, *, title: str = "Conflict") -> Problem:
    """409: the request is well formed, but the present state refuses it."""
    return Problem(409, slug, title, detail)


def invalid(field: str, reason: str) -> Problem:
    """422 that names one field."""
    return Problem(
        422,
        "invalid-request",
        "The request is not valid",
        f"{field}: {reason}",
        errors=[{"field": field, "reason": reason}],
    )


def not_said_to_be_json() -> Problem:
    """415 for a body whose Content-Type is no JSON's, or that has none (RFC 9110, 15.5.16)."""
    why = "the body must be said to be JSON; send application/json, or a type that ends in +json"
    return Problem(
        415,
        "unsupported-media-type",
        "The body is of a type that is not taken",
        f"Content-Type: {why}.",
        errors=[{"field": "Content-Type", "reason": why}],
        headers={"Accept": "application/json"},
    )


def invalid_request(found: Sequence[Mapping[str, Any]]) -> Problem:
    """Return what pydantic found as a problem: 400 for a body that is no JSON, else 422 that names each field."""
    fields = [_field(item) for item in found]
    if any(item["type"] == "json_invalid" for item in found):
        return Problem(400, "not-json", "The body is not JSON", "Send a JSON document.", errors=fields)
    return invalid_fields(fields)


def invalid_fields(fields: Sequence[FieldError]) -> Problem:
    """422 that names each field."""
    said = "; ".join(f"{field['field']}: {field['reason']}" for field in fields[:_SAID])
    return Problem(422, "invalid-request", "The request is not valid", said, errors=fields)


def _field(item: Mapping[str, Any]) -> FieldError:
    """Name the field as the caller wrote it, and say what it must be."""
    where = [str(part) for part in item["loc"]]
    if where and where[0] in ("body", "query", "path", "header", "cookie") and len(where) > 1:
        # Of what is no JSON the place tells where it ends to be some: no name of a field. A parameter that is repeated
        # is written by its name alone each time.
        whole = where[0] == "body"
        where = where[:1] if item["type"] == "json_invalid" else where[1:] if whole else where[1:2]
    # A key of the caller's may be empty; it is named as JSON writes it.
    named = ".".join(part or '""' for part in where)
    return {"field": named, "reason": wording.reason(item), "code": str(item["type"])}


def problem_schema() -> dict[str, Any]:
    """Return the JSON Schema of every problem document.

    What one type of problem alone says (RFC 9457, section 3.2) is here too: `available`, `reason`, `until`.
    """
    text = {"type": "string"}
    return {
        "title": "Problem",
        "description": "What went wrong, by RFC 9457. `detail` names the remedy, `errors` the fields.",
        "type": "object",
        "required": ["type", "title", "status"],
        "properties": {
            "type": {"type": "string", "pattern": f"^(?:{TYPE_PREFIX}[a-z0-9-]+|about:blank)$"},
            "title": text,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": text,
            "instance": text,
            "request_id": text,
            "available": {"type": "array", "items": text, "description": "The media types that there are (406)."},
            "reason": {"type": "string", "description": "A code of what Google Calendar refuses for (424, 503)."},
            "until": {
                "type": "string",
                "format": "date-time",
                "description": "Until when patients could do it themselves (409).",
            },
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["field", "reason"],
                    "properties": {"field": text, "reason": text, "code": text},
                    "additionalProperties": False,
                },
            },
        },
        "additionalProperties": False,
    }


def unauthenticated(detail: str, *, error: str = "invalid_token") -> Problem:
    """401 with the challenge of RFC 6750."""
    return Problem(
        401,
        "unauthenticated",
        "Authentication required",
        detail,
        headers={"WWW-Authenticate": f'Bearer realm="atendeai", error="{error}"'},
    )


def forbidden(detail: str) -> Problem:
    """403: known, but not allowed."""
    return Problem(403, "forbidden", "Not allowed", detail)
