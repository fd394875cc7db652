"""The limits while Redis is gone or hangs, with a server of the test's own that really stops."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from atendeai.kit.metrics import RATE_UNCOUNTED
from atendeai.kit.testing.clinics import Stack, TestClinic
from atendeai.kit.testing.plugin import AppClient, ClientFactory, ClinicFactory
from atendeai.kit.testing.servers import clinic_rules, find, free_port
from atendeai.kit.testing.waiting import eventually
from tests.kit.toy import CreateApp

pytestmark = pytest.mark.integration


class Server:
    """A Redis of this test alone."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        acl = directory / "users.acl"
        acl.write_text(f"user default off\nuser pool on >pool {clinic_rules('*')}\n")
        self._command = [
            find("redis-server"),
            *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(directory)),
            *("--aclfile", str(acl), "--save", "", "--appendonly", "no"),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> SecretStr:
        return SecretStr(f"redis://pool:pool@127.0.0.1:{self.port}/0")

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]}
        )

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def hang(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    made.start()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
async def clinic(clinic_factory: ClinicFactory) -> TestClinic:
    return await clinic_factory(settings={"security": {"rateLimits": {"auth": {"minute": 100, "hour": 100}}}})


@pytest.fixture
async def client(server: Server, stack: Stack, client_for: ClientFactory, toy_app: CreateApp) -> AppClient:
    client = await client_for(toy_app, stack.settings("auth", redis_url=server.url))
    await eventually(lambda: _ready(client))
    return client


async def _ready(client: AppClient) -> bool:
    return (await client.get("/health/ready")).status_code == 200


async def login(client: AppClient, clinic: TestClinic) -> httpx.Response:
    return await client.post("/api/v1/login", json={"email": "a@example.com"}, headers={"Host": clinic.host})


async def read(client: AppClient, clinic: TestClinic) -> httpx.Response:
    return await client.get("/api/v1/things/1", headers=clinic.headers())


def uncounted(limit: str) -> float:
    return float(RATE_UNCOUNTED.labels("auth", limit)._value.get())


async def test_when_redis_stops_reads_go_on_and_sign_in_says_why_it_does_not(
    server: Server, client: AppClient, clinic: TestClinic
) -> None:
    assert (await login(client, clinic)).status_code == 200
    assert "ratelimit" in (await read(client, clinic)).headers
    api, auth = uncounted("api"), uncounted("auth")

    server.stop()
    for _ in range(3):
        answer = await read(client, clinic)
        assert answer.status_code == 200
        assert "ratelimit" not in answer.headers
    created = await client.post("/api/v1/things", json={"name": "ab", "size": 1}, headers=clinic.headers())
    assert created.status_code == 201
    for _ in range(3):
        refused = await login(client, clinic)
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "2"
        assert refused.json()["type"] == "urn:atendeai:problem:unavailable"
        assert refused.json()["detail"].startswith("Sign-in is refused while attempts cannot be counted")
    assert uncounted("api") == api + 4
    assert uncounted("auth") == auth + 3

    server.start()

    async def counted_again() -> bool:
        answer = await login(client, clinic)
        return answer.status_code == 200 and "ratelimit" in (await read(client, clinic)).headers

    await eventually(counted_again, every=0.1)


async def test_a_redis_that_hangs_is_waited_for_by_one_request_and_not_by_each(
    server: Server, client: AppClient, clinic: TestClinic
) -> None:
    assert (await read(client, clinic)).status_code == 200
    server.hang()
    # Each by itself would wait for the client's two seconds and its second attempt: four minutes in all.
    async with asyncio.timeout(60):
        assert {(await read(client, clinic)).status_code for _ in range(60)} == {200}
        assert (await login(client, clinic)).status_code == 503
    server.wake()

    async def counted_again() -> bool:
        return "ratelimit" in (await read(client, clinic)).headers

    await eventually(counted_again, every=0.1)


async def test_who_was_refused_before_redis_stopped_is_refused_again_after_it_hung(
    server: Server, client: AppClient, clinic_factory: ClinicFactory
) -> None:
    clinic = await clinic_factory()
    assert [(await login(client, clinic)).status_code for _ in range(6)] == [200] * 5 + [429]
    server.hang()
    assert (await login(client, clinic)).status_code == 503
    server.wake()

    async def limited() -> bool:
        status = (await login(client, clinic)).status_code
        assert status != 200
        return status == 429

    await eventually(limited, every=0.1)
