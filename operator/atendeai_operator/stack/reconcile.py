"""One pass over a stack: secrets, database, cache, migrations, pool and edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from atendeai_operator.api import names
from atendeai_operator.api.common import Condition
from atendeai_operator.api.conditions import Reason, by_type, good
from atendeai_operator.api.stack import StackSpec, StackStatus
from atendeai_operator.kube.client import Object
from atendeai_operator.kube.kinds import CONFIG_MAP, POD, SERVICE, STACK, Kind
from atendeai_operator.kube.nudge import nudge
from atendeai_operator.kube.watch import Key
from atendeai_operator.pipeline.applying import apply_all, settle
from atendeai_operator.pipeline.errors import InvalidSpec, Waiting
from atendeai_operator.pipeline.hub import Hub
from atendeai_operator.pipeline.observe import observed, pod_troubles, ready
from atendeai_operator.pipeline.outcome import Outcome
from atendeai_operator.pipeline.reconcile import Resource
from atendeai_operator.stack import build, gather, mint, status, teardown, validate
from atendeai_operator.stack.edge import edge_map
from atendeai_operator.stack.facts import Meta, StackFacts
from atendeai_operator.stack.plan import StackPlan

_GATES = ("PostgresReady", "RedisReady", "MigrationsApplied", "GatewayReady", "LoadBalancerReady")
"""Conditions whose change concerns every clinic of the stack."""


class StackRooms:
    """What `pipeline.reconcile` needs to know of stacks."""

    kind: Kind = STACK

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def parse(self, live: Mapping[str, Any]) -> Resource[StackSpec, StackStatus]:
        """Return the stack."""
        return gather.parse(live)

    def paused(self, spec: StackSpec) -> bool:
        """Tell whether the stack is paused."""
        return spec.paused

    def first_status(self, meta: Meta, now: datetime) -> StackStatus:
        """Return the very first status."""
        return status.first(meta, now)

    def paused_status(self, resource: Resource[StackSpec, StackStatus], now: datetime) -> StackStatus:
        """Return the status of a paused stack."""
        return status.paused(resource.meta, resource.status, now)

    def unreadable_status(
        self, meta: Meta, conditions: list[Condition], error: InvalidSpec, now: datetime
    ) -> StackStatus:
        """Return the status of a stack whose spec cannot be read."""
        return status.unreadable(meta, conditions, error, now)

    def deleting_status(self, resource: Resource[StackSpec, StackStatus], what: str, now: datetime) -> StackStatus:
        """Return the status of a stack whose deletion waits for something."""
        return status.deleting(resource.meta, resource.status, what, now)

    async def forgotten(self, key: Key) -> None:
        """Nothing is kept about a stack."""

    async def tear_down(self, resource: Resource[StackSpec, StackStatus]) -> None:
        """Remove what belongs to a deleted stack."""
        await teardown.tear_down(self._hub, resource)

    async def carry_out(self, resource: Resource[StackSpec, StackStatus]) -> tuple[StackStatus, Outcome]:
        """Make the stack hold."""
        hub, meta, outcome = self._hub, resource.meta, Outcome()
        try:
            minted = await mint.mint(hub.cluster, meta, hub.now())
        except InvalidSpec as error:
            outcome.invalid = error
            return status.unreadable(meta, resource.status.conditions, error, hub.now()), outcome
        facts = await gather.gather(hub.cluster, resource, minted=minted, images=hub.images, now=hub.now())
        facts = await self._upgraded(facts, outcome)
        live: list[Object] = []
        try:
            plan = validate.validate(facts)
        except InvalidSpec as error:
            outcome.invalid = error
        else:
            live = await self._apply(facts, plan, outcome)
        troubles = await self._troubles(facts, outcome)
        after = status.status(facts, outcome, live, troubles, hub.now())
        self._wake_clinics(facts, resource.status, after)
        return after, outcome

    async def _upgraded(self, facts: StackFacts, outcome: Outcome) -> StackFacts:
        """Give the clinics that exist their partitions of new tables, before any service of the new version runs."""
        if facts.migrated == facts.status.version:
            return facts
        postgres = self._hub.tenancy.postgres(gather.postgres_access(facts.meta, facts.minted))
        async with outcome.step("partitions", "PostgresReady"):
            for clinic_id in facts.clinic_ids:
                await postgres.ensure_partitions(clinic_id)
            return facts
        return replace(facts, migrated=facts.status.version)

    async def _apply(self, facts: StackFacts, plan: StackPlan, outcome: Outcome) -> list[Object]:
        """Apply everything but the migration, make database and cache hold, then let the migration run."""
        hub, meta, objects = self._hub, facts.meta, build.build(plan)
        before = await hub.cluster.get(CONFIG_MAP, meta.namespace, names.edge_map(meta.name))
        jobs = [obj for obj in objects if obj["kind"] == "Job"]
        known = facts.status.inventory
        live = await apply_all(hub.cluster, [obj for obj in objects if obj["kind"] != "Job"], outcome, known)
        outcome.observed = observed(live)
        if not outcome.errors and not outcome.waiting:
            await self._nudge(plan, outcome)
            if not outcome.errors:  # what did not reach the pods is not told of
                live += await self._tell_clinics(facts, before, outcome)
        bootstrapped = await self._database(facts, outcome)
        await self._cache(facts, outcome)
        if bootstrapped:
            live += await apply_all(hub.cluster, jobs, outcome, known)
            outcome.observed = observed(live)
        await settle(
            hub.cluster,
            known=facts.status.inventory,
            made=live,
            owner={names.LABEL_STACK: names.label_value(meta.namespace, meta.name)},
            outcome=outcome,
            complete=outcome.complete,
        )
        return live

    async def _database(self, facts: StackFacts, outcome: Outcome) -> bool:
        """Bootstrap the database once it is up; return whether that holds."""
        meta = facts.meta
        async with outcome.step("database", "PostgresReady"):
            found = outcome.observed.find("StatefulSet", names.child(meta.name, "postgres"), meta.namespace)
            if not ready(found):
                raise Waiting("The database is starting.", retry_in=3, code=Reason.PROGRESSING)
            await self._hub.tenancy.postgres(gather.postgres_access(meta, facts.minted)).bootstrap()
            outcome.concerns["PostgresReady"] = good()
            return True
        return False

    async def _cache(self, facts: StackFacts, outcome: Outcome) -> None:
        """Make the cache's users hold once it is up."""
        meta = facts.meta
        async with outcome.step("cache", "RedisReady"):
            found = outcome.observed.find("StatefulSet", names.child(meta.name, "redis"), meta.namespace)
            if not ready(found):
                raise Waiting("The cache is starting.", retry_in=3, code=Reason.PROGRESSING)
            await self._hub.tenancy.redis(gather.redis_access(meta, facts.minted)).ensure_base()
            outcome.concerns["RedisReady"] = good()

    async def _nudge(self, plan: StackPlan, outcome: Outcome) -> None:
        """Bring a changed configuration to the pods of the edge at once."""
        async with outcome.step("edge", "GatewayReady"):
            for wanted in build.nudges(plan):
                await nudge(
                    self._hub.cluster,
                    namespace=wanted.namespace,
                    labels=wanted.labels,
                    annotation=wanted.annotation,
                    value=wanted.value,
                )

    async def _tell_clinics(self, facts: StackFacts, before: Object | None, outcome: Outcome) -> list[Object]:
        """Write down what the edge was given, and wake the clinics for which that is news."""
        made = await apply_all(
            self._hub.cluster, [edge_map(facts.meta, facts.clinics)], outcome, facts.status.inventory
        )
        old = (before or {}).get("data") or {}
        new = (made[0].get("data") or {}) if made else old
        for clinic in facts.clinics:
            if old.get(str(clinic.clinic_id)) != new.get(str(clinic.clinic_id)):
                self._hub.wake(Key("clinic", facts.meta.namespace, clinic.name))
        return made

    async def _troubles(self, facts: StackFacts, outcome: Outcome) -> list[str]:
        """Return why pods of the stack do not get ready."""
        if all(ready(seen) for seen in outcome.observed.workloads):
            return []
        labels = {names.LABEL_STACK: names.label_value(facts.meta.namespace, facts.meta.name)}
        return pod_troubles(await self._hub.cluster.list(POD, facts.meta.namespace, labels))

    def _wake_clinics(self, facts: StackFacts, before: StackStatus, after: StackStatus) -> None:
        """Wake all clinics when something that concerns each of them has changed."""
        old, new = by_type(before.conditions), by_type(after.conditions)
        changed = (
            before.version != after.version
            or any((old.get(gate) and old[gate].status) != (new.get(gate) and new[gate].status) for gate in _GATES)
            or _serving(before) != _serving(after)
            or _services(before) != _services(after)
        )
        if changed:
            for name in facts.clinic_names:
                self._hub.wake(Key("clinic", facts.meta.namespace, name), after=0.2)


def _serving(status: StackStatus) -> set[str]:
    """Return the parts of a stack of which a pod is ready: on the pool's, the Shared clinics depend."""
    return {entry.name for entry in status.services if entry.ready > 0}


def _services(status: StackStatus) -> set[str]:
    """Return the uids of the stack's Services: one that was made again has another address, and clinics look anew."""
    return {entry.uid for entry in status.inventory if entry.kind == SERVICE.kind}
