"""Words: abbreviations of the phone, the words worth correcting towards, and words never to be touched."""

ABBREVIATIONS: dict[str, str] = {
    "vc": "voce", "vcs": "voces", "ce": "voce", "ces": "voces", "cs": "voces", "oce": "voce",
    "q": "que", "qe": "que", "ke": "que", "pq": "porque", "pk": "porque", "oq": "o que", "oque": "o que",
    "qro": "quero", "kero": "quero", "qero": "quero", "qria": "queria", "keria": "queria", "qeria": "queria",
    "qr": "quer", "qdo": "quando", "qnd": "quando", "qndo": "quando", "qto": "quanto", "qnt": "quanto",
    "qnto": "quanto", "qtos": "quantos", "ql": "qual", "qm": "quem", "qq": "qualquer", "qlqr": "qualquer",
    "qlqer": "qualquer",
    "dismarca": "desmarca", "dismarcar": "desmarcar", "dezmarca": "desmarca", "dezmarcar": "desmarcar",
    "dismarque": "desmarque", "desmarka": "desmarca", "desmarkar": "desmarcar", "rimarca": "remarca",
    "rimarcar": "remarcar", "remarka": "remarca", "remarkar": "remarcar", "cansela": "cancela", "kancela": "cancela",
    "pfv": "por favor", "pf": "por favor", "pfvr": "por favor", "pff": "por favor", "pfvor": "por favor",
    "porfavor": "por favor", "pufavor": "por favor", "fvr": "favor",
    "hj": "hoje", "hje": "hoje", "oje": "hoje", "hoj": "hoje",
    "amn": "amanha", "amnh": "amanha", "amanh": "amanha", "amnha": "amanha", "amha": "amanha", "amh": "amanha",
    "amanhan": "amanha",
    "manhan": "manha", "depoisdeamanha": "depois de amanha",
    "seg": "segunda", "ter": "ter", "qua": "quarta", "qui": "quinta", "sex": "sexta", "sext": "sexta", "sab": "sabado",
    "dom": "domingo", "segundafeira": "segunda feira", "tercafeira": "terca feira", "quartafeira": "quarta feira",
    "quintafeira": "quinta feira", "sextafeira": "sexta feira",
    "td": "tudo", "tb": "tambem", "tbm": "tambem", "tmb": "tambem", "mto": "muito", "mt": "muito", "mta": "muita",
    "n": "nao", "naum": "nao", "nn": "nao", "num": "num", "ñ": "nao", "nop": "nao", "nope": "nao",
    "s": "sim", "ss": "sim", "simm": "sim", "sm": "sim",
    "blz": "beleza", "bleza": "beleza", "belz": "beleza", "flw": "falou", "vlw": "valeu", "vlww": "valeu",
    "obg": "obrigado", "obgd": "obrigado", "obgda": "obrigada", "obgdo": "obrigado", "brigado": "obrigado",
    "brigada": "obrigada", "brigadu": "obrigado", "agradecido": "obrigado",
    "dr": "dr", "dra": "dra", "dto": "doutor", "drª": "dra",
    "p": "para", "pra": "para", "pro": "para o", "pras": "para as", "pros": "para os", "prq": "porque",
    "ta": "esta", "tá": "esta", "to": "estou", "tou": "estou", "tava": "estava", "tao": "tao",
    "cmg": "comigo", "ctg": "contigo", "c": "com", "d": "de", "msm": "mesmo", "mesm": "mesmo", "ngm": "ninguem",
    "agr": "agora", "dps": "depois", "dpois": "depois", "dp": "depois", "ate": "ate", "hr": "hora", "hrs": "horas",
    "hs": "horas", "mins": "minutos", "bd": "bom dia", "bt": "boa tarde", "bn": "boa noite", "bdia": "bom dia",
    "btarde": "boa tarde", "bnoite": "boa noite", "fds": "fim de semana", "finde": "fim de semana",
    "findi": "fim de semana", "end": "endereco", "tel": "telefone", "cel": "celular", "msg": "mensagem",
    "msgs": "mensagens", "mensag": "mensagem", "zap": "whatsapp", "wpp": "whatsapp", "eh": "e", "neh": "ne",
    "gnt": "gente", "glr": "galera", "vdd": "verdade", "fzr": "fazer", "fz": "faz", "pd": "pode", "pdm": "podem",
    "pdr": "poder", "tmj": "valeu", "oie": "oi",
    "eae": "e ai", "iae": "e ai", "eai": "e ai", "oii": "oi", "ola": "ola", "oiee": "oi", "opa": "opa", "kd": "cade",
    "atd": "atende", "cons": "consulta", "conv": "convenio", "dermato": "dermatologista", "gineco": "ginecologista",
    "cardio": "cardiologista", "orto": "ortopedista", "pedi": "pediatra", "psico": "psicologo",
    "fisio": "fisioterapia",
    "otorrino": "otorrinolaringologista", "oftalmo": "oftalmologista", "nutri": "nutricionista",
    "endocrino": "endocrinologista", "gastro": "gastroenterologista", "neuro": "neurologista",
    "uro": "urologista", "psiq": "psiquiatra",
    "usg": "ultrassom", "ultrasom": "ultrassom", "ultrassonografia": "ultrassom", "raiox": "raio x", "rx": "raio x",
    "ecg": "eletrocardiograma", "eletro": "eletrocardiograma", "eco": "ecocardiograma",
}  # fmt: skip

