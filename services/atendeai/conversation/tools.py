"""What a language model may do: the very actions of the embedded dialogue, bound to one contact of one clinic.

Every argument is checked against the clinic's own data and this patient's own appointments; the model names an
appointment only by a label it was given. Nothing is booked, moved or cancelled here: a tool that would change something
puts the same question as the embedded dialogue, and only the patient's own yes to it, read by that dialogue, does it.
"""

from collections.abc import Callable, Generator
from datetime import date, datetime, time, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from atendeai.conversation.masking import Mask
from atendeai.domain.dialogue import changes, diary, kin, searching, subject, texts, waiting, wording
from atendeai.domain.dialogue.alert import Alert
from atendeai.domain.dialogue.naming import name_answer
from atendeai.domain.dialogue.ports import Answer, Appointment, Found, Request, Search, Slot
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Purpose, Wish
from atendeai.domain.understanding.when import Moment

_FURTHEST = timedelta(days=120)
_LONGEST = timedelta(days=31)
_SHOWN = 12
_TOLD_AHEAD = timedelta(days=60)
"""How far ahead days with hours of their own are told of."""

Told = dict[str, Any]
Step = Generator[Request, Answer, Told | None]
"""A tool at work: what the model is told, or None when the patient was answered and the turn is over."""


class BadArgumentsError(ValueError):
    """The model's arguments are not what the clinic has; the message says so to the model."""


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SearchSlots(_Arguments):
    """Horários livres de um atendimento, entre duas datas."""

    service: str = Field(description="código do atendimento")
    date_from: date
    date_to: date
    time_from: time | None = None
    time_to: time | None = None
    professional: str | None = Field(default=None, description="código do profissional, se o paciente pediu um")


class OfferSlot(_Arguments):
    """Propõe um horário livre para uma consulta nova; o sistema pergunta ao paciente e só marca com o sim dele."""

    service: str
    professional: str
    start: datetime = Field(description="início, como veio de search_slots")
    patient_name: str | None = Field(default=None, description="nome do paciente, se ele disse")


class AlsoWanted(_Arguments):
    """Anota outro atendimento que o paciente também quer; o sistema o oferece quando o primeiro estiver marcado."""

    service: str = Field(description="código do atendimento")
    day: date | None = None
    at: time | None = None
    for_whom: str | None = Field(default=None, description="só se for para outra pessoa: sua mãe, seu filho, um nome")


class OfferMove(_Arguments):
    """Propõe remarcar uma consulta do paciente; o sistema pergunta e só muda com o sim dele."""

    appointment: str = Field(description="rótulo dado por list_appointments")
    start: datetime
    professional: str


class OfAppointment(_Arguments):
    """Uma consulta do paciente."""

    appointment: str = Field(description="rótulo dado por list_appointments")


class JoinWaitingList(_Arguments):
    """Coloca o paciente na lista de espera de um atendimento."""

    service: str
    date_from: date
    date_to: date
    professional: str | None = None


class Nothing(_Arguments):
    """Sem argumentos."""


class HandOff(_Arguments):
    """Chama uma pessoa da equipe."""

    reason: str = Field(default="", max_length=200)


