"""A person of the clinic lets it into their Google calendars, and takes that back.

The state is a secret of its own, good once and for ten minutes, and stands for the clinic and the person that asked;
only its hash is kept. The PKCE verifier never leaves this side. A person whose session has ended meanwhile connects
nothing any more.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from atendeai.calendar.access import Access, calendars_of, oauth_client
from atendeai.calendar.channels import Channels
from atendeai.calendar.consent_repository import Consent, ConsentRepository, ConsentRequest
from atendeai.calendar.google_consent import authorization_url, exchange, revoke
from atendeai.calendar.google_errors import CalendarError, Kind
from atendeai.calendar.sync_repository import SyncRepository
from atendeai.kit import audit, clock
from atendeai.kit.errors import Problem, conflict, not_found
from atendeai.kit.identity import Principal
from atendeai.kit.tenancy import Tenant, Tenants

__all__ = ["CALLBACK_PATH", "STATE_LIFETIME", "ConsentRefusedError", "Consents"]

CALLBACK_PATH = "/api/v1/calendar/oauth/callback"
STATE_LIFETIME = timedelta(minutes=10)


class ConsentRefusedError(Exception):
    """The way back from Google led nowhere; `slug` says why: `state`, `denied`, `incomplete`, `code`."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


class Consents:
    """The flow, for one clinic at a time."""

    def __init__(self, access: Access, channels: Channels, tenants: Tenants) -> None:
        self._access = access
        self._database = access.database
        self._channels = channels
        self._tenants = tenants

    async def start(self, tenant: Tenant, who: Principal) -> str:
        """Return the address at Google where this person can consent. Raises a 409 problem without an OAuth client."""
        client_id, _ = _client(tenant)
        if not tenant.config.settings.hosts:
            raise conflict("no-host", "The clinic has no host that Google could lead back to.")
        # The clinic's first host, whichever was called: Google knows the redirect address by heart.
        redirect_uri = f"https://{tenant.config.settings.hosts[0]}{CALLBACK_PATH}"
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
        now = clock.now()
        request = ConsentRequest(client_id, who.subject, who.sid, verifier, redirect_uri, now + STATE_LIFETIME)
        async with self._database.transaction(tenant) as connection:
            await ConsentRepository(connection, tenant).ask(_hash(state), request, now=now)
            target = f"calendar-consent:{client_id}"
            await audit.record(
                connection, tenant.id, who, "calendar.begin-connect", target, reason=audit.ASKED_BY_STAFF
            )
        return authorization_url(
            tenant.config.settings.calendar.token_url,
            client_id=client_id,
            redirect_uri=redirect_uri,
            state=state,
            verifier=verifier,
        )

    async def finish(self, tenant: Tenant, state: str, code: str | None, error: str | None) -> None:
        """Take a person back from Google and keep what they granted.

        Raises ConsentRefusedError, or CalendarError when Google is away.
        """
        async with self._database.transaction(tenant) as connection:
            request = await ConsentRepository(connection, tenant).take(_hash(state))
        client = oauth_client(tenant)
        if request is None or request.expires_at <= clock.now() or client is None or client[0] != request.client_id:
            raise ConsentRefusedError("state")
        if await self._tenants.is_revoked(tenant.id, request.sid):
            raise ConsentRefusedError("state")
        if error is not None or not code:
            raise ConsentRefusedError("denied")
        try:
            refresh = await exchange(
                self._access.http,
                tenant.config.settings.calendar.token_url,
                client,
                code=code,
                verifier=request.verifier,
                redirect_uri=request.redirect_uri,
            )
        except CalendarError as problem:
            if problem.transient:
                raise
            raise ConsentRefusedError("incomplete" if problem.kind is Kind.FORBIDDEN else "code") from problem
        self._access.tokens.forget(tenant.id)
        async with self._database.transaction(tenant) as connection:
            consent = Consent(refresh, clock.now(), request.person, None)
            await ConsentRepository(connection, tenant).save(client[0], consent)
            person, target = f"person:{request.person}", f"calendar-consent:{client[0]}"
            await audit.record(connection, tenant.id, person, "calendar.connect", target, reason="consent-given")
            for calendar_id in calendars_of(tenant):
                # Perhaps another account's than before: how far that one had read says nothing.
                await SyncRepository(connection, tenant.id).anew(calendar_id)

    async def withdraw(self, tenant: Tenant, who: Principal) -> None:
        """Take the consent back, at Google and here. Raises a 404 problem without one, CalendarError without Google."""
        client_id, _ = _client(tenant)
        consent = await self._access.consent(tenant)
        if consent is None:
            raise not_found("consent")
        # Channels first: afterwards nobody may end them.
        await self._channels.close(tenant, await self._access.google(tenant))
        await revoke(self._access.http, tenant.config.settings.calendar.token_url, consent.refresh_token)
        self._access.tokens.forget(tenant.id)
        async with self._database.transaction(tenant) as connection:
            await ConsentRepository(connection, tenant).forget(client_id)
            target = f"calendar-consent:{client_id}"
            await audit.record(connection, tenant.id, who, "calendar.disconnect", target, reason=audit.ASKED_BY_STAFF)
            for calendar_id in calendars_of(tenant):
                # A reading under way opens nothing any more.
                await SyncRepository(connection, tenant.id).anew(calendar_id)
        # One that it has opened meanwhile is not listened to, and ends within a week.
        await self._channels.close(tenant, None)


def _client(tenant: Tenant) -> tuple[str, str]:
    client = oauth_client(tenant)
    if tenant.config.settings.calendar.provider != "Google" or client is None:
        raise Problem(
            409,
            "declared-elsewhere",
            "Declared elsewhere",
            "The Clinic resource declares no OAuth client for the calendar: its Secret needs client-id and"
            " client-secret, and no service-account.json.",
        )
    return client


def _hash(state: str) -> bytes:
    return hashlib.sha256(state.encode("utf-8", "replace")).digest()
