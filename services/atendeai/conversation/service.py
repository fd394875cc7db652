"""Receiving, handling and answering messages: in order per contact, at least once taken, exactly once answered.

A message is stored and its contact enqueued in one transaction, before it is acknowledged. Handling it runs the
dialogue; what the dialogue asks of the appointment service carries keys made of the message, and what it was told is
journalled before anything is changed, so a turn cut short anywhere runs again to the same end. Its result (state,
replies, the mark "handled") is one transaction; a reply is passed on to whatsapp under its own id.

An emergency waits for none of that: it has work of its own, and is answered in one transaction, before what was written
before it and also while a turn waits for another service. That turn then finds the conversation changed and runs again.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.conversation import emergencies, reactions
from atendeai.conversation.alerts import gravest, gravity
from atendeai.conversation.batch import as_one, due_at, together
from atendeai.conversation.engine import OURS, Actions, Answered, EmbeddedEngine, Engine, Line, Question
from atendeai.conversation.http_port import AppointmentPort
from atendeai.conversation.journal import Journal
from atendeai.conversation.metrics import ALERTS, HANDLING, MESSAGES
from atendeai.conversation.queues import (
    CONVERSATION_QUEUE,
    OLDEST,
    PREFERENCE_QUEUE,
    REPLY_QUEUE,
    UNATTENDED_QUEUE,
)
from atendeai.conversation.reply_repository import ReplyRepository
from atendeai.conversation.repository import ConversationRepository, Reply, Settled, Unhandled
from atendeai.domain.dialogue import manager, texts
from atendeai.domain.dialogue.clinic import Clinic, Persona, clinic_from_profile
from atendeai.domain.dialogue.naming import profile_name
from atendeai.domain.dialogue.session import Patient, Turn
from atendeai.domain.dialogue.state import Outcome, State
from atendeai.domain.interactive import Options
from atendeai.kit import clock
from atendeai.kit.db import on_commit
from atendeai.kit.http import ServiceError
from atendeai.kit.resources import Kit
from atendeai.kit.tenancy import Tenant
from atendeai.kit.work import enqueue

log = structlog.get_logger()

_BATCH = 10
_MOST_TOGETHER = 20
_LOOKED_THROUGH = 200
"""So many of a contact's waiting messages are looked through for an emergency."""
_HISTORY = 12
_REST = timedelta(hours=24)
"""After so long a silence a conversation begins anew."""
_BESIDE_REMINDERS = timedelta(hours=1)
"""An answer to a reminder may come a little later than the reminder."""
_REFUSED = frozenset([400, 404, 409, 410, 413, 422])
"""Whatsapp's word on the reply itself; everything else may pass."""
_INVALID = 422


class ChangedMeanwhileError(Exception):
    """Staff, an edit or an emergency changed the conversation while a turn ran; the turn runs again."""


def clinic_of(tenant: Tenant) -> Clinic:
    """The clinic as the dialogue knows it, read once for each configuration.

    Raises ValueError when the profile cannot be read.
    """
    config = tenant.config

    def read() -> Clinic:
        persona = config.settings.ai.persona
        return clinic_from_profile(
            config.display_name or config.name,
            config.raw_profile,
            persona=Persona(name=persona.name, greeting=persona.greeting, tone=persona.tone),
            handoff_topics=config.settings.ai.handoff.topics,
        )

    return config.derived("conversation.clinic", read)


