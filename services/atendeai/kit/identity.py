"""Who is asking: tokens of people and of services (JWT, HS256, one key set per clinic).

Claims: `iss: atendeai:<clinicId>`, `aud: atendeai` (people) or `atendeai-internal` (services), `sub`, `exp`, `iat`,
`jti`, `sid`, `clinic_id`, `roles`; header `kid`. A token of one clinic is worth nothing at another: the key differs,
and issuer, clinic and audience are compared besides. A session that was ended is refused at once in this process and
within seconds everywhere (`revoke_sessions`, `revoke_person`).
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import jwt
from fastapi import Depends, Request
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.kit import clock
from atendeai.kit.errors import Problem, forbidden, unauthenticated
from atendeai.kit.permissions import EVERYBODY, PERMISSIONS, STAFF, Role
from atendeai.kit.remembered import Remembered
from atendeai.kit.tenancy import Tenant, Tenants, current_tenant

ROLES = tuple(str(role) for role in Role)
"""Roles of people."""

MAX_TOKEN_LENGTH = 4096
"""Characters of the longest token that is looked at: ours have some 500; what is longer is refused unread."""

AUDIENCE: dict[str, str] = {"person": "atendeai", "service": "atendeai-internal"}
_REQUIRED = ["iss", "aud", "sub", "exp", "iat", "jti", "sid", "clinic_id", "roles"]
LONGEST_ACCESS_TOKEN = timedelta(hours=24)
"""The upper bound of `spec.security.jwt.accessTokenTTL`."""

_NOT_VALID = "The token is not valid here; sign in at this clinic's own address."
_SERVICE_TOKEN_SECONDS = 300
_SERVICE_TOKEN_MARGIN = 60
_CLOCKS_DIFFER = 5
"""Seconds by which the clock of the node that issued a token may be ahead of this one's."""
_READING = frozenset({"GET", "HEAD"})

PERMISSION_MARK = "__atendeai_permission__"
"""Where a dependency made by `permitted` says which permission it wants."""

Kind = Literal["person", "service"]


@dataclass(frozen=True, slots=True)
class Principal:
    """A person or a service, proven by a token of this clinic. `subject` is the user's id or the service's name."""

    kind: Kind
    subject: str
    clinic_id: UUID
    roles: tuple[str, ...]
    sid: str
    expires_at: int
    """Seconds since the epoch."""

    @property
    def actor(self) -> str:
        """How the audit log names it: `person:<id>` or `service:<name>`."""
        return f"{self.kind}:{self.subject}"


def _decode_key(value: str) -> bytes:
    """Decode base64url with or without padding. Raises `binascii.Error`."""
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def signing_key(tenant: Tenant, kid: str | None = None) -> tuple[str, bytes]:
    """Return a key of the clinic and its id: the named one, else the active one.

    Raises `KeyError` when the clinic has no such key.
    """
    keys = tenant.config.credentials.jwt
    wanted = kid if kid is not None else keys.active
    try:
        return wanted, _decode_key(keys.keys[wanted])
    except (binascii.Error, ValueError) as error:
        raise KeyError(wanted) from error


def _issue(
    tenant: Tenant, kind: Kind, subject: str, roles: Sequence[str], sid: str, seconds: float
) -> tuple[str, datetime]:
    kid, key = signing_key(tenant)
    now = clock.now()
    expires = now + timedelta(seconds=seconds)
    claims = {
        "iss": f"atendeai:{tenant.id}",
        "aud": AUDIENCE[kind],
        "sub": subject,
        "iat": int(now.timestamp()),
        "exp": int(expires.timestamp()),
        "jti": str(uuid4()),
        "sid": sid,
        "clinic_id": str(tenant.id),
        "roles": list(roles),
    }
    return jwt.encode(claims, key, algorithm="HS256", headers={"kid": kid}), expires


def issue_access_token(
    tenant: Tenant, *, subject: str, roles: Sequence[str], sid: str, seconds: float | None = None
) -> tuple[str, datetime]:
    """Issue a person's access token and say when it ends; by default after the clinic's own time."""
    lifetime = tenant.config.settings.security.access_token_ttl_seconds if seconds is None else seconds
    return _issue(tenant, "person", subject, roles, sid, lifetime)


_service_tokens: dict[tuple[UUID, str, str], tuple[str, float]] = {}


