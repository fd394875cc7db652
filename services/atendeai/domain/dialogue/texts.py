"""Everything the attendant says, in Brazilian Portuguese. Short, polite, one question at a time."""

from collections.abc import Sequence
from datetime import date, datetime

from atendeai.domain.dialogue.clinic import Clinic, Service
from atendeai.domain.dialogue.wording import inside, listed, moment, numbered, of_the, sentence, the

_TWO = 2
EMERGENCY = (
    "Isso parece uma emergência. Ligue agora para o SAMU: 192. A ligação é gratuita e atende 24 horas. "
    "Se puder, não fique só. Já avisei a nossa equipe."
)
SELF_HARM = (
    "Sinto muito que você esteja passando por isso. Você não está só. Ligue agora para o SAMU: 192. "
    "O CVV também atende de graça, 24 horas, no 188. Se puder, fique perto de alguém de confiança. "
    "Já avisei a nossa equipe."
)
MAYBE_EMERGENCY = "Se for algo grave que está acontecendo agora, ligue já para o SAMU: 192. A nossa equipe foi avisada."
MAYBE_SELF_HARM = (
    "Se você não estiver bem, não fique só: o CVV atende de graça, 24 horas, no 188, e o SAMU no 192. "
    "A nossa equipe foi avisada."
)
CAN_BOOK = "Se não for, posso marcar uma consulta por aqui."
HANDOFF = "Vou chamar uma pessoa da nossa equipe para continuar com você por aqui. Assim que possível ela responde."
HANDOFF_NAME = (
    "Quem corrige o nome é a nossa equipe. Já avisei, e uma pessoa vai responder por aqui assim que possível. O seu"
    " horário continua reservado."
)
HANDOFF_HEARD = (
    "Por enquanto não consigo ouvir áudios. Já avisei a nossa equipe, e uma pessoa vai ouvir o que você mandou e "
    "responder por aqui assim que possível."
)
HANDOFF_TOPIC = "Esse assunto é com a nossa equipe. Já avisei, e uma pessoa vai responder por aqui assim que possível."
SORRY = (
    "Sinto muito pelo que aconteceu. Já avisei a nossa equipe, e uma pessoa vai conversar com você por aqui "
    "assim que possível."
)
PRAISE = "Que bom saber, obrigado! Já passei a sua mensagem à nossa equipe."
RESULTS = (
    "Resultados, receitas e atestados são com a nossa equipe. "
    "Já passei o seu pedido, e uma pessoa vai responder por aqui."
)
DATA_REQUEST = (
    "Recebi o seu pedido sobre os seus dados pessoais (LGPD). "
    "Ele foi encaminhado à pessoa responsável na clínica, que vai responder por aqui. "
    "Enquanto isso, posso continuar ajudando com o que precisar."
)
OPT_OUT = (
    "Tudo bem, não vamos mais enviar lembretes nem ofertas de horário. Só avisaremos se a clínica precisar mudar ou "
    "cancelar uma consulta sua. Se precisar, é só escrever por aqui."
)
LATE = "Obrigado por avisar! Já informei a recepção. Venha com calma."
THANKS = "Por nada! Se precisar de algo mais, é só escrever."
GOODBYE = "Até logo! Se precisar, é só escrever."
MOVES_ONE_BY_ONE = "Remarco uma de cada vez."
NOT_UNDERSTOOD_HERE = "Desculpe, não entendi."
YES_OR_NO = "Desculpe, não entendi se é sim ou não."
WHICH_SLOT = "Qual deles fica melhor para você?"
NO_AUDIO = "Por enquanto só consigo ler mensagens de texto, não áudios. Pode escrever, por favor?"
FILE = "Recebi e já passei para a nossa equipe."  # a file, a place, a contact, an order
FILE_LOST = (
    "Não consegui receber o arquivo que você enviou. Por favor, envie de novo, como foto ou PDF de até 16 MB, "
    "ou escreva por aqui."
)
FILES_LOST = (
    "Recebi e já passei para a nossa equipe, mas nem todos os arquivos chegaram. Por favor, envie de novo o que "
    "faltou, como foto ou PDF de até 16 MB."
)
NOTICE = (
    "Como falta pouco tempo para essa consulta, a mudança precisa ser feita por uma pessoa da nossa equipe. "
    "Já avisei, e ela vai responder por aqui."
)
GONE = "Essa consulta não está mais marcada."
OFFER_GONE = "Puxa, essa vaga não está mais disponível. Se surgir outra, eu aviso por aqui."
OFFER_DECLINED = "Tudo bem, passei a vaga adiante. Se precisar, é só escrever."
WAITLIST_HINT = ", mas, se quiser, posso colocar você na lista de espera."
WAITLIST = (
    "Sim, temos lista de espera: quando não há vaga no dia que você quer, anoto o seu nome e aviso por aqui "
    "se alguém desistir."
)
WAITLIST_JOIN = "Para entrar, é só escrever “quero entrar na lista”."
WAITLIST_BEGIN = "Para começar, me diga o atendimento e o dia que você prefere."
NO_WAITLIST = "No momento não trabalhamos com lista de espera."
WAITLIST_FAILED = "Não consegui colocar você na lista de espera, mas já pedi à nossa equipe que responda por aqui."
RESUMED = "Combinado, você volta a receber os nossos lembretes e avisos."
NOT_TEXT = "Por enquanto só consigo ler mensagens de texto. Pode escrever, por favor?"
ASK_DAY = "Para qual dia você gostaria?"
ASK_OTHER_DAY = "Sem problema. Qual outro dia ou horário fica melhor para você?"
WHY_NAME = "O nome é só para reservar o horário para quem vai ser atendido."
ASK_NAME = "Qual é o nome completo do paciente, por favor?"
ASK_PATIENTS_NAME = "Obrigado! E o nome completo de quem vai ser atendido, qual é?"
INVALID_DATE = "Essa data não existe, já passou ou está longe demais. Pode me dizer outro dia, por favor?"
GONE_BY = "Esse horário de hoje já passou."
DROPPED = "Tudo bem, não marquei nada. Se precisar, é só escrever."
DROPPED_FURTHER = "Tudo bem, não marquei mais nada. Se precisar, é só escrever."  # something was just arranged
KEPT = "Certo, sua consulta continua marcada."
KEPT_ALL = "Certo, suas consultas continuam marcadas."
STANDS = "Certo, sua consulta continua marcada. Se quiser remarcar ou cancelar, é só avisar por aqui."
NO_CALENDAR = (
    "Não consegui consultar a agenda agora, me desculpe. "
    "Já avisei a nossa equipe, e uma pessoa vai responder por aqui assim que possível."
)
NO_APPOINTMENTS = "Não encontrei nenhuma consulta sua marcada."
WANTS_ONE = "Quer marcar uma? É só me dizer o dia e o horário."
WANTS_TO_BOOK = "Quer marcar?"
JUST_TAKEN = "Puxa, esse horário acabou de ser ocupado."
MOVE_OR_CANCEL = "Entendi. Quer remarcar para outro dia ou prefere cancelar?"
MOVE_OR_CANCEL_AGAIN = "O que prefere: remarcar para outro dia ou cancelar a consulta?"
WITH_SOMEBODY_ELSE = "Quer marcar com alguém da nossa equipe?"
TROUBLE = "Não consegui concluir isso agora. Já avisei a nossa equipe, e uma pessoa vai responder por aqui."
WAITING = "Claro, sem pressa. É só me avisar por aqui."
WRONG_NUMBER = "Desculpe o incômodo! Se um dia precisar, é só escrever por aqui."
DEAR = "Entendo. Se precisar de algo mais, é só escrever."
DEAR_HERE = "Entendo."
NOTED = "Certo! Se precisar de algo mais, é só escrever."
NOTED_HERE = "Certo!"
HELLO = "Olá!"
HELP_CHOOSING = "Sem problema, uma pessoa da nossa equipe ajuda você a escolher. Já avisei, e ela responde por aqui."
CAN_BE_CHANGED = "Se precisar mudar ou cancelar depois, é só avisar por aqui, quanto antes melhor."
FINE = "Se há alguma cobrança nesse caso, a nossa equipe informa: já avisei, e ela responde por aqui."
ALL_RIGHT = "Tudo bem."
HERE = "Estou por aqui!"
PRICES = "Nossos valores:"
WITHIN = "Até esse valor, temos:"
NO_PRICE = "Não tenho esse valor aqui, mas já pedi à nossa equipe que informe."
PRIVATE_ONLY = "No momento atendemos apenas particular."
PRIVATE = "Certo, atendimento particular."
PRIVACY = (
    "Usamos os seus dados só para o seu atendimento, conforme a LGPD. "
    "Para não receber mais lembretes e avisos, escreva SAIR."
)
PRIVACY_VERSION = "2026-11"
"""Changes with the wording of ``PRIVACY``: what a patient was told is kept with its version."""
NO_ADDRESS = "Não tenho o endereço aqui, mas já pedi à nossa equipe que responda."
PAYMENT_PASSED_ON = "Sobre as formas de pagamento, já pedi à nossa equipe que responda por aqui."
DOUBT_PASSED_ON = "Não tenho essa informação aqui, mas já pedi à nossa equipe que responda por aqui."
ADVICE = "Essa dúvida é para um profissional de saúde. Já pedi à nossa equipe que responda por aqui."
NO_HOURS = "Não tenho os horários de atendimento aqui, mas já pedi à nossa equipe que responda."


