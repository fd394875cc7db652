"""How the user service is built."""

from __future__ import annotations

from fastapi import FastAPI

from atendeai.kit.app import create_service
from atendeai.kit.resources import Kit
from atendeai.kit.settings import Settings
from atendeai.user.endpoints import internal, public


def create_app(settings: Settings, *, kit: Kit | None = None) -> FastAPI:
    """The user service's app."""
    return create_service("user", settings, routers=[public, internal], kit=kit)
