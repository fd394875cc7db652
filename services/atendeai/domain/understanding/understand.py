"""The whole reading of one message."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from atendeai.domain.understanding import dates, entities
from atendeai.domain.understanding.dates import Role
from atendeai.domain.understanding.entities import Entities
from atendeai.domain.understanding.intent import Intent
from atendeai.domain.understanding.intents import Classifier
from atendeai.domain.understanding.judge import decide
from atendeai.domain.understanding.normalise import Text, fold, normalise
from atendeai.domain.understanding.resolve import Hours
from atendeai.domain.understanding.when import When

_ROLES = {Intent.RESCHEDULE: Role.NEW, Intent.CANCEL: Role.EXISTING, Intent.LIST_APPOINTMENTS: Role.EXISTING}


@dataclass(frozen=True, slots=True)
class Names:
    """The names a clinic goes by: its services, professionals and accepted plans."""

    services: tuple[str, ...] = ()
    professionals: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()

    def vocabulary(self) -> frozenset[str]:
        """Their words, which no spelling correction may touch."""
        names: Iterable[str] = (*self.services, *self.professionals, *self.plans)
        return frozenset(word for name in names for word in fold(name).split())


@dataclass(frozen=True, slots=True)
class Understanding:
    """What one message says: intent, names, and time.

    ``when`` is the time asked for (of a change: the new one; of a cancellation: the appointment meant); ``existing``
    is that of the appointment a change is about. ``doubtful``: there is a sign of an emergency
    that may well be none.
    """

    text: Text
    intent: Intent
    confidence: float
    shown: frozenset[Intent]
    entities: Entities
    when: When
    existing: When = field(default_factory=When)
    doubtful: bool = False

    def to_json(self) -> dict[str, Any]:
        """One line of ``understand``'s output."""
        return {
            "intent": str(self.intent),
            "confidence": round(self.confidence, 2),
            "entities": self.entities.to_json(),
            **self.when.to_json(),
        }


def understand(
    raw: str,
    now: datetime,
    *,
    hours: Hours | None = None,
    names: Names | None = None,
    classifier: Classifier | None = None,
) -> Understanding:
    """Reads one message.

    ``now``: the clinic's wall-clock time without a zone. ``hours`` and ``names``: the clinic's own, where known.
    """
    known = names or Names()
    text = normalise(raw, vocabulary=known.vocabulary())
    found = entities.find(text, services=known.services, professionals=known.professionals, plans=known.plans)
    wanted = dates.parse(text.norm, now, hours=hours)
    judged = decide(
        text.norm,
        says_time=not wanted.empty,
        names_something=bool(found.service or found.professional),
        classifier=classifier,
    )
    role = _ROLES.get(judged.intent, Role.WANTED)
    when = wanted if role is Role.WANTED else dates.parse(text.norm, now, hours=hours, role=role)
    existing = dates.parse(text.norm, now, hours=hours, role=Role.EXISTING)
    return Understanding(
        text, judged.intent, judged.confidence, judged.shown, found, when, existing, doubtful=judged.doubtful
    )