def issue_service_token(tenant: Tenant, service: str) -> str:
    """Return a token for a call to another service of this clinic; the same one until shortly before it ends."""
    slot = (tenant.id, service, tenant.config.credentials.jwt.active)
    cached = _service_tokens.get(slot)
    moment = time.monotonic()
    if cached is not None and cached[1] > moment:
        return cached[0]
    token, _ = _issue(tenant, "service", service, ("service",), str(uuid4()), _SERVICE_TOKEN_SECONDS)
    if len(_service_tokens) > 5000:  # noqa: PLR2004 - clinics come and go; start over rather than grow
        _service_tokens.clear()
    _service_tokens[slot] = (token, moment + _SERVICE_TOKEN_SECONDS - _SERVICE_TOKEN_MARGIN)
    return token


_verified: Remembered[Principal] = Remembered()


def verify(tenant: Tenant, token: str, kind: Kind) -> Principal:
    """Check a token against this clinic. Raises a 401 problem that says no more than it must."""
    if len(token) > MAX_TOKEN_LENGTH:
        raise unauthenticated(_NOT_VALID)
    known = _verified.get(kind, token, tenant.config)
    if known is not None:
        return known
    try:
        header = jwt.get_unverified_header(token)
        _, key = signing_key(tenant, str(header.get("kid", "")))
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["HS256"],
            audience=AUDIENCE[kind],
            issuer=f"atendeai:{tenant.id}",
            options={"require": _REQUIRED, "strict_aud": True, "verify_iat": False},
        )
        if int(claims["iat"]) > clock.now().timestamp() + _CLOCKS_DIFFER:
            raise unauthenticated(_NOT_VALID)
        if kind == "person":  # ours are ids, which whatever reads them counts on
            UUID(str(claims["sub"])), UUID(str(claims["sid"]))
    except jwt.ExpiredSignatureError:
        raise unauthenticated("The token has expired; refresh it or sign in again.") from None
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, OverflowError):
        raise unauthenticated(_NOT_VALID) from None
    roles = claims["roles"]
    if claims["clinic_id"] != str(tenant.id) or not isinstance(roles, list):
        raise unauthenticated(_NOT_VALID)
    principal = Principal(
        kind, str(claims["sub"]), tenant.id, tuple(str(role) for role in roles), str(claims["sid"]), int(claims["exp"])
    )
    _verified.put(kind, token, tenant.config, principal)
    return principal


