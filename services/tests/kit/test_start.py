"""What a process reads before it answers, and what it does not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from atendeai.kit.settings import SERVICE_PORTS

_LOADED = """
import sys
from atendeai.kit.start import importing

with importing():
    import atendeai.kit.main
    import atendeai.{name}.app
print(*sys.modules)
"""


def run(code: str) -> set[str]:
    """What a process of its own prints, word by word."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60, env=environment
    )
    assert done.returncode == 0, done.stderr[-500:]
    return set(done.stdout.split())


@pytest.mark.parametrize("name", SERVICE_PORTS)
def test_a_start_reads_nothing_that_nobody_has_asked_for_yet(name: str) -> None:
    modules = run(_LOADED.format(name=name))
    assert f"atendeai.{name}.app" in modules
    unread = {"atendeai.domain.understanding.model", "limits", "opentelemetry.sdk", "rich", "httpx._main", "sklearn"}
    assert not unread & modules


def test_what_a_start_spares_is_there_afterwards() -> None:
    names = run(_LOADED.format(name="auth") + "import opentelemetry.sdk.metrics, rich\nprint(*sys.modules)")
    assert {"opentelemetry.sdk.metrics", "rich"} <= names
