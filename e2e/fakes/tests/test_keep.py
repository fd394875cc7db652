"""What the fakes remember is written down after what may have changed it, and not looked through in between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from fakes.google import create_google
from fakes.graph import create_graph
from fakes.keep import Keeper


class Memory:
    """Something to remember, that counts how often it was looked through."""

    def __init__(self) -> None:
        self.holds: Any = None
        self.looks = 0

    def remembered(self) -> Any:
        self.looks += 1
        return self.holds

    def recall(self, memory: Any) -> None:
        self.holds = memory


def kept_in(path: Path) -> Any:
    memory = Memory()
    Keeper(path, memory.remembered, memory.recall).load()
    return memory.holds


def test_nothing_is_looked_through_until_something_may_have_changed(tmp_path: Path) -> None:
    memory, path = Memory(), tmp_path / "state"
    keeper = Keeper(path, memory.remembered, memory.recall)
    keeper.look()
    assert memory.looks == 0
    memory.holds = "first"
    keeper.touch()
    keeper.look()
    assert kept_in(path) == "first"
    memory.holds = "second"  # what was asked goes on in the background, after its answer
    keeper.look()
    assert kept_in(path) == "second"
    keeper.look()
    settled = memory.looks
    keeper.look()
    assert memory.looks == settled


def test_a_volume_that_refuses_is_written_later(tmp_path: Path) -> None:
    memory, path = Memory(), tmp_path / "away" / "state"
    memory.holds = "first"
    keeper = Keeper(path, memory.remembered, memory.recall)
    keeper.touch()
    with pytest.raises(OSError, match="away"):
        keeper.look()
    path.parent.mkdir()
    keeper.look()
    assert kept_in(path) == "first"


@pytest.mark.parametrize("create", [lambda path: create_graph(keep=path), create_google], ids=["graph", "google"])
def test_a_request_is_noted_and_a_look_from_outside_is_not(
    create: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fakes.keep.EVERY_SECONDS", 3600)  # this test alone looks
    path = tmp_path / "state"
    with TestClient(create(path)) as client:
        keeper = client.app.state.keeper  # type: ignore[attr-defined]
        assert client.get("/healthz").status_code == 200
        assert client.get("/_fake/faults").status_code == 200
        keeper.look()
        assert not path.exists()
        client.post("/_fake/reset")
        keeper.look()
        assert path.exists()