class Conversations:
    """The work of this service, over the kit. ``engine_of`` gives the engine that a clinic has chosen."""

    def __init__(self, kit: Kit, engine_of: Callable[[Tenant], Engine] | None = None) -> None:
        self._kit = kit
        self._engine_of = engine_of or (lambda _: EmbeddedEngine())

    # ------------------------------------------------------------ handling
    async def handle(self, tenant: Tenant, key: str) -> datetime | None:
        """Answer what a contact wrote, in order (a worker's handler). Raises `ServiceError` to be run again.

        What comes in quick succession is answered as one: not before the patient paused, but within a bounded time.
        """
        for _ in range(_BATCH):
            async with self._kit.database.transaction(tenant) as connection:
                every = await ConversationRepository(connection, tenant.id).unhandled(UUID(key), _LOOKED_THROUGH)
            if emergencies.among(every) and await self._attend(tenant, UUID(key)):
                continue
            waiting = every[:_MOST_TOGETHER]
            if not waiting:
                return None
            later = None if waiting[0].journal else due_at(waiting, clock.now(), self._kit.settings)
            if later is not None:
                return later
            await self._handle_together(tenant, together(waiting))
        return clock.now()

    async def attend(self, tenant: Tenant, key: str) -> datetime | None:
        """Answer the emergency of a contact at once (a worker's handler); the rest goes on as it would have."""
        await self._attend(tenant, UUID(key))
        async with self._kit.database.transaction(tenant) as connection:
            await enqueue(connection, tenant.id, CONVERSATION_QUEUE, key)
        return None

    async def _attend(self, tenant: Tenant, contact: UUID) -> bool:
        """Answer the emergencies that wait, alone and before all else; False where there are none.

        Nobody need be asked for that, so it is read, answered and written under the conversation's lock.
        """
        async with self._kit.database.transaction(tenant) as connection:
            rows = ConversationRepository(connection, tenant.id)
            batch = emergencies.among(await rows.unhandled(contact, _LOOKED_THROUGH, lock=True))
            if not batch:
                return False
            state, patient = _state(batch[0], tenant), Patient(name=profile_name(batch[0].contact_name))
            result = emergencies.answered(batch, state, clinic_of(tenant), _wall(tenant, clock.now()), patient)
            if result is None:
                return False
            await self._write(connection, tenant, batch, result, "embedded")
        return True

    async def _handle_together(self, tenant: Tenant, batch: Sequence[Unhandled]) -> None:
        first = batch[0]
        journal = Journal(batch, clock.now())
        now = _wall(tenant, journal.now)
        state = _state(first, tenant, await self._staff_wrote_at(tenant, first))
        message = as_one(batch, remind_within=_remind_within(tenant))
        if message is None:
            await self._pass_over(tenant, batch, state)
            return
        async with self._kit.database.transaction(tenant) as connection:
            rows = ConversationRepository(connection, tenant.id)
            history = [Line(*line) for line in await rows.latest(first.conversation_id, _HISTORY, OURS)]
        question = Question(
            state,
            message,
            clinic_of(tenant),
            now,
            Patient(name=profile_name(first.contact_name)),
            tuple(history),
        )
        port = AppointmentPort(self._kit.services, tenant, first.contact_id, now)
        actions = Actions(port, journal, first.id, lambda: self._save(tenant, first, journal))
        appointment = reactions.doubted(message.pressed) if message.reminded else None
        if appointment is not None:
            session = manager.begin(state, message, question.clinic, now, question.patient)
            await actions.drive(reactions.ask(session, appointment))
            answered = Answered(manager.end(session), "embedded")
        else:
            answered = await self._engine_of(tenant).answer(question, actions)
        await self._settle(tenant, batch, answered.turn, answered.engine)

    async def _staff_wrote_at(self, tenant: Tenant, message: Unhandled) -> datetime | None:
        """When a person of the clinic last wrote to the contact, asked where it decides whether they still talk.

        Raises `ServiceError`.
        """
        if not _lapsed(message, tenant):
            return None
        path = f"/internal/v1/contacts/{message.contact_id}"
        try:
            found = await self._kit.services.call(tenant, "whatsapp", "GET", path)
        except ServiceError as error:
            if error.slug != "not-found":
                raise
            return None  # erased meanwhile
        at = found.get("staff_wrote_at")
        return datetime.fromisoformat(at) if at else None

    async def _save(self, tenant: Tenant, message: Unhandled, journal: Journal) -> None:
        async with self._kit.database.transaction(tenant) as connection:
            if not await ConversationRepository(connection, tenant.id).note(message, journal.to_json()):
                raise ChangedMeanwhileError

    async def _pass_over(self, tenant: Tenant, batch: Sequence[Unhandled], state: State) -> None:
        """Note messages that want no answer (a reaction) as handled."""
        settled = _settled(batch, state, [], intent="none")
        async with self._kit.database.transaction(tenant) as connection:
            if not await ConversationRepository(connection, tenant.id).settle(batch[0], settled, clock.now()):
                raise ChangedMeanwhileError

    async def _settle(self, tenant: Tenant, batch: Sequence[Unhandled], result: Turn, engine: str) -> None:
        async with self._kit.database.transaction(tenant) as connection:
            await self._write(connection, tenant, batch, result, engine)

    async def _write(
        self, connection: AsyncConnection, tenant: Tenant, batch: Sequence[Unhandled], result: Turn, engine: str
    ) -> None:
        """Write what a turn led to. Raises ChangedMeanwhileError."""
        now, first = clock.now(), batch[0]
        replies = ["\n\n".join(result.replies)] if result.replies else []
        calm = not any(map(gravity, result.alerts)) and not result.state.opted_out
        tell = bool(replies) and first.consent_at is None and calm  # no "write SAIR" to who just did
        if tell:
            replies[0] += f"\n\n{texts.PRIVACY}"
        settled = _settled(
            batch,
            result.state,
            replies,
            options=result.options,
            intent=result.intent.value,
            alert=gravest(result.alerts),
            consent=texts.PRIVACY_VERSION if tell else None,
            engine=engine,
        )
        if not await ConversationRepository(connection, tenant.id).settle(first, settled, now):
            raise ChangedMeanwhileError
        if settled.replies:
            await enqueue(connection, tenant.id, REPLY_QUEUE, str(first.contact_id))
        if settled.opted_out != first.opted_out:
            await enqueue(connection, tenant.id, PREFERENCE_QUEUE, str(first.contact_id))
        if settled.alert is not None and result.state.handed_off:
            await enqueue(connection, tenant.id, UNATTENDED_QUEUE, OLDEST)

        def count() -> None:
            MESSAGES.labels(result.intent.value).inc(len(batch))
            for alert in result.alerts:
                ALERTS.labels(alert.value).inc()
                log.info("person_called_for", conversation_id=str(first.conversation_id), reason=alert.value)
            HANDLING.observe(max(0.0, (now - batch[-1].received_at).total_seconds()))

        on_commit(connection, count)

    # ------------------------------------------------------------ answering
    async def pass_on(self, tenant: Tenant, key: str) -> datetime | None:
        """Give whatsapp the replies to one contact, in order (a worker's handler). Raises `ServiceError`."""
        contact = UUID(key)
        async with self._kit.database.transaction(tenant) as connection:
            waiting = await ReplyRepository(connection, tenant.id).queued(contact, _BATCH)
        for reply in waiting:
            outbound: UUID | None = None
            refused: ServiceError | None = None
            try:
                outbound = await self._hand_over(tenant, reply)
            except ServiceError as error:
                if error.temporary or error.status not in _REFUSED:
                    raise
                refused = error
                log.warning("reply_refused", reply_id=str(reply["id"]), status=error.status, problem=error.slug)
            async with self._kit.database.transaction(tenant) as connection:
                rows = ReplyRepository(connection, tenant.id)
                if refused is not None:
                    await rows.refused(reply["id"], refused.slug or str(refused.status), clock.now())
                    await enqueue(connection, tenant.id, UNATTENDED_QUEUE, OLDEST)
                elif outbound is not None:
                    await rows.passed_on(reply["id"], outbound, clock.now())
        return clock.now() if len(waiting) == _BATCH else None

    async def _hand_over(self, tenant: Tenant, reply: Mapping[str, Any]) -> UUID:
        """Give whatsapp a reply; the id of the message it becomes. Raises `ServiceError`.

        One of an older version may not know all that goes with options: then the text goes alone, which says enough.
        """
        plain = {"contact_id": str(reply["contact_id"]), "text": reply["text"], "purpose": reply["purpose"]}
        offered = reply["options"]
        body = {**plain, "kind": offered["kind"], "buttons": offered["choices"]} if offered else plain
        call, path = self._kit.services.call, "/internal/v1/outbound"
        try:
            taken = await call(tenant, "whatsapp", "POST", path, json=body, idempotency_key=reply["id"])
        except ServiceError as error:
            if error.status != _INVALID or not offered:
                raise
            log.warning("options_refused", reply_id=str(reply["id"]), problem=error.slug)
            taken = await call(tenant, "whatsapp", "POST", path, json=plain, idempotency_key=reply["id"])
        return UUID(str(taken["outbound_id"]))

    async def tell_preference(self, tenant: Tenant, key: str) -> datetime | None:
        """Tell whatsapp whether a contact wants reminders and offers (a worker's handler). Raises `ServiceError`."""
        contact = UUID(key)
        async with self._kit.database.transaction(tenant) as connection:
            opted_out = await ConversationRepository(connection, tenant.id).opted_out(contact)
        path = f"/internal/v1/contacts/{contact}/preferences"
        try:
            await self._kit.services.call(tenant, "whatsapp", "PUT", path, json={"opted_out": opted_out})
        except ServiceError as error:
            if error.temporary or error.status not in _REFUSED:
                raise
            log.warning("preference_refused", status=error.status, problem=error.slug)
        return None


