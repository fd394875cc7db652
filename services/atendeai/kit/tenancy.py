"""Which clinic a request belongs to, and what that clinic is: resolved once, cached, and kept up to date.

A Dedicated process serves one clinic, named by its environment. The pool finds the clinic by host, by the token of an
internal call, or by a phone number id. The configuration follows `NOTIFY atendeai_config`; while the connection that
listens is down, what is remembered is asked for again after three seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

import structlog
from cryptography.fernet import InvalidToken
from fastapi import Depends, Request
from sqlalchemy import text

from atendeai.kit import said
from atendeai.kit.clinic_config import ClinicConfig, read_row
from atendeai.kit.db import Database, UnknownClinicError, role_of
from atendeai.kit.errors import Problem, Unavailable
from atendeai.kit.listen import Listener
from atendeai.kit.settings import Settings

_FRESH_SECONDS = 300.0
_FRESH_SECONDS_DEAF = 3.0
_NAME_SECONDS = 60.0
_UNKNOWN_NAME_SECONDS = 2.0
_NAMES_KEPT = 20_000

_CONFIG = text(
    "SELECT c.clinic_id, c.name, c.namespace, c.display_name, c.generation, c.isolation, c.suspended,"
    " c.settings::text AS settings, c.profile::text AS profile, c.wrapped_key, c.credentials,"
    " (SELECT a.document::text FROM atendeai.clinic_additions a WHERE a.clinic_id = :clinic_id) AS additions,"
    " (SELECT max(v.version) FROM atendeai.profile_version v WHERE v.clinic_id = :clinic_id) AS version"
    " FROM atendeai.clinic_config c WHERE c.clinic_id = :clinic_id"
)
_REVOKED = text("SELECT sid FROM atendeai.revoked_session WHERE clinic_id = :clinic_id AND expires_at > now()")
_BY_HOST = text("SELECT atendeai.clinic_by_host(:value)")
_BY_PHONE = text("SELECT atendeai.clinic_by_phone(:value)")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tenant:
    """One clinic, as it stood when the request or the work began."""

    id: UUID
    config: ClinicConfig = field(repr=False)

    @property
    def role(self) -> str:
        """Name of the clinic's database role."""
        return role_of(self.id)


@dataclass(slots=True)
class _Entry:
    tenant: Tenant
    revoked: set[str]
    loaded: float
    stale: bool = False


