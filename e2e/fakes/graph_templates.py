"""Message templates as the platform reviews and checks them, pure: what is refused, in its own codes.

Source: developers.facebook.com, "WhatsApp Business Platform: message templates", "error codes" (132000 to 132018).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

Complaint = tuple[int, str]
"""An error code of the platform and its details."""

Template = dict[str, Any]
Templates = Mapping[tuple[str, str], Template]
"""What a business account has, by name and language."""

VARIABLE = re.compile(r"\{\{(\d+)\}\}")
NAME = re.compile(r"^[a-z0-9_]{1,512}$")
LANGUAGE = re.compile(r"^[a-z]{2,3}(_[A-Z]{2,3})?$")
CATEGORIES = frozenset(["AUTHENTICATION", "MARKETING", "UTILITY"])
UNFIT = re.compile(r"[\n\r\t]| {5,}")
EXISTS = 2388024
"""Subcode: content in this language already exists."""


def body_of(template: Template) -> str:
    """Return the body's text."""
    return next((str(part.get("text", "")) for part in template["components"] if part.get("type") == "BODY"), "")


def variables(template: Template) -> int:
    """Count the body's variables."""
    return len(set(VARIABLE.findall(body_of(template))))


def buttons_of(template: Template) -> list[dict[str, Any]]:
    """Return the buttons, in order."""
    return next((list(part["buttons"]) for part in template["components"] if part.get("type") == "BUTTONS"), [])


def filled(template: Template, message: dict[str, Any]) -> str:
    """Return what a person reads of a template message that was accepted."""
    values = [
        str(value.get("text", ""))
        for part in message.get("components") or []
        if part.get("type") == "body"
        for value in part["parameters"]
    ]
    return VARIABLE.sub(lambda found: values[int(found[1]) - 1], body_of(template))


# ------------------------------------------------------------ sending
def sending(message: dict[str, Any], templates: Templates) -> Iterator[Complaint]:
    """Yield what is wrong with a template message, given what the account has."""
    name, code = message["name"], message["language"]["code"]
    template = templates.get((name, code))
    if template is not None and template["status"] == "PAUSED":
        yield 132015, f"Template ({name}) is paused due to low quality"
    if template is not None and template["status"] == "DISABLED":
        yield 132016, f"Template ({name}) is disabled due to low quality"
    if template is None or template["status"] != "APPROVED":
        yield 132001, f"template name ({name}) does not exist in {code}"
        return
    components = message.get("components") or []
    if not isinstance(components, list) or not all(isinstance(part, dict) for part in components):
        yield 132012, "Parameter format does not match format in the created template: components"
    bodies = [part.get("parameters") or [] for part in components if part.get("type") == "body"]
    yield from _values(bodies[0] if bodies else [], variables(template))
    yield from _presses([part for part in components if part.get("type") == "button"], buttons_of(template))


def _values(values: list[Any], expected: int) -> Iterator[Complaint]:
    if len(values) != expected:
        yield 132000, f"body: number of localizable_params ({len(values)}) does not match the expected ({expected})"
    for value in values:
        text = value.get("text") if isinstance(value, dict) and value.get("type") == "text" else None
        if not isinstance(text, str):
            yield 132012, "body: Parameter format does not match format in the created template"
        if not str(text).strip():
            yield 131008, "Parameter of type text is missing text value"
        if UNFIT.search(str(text)):
            yield 132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces"


def _presses(parts: list[dict[str, Any]], buttons: list[dict[str, Any]]) -> Iterator[Complaint]:
    for part in parts:
        index = str(part.get("index", ""))
        if not index.isdigit() or int(index) >= len(buttons):
            yield 132018, f"buttons: Button at index {index} does not exist in the template"
        if part.get("sub_type") != "quick_reply":
            yield 132018, f"buttons: Button at index {index} must be of type quick_reply"
        values = part.get("parameters")
        payload = values[0].get("payload") if isinstance(values, list) and len(values) == 1 else None
        if not isinstance(payload, str) or not 1 <= len(payload) <= 128:
            yield 131008, f"buttons: Button at index {index} requires a payload of at most 128 characters"


# ------------------------------------------------------------ creating
def creating(wanted: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a template that is to be created."""
    if not NAME.match(str(wanted.get("name") or "")):
        yield "The parameter name must be lowercase letters, digits and underscores."
    if not LANGUAGE.match(str(wanted.get("language") or "")):
        yield "The parameter language is not a supported locale."
    if wanted.get("category") not in CATEGORIES:
        yield "Param category must be one of {AUTHENTICATION, MARKETING, UTILITY}"
    components = wanted.get("components")
    if not isinstance(components, list) or not all(isinstance(part, dict) for part in components):
        yield "The parameter components is required."
        return
    bodies = [part for part in components if part.get("type") == "BODY"]
    if len(bodies) != 1:
        yield "Message template must have exactly one component of type BODY."
        return
    yield from _body(bodies[0])
    for part in components:
        if part.get("type") == "BUTTONS":
            yield from _labels(part.get("buttons"))


def _body(body: dict[str, Any]) -> Iterator[str]:
    text = body.get("text")
    if not isinstance(text, str) or not 1 <= len(text) <= 1024:
        yield "Body text is required and holds at most 1024 characters."
        return
    numbers = [int(number) for number in VARIABLE.findall(text)]
    if sorted(set(numbers)) != list(range(1, len(set(numbers)) + 1)):
        yield "Variables must be numbered from 1 without gaps."
    bare = text.strip()
    if numbers and (bare.startswith("{{") or bare.endswith("}}")):
        yield "Variables can't be at the start or end of the template."
    if re.search(r"\}\}\s*\{\{", text):
        yield "Variables can't be next to each other."
    if numbers and len(VARIABLE.sub("", text).split()) < 2 * len(set(numbers)) + 1:
        yield "This template has too many variables for its length."
    examples = (body.get("example") or {}).get("body_text")
    given = examples[0] if isinstance(examples, list) and examples and isinstance(examples[0], list) else []
    if len(given) != len(set(numbers)):
        yield "Message templates with variables must include an example of each."


def _labels(buttons: Any) -> Iterator[str]:
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 10:
        yield "A template has between 1 and 10 buttons."
        return
    texts = [str(button.get("text") or "") for button in buttons if isinstance(button, dict)]
    if len(texts) < len(buttons) or not all(1 <= len(text) <= 25 for text in texts) or len(set(texts)) < len(texts):
        yield "Button text is required, differs, and holds at most 25 characters."
    if any(button.get("type") != "QUICK_REPLY" for button in buttons):
        yield "Param buttons['type'] must be one of {QUICK_REPLY}"
