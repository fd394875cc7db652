"""Turns a clinic's configuration into what is shown of it. Pure: the moment arrives as an argument."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

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
from atendeai.kit.clinic_config import WEEKDAYS, ClinicConfig, OpeningHours, Profile, Weekday

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
        profile=show_profile(config.profile),
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
    holiday = local.date() in config.profile.holidays
    today = [] if holiday else config.profile.business_hours.get(weekday, [])
    persona = config.settings.ai.persona
    return ContextView(
        clinic_id=config.clinic_id,
        display_name=config.display_name,
        timezone=config.settings.timezone,
        locale=config.settings.locale,
        now=local,
        weekday=weekday,
        open_now=any(hours.opens <= local.time() < hours.closes for hours in today),
        today=_stretches(today),
        persona=PersonaView(name=persona.name, tone=persona.tone, greeting=persona.greeting),
        handoff_topics=config.settings.ai.handoff.topics,
        profile=show_profile(config.profile),
    )


def show_profile(profile: Profile) -> ProfileView:
    """Return what the clinic is and offers; a professional's silence is filled in from the clinic."""
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
        address=_address(profile.address),
        holidays=profile.holidays,
        policies=PoliciesView(
            cancellation_notice_minutes=_minutes(profile.policies.notice),
            waiting_list=profile.policies.waiting_list,
            waiting_offer_minutes=_minutes(profile.policies.offer),
        ),
    )


def _minutes(length: timedelta) -> int:
    return int(length.total_seconds()) // MINUTE


def _address(address: str | Mapping[str, str] | None) -> str | None:
    """Return the address as one line: its `text`, or its parts in the order in which they were declared."""
    if address is None or isinstance(address, str):
        return address
    return address.get("text") or ", ".join(part for part in address.values() if part) or None


def _week(week: Mapping[Weekday, list[OpeningHours]]) -> Week:
    return {day: _stretches(week[day]) for day in WEEKDAYS if week.get(day)}


def _stretches(stretches: list[OpeningHours]) -> list[Hours]:
    return [Hours(opens=item.opens.strftime("%H:%M"), closes=item.closes.strftime("%H:%M")) for item in stretches]
