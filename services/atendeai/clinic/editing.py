"""How staff change the profile: what the Clinic resource declares is refused, everything else takes effect at once.

One change at a time for each clinic; a change is audited, kept as a version by the database, and told to every service
with its commit (NOTIFY), so that slots and answers follow within seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.clinic.additions import (
    AdditionsChange,
    AdditionsView,
    ExceptionRequest,
    ExceptionView,
    last_day,
    shown_additions,
    shown_exception,
    stored_exception,
    stored_field,
    wire_path,
)
from atendeai.clinic.repository import ProfileRepository, Standing
from atendeai.domain.profile_additions import declared_by
from atendeai.domain.profile_values import parse_exceptions, parse_holidays
from atendeai.kit import audit, clock
from atendeai.kit.errors import FieldError, Problem, invalid, not_found
from atendeai.kit.identity import Principal
from atendeai.kit.preconditions import require_match, version_tag
from atendeai.kit.tenancy import Tenant

MOST_EXCEPTIONS = 200
KEPT = timedelta(days=400)
"""How long an exception that is over stays listed; the history keeps it longer."""


class Editing:
    """Changes of one clinic's profile by one person, inside one transaction."""

    def __init__(self, connection: AsyncConnection, tenant: Tenant, who: Principal) -> None:
        self._connection = connection
        self._tenant = tenant
        self._who = who
        self._rows = ProfileRepository(connection, tenant.id)

    async def change(self, change: AdditionsChange, if_match: str | None) -> AdditionsView:
        """Set or take back additions. Raises a problem: 409 for what is declared, 412, 422."""
        standing = await self._begin(if_match)
        document, wanted = dict(standing.additions), {}
        for name in change.named:
            key, value = stored_field(name, change)
            document.pop(key, None)
            if value is not None:
                wanted[key] = value
            if value:  # an empty list takes back what staff had set, and changes nothing where they had set none
                document[key] = value
        _known(standing, wanted)
        refused = declared_by(standing.declared, standing.persona, wanted)
        if refused:
            raise declared(self._tenant, {wire_path(path): field for path, field in refused.items()})
        self._refuse_open(standing, wanted.get("holidays") or ())
        if document != standing.additions:
            await self._write(document, change.reason, "clinic.additions.change", {"fields": change.named})
        return view(await self._rows.standing())

    async def add_exception(self, request: ExceptionRequest) -> ExceptionView:
        """Add days with hours of their own. Raises a problem: 409 for what is declared or overlaps, 422."""
        standing = await self._begin(None)
        people = {one["code"] for one in standing.declared.get("professionals") or ()}
        if request.professional_code is not None and request.professional_code not in people:
            raise invalid("professional_code", "the clinic's profile names no such professional")
        today = clock.now().astimezone(self._tenant.config.tz).date()
        if request.last < today:
            raise invalid("date_to" if request.date_to else "date_from", "is over already")
        self._refuse_declared(standing, request)
        _refuse_holidays(standing, request)
        own = [one for one in standing.additions.get("exceptions") or () if last_day(one) >= today - KEPT]
        _refuse_overlap(own, request)
        if len(own) >= MOST_EXCEPTIONS:
            raise Problem(
                409,
                "too-many-exceptions",
                "Too many exceptions",
                f"At most {MOST_EXCEPTIONS} are kept; take back some, or set the weekly hours instead.",
            )
        added = stored_exception(request, uuid4())
        listed = sorted([*own, added], key=lambda one: (one["dateFrom"], one["id"]))
        await self._write(
            {**standing.additions, "exceptions": listed},
            request.reason,
            "clinic.exception.add",
            {"exception": added["id"], "from": added["dateFrom"], "to": added["dateTo"]},
        )
        return shown_exception(added)

    async def remove_exception(self, exception_id: UUID, reason: str | None, if_match: str | None) -> None:
        """Take an exception back. Raises a problem: 404 for one that staff did not set, 412."""
        standing = await self._begin(if_match)
        own = standing.additions.get("exceptions") or []
        left = [one for one in own if one["id"] != str(exception_id)]
        if len(left) == len(own):
            raise not_found("exception", "Staff have set no such exception; the Clinic resource's are changed there.")
        document = {key: value for key, value in {**standing.additions, "exceptions": left}.items() if value}
        await self._write(document, reason, "clinic.exception.remove", {"exception": str(exception_id)})

    async def _begin(self, if_match: str | None) -> Standing:
        await self._rows.take_turn()
        standing = await self._rows.standing()
        require_match(if_match, version_tag(standing.version))
        return standing

    async def _write(self, document: dict[str, Any], reason: str | None, action: str, details: dict[str, Any]) -> None:
        await self._rows.write(document, at=clock.now(), by=self._who.actor, reason=reason)
        target = f"clinic:{self._tenant.id}"
        # Who says nothing has the history say nothing: the code is for the log, which leaves no change without one.
        why = reason or audit.ASKED_BY_STAFF
        await audit.record(self._connection, self._tenant.id, self._who, action, target, details, reason=why)

    def _refuse_declared(self, standing: Standing, request: ExceptionRequest) -> None:
        """Raise a 409 problem where the resource speaks of one of these days itself."""
        days = _days(request)
        holidays = parse_holidays(standing.declared.get("holidays") or ())
        if request.hours and (taken := sorted(holidays.intersection(days))):
            raise declared(self._tenant, {f"date_from..date_to: {_listed(taken)}": "spec.profile.holidays"})
        fixed = parse_exceptions(standing.declared.get("exceptions") or ())
        taken = [day for day in days if (day, request.professional_code) in fixed]
        if taken:
            raise declared(self._tenant, {f"date_from..date_to: {_listed(taken)}": "spec.profile.exceptions"})

    def _refuse_open(self, standing: Standing, holidays: Iterable[str]) -> None:
        """Raise a 409 problem for a new holiday to which an exception gives hours: it would close the day all the same.

        What staff had set before stays as it is.
        """
        days = parse_holidays(holidays) - parse_holidays(standing.additions.get("holidays") or ())
        for one in standing.additions.get("exceptions") or ():
            if one.get("hours") and _within(one, days):
                raise _overlapping(one, "holidays")
        opened = [one for one in standing.declared.get("exceptions") or () if one.get("hours")]
        fixed = sorted({day for one in opened for day in _within(one, days)})
        if fixed:
            raise declared(self._tenant, {f"holidays.{day}": "spec.profile.exceptions" for day in fixed})


