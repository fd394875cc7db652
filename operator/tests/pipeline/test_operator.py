"""The whole operator as a process: events wake it, one of two leads, its health proves its watch."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp
import pytest

from atendeai_operator.kube.kinds import CLINIC, CONFIG_MAP, DEPLOYMENT, LEASE, NAMESPACE, STACK, Kind
from tests.pipeline.controlplane import REPOSITORY
from tests.pipeline.samples import STACK_SPEC, clinic, whatsapp_secret
from tests.pipeline.world import IMAGES, World
from tests.processes import free_port

DEADLINE = 60.0
_KEYS = {"postgres_exporter": "postgresExporter", "redis_exporter": "redisExporter"}


@dataclass
class Operator:
    """One running operator."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    async def health(self) -> int:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{self.port}/healthz") as answer,
            ):
                return answer.status
        except aiohttp.ClientError:
            return 0

    async def metrics(self) -> str:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.port}/metrics") as answer,
        ):
            return await answer.text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


class Operators:
    """Starts operators for one test."""

    def __init__(self, kubeconfig: Path, namespace: str, folder: Path) -> None:
        self._kubeconfig, self._namespace, self._folder = kubeconfig, namespace, folder
        self.running: list[Operator] = []

    def start(self, name: str) -> Operator:
        port, log = free_port(), self._folder / f"{name}.log"
        environment = {
            **os.environ,
            "KUBECONFIG": str(self._kubeconfig),
            "PYTHONPATH": str(REPOSITORY / "operator"),
            "ATENDEAI_IMAGES": json.dumps({_KEYS.get(key, key): value for key, value in asdict(IMAGES).items()}),
            "ATENDEAI_NAMESPACE": self._namespace,
            "WATCH_NAMESPACES": self._namespace,
            "POD_NAME": name,
            "ATENDEAI_PORT": str(port),
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.pipeline.operator_process"],
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        started = Operator(process, port, log)
        self.running.append(started)
        return started


@pytest.fixture
def operators(kubeconfig: Path, namespace: str, tmp_path: Path) -> Iterator[Operators]:
    found = Operators(kubeconfig, namespace, tmp_path)
    yield found
    for one in found.running:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


Condition = Callable[[], Awaitable[bool]]


async def _until(condition: Condition, what: str) -> None:
    try:
        async with asyncio.timeout(DEADLINE):
            while not await condition():  # noqa: ASYNC110 - any condition
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"not within {DEADLINE:.0f} s: {what}") from None


@asynccontextmanager
async def _kubelet(world: World) -> AsyncIterator[None]:
    async def work() -> None:
        while True:
            await world.kubelet.work()
            await asyncio.sleep(0.2)

    task = asyncio.create_task(work())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _is(world: World, name: str, kind: Kind = CLINIC, condition: str = "Ready", status: str = "True") -> Condition:
    async def check() -> bool:
        found = await world.conditions(kind, name)
        return (found.get(condition) or {}).get("status") == status

    return check


async def test_events_alone_bring_everything_about(world: World, operators: Operators) -> None:
    operators.start("one")
    async with _kubelet(world):
        await world.put("Clinic", "sol", clinic())
        await _until(_is(world, "sol", condition="Stalled"), "the clinic stalls without a stack")
        await world.put("AtendeAIStack", "dev", STACK_SPEC)
        await _until(_is(world, "dev", STACK), "the stack is ready")
        await whatsapp_secret(world)
        await _until(_is(world, "sol"), "the clinic heals when its Secret appears")

        own = f"{world.namespace}-sol"
        await world.user.delete(DEPLOYMENT, own, "auth")

        async def back() -> bool:
            return await world.user.get(DEPLOYMENT, own, "auth") is not None

        await _until(back, "a deleted child comes back")
        await world.change(DEPLOYMENT, "user", {"spec": {"replicas": 5}}, own)

        async def right() -> bool:
            live = await world.user.get(DEPLOYMENT, own, "user")
            return live is not None and live["spec"]["replicas"] == 1

        await _until(right, "an edited child is put right")
        live = await world.user.get(CLINIC, world.namespace, "sol")
        assert live
        assert live["metadata"]["finalizers"] == ["atendeai.io/finalizer"]
        assert not [key for key in live["metadata"].get("annotations") or {} if "kopf" in key]
        await world.user.delete(CLINIC, world.namespace, "sol")

        async def gone() -> bool:
            clinic_gone = await world.user.get(CLINIC, world.namespace, "sol") is None
            return clinic_gone and await world.user.get(NAMESPACE, None, own) is None

        await _until(gone, "a deleted clinic goes, with its namespace")


async def test_one_leads_and_the_other_takes_over(world: World, operators: Operators) -> None:
    first = operators.start("first")

    async def holder() -> str:
        lease = await world.user.get(LEASE, world.namespace, "atendeai-operator")
        return str(((lease or {}).get("spec") or {}).get("holderIdentity", ""))

    async def first_leads() -> bool:
        return await holder() == "first"

    await _until(first_leads, "the first leads")
    second = operators.start("second")

    async def both_healthy() -> bool:
        return await first.health() == 200 and await second.health() == 200

    await _until(both_healthy, "leader and standby are healthy")
    assert "atendeai_operator_leading 0.0" in await second.metrics()

    async def heard() -> bool:
        beat = await world.user.get(CONFIG_MAP, world.namespace, "atendeai-operator-heartbeat")
        text = await first.metrics()
        return beat is not None and "atendeai_operator_heartbeat_age_seconds 0.0\n" not in text

    await first.health()
    await _until(heard, "the leader hears its own heartbeat")
    assert first.stop() == 0

    async def second_leads() -> bool:
        return await holder() == "second"

    await _until(second_leads, "the standby takes over")
    async with _kubelet(world):
        await world.put("AtendeAIStack", "dev", STACK_SPEC)
        await _until(_is(world, "dev", STACK), "the new leader works")
