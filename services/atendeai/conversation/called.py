"""Names given away by where they stand: "pra sofia", "é para o joao", "a consulta do pedro"; pure, on folded text.

After "para" also stands what is wished for, when, and what hurts. A word is a name there unless it is one of everyday
language: of the lists here, of the endings that names do not have, or of the words that the attendant was taught with.
First names that are among the most common ones in Brazil are names even so, and after other small words, too.
"""

import re
from collections.abc import Collection, Iterator
from functools import lru_cache

from atendeai.domain.dialogue.people import FIRST_NAMES
from atendeai.domain.understanding.entities import find
from atendeai.domain.understanding.lexicon import ABBREVIATIONS
from atendeai.domain.understanding.model import trained
from atendeai.domain.understanding.normalise import normalise

_ALSO_WORDS = frozenset(["clara", "domingos", "graca", "lia", "norma", "rosa"])
"""First names that are words of everyday language as well: where they stand does not tell."""
_COMMON = (FIRST_NAMES - _ALSO_WORDS) | frozenset(
    re.findall(
        r"\w+",
        """
        adriano agatha alan alana alex alicia antonella antonia armando artur ayla barbara benjamin beto
        bia bianca breno carolina catarina chico cida clarice cristiano denis diana douglas duda dudu
        edna eduarda elias eloa emanuele emilia esther eva flavio francisca gael graziela guga helio
        ingrid isaac isabella isadora isis janaina jefferson joaozinho jonas josue joyce juliano kaua
        kaue laercio lais lara lena lorenzo luan lulu lurdes magda maite malu margarida melissa messias
        milena mirela morgana nando neide nicolas nilton nina noah noemi olivia paola pedrinho pietra
        raul ravi reginaldo renan ruan samara sarah silvana sophia suelen tais teo thalita theo tomas
        tonho valter vanderlei veronica vicente vivian wellington wesley yuri zeca zelia zuleica
        """,
    )
)
_SURNAMES = frozenset(
    re.findall(
        r"\w+",
        """
        silva santos oliveira souza sousa rodrigues ferreira alves pereira lima gomes costa ribeiro martins
        carvalho almeida lopes soares fernandes vieira barbosa rocha dias nascimento andrade moreira nunes
        marques machado mendes freitas cardoso ramos goncalves santana teixeira araujo cavalcanti correia castro
        campos moraes morais melo borges pinto cunha reis monteiro batista moura medeiros pires azevedo barros
        farias coelho tavares peixoto prado braga neto leite
        """,
    )
)
"""After a first name these are part of it."""
_EVERYDAY = frozenset(
    re.findall(
        r"\w+",
        """
        la ca aqui ali hoje amanha ontem agora logo breve ja nada tudo todos todas todo toda isso isto aquilo
        esse essa este esta aquele aquela qual quais quando onde quem que mim voce voces ele ela eles elas nos
        gente pessoa pessoal alguem ninguem ambos ambas dois duas tres outro outra outros outras mesmo mesma
        proprio propria cada qualquer frente tras cima baixo dentro fora longe perto sempre nunca depois antes
        cedo tarde noite manha meio fim final inicio comeco proximo proxima fazer saber ver ter ser ir por casa
        trabalho escola clinica consultorio medico medica doutor doutora dr dra enfermeira enfermeiro dentista
        pediatra clinico geral especialista secretaria recepcao atendente fisio derma cardio gineco endocrino
        otorrino nutri psico consulta exame retorno avaliacao limpeza sessao vacina cirurgia procedimento plano
        convenio particular adulto adultos crianca criancas bebe bebes idoso idosa idosos menino menina menor
        gestante gravida casal familia filho filha mae pai avo marido mulher esposa esposo irmao irma neto neta
        tio tia primo prima sogro sogra amigo amiga namorado namorada noivo noiva cunhado cunhada sobrinho
        sobrinha enteado enteada vizinho vizinha colega patrao chefe funcionario funcionaria diarista baba
        cuidador cuidadora cachorro gato dor dores coluna joelho ombro pe pes mao maos pele unha unhas cabelo
        rosto olho olhos boca dente dentes gengiva canal siso aparelho protese coroa faceta lente lentes bexiga
        rim rins figado estomago barriga utero ovario mama mamas seio prostata pulmao coracao cabeca nariz
        ouvido garganta tireoide cisto nodulo verruga mancha manchas pinta pintas espinha espinhas acne ruga
        rugas cicatriz estria micose queda calvicie ronco sono insonia ansiedade depressao estresse tdah autismo
        refluxo gastrite azia catarata glaucoma miopia grau oculos hernia varizes fratura torcao entorse
        tendinite artrose artrite hipertensao pressao diabetes colesterol anemia febre gripe tosse sinusite
        rinite asma bronquite virose dengue covid infeccao urina fezes sangue raio raiox laudo atestado receita
        resultado perfil hemograma glicose lipo botox laser luz jejum emagrecer perder dieta esporte academia
        natacao concurso emprego admissao carteira processo pericia inss janeiro fevereiro marco abril maio
        junho julho agosto setembro outubro novembro dezembro natal carnaval pascoa viagem festa casamento
        pagamento pix cartao boleto nota recibo orcamento duvida informacao favor anteontem
        """,
    )
)
_ENDINGS = re.compile(
    r"(?:[aei]r|cao|coes|sao|soes|mento|mentos|dade|agem|ista|istas|ite|ose|oma|grama|scopia|terapia|grafia|logia|logo|"
    r"loga|metria|iatra|iatria|ura|encia|ivel|avel|ivo|iva|ico|ica|oso|osa|ado|ada|ido|ida|eiro|eira|ante|ente|mente|"
    r"ncia|eza|ismo|s)$"
)
"""Of verbs, acts, illnesses, trades and of more than one: no name ends so but for common ones."""
_WORD = r"[a-z][a-z'’-]+"
_TITLE = r"(?:(?:dona|seu|senhora?|sra?|paciente|menin[oa]|pequen[oa]|vo|ti[oa]) )?"
_WHOM = rf"{_TITLE}(?P<name>{_WORD}(?: (?:d[aeo]s? )?{_WORD}){{0,4}})"
_FOR = re.compile(rf"\b(?:para|pra|pro|p/|p)(?: [oa])?,? {_WHOM}")
_NAMED = re.compile(rf"\b(?:(?:se )?cham(?:a|ado|ada|o)(?: (?:se|de))?|apelido (?:e|de)) {_WHOM}")
_BESIDE = re.compile(rf"\b(?:d[aoe]|n[ao]|com|e|eh|sou|[oa]|aqui) {_WHOM}")
"""Small words beside which only a common name is one: "consulta do pedro", "sou joana", "o miguel nao vai"."""


