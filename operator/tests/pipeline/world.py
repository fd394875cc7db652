"""A small world around the reconcile: the real API server, and stand-ins for what is not there.

`Kubelet` plays the controllers and kubelets: workloads get ready, Jobs complete, namespaces that end are emptied.
`FakeTenancy` keeps what the operator asks of database and cache (`FakeProbing`, in its own file, answers for gateway
and services). `Meter` counts the calls that reach the server and fails those it is told to.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from atendeai_operator.api.names import FIELD_MANAGER, LABEL_STACK
from atendeai_operator.clinic.reconcile import ClinicRooms
from atendeai_operator.kube.client import Cluster, Transport
from atendeai_operator.kube.events import Recorder
from atendeai_operator.kube.kinds import CHILDREN, CLINIC, DEPLOYMENT, EVENT, JOB, NAMESPACE, STACK, STATEFUL_SET, Kind
from atendeai_operator.kube.watch import Key
from atendeai_operator.pipeline.errors import KubeError, TenancyError, Waiting
from atendeai_operator.pipeline.hub import Hub
from atendeai_operator.pipeline.ports import (
    Claim,
    ClaimResult,
    ConfigRow,
    PostgresAccess,
    RedisAccess,
    RetainedClinic,
)
from atendeai_operator.pipeline.reconcile import Reconciler
from atendeai_operator.stack.facts import InfraImages
from atendeai_operator.stack.reconcile import StackRooms
from tests.pipeline.answering import FakeProbing

ROUNDS = 40
"""Passes over everything after which a test gives up waiting for quiet."""
IMAGES = InfraImages(
    postgres="registry.test/postgres:15",
    postgres_exporter="registry.test/postgres-exporter:1",
    redis="registry.test/redis:7",
    redis_exporter="registry.test/redis-exporter:1",
    kong="registry.test/kong:3.9",
    envoy="registry.test/envoy:1.40",
    haproxy="registry.test/haproxy:2.8",
    operator="registry.test/operator:2",
)


class Crash(BaseException):
    """The operator dies here."""


@dataclass
class Meter:
    """A transport that counts writes and can fail."""

    inner: Transport
    writes: list[tuple[str, str]] = field(default_factory=list)
    reads: int = 0
    before_write: Callable[[int, str, str], None] | None = None
    """Called with the number of the write, its method and path; may raise."""
    after_write: Callable[[int, str, str], None] | None = None

    async def request(
        self, method: str, path: str, *, query: Mapping[str, str], body: Any, content_type: str
    ) -> tuple[int, bytes]:
        if method == "GET":
            self.reads += 1
            return await self.inner.request(method, path, query=query, body=body, content_type=content_type)
        if not path.endswith("/events"):
            self.writes.append((method, path))
        number = len(self.writes)
        if self.before_write:
            self.before_write(number, method, path)
        answer = await self.inner.request(method, path, query=query, body=body, content_type=content_type)
        if self.after_write:
            self.after_write(number, method, path)
        return answer

    async def close(self) -> None:
        await self.inner.close()


@dataclass
class Kept:
    """What the fake database and cache of one stack hold."""

    up: bool = True
    bootstrapped: int = 0
    claims: dict[Claim, UUID] = field(default_factory=dict)
    partitions: set[UUID] = field(default_factory=set)
    extended: set[UUID] = field(default_factory=set)
    """Clinics that were given partitions of new tables."""
    logins: dict[UUID, str] = field(default_factory=dict)
    configs: dict[UUID, ConfigRow] = field(default_factory=dict)
    users: dict[UUID, str] = field(default_factory=dict)
    writes: int = 0
    fail: str = ""
    """Name of the method that refuses."""


class FakePostgres:
    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def _check(self, name: str) -> None:
        if not self._kept.up:
            raise Waiting("The database cannot be reached.", retry_in=1)
        if self._kept.fail == name:
            raise TenancyError(f"{name} was refused")

    async def bootstrap(self) -> None:
        self._check("bootstrap")
        self._kept.bootstrapped += 1

    async def migrations_applied(self) -> str | None:
        self._check("migrations_applied")
        return "0006"

    async def claim(self, clinic_id: UUID, claims: Sequence[Claim]) -> ClaimResult:
        self._check("claim")
        lost = set()
        for claim in claims:
            if self._kept.claims.setdefault(claim, clinic_id) != clinic_id:
                lost.add(claim)
        held = {claim for claim, holder in self._kept.claims.items() if holder == clinic_id}
        return ClaimResult(frozenset(held), frozenset(lost))

    async def release(self, clinic_id: UUID, keep: Sequence[Claim] = ()) -> frozenset[Claim]:
        self._check("release")
        surplus = [c for c, holder in self._kept.claims.items() if holder == clinic_id and c not in keep]
        for claim in surplus:
            del self._kept.claims[claim]
        return frozenset(surplus)

    async def ensure_clinic(self, clinic_id: UUID, *, login: bool, password: str) -> None:
        self._check("ensure_clinic")
        self._kept.partitions.add(clinic_id)
        if login:
            self._kept.logins[clinic_id] = password
        else:
            self._kept.logins.pop(clinic_id, None)

    async def ensure_partitions(self, clinic_id: UUID) -> None:
        self._check("ensure_partitions")
        self._kept.extended.add(clinic_id)

    async def write_config(self, row: ConfigRow) -> bool:
        self._check("write_config")
        if self._kept.configs.get(row.clinic_id) == row:
            return False
        self._kept.configs[row.clinic_id] = row
        self._kept.writes += 1
        return True

    async def drop_config(self, clinic_id: UUID) -> None:
        self._check("drop_config")
        self._kept.configs.pop(clinic_id, None)
        self._kept.logins.pop(clinic_id, None)

    async def drop_clinic(self, clinic_id: UUID) -> None:
        self._check("drop_clinic")
        await self.drop_config(clinic_id)
        await self.release(clinic_id)
        self._kept.partitions.discard(clinic_id)

    async def retained(self, clinic_id: UUID) -> RetainedClinic | None:
        self._check("retained")
        return RetainedClinic(clinic_id, None, 12) if clinic_id in self._kept.partitions else None

    async def close(self) -> None:
        pass


class FakeRedis:
    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    async def ensure_base(self) -> None:
        pass

    async def ensure_user(self, clinic_id: UUID, password: str) -> None:
        self._kept.users[clinic_id] = password

    async def remove_user(self, clinic_id: UUID) -> None:
        self._kept.users.pop(clinic_id, None)

    async def drop_keys(self, clinic_id: UUID) -> None:
        pass

    async def close(self) -> None:
        pass


class FakeTenancy:
    """Databases and caches by host."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}

    def of(self, host: str) -> Kept:
        return self._kept.setdefault(host.partition(".")[0].rpartition("-")[0] + host.partition(".")[2], Kept())

    def postgres(self, access: PostgresAccess) -> FakePostgres:
        return FakePostgres(self.of(access.host))

    def redis(self, access: RedisAccess) -> FakeRedis:
        return FakeRedis(self.of(access.host))

    async def close(self) -> None:
        pass


