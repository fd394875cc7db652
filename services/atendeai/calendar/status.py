"""What the clinic's calendars are like: readable and writable or not and why, how far read, and whether push arrives.

The operator reads it in English, on the Clinic; staff read it in Portuguese.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from atendeai.calendar.access import Access, calendar_of, oauth_client
from atendeai.calendar.channels import watch_state
from atendeai.calendar.consent_repository import Consent
from atendeai.calendar.google_errors import Kind
from atendeai.calendar.service import Busy, CalendarService
from atendeai.calendar.sync_repository import Channel, SyncRepository, SyncRow
from atendeai.kit import clock
from atendeai.kit.tenancy import Tenant

__all__ = ["Language", "StatusReport", "remedy"]

Language = Literal["en", "pt-BR"]

_REMEDIES: Mapping[Language, Mapping[str, str]] = {
    "en": {
        Kind.CREDENTIALS: "Google refuses the calendar's credentials; put valid ones into the secret the Clinic names.",
        Kind.FORBIDDEN: (
            "The account may not write to this calendar; share the calendar with it, with the right to change."
        ),
        Kind.NOT_FOUND: (
            "There is no such calendar for this account; check calendarId, and share the calendar with it."
        ),
        "refused": "Google no longer lets the clinic into its calendars; an owner or admin must connect it again.",
        "missing": "Nobody has let the clinic into its calendars yet; an owner or admin must connect Google.",
        "": "Google does not answer as it should; this may pass by itself.",
    },
    "pt-BR": {
        Kind.CREDENTIALS: "O Google recusa as credenciais da agenda; peça ao suporte que as substitua.",
        Kind.FORBIDDEN: "A conta não pode alterar esta agenda; compartilhe-a com permissão para fazer alterações.",
        Kind.NOT_FOUND: "A conta não encontra esta agenda; confira o calendarId e compartilhe a agenda com a conta.",
        "refused": "O Google não permite mais o acesso à agenda; conecte novamente.",
        "missing": "A agenda do Google ainda não foi conectada; conecte-a.",
        "": "O Google não está respondendo como deveria; isso pode passar sozinho.",
    },
}

_GRAVEST_FIRST = (
    Kind.CREDENTIALS,
    Kind.NOT_FOUND,
    Kind.FORBIDDEN,
    *(kind for kind in Kind if kind not in {Kind.CREDENTIALS, Kind.NOT_FOUND, Kind.FORBIDDEN}),
)
"""Of several reasons the one that is told: what somebody must act on before what may pass."""


def remedy(reason: str, language: Language = "en") -> str:
    """Return what to do about a calendar that cannot be used."""
    texts = _REMEDIES[language]
    return texts.get(reason, texts[""])


@dataclass(frozen=True, slots=True)
class StatusReport:
    """Puts the answer together."""

    access: Access
    calendar: CalendarService

    async def body(self, tenant: Tenant, language: Language) -> dict[str, Any]:
        """Try to read every calendar of the clinic, and say how it went."""
        provider = tenant.config.settings.calendar.provider
        if provider != "Google":
            return {"provider": provider, "ready": True, "calendars": []}
        codes = [person.code for person in tenant.config.profile.professionals]
        found = await self._try(tenant, codes)
        rows, channels = await self._known(tenant)
        consent = await self.access.consent(tenant)
        troubles = {*found.unavailable.values(), *_unwritable(tenant, codes, rows)}
        reason = next((kind for kind in _GRAVEST_FIRST if kind in troubles), None)
        body: dict[str, Any] = {
            "provider": provider,
            "ready": reason is None,
            "calendars": [_calendar(tenant, code, found, rows, channels) for code in codes],
        }
        state = _consent_state(tenant, consent, reason)
        if state is not None:
            granted = consent.granted_at.astimezone(tenant.config.tz).isoformat() if consent is not None else None
            body["consent"] = {"state": state, "granted_at": granted}
        if reason is not None:
            body["reason"] = reason
            unconnected = reason is Kind.CREDENTIALS and state in {"refused", "missing"}
            body["remedy"] = remedy(state if unconnected and state else reason, language)
        return body

    async def _try(self, tenant: Tenant, codes: list[str]) -> Busy:
        start = clock.now()
        end = start + timedelta(hours=1)
        if codes:
            return await self.calendar.busy_of(tenant, codes, start, end)
        only = tenant.config.settings.calendar.calendar_id
        return await self.calendar.busy_calendars(tenant, [only] if only else [], start, end)

    async def _known(self, tenant: Tenant) -> tuple[dict[str, SyncRow], list[Channel]]:
        async with self.access.database.transaction(tenant) as connection:
            repository = SyncRepository(connection, tenant.id)
            return await repository.all(), await repository.channels()


def _unwritable(tenant: Tenant, codes: list[str], rows: Mapping[str, SyncRow]) -> list[Kind]:
    """Return FORBIDDEN for each calendar in which the account has too small a role to write, as it was last read."""
    known = [rows.get(calendar_of(tenant, code) or "") for code in codes]
    return [Kind.FORBIDDEN for row in known if row is not None and row.error == Kind.FORBIDDEN]


def _calendar(
    tenant: Tenant, code: str, found: Busy, rows: Mapping[str, SyncRow], channels: list[Channel]
) -> dict[str, Any]:
    calendar_id = calendar_of(tenant, code) or ""
    row = rows.get(calendar_id, SyncRow(calendar_id))
    watch = watch_state(row, [one for one in channels if one.calendar_id == calendar_id], clock.now())

    def local(moment: datetime | None) -> str | None:
        return moment.astimezone(tenant.config.tz).isoformat() if moment else None

    return {
        "professional_code": code,
        "readable": code not in found.unavailable,
        "reason": found.unavailable.get(code),
        "last_synced_at": local(row.last_synced_at),
        "sync_error": row.error,
        "watch": {"state": watch.state, "reason": watch.reason, "expires_at": local(watch.expires_at)},
    }


def _consent_state(tenant: Tenant, consent: Consent | None, reason: Kind | None) -> str | None:
    """Return how a person's consent stands; None where the clinic needs none."""
    if oauth_client(tenant) is None:
        return None
    if consent is None:
        return "declared" if tenant.config.credentials.calendar.get("refresh-token") else "missing"
    # Refused once, and yet it reads: Google was wrong, or has come round.
    return "refused" if consent.refused_at is not None and reason is Kind.CREDENTIALS else "connected"
