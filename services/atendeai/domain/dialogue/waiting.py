"""The waiting list: offered where a day is full, joined on the patient's word."""

import re
from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta

from atendeai.domain.dialogue import searching, texts, wording
from atendeai.domain.dialogue.alert import Alert
from atendeai.domain.dialogue.naming import name_answer
from atendeai.domain.dialogue.ports import Answer, Done, JoinWaitlist, Request, Steps
from atendeai.domain.dialogue.session import Session
from atendeai.domain.dialogue.state import Asks, Outcome, Stage, Wish

_WANTS = re.compile(
    r"\b(?:lista de espera|fila de espera|(?:me )?(?:avis\w+|cham\w+)[^.?!]{0,20}?\b(?:se|quando|caso)\b[^.?!]{0,20}?"
    r"(?:abr\w+|surg\w+|aparec\w+|vag\w+|desist\w+|cancel\w+)|"
    r"(?:coloc\w+|po[em]|bota|quero|pode|entr\w+|fic\w+)[^.?!]{0,25}?\b(?:lista|fila|espera)\b)\b"
)
_LIST = re.compile(
    r"\b(?:lista|fila) de espera\b|\b(?:a|essa|esta|tal|dessa|nessa|d?a|n?a) (?:lista|fila)\b(?! de (?!espera))"
)
_WISHES = re.compile(
    r"\b(?:quero|queria|gostaria|prefiro|aceito|desejo)\b|\b(?:me|nos|ela|ele|eu|meu nome|minha \w+|"
    r"meu \w+)\b[^.?!]{0,12}?"
    r"\b(?:coloc\w+|p[oo]e|por|bota\w*|inclu\w+|inser\w+|anot\w+)|\b(?:coloca|coloque|po[em]|bota|inclui|inclua|"
    r"anota)\b|"
    r"\b(?:pode|podem|poderia\w*|consegue\w*|da para|tem como|teria como) (?:me |nos )?(?:coloc|por\b|bot|inclu|"
    r"inser|deix)\w*|"
    r"\b(?:posso|podemos|da para|tem como|teria como|consigo|vou) (?:eu )?(?:entrar|ficar|esperar)|\b(?:me|nos) "
    r"(?:avis|cham)\w+|\bfico (?:n[ao]|em) (?:lista|fila|espera)"
)
_ASKS = re.compile(
    r"\?|\b(?:como (?:e|que|funciona|faz|faco)|o que e|existe|tem|ha|qual|quanto|voces? (?:tem|trabalham?|fazem?|"
    r"avisam?|chamam?)|"
    r"demora|funciona|gostaria de saber|queria saber|quero saber|me explica|saber (?:se|como))\b"
)
_TOLD = re.compile(r"\bvoces? (?:(?:me|nos) )?(?:avis|cham|lig|mand)\w+")
_FREED = re.compile(r"\b(?:se|quando|caso)\b[^.?!]{0,25}\b(?:abr|surg|aparec|vag|desist|cancel)\w+")
_TO_KNOW = re.compile(r"\b(?:quero|queria|gostaria de|posso) (?:saber|entender|perguntar|tirar)\b|\bme explica\b")
_ENTERS = re.compile(
    r"^\W*(?:(?:sim|ok|entao|ta|certo|bom|pode|por favor|quero)\W+)*(?:eu )?(?:(?:quero|vou|gostaria de|prefiro|pode|"
    r"podem) )?"
    r"(?:me )?(?:entrar|coloca\w*|p[oo]e|bota\w*|inclu\w+|esperar|espero|anota\w*)(?: (?:sim|eu|ai|nela|la|por favor|"
    r"entao|meu "
    r"nome|na espera|vaga|vagar))*\W*$"
)
"""Said after the list was spoken of."""
_LEAVES = re.compile(
    r"\b(?:tir\w+|remov\w+|exclu\w+|retir\w+|sair|saio|cancel\w+|desist\w+)\b[^.?!]{0,25}?\b(?:lista|fila)\b"
)
_REFUSES = re.compile(
    r"\bnao\b[^.?!]{0,20}\b(?:lista|fila|espera)\b|\b(?:lista|fila|espera)\W+nao\W*(?:quero|obrig\w+)?\W*$"
)

