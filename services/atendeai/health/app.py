"""Builds the health service."""

from __future__ import annotations

import httpx
from fastapi import FastAPI

from atendeai.health import endpoints
from atendeai.health.parts import Parts
from atendeai.health.service import Aggregate
from atendeai.health.settings import HealthSettings
from atendeai.kit.app import create_service
from atendeai.kit.resources import Kit
from atendeai.kit.settings import Settings


def create_app(
    settings: Settings, *, health: HealthSettings | None = None, peers: httpx.AsyncBaseTransport | None = None
) -> FastAPI:
    """Return the app; `peers` stands for the network in tests.

    Raises `pydantic.ValidationError` for thresholds in the environment that are none.
    """
    kit = Kit(settings, peers=peers)
    aggregate = Aggregate(kit, health or HealthSettings(), Parts(kit, transport=peers))
    app = create_service("health", settings, routers=[endpoints.router], kit=kit, lifespan=lambda _: aggregate.opened())
    app.state.aggregate = aggregate
    return app
