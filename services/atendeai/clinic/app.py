"""Builds the clinic service."""

from __future__ import annotations

from fastapi import FastAPI

from atendeai.clinic.endpoints import router
from atendeai.clinic.profile_routes import router as profile_router
from atendeai.kit.app import create_service
from atendeai.kit.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """Return the app; it holds no state of its own."""
    return create_service("clinic", settings, routers=[profile_router, router])
