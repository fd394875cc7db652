"""What an error of the Cloud API means for the message and for the channel, pure.

Source: developers.facebook.com, "WhatsApp Cloud API: error codes". The code decides; the HTTP status only where the
code is unknown, because the platform answers the same code with different ones over time.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

WINDOW = timedelta(hours=24)
"""How long after a person's last message free text may be sent."""

OUTSIDE_WINDOW = 131047
UNSURE_WAIT = timedelta(seconds=15)
"""How long the first send without an answer waits for a status that proves it, before it is sent again."""

_LONGEST_UNSURE = timedelta(minutes=2)

MOST_ATTEMPTS = 12
"""With the pauses below, a message is given up after about a quarter of an hour of refusals."""


class Course(enum.Enum):
    """What is done about a failure."""

    RETRY = "retry"
    """The platform stumbled: again, with growing pauses."""
    SLOW_DOWN = "slow_down"
    """The number sends too fast: again, a little later."""
    SLOW_DOWN_PAIR = "slow_down_pair"
    """Too much to this one person: again after 4^n seconds."""
    GIVE_UP = "give_up"
    """This message will never go; others may."""
    OUTSIDE_WINDOW = "outside_window"
    """Free text is not allowed any more: a template, or the person writes first."""
    CHANNEL_BROKEN = "channel_broken"
    """No message will go until somebody mends the account; shown to staff and on the Clinic."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A refusal in the provider's own words; `code` 0 where it gave none."""

    code: int
    title: str
    details: str | None = None
    http_status: int | None = None

    @property
    def course(self) -> Course:
        """What is done about it."""
        return course(self.code, self.http_status)


# 131057: the account is in maintenance, for a minute while its throughput is raised.
_RETRY = frozenset({1, 2, 131000, 131016, 131057, 133004})
_SLOW_DOWN = frozenset({4, 80007, 130429})
_CHANNEL = frozenset({0, 3, 10, 33, 190, 368, 131005, 131031, 131037, 131042, 131045, 131048, 133010})
_PERMISSION = range(200, 300)


def reported(code: int | None, title: str | None, details: str | None) -> Failure:
    """Return what a status of a failed message says; `code` is None where it names none that can be read.

    Without a code nothing is known of the account: like a bad request, that is the message's own. A code 0 that the
    platform did name is the account's (AuthException).
    """
    nameless = HTTPStatus.BAD_REQUEST.value if code is None else None
    return Failure(code or 0, title or "The message failed", details, nameless)


def course(code: int, http_status: int | None = None) -> Course:  # noqa: PLR0911 - one line per class
    """Classify an error code; `http_status` helps with codes that are not known, and with none (0 and no status)."""
    if code == OUTSIDE_WINDOW:
        return Course.OUTSIDE_WINDOW
    if code == 131056:  # noqa: PLR2004 - the pair rate limit
        return Course.SLOW_DOWN_PAIR
    if code in _RETRY:
        return Course.RETRY
    if code in _SLOW_DOWN:
        return Course.SLOW_DOWN
    if code == 0 and http_status is not None:
        return _by_status(http_status)
    if code in _CHANNEL or code in _PERMISSION:
        return Course.CHANNEL_BROKEN
    if 131000 <= code < 134000 or 130000 <= code < 131000 or code == 100:  # noqa: PLR2004 - what the platform documents
        return Course.GIVE_UP
    return _by_status(http_status) if http_status is not None else Course.GIVE_UP


def _by_status(http_status: int) -> Course:
    if http_status == HTTPStatus.UNAUTHORIZED:
        return Course.CHANNEL_BROKEN
    if http_status == HTTPStatus.TOO_MANY_REQUESTS:
        return Course.SLOW_DOWN
    later = http_status >= HTTPStatus.INTERNAL_SERVER_ERROR or http_status == HTTPStatus.REQUEST_TIMEOUT
    return Course.RETRY if later else Course.GIVE_UP


def pause(course: Course, attempts: int, jitter: float) -> timedelta | None:
    """Return how long to wait before the next attempt; None when there is to be none.

    `attempts` counts those already made (1 or more); `jitter` in [0, 1) spreads the pauses so that messages that were
    refused together do not come back together.
    """
    if attempts >= MOST_ATTEMPTS:
        return None
    if course is Course.SLOW_DOWN_PAIR:
        return timedelta(seconds=4**attempts) if attempts <= 5 else None  # noqa: PLR2004 - 4, 16, … 1024 s
    if course is Course.SLOW_DOWN:
        return timedelta(seconds=min(60.0, 1.5**attempts) * (1 + jitter))
    if course is Course.RETRY:
        return timedelta(seconds=min(120.0, 2.0 ** (attempts - 1)) * (1 + jitter / 2))
    return None


def unsure_pause(attempts: int, jitter: float) -> timedelta:
    """Return how long a send without an answer waits for a status before it is sent again, or given up at the cap.

    `attempts` counts those already made (1 or more); `jitter` in [0, 1) as for `pause`. Each further attempt may reach
    the person twice, so the pauses grow from `UNSURE_WAIT` on.
    """
    return min(_LONGEST_UNSURE, UNSURE_WAIT * 2.0 ** (attempts - 1)) * (1 + jitter / 2)
