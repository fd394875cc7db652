"""What a message names besides time: a service, a professional, a health plan.

Surface strings, as the patient wrote them. With the clinic's own names given, those are found too, and ``match``
says which of them is meant although it was misspelt or cut short.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from atendeai.domain.understanding.normalise import Text, fold
from atendeai.domain.understanding.spelling import distance

# Stems of specialties, exams and procedures as patients name them.
_SERVICES = (
    r"dermatolog\w*|cardiolog\w*|ginecolog\w*|obstetr\w*|ortoped\w*|pediatr\w*|psicolog\w*|psiquiatr\w*|oftalmolog\w*|"
    r"oculista|urolog\w*|neurolog\w*|neuropediatr\w*|endocrinolog\w*|nutricionista|nutrolog\w*|nutricao|fisioterap\w*|"
    r"otorrinolaringolog\w*|gastroenterolog\w*|reumatolog\w*|mastolog\w*|geriatr\w*|hepatolog\w*|infectolog\w*|"
    r"pneumolog\w*|nefrolog\w*|hematolog\w*|oncolog\w*|alergista|alergolog\w*|angiolog\w*|vascular|"
    r"proctolog\w*|dentista|"
    r"odontolog\w*|ortodont\w*|fonoaudiolog\w*|acupuntura|osteopat\w*|quiroprax\w*|podolog\w*|homeopat\w*|"
    r"clinic[oa] geral|medic[oa] de familia|ultrassom(?: (?:abdominal|transvaginal|morfologico|obstetrico|"
    r"de mama|da tireoide))?|"
    r"raio[ -]?x|mamografia|eletrocardiograma|ecocardiograma|eletroencefalograma|endoscopia|colonoscopia|tomografia|"
    r"ressonancia(?: magnetica)?|densitometria|holter|mapa 24|teste ergometrico|hemograma|"
    r"exames? de sangue|exame de urina|"
    r"papanicolau|preventivo|colposcopia|audiometria|espirometria|vacina\w*|check[ -]?up|"
    r"limpeza(?: de pele| dental| dos dentes)?|"
    r"clareamento(?: dental)?|implante(?: dentario)?|canal|extracao|restauracao|aparelho|botox|preenchimento|peeling|"
    r"depilacao(?: a laser)?|pre[ -]?natal|dermatoscopia|biopsia|retirada de pontos|curativo|avaliacao|retorno"
)
_SERVICE = re.compile(rf"\b(?:{_SERVICES})\b")
_TITLE = re.compile(
    r"\b(?P<title>dr\(a\)|dra|dr|doutora|doutor|professora?|fisioterapeuta|psicolog[oa]|nutricionista)\b\.? ?"
    r"(?P<name>[a-z]+(?: (?:(?:de|da|do|dos) )?[a-z]+)?)"
)
_NO_NAME = frozenset(
    [
        "amanha",
        "hoje",
        "para",
        "que",
        "por",
        "favor",
        "na",
        "no",
        "em",
        "de",
        "da",
        "do",
        "as",
        "e",
        "ou",
        "se",
        "tem",
        "esta",
        "pode",
        "segunda",
        "terca",
        "quarta",
        "quinta",
        "sexta",
        "sabado",
        "domingo",
        "dia",
        "com",
        "ja",
        "nao",
        "vai",
        "vem",
        "atende",
        "esse",
        "essa",
        "aqui",
        "so",
        "me",
        "meu",
        "minha",
        "quero",
        "queria",
        "depois",
        "antes",
        "agora",
        "semana",
        "disse",
        "falou",
        "pediu",
        "mandou",
        "passou",
        "receitou",
        "ai",
        "voces",
        "la",
        "tambem",
        "mesmo",
        "ela",
        "ele",
    ]
)
_PLANS = (
    r"unimed(?: [a-z]+)?|bradesco(?: saude)?|sul ?america(?: saude)?|amil(?: \d+)?|hapvida|"
    r"notre ?dame(?: intermedica)?|"
    r"intermedica|gndi|porto seguro(?: saude)?|porto saude|cassi|geap|golden cross|prevent senior|ipasgo|ipsemg|ipergs|"
    r"iamspe|assefaz|postal saude|petrobras|capesaude|care ?plus|omint|mediservice|medservice|sao francisco|"
    r"sao cristovao|santa helena|samp|promed|vitallis|allianz|one health|lincx|blue(?: saude)?|green ?line|fusex|"
    r"cabesp|economus|afrafep|planserv|sus|saude caixa|seguros unimed|trasmontano|ameplan|biovida|odontoprev|uniodonto"
)
_PLAN = re.compile(rf"\b(?:{_PLANS})\b")
_PLAN_TAIL = re.compile(
    r" (?:para|amanha|hoje|na|no|e|de|voces|aceita|atende|tem|cobre|por|ou|que|pode|esta|a|o|com|em|da|do|"
    r"sim|nao|as|quero|queria|nesse|nessa|segunda|terca|quarta|quinta|sexta|sabado|domingo)$"
)
_STOP = frozenset(
    [
        "de",
        "da",
        "do",
        "das",
        "dos",
        "em",
        "e",
        "a",
        "o",
        "as",
        "os",
        "com",
        "para",
        "no",
        "na",
        "um",
        "uma",
        "por",
        "dr",
        "dra",
    ]
)
GENERIC = frozenset(["consulta", "exame", "sessao", "atendimento", "geral"])
_SAME = {"dentista": "odontologia", "oculista": "oftalmologia"}
"""Who is seen for what, where neither word is a form of the other."""
_STEM = 5
_SHORT_FORM = 5


@dataclass(frozen=True, slots=True)
class Entities:
    """Surface strings; None where nothing of the kind is named."""

    service: str | None = None
    professional: str | None = None
    insurance: str | None = None

    def to_json(self) -> dict[str, str]:
        """Only what was named."""
        pairs = {"service": self.service, "professional": self.professional, "insurance": self.insurance}
        return {key: value for key, value in pairs.items() if value}


def _professional(text: Text) -> str | None:
    for match in _TITLE.finditer(text.norm):
        words = match["name"].split(" ")
        if words[0] in _NO_NAME:
            continue
        end = match.start("name") + len(words[0])
        rest = words[1:]
        last = rest[-1] if rest else None
        # A second word is a surname when it is written like one.
        if last and last not in _NO_NAME and text.surface(match.end() - len(last), match.end())[:1].isupper():
            end = match.end()
        return text.surface(match.start(), end)
    return None


def _insurance(text: Text) -> str | None:
    match = _PLAN.search(text.norm)
    if match is None:
        return None
    words = match.group()
    tail = _PLAN_TAIL.search(words)
    return text.surface(match.start(), match.start() + (tail.start() if tail else len(words)))


def plans(text: Text, own: Iterable[str] = ()) -> list[str]:
    """Every health plan that ``text`` names, as written, in order. ``own``: the clinic's, beside the general ones."""
    spans = [(m.start(), m.end()) for name in own for m in re.finditer(rf"\b{re.escape(fold(name))}\b", text.norm)]
    for found in _PLAN.finditer(text.norm):
        tail = _PLAN_TAIL.search(found.group())
        spans.append((found.start(), found.start() + (tail.start() if tail else len(found.group()))))
    longest: list[tuple[int, int]] = []
    for begin, until in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not longest or begin >= longest[-1][1]:
            longest.append((begin, until))
    return [text.surface(begin, until) for begin, until in longest]


