"""Message templates at Meta: creating those of `domain.templates`, reading what became of them, explaining refusals.

Source: developers.facebook.com, "WhatsApp Business Platform: message templates" (edge `message_templates` of the
business account). A template is usable when its status is APPROVED and in no other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from atendeai.domain.templates import TEMPLATES, Template
from atendeai.kit import clock
from atendeai.kit.clinic_config import ClinicConfig
from atendeai.kit.work import enqueue
from atendeai.whatsapp import templates_repository as repository
from atendeai.whatsapp.failures import Failure
from atendeai.whatsapp.graph import Answer, GraphClient
from atendeai.whatsapp.templates_repository import Known

ACCOUNT_QUEUE = "whatsapp.account"
"""Work with the one key `SYNC`: read templates, quality and limit anew."""
SYNC = "sync"

TEMPLATE_CODES = frozenset({132000, 132001, 132005, 132007, 132012, 132015, 132016, 132018})
UNUSABLE = {"PAUSED": 132015, "DISABLED": 132016, "REJECTED": 132001}
"""Statuses that a person must do something about, and the code with which a message of theirs is refused."""
EXISTS = 2388024
"""Subcode of an error 100: the template is there already, in this language."""
_PAGE = 100
_MOST_PAGES = 20
_FIELDS = "name,language,status,category,rejected_reason,components"


def request(template: Template) -> dict[str, Any]:
    """Return what asks Meta to review a template."""
    body: dict[str, Any] = {"type": "BODY", "text": template.body}
    if template.examples:
        body["example"] = {"body_text": [list(template.examples)]}
    components: list[dict[str, Any]] = [body]
    if template.buttons:
        buttons = [{"type": "QUICK_REPLY", "text": label} for label in template.buttons]
        components.append({"type": "BUTTONS", "buttons": buttons})
    return {
        "name": template.name,
        "language": template.language,
        "category": template.category,
        "components": components,
    }


def read(document: dict[str, Any]) -> Known | None:
    """Read one template as Meta lists it; None for what has no name or language."""
    name, language = document.get("name"), document.get("language")
    if not isinstance(name, str) or not isinstance(language, str):
        return None
    reason = document.get("rejected_reason")
    components = document.get("components")
    parts = [part for part in components if isinstance(part, dict)] if isinstance(components, list) else []
    body = next((part.get("text") for part in parts if part.get("type") == "BODY"), None)
    category, meta_id = document.get("category"), document.get("id")
    return Known(
        name=name[:512],
        language=language[:16],
        category=category[:64] if isinstance(category, str) else None,
        status=str(document.get("status") or "UNKNOWN")[:64],
        reason=reason[:200] if isinstance(reason, str) and reason != "NONE" else None,
        body=body[:2048] if isinstance(body, str) else None,
        meta_id=str(meta_id)[:64] if meta_id else None,
    )


def trouble(known: list[Known]) -> Failure | None:
    """Return what a message of one of our own templates would be refused with; None while all that exist are usable.

    A template that is not there yet, or still under review, is no trouble of the channel: conversations go on.
    """
    by_name = {(template.name, template.language): template for template in known}
    for template in TEMPLATES:
        found = by_name.get((template.name, template.language))
        if found is not None and found.status in UNUSABLE:
            because = f": {found.reason}" if found.reason else ""
            return Failure(UNUSABLE[found.status], f"Template {found.name} is {found.status}{because}")
    return None


async def why_refused(
    connection: AsyncConnection, clinic_id: UUID, name: str, language: str, failure: Failure
) -> Failure:
    """Add what is known of the template to its refusal, and have the list read anew: it seems to be old."""
    await enqueue(connection, clinic_id, ACCOUNT_QUEUE, SYNC)
    known = await repository.one(connection, clinic_id, name, language)
    state = "not among the account's templates" if known is None else known.status
    because = f", {known.reason}" if known is not None and known.reason else ""
    said = f" {failure.details}" if failure.details else ""
    return replace(failure, details=f"{name} ({language}): {state}{because}.{said}"[:1000])


async def listed(graph: GraphClient, config: ClinicConfig) -> list[Known] | Failure:
    """Read all templates of the clinic's business account, or why they cannot be read."""
    account = config.settings.whatsapp.business_account_id
    if not account:
        return Failure(0, "spec.whatsapp.businessAccountId is not set: templates cannot be read")
    found: list[Known] = []
    after: str | None = None
    for _ in range(_MOST_PAGES):
        params: dict[str, Any] = {"fields": _FIELDS, "limit": _PAGE, **({"after": after} if after else {})}
        answer = await graph.ask(config, "GET", f"{account}/message_templates", params=params)
        if answer.failure is not None:
            return answer.failure
        data = answer.body.get("data")
        for document in data if isinstance(data, list) else []:
            template = read(document) if isinstance(document, dict) else None
            if template is not None:
                found.append(template)
        after = _next(answer)
        if after is None:
            break
    return found


def _next(answer: Answer) -> str | None:
    paging = answer.body.get("paging")
    if not isinstance(paging, dict) or not paging.get("next") or not isinstance(paging.get("cursors"), dict):
        return None
    after = paging["cursors"].get("after")
    return after if isinstance(after, str) and after else None


async def synchronise(connection: AsyncConnection, clinic_id: UUID, found: list[Known] | Failure) -> None:
    """Write down what was read, or why it could not be."""
    if isinstance(found, Failure):
        await repository.not_synced(connection, clinic_id, found.title, clock.now())
        return
    await repository.replace_all(connection, clinic_id, found, clock.now())
