"""Clinic: one tenant of a stack. Pure; the source of its CRD."""

# ruff: noqa: RUF012 - pydantic copies the defaults of its models

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from atendeai_operator.api.common import Conditions, Inventory, RateLimits, ServicesSpec, ServiceStatuses
from atendeai_operator.api.profile import Profile
from atendeai_operator.api.schema import (
    SET_LIST,
    ApiModel,
    Bytes,
    Cpu,
    DeletionPolicy,
    DnsLabel,
    Duration,
    Holding,
    Host,
    Line,
    LongText,
    ObjectMeta,
    Origin,
    Rule,
    SecretRef,
    Transition,
    UniqueItems,
    Url,
    all_differ,
    all_lie_between,
    formed,
    lies_between,
)
from atendeai_operator.api.stack import Tls


class StackRef(ApiModel):
    """An AtendeAIStack of the same namespace."""

    name: DnsLabel
    """Its name."""


class Owner(ApiModel):
    """The first person of the clinic."""

    email: Annotated[
        str,
        Field(max_length=254),
        formed(
            r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$",
            "must be one e-mail address, such as dona@mar.example.com",
        ),
    ]
    """Address that is invited as the first owner."""


def _graph_id(of: str, aside: str = "") -> Holding:
    """Return the rule that a text is an id of the Graph API; `aside`: what it is taken for."""
    what = f"must be the id that Meta gave the {of} {aside}".rstrip()
    return formed("^[0-9]+$", f"{what}: digits alone, such as 106540352242922")


class WhatsApp(ApiModel):
    """The clinic's number at the WhatsApp Cloud API."""

    phone_number_id: Annotated[str, Field(max_length=32), _graph_id("phone number", "(it is not the phone number)")]
    """Id of the phone number at the Graph API (not the number itself); unique in the stack."""
    business_account_id: Annotated[str, Field(max_length=32), _graph_id("business account")] | None = None
    """Id of the WhatsApp Business Account."""
    graph_version: Annotated[
        str, Field(max_length=8), formed(r"^v[0-9]{1,3}\.[0-9]{1,2}$", "must be a version of the API, such as v23.0")
    ] = "v23.0"
    """Version of the Graph API."""
    base_url: Url = Field(default="https://graph.facebook.com", alias="baseURL")
    """Where the Graph API is."""
    credentials_secret_ref: SecretRef
    """Secret with the keys access-token, app-secret and verify-token."""


class Calendar(ApiModel):
    """Where the professionals' calendars are."""

    RULES = (
        Rule(
            "self.provider != 'Google' || has(self.credentialsSecretRef)",
            "provider Google needs credentialsSecretRef",
            lambda c: c.provider != "Google" or c.credentials_secret_ref is not None,
        ),
    )

    provider: Literal["Google", "None"] = "None"
    """Which calendar; None keeps appointments in the database alone."""
    calendar_id: Annotated[str, Field(min_length=1, max_length=254, pattern=r"^[^\s]+$")] | None = None
    """Calendar of professionals that name none of their own."""
    base_url: Url = Field(default="https://www.googleapis.com", alias="baseURL")
    """Host of the calendar's API, without a path."""
    token_url: Url = Field(default="https://oauth2.googleapis.com/token", alias="tokenURL")
    """Where its tokens are issued."""
    credentials_secret_ref: SecretRef | None = None
    """Secret with the key service-account.json, or client-id, client-secret and refresh-token."""


class Persona(ApiModel):
    """How the attendant speaks."""

    name: Line | None = None
    """Its name."""
    tone: Literal["Formal", "Friendly"] = "Friendly"
    """Its tone."""
    greeting: LongText | None = None
    """Its first words."""


class Handoff(ApiModel):
    """When a person takes over."""

    RULES = (lies_between("timeout", "5m", "720h", lambda h: h.timeout),)

    topics: Annotated[list[Line], Field(max_length=32, json_schema_extra=SET_LIST), UniqueItems] = []
    """Subjects that a person answers."""
    timeout: Duration = "24h"
    """Silence of staff and patient after which the attendant answers again."""


class AiPrivacy(ApiModel):
    """Consent to an external model."""

    acknowledged: bool = False
    """Somebody in charge knows that messages, with names, numbers and documents masked, leave for the model."""


class Transcription(ApiModel):
    """An OpenAI-compatible endpoint that turns voice messages into text."""

    base_url: Url = Field(alias="baseURL")
    """Where its API is, for example `https://api.openai.com/v1`."""
    model: Line = "whisper-1"
    """Name of the model."""


