"""What an appointment is to be for, and with whom: settled before slots are looked for."""

import re

from atendeai.domain.dialogue import pairs, texts
from atendeai.domain.dialogue.alert import Alert
from atendeai.domain.dialogue.clinic import Professional, Service
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Asks, Wish
from atendeai.domain.understanding.entities import match
from atendeai.domain.understanding.when import Moment

_TWO = 2
_A_VISIT = re.compile(
    r"\b(?:consult\w+|medic[oa]s?|doutora?|dra?|atend(?:imento|id[oa])|avaliacao|passar (?:com|em|n[ao]))\b"
)
"""Words for seeing somebody who examines, as against a treatment or an exam."""
_IN_A_SENTENCE = 3
"""More services than these are asked about in a list."""


def settled(session: Session) -> bool:
    """Whether service and professional are known and fit together; asks otherwise."""
    before = len(session.replies)
    done = _service_settled(session) and _professional_settled(session)
    if session.stranger is not None and not session.state.handed_off:
        session.replies.insert(before, not_here(session))
    return done


def not_here(session: Session, service: str | None = None) -> str:
    """Says that who was named does not work here, and who does, for the service as far as it is known."""
    clinic = session.clinic
    what = clinic.service(service or session.state.service)
    able = [p.name for p in clinic.professionals if what is None or what.code in p.services]
    return texts.not_here(session.stranger or "", able, what.name if what else None)


def _service_settled(session: Session) -> bool:
    """Whether the service is known, and whom is wished for does it; asks otherwise."""
    state, clinic = session.state, session.clinic
    if session.unknown_service and state.service is None:
        session.say(texts.no_such_service(session.unknown_service))
        session.say(texts.any_of_these(clinic.services), Asks.SERVICE)
        return False
    if state.service is None and state.between:
        _ask_service(session)
        return False
    who = clinic.professional(state.professional)
    state.service = state.service or _implied(session, who)
    if state.service is None:
        if clinic.services:
            _ask_service(session)
        else:
            session.hand_off(Alert.UNANSWERED, texts.HANDOFF)
        return False
    leave_others(session)
    if who is not None and state.service not in who.services:
        what = clinic.service(state.service)
        if what is not None and named_now(session, who.code):
            able = [p.name for p in clinic.professionals if what.code in p.services]
            session.say(texts.not_by(who.name, what.name, able))
        state.professional = state.asked_for = None
    return True


def leave_others(session: Session) -> None:
    """One of several services was settled on: the others come after it, or not at all where one was wished for."""
    state = session.state
    if not state.between:
        return
    others = [part for part in state.parts if part.service == state.service and part.further]
    for code in state.between:
        if code != state.service:
            others += [part for part in state.parts if part.service == code] or [Wish(code, Moment())]
    state.later = others if state.service in state.between and not state.either else []
    state.between, state.parts, state.either = [], [], False


def _implied(session: Session, who: Professional | None) -> str | None:
    """The code of the service that is meant though none was named: the one spoken of, ``who``'s only one, the usual."""
    clinic, topic = session.clinic, session.state.topic
    if topic is not None and clinic.service(topic) is not None and (who is None or topic in who.services):
        return topic
    if who is not None and len(who.services) == 1:
        return next(iter(who.services))
    alike = pairs.sharing(session.norm, offered(session))
    if len(alike) == 1:
        return alike[0].code  # "um exame", where there is one
    usual = clinic.usual_visit() if _A_VISIT.search(session.norm) else clinic.default_service()
    if alike and usual not in alike:
        return None  # an exam is no consultation
    return usual.code if usual is not None and (who is None or usual.code in who.services) else None


def _ask_service(session: Session) -> None:
    """Asks for what the appointment is to be; of several named in one wish, which comes first."""
    state = session.state
    if not state.between:
        _gather(session)
    services = offered(session)
    names = [s.name for s in services]
    if state.between and not state.either:
        session.say(texts.one_at_a_time(names), Asks.SERVICE, again=texts.which_first(names))
    elif state.between and len(names) <= _IN_A_SENTENCE:
        session.say(texts.which_of_services(names), Asks.SERVICE)
    else:
        session.say(texts.ask_service(services), Asks.SERVICE)


def _gather(session: Session) -> None:
    """Of which services one is meant: two that were named, or those that share the word that was said ("um exame")."""
    state, clinic = session.state, session.clinic
    codes = match(session.norm, clinic.told_apart)
    if len(codes) == _TWO:
        state.between, state.either = codes, "ou" in session.norm.split()
        return
    alike = [] if codes else pairs.sharing(session.norm, offered(session))
    if len(alike) > 1:
        state.between, state.either = [s.code for s in alike], True


def _professional_settled(session: Session) -> bool:
    """Whether it is clear who is wished for; asks once where the name that was said fits several."""
    state, clinic = session.state, session.clinic
    able = [p for code in state.people if (p := clinic.professional(code)) and state.service in p.services]
    state.people = []
    if state.professional is not None or not able or state.people_asked:
        return True
    if len(able) == 1:
        state.professional = state.asked_for = able[0].code
        return True
    state.people, state.people_asked = [p.code for p in able], True
    session.say(texts.which_professional([p.name for p in able]), Asks.PROFESSIONAL)
    return False


def offered(session: Session) -> list[Service]:
    """The services to choose from: those named in one wish, those of the professional who was named, or all."""
    who, between = session.clinic.professional(session.state.professional), session.state.between
    able = [s for s in session.clinic.services if who is None or s.code in who.services]
    return [s for code in between if (s := session.clinic.service(code)) is not None] or able


def named_now(session: Session, code: str) -> bool:
    """Whether this very message names that professional."""
    who = session.clinic.professional(code)
    return who is not None and bool(match(session.norm, {code: who.name}, exact=True))
