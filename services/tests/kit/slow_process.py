"""A process whose requests and work last until they are let go: run as `python -m tests.kit.slow_process QUEUE`.

It says in the clinic's Redis what it has begun (`begun:NAME`) and waits there for `go:NAME`.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, FastAPI

from atendeai.kit.app import create_service
from atendeai.kit.cache import TenantRedis
from atendeai.kit.main import run
from atendeai.kit.resources import Kit, RedisDep
from atendeai.kit.settings import Settings
from atendeai.kit.tenancy import Tenant
from atendeai.kit.work import Worker

router = APIRouter()


async def _last(redis: TenantRedis, name: str) -> None:
    await redis.set(f"begun:{name}", b"1")
    while not await redis.exists(f"go:{name}"):  # noqa: ASYNC110 - what lets it go is another process
        await asyncio.sleep(0.05)


@router.get("/api/v1/slow/{name}")
async def slow(name: str, redis: RedisDep) -> dict[str, Any]:
    await _last(redis, name)
    return {"done": name}


def create_app(settings: Settings) -> FastAPI:
    kit = Kit(settings)

    async def handle(tenant: Tenant, key: str) -> datetime | None:
        await _last(kit.cache.for_tenant(tenant), key)
        return None

    worker = Worker(sys.argv[1], handle, lease=timedelta(minutes=10), timeout=timedelta(minutes=10))
    return create_service("auth", settings, routers=[router], workers=[worker], kit=kit)


if __name__ == "__main__":
    run("auth", create_app)
