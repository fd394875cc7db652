"""Watch channels: opened for every calendar, renewed before they end, closed when the calendar goes.

A channel is written down before Google is asked for it, so that its first message is recognised and none is lost
sight of; a message also confirms a channel whose opening was never answered. Only whoever reads the calendar opens one
(see `SyncRepository`), so that there is one, whatever the number of replicas. Push only wakes the reading of changes;
where Google refuses the address, or its messages do not arrive (a certificate it does not trust), the calendar is asked
each minute instead, and the status says so.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from uuid import UUID, uuid4

import structlog

from atendeai.calendar.google_client import GoogleCalendar
from atendeai.calendar.google_errors import CalendarError
from atendeai.calendar.google_sync import CHANNEL_LIFETIME, open_channel, stop_channel
from atendeai.calendar.sync_repository import Channel, SyncRepository, SyncRow
from atendeai.kit import clock
from atendeai.kit.db import Database
from atendeai.kit.tenancy import Tenant

__all__ = ["Channels", "Message", "OvertakenError", "WatchState", "watch_state"]

_RENEW_BEFORE = timedelta(days=1)
_ASK_AGAIN = timedelta(hours=6)
"""After a refusal of the address: until somebody verifies the domain, nothing changes."""
_UNANSWERED = timedelta(hours=1)
"""A channel Google was asked for and never confirmed may still be open; it is kept this long, then forgotten."""

log = structlog.get_logger(__name__)


class OvertakenError(Exception):
    """Somebody else reads this calendar now; this reader has nothing to do with it any more."""


@dataclass(frozen=True, slots=True)
class Message:
    """What the headers of a message of Google's say (X-Goog-*); nothing is sure but that somebody sent them."""

    channel_id: str
    token: str
    resource_id: str = ""
    expiration: str = ""


@dataclass(frozen=True, slots=True)
class WatchState:
    """How changes of a calendar become known.

    `state`: `live` (push arrives), `silent` (open, nothing has arrived yet), `refused` (Google does not accept the
    address), `none`.
    """

    state: str
    reason: str | None = None
    expires_at: datetime | None = None


def watch_state(row: SyncRow, channels: list[Channel], now: datetime) -> WatchState:
    """Say how changes of a calendar become known. Pure."""
    usable = [one for one in channels if one.resource_id is not None and one.expires_at > now]
    if usable:
        heard = any(one.heard_at is not None for one in usable)
        return WatchState("live" if heard else "silent", None, usable[0].expires_at)
    if row.watch_refused is not None:
        return WatchState("refused", row.watch_refused)
    return WatchState("none")


