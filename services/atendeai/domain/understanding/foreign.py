"""What is no business of a clinic's front desk: attempts to turn the attendant, advertising, small talk, strangers.

Without these signs a question about anything at all ("quanto tá o dólar?") would look like one about the clinic.
"""

import re

_TURNING = re.compile(
    r"\b(?:ignor(?:e|a|ar|em) (?:\w+ ){0,3}(?:instruc\w+|regras?|ordens?|tudo|anterior\w*)|(?:suas|tuas) "
    r"(?:instruc\w+|regras)|"
    r"prompt|system ?:|modo (?:desenvolvedor|debug|admin\w*)|jailbreak|aja como|finja (?:ser|que)|faca de conta|"
    r"a partir de agora voce|voce agora e|(?:sua|qual a|a) senha\b(?! (?:(?:d[aeo] |para )?(?:site|"
    r"portal|aplicativo|app|laboratorio|meu|minha|ver|abrir|acessar)\b))(?: (?:d[eo] )?(?:sistema|banco|admin|wifi))?|"
    r"(?:dados|agenda|consultas?|horarios?|telefones?|nomes?|prontuarios?|lista) d(?:e|os|as|o|a) (?:todos os |"
    r"outr[oa]s? )?"
    r"(?:outr[oa]s? )?(?:pacientes|clientes|pessoas)|(?:outr[oa]s?|demais|todos os) pacientes|"
    r"(?:todos|todas) (?:os|as) (?:horarios|consultas|pacientes) d[aeo]s?|codigo (?:em |fonte)|python|javascript|sql|"
    r"drop table)\b"
)
_ELSEWHERE = re.compile(
    r"\b(?:emprego|curriculo|estagio|vaga de trabalho|pizza\w*|lanche|marmita|delivery|hamburguer|dolar|bitcoin|"
    r"criptomoeda\w*|loteria|mega sena|jogo do bicho|aposta\w*|futebol|placar|(?:o|do) jogo|campeonato|quem ganhou|"
    r"novela|filme|"
    r"musica|"
    r"previsao do tempo|que (?:calor|frio|chuva)|(?:esta|ta|fazendo) (?:um |muito )?(?:calor|frio)|vai chover|piada|"
    r"poema|"
    r"capital d[aeo]|prefeito|governador|quantos anos (?:voce|vc)|(?:corrente|repasse) |oracao|presidente|eleicao|"
    r"quanto (?:e|da) \d+ ?(?:vezes|x|mais|menos|dividido|[-+*/]) ?\d*|raiz quadrada|traduz\w*|receita de bolo|"
    r"horoscopo|signo|"
    r"(?:voce|vc) (?:e|esta) (?:casad[oa]|solteir[oa]|bonit[oa])|te amo|namora\w* comigo|"
    r"vend(?:o|emos|endo)|oferecemos|somos (?:uma |a )?empresa|parceria|divulg\w+|anuncie|clique (?:aqui|no link)|"
    r"ganh(?:e|ar) dinheiro|renda extra|emprestimo|consignado|cartao de credito aprovado|promocao imperdivel|"
    r"numero errado|mandei errado|foi engano|desculpa,? (?:era|e) (?:para )?outr[oa]|conversa errada|grupo errado|"
    r"(?:telefone|endereco|numero) d[aeo] (?:minha |meu )?(?:ex|vizinh[oa]|amig[oa]|outr[oa])|"
    r"(?:aqui |ai )?(?:e|seria) d[ao] (?:padaria|pizzaria|farmacia|mercado|oficina|escola|banco|loja|restaurante))\b"
)


def turns_the_attendant(norm: str) -> bool:
    """Whether the message tries to make the attendant something else, or asks for what belongs to other patients."""
    return bool(_TURNING.search(norm))


def is_foreign(norm: str) -> bool:
    """Whether the message is about something that no clinic's front desk deals with."""
    return bool(_ELSEWHERE.search(norm))
