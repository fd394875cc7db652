"""Whom a message means: one of the clinic's professionals, several of a name, or somebody who does not work here."""

import re

from atendeai.domain.dialogue.clinic import Clinic, Professional
from atendeai.domain.understanding import entities
from atendeai.domain.understanding.lexicon import KNOWN
from atendeai.domain.understanding.normalise import Text, fold, normalise
from atendeai.domain.understanding.spelling import distance

_TITLES = frozenset(["dr", "dra", "doutor", "doutora", "a", "o"])
_TITLE_AT = re.compile(r"\bdra?\b")
_THEIRS = "dra?|doutora?|com|pel[ao]|d[ao]|a|o|prefiro|quero|ver|agenda"
_TITLED = re.compile(
    r"\b(?P<title>dr\(a\)|dra|dr|doutora|doutor|professora?|fisioterapeuta|psicolog[oa]|nutricionista)\b\.? ?"
    r"(?P<first>[a-z]{3,})(?P<rest>(?: (?:d[aeo]s? )?[a-z]+)?)"
)
_BARE = re.compile(r"\bcom (?:[ao] )(?P<first>[a-z]{3,})\b")
_ASKED_FOR = re.compile(
    r"\b(?:com|pel[ao]|para|d[ao]|agenda|prefiro|quero|queria|ver|tem|e|ser|seria|so|passar|trocar)(?: (?:um |"
    r"uma )?[oa])?\W*$"
)
"""Before a name: it is wished for."""
_AT_WORK = re.compile(
    r"^[^.!?]{0,12}?\b(?:atend\w*|trabalh\w*|consulta\b|esta\b|ainda\b|vem\b|tem\b|continua\b|saiu\b|e dai\b|"
    r"e da clinica\b)"
)
"""After a name: it is asked whether they see patients here."""
_ELSEWHERE = re.compile(
    r"\b(?:indic\w+|encaminh\w+|pedid[oa]|guia|receita|paciente|laudo|carta|solicit\w+|amig[oa]|filh[oa]|"
    r"conhecid[oa]|nome) "
    r"(?:medic[oa] )?(?:d[ao]|pel[ao]|feit[oa] pel[ao])\W*$"
)
_REFERS = re.compile(
    r"^[^.!?]{0,12}?\b(?:me |nos |lhe )?(?:pediu|mandou|indicou|encaminhou|receitou|solicitou|passou|falou|disse|"
    r"recomendou|"
    r"operou|acompanha|orientou|prescreveu|quer que)\b"
)
"""A doctor elsewhere who sent the patient."""
_WORKS_HERE = re.compile(
    r"\b(?:atend\w*|trabalh\w*|consulta|esta|continua|fica)\b[^.!?]{0,15}\b(?:ai|aqui|n[ao] clinica|nessa clinica|"
    r"com voces|ainda)\b|\bainda (?:atend|trabalh|esta|consulta)\w*|^\W*(?:[a-z]+\W+){0,3}(?:tem|"
    r"e ai que atende) (?:[ao] )?"
    r"(?:dra?|doutora?)\b\.? \w+(?: \w+)? ?\?|\b(?:dra?|doutora?)\b\.? \w+(?: \w+)? (?:e dai|e d[ae] clinica|"
    r"(?:atende|trabalha)\W*$)"
)
_WHEN_OR_WANTED = re.compile(
    r"\b(?:quais|qual|quantos|que (?:dias?|horas?|horario)|quando|horarios?|quer\w*|gostaria|preciso|marc\w+|"
    r"agend\w+|passar com)\b"
)
_SENTENCE = re.compile(r"[!?;\n,]+|(?<!\bdr)(?<!\bdra)\.|\b(?:mas|agora)\b")
_HABIT = re.compile(
    r"\b(?:ja|sempre|costum\w+|antes|ate hoje)\b[^,]*\b(?:faco|fazia|fiz|sou|era|pass\w+|consult\w+|trat\w+|vou|fui|"
    r"atend\w+|acompanh\w+)\b|\b(?:faco|fazia|sou paciente|me (?:atend\w+|acompanh\w+|trat\w+))\b"
)
"""Whom the patient sees, or saw, is told, and not wished for."""
_FAMILY = re.compile(r"^,? (?:minha|meu|que e (?:minha|meu))\b")
_PLACES = frozenset(
    ["rua", "avenida", "bairro", "vila", "jardim", "parque", "shopping", "hospital", "clinica", "unidade"]
)
_MISSPELT = 1
_LEAST = 4
_NO_NAMES = frozenset(
    re.findall(
        r"\w+",
        """
        amanha hoje depois agora antes segunda terca quarta quinta sexta sabado domingo dia semana mes favor por
        para pra que com sem mas nao sim bom boa tarde noite manha oi ola ele ela dele dela voce voces gente
        medico medica doutor doutora mulher homem especialista melhor mesmo mesma outro outra qualquer algum
        alguma disponivel plantao clinica clinico consulta exame retorno horario convenio plano particular
        urgente urgencia seja seria pode poderia tem tenho esta estou qual quem quanto preco valor atende
        atendeu atendente recepcao secretaria minha meu meus minhas nossa nosso filho filha mae pai marido
        esposa certo obrigado obrigada aqui ali ainda sobre novo nova primeira primeiro ultima ultimo gerente
        dono dona responsavel equipe pessoa alguem cardiologista pediatra dentista enfermeira enfermeiro tambem talvez
        """,
    )
)
FIRST_NAMES = frozenset(
    re.findall(
        r"\w+",
        """
        maria jose ana joao antonio francisco carlos paulo pedro lucas luiz luis marcos gabriel rafael daniel
        marcelo bruno eduardo felipe raimundo rodrigo manoel mateus matheus andre fernando fabio leonardo
        gustavo guilherme leandro tiago thiago anderson ricardo marcio jorge sebastiao alexandre roberto edson
        diego vitor victor sergio claudio luciano adriana juliana marcia fernanda patricia aline sandra camila
        amanda bruna jessica leticia julia luciana vanessa mariana gabriela vera larissa claudia beatriz rita
        luana sonia renata eliane josefa simone natalia cristiane carla debora rosangela jaqueline rosa daniela
        aparecida marlene terezinha raimunda andreia fabiana lucia raquel angela rafaela joana luzia elaine
        daniele livia helena alice laura sofia isabela isabel heloisa valentina manuela lorena marina cecilia
        clara teresa tereza paula priscila tatiana monica silvia regina cristina viviane flavia michele karina
        miguel arthur davi bernardo samuel henrique otavio murilo caio igor renato rogerio mauricio cesar hugo
        augusto vinicius danilo alberto gilberto geraldo mario nelson osvaldo wagner wilson walter valdir ivan
        milton moacir nivaldo joaquim benedito domingos elisa ester fatima graca ines irene ivone lidia lilian
        lourdes madalena marta miriam mirian nair neusa olga rebeca roberta rosana sabrina sara solange suzana
        bia duda gabi rafa leo theo teo gael noah ravi benicio lorenzo benjamin pietro anthony caua kaua breno yuri
        isis malu lara maite eloa antonella agatha nicolly emilly pietra olivia milena rebecca
        talita thais tania valeria vitoria yasmin eunice denise elza estela evelyn giovanna gisele heitor enzo
        emanuel erica erick everton frederico hilda jair joel julio junior kelly kleber lauro leila levi lia
        lucio luisa luiza marcel marcela marcelino mauro nathalia nicole norma oscar orlando osmar ramon
        reinaldo ronaldo rubens ruth saulo stefany silvio stella tadeu telma ulisses
        """,
    )
)
"""Common first names in Brazil (IBGE, census of names): written small after a title, they are names all the same."""


