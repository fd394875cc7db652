"""Holding a dialogue with the attendant, as `python -m atendeai.conversation converse` does."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

from atendeai.conversation.shell import converse


def hold(scene: Mapping[str, Any], messages: Iterable[str]) -> list[dict[str, Any]]:
    """Say messages one after the other in a scene; one answer for each."""
    lines = [scene, *({"text": message} for message in messages)]
    return list(converse(io.StringIO("\n".join(json.dumps(line) for line in lines))))
