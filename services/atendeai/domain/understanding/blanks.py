"""What looks like a day or a time and is none, so that nothing is read into it."""

import re

from atendeai.domain.understanding.numbers import NUMBER

_WEEKDAYS = r"(?:segunda|terca|quarta|quinta|sexta|sabado|domingo)(?:[ -]?feira)?"
_MONTHS = r"(?:janeiro|fevereiro|marco|abril|maio|junho|julho|agosto|setembro|outubro|novembro|dezembro)"
_FEASTS = r"(?:sao joao|carnaval|pascoa|natal|ano novo|reveillon|feriado|finados|tiradentes|copa|ferias)"
_HAPPENED = (
    r"(?:torci|torceu|machuque\w*|machucou|bati|bateu|quebrei|quebrou|comecei|comecou|senti|sentiu|acordei|acordou|"
    r"dormi|dormiu|tossiu|vomit(?:ei|ou)|passei mal|passou mal|operei|operou|terminei|terminou|separei|nasceu|nasci|"
    r"viajei|apareceu|notei|inflamou|inchou|doeu|piorou|piorei|melhorou|melhorei|estive|fraturei|cortei|"
    r"fiz (?:exames?|cirurgia|uma cirurgia|o exame|esse exame))"
)
"""Of what has happened: a day beside it lies in the past."""
_NO_WISH = r"(?!(?:e|mas|quer\w*|marc\w+|agend\w+|consulta|tem|preciso|pode|posso|gostaria|para|da)\b)"
_ITS_DAY = (
    rf"(?:(?:n?[oa]|d[eoa]|em) )?(?:ultim[oa] )?(?:{_WEEKDAYS}|(?:em |n[oa]s? |durante [oa]s? )(?:{_MONTHS}|{_FEASTS}))"
    r"(?: (?:de |a |pela )(?:manha|tarde|noite))?\b"
)

# What looks like a day or a time and is none: greetings, habits, the past, ordinals, measures, telephone numbers.
BLANKS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(p)
    for p in (
        r"\b(?:rua|avenida|av|praca|travessa|alameda|rodovia)\.? (?:d[aeo]s? )?\d[^,.;?!]{0,25}",
        r"\b(?:nasc\w+|aniversario)\b[^.;?!]{0,25}?\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}",
        (
            r"\b(?:bom|boa|otim[oa]|excelente) (?:dia|tarde|noite|semana|(?:fim|final) de semana|feriado|natal|"
            r"ano novo)\b"
        ),
        rf"\b{_HAPPENED}\b(?: {_NO_WISH}\w+){{0,6}} {_ITS_DAY}",
        (
            rf"\bdesde (?:[oa] )?(?:ultim[oa] |(?:fim|comeco|inicio|meio) d[eo] )?(?:{_WEEKDAYS}|{_MONTHS}|"
            rf"{_FEASTS}|cedo)"
            r"(?: (?:de |a |pela )?(?:manha|tarde|noite|cedo)| passad[oa]| d[eo] \d{4})?\b"
        ),
        (
            r"\b(?:pass(?:ei|ou|a|amos)|vir(?:ei|ou|a)) (?:[ao]s? |tod[ao] [ao]s? )?(?:noite|madrugada|manha|tarde)s?\b"
            r"(?! (?:para|pro)\b)|\b(?:[ao]|ess[ae]|est[ae]) (?:noite|madrugada|manha|tarde|dia) (?:tod[ao]|"
            r"inteir[ao])\b"
        ),
        (
            r"\b(?:(?:bot|coloc|mud|pass|jog|troc)\w+ (?:me |eu |el[ea] )?(?:n?[oa] |d[oe] |para [oa] )?|"
            r"trabalh\w+ n?[oa]? ?)"
            r"turno d[aeo] (?:manha|tarde|noite)\b"
        ),
        rf"\b(?:estou|esta|to|ta|ela|eu) com {NUMBER} (?:semanas|meses|dias)\b",
        rf"\b(?:fui|foi|fomos|atendid[oa]s?|sai|saiu) (?:\w+ )?em {NUMBER} ?(?:minutos?|min|horas?|h)\b",
        (
            rf"\b(?:(?:logo )?(?:depois|apos)|antes) d[oe] (?:feriado(?: d[aeo] \w+)?|{_FEASTS}),? "
            r"(?=(?:n[oa] )?(?:\w+,? )?dia \d)"
        ),
        r"\bdia a dia\b|\bate (?:amanha|logo|breve|mais)[!.]*$|\bmais tarde\b",
        (
            r"\b(?:segunda|2a)s?(?:[ -]?feiras?)? (?:a|ate|ate a) (?:sexta|sabado|domingo|"
            r"6a)s?(?:[ -]?feiras?)?\b"
        ),
        (
            r"\b(?:tod[oa]s? )(?:(?:as?|os?) )?(?:segunda|terca|quarta|quinta|sexta|sabado|domingo|dia|semana|mes|"
            r"ano)s?(?:[ -]?feiras?)?\b"
        ),
        (
            r"\b(?:segundas|tercas|quartas|quintas|sextas|sabados|domingos)(?:[ -]?feiras?)?\b|\b(?:segunda|terca|"
            r"quarta|quinta|sexta)[ -]feiras\b"
        ),
        (
            r"\b(?:segunda|quarta|quinta|sexta|[2-6]a) (?:vez|via|opiniao|dose|parcela|etapa|aplicacao|basica|"
            r"serie|filha|gestacao|gravidez|tentativa|mao)\b"
        ),
        (
            r"\b(?:minha|uma|pela) (?:segunda|terceira|quarta|quinta|sexta) (?:consulta|sessao|visita)\b|"
            r"\bem segundo lugar\b"
        ),
        (
            r"\b(?:segunda|terca|quarta|quinta|sexta|sabado|domingo|semana|mes|ano)(?:[ -]?feira)? (?:passad[oa]|"
            r"retrasad[oa]|anterior)\b"
        ),
        r"\b(?:ontem|anteontem)(?: (?:de |a )?(?:manha|tarde|noite))?\b|\boutro dia\b|\bdia desses\b",
        (
            rf"\b(?:ha|faz|a mais de|ha mais de|fazem|por|durante|dura|duram|duracao de|jejum de|a cada|"
            rf"tem) (?:uns |umas |cerca de )?{NUMBER}\s?(?:h|hs|hrs?|horas?|dias?|minutos?|min|semanas?|"
            rf"mes(?:es)?)\b"
        ),
        (
            rf"{NUMBER}\s?(?:horas?|dias?|semanas?|mes(?:es)?|anos?) (?:atras|de (?:jejum|duracao|vida|idade|"
            rf"repouso|atestado|febre|dor|antecedencia))\b"
        ),
        (
            r"\b(?:cancel|desmarc|desmarqu)\w* (?:por favor,? |entao |ja |tambem )?[ao]s (?:duas|dois|tres)\b"
            r"(?! (?:horas?|h|hs|e meia|e \d|da (?:tarde|manha|madrugada))\b)"
        ),
        r"\b(?:consultas?|sessao|sessoes|exame|procedimento) de (?:1|2|3|uma|duas|tres|meia) horas?\b",
        (
            rf"\b(?:esper(?:ei|amos|ando|o)|aguard(?:ei|amos|ando)|plantad[oa]s?|mofando|sentad[oa]s?|fiquei|ficamos|"
            rf"passei|demorou|demoraram|levou|atrasou) (?:la |ai |"
            rf"mais de |quase |"
            rf"umas? |cerca de |por )*{NUMBER}\s?(?:h|hs|hrs?|horas?|minutos?|min|dias?)\b"
        ),
        (
            rf"\bde {NUMBER} em {NUMBER}\b(?: horas| dias)?|\batestado de {NUMBER} dias?\b|\b24 ?(?:h|hs|hrs|"
            rf"horas)\b|\b24/7\b"
        ),
        r"\bpress(?:ao|ure)\b[^.;?!]{0,25}?\d{1,2}\s*(?:/|por|x)\s*\d{1,2}|\b\d{1,3} por \d{1,3}\b",
        (
            r"\(?\b\d{2}\)?[ -]?9?\d{4}[- ]\d{4}\b|\b\d{3}\.\d{3}\.\d{3}-?\d{2}\b|\b\d{5,}\b|"
            r"\br\$ ?\d+(?:[.,]\d+)*|\b\d+(?:[.,]\d+)? ?(?:reais|real|kg|quilos|anos|mg|ml|cm|%)"
        ),
    )
)


