"""CORS, exact for each clinic: an origin is answered when the clinic lists it, letter by letter, and not otherwise."""

from __future__ import annotations

from atendeai.kit.clinic_config import SecuritySettings

METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
REQUEST_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-ID"
EXPOSED_HEADERS = (
    "X-Request-ID, X-Clinic-ID, Retry-After, RateLimit, RateLimit-Policy, Location, ETag, Idempotency-Replayed"
)
PREFLIGHT_SECONDS = 600


def allowed(security: SecuritySettings, origin: str) -> bool:
    """Whether this origin (scheme, host and port, as the browser sends it) is one of the clinic's."""
    return origin in security.cors_origins


def headers(security: SecuritySettings, origin: str, *, preflight: bool) -> dict[str, str]:
    """Return the headers for an allowed origin; `Vary` is the caller's business."""
    answer = {"Access-Control-Allow-Origin": origin}
    if security.cors_credentials:
        answer["Access-Control-Allow-Credentials"] = "true"
    if preflight:
        answer["Access-Control-Allow-Methods"] = METHODS
        answer["Access-Control-Allow-Headers"] = REQUEST_HEADERS
        answer["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    else:
        answer["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
    return answer
