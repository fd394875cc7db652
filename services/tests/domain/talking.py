"""Holding a dialogue with the attendant, as `python -m atendeai.conversation converse` does."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pytest

from atendeai.conversation.shell import converse
from atendeai.domain.understanding.intent import Intent
from atendeai.domain.understanding.intents import Classifier
from atendeai.domain.understanding.model import trained


def hold(scene: Mapping[str, Any], messages: Iterable[str]) -> list[dict[str, Any]]:
    """Say messages one after the other in a scene; one answer for each."""
    lines = [scene, *({"text": message} for message in messages)]
    return list(converse(io.StringIO("\n".join(json.dumps(line) for line in lines))))


class Doubting:
    """The build's classifier, but for one sign of an emergency of which it is not sure whatever it was taught."""

    SIGN = "derrame"

    def __init__(self, judge: Classifier) -> None:
        self._judge = judge

    def margins(self, norm: str, marks: Collection[str]) -> Mapping[Intent, float]:
        """As far as the classifier's, save where the sign stands."""
        margins = self._judge.margins(norm, marks)
        return {**margins, Intent.EMERGENCY: 0.2} if self.SIGN in norm else margins


def doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have messages with the sign read by it."""
    judge = trained()
    assert judge is not None
    for room in ("understanding.judge", "dialogue.reading"):
        monkeypatch.setattr(f"atendeai.domain.{room}.trained", lambda: Doubting(judge))
