"""Signs that somebody must be sent to SAMU (192) at once, suicide risk included.

A missed emergency is the worst error there is. Sure signs always count. Lesser ones count unless the message itself
takes them back: they come and go, lie in the past, belong to a check-up, or are asked about in general.
The signs follow the SAMU's own public guidance on when to call 192 and that of the CVV (188) on risk of suicide.
"""

import re

_SURE = re.compile(
    r"\b(?:(?:me|se) matar|suicid\w+|vale a pena viver|(?:faca|navalha|lamina|gilete) no (?:pulso|pescoco)|"
    r"(?:sangue|sangramento|hemorragia) (?:que )?nao (?:estanca|para)|(?:pres[oa] n?as ferragens|capot\w+)|auto "
    r"?mutil\w+|"
    r"(?:tom\w+|engol\w+) (?:\w+ )?cartelas?|(?:marido|esposa|mae|pai|filh[oa]|avo|bebe|amig[oa]|ele|ela) (?:esta "
    r")?morrendo|"
    r"(?:teve|tendo|deu) (?:um |uma )?(?:\w+ )?(?:ataque|crise) (?:epilep\w+|epilet\w+|convuls\w+|cardiac\w+)|"
    r"pelo amor de deus.{0,40}(?:ajud|morr|socorr)|(?:me )?ajud\w+.{0,20}pelo amor de deus|parou de respirar|"
    r"ataque (?:cardiaco|do coracao)|(?:saindo|perdendo|perdeu|muito) (?:muito )?sangue|parar? de sangrar|"
    r"engoli\w* (?:uma |um )?(?:pilha|bateria|moeda|prego|agulha|ima|vidro|objeto)|"
    r"(?:caiu|desabou|apagou|desmaiou) (?:\w+ ){0,3}(?:do nada|de repente|no chao)|tremendo todo|"
    r"tirar (?:a )?(?:minha|a propria|propria) (?:propria )?vida|(?:nao (?:quero|"
    r"aguento)|sem vontade de|cansei de|cansad[oa] de) (?:mais )?viver|"
    r"sentido (?:em|na|n?a minha) (?:viver|vida)|(?:motivo|razao|vontade) (?:para|de) (?:continuar )?(?:viver|vivendo)|"
    r"(?:embora|partir|partindo|me despedi\w*) d(?:ess|est|o|aquel)e? mundo|"
    r"(?:acab\w+|termin\w+|(?:dar|dou|ponho|por|colocar) (?:um )?fim) (?:com |a |n)?(?:esse|este|o|meu|tanto) "
    r"sofrimento|"
    r"(?:besteira|loucura) comigo|fazer (?:uma |alguma )besteira|sumir (?:desse|deste|do) mundo|desistir d[ea] "
    r"(?:viver|vida)|"
    r"(?:queria|quero|preferia) (?:estar mort[oa]|dormir e nao acordar|nao acordar mais|nao existir|deixar de existir)|"
    r"nao quero mais acordar\b(?! (?:tao )?(?:cedo|as|antes|de))|"
    r"me (?:enforcar|(?:jogar|atirar)(?! n[ao] (?:cama|sofa|piscina|rede|agua|mar|colchao|festa)))|"
    r"pular d[ao] (?:ponte|predio|janela|sacada)|cort\w+ (?:os? |meus? )*pulsos?|"
    r"quero morrer|vou morrer|vontade de morrer|acabar com (?:a )?(?:minha vida|tudo)|dar fim (?:a|"
    r"na) (?:minha )?vida|me cortar|me cortei|melhor (?:eu )?morr\w+|penso em morrer|"
    r"nao (?:consig\w+|consegue|esta conseguindo|estou conseguindo|"
    r"ta conseguindo) (?:nem )?(?:mais )?(?:respirar|puxar o ar)|(?:nao|parou de|sem) (?:esta |ta |"
    r"conseguir )?respira\w*|"
    r"(?:esta|ta|ficou|caiu|encontrei \w+) (?:\w+ )?(?:inconsciente|desacordad[oa]|desmaiad[oa])|"
    r"nao (?:acorda|responde|reage)\b|"
    r"(?:esta|ta|estou|acho que (?:e|esta|estou|to)?|tendo|sofrendo|parece|sintomas de|"
    r"teve agora) (?:\w+ ){0,3}?(?:infart\w+|enfart\w+|derrame|avc|convuls\w+|parada cardiaca|anafil\w+)|"
    r"overdose|anafilatic[oa]|^\W*(?:infarto|avc|derrame|convulsao|parada cardiaca)\W*$|perd\w+ muito sangue|"
    r"(?:gravida|gestante|gravidez|gestacao)\b.{0,50}(?:sangr\w+|perdendo liquido|contrac(?:ao|oes))|"
    r"(?:sangr\w+|perdendo liquido).{0,40}(?:gravida|gestante|gravidez|gestacao)|"
    r"trabalho de parto|bebe (?:esta )?nascendo|contrac(?:ao|oes) (?:muito )?(?:fortes?|de \d)|"
    r"\binfartando\b|\benfartando\b|convulsionando|engasg(?:ad[oa]|ou|ando|uei|o)|"
    r"(?:sangrando|sangramento|perdendo sangue|hemorragia) (?:\w+ ){0,2}?(?:muit\w+|demais|forte|intens\w+|"
    r"nao para|sem parar)|(?:sangrando|sangramento)\b.{0,20}nao para|hemorragia|"
    r"boca (?:esta |ta |ficou )?torta|(?:fala|voz) (?:esta |ta |ficou )?enrolad[ao]|"
    r"lado (?:\w+ )?(?:do corpo|do rosto)? ?(?:\w+ )?(?:paralisad\w+|dormente|sem forca|parou|caid[oa])|"
    r"labios? rox\w+|ficando rox[oa]|garganta (?:esta |ta )?fechando|fratura exposta|osso (?:para fora|"
    r"exposto)|picad[oa] (?:de|por) (?:uma? )?(?:cobra|escorpiao|aranha)|"
    r"(?:tom(?:ei|ou)|engoli\w*|ingeri\w*|bebeu|bebi) (?:\w+ ){0,3}?(?:veneno|agua sanitaria|soda|desinfetante|"
    r"raticida|"
    r"chumbinho|muitos? (?:remedios?|comprimidos?)|tod[oa]s? os (?:remedios?|comprimidos?)|(?:um frasco|"
    r"uma cartela|\d{2,}) (?:\w+ )?(?:inteir\w+ |de )*(?:remedio|comprimido)?s?)|"
    r"(?:remedios?|comprimidos?) demais|varios (?:remedios?|comprimidos?)|"
    r"(?:tomar|engolir) (?:um monte de|tod[oa]s (?:[oa]s )?(?:meus )?|muit[oa]s) ?(?:remedios?|comprimidos?|pilulas?)|"
    r"ninguem vai sentir (?:minha )?falta|(?:corda|arma|revolver|pistola|faca|gilete|lamina|veneno|"
    r"comprimidos) na (?:minha )?mao|"
    r"envenenad\w+|afog(?:ou|ado|ando)|atropelad\w+|levou (?:um )?(?:tiro|facada|choque)|esfaquead\w+|"
    r"balead\w+|acidente (?:grave|de carro|de moto)|"
    r"bolsa (?:estourou|rompeu)|(?:cham\w+|mand\w+|preciso de|quero|lig\w+ para) (?:\w+ ){0,2}(?:samu|ambulancia|"
    r"bombeiros|resgate)|me (?:bateu|espancou|estrangulou|esfaqueou|violentou|estuprou)|anafilaxia|"
    r"(?:fui|foi) (?:estuprad|espancad|violentad|esfaquead|balead|soterrad|eletrocutad)[oa]|"
    r"(?:e|eh) (?:uma )?emergencia|(?<!pronto )(?<!pronto-)(?<!tia )(?<!dona )(?<!maria )(?<!vo )(?<!dra )(?<!do "
    r")(?<!da )"
    r"(?<!sra )(?<!irma )(?<!prima )(?<!madrinha )socorro)\b"
)
_GRAVE = re.compile(
    r"\b(?:dor(?:es)? (?:\w+ ){0,3}?(?:no|em (?:meu )?) ?peito|peito (?:\w+ ){0,2}?(?:doendo|apertad\w+|"
    r"queimando)|(?:aperto|pressao|pontada|peso|queimacao|formigamento) (?:\w+ )?no peito|"
    r"(?:desorientad|confus)[oa] (?:\w+ )?(?:vomit|caiu)|(?:caiu|bateu)[^.]{0,30}(?:desorientad|vomit|confus|nao "
    r"fala)\w*|"
    r"(?:fa[lu]?ta|f[al]{2}ta|falat|fatla) d[ea]? ar|sem ar|dificuldade (?:para|de|em) respirar|desmai(?:ou|"
    r"ei|ando|o)\b|desmaiad[oa]|"
    r"convuls\w+|infart\w+|enfart\w+|\bavc\b|derrame|"
    r"(?:dor|dor de cabeca) (?:muito )?(?:insuportavel|horrivel de repente|subita)|pior dor de cabeca|"
    r"perdi (?:a )?(?:visao|forca)|visao (?:sumiu|apagou)|nao (?:sinto|mexo|sente|mexe|consigo mexer|consegue mexer) "
    r"(?:o |a |os |as )?(?:meus? |minhas? )?(?:bracos?|"
    r"pernas?|lado|corpo|rosto)|(?:bebe|filh[oa]|crianca|nenem|ele|ela|mae|pai|marido|"
    r"esposa)\b.{0,30}\brox(?:inh)?[oa]\b|"
    r"(?:bebe|filh[oa]|crianca|nenem|ele|ela|mae|pai|marido|esposa|avo) (?:\w+ )?(?:esta|ficou|ficando) (?:\w+ )?"
    r"azul(?:ad[oa]|zinh[oa])?|"
    r"(?:tom|d|aplic|inger)(?:ei|ou|eu|i) (?:\w+ )?(?:remedio|medicamento|comprimido|medicacao|dose|injecao) "
    r"(?:errad|trocad)[oa]|doses? (?:\w+ ){0,4}de uma (?:so )?vez|"
    r"queim\w+ .{0,25}(?:tod[oa]|rosto|oleo|fervendo|grave|feio|fogo)|"
    r"(?:garganta|lingua|glote|labios?) (?:\w+ ){0,2}(?:inch\w+|fechando)|passando (?:muito mal|mal demais|mal agora)|"
    r"suando frio|coracao (?:\w+ )?(?:disparad|acelerad|falhando)\w*|sem pulso|"
    r"glic(?:ose|emia) (?:\w+ )?(?:muito baixa|[1-5]\d\b|[4-9]\d\d)|bombinha nao|"
    r"crise (?:convulsiva|epilet\w+|epilep\w+|asmatica|forte de asma|de asma)|"
    r"(?:vomit|toss|evacu|urin)\w+ sangue|sangue (?:nas fezes|no vomito)|pressao (?:esta |"
    r"ta |a )?(?:muito alta|(?:1[89]|2\d)(?: ?(?:por|/|x) ?\d+)?)|"
    r"febre (?:de |esta )?(?:4[0-2]|muito alta)|bateu a cabeca|caiu (?:da|do|de) (?:escada|cama|telhado|laje|berco|"
    r"moto|cavalo|"
    r"altura)|reacao alergica|inchando|alergia forte|queimad\w+ (?:grave|feia|muito)|"
    r"sangramento|sangrando|perdendo liquido|nao (?:sinto|sente) o bebe|bebe (?:parou|nao (?:mexe|"
    r"esta mexendo))|crise de panico|delirando|confus[ao] mental)\b"
)
_TAKEN_BACK = re.compile(
    r"\b(?:as vezes|de vez em quando|quando (?:corro|faco|subo|ando|caminho|fico|treino)|"
    r"ha (?:\w+ )?(?:\w+ )?(?:meses|anos|semanas)|faz (?:\w+ )?(?:\w+ )?(?:meses|anos|semanas)|ano passado|"
    r"mes passado|semana passada|ja (?:tive|passou|teve|melhorou)|"
    r"tive (?:um |uma )?(?:\w+ ){0,2}(?:em|ha|no|na|ano|uns)|teve (?:um |uma )?\w+ (?:em|ha|no ano|ano|"
    r"uns)|historico|antecedente|na familia|(?:meu (?:pai|avo|tio)|minha (?:mae|avo)) "
    r"(?:teve|tem|morreu)(?! (?:\w+ ){0,3}(?:agora|hoje))|"
    r"check[ -]?up|rotina|preventiv\w+|exame (?:de|para)|pos[ -]?(?:infarto|avc|operatorio)|acompanhamento|"
    r"retorno|(?:dor|bem|mais|muito|um|uma|ardencia|sangramento) leve|levinh\w+|menstru\w+|"
    r"depois da academia|voces (?:atendem|tratam|fazem|tem)|que (?:trata|cuida|atende)|"
    r"nao (?:e|estou com|tenho|"
    r"sinto) (?:\w+ )?(?:falta de ar|dor|emergencia|urgente|urgencia)|sem (?:dor|falta de ar)|"
    r"(?:ja )?(?:desmai\w+|convuls\w+|infart\w+|avc)[^.]{0,20} (?:uma vez|quando (?:era|tinha|crianca)|na "
    r"(?:infancia|adolescencia))|"
    r"quem (?:teve|tem|ja|sofre)|marcapasso|laudo|internacao|sequela\w*|"
    r"nada (?:grave|urgente)|quase (?:tive|morri|infartei)|(?:atestado|relatorio|declaracao)|dia (?:em )?que|"
    r"cronic[oa]s?|"
    r"(?:medic[oa]|especialista|doutora?) (?:que )?(?:cuida|trata|atende)|"
    r"gengiva|nariz|escov\w+)\b"
)
_NOT_SURE = re.compile(
    r"\bnao (?:e|eh) (?:uma )?(?:emergencia|urgencia)|(?:e|eh) (?:uma )?emergencia\?|atend\w+ emergencia|"
    r"casos? de emergencia|em caso de(?: \w+)?|contato de emergencia|emergencia (?:no|do) (?:trabalho|servico)|"
    r"emergencia (?:familiar|de familia)|"
    r"(?:morr(?:endo|i|o|ia|eu)|morta|morto) de (?:rir|fome|medo|vontade|saudades?|calor|frio|sono|raiva|vergonha|"
    r"preguica|sede|cansad[oa]|cansaco|curiosidade|amor(?:es)?|inveja|ansiedade)|"
    r"morrer de (?:rir|vergonha|fome|calor|saudades?|medo)|"
    r"me mat(?:ar|am|ando) de (?:rir|vergonha|raiva|estudar|trabalhar|tanto|cansaco|medo|"
    r"susto|saudades?|orgulho|calor)|"
    r"quase (?:\w+ )?(?:desmai|morr|infart)\w+ (?:de (?:rir|susto|calor|medo|vergonha|saudades?)|"
    r"com (?:[oa]s?|ess[ea]) (?:precos?|valor|conta|jogo|noticia|susto|orcamento))|"
    r"primeiros socorros(?: (?:para|de|em) \w+)?|depois d[eo] (?:um |"
    r"uma )?(?:infarto|avc|derrame)|"
    r"(?:curso|palestra|numero) d[oe] (?:suicidio|samu)|setembro amarelo|"
    r"(?:chefe|chefa|patrao|patroa|professora?) vai me matar|"
    r"(?:de |me )?cort(?:a|ou|ar) o coracao|"
    r"peito d[eo] pe\b|socorro\b(?=[^.]*\bk\b)|(?<!preciso )(?<!precisamos )do socorro|"
    r"(?:perto|lado|frente|longe|proxim[oa]|atras|antes|depois|dentro) d[oae] (?:\w+ d[oae] )?(?:samu|bombeiros|"
    r"resgate)|"
    r"(?:quais|qual|que) (?:sao |seriam |e )?(?:os |o )?(?:primeiros |principais )?(?:sintomas?|sinais|sinal|"
    r"riscos?) d[eo]"
    r"(?: um| uma)? \w+|"
    r"(?:que|quem) (?:ja )?(?:teve|tem|sofreu|sofre de|passou por|se recupera de) (?:um |uma )?(?:\w+ de )?"
    r"(?:avc|infarto|derrame|convuls\w+|parada cardiaca|acidente(?: \w+ \w+)?|epilepsia|ataque \w+)"
    r"(?! (?:agora|hoje|neste|nesse|faz pouco))"
)
"""What only sounds like a sign: it is looked past, and what else is said counts."""
_OVER = re.compile(
    r"\b(?:ha|faz) (?:\w+ ){0,3}(?:anos|meses)\b|(?:ano|mes|semana)s? passad[oa]|(?:anos|meses|semanas) atras|"
    r"\bem (?:19|20)\d\d\b|\bem (?:janeiro|fevereiro|marco|abril|maio|junho|julho|agosto|setembro|outubro|novembro|"
    r"dezembro)\b|\binternad[oa]s?\b|\bna uti\b|\bno cti\b|"
    r"\bfalec(?:eu|id[oa])\b|\bveio a obito\b|\b(?:morreu|morreram) d[eo] |\b(?:teve|recebeu|deu) alta\b|"
    r"\bquando (?:era|eu era|tinha) (?:\w+ )?(?:crianca|pequen[oa]|jovem|bebe|adolescente|\d+ anos)|\bna infancia\b"
)
"""A part of a message that lies in the past, or tells of somebody who is in care already."""
_STILL = re.compile(
    r"\b(?:agora|neste momento|nesse momento|de novo|outra vez|ate hoje|desde|acabou de|sem parar|"
    r"nao (?:\w+ )?(?:respir|acord|respond|reag|consegu|para|mex|sent|sint|estanc)\w*|"
    r"(?:quer(?:o|ia|er)?|vou|vai|vontade de|pens\w+ em) (?:\w+ ){0,2}(?:morrer|matar|sumir|acabar)|"
    r"estou (?!bem|melhor|internad|estavel|em |de |na |no )\w+|"
    r"esta (?:com|sem|muito|tod[oa]|\w+ndo|rox\w+|desmaiad\w+|inconsciente)|morrendo)\b"
)
"""What it says of the present nevertheless."""
_ASIDE = re.compile(r"[,.;!?\n]+")
_DENIED = re.compile(
    r"\b(?:sem|nem|nunca (?:tive|teve|senti)|nao (?:tenho|tem|tive|teve|sinto|sente|senti|estou com|"
    r"esta com)(?: mais)?) "
    r"(?:nenhum[ao]? )?(?:de )?(?:dor(?:es)?(?: n[oa] peito| de cabeca)?|falta de ar|febre|convuls(?:ao|oes)|desmaios?|"
    r"sangramentos?|tontura|formigamento|infarto|avc|derrame)\b(?! (?:passar|parar|melhorar))"
)
"""What is said not to be so ("sem dor no peito, sem falta de ar")."""
_ANIMAL = re.compile(
    r"\b(?<!de )(?:cachorr\w+|cadel\w+|gat(?:o|a|inh[oa])|papagaio|passarinho|calopsita|coelh[oa]|"
    r"hamster|peixe|peixinho)\b"
    r"(?!.*\b(?:mord|atac|avanc|arranh|derrub|pul|pass|pis|nao, meu|e (?:depois )?(?:[oa] )?(?:meu|minha))\w*)"
)
"""A part of a message that tells of an animal which hurts nobody."""
_PARTS = re.compile(r"[,.;!?\n]+| (?=(?:e|mas|porem|so que|hoje|agora) )")


