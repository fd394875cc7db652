"""The three errors of a reconcile. Pure.

`InvalidSpec` waits for the user, `Waiting` is not an error to the user, `KubeError` backs off. `pipeline.reconcile`
is the one adapter that maps them to conditions, events and retries.
"""

from __future__ import annotations


class InvalidSpec(Exception):  # noqa: N818 - the name the house uses
    """The spec cannot be carried out as it stands; a change of it, or of what it refers to, heals.

    `field` is the path in the resource (`spec.hosts[0]`), `reason` a sentence for a human that ends in the remedy.
    `code` is the CamelCase reason of the condition.
    """

    def __init__(self, field: str, reason: str, *, code: str = "InvalidSpec") -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason
        self.code = code


class Waiting(Exception):  # noqa: N818 - the name the house uses
    """Something must happen first, and will: come back in `retry_in` seconds, or when woken."""

    def __init__(self, what: str, *, retry_in: float = 5.0, code: str = "Waiting") -> None:
        super().__init__(what)
        self.what = what
        self.retry_in = retry_in
        self.code = code


class KubeError(Exception):
    """The API server refused or did not answer. `status` is the HTTP status, 0 without an answer."""

    def __init__(self, message: str, *, status: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason

    @property
    def conflict(self) -> bool:
        """Whether another writer was faster, or the object exists already."""
        return self.status == 409  # noqa: PLR2004 - HTTP

    @property
    def gone(self) -> bool:
        """Whether the object, or its namespace, is not there."""
        return self.status == 404  # noqa: PLR2004 - HTTP


class TenancyError(Exception):
    """The database or the cache refused. The message holds no secret."""
