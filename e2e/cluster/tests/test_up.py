"""What `make up` tells whoever waits for it: one clock for all its programs, and of each part how it stands now."""

import os
import re
import subprocess
import sys
import time
from typing import Any

import pytest

from cluster import paths
from local import deploy

SAY = "from cluster import steps; steps.say('here')"


def said(started: str | None) -> int:
    """The seconds since the start that another process of the same run shows."""
    env = {name: value for name, value in os.environ.items() if name != "ATENDEAI_STARTED"}
    env |= {"PYTHONPATH": str(paths.HERE.parent)} | ({} if started is None else {"ATENDEAI_STARTED": started})
    done = subprocess.run([sys.executable, "-c", SAY], env=env, capture_output=True, text=True, check=True)
    shown = re.fullmatch(r"\[ *(\d+):(\d\d)\] here\n", done.stderr)
    assert shown, done.stderr
    return int(shown[1]) * 60 + int(shown[2])


def test_all_programs_of_a_run_count_from_its_start() -> None:
    assert 125 <= said(str(int(time.time()) - 125)) < 185


@pytest.mark.parametrize("started", [None, "", "yesterday", str(int(time.time()) + 3600)])
def test_a_program_by_itself_counts_from_its_own(started: str | None) -> None:
    assert said(started) < 60


def resource(status: str, generation: int, observed: int) -> dict[str, Any]:
    told = {"reason": "Ready" if status == "True" else "Progressing", "message": "Version 1 is running."}
    ready = {"type": "Ready", "status": status, "observedGeneration": observed, **told}
    return {"metadata": {"generation": generation}, "status": {"conditions": [ready]}}


@pytest.mark.parametrize("before", [resource("True", 2, 1), resource("True", 2, 2), resource("False", 2, 1)])
def test_what_was_before_the_change_is_not_told_as_its_state(before: dict[str, Any]) -> None:
    assert deploy.standing(before) == "the operator has yet to take up the change"


def test_what_is_awaited_says_what_it_waits_for() -> None:
    assert deploy.standing(resource("False", 2, 2)) == "Progressing Version 1 is running."
    assert deploy.standing({"metadata": {"generation": 1}}) == "the operator has yet to take up the change"
