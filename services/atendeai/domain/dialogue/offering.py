"""Questions about what the clinic offers: is it done here, for whom, how long, how to prepare, what is there at all."""

import re

from atendeai.domain.dialogue import people, subject, texts, things, wording
from atendeai.domain.dialogue.clinic import Service
from atendeai.domain.dialogue.session import Session
from atendeai.domain.understanding import entities
from atendeai.domain.understanding.normalise import fold

PREPARATION = re.compile(
    r"\b(?:jejum|prepar\w+|levar|documentos?|pedido|encaminhamento|doi|doer|anestesia|contraindica\w+|gestante|"
    r"gravida|"
    r"idade|criancas?|remedios?|medicac\w+|depilar|maquiagem|acompanhante)\b"
)
_MAY = (
    r"\b(?:posso|pode|podemos|podia|poderia|devo|deve|da para|preciso|precisa|tenho que|tem que|tem problema|"
    r"faz mal)(?: (?:em|se|eu|ja|ela|ele|a gente|continuar|parar de|deixar de))* "
)
_MEALS = re.compile(rf"{_MAY}(?:com(?:er|o)|beb(?:er|o)|tom(?:ar|o) (?:um |uma )?(?:agua|cafe|cha|suco|leite))\b")
_MEDICINES = re.compile(
    rf"{_MAY}(?:tom(?:ar?|o|e)|us(?:ar?|o|e)|suspend(?:er|o|e)|interromp(?:er|o|e)|dar (?!uma?\b|[oa]s?\b))\b"
    r"(?! (?:a |uma |as )?(?:vacina|cart[ao]o|plano|convenio))|"
    r"\b(?:qual|quais|que|quant[oa]s?) (?:e )?(?:[oa] )?(?:remedios?|medicamentos?|gotas|comprimidos?|doses?|mg|ml|"
    r"pomadas?|antibioticos?|xaropes?)\b|\besqueci de (?:tomar|usar)\b|"
    r"\b(?:remedio|tom(?:ei|ar|o)|us(?:ei|ar|o))\b.{0,60}\b(?:faz mal|tem (?:problema|risco))\b"
)
"""Whether something may be taken, or how much of it: advice that is a doctor's to give."""
_DURATION = re.compile(r"\b(?:dura|demora|duracao|leva|quanto tempo)\b")
_WHAT_IS_THERE = re.compile(
    r"\b(?:quais|que|qual)\b[^?]{0,20}\b(?:servicos?|especialidades?|exames?|procedimentos?|tratamentos?|medic\w+|"
    r"profissionais|atendimentos?|consultas?|tipos?)\b|"
    r"\bo que (?:e que )?(?:a clinica |voces? |ai |aqui )?(?:voces? )?(?:faz\w*|tem|atend\w+|oferec\w+)\b"
)
_FOR = (
    (
        r"criancas?|bebes?|recem|menin[oa]s?|infantil|filh[oa]s?|adolescentes?|crianc\w+",
        r"pediatr|infantil|crianc|bebe",
    ),
    (r"idos[oa]s?|terceira idade|velhinh[oa]s?", r"geriatr|idos"),
    (r"gestantes?|gravidas?|gravidez", r"obstetr|pre.?natal|gestant"),
)
_PATIENTS = re.compile(
    r"\b(?:atend\w+|consulta\w*|receb\w+|trabalh\w+ com|tem \w+ para|medic[oa] (?:de|para)|cuida\w*)\b"
)


def answer(session: Session) -> None:
    """Says what the profile knows of a service; what it does not know is passed to a person."""
    about = named(session)
    spoken_of = session.clinic.service(session.state.service or session.state.topic)
    asked_of = about[0] if len(about) == 1 else None if about else spoken_of
    if duration(session) or (not about and _for_whom(session)):
        return
    if asks_advice(session.norm):
        if asked_of is not None:
            session.prepare(asked_of.code)
        session.pass_on(texts.ADVICE)
    elif asked_of is not None and (PREPARATION.search(session.norm) or _MEALS.search(session.norm)):
        if asked_of.preparation:
            session.prepare(asked_of.code)
        else:
            session.pass_on(texts.DOUBT_PASSED_ON)
    elif len(about) == 1:
        _offered(session, about[0])
    elif about or _WHAT_IS_THERE.search(session.norm):
        session.say(texts.offered([s.name for s in about or session.clinic.services]))
    elif (said := _not_offered(session)) is not None and session.clinic.services:
        session.say(f"{texts.no_such_service(said)} {texts.offered([s.name for s in session.clinic.services])}")
    else:
        session.pass_on(texts.DOUBT_PASSED_ON if session.clinic.services else texts.HANDOFF)


def asks_advice(norm: str) -> bool:
    """Whether it is asked what medicine may be taken, or how much of it."""
    return bool(_MEDICINES.search(norm)) and not _MEALS.search(norm)


def named(session: Session) -> list[Service]:
    """The services that the message names."""
    codes = entities.match(session.norm, {s.code: s.name for s in session.clinic.services})
    return [s for s in session.clinic.services if s.code in codes]


def duration(session: Session) -> bool:
    """Says how long what is asked about takes; False when that is not asked, or it is not clear of what."""
    spoken_of = session.clinic.service(session.state.service or session.state.topic)
    about = named(session) or ([spoken_of] if spoken_of else [])
    if not _DURATION.search(session.norm):
        return False
    for service in about:
        session.say(f"{service.name} dura cerca de {wording.lasting(service.duration)}.")
    return bool(about)


def _not_offered(session: Session) -> str | None:
    """What the clinic was asked for and does not have, as the patient calls it."""
    said = session.reading.entities.service
    return said or things.asked_for(session.reading.text)


def _for_whom(session: Session) -> bool:
    """Answers whether children, the old or the expecting are seen, where a service says so by its name."""
    if not _PATIENTS.search(session.norm):
        return False
    for who, fits in _FOR:
        if not re.search(rf"\b(?:{who})\b", session.norm):
            continue
        services = [s for s in session.clinic.services if re.search(fits, fold(s.name))]
        if len(services) == 1:
            _offered(session, services[0])
            session.state.topic = session.state.topic or services[0].code
            return True
    return False


def _offered(session: Session, service: Service) -> None:
    session.stranger = people.stranger(session.clinic, session.reading.text)
    if session.stranger is not None:
        session.invite(subject.not_here(session, service.code))
    else:
        who = [p.name for p in session.clinic.professionals if service.code in p.services]
        with_whom = f", com {wording.listed(map(wording.the, who), 'ou')}" if who else ""
        what = wording.inside(service.name)
        session.invite(f"Sim, temos {what}{with_whom}. Dura cerca de {wording.lasting(service.duration)}.")
