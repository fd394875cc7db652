"""Errors of the Google Calendar API and of its token endpoint, in their JSON shapes.

Source: developers.google.com, "Google Calendar API: handle API errors"; RFC 6749 section 5.2 for tokens.
"""

from fastapi.responses import JSONResponse

REASONS: dict[str, tuple[int, str, str]] = {
    "authError": (401, "global", "Invalid Credentials"),
    "backendError": (503, "global", "Backend Error"),
    "channelIdNotUnique": (400, "global", "Channel id not unique"),
    "conditionNotMet": (412, "global", "Precondition Failed"),
    "deleted": (410, "global", "Resource has been deleted"),
    "duplicate": (409, "global", "The requested identifier already exists."),
    "forbidden": (403, "global", "Forbidden"),
    "fullSyncRequired": (410, "calendar", "Sync token is no longer valid, a full sync is required."),
    "insufficientPermissions": (
        403,
        "global",
        "Insufficient Permission: Request had insufficient authentication scopes.",
    ),
    "invalid": (400, "global", "Invalid Value"),
    "notFound": (404, "global", "Not Found"),
    "parseError": (400, "global", "Parse Error"),
    "push.webhookUrlNotHttps": (400, "global", "WebHook callback must be HTTPS"),
    "push.webhookUrlUnauthorized": (401, "global", "Unauthorized WebHook callback channel"),
    "quotaExceeded": (403, "usageLimits", "Calendar usage limits exceeded."),
    "rateLimitExceeded": (403, "usageLimits", "Rate Limit Exceeded"),
    "required": (400, "global", "Required"),
    "requiredAccessLevel": (403, "calendar", "You need to have writer access to this calendar."),
    "timeRangeEmpty": (400, "calendar", "The specified time range is empty."),
    "timeRangeTooLong": (400, "calendar", "The requested time range is too long."),
    "userRateLimitExceeded": (403, "usageLimits", "User Rate Limit Exceeded"),
}


class GoogleError(Exception):
    """An error that the API answers with."""

    def __init__(self, reason: str, message: str | None = None, http_status: int | None = None) -> None:
        status, domain, default = REASONS.get(reason, (http_status or 500, "global", reason))
        self.reason, self.domain = reason, domain
        self.message = message or default
        self.status = http_status or status
        super().__init__(self.message)

    def response(self) -> JSONResponse:
        """Return the answer of the API."""
        one = {"domain": self.domain, "reason": self.reason, "message": self.message}
        return JSONResponse({"error": {"errors": [one], "code": self.status, "message": self.message}}, self.status)


class TokenError(Exception):
    """A refusal of the token endpoint."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        self.error, self.description, self.status = error, description, status
        super().__init__(description)

    def response(self) -> JSONResponse:
        """Return the answer of the token endpoint."""
        return JSONResponse({"error": self.error, "error_description": self.description}, self.status)
