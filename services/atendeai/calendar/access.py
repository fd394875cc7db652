"""How this service gets into a clinic's Google calendars: which calendars, and with whose credentials.

Credentials come from the clinic's Secret: a service account's key, or a client id and secret with a refresh token. With
an OAuth client a person of the clinic may consent instead (see `consent`); that counts before the Secret's own token.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import structlog

from atendeai.calendar.consent_repository import Consent, ConsentRepository
from atendeai.calendar.google_client import IN_REQUEST, GoogleCalendar, Patience
from atendeai.calendar.google_errors import CalendarError, Kind
from atendeai.calendar.google_tokens import TokenSource
from atendeai.kit import clock
from atendeai.kit.db import Database
from atendeai.kit.tenancy import Tenant

__all__ = ["Access", "calendar_of", "calendars_of", "oauth_client", "people_of"]

RETRY_REFUSED = timedelta(minutes=10)
"""A grant that Google refused is tried again this late: what an outage of its own caused passes by itself."""

log = structlog.get_logger(__name__)


class Access:
    """One per process: connections and tokens are shared by all clinics."""

    def __init__(self, database: Database, http: httpx.AsyncClient) -> None:
        self.database = database
        self.http = http
        self.tokens = TokenSource(http)

    async def google(self, tenant: Tenant, patience: Patience = IN_REQUEST) -> GoogleCalendar | None:
        """Return the way to the clinic's calendars; None when it keeps none."""
        settings = tenant.config.settings.calendar
        if settings.provider != "Google":
            return None
        consent = await self.consent(tenant)
        return GoogleCalendar(
            http=self.http,
            tokens=self.tokens,
            clinic_id=tenant.id,
            credentials=_credentials(tenant, consent),
            base_url=settings.base_url,
            token_url=settings.token_url,
            patience=patience,
            granted_at=consent.granted_at if consent is not None else None,
        )

    async def consent(self, tenant: Tenant) -> Consent | None:
        """Return the consent that the clinic's OAuth client holds, if any."""
        client = oauth_client(tenant)
        if client is None:
            return None
        async with self.database.transaction(tenant) as connection:
            return await ConsentRepository(connection, tenant).get(client[0])

    async def note(self, tenant: Tenant, google: GoogleCalendar, error: CalendarError) -> None:
        """Remember that Google no longer honours the consent: it was withdrawn, or has expired."""
        client = oauth_client(tenant)
        if client is None or google.granted_at is None:
            return
        if error.kind is not Kind.CREDENTIALS or error.reason != "invalid_grant":
            return
        async with self.database.transaction(tenant) as connection:
            # Only the consent that was refused: a person may have given a new one meanwhile.
            noted = await ConsentRepository(connection, tenant).refused(client[0], google.granted_at, clock.now())
        if noted:
            log.warning("calendar_consent_refused", clinic_id=str(tenant.id))

    @asynccontextmanager
    async def noting(self, tenant: Tenant, google: GoogleCalendar) -> AsyncIterator[None]:
        """Note what Google says of the consent inside the block; the error goes on."""
        try:
            yield
        except CalendarError as error:
            await self.note(tenant, google, error)
            raise


def _credentials(tenant: Tenant, consent: Consent | None) -> Mapping[str, str]:
    given = tenant.config.credentials.calendar
    if consent is None:
        return given
    if consent.refused_at is not None and clock.now() < consent.refused_at + RETRY_REFUSED:
        # Nobody asks Google again and again with a grant it has just refused.
        return {name: value for name, value in given.items() if name != "refresh-token"}
    return {**given, "refresh-token": consent.refresh_token}


def oauth_client(tenant: Tenant) -> tuple[str, str] | None:
    """Return client id and secret of the clinic's OAuth client; None when it has a service account, or neither."""
    given = tenant.config.credentials.calendar
    if given.get("service-account.json") or not (given.get("client-id") and given.get("client-secret")):
        return None
    return given["client-id"], given["client-secret"]


def calendar_of(tenant: Tenant, professional_code: str) -> str | None:
    """Return the calendar that holds a professional's appointments."""
    person = next((one for one in tenant.config.profile.professionals if one.code == professional_code), None)
    if person is not None and person.calendar_id:
        return person.calendar_id
    # Somebody who has left the profile may still have appointments: their events stay in the clinic's calendar.
    return tenant.config.settings.calendar.calendar_id


def people_of(tenant: Tenant, calendar_id: str) -> list[str]:
    """Return the codes of the professionals whose appointments a calendar holds."""
    return [one.code for one in tenant.config.profile.professionals if calendar_of(tenant, one.code) == calendar_id]


def calendars_of(tenant: Tenant) -> list[str]:
    """Return every calendar the clinic keeps appointments in; none without a provider."""
    if tenant.config.settings.calendar.provider != "Google":
        return []
    named = [calendar_of(tenant, one.code) for one in tenant.config.profile.professionals]
    return [name for name in dict.fromkeys([*named, tenant.config.settings.calendar.calendar_id]) if name]
