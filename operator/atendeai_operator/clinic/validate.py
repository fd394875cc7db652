"""Facts about a clinic turned into its plan, or into the sentence that tells its owner what to mend. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from atendeai_operator.api import names, quantity
from atendeai_operator.api.clinic import Quota
from atendeai_operator.catalogue import CATALOGUE
from atendeai_operator.clinic.config import CalendarKeys, credentials, profile, settings
from atendeai_operator.clinic.facts import ClinicFacts, Ownership, SecretFact
from atendeai_operator.clinic.plan import ClinicPlan, Dedicated, PullSecret, SizedService
from atendeai_operator.gateway import certificates
from atendeai_operator.gateway.model import STATUS_PORT
from atendeai_operator.objects import pods
from atendeai_operator.objects.meta import Owner
from atendeai_operator.objects.pods import Image
from atendeai_operator.objects.workloads import Runtime
from atendeai_operator.pipeline.errors import InvalidSpec
from atendeai_operator.pipeline.ports import Claim

WHATSAPP_KEYS = ("access-token", "app-secret", "verify-token")
_TOKENS = ("access-token", "api-key")
"""Keys whose values go into a header of HTTP."""
_TOKEN = re.compile(r"[\x21-\x7e]+")
_NO_PLACES = frozenset({"localtime", "posixrules", "Factory"})
"""Files of a system's zone directory whose meaning differs from one machine to the next."""
RUNTIME_SECRET = "runtime"  # noqa: S105 - the name of a Secret


def validate(facts: ClinicFacts) -> ClinicPlan:
    """Return the plan. Raises InvalidSpec, the first problem first, with the field and the remedy."""
    spec, minted, stack = facts.spec, facts.minted, facts.stack
    _claims(facts)
    _place(facts)
    _timezone(spec.timezone)
    _writable("spec", spec.model_dump(mode="json", by_alias=True, exclude_none=True))
    secrets = _secrets(facts)
    dedicated = _dedicated(facts) if spec.isolation == "Dedicated" else None
    return ClinicPlan(
        clinic_id=minted.clinic_id,
        name=facts.meta.name,
        namespace=facts.meta.namespace,
        display_name=spec.display_name,
        generation=facts.meta.generation,
        suspended=spec.suspended,
        asleep=spec.suspended,
        claims=(*(Claim("host", host) for host in spec.hosts), Claim("phone", spec.whatsapp.phone_number_id)),
        settings=settings(spec, stack.spec),
        profile=profile(spec.profile),
        credentials=credentials(facts, secrets),
        data_key=minted.data_key,
        stack_key=stack.stack_key,
        database_password=minted.database_password,
        redis_password=minted.redis_password,
        dedicated=dedicated,
    )


def _claims(facts: ClinicFacts) -> None:
    lost = {(claim.kind, claim.value) for claim in facts.claims.lost}
    for index, host in enumerate(facts.spec.hosts):
        if ("host", host) in lost:
            raise InvalidSpec(
                f"spec.hosts[{index}]",
                f"another clinic of this stack holds the host {host}: choose another host, or release it there",
                code="ClaimLost",
            )
    number = facts.spec.whatsapp.phone_number_id
    if ("phone", number) in lost:
        raise InvalidSpec(
            "spec.whatsapp.phoneNumberId",
            f"another clinic of this stack holds the phone number id {number}: use this clinic's own, or release it"
            " there",
            code="ClaimLost",
        )


def _place(facts: ClinicFacts) -> None:
    spec, stack = facts.spec, facts.stack
    if spec.isolation == "Shared" and not stack.spec.shared_pool.enabled:
        raise InvalidSpec(
            "spec.isolation",
            f"stack {stack.name} has no pool for Shared clinics: set its spec.sharedPool.enabled to true, or this"
            " clinic's isolation to Dedicated",
            code="NoSharedPool",
        )
    if spec.isolation == "Dedicated" and facts.namespace_ownership is Ownership.FOREIGN:
        raise InvalidSpec(
            "spec.isolation",
            f"namespace {facts.own_namespace} exists and was not made for this clinic, so it is left untouched: delete"
            " it, or create the clinic with another name, or set isolation to Shared",
            code="NamespaceNotOwned",
        )


