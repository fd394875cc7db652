"""Messages of ours that will not arrive: an offer that nobody can read does not keep the time from the next."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from atendeai.appointment.keys import offer_of
from atendeai.appointment.repository import AppointmentRepository
from atendeai.appointment.service import AppointmentService
from atendeai.kit.identity import Principal, service
from atendeai.kit.resources import KitDep
from atendeai.kit.tenancy import TenantDep

__all__ = ["router"]

router = APIRouter(prefix="/internal/v1", tags=["internal"])


class Undelivered(BaseModel):
    """A message that was given up, by the key under which it was asked for."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(min_length=1, max_length=255)]


class GivenUp(BaseModel):
    """Whether a time got free for the next on the waiting list."""

    given_up: bool


@router.post("/undelivered", operation_id="internal_messages_undelivered")
async def undelivered(
    setback: Undelivered,
    tenant: TenantDep,
    kit: KitDep,
    caller: Annotated[Principal, Depends(service("whatsapp"))],
) -> GivenUp:
    """Let go of an offer that its patient cannot be told of; what is answered or over already stays as it is.

    The wish goes on waiting: who cannot be reached today may be tomorrow, and another time may suit.
    """
    del caller  # proven by the dependency
    offer_id = offer_of(setback.key)
    if offer_id is None:
        return GivenUp(given_up=False)
    async with kit.database.transaction(tenant) as connection:
        if await AppointmentRepository(connection, tenant.id).get(offer_id) is None:  # erased since
            return GivenUp(given_up=False)
        appointments = AppointmentService(connection, tenant, "service:appointment")
        given_up = await appointments.give_up_offer(offer_id, "undelivered")
        await appointments.settle()
    return GivenUp(given_up=given_up)
