"""What staff add to a clinic's profile where its Clinic resource leaves something open, and who has the last word.

Pure. Both documents have the shapes of the resource (`businessHours`, `services[].priceBRL`, …). The resource always
wins: an addition to a field that the resource comes to declare is kept, but has no effect.

Additions: `businessHours`, `insurance`, `address` (each only while the resource is silent on it), `holidays` and
`exceptions` (beside the resource's), `services.<code>.priceBRL|preparation`, `professionals.<code>.hours`,
`persona.name|greeting`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["declared_by", "effective_persona", "effective_profile"]

_WHOLE = ("businessHours", "insurance", "address")
_PERSONA = ("name", "greeting")
_OF_SERVICE = ("priceBRL", "preparation")


def effective_profile(declared: Mapping[str, Any], additions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the profile that holds: what the resource declares, and what staff add where it is silent."""
    profile = dict(declared)
    for key in _WHOLE:
        if not _said(profile.get(key)) and _said(additions.get(key)):
            profile[key] = additions[key]
    holidays = [*(declared.get("holidays") or ()), *(additions.get("holidays") or ())]
    profile["holidays"] = list(dict.fromkeys(holidays))
    # Of two exceptions for one day and person the later in the list holds, so the resource's come last.
    profile["exceptions"] = [*(additions.get("exceptions") or ()), *(declared.get("exceptions") or ())]
    for kind, keys in (("services", _OF_SERVICE), ("professionals", ("hours",))):
        added = additions.get(kind) or {}
        profile[kind] = [_filled(one, added.get(one.get("code")) or {}, keys) for one in declared.get(kind) or ()]
    return profile


def effective_persona(declared: Mapping[str, Any], additions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the persona that holds; the tone is the resource's alone."""
    return _filled(declared, additions.get("persona") or {}, _PERSONA)


def declared_by(
    declared: Mapping[str, Any], persona: Mapping[str, Any], additions: Mapping[str, Any]
) -> dict[str, str]:
    """Return which of the additions the resource declares itself, and where: `services.consulta.priceBRL` to its field.

    An addition that is in here has no effect.
    """
    found = {key: f"spec.profile.{key}" for key in _WHOLE if _said(additions.get(key)) and _said(declared.get(key))}
    known = set(declared.get("holidays") or ())
    found |= {f"holidays.{day}": "spec.profile.holidays" for day in additions.get("holidays") or () if day in known}
    for kind, keys in (("services", _OF_SERVICE), ("professionals", ("hours",))):
        for index, one in enumerate(declared.get(kind) or ()):
            added = (additions.get(kind) or {}).get(one.get("code")) or {}
            both = _in_both(one, added, keys)
            found |= {f"{kind}.{one['code']}.{key}": f"spec.profile.{kind}[{index}].{key}" for key in both}
    both = _in_both(persona, additions.get("persona") or {}, _PERSONA)
    return found | {f"persona.{key}": f"spec.ai.persona.{key}" for key in both}


def _in_both(one: Mapping[str, Any], other: Mapping[str, Any], keys: tuple[str, ...]) -> list[str]:
    return [key for key in keys if _says(key, one.get(key)) and _says(key, other.get(key))]


def _says(key: str, value: Any) -> bool:
    """Whether somebody says something of a person or a service; their hours have no default: none is never there."""
    return value is not None if key == "hours" else _said(value)


def _said(value: Any) -> bool:
    """Whether a field says something: the operator writes every default, so an empty list or map is silence."""
    if isinstance(value, Mapping):
        return any(_said(part) for part in value.values())
    return value not in (None, "", [])


def _filled(one: Mapping[str, Any], added: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {**one, **{key: added[key] for key in keys if not _says(key, one.get(key)) and _says(key, added.get(key))}}
