"""One pass over a clinic: identity, claims, database, cache, configuration, objects, edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from atendeai_operator.api import durations, names
from atendeai_operator.api.clinic import ClinicSpec, ClinicStatus
from atendeai_operator.api.common import Condition, ServiceStatus
from atendeai_operator.api.conditions import Reason, by_type, good
from atendeai_operator.catalogue import CATALOGUE
from atendeai_operator.clinic import build, gather, mint, status, teardown, validate
from atendeai_operator.clinic.facts import ClinicFacts, EdgeState, Meta
from atendeai_operator.clinic.outside import Outside
from atendeai_operator.clinic.route import ANSWERING, Routes
from atendeai_operator.kube.client import Object
from atendeai_operator.kube.kinds import CLINIC, POD, Kind
from atendeai_operator.kube.watch import Key
from atendeai_operator.pipeline.applying import apply_all, settle
from atendeai_operator.pipeline.errors import InvalidSpec, TenancyError, Waiting
from atendeai_operator.pipeline.hub import Hub
from atendeai_operator.pipeline.observe import observed, pod_troubles, ready, serving
from atendeai_operator.pipeline.outcome import Outcome
from atendeai_operator.pipeline.ports import Claim, ClaimResult, ClinicTenancy, Postgres, Redis
from atendeai_operator.pipeline.reconcile import Resource
from atendeai_operator.stack.edge import rests

EDGE_PATIENCE = 10.0
"""Seconds until a clinic looks again whether the edge serves it, unless the stack's pass wakes it before."""

STACK_PATIENCE = 10.0
"""Seconds until a clinic that waits for parts of its stack looks again: the stack wakes its clinics, but before its own
status is written, so that a quick clinic may have read the old one."""

HEIR_DELAY = 0.5
"""Seconds until another clinic looks again for what this one has let go: this one's status, by which the edge serves,
is written first."""

ClinicCr = Resource[ClinicSpec, ClinicStatus]


