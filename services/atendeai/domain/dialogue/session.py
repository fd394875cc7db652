"""One turn under way: what is known, what was said so far, and what the patient's message adds."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from atendeai.domain.dialogue import beside, called, each, kin, pairs, people, things
from atendeai.domain.dialogue.alert import Alert
from atendeai.domain.dialogue.clinic import Clinic
from atendeai.domain.dialogue.naming import name_in, names_apart
from atendeai.domain.dialogue.nearest import days_ruled_out
from atendeai.domain.dialogue.ports import Appointment, Slot
from atendeai.domain.dialogue.state import Asks, Outcome, State
from atendeai.domain.dialogue.texts import WANTS_TO_BOOK, closed_now, described, preparation
from atendeai.domain.dialogue.wording import opens_again
from atendeai.domain.interactive import Options
from atendeai.domain.understanding import entities
from atendeai.domain.understanding.intent import Intent
from atendeai.domain.understanding.normalise import fold
from atendeai.domain.understanding.understand import Understanding
from atendeai.domain.understanding.when import Moment, When


@dataclass(frozen=True, slots=True)
class Message:
    """What a patient sent. ``reminded``: it answers a reminder of an appointment."""

    text: str
    kind: str = "text"
    reminded: bool = False
    reminder: str | None = None
    """The text of the reminder it answers, where it is known."""
    about: str | None = None
    """The text of a campaign it answers."""
    pressed: str | None = None
    """The button that was pressed: an act and the id of an appointment ("confirm:…", "cancel:…", "accept:…",
    "decline:…"), or an option of a question ("pick:…")."""
    files: tuple[str, ...] = ()
    """Kinds of what came along and cannot be read ("image", "document")."""
    lost: int = 0
    """How many of them the clinic has not got: too large, of a type that is not taken, not to be fetched."""
    remind_within: timedelta | None = None
    """How long before an appointment patients are reminded: a bare yes or no within it answers the reminder."""


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
    options: Options | None = None
    """The answers to the question in the replies, where it has a few; these say all of it without them."""


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
    stranger: str | None = None
    """Somebody who was wished for and does not work here."""
    invalid_time: bool = False
    asking: bool = False
    """Whether a question was put in this turn."""
    missed: bool = False
    """Whether the message was not understood."""
    lost: list[Slot] = field(default_factory=list)
    """Slots that turned out to be taken during this turn."""
    reminded_of: str | None = None
    """The id of the appointment whose reminder the message answers, where it is known."""
    before: tuple[Outcome | None, Appointment | None] = (None, None)
    """What had been achieved when the turn began, and for which appointment."""
    resting: bool = False
    """Whether the patient wanted a moment before this message: the question rests until they come back to it."""
    changing: bool = False
    """Whether an appointment is about to be changed, or was when the turn began."""

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

    @property
    def days_out(self) -> set[int]:
        """The weekdays (Monday is 0) on which nothing is offered: the patient rules them out, now or before."""
        return days_ruled_out(self.norm) | set(self.state.ruled_out)

    def say(self, text: str, asks: Asks | None = None, *, again: str | None = None) -> None:
        """Adds a reply; with ``asks`` it is the question the patient is to answer.

        ``again``: how it is put once more after something else was answered; as it stands where there is none.
        """
        self.replies.append(text)
        if asks is not None:
            self.asking = True
            self.state.asks = asks
            self.state.question = again or text

    @property
    def may_ask(self) -> bool:
        """Whether a question of our own may follow: none is open, and none was put in this reply."""
        return not self.state.busy and not any("?" in reply for reply in self.replies)

    def invite(self, text: str, question: str = WANTS_TO_BOOK) -> None:
        """Says something and asks whether to book, unless another question is open: one at a time."""
        asks = self.may_ask
        self.say(f"{text} {question}" if asks else text)
        self.state.invited = self.state.invited or asks
        self.asking = self.asking or asks

    def pass_on(self, text: str, why: Alert = Alert.UNANSWERED) -> None:
        """Leaves one question to a person while the conversation goes on."""
        self.say(text)
        self.alerts.append(why)

    def hand_off(self, why: Alert, text: str) -> None:
        """Leaves the conversation to a person, and says when the clinic opens while it is closed."""
        opens = opens_again(self.clinic, self.now)
        self.say(f"{text} {closed_now(opens)}" if opens else text)
        self.alerts.append(why)
        self.state.reset_flow()
        self.state.forget_later()
        self.state.handed_off = True
        if self.state.last is None and self.state.done is not Outcome.EMERGENCY:
            self.state.done = Outcome.HANDED_OFF  # an emergency, and what was achieved for an appointment, stands

    def prepare(self, service: str) -> None:
        """Tells what the clinic wants a patient to know before they come, if anything."""
        offered = self.clinic.service(service)
        if offered is not None and offered.preparation:
            self.say(preparation(offered))

    def describe(self, slot: Slot, patient: str | None = None) -> str:
        """A slot in words. ``patient``: whom it is for, where that is said."""
        return described(self.clinic, slot.service, slot.professional, slot.start, self.today, patient)

    def patient_of(self, appointment: Appointment) -> str | None:
        """Whom an appointment is for, where that must be said."""
        return appointment.patient_name if self.state.of_several else None

    def note_relative(self) -> None:
        """Remembers of a question that it was asked for somebody of the family: what is then booked is for them."""
        if kin.asks_for_another(self.norm):
            self.state.relative, self.state.kin = True, kin.relation(self.norm) or self.state.kin

    def reread(self, when: When) -> None:
        """Takes another time to be what the message says; what would do instead still would."""
        said = self.reading.when
        self.reading = replace(self.reading, when=replace(when, otherwise=when.otherwise or said.otherwise))

    def absorb(self) -> None:
        """Takes over what the message says about service, professional, time and name."""
        state = self.state
        people = self._wished_for()
        theirs = called.names(self.reading.text.raw) if len(people) > 1 else {}
        for whom, name in theirs.items():
            if not state.family.get(kin.key(whom)):
                state.family[kin.key(whom)] = [name]
        apart = self._said_apart([one for one in people if one is not None])
        first, *others = people or list(apart) or [None]
        if others:
            state.others = [None if one == first else one for one in others]
            state.each = {one: Moment() for one in (first, *others) if one is not None}
        if first is not None:
            state.book_for(first)
        elif kin.speaks_for_oneself(self.norm):
            state.for_other = state.relative = False
            state.kin, state.others, state.each = None, [], {}
        elif not state.for_other and (state.relative or kin.speaks_for_another(self.norm)):
            state.for_other = True
            state.name = None
            state.kin = kin.relation(self.norm) or state.kin
        given = self.given_name
        if given:
            state.name = given
        self._absorb_service()
        said = self._without(given, *theirs.values(), *(one for one in people if one and not kin.is_relation(one)))
        self._absorb_person(said, given)
        when = self._first_of(apart) if apart else self.reading.when
        self.invalid_time = when.invalid
        state.candidates = list(when.candidates)
        alternatives = state.any_of_them or _ALTERNATIVES.search(self.norm) is not None
        state.any_of_them = bool(when.candidates) and alternatives
        if not when.empty:
            state.otherwise = list(when.otherwise)
        if not when.moment.empty:
            state.when = state.when.merged(when.moment)
        named = {m.date.weekday() for m in (when.moment, *when.candidates) if m.date is not None}
        out = days_ruled_out(self.norm)
        state.ruled_out = sorted(out or set(state.ruled_out) - named)
        self._absorb_pair()

    def _wished_for(self) -> list[str | None]:
        """For whom one thing is wished for more than once, in order; none where it is wished for once."""
        if self.state.target is not None or pairs.named(self.clinic, self.norm, self.now) is not None:
            return []
        times = pairs.times(self.clinic, self.norm) if self.reading.intent in _WISHES else 1
        together: list[str | None] = [*(self._patients(called.together) or kin.together(self.norm))]
        return together or [kin.whom(self.norm)] * (times if times > 1 else 0)

    def _patients(self, read: Callable[[str], list[str]]) -> list[str]:
        """The people whom the message calls by their names, read so; nobody who works here."""
        said = read(self.reading.text.raw)
        words = self.clinic.names.vocabulary()
        return [] if any(words.issuperset(fold(name).split()) for name in said) else said

    def _said_apart(self, people: Sequence[str]) -> dict[str, When]:
        """The time that the message says of each of several people; empty where they share it.

        ``people``: those whom the message itself wishes something for.
        """
        if self.state.target is not None or pairs.named(self.clinic, self.norm, self.now) is not None:
            return {}
        known = people or self._patients(called.apart) or list(self.state.each)
        return each.times(self.norm, known, self.now, self.clinic.hours or None)

    def _first_of(self, apart: Mapping[str, When]) -> When:
        """Keeps what was said of each, and takes that of the first for what the message says."""
        known = self.state.each
        self.state.each = {whom: apart[whom].moment if whom in apart else when for whom, when in known.items()}
        return apart.get(next(iter(known), ""), When())

    def _absorb_pair(self) -> None:
        """Takes over a wish for several services: none is settled until the patient says which, or which first."""
        state = self.state
        wishes = self.reading.intent in _WISHES or pairs.wavers(self.norm)
        if state.between or state.target is not None or not wishes:
            return
        norm = beside.without_prices(self.clinic, self.norm)
        patients = self._patients(called.together) or self._patients(called.apart)
        several = pairs.named(self.clinic, norm, self.now, patients)
        if several is not None:
            state.parts, state.either = several.wishes, several.either
            state.between = [wish.service for wish in state.parts if not wish.further]
            state.service = state.professional = state.asked_for = self.unknown_service = None
            state.people = []
            state.later_asks = kin.speaks_for_several(self.norm)
            if any(not wish.when.empty for wish in state.parts):
                state.candidates, state.any_of_them = [], False  # what was said of each counts
            if any(wish.when != state.parts[0].when for wish in state.parts):
                state.when = Moment()
            if several.ordered:
                state.service = state.between[0]
                state.take_part()

    @property
    def given_name(self) -> str | None:
        """The patient's name, where the message gives it unasked, whatever else it says."""
        raw = self.reading.text.raw
        if given := name_in(raw, for_other=self.state.for_other):
            return given
        return next((name for name in names_apart(raw) if not people.is_nobodys(self.clinic, name)), None)

    @property
    def names_professional(self) -> bool:
        """Whether the message names one of the clinic's professionals."""
        return self.reading.entities.professional is not None or people.meant(self.clinic, self.norm) is not None

    @property
    def says_nothing(self) -> bool:
        """Whether the message names neither a time nor a service nor a person."""
        return self.reading.when.empty and not self.reading.entities.to_json()

    @property
    def names_another_kind(self) -> bool:
        """Whether an answer corrects the kind of visit that is at hand ("não, consulta", for an exam)."""
        state, services = self.state, list(self.clinic.services)
        alike = {s.code for s in pairs.sharing(self.norm, services)}
        corrects = len(self.norm.split()) <= _FEW_WORDS and state.target is None and _CORRECTS.search(self.norm)
        return bool(alike and corrects) and state.service is not None and state.service not in alike

    def _absorb_person(self, said: str, patient: str | None) -> None:
        state, clinic = self.state, self.clinic
        said = people.without_habits(clinic, said)
        one = people.meant(clinic, said) or people.misspelt(clinic, self.reading.text)
        several = people.bearers(clinic, said) if one is None else []
        if one is not None or len(several) == 1:
            state.professional = state.asked_for = one or several[0]
        elif several and not state.people_asked:
            state.people = several
        self.stranger = people.stranger(clinic, self.reading.text, patient)

    def _without(self, *names: str | None) -> str:
        """The message without the patients' own names, which may be those of somebody who works here, too."""
        norm = self.norm
        for name in names:
            norm = norm.replace(fold(name), " ") if name else norm
        return norm

    def _absorb_service(self) -> None:
        state = self.state
        if state.between and state.service is not None:
            return  # which of the two comes first was just said
        offered = {s.code: s.name for s in self.clinic.services}
        norm = beside.without_prices(self.clinic, self.norm)
        codes = entities.match(pairs.put_right(norm), offered) or entities.match(norm, offered)
        said = self.reading.entities.service or (None if codes else things.wished_for(self.reading.text))
        if norm != self.norm and said is not None and fold(said) not in norm:
            said = None  # of another one only the price was asked
        if not codes and self.names_another_kind:
            state.service = state.professional = state.asked_for = None
            return
        if len(codes) == 1 and (state.service is None or said is not None or len(self.norm.split()) <= _FEW_WORDS):
            state.service = codes[0]
        elif not codes and said is not None and state.target is None and said.lower() not in _NO_SERVICE:
            by_people = [p for p in self.clinic.professionals if said.lower() in p.name.lower()]
            if not by_people:
                self.unknown_service = said


_ALTERNATIVES = re.compile(r"\b(?:ou|tanto .* quanto)\b")
_CORRECTS = re.compile(r"^\W*(?:nao|na verdade|alias|ops|opa|digo|quer dizer|melhor|prefiro|desculp\w+|errei|mudei)\b")
_FEW_WORDS = 4
_WISHES = frozenset([Intent.BOOK, Intent.ASK_AVAILABILITY])
_NO_SERVICE = frozenset(["avaliação", "avaliacao", "retorno", "consulta"])
