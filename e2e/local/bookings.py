"""What a patient has booked, and which times of a clinic are free: what the tests of whole dialogues look at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from local import demo, kubectl, world
from local.chat import Phone
from local.outside import Outside

ZONE = demo.TIMEZONE


def booked(phone: Phone) -> list[dt.datetime]:
    """The starts of the patient's booked appointments, from the clinic's own partition."""
    rows = demo.appointments(phone.local, phone.number)
    return [dt.datetime.fromisoformat(r["start"]).replace(tzinfo=ZONE) for r in rows if r["status"] == "booked"]


def book(phone: Phone, wish: str) -> dt.datetime:
    """Have the patient write a wish and take what is offered; returns the start that is booked."""
    phone.ask(wish)
    phone.ask("pode ser")
    return kubectl.wait_for(f"the booking of {wish!r}", lambda: booked(phone))[0]


def cancel(phone: Phone) -> None:
    """Have the patient cancel what they have booked."""
    answer = phone.ask("preciso cancelar minha consulta")
    if "?" in answer:
        phone.ask("sim, pode cancelar")
    kubectl.wait_for("the cancellation", lambda: not booked(phone) or None, deadline=10)


def news(phone: Phone, heard: int) -> str:
    """What comes after the first `heard` messages without being asked for."""
    return kubectl.wait_for("a message by itself", lambda: "\n".join(phone.heard()[heard:]), deadline=90)


def in_words(start: dt.datetime) -> str:
    """A moment on the hour, as a patient writes it."""
    return f"dia {start:%d/%m} às {start.hour}h"


def free_starts(
    fakes: Outside, local: world.LocalClinic, zone: dt.tzinfo = ZONE, days: range = range(3, 11)
) -> Iterator[dt.datetime]:
    """Hours of the clinic, so many days from today, at which nothing stands in its calendar."""
    taken = {dt.datetime.fromisoformat(event["start"]["dateTime"]) for event in fakes.events(local)}
    today = dt.datetime.now(zone).date()
    times = (
        dt.datetime.combine(today + dt.timedelta(days=ahead), dt.time(hour), zone)
        for ahead in days
        for hour in range(9, 17)
    )
    return (time for time in times if time not in taken)
