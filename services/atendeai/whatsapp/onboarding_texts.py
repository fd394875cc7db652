"""What a step of the onboarding came to, in the words of the people who run the clinic. Pure.

Meta's own answer stands beside it, untouched. Source of the codes: developers.facebook.com, "WhatsApp Cloud API: error
codes" and "registration".
"""

from __future__ import annotations

from typing import Any

from atendeai.whatsapp.failures import Course, course

TITLES = {
    "register": "Registrar o número na plataforma do WhatsApp",
    "subscribe": "Receber as mensagens no endereço da clínica",
    "templates": "Enviar os modelos de mensagem para aprovação",
}
NOT_YET = "Ainda não foi feito."
PIN_MISSING = "pin-missing"
NOT_SET = "not-set"
"""Reasons of refusals that are this system's own: Meta was not asked, or could not be told enough."""

_DONE = {
    "register": "O número está registrado.",
    "subscribe": "As mensagens dos pacientes chegam ao endereço da clínica.",
}
_NOT_ALLOWED = (
    "A Meta recusou o token de acesso da clínica, ou ele não tem as permissões necessárias. Gere um novo token e peça a"
    " quem administra o sistema que o atualize."
)
_PASSES = "A Meta não conseguiu responder agora. Tente de novo em alguns minutos."
_UNKNOWN_OBJECT = (
    "A Meta não encontra este número ou esta conta com o token da clínica. Confira os identificadores do número e da"
    " conta do WhatsApp Business."
)
_BY_CODE = {
    33: _UNKNOWN_OBJECT,
    2200: (
        "A Meta não conseguiu confirmar o endereço da clínica. Confira se ele abre pela internet com um certificado"
        " válido e se o token de verificação é o mesmo dos dois lados."
    ),
    131031: "A Meta bloqueou a conta. Veja o motivo no Gerenciador do WhatsApp.",
    131037: "O nome de exibição do número ainda precisa ser aprovado pela Meta.",
    131042: "Há um problema com a forma de pagamento da conta na Meta.",
    133005: "O PIN não confere. Informe o PIN da verificação em duas etapas deste número.",
    133006: "O número ainda precisa ser verificado por SMS ou ligação no Gerenciador do WhatsApp.",
    133008: "Houve tentativas demais com o PIN errado. Aguarde antes de tentar de novo.",
    133009: "As tentativas com o PIN vieram rápido demais. Aguarde alguns minutos e tente de novo.",
    133015: "Este número foi apagado há pouco. Aguarde cinco minutos e tente de novo.",
    133016: "O número foi registrado vezes demais. Aguarde 72 horas e tente de novo.",
}
_NO_SUCH_OBJECT = 33
"""Subcode of an error 100: the object is not there, or not for this token."""


def message(step: str, *, ok: bool, meta: dict[str, Any]) -> str:
    """Say in Portuguese what a step came to; `meta` is what is kept of it, empty for one that never ran."""
    error = meta.get("error")
    if isinstance(error, dict):
        return refusal(error)
    if step == "templates" and meta:
        return _templates(meta)
    return _DONE.get(step, "Concluído.") if ok else NOT_YET


def refusal(error: dict[str, Any]) -> str:
    """Say in Portuguese why a step was refused, and what to do."""
    if error.get("reason") == PIN_MISSING:
        return "O número ainda não está registrado. Informe o PIN de seis dígitos da verificação em duas etapas."
    if error.get("reason") == NOT_SET:
        return f"Falta configurar na clínica: {', '.join(map(str, error.get('missing') or ()))}."
    code = error.get("code") or 0
    unknown = code == 100 and error.get("error_subcode") == _NO_SUCH_OBJECT  # noqa: PLR2004 - an invalid parameter
    known = _UNKNOWN_OBJECT if unknown else _BY_CODE.get(code)
    return known or _by_course(code, error)


def _by_course(code: int, error: dict[str, Any]) -> str:
    what = course(code, error.get("http_status"))
    if what in (Course.RETRY, Course.SLOW_DOWN, Course.SLOW_DOWN_PAIR):
        return _PASSES
    if what is Course.CHANNEL_BROKEN:
        return _NOT_ALLOWED
    said = error.get("error_user_msg") or error.get("title") or "sem explicação"
    return f"A Meta recusou este passo: {str(said).rstrip('.')} (código {code})."


def _templates(meta: dict[str, Any]) -> str:
    """Sum up the templates by what Meta says of each."""
    listed = [one for one in meta.get("templates") or () if isinstance(one, dict)]
    refused = [one for one in listed if not one.get("ok")]
    approved = [one for one in listed if one.get("status") == "APPROVED"]
    waiting = len(listed) - len(approved) - len(refused)
    parts = [f"{len(approved)} de {len(listed)} modelos aprovados"]
    if waiting:
        parts.append(f"{waiting} em análise pela Meta")
    sentences = [f"{', '.join(parts)}."]
    for one in refused:
        error = one.get("error")
        why = refusal(error) if isinstance(error, dict) else f"{one.get('reason') or one.get('status')}."
        sentences.append(f"O modelo {one.get('name')} não pode ser usado: {why}")
    return " ".join(sentences)
