"""Fixtures of the services' tests: real servers and clinics, see `atendeai.kit.testing`.

Imported rather than named in `pytest_plugins`, which pytest accepts in the topmost conftest only.
"""

from pathlib import Path

import pytest

from atendeai.kit.testing.plugin import client_for, clinic_factory, plain_logs, postgres, redis_server, stack

__all__ = ["client_for", "clinic_factory", "plain_logs", "postgres", "redis_server", "stack"]

HERE = Path(__file__).parent
PURE = (HERE / "domain", HERE / "eval")
"""Rooms without a server. `make integration` does not read them: half of collecting tests is to import their files."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a server, whether its author thought of it or not: the unit tests start none."""
    for item in items:
        if HERE in item.path.parents and {"postgres", "redis_server"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.integration)
        if item.get_closest_marker("integration") and any(room in item.path.parents for room in PURE):
            raise pytest.UsageError(f"{item.nodeid} needs a server: move it out of {item.path.parent.name}/")
