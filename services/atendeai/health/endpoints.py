"""`/health` in every format, and its history for the clinic's staff."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from atendeai.health import repository
from atendeai.health.formats import OFFERED, answer, chosen
from atendeai.health.repository import CHANGES
from atendeai.health.schemas import HEALTH_JSON, ChangePage, ChangeView, HealthView
from atendeai.health.service import Aggregate
from atendeai.kit.errors import Unavailable
from atendeai.kit.identity import Principal, permitted
from atendeai.kit.openapi import problems
from atendeai.kit.paging import Window, paged
from atendeai.kit.parameters import any_query
from atendeai.kit.resources import ConnectionDep, KitDep
from atendeai.kit.tenancy import Tenant, TenantDep, find_tenant
from atendeai.kit.wording import spelt

__all__ = ["router"]

router = APIRouter(tags=["health"])


def _aggregate(request: Request) -> Aggregate:
    aggregate: Aggregate = request.app.state.aggregate
    return aggregate


AggregateDep = Annotated[Aggregate, Depends(_aggregate)]
_PART = spelt(r"^[a-z:]+$", "the name of a part, as in redis or channel:whatsapp")
StaffDep = Annotated[Principal, Depends(permitted("clinic.read"))]


async def _clinic(request: Request) -> Tenant | None:
    """Return the clinic of the host, if it is one that is served; how the parts are must be told without one too."""
    try:
        tenant = await find_tenant(request)
    except Unavailable:
        return None
    settings = request.app.state.kit.settings
    if tenant is None or (settings.shared and (tenant.config.suspended or tenant.config.isolation != "Shared")):
        return None
    return tenant


_CONTENT: dict[str, Any] = {
    name: {"schema": HEALTH_JSON if name == "application/health+json" else {"type": "string"}}
    for name in sorted({offered.partition(";")[0] for offered in OFFERED} - {"application/json"})
}


@router.get(
    "/health",
    response_model=HealthView,
    responses={
        200: {"content": _CONTENT},
        503: {"model": HealthView, "content": _CONTENT, "description": "What everything needs is down"},
        **problems(406),
    },
)
@any_query
async def health(
    request: Request, tenant: Annotated[Tenant | None, Depends(_clinic)], aggregate: AggregateDep
) -> Response:
    """Tell how every part is: 200 when all is well or degraded, 503 when what everything needs is down.

    JSON, `application/health+json`, plain text, CSV, or Prometheus' formats, as the caller accepts.
    """
    media_type = chosen(", ".join(request.headers.getlist("accept")))
    return answer(await aggregate.picture(tenant), media_type, aggregate.settings.thresholds)


@router.get("/health/history", responses=problems(404, 422, 503))
async def history(
    tenant: TenantDep,
    kit: KitDep,
    connection: ConnectionDep,
    _who: StaffDep,
    window: Annotated[Window, paged(CHANGES)],
    component: Annotated[str | None, Query(min_length=1, max_length=64, pattern=_PART)] = None,
) -> ChangePage:
    """List what changed: which part, from what to what, when and why. The last 30 days are kept."""
    rows = await repository.page(connection, tenant.id, window, component=component, shared=kit.settings.shared)
    shown, token = window.page(rows, lambda row: {"at": row.at.isoformat(), "id": str(row.id)})
    return ChangePage(
        items=[ChangeView.model_validate(row, from_attributes=True) for row in shown], next_page_token=token
    )