class Tenants:
    """Finds clinics and remembers them. One per process."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._stack_key: bytes | None = None
        self._entries: dict[UUID, _Entry] = {}
        self._loading: dict[UUID, asyncio.Future[_Entry]] = {}
        self._names: OrderedDict[tuple[str, str], tuple[UUID | None, float]] = OrderedDict()
        self._epoch = 0
        self.listener = Listener(
            database.dsn(),
            {"atendeai_config": self._config_changed, "atendeai_revoked": self._session_revoked},
            self.forget,
        )

    async def get(self, clinic_id: UUID) -> Tenant:
        """Return the clinic. Raises `UnknownClinicError`, or `Unavailable` when it must be asked for and cannot be."""
        return (await self._entry(clinic_id)).tenant

    async def by_host(self, host: str) -> Tenant | None:
        """Return the clinic that claims this host (port and case do not matter), or None."""
        return await self._by_name("host", _without_port(host))

    async def by_phone(self, phone_number_id: str) -> Tenant | None:
        """Return the clinic that claims this WhatsApp phone number id, or None."""
        return await self._by_name("phone", phone_number_id)

    async def is_revoked(self, clinic_id: UUID, sid: str) -> bool:
        """Whether the session was ended before its tokens expire."""
        return sid in (await self._entry(clinic_id)).revoked

    def forget(self, clinic_id: UUID | None = None) -> None:
        """Ask again for one clinic, or for all, at the next use."""
        self._epoch += 1
        self._names.clear()
        for known, entry in self._entries.items():
            if clinic_id is None or known == clinic_id:
                entry.stale = True

    def _config_changed(self, payload: str) -> None:
        try:
            self.forget(UUID(payload))
        except ValueError:
            self.forget()

    def _session_revoked(self, payload: str) -> None:
        clinic, _, sid = payload.partition(":")
        try:
            entry = self._entries.get(UUID(clinic))
        except ValueError:
            return
        self._epoch += 1  # a load under way may have read before this
        if entry is not None:
            entry.revoked.add(sid)

    async def _by_name(self, kind: str, value: str) -> Tenant | None:
        if not value or len(value) > 255:  # noqa: PLR2004 - no host or id is longer
            return None
        known = self._names.get((kind, value))
        if known is None or not self._still(known[1], _NAME_SECONDS if known[0] else _UNKNOWN_NAME_SECONDS):
            known = await self._ask_name(kind, value, known)
        if known[0] is None:
            return None
        try:
            return await self.get(known[0])
        except UnknownClinicError:
            return None

    async def _ask_name(
        self, kind: str, value: str, known: tuple[UUID | None, float] | None
    ) -> tuple[UUID | None, float]:
        epoch, asked = self._epoch, time.monotonic()
        try:
            async with self._database.system() as connection:
                statement = _BY_HOST if kind == "host" else _BY_PHONE
                found = ((await connection.execute(statement, {"value": value})).scalar(), asked)
        except Unavailable:
            # Old but not known to be wrong, as with configurations: `forget` drops names that may have changed.
            if known is not None:
                return known
            raise
        if epoch == self._epoch:
            self._names[(kind, value)] = found
        while len(self._names) > _NAMES_KEPT:
            self._names.popitem(last=False)
        return found

    def _still(self, loaded: float, seconds: float) -> bool:
        limit = seconds if self.listener.connected else min(seconds, _FRESH_SECONDS_DEAF)
        return time.monotonic() - loaded < limit

    async def _entry(self, clinic_id: UUID) -> _Entry:
        entry = self._entries.get(clinic_id)
        if entry is not None and not entry.stale and self._still(entry.loaded, _FRESH_SECONDS):
            return entry
        try:
            return await self._load_once(clinic_id)
        except Unavailable:
            # Old but not known to be wrong: better than no answer while the database is away.
            if entry is not None and not entry.stale:
                return entry
            raise
        except UnknownClinicError:
            self._entries.pop(clinic_id, None)
            raise

    async def _load_once(self, clinic_id: UUID) -> _Entry:
        """Load a clinic once for all who ask at the same time."""
        loading = self._loading.get(clinic_id)
        if loading is None:
            loading = asyncio.ensure_future(self._load(clinic_id))
            self._loading[clinic_id] = loading
            loading.add_done_callback(lambda done: self._loaded(clinic_id, done))
        return await asyncio.shield(loading)

    def _loaded(self, clinic_id: UUID, done: asyncio.Future[_Entry]) -> None:
        self._loading.pop(clinic_id, None)
        if not done.cancelled():
            done.exception()  # seen here too: all who asked may have been cancelled

    async def _load(self, clinic_id: UUID) -> _Entry:
        epoch, loaded = self._epoch, time.monotonic()
        async with self._database.transaction(clinic_id) as connection:
            row = (await connection.execute(_CONFIG, {"clinic_id": clinic_id})).mappings().one_or_none()
            revoked = set((await connection.execute(_REVOKED, {"clinic_id": clinic_id})).scalars())
        if row is None:
            raise UnknownClinicError
        if self._stack_key is None:
            self._stack_key = self._settings.load_stack_key()
        try:
            config = read_row(dict(row), self._stack_key)
        except (InvalidToken, ValueError) as error:  # a key that is no key, JSON that is none, a shape not known here
            log.error(  # noqa: TRY400 - a traceback of a decryption tells nothing
                "clinic_config_unreadable", clinic_id=str(clinic_id), error=type(error).__name__
            )
            raise Unavailable("the clinic's configuration", retry_after=10) from error
        entry = _Entry(Tenant(clinic_id, config), revoked, loaded, stale=epoch != self._epoch)
        self._entries[clinic_id] = entry
        return entry


def _without_port(host: str) -> str:
    host = host.strip().lower().rstrip(".")
    if host.startswith("["):
        return host.partition("]")[0].lstrip("[")
    return host.partition(":")[0]


def unknown_host() -> Problem:
    """404 for a host that no clinic of this pool has."""
    return Problem(404, "unknown-host", "Unknown host", "No clinic answers at this host.")


def suspended() -> Problem:
    """503 for a clinic that hibernates."""
    return Problem(
        503,
        "clinic-suspended",
        "The clinic is suspended",
        "This clinic is suspended; its data is kept and messages are stored until it is woken.",
        headers={"Retry-After": "300"},
    )


async def find_tenant(request: Request) -> Tenant | None:
    """Find the clinic of a public request, whatever its state; None when the host belongs to no clinic."""
    tenants: Tenants = request.app.state.kit.tenants
    settings: Settings = request.app.state.kit.settings
    state: dict[str, Any] = request.scope.setdefault("state", {})
    if "found_tenant" not in state:
        if settings.clinic_id is not None:
            try:
                state["found_tenant"] = await tenants.get(settings.clinic_id)
            except UnknownClinicError as error:
                raise Unavailable("the clinic's configuration") from error
        else:
            state["found_tenant"] = await tenants.by_host(request.headers.get("host", ""))
    found: Tenant | None = state["found_tenant"]
    if found is not None:  # the answer names the clinic of the host, whatever becomes of the request
        request.scope.setdefault("atendeai", {})["clinic_id"] = str(found.id)
    return found


async def current_tenant(request: Request) -> Tenant:
    """Return the clinic of this request.

    Internal calls name it in `X-Clinic-ID` (`identity` checks that their token says the same), all others by host.
    Raises a problem: 404 for an unknown host, 503 for a suspended clinic of the pool.
    """
    settings: Settings = request.app.state.kit.settings
    if request.scope["path"].startswith("/internal/"):
        return await _internal_tenant(request, settings)
    tenant = await find_tenant(request)
    if tenant is None:
        raise unknown_host()
    if settings.shared:
        if tenant.config.suspended:
            raise suspended()
        if tenant.config.isolation != "Shared":
            raise unknown_host()
    _bind(request, tenant)
    return tenant


async def _internal_tenant(request: Request, settings: Settings) -> Tenant:
    named = request.headers.get("x-clinic-id")
    try:
        clinic_id = UUID(named) if named else settings.clinic_id
    except ValueError:
        clinic_id = None
    if clinic_id is None or (settings.clinic_id is not None and clinic_id != settings.clinic_id):
        raise Problem(404, "unknown-clinic", "Unknown clinic", "X-Clinic-ID names no clinic that is served here.")
    tenants: Tenants = request.app.state.kit.tenants
    try:
        tenant = await tenants.get(clinic_id)
    except UnknownClinicError:
        raise Problem(
            404, "unknown-clinic", "Unknown clinic", "X-Clinic-ID names no clinic that is served here."
        ) from None
    _bind(request, tenant)
    return tenant


def _bind(request: Request, tenant: Tenant) -> None:
    name = str(tenant.id)
    request.scope.setdefault("atendeai", {})["clinic_id"] = name
    said.add(clinic_id=name)


TenantDep = Annotated[Tenant, Depends(current_tenant)]
FoundTenantDep = Annotated[Tenant | None, Depends(find_tenant)]
"""The clinic of the host, also when suspended; None on the stack's own hosts. For webhooks."""
