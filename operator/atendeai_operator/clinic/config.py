"""The clinic's configuration row: settings, profile and credentials as the services read them. Pure.

Keys are those of the Clinic resource (camelCase), with every default filled in, so that no service repeats one.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, ClassVar

from atendeai_operator.api import durations
from atendeai_operator.api.clinic import ClinicSpec
from atendeai_operator.api.profile import Profile
from atendeai_operator.api.schema import ApiModel
from atendeai_operator.api.stack import StackSpec
from atendeai_operator.clinic.facts import ClinicFacts, ClinicMinted

Json = dict[str, Any]


class CalendarKeys:
    """Which keys a calendar's Secret may have: those of a service account, or those of an OAuth client.

    Without a refresh token, a person of the clinic consents to the client by the calendar service.
    """

    SERVICE_ACCOUNT: ClassVar[str] = "service-account.json"
    CHOICES: ClassVar[tuple[tuple[str, ...], ...]] = (
        (SERVICE_ACCOUNT,),
        ("client-id", "client-secret", "refresh-token"),
        ("client-id", "client-secret"),
    )

    @classmethod
    def choose(cls, present: frozenset[str]) -> tuple[str, ...] | None:
        """Return the first complete choice, None when there is none."""
        return next((choice for choice in cls.CHOICES if set(choice) <= present), None)

    @staticmethod
    def service_account_problem(text: str) -> str | None:
        """Return why this is no service account's key file, None when it is one."""
        try:
            account = json.loads(text)
        except ValueError:
            return "is not JSON"
        if not isinstance(account, dict):
            return "is not a JSON object"
        missing = [key for key in ("client_email", "private_key") if not account.get(key)]
        return f"lacks {' and '.join(missing)}" if missing else None


def _dump(model: ApiModel) -> Json:
    dumped: Json = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    return dumped


def settings(spec: ClinicSpec, stack: StackSpec) -> Json:
    """Return `clinic_config.settings`: the clinic's own choices over the stack's."""
    whatsapp = _dump(spec.whatsapp)
    whatsapp.pop("credentialsSecretRef", None)
    calendar = _dump(spec.calendar)
    calendar.pop("credentialsSecretRef", None)
    ai = _dump(spec.ai)
    ai.pop("apiKeySecretRef", None)
    own, jwt = spec.security, stack.security.jwt
    origins = own.cors_origins if own and own.cors_origins is not None else stack.gateway.cors.origins
    limits = own.rate_limits if own and own.rate_limits is not None else stack.gateway.rate_limits
    messages = spec.quota.messages_per_day if spec.quota else None
    return {
        "timezone": spec.timezone,
        "locale": spec.locale,
        "hosts": list(spec.hosts),
        "url": f"https://{spec.hosts[0]}",
        "whatsapp": whatsapp,
        "calendar": calendar,
        "ai": ai,
        "reminders": _dump(spec.reminders),
        "security": {
            "corsOrigins": list(origins),
            "corsCredentials": stack.gateway.cors.credentials,
            "rateLimits": _dump(limits),
            "accessTokenTTLSeconds": durations.seconds(jwt.access_token_ttl),
            "refreshTokenTTLSeconds": durations.seconds(jwt.refresh_token_ttl),
        },
        "quota": {} if messages is None else {"messagesPerDay": messages},
    }


def profile(given: Profile) -> Json:
    """Return `clinic_config.profile`: the profile as the resource has it."""
    return _dump(given)


def credentials(facts: ClinicFacts, secrets: dict[str, dict[str, str]]) -> Json:
    """Return `clinic_config.credentials` before it is sealed; `secrets` are the checked texts by purpose."""
    minted, owner = facts.minted, facts.spec.owner
    result: Json = {
        "whatsapp": secrets["whatsapp"],
        "calendar": secrets.get("calendar", {}),
        "ai": secrets.get("ai", {}),
        "jwt": {"active": minted.jwt_kid, "keys": _keys(minted)},
    }
    if owner is not None and minted.invitation_token is not None:
        token = hashlib.sha256(minted.invitation_token.encode()).hexdigest()
        result["owner"] = {"email": owner.email, "tokenSha256": token}
    return result


def _keys(minted: ClinicMinted) -> dict[str, str]:
    """Return every key that a token may be signed with, by its id."""
    return minted.ring.accepted() if minted.ring else {minted.jwt_kid: minted.jwt_key}