class ClinicRooms:
    """What `pipeline.reconcile` needs to know of clinics."""

    kind: Kind = CLINIC

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._routes, self._outside = Routes(hub), Outside(hub)

    def parse(self, live: Mapping[str, Any]) -> ClinicCr:
        """Return the clinic."""
        return gather.parse(live)

    def paused(self, spec: ClinicSpec) -> bool:
        """Tell whether the clinic is paused."""
        return spec.paused

    def first_status(self, meta: Meta, now: datetime) -> ClinicStatus:
        """Return the very first status."""
        return status.first(meta, now)

    def paused_status(self, resource: ClinicCr, now: datetime) -> ClinicStatus:
        """Return the status of a paused clinic."""
        return status.paused(resource.meta, resource.status, now)

    def deleting_status(self, resource: ClinicCr, what: str, now: datetime) -> ClinicStatus:
        """Return the status of a clinic whose deletion waits for something."""
        return status.deleting(resource.meta, resource.status, what, now)

    def unreadable_status(
        self, meta: Meta, conditions: list[Condition], error: InvalidSpec, now: datetime
    ) -> ClinicStatus:
        """Return the status of a clinic whose spec cannot be read."""
        return status.unreadable(meta, conditions, error, now)

    async def forgotten(self, key: Key) -> None:
        """What was seen of the clinic is of no use any more."""
        self._routes.forget(key)
        self._outside.forget(key)

    async def tear_down(self, resource: ClinicCr) -> None:
        """Remove what belongs to a deleted clinic."""
        await teardown.tear_down(self._hub, resource)

    async def carry_out(self, resource: ClinicCr) -> tuple[ClinicStatus, Outcome]:
        """Make the clinic hold."""
        hub, meta, spec, before = self._hub, resource.meta, resource.spec, resource.status
        outcome = Outcome()
        clinic_id: str | None = None
        try:
            view = await gather.stack_view(hub.cluster, meta, spec, hub.images)
            postgres = hub.tenancy.postgres(view.postgres)
            minted = await mint.mint(hub.cluster, meta, spec, before, postgres)
            clinic_id = str(minted.clinic_id)
            claims = await self._claims(resource, minted.clinic_id, postgres, outcome)
            if claims.lost:  # it is refused below: two that exchange what they hold would wait for each other for ever
                before = await self._let_go(resource, minted.clinic_id, claims.held, postgres, outcome)
            facts = await gather.gather(
                hub.cluster, resource, stack=view.summary, minted=minted, claims=claims, now=hub.now()
            )
            plan = validate.validate(facts)
        except InvalidSpec as error:
            outcome.invalid = error
            return status.refused(meta, spec, before, error, hub.now(), clinic_id), outcome
        except Waiting as wait:
            outcome.waiting.append(wait)
            return status.waiting(meta, spec, before, wait, hub.now(), clinic_id), outcome
        redis = hub.tenancy.redis(view.redis)
        hosts = sorted(claim.value for claim in claims.held if claim.kind == "host" and claim.value in spec.hosts)
        pool = _pool(view.resource.status.services)
        edge: EdgeState | None = None
        leaving = spec.isolation == "Shared" and bool(before.inventory) and rests(meta, spec, before)
        if spec.suspended or leaving:  # first the pool takes its messages in, then its pods go
            edge = await self._edge(_resting(facts), hosts, frozenset(), outcome)
            plan = replace(plan, asleep=_may_sleep(before, edge))
            leaving = leaving and not _sent_elsewhere(edge)
        released = await self._tenancy(build.tenancy(plan), postgres, redis, outcome, leaving=leaving)
        live = await self._apply(facts, build.build(plan), outcome, leaving=leaving)
        up = _serving(facts, outcome, pool)
        if edge is None or not (spec.suspended or leaving):
            edge = await self._edge(facts, hosts, up, outcome)
        if edge.wanted == edge.served:
            await self._rotate(facts, _rotation(resource, view, hub.now()), outcome)
        after = status.status(
            facts,
            outcome,
            edge=edge,
            outside=await self._outside.look(facts, up, outcome),
            live=live,
            pool=pool,
            hosts=hosts,
            troubles=await self._troubles(facts, outcome),
            up=up >= ANSWERING and not leaving,
            now=hub.now(),
        )
        if _waits_for_stack(spec, after):
            outcome.wait(Waiting("Waiting for the stack.", retry_in=STACK_PATIENCE))
        await self._wake_heirs(resource, released, outcome)
        return after, outcome

    async def _claims(self, resource: ClinicCr, clinic_id: Any, postgres: Postgres, outcome: Outcome) -> ClaimResult:
        """Claim what the spec wants. Without a database, what the clinic is known to hold stays its own."""
        wanted = gather.wanted_claims(resource.spec)
        try:
            return await postgres.claim(clinic_id, wanted)
        except (Waiting, TenancyError) as error:
            known = set(resource.status.hosts)
            if not known or not set(resource.spec.hosts) <= known:
                raise Waiting(f"The database cannot be asked for claims: {error}", retry_in=5) from error
            outcome.waiting.append(Waiting(f"The database cannot be reached: {error}", retry_in=5))
            return ClaimResult(held=frozenset(wanted))

    async def _let_go(
        self, resource: ClinicCr, clinic_id: Any, held: frozenset[Claim], postgres: Postgres, outcome: Outcome
    ) -> ClinicStatus:
        """Release what another clinic wants and the spec does not any more; return the status of a clinic without it.

        What nobody else wants stays: a clinic that was given another's host by mistake is reached at its own meanwhile.
        """
        released = None
        async with outcome.step("claims"):
            surplus = held.difference(gather.wanted_claims(resource.spec))
            wanted = await gather.heirs(self._hub.cluster, resource.meta, resource.spec, surplus)
            sought = frozenset[Claim]().union(*wanted.values())
            released = await postgres.release(clinic_id, keep=tuple(held - sought)) if sought else frozenset()
        if released is None:
            return resource.status
        await self._wake_heirs(resource, released, outcome)
        # Also when nothing was released just now: a pass that did may have ended before its status was written.
        return status.released(resource.status, held - released)

    async def _wake_heirs(self, resource: ClinicCr, released: frozenset[Claim], outcome: Outcome) -> None:
        """Wake the clinics that want what was released: a phone number id changes hands without any event."""
        if not released:
            return
        async with outcome.step("waiting clinics"):
            for name in await gather.heirs(self._hub.cluster, resource.meta, resource.spec, released):
                self._hub.wake(Key("clinic", resource.meta.namespace, name), after=HEIR_DELAY)

    async def _tenancy(
        self, wanted: ClinicTenancy, postgres: Postgres, redis: Redis, outcome: Outcome, *, leaving: bool
    ) -> frozenset[Claim]:
        """Make role, partitions, cache user and configuration hold; each step tells its own errors.

        `leaving`: pods of the clinic's own still answer, and keep their way in. Returns the claims that were released.
        """
        released: frozenset[Claim] = frozenset()
        dedicated = wanted.isolation == "Dedicated" or leaving
        async with outcome.step("database", "DatabaseReady"):
            await postgres.ensure_clinic(wanted.clinic_id, login=dedicated, password=wanted.database_password)
            await postgres.write_config(wanted.config)
            released = await postgres.release(wanted.clinic_id, keep=wanted.claims)
            outcome.concerns["DatabaseReady"] = good(Reason.READY, "Role, partitions and configuration are in place.")
        async with outcome.step("cache", "CacheReady"):
            if dedicated:
                await redis.ensure_user(wanted.clinic_id, wanted.redis_password)
                outcome.concerns["CacheReady"] = good(Reason.READY, "The clinic has its own user.")
            else:
                await redis.remove_user(wanted.clinic_id)
                outcome.concerns["CacheReady"] = good(Reason.SHARED, "The stack's pool keeps its keys under its id.")
        return released

    async def _apply(self, facts: ClinicFacts, objects: Any, outcome: Outcome, *, leaving: bool) -> list[Object]:
        """Make the objects hold, and remove what there is beside them; `leaving`: not yet, it may still be asked."""
        meta = facts.meta
        live = await apply_all(self._hub.cluster, objects, outcome, facts.status.inventory)
        outcome.observed = observed(live)
        waits = leaving or any(wait.code == "Terminating" for wait in outcome.waiting)
        await settle(
            self._hub.cluster,
            known=facts.status.inventory,
            made=live,
            owner={names.LABEL_CLINIC: names.label_value(meta.namespace, meta.name)},
            outcome=outcome,
            complete=not outcome.errors and not waits,
        )
        return live

    async def _edge(self, facts: ClinicFacts, hosts: list[str], up: frozenset[str], outcome: Outcome) -> EdgeState:
        """Return how the edge stands towards the clinic, and see to it that this is looked at again until it serves."""
        if up >= ANSWERING:  # one that woke, or has moved, is its own services' again
            awake = [known for known in facts.status.conditions if known.type != "Suspended"]
            changed = {"conditions": awake, "namespace": None}
            facts = replace(facts, status=facts.status.model_copy(update=changed))
        edge = await gather.edge_state(self._hub.cluster, facts, hosts, ANSWERING)
        if edge.wanted != edge.served:
            outcome.wait(Waiting("Waiting for the edge.", retry_in=EDGE_PATIENCE))
            self._hub.wake(Key("stack", facts.meta.namespace, facts.stack.name), after=0.1)
            return edge
        if not edge.wanted or not edge.gateway_ready:
            return edge
        proven, trouble = await self._routes.look(facts, hosts, edge, up, outcome)
        return replace(edge, proven=proven, trouble=trouble)

    async def _rotate(self, facts: ClinicFacts, rotation: mint.Rotation, outcome: Outcome) -> None:
        """Take the next step with the signing keys, if the database holds those of this pass as the edge does."""
        ring, database = facts.minted.ring, outcome.concerns.get("DatabaseReady")
        if ring is None or database is None or database.status != "True":
            return
        async with outcome.step("signing keys"):
            after = await mint.rotate(self._hub.cluster, facts.meta, ring, rotation)
            due = after.due()
            if after != ring:
                outcome.looks.append(1.0)
            elif due is not None:
                outcome.looks.append(max(1.0, (due - rotation.now).total_seconds()))

    async def _troubles(self, facts: ClinicFacts, outcome: Outcome) -> list[str]:
        """Return why pods of the clinic do not get ready."""
        if facts.spec.isolation != "Dedicated" or all(ready(seen) for seen in outcome.observed.workloads):
            return []
        return pod_troubles(await self._hub.cluster.list(POD, facts.own_namespace))


