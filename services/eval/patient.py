"""A scripted patient: knows what it wants, and answers whatever it is asked or offered; pure.

Touches nothing. A dialogue's line gives ``open`` (messages sent first, one after the other), ``slot`` (days and times
the patient accepts), ``wish`` (how it says that), ``on`` (lines keyed by what the attendant ``asks``; ``none`` where it
asks nothing, ``after`` where it asks nothing and the patient has what it came for) and ``expect``. Lines of a key are
said in turn, once each. ``@slot`` stands for the patient's own judgement of what was offered, which is also what it
does when its lines are used up; what is no matter of a slot (its name, or a cancellation) it then says again. A line
may be an object ``{"say", "slot"}``: a change of mind, after which another slot is the wanted one.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from eval.score import within

JUDGE = "@slot"
MAX_TURNS = 14
"""Messages after which a patient gives up."""

_WORD = re.compile(
    r"(?P<later>depois de amanhã)|(?P<tomorrow>amanhã)|(?P<today>\bhoje\b)"
    r"|\b(?P<day>\d{1,2})/(?P<month>\d{1,2})\b"
    r"|\b(?P<hour>\d{1,2})(?:h(?P<half>\d{2})?\b|:(?P<minute>\d{2})\b)|(?P<noon>meio-dia)",
    re.IGNORECASE,
)
_DEFAULTS = {
    "name": "Maria Aparecida dos Santos",
    "insurance": "particular",
    "professional": "tanto faz",
    "guardian": "sou eu, a mãe dele, Maria Aparecida dos Santos",
}

_OF_SLOTS = {"date", "time", "confirmation"}
_NO_END = {"answered", "nothing_booked"}
"""Outcomes that stand before the patient has said everything."""


def offers(replies: Sequence[str], today: date) -> list[tuple[str | None, str]]:
    """Day (YYYY-MM-DD, None when unsaid) and time (HH:MM) of every time named, in order."""
    found: list[tuple[str | None, str]] = []
    for reply in replies:
        day: date | None = None
        for word in _WORD.finditer(reply):
            if word["later"] or word["tomorrow"] or word["today"]:
                day = today + timedelta(2 if word["later"] else 1 if word["tomorrow"] else 0)
            elif word["day"]:
                day = _coming(int(word["day"]), int(word["month"]), today)
            else:
                hour, minute = (
                    (12, 0) if word["noon"] else (int(word["hour"]), int(word["half"] or word["minute"] or 0))
                )
                found.append((day.isoformat() if day else None, f"{hour:02d}:{minute:02d}"))
    return found


def _coming(day: int, month: int, today: date) -> date | None:
    for year in (today.year, today.year + 1):
        try:
            coming = date(year, month, day)
        except ValueError:
            continue
        if coming >= today:
            return coming
    return None


def _say(day: str | None, time: str) -> str:
    hour = f"{int(time[:2])}h{time[3:] if time[3:] != '00' else ''}"
    return f"pode ser {f'dia {day[8:]}/{day[5:7]} ' if day else ''}às {hour}"


class Patient:
    """One patient of one dialogue; ask :meth:`next` until it says nothing more."""

    def __init__(self, dialogue: Mapping[str, Any]) -> None:
        self._today = date.fromisoformat(dialogue["now"][:10])
        self._opening = list(dialogue["open"])
        self._lines = {key: list(lines) for key, lines in dialogue["on"].items()}
        self._wish: str | None = dialogue.get("wish")
        self.slot: Mapping[str, Any] = dialogue.get("slot") or {}
        self._expect: Mapping[str, Any] = dialogue["expect"]
        self._said = 0

    def next(self, answer: Mapping[str, Any] | None) -> str | None:
        """What the patient writes after ``answer`` (None at the start), or None when it falls silent."""
        if self._said >= MAX_TURNS:
            return None
        if self._opening:
            text: str | None = self._opening.pop(0)
        else:
            text = self._react(answer or {})
        self._said += text is not None
        return text

    def _react(self, answer: Mapping[str, Any]) -> str | None:
        asks = answer.get("asks")
        if asks is None:
            done = answer["state"]["outcome"] == self._expect["outcome"] not in _NO_END
            lines = self._lines.get("after" if done else "none") or []
            return self._speak(lines.pop(0), answer) if lines else None
        lines = self._lines.get(asks) or [JUDGE]
        if len(lines) > 1 or (self.slot and asks in _OF_SLOTS):
            return self._speak(lines.pop(0), answer)
        return self._speak(lines[0], answer)

    def _speak(self, line: str | Mapping[str, Any], answer: Mapping[str, Any]) -> str:
        if not isinstance(line, str):
            self.slot, self._wish = line["slot"], line["say"]
            return str(line["say"])
        asks = answer.get("asks")
        if line != JUDGE and asks != "confirmation":
            return line
        return self._judge(None if line == JUDGE else line, asks, answer)

    def _judge(self, agreed: str | None, asks: str | None, answer: Mapping[str, Any]) -> str:
        """An answer that looks at what was offered; ``agreed`` is how the patient says yes."""
        offered = offers(answer.get("replies") or (), self._today)
        fitting = [each for each in offered if within(self.slot, *each)]
        if asks == "time" and self.slot and fitting:
            return _say(*fitting[0])
        if asks == "confirmation":
            if self._wish and self.slot and offered and not fitting:
                return f"não, {self._wish}"
            return agreed or "sim"
        if asks == "service" and "service" in self._expect:
            return str(self._expect["service"]).lower()
        return _DEFAULTS.get(asks or "", self._wish or "não sei")
