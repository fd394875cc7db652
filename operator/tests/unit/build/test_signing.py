"""Signing keys: a new one is known before it signs, an old one as long as what it signed."""

from __future__ import annotations

import base64
import dataclasses
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atendeai_operator.api.clinic import ClinicSpec, ClinicStatus
from atendeai_operator.clinic import config
from atendeai_operator.stack import signing
from atendeai_operator.stack.edge import digest, edge_clinic
from atendeai_operator.stack.signing import LATE_SIGNATURES, PUBLISHED_BEFORE_USE, SERVICE_TOKEN, Key, Ring
from tests.unit.build import samples

START = datetime(2026, 11, 28, 12, tzinfo=UTC)
LIFE = timedelta(minutes=15)


def text(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode().ljust(32, b".")).decode().rstrip("=")


def maker() -> Callable[[], Key]:
    numbers = itertools.count(1)

    def fresh() -> Key:
        number = next(numbers)
        return Key(f"kid-{number}", text(f"key {number}"))

    return fresh


FIRST = Ring(Key("kid-0", text("key 0")))


def test_nothing_changes_without_a_wish() -> None:
    assert FIRST.advance("", now=START, token_life=LIFE, fresh=maker()) == FIRST
    assert FIRST.due() is None
    assert set(FIRST.accepted()) == {"kid-0"}


def test_a_new_key_is_published_then_signs_and_the_old_one_is_accepted_until_its_tokens_have_expired() -> None:
    fresh = maker()
    made = FIRST.advance("now", now=START, token_life=LIFE, fresh=fresh)
    assert (made.active.kid, set(made.accepted()), made.due()) == ("kid-0", {"kid-0", "kid-1"}, None)
    held_at = START + timedelta(hours=3)  # edge or database could not be told for so long
    published = made.advance("now", now=held_at, token_life=LIFE, fresh=fresh)
    assert (published.active.kid, set(published.accepted())) == ("kid-0", {"kid-0", "kid-1"})
    signs_at = held_at + PUBLISHED_BEFORE_USE
    assert published.due() == signs_at
    early = signs_at - timedelta(seconds=1)
    assert published.advance("now", now=early, token_life=LIFE, fresh=fresh) == published
    signing_now = published.advance("now", now=signs_at, token_life=LIFE, fresh=fresh)
    assert (signing_now.active.kid, set(signing_now.accepted())) == ("kid-1", {"kid-0", "kid-1"})
    assert signing_now.due() is None
    held_at = signs_at + timedelta(hours=3)  # until then the services may have signed with the old one
    ending = signing_now.advance("now", now=held_at, token_life=LIFE, fresh=fresh)
    gone_at = held_at + LIFE + LATE_SIGNATURES
    assert (ending.due(), set(ending.accepted())) == (gone_at, {"kid-0", "kid-1"})
    late = gone_at - timedelta(seconds=1)
    assert set(ending.advance("now", now=late, token_life=LIFE, fresh=fresh).accepted()) == {"kid-0", "kid-1"}
    alone = ending.advance("now", now=gone_at, token_life=LIFE, fresh=fresh)
    assert (alone.active.kid, set(alone.accepted()), alone.due()) == ("kid-1", {"kid-1"}, None)
    assert alone.advance("now", now=gone_at, token_life=LIFE, fresh=fresh) == alone, "the same wish is followed once"


def stepped(ring: Ring, request: str, *, now: datetime, life: timedelta, fresh: Callable[[], Key]) -> Ring:
    """Return the keys when edge and database follow each step at once."""
    while (after := ring.advance(request, now=now, token_life=life, fresh=fresh)) != ring:
        ring = after
    return ring


def test_where_peoples_tokens_are_short_the_services_own_decide() -> None:
    fresh = maker()
    short = timedelta(minutes=1)
    ring = stepped(FIRST, "now", now=START, life=short, fresh=fresh)
    at = START + PUBLISHED_BEFORE_USE
    assert stepped(ring, "now", now=at, life=short, fresh=fresh).due() == at + SERVICE_TOKEN + LATE_SIGNATURES


def test_a_second_wish_waits_until_the_first_key_signs() -> None:
    fresh = maker()
    ring = stepped(FIRST, "one", now=START, life=LIFE, fresh=fresh)
    assert ring.advance("two", now=START, token_life=LIFE, fresh=fresh) == ring
    both = stepped(ring, "two", now=START + PUBLISHED_BEFORE_USE, life=LIFE, fresh=fresh)
    assert (both.active.kid, set(both.accepted())) == ("kid-1", {"kid-0", "kid-1", "kid-2"})
    assert both.coming is not None
    assert both.coming.key.kid == "kid-2"


