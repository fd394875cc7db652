"""What every service counts: OpenTelemetry's names where there is one, one process per pod, default registry.

Labels never carry a clinic, a person or anything a caller chose: their number must not grow with use.
"""

from __future__ import annotations

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

# When each series began: one more line for each, which nothing here asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

HTTP_SERVER = Histogram(
    "http_server_request_duration_seconds",
    "Time from the request's head to the end of the answer.",
    ("service", "method", "route", "status"),
    buckets=_SECONDS,
)
HTTP_CLIENT = Histogram(
    "http_client_request_duration_seconds",
    "Time of one call to another service, retries included.",
    ("service", "peer", "status"),
    buckets=_SECONDS,
)
BUILD = Gauge("atendeai_build_info", "Always 1; the version is a label.", ("service", "version"))
RATE_LIMITED = Counter("atendeai_rate_limited_total", "Requests refused by a limit.", ("service", "limit"))
RATE_UNCOUNTED = Counter(
    "atendeai_rate_limit_uncounted_total",
    "Requests that could not be counted, because Redis did not answer: let through (api) or refused (auth).",
    ("service", "limit"),
)
DEPENDENCY_UP = Gauge("atendeai_dependency_up", "1 when the last probe of it succeeded.", ("service", "dependency"))

WORK = Counter("atendeai_work_total", "Pieces of work handled, by outcome.", ("service", "queue", "outcome"))
WORK_SECONDS = Histogram(
    "atendeai_work_duration_seconds", "Time of one handling.", ("service", "queue"), buckets=_SECONDS
)
WORK_OLDEST = Gauge(
    "atendeai_work_oldest_seconds", "How long the oldest due piece of work has been due.", ("service", "queue")
)
WORK_PENDING = Gauge("atendeai_work_pending", "Pieces of work that are due or being handled.", ("service", "queue"))

MESSAGES = Counter(
    "atendeai_messages_total",
    "WhatsApp messages by direction (inbound, outbound) and what became of them.",
    ("direction", "status"),
)


def begun(counter: Counter, *values: str) -> Counter:
    """Return a counter of one label with the series of these values at 0 from the start.

    The first event of a series that did not exist is no increase to Prometheus (its guide on instrumentation, "avoid
    missing metrics"): an alert would sleep through it.
    """
    for value in values:
        counter.labels(value)
    return counter


class Few:
    """Keeps the values of a label few where somebody else chooses them: the first `most`, and `other` for the rest."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        """Return the value as a label."""
        if value not in self._known:
            if len(self._known) >= self._most:
                return "other"
            self._known.add(value)
        return value


def render() -> tuple[bytes, str]:
    """Return the exposition and its media type."""
    return generate_latest(), CONTENT_TYPE_LATEST