_WEEKDAYS = "segunda terca quarta quinta sexta sabado domingo feira"
_MONTHS = "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro"
_TIME = (
    "amanha manha tarde noite hoje depois antes semana proxima proximo ontem horario horarios horas minutos almoco "
    "feriado carnaval pascoa natal mes quinzena"
)
_ACTS = (
    "quero queria gostaria preciso marcar agendar remarcar reagendar desmarcar cancelar confirmar "
    "confirmo confirmado "
    "cancelamento agendamento consulta consultas retorno avaliacao exame exames consigo encaixe mudar trocar adiar "
    "antecipar disponivel disponibilidade atendimento atendente atendem atende recepcao recepcionista secretaria"
)
_THINGS = (
    "endereco localizacao estacionamento preco precos valor valores convenio convenios plano particular reembolso "
    "pagamento cartao receita atestado resultado resultados laudo encaminhamento prontuario funcionamento funcionam "
    "funciona mensagem mensagens obrigado obrigada paciente doutor doutora medico medica atrasado atrasada atrasar "
    "humano pessoa emergencia urgencia desmaiou infarto respirar coracao crianca tartaro"
)
_DANGERS = (
    "veneno respirando esfaqueado esfaqueada baleado baleada desmaiei desmaiado desmaiada engasgou engasgado engasgada "
    "engasgando convulsao convulsionando infartando infartou sangue sangrando sangramento suicidio socorro desacordado "
    "desacordada inconsciente overdose hemorragia ambulancia comprimido comprimidos atropelado atropelada queimadura "
    "peito matar morrer afogou afogado derrame respira respiracao"
)
_SPECIALTIES = (
    "dermatologista dermatologia cardiologista cardiologia ginecologista ginecologia ortopedista ortopedia pediatra "
    "pediatria psicologo psicologa psicologia psiquiatra psiquiatria oftalmologista oftalmologia urologista urologia "
    "neurologista neurologia endocrinologista endocrinologia nutricionista nutrologo fisioterapia fisioterapeuta "
    "otorrinolaringologista gastroenterologista reumatologista mastologista geriatra hepatologista infectologista "
    "odontologia dentista fonoaudiologo fonoaudiologa fonoaudiologia acupuntura ultrassom mamografia "
    "eletrocardiograma ecocardiograma endoscopia colonoscopia tomografia ressonancia vacina hemograma papanicolau "
    "preventivo limpeza clareamento ortodontista implante clinico alergista pneumologista nefrologista"
)
_PLANS = "unimed bradesco hapvida sulamerica intermedica"

TARGETS: frozenset[str] = frozenset(
    word
    for word in f"{_WEEKDAYS} {_MONTHS} {_TIME} {_ACTS} {_THINGS} {_DANGERS} {_SPECIALTIES} {_PLANS}".split()
    if len(word) >= 5  # noqa: PLR2004 - shorter ones are too near to each other
)

