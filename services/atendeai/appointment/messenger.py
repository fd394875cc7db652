"""How the appointment service has the whatsapp service tell a patient something."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from uuid import UUID

import structlog

from atendeai.appointment.problems import no_such_contact
from atendeai.appointment.wording import Message
from atendeai.kit.http import ServiceClient, ServiceError
from atendeai.kit.tenancy import Tenant

__all__ = ["Messenger", "Outcome"]

log = structlog.get_logger(__name__)


class Outcome(StrEnum):
    """What became of a message; all but the first are final as well, and no fault of ours."""

    SENT = "sent"
    """It is in the outbound queue, which sees to the rest."""
    OPTED_OUT = "opted-out"
    NO_CONTACT = "no-contact"
    REFUSED = "refused"


class Messenger:
    """The whatsapp service, as this service sees it."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def known(self, tenant: Tenant, contact_id: UUID) -> None:
        """See that there is such a contact. Raises a 422 problem when there is none, ServiceError when nobody says."""
        try:
            await self._client.call(tenant, "whatsapp", "GET", f"/internal/v1/contacts/{contact_id}")
        except ServiceError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            raise no_such_contact() from error

    async def send(
        self, tenant: Tenant, contact_id: UUID, message: Message, key: str, *, until: datetime | None = None
    ) -> Outcome:
        """Have a message queued once per key; after `until` it is not sent any more.

        Raises ServiceError when it may succeed later.
        """
        body = message.as_json(contact_id, tenant.config.settings.ai.persona.tone)
        if until is not None:
            body["expires_at"] = until.isoformat()
        try:
            await self._client.call(tenant, "whatsapp", "POST", "/internal/v1/outbound", json=body, idempotency_key=key)
        except ServiceError as error:
            # A version of whatsapp that does not know until when a message is good is on its way out.
            outdated = any(one.get("field") == "expires_at" for one in error.problem.get("errors") or ())
            if error.temporary or error.status == HTTPStatus.UNAUTHORIZED or outdated:
                raise
            return _final(message, error)
        return Outcome.SENT

    async def withdraw(self, tenant: Tenant, keys: Sequence[str]) -> None:
        """Take back what was queued under these keys and has not been sent. Raises ServiceError."""
        path = "/internal/v1/outbound/withdraw"
        await self._client.call(tenant, "whatsapp", "POST", path, json={"keys": list(keys)})


def _final(message: Message, error: ServiceError) -> Outcome:
    if error.slug == "idempotency-key-reused":
        return Outcome.SENT  # queued before, in other words: "amanhã" had not become "hoje" yet
    if error.slug == "opted-out":
        return Outcome.OPTED_OUT
    if error.status == HTTPStatus.NOT_FOUND:
        return Outcome.NO_CONTACT
    log.warning("message_refused", purpose=message.purpose, status=error.status, reason=error.slug)
    return Outcome.REFUSED