_DANGER = re.compile(
    r"\b(?:anafil|alerg|avc|ave ce|derrame|[ei]nfart|coracao|peito|peitu?\b|cardia|convuls|epile|desmai|desacord|"
    r"desfalec|inconsc|apag(?:ou|ad|ando)|caid[oa]|caiu|desab(?:ou|ando)|[ei]ngasg|sufoc|asfix|afog|respir|folego|"
    r"(?:sem|o) ar\b|fa[lu]ta de ar|rox|azula|palid|gelad|molinh|sangu|sangr|hemorrag|jorra|fratur|expost|decep|"
    r"amput|arranc|queim|ferve|fogo|fumaca|choque|eletroc|soterr|esmag|atropel|capot|acident|batida|ferid|tiro\b|"
    r"balead|faca|facad|esfaq|espanc|agred|agress|surra|estrangul|enforc|estupr|abus|violen|armad|ameac|me bat|"
    r"veneno|envenen|ingeri|overdose|comprimid|remedio|cartela|chumbinho|soda|sanitaria|candida|intoxic|picad|"
    r"ferroad|mordid|cobras?\b|escorpi|suicid|matar|morr|morte|mort[oa]|viver|viva|vivo|exist|despedid|adeus|sumi|"
    r"desaparec|sem mim|falta|acab(?:ar|o) com|me cort|cort(?:ei|ou|ando)|mutil|pulso|pular|me jog|boca|fala|"
    r"paralis|dorment|formig|satura|oxim|oxig|glic|hipoglic|dextro|insulin|diabet|gravid|gestant|bolsa|contrac|"
    r"nascen|nascer|bebe|nenem|nene\b|recem|febre|socor|ajud|samu|ambulanc|bombeir|resgat|emergenc|19[023]\b|"
    r"nao (?:acord|respond|reag|mexe|sent|sint|aguent)|vomit|inchad|inchand|inchou|garganta|lingua|press[ao]o|visao|"
    r"enxerg|preto|tont|desorient|confus|delir|dor(?:es)?\b|doendo|passando mal|pescoco|coluna|osso|olho|lado\b|"
    r"forca|braco|perna|bombinha|asma|engoli|labio|azui?s?\b|rosto|cabeca|espum|trem(?:endo|eu)|conscien|sentidos|"
    r"cai\b|sonolen|fim em tudo|vida|motivo para|nao quero mais|dormir para sempre|machuc|vozes|frasco|gasolina|"
    r"rivotril|calmante|cocaina|droga|invadiu|enfi(?:ou|aram)|crav(?:ou|ad)|tudo que tem|arma\b|doses?\b|"
    r"pilula|mordeu|esguich|cinza\b|repux|baba|revir|tossindo|chia(?:do|ndo)|empol(?:ou|ad)|coagul|vazou|vazament)"
)
_SIGNS = {"sure": _SURE, "grave": _GRAVE}
_DOUBTS = {"taken back": _TAKEN_BACK, "not sure": _NOT_SURE, "over": _OVER, "danger": _DANGER}


def _present(norm: str) -> str:
    """What is left of a normalised message without figures of speech, denials, animals, and what is over or in care."""
    plain = _DENIED.sub(" ", _NOT_SURE.sub(" ", norm))
    if _ANIMAL.search(plain):
        plain = ", ".join(part for part in _ASIDE.split(plain) if not _ANIMAL.search(part))
    if not _OVER.search(plain):
        return plain
    return " ".join(part for part in _PARTS.split(plain) if not _OVER.search(part) or _STILL.search(part))


def signs(norm: str) -> frozenset[str]:
    """What of an emergency the normalised message shows.

    ``sure`` and ``grave`` are signs of one, ``taken back``, ``not sure`` and ``over`` speak against it, ``danger``
    names anything of which an emergency can be made: alone it says nothing.
    """
    present = _present(norm)
    shown = {name for name, pattern in _SIGNS.items() if pattern.search(present)}
    return frozenset(shown | {name for name, pattern in _DOUBTS.items() if pattern.search(norm)})


def is_emergency(norm: str) -> bool:
    """Whether the normalised message shows that somebody is in danger now."""
    seen = signs(norm)
    return "sure" in seen or ("grave" in seen and "taken back" not in seen)