HOLIDAYS = "Nos feriados, o horário é confirmado pela nossa equipe. Já avisei, e uma pessoa responde por aqui."


def holiday_hours(day: str) -> str:
    """A holiday of which nobody said whether the clinic opens. ``day``: with its preposition, as a sentence begins."""
    comma = "" if day.endswith(")") else ","
    by_people = "o horário é confirmado pela nossa equipe. Já avisei, e uma pessoa responde por aqui."
    return f"{day}{comma} é feriado, e {by_people}"


def greeting(clinic: Clinic) -> str:
    """The first words of a conversation."""
    if clinic.persona.greeting:
        return clinic.persona.greeting
    of = of_the(clinic.name)
    who = f"Aqui é {clinic.persona.name}, {of}." if clinic.persona.name else f"Aqui é {of}."
    return f"Olá! {who} Como posso ajudar?"


def introduction(clinic: Clinic, *, asks: bool) -> str:
    """Says who is writing, and that it is a machine (the patient has a right to know, and to a person).

    ``asks``: with the question how to help, which has no place where another one is open.
    """
    of = of_the(clinic.name)
    who = f"{clinic.persona.name}, assistente virtual {of}" if clinic.persona.name else f"o atendimento automático {of}"
    return f"Aqui é {who}. Se preferir falar com uma pessoa, é só pedir.{' Como posso ajudar?' if asks else ''}"


