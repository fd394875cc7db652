"""The two shell commands: ``understand`` reads single messages, ``converse`` holds a whole dialogue.

Both need no server: the same engine as the service, over a clinic in memory. JSON in, JSON out, one line each.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, TextIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from atendeai.conversation.memory import MemoryClinic
from atendeai.domain.dialogue.clinic import Clinic, clinic_from_profile
from atendeai.domain.dialogue.manager import turn
from atendeai.domain.dialogue.session import Message, Patient, Turn
from atendeai.domain.dialogue.state import Outcome, State
from atendeai.domain.understanding.normalise import fold
from atendeai.domain.understanding.understand import understand

_ABOUT_APPOINTMENTS = frozenset([Outcome.BOOKED, Outcome.RESCHEDULED, Outcome.CANCELLED, Outcome.CONFIRMED])


class SceneError(ValueError):
    """The scene, or a line of input, cannot be read; the message names the field."""


def main(arguments: Sequence[str], *, stdin: TextIO | None = None, stdout: TextIO | None = None) -> int:
    """Runs a command; returns the exit code: 0, or 2 for input that cannot be read."""
    source, out = stdin or sys.stdin, stdout or sys.stdout
    parser = argparse.ArgumentParser(prog="python -m atendeai.conversation", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("understand", help="print intent, entities and time of a message as JSON")
    one.add_argument("--now", help="the moment the message is read at, YYYY-MM-DDTHH:MM; default: the clinic's clock")
    one.add_argument("--timezone", default="America/Sao_Paulo", help="the clinic's time zone; default: %(default)s")
    one.add_argument("text", nargs="?", help='the message; without it, JSON lines {"text", "now"} are read')
    commands.add_parser("converse", help="read a scene and messages as JSON lines, answer each with one line")
    options = parser.parse_args(arguments)
    try:
        lines = _understand(options, source) if options.command == "understand" else converse(source)
        for line in lines:
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
            out.flush()
    except SceneError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def _understand(options: argparse.Namespace, source: TextIO) -> Iterator[dict[str, Any]]:
    default = _moment(options.now, "--now") if options.now else _wall(options.timezone)
    if options.text is not None:
        yield understand(options.text, default).to_json()
        return
    for data in _json_lines(source):
        now = _moment(data["now"], "now") if data.get("now") else default
        yield understand(_text(data), now).to_json()


def _wall(timezone: str) -> datetime:
    """Now by the clock of that time zone, without a zone."""
    try:
        return datetime.now(ZoneInfo(timezone)).replace(tzinfo=None)
    except (ZoneInfoNotFoundError, ValueError):
        raise SceneError(f'"--timezone" must be a name like America/Recife, not {timezone!r}') from None


def _json_lines(source: TextIO) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(source, start=1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
        except json.JSONDecodeError as error:
            raise SceneError(f"line {number} is not JSON: {error.msg}") from None
        if not isinstance(data, dict):
            raise SceneError(f"line {number} must be a JSON object")
        yield data


def _text(data: Mapping[str, Any]) -> str:
    text = data.get("text")
    if not isinstance(text, str):
        raise SceneError('"text" is missing')
    return text


def _moment(value: Any, field: str) -> datetime:
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=None)
    except ValueError:
        raise SceneError(f'"{field}" must look like 2026-11-24T09:00, not {value!r}') from None


def converse(source: TextIO) -> Iterator[dict[str, Any]]:
    """Holds a dialogue: the first line sets the scene, each further one is a patient's message.

    Raises SceneError naming the field that cannot be read.
    """
    lines = _json_lines(source)
    scene = next(lines, None)
    if scene is None:
        raise SceneError("the first line must set the scene")
    stage = _Stage(scene)
    for data in lines:
        pressed = data.get("pressed")
        yield stage.hear(_text(data), str(pressed) if pressed is not None else None)


class _Stage:
    """A scene being played."""

    def __init__(self, scene: Mapping[str, Any]) -> None:
        self.now = _moment(scene.get("now"), "now")
        raw = scene.get("clinic")
        if not isinstance(raw, Mapping):
            raise SceneError('"clinic" is missing')
        profile = _profile(raw)
        try:
            self.clinic: Clinic = clinic_from_profile(str(raw.get("name") or "clínica"), profile)
            self.world = MemoryClinic(profile, self.now)
        except ValueError as error:
            raise SceneError(str(error)) from None
        existing = scene.get("existing") or []
        for one in existing:
            start = datetime.combine(_day(one["date"]), _clock(one["time"]))
            self.world.add_existing(
                _code(profile["services"], one.get("service"), "existing.service"),
                _code(profile["professionals"], one.get("professional"), "existing.professional"),
                start,
            )
        for one in scene.get("busy") or []:
            name = one.get("professional")
            who = _code(profile["professionals"], name, "busy.professional") if name else None
            self.world.add_busy(who, _day(one["date"]), _clock(one["time_from"]), _clock(one["time_to"]))
        outbound = (scene.get("context") or {}).get("last_outbound")
        kind = outbound.get("kind") or outbound.get("type") if isinstance(outbound, Mapping) else outbound
        self.reminded = kind == "reminder"
        text = str((scene.get("context") or {}).get("text") or "")
        self.about = text if kind == "campaign" else None
        self.reminder = text if self.reminded else None
        self.patient = Patient(known=bool(existing))
        self.state = State()

    def hear(self, text: str, pressed: str | None = None) -> dict[str, Any]:
        """One patient message, answered. ``pressed``: the id of the option that was tapped, whose title is the text."""
        fresh = self.state.done is None
        message = Message(
            text,
            pressed=pressed,
            reminded=self.reminded and fresh,
            reminder=self.reminder if fresh else None,
            about=self.about if fresh else None,
        )
        steps = turn(self.state, message, self.clinic, self.now, self.patient)
        result: Turn
        try:
            request = next(steps)
            while True:
                request = steps.send(self.world.answer(request))
        except StopIteration as stop:
            result = stop.value
        self.state = result.state
        return {
            "replies": list(result.replies),
            "asks": self.state.asks.value if self.state.asks else None,
            "options": [choice.to_json() for choice in result.options.choices] if result.options else [],
            "state": self._standing(),
        }

    def _standing(self) -> dict[str, Any]:
        state = self.state
        out: dict[str, Any] = {"outcome": state.outcome.value}
        about = state.last if state.outcome in _ABOUT_APPOINTMENTS else None
        service = self.clinic.service(about.service) if about else None
        professional = self.clinic.professional(about.professional) if about else None
        out["service"] = service.name if service else None
        out["professional"] = professional.name if professional else None
        out["date"] = about.start.date().isoformat() if about else None
        out["time"] = about.start.strftime("%H:%M") if about else None
        return out


def _profile(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The scene's clinic in the shapes of the Clinic resource; names stand for codes."""
    services = [
        {
            "code": str(s["name"]),
            "name": str(s["name"]),
            "duration": f"{int(s.get('minutes') or 30)}m",
            "priceBRL": None if s.get("price_brl") is None else str(s["price_brl"]),
            "preparation": s.get("preparation"),
        }
        for s in raw.get("services") or ()
    ]
    professionals = []
    for person in raw.get("professionals") or ():
        offered = [_code(services, name, "professionals.services") for name in person.get("services") or ()]
        professionals.append(
            {
                "code": str(person["name"]),
                "name": str(person["name"]),
                "services": offered,
                "hours": person.get("hours"),
            }
        )
    return {
        "services": services,
        "professionals": professionals,
        "businessHours": raw.get("hours") or {},
        "insurance": raw.get("insurance") or [],
        "address": raw.get("address"),
        "holidays": raw.get("holidays") or [],
    }


def _code(items: Sequence[Mapping[str, Any]], name: Any, field: str) -> str:
    """The code of the item of that name, whatever its case and accents."""
    for item in items:
        if fold(str(item["name"])) == fold(str(name)):
            return str(item["code"])
    raise SceneError(f'"{field}" names {name!r}, which the clinic does not have')


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise SceneError(f"{value!r} is no date; write it as YYYY-MM-DD") from None


def _clock(value: Any) -> time:
    try:
        return time.fromisoformat(str(value))
    except ValueError:
        raise SceneError(f"{value!r} is no time of day; write it as HH:MM") from None
