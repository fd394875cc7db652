"""`/api/v1/clinics/me/…`: what staff add to the profile, and the profile's history."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from atendeai.clinic import history
from atendeai.clinic.additions import (
    AdditionsChange,
    AdditionsView,
    ExceptionList,
    ExceptionRequest,
    ExceptionView,
    Reason,
    shown_exception,
)
from atendeai.clinic.editing import Editing, view
from atendeai.clinic.endpoints import EditorDep, ReaderDep
from atendeai.clinic.repository import VERSIONS, ProfileRepository
from atendeai.clinic.schemas import VersionPage, VersionView
from atendeai.kit.db import on_commit
from atendeai.kit.errors import invalid, not_found
from atendeai.kit.idempotency import IdempotencyKeyDep, Reply, idempotent
from atendeai.kit.openapi import problems
from atendeai.kit.paging import Window, paged
from atendeai.kit.preconditions import IfMatchDep, IfNoneMatchDep, tagged, version_tag
from atendeai.kit.resources import ConnectionDep, KitDep
from atendeai.kit.schemas import Code, Day
from atendeai.kit.tenancy import TenantDep

router = APIRouter(prefix="/api/v1/clinics/me", tags=["clinics"])

ReasonDep = Annotated[Reason | None, Query(description="Why; it goes into the profile's history and the audit log.")]


@router.get(
    "/additions",
    response_model=AdditionsView,
    responses={304: {"description": "It is as the caller knows it"}},
)
async def additions(
    tenant: TenantDep, connection: ConnectionDep, _who: ReaderDep, if_none_match: IfNoneMatchDep = None
) -> Response:
    """Show what staff have set where the Clinic resource leaves it open; its ETag goes into If-Match of a change."""
    found = view(await ProfileRepository(connection, tenant.id).standing())
    return tagged(found, version_tag(found.version), if_none_match)


@router.patch("/additions", response_model=AdditionsView, responses=problems(409, 412))
async def change_additions(
    change: AdditionsChange,
    tenant: TenantDep,
    connection: ConnectionDep,
    kit: KitDep,
    who: EditorDep,
    if_match: IfMatchDep = None,
) -> Response:
    """Set what is named, take back what is named as null; in effect everywhere within five seconds.

    409 for what the Clinic resource declares, with its field.
    """
    found = await Editing(connection, tenant, who).change(change, if_match)
    on_commit(connection, lambda: kit.tenants.forget(tenant.id))
    return tagged(found, version_tag(found.version))


@router.get(
    "/exceptions",
    response_model=ExceptionList,
    responses={304: {"description": "It is as the caller knows it"}},
)
async def exceptions(
    tenant: TenantDep,
    connection: ConnectionDep,
    _who: ReaderDep,
    date_from: Day | None = None,
    date_to: Day | None = None,
    professional_code: Code | None = None,
    if_none_match: IfNoneMatchDep = None,
) -> Response:
    """List the exceptions from the hours that touch these days, the resource's and those of staff (a few hundred).

    Its ETag goes into If-Match of taking one back.
    """
    if date_from is not None and date_to is not None and date_to < date_from:
        raise invalid("date_to", "lies before date_from")
    standing = await ProfileRepository(connection, tenant.id).standing()
    found = [shown_exception(one) for one in standing.profile["exceptions"]]
    shown = ExceptionList(
        items=[
            one
            for one in sorted(found, key=lambda one: (one.date_from, one.date_to))
            if (date_from or date.min) <= one.date_to
            and one.date_from <= (date_to or date.max)
            and professional_code in {None, one.professional_code}
        ],
        version=standing.version,
    )
    return tagged(shown, version_tag(standing.version), if_none_match)


@router.post("/exceptions", status_code=201, response_model=ExceptionView, responses=problems(409))
async def add_exception(
    request: ExceptionRequest,
    tenant: TenantDep,
    connection: ConnectionDep,
    kit: KitDep,
    who: EditorDep,
    idempotency_key: IdempotencyKeyDep = None,
) -> Response:
    """Close days, or give them hours of their own, for the clinic or one professional; appointments there stay.

    409 where the Clinic resource speaks of one of the days itself, or another exception does.
    """

    async def run() -> Reply:
        return Reply(201, await Editing(connection, tenant, who).add_exception(request))

    reply = await idempotent(
        connection,
        clinic_id=tenant.id,
        scope=f"clinic.exceptions.add:{who.actor}",
        key=idempotency_key,
        request=request,
        run=run,
    )
    on_commit(connection, lambda: kit.tenants.forget(tenant.id))
    return reply.response()


@router.delete("/exceptions/{exception_id}", status_code=204, responses=problems(404, 412))
async def remove_exception(
    exception_id: UUID,
    tenant: TenantDep,
    connection: ConnectionDep,
    kit: KitDep,
    who: EditorDep,
    reason: ReasonDep = None,
    if_match: IfMatchDep = None,
) -> None:
    """Take back an exception that staff set."""
    await Editing(connection, tenant, who).remove_exception(exception_id, reason, if_match)
    on_commit(connection, lambda: kit.tenants.forget(tenant.id))


@router.get("/versions")
async def versions(
    tenant: TenantDep, connection: ConnectionDep, _who: ReaderDep, window: Annotated[Window, paged(VERSIONS)]
) -> VersionPage:
    """List the profile's versions: when, by whom, and what changed. The last 200 are kept."""
    rows = ProfileRepository(connection, tenant.id)
    shown, token = window.page(
        await rows.versions(window), lambda version: {"version": version.version, "at": version.at.isoformat()}
    )
    known = {version.version: version for version in shown}
    missing = [number - 1 for number in known if number - 1 not in known]
    known |= await rows.numbered(missing)
    return VersionPage(
        items=[history.line(version, known.get(version.version - 1)) for version in shown], next_page_token=token
    )


@router.get("/versions/{version}", responses=problems(404))
async def version(
    version: Annotated[int, Path(ge=1, le=2**31 - 1)], tenant: TenantDep, connection: ConnectionDep, _who: ReaderDep
) -> VersionView:
    """Show the profile as it stood in one version, and what had changed."""
    found = await ProfileRepository(connection, tenant.id).numbered([version - 1, version])
    if version not in found:
        raise not_found("version", "There is no such version of the profile, or it is not kept any more.")
    return history.whole(found[version], found.get(version - 1))
