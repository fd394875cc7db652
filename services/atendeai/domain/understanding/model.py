"""The trained classifier: weights that the build learns from ``services/training`` and lays beside this module.

Plain JSON with one byte a weight, read when the first message comes: no library is needed to apply it, and a service
that starts pays nothing. Where it was not built, the rules decide alone.
"""

import base64
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from atendeai.domain.understanding.features import vector, word_feature
from atendeai.domain.understanding.intent import Intent

FILE = Path(__file__).with_name("intents.model.json")
"""Where the build puts the weights; not part of the repository."""


@dataclass(frozen=True, slots=True)
class LinearModel:
    """A linear classifier, one against the rest for each intent.

    ``weights[rows[feature] * len(intents) + i]`` times ``scale`` is the weight of a feature for ``intents[i]``.
    """

    intents: tuple[Intent, ...]
    bias: tuple[float, ...]
    rows: Mapping[str, int]
    weights: memoryview
    scale: float

    def knows(self, word: str) -> bool:
        """Whether a normalised word stood in what it was taught with."""
        return word_feature(word) in self.rows

    def margins(self, norm: str, marks: Collection[str]) -> dict[Intent, float]:
        """How far a normalised message lies on an intent's side (positive) or on that of all others (negative)."""
        width = len(self.intents)
        sums = [0.0] * width
        for name, value in vector(norm, marks, self.rows.__contains__).items():
            start = self.rows[name] * width
            for i, weight in enumerate(self.weights[start : start + width]):
                sums[i] += value * weight
        return {
            intent: bias + self.scale * total for intent, bias, total in zip(self.intents, self.bias, sums, strict=True)
        }


def from_json(data: Mapping[str, Any]) -> LinearModel:
    """Reads what the build wrote. Raises KeyError or ValueError when it is something else."""
    return LinearModel(
        intents=tuple(Intent(name) for name in data["intents"]),
        bias=tuple(data["bias"]),
        rows={name: row for row, name in enumerate(data["features"])},
        weights=memoryview(base64.b64decode(data["weights"])).cast("b"),
        scale=data["scale"],
    )


@lru_cache(maxsize=1)
def trained() -> LinearModel | None:
    """The build's classifier, read once; None where none was built."""
    if not FILE.exists():
        return None
    return from_json(json.loads(FILE.read_text("utf-8")))