def doubts_passed_on(questions: Sequence[str]) -> str:
    """Which of several questions nobody here can answer. ``questions``: as the patient wrote them."""
    asked = listed([f"“{one.strip(' .,;:!?')}”" for one in questions])
    return f"Sobre {asked}, não tenho essa informação aqui, mas já pedi à nossa equipe que responda por aqui."


def undone_already(items: Sequence[str]) -> str:
    """A cancellation is asked for again that was just carried out; ``items``: what is still booked."""
    return f"Já está cancelado. {standing(items)}" if items else "Já está cancelado."


def not_understood() -> str:
    """When a message was not understood: what can be asked for."""
    return (
        "Desculpe, não entendi. Posso marcar, remarcar ou cancelar consultas e informar horários, endereço, "
        "valores e convênios. Como posso ajudar?"
    )


def ask_day(at: str) -> str:
    """Asks for the day; ``at``: the hour that was said already, in words, or nothing."""
    return f"Para qual dia você gostaria, {at}?" if at else ASK_DAY


def ask_service(services: Sequence[Service]) -> str:
    """Asks which service is wanted."""
    return "Para qual atendimento?\n" + numbered([s.name for s in services])


def one_at_a_time(names: Sequence[str]) -> str:
    """Several services were wished for at once."""
    return f"Marco um de cada vez. {which_first(names)}"


def which_first(names: Sequence[str]) -> str:
    """Asks which of them comes first."""
    return f"Começamos por qual: {listed((inside(name) for name in names), 'ou')}?"


def which_of_services(names: Sequence[str]) -> str:
    """One of them is wished for, and it is not said which."""
    return f"Qual você prefere: {listed((inside(name) for name in names), 'ou')}?"


def next_service(name: str, *, whom: str | None = None, further: bool = False, beside: bool = True) -> str:
    """Another service was wished for, ``beside`` something that was just arranged.

    ``whom``: whom it is for, where that is to be said ("seu marido"); ``further``: it is the same service once more.
    """
    if further and whom is None:
        return f"Quer marcar mais um horário de {inside(name)}?"
    return f"Quer marcar{' também' if beside else ''} {inside(name)}{f' para {whom}' if whom else ''}?"


def which_professional(names: Sequence[str]) -> str:
    """A name that several bear."""
    return f"Com quem você prefere: {listed(names, 'ou')}?"


def not_by(who: str, what: str, instead: Sequence[str]) -> str:
    """A professional was named who does not do what is wanted; ``instead``: those who do."""
    others = f" Para isso, temos {listed(the(name) for name in instead)}." if instead else ""
    return f"{sentence(the(who))} não faz {inside(what)}.{others}"