_AFTER = timedelta(days=14)
"""Who wishes for a time "a partir de" a day waits for that day and so long after it."""


def take(session: Session, asked: Asks | None) -> Generator[Request, Answer, bool]:
    """Takes the message when the patient wants to wait, or gives the name for it."""
    state = session.state
    if state.stage is Stage.LISTING and asked is Asks.NAME and not _asked_about(session.norm):
        name = name_answer(session.reading.text.raw, for_other=state.for_other)
        if name is not None:
            state.name = name
            yield from join(session)
        return name is not None
    if _LEAVES.search(session.norm) and ("espera" in session.norm or "fila" in session.norm or state.full is not None):
        # Which of several wishes is meant a person sees at once; the patient is told what happens, not that it did.
        session.say(texts.LEAVES_WAITLIST)
        session.alerts.append(Alert.UNANSWERED)
        state.answered = True
        return True
    if _asked_about(session.norm):
        session.say(_explained(session))
        state.answered = True
        return True
    if state.full is not None and state.busy and _REFUSES.search(session.norm) and session.reading.when.empty:
        session.say(texts.ALL_RIGHT)  # and what was offered is offered again
        return True
    if _wanted(session) and state.full is None and state.service is not None and state.when.has_day:
        state.full = Wish(state.service, state.when, state.asked_for)
    if not _wanted(session) or state.full is None:
        return False
    yield from ask_or_join(session)
    return True


def _asked_about(norm: str) -> bool:
    """Whether the list is only asked about ("tem lista de espera?", "como funciona a lista?")."""
    about = bool(_LIST.search(norm)) or bool(_TOLD.search(norm) and _FREED.search(norm))
    wish = bool(_WISHES.search(norm)) and not _TO_KNOW.search(norm)
    return about and bool(_ASKS.search(norm)) and not wish and not _REFUSES.search(norm)


def _explained(session: Session) -> str:
    """What the list is, and how to join it where the time to wait for is known."""
    if not session.clinic.waiting_list:
        return texts.NO_WAITLIST
    known = session.state.full is not None or (session.state.service is not None and session.state.when.has_day)
    return f"{texts.WAITLIST} {texts.WAITLIST_JOIN if known else texts.WAITLIST_BEGIN}"


def _wanted(session: Session) -> bool:
    """Whether the patient wants to wait for a time."""
    norm = session.norm
    enters = session.state.full is not None and bool(_ENTERS.match(norm))
    wants = bool(_WANTS.search(norm)) or enters
    return session.clinic.waiting_list and wants and not _REFUSES.search(norm)


def ask_or_join(session: Session) -> Steps:
    """Joins for what was wished, or asks for the name first."""
    yield from searching.release(session)
    if session.name_missing:
        session.state.stage = Stage.LISTING
        session.say(texts.ASK_NAME, Asks.NAME)
        return
    yield from join(session)


def join(session: Session) -> Steps:
    """Joins for what was wished."""
    state, wish = session.state, session.state.full
    if wish is None:
        return
    # An exact hour is let go of: to hear of any that gets free on that day is worth more than to wait for one.
    when = replace(wish.when, time=None)
    first = max(when.date or when.date_from or session.today, session.today)
    answer = yield JoinWaitlist(
        service=wish.service,
        date_from=first,
        date_to=max(first, when.date or when.date_to or first + _AFTER),
        patient_name=session.name or "Paciente",
        time_from=when.time_from,
        time_to=when.time_to,
        professional=wish.professional,
    )
    state.reset_flow()
    state.full = None
    if state.last is None:
        state.done = Outcome.NOTHING_BOOKED
    if isinstance(answer, Done):
        session.say(texts.waitlisted(wording.waited_for(when, session.today)))
    else:
        session.say(texts.WAITLIST_FAILED)
        session.alerts.append(Alert.UNANSWERED)
