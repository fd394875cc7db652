"""Names of patients: where a message gives one, how it is written on a list, what is none; pure."""

import re

from atendeai.domain.dialogue.people import FIRST_NAMES
from atendeai.domain.understanding.lexicon import ABBREVIATIONS
from atendeai.domain.understanding.normalise import fold

_LETTER = r"[^\W\d_\u115f\u1160\u3164\uffa0]"
"""Any but the fillers of Hangul, which are letters that show nothing."""
_A_NAME = rf"(?P<name>{_LETTER}+(?:[ '’-]{_LETTER}+){{0,6}})"
_OWN = re.compile(
    r"(?:\b[Ss]ou (?:[ao] (?=[A-ZÀ-Ú][a-zà-ú])|(?=[A-ZÀ-Ú][a-zà-ú]+ (?:d[aeo]s? )?[A-ZÀ-Ú][a-zà-ú]))|"
    r"(?i:\b(?:meu nome (?:completo |todo |inteiro )?(?:é|e|eh)|me chamo|"
    r"aqui (?:é|quem fala é|fala) (?:o |a )?|quem fala é (?:o |a )?)))\s*" + _A_NAME
)
"""The name of who writes."""
_PATIENTS = re.compile(
    r"(?i:\b(?:(?<!meu )nome(?: completo)? ?(?:dele |dela |d[oae] (?:paciente|crian[çc]a|beb[êe]|menin[oa]|"
    r"mo[çc][oa]) |d[oae] (?:meu|minha) \w+ )?(?:é|eh|:)|"
    r"\b[ao] paciente (?:é|eh|e|ser[áa]|vai ser)(?: [ao]\b)?(?: (?:minha|meu) \w+)?|(?:ele|ela) se chama|(?:em|"
    r"no) nome d[eao]|"
    r"(?:ele|ela) (?:é|eh) [oa](?= (?-i:[A-ZÀ-Ú][a-zà-ú]+ (?:d[aeo]s? )?[A-ZÀ-Ú]))))\s*" + _A_NAME
)
"""The name of whom the appointment is for."""
_RELATION = r"(?i:m[ãa]e|pai|av[óôo]|ti[oa]|irm[ãa]o?|espos[oa]|mulher|marido|filh[oa]|net[oa]|respons[áa]vel)"
_NAMES = r"[A-ZÀ-Ú][\w'’-]+(?: (?:d[aeo]s? )?[A-ZÀ-Ú][\w'’-]+)*"
_WHO_WRITES = re.compile(
    rf"\b(?:[Ee]u )?[Ss]ou (?:[ao] )?(?:{_RELATION}(?: d[eao]l[ea]s?| d[eao] {_NAMES})?(?:[, ]+{_NAMES})?|"
    rf"{_NAMES},? (?:[ao] )?{_RELATION} (?:d[eao]l[ea]s?|d[eao] {_NAMES}))"
)
"""Who writes, as what they are to the patient: "eu sou a mãe, Maria"; "sou a Maria, mãe dela"."""
_SLIP = re.compile(r"(?i)^[^\n]*\b(?:ops+|quer dizer|digo|na verdade|corrigindo|errei)\b[\s,.:]*(?=\S)")
"""What was said before somebody corrects themselves: "João Silva, ops, Joana Silva"."""
_PUT_RIGHT = re.compile(r"(?i:\bn[ãa]o\b\W*(?:k+|rs+|haha\w*|he(?:he)+)?\W*\b(?:é|eh|e|sou)\b)\s*" + _A_NAME + r"\W*$")
"""One name in the place of another: "Tchesco não kkk é Francisco Silveira"."""
_KIN = re.compile(
    r"(?i:\b(?:meu|minha) (?:filh\w+|m[ãa]e|pai|espos\w+|marido|mulher|av[óôo]|sobrinh\w+|net[oa]|irm\w+|beb[êe]|"
    r"sogr[oa]|ti[oa]|amig[oa]|prim[oa]))[, ]+(?P<name>[A-ZÀ-Ú][\w'’-]+(?: (?:d[aeo]s? |e )?[A-ZÀ-Ú][\w'’-]+)+)"
)
"""The whole name after the kinship: "pra minha filha Sofia Martins"."""
_LEAD = re.compile(
    r"^\W*(?:(?i:sim|pode ser|pode (?:anotar|colocar|por|botar|p[ôo]r)|anot\w+|coloc\w+|bot[ae]|p[õo]e|"
    r"a[íi]|pode|ok|claro|é|eh|o nome é|meu nome é|nome|(?:eu )?me chamo|(?:eu )?sou|a|o|dele é|dela é|paciente|"
    r"para mim|pra mim)\b[\s,.:!-]*)+"
)
_NAME_END = re.compile(
    r"(?i)\b(?:e|quero|queria|gostaria|para|pra|pro|por favor|obrigad[oa]|tenho|preciso|tudo bem|bom dia|"
    r"boa (?:tarde|"
    r"noite)|sou|estou|meu|minha|cpf|nascid[oa]|com|vou|moro|mesm[oa]|n[ao]|em|às|dia|hoje|amanh[ãa])\b.*$"
)
_NAME_WORD = re.compile(rf"^{_LETTER}+(?:['’-]{_LETTER}+)*$")
_LONGEST_NAME = 7
_MOST_LETTERS = 120
"""Longer than any name: what is longer is none, and is not kept as one."""
_SHORTEST_NAME = 3
_PARTICLES = frozenset(["de", "da", "do", "das", "dos", "e"])


