"""One turn under way: what is known, what was said so far, and what the patient's message adds."""

import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from atendeai.domain.dialogue import people
from atendeai.domain.dialogue.clinic import Clinic
from atendeai.domain.dialogue.ports import Slot
from atendeai.domain.dialogue.state import Asks, Outcome, State
from atendeai.domain.dialogue.texts import closed_now, described, preparation
from atendeai.domain.dialogue.wording import opens_again
from atendeai.domain.understanding import entities
from atendeai.domain.understanding.intent import Intent
from atendeai.domain.understanding.normalise import fold
from atendeai.domain.understanding.understand import Understanding
from atendeai.domain.understanding.when import When


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
    NOTICE = "notice_too_short"
    FILE = "file"


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
    "decline:…")."""
    files: tuple[str, ...] = ()
    """Kinds of what came along and cannot be read ("image", "document")."""
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


_KINSHIP = (
    r"(?:filh\w+|mae|pai|espos\w+|marido|mulher|avo|sobrinh\w+|net[oa]|irma\w*|namorad\w+|bebe|sogr[oa]|"
    r"ti[oa]|amig[oa]|prim[oa])\b"
)
_OTHER = re.compile(
    r"(?<!ver )(?<!falar )(?<!conversar )(?<!combinar )(?<!confirmar )(?<!perguntar )"
    rf"\b(?:para|pra|da|do|de|e|com) (?:o |a |os |as )?(?:meu|minha|meus|minhas|nosso|nossa) {_KINSHIP}|"
    # "minha filha tem 6 anos", "meu pai precisa de consulta": told of somebody, it is they who come
    rf"\b(?:meu|minha|nosso|nossa) {_KINSHIP},? (?:(?:que|ja|so|ainda|[a-z]+ de) )?"
    r"(?:(?:tem|fez|faz|completou|com|de) (?:\d+|um|uma|dois|duas|tres|quatro|cinco|seis|sete|oito|nove|dez) "
    r"(?:aninhos?|anos?|mes|meses|dias)\b|"
    r"(?:esta|ta|anda) (?:com (?:muita |uma )?(?:febre|dor|tosse|gripe|alergia|coceira)|doente|gripad\w|sentindo)\b|"
    r"(?:precis\w+|quer\w*|gostaria|necessit\w+) (?:de )?(?:(?:uma? )?"
    r"(?:consulta|exame|avaliacao|retorno|medic\w+|dentista)|(?:se )?(?:marcar|agendar|consultar|passar)|fazer um)\b)"
)
_A_NAME = r"(?P<name>[^\W\d_]+(?:[ '-][^\W\d_]+){0,6})"
_OWN = re.compile(
    r"(?:\b[Ss]ou [ao] (?=[A-ZÀ-Ú][a-zà-ú])|"
    r"(?i:\b(?:meu nome (?:completo )?(?:é|e|eh)|me chamo|"
    r"aqui (?:é|quem fala é|fala) (?:o |a )?|quem fala é (?:o |a )?)))\s*" + _A_NAME
)
"""The name of who writes."""
_PATIENTS = re.compile(
    r"(?i:\b(?:(?<!meu )nome(?: completo)? ?(?:dele |dela |d[oae] (?:paciente|crian[çc]a|beb[êe]|menin[oa]|"
    r"mo[çc][oa]) |d[oae] (?:meu|minha) \w+ )?(?:é|eh|:)|(?:ele|ela) se chama|(?:em|no) nome d[eao]))\s*" + _A_NAME
)
"""The name of whom the appointment is for."""
_KIN = re.compile(
    r"(?i:\b(?:meu|minha) (?:filh\w+|m[ãa]e|pai|espos\w+|marido|mulher|av[óôo]|sobrinh\w+|net[oa]|irm\w+|beb[êe]|"
    r"sogr[oa]|ti[oa]|amig[oa]|prim[oa]))[, ]+(?P<name>[A-ZÀ-Ú][\w'-]+(?: (?:d[aeo]s? |e )?[A-ZÀ-Ú][\w'-]+)+)"
)
"""The whole name after the kinship: "pra minha filha Sofia Martins"."""
_LEAD = re.compile(
    r"^\W*(?:(?i:sim|pode ser|pode (?:anotar|colocar|por|botar|p[ôo]r)|anot\w+|coloc\w+|bot[ae]|p[õo]e|"
    r"a[íi]|pode|ok|claro|é|eh|o nome é|nome|sou|a|o|dele é|dela é|paciente|para mim|pra mim)\b[\s,.:!-]*)+"
)
_NAME_END = re.compile(
    r"(?i)\b(?:e|quero|queria|gostaria|para|pra|pro|por favor|obrigad[oa]|tenho|preciso|tudo bem|bom dia|boa (?:tarde|"
    r"noite)|sou|estou|meu|minha|cpf|nascid[oa]|com|vou|moro|mesm[oa])\b.*$"
)
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


def speaks_for_another(norm: str) -> bool:
    """Whether a message says that somebody of the family is meant ("para minha mãe", "é meu pai")."""
    return bool(_OTHER.search(norm))


def profile_name(raw: str | None) -> str | None:
    """A name fit for the diary from what a WhatsApp profile shows; None when that is no name ("🌸", "~", "Eu")."""
    words = re.findall(r"[^\W\d_]+(?:['-][^\W\d_]+)*", raw or "")
    name = " ".join(words[:_LONGEST_NAME])
    return tidy_name(name) if len(name) >= _SHORTEST_NAME else None


def _named_by(pattern: re.Pattern[str], raw: str) -> str | None:
    found = pattern.search(raw)
    name = _NAME_END.sub("", found["name"]).strip() if found else ""
    return tidy_name(name) if name else None


def name_in(raw: str, *, for_other: bool = False) -> str | None:
    """A patient's name the message gives unasked ("meu nome é …", "em nome de …").

    ``for_other``: the appointment is for somebody else; who writes may say their own name, which is not the patient's.
    """
    theirs = _named_by(_PATIENTS, raw)
    if for_other:
        return theirs or _named_by(_KIN, raw)
    return theirs or _named_by(_OWN, raw)


def name_answer(raw: str, *, for_other: bool = False) -> str | None:
    """The name in an answer to "what is your name?", or None when it is something else."""
    named = name_in(raw, for_other=for_other)
    if named:
        return named
    for part in _PARTS.split(_SYMBOLS.sub(" ", raw.strip())):
        words = _NAME_END.sub("", _LEAD.sub("", part.strip())).strip(" .,!;:").split()
        shortest = 1 if part.strip() == raw.strip() else _WORDS_OF_A_PART
        if shortest <= len(words) <= _LONGEST_NAME and not _no_name(words) and all(_NAME_WORD.match(w) for w in words):
            return tidy_name(" ".join(words))
    return None


def written_as_a_name(raw: str) -> bool:
    """Whether nothing but a name stands there, each word with its capital: "Domingos Terra" is no Sunday."""
    words = raw.strip(" .!").split()
    capitals = [w for w in words if w.lower() not in _PARTICLES]
    return (
        len(capitals) >= _WORDS_OF_A_PART
        and all(_NAME_WORD.match(w) for w in words)
        and all(w[0].isupper() and w[1:].islower() for w in capitals)
        and not _no_name(words)
    )


def _no_name(words: list[str]) -> bool:
    """Whether a word stands in no name; "Filho" and the like end one, after two others at least."""
    rest = words[:-1] if len(words) > _WORDS_OF_A_PART and fold(words[-1]) in _LAST_NAMES else words
    return bool({fold(w) for w in rest} & _NO_NAMES)


_SYMBOLS = re.compile(r"[^\w\s,;:.!?()'’-]+")
_PARTS = re.compile(r"[,;:.!?\n()\d]+|\s-+\s")
_WORDS_OF_A_PART = 2
_LAST_NAMES = frozenset(["filho", "filha", "neto", "neta", "sobrinho", "sobrinha", "junior"])
_NO_NAMES = frozenset(
    re.findall(
        r"\w+",
        """
        quero queria gostaria pode podia posso tem tenho ter qual quanto quando onde como que por para pra pro nao sim
        voce voces vcs meu minha ele ela dele dela depende horario hora consulta exame medico medica doutor doutora sou
        estou esta ta eh ser seria vai vou ir marcar agendar remarcar cancelar hoje amanha segunda terca quarta quinta
        sexta sabado domingo manha tarde noite particular convenio plano obrigado obrigada mas so ja ainda isso esse
        essa outro outra melhor favor preciso precisa nome mesmo mesma aqui mae filho filha bom boa dia tudo bem oi ola
        cpf rg completo idade anos data nascimento telefone email perai pera espera deixa cancela desisto esquece
        semana mes ano passada passado ontem consultei fui fiz foi era faz retorno avaliacao primeira vez nunca sempre
        antes depois agora aqui ali
        """,
    )
)
"""Words that stand in no name: an answer with one of them is something else."""


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
    missed: bool = False
    """Whether the message was not understood."""
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

    def say(self, text: str, asks: Asks | None = None, *, again: str | None = None) -> None:
        """Adds a reply; with ``asks`` it is the question the patient is to answer.

        ``again``: how it is put once more after something else was answered; as it stands where there is none.
        """
        self.replies.append(text)
        if asks is not None:
            self.state.asks = asks
            self.state.question = again or text

    def hand_off(self, why: Alert, text: str) -> None:
        """Leaves the conversation to a person, and says when the clinic opens while it is closed."""
        opens = opens_again(self.clinic, self.now)
        self.say(f"{text} {closed_now(opens)}" if opens else text)
        self.alerts.append(why)
        self.state.reset_flow()
        self.state.handed_off = True
        if self.state.last is None:  # what was achieved for an appointment stands
            self.state.done = Outcome.HANDED_OFF

    def prepare(self, service: str) -> None:
        """Tells what the clinic wants a patient to know before they come, if anything."""
        offered = self.clinic.service(service)
        if offered is not None and offered.preparation:
            self.say(preparation(offered))

    def describe(self, slot: Slot) -> str:
        """A slot in words."""
        return described(self.clinic, slot.service, slot.professional, slot.start, self.today)

    def reread(self, when: When) -> None:
        """Takes another time to be what the message says."""
        self.reading = replace(self.reading, when=when)

    def absorb(self) -> None:
        """Takes over what the message says about service, professional, time and name."""
        state = self.state
        if _OTHER.search(self.norm) and not state.for_other:
            state.for_other = True
            state.name = None
        given = name_in(self.reading.text.raw, for_other=state.for_other) or self._name_on_a_line()
        if given:
            state.name = given
        self._absorb_service()
        said = self._without(given)
        self._absorb_person(said, given)
        when = self.reading.when
        self.invalid_time = when.invalid
        state.candidates = list(when.candidates)
        if not when.moment.empty:
            state.when = state.when.merged(when.moment)

    @property
    def names_professional(self) -> bool:
        """Whether the message names one of the clinic's professionals."""
        return self.reading.entities.professional is not None or people.meant(self.clinic, self.norm) is not None

    def _absorb_person(self, said: str, patient: str | None) -> None:
        state, clinic = self.state, self.clinic
        one = people.meant(clinic, said) or people.misspelt(clinic, self.reading.text)
        several = people.bearers(clinic, said) if one is None else []
        if one is not None or len(several) == 1:
            state.professional = state.asked_for = one or several[0]
        elif several and not state.people_asked:
            state.people = several
        self.stranger = people.stranger(clinic, self.reading.text, patient)

    def _name_on_a_line(self) -> str | None:
        """A name that stands alone on one of several lines: messages sent one after the other, read as one."""
        lines = self.reading.text.raw.splitlines()
        staff = {p.code: p.name for p in self.clinic.professionals}
        offered = {s.code: s.name for s in self.clinic.services}
        for line in lines if len(lines) > 1 else ():
            norm = fold(line)
            if (
                written_as_a_name(line)
                and not entities.match(norm, staff, exact=True)
                and not entities.match(norm, offered)
            ):
                return tidy_name(line.strip(" .!"))
        return None

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
