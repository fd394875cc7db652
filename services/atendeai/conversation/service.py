"""Receiving, handling and answering messages: in order per contact, at least once taken, exactly once answered.

A message is stored and its contact enqueued in one transaction, before it is acknowledged. Handling it runs the
dialogue; what the dialogue asks of the appointment service carries keys made of the message, and what it was told is
journalled before anything is changed, so a turn cut short anywhere runs again to the same end. Its result (state,
replies, the mark "handled") is one transaction; a reply is passed on to whatsapp under its own id.
"""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import structlog

from atendeai.conversation.http_port import AppointmentPort, changes_something, key_of
from atendeai.conversation.metrics import ALERTS, HANDLING, MESSAGES
from atendeai.conversation.repository import ConversationRepository, Settled, Unhandled
from atendeai.domain.dialogue.clinic import Clinic, Persona, clinic_from_profile
from atendeai.domain.dialogue.manager import turn
from atendeai.domain.dialogue.ports import Answer, Request, answer_from_json, answer_to_json, request_to_json
from atendeai.domain.dialogue.session import Alert, Message, Patient, Turn, profile_name
from atendeai.domain.dialogue.state import State
from atendeai.kit import clock
from atendeai.kit.http import ServiceError
from atendeai.kit.resources import Kit
from atendeai.kit.tenancy import Tenant
from atendeai.kit.work import enqueue

log = structlog.get_logger()

CONVERSATION_QUEUE = "conversation"
REPLY_QUEUE = "reply"
_BATCH = 10
_REST = timedelta(hours=24)
"""After so long a silence a conversation begins anew, and one that was left to a person comes back."""
_REFUSED = frozenset([400, 404, 409, 410, 413, 422])
"""Whatsapp's word on the reply itself; everything else may pass."""


class ChangedMeanwhileError(Exception):
    """Staff changed the conversation while a turn ran; the turn runs again."""


def clinic_of(tenant: Tenant) -> Clinic:
    """The clinic as the dialogue knows it. Raises ValueError when the profile cannot be read."""
    config = tenant.config
    persona = config.settings.ai.persona
    return clinic_from_profile(
        config.display_name or config.name,
        config.raw_profile,
        persona=Persona(name=persona.name, greeting=persona.greeting),
        handoff_topics=config.settings.ai.handoff.topics,
    )


