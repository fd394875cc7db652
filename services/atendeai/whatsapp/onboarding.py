"""Bringing a clinic's number into service at Meta, step by step, each step with Meta's own answer.

Every step may be repeated: what is done already is seen and left alone, so an onboarding that stopped half way goes on
where it stopped. Source: developers.facebook.com, "WhatsApp Cloud API: registration", "webhook overrides", "message
templates". The two-step PIN goes to Meta and is kept nowhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from atendeai.domain.templates import TEMPLATES
from atendeai.kit import clock
from atendeai.kit.resources import Kit
from atendeai.kit.tenancy import Tenant
from atendeai.kit.work import enqueue
from atendeai.whatsapp import staff_repository as staff
from atendeai.whatsapp import templates
from atendeai.whatsapp.failures import Failure
from atendeai.whatsapp.graph import Answer, GraphClient
from atendeai.whatsapp.onboarding_texts import NOT_SET, PIN_MISSING

Step = Literal["register", "subscribe", "templates"]
STEPS: tuple[Step, ...] = ("register", "subscribe", "templates")
Result = tuple[bool, dict[str, Any]]
"""Whether a step is done, and what Meta answered."""


class Onboarding:
    """Runs the steps for the clinics this process serves."""

    def __init__(self, kit: Kit, graph: GraphClient) -> None:
        self._kit = kit
        self._graph = graph

    async def known(self, tenant: Tenant) -> dict[str, dict[str, Any]]:
        """Return what each step last came to, by its name."""
        async with self._kit.database.transaction(tenant) as connection:
            return await staff.onboarding(connection, tenant.id)

    async def run(self, tenant: Tenant, pin: str | None, wanted: set[Step] | None) -> dict[str, dict[str, Any]]:
        """Run the steps that are not done yet, or those that are wanted; what each came to is kept after each.

        A step that fails holds back none of the others. Raises `Unavailable` when the database is away.
        """
        runners: dict[Step, Callable[[], Awaitable[Result]]] = {
            "register": lambda: self._register(tenant, pin),
            "subscribe": lambda: self._subscribe(tenant),
            "templates": lambda: self._templates(tenant),
        }
        done = await self.known(tenant)
        for step in STEPS:
            if (step not in wanted) if wanted is not None else done.get(step, {}).get("ok"):
                continue
            ok, meta = await runners[step]()
            done[step] = {"ok": ok, "at": clock.now().isoformat(), "meta": meta}
            async with self._kit.database.transaction(tenant) as connection:
                await staff.onboarded(connection, tenant.id, step, done[step])
                if step == "templates":
                    await enqueue(connection, tenant.id, templates.ACCOUNT_QUEUE, templates.SYNC)
        return done

    # ------------------------------------------------------------ steps
    async def _register(self, tenant: Tenant, pin: str | None) -> Result:
        number = tenant.config.settings.whatsapp.phone_number_id
        if pin is None:
            fields = {"fields": "display_phone_number,verified_name,platform_type,status"}
            answer = await self._graph.ask(tenant.config, "GET", number, params=fields)
            connected = answer.body.get("platform_type") == "CLOUD_API" and answer.body.get("status") == "CONNECTED"
            if answer.ok and not connected:
                unpinned = _error(Failure(0, "The number is not registered: give its pin"))
                return False, {**answer.body, "error": {**unpinned, "reason": PIN_MISSING}}
            return _result(answer)
        body = {"messaging_product": "whatsapp", "pin": pin}
        return _result(await self._graph.ask(tenant.config, "POST", f"{number}/register", json=body))

    async def _subscribe(self, tenant: Tenant) -> Result:
        config = tenant.config
        account, hosts = config.settings.whatsapp.business_account_id, config.settings.hosts
        token = config.credentials.whatsapp.verify_token
        missing = [
            name
            for name, value in (
                ("spec.whatsapp.businessAccountId", account),
                ("spec.hosts", hosts),
                ("the credentials' verify-token", token),
            )
            if not value
        ]
        if missing:
            return _unset(*missing)
        body = {"override_callback_uri": f"https://{hosts[0]}/webhook/whatsapp", "verify_token": token}
        answer = await self._graph.ask(config, "POST", f"{account}/subscribed_apps", json=body)
        if not answer.ok:
            return _result(answer)
        return _result(await self._graph.ask(config, "GET", f"{account}/subscribed_apps"))

    async def _templates(self, tenant: Tenant) -> Result:
        if not tenant.config.settings.whatsapp.business_account_id:
            return _unset("spec.whatsapp.businessAccountId")
        there = await templates.listed(self._graph, tenant.config)
        if isinstance(there, Failure):
            return False, {"error": _error(there)}
        known = {(template.name, template.language): template for template in there}
        account = tenant.config.settings.whatsapp.business_account_id
        ok, answers = True, []
        for template in TEMPLATES:
            found = known.get((template.name, template.language))
            if found is not None:
                usable = found.status not in templates.UNUSABLE
                ok = ok and usable
                answers.append({"name": found.name, "ok": usable, "status": found.status, "reason": found.reason})
                continue
            answer = await self._graph.ask(
                tenant.config, "POST", f"{account}/message_templates", json=templates.request(template)
            )
            made = answer.ok or answer.subcode == templates.EXISTS
            usable = made and answer.body.get("status") not in templates.UNUSABLE
            ok = ok and usable
            answers.append({"name": template.name, "ok": usable, **_result(answer)[1]})
        return ok, {"templates": answers}


def _unset(*missing: str) -> Result:
    unset = _error(Failure(0, f"Not set: {', '.join(missing)}"))
    return False, {"error": {**unset, "reason": NOT_SET, "missing": list(missing)}}


def _result(answer: Answer) -> Result:
    if answer.failure is None:
        return True, answer.body
    return False, {"error": _error(answer.failure, answer.body)}


def _error(failure: Failure, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return Meta's refusal in its own words, the sentence meant for people included where there is one."""
    said: dict[str, Any] = {
        "code": failure.code,
        "title": failure.title,
        "details": failure.details,
        "http_status": failure.http_status,
    }
    described = (body or {}).get("error")
    if isinstance(described, dict):
        for field in ("error_subcode", "error_user_title", "error_user_msg", "fbtrace_id"):
            if isinstance(described.get(field), (str, int)):
                said[field] = described[field]
    return said
