"""Builds the health service."""

from __future__ import annotations

import httpx
from fastapi import FastAPI

from atendeai.health.service import Aggregate
from atendeai.kit.app import create_service
from atendeai.kit.resources import Kit
from atendeai.kit.settings import Settings


def create_app(settings: Settings, *, peers: httpx.AsyncBaseTransport | None = None) -> FastAPI:
    """Return the app; `peers` stands for the network in tests."""
    kit = Kit(settings)
    aggregate = Aggregate(kit, transport=peers)
    return create_service(
        "health", settings, routers=[], kit=kit, report=aggregate.report, lifespan=lambda _: aggregate.opened()
    )
