"""The client of Google Calendar against the fake: tokens, limits, errors by class."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
from tenacity import RetryCallState

from atendeai.calendar.google_client import (
    IN_BACKGROUND,
    IN_REQUEST,
    MOST_CALENDARS,
    GoogleCalendar,
    Patience,
    _Pause,
)
from atendeai.calendar.google_errors import CalendarError, Kind
from atendeai.calendar.google_tokens import TokenSource
from atendeai.domain.slots import Interval
from atendeai.kit import clock
from tests.calendar.google_world import BASE_URL, TOKEN_URL, GoogleWorld

DAY = datetime(2030, 11, 26, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANA = "ana@cal.test"


@pytest.fixture
async def http(google: GoogleWorld) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=google.transport) as client:
        yield client


@pytest.fixture
def calendar(google: GoogleWorld, http: httpx.AsyncClient) -> GoogleCalendar:
    return made(http, google.credentials)


def made(http: httpx.AsyncClient, credentials: dict[str, str]) -> GoogleCalendar:
    return GoogleCalendar(http, TokenSource(http), uuid4(), credentials, BASE_URL, TOKEN_URL)


def event(event_id: str, start: datetime = DAY) -> dict[str, object]:
    return {
        "id": event_id,
        "summary": "x",
        "start": {"dateTime": start.isoformat()},
        "end": {"dateTime": (start + HOUR).isoformat()},
    }


async def test_busy_time_is_read_and_one_token_serves_many_calls(google: GoogleWorld, calendar: GoogleCalendar) -> None:
    await google.busy(ANA, DAY, DAY + HOUR)
    for _ in range(3):
        found = await calendar.free_busy([ANA, "clinica@cal.test"], DAY - HOUR, DAY + 5 * HOUR)
        assert found.busy == {ANA: [Interval(DAY, DAY + HOUR)], "clinica@cal.test": []}
        assert found.unreadable == {}
    assert (await google.control("GET", "/calls"))["grants"] == 1


async def test_more_than_fifty_calendars_are_asked_for_in_parts(google: GoogleWorld, calendar: GoogleCalendar) -> None:
    names = [f"c{number}@cal.test" for number in range(MOST_CALENDARS + 3)]
    for name in names:
        await google.calendar(name)
    found = await calendar.free_busy(names, DAY, DAY + HOUR)
    assert set(found.busy) == set(names)
    assert found.unreadable == {}
    assert [len(call["calendars"]) for call in await google.calls("freebusy")] == [MOST_CALENDARS, 3]


async def test_a_long_range_is_asked_for_in_parts_and_joined(google: GoogleWorld, calendar: GoogleCalendar) -> None:
    await google.busy(ANA, DAY + timedelta(days=59), DAY + timedelta(days=61))
    found = await calendar.free_busy([ANA], DAY, DAY + timedelta(days=100))
    assert found.busy[ANA] == [Interval(DAY + timedelta(days=59), DAY + timedelta(days=61))]


async def test_a_calendar_that_cannot_be_read_is_named_and_hides_no_other(calendar: GoogleCalendar) -> None:
    found = await calendar.free_busy([ANA, "stranger@cal.test"], DAY, DAY + HOUR)
    assert found.busy == {ANA: []}
    assert found.unreadable == {"stranger@cal.test": Kind.NOT_FOUND}


@pytest.mark.parametrize(
    "fault",
    [
        {"reason": "rateLimitExceeded"},
        {"reason": "userRateLimitExceeded"},
        {"reason": "quotaExceeded"},
        {"reason": "rateLimitExceeded", "http_status": 429},
        {"http_status": 500},
    ],
)
async def test_what_is_temporary_is_tried_again(
    google: GoogleWorld, calendar: GoogleCalendar, fault: dict[str, object]
) -> None:
    await google.fault("freebusy", count=2, **fault)
    found = await calendar.free_busy([ANA], DAY, DAY + HOUR)
    assert found.busy == {ANA: []}
    assert len(await google.calls("freebusy")) == 3


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"reason": "quotaExceeded"}, Kind.RATE_LIMITED),
        ({"reason": "backendError"}, Kind.UNAVAILABLE),
        ({"reason": "forbidden"}, Kind.FORBIDDEN),
        ({"reason": "invalid"}, Kind.REJECTED),
    ],
)
async def test_errors_have_a_class(
    google: GoogleWorld, calendar: GoogleCalendar, fault: dict[str, object], kind: Kind
) -> None:
    await google.fault("freebusy", count=0, **fault)
    with pytest.raises(CalendarError) as raised:
        await calendar.free_busy([ANA], DAY, DAY + HOUR)
    assert raised.value.kind is kind
    assert raised.value.transient is (kind in {Kind.RATE_LIMITED, Kind.UNAVAILABLE})


@pytest.mark.parametrize("patience", [IN_REQUEST, IN_BACKGROUND])
def test_pauses_grow_are_jittered_and_end_somewhere(patience: Patience) -> None:
    pause = _Pause(patience)

    def after(attempt: int, retry_after: float | None = None) -> float:
        state = RetryCallState(cast("Any", None), None, (), {})
        state.attempt_number = attempt
        error = CalendarError(Kind.RATE_LIMITED, "later", retry_after=retry_after)
        state.set_exception((CalendarError, error, None))
        return pause(state)

    for attempt in range(1, 12):
        many = [after(attempt) for _ in range(200)]
        most = min(patience.first * 2 ** (attempt - 1), patience.longest)
        assert all(0 <= one <= most for one in many)
        assert max(many) > most / 2
        assert len(set(many)) > 100
    assert after(1, retry_after=1.5) == 1.5
    assert after(1, retry_after=3600) == patience.longest


async def test_a_lost_answer_to_an_insert_is_not_repeated_blindly(
    google: GoogleWorld, calendar: GoogleCalendar
) -> None:
    await google.fault("events.insert", http_status=500, after=True)
    with pytest.raises(CalendarError) as raised:
        await calendar.insert_event(ANA, event("abc123"))
    assert raised.value.kind is Kind.UNAVAILABLE
    with pytest.raises(CalendarError) as raised:
        await calendar.insert_event(ANA, event("abc123"))
    assert raised.value.kind is Kind.TAKEN


async def test_a_revoked_token_is_replaced_once(google: GoogleWorld, calendar: GoogleCalendar) -> None:
    await calendar.free_busy([ANA], DAY, DAY + HOUR)
    await google.control("POST", "/revoke-tokens")
    assert (await calendar.free_busy([ANA], DAY, DAY + HOUR)).busy == {ANA: []}
    await google.fault("freebusy", reason="authError", count=0)
    with pytest.raises(CalendarError) as raised:
        await calendar.free_busy([ANA], DAY, DAY + HOUR)
    assert raised.value.kind is Kind.CREDENTIALS


async def test_a_token_is_renewed_before_it_ends(google: GoogleWorld, calendar: GoogleCalendar) -> None:
    await calendar.free_busy([ANA], DAY, DAY + HOUR)
    with clock.override(lambda: datetime.now(UTC) + timedelta(minutes=59)):
        # The fake's own clock stands still, and refuses an assertion from the future: that it is asked is the point.
        with pytest.raises(CalendarError) as raised:
            await calendar.free_busy([ANA], DAY, DAY + HOUR)
        assert raised.value.kind is Kind.CREDENTIALS


async def test_a_refresh_token_serves_as_well(google: GoogleWorld, http: httpx.AsyncClient) -> None:
    grant = {"client_id": "c", "client_secret": "s", "refresh_token": "r"}
    await google.control("POST", "/clients", json={"account": "agenda@clinica.test"} | grant)
    keys = {"client-id": "c", "client-secret": "s", "refresh-token": "r"}
    assert (await made(http, keys).free_busy([ANA], DAY, DAY + HOUR)).busy == {ANA: []}
    with pytest.raises(CalendarError) as raised:
        await made(http, keys | {"refresh-token": "revoked"}).free_busy([ANA], DAY, DAY + HOUR)
    assert raised.value.kind is Kind.CREDENTIALS


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"client-id": "c"},
        {"service-account.json": "{"},
        {"service-account.json": "[]"},
        {"service-account.json": "{}"},
    ],
)
async def test_credentials_that_are_none_say_so_without_quoting_them(
    http: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    with pytest.raises(CalendarError, match=r"service-account\.json") as raised:
        await made(http, credentials).free_busy([ANA], DAY, DAY + HOUR)
    assert raised.value.kind is Kind.CREDENTIALS


async def test_nobody_at_the_address_is_unavailable() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as http:
        with pytest.raises(CalendarError) as raised:
            await made(http, {"client-id": "c", "client-secret": "s", "refresh-token": "r"}).free_busy(
                [ANA], DAY, DAY + HOUR
            )
    assert raised.value.kind is Kind.UNAVAILABLE


async def test_foreign_events_are_told_from_our_own(google: GoogleWorld, calendar: GoogleCalendar) -> None:
    ours = {"extendedProperties": {"private": {"atendeaiClinic": "me"}}}
    await calendar.insert_event(ANA, event("aaaaa", DAY) | ours)
    await google.by_hand(ANA, event("bbbbb", DAY + 2 * HOUR))
    await google.by_hand(ANA, event("ccccc", DAY + 3 * HOUR) | {"transparency": "transparent"})
    await google.by_hand(
        ANA,
        event("ddddd", DAY + 4 * HOUR) | {"attendees": [{"self": True, "responseStatus": "declined"}]},
    )
    await google.by_hand(
        ANA, {"id": "eeeee", "start": {"date": "2030-11-27"}, "end": {"date": "2030-11-28"}, "summary": "folga"}
    )
    found = await calendar.foreign_busy(ANA, DAY - HOUR, DAY + timedelta(days=3), "atendeaiClinic=me")
    midnight = datetime(2030, 11, 27, 3, 0, tzinfo=UTC)
    assert found == [
        Interval(DAY + 2 * HOUR, DAY + 3 * HOUR),
        Interval(midnight, midnight + timedelta(days=1)),
    ]


async def test_deleting_what_is_gone_is_no_error(calendar: GoogleCalendar) -> None:
    await calendar.insert_event(ANA, event("abcde"))
    await calendar.delete_event(ANA, "abcde")
    await calendar.delete_event(ANA, "abcde")
    await calendar.delete_event(ANA, "never")
    assert (await calendar.get_event(ANA, "abcde"))["status"] == "cancelled"
