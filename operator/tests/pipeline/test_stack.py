"""A stack from its first status to its end, on a real API server."""

from __future__ import annotations

from typing import Any

from atendeai_operator.kube.kinds import (
    CLINIC,
    CONFIG_MAP,
    DEPLOYMENT,
    JOB,
    SECRET,
    SERVICE,
    STACK,
    STATEFUL_SET,
    VOLUME_CLAIM,
    Kind,
    of_object,
)
from tests.pipeline.samples import POOL, STACK_SPEC, running_clinic, running_stack
from tests.pipeline.world import World


async def test_becomes_ready(world: World) -> None:
    await running_stack(world, sharedPool=POOL)
    live = await world.user.get(STACK, world.namespace, "dev")
    assert live
    conditions = await world.conditions(STACK, "dev")
    assert conditions["Ready"]["status"] == "True", conditions["Ready"]
    assert conditions["Reconciling"]["status"] == conditions["Stalled"]["status"] == "False"
    for concern in ("PostgresReady", "RedisReady", "MigrationsApplied", "GatewayReady", "LoadBalancerReady"):
        assert conditions[concern]["status"] == "True", conditions[concern]
    assert conditions["MonitoringReady"]["reason"] == "NotInstalled"
    assert live["status"]["version"] == "2.0.0"
    assert live["status"]["observedGeneration"] == live["metadata"]["generation"]
    assert world.kept().bootstrapped
    assert "Ready" in [reason for name, reason, _ in await world.events() if name == "dev"]


async def test_the_first_status_says_that_nothing_is_known(world: World) -> None:
    await world.put("AtendeAIStack", "dev", STACK_SPEC)
    seen = []
    world.meter.after_write = lambda _number, method, path: seen.append((method, path))
    await world.reconcile(STACK, "dev")
    statuses = [at for at, (_, path) in enumerate(seen) if path.endswith("/status")]
    assert statuses[0] < min(at for at, (_, path) in enumerate(seen) if "statefulsets" in path)
    conditions = await world.conditions(STACK, "dev")
    assert conditions["Reconciling"]["status"] == "True"


async def test_a_second_pass_writes_nothing(world: World) -> None:
    await running_stack(world, sharedPool=POOL)
    world.meter.writes.clear()
    await world.reconcile(STACK, "dev")
    assert world.meter.writes == []


async def test_a_restart_writes_nothing(world: World) -> None:
    await running_stack(world, sharedPool=POOL)
    await running_clinic(world)
    world.start()
    world.meter.writes.clear()
    await world.settle()
    assert world.meter.writes == []


async def test_no_service_starts_before_its_migration(world: World) -> None:
    await world.put("AtendeAIStack", "dev", STACK_SPEC)
    job_seen = False
    for _ in range(8):
        await world.reconcile(STACK, "dev")
        jobs = await world.user.list(JOB, world.namespace)
        services = [
            live["metadata"]["name"]
            for live in await world.user.list(DEPLOYMENT, world.namespace)
            if live["metadata"]["name"] == "dev-whatsapp"
        ]
        done = any((job.get("status") or {}).get("succeeded") for job in jobs)
        job_seen = job_seen or bool(jobs)
        assert done or not services
        await world.kubelet.work()
    assert job_seen


async def test_the_migration_waits_for_the_bootstrap(world: World) -> None:
    await world.put("AtendeAIStack", "dev", STACK_SPEC)
    world.kept().fail = "bootstrap"
    for _ in range(4):
        await world.reconcile(STACK, "dev")
        await world.kubelet.work()
    assert await world.user.list(JOB, world.namespace) == []
    conditions = await world.conditions(STACK, "dev")
    assert conditions["PostgresReady"]["reason"] == "Failed"
    assert "bootstrap was refused" in conditions["Ready"]["message"]
    world.kept().fail = ""
    await world.settle()
    assert (await world.conditions(STACK, "dev"))["Ready"]["status"] == "True"