_WISHED_PAST = re.compile(
    r"\b(?:re)?(?:marcar|agendar|marca|agenda|marque|agende)(?: (?:uma? |a |o |minha |meu )?(?:consulta|horario|exame|"
    r"retorno|sessao))?(?: (?:para|pra))? (?P<day>(?:ante)?ontem)\b"
)
"""A day that has gone by, asked for: no story of it."""


_CLOCK = r"\d{1,2}(?:h\d{2}| ?(?:h|hs|hrs|horas)\b|:\d{2})?"
_WILL_NOT_DO = (
    r"(?:e|eh|fica|ta|esta) (?:muito |meio |bem )?(?:apertad[oa]|cedo|tarde|ruim|complicado|dificil|puxado|corrido)"
)
_BUSY_AT = (
    r"(?:eu )?(?:entro|saio|largo|pego|bato ponto|trabalho|treino|tenho (?:aula|reuniao|compromisso|prova|medico))"
    r"(?: [a-z]+){0,3} as"
)
_NOT_THAT_HOUR = re.compile(
    rf"(?P<said>(?<!dia )\b{_CLOCK}[,.;]? (?:[^,.;?!\d]{{0,20}}[,.;] )?(?:porque |que |pois )?)"
    rf"(?P<other>(?:as )?{_CLOCK} {_WILL_NOT_DO}\b|{_BUSY_AT} {_CLOCK})"
)
"""Of two hours the one that will not do, or that something else is at: "13h, 12h é apertado", "13h, eu entro às 14"."""


def _hidden(match: re.Match[str]) -> str:
    return match["said"] + "#" * len(match["other"])


def blanked(text: str) -> str:
    """``text`` with what must not be taken for a day or a time made unreadable, every other character in its place."""
    text = _NOT_THAT_HOUR.sub(_hidden, text)
    wished = {m.start("day") for m in _WISHED_PAST.finditer(text)}
    for pattern in BLANKS:
        text = pattern.sub(lambda m: m.group() if m.start() in wished else "#" * len(m.group()), text)
    return text
