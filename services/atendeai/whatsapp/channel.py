"""The health of a clinic's channel: its last refusal, its token, its templates, and how much is waiting."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request

from atendeai.domain.templates import TEMPLATES
from atendeai.kit import clock
from atendeai.kit.resources import Kit
from atendeai.kit.tenancy import Tenant
from atendeai.kit.work import enqueue
from atendeai.whatsapp import staff_repository as staff
from atendeai.whatsapp import templates, templates_repository
from atendeai.whatsapp.account import SYNC_EVERY, Standing
from atendeai.whatsapp.failures import Course, Failure
from atendeai.whatsapp.graph import GraphClient
from atendeai.whatsapp.schemas import Channel, ChannelError, TemplateHealth, Token
from atendeai.whatsapp.templates_repository import Known

FRESH = timedelta(minutes=5)
FRESH_BAD = timedelta(seconds=20)
"""A token that was refused is asked about again soon, so that mending it shows."""


class Channels:
    """Reads the channel's state, asking the Graph API about the token when the last answer is old."""

    def __init__(self, kit: Kit, graph: GraphClient, standing: Standing) -> None:
        self._kit = kit
        self._graph = graph
        self._standing = standing

    async def read(self, tenant: Tenant) -> Channel:
        """Return the state of the clinic's channel. Raises `Unavailable` when the database is away."""
        whatsapp = tenant.config.settings.whatsapp
        async with self._kit.database.transaction(tenant) as connection:
            row = await staff.channel(connection, tenant.id)
            known = await templates_repository.all_of(connection, tenant.id)
            configured = bool(whatsapp.phone_number_id and tenant.config.credentials.whatsapp.access_token)
            now = clock.now()
            if configured and (row.account_checked_at is None or now - row.account_checked_at > 2 * SYNC_EVERY):
                await enqueue(connection, tenant.id, templates.ACCOUNT_QUEUE, templates.SYNC)
        fresh = FRESH if row.token_valid else FRESH_BAD
        if configured and (row.token_checked_at is None or now - row.token_checked_at > fresh):
            row = await self._check(tenant, row)
        error = None
        if row.error_code is not None and row.error_at is not None:
            error = ChannelError(code=row.error_code, title=row.error_title, details=row.error_details, at=row.error_at)
        refused = templates.trouble(known)
        if error is None and refused is not None:
            # Conversations go on, but nobody is reminded any more: said like any refusal of the account.
            error = ChannelError(
                code=refused.code, title=refused.title, details=None, at=row.templates_synced_at or now
            )
        if configured:
            self._standing.note(tenant.id, row.quality_rating, row.messaging_limit)
        broken = error is not None or row.token_valid is False
        state = "ok" if row.token_valid else "unknown"
        return Channel(
            state="unconfigured" if not configured else "broken" if broken else "ok" if state == "ok" else "unknown",
            phone_number_id=whatsapp.phone_number_id,
            token=Token(
                valid=row.token_valid,
                checked_at=row.token_checked_at,
                problem=row.token_problem,
                expires_at=row.token_expires_at,
            ),
            error=error,
            templates=health(known, row),
            quality_rating=row.quality_rating,
            messaging_limit=row.messaging_limit,
            account_event=row.account_event,
            waiting=row.waiting,
            last_inbound_at=row.last_inbound_at,
            last_sent_at=row.last_sent_at,
            recently_sent=row.recently_sent,
            recently_failed=row.recently_failed,
        )

    async def _check(self, tenant: Tenant, row: staff.ChannelRow) -> staff.ChannelRow:
        failure = await self._graph.check(tenant.config)
        valid = _verdict(failure)
        ends = await self._graph.token_ends(tenant.config) if valid else row.token_expires_at
        # A token that is taken again mends the channel: whatever broke it was about the account.
        mended = valid is True and row.token_valid is False
        async with self._kit.database.transaction(tenant) as connection:
            problem = failure.title if failure else None
            await staff.token_checked(connection, tenant.id, valid, problem, clock.now(), ends=ends, mended=mended)
            return await staff.channel(connection, tenant.id)


def health(known: list[Known], row: staff.ChannelRow) -> TemplateHealth:
    """Sort the templates that the attendant needs by what Meta says of them."""
    states = {(template.name, template.language): template.status for template in known}
    sorted_: dict[str, list[str]] = {"usable": [], "pending": [], "refused": [], "missing": []}
    for template in TEMPLATES:
        status = states.get((template.name, template.language))
        if status is None:
            sorted_["missing"].append(template.name)
        elif status in templates.UNUSABLE:
            sorted_["refused"].append(template.name)
        else:
            sorted_["usable" if status == "APPROVED" else "pending"].append(template.name)
    return TemplateHealth(**sorted_, synced_at=row.templates_synced_at)


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
