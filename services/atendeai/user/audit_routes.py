"""The audit log for those who oversee the clinic: `/api/v1/audit`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from atendeai.kit.identity import Principal, permitted
from atendeai.kit.paging import Window, paged
from atendeai.kit.resources import ConnectionDep
from atendeai.kit.schemas import Moment
from atendeai.kit.tenancy import TenantDep
from atendeai.kit.wording import spelt
from atendeai.user import audit_repository
from atendeai.user.schemas import AuditPage

router = APIRouter(prefix="/api/v1/audit", tags=["audit"])
Overseer = Annotated[Principal, Depends(permitted("audit.read"))]
_ASCII = spelt(r"^[\x21-\x7e]+$", "visible characters of ASCII, without blanks")
Named = Annotated[str | None, Field(min_length=1, max_length=120, pattern=_ASCII)]
"""Ids and names of actions: visible ASCII without blanks."""


@router.get("")
async def list_events(
    tenant: TenantDep,
    connection: ConnectionDep,
    _who: Overseer,
    window: Annotated[Window, paged(audit_repository.SORTING)],
    actor: Annotated[Named, Query(description="`person:<id>` or `service:<name>`.")] = None,
    action: Annotated[Named, Query(description="Such as `appointment.cancel`.")] = None,
    target: Annotated[Named, Query(description="Such as `user:<id>`.")] = None,
    since: Annotated[Moment | None, Query(description="From this moment on.")] = None,
    until: Annotated[Moment | None, Query(description="Before this moment.")] = None,
) -> AuditPage:
    """Who did or read what, when and why; the newest first. It is only ever added to."""
    asked = {"actor": actor, "action": action, "target": target, "since": since, "until": until}
    wanted: dict[str, str | datetime] = {name: value for name, value in asked.items() if value is not None}
    items, token = await audit_repository.page(connection, tenant.id, window, wanted)
    return AuditPage(items=items, next_page_token=token)