@pytest.mark.parametrize(
    ("raw", "wish"),
    [
        (signing.written(dataclasses.replace(FIRST, request="2026-11-28"))[signing.OTHERS], "2026-11-28"),
        (b"", ""),
        (b"{", ""),
        (b"[]", ""),
        (b"\xff", ""),
    ],
)
def test_the_wish_that_was_followed_is_known_without_the_keys(raw: bytes, wish: str) -> None:
    assert signing.followed({signing.OTHERS: raw}) == wish
    assert signing.followed({}) == ""


STEPS = st.lists(st.tuples(st.integers(0, 1500), st.sampled_from(["", "a", "b", "c"]), st.booleans()), max_size=40)


@given(STEPS)
def test_whatever_is_wished_and_whenever_no_valid_token_meets_a_key_that_is_not_accepted(
    steps: list[tuple[int, str, bool]],
) -> None:
    """Each state reaches edge and database now or much later (`told`); both are known within five seconds from then."""
    fresh, ring, now = maker(), FIRST, START
    there = FIRST
    since: dict[str, datetime] = {"kid-0": START - timedelta(days=1)}
    signed_until: dict[str, datetime] = {}
    for seconds, request, told in steps:
        now += timedelta(seconds=seconds)
        signed_until[there.active.kid] = now + timedelta(seconds=5)
        if told and there != ring:
            if ring.active != there.active:
                assert now - since[ring.active.kid] >= PUBLISHED_BEFORE_USE
            for kid, at in signed_until.items():
                assert kid in ring.accepted() or now >= at + max(LIFE, SERVICE_TOKEN)
            there = ring
            for kid in there.accepted():
                since.setdefault(kid, now)
        if there == ring:
            ring = ring.advance(request, now=now, token_life=LIFE, fresh=fresh)
            assert signing.read(signing.written(ring)) == ring


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[]",
        b"null",
        b'{"coming": null, "past": [{}], "request": ""}',
        b'{"coming": null, "past": [{"kid": "a", "key": "YQ", "at": "2026-01-01T00:00:00"}], "request": ""}',
        b'{"coming": null, "past": [{"kid": "a", "key": "YQ", "at": "soon"}], "request": ""}',
        b'{"coming": null, "past": 7, "request": ""}',
    ],
)
def test_what_somebody_wrote_over_the_other_keys_is_refused_by_the_clinic_and_left_out_by_the_edge(raw: bytes) -> None:
    data = {**signing.written(FIRST), signing.OTHERS: raw}
    with pytest.raises(ValueError, match=r".*"):
        signing.read(data)
    assert set(_edge(data)[0]) == {"kid-0"}


def _edge(data: dict[str, bytes]) -> tuple[dict[str, bytes], str]:
    identity = str(samples.clinic_id("sol"))
    status = ClinicStatus(clinic_id=identity, hosts=["sol.example.com"])
    spec = ClinicSpec.model_validate(samples.clinic_spec())
    facts = samples.clinic_facts()
    clinic = edge_clinic(facts.meta, spec, status, {"clinic-id": identity.encode(), **data}, None)
    assert clinic
    return dict(clinic.jwt_keys), digest(clinic)


def test_the_edge_is_told_of_a_clinics_own_origins() -> None:
    def seen(**changes: object) -> str:
        identity = str(samples.clinic_id("sol"))
        status = ClinicStatus(clinic_id=identity, hosts=["sol.example.com"])
        data = {"clinic-id": identity.encode(), **signing.written(FIRST)}
        spec = ClinicSpec.model_validate(samples.clinic_spec(**changes))
        clinic = edge_clinic(samples.clinic_facts().meta, spec, status, data, None)
        assert clinic
        return digest(clinic)

    origins = ["https://b.example", "https://a.example"]
    own = seen(security={"corsOrigins": origins})
    assert len({seen(), own, seen(security={"corsOrigins": []})}) == 3
    assert seen(security={"corsOrigins": origins[::-1]}) == own
    assert seen(security={}) == seen()


def test_edge_and_services_are_given_every_key_and_one_that_signs() -> None:
    fresh = maker()
    ring = FIRST.advance("now", now=START, token_life=LIFE, fresh=fresh)
    keys, published = _edge(signing.written(ring))
    assert {kid: base64.urlsafe_b64encode(key).decode().rstrip("=") for kid, key in keys.items()} == ring.accepted()
    assert published != _edge(signing.written(FIRST))[1], "the edge is told of it"
    facts = samples.clinic_facts()
    minted = dataclasses.replace(facts.minted, jwt_kid="kid-0", jwt_key=text("key 0"), ring=ring)
    jwt = config.credentials(dataclasses.replace(facts, minted=minted), {"whatsapp": {}})["jwt"]
    assert jwt == {"active": "kid-0", "keys": ring.accepted()}
