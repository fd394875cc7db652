"""The classifier of intents: what it learns from, and that it is applied as it was learnt."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from atendeai.domain.understanding.intent import Intent
from atendeai.domain.understanding.model import LinearModel, from_json, trained
from training import corpus, noise, train

EVAL = Path(__file__).parents[2] / "eval"


def plain(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()


@pytest.fixture(scope="module")
def phrases() -> list[corpus.Phrase]:
    return corpus.phrases()


def test_every_intent_is_taught_by_many_families(phrases: list[corpus.Phrase]) -> None:
    families: dict[str, set[str]] = {}
    for phrase in phrases:
        families.setdefault(phrase.intent, set()).add(phrase.family)
    assert set(families) == {str(intent) for intent in Intent}
    assert min(len(family) for family in families.values()) >= 10


def test_what_is_measured_is_not_taught(phrases: list[corpus.Phrase]) -> None:
    """Short phrases are said by everybody, and patterns meet a longer one by chance; more would be copying."""
    taught = {plain(phrase.text) for phrase in phrases}
    lines = (EVAL / "heldout/utterances.jsonl").read_text("utf-8").splitlines()
    measured = {text for text in (plain(json.loads(line)["text"]) for line in lines) if len(text.split()) > 4}
    assert len(taught & measured) < len(measured) / 50


def test_patterns_expand_alike_everywhere() -> None:
    assert corpus.expand("[quero|queria] marcar") == corpus.expand("[quero|queria] marcar")
    assert set(corpus.expand("[quero|queria] marcar[ já|]")) <= {
        "quero marcar",
        "queria marcar",
        "quero marcar já",
        "queria marcar já",
    }


def test_noise_keeps_the_intent_or_the_first_of_two(phrases: list[corpus.Phrase]) -> None:
    few = [corpus.Phrase("quanto custa", "ask_price", "p"), corpus.Phrase("não consigo respirar", "emergency", "e")] * 8
    for made in noise.disturbed(few):
        holds_both = "quanto" in made.text and "respirar" in made.text
        assert made.intent == ("emergency" if holds_both or made.family == "e" else "ask_price")


def test_what_was_learnt_is_what_is_applied() -> None:
    texts = {
        "book": ["quero marcar consulta", "marcar uma consulta", "quero marcar", "marcar consulta já"],
        "ask_price": ["quanto custa", "qual o preço da consulta", "quanto custa a consulta", "qual o preço"],
        "goodbye": ["tchau", "tchau tchau", "até logo tchau", "tchau gente"],
    }
    seen = [(train.see(text), intent) for intent, several in texts.items() for text in several]
    model: LinearModel = from_json(train.learn([each for each, _ in seen], [intent for _, intent in seen]))
    for each, intent in seen:
        margins = model.margins(each.norm, each.marks)
        assert max(margins, key=margins.__getitem__) == intent


def test_the_build_trained_it() -> None:
    model = trained()
    assert model is not None
    assert set(model.intents) == set(Intent)


def test_what_was_learnt_from_the_very_same_is_not_learnt_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    learnt: list[int] = []

    def counted(given: Sequence[corpus.Phrase]) -> dict[str, Any]:
        learnt.append(len(given))
        return {"times": len(learnt)}

    monkeypatch.setattr(train, "train", counted)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert [train.made(), train.made()] == ['{"times":1}\n'] * 2
    monkeypatch.setattr(train, "_taught_by", lambda: "other phrases")
    assert train.made() == '{"times":2}\n'
    nowhere = tmp_path / "file"
    nowhere.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(nowhere))
    assert train.made() == '{"times":3}\n', "a cache that cannot be written to is done without"