class Kubelet:
    """The controllers and kubelets of one namespace and its clinics' namespaces."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace
        self.failing: set[str] = set()
        """Names of workloads that do not get ready."""

    async def namespaces(self) -> list[dict[str, Any]]:
        return [
            live
            for live in await self._cluster.list(NAMESPACE)
            if live["metadata"]["name"] == self._namespace or live["metadata"]["name"].startswith(f"{self._namespace}-")
        ]

    async def work(self) -> bool:
        """Do one round; return whether anything was done."""
        busy = False
        for namespace in await self.namespaces():
            name = namespace["metadata"]["name"]
            if namespace["metadata"].get("deletionTimestamp"):
                await self._empty(namespace)
                busy = True
                continue
            for kind in (DEPLOYMENT, STATEFUL_SET):
                for live in await self._cluster.list(kind, name):
                    busy |= await self._run(kind, live)
            for job in await self._cluster.list(JOB, name):
                busy |= await self._complete(job)
        return busy

    async def _run(self, kind: Kind, live: dict[str, Any]) -> bool:
        replicas = live["spec"]["replicas"]
        ready = 0 if live["metadata"]["name"] in self.failing else replicas
        wanted: dict[str, Any] = {
            "observedGeneration": live["metadata"]["generation"],
            "replicas": replicas,
            "updatedReplicas": replicas,
            "readyReplicas": ready,
            "availableReplicas": ready,
        }
        status = live.get("status") or {}
        if all((status.get(key) or 0) == value for key, value in wanted.items()):
            return False
        meta = live["metadata"]
        await self._cluster.patch(kind, meta["namespace"], meta["name"], {"status": wanted}, subresource="status")
        return True

    async def _complete(self, job: dict[str, Any]) -> bool:
        if (job.get("status") or {}).get("conditions") or job["metadata"]["name"] in self.failing:
            return False
        stamp = job["metadata"]["creationTimestamp"]
        status = {
            "startTime": stamp,
            "completionTime": stamp,
            "succeeded": 1,
            "conditions": [
                {"type": kind, "status": "True", "lastTransitionTime": stamp}
                for kind in ("SuccessCriteriaMet", "Complete")
            ],
        }
        meta = job["metadata"]
        await self._cluster.patch(JOB, meta["namespace"], meta["name"], {"status": status}, subresource="status")
        return True

    async def _empty(self, namespace: dict[str, Any]) -> None:
        """Delete what is in an ending namespace, as the namespace controller does, and let it go."""
        name = namespace["metadata"]["name"]
        for kind in (*CHILDREN, EVENT):
            if kind.namespaced:
                for live in await self._cluster.list(kind, name):
                    await self._cluster.delete(kind, name, live["metadata"]["name"])
        await self._let_go(namespace)

    async def forget(self) -> None:
        """Take the namespaces off the server's list, which every round of every later test reads; no more than that."""
        for namespace in await self.namespaces():
            name = namespace["metadata"]["name"]
            await self._cluster.delete(NAMESPACE, None, name)
            if ending := await self._cluster.get(NAMESPACE, None, name):
                await self._let_go(ending)

    async def _let_go(self, namespace: dict[str, Any]) -> None:
        name = namespace["metadata"]["name"]
        body = {**namespace, "apiVersion": "v1", "kind": "Namespace", "spec": {"finalizers": []}}
        await self._cluster._call("PUT", f"/api/v1/namespaces/{name}/finalize", body=body)


