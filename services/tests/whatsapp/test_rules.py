"""The pure rooms: payloads, people, numbers, failures, rendering."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atendeai.whatsapp.failures import MOST_ATTEMPTS, UNSURE_WAIT, Course, course, pause, reported, unsure_pause
from atendeai.whatsapp.inbox import signed
from atendeai.whatsapp.numbers import number_key
from atendeai.whatsapp.payload import NotAWebhookError, parse
from atendeai.whatsapp.people import Identity, Known, Match, match
from atendeai.whatsapp.render import payload
from fakes.graph_rules import complaint
from tests.whatsapp.world import message, webhook

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["entry", "changes", "value", "messages", "id", "from", "errors"]), inner)
    ),
    max_leaves=20,
)


def test_numbers() -> None:
    assert number_key("5511987654321") == number_key("551187654321") == "551187654321"
    assert number_key("+55 (11) 98765-4321") == "551187654321"
    assert number_key("5511912345678") == "5511912345678"  # never had eight digits
    assert number_key("551132654321") == "551132654321"  # a landline
    assert number_key("351912345678") == "351912345678"


@given(st.integers(10**7, 10**15).map(str))
def test_a_key_is_its_own_key(number: str) -> None:
    assert number_key(number_key(number)) == number_key(number)


def test_who_a_sender_is() -> None:
    a, b = uuid4(), uuid4()
    both = Identity("5511987654321", "BR.1")
    key = both.key
    assert match(both, []) == Match(None)
    assert match(both, [Known(a, key, "BR.1")]) == Match(a)
    assert match(both, [Known(a, key, None)]) == Match(a)
    assert match(both, [Known(a, None, "BR.1")]) == Match(a)
    assert match(both, [Known(a, key, None), Known(b, None, "BR.1")]) == Match(a, merges=b)
    assert match(both, [Known(a, key, "BR.2")]) == Match(None, loses_number=a)
    assert match(both, [Known(a, key, "BR.2"), Known(b, "x", "BR.1")]) == Match(b, loses_number=a)
    assert match(Identity("551187654321", None), [Known(a, key, "BR.2")]) == Match(a)


@given(JSON)
def test_whatever_arrives_is_read_or_refused(document: Any) -> None:
    for body in (json.dumps(document), json.dumps({"entry": [{"changes": [{"value": document}]}]})):
        try:
            changes = parse(body.encode(), NOW)
        except NotAWebhookError:
            continue
        assert all(message.wamid for change in changes for message in change.messages)


@pytest.mark.parametrize(
    ("profile", "name"),
    [
        ({"name": "Maria", "username": "mar"}, "Maria"),
        ({"name": "\u3164\u3164\u3164", "username": "mar"}, "mar"),
        ({"name": "\u2800 \u200b"}, None),
    ],
)
def test_a_name_that_shows_nothing_is_none(profile: dict[str, str], name: str | None) -> None:
    value = message("wamid.1") | {"contacts": [{"profile": profile}]}
    [change] = parse(webhook("1", value), NOW)
    assert [one.sender.name for one in change.messages] == [name]


@pytest.mark.parametrize("opening", ["[", '{"entry":'])
@pytest.mark.parametrize("levels", [300, 1100, 50_000])
def test_nesting_without_end_is_refused_or_read(opening: str, levels: int) -> None:
    closing = "]" if opening == "[" else "}"
    for inner in ("1", '"\\ud83d"', '"\\u0000"'):
        with pytest.raises(NotAWebhookError):
            parse((opening * levels + inner + closing * levels).encode(), NOW)


def test_times() -> None:
    def sent_at(timestamp: Any) -> datetime:
        message = {"id": "w", "from": "5511987654321", "timestamp": timestamp, "type": "text", "text": {"body": "oi"}}
        value = {"metadata": {"phone_number_id": "1"}, "messages": [message]}
        (change,) = parse(json.dumps({"entry": [{"changes": [{"value": value}]}]}).encode(), NOW)
        return change.messages[0].sent_at

    assert sent_at("1732400000") == datetime.fromtimestamp(1732400000, UTC)
    assert {sent_at(none) for none in ("0", "-1", "946684799")} == {NOW}, "which nothing of ours takes for a moment"
    assert sent_at(str(int((NOW + timedelta(days=1)).timestamp()))) == NOW
    odd: Any
    for odd in (None, "soon", "9" * 40, {}):
        assert sent_at(odd) == NOW


@pytest.mark.parametrize(
    ("code", "http_status", "expected"),
    [
        (131047, 400, Course.OUTSIDE_WINDOW),
        (131056, 400, Course.SLOW_DOWN_PAIR),
        (130429, 400, Course.SLOW_DOWN),
        (131000, 500, Course.RETRY),
        (190, 401, Course.CHANNEL_BROKEN),
        (368, 403, Course.CHANNEL_BROKEN),
        (131026, 400, Course.GIVE_UP),
        (132001, 404, Course.GIVE_UP),
        (132012, 400, Course.GIVE_UP),
        (131057, 400, Course.RETRY),
        (131037, 400, Course.CHANNEL_BROKEN),
        (999_999, 503, Course.RETRY),
        (999_999, 400, Course.GIVE_UP),
        (0, 429, Course.SLOW_DOWN),
        (0, 401, Course.CHANNEL_BROKEN),
    ],
)
def test_courses(code: int, http_status: int, expected: Course) -> None:
    assert course(code, http_status) is expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (None, Course.GIVE_UP),  # one odd status says nothing of the account
        (0, Course.CHANNEL_BROKEN),  # AuthException, in the platform's own words
        (190, Course.CHANNEL_BROKEN),
        (131000, Course.RETRY),
        (131026, Course.GIVE_UP),
        (999_999, Course.GIVE_UP),
    ],
)
def test_courses_of_statuses(code: int | None, expected: Course) -> None:
    failure = reported(code, None, None)
    assert (failure.course, failure.code, failure.title) == (expected, code or 0, "The message failed")


def test_pauses_while_nobody_knows() -> None:
    pauses = [unsure_pause(n, 0) for n in range(1, MOST_ATTEMPTS + 1)]
    assert [pause.seconds for pause in pauses] == [15, 30, 60] + [120] * 9
    assert all(unsure_pause(n, 0.99) > UNSURE_WAIT for n in range(1, MOST_ATTEMPTS + 1))


def test_pauses() -> None:
    pair = [pause(Course.SLOW_DOWN_PAIR, n, 0) for n in range(1, 7)]
    assert pair == [timedelta(seconds=4**n) for n in range(1, 6)] + [None]
    assert pause(Course.RETRY, 1, 0) == timedelta(seconds=1)
    assert pause(Course.RETRY, MOST_ATTEMPTS, 0) is None
    for final in (Course.GIVE_UP, Course.CHANNEL_BROKEN, Course.OUTSIDE_WINDOW):
        assert pause(final, 1, 0) is None


def test_signatures() -> None:
    good = "sha256=" + hmac.new(b"s", b"body", hashlib.sha256).hexdigest()
    assert signed(b"body", good, "s")
    assert not signed(b"body", good, "")
    assert not signed(b"body", None, "s")
    assert not signed(b"body", "sha256=é", "s")
    assert not signed(b"body", good.upper(), "s")


@given(st.lists(st.text(min_size=1, max_size=200).filter(str.strip), min_size=1, max_size=3), st.text(max_size=72))
def test_buttons_always_fit(titles: list[str], description: str) -> None:
    choices = [{"id": str(number), "title": title} for number, title in enumerate(titles)]
    choices[0] |= {"description": description} if description.strip() else {}
    for kind in ("buttons", "list"):
        message = payload(kind, {"text": "Qual?", "buttons": choices}, {"to": "5511987654321"}, opaque="x:1")
        assert complaint(message, None) is None
