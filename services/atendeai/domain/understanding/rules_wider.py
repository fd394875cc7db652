"""Rules for acts and questions told without their usual words: by what stands, by another verb, formally."""

from atendeai.domain.understanding.intent import Intent
from atendeai.domain.understanding.rulebook import AT_THE_DOOR, EXAMS, NAMES, NOTICES, VISIT, Rule, rules

_DAY = (
    r"(?:hoje|amanha|depois|segunda|terca|quarta|quinta|sexta|sabado|domingo|semana|mes|dia|manha|tarde|noite|feriado|"
    r"fim|proxim[oa]|outr[oa]|mais|\d)"
)
_STANDS = (
    rf"(?:(?:era|seria) (?:(?:para|n[ao]|no dia|dia|as|eu|ir|ser) )*{_DAY}|"
    r"(?:estava|estou|fiquei|fui|foi|ficou|esta) (?:marcad|agendad|reservad)[oa]|"
    rf"{VISIT} (?:que (?:\w+ ){{0,3}})?(?:marcad|agendad|reservad|previst|combinad)[oa]|"
    rf"{VISIT} d[aeo] {_DAY}|(?:marcaram|agendaram|reservaram|deram|colocaram|puseram) (?:para mim|para mi)|"
    rf"(?:minha|meu) {VISIT})"
)
"""An appointment that exists."""
_COULD_IT_BE = (
    r"(?:(?:pode(?:ria|m|riam)?|podia|da(?:ria|va)?(?: para)?|tem como|teria como|consegue|(?:seria|e) possivel|"
    r"(?:queria|gostaria|preferia|prefiro)(?: que)?)(?: (?:ela|ele|eu|me))? "
    r"(?:ser(?! (?:que|atend))|fosse|ficar|ficasse|mudar|jogar|deixar|(?:passar|ir|vir) (?:para|mais)|(?:n[ao]|as) "
    rf"(?:mesm[oa] )?{_DAY}|outr[oa]))"
)
"""Whether it could be at another time."""