def tidy_name(raw: str) -> str:
    """A name as it is written on a list: "maria da SILVA" becomes "Maria da Silva"; one well written stays."""
    words = raw.split()
    if raw != raw.lower() and raw != raw.upper():
        return " ".join(words)
    return " ".join(w.lower() if i and w.lower() in _PARTICLES else w.capitalize() for i, w in enumerate(words))


def profile_name(raw: str | None) -> str | None:
    """A name fit for the diary from what a WhatsApp profile shows; None when that is no name ("🌸", "~", "Eu")."""
    words = re.findall(rf"{_LETTER}+(?:['’-]{_LETTER}+)*", raw or "")
    name = " ".join(words[:_LONGEST_NAME])
    return tidy_name(name) if _SHORTEST_NAME <= len(name) <= _MOST_LETTERS else None


def _named_by(pattern: re.Pattern[str], raw: str) -> str | None:
    found = pattern.search(raw)
    name = _NAME_END.sub("", found["name"]).strip() if found else ""
    return tidy_name(name) if 0 < len(name) <= _MOST_LETTERS else None


def name_in(raw: str, *, for_other: bool = False) -> str | None:
    """A patient's name the message gives unasked ("meu nome é …", "em nome de …").

    ``for_other``: the appointment is for somebody else; who writes may say their own name, which is not the patient's.
    """
    spoken_for = without_who_writes(raw)
    for_other, raw = for_other or spoken_for != raw, spoken_for
    theirs = _named_by(_PATIENTS, raw)
    if for_other:
        return theirs or _named_by(_KIN, raw)
    return theirs or _named_by(_OWN, raw)


def without_who_writes(raw: str) -> str:
    """A message without the words in which somebody else says what they are to the patient."""
    return _WHO_WRITES.sub("", raw)


def own_name(raw: str) -> str | None:
    """The name of who writes, where the message gives it ("aqui é a Maria")."""
    return _named_by(_OWN, raw)


def name_answer(raw: str, *, for_other: bool = False) -> str | None:
    """The name in an answer to "what is your name?", or None when it is something else."""
    named = name_in(raw, for_other=for_other)
    if named:
        return named
    raw = _SLIP.sub("", without_who_writes(raw))
    right = _named_by(_PUT_RIGHT, raw)
    if right is not None and len(right.split()) >= _WORDS_OF_A_PART and not _no_name(right.split()):
        return right
    for part in _PARTS.split(_SYMBOLS.sub(" ", raw.strip())):
        words = _NAME_END.sub("", _LEAD.sub("", part.strip())).strip(" .,!;:").split()
        shortest = 1 if part.strip() == raw.strip() else _WORDS_OF_A_PART
        if sum(map(len, words)) + len(words) > _MOST_LETTERS:
            continue
        if shortest <= len(words) <= _LONGEST_NAME and not _no_name(words) and all(_NAME_WORD.match(w) for w in words):
            return tidy_name(" ".join(words))
    return None


