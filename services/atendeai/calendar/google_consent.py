"""Google's consent flow for web servers: authorization code with PKCE (RFC 6749, RFC 7636), and revocation (RFC 7009).

Source: developers.google.com/identity/protocols/oauth2/web-server. Only events and free/busy are asked for: less than
the whole calendar. Where the addresses are follows from the clinic's token URL.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import httpx

from atendeai.calendar.google_errors import CalendarError, Kind, from_token_response

__all__ = ["SCOPES", "authorization_url", "exchange", "revoke"]

SCOPES = (
    "https://www.googleapis.com/auth/calendar.events",
    "https://www.googleapis.com/auth/calendar.freebusy",
)
_GOOGLES_TOKEN_HOST = "oauth2.googleapis.com"  # noqa: S105 - a host
_GOOGLES_CONSENT_PAGE = "https://accounts.google.com/o/oauth2/v2/auth"
_CONSENT_PATH = "/o/oauth2/v2/auth"


def authorization_url(token_url: str, *, client_id: str, redirect_uri: str, state: str, verifier: str) -> str:
    """Return where to send a person who shall consent.

    `access_type=offline` with `prompt=consent` is what makes Google give out a refresh token each time.
    """
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": " ".join(SCOPES),
        "access_type": "offline",
        "prompt": "consent",
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    parts = urlsplit(token_url)
    page = _GOOGLES_CONSENT_PAGE
    if parts.hostname != _GOOGLES_TOKEN_HOST:
        page = urlunsplit((parts.scheme, parts.netloc, _CONSENT_PATH, "", ""))
    return f"{page}?{urlencode(query)}"


async def exchange(
    http: httpx.AsyncClient,
    token_url: str,
    client: tuple[str, str],
    *,
    code: str,
    verifier: str,
    redirect_uri: str,
) -> str:
    """Exchange an authorization code for a refresh token.

    Raises CalendarError, kind FORBIDDEN when the person did not allow all that is needed.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": client[0],
        "client_secret": client[1],
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    body = _json(await _post(http, token_url, form))
    refresh = body.get("refresh_token")
    granted = str(body.get("scope", "")).split()
    if not isinstance(refresh, str) or not refresh:
        raise CalendarError(Kind.CREDENTIALS, "the token endpoint gave no refresh token")
    if not set(SCOPES) <= set(granted):
        await revoke(http, token_url, refresh)
        raise CalendarError(Kind.FORBIDDEN, "the person did not allow all that is needed")
    return refresh


async def revoke(http: httpx.AsyncClient, token_url: str, refresh_token: str) -> None:
    """Withdraw a consent at Google; that it is withdrawn already is no error. Raises CalendarError when it is away."""
    parts = urlsplit(token_url)
    path = parts.path.rstrip("/").rpartition("/")[0] + "/revoke"
    try:
        await _post(http, urlunsplit((parts.scheme, parts.netloc, path, "", "")), {"token": refresh_token})
    except CalendarError as error:
        if error.transient:
            raise


async def _post(http: httpx.AsyncClient, url: str, form: Mapping[str, str]) -> httpx.Response:
    try:
        response = await http.post(url, data=form)
    except httpx.HTTPError as error:
        raise CalendarError(Kind.UNAVAILABLE, f"the token endpoint does not answer: {type(error).__name__}") from error
    if response.status_code != httpx.codes.OK:
        raise from_token_response(response)
    return response


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError as error:
        raise CalendarError(Kind.UNAVAILABLE, "the token endpoint gave an answer that is not JSON") from error
    return body if isinstance(body, dict) else {}