WIDER: tuple[Rule, ...] = (
    *rules(
        Intent.BOOK,
        r"\b(?:tenho|recebi|ganhei|peguei|consegui|estou com|com) (?:[oa] |uma? )?"
        r"(?:encaminhamento|pedido(?: medico)?|guia|requisicao|solicitacao)(?: medic[oa])? (?:para|d[aeo]) "
        r"(?!exames?\b)",
    ),
    *rules(
        Intent.RESCHEDULE,
        rf"\b{_STANDS}\b[^?!]{{0,80}}\b{_COULD_IT_BE}\b(?!.{{0,20}}\b(?:onde|quanto|convenio|online|video)\b)",
        (
            r"\b(?:antes|depois|mais cedo|mais tarde) (?:d[aeo]|(?:do )?que) (?:[ao] )?(?:que )?(?:(?:dia|hora|horario|"
            r"data|consulta|(?:minha|meu)) )*(?:esta(?:va)? )?(?:combinad|marcad|agendad|previst|reservad)[oa]\b"
        ),
        (
            r"\b(?:alteracao|mudanca|troca|transferencia|adiamento|antecipacao|modificacao|remanejamento) d[aeo]s? "
            rf"(?:(?:minha|meu) )?(?:data|dia|hora|{VISIT})\b"
        ),
        (
            rf"\b{VISIT}\b[^.?!]{{0,40}}\b(?:fosse|seja|ser) (?:alterad|transferid|antecipad|adiad|mudad|trocad|passad|"
            r"deslocad|postergad|prorrogad|empurrad|puxad)[oa]\b"
        ),
        (
            r"\b(?:poe|por|ponha|bota|botar|coloca|colocar|deixa|deixar|leva|levar|arrasta|puxa|puxar|desloca\w*|traz|"
            rf"ajeita\w*|altera\w*|modific\w+) (?:ai )?(?:[ao] )?(?:minha|meu|nossa) {VISIT}\b[^.?!]{{0,30}}\bpara "
            rf"(?:[ao]s? |ess[ea] )?{_DAY}"
        ),
        rf"\b(?:tenho|tinha) (?:um[a]? )?{VISIT}\b[^?]{{0,50}}\b(?:mas|so que|porem) (?:eu )?(?:queria|quero|prefiro|"
        r"preferia|preciso|so (?:posso|consigo))\b",
        r"\b(?:em vez|ao inves|no lugar) d[aeo]s? (?:dra?|doutora?)\b",
    ),
    *rules(
        Intent.CANCEL,
        (
            rf"\b(?:desconsider\w+|desfa(?:z|zer|ca|cam)|invalid(?:ar?|em?)|tornar sem efeito|"
            rf"derrub(?:ar?|e|em)|risc(?:ar?|ue|uem)|elimin(?:ar?|e|em)) (?:(?:d?[ao]s?|ess[ea]s?|aquel[ea]|minhas?|"
            rf"meus?|uma|um) )*{VISIT}\b"
        ),
        r"\bencerr(?:ar?|e|em) (?:(?:[ao]|minha|meu) )*(?:agendamento|consulta|reserva|exame)\b",
        r"\bnao (?:comparecerei|compareceremos|estarei|(?:conseguirei|poderei|poderemos) (?:ir|comparecer|estar))\b"
        r"(?! (?:mais cedo|antes))",
        rf"\b(?:tirar?|retirar?|tire|retirem?) d[ao] (?:agenda|sistema) (?:[ao] )?(?:(?:minha|meu) )?{VISIT}\b",
        r"\b(?:abr(?:o|i) mao|me arrependi|voltar atras) (?:d[aeo]s?|n[ao]s?) (?:\w+ )?(?:"
        rf"{VISIT}|marcad[oa]|agendad[oa])\b",
    ),
    *rules(
        Intent.OPT_OUT,
        (
            r"\bnao (?:mais )?(?:encaminh|envi|remet|mand|dispar|contat|notific)(?:ar|er|em|am|e)\b"
            rf"(?: (?:mais|nov[ao]s?|outr[ao]s?|me|[ao]s?|para mim|quaisquer|qualquer|ess[ae]s?))* {NOTICES}\b"
        ),
        r"\b(?:absten(?:ha|ham|er|ham-se|ha-se)|cessem?|cessar)\b[^.?!]{0,20}\b(?:envi\w+|mandar|contat\w+|"
        r"encaminhar|mensage\w+)",
        r"\b(?:par(?:e|em|ar)|deix(?:e|em|ar)|para) de (?:me )?(?:escrever|contatar|procurar|avisar|notificar|disparar|"
        r"lembrar|chamar)\b",
        rf"\bnao (?:chegar?|vir|aparecer|receber?)(?: mais)+(?: ess[ae]s?| nenhuma?)? {NOTICES}\b",
        weight=0.95,
    ),
    *rules(
        Intent.DATA_REQUEST,
        r"\btitular d[eo]s? dados\b|\blei (?:n |no )?13\.?709\b|\blei geral de protecao\b",
        (
            r"\b(?:retificacao|correcao|atualizacao|alteracao|exclusao|eliminacao|anonimizacao|portabilidade) "
            r"(?:d[aeo]s? |(?:meus?|minhas?) )*(?:nome|sobrenome|registros?|cadastro|prontuario|e-?mail|endereco|"
            r"informac\w+|ficha|nascimento)\b"
        ),
        (
            r"\b(?:copia|via|acesso)(?: integral| complet[oa]| a| de)* (?:d?[ao]s? |(?:meus?|minhas?) |tod[ao]s? )*"
            r"(?:documentacao|ficha|prontuario|historico|registros?)\b"
        ),
        r"\b(?:uso|usar(?:em)?|usem|postar(?:em)?|postem|publi\w+|divulg\w+) (?:d[aeo] |[ao] )?(?:minha )?"
        r"(?:imagem|foto|fotos)\b",
        (
            r"\b(?:onde|como|de onde)\b[^.?!]{0,20}\b(?:acharam|conseguiram|conseguiu|pegaram|arrumaram|tiraram|"
            r"obtiveram) (?:o )?meu (?:numero|contato|whatsapp|whats|telefone|celular|e-?mail)\b"
        ),
        r"\b(?:anotad|escrit|registrad|guardad)[oa]s? (?:sobre|de|a respeito de) mim\b|\bprivacidade\b",
    ),
    *rules(
        Intent.HUMAN,
        r"\b(?:quero|queria|gostaria de|vim|venho|preciso) (?:(?:deixar|fazer|registrar|formalizar) "
        r"(?:um )?)?elogi(?:ar|o)\b",
        weight=0.95,
    ),
    *rules(
        Intent.HUMAN,
        (
            r"\b(?:passaram|cobraram|debitaram|lancaram|descontaram|passou|lancou)\b[^.?!]{0,30}\b(?:duas vezes|em "
            r"dobro|de novo|a mais|errad[oa])\b"
        ),
        (
            r"\b(?:valor|cobranca|debito|parcela|fatura|compra)\b[^.?!]{0,40}\bnao reconhec\w+|\b(?:paguei|pago|fiz) "
            r"[^.?!]{0,30}\b(?:nao (?:caiu|consta|deram baixa)|em aberto|cobrando)\b"
        ),
        r"\b(?:dar|deixar|passar|mandar) (?:um )?recado (?:para|a|ao)\b",
        r"\b(?:deixar|fazer|registrar) (?:um |uma )?(?:elogio|critica|sugestao|queixa)\b",
        r"\b(?:falar|conversar|tratar) (?:direto |pessoalmente )?com (?:quem (?:manda|cuida|resolve|decide)|[ao] "
        r"(?:coordenacao|administracao|direcao|diretor\w*))\b|\bna linha com alguem\b",
        (
            r"\b(?:nao (?:quero|vou|gosto de|aguento)|cansei de|chega de)(?: mais)? (?:falar|conversar|digitar|tratar) "
            r"(?:mais )?com (?:\w+ )?(?:robo\w*|maquina|bot|gravacao|computador)\b"
        ),
    ),
    *rules(
        Intent.RESULTS,
        (
            r"\b(?:quando|que dia|que horas|(?:em )?quanto tempo|quantos dias|ja)\b[^.!?]{0,25}\b(?:fica(?:m|ra|rao|r)?"
            r"|ficou|ficaram|esta|estao|estara) pront[oa]s?\b"
        ),
        rf"\b(?:olhou|viu|analisou|leu|recebeu|conferiu) (?:[ao]s? )?(?:meus?|minhas?) {EXAMS}\b",
        r"\b(?:colhi|coletei)\b[^.!?]{0,30}\b(?:saiu|tem|chegou|pront\w+|ver|resultado)\b",
        rf"\b(?:alteracao|alterad[oa]|alguma coisa|normal)\b[^.!?]{{0,15}}\bn[ao]s? (?:(?:meus?|minhas?) ){EXAMS}\b",
        r"\b(?:comprovar|justificar) [^.!?]{0,25}\bque (?:eu )?(?:estive|fui|compareci|consultei|passei)\b",
    ),
    *rules(
        Intent.RUNNING_LATE,
        (
            r"\b(?:voo|trem|onibus|metro|uber|carona|van|balsa|transito) (?:atrasou|parou|quebrou|nao (?:passou|anda|"
            r"veio)|travou|furou|demorou)\b"
        ),
        (
            r"\b(?:estou|ja estou|estamos) (?:ja )?(?:n[ao] (?:esquina|elevador|escada|garagem|saguao|sala de espera|"
            r"portaria|recepcao|quarteirao)|(?:virando|dobrando) a (?:rua|esquina)|correndo para ai|a caminho)\b"
        ),
        (
            r"\b(?:se eu |caso eu |eu )?(?:passar|atrasar|chegar|demorar) (?:uns |umas )?\d+ ?min\w*\b|\b"
            r"(?:perco|perder) a (?:vez|consulta) se\b"
        ),
        r"\b(?:segura|guarda) (?:ai |a |o |minha |meu )*(?:vez|lugar|horario)?\W*(?:que )?(?:eu )?(?:ja )?estou\b",
    ),
    *rules(
        Intent.LIST_APPOINTMENTS,
        r"\b(?:quais|qual|que|mostra|ver|veja|me fala|lista)\b[^.?!]{0,12}\bmeus? "
        r"(?:horarios?|agendamentos?|compromissos?)\b(?! (?:de trabalho|livres?))",
        r"\b(?:que horas?|que dia|quando) (?:e |e que )?(?:que )?(?:eu )?(?:tenho que|preciso|devo|e para eu|e que eu|"
        r"e para) (?:estar|ir|chegar|voltar|aparecer)\b",
        (
            r"\b(?:qual|que|com qual|quem) (?:e )?(?:[ao] )?(?:medic[oa]|doutora?|profissional|dentista|fisio\w*) "
            r"(?:que )?(?:(?:vai|ira) )?me atend(?:e|er|era)\b"
        ),
        rf"\b{VISIT}\b[^.!?]{{0,30}}\b(?:de pe|mantid[oa]|valendo|confirmad[oa]|registrad[oa])\b[^.!]*\?",
        (
            rf"\b(?:em|para) (?:que|qual) (?:dia|data|horario|hora) (?:e )?(?:que )?(?:ficou|esta|foi|consta) (?:o |a |"
            rf"marcad[oa] |agendad[oa] |reservad[oa] )*(?:(?:minha|meu) )?{VISIT}\b"
        ),
        r"\bconsta (?:algum|alguma|o|a|algo)\b",
        weight=0.85,
    ),
    *rules(
        Intent.ASK_PRICE,
        (
            r"\b(?:abatimento|desconto\w*|descontinho|cortesia|mais barat[oa]|por menos|condic(?:ao|oes) (?:melhor\w*|"
            r"especia\w+)|preco (?:melhor|social|especial)|salgad[oa]|puxad[oa] (?:o|para)|orcar|estimativa de)\b"
        ),
        r"\b(?:esta|e|vem|ja|fica) inclu(?:s|id)[oa]\b|\bquanto (?:que )?(?:eu |a gente )?(?:vou )?(?:gast\w+|"
        r"desembols\w+)",
        r"\b(?:dividir|parcelar|fazer) (?:\w+ )?em (?:quantas|\d+) ?(?:vezes|x)\b|\bmaquininha\b",
        r"\b(?:aposentad[oa]|idos[oa]|estudante)s? paga(?:m)?\b|\bcom \d{2,4} ?(?:reais|real|conto|pila)?\b (?:eu )?"
        r"(?:consigo|da para|pago|faco)",
        weight=0.85,
    ),
    *rules(
        Intent.ASK_ADDRESS,
        AT_THE_DOOR,
        r"\b(?:na )?mesma (?:rua|avenida|quadra) d[aeo]\b|\bem (?:qual|que) (?:estacao|ponto|parada|unidade|endereco)\b"
        r"|\bqual (?:o )?caminho\b|\b(?:tem|onde|lugar) (?:para )?(?:largar|deixar|parar|encostar) (?:[ao] )"
        r"(?:carro|moto)\b",
        r"\bpara ir (?:ate )?(?:ai|voces|para ai|prai)\b[^.!?]*\b(?:saindo|vindo|de|do|da)\b",
    ),
    *rules(
        Intent.ASK_AVAILABILITY,
        (
            r"\b(?:tem|teria|sobrou|resta|ha|restou) (?:algum |um |mais )?(?:lugar|brecha|janela|buraco|espaco|"
            r"horarinho|vaguinha)\b(?! (?:para|de|onde) (?:estacion|parar|deixar|largar|por|(?:o )?carro|(?:a )?moto))"
        ),
        r"\b(?:costuma[m]?|geralmente|normalmente) (?:ter|tem|sobrar?) (?:\w+ )?"
        r"(?:horario|vaga|lugar|agenda|encaixe)s?\b",
        r"\b(?:possibilidade|chance) de (?:um |uma |ter )?(?:atendimento|consulta|horario|vaga|encaixe)\b|\b(?:viavel|"
        r"possivel) (?:um|uma) (?:horario|vaga|data)\b",
        r"\bpara quando (?:\w+ ){0,3}(?:marcando|agendando)\b|\b(?:abriu|abriram|abre|liberou|liberaram) (?:a |o |os )?"
        r"(?:agenda|horarios?|vagas?|datas?)\b",
        rf"\b(?:em )?(?:que|quais) dias? (?:[ao] )?(?:{NAMES})\b|\bagenda\b[^.!?]{{0,20}}\b(?:livre|aberta|cheia|"
        r"lotada|vazia)\b",
        r"\b(?:tempo|grande|como) (?:esta |e |de )?(?:a )?(?:fila|espera)\b",
        weight=0.8,
    ),
    *rules(
        Intent.ASK_HOURS,
        r"\b(?:emend(?:a|am|ar)|ponto facultativo|recesso|param no (?:fim|almoco|feriado))\b|\bnao (?:abre|abrem)\b",
        r"\b(?:domingo|sabado|feriado|agora|hoje|nessa hora) (?:ainda )?(?:tem|vai ter|fica) (?:alguem|gente)\b",
        r"\b(?:abriram|abriu|trabalhando|pegam? no batente)\b(?! (?:vaga|estagio|processo|(?:a )?agenda))"
        r"(?=[^.!]*\?)",
        weight=0.85,
    ),
)
