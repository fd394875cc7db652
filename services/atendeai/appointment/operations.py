"""One operation of the service from end to end, shared by the internal and the public routes.

Order matters: the calendar is asked first, outside any transaction; then one transaction looks up the idempotency key,
does the deed and stores the answer. A repeated request gets its first answer even when the time is taken by now (by
itself), the professional has left, or nobody can say whether there is such a contact.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict
from uuid import UUID

from atendeai.appointment.availability import Availability
from atendeai.appointment.messenger import Messenger
from atendeai.appointment.models import (
    Appointment,
    CancelRequest,
    CreateRequest,
    HoldRequest,
    OwnRequest,
    RescheduleRequest,
    StaffCancelRequest,
    StaffRescheduleRequest,
)
from atendeai.appointment.problems import no_such_appointment
from atendeai.appointment.repository import AppointmentRepository
from atendeai.appointment.service import AppointmentService
from atendeai.kit.db import Database
from atendeai.kit.errors import Problem
from atendeai.kit.http import ServiceError
from atendeai.kit.idempotency import Reply, idempotent, stored
from atendeai.kit.identity import Principal
from atendeai.kit.preconditions import version_tag
from atendeai.kit.schemas import Body
from atendeai.kit.tenancy import Tenant

__all__ = ["Operations"]

Deed = Callable[[AppointmentService], Awaitable[Reply]]


def _tag(body: Any) -> dict[str, str]:
    return {"ETag": version_tag(body["version"])}


def _made(body: Any) -> dict[str, str]:
    return {**_tag(body), "Location": f"/api/v1/appointments/{body['id']}"}


class _Names(TypedDict):
    clinic_id: UUID
    scope: str
    key: str | None
    request: dict[str, Any]
    headers: Callable[[Any], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class _Call:
    """Who asks for what, and under which key."""

    tenant: Tenant
    who: Principal
    action: str
    key: str | None
    request: dict[str, Any]
    headers: Callable[[Any], Mapping[str, str]] = _tag

    @property
    def names(self) -> _Names:
        """What its answer is kept under."""
        return {
            "clinic_id": self.tenant.id,
            "scope": f"appointments.{self.action}:{self.who.actor}",
            "key": self.key,
            "request": self.request,
            "headers": self.headers,
        }


@dataclass(frozen=True, slots=True)
class Operations:
    """What can be asked of this service that changes something."""

    database: Database
    availability: Availability
    messenger: Messenger

    async def hold(self, tenant: Tenant, who: Principal, wanted: HoldRequest, key: str | None) -> Reply:
        """Hold a time: 201, or 200 when this contact already holds it."""
        call = _Call(tenant, who, "hold", key, wanted.model_dump(mode="json"))
        return await self._judged(call, lambda: self._hold(call, wanted))

    async def _hold(self, call: _Call, wanted: HoldRequest) -> Reply:
        tenant = call.tenant
        verdict = await self.availability.judge(tenant, wanted.service_code, wanted.professional_code, wanted.start)

        async def deed(service: AppointmentService) -> Reply:
            appointment, new = await service.hold(wanted, verdict)
            return Reply(201 if new else 200, appointment.as_json(tenant.config.tz))

        return await self._once(call, deed)

    async def create(self, tenant: Tenant, who: Principal, wanted: CreateRequest, key: str | None) -> Reply:
        """Book at once: 201. Raises a 422 problem for a contact that there is not, `ServiceError` when nobody says."""
        call = _Call(tenant, who, "create", key, wanted.model_dump(mode="json"), _made)
        return await self._judged(call, lambda: self._create(call, wanted))

    async def _create(self, call: _Call, wanted: CreateRequest) -> Reply:
        tenant = call.tenant
        if wanted.contact_id is not None:
            await self.messenger.known(tenant, wanted.contact_id)
        verdict = await self.availability.judge(
            tenant, wanted.service_code, wanted.professional_code, wanted.start, by_staff=True
        )

        async def deed(service: AppointmentService) -> Reply:
            return Reply(201, (await service.create(wanted, verdict)).as_json(tenant.config.tz))

        return await self._once(call, deed)

    async def reschedule(
        self,
        tenant: Tenant,
        who: Principal,
        appointment_id: UUID,
        wanted: RescheduleRequest,
        key: str | None,
        if_match: str | None = None,
    ) -> Reply:
        """Move an appointment: 200."""
        request = {"id": str(appointment_id)} | wanted.model_dump(mode="json")
        call = _Call(tenant, who, "reschedule", key, request)
        return await self._judged(call, lambda: self._reschedule(call, appointment_id, wanted, if_match))

    async def _reschedule(
        self, call: _Call, appointment_id: UUID, wanted: RescheduleRequest, if_match: str | None
    ) -> Reply:
        tenant, contact_id = call.tenant, _asking(wanted)
        async with self.database.transaction(tenant) as connection:
            moving = await AppointmentRepository(connection, tenant.id).get(appointment_id)
        if moving is None or contact_id not in {None, moving.contact_id}:
            raise no_such_appointment()
        code = wanted.professional_code or moving.professional_code
        by_staff = isinstance(wanted, StaffRescheduleRequest)
        verdict = await self.availability.judge(
            tenant, moving.service_code, code, wanted.start, moving=moving, by_staff=by_staff
        )
        notify = isinstance(wanted, StaffRescheduleRequest) and wanted.notify

        async def deed(service: AppointmentService) -> Reply:
            moved = await service.reschedule(
                appointment_id,
                verdict,
                contact_id=contact_id,
                ignore_calendar=wanted.ignore_calendar,
                notify=notify,
                if_match=if_match,
            )
            return Reply(200, moved.as_json(tenant.config.tz))

        return await self._once(call, deed)

    async def cancel(
        self,
        tenant: Tenant,
        who: Principal,
        appointment_id: UUID,
        wanted: CancelRequest,
        key: str | None,
        if_match: str | None = None,
    ) -> Reply:
        """Cancel an appointment: 200."""
        notify = isinstance(wanted, StaffCancelRequest) and wanted.notify
        return await self.change(
            tenant,
            who,
            "cancel",
            appointment_id,
            key,
            wanted.model_dump(mode="json"),
            lambda one: one.cancel(
                appointment_id,
                wanted.reason,
                wanted.cancellation_reason,
                contact_id=_asking(wanted),
                notify=notify,
            ),
            if_match,
        )

    async def confirm(
        self,
        tenant: Tenant,
        who: Principal,
        appointment_id: UUID,
        key: str | None,
        wanted: OwnRequest | None = None,
        *,
        if_match: str | None = None,
    ) -> Reply:
        """Note that the patient will come: 200."""
        return await self.change(
            tenant,
            who,
            "confirm",
            appointment_id,
            key,
            wanted.model_dump(mode="json") if wanted else {},
            lambda one: one.confirm(appointment_id, contact_id=wanted.contact_id if wanted else None),
            if_match,
        )

    async def change(
        self,
        tenant: Tenant,
        who: Principal,
        action: str,
        appointment_id: UUID,
        key: str | None,
        request: dict[str, Any],
        change: Callable[[AppointmentService], Awaitable[Appointment]],
        if_match: str | None = None,
    ) -> Reply:
        """Do what needs no look at the calendar: 200. With `if_match` only to what the caller saw, else 412."""

        async def deed(service: AppointmentService) -> Reply:
            await service.unchanged(appointment_id, if_match)
            return Reply(200, (await change(service)).as_json(tenant.config.tz))

        return await self._once(_Call(tenant, who, action, key, {"id": str(appointment_id)} | request), deed)

    async def _judged(self, call: _Call, run: Callable[[], Awaitable[Reply]]) -> Reply:
        """Run what judges the request before its transaction; what refuses it now may have let it pass the first time.

        Looked up only then: nearly every request comes once.
        """
        try:
            return await run()
        except (Problem, ServiceError):
            async with self.database.transaction(call.tenant) as connection:
                known = await stored(connection, **call.names)
            if known is None:
                raise
            return known

    async def _once(self, call: _Call, deed: Deed) -> Reply:
        async with self.database.transaction(call.tenant) as connection:
            service = AppointmentService(connection, call.tenant, call.who.actor)
            reply = await idempotent(connection, run=lambda: deed(service), **call.names)
            await service.settle()
            return reply


def _asking(wanted: Body) -> UUID | None:
    """Return the contact who asks for what is theirs; None when the clinic itself does."""
    return wanted.contact_id if isinstance(wanted, OwnRequest) else None
