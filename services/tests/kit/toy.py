"""A small service that uses every part of the kit, for the kit's own tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Protocol
from uuid import UUID

import httpx
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import text

from atendeai.kit import audit
from atendeai.kit.app import create_service
from atendeai.kit.errors import Problem, conflict
from atendeai.kit.guard import limit_account
from atendeai.kit.idempotency import IdempotencyKeyDep, Reply, idempotent
from atendeai.kit.identity import Principal, person, service
from atendeai.kit.limits import limited
from atendeai.kit.resources import ConnectionDep, Kit, KitDep, RedisDep
from atendeai.kit.settings import Settings
from atendeai.kit.tenancy import FoundTenantDep, TenantDep
from atendeai.kit.work import Worker


class Thing(BaseModel):
    name: str = Field(min_length=2, max_length=20)
    size: int = Field(gt=0)


class Login(BaseModel):
    email: str


router = APIRouter()
OwnerDep = Annotated[Principal, Depends(person("owner"))]


@router.get("/api/v1/things/{thing}")
async def read(
    thing: int, tenant: TenantDep, connection: ConnectionDep, who: OwnerDep, name: str = "", phone: str = ""
) -> dict[str, Any]:
    role = (await connection.execute(text("SELECT current_user::text"))).scalar()
    return {"thing": thing, "role": role, "clinic": str(tenant.id), "who": who.subject}


@router.get("/api/v1/open")
async def open_to_all(tenant: TenantDep) -> dict[str, Any]:
    return {"display": tenant.config.display_name, "persona": tenant.config.settings.ai.persona.name}


@router.post("/api/v1/things", status_code=201)
async def create(
    body: Thing, tenant: TenantDep, connection: ConnectionDep, who: OwnerDep, key: IdempotencyKeyDep = None
) -> Response:
    async def run() -> Reply:
        event = await audit.record(
            connection, tenant.id, who, "thing.create", f"thing:{body.name}", {"count": body.size}, reason="wanted"
        )
        if body.name == "refused":
            raise conflict("refused", "after having written")
        return Reply(201, {"id": str(event), "name": body.name})

    reply = await idempotent(
        connection, clinic_id=tenant.id, scope="things.create", key=key, request=body.model_dump(), run=run
    )
    return reply.response()


@router.post("/api/v1/login")
@limited("auth")
async def login(body: Login, request: Request, tenant: TenantDep) -> dict[str, str]:
    await limit_account(request, tenant, body.email)
    return {"hello": body.email}


@router.get("/api/v1/broken")
async def broken() -> None:
    raise ValueError("the patient João wrote this")


@router.get("/api/v1/busy")
async def busy() -> None:
    raise Problem(409, "busy", "Busy", "Come back.", headers={"Retry-After": "7"}, extensions={"queue": 3})


@router.get("/api/v1/cached")
async def cached(redis: RedisDep) -> dict[str, int]:
    return {"count": await redis.increment("count", seconds=60)}


@router.post("/internal/v1/echo")
async def echo(
    body: dict[str, Any], tenant: TenantDep, who: Annotated[Principal, Depends(service())]
) -> dict[str, Any]:
    return {"from": who.subject, "clinic": str(tenant.id), "body": body}


@router.post("/webhook/raw")
async def raw(request: Request, tenant: FoundTenantDep, kit: KitDep, phone: str | None = None) -> dict[str, Any]:
    other = await kit.tenants.by_phone(phone) if phone else None
    return {
        "bytes": len(await request.body()),
        "host": str(tenant.id) if tenant else None,
        "phone": str(other.id) if other else None,
    }


class Calls:
    """What a worker was asked to do; tests replace `behaviour`."""

    def __init__(self) -> None:
        self.seen: list[tuple[UUID, str]] = []
        self.behaviour: Callable[[UUID, str], Awaitable[Any]] | None = None
        self.running = 0
        self.most = 0

    async def __call__(self, tenant: Any, key: str) -> Any:
        self.seen.append((tenant.id, key))
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(0)
            return await self.behaviour(tenant.id, key) if self.behaviour else None
        finally:
            self.running -= 1

    def keys(self, clinic_id: UUID) -> list[str]:
        return [key for clinic, key in self.seen if clinic == clinic_id]


class CreateApp(Protocol):
    """How the toy service's app is built."""

    def __call__(
        self, settings: Settings, *, workers: Sequence[Worker] = (), peers: httpx.AsyncBaseTransport | None = None
    ) -> FastAPI: ...


def create_app(
    settings: Settings, *, workers: Sequence[Worker] = (), peers: httpx.AsyncBaseTransport | None = None
) -> FastAPI:
    kit = Kit(settings, peers=peers)
    return create_service("auth", settings, routers=[router], workers=workers, kit=kit)
