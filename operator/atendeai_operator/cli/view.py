"""What the command shows, made from live objects. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from atendeai_operator.api.conditions import Reason
from atendeai_operator.clinic.config import CalendarKeys
from atendeai_operator.clinic.validate import WHATSAPP_KEYS

HEADS = ("Ready", "Reconciling", "Stalled", "Paused", "Suspended")
"""Conditions that speak of the whole resource."""


@dataclass(frozen=True)
class Concern:
    """One line of an explanation."""

    name: str
    good: bool
    reason: str
    message: str

    @property
    def mark(self) -> str:
        """One sign: it holds, somebody should look at it though it holds, or it does not hold."""
        if not self.good:
            return "…"
        return "!" if self.reason in _WARNINGS else "✓"


_WARNINGS = frozenset({Reason.TEMPLATES_MISSING})
"""Reasons of conditions that are True and yet tell of something that is missing."""


def conditions(live: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return a resource's conditions by type."""
    return {entry["type"]: entry for entry in (live.get("status") or {}).get("conditions") or []}


def is_ready(live: Mapping[str, Any]) -> bool:
    """Tell whether a resource is ready for its current spec."""
    ready = conditions(live).get("Ready") or {}
    return ready.get("status") == "True" and ready.get("observedGeneration") == live["metadata"].get("generation")


def verdict(live: Mapping[str, Any]) -> str:
    """Return the state of a resource in one word."""
    found = conditions(live)
    if live["metadata"].get("deletionTimestamp"):
        return "deleting"
    for kind, word in (("Paused", "paused"), ("Stalled", "stalled"), ("Suspended", "suspended")):
        if (found.get(kind) or {}).get("status") == "True":
            return word
    return "ready" if is_ready(live) else "working"


def head(live: Mapping[str, Any]) -> list[str]:
    """Return what is said of a resource as a whole: that it is paused, if it is, and how it stood then."""
    found = conditions(live)
    kinds = ("Paused", "Ready") if (found.get("Paused") or {}).get("status") == "True" else ("Ready",)
    said = [str((found.get(kind) or {}).get("message") or "") for kind in kinds]
    return list(dict.fromkeys(filter(None, said))) or ["The operator has not seen this clinic yet."]


def concerns(live: Mapping[str, Any]) -> list[Concern]:
    """Return what each concern of a resource says, in the order of its status."""
    return [
        Concern(kind, entry["status"] == "True", entry["reason"], entry.get("message", ""))
        for kind, entry in conditions(live).items()
        if kind not in HEADS
    ]


