"""One turn under way: what is known, what was said so far, and what the patient's message adds."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from atendeai.domain.dialogue.clinic import Clinic, Professional
from atendeai.domain.dialogue.ports import Slot
from atendeai.domain.dialogue.state import Asks, Outcome, State
from atendeai.domain.dialogue.texts import described
from atendeai.domain.understanding import entities
from atendeai.domain.understanding.intent import Intent
from atendeai.domain.understanding.normalise import fold
from atendeai.domain.understanding.understand import Understanding


class Alert(StrEnum):
    """Why a person of the clinic must look at the conversation."""

    EMERGENCY = "emergency"
    HUMAN = "human"
    TOPIC = "topic"
    RESULTS = "results_or_prescription"
    DATA_REQUEST = "data_request"
    LATE = "running_late"
    CALENDAR = "calendar_unavailable"
    TROUBLE = "trouble"
    NOT_UNDERSTOOD = "not_understood"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Message:
    """What a patient sent. ``reminded``: it answers a reminder of an appointment."""

    text: str
    kind: str = "text"
    reminded: bool = False
    about: str | None = None
    """The text of a campaign it answers."""


@dataclass(frozen=True, slots=True)
class Patient:
    """Who writes: the name they go by, and whether they have been here before (then no name is asked)."""

    name: str | None = None
    known: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """What one message led to."""

    state: State
    intent: Intent
    replies: tuple[str, ...]
    alerts: tuple[Alert, ...] = ()


_OTHER = re.compile(
    r"\b(?:para|pra|da|do|de|e|com) (?:o |a |os |as )?(?:meu|minha|meus|minhas|nosso|nossa) "
    r"(?:filh\w+|mae|pai|espos\w+|marido|mulher|avo|sobrinh\w+|net[oa]|irma\w*|namorad\w+|bebe|sogr[oa]|"
    r"ti[oa]|amig[oa]|prim[oa])\b"
)
_NAMED = re.compile(
    r"(?:\b[Ss]ou [ao] (?=[A-ZÀ-Ú][a-zà-ú])|"
    r"(?i:\b(?:meu nome (?:é|e|eh)|me chamo|(?:o )?nome (?:é|dele é|dela é|do paciente é|da paciente é|completo é|:)|"
    r"em nome d[eao]|aqui (?:é|quem fala é|fala) (?:o |a )?|quem fala é (?:o |a )?)))\s*"
    r"(?P<name>[^\W\d_]+(?:[ '][^\W\d_]+){0,5})"
)
_LEAD = re.compile(
    r"^\W*(?:(?i:sim|pode ser|pode|ok|claro|é|eh|o nome é|nome|sou|a|o|dele é|dela é|paciente)\b[\s,.:!-]*)+"
)
_NAME_END = re.compile(
    r"(?i)\b(?:e|quero|queria|gostaria|para|pra|por favor|obrigad[oa]|tenho|preciso|tudo bem|bom dia)\b.*$"
)
_TITLES = frozenset(["dr", "dra", "doutor", "doutora", "a", "o"])
_THEIRS = "dra?|doutora?|com|pel[ao]|d[ao]|a|o|prefiro|quero|ver|agenda"
_NAME_WORD = re.compile(r"^[^\W\d_]+(?:['-][^\W\d_]+)*$")
_LONGEST_NAME = 7
_SHORTEST_NAME = 3
_PARTICLES = frozenset(["de", "da", "do", "das", "dos", "e"])


def tidy_name(raw: str) -> str:
    """A name as it is written on a list: "maria da SILVA" becomes "Maria da Silva"; one well written stays."""
    words = raw.split()
    if raw != raw.lower() and raw != raw.upper():
        return " ".join(words)
    return " ".join(w.lower() if i and w.lower() in _PARTICLES else w.capitalize() for i, w in enumerate(words))


def _speaks_of(norm: str, who: Professional | None) -> bool:
    """Whether a professional's name stands there as theirs: "com a Ana", "dra. Ana", or nothing but the name."""
    if who is None:
        return False
    names = [w for w in re.findall(r"[a-z]+", fold(who.name)) if w not in _TITLES]
    words = [w for w in re.findall(r"[a-z]+", norm) if w not in _TITLES]
    spelled = "|".join(map(re.escape, names))
    return set(words) <= set(names) or bool(re.search(rf"\b(?:{_THEIRS})\.? (?:a |o )?(?:{spelled})\b", norm))