# Correct words that lie one edit from a target, or are frequent enough to be left in peace.
_PEACE = (
    "encaixa encaixar encaixam quarto quartas quanto quanta quantos quantas quando quadro cesta festa sesta "
    "testa marca marcas marco marcos "
    "marcado marcada marcou marque marquei marcando marcacao agenda agendas agende agendei agendado "
    "agendada agendando "
    "manda mande mandem mandar mandou mandei mandaram criancas "
    "agendaram cancelaram desmarcaram desmarcou confirmaram remarcaram "
    "cancela cancele cancelei cancelado cancelada cancelou cancelando confirma confirme "
    "confirmei confirmada "
    "confirmou confirmar confirmando desmarca desmarque desmarquei desmarcado remarca remarque remarcado muda mude "
    "mudou mudei troca troque trocou trocado adia adie adiado antecipa antecipe querem queremos queira queria querer "
    "gosta gostei gostaria precisa precisamos precisar precisava precisando atendo atendi atender atendido atendida "
    "atendendo consulto consultar consultei consultorio retorna retornar receitas receitar receber recebi resulta "
    "tarda tardes noites manhas horas amanheceu antes antesda depois deposito deposita tempo tenho tinha testes "
    "particulares partida parto parte partes medicas medicos medida medicina medico doutores pessoas "
    "pessoal pacientes "
    "paciencia planos valeu vale valida minha meses mesma mesmo mesa convido convite contato conta "
    "contas cartas carta "
    "funciono funcionar funcionarios nata natalia natural urgente urgencias emergencias humana humanas "
    "respira respiro respirado respirada desmaio desmaios desmaia desmaiar engasgo engasgos engasga engasgar venenos "
    "sangra sangria sangrou sangrado convulsoes convulsivo convulsiva suicida suicidas socorrer socorreu socorros "
    "ambulancias hemorragias queimaduras peitos perito peita pleito matam matei matou matos matas mattar mamar mater "
    "morre morrem morreu morrei morreram afoga afogar derrames derrama derramei infarta infartar arrastado arrastada "
    "arrastando sacramento "
    "infarte atraso atrasos atrasou atrasei atrasando valores precoce pressao presso prece precos enderecos semanas "
    "semanal sementes proximos proximas horario exato examinar pagamentos pagar cartoes atestados resultado laudos "
    "primeiro primeira segundo segundos terceiro terceira quinto quintas sextas sabados domingos feiras feriados "
    "libera liberar libero favor quinze limpa limpar dentes dente dentro medo clinica clinicas clinicos secretario "
    "humor pediu pedir pedido psicologos mensal mensalidade maior maiores julia julgo abriu abrir abrem abre abra "
    "adiantar adiantado disponiveis disponha possivel estaciona estacionar estacionei localiza ginecologistas "
    "agosto agora gosto outro outra outros outras junho junto junta farmacia alergia alergias alergica alergico "
    "alergicas alergicos agendamentos "
    "confirmadissimo confirmadissima remanejar remaneja teria teriam previsao previsto horroroso vacinas vacinar "
    "implantes obrigados obriga tercas fera ferida ferias feita feito feiras trocar tocar mostrar mostra "
    "mostram marido "
    "marina mariana marcela marcia marcio maria mario amanda martins marques marcal agnes noiva noivo "
    "almoca almocar pessoal"
)
# Frequent words that lie one or two edits from a target and mean something else.
_OF_OTHER_FIELDS = (
    "acende afogada afogando afogo aliar ampliacao andamento antas apanha aposto aranha arrasada artes "
    "ascendente atentado atrasa atropelaram balada baseada baseado cantao carrao cartaz carvao chanceler "
    "cinico claramente coacao coloracao compridos compulsao conclusao confinado conformar confortar "
    "congelamento contigo contracao contracoes convencao convencido convento conversao coroacao cotacao "
    "demasiada demasiado desacordo desafiado descartar desembarcar desmaiando destacada destacado disfarcar "
    "dominio domino doutorado enganando engessada engessado esfaquearam esforcar ferida ferido feridos ferindo "
    "ferrado freira honorario honorarios honras horacio hortas humanos implantar infanto informando julio "
    "lauro legalizacao macro mainha malha mancha manga mania manta mascar massagens media medicou medina medio "
    "metragens mexico minuto montagens morder nasal naval norte obrigando obtem odontologica pareco parlamento "
    "participar particula pavimento pediatrica peido perco perto piano pleno ponto porto preces precioso "
    "precisao prego presa presas preso presos preta preto preventiva pronto quebro querida quieta "
    "quintal recreacao rejeita reparacao resgatado respeitando respeitar resultando retirando revirando "
    "revoltado sabao sabido safado saneamento saturando seguida seita senta socorre terco terra "
    "tipografia topografia tracar trocas turca united vagina valer vapor visitando"
)
KNOWN: frozenset[str] = frozenset(f"{_PEACE} {_OF_OTHER_FIELDS}".split()) | TARGETS
