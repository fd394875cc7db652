"""What a sign under a message of the clinic's stands for."""

from __future__ import annotations

import pytest

from atendeai.conversation.reactions import doubted, stands_alone, stands_for

REMINDER = ["confirm:a1", "cancel:a1"]
OFFER = ["accept:a2", "decline:a2"]


@pytest.mark.parametrize(
    ("sign", "choices", "pressed"),
    [
        *((sign, REMINDER, "confirm:a1") for sign in ("👍", "👍🏿", "👌🏽", "✅", "✔️", "☑️", "🆗", "🙏🏻", "❤️", "❤")),
        ("👍", OFFER, "accept:a2"),
        ("👎", REMINDER, "doubt:a1"),
        ("👎🏾", REMINDER, "doubt:a1"),
        ("❌", REMINDER, "doubt:a1"),
        ("❌", OFFER, None),
        ("😂", REMINDER, None),
        ("😢", OFFER, None),
        ("", REMINDER, None),
        ("👍👎", REMINDER, None),
        ("👍", [], None),
        ("👍", ["slot-1", "confirm:"], None),
    ],
)
def test_a_sign_under_a_question(sign: str, choices: list[str], pressed: str | None) -> None:
    assert stands_for(sign, choices) == pressed
    assert stands_alone(pressed) is (pressed is not None)


def test_an_option_stands_alone_and_no_sign_presses_it() -> None:
    assert stands_alone("pick:accept:0a1b2c")
    assert stands_for("👍", ["pick:accept:0a1b2c", "pick:other:0a1b2c"]) is None


def test_whose_reminder_was_refused() -> None:
    assert [doubted(one) for one in ("doubt:a1", "confirm:a1", "doubt:", None)] == ["a1", None, None, None]
