"""The health of a clinic's channel: its last refusal, whether its token is taken, and how much is waiting."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request

from atendeai.kit import clock
from atendeai.kit.resources import Kit
from atendeai.kit.tenancy import Tenant
from atendeai.whatsapp import staff_repository as staff
from atendeai.whatsapp.failures import Course, Failure
from atendeai.whatsapp.graph import GraphClient
from atendeai.whatsapp.schemas import Channel, ChannelError, Token

FRESH = timedelta(minutes=5)
FRESH_BAD = timedelta(seconds=20)
"""A token that was refused is asked about again soon, so that mending it shows."""


class Channels:
    """Reads the channel's state, asking the Graph API about the token when the last answer is old."""

    def __init__(self, kit: Kit, graph: GraphClient) -> None:
        self._kit = kit
        self._graph = graph

    async def read(self, tenant: Tenant) -> Channel:
        """Return the state of the clinic's channel. Raises `Unavailable` when the database is away."""
        whatsapp = tenant.config.settings.whatsapp
        async with self._kit.database.transaction(tenant) as connection:
            row = await staff.channel(connection, tenant.id)
        configured = bool(whatsapp.phone_number_id and tenant.config.credentials.whatsapp.access_token)
        now = clock.now()
        fresh = FRESH if row.token_valid else FRESH_BAD
        if configured and (row.token_checked_at is None or now - row.token_checked_at > fresh):
            row = await self._check(tenant, row)
        error = None
        if row.error_code is not None and row.error_at is not None:
            error = ChannelError(code=row.error_code, title=row.error_title, details=row.error_details, at=row.error_at)
        broken = error is not None or row.token_valid is False
        state = "ok" if row.token_valid else "unknown"
        return Channel(
            state="unconfigured" if not configured else "broken" if broken else "ok" if state == "ok" else "unknown",
            phone_number_id=whatsapp.phone_number_id,
            token=Token(valid=row.token_valid, checked_at=row.token_checked_at, problem=row.token_problem),
            error=error,
            waiting=row.waiting,
            last_inbound_at=row.last_inbound_at,
            last_sent_at=row.last_sent_at,
        )

    async def _check(self, tenant: Tenant, row: staff.ChannelRow) -> staff.ChannelRow:
        failure = await self._graph.check(tenant.config)
        valid = _verdict(failure)
        # A token that is taken again mends the channel: whatever broke it was about the account.
        mended = valid is True and row.token_valid is False
        async with self._kit.database.transaction(tenant) as connection:
            problem = failure.title if failure else None
            await staff.token_checked(connection, tenant.id, valid, problem, clock.now(), mended=mended)
            return await staff.channel(connection, tenant.id)


def _verdict(failure: Failure | None) -> bool | None:
    """Whether the token is good; None when the API could not say."""
    if failure is None:
        return True
    if failure.course in (Course.RETRY, Course.SLOW_DOWN, Course.SLOW_DOWN_PAIR):
        return None
    return False


def _channels(request: Request) -> Channels:
    channels: Channels = request.app.state.channels
    return channels


ChannelDep = Annotated[Channels, Depends(_channels)]