def _writable(field: str, value: object) -> None:
    """Refuse the one character of JSON that PostgreSQL's text and jsonb cannot hold."""
    if isinstance(value, str) and "\0" in value:
        raise InvalidSpec(field, "holds a NUL character (U+0000), which the database cannot keep: remove it")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _writable(f"{field}.{key}", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _writable(f"{field}[{index}]", inner)


def _timezone(name: str) -> None:
    try:
        known = name not in _NO_PLACES and ZoneInfo(name).key == name
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = False
    if not known:
        raise InvalidSpec(
            "spec.timezone",
            f"{name} is no time zone of the IANA database: write one such as America/Sao_Paulo",
            code="UnknownTimezone",
        )


# ---------------------------------------------------------------- referenced secrets
def _secrets(facts: ClinicFacts) -> dict[str, dict[str, str]]:
    """Return the texts of all referenced Secrets by purpose, each with the keys that are needed."""
    spec = facts.spec
    found = {"whatsapp": _texts(facts, facts.whatsapp_secret, "spec.whatsapp.credentialsSecretRef", WHATSAPP_KEYS)}
    if spec.calendar.provider == "Google" and facts.calendar_secret is not None:
        field = "spec.calendar.credentialsSecretRef"
        wanted = " or ".join(", ".join(choice) for choice in CalendarKeys.CHOICES)
        present = frozenset(_data(facts, facts.calendar_secret, field, wanted))
        keys = CalendarKeys.choose(present)
        if keys is None:
            name = facts.calendar_secret.name
            raise InvalidSpec(
                f"{field}.name",
                f"Secret {name} in namespace {facts.meta.namespace} needs the keys {wanted}: add them",
                code="SecretKeyMissing",
            )
        found["calendar"] = _texts(facts, facts.calendar_secret, field, keys)
        _service_account(facts, found["calendar"], field)
    if facts.ai_secret is not None and (spec.ai.provider != "Embedded" or spec.ai.transcription is not None):
        found["ai"] = _texts(facts, facts.ai_secret, "spec.ai.apiKeySecretRef", ("api-key",))
    if facts.tls_secret is not None:
        texts = _texts(facts, facts.tls_secret, "spec.tls.secretRef", ("tls.crt", "tls.key"))
        trouble = certificates.problem(texts["tls.crt"].encode(), texts["tls.key"].encode())
        if trouble:
            raise InvalidSpec(
                "spec.tls.secretRef.name", f"Secret {facts.tls_secret.name}: {trouble}", code="InvalidCertificate"
            )
    return found


def _service_account(facts: ClinicFacts, texts: dict[str, str], field: str) -> None:
    text = texts.get(CalendarKeys.SERVICE_ACCOUNT)
    if text is None:
        return
    trouble = CalendarKeys.service_account_problem(text)
    if trouble:
        name = facts.calendar_secret.name if facts.calendar_secret else ""
        raise InvalidSpec(
            f"{field}.name",
            f"Secret {name}, key {CalendarKeys.SERVICE_ACCOUNT}: {trouble}; use the key file as Google gives it out",
            code="InvalidCredentials",
        )


def _data(facts: ClinicFacts, secret: SecretFact, field: str, keys: str) -> dict[str, bytes]:
    if secret.data is None:
        raise InvalidSpec(
            f"{field}.name",
            f"Secret {secret.name} does not exist in namespace {facts.meta.namespace}: create it, with {keys}",
            code="SecretMissing",
        )
    return dict(secret.data)


def _texts(facts: ClinicFacts, secret: SecretFact, field: str, keys: tuple[str, ...]) -> dict[str, str]:
    data = _data(facts, secret, field, ", ".join(keys))
    missing = [key for key in keys if not data.get(key)]
    if missing:
        raise InvalidSpec(
            f"{field}.name",
            f"Secret {secret.name} in namespace {facts.meta.namespace} has no value for {', '.join(missing)}: add"
            " the missing keys",
            code="SecretKeyMissing",
        )
    texts = {}
    for key in keys:
        try:
            text = data[key].decode()
        except UnicodeDecodeError as error:
            raise InvalidSpec(
                f"{field}.name", f"Secret {secret.name}, key {key}: is not text in UTF-8", code="InvalidCredentials"
            ) from error
        # a file's last line break is no part of a token
        texts[key] = text if key.startswith("tls.") else text.strip()
        if key in _TOKENS and not _TOKEN.fullmatch(texts[key]):
            raise InvalidSpec(
                f"{field}.name",
                f"Secret {secret.name}, key {key}: holds a blank, a line break or a sign that no token has; put it in"
                " again as it was given out, in one line",
                code="InvalidCredentials",
            )
    return texts


# ---------------------------------------------------------------- Dedicated
def _dedicated(facts: ClinicFacts) -> Dedicated:
    spec, stack, minted = facts.spec, facts.stack, facts.minted
    services = tuple(SizedService(row, pods.size(row, stack.spec.services, spec.services)) for row in CATALOGUE)
    quota = spec.quota or Quota()
    if not spec.suspended:
        _fits(quota, services)
    hexadecimal = names.clinic_hex(minted.clinic_id)
    database = f"clinic_{hexadecimal}:{quote(minted.database_password, safe='')}@{stack.postgres_host}"
    cache = f"clinic-{hexadecimal}:{quote(minted.redis_password, safe='')}@{stack.redis_host}"
    image = stack.spec.image
    # Under a name of their own: one that is called like another Secret of the namespace must not replace it.
    copies = tuple(
        PullSecret(names.child("pull", fact.name), fact.kind, fact.data or {}) for fact in stack.pull_secrets
    )
    runtime = Runtime(
        secret=RUNTIME_SECRET,
        database_url=f"postgresql://{database}:5432/atendeai",
        redis_url=f"redis://{cache}:6379/0",
        stack_key=stack.stack_key,
        image=Image(
            f"{image.repository}:{stack.version}",
            image.pull_policy,
            tuple(copy.name for copy in copies),
        ),
        version=stack.version,
        url_template="http://{service}:{port}",
        gateway_health_url=(
            f"http://{names.child(stack.name, 'gateway')}.{stack.namespace}.svc:{STATUS_PORT}/status/ready"
        ),
        log_format=stack.spec.telemetry.log_format,
        otlp_endpoint=stack.spec.telemetry.otlp_endpoint or "",
        thresholds=stack.spec.monitoring.thresholds,
        clinic_id=str(minted.clinic_id),
    )
    owner = Owner(
        instance=facts.meta.name,
        namespace=facts.own_namespace,
        stack=names.label_value(stack.namespace, stack.name),
        clinic=names.label_value(facts.meta.namespace, facts.meta.name),
    )
    return Dedicated(
        owner=owner,
        runtime=runtime,
        services=services,
        quota=quota,
        stack_namespace=stack.namespace,
        urls=_urls(facts),
        pull_secrets=copies,
    )


def _fits(quota: Quota, services: tuple[SizedService, ...]) -> None:
    """Refuse a quota in which the pods could never run, one more of them during a rollout included."""
    count = sum(entry.size.replicas for entry in services)
    if quota.pods is not None and quota.pods < count + 1:
        raise InvalidSpec(
            "spec.quota.pods",
            f"{quota.pods} pods are too few: the services need {count}, and one more while a new version replaces an"
            f" old one; set at least {count + 1}",
            code="QuotaTooSmall",
        )
    for field, given, parts, unit in (
        ("cpu", quota.cpu, [(s.size.replicas, s.size.resources.cpu_request) for s in services], quantity.canonical_cpu),
        (
            "memory",
            quota.memory,
            [(s.size.replicas, s.size.resources.memory_limit or s.size.resources.memory_request) for s in services],
            quantity.canonical_bytes,
        ),
    ):
        if given is None:
            continue
        amounts = [quantity.parse(amount) for _, amount in parts]
        needed = sum(replicas * amount for (replicas, _), amount in zip(parts, amounts, strict=True)) + max(amounts)
        if quantity.parse(given) < needed:
            raise InvalidSpec(
                f"spec.quota.{field}",
                f"{given} is too little: the services need {unit(str(needed))}, one more pod during a rollout"
                " included; raise it, or make spec.services smaller",
                code="QuotaTooSmall",
            )


def _urls(facts: ClinicFacts) -> dict[str, tuple[str, ...]]:
    spec = facts.spec
    voices = (spec.ai.transcription.base_url,) if spec.ai.transcription is not None else ()
    urls: dict[str, tuple[str, ...]] = {"whatsapp": (spec.whatsapp.base_url, *voices)}
    if spec.calendar.provider == "Google":
        urls["calendar"] = (spec.calendar.base_url, spec.calendar.token_url)
    if spec.ai.provider != "Embedded" and spec.ai.base_url:
        urls["conversation"] = (spec.ai.base_url,)
    return urls
