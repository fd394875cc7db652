"""Learns the weights of the classifier of intents and writes them: ``python -m training.train`` in services/.

The build runs it; the same phrases give the same file. A linear support vector machine on pieces of words, words and
the rules' marks (scikit-learn's LinearSVC), rounded to one byte a weight.
"""

import argparse
import base64
import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.svm import LinearSVC

from atendeai.domain.understanding import dates, entities
from atendeai.domain.understanding.features import names, vector
from atendeai.domain.understanding.intents import by_rules
from atendeai.domain.understanding.judge import marks
from atendeai.domain.understanding.model import FILE
from atendeai.domain.understanding.normalise import normalise
from training.corpus import Phrase, phrases
from training.noise import disturbed

_NOW = datetime(2026, 11, 24, 9)  # noqa: DTZ001 - a clinic's wall clock, as the engine reads it
_SEEN_OFTEN = 3
_REGULARISATION = 0.5
_MOST_FEATURES = 16_000
_LARGEST_BYTE = 127


@dataclass(frozen=True, slots=True)
class Seen:
    """A phrase as the classifier sees it."""

    norm: str
    marks: Collection[str]


def see(text: str) -> Seen:
    """Reads a message up to the point where the classifier is asked."""
    read = normalise(text)
    found = entities.find(read)
    facts = {
        "says_time": not dates.parse(read.norm, _NOW).empty,
        "names_something": bool(found.service or found.professional),
    }
    return Seen(read.norm, marks(read.norm, by_rules(read.norm, **facts), **facts))


def learn(seen: Sequence[Seen], intents: Sequence[str]) -> dict[str, Any]:
    """The weights as ``model.from_json`` reads them."""
    often = Counter(name for each in seen for name in names(each.norm, each.marks))
    known = {name: i for i, name in enumerate(sorted(name for name, n in often.items() if n >= _SEEN_OFTEN))}
    rows = [vector(each.norm, each.marks, known.__contains__) for each in seen]
    matrix = csr_matrix(
        (
            [value for row in rows for value in row.values()],
            [known[name] for row in rows for name in row],
            np.cumsum([0, *(len(row) for row in rows)]),
        ),
        shape=(len(rows), len(known)),
    )
    matrix.sort_indices()  # sets come in another order in every process; sums of floats depend on it
    judge = LinearSVC(C=_REGULARISATION, random_state=0).fit(matrix, intents)
    weights = judge.coef_.T
    kept = np.sort(np.argsort(-np.abs(weights).max(axis=1), kind="stable")[:_MOST_FEATURES])
    scale = float(np.abs(weights[kept]).max()) / _LARGEST_BYTE
    features = list(known)
    return {
        "intents": [str(intent) for intent in judge.classes_],
        "bias": [round(float(bias), 4) for bias in judge.intercept_],
        "features": [features[i] for i in kept],
        "scale": scale,
        "weights": base64.b64encode(np.round(weights[kept] / scale).astype(np.int8).tobytes()).decode(),
    }


def train(given: Sequence[Phrase]) -> dict[str, Any]:
    """The weights learnt from phrases and what happens to them on a phone."""
    every = [*given, *disturbed(list(given))]
    return learn([see(phrase.text) for phrase in every], [phrase.intent for phrase in every])


def main(argv: list[str] | None = None) -> int:
    """Trains and writes."""
    parser = argparse.ArgumentParser(prog="training.train", description="Learn the classifier of intents.")
    parser.add_argument("--to", type=Path, default=FILE, help="the file to write")
    options = parser.parse_args(argv)
    options.to.write_text(json.dumps(train(phrases()), ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