def is_first_name(word: str) -> bool:
    """Whether a folded word is a common first name."""
    return word in FIRST_NAMES


def is_no_name(word: str) -> bool:
    """Whether a folded word is surely nobody's name."""
    return word in _NO_NAMES


def is_nobodys(clinic: Clinic, name: str) -> bool:
    """Whether what is written like a patient's name is one of the clinic's own, or of a plan, or of a place."""
    norm, words = fold(name), fold(name).split()
    return bool(
        clinic.names.vocabulary().issuperset(words)
        or named(clinic, norm)
        or entities.services_named(norm)
        or entities.match(norm, {s.code: s.name for s in clinic.services})
        or entities.plans(normalise(name), clinic.insurance)
        or not _PLACES.isdisjoint(words)
    )


def named(clinic: Clinic, said: str) -> list[str]:
    """The codes of those whose name stands in ``said``."""
    return entities.match(said, {p.code: p.name for p in clinic.professionals}, exact=True)


def without_habits(clinic: Clinic, said: str) -> str:
    """What is said besides whom the patient sees already, where somebody else is named too.

    "Já faço pilates com a Bianca. Agora quero fisioterapia com o Renan" wishes for Renan.
    """
    parts = _SENTENCE.split(said)
    left = [part for part in parts if not (_HABIT.search(part) and named(clinic, part))]
    rest = " , ".join(left)
    return rest if len(left) < len(parts) and named(clinic, rest) else said


def meant(clinic: Clinic, said: str) -> str | None:
    """The code of the one whom ``said`` speaks of."""
    found = named(clinic, said)
    only = found[0] if len(found) == 1 else None
    return only if only and speaks_of(said, clinic.professional(only)) else None