def view(standing: Standing) -> AdditionsView:
    """Return what staff have set."""
    overridden = declared_by(standing.declared, standing.persona, standing.additions)
    return AdditionsView(
        **shown_additions(standing.additions),
        version=standing.version,
        changed_at=standing.changed_at,
        changed_by=standing.changed_by,
        overridden={wire_path(path): field for path, field in overridden.items()},
    )


def declared(tenant: Tenant, fields: Mapping[str, str]) -> Problem:
    """409 that says which field of the Clinic resource has to be changed instead: a field here → the field there."""
    config = tenant.config
    errors: list[FieldError] = [
        {"field": field, "reason": f"declared by {there} of the Clinic resource"} for field, there in fields.items()
    ]
    there = ", ".join(dict.fromkeys(fields.values()))
    return Problem(
        409,
        "declared-elsewhere",
        "The clinic is declared elsewhere",
        f"The Clinic resource declares {there or 'what this shows'}; it is changed there, for example with:"
        f" kubectl edit clinic {config.name} --namespace {config.namespace}",
        errors=errors,
    )


def _known(standing: Standing, wanted: Mapping[str, Any]) -> None:
    """Raise a 422 problem for an addition to something that the resource does not have."""
    for kind in ("services", "professionals"):
        codes = {one["code"] for one in standing.declared.get(kind) or ()}
        for code in wanted.get(kind) or {}:
            if code not in codes:
                raise invalid(f"{kind}.{code}", f"the Clinic resource has no such entry in spec.profile.{kind}")


def _refuse_overlap(own: list[dict[str, Any]], request: ExceptionRequest) -> None:
    for one in own:
        first, last = date.fromisoformat(one["dateFrom"]), last_day(one)
        same = one.get("professional") == request.professional_code
        if same and first <= request.last and request.date_from <= last:
            raise _overlapping(one, "date_from")


def _overlapping(one: Mapping[str, Any], field: str) -> Problem:
    return Problem(
        409,
        "exception-overlaps",
        "There is an exception for these days already",
        f"Take back the one from {one['dateFrom']} to {last_day(one)} first ({one['id']}), or choose other days.",
        errors=[{"field": field, "reason": f"overlaps the exception {one['id']}"}],
    )


def _refuse_holidays(standing: Standing, request: ExceptionRequest) -> None:
    """Raise a 409 problem for hours on a holiday that staff have set: nobody would be booked then all the same."""
    taken = sorted(parse_holidays(standing.additions.get("holidays") or ()).intersection(_days(request)))
    if request.hours and taken:
        raise Problem(
            409,
            "exception-overlaps",
            "These days are holidays",
            f"Staff have set {_listed(taken)} as holidays: take them out of the additions' holidays first, or choose"
            " other days.",
            errors=[{"field": "date_from", "reason": f"holidays of the additions: {_listed(taken)}"}],
        )


def _days(request: ExceptionRequest) -> list[date]:
    return [request.date_from + timedelta(days=offset) for offset in range((request.last - request.date_from).days + 1)]


def _within(one: Mapping[str, Any], days: Iterable[date]) -> list[date]:
    """Return which of the days a stored exception speaks of."""
    return [day for day in days if date.fromisoformat(one["dateFrom"]) <= day <= last_day(one)]


def _listed(days: list[date]) -> str:
    return ", ".join(day.isoformat() for day in days[:5])
