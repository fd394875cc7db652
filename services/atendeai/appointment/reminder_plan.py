"""When a patient is reminded of an appointment. Pure: the clock, the zone and what was sent are arguments.

The rules:
- Each offset of `spec.reminders.before` has its moment, so long before the start. Moments lie between 08:00 and 20:00
  of the clinic; one outside is moved to the nearest allowed one *before* it: the evening's 20:00.
- Nobody is there on the second: what was due in the evening still goes out until 21:00, and after that in the morning.
- An appointment that was agreed (booked or moved) after a moment is not reminded at it: the patient knows.
- Each offset is sent once for each start. Of several that are due only the shortest is sent, and none after a shorter
  one: nobody is reminded twice at once, nor of tomorrow after being reminded of today.
- A reminder may be late (a clinic asleep, a new offset) by up to half its offset; then it is let go.
- Who has confirmed gets only the last one, without a question.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo

__all__ = ["DAY_BEGINS", "DAY_ENDS", "NIGHT_BEGINS", "Plan", "latest", "moment_of", "next_morning", "plan"]

DAY_BEGINS, DAY_ENDS = time(8), time(20)
"""The hours of the clinic in which reminders are due."""
NIGHT_BEGINS = time(21)
"""From here until the day begins nobody is written to, unless they wrote or something urgent changed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now, and when the next reminder is due; `None`: nothing."""

    send: timedelta | None
    following: datetime | None


def moment_of(start: datetime, offset: timedelta, tz: tzinfo) -> datetime:
    """Return when the reminder of an offset is due, moved back out of the night."""
    due = (start - offset).astimezone(tz)
    if due.time() < DAY_BEGINS:
        return datetime.combine(due.date() - timedelta(days=1), DAY_ENDS, tzinfo=tz)
    if due.time() > DAY_ENDS:
        return datetime.combine(due.date(), DAY_ENDS, tzinfo=tz)
    return due


def latest(start: datetime, offset: timedelta) -> datetime:
    """Return until when the reminder of an offset is worth sending."""
    return start - offset / 2


def next_morning(now: datetime, tz: tzinfo) -> datetime | None:
    """Return when the night is over, None by day."""
    local = now.astimezone(tz)
    if DAY_BEGINS <= local.time() < NIGHT_BEGINS:
        return None
    day = local.date() + timedelta(days=0 if local.time() < DAY_BEGINS else 1)
    return datetime.combine(day, DAY_BEGINS, tzinfo=tz)


def plan(
    offsets: Sequence[timedelta],
    *,
    start: datetime,
    agreed_at: datetime,
    confirmed: bool,
    sent: Collection[timedelta],
    now: datetime,
    tz: tzinfo,
) -> Plan:
    """Say which reminder of an appointment is to be sent now, and when to look for the next."""
    wanted = sorted({one for one in offsets if one > timedelta(0)})
    if confirmed:
        wanted = wanted[:1]
    shortest_sent = min(sent, default=None)
    open_ = [
        (one, moment_of(start, one, tz))
        for one in wanted
        if (shortest_sent is None or one < shortest_sent) and moment_of(start, one, tz) > agreed_at
    ]
    ahead = min((due for _, due in open_ if due > now), default=None)
    send = next((one for one, due in open_ if due <= now < latest(start, one)), None)
    if send is None:
        return Plan(None, ahead)
    morning = next_morning(now, tz)
    if morning is None:
        return Plan(send, ahead)
    return Plan(None, morning if morning < start else None)
