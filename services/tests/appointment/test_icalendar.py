"""iCalendar as RFC 5545 wants it, read back by a reader of the test's own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atendeai.appointment.icalendar import CalendarEvent, write_calendar

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def event(summary: str) -> CalendarEvent:
    return CalendarEvent("1@sol.example", NOON, NOON.replace(hour=13), summary, "CONFIRMED", 2, NOON, NOON)


def unfolded(body: bytes) -> list[str]:
    return body.replace(b"\r\n ", b"").decode().removesuffix("\r\n").split("\r\n")


def unescaped(value: str) -> str:
    out, characters = [], iter(value)
    for one in characters:
        following = next(characters) if one == "\\" else None
        out.append(one if following is None else {"n": "\n"}.get(following, following))
    return "".join(out)


def test_a_calendar() -> None:
    lines = unfolded(write_calendar("Dra. Ana, a; b\\c", "America/Sao_Paulo", [event("Atendimento – M. S.")]))
    before, one, after = (lines[: lines.index("BEGIN:VEVENT")], lines[lines.index("BEGIN:VEVENT") : -1], lines[-1])
    assert before[:4] == ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//AtendeAI//Agenda//PT-BR", "CALSCALE:GREGORIAN"]
    assert set(before[4:]) == {
        "NAME:Dra. Ana\\, a\\; b\\\\c",
        "X-WR-CALNAME:Dra. Ana\\, a\\; b\\\\c",
        "X-WR-TIMEZONE:America/Sao_Paulo",
        "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
        "X-PUBLISHED-TTL:PT15M",
    }
    assert set(one) == {
        "BEGIN:VEVENT",
        "UID:1@sol.example",
        "DTSTAMP:20261125T120000Z",
        "DTSTART:20261125T120000Z",
        "DTEND:20261125T130000Z",
        "SUMMARY:Atendimento – M. S.",
        "STATUS:CONFIRMED",
        "SEQUENCE:2",
        "CREATED:20261125T120000Z",
        "LAST-MODIFIED:20261125T120000Z",
        "CLASS:PRIVATE",
        "TRANSP:OPAQUE",
        "END:VEVENT",
    }
    assert after == "END:VCALENDAR"


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n"), max_size=200))
def test_any_text_comes_back_and_no_line_is_too_long(text: str) -> None:
    body = write_calendar("n", "UTC", [event(text)])
    for line in body.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()  # no character is cut in two
    [summary] = [line for line in unfolded(body) if line.startswith("SUMMARY:")]
    assert unescaped(summary.removeprefix("SUMMARY:")) == text


@pytest.mark.parametrize("text", ["a\r\nBEGIN:VEVENT", "a\x00b\x07", "tab\there"])
def test_nothing_breaks_out_of_its_line(text: str) -> None:
    lines = unfolded(write_calendar("n", "UTC", [event(text)]))
    assert lines.count("BEGIN:VEVENT") == 1
    assert not any(ord(one) < 32 and one != "\t" for line in lines for one in line)
