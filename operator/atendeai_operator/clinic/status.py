"""A pass over a clinic turned into its status. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from atendeai_operator.api.clinic import ClinicSpec, ClinicStatus
from atendeai_operator.api.common import Condition, ServiceStatus
from atendeai_operator.api.conditions import Concern, Reason, bad, by_type, good, merge, unknown
from atendeai_operator.clinic.facts import ClinicFacts, EdgeState, Meta
from atendeai_operator.pipeline.errors import InvalidSpec, Waiting
from atendeai_operator.pipeline.observe import lacking, service_statuses
from atendeai_operator.pipeline.outcome import Outcome
from atendeai_operator.pipeline.ports import Claim, Report, Verdict
from atendeai_operator.stack.edge import rests
from atendeai_operator.stack.status import heads, invalid_heads, with_deleting, with_paused

CONCERNS = ("DatabaseReady", "CacheReady", "ServicesReady", "RouteReady", "ChannelReady", "CalendarReady")
"""In the order in which they are told."""
_SPOKEN_OF = {"spec.whatsapp": "ChannelReady", "spec.calendar": "CalendarReady", "spec.hosts": "RouteReady"}
"""Concerns that also tell a refusal of the spec, by the beginning of the field that is refused."""
_OUTSIDE = frozenset({"ChannelReady", "CalendarReady"})
"""What depends on Meta and Google. A clinic whose token they refuse is told so here and still served: Ready speaks of
what this cluster does."""


def _suspended(meta: Meta, spec: ClinicSpec, before: ClinicStatus, *, up: bool = False) -> Concern:
    if spec.suspended:
        pods = "; its pods go as soon as the pool takes them in" if spec.isolation == "Dedicated" else ""
        return good(Reason.SUSPENDED, f"Messages are acknowledged and kept{pods}.")
    if not up and rests(meta, spec, before):
        return good(Reason.WAKING, "The pool takes its messages in until its services run.")
    return bad(Reason.ACTIVE, "")


def first(meta: Meta, now: datetime) -> ClinicStatus:
    """Return the very first status."""
    wanted = heads(unknown(Reason.PENDING, "The operator has just seen this clinic."), reconciling=True, stalled=None)
    wanted["Suspended"] = bad(Reason.ACTIVE, "")
    wanted.update({concern: unknown() for concern in CONCERNS})
    return ClinicStatus(
        observed_generation=meta.generation, conditions=merge([], wanted, generation=meta.generation, now=now)
    )


def paused(meta: Meta, status: ClinicStatus, now: datetime) -> ClinicStatus:
    """Return the status of a paused clinic: what is known stays, and the pause is said."""
    return status.model_copy(update={"conditions": with_paused(status.conditions, meta, now)})


def deleting(meta: Meta, status: ClinicStatus, what: str, now: datetime) -> ClinicStatus:
    """Return the status of a clinic whose deletion waits for something."""
    return status.model_copy(update={"conditions": with_deleting(status.conditions, meta, what, now)})


def unreadable(meta: Meta, conditions: list[Condition], error: InvalidSpec, now: datetime) -> ClinicStatus:
    """Return the status of a clinic whose spec does not fit the models."""
    return ClinicStatus(
        observed_generation=meta.generation,
        conditions=merge(conditions, invalid_heads(error), generation=meta.generation, now=now),
    )


def refused(
    meta: Meta, spec: ClinicSpec, before: ClinicStatus, error: InvalidSpec, now: datetime, clinic_id: str | None = None
) -> ClinicStatus:
    """Return the status of a clinic that waits for its user: what it holds and runs stays as it was."""
    wanted = {**invalid_heads(error), "Suspended": _suspended(meta, spec, before)}
    for prefix, concern in _SPOKEN_OF.items():
        if error.field.startswith(prefix):
            wanted[concern] = bad(error.code, str(error))
    return _kept(meta, before, wanted, now).model_copy(update={"clinic_id": clinic_id or before.clinic_id})


def released(before: ClinicStatus, held: Iterable[Claim]) -> ClinicStatus:
    """Return the status of a clinic that holds these claims alone.

    No host is added: the edge serves one once the clinic is configured with it.
    """
    known = {claim.value for claim in held if claim.kind == "host"}
    hosts = [host for host in before.hosts if host in known]
    gone = before.url in {f"https://{host}" for host in set(before.hosts) - set(hosts)}
    return before.model_copy(update={"hosts": hosts, "url": None if gone else before.url})


def waiting(
    meta: Meta, spec: ClinicSpec, before: ClinicStatus, wait: Waiting, now: datetime, clinic_id: str | None = None
) -> ClinicStatus:
    """Return the status of a clinic that waits for its stack."""
    head = heads(bad(wait.code, wait.what), reconciling=True, stalled=None)
    wanted = {**head, "Suspended": _suspended(meta, spec, before)}
    return _kept(meta, before, wanted, now).model_copy(update={"clinic_id": clinic_id or before.clinic_id})


def _outdated(before: ClinicStatus) -> dict[str, Concern]:
    """Return what becomes of concerns that tell an earlier refusal, of a field that may have been mended since."""
    known = by_type(before.conditions)
    told = {
        concern
        for prefix, concern in _SPOKEN_OF.items()
        if concern in known and known[concern].status == "False" and known[concern].message.startswith(prefix)
    }
    return dict.fromkeys(told, unknown(Reason.PENDING, "Not looked at again yet: what Ready says comes first."))


def _kept(meta: Meta, before: ClinicStatus, wanted: dict[str, Concern], now: datetime) -> ClinicStatus:
    wanted = {**_outdated(before), **wanted}
    kept = [condition for condition in before.conditions if condition.type not in wanted]
    told = merge(before.conditions, wanted, generation=meta.generation, now=now)
    order = {kind: at for at, kind in enumerate(("Ready", "Reconciling", "Stalled", "Paused", "Suspended", *CONCERNS))}
    conditions = sorted([*told, *kept], key=lambda condition: order.get(condition.type, len(order)))
    return before.model_copy(update={"observed_generation": meta.generation, "conditions": conditions})


def _services(facts: ClinicFacts, outcome: Outcome, pool: Iterable[ServiceStatus], troubles: list[str]) -> Concern:
    if facts.spec.suspended:
        return good(Reason.SUSPENDED, "The clinic is suspended; the stack's pool takes its messages in.")
    if facts.spec.isolation == "Shared":
        missing = [f"{entry.name} {entry.ready}/{entry.desired}" for entry in pool if entry.ready < 1]
        if missing:
            return bad(Reason.PROGRESSING, f"The stack's pool is not ready: {', '.join(missing)}.")
        return good(Reason.SHARED, "The stack's pool serves this clinic.")
    found = [seen for seen in outcome.observed.workloads if seen.kind == "Deployment"]
    missing = [told for seen in found if (told := lacking(seen.name, seen))]
    if missing or not found:
        detail = f" ({'; '.join(troubles)})" if troubles else ""
        reason = Reason.FAILED if troubles else Reason.PROGRESSING
        return bad(reason, f"Waiting for {', '.join(missing) or 'the services'}.{detail}")
    return good(Reason.READY, f"{len(found)} services run.")


def _route(edge: EdgeState) -> Concern:
    if not edge.wanted or edge.wanted != edge.served:
        return bad(Reason.PROGRESSING, "The edge has not been given this clinic's routes yet.")
    if not edge.gateway_ready:
        return bad(Reason.PROGRESSING, "No pod of the gateway is ready.")
    if not edge.load_balancer_ready:
        return bad(Reason.PROGRESSING, "No pod of the load balancer is ready.")
    if not edge.proven:
        return bad(Reason.PROGRESSING, edge.trouble or "The gateway does not serve this clinic's hosts yet.")
    return good(Reason.READY, "The edge serves this clinic's hosts.")


def _outside(report: Report | None, working: str, remedy: str) -> Concern:
    """Return what a report of the world outside comes to; `remedy` is for refused credentials."""
    if report is None:
        return unknown(Reason.PENDING, "Not asked yet: the clinic's services must run first.")
    if report.verdict is Verdict.WORKING:
        return good(report.short or Reason.WORKING, f"{working} {report.text}".rstrip())
    if report.verdict is Verdict.REFUSED:
        return bad(Reason.REFUSED, f"{report.text} {remedy}" if report.credentials else report.text)
    return unknown(Reason.UNREACHABLE, report.text)


def _channel(facts: ClinicFacts, report: Report | None) -> Concern:
    whatsapp = facts.spec.whatsapp
    if facts.spec.suspended:
        return unknown(Reason.SUSPENDED, "Not asked while the clinic is suspended.")
    secret = f"Secret {whatsapp.credentials_secret_ref.name} in namespace {facts.meta.namespace}"
    remedy = f"Put a valid access-token into {secret}."
    if report is not None and report.number:
        remedy = (
            f"Correct spec.whatsapp.phoneNumberId, which is {whatsapp.phone_number_id}; if it is right, put an"
            f" access-token that may use it into {secret}."
        )
    told = _outside(report, f"Phone number id {whatsapp.phone_number_id} is this clinic's.", remedy)
    if told.reason == Reason.TEMPLATES_MISSING:
        return replace(told, message=f"{told.message} {_templates_remedy(facts.spec.hosts[0])}")
    return told


def _templates_remedy(host: str) -> str:
    return (
        f'Have them created with POST https://{host}/api/v1/whatsapp/onboarding {{"steps": ["templates"]}} and the'
        " access token of an owner or admin of the clinic."
    )


def _calendar(facts: ClinicFacts, report: Report | None) -> Concern:
    wanted = facts.spec.calendar
    if wanted.provider == "None":
        return good(Reason.NOT_USED, "Appointments are kept in the database alone.")
    if facts.spec.suspended:
        return unknown(Reason.SUSPENDED, "Not asked while the clinic is suspended.")
    secret = wanted.credentials_secret_ref.name if wanted.credentials_secret_ref else ""
    return _outside(
        report, "Credentials are in place.", f"That is Secret {secret} in namespace {facts.meta.namespace}."
    )


def status(
    facts: ClinicFacts,
    outcome: Outcome,
    *,
    edge: EdgeState,
    outside: Mapping[str, Report],
    live: Iterable[Mapping[str, Any]],
    pool: Iterable[ServiceStatus],
    hosts: list[str],
    troubles: list[str],
    up: bool,
    now: datetime,
) -> ClinicStatus:
    """Return the status after a pass.

    `up`: the services run that answer behind the gateway. `outside` is what the clinic's services say of the world
    outside, by service; `hosts` are those it holds now, `pool` the services of the stack's pool, `troubles` what keeps
    pods from starting.
    """
    meta, spec, before = facts.meta, facts.spec, facts.status
    concerns = {
        "DatabaseReady": unknown(),
        "CacheReady": unknown(),
        "ServicesReady": _services(facts, outcome, pool, troubles),
        "RouteReady": _route(edge),
        "ChannelReady": _channel(facts, outside.get("whatsapp")),
        "CalendarReady": _calendar(facts, outside.get("calendar")),
    }
    concerns.update(outcome.concerns)
    problems = [
        concern.message for kind, concern in concerns.items() if concern.status != "True" and kind not in _OUTSIDE
    ]
    if outcome.complete and not problems:
        reason = Reason.SUSPENDED if spec.suspended else Reason.READY
        text = "Suspended: inbound messages are kept." if spec.suspended else "The clinic is being served."
        head = heads(good(reason, text), reconciling=False, stalled=None)
    else:
        reason = Reason.FAILED if outcome.errors or troubles else Reason.PROGRESSING
        head = heads(bad(reason, outcome.summary(problems)), reconciling=True, stalled=None)
    wanted = {**head, "Suspended": _suspended(meta, spec, before, up=up), **concerns}
    return ClinicStatus(
        observed_generation=meta.generation,
        conditions=merge(before.conditions, wanted, generation=meta.generation, now=now),
        clinic_id=str(facts.minted.clinic_id),
        namespace=facts.own_namespace if spec.isolation == "Dedicated" else meta.namespace,
        url=f"https://{spec.hosts[0]}",
        version=facts.stack.version,
        hosts=hosts,
        services=service_statuses(live),
        inventory=before.inventory if outcome.inventory is None else outcome.inventory,
    )
