"""SCRAM-SHA-256 verifiers, computed here so that no password travels in a statement (pure).

A server logs failing statements whole, and `ALTER ROLE ... PASSWORD 'plain'` is one. The format is PostgreSQL's
(`SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, documentation of pg_authid.rolpassword) over RFC 5803.
"""

import base64
import hashlib
import hmac
import re

ITERATIONS = 4096
"""PostgreSQL 15's own number; the passwords are minted with at least 128 bits, so more would only cost log-ins."""

_FORM = re.compile(r"^SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)$")


def verifier(password: str, salt: bytes, iterations: int = ITERATIONS) -> str:
    """Return what pg_authid stores for `password`.

    Raises ValueError for an empty password and outside printable ASCII, where SASLprep (RFC 4013) would have to
    normalise first.
    """
    if not password or not password.isascii() or not password.isprintable():
        raise ValueError("a database password is non-empty printable ASCII")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${iterations}:{encoded[0]}${encoded[1]}:{encoded[2]}"


def matches(stored: str | None, password: str) -> bool:
    """Tell whether `stored` (pg_authid.rolpassword) is a verifier of `password`."""
    form = _FORM.match(stored or "")
    if form is None:
        return False
    expected = verifier(password, base64.b64decode(form.group(2)), int(form.group(1)))
    return hmac.compare_digest(expected, stored or "")
