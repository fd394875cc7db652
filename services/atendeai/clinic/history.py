"""The profile's versions as people read them: what changed from one to the next, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from atendeai.clinic.repository import Version
from atendeai.clinic.schemas import ChangeView, Hours, ProfileView, VersionLine, VersionView
from atendeai.clinic.service import show_persona, show_profile
from atendeai.kit.clinic_config import Persona


def line(version: Version, before: Version | None) -> VersionLine:
    """Return a version and what is different from the one before, None when that one is not kept."""
    return VersionLine(**_common(version, before))


def whole(version: Version, before: Version | None) -> VersionView:
    """Return a version with the profile as it stood."""
    return VersionView(
        **_common(version, before),
        display_name=version.declared["displayName"],
        timezone=version.declared.get("timezone") or "America/Sao_Paulo",
        profile=show_profile(version.profile),
        persona=show_persona(Persona.model_validate(version.persona)),
        handoff_topics=version.declared.get("handoffTopics") or [],
    )


def differences(before: Version, after: Version) -> list[ChangeView]:
    """Return what is different between two versions, by field."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    return [
        ChangeView(field=field, before=old.get(field), after=new.get(field))
        for field in sorted(old.keys() | new.keys())
        if old.get(field) != new.get(field)
    ]


def _common(version: Version, before: Version | None) -> dict[str, Any]:
    return {
        "version": version.version,
        "at": version.at,
        "source": version.source,
        "changed_by": version.actor,
        "generation": version.generation,
        "reason": version.reason,
        "changes": [] if before is None else differences(before, version),
    }


def _leaves(version: Version) -> Iterator[tuple[str, str]]:
    """Yield every single statement of a version: its field and what it says, in words."""
    declared = version.declared
    yield "display_name", declared["displayName"]
    if declared.get("timezone"):
        yield "timezone", declared["timezone"]
    for key, value in version.persona.items():
        yield f"persona.{key}", str(value)
    for topic in declared.get("handoffTopics") or ():
        yield f"handoff_topics.{topic}", "goes to a person"
    reminders: Mapping[str, Any] = declared.get("reminders") or {}
    if reminders:
        yield "reminders", ", ".join(reminders.get("before") or ()) if reminders.get("enabled", True) else "none"
    yield from _profile(show_profile(version.profile))


def _profile(profile: ProfileView) -> Iterator[tuple[str, str]]:
    for day, spans in profile.business_hours.items():
        yield f"business_hours.{day}", _spans(spans)
    yield from _offers(profile)
    for plan in profile.insurance:
        yield f"insurance.{plan}", "accepted"
    if profile.address:
        yield "address", profile.address
    for holiday in profile.holidays:
        yield f"holidays.{holiday.isoformat()}", "closed"
    for one in profile.exceptions:
        whom = one.professional_code or "clinic"
        hours = ", ".join(f"{span.opens}-{span.closes}" for span in one.hours) or "closed"
        days = one.date_from.isoformat() if one.date_to == one.date_from else f"{one.date_from}..{one.date_to}"
        yield f"exceptions.{whom}.{days}", hours
    for key, value in profile.policies.model_dump().items():
        yield f"policies.{key}", str(value).lower()


def _offers(profile: ProfileView) -> Iterator[tuple[str, str]]:
    for service in profile.services:
        for key, value in service.model_dump(exclude={"code"}, exclude_none=True).items():
            yield f"services.{service.code}.{key}", str(value)
    for person in profile.professionals:
        yield f"professionals.{person.code}.name", person.name
        yield f"professionals.{person.code}.services", ", ".join(person.services)
        for day, spans in person.hours.items():
            yield f"professionals.{person.code}.hours.{day}", _spans(spans)


def _spans(spans: list[Hours]) -> str:
    return ", ".join(f"{span.opens}-{span.closes}" for span in spans)