class Conversations:
    """The work of this service, over the kit."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    # ------------------------------------------------------------ handling
    async def handle(self, tenant: Tenant, key: str) -> datetime | None:
        """Handle what a contact wrote, in order (a worker's handler). Raises `ServiceError` to be run again."""
        for _ in range(_BATCH):
            async with self._kit.database.transaction(tenant) as connection:
                message = await ConversationRepository(connection, tenant.id).next_unhandled(UUID(key))
            if message is None:
                return None
            await self._handle_one(tenant, message)
        return clock.now()

    async def _handle_one(self, tenant: Tenant, message: Unhandled) -> None:
        journal = _Journal(message, clock.now())
        now = journal.now.astimezone(tenant.config.tz).replace(tzinfo=None, second=0, microsecond=0)
        clinic = clinic_of(tenant)
        state = _state(message)
        steps = turn(
            state,
            Message(message.text, kind=message.kind),
            clinic,
            now,
            Patient(name=profile_name(message.contact_name)),
        )
        port = AppointmentPort(self._kit.services, tenant, message.contact_id, now)
        result = await self._drive(tenant, message, steps, port, journal)
        await self._settle(tenant, message, result)

    async def _drive(
        self,
        tenant: Tenant,
        message: Unhandled,
        steps: Generator[Request, Answer, Turn],
        port: AppointmentPort,
        journal: "_Journal",
    ) -> Turn:
        """Run a turn to its end, carrying out what it asks for."""
        step = 0
        try:
            request = next(steps)
            while True:
                answer = journal.told(step, request)
                if answer is None:
                    if changes_something(request) and journal.unsaved:
                        await self._save(tenant, message, journal)
                    answer = await port.answer(request, key_of(message.id, step, request))
                    journal.add(request, answer)
                step += 1
                request = steps.send(answer)
        except StopIteration as stop:
            result: Turn = stop.value
            return result

    async def _save(self, tenant: Tenant, message: Unhandled, journal: "_Journal") -> None:
        async with self._kit.database.transaction(tenant) as connection:
            await ConversationRepository(connection, tenant.id).note(message.id, journal.to_json())
        journal.unsaved = False

    async def _settle(self, tenant: Tenant, message: Unhandled, result: Turn) -> None:
        now = clock.now()
        settled = Settled(
            state=result.state.to_json(),
            status="handed_off" if result.state.handed_off else "open",
            outcome=result.state.outcome.value,
            opted_out=result.state.opted_out,
            intent=result.intent.value,
            alert=_gravest(result.alerts),
            replies=[
                (uuid5(NAMESPACE_OID, f"{message.id}:reply:{index}"), text) for index, text in enumerate(result.replies)
            ],
        )
        async with self._kit.database.transaction(tenant) as connection:
            if not await ConversationRepository(connection, tenant.id).settle(message, settled, now):
                raise ChangedMeanwhileError
            if settled.replies:
                await enqueue(connection, tenant.id, REPLY_QUEUE, str(message.contact_id))
        MESSAGES.labels(result.intent.value).inc()
        for alert in result.alerts:
            ALERTS.labels(alert.value).inc()
            log.info("person_called_for", conversation_id=str(message.conversation_id), reason=alert.value)
        HANDLING.observe(max(0.0, (now - message.received_at).total_seconds()))

    # ------------------------------------------------------------ answering
    async def pass_on(self, tenant: Tenant, key: str) -> datetime | None:
        """Give whatsapp the replies to one contact, in order (a worker's handler). Raises `ServiceError`."""
        contact = UUID(key)
        async with self._kit.database.transaction(tenant) as connection:
            waiting = await ConversationRepository(connection, tenant.id).queued_replies(contact, _BATCH)
        for reply in waiting:
            body = {
                "contact_id": str(reply["contact_id"]),
                "kind": "text",
                "text": reply["text"],
                "purpose": reply["purpose"],
            }
            outbound: UUID | None = None
            refused: ServiceError | None = None
            try:
                taken = await self._kit.services.call(
                    tenant, "whatsapp", "POST", "/internal/v1/outbound", json=body, idempotency_key=reply["id"]
                )
                outbound = UUID(str(taken["outbound_id"]))
            except ServiceError as error:
                if error.status not in _REFUSED:
                    raise
                refused = error
                log.warning("reply_refused", reply_id=str(reply["id"]), status=error.status, problem=error.slug)
            async with self._kit.database.transaction(tenant) as connection:
                rows = ConversationRepository(connection, tenant.id)
                if refused is not None:
                    await rows.refused(reply["id"], contact, refused.slug or str(refused.status), clock.now())
                elif outbound is not None:
                    await rows.passed_on(reply["id"], outbound, clock.now())
        return clock.now() if len(waiting) == _BATCH else None


class _Journal:
    """What a turn was told, step by step, and the moment it began: enough to run it again to the same end."""

    def __init__(self, message: Unhandled, now: datetime) -> None:
        kept = message.journal or {}
        self.now = datetime.fromisoformat(kept["now"]) if kept else now.astimezone(UTC)
        self._steps: list[dict[str, Any]] = list(kept.get("steps", ()))
        self.unsaved = not kept

    def told(self, step: int, request: Request) -> Answer | None:
        """What was answered at this step before; None when nothing was, or something else was asked."""
        if step >= len(self._steps):
            return None
        if self._steps[step]["asked"] != request_to_json(request):
            del self._steps[step:]  # the code or the clinic's profile changed in between: ask anew from here
            return None
        return answer_from_json(self._steps[step]["told"])

    def add(self, request: Request, answer: Answer) -> None:
        """Remember an answer."""
        self._steps.append({"asked": request_to_json(request), "told": answer_to_json(answer)})
        self.unsaved = True

    def to_json(self) -> dict[str, Any]:
        """As stored."""
        return {"now": self.now.isoformat(), "steps": self._steps}


def _state(message: Unhandled) -> State:
    """The conversation's state at this message, refreshed when it rested long enough."""
    state = State.from_json(dict(message.state))
    if message.previous_at is not None and message.received_at - message.previous_at > _REST:
        state = state.rested()
    if state.handed_off and message.handed_off_at is not None and message.received_at - message.handed_off_at > _REST:
        state.handed_off = False
    return state


def _gravest(alerts: tuple[Alert, ...]) -> str | None:
    """The alert staff must see first."""
    if not alerts:
        return None
    return (Alert.EMERGENCY if Alert.EMERGENCY in alerts else alerts[0]).value