def clinic_row(live: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a clinic's line: name, state, isolation, pods, version, address."""
    spec, status = live.get("spec") or {}, live.get("status") or {}
    services = status.get("services") or []
    pods = (
        f"{sum(s.get('ready', 0) for s in services)}/{sum(s.get('desired', 0) for s in services)}" if services else "-"
    )
    return (
        live["metadata"]["name"],
        verdict(live),
        spec.get("isolation", ""),
        pods,
        status.get("version", "-"),
        status.get("url", "-"),
    )


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as aligned lines, never cut: they are read by programs too."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def advice(live: Mapping[str, Any]) -> list[str]:
    """Return what to do next about a clinic, the most useful first."""
    name, namespace = live["metadata"]["name"], live["metadata"]["namespace"]
    found, status = conditions(live), live.get("status") or {}
    stack = ((live.get("spec") or {}).get("stackRef") or {}).get("name", "")
    steps = []
    stalled = found.get("Stalled") or {}
    no_stack = (stalled.get("status"), stalled.get("reason")) == ("True", "StackNotFound")
    if no_stack:
        steps.append(f"kubectl -n {namespace} get stack")
        steps.append(
            f"create the stack {stack}, and the clinic goes on by itself; if another one was meant, delete this Clinic "
            "and create it again with that spec.stackRef, which cannot be changed"
        )
    elif stalled.get("status") == "True":
        steps += _remedy(live, stalled)
        steps.append(f"mend what Stalled names, then: kubectl -n {namespace} wait --for=condition=Ready clinic/{name}")
    if (found.get("Paused") or {}).get("status") == "True":
        steps.append(f"""kubectl -n {namespace} patch clinic {name} --type=merge -p '{{"spec":{{"paused":false}}}}'""")
    own = status.get("namespace")
    steps += [
        f"kubectl -n {own} describe pods -l app.kubernetes.io/component={service['name']}"
        for service in status.get("services") or []
        if service.get("ready", 0) < service.get("desired", 0)
    ]
    if (found.get("RouteReady") or {}).get("status") != "True" and stalled.get("status") != "True":
        steps.append(f"kubectl -n {namespace} describe stack {stack}")
    channel = found.get("ChannelReady") or {}
    if (channel.get("status"), channel.get("reason")) == ("True", Reason.TEMPLATES_MISSING) and status.get("url"):
        steps.append(
            f"""curl -X POST {status["url"]}/api/v1/whatsapp/onboarding -H "Authorization: Bearer $TOKEN" """
            """-H 'Content-Type: application/json' -d '{"steps": ["templates"]}'"""
            "    # TOKEN: an access token of an owner or admin"
        )
    return steps


def _remedy(live: Mapping[str, Any], stalled: Mapping[str, Any]) -> list[str]:
    """Return the commands that help a clinic which waits for its user, by the reason that is given."""
    name, namespace, spec = live["metadata"]["name"], live["metadata"]["namespace"], live.get("spec") or {}
    reason, message = stalled.get("reason"), str(stalled.get("message") or "")
    if reason == "SecretMissing":
        return [command for reference in _SECRETS if (command := _create_secret(namespace, spec, reference, message))]
    if reason == "ClaimLost":
        return [f"kubectl -n {namespace} get clinics -o custom-columns={_CLAIMS}    # whose it is"]
    if reason == "NoSharedPool":
        stack = (spec.get("stackRef") or {}).get("name", "")
        return [f"""kubectl -n {namespace} patch stack {stack} --type=merge -p '{_POOL}'"""]
    if reason == "RetainedData" and "set spec.clinicId to" in message:
        return [
            f"""kubectl -n {namespace} patch clinic {name} --type=merge -p '{_ID}'    # the id that Stalled names"""
        ]
    return []


_CLAIMS = "NAME:.metadata.name,HOSTS:.spec.hosts,HELD:.status.hosts,PHONE:.spec.whatsapp.phoneNumberId"
_POOL = '{"spec":{"sharedPool":{"enabled":true}}}'
_ID = '{"spec":{"clinicId":"…"}}'
_SECRETS: dict[str, str] = {
    "spec.whatsapp.credentialsSecretRef": " ".join(f"--from-literal={key}=…" for key in WHATSAPP_KEYS),
    "spec.calendar.credentialsSecretRef": f"--from-file={CalendarKeys.SERVICE_ACCOUNT}=…",
    "spec.ai.apiKeySecretRef": "--from-literal=api-key=…",
    "spec.tls.secretRef": "--cert=… --key=…",
}
"""References of a Clinic to Secrets, with what `kubectl create secret` is given for each."""


def _create_secret(namespace: str, spec: Mapping[str, Any], reference: str, message: str) -> str | None:
    """Return the command that makes the Secret of a reference, if it is the one that the message names."""
    if not message.startswith(f"{reference}.name:"):
        return None
    found: Any = spec
    for part in reference.split(".")[1:]:
        found = (found or {}).get(part)
    kind = "tls" if reference == "spec.tls.secretRef" else "generic"
    return f"kubectl -n {namespace} create secret {kind} {(found or {}).get('name', '')} {_SECRETS[reference]}"


def nowhere(
    clinic: str, namespace: str, elsewhere: Iterable[Mapping[str, Any]], stacks: Iterable[Mapping[str, Any]] = ()
) -> str:
    """Return the sentence for a clinic that is not in a namespace.

    `elsewhere`: clinics of all namespaces; `stacks`: what it may have been taken for.
    """
    places = sorted(live["metadata"]["namespace"] for live in elsewhere if live["metadata"]["name"] == clinic)
    hint = f" There is one in {', '.join(places)}: add -n {places[0]}." if places else ""
    grounds = sorted(live["metadata"]["namespace"] for live in stacks if live["metadata"]["name"] == clinic)
    if grounds:
        hint += f" {clinic} is a stack: kubectl atendeai status -n {namespace if namespace in grounds else grounds[0]}"
    return f"There is no Clinic {clinic} in namespace {namespace}.{hint}"


def recent_events(events: Iterable[Mapping[str, Any]], uid: str, limit: int = 5) -> list[tuple[str, str, str]]:
    """Return the latest events about an object: time, reason, message."""
    mine = [event for event in events if (event.get("involvedObject") or {}).get("uid") == uid]
    mine.sort(key=lambda event: str(event.get("lastTimestamp") or event["metadata"].get("creationTimestamp")))
    return [
        (str(event.get("lastTimestamp") or ""), event.get("reason", ""), event.get("message", ""))
        for event in mine[-limit:]
    ]