class Channels:
    """Opens, renews, recognises and closes channels."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, tenant: Tenant, google: GoogleCalendar, row: SyncRow) -> SyncRow:
        """See that the calendar has a channel that lasts; return its row as it then stands.

        Never raises for what Google answers: without a channel the calendar is asked more often. Raises OvertakenError.
        """
        now = clock.now()
        channels = await self._all(tenant, row.calendar_id)
        usable = [one for one in channels if one.resource_id is not None and one.expires_at > now]
        await self._tidy(tenant, google, [one for one in channels if one not in usable])
        if usable and not _renewable(usable[0], now):
            await self._tidy(tenant, google, usable[1:])
            return replace(row, watch_refused=None, watch_again_at=None)
        if row.watch_again_at is not None and now < row.watch_again_at:
            return row
        address = _address(tenant)
        if address is None:
            return replace(row, watch_refused="no-host", watch_again_at=now + _ASK_AGAIN)
        try:
            opened = await self._open(tenant, google, row, address)
        except CalendarError as error:
            log.warning("calendar_watch_refused", reason=error.reason, kind=error.kind.value)
            if error.transient:
                return row
            reason = error.reason or error.kind.value
            return replace(row, watch_refused=reason, watch_again_at=now + _ASK_AGAIN)
        log.info("calendar_watched", until=opened.expires_at.isoformat())
        await self._tidy(tenant, google, usable)
        return replace(row, watch_refused=None, watch_again_at=None)

    async def close(self, tenant: Tenant, google: GoogleCalendar | None, calendar_id: str | None = None) -> None:
        """End the channels of a calendar, or all of the clinic's. What Google does not answer ends by itself."""
        for channel in await self._all(tenant, calendar_id):
            await self._end(tenant, google, channel)

    async def recognise(self, tenant: Tenant, message: Message) -> str | None:
        """Return the calendar that a message of Google's is about; None when it is not one of ours."""
        try:
            wanted = UUID(message.channel_id)
        except ValueError:
            return None
        given = _hash(message.token)
        async with self._database.transaction(tenant) as connection:
            repository = SyncRepository(connection, tenant.id)
            channel = await repository.channel(wanted)
            if not hmac.compare_digest(channel.token_sha256 if channel else b"", given) or channel is None:
                return None
            # Whoever knows the token is Google: it says, too, which resource to name when the channel is to end.
            until = _moment(message.expiration)
            await repository.heard(channel.id, clock.now(), message.resource_id or None, until)
        return channel.calendar_id

    async def _open(self, tenant: Tenant, google: GoogleCalendar, row: SyncRow, address: str) -> Channel:
        token, now = secrets.token_urlsafe(32), clock.now()
        channel = Channel(uuid4(), row.calendar_id, _hash(token), None, now, now + CHANNEL_LIFETIME)
        if not await self._save(tenant, row, channel):
            raise OvertakenError
        try:
            opened = await open_channel(google, row.calendar_id, channel.id, token, address)
        except CalendarError as error:
            if not error.transient:
                await self._drop(tenant, channel)
            raise
        channel = replace(channel, resource_id=opened.resource_id, expires_at=opened.expires_at)
        if not await self._save(tenant, row, channel):
            await self._end(tenant, google, channel)
            raise OvertakenError
        return channel

    async def _tidy(self, tenant: Tenant, google: GoogleCalendar, channels: list[Channel]) -> None:
        """End what another channel has replaced; what was never confirmed only after a while."""
        for channel in channels:
            if channel.resource_id is not None or channel.opened_at + _UNANSWERED < clock.now():
                await self._end(tenant, google, channel)

    async def _end(self, tenant: Tenant, google: GoogleCalendar | None, channel: Channel) -> None:
        if google is not None and channel.resource_id is not None and channel.expires_at > clock.now():
            try:
                await stop_channel(google, channel.id, channel.resource_id)
            except CalendarError as error:
                # Its messages find no channel here any more, and it ends within a week.
                log.info("calendar_channel_left", kind=error.kind.value)
        await self._drop(tenant, channel)

    async def _all(self, tenant: Tenant, calendar_id: str | None) -> list[Channel]:
        async with self._database.transaction(tenant) as connection:
            return await SyncRepository(connection, tenant.id).channels(calendar_id)

    async def _save(self, tenant: Tenant, row: SyncRow, channel: Channel) -> bool:
        """Write a channel down, if the calendar is still this reader's."""
        async with self._database.transaction(tenant) as connection:
            repository = SyncRepository(connection, tenant.id)
            held = await repository.holds(row)
            if held:
                await repository.keep(channel)
        return held

    async def _drop(self, tenant: Tenant, channel: Channel) -> None:
        async with self._database.transaction(tenant) as connection:
            await SyncRepository(connection, tenant.id).drop(channel.id)


def _renewable(channel: Channel, now: datetime) -> bool:
    """Whether a channel is in the last part of its life: a day, or half of it where Google granted less than two."""
    return channel.expires_at - now < min(_RENEW_BEFORE, (channel.expires_at - channel.opened_at) / 2)


def _address(tenant: Tenant) -> str | None:
    hosts = tenant.config.settings.hosts
    return f"https://{hosts[0]}/api/v1/calendar/push" if hosts else None


def _moment(date: str) -> datetime | None:
    """Read an HTTP date (RFC 9110, 5.6.7); None for anything else."""
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