class Tools:
    """The tools of one turn."""

    def __init__(self, session: Session, mask: Mask) -> None:
        self._session = session
        self._mask = mask
        self._labels: dict[str, Appointment] = {}
        self.listed: set[datetime] = set()
        """Starts of the patient's appointments that the model was told of."""
        self.found: set[datetime] = set()
        """Free times that the model was told of."""
        self._known: dict[str, tuple[type[_Arguments], str, Callable[[Any], Step]]] = {
            "search_slots": (SearchSlots, "Procura horários livres.", self._search),
            "list_appointments": (Nothing, "Lista as consultas marcadas deste paciente.", self._list),
            "clinic_info": (Nothing, "Horários, endereço, valores, convênios, atendimentos da clínica.", self._info),
            "offer_slot": (OfferSlot, OfferSlot.__doc__ or "", self._offer),
            "also_wanted": (AlsoWanted, AlsoWanted.__doc__ or "", self._later),
            "offer_move": (OfferMove, OfferMove.__doc__ or "", self._move),
            "ask_cancel": (OfAppointment, "Pergunta ao paciente se cancela a consulta.", self._cancel),
            "confirm_presence": (OfAppointment, "Registra que o paciente vai comparecer.", self._confirm),
            "join_waiting_list": (JoinWaitingList, JoinWaitingList.__doc__ or "", self._wait),
            "hand_off": (HandOff, HandOff.__doc__ or "", self._hand_off),
        }

    def described(self) -> list[dict[str, Any]]:
        """The tools as the model is told of them."""
        return [
            {
                "type": "function",
                "function": {"name": name, "description": what, "parameters": model.model_json_schema()},
            }
            for name, (model, what, _) in self._known.items()
        ]

    def use(self, name: str, arguments: str) -> Step:
        """Uses a tool. Raises BadArgumentsError for a tool or arguments that are not there."""
        if name not in self._known:
            raise BadArgumentsError(f"no such tool: use one of {', '.join(self._known)}")
        model, _, run = self._known[name]
        try:
            checked = model.model_validate_json(arguments or "{}")
        except ValidationError as error:
            fields = sorted({".".join(str(part) for part in one["loc"]) or "arguments" for one in error.errors()})
            raise BadArgumentsError(f"not valid: {', '.join(fields)}") from None
        return run(checked)

    # ------------------------------------------------------------ reading
    def _search(self, wanted: SearchSlots) -> Step:
        service = self._service(wanted.service)
        first, last = self._days(wanted.date_from, wanted.date_to)
        found = yield Search(
            service=service,
            date_from=first,
            date_to=last,
            time_from=_plain(wanted.time_from),
            time_to=_plain(wanted.time_to),
            professional=self._professional(wanted.professional, service) if wanted.professional else None,
        )
        slots = found.slots if isinstance(found, Found) else ()
        ahead = [s for s in slots if s.start > self._session.now][:_SHOWN]
        self.found.update(s.start for s in ahead)
        if not ahead:
            reason = found.reason if isinstance(found, Found) and found.reason else "full"
            return {"slots": [], "reason": str(reason)}
        return {"slots": [{"start": s.start.isoformat(), "professional": s.professional} for s in ahead]}

    def _list(self, _: Nothing) -> Step:
        yield from self._label()
        self.listed.update(a.start for a in self._labels.values())
        return {
            "appointments": [
                {"label": label, "what": diary.describe(self._session, a), "start": a.start.isoformat()}
                for label, a in self._labels.items()
            ]
        }

    def _info(self, _: Nothing) -> Step:
        yield from ()
        return clinic_info(self._session)

    # ------------------------------------------------------------ asking the patient
    def _offer(self, wanted: OfferSlot) -> Step:
        session, state = self._session, self._session.state
        slot = yield from self._free(wanted.service, wanted.professional, wanted.start, None)
        name = name_answer(self._shown(wanted.patient_name)) if wanted.patient_name else None
        if wanted.patient_name and name is None:
            raise BadArgumentsError("patient_name is no name")
        yield from searching.release(session)
        state.reset_flow()
        session.absorb()  # whether it is for somebody else, and the name the patient gave
        state.candidates = []
        state.purpose, state.service = Purpose.BOOK, slot.service
        noted = state.later
        state.take_part()
        subject.leave_others(session)  # of several services in the message the others come after it
        read = {wish.service for wish in state.later}
        state.later = [*state.later, *(wish for wish in noted if wish.service not in read)]
        state.when = Moment(date=slot.start.date())
        state.name = name or state.name
        yield from searching.offer(session, slot)
        return None

    def _later(self, wanted: AlsoWanted) -> Step:
        yield from ()
        state, service = self._session.state, self._service(wanted.service)
        when = Moment(date=self._days(wanted.day, wanted.day)[0] if wanted.day else None, time=_plain(wanted.at))
        whom = self._whom(wanted.for_whom) if wanted.for_whom else None
        if all((wish.service, wish.whom) != (service, whom) for wish in state.later):
            state.later.append(Wish(service, when, None, whom, further=whom is not None))
        return {"noted": True}

    def _move(self, wanted: OfferMove) -> Step:
        session, state = self._session, self._session.state
        target = yield from self._appointment(wanted.appointment)
        slot = yield from self._free(target.service, wanted.professional, wanted.start, target.id)
        yield from searching.release(session)
        state.reset_flow()
        state.purpose, state.target, state.service = Purpose.RESCHEDULE, target, target.service
        yield from searching.offer(session, slot)
        return None

    def _cancel(self, wanted: OfAppointment) -> Step:
        yield from self._with(wanted.appointment, Purpose.CANCEL)
        return None

    def _confirm(self, wanted: OfAppointment) -> Step:
        yield from self._with(wanted.appointment, Purpose.CONFIRM)
        return None

    def _with(self, label: str, purpose: Purpose) -> Generator[Request, Answer, None]:
        target = yield from self._appointment(label)
        yield from searching.release(self._session)
        self._session.state.reset_flow()
        self._session.state.purpose = purpose
        yield from changes.with_target(self._session, target, picked=True)

    def _wait(self, wanted: JoinWaitingList) -> Step:
        session = self._session
        if not session.clinic.waiting_list:
            raise BadArgumentsError("the clinic keeps no waiting list")
        service = self._service(wanted.service)
        first, last = self._days(wanted.date_from, wanted.date_to)
        who = self._professional(wanted.professional, service) if wanted.professional else None
        session.state.full = Wish(service, Moment(date_from=first, date_to=last), who)
        yield from waiting.ask_or_join(session)
        return None

    def _hand_off(self, _: HandOff) -> Step:
        yield from searching.release(self._session)
        self._session.hand_off(Alert.HUMAN, texts.HANDOFF)
        return None

    # ------------------------------------------------------------ checking
    def _service(self, code: str) -> str:
        if self._session.clinic.service(code) is None:
            codes = ", ".join(s.code for s in self._session.clinic.services)
            raise BadArgumentsError(f"no such service: use one of {codes}")
        return code

    def _professional(self, code: str, service: str) -> str:
        who = self._session.clinic.professional(code)
        if who is None or service not in who.services:
            codes = ", ".join(p.code for p in self._session.clinic.professionals if service in p.services)
            raise BadArgumentsError(f"no such professional for this service: use one of {codes}")
        return code

    def _whom(self, said: str) -> str:
        shown = self._shown(said)
        name = shown if kin.is_relation(shown) and kin.is_kin(shown.split()[-1]) else name_answer(shown)
        if name is None:
            raise BadArgumentsError("for_whom is nobody: use a relative (sua mãe, seu filho) or a name")
        return name

    def _days(self, first: date, last: date) -> tuple[date, date]:
        today = self._session.today
        if last < first or last < today or first > today + _FURTHEST or last - max(first, today) > _LONGEST:
            raise BadArgumentsError(f"the days must lie ahead of {today}, in order, at most {_LONGEST.days} of them")
        return max(first, today), last

    def _free(self, service: str, professional: str, start: datetime, moving: str | None) -> Generator[Any, Any, Slot]:
        code = self._professional(professional, self._service(service))
        wall = start.replace(tzinfo=None, second=0, microsecond=0)
        self._days(wall.date(), wall.date())
        found = yield Search(service, wall.date(), wall.date(), wall.time(), wall.time(), code, moving=moving)
        free = [s for s in found.slots if s.start == wall] if isinstance(found, Found) else []
        if not free or wall <= self._session.now:
            raise BadArgumentsError("this time is not free: use search_slots")
        slot: Slot = free[0]
        return slot

    def _label(self) -> Generator[Request, Answer, None]:
        if not self._labels:
            items = yield from diary.upcoming(self._session)
            self._labels = {f"A{number}": a for number, a in enumerate(items, start=1)}

    def _appointment(self, label: str) -> Generator[Request, Answer, Appointment]:
        yield from self._label()
        if label not in self._labels:
            raise BadArgumentsError("no such appointment of this patient: use list_appointments")
        return self._labels[label]

    def _shown(self, text: str) -> str:
        try:
            return self._mask.show(text)
        except ValueError as error:
            raise BadArgumentsError(str(error)) from None


def _plain(value: time | None) -> time | None:
    return value.replace(tzinfo=None) if value else None


def clinic_info(session: Session) -> Told:
    """What the clinic publishes of itself."""
    clinic = session.clinic
    return {
        "name": clinic.name,
        "services": [
            {
                "code": s.code,
                "name": s.name,
                "minutes": int(s.duration.total_seconds() // 60),
                "price": wording.price(str(s.price)) if s.price else None,
                "preparation": s.preparation,
            }
            for s in clinic.services
        ],
        "professionals": [
            {
                "code": p.code,
                "name": p.name,
                "services": sorted(p.services),
                "hours": wording.week(clinic.hours if p.hours is None else p.hours),
            }
            for p in clinic.professionals
        ],
        "hours": wording.week(clinic.hours),
        "holidays": sorted(d.isoformat() for d in clinic.holidays if d >= session.today),
        "special_days": {
            d.isoformat(): wording.stretches(hours) if hours else "fechado"
            for d, hours in sorted(clinic.special.items())
            if session.today <= d <= session.today + _TOLD_AHEAD
        },
        "insurance": list(clinic.insurance),
        "address": clinic.address,
        "waiting_list": clinic.waiting_list,
    }
