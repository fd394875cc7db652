"""Turns a clinic's configuration into what is shown of it. Pure: the moment arrives as an argument."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from atendeai.clinic.additions import shown_exception, wire_path
from atendeai.clinic.schemas import (
    ChannelView,
    ClinicView,
    ContextView,
    Hours,
    Offer,
    PersonaView,
    PoliciesView,
    ProfessionalView,
    ProfileView,
    Week,
)
from atendeai.domain.profile_additions import declared_by
from atendeai.domain.profile_values import Exceptions, address_text, day_hours, parse_exceptions, parse_week
from atendeai.kit.clinic_config import WEEKDAYS, ClinicConfig, OpeningHours, Persona, Profile, Weekday

MINUTE = 60


def show_clinic(config: ClinicConfig) -> ClinicView:
    """Return the clinic as staff see it."""
    settings, credentials = config.settings, config.credentials.whatsapp
    return ClinicView(
        id=config.clinic_id,
        name=config.name,
        display_name=config.display_name,
        isolation=config.isolation,
        suspended=config.suspended,
        timezone=settings.timezone,
        locale=settings.locale,
        url=settings.url,
        hosts=settings.hosts,
        generation=config.generation,
        version=config.version,
        profile=show_profile(config.raw_profile),
        persona=show_persona(settings.ai.persona),
        set_by_staff=set_by_staff(config),
        channels=ChannelView(
            whatsapp_phone_number_id=settings.whatsapp.phone_number_id or None,
            whatsapp_configured=bool(credentials.access_token and credentials.app_secret and credentials.verify_token),
            calendar_provider=settings.calendar.provider,
            ai_provider=settings.ai.provider,
        ),
    )


def show_context(config: ClinicConfig, moment: datetime) -> ContextView:
    """Return what the attendant knows at a moment (aware; shown in the clinic's own time)."""
    local = moment.astimezone(config.tz)
    weekday = WEEKDAYS[local.weekday()]
    today = [] if local.date() in config.profile.holidays else _today(config, local)
    return ContextView(
        clinic_id=config.clinic_id,
        display_name=config.display_name,
        timezone=config.settings.timezone,
        locale=config.settings.locale,
        now=local,
        weekday=weekday,
        open_now=any(hours.opens <= local.strftime("%H:%M") < hours.closes for hours in today),
        today=today,
        persona=show_persona(config.settings.ai.persona),
        handoff_topics=config.settings.ai.handoff.topics,
        profile=show_profile(config.raw_profile),
    )


def set_by_staff(config: ClinicConfig) -> list[str]:
    """Return the paths of what staff have set and the resource does not declare."""
    overridden = declared_by(config.declared_profile, config.declared_persona, config.additions)
    paths: list[str] = []
    for key, value in config.additions.items():
        match key, value:
            case "services" | "professionals" | "persona", dict():
                inner = {f"{key}.{name}": one for name, one in value.items()}
                paths += (
                    [f"{path}.{leaf}" for path, one in inner.items() for leaf in one] if key != "persona" else inner
                )
            case "holidays", list():
                paths += [f"{key}.{day}" for day in value]
            case _:
                paths.append(key)
    return sorted(wire_path(path) for path in paths if path not in overridden)


def show_persona(persona: Persona) -> PersonaView:
    """Return how the attendant presents itself."""
    return PersonaView(name=persona.name, tone=persona.tone, greeting=persona.greeting)


def _today(config: ClinicConfig, local: datetime) -> list[Hours]:
    def read() -> tuple[dict[int, tuple[tuple[int, int], ...]], Exceptions]:
        raw = config.raw_profile
        return parse_week(raw.get("businessHours") or {}, "businessHours"), parse_exceptions(raw["exceptions"])

    week, exceptions = config.derived("clinic.hours", read)
    spans = day_hours(local.date(), week, exceptions=exceptions)
    return [Hours(opens=f"{a // 60:02}:{a % 60:02}", closes=f"{b // 60:02}:{b % 60:02}") for a, b in spans]


def show_profile(raw: Mapping[str, Any]) -> ProfileView:
    """Return what the clinic is and offers; a professional's silence is filled in from the clinic."""
    profile = Profile.model_validate(raw)
    codes = [service.code for service in profile.services]
    return ProfileView(
        business_hours=_week(profile.business_hours),
        services=[
            Offer(
                code=service.code,
                name=service.name,
                duration_minutes=_minutes(service.length),
                price_brl=service.price_brl,
                preparation=service.preparation,
            )
            for service in profile.services
        ],
        professionals=[
            ProfessionalView(
                code=person.code,
                name=person.name,
                services=person.services or codes,
                hours=_week(profile.business_hours if person.hours is None else person.hours),
            )
            for person in profile.professionals
        ],
        insurance=profile.insurance,
        address=address_text(profile.address),
        holidays=profile.holidays,
        exceptions=sorted(
            (shown_exception(one) for one in raw.get("exceptions") or ()), key=lambda one: (one.date_from, one.date_to)
        ),
        policies=PoliciesView(
            cancellation_notice_minutes=_minutes(profile.policies.notice),
            waiting_list=profile.policies.waiting_list,
            waiting_offer_minutes=_minutes(profile.policies.offer),
        ),
    )


def _minutes(length: timedelta) -> int:
    return int(length.total_seconds()) // MINUTE


def _week(week: Mapping[Weekday, list[OpeningHours]]) -> Week:
    return {day: _stretches(week[day]) for day in WEEKDAYS if week.get(day)}


def _stretches(stretches: list[OpeningHours]) -> list[Hours]:
    return [Hours(opens=item.opens.strftime("%H:%M"), closes=item.closes.strftime("%H:%M")) for item in stretches]
