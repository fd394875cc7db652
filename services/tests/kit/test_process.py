"""A service as it runs in a pod: its own process, its environment, SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import orjson
import pytest
from pydantic import SecretStr

from atendeai.kit.http import trusted_at
from atendeai.kit.testing.clinics import Stack
from atendeai.kit.testing.plugin import ClientFactory, ClinicFactory
from atendeai.kit.testing.proxy import proxied
from atendeai.kit.testing.servers import free_port
from atendeai.kit.testing.waiting import eventually
from tests.kit.toy import CreateApp

pytestmark = pytest.mark.integration


def environment(stack: Stack, key_file: Path, **extra: str) -> dict[str, str]:
    key_file.write_text(stack.key)
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "ATENDEAI_DATABASE_URL": stack.postgres.dsn("atendeai_pool", "pool"),
        "ATENDEAI_REDIS_URL": stack.redis.url("pool", "pool"),
        "ATENDEAI_STACK_KEY_FILE": str(key_file),
        "ATENDEAI_VERSION": "9.9.9",
        "ATENDEAI_BIND_HOST": "127.0.0.1",
        **extra,
    }


def service(name: str, env: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", f"atendeai.{name}"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


async def answered(client: httpx.AsyncClient, path: str) -> httpx.Response | None:
    try:
        return await client.get(path)
    except httpx.TransportError:
        return None


async def test_a_service_starts_answers_drains_and_ends(
    stack: Stack, clinic_factory: ClinicFactory, tmp_path: Path
) -> None:
    clinic = await clinic_factory()
    port = free_port()
    env = environment(stack, tmp_path / "key", ATENDEAI_PORT=str(port), ATENDEAI_DRAIN_SECONDS="2", ATENDEAI_GRACE="1")
    process = service("clinic", env)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", verify=trusted_at()) as client:

            async def ready() -> bool:
                response = await answered(client, "/health/ready")
                return response is not None and response.status_code == 200

            await eventually(ready, seconds=40)
            own = await client.get("/api/v1/clinics/me", headers=clinic.headers("receptionist"))
            assert own.json()["id"] == str(clinic.id)
            assert own.headers["x-version"] == "9.9.9"
            assert "server" not in own.headers
            metrics = (await client.get("/metrics")).text
            assert 'atendeai_build_info{service="clinic",version="9.9.9"} 1.0' in metrics
            assert 'route="/api/v1/clinics/me",service="clinic",status="200"' in metrics
            process.send_signal(signal.SIGTERM)

            async def draining() -> bool:
                response = await answered(client, "/health/ready")
                return response is not None and response.json()["status"] == "draining"

            await eventually(draining, seconds=5, every=0.05)
            # Not ready any more, and still answering.
            assert (await client.get("/health/live")).status_code == 200
        output, errors = await asyncio.to_thread(process.communicate, timeout=30)
    finally:
        process.kill()
    assert process.returncode in (0, -signal.SIGTERM), errors.decode()
    lines = [orjson.loads(line) for line in output.splitlines()]
    warned = [line for line in lines if line["message"] == "variable_unknown"]
    assert [(line["labels.variable"], line["log.level"]) for line in warned] == [("ATENDEAI_GRACE", "warning")]
    request = next(line for line in lines if line["message"] == "request" and line["event.outcome"] == "success")
    assert request["service.name"] == "clinic"
    assert request["labels.clinic_id"] == str(clinic.id)
    assert request["url.path"] == "/api/v1/clinics/me"
    # The server's own lines are of the same kind.
    assert "Application startup complete." in [
        line["message"] for line in lines if line["log.logger"] == "uvicorn.error"
    ]
    assert all({"@timestamp", "log.level", "ecs.version", "service.version"} <= set(line) for line in lines)


async def test_readiness_follows_postgresql_and_redis(
    stack: Stack, client_for: ClientFactory, toy_app: CreateApp
) -> None:
    async with proxied(stack.postgres.port) as postgres, proxied(stack.redis.port) as redis:
        settings = stack.settings(
            "auth",
            database_url=SecretStr(f"postgresql://atendeai_pool:pool@127.0.0.1:{postgres.port}/atendeai"),
            redis_url=SecretStr(f"redis://pool:pool@127.0.0.1:{redis.port}/0"),
        )
        client = await client_for(toy_app, settings)

        async def is_status(status: int) -> bool:
            return (await client.get("/health/ready")).status_code == status

        assert await is_status(200)
        for proxy, name in ((redis, "redis"), (postgres, "postgresql")):
            proxy.cut()
            await eventually(lambda: is_status(503))
            assert (await client.get("/health/live")).status_code == 200
            details = await client.get("/health")
            assert details.status_code == 503
            assert details.json()["components"][name] == {"status": "down", "reason": "does not answer"}
            assert "127.0.0.1" not in details.text
            proxy.mend()
            await eventually(lambda: is_status(200))