def not_here(who: str, instead: Sequence[str], what: str | None) -> str:
    """Somebody was named who does not work here. ``instead``: who does ``what``, or everybody when it is None."""
    sorry = f"{sentence(the(who))} não atende aqui."
    if not instead:
        return sorry
    people = listed(the(name) for name in instead)
    return f"{sorry} {f'Para {inside(what)}, temos' if what else 'Na nossa equipe, temos'} {people}."


def works_here(who: str, offered: Sequence[str]) -> str:
    """Somebody does work here, and does this."""
    what = f" ({listed(inside(name) for name in offered)})" if offered else ""
    return f"Sim, {the(who)} atende aqui{what}."


def no_such_service(said: str) -> str:
    """A service the clinic does not have."""
    return f"Não temos {said} por aqui."


def offered(services: Sequence[str]) -> str:
    """What the clinic has, in one line."""
    return f"Temos {listed(inside(name) for name in services)}."


def plan_not_taken(plan: str, taken: Sequence[str]) -> str:
    """A plan that the clinic does not accept, and those it does."""
    return f"Não atendemos {plan}. Trabalhamos com {listed(taken)}, e também particular."


def plans(taken: Sequence[str], others: Sequence[str], all_taken: Sequence[str]) -> str:
    """Which of several plans are accepted, and which are not. ``all_taken``: every plan that is."""
    if not taken:
        return f"Não atendemos {listed(others, 'nem')}. Trabalhamos com {listed(all_taken)}, e também particular."
    if not others:
        return f"Sim, atendemos {listed(taken)}."
    return f"Atendemos {listed(taken)}, mas não {listed(others, 'nem')}."


def any_of_these(services: Sequence[Service]) -> str:
    """Asks which of its services is wanted instead."""
    return "Atendemos:\n" + numbered([s.name for s in services]) + "\nAlgum desses?"


def ask_which_moment(options: list[str]) -> str:
    """A day that may be meant in two ways."""
    return f"Só para confirmar: você quer dizer {listed(options, 'ou')}?"


def which_of(options: Sequence[str]) -> str:
    """The same question once more, after a yes that picked nothing."""
    return f"Qual {'dos dois' if len(options) == _TWO else 'deles'}: {listed(options, 'ou')}?"


def whom_of(names: Sequence[str]) -> str:
    """The same of people."""
    return f"Com quem fica melhor: {listed(names, 'ou')}?"


def described(
    clinic: Clinic, service: str, professional: str, start: datetime, today: date, patient: str | None = None
) -> str:
    """A slot in words: Consulta com Dra. Ana, amanhã (quarta-feira, 25/11) às 14h. ``patient``: whom it is for."""
    who = clinic.professional(professional)
    what = clinic.service(service)
    name = what.name if what else "Consulta"
    whose = f", em nome de {patient}" if patient else ""
    return f"{name}{f' com {who.name}' if who else ''}, {moment(start, today)}{whose}"


def stands_there(what: str) -> str:
    """The new time that is wished for is the one that stands."""
    return f"Esse horário já é o seu: {what}. Para qual outro dia ou horário você gostaria de mudar?"


def move(what: str, old: str) -> str:
    """Another time for an appointment, waiting for the last word. ``old``: when it is now."""
    return f"Posso remarcar de {old} para: {what}. Confirma?"


def offer(what: str, name: str | None) -> str:
    """One concrete slot, waiting for the last word."""
    return f"Tenho este horário: {what}.{f' Em nome de {name}.' if name else ''} Pode ser?"


def offer_without_name(what: str) -> str:
    """One concrete slot, for a patient whose name is not known."""
    return f"Tenho este horário: {what}. {ASK_NAME}"


def choices(options: list[str], *, with_whom: str | None = None, sorry: str = "") -> str:
    """Several slots. ``with_whom``: said once where it is the same for all; ``sorry``: what is not to be had."""
    who = f" com {the(with_whom)}" if with_whom else ""
    lead = f"{sorry} Os horários mais próximos{who} são:" if sorry else f"Tenho estes horários{who}:"
    return f"{lead}\n{numbered(options)}\nQual você prefere?"


def booked(what: str, name: str | None, clinic: Clinic) -> str:
    """The confirmation of a new appointment."""
    where = f" Endereço: {clinic.address}." if clinic.address else ""
    return f"Agendado! {what}{f', em nome de {name}' if name else ''}.{where} Até lá!"


def preparation(service: Service) -> str:
    """What a patient must know before they come, in the clinic's own words."""
    return f"Orientações para {service.name}: {(service.preparation or '').strip()}"


