"""Learns the weights of the classifier of intents and writes them: ``python -m training.train`` in services/.

The build runs it; the same phrases give the same file, which is why a file once made is kept in the user's cache under
a digest of all that it is learnt from. A linear support vector machine on pieces of words, words and the rules' marks
(scikit-learn's LinearSVC), rounded to one byte a weight.
"""

import argparse
import base64
import hashlib
import json
import os
import platform
import tempfile
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import sklearn
from scipy.sparse import csr_matrix
from sklearn.svm import LinearSVC

from atendeai.domain.understanding import dates, entities
from atendeai.domain.understanding.emergency import signs
from atendeai.domain.understanding.features import names, vector
from atendeai.domain.understanding.intents import by_rules
from atendeai.domain.understanding.judge import as_told, marks
from atendeai.domain.understanding.model import FILE
from atendeai.domain.understanding.normalise import normalise
from atendeai.domain.understanding.telling import told
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
    features = sorted(name for name, n in often.items() if n >= _SEEN_OFTEN)
    weights = _fitted(seen, intents, features).coef_.T
    kept = np.sort(np.argsort(-np.abs(weights).max(axis=1), kind="stable")[:_MOST_FEATURES])
    features = [features[i] for i in kept]
    judge = _fitted(seen, intents, features)  # again with what is kept alone: what is left out lengthens the rest
    weights = judge.coef_.T
    scale = float(np.abs(weights).max()) / _LARGEST_BYTE
    return {
        "intents": [str(intent) for intent in judge.classes_],
        "bias": [round(float(bias), 4) for bias in judge.intercept_],
        "features": features,
        "scale": scale,
        "weights": base64.b64encode(np.round(weights / scale).astype(np.int8).tobytes()).decode(),
    }


def _fitted(seen: Sequence[Seen], intents: Sequence[str], features: Sequence[str]) -> LinearSVC:
    """A machine that knows these features and no others."""
    known = {name: i for i, name in enumerate(features)}
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
    return LinearSVC(C=_REGULARISATION, random_state=0).fit(matrix, intents)


def apart(seen: Seen) -> Seen | None:
    """What a message tells apart from what it asks for, where danger is named: the classifier judges that as well."""
    alone = told(seen.norm)
    if alone in {"", seen.norm} or "danger" not in signs(alone):
        return None
    _, found = as_told(alone)
    return Seen(alone, found)


def train(given: Sequence[Phrase]) -> dict[str, Any]:
    """The weights learnt from phrases and what happens to them on a phone."""
    every = [(see(phrase.text), phrase.intent) for phrase in (*given, *disturbed(list(given)))]
    every += [(alone, intent) for seen, intent in every if (alone := apart(seen)) is not None]
    return learn([seen for seen, _ in every], [intent for _, intent in every])


def _taught_by() -> str:
    """A digest of all that decides what is learnt: phrases, the code that reads them, the libraries' versions."""
    here = Path(__file__).parent
    sources = [*here.glob("*.py"), *here.glob("phrases/*.txt"), *FILE.parent.glob("*.py")]
    versions = (platform.python_version(), sklearn.__version__, scipy.__version__, np.__version__)
    digest = hashlib.sha256(" ".join(versions).encode())
    for source in sorted(sources, key=lambda path: (path.parent.name, path.name)):
        digest.update(f"{source.parent.name}/{source.name}\0".encode() + source.read_bytes() + b"\0")
    return digest.hexdigest()[:24]


def _kept() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "atendeai" / "model" / f"intents-{_taught_by()}.json"


def _write(path: Path, content: str) -> None:
    """Write a file whole or not at all: another build may be reading it."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as beside:
        beside.write(content)
    Path(beside.name).chmod(0o644)
    Path(beside.name).replace(path)


def made() -> str:
    """The classifier's file, learnt now unless it was learnt from the very same before."""
    with suppress(OSError, RuntimeError):
        return _kept().read_text("utf-8")
    content = json.dumps(train(phrases()), ensure_ascii=False, separators=(",", ":")) + "\n"
    with suppress(OSError, RuntimeError):  # no home, or none that can be written to, costs the time again, nothing else
        kept = _kept()
        kept.parent.mkdir(parents=True, exist_ok=True)
        _write(kept, content)
    return content


def main(argv: list[str] | None = None) -> int:
    """Trains and writes."""
    parser = argparse.ArgumentParser(prog="training.train", description="Learn the classifier of intents.")
    parser.add_argument("--to", type=Path, default=FILE, help="the file to write")
    options = parser.parse_args(argv)
    _write(options.to, made())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
