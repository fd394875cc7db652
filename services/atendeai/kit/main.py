"""`run`: what `python -m atendeai.<service>` does."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

import structlog
import uvicorn
from fastapi import FastAPI
from pydantic_settings import BaseSettings

from atendeai.kit.environment import EXIT_CONFIGURATION, ConfigurationError, load, unknown
from atendeai.kit.logging import configure
from atendeai.kit.settings import Settings
from atendeai.kit.start import quickly

if TYPE_CHECKING:
    from atendeai.kit.resources import Kit

log = structlog.get_logger(__name__)


class _DrainingServer(uvicorn.Server):
    """Answers on for a few seconds after SIGTERM while not being ready, so that nobody is sent to a closed door."""

    def __init__(self, config: uvicorn.Config, kit: Kit) -> None:
        super().__init__(config)
        self._kit = kit

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        again = self._kit.draining
        self._kit.drain()
        if sig != signal.SIGTERM or again or self._kit.settings.drain_seconds == 0:
            super().handle_exit(sig, frame)
            return
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(loop.call_later, self._kit.settings.drain_seconds, super().handle_exit, sig, frame)


def run(name: str, create_app: Callable[[Settings], FastAPI], *others: type[BaseSettings]) -> None:
    """Serve until SIGTERM. Exits with 2 and names every wrong variable when the environment is not complete.

    `others` are settings that the service reads from the environment besides.
    """
    try:
        settings = load(name, *others)
    except ConfigurationError as error:
        print(error, file=sys.stderr)  # noqa: T201 - there is no log before the settings
        sys.exit(EXIT_CONFIGURATION)
    configure(settings)
    for variable, meant in unknown(os.environ, *others):
        log.warning("variable_unknown", variable=variable, meant=meant)
    with quickly():
        app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.bind_host,
        port=settings.listen_port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=int(settings.grace_seconds),
        loop="uvloop",
        http="httptools",
        lifespan="on",
    )
    _DrainingServer(config, app.state.kit).run()
