"""SIGTERM to a real process in the middle of a request and of work: both end well, or the work goes to another."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from atendeai.kit.cache import TenantRedis
from atendeai.kit.http import trusted_at
from atendeai.kit.resources import Kit
from atendeai.kit.testing.clinics import Stack, TestClinic
from atendeai.kit.testing.plugin import ClientFactory, ClinicFactory
from atendeai.kit.testing.servers import free_port
from atendeai.kit.testing.waiting import eventually
from atendeai.kit.work import Worker, enqueue
from tests.kit.test_process import answered, environment
from tests.kit.toy import Calls, create_app

pytestmark = pytest.mark.integration


class Slow:
    """The process of `slow_process`, and what a test does with it."""

    def __init__(
        self, process: subprocess.Popen[bytes], client: httpx.AsyncClient, kit: Kit, clinic: TestClinic
    ) -> None:
        self.process, self.client, self.kit, self.clinic = process, client, kit, clinic

    @property
    def redis(self) -> TenantRedis:
        return self.kit.cache.for_tenant(self.clinic.id)

    async def enqueue(self, queue: str, key: str) -> None:
        async with self.kit.database.transaction(self.clinic.tenant) as connection:
            await enqueue(connection, self.clinic.id, queue, key)

    async def begun(self, name: str) -> None:
        await eventually(lambda: self.redis.exists(f"begun:{name}"), seconds=20, what=f"{name} begins")

    async def let_go(self, name: str) -> None:
        await self.redis.set(f"go:{name}", b"1")

    async def work(self, queue: str, key: str) -> Any:
        rows = await self.clinic.fetch(
            "SELECT *, due_at <= now() AS due FROM atendeai.work WHERE clinic_id = $1 AND queue = $2 AND key = $3",
            self.clinic.id,
            queue,
            key,
        )
        return rows[0] if rows else None

    async def until_not_ready(self) -> None:
        """Wait until it says that it is draining, and that it lives."""

        async def look() -> bool:
            ready = await answered(self.client, "/health/ready")
            if ready is None or (ready.status_code, ready.json()) != (503, {"status": "draining"}):
                return False
            live = await answered(self.client, "/health/live")
            return live is not None and live.status_code == 200

        await eventually(look, seconds=10, every=0.05)

    async def end(self) -> list[dict[str, Any]]:
        """Wait for the end of the process; its log."""
        output, errors = await asyncio.to_thread(self.process.communicate, timeout=60)
        assert self.process.returncode in (0, -signal.SIGTERM), errors.decode()
        return [orjson.loads(line) for line in output.splitlines()]


@asynccontextmanager
async def running(stack: Stack, clinic: TestClinic, queue: str, tmp_path: Path, **env: str) -> AsyncIterator[Slow]:
    port = free_port()
    own = environment(stack, tmp_path / "key", ATENDEAI_PORT=str(port), **env)
    own["ATENDEAI_CLINIC_ID"] = str(clinic.id)
    own["ATENDEAI_DATABASE_URL"] = stack.postgres.dsn(clinic.role, clinic.password)
    process = subprocess.Popen(  # noqa: ASYNC220 - it is begun, not waited for
        [sys.executable, "-m", "tests.kit.slow_process", queue],
        env=own,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    kit = Kit(clinic.service_settings("auth"))
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, verify=trusted_at()) as client:

            async def ready() -> bool:
                response = await answered(client, "/health/ready")
                return response is not None and response.status_code == 200

            await eventually(ready, seconds=40)
            yield Slow(process, client, kit, clinic)
    finally:
        process.kill()
        process.wait()
        await kit.close()


async def both_begun(slow: Slow, clinic: TestClinic, queue: str) -> asyncio.Task[httpx.Response]:
    """Have a request (returned) and a piece of work under way."""
    request = asyncio.create_task(slow.client.get("/api/v1/slow/request", headers=clinic.headers()))
    await slow.enqueue(queue, "work")
    await slow.begun("request")
    await slow.begun("work")
    return request


@pytest.fixture
async def clinic(clinic_factory: ClinicFactory) -> TestClinic:
    # Dedicated: the process takes no work that other tests' clinics left behind.
    return await clinic_factory(isolation="Dedicated")


async def test_a_request_and_a_piece_of_work_are_finished_and_nothing_more_is_begun(
    stack: Stack, clinic: TestClinic, queue: str, tmp_path: Path
) -> None:
    settings = {"ATENDEAI_DRAIN_SECONDS": "4", "ATENDEAI_GRACE_SECONDS": "30"}
    async with running(stack, clinic, queue, tmp_path, **settings) as slow:
        request = await both_begun(slow, clinic, queue)

        slow.process.send_signal(signal.SIGTERM)
        await slow.until_not_ready()
        await slow.enqueue(queue, "later")

        async def door_closed() -> bool:
            return await answered(slow.client, "/health/live") is None

        await eventually(door_closed, seconds=20)
        # The door is closed and both still run.
        assert not request.done()
        assert (await slow.work(queue, "work"))["lease_token"] is not None
        await slow.let_go("request")
        assert (await request).json() == {"done": "request"}
        await slow.let_go("work")
        log = await slow.end()
        assert await slow.work(queue, "work") is None
        later = await slow.work(queue, "later")
        assert (later["lease_token"], later["attempts"], later["due"]) == (None, 0, True)
        assert not await slow.redis.exists("begun:later")
    said = [line for line in log if line["message"] == "request" and line["url.path"].startswith("/api/v1/slow")]
    assert [line["http.response.status_code"] for line in said] == [200]


async def test_work_that_does_not_end_in_time_is_given_back_and_another_takes_it_at_once(
    stack: Stack, clinic: TestClinic, queue: str, tmp_path: Path, client_for: ClientFactory, calls: Calls
) -> None:
    settings = {"ATENDEAI_DRAIN_SECONDS": "0.2", "ATENDEAI_GRACE_SECONDS": "1"}
    async with running(stack, clinic, queue, tmp_path, **settings) as slow:
        await slow.enqueue(queue, "work")
        await slow.begun("work")
        assert (await slow.work(queue, "work"))["leased_until"] is not None
        slow.process.send_signal(signal.SIGTERM)
        log = await slow.end()
        row = await slow.work(queue, "work")
        # Not after the ten minutes of its lease, and not as a failure.
        assert (row["lease_token"], row["leased_until"], row["attempts"], row["due"]) == (None, None, 0, True), log
        await client_for(lambda s: create_app(s, workers=[Worker(queue, calls)]), clinic.service_settings("auth"))
        await eventually(lambda: calls.keys(clinic.id) == ["work"])


async def test_a_request_and_work_together_have_one_grace_and_not_one_each(
    stack: Stack, clinic: TestClinic, queue: str, tmp_path: Path
) -> None:
    settings = {"ATENDEAI_DRAIN_SECONDS": "0.2", "ATENDEAI_GRACE_SECONDS": "3"}
    async with running(stack, clinic, queue, tmp_path, **settings) as slow:
        request = await both_begun(slow, clinic, queue)
        slow.process.send_signal(signal.SIGTERM)
        log = await slow.end()
        cut_short = await request
        assert (cut_short.status_code, cut_short.headers["retry-after"]) == (503, "2")
        assert cut_short.json()["type"] == "urn:atendeai:problem:unavailable"
        assert (await slow.work(queue, "work"))["lease_token"] is None, "\n".join(map(str, log))
    said = {line["message"]: datetime.fromisoformat(line["@timestamp"]) for line in log}
    cut = said["Cancel 1 running task(s), timeout graceful shutdown exceeded"]
    # Of the work's own there is nothing left to wait: a second grace would have taken three seconds more.
    assert said["Application shutdown complete."] - cut < timedelta(seconds=3)