def rescheduled(what: str) -> str:
    """The confirmation of a move."""
    return f"Remarcado! {what}. O horário anterior foi liberado."


def ask_cancel(what: str, *, movable: bool = False) -> str:
    """The last word before a cancellation. ``movable``: the patient only said that they cannot come."""
    instead = "Se preferir remarcar, é só dizer o dia. " if movable else ""
    return f"Você quer cancelar{_told(what)}{instead}Confirma o cancelamento?"


def cancelled(what: str) -> str:
    """The confirmation of a cancellation."""
    return f"Cancelado{_told(what)}Se quiser marcar outro dia, é só escrever."


def _told(what: str) -> str:
    """What stands after a colon, in the same line or below it; after a list there is a new paragraph."""
    return f":{what}\n" if what.startswith("\n") else f": {what}. "


def nobodys(who: str) -> str:
    """Nothing is booked for who was named ("Pedro", "sua mãe")."""
    return f"Não encontrei nenhuma consulta marcada para {who}."


def standing(options: Sequence[str]) -> str:
    """What is booked."""
    return f"Você tem marcado: {options[0]}." if len(options) == 1 else "Você tem marcado:\n" + numbered(options)


def confirmed(what: str) -> str:
    """The confirmation of a presence."""
    return f"Presença confirmada! {what}. Até lá!"


def waitlisted(wished: str) -> str:
    """The patient is on the waiting list. ``wished``: for when, with its preposition."""
    return f"Pronto, você está na lista de espera {wished}. Se um horário vagar, aviso por aqui."


def late_without(next_one: str | None) -> str:
    """Somebody is late though nothing is booked for today; ``next_one``: what is booked for another day."""
    if next_one:
        return (
            f"Obrigado por avisar! Não encontrei consulta sua para hoje; a próxima é: {next_one}. "
            "Já avisei a recepção, que confere e responde por aqui."
        )
    return (
        "Obrigado por avisar! Não encontrei uma consulta sua para hoje, mas já avisei a recepção, "
        "que confere e responde por aqui."
    )


def open_now(closes: str) -> str:
    """Said when a patient asks whether anybody is there."""
    return f"Sim, estamos atendendo agora, até as {closes}."


def lowest(what: str, price: str) -> str:
    """The service of the lowest price, with it."""
    return f"O menor valor é {price} ({what})."


def highest(what: str, price: str) -> str:
    """The service of the highest price, with it."""
    return f"O maior valor é {price} ({what})."


def none_within(what: str, price: str) -> str:
    """Nothing costs so little; ``what``: what comes nearest."""
    return f"Até esse valor, não temos nada. {lowest(what, price)}"


def address(where: str) -> str:
    """Where the clinic is."""
    return f"Estamos em: {where}."


def works(who: str, hours: str) -> str:
    """When a professional sees patients."""
    return f"{sentence(the(who))} atende {hours}."


def closed_now(opens: str) -> str:
    """Said when a person is asked for while the clinic is closed."""
    return f"No momento estamos fechados; voltamos a atender {opens}."


def which_appointment(options: list[str]) -> str:
    """Asks which of several appointments is meant."""
    return "Encontrei estas consultas suas:\n" + numbered(options) + "\nQual delas?"


HELP_CALLED = "Fez bem. Siga o que o SAMU (192) orientar. A nossa equipe já foi avisada e fala com você por aqui."
NO_EMERGENCY = "Que bom! A nossa equipe já foi avisada e continua o atendimento com você por aqui."
LEAVES_WAITLIST = "Certo! Pedi à nossa equipe que tire você da lista de espera."
OFFER_OVER = "Essa vaga não está mais disponível. Se quiser marcar um horário, é só escrever."
VISIT = "Consulta"  # where its service is none of the clinic's any more
TAP_YES = "Sim"
TAP_NOT_NOW = "Agora não"
TAP_ACCEPT = "Pode ser"
TAP_CONFIRM = "Confirmo"
TAP_OTHER_TIME = "Outro horário"
TAP_KEEP = "Manter como está"
TAP_DO_CANCEL = "Sim, cancelar"
TAP_DO_NOT_CANCEL = "Não cancelar"
TAP_MOVE = "Remarcar"
TAP_CANCEL = "Cancelar"
TAP_WAIT = "Lista de espera"
TAP_OVER = "Essa opção é de uma mensagem anterior e não vale mais, então não mudei nada."
TAP_OVER_ALONE = f"{TAP_OVER} Se precisar de algo, é só escrever."
