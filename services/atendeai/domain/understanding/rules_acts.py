"""Rules for what changes something: cancelling, moving, booking, no more messages, rights over one's data."""

from atendeai.domain.understanding.intent import Intent
from atendeai.domain.understanding.rulebook import NAMES, NOTICES, STOP, VISIT, WANT, Rule, rules

ACTS: tuple[Rule, ...] = (
    *rules(
        Intent.CANCEL,
        r"\b(?:desmarcar|desmarca|desmarque|desmarquem|desmarcando|desmarco|desagendar|desagenda)\b",
        (
            r"\b(?:cancelar|cancela|cancele|cancelem|cancelo|cancelando|cancelamento)\b(?! (?:o |a |as |os |"
            r"de )?(?:envio|recebimento|mensage|inscri|notific|lembrete|cadastro))"
        ),
        r"\bliber(?:a|ar|e|o|em) (?:o |a )?(?:meu |minha |esse |essa )?(?:horario|vaga|lugar)\b",
        (
            r"\bnao (?:vou|irei|vai|consigo|poderei|posso|vamos|vo)(?: mais)?(?: poder?| conseguir?| dar para|"
            r" dar para eu| mais)*(?: mais)? (?:ir|comparecer|estar|vir|aparecer)\b(?! (?:antes|mais cedo))"
        ),
        (
            r"\bnao (?:vou|irei|vamos|iremos)(?: mais)? (?:fazer |para )?(?:n?[ao]s?|ao|em|ness[ea]) (?:minha |meu )?"
            r"(?:consulta|exame|retorno|sessao|horario|atendimento|avaliacao)\b"
        ),
        (
            r"\b(?:exclui|excluir|apaga|apagar|remove|remover|retira|retirar|tira|tirar) (?:o |a )?(?:meu|minha) "
            r"(?:agendamento|consulta|horario|exame|sessao)\b"
        ),
        r"^\W*(?:eu |a gente )?nao (?:vou|vamos) mais\b(?: nao)?\W*$",
        r"\bnao contem? comigo\b|\bdesisti(?:mos)?\b|\bnao quero mais (?:fazer|ir|essa|esse|nada disso)\b",
        (
            r"\b(?:esquece|esquecam|pode(?:m)? esquecer) (?:d?[ao] )?(?:(?:minha|meu) )?(?:consulta|exame|retorno|"
            r"horario)\b"
        ),
        (
            r"\b(?:dar|da|deixar|deixa|passar|passa|ceder|cede|liberar|oferecer) (?:vag[oa] )?(?:o |a )?(?:meu |"
            r"minha )"
            r"(?:consulta|horario|vaga|lugar) (?:vag[oa]|livre|(?:para|a) (?:um |uma )?(?:outr[oa]|alguem|quem))\b"
        ),
        (
            r"\bnao (?:vai|vou) (?:ser possivel|dar|poder|conseguir)(?: para)?(?: mim| eu)? (?:ir|comparecer|"
            r"estar)\b|\banul\w+ (?:a |o )?(?:minha|meu)\b"
        ),
        r"\bdeixar? vag[oa] (?:o |a )?(?:meu|minha) (?:horario|vaga)\b",
        rf"\bd(?:ar|a|e|ou|ando) baixa (?:(?:n?[ao]s?|em|d[aeo]|(?:minha|meu|ess[ae]|aquel[ea])) )*{VISIT}\b",
        (
            r"\bnao (?:(?:vai|vou|ter|tem|tenho|tera|terei|teria|ha) )+(?:como|jeito|condic\w+|possibilidade)"
            r"(?: (?:nenhum[a]?|mais|de|para|eu|mim|a|gente))* (?:ir|comparecer|aparecer)\b(?! (?:ai )?(?:buscar|"
            r"pegar|retirar))"
        ),
        (
            r"\b(?:consegui|marquei|fui atendid[oa]|ja (?:fui|passei|fiz)|resolvi)\b[^.!?]{0,20}\b(?:pelo|pela|n[ao]|"
            r"em|"
            r"com) [^.!?]{0,40}\bnao (?:vou )?precis(?:a|o|ar|amos)(?: d[aeo]| ir| vir)? mais\b"
        ),
        (
            rf"\bdeix(?:a|ar|e|em|o|amos)(?: (?:para la|quiet[oa]|de lado))+(?: [ao]| aquel[ea]| ess[ea])?(?: minha| "
            rf"meu)? "
            rf"{VISIT}\b|\bdeix(?:a|ar|e|em|o|amos) (?:(?:[ao]|aquel[ea]|ess[ea]|minha|meu) )+{VISIT} (?:para la|"
            rf"quiet[oa]|"
            r"de lado)\b"
        ),
        (
            r"\b(?:desist(?:o|e|em|i|ir|indo)|abro mao|suspend\w+|interesse) (?:[an][ao] |a |o |d[aeo] |minha |meu |"
            r"da minha |do meu )?(?:consulta|horario|exame|"
            r"atendimento|vaga|agendamento|procedimento|sessao)\b"
        ),
        (
            r"\b(?:tira|tirar|tire|retira|retirar|apaga|remove|remover) (?:o )?(?:meu nome|minha consulta|"
            r"meu horario|meu agendamento|eu)\b(?!.*\b(?:lista de mensagens|contatos|cadastro)\b)"
        ),
        (
            r"\bnao (?:quero|preciso|vou(?: mais)? precisar|vou querer|precisa)(?: mais)?(?: d[aeo])?(?: a| o| da|"
            r" do)? ?(?:minha |meu )?(?:consulta|horario|exame|agendamento)\b"
        ),
    ),
    *rules(
        Intent.RESCHEDULE,
        (
            r"\b(?:em vez d[aeo]|ao inves d[aeo])\b[^.!]{0,40}\b(?:pode|podia|queria|quero|marca|da para|tem como|"
            r"prefiro)\b"
        ),
        (
            r"\b(?:em vez|ao inves|no lugar) d(?:[aeo]s? (?:dia \d|hoje|amanha|segunda|terca|quarta|quinta|sexta|"
            r"sabado|"
            r"domingo|semana|mes|manha|tarde|noite|\d\d? ?(?:h|:|/))|as \d)"
        ),
        (
            rf"\b(?:minha|meu|a minha) {VISIT} (?:e|era|esta|ficou|seria|foi)\b[^?!]{{0,40}}\b(?:mas|so que|porem)\b"
            r"(?!.{0,20}\b(?:que horas|qual|onde|esqueci|nao lembro|atrasar?)\b)"
        ),
        (
            r"\bnao (?:posso|consigo|vou (?:poder|conseguir)|da|vai dar)\b[^?!]{0,50}\b(?:ir|chegar|comparecer|"
            r"consulta|"
            r"exame|retorno|sessao)\b.{0,40}\b(?:outr[oa](?: dia| horario| data| hora| semana)?)\b"
        ),
        r"\bmais (?:cedo|tarde)\b[^.!]{0,20}\b(?:minha|meu) (?:consulta|horario|exame|retorno|sessao)\b",
        (
            r"\b(?:remarcar|remarca|remarque|remarcacao|remarcando|remarquem|reagendar|reagenda|reagende|"
            r"reagendamento|reagendando)\b"
        ),
        (
            r"\b(?:mudar|muda|mude|remanej\w+|trocar|troca|troque|alterar|altera|passar|passa|transferir|transfere|"
            r"mover|"
            rf"jogar|joga|empurrar|empurra|adiar|adia|adie|antecipar|antecipa|antecipe|adiantar|adianta|postergar|"
            rf"posterga|postergue|prorrogar|prorroga|prorrogue) (?:(?:o|a|d[eao]|para|pra) )?(?:(?:minha|meu|esse|"
            rf"essa|nossa|a|o|data|dia|hora|"
            rf"horario) )*(?:d[aeo] )?(?:(?:minha|meu|nossa|esse|essa) )?(?:{VISIT}|data|dia|profissional|"
            rf"medic[oa]|doutora?)\b"
        ),
        (
            r"\b(?:trocar|troca|mudar|muda|passar|passa|daria para passar) (?:a |o )?(?:dra?|doutora?|medic[oa])\b|"
            r"\bpassar das \d+\b"
        ),
        rf"\boutr[oa] (?:horario|dia|data|hora) (?:para|n?a|d?a) (?:a |o )?(?:minha|meu) {VISIT}\b",
        r"\bmarquei\b.{0,30}\bnao (?:vou|posso|consigo).{0,40}\b(?:tem como|pode|podia|da para|consegue)\b",
        (
            r"\bnao (?:posso|consigo|vou (?:poder|conseguir)) (?:chegar|ir|comparecer)\b.{0,30}\b(?:consegue|tem "
            r"(?:como|outr[oa]|mais (?:cedo|tarde))|pode ser|da para|seria|podia)\b"
        ),
        r"\b(?:adi(?:ar?|e|em)|adiantar|antecip(?:ar?|e|em)|posterg(?:ar?|ue)|prorrog(?:ar?|ue))\b",
        r"\b(?:adianta|empurra|joga|troca|muda) (?:(?:isso|el[ea]|ess[ea]|[ao] (?:minha|meu)|ai|logo) )*para (?:mim|"
        r"frente)\b",
        r"\b(?:marquei|tenho (?:consulta|horario|exame|retorno)|estou marcad[oa])\b[^?]{0,50}\b(?:mas|so que|"
        r"porem)\b[^!]{0,50}\b(?:prefer\w+|"
        r"outr[oa]|mudar|queria|quero|so posso|da para|pode ser)\b",
        (
            r"\b(?:muda|mude|mudar|troca|troque|passa|passe|joga|transfere|adia|adie|antecipa|puxa|empurra) (?:a "
            r"(?:minha|de)|"
            r"o (?:meu|de)|a|o|ela|ele|essa|esse|tudo)?(?: \w+){0,3} ?(?:para|de|n[ao]) (?:as? |o |ess[ea] |est[ea] |"
            r"proxim[oa] )?"
            r"(?:segunda|terca|quarta|quinta|sexta|sabado|domingo|amanha|hoje|semana|mes|dia|depois|outr[oa]|mais|\d)"
        ),
        (
            r"\b(?:mudar|trocar|passar|transferir|jogar|mover|alterar)\b[^.?!]{0,30}\b(?:para|de) (?:as? |"
            r"o )?(?:outr[oa]|amanha|depois|segunda|terca|quarta|quinta|sexta|sabado|\d|semana|mes|mais (?:cedo|"
            r"tarde)|dia)\b"
        ),
        (
            rf"\b(?:minha|meu) {VISIT}\b[^.?!]{{0,40}}\b(?:mais cedo|mais tarde|outro (?:dia|horario)|"
            rf"outra (?:data|hora))\b"
        ),
    ),
    *rules(
        Intent.BOOK,
        (
            rf"(?<!nao )(?<!nem )\b{WANT} (?:de |eu |ja |logo |so |mesmo |muito |voce |voces |me |a )*(?:marcar|"
            rf"agendar|reservar|"
            rf"marca|agenda|marque|agende|fazer um agendamento|fazer uma marcacao|um encaixe|encaixar|me encaixar|"
            rf"consultar|me consultar|passar (?:com|n[ao]|em)|ser atendid[oa])\b"
        ),
        r"^(?:[a-z ,!.]{0,30}[,.!] ?)?(?:por favor )?(?:marcar|agendar|marca|agenda|marque|agende|reserva|"
        r"reservar)\b",
        (
            rf"\b(?:quero|queria|gostaria de|preciso(?: de)?|precisava(?: de)?|necessito(?: de)?|desejo|procuro|"
            rf"estou precisando(?: de)?|to precisando(?: de)?|estou procurando) (?:por |passar em |ir (?:n[ao]|em) |"
            rf"ver |de |ter )?(?:um |uma |o |a |outra |outro |minha |meu |fazer |de |marcar )*(?:{VISIT}|"
            rf"{NAMES})\b(?! (?:de funcionamento|de atendimento de voces|que marquei|que tenho|marcad))"
        ),
        (
            r"(?<!tem )(?<!ter )(?<!\ba )(?<!de )(?<!na )\b(?:marcar|agendar|reservar|agendamento de|marcacao de|"
            r"marque|"
            rf"agende|marca|agenda) (?:para mim |ai |"
            rf"logo |entao |de |uma? |o |a |outra? |nova? |minha |meu )*(?:{VISIT}|{NAMES}|para|com|n[ao])\b"
        ),
        r"\b(?:interessad[oa]|interesse) em (?:marcar|agendar|fazer|consultar|uma? )",
        r"\b(?:quero|queria|vou querer|fico com|prefiro|pego) o (?:horario )?(?:das?|de) \d",
        r"\b(?:quero|queria|gostaria de|preciso) (?:tirar|retirar|remover|tratar|colocar|avaliar|examinar|operar) "
        r"(?:um |uma |o |a |"
        r"meu |minha )(?!duvida|informac|satisf|cadastro|nome|dinheiro|numero|contato|guia|receita|"
        r"exame|laudo|resultado|atestado|pedido|papel|document|relatorio|encaminh)",
        r"\b(?:bota|coloca|poe|anota|inclui) (?:o )?(?:meu nome|a gente|eu|ai)\b",
        (
            r"^(?:posso|consigo|podemos) (?:ir|passar|ser atendid|consulta|consultar|um horario|horario)\b(?! ai "
            r"(?:pegar|buscar))"
        ),
        (
            r"\b(?:levar|trazer) (?:o |a )?(?:meu|minha) \w+ (?:n[ao]s?|para|em|ao|a)\b|(?<!vai )(?<!ira )\b(?:me|nos) "
            r"atender (?:hoje|amanha|n[ao]|ess[ea]|segunda)"
        ),
        (
            r"\b(?:faz|faca|fazer) (?:um |o )?agendamento\b|\bpode ser [^?]{0,40}\bcom (?:a |o )?(?:dra?|doutora?)\b|"
            r"\balguem (?:veja|visse|olhe|olhasse|examine|examinasse|avalie|avaliasse)\b"
        ),
        r"\b(?:pode|podem|consegue|conseguem|tem como|da para) (?:me )?(?:encaixar|marcar|agendar|reservar)\b",
        (
            r"\bme (?:ve|arruma|arranja|consegue|encaixa|marca|agenda)\b(?! (?:o endereco|a localizacao|um atestado|"
            r"a receita))"
        ),
        (
            r"^(?:[a-z ,!.]{0,20}[,.!] ?)?(?:uma? )?(?:consulta|exame|avaliacao|retorno|sessao|horario) (?:para|com|"
            r"de) [^?]*$"
        ),
        r"\b(?:marca|agenda|reserva) (?:ai|para mim|logo|esse|essa|entao)\b",
        (
            r"\b(?:conseguem?|podem?|da para|tem como|poderiam?) me (?:atender|receber|ver|examinar)\b|\bme "
            r"(?:coloca|poe|bota|inclui) (?:com|n[ao]|para)\b"
        ),
        r"\b(?:quero|queria|gostaria de|preciso) voltar n[ao]\b",
        (
            r"\b(?:fazer|realizar) (?:um|uma|o|a) (?:agendamento|marcacao|consulta|exame|avaliacao|ultrassom|"
            r"limpeza|check[ -]?up)\b"
        ),
    ),
    *rules(
        Intent.OPT_OUT,
        (
            rf"(?<!nao )(?<!nem )(?<!nao quero )(?<!nao precisa )(?<!nao e para )\b{STOP} (?:(?:de|com|por favor|me|"
            rf"mandar|enviar|receber|tod[ao]s|[ao]s?|d[aeo]s?|ess[ae]s?|est[ae]s?|meus?|minhas?|seus?|tais) )*"
            rf"{NOTICES}\b"
        ),
        (
            r"\bnao (?:precisam?|quero|queria|desejo|gosto)(?: mais)?(?: (?:de|que|voces|me|mais|mandar|mandem|enviar|"
            rf"enviem|receber|ter|[ao]s?|d[aeo]s?|ess[ae]s?|nenhuma?|tant[ao]s?))* {NOTICES}\b"
        ),
        (
            r"\b(?:nao (?:quero|desejo|gostaria de)(?: mais)? (?:receber|que (?:voces )?(?:me )?(?:mandem|enviem)|"
            r"mais mensagens|mensagens|contato)|par(?:a|e|em|ar) de (?:me )?(?:mandar|enviar|encher|perturbar|"
            r"mensage|incomodar)|chega de mensage|nao me (?:mand[ae]m?|envi[ae]m?|chamem?|procurem?|"
            r"perturbem?)(?: mais)?(?: mensage\w+| nada)?)"
        ),
        (
            r"\b(?:descadastr\w+|me (?:tira|tire|tirem|remov\w+|exclu\w+|retir\w+) (?:d[aeo]ss?[ae]? |"
            r"d[ao] )?(?:lista(?! de espera)|grupo|contatos|mensagens|transmissao)|"
            r"(?:parar|deixar|nao quero mais) de receber|sair d(?:[ae]ssa?|a) lista(?! de espera)|"
            r"cancelar? (?:o |a |as |os )?(?:envio|inscri|mensage|notific|recebimento)\w*)"
        ),
        (
            rf"\bnao (?:aguento|suporto)(?: mais)? (?:(?:receber|ver|ess[ae]s?|tant[ao]s?|[ao]s?) )*{NOTICES}\b|"
            r"\bnao quero(?: mais)? saber(?: mais)? de voces\b"
        ),
        r"\b(?:remov\w+|tir\w+|apag\w+|exclu\w+) (?:o )?meu (?:numero|contato|telefone|whatsapp)\b",
        (
            r"\bnao (?:autorizo|permito|aceito)(?: mais)? (?:o |a |que )?(?:envio|mensage\w+|contato|propagandas?|"
            r"(?:voces )?me mand)"
        ),
        (
            r"\b(?:parar|para|parem|chega) com (?:as |os |essas |esses )?(?:mensage|aviso|propaganda|promoc|"
            r"lembrete)\w*|\bsai(?:a|am|r)? do meu (?:whats|numero|zap)\w*"
        ),
        (
            r"\b(?:tira|remove|exclui) (?:o )?meu (?:contato|numero)|\bme bloque\w+|\bnao (?:me )?(?:chama|procura|"
            r"manda|liga)\w*(?: \w+)? mais\b|\bnao quero(?: mais)? (?:lembretes?|ser contatad|avisos|propaganda|"
            r"promoc)|\bdeixem? de (?:me )?(?:mandar|enviar)"
        ),
        (
            r"\bdesinscrev\w+|\bcansei d(?:e|essas) mensage\w+|\b(?:remov\w+|tir\w+|sair) d[ao]s? (?:disparos?|"
            r"mensagens|lista(?! de espera)|envios?)\b"
        ),
        r"^\W*(?:stop|sair|parar|pare|para|descadastrar|remover|unsubscribe)\W*$",
        weight=0.95,
    ),
    *rules(
        Intent.DATA_REQUEST,
        r"\blgpd\b|\b(?:meus|os meus|seus) dados\b|\bdados pessoais\b|\bprotecao de dados\b",
        (
            r"\b(?:corrigir|corrij\w+|corrige|atualiz\w+|alterar|altera|mudar|trocar|troca) (?:ai )?(?:o |a )?(?:meu "
            r"|minha )(?:nome|cpf|cadastro|telefone|"
            r"endereco|email|e-mail|data de nascimento)\b"
        ),
        (
            r"\b(?:copia|acesso) (?:completa )?(?:d[aeo]|a[o]?)s? (?:meu |minha |meus |minhas |"
            r"todo (?:o )?)*(?:prontuario|cadastro|dados|historico|registros?)\b"
        ),
        (
            r"\b(?:apag\w+|exclu\w+|delet\w+|elimin\w+) (?:o |a |os |as |tod[oa]s (?:[oa]s )?)?(?:meu |"
            r"minha |meus |minhas )*(?:dados|cadastro|informac|historico|conversa|prontuario|registro|conta)\w*"
        ),
        (
            r"\b(?:dados|informacoes) que (?:voces?|a clinica) (?:\w+ )?(?:de mim|sobre mim|meus|minhas)\b|"
            r"\b(?:que|quais) (?:dados|informacoes) (?:sobre mim|meus|minhas|voces|a clinica)|\bencarregad[oa] (?:de|"
            r"pel[oa]s?) dados|\bdpo\b"
        ),
        (
            r"\b(?:cpf|rg|nome|telefone|endereco|e-?mail|cadastro|nascimento)\b[^.!?]{0,20}\b(?:esta|veio|ficou|saiu|"
            r"foi)"
            r" (?:\w+ )?(?:errad|incorret|desatualizad|trocad)\w+"
        ),
        (
            r"\b(?:mudei|troquei) (?:de |o |d[oa] )?(?:meu |minha )?(?:telefone|numero|endereco|e-?mail|sobrenome|"
            r"celular)\b"
        ),
        r"\b(?:corrig\w+|corrij\w+|atualiz\w+|errei|errad[oa]|mud(?:ou|ei|ar))\b.{0,40}\bcadastro\b",
        (
            r"\b(?:passam|vendem|repassam|compartilham) (?:as |os )?(?:minhas|meus) (?:informac\w+|dados)\b|"
            r"\bregistrado sobre mim\b|\bno meu cadastro\b"
        ),
        (
            r"\b(?:apag|exclu|delet|elimin)\w+ (?:ai |logo |mesmo )?tudo\b(?! (?:(?:isso )?d[ao] agenda|(?:isso )?"
            r"(?:que|o que) (?:eu )?(?:marquei|agendei|tenho marcad|falei|disse|escrevi|mandei)))"
        ),
        (
            r"\b(?:confer\w+|confir[am]\w*|ver|ve|veja|verifi\w+|chec\w+|olh(?:a|ar|e))\b[^.!?]{0,20}\bmeus? "
            r"(?:cadastro|cpf|dados|endereco|telefone|e-?mail)\b"
        ),
        r"\bcopia de tudo\b|\btudo (?:o )?que voces (?:tem|guardam|sabem) (?:sobre|de|a respeito)\b",
        r"\bnao (?:autorizo|consinto|concordo)(?: mais)? (?:com )?(?:o )?(?:uso|tratamento|compartilhamento)\b",
        r"\b(?:revog\w+|retir\w+|cancel\w+) (?:o |a )?(?:meu |minha )?(?:consentimento|autorizacao de uso)\b",
    ),
)
