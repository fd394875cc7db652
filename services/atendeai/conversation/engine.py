"""The port of the engine that answers a turn, and what carries a turn's requests out.

Two implementations stand behind it: the embedded dialogue, which needs no network, and ``openai_engine``, which lets a
language model choose among the very same actions and falls back to the embedded one on any failure.
"""

from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID

from atendeai.conversation.http_port import changes_something, key_of
from atendeai.conversation.journal import Journal
from atendeai.domain.dialogue.clinic import Clinic
from atendeai.domain.dialogue.manager import turn
from atendeai.domain.dialogue.ports import Answer, Request
from atendeai.domain.dialogue.session import Message, Patient, Turn
from atendeai.domain.dialogue.state import State
from atendeai.domain.understanding.intent import Intent

Result = TypeVar("Result")
OURS = frozenset(
    [Intent.EMERGENCY, Intent.OPT_OUT, Intent.DATA_REQUEST, Intent.HUMAN, Intent.RESULTS, Intent.RUNNING_LATE]
)
"""Read by the embedded dialogue alone: what must never depend on a model, nor be told to one."""


class Port(Protocol):
    """What carries a single request out."""

    async def answer(self, request: Request, key: UUID) -> Answer:
        """The answer, under an idempotency key. Raises `ServiceError` when it may succeed later."""


class Line(NamedTuple):
    """What was said before. ``author``: "patient" or "attendant"; ``private``: it is never told to a model."""

    author: str
    text: str
    private: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """One turn to be answered. ``now``: the clinic's wall-clock time, without a zone."""

    state: State
    message: Message
    clinic: Clinic
    now: datetime
    patient: Patient
    history: tuple[Line, ...] = ()
    """Oldest first."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A turn's result, and who gave it."""

    turn: Turn
    engine: str


class Actions:
    """Carries requests out for one contact, each once however often the turn is run.

    ``key``: the message the idempotency keys are made of; ``save`` keeps the journal before anything is changed. What
    only asks is asked once, until something is changed: several parts of a turn want to know what is booked.
    """

    def __init__(self, port: Port, journal: Journal, key: UUID, save: Callable[[], Awaitable[None]]) -> None:
        self._port = port
        self.journal = journal
        self._key = key
        self._save = save
        self._step = 0
        self._heard: dict[Request, Answer] = {}

    async def carry_out(self, request: Request) -> Answer:
        """The answer to a request. Raises `ServiceError` when it may succeed later."""
        changing = changes_something(request)
        if changing:
            self._heard.clear()
        answer = self.journal.told(self._step, request)
        if answer is None:
            if changing and self.journal.unsaved:
                await self._save()
                self.journal.unsaved = False
            answer = self._heard.get(request)
            if answer is None:
                answer = await self._port.answer(request, key_of(self._key, self._step, request))
            self.journal.add(request, answer)
        if not changing:
            self._heard[request] = answer
        self._step += 1
        return answer

    async def drive(self, steps: Generator[Request, Answer, Result]) -> Result:
        """Run a generator of requests to its end."""
        try:
            request = next(steps)
            while True:
                request = steps.send(await self.carry_out(request))
        except StopIteration as stop:
            result: Result = stop.value
            return result


class Engine(Protocol):
    """Answers a turn. Raises `ServiceError` when another service cannot be reached: the turn is run again then."""

    async def answer(self, question: Question, actions: Actions) -> Answered:
        """The turn's result."""


class EmbeddedEngine:
    """The dialogue of ``domain``: deterministic, without a network."""

    async def answer(self, question: Question, actions: Actions) -> Answered:
        """The turn's result."""
        steps = turn(question.state, question.message, question.clinic, question.now, question.patient)
        return Answered(await actions.drive(steps), "embedded")