class Ai(ApiModel):
    """What understands the messages."""

    RULES = (
        Rule(
            "self.provider == 'Embedded' || (has(self.baseURL) && has(self.model))",
            "an external provider needs baseURL and model",
            lambda a: a.provider == "Embedded" or (a.base_url is not None and a.model is not None),
        ),
        Rule(
            "self.provider == 'Embedded' || self.privacy.acknowledged",
            "an external provider needs privacy.acknowledged: true, because messages leave the cluster",
            lambda a: a.provider == "Embedded" or a.privacy.acknowledged,
        ),
        Rule(
            "!has(self.transcription) || self.privacy.acknowledged",
            "transcription needs privacy.acknowledged: true, because voices leave the cluster",
            lambda a: a.transcription is None or a.privacy.acknowledged,
        ),
    )

    provider: Literal["Embedded", "OpenAI"] = "Embedded"
    """Embedded understands inside the cluster; OpenAI asks a model behind an OpenAI-compatible API."""
    base_url: Url | None = Field(default=None, alias="baseURL")
    """Where the model's API is."""
    model: Line | None = None
    """Name of the model."""
    api_key_secret_ref: SecretRef | None = None
    """Secret with the key api-key, for the model and for the transcription."""
    transcription: Transcription | None = None
    """What writes down voice messages; absent means that patients are asked to write."""
    persona: Persona = Persona()
    """How the attendant speaks."""
    handoff: Handoff = Handoff()
    """When a person takes over."""
    privacy: AiPrivacy = AiPrivacy()
    """Consent to an external model."""


class Reminders(ApiModel):
    """Messages that remind patients of their appointments."""

    RULES = (
        all_lie_between("before", "15m", "336h", lambda r: r.before),
        all_differ("before", lambda r: r.before),
    )

    enabled: bool = True
    """Whether any are sent."""
    before: Annotated[list[Duration], Field(max_length=4, json_schema_extra=SET_LIST), UniqueItems] = ["24h", "2h"]
    """How long before an appointment."""


class Quota(ApiModel):
    """What the clinic may use."""

    cpu: Cpu | None = None
    """Sum of CPU limits and requests in its namespace (Dedicated)."""
    memory: Bytes | None = None
    """Sum of memory limits in its namespace (Dedicated)."""
    pods: Annotated[int, Field(ge=1, le=500)] | None = None
    """Pods in its namespace (Dedicated)."""
    messages_per_day: Annotated[int, Field(ge=1, le=10000000)] | None = None
    """Outbound messages per day of the clinic's time zone."""


class ClinicSecurity(ApiModel):
    """Security of the clinic; what is absent is taken from the stack."""

    cors_origins: Annotated[list[Origin], Field(max_length=32, json_schema_extra=SET_LIST), UniqueItems] | None = None
    """Origins of web pages that may call the clinic's API."""
    rate_limits: RateLimits | None = None
    """Limits of the clinic's API."""


def _needs_no_pods(spec: ClinicSpec) -> bool:
    quota = spec.quota
    return spec.isolation == "Dedicated" or not (quota and (quota.cpu or quota.memory or quota.pods))


