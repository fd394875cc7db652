"""Access tokens for Google: by a service account's signed assertion (RFC 7523) or by a refresh token (RFC 6749).

Tokens live in this process's memory only, by clinic and credentials, until shortly before they expire. The token
endpoint is the clinic's configured one; the address inside a service account file is not followed, so that a file
cannot send the assertion elsewhere.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import orjson
from google.auth import crypt
from google.auth import jwt as google_jwt

from atendeai.calendar.google_errors import CalendarError, Kind, from_token_response
from atendeai.kit import clock

__all__ = ["TokenSource"]

_SCOPE = "https://www.googleapis.com/auth/calendar"
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_LIFETIME = timedelta(minutes=55)
_MARGIN = timedelta(minutes=2)
"""Renew this long before the end: a call in flight must not outlive its token."""
_MOST = 2000
"""Clinics whose tokens are kept; beyond it the oldest is asked for again."""


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    until: datetime


class TokenSource:
    """Hands out access tokens, one request to the token endpoint at a time per clinic."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._tokens: dict[tuple[UUID, str], _Token] = {}
        self._locks: dict[tuple[UUID, str], asyncio.Lock] = {}

    async def token(self, clinic_id: UUID, credentials: Mapping[str, str], token_url: str) -> str:
        """Return a bearer token that is valid for at least two minutes. Raises CalendarError."""
        key = (clinic_id, _fingerprint(credentials, token_url))
        known = self._known(key)
        if known:
            return known
        async with self._locks.setdefault(key, asyncio.Lock()):
            known = self._known(key)
            if known:
                return known
            token = await self._ask(credentials, token_url)
            self._tokens[key] = token
            while len(self._tokens) > _MOST:
                oldest = next(iter(self._tokens))
                del self._tokens[oldest]
                self._locks.pop(oldest, None)
            return token.value

    def forget(self, clinic_id: UUID) -> None:
        """Drop a clinic's tokens: Google has just refused one."""
        for key in [key for key in self._tokens if key[0] == clinic_id]:
            del self._tokens[key]

    def _known(self, key: tuple[UUID, str]) -> str | None:
        token = self._tokens.get(key)
        return token.value if token and clock.now() < token.until else None

    async def _ask(self, credentials: Mapping[str, str], token_url: str) -> _Token:
        form = await asyncio.to_thread(_grant, credentials, token_url)
        try:
            response = await self._http.post(token_url, data=form)
        except httpx.HTTPError as error:
            raise CalendarError(
                Kind.UNAVAILABLE, f"the token endpoint does not answer: {type(error).__name__}"
            ) from error
        if response.status_code != httpx.codes.OK:
            raise from_token_response(response)
        try:
            body = response.json()
            value, seconds = str(body["access_token"]), int(body.get("expires_in") or 3600)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CalendarError(Kind.UNAVAILABLE, "the token endpoint gave an answer without a token") from error
        return _Token(value, clock.now() + max(timedelta(seconds=seconds) - _MARGIN, timedelta(seconds=1)))


def _grant(credentials: Mapping[str, str], token_url: str) -> dict[str, str]:
    """Build the token request. Signing takes milliseconds of processor time: call it off the event loop."""
    if credentials.get("service-account.json"):
        return {"grant_type": _JWT_GRANT, "assertion": _assertion(credentials["service-account.json"], token_url)}
    if all(credentials.get(name) for name in ("client-id", "client-secret", "refresh-token")):
        return {
            "grant_type": "refresh_token",
            "client_id": credentials["client-id"],
            "client_secret": credentials["client-secret"],
            "refresh_token": credentials["refresh-token"],
        }
    raise CalendarError(
        Kind.CREDENTIALS,
        "the calendar secret needs the key service-account.json, or client-id, client-secret and refresh-token",
    )


def _assertion(service_account: str, token_url: str) -> str:
    try:
        account: dict[str, Any] = orjson.loads(service_account)
        signer = crypt.RSASigner.from_service_account_info(account)
        issuer = str(account["client_email"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        # the message of the original error may quote the key
        raise CalendarError(
            Kind.CREDENTIALS, "service-account.json is not the key file of a service account"
        ) from error
    issued = int(clock.now().timestamp())
    claims = {
        "iss": issuer,
        "scope": _SCOPE,
        "aud": token_url,
        "iat": issued,
        "exp": issued + int(_ASSERTION_LIFETIME.total_seconds()),
    }
    signed: bytes = google_jwt.encode(signer, claims)
    return signed.decode("ascii")


def _fingerprint(credentials: Mapping[str, str], token_url: str) -> str:
    digest = hashlib.sha256(token_url.encode())
    for name in sorted(credentials):
        digest.update(b"\0" + name.encode() + b"\0" + credentials[name].encode())
    return digest.hexdigest()
