"""The most frequent dialogues, reply by reply, as a patient reads them (``transcripts.txt``). It is 24/11/2026, 9h.

``#`` names a dialogue, ``@`` is what its scene has beside the usual, ``>`` a message, ``<`` a reply; what follows in
it is indented. A reply that changes is read again in Portuguese before it is written down here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.domain.test_dialogue import talk

FILE = Path(__file__).with_name("transcripts.txt")


class Transcript(NamedTuple):
    name: str
    scene: dict[str, Any]
    messages: list[str]
    replies: list[list[str]]


def transcripts() -> list[Transcript]:
    found: list[Transcript] = []
    for line in FILE.read_text("utf-8").splitlines():
        mark, text = line[:2], line[2:]
        if mark == "# ":
            found.append(Transcript(text, {}, [], []))
        elif mark == "@ ":
            found[-1].scene.update(json.loads(text))
        elif mark == "> ":
            found[-1].messages.append(text)
            found[-1].replies.append([])
        elif mark == "< ":
            found[-1].replies[-1].append(text)
        elif mark == "  ":
            found[-1].replies[-1][-1] += f"\n{text}"
    return found


@pytest.mark.parametrize("transcript", transcripts(), ids=lambda t: t.name)
def test_a_dialogue_reads_as_it_was_written_down(transcript: Transcript) -> None:
    answers = talk(*transcript.messages, **transcript.scene)
    assert [answer["replies"] for answer in answers] == transcript.replies


def test_every_reply_ends_its_sentence_and_asks_one_thing_at_most() -> None:
    for transcript in transcripts():
        for replies in transcript.replies:
            assert all(reply[-1] in ".?!" for reply in replies)
            assert sum(reply.count("?") for reply in replies) <= 1, replies
