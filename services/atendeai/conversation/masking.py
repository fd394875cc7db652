"""Masks what tells who a person is before words leave for an external model, and puts it back on the way in; pure.

Names, telephone numbers, CPF and other documents, e-mail addresses and addresses on the web become placeholders that
mean nothing outside one turn. Names of the clinic's own staff, services and plans are public and stay. Names are
looked for as people type them on a phone: without accents, in small letters, letters and marks apart.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable

from atendeai.conversation import called
from atendeai.domain.dialogue.naming import name_answer, name_in
from atendeai.domain.understanding.normalise import fold

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LINK = re.compile(r"(?i)\b(?:https?://|www\.)\S+")
# Not the start of an appointment, which a tool gives and takes back as it came.
_NUMBER = re.compile(r"(?<![\w/])(?!\d{4}-\d{2}-\d{2}T\d{2}:)\+?\d[\d .()/-]{5,}\d(?![\w])")
_DATE = re.compile(r"\d{1,2}/\d{1,2}(?:/\d{2,4})?|\d{4}-\d{2}-\d{2}|\d{1,2}[:h]\d{2}")
_MOST_DATE_DIGITS = 8
_DOCUMENT = re.compile(r"(?i)\b(?:cpf|rg|cns|carteirinha|matr[íi]cula|passaporte|cnh)\W{0,4}(?P<number>[\w./-]{4,})")
_NAMES = re.compile(r"\b[A-ZÀ-Ý][a-zà-ÿ'’-]+(?: (?:(?:d[aeo]s?|e) )?[A-ZÀ-Ý][a-zà-ÿ'’-]+)+")
_FOR = re.compile(r"(?i:\b(?:pro|pra|para o|para a)),? (?P<name>[A-ZÀ-Ý][a-zà-ÿ'’-]+)\b")
_NO_NAMES = frozenset(
    re.findall(
        r"\w+",
        """
        a o as os um uma uns umas de da do das dos em no na nos nas ao aos e ou mas que se por para pra pro com sem
        ate desde entre sobre como quando onde qual quais quem quanto porque pois entao tambem so ja nao nem ainda
        hoje ontem amanha agora depois antes sempre nunca aqui ai la mais menos muito muita bem mal melhor pior
        eu voce voces vc ele ela eles elas me mim te lhe nos dele dela deles delas meu minha meus minhas seu sua seus
        suas nosso nossa isso isto esse essa este esta aquele aquela mesmo mesma outro outra todo toda
        e eh era foi sao ser seria esta estava estou estao ta to tava tem tinha tenho teve ter vai vou vao ir ia iria
        vem veio vir quer queria quero querem gostaria precisa preciso precisam precisava pode posso podem podia
        poderia deve faz fez fazer fiz fazia consegue consigo conseguiu fica ficou anda andou chama chamada chamado
        chamou chegou chega passa passou passando sente sentiu sentindo sofre sofreu acha acho disse falou fala falei
        pediu pede mora usa toma tomou nasceu completou machucou caiu quebrou perdeu trabalha estuda acompanha
        acompanhou marca marcar marcou marcado marcada remarcar remarcou agenda agendar agendou cancelar cancelou
        desmarcar desmarcou confirmar confirmou levar levou trazer consultar consultou atende atender ver vi vejo
        consulta consultas exame exames retorno avaliacao vacina cirurgia sessao sessoes procedimento tratamento
        horario horarios hora horas dia dias semana semanas mes meses ano anos aninhos manha tarde noite vez vezes
        segunda terca quarta quinta sexta sabado domingo feira primeira primeiro ultima ultimo proxima proximo
        dois duas tres quatro cinco seis sete oito nove dez febre dor dores tosse gripe alergia doente gripado gripada
        gravida gestante internado internada novo nova velho velha maior menor pequeno pequena recem nascido nascida
        idoso idosa crianca adulto adulta adolescente bebe menino menina rapaz moca gemeo gemea gemeos
        paciente cliente responsavel dono dona titular dependente acompanhante medico medica doutor doutora dr dra
        dentista pediatra secretaria atendente recepcao clinica familia casa trabalho escola convenio plano
        particular sim ok certo claro obrigado obrigada favor oi ola bom boa tudo beleza
        filho filha filhos filhas filhinho filhinha mae mamae pai papai pais esposo esposa marido mulher vo avo avos
        sobrinho sobrinha neto neta irmao irma irmaos sogro sogra tio tia amigo amiga primo prima namorado namorada
        noivo noiva cunhado cunhada enteado enteada afilhado afilhada madrinha padrinho vizinho vizinha colega junior
        """,
    )
)
"""Words that stand beside a kinship without being the name of anybody."""
_SAID_OF_THEM = r"[a-z]+(?:ou|iu|aram|eram|iram)"
"""Verbs of the past: no name ends like them."""
_A_NAME = rf"(?!(?:{'|'.join(sorted(_NO_NAMES))}|{_SAID_OF_THEM})\b)[a-z][a-z'’-]+"
_WHOLE_NAME = rf"(?P<name>{_A_NAME}(?: (?:(?:d[aeo]s?|e) )?{_A_NAME}){{0,5}})"
_KINSHIP = (
    r"filh(?:[oa]s?|inh[oa])|mae|mamae|pai|papai|espos[oa]|marido|mulher|vo|avo|sobrinh[oa]|net[oa]|irma|irmao|bebe|"
    r"sogr[oa]|ti[oa]|amig[oa]|prim[oa]|namorad[oa]|noiv[oa]|cunhad[oa]|entead[oa]|afilhad[oa]|madrinha|padrinho|"
    r"vizinh[oa]|colega"
)
_KIN = re.compile(
    rf"\b(?:(?:{_KINSHIP})(?: d[aeo]s?)?|sou [oa]|aqui (?:e|eh) [oa]|"
    rf"quem (?:fala|escreve) (?:aqui )?(?:e|eh)(?: [oa])?)"
    rf"(?:[,:-]? (?:(?:que )?se chama |chamad[oa] |de nome |dona |seu |[oa] )?){_WHOLE_NAME}\b"
)
"""Folded: whoever is named beside a kinship ("minha filha sofia martins"), and who writes ("sou a maria souza")."""
_ASKS_NAME = re.compile(r"\bnomes?\b[^.!]*\?|\bse chama[^.!]*\?|\bquem (?:e|sera|seria) [oa] paciente\b")
_PARTICLES = frozenset(["de", "da", "do", "das", "dos", "di", "du", "del", "la", "e", "y"])
_SHORTEST = 2
_TITLE = re.compile(r"(?i)^(?:dra?|doutora?)\.? ")
_ASIDE = re.compile(r"\x02(\d+)\x03")
_PLACEHOLDER = re.compile(r"\[[A-Z]+_\d+\]")


def asks_name(text: str) -> bool:
    """Whether a line asks for somebody's name, in our words or a model's."""
    return bool(_ASKS_NAME.search(fold(text)))


class Mask:
    """One turn's placeholders. ``public``: names that may leave; ``known``: names that must not."""

    def __init__(self, public: Iterable[str] = (), known: Iterable[str | None] = ()) -> None:
        self._public = sorted({fold(_TITLE.sub("", name)) for name in public if name}, key=len, reverse=True)
        self._words = {word for name in self._public for word in re.findall(r"\w+", name)}
        self._by_original: dict[str, str] = {}
        self._by_placeholder: dict[str, str] = {}
        self._known: set[str] = set()
        for name in known:
            self._learn(name)

    def learn(self, text: str, *, answers_name: bool = False) -> None:
        """Learn whose names a text tells. ``answers_name``: a name was asked for just before."""
        for for_other in (False, True):
            for line in text.splitlines():
                self._learn(name_in(line, for_other=for_other))
            if answers_name:
                self._learn(name_answer(text, for_other=for_other))
        folded = _folded(text)[0]
        for match in _KIN.finditer(folded):
            self._learn(match["name"])
        for name in called.names(folded, no_names=_NO_NAMES | self._words):
            self._learn(name)

    def hide(self, text: str) -> str:
        """The text with placeholders."""
        self.learn(text)
        text = _EMAIL.sub(lambda m: self._placeholder("EMAIL", m[0]), text)
        text = _LINK.sub(lambda m: self._placeholder("LINK", m[0]), text)
        text = _DOCUMENT.sub(lambda m: m[0].replace(m["number"], self._placeholder("DOCUMENTO", m["number"])), text)
        text = _NUMBER.sub(self._number, text)
        text = _replaced(text, _any_of(self._known), lambda name: self._placeholder("NOME", name))
        kept: list[str] = []

        def aside(name: str) -> str:
            kept.append(name)
            return f"\x02{len(kept) - 1}\x03"

        text = _replaced(text, _any_of(self._public), aside)
        text = _NAMES.sub(lambda m: self._name(m[0]), text)
        text = _FOR.sub(lambda m: m[0].replace(m["name"], self._name(m["name"])), text)
        return _ASIDE.sub(lambda m: kept[int(m[1])], text)

    def show(self, text: str) -> str:
        """The text with what the placeholders stand for. Raises ValueError on one that was never given."""
        for placeholder in set(_PLACEHOLDER.findall(text)):
            if placeholder not in self._by_placeholder:
                raise ValueError("an unknown placeholder")
            text = text.replace(placeholder, self._by_placeholder[placeholder])
        return text

    def _learn(self, name: str | None) -> None:
        if not name or self._is_public(name):
            return
        parts = fold(name).split()
        for part in {" ".join(parts), *parts}:
            if len(part) >= _SHORTEST and part not in _PARTICLES | _NO_NAMES | self._words:
                self._known.add(part)

    def _is_public(self, name: str) -> bool:
        wanted = set(re.findall(r"\w+", fold(name)))
        return any(wanted <= set(re.findall(r"\w+", public)) for public in self._public)

    def _name(self, name: str) -> str:
        return name if self._is_public(name) else self._placeholder("NOME", name)

    def _number(self, match: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", match[0])
        dated = _DATE.search(match[0]) is not None and len(digits) <= _MOST_DATE_DIGITS
        return match[0] if dated else self._placeholder("NUMERO", match[0])

    def _placeholder(self, kind: str, original: str) -> str:
        key = original.strip()
        if key not in self._by_original:
            count = sum(p.startswith(f"[{kind}_") for p in self._by_placeholder) + 1
            self._by_original[key] = f"[{kind}_{count}]"
            self._by_placeholder[self._by_original[key]] = key
        return self._by_original[key]


def _any_of(names: Iterable[str]) -> re.Pattern[str]:
    """Any of these folded names, the longest first, as whole words of a folded text; nothing where there are none."""
    wanted = [re.escape(name).replace(r"\ ", r"\s+") for name in sorted(names, key=len, reverse=True)]
    return re.compile(rf"(?<!\w)(?:{'|'.join(wanted)})(?!\w)" if wanted else r"(?!)")


def _folded(text: str) -> tuple[str, list[int]]:
    """The text in small letters without accents, and for each of its characters its place in the text."""
    pairs = [(char, place) for place, raw in enumerate(text) for char in fold(raw)]
    return "".join(char for char, _ in pairs), [place for _, place in pairs]


def _replaced(text: str, pattern: re.Pattern[str], instead: Callable[[str], str]) -> str:
    """The text with what a pattern finds in it folded put otherwise."""
    norm, places = _folded(text)
    out, done = "", 0
    for match in pattern.finditer(norm):
        first, last = places[match.start()], places[match.end() - 1] + 1
        while last < len(text) and unicodedata.combining(text[last]):
            last += 1  # an accent typed as a character of its own goes with its letter
        out += text[done:first] + instead(text[first:last])
        done = last
    return out + text[done:]
