"""Words around a day or a time that say what it is there for: a bound, a refusal, an appointment that stands."""

import re

AFTER = re.compile(r"\b(?:depois d[aeo]s?|apos(?: o| a)?|passando|depois que passar)(?: o| a)? ?$")
FROM = re.compile(r"\b(?:a partir d[aeo]s?|desde)(?: o| a)? ?$")
UNTIL = re.compile(r"\b(?:ate|no maximo(?: ate)?)(?: n?[oa])? ?$")
BEFORE = re.compile(r"\bantes d[aeo]s?(?: o| a)? ?$")
WEEK_OF = re.compile(r"\bsemana d[aeo]s? ?$")
RULED_OUT = re.compile(
    r"\b(?:nao (?:vou )?(?:posso|consigo|poderei|poder(?:ei)?|conseguir|da|dara|quero|pode(?: ser)?|serve|"
    r"tenho como|vai dar|rola)"
    r"(?: (?:mais|ir|comparecer|vir|fazer|estar|marcar|para))*|nao vou(?: mais| poder| conseguir)*(?: ir|"
    r" comparecer)?|menos|exceto|tirando|sem ser|nao|nem)"
    r" ?(?:n?[ao]s?|em|de|da|do|para|as|a)? ?(?:dia )?$"
)
INSTEAD_OF = re.compile(r"\b(?:em vez|ao inves|no lugar)(?: d[aeo]s?)?(?: dia)? ?$")
"""Before what is to be given up for another day or hour ("sábado em vez de quinta")."""
RULED_OUT_AFTER = re.compile(
    r"^(?: de manha| a tarde| a noite)?,? (?:eu )?(?:ja )?nao (?:da\b|posso|consigo|vai dar|vou poder|"
    r"vou conseguir|serve|pode|rola|dara|vou|quero|tenho)"
    r"|^,? nao(?:$|[,.!])(?! e\b)"
    r"|^ (?:ja )?(?:deu (?:ruim|errado)|complicou|(?:esta|fica|ficou) (?:muito |bem |meio )?(?:ruim|dificil|corrid\w+|"
    r"complicad\w+|apertad\w+|impossivel))\b"
)
CANNOT_AFTER = re.compile(
    r"^(?: de manha| a tarde| a noite)?,? (?:eu )?(?:ja )?nao (?:da\b|posso|consigo|vai dar|vou poder|vou conseguir|"
    r"serve|rola|dara)"
)
"""Said of a list of days it rules all of them out ("quarta e quinta não dá"); a bare "não" only the last."""
ALSO_RULED_OUT = re.compile(r"^\s*,?\s*(?:e|ou|nem)(?: (?:n?[ao]s?|em|de|d[ao]|para|dia))*\s*$")
"""Between a day that is ruled out and another that is, too ("menos quarta e quinta")."""
LIST_RULED_OUT = re.compile(r"\b(?:menos|exceto|tirando|sem ser|nem) ?(?:n?[ao]s?|em|de|da|do|para|as|a)? ?(?:dia )?$")
"""Words after which a list is ruled out, commas and all."""
WORKS_AFTER = re.compile(r"^,? (?:a[ti]e? |eu )?(?:posso|pode|podemos|da\b|consigo|tem|serve|sim|esta|quero|prefiro)")
STANDING = re.compile(
    r"\b(?:(?:consulta|exame|retorno|horario|agendamento|sessao|avaliacao|reserva|"
    r"hora)(?: [a-z]+){0,4}?,? (?:d[aeo]s?|que (?:tenho|era|seria|esta|estava|e|ficou)(?: [a-z]+){0,3}?)"
    r"|(?:marcad[oa]|agendad[oa]|marquei|agendei|estava|tenho|era|tinha)(?: [a-z]+){0,3}? ?(?:para|n[ao]|"
    r"em|as|d[aeo])?|a d[aeo]|o d[aeo])(?: o| a)?(?: dia)? ?$"
    r"|\b(?:minha|meu)(?: (?:consulta|exame|retorno|horario|agendamento|sessao|avaliacao|limpeza|cirurgia|vez)"
    r"(?: (?:d[aeo]|com)(?: [a-z]+){1,3}?)?)? (?:e|era|esta|estava|ficou|foi)(?: (?:marcad[oa]|agendad[oa]))?"
    r"(?: (?:para|n[ao]|em|as))?(?: dia)? ?$"
)
WISHED = re.compile(
    r"\b(?:para|na|no|em|pode ser|seria|marcar|agendar|quero|queria|tem|que tal|prefiro|melhor|consigo|"
    r"posso|as)(?: o| a)? ?$"
)
CORRECTION = re.compile(
    r"\b(?:na verdade|alias|melhor|digo|ops|quer dizer|mudei de ideia|pensando bem|desculpa|nao, |me enganei|errei)\b"
)
APPOSED = re.compile(r"^[\s,(:#-]*(?:(?:que )?(?:e|cai|vai ser|sera)(?: n?[ao]| uma)? ?|n[ao] )?[\s,(]*$")
LISTED = re.compile(
    r"^\s*,?\s*(?:e|ou|,|ou entao|ou senao|, ou|, e)(?: (?:n?[ao]|para|em|de|d[ao]|as|talvez|ate|quem sabe))*\s*$"
)
OR = re.compile(r"\bou\b")
UP_TO = re.compile(r"^ ?(?:a|ate|ate a|ate o|ao|e|e a|e o|ate as) ?$")
MOVES_TO = re.compile(r"^[^.;?!]{0,40}?\bpara(?: a| o| as)?(?: dia)? ?$")
OTHERWISE = re.compile(
    r"[\s,.;]*\b(?:(?:e |ou )?(?:(?:se|caso) (?:(?:ai|la|nesse dia|esse dia) )?nao (?:tiver|tenha|der|de|houver|haja|"
    r"puder|possa|rolar|conseguir|estiver|for possivel)(?: (?:nada|mais|vaga|horario|livre|nesse dia|esse dia|certo|"
    r"jeito|para|ser|marcar))*|se nao|senao))\b[\s,:]*"
)
"""What follows would do where what stands before is not to be had."""
COMING = re.compile(r"^\s*(?:eu )?(?:ir|vir|comparecer|chegar)\b")
"""What follows "se não puder" where an appointment stands already."""
INSTEAD = re.compile(
    r"[,;]|\b(?:pode(?:m|ria)?(?: ser| marcar| por)?|serve|entao|ai|quero|queria|marca|coloca|tenta|ve|fica|seria|"
    r"prefiro|vamos de|vou de)\b"
)
"""Between what is not to be had, perhaps, and what would do in its place ("se não tiver sexta pode ser segunda")."""
