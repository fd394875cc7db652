"""Start: probes, the leader's lease, then kopf and the queue. Ends when any of them does."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

import kopf

from atendeai_operator import logs, probes, wiring
from atendeai_operator.clinic.reconcile import ClinicRooms
from atendeai_operator.kube.client import connect
from atendeai_operator.kube.events import Recorder
from atendeai_operator.kube.lease import Leader
from atendeai_operator.kube.watch import Key
from atendeai_operator.pipeline.hub import Hub
from atendeai_operator.pipeline.ports import Probing, TenancyFactory
from atendeai_operator.pipeline.reconcile import Reconciler
from atendeai_operator.pipeline.wake import WakeQueue
from atendeai_operator.probing.client import HttpProbing
from atendeai_operator.settings import OperatorSettings, SettingsError, from_environment
from atendeai_operator.stack.reconcile import StackRooms
from atendeai_operator.tenancy.factory import Tenancy

log = logging.getLogger("atendeai_operator")


async def _watch(registry: kopf.OperatorRegistry, own: OperatorSettings) -> None:
    """Run kopf until a signal ends it."""
    namespaces = sorted({pattern for name in own.watch_namespaces for pattern in (name, f"{name}-*")})
    await kopf.operator(
        registry=registry,
        settings=wiring.settings(kopf.OperatorSettings()),
        standalone=True,
        identity=own.identity,  # type: ignore[arg-type]  # a plain string; kopf's own would ask for a user's name
        clusterwide=not namespaces,
        namespaces=[*namespaces, own.namespace] if namespaces else (),
    )


async def run(own: OperatorSettings, tenancy: TenancyFactory, probing: Probing) -> None:
    """Run the operator until a signal. Raises LeadershipLost when its lease could not be renewed."""
    cluster = await connect(own.kubeconfig)
    leader = Leader(cluster, namespace=own.namespace, name="atendeai-operator", identity=own.identity)
    pulse = probes.Pulse(cluster, own.namespace, leader)
    server = await probes.serve(pulse, own.port)
    hub = Hub(cluster, tenancy, probing, Recorder(cluster), own.images)
    stacks, clinics = (
        Reconciler(cluster, StackRooms(hub), hub.recorder),
        Reconciler(cluster, ClinicRooms(hub), hub.recorder),
    )

    async def reconcile(key: Key) -> float | None:
        return await (stacks if key.kind == "stack" else clinics).reconcile(key)

    queue = WakeQueue(reconcile, limit=own.concurrency, kind=lambda key: key.kind)
    hub.wake = queue.wake
    wires = wiring.Wiring(queue, pulse)
    try:
        await leader.acquire()
        tasks = [
            asyncio.create_task(work, name=name)
            for name, work in {
                "lease": leader.hold(),
                "heartbeat": pulse.beat(),
                "queue": queue.run(),
                "resync": wires.resync(),
            }.items()
        ]
        tasks.append(asyncio.create_task(_watch(wires.registry(), own), name="watch"))
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            if not task.cancelled() and task.exception():
                log.error("stopped", extra={"task": task.get_name(), "error": repr(task.exception())})
                raise task.exception() or RuntimeError(task.get_name())
    finally:
        await leader.release()
        await tenancy.close()
        await probing.close()
        await server.cleanup()
        await cluster.close()


async def main(own: OperatorSettings, tenancy: TenancyFactory, probing: Probing) -> None:
    """Run, and end cleanly on a signal also while standing by (kopf takes the signals over once it runs)."""
    task = asyncio.ensure_future(run(own, tenancy, probing))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        log.info("stopped by a signal")


if __name__ == "__main__":
    try:
        configured = from_environment()
    except SettingsError as problem:
        sys.exit(f"atendeai-operator: {problem}")
    logs.configure(configured.log_level)
    asyncio.run(main(configured, Tenancy(), HttpProbing()))
