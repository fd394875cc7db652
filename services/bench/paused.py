"""A service whose workers are paused: ``python -m bench.paused whatsapp``.

What a service stores is handed on by its workers, in the same process; the peer has none. So that storing is compared
with storing, they do not start here.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from atendeai.kit import app
from atendeai.kit.main import run


class Paused:
    """Stands for `WorkLoops`."""

    def __init__(self, *_: Any) -> None:
        pass

    async def start(self) -> None:
        """Start nothing."""

    async def stop(self, grace: float) -> None:
        """Nothing runs."""


if __name__ == "__main__":
    vars(app)["WorkLoops"] = Paused
    run(sys.argv[1], importlib.import_module(f"atendeai.{sys.argv[1]}.app").create_app)
