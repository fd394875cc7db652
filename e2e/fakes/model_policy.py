"""What the fake model says: a fixed policy over the tools that it is offered. The same words bring the same answer.

It knows what any model would: what day it is by the system's words, what the person wrote last, and what the tools have
told since. A wish for a time it takes from the clinic's own services to free times and to the offer of one of them: the
first at the hour that was named, or the last that it was told of. It calls no tool that it is not offered.
"""

import datetime as dt
import json
import re
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

_TODAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_DAY = re.compile(r"\b(\d{1,2})/(\d{1,2})\b")
_HOUR = re.compile(r"\b(\d{1,2}) ?h(\d{2})?\b")
_NAME = re.compile(r"\[NOME_\d+\]")
_WITHIN = dt.timedelta(days=7)


@dataclass(frozen=True)
class Said:
    """A model's word: what it says, or which tool it calls with which arguments."""

    content: str | None = None
    tool: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Turn:
    """What there is to go by. ``tool`` was used last, None before the first, asked with ``asked``; it told ``told``."""

    wish: str
    today: dt.date
    tool: str | None = None
    asked: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)


def answer(messages: Sequence[dict[str, Any]], offered: Collection[str]) -> Said:
    """The next word in a conversation that `model_shapes.check` has let through."""
    turn = _read(messages)
    said = _otherwise(turn) if "error" in turn.told else _next(turn)
    if said.tool is None or said.tool in offered:
        return said
    return Said("Não sei responder a isso. Pode explicar melhor?")


def _read(messages: Sequence[dict[str, Any]]) -> _Turn:
    last = max((at for at, one in enumerate(messages) if one["role"] == "user"), default=0)
    system = " ".join(str(one["content"]) for one in messages if one["role"] in {"system", "developer"})
    named = _TODAY.search(system)
    today = dt.date.fromisoformat(named[0]) if named else dt.datetime.now(dt.UTC).date()
    turn = _Turn(str(messages[last]["content"]).casefold(), today)
    if messages[-1]["role"] != "tool":
        return turn
    calls = {call["id"]: call["function"] for one in messages[last:] for call in one.get("tool_calls") or ()}
    used = calls[messages[-1]["tool_call_id"]]
    told = json.loads(messages[-1]["content"])
    return replace(turn, tool=used["name"], asked=json.loads(used["arguments"]), told=told)


def _next(turn: _Turn) -> Said:
    """The first wish that is recognised, led on by its steps: what is done after which tool."""
    for words, steps in _WISHES:
        if re.search(words, turn.wish):
            return steps.get(turn.tool, _otherwise)(turn)
    return _otherwise(turn)


def _otherwise(_: _Turn) -> Said:
    return Said(tool="hand_off", arguments={"reason": "o assistente não soube responder"})


def _info(_: _Turn) -> Said:
    return Said(tool="clinic_info")


def _list(_: _Turn) -> Said:
    return Said(tool="list_appointments")


def _address(turn: _Turn) -> Said:
    address = turn.told["address"]
    return Said(f"Estamos na {address}.") if address else _otherwise(turn)


def _cancel(turn: _Turn) -> Said:
    appointments = turn.told["appointments"]
    if not appointments:
        return Said("Não encontrei nenhuma consulta no seu nome.")
    return Said(tool="ask_cancel", arguments={"appointment": appointments[0]["label"]})


def _search(turn: _Turn) -> Said:
    services = turn.told["services"]
    service = next((one for one in services if one["name"].casefold() in turn.wish), services[0])
    day, hour = _day(turn), _HOUR.search(turn.wish)
    first, last = (day, day) if day else (turn.today + dt.timedelta(days=1), turn.today + _WITHIN)
    wanted = {"service": service["code"], "date_from": first.isoformat(), "date_to": last.isoformat()}
    named = {"time_from": f"{int(hour[1]):02}:{hour[2] or '00'}"} if hour else {}
    return Said(tool="search_slots", arguments=wanted | named)


def _day(turn: _Turn) -> dt.date | None:
    """The day that the person names by its number and month: the next one that is called so, if any is."""
    found = _DAY.search(turn.wish)
    if found is None:
        return None
    for year in (turn.today.year, turn.today.year + 1):
        with suppress(ValueError):
            day = dt.date(year, int(found[2]), int(found[1]))
            if day >= turn.today:
                return day
    return None


def _offer(turn: _Turn) -> Said:
    slots = turn.told["slots"]
    if turn.told.get("reason") == "calendar_unavailable":
        return _otherwise(turn)
    if not slots:
        return Said("Não tenho horário livre nesse período. Serve outro dia?")
    slot = slots[0] if _HOUR.search(turn.wish) else slots[-1]
    offer = {"service": turn.asked["service"], "professional": slot["professional"], "start": slot["start"]}
    name = _NAME.search(turn.wish.upper())
    return Said(tool="offer_slot", arguments=offer | ({"patient_name": name[0]} if name else {}))


_WISHES: tuple[tuple[str, dict[str | None, Callable[[_Turn], Said]]], ...] = (
    (r"cancel|desmarc", {None: _list, "list_appointments": _cancel}),
    (r"endere|onde fica", {None: _info, "clinic_info": _address}),
    (r"marcar|consulta|horário|doutor|agenda", {None: _info, "clinic_info": _search, "search_slots": _offer}),
)
"""By the words of a wish, what comes after which tool. What is not among them is a person's."""