async def test_an_upgrade_migrates_first(world: World) -> None:
    await running_stack(world, sharedPool=POOL)
    await world.change(STACK, "dev", {"spec": {"version": "2.1.0"}})
    await world.reconcile(STACK, "dev")
    before = await world.user.get(DEPLOYMENT, world.namespace, "dev-whatsapp")
    assert before
    assert before["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":2.0.0")
    assert (await world.conditions(STACK, "dev"))["MigrationsApplied"]["status"] == "False"
    await world.settle()
    after = await world.user.get(DEPLOYMENT, world.namespace, "dev-whatsapp")
    assert after
    assert after["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":2.1.0")
    live = await world.user.get(STACK, world.namespace, "dev")
    assert live
    assert live["status"]["version"] == "2.1.0"
    jobs = await world.user.list(JOB, world.namespace)
    assert len(jobs) == 1, "the old version's Job is no longer wanted"


async def test_every_deleted_child_comes_back(world: World) -> None:
    await running_stack(world, sharedPool=POOL)
    before = await world.children()
    for (kind, namespace, name), live in before.items():
        if kind in ("PersistentVolumeClaim", "Namespace"):  # protected while in use
            continue
        found = next(k for k in (CONFIG_MAP, SECRET) if k.kind == kind) if kind in ("ConfigMap", "Secret") else None
        await world.user.delete(found or of_object(live), namespace or None, name)
    await world.settle()
    assert set(await world.children()) == set(before)
    assert (await world.conditions(STACK, "dev"))["Ready"]["status"] == "True"


async def test_every_edited_child_is_put_right(world: World) -> None:
    await running_stack(world, sharedPool=POOL)
    edits: list[tuple[Kind, str, dict[str, Any]]] = [
        (STATEFUL_SET, "dev-postgres", {"spec": {"replicas": 0}}),
        (DEPLOYMENT, "dev-gateway", {"spec": {"template": {"spec": {"containers": [{"name": "x", "image": "y"}]}}}}),
        (SERVICE, "dev-redis", {"spec": {"ports": [{"port": 1, "name": "odd"}]}}),
        (DEPLOYMENT, "dev-haproxy", {"spec": {"template": {"metadata": {"labels": {"odd": "one"}}}}}),
    ]
    for kind, name, patch in edits:
        before = await world.user.get(kind, world.namespace, name)
        assert before
        await world.change(kind, name, patch)
        await world.settle()
        after = await world.user.get(kind, world.namespace, name)
        assert after
        assert after["spec"] == before["spec"], name


async def test_what_somebody_adds_to_a_child_goes(world: World) -> None:
    await running_stack(world, sharedPool=POOL)
    config = next(
        live["metadata"]["name"]
        for live in await world.user.list(CONFIG_MAP, world.namespace)
        if live["metadata"]["name"].startswith("dev-postgres")
    )
    await world.change(CONFIG_MAP, config, {"data": {"extra": "value"}})
    await world.settle()
    after = await world.user.get(CONFIG_MAP, world.namespace, config)
    assert after
    assert "extra" not in after["data"]


async def test_paused_is_left_alone_and_says_so(world: World) -> None:
    await running_stack(world, sharedPool=POOL)
    await world.change(STACK, "dev", {"spec": {"paused": True, "gateway": {"replicas": 3}}})
    await world.settle()
    conditions = await world.conditions(STACK, "dev")
    assert conditions["Paused"]["status"] == "True"
    await world.user.delete(DEPLOYMENT, world.namespace, "dev-gateway")
    await world.settle()
    assert await world.user.get(DEPLOYMENT, world.namespace, "dev-gateway") is None
    await world.change(STACK, "dev", {"spec": {"paused": False}})
    await world.settle()
    live = await world.user.get(DEPLOYMENT, world.namespace, "dev-gateway")
    assert live
    assert live["spec"]["replicas"] == 3
    assert (await world.conditions(STACK, "dev"))["Paused"]["status"] == "False"


async def test_deletion_retains_data_by_default(world: World) -> None:
    await running_stack(world, sharedPool=POOL)
    await world.user.delete(STACK, world.namespace, "dev")
    await world.settle()
    assert await world.user.get(STACK, world.namespace, "dev") is None
    left = {kind for kind, _, _ in await world.children()}
    assert left == {"PersistentVolumeClaim", "Secret"}
    told = [message for name, reason, message in await world.events() if name == "dev" and reason == "DataRetained"]
    assert told
    assert "dev-postgres" in told[0]


async def test_deletion_takes_everything_when_told_to(world: World) -> None:
    await running_stack(world, sharedPool=POOL, deletionPolicy="Delete")
    claims = await world.user.list(VOLUME_CLAIM, world.namespace)
    assert claims
    await world.user.delete(STACK, world.namespace, "dev")
    await world.settle()
    for claim in await world.user.list(VOLUME_CLAIM, world.namespace):  # nobody plays the protection controller
        name = claim["metadata"]["name"]
        await world.user.patch(VOLUME_CLAIM, world.namespace, name, {"metadata": {"finalizers": None}})
    await world.settle()
    assert await world.user.get(STACK, world.namespace, "dev") is None
    assert await world.children() == {}


async def test_deletion_waits_for_the_clinics(world: World) -> None:
    await running_stack(world, sharedPool=POOL)
    await running_clinic(world)
    await world.user.delete(STACK, world.namespace, "dev")
    await world.settle()
    conditions = await world.conditions(STACK, "dev")
    assert "sol" in conditions["Ready"]["message"]
    assert await world.user.get(STATEFUL_SET, world.namespace, "dev-postgres")


async def test_a_volume_that_grows(world: World) -> None:
    await running_stack(world, sharedPool=POOL)
    await world.change(STACK, "dev", {"spec": {"postgres": {"storage": {"size": "9Gi"}}}})
    await world.reconcile(STACK, "dev")
    conditions = await world.conditions(STACK, "dev")
    sizes = [
        c["spec"]["resources"]["requests"]["storage"] for c in await world.user.list(VOLUME_CLAIM, world.namespace)
    ]
    # Without a storage class that allows it the server refuses; the stack must then say so and keep running.
    assert "9Gi" in sizes or "PersistentVolumeClaim" in conditions["Ready"]["message"]


async def test_a_name_that_is_taken(world: World) -> None:
    await world.secret("dev-postgres", something="else")
    await world.put("AtendeAIStack", "dev", STACK_SPEC)
    await world.settle()
    conditions = await world.conditions(STACK, "dev")
    assert conditions["Stalled"]["reason"] == "NameTaken"
    assert "dev-postgres" in conditions["Stalled"]["message"]
    assert await world.user.list(DEPLOYMENT, world.namespace) == []


async def test_an_object_of_somebody_else_is_left_alone(world: World) -> None:
    await world.user.create(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "dev-redis", "namespace": world.namespace},
            "spec": {"ports": [{"port": 7}], "selector": {"mine": "yes"}},
        }
    )
    await world.put("AtendeAIStack", "dev", STACK_SPEC)
    await world.settle()
    conditions = await world.conditions(STACK, "dev")
    assert conditions["Ready"]["status"] == "False"
    assert "Service dev-redis" in conditions["Ready"]["message"]
    live = await world.user.get(SERVICE, world.namespace, "dev-redis")
    assert live
    assert live["spec"]["selector"] == {"mine": "yes"}
    await world.user.delete(SERVICE, world.namespace, "dev-redis")
    await world.settle()
    assert (await world.conditions(STACK, "dev"))["Ready"]["status"] == "True"


async def test_a_pass_asks_little(world: World) -> None:
    await running_stack(world, sharedPool=POOL)
    await running_clinic(world)
    for kind, name in ((STACK, "dev"), (CLINIC, "sol")):
        world.meter.reads = 0
        await world.reconcile(kind, name)
        assert world.meter.reads <= 40, (name, world.meter.reads)


async def test_an_upgrade_gives_the_clinics_their_partitions_before_it_starts_services(world: World) -> None:
    await running_stack(world, sharedPool=POOL)
    await running_clinic(world)
    world.kept().extended.clear()
    world.kept().fail = "ensure_partitions"
    await world.change(STACK, "dev", {"spec": {"version": "2.1.0"}})
    for _ in range(4):
        await world.reconcile(STACK, "dev")
        await world.kubelet.work()
    live = await world.user.get(DEPLOYMENT, world.namespace, "dev-whatsapp")
    assert live
    assert live["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":2.0.0")
    world.kept().fail = ""
    await world.settle()
    live = await world.user.get(DEPLOYMENT, world.namespace, "dev-whatsapp")
    assert live
    assert live["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":2.1.0")
    assert world.kept().extended == world.kept().partitions
