"""Every change in the audit log says why: each place of the sources that writes an event is looked at."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import atendeai
from atendeai.kit import audit

SOURCES = Path(atendeai.__file__).parent
CODE = re.compile(r"[a-z]+(-[a-z]+)+")

WRITTEN_BY_HAND = {"appointment/diary_repository.py": "appointment.list", "kit/audit.py": None}
"""Where a statement of its own writes an event, and which one: `audit.record`, and the diary's list in one round."""


def modules() -> Iterator[tuple[str, str]]:
    for path in sorted(SOURCES.rglob("*.py")):
        if "migrations" not in path.parts:
            yield path.relative_to(SOURCES).as_posix(), path.read_text(encoding="utf-8")


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Give every call of `audit.record`, whatever the module calls it."""
    for name, source in modules():
        tree = ast.parse(source)
        own = {
            alias.asname or alias.name
            for one in ast.walk(tree)
            if isinstance(one, ast.ImportFrom) and one.module == "atendeai.kit.audit"
            for alias in one.names
            if alias.name == "record"
        }
        for one in ast.walk(tree):
            if isinstance(one, ast.Call) and (
                ast.unparse(one.func) == "audit.record" or (isinstance(one.func, ast.Name) and one.func.id in own)
            ):
                yield f"{name}:{one.lineno}", one


def reading(action: ast.expr) -> bool:
    """Whether an action only reads; one that is put together counts as a change."""
    return (
        isinstance(action, ast.Constant)
        and isinstance(action.value, str)
        and action.value.rpartition(".")[2] in audit.READING
    )


def test_every_event_of_a_change_is_written_with_a_reason() -> None:
    looked_at = 0
    for where, call in calls():
        looked_at += 1
        given = {one.arg: one.value for one in call.keywords}
        assert len(call.args) >= 5, f"{where}: connection, clinic, actor, action and target stand first"
        if reading(call.args[3]):
            continue
        reason = given.get("reason")
        assert reason is not None, f"{where}: {ast.unparse(call.args[3])} changes something and says no reason"
        if isinstance(reason, ast.Constant):
            assert isinstance(reason.value, str), f"{where}: a reason is a text"
            assert CODE.fullmatch(reason.value) or reason.value in {"booked", "sign-in"}, f"{where}: {reason.value}"
    assert looked_at > 30, "the calls are found"


def test_no_event_is_written_past_the_log() -> None:
    found = {name for name, source in modules() if "INSERT INTO atendeai.audit_event" in source}
    assert found == set(WRITTEN_BY_HAND)
    for name, action in WRITTEN_BY_HAND.items():
        if action is not None:
            assert action.rpartition(".")[2] in audit.READING
            assert f"'{action}'" in (SOURCES / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("reason", [None, ""])
async def test_the_audit_log_takes_no_change_without_a_reason(reason: str | None) -> None:
    nowhere: Any = None
    with pytest.raises(ValueError, match=r"thing\.paint is a change, and says no reason"):
        await audit.record(nowhere, uuid4(), "service:test", "thing.paint", "thing:1", {"count": 1}, reason=reason)
