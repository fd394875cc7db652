"""The option that rewrites the golden files: `make golden`."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite", action="store_true", help="write the golden files instead of comparing with them")


@pytest.fixture
def rewrite(request: pytest.FixtureRequest) -> bool:
    # Registered only when this folder is named on the command line, which `make golden` does.
    return bool(request.config.getoption("--rewrite", default=False))
