"""How a clinic's channels are: WhatsApp, the calendar, the model, as the services that use them report.

None of them keeps the clinic from being served: one that does not work makes the whole degraded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from atendeai.health.picture import Part, State
from atendeai.kit import clock
from atendeai.kit.http import ServiceError
from atendeai.kit.resources import Kit
from atendeai.kit.tenancy import Tenant

ASK_SECONDS = 5.0
LEAST_OUTCOMES = 5
"""Of fewer messages in a quarter of an hour no share is told: one that fails would be all of them."""

Json = Mapping[str, Any]


async def ask(kit: Kit, tenant: Tenant) -> tuple[Part, ...]:
    """Return the channels that the clinic has, not yet compared with thresholds."""
    wanted = [_asked(kit, tenant, "whatsapp", "whatsapp", "/internal/v1/channel")]
    if tenant.config.settings.calendar.provider != "None":
        wanted.append(_asked(kit, tenant, "calendar", "calendar", "/internal/v1/status"))
    if tenant.config.settings.ai.provider != "Embedded":
        wanted.append(_asked(kit, tenant, "model", "conversation", "/internal/v1/model"))
    return tuple(await asyncio.gather(*wanted))


async def _asked(kit: Kit, tenant: Tenant, channel: str, service: str, path: str) -> Part:
    part = Part(f"channel:{channel}", "channel")
    try:
        async with asyncio.timeout(ASK_SECONDS):
            reported = await kit.services.call(tenant, service, "GET", path)
    except (TimeoutError, ServiceError):
        return part.worse(State.DEGRADED, f"is not known: {service} does not answer")
    return _READ[channel](part, reported if isinstance(reported, dict) else {})


def whatsapp(part: Part, reported: Json) -> Part:
    """Read what the whatsapp service says of the clinic's number; Meta's codes, never its words."""
    sent, failed = int(reported.get("recently_sent") or 0), int(reported.get("recently_failed") or 0)
    token = reported.get("token") or {}
    signals = {"outbound_failure_ratio": failed / (sent + failed)} if sent + failed >= LEAST_OUTCOMES else {}
    if token.get("expires_at"):
        left = datetime.fromisoformat(token["expires_at"]) - clock.now()
        signals["token_left_seconds"] = left.total_seconds()
    part = Part(part.name, part.kind, signals=signals)
    match reported.get("state"):
        case "ok":
            return part
        case "unconfigured":
            return part.worse(State.DOWN, "has no number or no access token")
        case "broken":
            error = reported.get("error") or {}
            refused = "Meta refuses the access token" if token.get("valid") is False else "Meta refuses the account"
            return part.worse(State.DOWN, f"{refused} (code {error['code']})" if error.get("code") else refused)
        case _:
            return part.worse(State.DEGRADED, "Meta has not said whether the access token is good")


def calendar(part: Part, reported: Json) -> Part:
    """Read what the calendar service says of the clinic's calendars."""
    if not reported.get("ready"):
        return part.worse(State.DOWN, f"cannot be read or written ({reported.get('reason') or 'unknown'})")
    late = [one for one in reported.get("calendars") or () if one.get("sync_error")]
    if late:
        return part.worse(State.DEGRADED, f"changes of {len(late)} calendar(s) are not read ({late[0]['sync_error']})")
    return part


def model(part: Part, reported: Json) -> Part:
    """Read what the conversation service says of the clinic's model; without it the embedded dialogue answers."""
    match reported.get("state"):
        case "failing":
            return part.worse(State.DEGRADED, f"does not answer ({reported.get('reason') or 'unknown'})")
        case "unconfigured":
            return part.worse(State.DEGRADED, "has no key")
        case _:
            return part


_READ = {"whatsapp": whatsapp, "calendar": calendar, "model": model}