class ClinicSpec(ApiModel):
    """What the clinic should be."""

    RULES = (
        Rule(
            "self.isolation == 'Dedicated' || !has(self.services)",
            "services sizes pods of the clinic's own: it needs isolation Dedicated",
            lambda s: s.isolation == "Dedicated" or s.services is None,
        ),
        Rule(
            "self.isolation == 'Dedicated' || !has(self.quota)"
            " || !(has(self.quota.cpu) || has(self.quota.memory) || has(self.quota.pods))",
            "quota.cpu, quota.memory and quota.pods need isolation Dedicated",
            _needs_no_pods,
        ),
    )
    TRANSITIONS = (
        Transition(
            "self.stackRef.name == oldSelf.stackRef.name",
            "stackRef is immutable",
            lambda old, new: old.stack_ref.name == new.stack_ref.name,
        ),
    )

    stack_ref: StackRef
    """The stack this clinic lives on; immutable."""
    clinic_id: (
        Annotated[
            str,
            Field(
                min_length=36,
                max_length=36,
                pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
            ),
        ]
        | None
    ) = None
    """Take over the retained data of the clinic with this id; immutable once `status.clinicId` says that it has one."""
    owner: Owner | None = None
    """The first owner, who gets an invitation."""
    display_name: Line
    """The clinic's name, as patients read it."""
    timezone: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$")] = "America/Sao_Paulo"
    """Time zone of the IANA database."""
    locale: Literal["pt-BR"] = "pt-BR"
    """Language of everything patients read."""
    isolation: Literal["Dedicated", "Shared"] = "Shared"
    """Dedicated: services for this clinic alone, in its own namespace. Shared: the stack's pool serves it."""
    hosts: Annotated[list[Host], Field(min_length=1, max_length=16, json_schema_extra=SET_LIST), UniqueItems]
    """Host names of the clinic, unique in the stack; the first one is its address."""
    tls: Tls | None = None
    """Certificate for its hosts; absent means the stack's."""
    whatsapp: WhatsApp = Field(alias="whatsapp")
    """Its number at WhatsApp."""
    calendar: Calendar = Calendar()
    """Its calendars."""
    ai: Ai = Ai()
    """What understands its messages."""
    profile: Profile = Profile()
    """What the attendant knows of the clinic."""
    reminders: Reminders = Reminders()
    """Which reminders its patients get."""
    services: ServicesSpec | None = None
    """Sizes of its services (Dedicated)."""
    quota: Quota | None = None
    """What it may use."""
    security: ClinicSecurity | None = None
    """CORS and limits of its own."""
    suspended: bool = False
    """Hibernate: no pods, data kept, inbound messages still acknowledged and kept."""
    paused: bool = False
    """The operator leaves this clinic alone, and says so."""
    deletion_policy: DeletionPolicy = "Retain"
    """What becomes of its data when the Clinic is deleted."""


class ClinicStatus(ApiModel):
    """What the clinic is."""

    observed_generation: Annotated[int, Field(ge=0, le=2**53)] | None = None
    """The generation of the spec that this status speaks of."""
    conditions: Conditions = []
    """State, one condition per concern."""
    clinic_id: Annotated[str, Field(max_length=36)] | None = None
    """The clinic's stable id."""
    namespace: Annotated[str, Field(max_length=63)] | None = None
    """Namespace of its services."""
    url: Annotated[str, Field(max_length=300)] | None = None
    """Its address."""
    version: Annotated[str, Field(max_length=63)] | None = None
    """Version of the services that serve it."""
    hosts: Annotated[list[Host], Field(max_length=64)] = []
    """Hosts that it holds; the edge serves these."""
    services: ServiceStatuses = []
    """Pods of its services (Dedicated)."""
    inventory: Inventory = []
    """Objects that the operator made."""


CLINIC_NAME_LIMIT = 40
_NAME = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")


def _keeps_its_id(old: ClinicResource, new: ClinicResource) -> bool:
    has = new.status.clinic_id if new.status else None
    wanted, before = new.spec.clinic_id, old.spec.clinic_id
    return has is None or wanted in (before, has) or (wanted is None and before != has)


class ClinicResource(ApiModel):
    """A Clinic as a whole."""

    RULES = (
        Rule(
            f"size(self.metadata.name) <= {CLINIC_NAME_LIMIT}",
            f"metadata.name must be at most {CLINIC_NAME_LIMIT} characters",
            lambda r: len(r.metadata.name) <= CLINIC_NAME_LIMIT,
        ),
        Rule(
            "self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
            "metadata.name must be a DNS label: a namespace is named after it",
            lambda r: bool(_NAME.match(r.metadata.name)),
        ),
    )
    TRANSITIONS = (
        # Only a change of the spec is judged: the operator can write what it found whatever the spec has become.
        Transition(
            "!has(self.status) || !has(self.status.clinicId)"
            " || (has(self.spec.clinicId) ? self.spec.clinicId == self.status.clinicId"
            " || (has(oldSelf.spec.clinicId) && self.spec.clinicId == oldSelf.spec.clinicId)"
            " : !has(oldSelf.spec.clinicId) || oldSelf.spec.clinicId != self.status.clinicId)",
            "spec.clinicId must stay what status.clinicId says, the id that this clinic has by now; to take over other"
            " data, delete this Clinic and create it anew",
            _keeps_its_id,
        ),
    )

    api_version: Literal["atendeai.io/v1beta1"]
    """Group and version."""
    kind: Literal["Clinic"]
    """Kind."""
    metadata: ObjectMeta
    """Metadata."""
    spec: ClinicSpec
    """What the clinic should be."""
    status: ClinicStatus | None = None
    """What it is."""