def _settled(
    batch: Sequence[Unhandled],
    state: State,
    replies: Sequence[str],
    *,
    options: Options | None = None,
    intent: str,
    alert: str | None = None,
    consent: str | None = None,
    engine: str = "embedded",
) -> Settled:
    return Settled(
        handled=[m.id for m in batch],
        state=state.to_json(),
        status="handed_off" if state.handed_off else "open",
        outcome=state.outcome.value,
        opted_out=state.opted_out,
        intent=intent,
        alert=alert,
        replies=[
            Reply(
                uuid5(NAMESPACE_OID, f"{batch[0].id}:reply:{index}"),
                text,
                options if options is not None and options.go_with(text) else None,
            )
            for index, text in enumerate(replies)
        ],
        consent=consent,
        engine=engine,
        purpose="emergency" if gravity(alert) else "reply",
    )


def _wall(tenant: Tenant, moment: datetime) -> datetime:
    """A moment by the clinic's clock, to the minute, without a zone."""
    return moment.astimezone(tenant.config.tz).replace(tzinfo=None, second=0, microsecond=0)


def _state(message: Unhandled, tenant: Tenant, staff_wrote_at: datetime | None = None) -> State:
    """The conversation's state at this message, refreshed when it rested long enough.

    After so long without a word of either side the attendant answers again where a person had taken over.
    """
    state = State.from_json(dict(message.state))
    if message.previous_at is not None and message.received_at - message.previous_at > _REST:
        state = state.rested()
    if _lapsed(message, tenant, staff_wrote_at):
        state.handed_off, state.misses = False, 0
        if state.done in {Outcome.HANDED_OFF, Outcome.EMERGENCY}:
            state.done = None
    return state


def _lapsed(message: Unhandled, tenant: Tenant, staff_wrote_at: datetime | None = None) -> bool:
    """Whether a person had the conversation, and neither side wrote for as long as the clinic lets it rest."""
    if not message.state.get("handed_off") or message.handed_off_at is None:
        return False
    words = [at for at in (message.handed_off_at, message.previous_at, staff_wrote_at) if at is not None]
    return message.received_at - max(words) > tenant.config.settings.ai.handoff.silence


def _remind_within(tenant: Tenant) -> timedelta | None:
    """How long before an appointment its patient may be answering a reminder; None where none is sent."""
    offsets = tenant.config.settings.reminders.offsets
    return offsets[0] + _BESIDE_REMINDERS if offsets else None