def _rotation(resource: ClinicCr, view: gather.StackView, now: datetime) -> mint.Rotation:
    """Return what decides over the clinic's signing keys."""
    marks = resource.live["metadata"].get("annotations") or {}
    life = durations.seconds(view.resource.spec.security.jwt.access_token_ttl)
    return mint.Rotation(str(marks.get(names.ANNOTATION_ROTATE, "")), now, timedelta(seconds=life))


def _serving(facts: ClinicFacts, outcome: Outcome, pool: list[ServiceStatus]) -> frozenset[str]:
    """Return the services of which a pod is ready that serves the clinic; none while it is suspended."""
    if facts.spec.suspended:
        return frozenset()
    if facts.spec.isolation == "Shared":
        if any(entry.ready < 1 for entry in pool):
            outcome.looks.append(EDGE_PATIENCE)  # the stack's pass wakes this clinic; its status may come later
        return frozenset(entry.name for entry in pool if entry.ready > 0)
    return frozenset(seen.name for seen in outcome.observed.workloads if seen.kind == "Deployment" and serving(seen))


def _resting(facts: ClinicFacts) -> ClinicFacts:
    """Return the clinic as the edge serves it while it is suspended, or moves: that alone can be told apart there."""
    return replace(facts, spec=facts.spec.model_copy(update={"suspended": True}))


def _may_sleep(before: ClinicStatus, edge: EdgeState) -> bool:
    """Tell whether a suspended clinic's pods may go: nothing is sent to them any more, or they are gone already."""
    return _sent_elsewhere(edge) or all(entry.desired == 0 for entry in before.services)


def _sent_elsewhere(edge: EdgeState) -> bool:
    """Tell whether nothing is sent to the pods any more that this edge sends nothing to: each of its pods was seen."""
    return edge.proven or not edge.wanted or not edge.gateway_ready


def _pool(services: list[ServiceStatus]) -> list[ServiceStatus]:
    """Return the services of the pool, by the catalogue; one that is not reported counts as not ready."""
    known = {entry.name: entry for entry in services}
    return [known.get(service.name, ServiceStatus(name=service.name, ready=0, desired=1)) for service in CATALOGUE]


def _waits_for_stack(spec: ClinicSpec, after: ClinicStatus) -> bool:
    """Tell whether a clinic is not served for want of what its stack runs: no event of its own will say when it is."""
    conditions = by_type(after.conditions)
    concerns = ("RouteReady", "ServicesReady") if spec.isolation == "Shared" else ("RouteReady",)
    return any(concern in conditions and conditions[concern].status != "True" for concern in concerns)
