"""The dialogue's requests, carried out by the appointment service.

Whatever changes something carries an idempotency key made of the message, the step and the request, so that a turn
that runs again repeats what it did and does nothing twice. What may succeed later is raised, and the turn runs again
then; what never will is an answer.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from atendeai.domain.dialogue.ports import (
    Answer,
    Appointment,
    Appointments,
    Book,
    Cancel,
    Confirm,
    Decline,
    Done,
    Found,
    Held,
    Hold,
    JoinWaitlist,
    Nothing,
    Offers,
    Refused,
    Request,
    Reschedule,
    Search,
    Slot,
    Upcoming,
    request_to_json,
)
from atendeai.kit.http import ServiceClient, ServiceError
from atendeai.kit.tenancy import Tenant

_SERVICE = "appointment"
_FINAL = frozenset([404, 409, 410, 422])
_CALENDAR = "calendar-unavailable"


def changes_something(request: Request) -> bool:
    """Whether carrying the request out leaves a trace."""
    return not isinstance(request, Search | Upcoming | Offers)


def key_of(message_id: UUID, step: int, request: Request) -> UUID:
    """The idempotency key of one step of a turn."""
    digest = hashlib.sha256(json.dumps(request_to_json(request), sort_keys=True).encode()).hexdigest()
    return uuid5(NAMESPACE_OID, f"{message_id}:{step}:{digest}")


class AppointmentPort:
    """Asks the appointment service on behalf of one contact of one clinic."""

    def __init__(self, services: ServiceClient, tenant: Tenant, contact_id: UUID, now: datetime) -> None:
        self._services = services
        self._tenant = tenant
        self._contact = str(contact_id)
        self._now = now

    async def answer(self, request: Request, key: UUID) -> Answer:
        """Carries one request out. Raises `ServiceError` when it may succeed later."""
        try:
            return await self._carry_out(request, key)
        except ServiceError as error:
            if (error.status in _FINAL and not error.temporary) or error.slug == _CALENDAR:
                return Refused(error.slug or str(error.status))
            raise

    async def _carry_out(self, request: Request, key: UUID) -> Answer:
        match request:
            case Search():
                return await self._search(request)
            case Upcoming() | Offers():
                return await self._listed(request)
            case Hold(slot, name):
                body = {
                    "contact_id": self._contact,
                    "patient_name": name,
                    "service_code": slot.service,
                    "professional_code": slot.professional,
                    "start": self._moment(slot.start),
                }
                held = await self._post("/holds", {k: v for k, v in body.items() if v is not None}, key)
                return Held(str(held["id"]))
            case Book(hold, name):
                await self._change(hold, "book", {"patient_name": name} if name else {}, key)
            case Cancel(appointment, reason):
                await self._change(appointment, "cancel", {"reason": reason}, key)
            case Decline(offer):
                await self._change(offer, "decline", {}, key)
            case Confirm(appointment):
                await self._change(appointment, "confirm", {}, key)
            case JoinWaitlist():
                await self._post("/waitlist", self._wish(request), key)
            case Reschedule(appointment, slot):
                moved = {"start": self._moment(slot.start), "professional_code": slot.professional}
                await self._change(appointment, "reschedule", moved, key)
        return Done()

    async def _change(self, appointment: str, act: str, body: Mapping[str, Any], key: UUID) -> None:
        """Has something done to an appointment, which the service refuses when it is another contact's."""
        await self._post(f"/appointments/{appointment}/{act}", {"contact_id": self._contact, **body}, key)

    async def _post(self, path: str, body: Mapping[str, Any], key: UUID) -> Any:
        return await self._services.call(
            self._tenant, _SERVICE, "POST", f"/internal/v1{path}", json=body, idempotency_key=key
        )

    def _wish(self, request: JoinWaitlist) -> dict[str, Any]:
        body: dict[str, Any] = {
            "contact_id": self._contact,
            "patient_name": request.patient_name,
            "service_code": request.service,
            "professional_code": request.professional,
            "date_from": request.date_from,
            "date_to": request.date_to,
            "time_from": request.time_from,
            "time_to": request.time_to,
        }
        return {k: v for k, v in body.items() if v is not None}

    async def _search(self, request: Search) -> Answer:
        body: dict[str, Any] = {
            "service_code": request.service,
            "date_from": request.date_from,
            "date_to": request.date_to,
            "time_from": request.time_from,
            "time_to": request.time_to,
            "professional_code": request.professional,
            "limit": request.limit,
            "contact_id": self._contact,
            "appointment_id": request.moving,
        }
        # A search repeats harmlessly without a key, and must not be answered from an earlier one.
        found = await self._services.call(
            self._tenant,
            _SERVICE,
            "POST",
            "/internal/v1/slots/search",
            json={k: v for k, v in body.items() if v is not None},
        )
        slots = tuple(
            Slot(self._wall(s["start"]), str(s["professional_code"]), str(s["service_code"])) for s in found["slots"]
        )
        reason = found.get("reason")
        return Found(slots, Nothing(reason) if reason and not slots else None)

    async def _listed(self, request: Upcoming | Offers) -> Answer:
        if isinstance(request, Upcoming):
            items = await self._own(self._now - timedelta(minutes=request.begun))
            return Appointments(tuple(self._appointment(item, item.get("reminded_at")) for item in items))
        items = [one for one in await self._own(self._now, status="proposed") if one.get("waitlist_id")]
        standing = [one for one in items if self._wall(one["expires_at"]) > self._now]
        return Appointments(tuple(self._appointment(one, one["created_at"]) for one in standing))

    async def _own(self, since: datetime, **more: str) -> list[dict[str, Any]]:
        """The contact's appointments from a moment on."""
        params = {"contact_id": self._contact, "from": self._moment(since), **more}
        found = await self._services.call(self._tenant, _SERVICE, "GET", "/internal/v1/appointments", params=params)
        items: list[dict[str, Any]] = found["items"]
        return items

    def _appointment(self, item: Mapping[str, Any], told_at: str | None) -> Appointment:
        return Appointment(
            str(item["id"]),
            self._wall(item["start"]),
            str(item["professional_code"]),
            str(item["service_code"]),
            (item.get("patient") or {}).get("name"),
            self._wall(told_at) if told_at else None,
        )

    def _moment(self, wall: datetime) -> str:
        """A wall-clock time of the clinic as RFC 3339."""
        return wall.replace(tzinfo=self._tenant.config.tz).isoformat()

    def _wall(self, moment: str) -> datetime:
        """RFC 3339 as a wall-clock time of the clinic."""
        return datetime.fromisoformat(moment).astimezone(self._tenant.config.tz).replace(tzinfo=None)
