"""Questions with several answers ("hoje ou dia 02/12?"): which of them an answer picks, and what a bare yes leads to.

A yes to such a question picks none of them. It is asked once more in other words; taking the first for the patient
would book a day that they never chose.
"""

import re
from collections.abc import Sequence

from atendeai.domain.dialogue import texts, wording
from atendeai.domain.dialogue.choice import chosen_index
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Asks
from atendeai.domain.understanding.intent import Intent
from atendeai.domain.understanding.when import Moment, When

_TWO = 2
_FEW_WORDS = 3
_LEAD = r"^\W*(?:(?:ah|e|eh|entao|sim|nao|pode ser|quero|prefiro|seria|melhor|so|para|n?[ao])\W+)*"
_NEARER = re.compile(rf"{_LEAD}(?:n?(?:ess[ea]|est[ea])\b(?! outr)|mais (?:proxim[oa]|pert[oa])\b|agora\b)")
_FARTHER = re.compile(rf"{_LEAD}(?:outr[oa]\b(?! (?:dia|hora|horario|data))|seguinte\b|de depois\b)")
_NEXT = re.compile(rf"{_LEAD}(?:proxim[oa]|que vem)\b")
"""Of today and this day next week it is the second; of two days ahead it may be either."""


def settle(session: Session, asked: Asks | None) -> None:
    """Reads the answer to "do you mean this or that?": what it picks becomes the time the message says.

    Where something else is ``asked`` ("which of these services?"), "a segunda" picks no day.
    """
    options = session.state.candidates
    said = session.reading.when
    elsewhere = asked in {Asks.SERVICE, Asks.PROFESSIONAL}
    index = None if elsewhere else chosen_index(session.norm, len(options))
    if said.empty and elsewhere:
        return
    if said.empty:
        index = _nearer_or_farther(session, options) if index is None else index
        if index is not None:
            session.reread(When(moment=options[index]))
        return
    if said.moment.has_time and not said.moment.has_day and all(o.has_day and not o.has_time for o in options):
        session.reread(When(candidates=tuple(o.merged(said.moment) for o in options)))  # the day is open still
        return
    moments = list(said.candidates) or [said.moment]
    fitting = [c for c in options if any(m.date is not None and m.date == c.date for m in moments)]
    narrowed = fitting or [c for c in options if any(_inside(c, m) for m in moments)]
    if index is not None and not narrowed and len(session.norm.split()) <= _FEW_WORDS:
        session.reread(When(moment=options[index]))  # "a segunda", where no Monday is among them
    elif len(narrowed) == 1:
        hour = Moment(time=moments[0].time, time_from=moments[0].time_from, time_to=moments[0].time_to)
        session.reread(When(moment=narrowed[0].merged(hour)))


def only_agreed(session: Session) -> bool:
    """Whether the message is a yes and says nothing else."""
    reading = session.reading
    return reading.intent is Intent.CONFIRM_YES and reading.when.empty and not reading.entities.to_json()


def moments_again(session: Session) -> None:
    """Asks once more which of the times under discussion is meant."""
    options = session.state.candidates
    what = [wording.wish(option, session.today) for option in options]
    session.say(texts.which_of(what), Asks.DATE if any(option.has_day for option in options) else Asks.TIME)


def people_again(session: Session) -> None:
    """Asks once more which of the professionals is meant."""
    found = [who.name for code in session.state.people if (who := session.clinic.professional(code))]
    session.say(texts.whom_of(found), Asks.PROFESSIONAL)


def _nearer_or_farther(session: Session, options: Sequence[Moment]) -> int | None:
    """Which of two days "essa agora" or "na outra" picks; None where the words fit both."""
    days = [option.date for option in options if option.date is not None]
    if len(options) != _TWO or len(days) != _TWO or days[0] >= days[1]:
        return None
    if _NEARER.search(session.norm):
        return 0
    farther = _FARTHER.search(session.norm) or (days[0] == session.today and _NEXT.search(session.norm))
    return 1 if farther else None


def _inside(option: Moment, span: Moment) -> bool:
    return bool(option.date and span.date_from and span.date_to and span.date_from <= option.date <= span.date_to)
