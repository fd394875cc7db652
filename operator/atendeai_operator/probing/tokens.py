"""The token by which a clinic's services know the operator: a service token of that clinic, signed with its key.

A JWT (RFC 7519) signed with HS256 (RFC 7518, section 3.2), with the claims that the services ask of each other.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from uuid import uuid4

from atendeai_operator.pipeline.ports import Door

SUBJECT = "operator"
AUDIENCE = "atendeai-internal"
LIFETIME = 60
"""Seconds that a token is good for: it is made for one question."""
SKEW = 30
"""Seconds by which the clocks of two nodes may differ."""


def service_token(door: Door, now: float) -> str:
    """Return a token for one question; `now` in seconds since the epoch. Raises ValueError for a key that is none."""
    claims = {
        "iss": f"atendeai:{door.clinic_id}",
        "aud": AUDIENCE,
        "sub": SUBJECT,
        "iat": int(now) - SKEW,
        "exp": int(now) + LIFETIME,
        "jti": str(uuid4()),
        "sid": str(uuid4()),
        "clinic_id": str(door.clinic_id),
        "roles": ["service"],
    }
    signed = f"{_json({'alg': 'HS256', 'typ': 'JWT', 'kid': door.kid})}.{_json(claims)}"
    key = base64.urlsafe_b64decode(door.key + "=" * (-len(door.key) % 4))
    return f"{signed}.{_text(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


def _json(document: object) -> str:
    return _text(json.dumps(document, separators=(",", ":")).encode())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
