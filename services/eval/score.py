"""Compares an answer with its label and counts; pure.

Touches nothing: no file, no process, no clock. The labels follow the conventions of dates and intents which
``services/README.md`` and the data's own README describe.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

DATE_KEYS = ("date", "time", "time_from", "time_to", "date_from", "date_to")
INTENTS = (
    "emergency",
    "cancel",
    "reschedule",
    "book",
    "opt_out",
    "data_request",
    "human",
    "results_or_prescription",
    "running_late",
    "list_appointments",
    "ask_availability",
    "ask_hours",
    "ask_address",
    "ask_price",
    "ask_insurance",
    "ask_service",
    "confirm_yes",
    "confirm_no",
    "greeting",
    "thanks",
    "goodbye",
    "out_of_scope",
)
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of successes; ``goal`` is the share wished for, where there is one."""

    name: str
    hits: int
    total: int
    goal: float | None = None

    @property
    def value(self) -> float:
        """The share, 0 where nothing was counted."""
        return self.hits / self.total if self.total else 0.0

    def interval(self, z: float = 1.959964) -> tuple[float, float]:
        """Wilson's score interval at ``z`` standard deviations (95 % as it stands)."""
        if not self.total:
            return 0.0, 1.0
        n, p = self.total, self.value
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    @property
    def met(self) -> bool:
        """Whether the share itself, not its interval, reaches the goal."""
        return self.goal is None or self.value >= self.goal


def _keys(answer: Json) -> dict[str, Any]:
    return {key: answer[key] for key in DATE_KEYS if answer.get(key) is not None}


def _candidates(answer: Json) -> set[tuple[tuple[str, Any], ...]]:
    """The candidates as a set; what is said beside them (a time, mostly) holds for each."""
    beside = _keys(answer)
    return {tuple(sorted({**beside, **_keys(each)}.items())) for each in answer.get("candidates") or ()}


def same_dates(expected: Json, answer: Json) -> bool:
    """Whether every date key is as labelled and there is none besides.

    An ambiguous label without candidates asks only that the answer says so too.
    """
    if expected.get("invalid") or answer.get("invalid"):
        return bool(expected.get("invalid")) == bool(answer.get("invalid"))
    if expected.get("ambiguous") or answer.get("ambiguous"):
        if not (expected.get("ambiguous") and answer.get("ambiguous")):
            return False
        return not expected.get("candidates") or _candidates(expected) == _candidates(answer)
    return _keys(expected) == _keys(answer)


def utterance_rates(pairs: Iterable[tuple[Json, Json]]) -> list[Rate]:
    """The rows of the table for ``(label, answer)`` of single messages."""
    pairs = list(pairs)
    named = [a["intent"] == e["intent"] for e, a in pairs if e["intent"] is not None]
    rows = [Rate("intents", sum(named), len(named), 0.95)]
    for intent in INTENTS:
        of_it = [a["intent"] == intent for e, a in pairs if e["intent"] == intent]
        rows.append(Rate(f"  {intent}", sum(of_it), len(of_it)))
    mixed = [a["intent"] == e["intent"] for e, a in pairs if "precedence" in e.get("tags", ())]
    rows.append(Rate("  (several in one)", sum(mixed), len(mixed)))
    dated = [same_dates(e["dates"], a) for e, a in pairs if e["dates"]]
    rows.append(Rate("dates, exactly", sum(dated), len(dated), 0.97))
    for kind in ("ambiguous", "invalid"):
        of_it = [same_dates(e["dates"], a) for e, a in pairs if e["dates"] and e["dates"].get(kind)]
        rows.append(Rate(f"  {kind}", sum(of_it), len(of_it)))
    undated = [same_dates({}, a) for e, a in pairs if e["dates"] == {}]
    rows.append(Rate("no date where none is", sum(undated), len(undated)))
    real = [a["intent"] == "emergency" for e, a in pairs if e["intent"] == "emergency"]
    said = [e["intent"] == "emergency" for e, a in pairs if a["intent"] == "emergency"]
    rows.append(Rate("emergencies, recall", sum(real), len(real), 0.99))
    rows.append(Rate("emergencies, precision", sum(said), len(said), 0.90))
    near = [a["intent"] != "emergency" for e, a in pairs if "near_miss" in e.get("tags", ())]
    rows.append(Rate("  near misses let pass", sum(near), len(near)))
    return rows


def within(slot: Json, day: str | None, time: str | None) -> bool:
    """Whether a day (YYYY-MM-DD) and time (HH:MM) lie in what the patient accepts.

    What is not known is not held against it. ``time_to`` is the last start accepted, the other bounds count too.
    """
    if day is not None and not (
        slot.get("date", day) == day and slot.get("date_from", day) <= day <= slot.get("date_to", day)
    ):
        return False
    return time is None or (
        slot.get("time", time) == time and slot.get("time_from", time) <= time <= slot.get("time_to", time)
    )


def dialogue_fault(dialogue: Json, state: Json) -> str | None:
    """What the last state lacks of the dialogue's end, or None when it is as it should be."""
    for key, wanted in dialogue["expect"].items():
        given = state.get(key)
        if given not in (wanted if isinstance(wanted, list) else [wanted]):
            return f"{key} is {given!r}, not {wanted!r}"
    slot = dialogue.get("slot")
    if (
        slot
        and state["outcome"] in {"booked", "rescheduled"}
        and (state.get("date") is None or not within(slot, state["date"], state.get("time")))
    ):
        return f"{state.get('date')} {state.get('time')} is not within {dict(slot)}"
    return None


def table(rows: Iterable[Rate]) -> str:
    """Lines of name, share, interval, count and goal."""
    lines = [f"{'':26}{'share':>8}  {'95 % interval':>15}  {'count':>9}  goal"]
    for row in rows:
        low, high = row.interval()
        goal = "" if row.goal is None else f"{row.goal:.0%} {'met' if row.met else 'MISSED'}"
        if not row.total:
            lines.append(f"{row.name:26}{'-':>8}")
            continue
        lines.append(
            f"{row.name:26}{row.value:8.1%}  {low:6.1%} –{high:6.1%}  {row.hits:4}/{row.total:<4}  {goal}".rstrip()
        )
    return "\n".join(lines)