def written_as_a_name(raw: str) -> bool:
    """Whether nothing but a name stands there, each word with its capital: "Domingos Terra" is no Sunday."""
    words = raw.strip(" .!").split()
    capitals = [w for w in words if w.lower() not in _PARTICLES]
    return (
        len(capitals) >= _WORDS_OF_A_PART
        and len(raw) <= _MOST_LETTERS
        and all(_NAME_WORD.match(w) for w in words)
        and all(w[0].isupper() and w[1:].islower() for w in capitals)
        and not _no_name(words)
    )


def names_apart(raw: str) -> list[str]:
    """Names that stand by themselves between the marks of a message, or after whom something is for, in order.

    "Quinta às 16h, Iago Benevides, particular"; "marca segunda às 8h pra Ivone Saldanha". Without capitals a common
    first name must begin them. Whose they are is not known here: a professional's is one too.
    """
    found = []
    raw = without_who_writes(raw)
    for part in _PARTS.split(_SYMBOLS.sub(",", _TITLE.sub(" ", raw))):
        bare = _HERE.sub("", _LEAD.sub("", part.strip()).strip(" .,!;:"))
        whole = bare if len(bare) <= _MOST_LETTERS and _is_whole_name(bare) else None
        after = None if whole else _FOR_WHOM.search(part.strip())
        if whole or (after and not _no_name(after["name"].split())):
            found.append(tidy_name(whole or after["name"]))  # type: ignore[index]  # one of them is there
    return found


def _is_whole_name(said: str) -> bool:
    words = said.split()
    small = (
        _WORDS_OF_A_PART <= len(words) <= _LONGEST_NAME
        and fold(words[0]) in FIRST_NAMES
        and words[-1].lower() not in _PARTICLES
        and all(_NAME_WORD.match(word) for word in words)
        and not _no_name(words)
    )
    return small or written_as_a_name(said)


def _no_name(words: list[str]) -> bool:
    """Whether a word stands in no name; "Filho" and the like end one, after two others at least."""
    rest = words[:-1] if len(words) > _WORDS_OF_A_PART and fold(words[-1]) in _LAST_NAMES else words
    return bool({fold(w) for w in rest} & _NO_NAMES)


_TITLE = re.compile(rf"(?i)\b(?:dra?|doutora?)\b\.?(?: {_LETTER}+)*")
"""A professional as they are called."""
_HERE = re.compile(r"(?i) +(?:aqui|falando)$")
_FOR_WHOM = re.compile(
    r"\b(?i:para|pra|pro|em nome d[eao]) (?:[ao] )?"
    rf"(?P<name>[A-ZÀ-Ú]{_LETTER}+(?: (?:d[aeo]s? |e )?[A-ZÀ-Ú][\w'’-]+)+)$"
)
_SYMBOLS = re.compile(r"[^\w\s,;:.!?()'’-]+")
_PARTS = re.compile(r"[,;:.!?\n()\d]+|\s-+\s")
_WORDS_OF_A_PART = 2
_LAST_NAMES = frozenset(["filho", "filha", "neto", "neta", "sobrinho", "sobrinha", "junior"])
_NO_NAMES = frozenset(
    re.findall(
        r"\w+",
        """
        eu mesmo mesma
        quero queria gostaria pode podia posso tem tenho ter qual quanto quando onde como que por para pra pro nao sim
        voce voces vcs meu minha ele ela dele dela depende horario hora consulta exame medico medica doutor doutora sou
        estou esta ta eh ser seria vai vou ir marcar agendar remarcar cancelar hoje amanha segunda terca quarta quinta
        sexta sabado domingo manha tarde noite particular convenio plano obrigado obrigada mas so ja ainda isso esse
        essa outro outra melhor favor preciso precisa nome mesmo mesma aqui mae filho filha bom boa dia tudo bem oi ola
        cpf rg completo idade anos data nascimento telefone email perai pera espera deixa cancela desisto esquece
        semana mes ano passada passado ontem consultei fui fiz foi era faz retorno avaliacao primeira vez nunca sempre
        antes depois agora aqui ali primeiro ultimo ultima verdade valeu beleza falou cade ok okay certo claro combinado
        """,
    )
) | {short for short in map(fold, ABBREVIATIONS) if len(short) > 1 and short not in {"dr", "dra", "dto"}}
"""Words that stand in no name: an answer with one of them is something else."""