def bearers(clinic: Clinic, said: str) -> list[str]:
    """Of several who bear the name that was said, those who may be meant: the title may tell them apart."""
    spoken = [p for c in named(clinic, said) if (p := clinic.professional(c)) and speaks_of(said, p)]
    title = _TITLE_AT.search(said)
    titled = [p for p in spoken if title and fold(p.name).split()[0].strip(".") == title[0].strip(".")]
    return [p.code for p in titled or spoken]


def speaks_of(norm: str, who: Professional | None) -> bool:
    """Whether a professional's name stands there as theirs: "com a Ana", "dra. Ana", or nothing but the name."""
    if who is None:
        return False
    names = _names(who)
    words = [w for w in re.findall(r"[a-z]+", norm) if w not in _TITLES]
    spelled = "|".join(map(re.escape, names))
    return set(words) <= set(names) or bool(re.search(rf"\b(?:{_THEIRS})\.? (?:a |o )?(?:{spelled})\b", norm))


def misspelt(clinic: Clinic, text: Text) -> str | None:
    """The code of the one whose name has a slip in it ("dra fernada"); None where it fits nobody, or several."""
    found = _TITLED.search(text.norm)
    if found is None or len(found["first"]) < _LEAST:
        return None
    title = _title(found["title"])
    near = [
        p.code
        for p in clinic.professionals
        if title in {"", _title(fold(p.name).split()[0])}
        and any(len(n) >= _LEAST and distance(found["first"], n, _MISSPELT) <= _MISSPELT for n in _names(p))
    ]
    return near[0] if len(near) == 1 else None


def stranger(clinic: Clinic, text: Text, patient: str | None = None) -> str | None:
    """The name of somebody who is wished for and does not work here ("Dr. Pedro"); None when there is none.

    A doctor elsewhere who only sent the patient ("o Dr. Pedro pediu um eletro") is none, and neither is the patient,
    whose name may stand in the same message.
    """
    own = fold(patient or "")
    if named(clinic, text.norm.replace(own, " ") if own else text.norm) or misspelt(clinic, text):
        return None
    for pattern in (_TITLED, _BARE):
        for found in pattern.finditer(text.norm):
            name = _written(text, found, titled=pattern is _TITLED)
            if name is not None and found["first"] not in own.split() and _wished_for(text.norm, found):
                return name
    return None


def asked_about(clinic: Clinic, text: Text) -> tuple[Professional | None, str | None]:
    """Of whom the message asks whether they work here: one of the clinic's, or a stranger's name, or nobody."""
    if not _WORKS_HERE.search(text.norm) or _WHEN_OR_WANTED.search(text.norm):
        return None, None
    own = clinic.professional(meant(clinic, text.norm) or misspelt(clinic, text))
    return own, None if own else stranger(clinic, text)


def _names(who: Professional) -> list[str]:
    return [w for w in re.findall(r"[a-z]+", fold(who.name)) if w not in _TITLES]


def _title(word: str) -> str:
    """``dra`` or ``dr``, or nothing where the word tells neither."""
    bare = word.strip(".")
    return "dra" if bare in {"dra", "doutora"} else "dr" if bare in {"dr", "doutor"} else ""


def _wished_for(norm: str, found: re.Match[str]) -> bool:
    before, after = norm[: found.start()], norm[found.end("first") :]
    if _ELSEWHERE.search(before) or _REFERS.search(after) or _FAMILY.match(after):
        return False
    alone = not re.search(r"[a-z]{3,}", before + after)
    return (
        alone
        or bool(_ASKED_FOR.search(f"{before}{'com ' if found[0].startswith('com ') else ''}"))
        or bool(_AT_WORK.search(after))
    )


def _written(text: Text, found: re.Match[str], *, titled: bool) -> str | None:
    """The name as it is written to the patient: "dr pedro" becomes "Dr. Pedro"; None when it is no name."""
    first = found["first"]
    surface = text.surface(found.start("first"), found.end("first"))
    capital = surface[:1].isupper() and not text.raw.isupper()
    known = first in FIRST_NAMES
    if first in _NO_NAMES or not (known or (capital and (titled or first not in KNOWN))):
        return None
    if not titled:
        return surface if capital else None
    rest = found["rest"].strip()
    last = text.surface(found.start("rest"), found.end("rest")) if rest else ""
    words = [
        surface,
        *(last.split() if last.split() and last.split()[-1][:1].isupper() and not text.raw.isupper() else ()),
    ]
    title = {"dra": "Dra.", "dr": "Dr."}.get(_title(found["title"]), found["title"].capitalize())
    return " ".join([title, *(w if w[:1].isupper() and not w.isupper() else w.capitalize() for w in words)])
