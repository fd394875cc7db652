"""A typed view of one clinic: its row of `atendeai.clinic_config`, which the operator alone writes, and what staff add.

Every field has a default and unknown fields are ignored, so that services of one version read rows written by an
operator of the next. `raw_settings` and `raw_profile` hold the JSON that holds, additions included; `declared_profile`
and `declared_persona` what the Clinic resource says.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from functools import cached_property
from typing import Any, Literal, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from cryptography.fernet import Fernet
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from atendeai.domain.profile_additions import effective_persona, effective_profile

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""In the order of `date.weekday()`."""

_T = TypeVar("_T")
_DURATION = re.compile(r"^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$")


def parse_duration(value: str) -> timedelta:
    """Read a duration as Go writes it: `30m`, `1h`, `1h30m`, `90s`.

    Raises `ValueError` for anything else, and for nothing at all.
    """
    match = _DURATION.match(value)
    if not value or match is None:
        raise ValueError(f"not a duration such as 30m or 1h30m: {value!r}")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


class _View(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class WhatsAppSettings(_View):
    """Where and as whom the clinic speaks on WhatsApp."""

    phone_number_id: str = ""
    business_account_id: str | None = None
    graph_version: str = "v23.0"
    base_url: str = Field(default="https://graph.facebook.com", alias="baseURL")


class CalendarSettings(_View):
    """Which calendar holds the clinic's events; `None` keeps none."""

    provider: Literal["Google", "None"] = "None"
    calendar_id: str | None = None
    base_url: str = Field(default="https://www.googleapis.com", alias="baseURL")
    token_url: str = Field(default="https://oauth2.googleapis.com/token", alias="tokenURL")


class Persona(_View):
    """How the attendant presents itself."""

    name: str | None = None
    tone: str | None = None
    greeting: str | None = None


class Handoff(_View):
    """Topics that go to a person at once."""

    topics: list[str] = Field(default_factory=list)
    timeout: str = "24h"

    @property
    def silence(self) -> timedelta:
        """After so long without a word of staff or patient the attendant answers again."""
        return parse_duration(self.timeout)


class Privacy(_View):
    """Whether the clinic has acknowledged that an external model sees (masked) messages."""

    acknowledged: bool = False


class Transcription(_View):
    """An OpenAI-compatible endpoint that writes down voice messages."""

    base_url: str = Field(alias="baseURL")
    model: str = "whisper-1"


class AISettings(_View):
    """Who understands messages: the embedded engine or an external model."""

    provider: Literal["Embedded", "OpenAI"] = "Embedded"
    base_url: str | None = Field(default=None, alias="baseURL")
    model: str | None = None
    transcription: Transcription | None = None
    persona: Persona = Field(default_factory=Persona)
    handoff: Handoff = Field(default_factory=Handoff)
    privacy: Privacy = Field(default_factory=Privacy)


class RateLimit(_View):
    """Requests allowed in any minute and in any hour."""

    minute: int
    hour: int


class RateLimits(_View):
    """The seed's limits: sign-in, and everything else under /api."""

    auth: RateLimit = RateLimit(minute=5, hour=100)
    api: RateLimit = RateLimit(minute=100, hour=1000)


class SecuritySettings(_View):
    """Origins, limits and lifetimes of tokens."""

    cors_origins: list[str] = Field(default_factory=list)
    cors_credentials: bool = True
    rate_limits: RateLimits = Field(default_factory=RateLimits)
    access_token_ttl_seconds: int = Field(default=900, alias="accessTokenTTLSeconds")
    refresh_token_ttl_seconds: int = Field(default=604800, alias="refreshTokenTTLSeconds")


class Reminders(_View):
    """Which reminders patients get."""

    enabled: bool = True
    before: list[str] = Field(default_factory=lambda: ["24h", "2h"])

    @property
    def offsets(self) -> list[timedelta]:
        """How long before an appointment, the longest first; none when there are no reminders."""
        return sorted(map(parse_duration, self.before), reverse=True) if self.enabled else []


class Quota(_View):
    """What the clinic may use."""

    messages_per_day: int | None = None


class ClinicSettings(_View):
    """Column `settings`."""

    timezone: str = "America/Sao_Paulo"
    locale: str = "pt-BR"
    hosts: list[str] = Field(default_factory=list)
    url: str | None = None
    whatsapp: WhatsAppSettings = Field(default_factory=WhatsAppSettings)
    calendar: CalendarSettings = Field(default_factory=CalendarSettings)
    ai: AISettings = Field(default_factory=AISettings)
    security: SecuritySettings = Field(default_factory=SecuritySettings)
    reminders: Reminders = Field(default_factory=Reminders)
    quota: Quota = Field(default_factory=Quota)


class OpeningHours(_View):
    """One stretch of a day, in the clinic's own time."""

    opens: time
    closes: time


class ServiceOffer(_View):
    """Something a patient can book."""

    code: str
    name: str
    duration: str = "30m"
    price_brl: str | None = Field(default=None, alias="priceBRL")
    preparation: str | None = None

    @property
    def length(self) -> timedelta:
        """How long one appointment of it takes."""
        return parse_duration(self.duration)


class ProfileException(_View):
    """Days with hours of their own, for one professional or for the clinic; no hours: closed."""

    date_from: date
    date_to: date | None = None
    professional: str | None = None
    hours: list[OpeningHours] = Field(default_factory=list)
    id: UUID | None = None
    """Of what staff added; the resource's have none."""
    reason: str | None = None

    @property
    def last(self) -> date:
        """The last day, inclusive."""
        return self.date_to or self.date_from


class Professional(_View):
    """Someone who sees patients; without `services` they offer all, without `hours` the clinic's hold."""

    code: str
    name: str
    services: list[str] = Field(default_factory=list)
    hours: dict[Weekday, list[OpeningHours]] | None = None
    calendar_id: str | None = None


class Policies(_View):
    """What patients may still do by themselves, and until when."""

    cancellation_notice: str = "0m"
    waiting_list: bool = True
    waiting_offer: str = "30m"

    @property
    def notice(self) -> timedelta:
        """How long before an appointment a patient may still cancel or move it without a person."""
        return parse_duration(self.cancellation_notice)

    @property
    def offer(self) -> timedelta:
        """How long a patient on the waiting list has to take a time that got free."""
        return parse_duration(self.waiting_offer)


class Profile(_View):
    """Column `profile`: what the clinic is and offers. A missing weekday is closed."""

    business_hours: dict[Weekday, list[OpeningHours]] = Field(default_factory=dict)
    services: list[ServiceOffer] = Field(default_factory=list)
    professionals: list[Professional] = Field(default_factory=list)
    insurance: list[str] = Field(default_factory=list)
    address: str | dict[str, str] | None = None
    holidays: list[date] = Field(default_factory=list)
    exceptions: list[ProfileException] = Field(default_factory=list)
    """Of two for the same day and person the later one holds."""
    policies: Policies = Field(default_factory=Policies)


class _Secret(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class WhatsAppCredentials(_Secret):
    """Keys of the Graph API; empty strings where the clinic has none."""

    access_token: str = Field(default="", alias="access-token", repr=False)
    app_secret: str = Field(default="", alias="app-secret", repr=False)
    verify_token: str = Field(default="", alias="verify-token", repr=False)


class AICredentials(_Secret):
    """Key of an external model."""

    api_key: str = Field(default="", alias="api-key", repr=False)


class JWTKeys(_Secret):
    """Signing keys by `kid`, base64url; `active` signs, all verify."""

    active: str = ""
    keys: dict[str, str] = Field(default_factory=dict, repr=False)


class OwnerInvitation(_Secret):
    """Who may register as the first owner, and the SHA-256 (hex) of the invitation's token."""

    email: str = ""
    token_sha256: str = Field(default="", alias="tokenSha256", repr=False)


class Credentials(_Secret):
    """Column `credentials`, decrypted. Never logged, never sent anywhere but where each belongs."""

    whatsapp: WhatsAppCredentials = Field(default_factory=WhatsAppCredentials)
    calendar: dict[str, str] = Field(default_factory=dict, repr=False)
    ai: AICredentials = Field(default_factory=AICredentials)
    jwt: JWTKeys = Field(default_factory=JWTKeys)
    owner: OwnerInvitation = Field(default_factory=OwnerInvitation)


@dataclass(frozen=True)
class ClinicConfig:
    """One clinic as the operator last wrote it, with what its staff added."""

    clinic_id: UUID
    name: str
    namespace: str
    display_name: str
    generation: int
    isolation: Literal["Dedicated", "Shared"]
    suspended: bool
    settings: ClinicSettings
    profile: Profile
    credentials: Credentials = field(repr=False)
    data_key: bytes = field(repr=False)
    raw_settings: dict[str, Any] = field(repr=False)
    raw_profile: dict[str, Any] = field(repr=False)
    declared_profile: dict[str, Any] = field(repr=False)
    declared_persona: dict[str, Any] = field(repr=False)
    additions: dict[str, Any] = field(repr=False)
    version: int = 0
    """Of the profile; it grows with every change by the resource or by staff."""
    _derived: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def derived(self, name: str, make: Callable[[], _T]) -> _T:
        """Return what `make` reads out of this configuration, made once: a changed configuration is another object.

        So whatever is kept here is as fresh as the configuration itself. What `make` raises passes and is not kept.
        """
        if name not in self._derived:
            self._derived[name] = make()
        found: _T = self._derived[name]
        return found

    @cached_property
    def tz(self) -> ZoneInfo:
        """The clinic's time zone."""
        return ZoneInfo(self.settings.timezone)

    @cached_property
    def cipher(self) -> Fernet:
        """Encrypts and decrypts with the clinic's data key, for what a service must keep sealed at rest."""
        return Fernet(self.data_key)


def read_row(row: dict[str, Any], stack_key: bytes) -> ClinicConfig:
    """Decrypt and check one row; `settings`, `profile` and `additions` (if any) arrive as JSON text.

    Raises `cryptography.fernet.InvalidToken` when the stack's key does not fit, `ValueError` when a key is none or the
    row was written in a shape this version does not know (`pydantic.ValidationError`).
    """
    data_key = Fernet(stack_key).decrypt(bytes(row["wrapped_key"]))
    secrets = orjson.loads(Fernet(data_key).decrypt(bytes(row["credentials"])))
    settings, declared = orjson.loads(row["settings"]), orjson.loads(row["profile"])
    ClinicSettings.model_validate(settings), Profile.model_validate(declared)  # what is merged below has the shapes
    additions = orjson.loads(row.get("additions") or "{}")
    profile = effective_profile(declared, additions)
    persona = (settings.get("ai") or {}).get("persona") or {}
    settings = {**settings, "ai": {**(settings.get("ai") or {}), "persona": effective_persona(persona, additions)}}
    return ClinicConfig(
        clinic_id=row["clinic_id"],
        name=row["name"],
        namespace=row["namespace"],
        display_name=row["display_name"],
        generation=row["generation"],
        isolation=row["isolation"],
        suspended=row["suspended"],
        settings=ClinicSettings.model_validate(settings),
        profile=Profile.model_validate(profile),
        credentials=Credentials.model_validate(secrets),
        data_key=data_key,
        raw_settings=settings,
        raw_profile=profile,
        declared_profile=declared,
        declared_persona=persona,
        additions=additions,
        version=row.get("version") or 0,
    )