def find(
    text: Text, *, services: Iterable[str] = (), professionals: Iterable[str] = (), plans: Iterable[str] = ()
) -> Entities:
    """What ``text`` names. The clinic's own names, when given, are looked for before the general lists."""
    service = next((s for name in services if (s := _own(text, name))), None)
    if service is None and (m := _SERVICE.search(text.norm)):
        service = text.surface(m.start(), m.end())
    professional = _professional(text) or next((s for name in professionals if (s := _own(text, name))), None)
    plan = next((s for name in plans if (s := _own(text, name))), None) or _insurance(text)
    return Entities(service=service, professional=professional, insurance=plan)


def services_named(norm: str) -> set[str]:
    """The specialties, exams and procedures that a normalised message names, by their stems."""
    return {found[:_STEM] for found in _SERVICE.findall(norm)}


def _own(text: Text, name: str) -> str | None:
    folded = fold(name)
    at = re.search(rf"\b{re.escape(folded)}\b", text.norm)
    return text.surface(at.start(), at.end()) if at else None


def _content(name: str) -> list[str]:
    return [w for w in re.findall(r"[a-z0-9]+", fold(name)) if w not in _STOP]


_VERB = re.compile(r"^(?P<root>[a-z]{4,})(?:[aei]r|ando|endo|indo)$")
_ACT = re.compile(r"(?:cao|coes|mento|mentos|agem|ncia)$")


def _alike(said: str, own: str) -> bool:
    """Whether a word of the message and one of a name are the same word, another form of it, or a slip of it."""
    if said == own:
        return True
    if len(said) >= _SHORT_FORM and own.startswith(said) and len(own) > len(said) + 2:
        return True  # "derma", "fisio", "cardio"
    act = _VERB.match(said)
    if act is not None and own.startswith(act["root"]) and _ACT.search(own):
        return True  # "vacinar", "clarear": "vacinação", "clareamento"
    if len(said) >= _STEM and len(own) >= _STEM:
        length = min(len(said), len(own), 7)
        if said[:length] == own[:length] and length >= 6:  # noqa: PLR2004 - "dermatologista", "dermatologia"
            return True
        return distance(said, own, 1) <= 1
    return False


def match(norm: str, names: Mapping[str, str], *, exact: bool = False) -> list[str]:
    """The keys of ``names`` (key to name) that ``norm`` names best: none, one, or several that fit equally well.

    Words that every clinic uses ("consulta", "exame") count only when nothing else of the name is left. ``exact``:
    only whole words count, as for people's names ("Maria" is not "marca").
    """
    words = re.findall(r"[a-z0-9]+", norm)
    words += [] if exact else [_SAME[word] for word in words if word in _SAME]
    scores: dict[str, float] = {}
    for key, name in names.items():
        content = _content(name)
        telling = [w for w in content if w not in GENERIC]
        hits = sum(any(said == own if exact else _alike(said, own) for said in words) for own in telling)
        generic = sum(w in words for w in content if w in GENERIC)
        if hits:
            scores[key] = hits + 0.5 * hits / max(1, len(telling)) + 0.1 * generic
        elif not telling and generic:
            scores[key] = 0.4
    best = max(scores.values(), default=0)
    return [key for key, score in scores.items() if score == best]