class World:
    """The operator's reconcilers, driven by hand until everything is quiet."""

    def __init__(self, transport: Transport, namespace: str) -> None:
        self.meter = Meter(transport)
        self.namespace = namespace
        self.tenancy = FakeTenancy()
        self.probing = FakeProbing()
        self.user = Cluster(transport)
        """The client of people, which is not counted."""
        self.kubelet = Kubelet(self.user, namespace)
        self.start()

    def start(self) -> None:
        """Start the operator anew, with nothing in its memory."""
        self.cluster = Cluster(self.meter)
        self.hub = Hub(self.cluster, self.tenancy, self.probing, Recorder(self.cluster), IMAGES)
        self.hub.wake = lambda *_, **__: None
        self._stacks = Reconciler(self.cluster, StackRooms(self.hub), self.hub.recorder)
        self._clinics = Reconciler(self.cluster, ClinicRooms(self.hub), self.hub.recorder)

    async def reconcile(self, kind: Kind, name: str) -> float | None:
        """Run one pass over a resource."""
        if kind is STACK:
            return await self._stacks.reconcile(Key("stack", self.namespace, name))
        return await self._clinics.reconcile(Key("clinic", self.namespace, name))

    async def settle(self) -> None:
        """Reconcile everything and let the controllers work, until a whole round changes nothing."""
        for _ in range(ROUNDS):
            before = len(self.meter.writes), sum(kept.writes for kept in self.tenancy._kept.values())
            for kind in (STACK, CLINIC):
                for live in await self.user.list(kind, self.namespace):
                    await self.reconcile(kind, live["metadata"]["name"])
            busy = await self.kubelet.work()
            after = len(self.meter.writes), sum(kept.writes for kept in self.tenancy._kept.values())
            if before == after and not busy:
                return
        raise AssertionError(f"never quiet; the last writes: {self.meter.writes[-8:]}")

    async def put(self, kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
        """Create a resource, as a person does."""
        return await self.user.create(
            {
                "apiVersion": "atendeai.io/v1beta1",
                "kind": kind,
                "metadata": {"name": name, "namespace": self.namespace},
                "spec": copy.deepcopy(spec),
            }
        )

    async def secret(self, name: str, **data: str) -> None:
        """Create a Secret, as a person does."""
        await self.user.create(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, "namespace": self.namespace},
                "stringData": {key.replace("_", "-"): value for key, value in data.items()},
            }
        )

    async def change(
        self, kind: Kind, name: str, patch: dict[str, Any], namespace: str | None = None
    ) -> dict[str, Any]:
        """Change an object, as a person does with `kubectl edit`."""
        return await self.user._call(
            "PATCH",
            kind.path(namespace or self.namespace, name),
            query={"fieldManager": "kubectl-edit"},
            body=patch,
            content_type="application/merge-patch+json",
        )

    async def conditions(self, kind: Kind, name: str) -> dict[str, dict[str, Any]]:
        """Return a resource's conditions by type."""
        live = await self.user.get(kind, self.namespace, name)
        return {entry["type"]: entry for entry in ((live or {}).get("status") or {}).get("conditions") or []}

    async def children(self, namespace: str | None = None) -> dict[tuple[str, str, str], dict[str, Any]]:
        """Return everything that the operator made here and in the clinics' namespaces."""
        found = {}
        spaces = [namespace] if namespace else [n["metadata"]["name"] for n in await self.kubelet.namespaces()]
        for kind in CHILDREN:
            for space in spaces if kind.namespaced else [None]:
                for live in await self.user.list(kind, space, {"app.kubernetes.io/managed-by": FIELD_MANAGER}):
                    meta = live["metadata"]
                    if kind is NAMESPACE and meta["name"] not in spaces:
                        continue
                    if not kind.namespaced and not meta["labels"].get(LABEL_STACK, "").startswith(f"{self.namespace}."):
                        continue
                    found[kind.kind, meta.get("namespace", ""), meta["name"]] = live
        return found

    async def events(self) -> list[tuple[str, str, str]]:
        """Return all events: about whom, the reason, the message."""
        found = await self.user.list(EVENT, self.namespace)
        return [(e["involvedObject"]["name"], e["reason"], e["message"]) for e in found]

    def kept(self, stack: str = "dev") -> Kept:
        """Return what the stack's database and cache hold."""
        return self.tenancy.of(f"{stack}-postgres.{self.namespace}.svc")


def fail_at(number: int, error: Exception | BaseException) -> Callable[[int, str, str], None]:
    """Return a hook that raises at one write."""

    def hook(count: int, _method: str, _path: str) -> None:
        if count == number:
            raise error

    return hook


def refused(status: int = 500) -> KubeError:
    """Return the error of a server that refuses."""
    return KubeError("made to fail", status=status)