def bearer(request: Request) -> str | None:
    """Return the token of the Authorization header, or None."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


async def authenticate(request: Request, tenant: Tenant, kind: Kind) -> Principal:
    """Return who is asking, checked once per request. Raises a 401 problem."""
    state: dict[str, Any] = request.scope.setdefault("state", {})
    cached = state.get("principal")
    if isinstance(cached, Principal) and cached.kind == kind:
        return cached
    token = bearer(request)
    if token is None:
        raise unauthenticated("Send the access token as 'Authorization: Bearer …'.", error="invalid_request")
    principal = verify(tenant, token, kind)
    if kind == "person":
        tenants: Tenants = request.app.state.kit.tenants
        if await tenants.is_revoked(tenant.id, principal.sid):
            raise unauthenticated("The session has ended; sign in again.")
    state["principal"] = principal
    return principal


def person(*roles: str) -> Callable[..., Awaitable[Principal]]:
    """Return a dependency that wants a person with one of these roles.

    When none is named, any role of staff, and for what only reads an auditor too. Routes name a permission instead
    (`permitted`), unless what they do is nobody's permission in particular.
    """
    unknown = set(roles) - set(ROLES)
    if unknown:
        raise ValueError(f"unknown roles: {', '.join(sorted(unknown))}")

    async def dependency(request: Request, tenant: Annotated[Tenant, Depends(current_tenant)]) -> Principal:
        principal = await authenticate(request, tenant, "person")
        allowed = frozenset(roles) or (EVERYBODY if request.method in _READING else STAFF)
        if allowed.isdisjoint(principal.roles):
            raise forbidden(f"This needs one of the roles: {', '.join(role for role in ROLES if role in allowed)}.")
        return principal

    return dependency


def permitted(permission: str) -> Callable[..., Awaitable[Principal]]:
    """Return a dependency that wants a person to whom the table of permissions permits this.

    Raises `KeyError`, when the route is made, for a permission that the table does not know.
    """
    wanted = PERMISSIONS[permission].roles
    names = ", ".join(role for role in Role if role in wanted)

    async def dependency(request: Request, tenant: Annotated[Tenant, Depends(current_tenant)]) -> Principal:
        principal = await authenticate(request, tenant, "person")
        if wanted.isdisjoint(principal.roles):
            raise forbidden(f"This needs one of the roles: {names}.")
        return principal

    setattr(dependency, PERMISSION_MARK, permission)
    return dependency


def service(*names: str) -> Callable[..., Awaitable[Principal]]:
    """Return a dependency that wants another service of the same clinic (one of these, when any is named)."""

    async def dependency(request: Request, tenant: Annotated[Tenant, Depends(current_tenant)]) -> Principal:
        principal = await authenticate(request, tenant, "service")
        if names and principal.subject not in names:
            raise forbidden(f"This is for: {', '.join(names)}.")
        return principal

    return dependency


async def optional_person(request: Request, tenant: Tenant) -> Principal | None:
    """Return the person asking, or None without a token or with a bad one."""
    if bearer(request) is None:
        return None
    try:
        return await authenticate(request, tenant, "person")
    except Problem as problem:
        if problem.status == HTTPStatus.UNAUTHORIZED:
            return None
        raise


_REVOKE = text(
    "INSERT INTO atendeai.revoked_session (clinic_id, sid, expires_at)"
    " SELECT CAST(:clinic_id AS uuid), sid, CAST(:expires_at AS timestamptz)"
    " FROM unnest(CAST(:sids AS text[])) AS sid ORDER BY sid"
    " ON CONFLICT (clinic_id, sid) DO UPDATE SET expires_at = greatest(revoked_session.expires_at, excluded.expires_at)"
)
# Reads what auth keeps, in the transaction of whoever takes a right away: it must not wait until auth answers.
_REVOKE_ALL = text(
    "INSERT INTO atendeai.revoked_session (clinic_id, sid, expires_at)"
    " SELECT s.clinic_id, s.id::text, :expires_at FROM atendeai.session s"
    " WHERE s.clinic_id = :clinic_id AND s.user_id = :user_id AND s.revoked_at IS NULL AND s.expires_at > :dead"
    " ORDER BY s.id"
    " ON CONFLICT (clinic_id, sid) DO UPDATE SET expires_at = greatest(revoked_session.expires_at, excluded.expires_at)"
)
# Reads what user keeps, in the transaction that opens a session: it and whoever takes a right away wait for each other.
_HOLD = text(
    "SELECT roles FROM atendeai.user_account"
    " WHERE clinic_id = :clinic_id AND id = :user_id AND status = 'active' FOR SHARE"
)
_HOLD_STATUS = text("SELECT status FROM atendeai.user_account WHERE clinic_id = :clinic_id AND id = :user_id FOR SHARE")
_TIDY = text(
    "DELETE FROM atendeai.revoked_session WHERE clinic_id = :clinic_id AND expires_at < now() - interval '1 hour'"
)


async def revoke_sessions(
    connection: AsyncConnection, clinic_id: UUID, sids: Iterable[str], expires_at: datetime
) -> None:
    """End sessions for access tokens too, from this transaction's commit on.

    `expires_at` is when the last access token of them ends by itself: now + `LONGEST_ACCESS_TOKEN`, for what
    the clinic's tokens live today says nothing about those of yesterday. A trigger notifies every process of the
    clinic; one that was away reads the row when it comes back.
    """
    await connection.execute(_REVOKE, {"clinic_id": clinic_id, "sids": list(sids), "expires_at": expires_at})
    await connection.execute(_TIDY, {"clinic_id": clinic_id})


async def revoke_person(connection: AsyncConnection, clinic_id: UUID, user_id: UUID) -> None:
    """End every session that a person has for access tokens, from this transaction's commit on.

    Not those that had expired so long ago that no access token of them lives.
    Their refresh tokens end when auth ends the sessions; until then they fetch tokens of sessions that are refused.
    Where a right is taken away the account is changed in the same transaction: sessions that begin at that moment wait
    for it, or are there to be ended (`hold_roles`).
    """
    now = clock.now()
    ends = {"expires_at": now + LONGEST_ACCESS_TOKEN, "dead": now - LONGEST_ACCESS_TOKEN}
    await connection.execute(_REVOKE_ALL, {"clinic_id": clinic_id, "user_id": user_id, **ends})


async def hold_status(connection: AsyncConnection, clinic_id: UUID, user_id: UUID) -> str | None:
    """Return how an account stands; until this transaction ends nobody changes it. None when there is none."""
    found = await connection.execute(_HOLD_STATUS, {"clinic_id": clinic_id, "user_id": user_id})
    status: str | None = found.scalar_one_or_none()
    return status


async def hold_roles(connection: AsyncConnection, clinic_id: UUID, user_id: UUID) -> tuple[str, ...] | None:
    """Return the roles of an account that is active; None when it is not, or not any more.

    Until this transaction ends nobody changes the account. So a session that it opens is there for whoever takes a
    right away afterwards (`revoke_person`), and none is opened on a right that was taken away before.
    """
    found = (await connection.execute(_HOLD, {"clinic_id": clinic_id, "user_id": user_id})).scalar_one_or_none()
    return None if found is None else tuple(found)
