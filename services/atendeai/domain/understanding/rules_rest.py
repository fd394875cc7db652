"""Rules for everything that changes nothing: a person wanted, results, being late, questions, confirmations."""

from atendeai.domain.understanding.intent import Intent
from atendeai.domain.understanding.rulebook import EXAMS, NAMES, PLAN, VISIT, Rule, rules

REST: tuple[Rule, ...] = (
    *rules(
        Intent.HUMAN,
        r"\b(?:quero|queria|preciso|vou|gostaria de|venho) (?:(?:fazer|registrar|abrir) (?:uma )?)?reclama(?:r|cao)\b",
        weight=0.95,
    ),
    *rules(
        Intent.HUMAN,
        (
            r"\b(?:falar|conversar|fala|falo|atendid[oa]|atendimento|contato|passar|passa|transfere|transferir|"
            r"chama|chamar) (?:com |por |para |pra |me )?(?:a |o |um |uma |algum |alguma |"
            r"outra )?(?:d[aeo] )?(?:atendente|humano|humana|pessoa|alguem|recepcao|recepcionista|secretaria|"
            r"gerente|gerencia|responsavel|ser humano|gente|setor|financeiro|dono|moca|funcionari[oa])\b"
        ),
        r"\b(?:falar|conversar) (?:direto )?com (?:a |o |um |uma )?(?:dra?|doutora?|medic[oa]|dentista|"
        r"psicolog[oa])\b",
        r"\balguem de verdade\b|\b(?:debitad[oa]|cobrad[oa]|descontad[oa]) (?:duas|2|em dobro|a mais|errad)\w*",
        (
            r"\b(?:destratad|maltratad|humilhad|ofendid)[oa]\b|\bdenunci\w+|\b(?:elogi\w+|sugestao)\b|\b(?:boleto|"
            r"cobranca|fatura|nota) (?:\w+ )?errad\w+"
        ),
        r"\bvoce e (?:uma )?(?:pessoa|humano|real|gente|maquina)\b|\bser humano\b",
        (
            r"\b(?:tratar|resolver|ver isso) com (?:uma? )?(?:pessoa|humano|alguem|gerente|atendente)\b|\ba "
            r"(?:secretaria|recepcionista|atendente|gerente)\b.{0,10}\?"
        ),
        r"\b(?:chama|chame) (?:o |a )?(?:gerente|dono|responsavel)\b|\bcobrad[oa] .{0,25}\berrad\w+",
        (
            r"\b(?:nota(?: fiscal)?|nf|recibo|boleto|cobranca|fatura|comprovante de pagamento)\b[^.!?]{0,30}\b(?:errad|"
            r"incorret|trocad|duplicad|vencid|a mais)\w*|\b(?:segunda|2a) via d[aeo]s? (?:minha |meu )?(?:boleto|"
            r"fatura|nota|"
            r"recibo|carne|cobranca)s?\b|\b(?:nao (?:recebi|chegou|veio|mandaram|enviaram)|cade) (?:[ao] |meu |minha )*"
            r"(?:nota fiscal|recibo|boleto)\b"
        ),
        r"\bdinheiro de volta\b|\bdevol\w+ (?:o |do )?(?:meu )?dinheiro\b|\bressarc\w+",
        r"\bninguem (?:me |aqui |nos |ai )?(?:responde\w*|atende\w*|resolve\w*|retorn\w+|cham(?:a|ou|aram)|lig(?:a|"
        r"ou))|"
        r"\blig(?:a|ue|uem|ar) para mim\b",
        r"\besper(?:ei|amos|ando)\b[^.?!]{0,20}\b(?:\d|uma|duas|tres|quatro) horas?\b|\b(?:foi|fui|foram) (?:muito |"
        r"super |tao |bem )?"
        r"(?:gross\w+|mal educad\w+|grosseir\w+|estupid\w+)|\bnunca mais (?:volto|piso|marco)\b|\bdecepcionad\w+",
        (
            r"\b(?:telefone|numero)\b[^.!?]{0,15}\b(?:para|que|de) (?:eu )?(?:possa )?(?:ligar|contato|falar)\b|"
            r"\bqual (?:e )?o? ?telefone\b"
        ),
        r"\b(?:voce|voces) nao (?:esta |estao )?(?:me )?(?:entend\w+)|\bnao (?:esta|estao) (?:me )?entendendo\b",
        r"\b(?:atendente|humano|ser humano|pessoa de verdade|pessoa real)\b",
        (
            r"\b(?:reclama\w*|ouvidoria|procon|reclame aqui|advogado|processar|absurdo|(?:atendimento|servico|"
            r"experiencia|clinica) (?:\w+ )?(?:horrivel|pessim[oa])|pessim[oa]|descaso|"
            r"falta de respeito|vergonha|insatisfeit\w+|indignad\w+|mal atendid\w+|fui maltratad\w+)\b"
        ),
        (
            r"\b(?:cobranca|cobraram|(?:fui|fomos|sendo|ser|foi) cobrad[oa]|cobrad[oa] (?:errad|duas|a mais|indevid|"
            r"em dobro)\w*|cobrou|debitaram|descontaram|estorno|reembols(?:ar|"
            r"em) (?:o )?que paguei)\b(?!.*\bquanto\b)"
        ),
        (
            r"\b(?:me lig(?:a|ue|uem|ar)|pode(?:m)? (?:me )?ligar|robo|voce e (?:um )?(?:robo|bot|maquina)|"
            r"nao quero falar com (?:robo|maquina|bot))\b"
        ),
    ),
    *rules(
        Intent.RESULTS,
        r"\b(?:saiu|sairam|ficou pronto|ficaram prontos|esta pronto|estao prontos|chegou) (?:ja )?(?:o |a |os |as )?"
        r"(?:meu |minha |meus |minhas )?(?:exames?|biopsia|hemograma|raio|ultrassom)\b",
        r"\b(?:meus? |o |os )exames?\b[^.!?]{0,15}\b(?:pront[oa]s?|saiu|sairam|chegou|chegaram)\b",
        r"\b(?:pegar|buscar|retirar|pego|busco|retiro) (?:o |os )?(?:meus? )?exames?\b|"
        r"\bpedido (?:d[eo]s? )?exames?\b",
        r"\b(?:acab(?:ou|ando)|renov\w+|venceu) (?:o |a )?(?:meu |minha )?(?:remedio|medicacao|medicamento|"
        r"receita)\b",
        r"\bguia (?:para|de|d[ao])\b(?! (?:convenio|plano))",
        rf"\b(?:cade|onde (?:esta|foi parar)|kade)(?: [ao]s?)?(?: minhas?| meus?)? {EXAMS}\b",
        rf"\b(?:pdf|arquivo|senha|login)\b[^.!?]{{0,40}}\b{EXAMS}\b",
        (
            r"\b(?:link|site|portal|aplicativo|app)\b[^.!?]{0,40}\b(?:resultados?|laudos?)\b|"
            r"\bnao (?:consigo|consegui|estou conseguindo|abre|abriu|entra)\b[^.!?]{0,30}\b(?:link|site|portal|"
            r"aplicativo|app)\b"
        ),
        rf"\b{EXAMS}\b[^.!?]{{0,30}}\b(?:nao (?:abre|abriu|carrega|baixa)|pdf|login)\b",
        rf"\b{EXAMS}\b[^.!?]{{0,15}}\b(?:pront[oa]s?|saiu|sairam|chegou|chegaram)\b",
        r"\b(?:deu|foi) (?:positivo|negativo|reagente|alterado)\b|\bpositivo ou negativo\b",
        (
            rf"\b(?:mand|envi|encaminh|pass)(?:a|e|ar|em)(?: para mim| me)? (?:(?:[ao]s?|meus?|minhas?) "
            rf")+{EXAMS}\b[^.!?]{{0,12}}"
            r"\b(?:meu|minha|mim)\b"
        ),
        (
            r"\b(?:papel|papelzinho|documento|declaracao|comprovante|justificativa)\b(?: \w+){0,3} (?:para|d[ao]|"
            r"n[ao]) (?:[ao] "
            r")?(?:meu |minha )?(?:escola|trabalho|empresa|firma|faculdade|patrao|chefe|servico|creche|rh|inss|"
            r"pericia)\b"
        ),
        (
            r"\b(?:resultados?|laudos?|receitas?|atestados?|encaminhamentos?|prescric(?:ao|oes)|"
            r"declaracao de comparecimento|relatorios?|pedido (?:medico|de exame)|requisicao|guia de (?:exame|"
            r"encaminhamento)|segunda via d[aeo] (?:receita|laudo|exame|atestado))\b"
        ),
    ),
    *rules(
        Intent.RUNNING_LATE,
        r"\b(?:atrasad[oa]|atrasar|atrasando|atrasei|atrasou|atraso|atrasinho)\b",
        (
            r"\b(?:(?:n?o|peg\w+|muito) transito|engarraf\w+|congestionament\w+|procurando (?:vaga|lugar|onde) "
            r"(?:para )?estacion\w+)\b"
        ),
        r"\b(?:acabei de|estou) (?:chegar|estacionar|estacionando|subindo|descendo|parando|entrando)\b|\bja subo\b",
        (
            r"\b(?:ja )?estou (?:aqui )?(?:n[ao]|em frente|a \d+ min\w*|perto)\b(?: recepcao| porta| estacionamento| "
            r"frente)?(?= d|\W*$| aqui)|\bperdi o (?:onibus|metro|trem)\b"
        ),
        r"\b(?:ja )?cheguei\b|\bentrando n[ao] (?:rua|predio|estacionamento|clinica)\b|\baqui embaixo\b",
        r"\bvou demorar\b|\b(?:se eu )chegar (?:as )?\d|\bme atendem se\b",
        (
            r"\bcheg(?:o|ar|arei|ando|amos|aremos|asse)\b(?: \w+){0,3} (?:ja|depois|mais tarde|em \d+ ?min\w*|\d+ "
            r"?min\w*|minutos)\b"
        ),
        (
            r"\b(?:estou|to|tou|ja|quase|estamos|vou) (?:estou |ja |quase )*(?:a caminho|chegando|indo|saindo|"
            r"pert[ioo]|aqui na (?:porta|frente|recepcao)|na porta)\b"
        ),
        (
            r"\b(?:a caminho|cheg[oa](?:mos)? (?:em |daqui |uns )+|cheg[oa](?:mos)? ai (?:em|daqui|ja|as|la)|"
            r"pres[oa] no transito|transito (?:esta |"
            r"ta )?(?:parado|horrivel|pesimo|ruim|pessimo)|tolerancia)\b"
        ),
    ),
    *rules(
        Intent.CONFIRM_YES,
        r"\b(?:confirm(?:ar|o|ando|ada|ado)) (?:a |o |sim )?(?:minha |meu )?(?:presenca|comparecimento|ida|consulta|"
        r"exame|agendamento|retorno|horario)\b(?! (?:da|do|de) )",
        weight=0.85,
    ),
    *rules(
        Intent.LIST_APPOINTMENTS,
        (
            r"\b(?:quando|que (?:dia|horas?)|qual (?:o )?(?:dia|horario|data|hora)|onde) (?:que )?(?:e|era|sera|"
            r"vai ser|esta|ficou|foi|fica|eh)? ?(?:mesmo )?(?:que (?:e|ficou|esta) )?(?:marcad[oa] |"
            r"agendad[oa] )?(?:o |a |d[ao] )?(?:minha|meu|nossa) (?:proxim[oa] )?(?:consulta|exame|horario|retorno|"
            r"agendamento|sessao|atendimento)"
        ),
        (
            r"\b(?:tenho|tem|teria|eu tenho|existe|ha) (?:alguma? |uma? |algo |quais )?(?:consulta|exame|horario|"
            r"retorno|agendamento|sessao|coisa)?s? ?(?:marcad[oa]|agendad[oa])s?\b(?! (?:e quero|mas|e preciso))"
        ),
        (
            r"\b(?:tenho|eu tenho) (?:alguma |uma |que )?consulta\b[^.!]{0,25}\?|\b(?:minhas consultas|"
            r"meus agendamentos|minhas proximas consultas|meus horarios marcados)\b"
        ),
        (
            r"\b(?:ver|saber|consultar|confirmar (?:o|a|que) (?:horario|dia|data|hora)|lembrar|conferir|esqueci|"
            r"confere|nao lembro|lembra|verificar)\b[^.?!]{0,25}\b(?:minha|meu) "
            r"(?:consulta|horario|agendamento|exame|retorno|sessao)\b"
        ),
        (
            r"\b(?:minha consulta|meu (?:horario|retorno|exame|agendamento))\b[^.?!]{0,15}\b(?:que horas|que dia|"
            r"quando|esta (?:marcad|confirmad)|ficou|ta de pe|continua|e que)\w*"
        ),
        (
            r"\be (?:mesmo )?(?:hoje|amanha|segunda|terca|quarta|quinta|sexta|sabado|n[ao] \w+|dia \d+|as "
            rf"\d+)[^.?!]{{0,20}}"
            rf"\b(?:minha|meu) {VISIT}\b"
        ),
        (
            rf"\b(?:minha|meu) {VISIT} (?:e|vai ser|ficou)(?: mesmo)? (?:hoje|amanha|n[ao] |as |dia |segunda|terca|"
            r"quarta|quinta|sexta)[^.!]*\?"
        ),
        (
            rf"\b(?:minha|meu) {VISIT} e com (?:qual|quem|que)\b|\beu tenho (?:consulta|horario|exame) (?:hoje|"
            r"amanha|marcad\w+|ess[ea])[^.!]*\?"
        ),
        r"^\W*(?:os )?meus agendamentos?\W*$",
        (
            rf"\b(?:data|dia|horario|hora) d[ao] (?:(?:minha|meu) )?{VISIT}(?: d[aeo] (?:meu|minha) \w+)?\b(?! de "
            r"(?:funcion|atend))"
        ),
        (
            r"\b(?:que|qual|em que) (?:dia|horario|hora|data)s? (?:que )?(?:eu )?(?:marquei|agendei|fiquei de|"
            r"tenho que ir|devo ir)\b"
        ),
        (
            rf"\b(?:estou|to) (?:agendad|marcad)[oa]\b|\bestou na agenda\b|\b(?:ainda )?tenho (?:{VISIT}|consultas|"
            r"sessoes) (?:marcad|agendad|pendente|sobrando)\w*"
        ),
        r"\bnao lembro (?:se|quando|que dia|o dia|a hora|o horario)\b",
        (
            rf"\b(?:esta|ta) de pe (?:a |o )?(?:minha|meu) {VISIT}\b|\b(?:minha|meu) {VISIT}[^.!]{{0,15}}\b(?:as "
            r"quantas|quando|de pe)\b"
        ),
        (
            r"\b(?:confirmaram|confirmou|remarcaram|remarcou|(?:foi|esta|ficou) "
            r"confirmad[oa])\b[^.!?]{0,20}\b(?:minha|meu) "
            rf"{VISIT}\b[^.!]*\?|\b(?:minha|meu) {VISIT}\b[^.!?]{{0,20}}\b(?:foi|esta|ficou|ja) confirmad[oa]\b[^.!]*\?"
        ),
        (
            rf"\b(?:minha|meu) (?:{VISIT}|cirurgia|fisio\w*|terapia|raio[ -]?x)(?: d[aeo] \w+)? (?:e|era|vai ser|"
            rf"ficou|cai)"
            r"(?: mesmo)? (?:semana|mes|dia|de (?:manha|tarde)|ess[ae]|ness[ae]|proxim[ao]|ainda|as \d|\d)[^.!]*"
            r"(?:\?|\bou (?:n?[ao] |dia )?(?:\d|outr[ao]|proxim[ao]|d[ae] (?:manha|tarde)|segunda|terca|quarta|quinta|"
            r"sexta))"
        ),
        r"\b(?:meu nome|eu|a gente|minha mae|meu pai) (?:ainda )?(?:esta|estou) (?:ai )?n[ao] (?:lista|agenda)\b(?! "
        r"de espera)",
        (
            r"\b(?:quando|que dia|que horas|qual (?:o )?(?:dia|horario|data)) (?:que )?(?:e|sera|vai ser|ficou|cai)"
            rf"(?: mesmo)? (?:[ao] )?(?:proxim[ao] )(?:{VISIT} )?(?:(?:d[aeo] )?(?:minha|meu)|del[ea])\b"
        ),
        (
            r"\b(?:marc|agend)(?:ou|aram|ei|amos)\b[^.!?]{0,40}\bnao (?:sei|lembro|recordo|falou|disse|"
            r"avisou)\b[^.!?]{0,15}\b"
            r"(?:dia|hora|horario|data|quando)\b"
        ),
        rf"\bcom quem (?:e|vai ser|sera|ficou|esta)? ?(?:marcad[oa] )?(?:a |o )?(?:minha|meu) {VISIT}\b",
        (
            r"\besqueci (?:o |a |qual |que |de )?(?:horario|dia|hora|data|quando)\b|\b(?:dia|horario|hora|data) que "
            r"(?:eu )?(?:marquei|agendei)\b"
        ),
        r"\bquais (?:consultas|exames|horarios|sessoes) (?:que )?(?:eu )?(?:tenho|marquei)\b",
        r"\b(?:esta|ficou|foi) (?:mesmo )?(?:marcad[oa]|agendad[oa]|confirmad[oa])\b[^.!]{0,20}\?",
        (
            r"\b(?:marquei|agendei) (?:para|n[ao]|em)? ?(?:que|qual|quando)\b|\b(?:que|qual) (?:dia|hora)s? (?:que "
            r")?(?:eu )?(?:marquei|agendei|vou)\b"
        ),
        r"\b(?:consulta|exame|horario|algo|marcad[oa]|agendad[oa])s? (?:n?o|em) meu nome\b",
        (
            r"\b(?:que|qual) (?:e )?(?:o |a )?(?:medic[oa]|doutora?|profissional|dentista) (?:que )?(?:vai|ira) me "
            r"atender\b"
        ),
        weight=0.85,
    ),
    *rules(
        Intent.ASK_AVAILABILITY,
        (
            r"\b(?:tem|teria|tera|ha|existe|sobrou|voces? tem|ainda tem|nao tem|tinha|tendo|abriu) (?:algum |"
            r"alguma |um |uma |outro |outros |mais |ai )*(?:horario|vaga|hora|agenda|encaixe|disponibilidade|"
            r"espaco|livre|data|horarinho)s?\b(?! de funcionamento)"
        ),
        (
            rf"\b(?:quais|que|quando|qual)\b[^.!?]{{0,15}}\b{NAMES}\b(?: [a-z]+)?[^.!]{{0,10}}\b(?:atende\w*|vem|"
            rf"pode|"
            rf"trabalha|tem|esta)\b"
        ),
        (
            r"\btem (?:alguma coisa|algo)\b|\bnao (?:tem|teria|ha) (?:nada|algo|alguma coisa|nenhum\w*)(?: \w+)? "
            r"(?:mais (?:cedo|"
            r"tarde|perto|proximo)|antes|depois)\b[^.!]*\?|\bo que (?:voces )?(?:tem|ha|sobrou|"
            r"tiver)\b[^.!?]{0,15}\b(?:livre|vag|"
            r"para|n[ao]|de)\b"
        ),
        (
            r"\b(?:dra?|doutora?)\b\.? \w+ (?:atende|vem|trabalha|esta) (?:n?[ao]|de|em|hoje|amanha)\b|\btem "
            r"outr[oa] (?:dia|data|medic\w+)\b"
        ),
        (
            r"\bcomo (?:esta|fica) (?:a )?agenda\b|\bdificil (?:vaga|horario|conseguir)\b|\bso (?:tem|ha|tinha) "
            r"(?:esse|essa|isso|esses)\b|\bagenda (?:\w+ "
            r"){0,2}(?:cheia|lotada)|\b(?:cheia|"
            r"lotada) a agenda"
        ),
        (
            r"\b(?:quais|que|qual) (?:sao |seria |e )?(?:os |o |as |a )?(?:proxim[oa]s? |"
            r"primeir[oa] )?(?:horarios?|datas?|dias?|vagas?) (?:voces? |que |mais |ainda |de |esta |estao |tem |"
            r"ha )*(?:dispon\w+|livre|tem|vag[oa]s?|aberto|proxim\w+)"
        ),
        (
            r"\b(?:disponibilidade|horarios? (?:dispon\w+|livres?|vagos?)|agenda (?:aberta|dispon\w+|livre|de)|"
            r"vaga para|data mais proxima|proxima vaga|horario mais (?:proximo|cedo))\b"
        ),
        (
            r"\b(?:esta|ta|estaria|fica) (?:livre|vago|disponivel|dispon\w+)\b|\bpara quando (?:tem|voces tem|"
            r"consigo|teria)\b|\bquando (?:tem|voces tem|teria|ha|consigo|seria a proxima)\b(?! (?:minha|meu))"
        ),
        (
            r"\btem (?:para |n[ao] |as )?(?:amanha|hoje|segunda|terca|quarta|quinta|sexta|sabado|semana|dia \d|"
            r"\d\d? ?h|de manha|a tarde)\b"
        ),
        weight=0.8,
    ),
    *rules(
        Intent.ASK_HOURS,
        (
            r"\bhorarios? (?:de |do |da |que )?(?:funcionamento|atendimento|abertura|voces (?:atendem|abrem|"
            r"funcionam|fecham)|expediente|clinica|fechamento|a clinica|abre|fecha)\b"
        ),
        (
            r"\b(?:que|ate que|de que|a que|qual|ate quantas|quais|a partir de que) (?:horas?|horarios?|"
            r"dias?)(?: e dias| e horarios| e que horas)? (?:que )?(?:voces? |a clinica |ai |o consultorio |e que |"
            r"e que voces )*(?:abr\w+|fech\w+|funcion\w+|atend\w+|fica\w* abert\w+|comeca\w*|encerra\w*|vai|vao|"
            r"trabalha\w*)"
        ),
        (
            r"\bhorarios? de voces\b|\b(?:a partir de|ate) que horas\b|\b(?:expediente|vao (?:funcionar|abrir|"
            r"atender|trabalhar)|vai (?:funcionar|"
            r"abrir|ter atendimento))\b|"
            r"\b(?:abr(?:e|em|ira|ir|irao)|fech(?:a|am|ado|ados|ada)|funcion(?:a|am|ando|ara|arao)|abert[oa]s?|"
            r"trabalham|plantao)\b"
        ),
        (
            r"\b(?:atend(?:e|em|endo|imento)|vao atender|estao atendendo) (?:ate |de |a |aos |as |n[oa]s? |em |ao |"
            r"dia de |durante (?:o |a )?|hoje|amanha|todos os )*(?:hoje|amanha|segunda|terca|quarta|quinta|sexta|"
            r"sabados?|domingos?|feriados?|fim de semana|fins de semana|finais de semana|noite|manha|tarde|almoco|"
            r"\d\d? ?(?:h|horas)|que horas|dias|24)"
        ),
        (
            r"\b(?:hoje|amanha|segunda|terca|quarta|quinta|sexta|sabados?|domingos?|feriados?|natal|carnaval)(?:[ "
            r"-]?feiras?)?"
            r"(?: que vem)? (?:(?:voces?|a clinica|ai|tambem) )*(?:atend(?:e|em)|abrem?|funcionam?|trabalham?)"
            r"(?: (?:ai|tambem|normal\w*|de manha|a tarde|a noite|cedo))*\W*\?"
        ),
        (
            r"^\W*(?:(?:oi|ola|bom dia|boa tarde|boa noite|e|mas|sera que|por acaso)\W+)*(?:n[ao]|dia|em|de|"
            r"durante)\b[^?,]{2,30}\b"
            r"(?:voces |a clinica |ai |tem )?(?:atend(?:e|em|imento)|abrem?|funcionam?|trabalham?)\b[^?]{0,12}\?"
        ),
    ),
    *rules(
        Intent.ASK_ADDRESS,
        (
            r"\b(?:endereco|localizacao|localizad[oa]|estaciona\w*|vaga para (?:carro|moto)|ponto de referencia|"
            r"como (?:eu )?(?:chego|chegar|faco para chegar|vou ate|que chega|que eu chego)|qual (?:o )?(?:andar|"
            r"bairro|rua|sala|predio)|que (?:andar|rua|bairro|sala|cidade)|(?:google )?maps|waze|metro|onibus|"
            r"elevador|acessibilidade|cadeirante|rampa)\b"
        ),
        (
            r"\b(?:onde|aonde) (?:e |que |voces |fica\w*|ficam|esta\w*|e que |eh )*(?:fica|ficam|e|voces|a clinica|"
            r"o consultorio|localiza\w*|sao|estao|tem unidade)\b"
        ),
        r"\b(?:tem|ha|existe) (?:outra )?(?:unidade|filial)\b|\b(?:do|ao) lado d[aeo]\b",
        (
            r"\bonde (?:eu )?(?:deixo|deixar|estaciono|paro)\b|\bqual (?:a )?(?:cidade|bairro)\b|\bem que "
            r"(?:cidade|bairro|lugar)\b|\bterreo\b|\b(?:link|pin) d[oa] (?:mapa|maps|localizacao)\b"
        ),
        (
            r"\bficam? onde\b|\bonde (?:parar|deixar|estacionar)\b|\bfacil de (?:achar|chegar)\b|\bqual (?:e )?(?:a "
            r")?(?:rua|avenida|numero|sala)\b"
        ),
        (
            r"^\W*(?:e|fica) (?:ai )?(?:n[ao]|em frente (?:d?[ao]|ao?)|ao lado d[ao]) (?:centro|terreo|metro|bairro|"
            r"shopping|rua|av\w*|zona|predio)\b|\bonde (?:fica|ficam|"
            r"e)\b|\b(?:fica|e) (?:perto|proximo|em que|longe)\b|\bmanda(?:r)? (?:a |"
            r"o )?(?:localizacao|endereco|local)\b"
        ),
    ),
    *rules(
        Intent.ASK_PRICE,
        (
            r"\bquanto (?:que )?(?:e|custa|fica|sai|esta|cobra\w*|seria|ta|sao|vai ficar|vou pagar|eu pago|pago|"
            r"ficaria|sairia|voces cobram|custaria|da|vale)\b(?! (?:tempo|a duracao))"
        ),
        r"\bpor quanto\b|\bmais em conta\b|\btem (?:alguma )?promoc(?:ao|oes)\b|\bprec(?:inho|ao)s?\b|\bvalorzinho\b",
        r"\b(?:ate|menos de|abaixo de) (?:r\$ ?)?\d{2,4} ?(?:reais|real|conto)",
        r"\b(?:precos?|valor(?:es)?|tabela|orcamento|custo|taxas?|honorarios?)\b(?! (?:do |da )?(?:meu|minha) exame)",
        (
            r"\b(?:parcel\w+|pix|cartao(?! (?:do|da|de) (?:convenio|plano|sus|todos))|forma(?:s)? de pagamento|em "
            r"dinheiro|"
            r"car[oa]|barat[oa]|(?:e|sera|sao) cobrad[oa]|cobram?|multa|investimento|da para dividir|(?:preciso|"
            r"precisa|tenho que|"
            r"como|posso|"
            r"onde) pag(?:ar|o)|e pag[oa]|paga\?|"
            r"aceitam? (?:vale|cheque|dinheiro|cartao)|"
            r"desconto|a vista|boleto|debito|credito|nota fiscal|consulta (?:e )?(?:paga|gratuita|de graca))\b"
        ),
        (  # said of oneself, as in "João Lima, particular", it asks nothing
            r"\bparticular\b[^.,;!?]*\?|^\W*(?:(?:consulta|atendimento|exame|so) )?particular\W*$|"
            r"\b(?:quanto|quais|qual|como|atend\w+|aceit\w+|faz\w*|tem|consulta|exame|sai|fica)\b[^.,;!?]*\bparticular\b"
        ),
        weight=0.85,
    ),
    *rules(
        Intent.ASK_INSURANCE,
        r"\bguia (?:autorizada|do (?:convenio|plano)|para o (?:convenio|plano))\b",
        rf"\b{PLAN} (?:\w+ )?(?:cobre|pegam?|atende\w*|aceita\w*)\b",
        (
            r"\b(?:convenios?|planos?(?: de saude)?|reembolso|carteirinha|autorizacao|coparticipacao|credenciad\w+|"
            r"conveniad\w+)\b"
        ),
        (
            r"\b(?:aceit\w+|pegam?|atend\w+|trabalh\w+ com|tem|cobr\w+|pel[oa]|e|do|da|com|meu|minha) (?:o |a |"
            r"pel[oa] |"
            rf"com |meu |plano |convenio )*{PLAN}\b|^\W*{PLAN}\W*$"
        ),
        weight=0.85,
    ),
    *rules(
        Intent.ASK_SERVICE,
        (
            r"\b(?:voces?|ai|a clinica|clinica|aqui|vcs) (?:ai |tambem |ja |nao )*(?:faz\w*|realiza\w*|oferec\w+|"
            r"trabalh\w+ com|tem|tratam?|colocam?|aplicam?|atend\w+)\b"
        ),
        r"^(?:\w+ ){0,2}(?:fazem|realizam|colocam|aplicam|retiram|tratam|vendem|oferecem|extraem|operam)\b",
        r"\b(?:faz|fazem|realizam?) (?:o |a |algum )?(?:teste|exame|tratamento|cirurgia|procedimento|laudo)\b",
        (
            r"\b(?:posso|pode|podia|da para) (?:comer|beber|tomar|usar|fazer|ir|levar|dirigir|"
            r"trabalhar)\b.{0,30}\b(?:antes|depois|durante)\b"
        ),
        (
            r"^(?:e |mas )?precisa \w+|\bserve para\b|\b(?:medic[oa]|especialista|profissional) (?:cuida|trata|ve|"
            r"atende)\b|\bquantos minutos\b"
        ),
        r"\btem que (?:ir|estar|fazer|ficar|tomar|levar|raspar|lavar)\b",
        (
            r"\bcom (?:quantos anos|que idade|qual idade)\b|\b(?:amamentando|gestante|gravida|diabetic[oa]|"
            r"hipertens[oa]|idos[oa]) pode\b|\bpode fazer\b.*\?"
        ),
        (
            r"\bo que e (?:um |uma |o |a )?\w+\?|\bqual (?:e )?a diferenca\b|\b(?:por|em) (?:video|videochamada)\b|"
            r"\bcomo funciona\b|\bacompanhante\b"
        ),
        (
            r"\b(?:posso|pode|podia) fazer [^?!.]{0,30}\b(?:menstruad[oa]|menstruando|gravida|gestante|amamentando|"
            r"gripad[oa]|"
            r"com (?:febre|gripe|aparelho))\b"
        ),
        r"\b(?:e|sao|seria) (?:em (?:grupo|dupla)|individual|individuais)\b",
        r"\bquem (?:e|sao|faz|atende|aplica)\b(?! voce)|\bfeit[oa] por quem\b",
        (
            r"\b(?:precisa|necessario|exige\w*|tem que (?:ter|levar)|tenho que (?:ter|levar)|"
            r"obrigatori[oa])\b[^.!]{0,20}"
            r"\b(?:encaminhamento|pedido|guia|receita|acompanhante|preparo|jejum)\b"
        ),
        (
            rf"\b(?:faz|fazem|realizam?|tem|teria|atende|atendem|existe|oferecem?) (?:ai |consulta |com |exame |de |"
            rf"algum |alguma |um |uma |o |a )*(?:{NAMES}|exames?|raio[ -]?x|ultrassom|mamografia|vacina|botox|"
            rf"limpeza|clareamento|implante|canal|criancas?|bebes?|idosos?|gestantes?|homem|homens|adolescentes?|"
            rf"recem|online|telemedicina|domicili\w+|endoscopia|eletrocardiograma|tomografia|ressonancia|peeling|"
            rf"acupuntura)\b"
        ),
        (
            r"\b(?:quanto tempo|dura(?:cao)?|demora\w*|preparo|prepar(?:ar|acao)|jejum|em jejum|preciso (?:levar|"
            r"de pedido|de encaminhamento|fazer jejum|estar)|o que (?:preciso |devo |tenho que )?levar|"
            r"a partir de (?:que|qual) idade|qual idade|para que serve|como (?:e|funciona) (?:o |a )|doi|anestesia|"
            r"contraindicac\w+|telemedicina|(?<!alguem )online|teleconsulta|quais (?:sao )?(?:os |as )?(?:servicos|"
            r"especialidades|exames|medicos|profissionais|procedimentos)|que (?:servicos|especialidades|exames))\b"
        ),
        weight=0.75,
    ),
)
