"""What the answers of the gateway and of the services mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from atendeai_operator.api.conditions import Reason
from atendeai_operator.gateway.model import SUSPENDED
from atendeai_operator.pipeline.ports import Report, Verdict

SERVICE_HEADER = "X-Service"
"""In every answer of a service, and in none that the gateway gives by itself."""
TOKEN_ERROR = 190
"""developers.facebook.com, "WhatsApp Cloud API: error codes": the access token has expired."""
_CALENDAR_REFUSALS = frozenset({"credentials", "forbidden", "not-found"})
"""Reasons of the calendar service that do not pass by themselves."""


def served(status: int, headers: Mapping[str, str], body: str, *, suspended: bool) -> bool:
    """Tell whether an answer of the gateway is that for a clinic it serves.

    For an active clinic a service must have answered: what the gateway says by itself is that it does not know the
    host, or that the clinic is suspended, or that it does not reach the services yet.
    """
    if suspended:
        return status == SUSPENDED.status and SUSPENDED.detail in body
    return SERVICE_HEADER in headers


def channel(said: Mapping[str, Any]) -> Report:
    """Return what the state of a channel means."""
    state, token, error = said.get("state"), said.get("token") or {}, said.get("error") or {}
    templates = said.get("templates") or {}
    if state == "ok":
        return _working(templates)
    if state == "unconfigured":
        return Report(Verdict.UNKNOWN, "The whatsapp service has not been given the credentials yet.")
    if state != "broken":
        trouble = f": {token['problem']}" if token.get("problem") else ""
        return Report(Verdict.UNKNOWN, f"Meta could not be asked about the access token{trouble}.")
    parts, credentials, number = [], False, False
    if token.get("valid") is False:
        credentials, problem = True, token.get("problem")
        number = _names(problem, said.get("phone_number_id"))
        refused = "the phone number id, or the access token for it" if number else "the access token"
        parts.append(f"Meta refuses {refused}{_because(problem)}.")
    if error:
        credentials = credentials or error.get("code") == TOKEN_ERROR
        parts.append(f"Meta refuses to send{_because(error.get('title'), error.get('code'))}.")
    unusable = ", ".join(templates.get("refused") or ())
    if unusable:
        parts.append(f"Not usable: {unusable}. Mend or appeal these templates in Meta's WhatsApp Manager.")
    return Report(Verdict.REFUSED, " ".join(parts), credentials=credentials, number=number)


def _names(words: object, number: object) -> bool:
    """Tell whether Meta's words name the phone number id: it then says that there is no such object, or hides it.

    Of a token that is bad by itself it says so without having looked for the number.
    """
    return bool(number) and re.search(rf"(?<!\d){re.escape(str(number))}(?!\d)", str(words or "")) is not None


def _working(templates: Mapping[str, Any]) -> Report:
    """Return what a channel comes to whose token is good: patients are answered, with or without templates.

    Without them nobody is written to who last wrote more than a day ago. What Meta still reviews is not missing.
    """
    missing = ", ".join(templates.get("missing") or ()) if templates.get("synced_at") else ""
    if not missing:
        return Report(Verdict.WORKING, "Meta accepts the access token.")
    return Report(
        Verdict.WORKING,
        "Meta accepts the access token, so patients are answered; but it does not have the message templates"
        f" {missing}: whoever last wrote more than 24 hours ago is not reminded, offered or told anything.",
        short=Reason.TEMPLATES_MISSING,
    )


def _because(title: object, code: object = None) -> str:
    text = str(title or "").strip().rstrip(".")
    number = f" (error {code})" if code else ""
    return f": {text}{number}" if text else number


def calendar(said: Mapping[str, Any]) -> Report:
    """Return what the state of a clinic's calendars means."""
    if said.get("ready"):
        count = len(said.get("calendars") or ())
        return Report(Verdict.WORKING, f"Google lets the calendars be read ({count or 1}).")
    reason = str(said.get("reason") or "")
    unread = [str(one["professional_code"]) for one in said.get("calendars") or () if not one.get("readable", True)]
    whose = f" Not readable: {', '.join(unread)}." if unread else ""
    text = f"{said.get('remedy') or 'The calendars cannot be read.'}{whose}"
    if reason in _CALENDAR_REFUSALS:
        return Report(Verdict.REFUSED, text, credentials=reason == "credentials")
    return Report(Verdict.UNKNOWN, text)