def names(folded: str, *, no_names: Collection[str]) -> Iterator[str]:
    """The names that stand in a folded text. ``no_names``: words that are none, the clinic's own among them."""
    for pattern, sure in ((_FOR, False), (_NAMED, False), (_BESIDE, True)):
        at = 0
        while (match := pattern.search(folded, at)) is not None:
            name = _name(match["name"], sure=sure, no_names=no_names)
            at = match.start("name") if name is None else match.start("name") + len(name)
            if name is not None:
                yield name


def _name(said: str, *, sure: bool, no_names: Collection[str]) -> str | None:
    """As much of the words as is a name; None where the first of them is none."""
    first, *others = said.split()
    common = first in _COMMON and first not in no_names
    if not common and (sure or first in no_names or _everyday(first)):
        return None
    kept = [first]
    for word in others:
        if word in no_names or (word not in _IN_A_NAME and _everyday(word)):
            break
        kept.append(word)
    while kept[-1] in _PARTICLES:
        kept.pop()
    return " ".join(kept)


_PARTICLES = frozenset(["da", "das", "de", "do", "dos"])
_IN_A_NAME = _COMMON | _SURNAMES | _PARTICLES


@lru_cache(maxsize=4096)
def _everyday(word: str) -> bool:
    """Whether a word is one of everyday language, and no name unless it is a common one."""
    taught = trained()
    return (
        word in _EVERYDAY
        or word in ABBREVIATIONS
        or bool(_ENDINGS.search(word))
        or (taught is not None and taught.knows(word))
        or find(normalise(word)).service is not None
    )