def profile_name(raw: str | None) -> str | None:
    """A name fit for the diary from what a WhatsApp profile shows; None when that is no name ("🌸", "~", "Eu")."""
    words = re.findall(r"[^\W\d_]+(?:['-][^\W\d_]+)*", raw or "")
    name = " ".join(words[:_LONGEST_NAME])
    return tidy_name(name) if len(name) >= _SHORTEST_NAME else None


def name_in(raw: str) -> str | None:
    """A name the message gives unasked ("meu nome é …", "em nome de …")."""
    found = _NAMED.search(raw)
    if found is None:
        return None
    name = _NAME_END.sub("", found["name"]).strip()
    return tidy_name(name) if name else None


def name_answer(raw: str) -> str | None:
    """The name in an answer to "what is your name?", or None when it is something else."""
    named = name_in(raw)
    if named:
        return named
    words = _LEAD.sub("", raw.strip()).strip(" .,!;:").split()
    if 1 <= len(words) <= _LONGEST_NAME and all(_NAME_WORD.match(w) for w in words):
        return tidy_name(" ".join(words))
    return None


@dataclass(slots=True)
class Session:
    """The turn under way. ``state`` is this turn's own copy and may be changed."""

    clinic: Clinic
    now: datetime
    state: State
    message: Message
    reading: Understanding
    patient: Patient
    replies: list[str] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    unknown_service: str | None = None
    invalid_time: bool = False
    lost: list[Slot] = field(default_factory=list)
    """Slots that turned out to be taken during this turn."""

    @property
    def today(self) -> date:
        """The clinic's date."""
        return self.now.date()

    @property
    def norm(self) -> str:
        """The message as rules look at it."""
        return self.reading.text.norm

    @property
    def name(self) -> str | None:
        """The name to book under, as far as it is known."""
        if self.state.name:
            return self.state.name
        return None if self.state.for_other else self.patient.name

    @property
    def name_missing(self) -> bool:
        """Whether the name must be asked before booking."""
        return self.name is None and (self.state.for_other or not self.patient.known)

    def say(self, text: str, asks: Asks | None = None) -> None:
        """Adds a reply; with ``asks`` it is the question the patient is to answer."""
        self.replies.append(text)
        if asks is not None:
            self.state.asks = asks
            self.state.question = text

    def hand_off(self, why: Alert, text: str) -> None:
        """Leaves the conversation to a person."""
        self.say(text)
        self.alerts.append(why)
        self.state.reset_flow()
        self.state.handed_off = True
        if self.state.last is None:  # what was achieved for an appointment stands
            self.state.done = Outcome.HANDED_OFF

    def describe(self, slot: Slot) -> str:
        """A slot in words."""
        return described(self.clinic, slot.service, slot.professional, slot.start, self.today)

    def absorb(self) -> None:
        """Takes over what the message says about service, professional, time and name."""
        state = self.state
        given = name_in(self.reading.text.raw)
        if given:
            state.name = given
        if _OTHER.search(self.norm) and not state.for_other:
            state.for_other = True
            state.name = given
        self._absorb_service()
        said = self._without(given)
        people = entities.match(said, {p.code: p.name for p in self.clinic.professionals}, exact=True)
        if len(people) == 1 and _speaks_of(said, self.clinic.professional(people[0])):
            state.professional = state.asked_for = people[0]
        when = self.reading.when
        self.invalid_time = when.invalid
        state.candidates = list(when.candidates)
        if not when.moment.empty:
            state.when = state.when.merged(when.moment)

    def _without(self, given: str | None) -> str:
        """The message without the patient's own name, which may be that of somebody who works here, too."""
        return self.norm.replace(fold(given), " ") if given else self.norm

    def _absorb_service(self) -> None:
        state = self.state
        codes = entities.match(self.norm, {s.code: s.name for s in self.clinic.services})
        said = self.reading.entities.service
        if len(codes) == 1 and (state.service is None or said is not None or len(self.norm.split()) <= _FEW_WORDS):
            state.service = codes[0]
        elif not codes and said is not None and state.target is None and said.lower() not in _NO_SERVICE:
            by_people = [p for p in self.clinic.professionals if said.lower() in p.name.lower()]
            if not by_people:
                self.unknown_service = said


_FEW_WORDS = 4
_NO_SERVICE = frozenset(["avaliação", "avaliacao", "retorno", "consulta"])
