"""One picture in every format that a caller may accept."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_prometheus

from atendeai.health.formats import OFFERED, answer, chosen
from atendeai.health.metrics import Gauges
from atendeai.health.picture import LEFT, Part, Picture, State, judged
from atendeai.health.settings import HealthSettings
from atendeai.kit.errors import Problem

THRESHOLDS = HealthSettings().thresholds
PICTURE = Picture(
    "health",
    "2.1.0",
    datetime(2026, 11, 28, 12, tzinfo=UTC),
    (
        Part("whatsapp", "service", latency_ms=12.5, version="2.1.0", signals={"latency_seconds": 0.0125}),
        judged(Part("work", "work", signals={"queue_age_seconds": 75.0}), THRESHOLDS),
        Part("channel:calendar", "channel", State.DOWN, 'cannot be read, or written ("credentials")'),
    ),
)
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
"""What a Prometheus asks with."""
DOWN = Picture("health", "2.1.0", PICTURE.checked_at, (Part("redis", "datastore", State.DOWN, "does not answer"),))


def rendered(accept: str | None, picture: Picture = PICTURE) -> tuple[int, str, bytes]:
    response = answer(picture, chosen(accept), THRESHOLDS)
    assert response.headers["vary"] == "Accept"
    return response.status_code, response.headers["content-type"], bytes(response.body)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"),
        ("application/health+json", "application/health+json"),
        ("application/health+json, application/json;q=0.9", "application/health+json"),
        ("application/health+json;q=0.5, application/json;q=0.9", "application/json"),
        ("application/json;q=0, application/*;q=0.4", "application/health+json"),
        ("text/plain", "text/plain; charset=utf-8"),
        ("text/*;q=0.3, text/csv;q=0.7, application/json;q=0.2", "text/csv; charset=utf-8; header=present"),
        ("text/csv, nonsense", "text/csv; charset=utf-8; header=present"),
        ('text/csv; charset="a,b", image/png', "text/csv; charset=utf-8; header=present"),
        ("text/csv, " + "a/b, " * 600, "text/csv; charset=utf-8; header=present"),
        ("text/plain;version=0.0.4;q=0, text/plain", "text/plain; charset=utf-8"),
        ("text/plain;q=0, text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8"),
        ("TEXT/CSV", "text/csv; charset=utf-8; header=present"),
        ("text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8"),
        (
            PROMETHEUS,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
    ],
)
def test_what_is_accepted_most_is_answered(accept: str | None, media_type: str) -> None:
    assert chosen(accept) == media_type


@pytest.mark.parametrize(
    "accept", ["image/png", "application/json;q=0", "nonsense", "text/html", "text/plain;version=1.0.0"]
)
def test_what_is_not_there_is_refused_with_what_is(accept: str) -> None:
    with pytest.raises(Problem) as caught:
        chosen(accept)
    assert caught.value.status == 406
    assert caught.value.extensions["available"][:2] == ["application/json", "application/health+json"]
    assert set(caught.value.extensions["available"]) == {name.partition(";")[0] for name in OFFERED}
    assert "text/csv" in str(caught.value.detail)


@pytest.mark.parametrize("media_type", list(OFFERED))
def test_degraded_serves_and_down_does_not_in_every_format(media_type: str) -> None:
    assert answer(PICTURE, media_type, THRESHOLDS).status_code == 200
    assert answer(DOWN, media_type, THRESHOLDS).status_code == 503


def test_json_has_the_shape_that_was_there_before() -> None:
    _, _, written = rendered("application/json")
    body = orjson.loads(written)
    assert (body["status"], body["service"], body["version"]) == ("degraded", "health", "2.1.0")
    assert body["components"]["whatsapp"] == {"status": "up", "latency_ms": 12.5, "version": "2.1.0"}
    assert body["components"]["work"] == {"status": "degraded", "reason": "work waits for 75 s, more than 60 s"}


def test_health_json_says_pass_warn_and_fail() -> None:
    _, media_type, written = rendered("application/health+json")
    body = orjson.loads(written)
    assert media_type == "application/health+json"
    assert (body["status"], body["serviceId"], body["releaseId"]) == ("warn", "health", "2.1.0")
    (check,) = body["checks"]["whatsapp:responseTime"]
    assert (check["status"], check["observedValue"], check["observedUnit"]) == ("pass", 12.5, "ms")
    assert body["checks"]["work"][0]["status"] == "warn"
    assert {note.split()[2]: note.split()[1] for note in body["notes"]} == {
        signal: "below" if signal in LEFT else "above" for signal in THRESHOLDS
    }
    assert body["checks"]["channel:calendar"][0]["status"] == "fail"
    assert orjson.loads(rendered("application/health+json", DOWN)[2])["status"] == "fail"


def test_csv_is_read_back_as_it_was() -> None:
    rows = list(csv.DictReader(io.StringIO(rendered("text/csv")[2].decode(), newline="")))
    assert [row["component"] for row in rows] == ["whatsapp", "work", "channel:calendar"]
    assert rows[0] == {"component": "whatsapp", "status": "up", "reason": "", "latency_ms": "12.5", "version": "2.1.0"}
    assert rows[2]["reason"] == 'cannot be read, or written ("credentials")'


def test_text_has_a_line_for_each_part() -> None:
    lines = rendered("text/plain")[2].decode().splitlines()
    assert lines[0].startswith("degraded (health 2.1.0")
    assert lines[1:3] == [
        "whatsapp          up 12.5 ms",
        "work              degraded: work waits for 75 s, more than 60 s",
    ]


@pytest.mark.parametrize(
    ("accept", "parse"),
    [("text/plain;version=0.0.4", parse_prometheus), ("application/openmetrics-text", parse_openmetrics)],
)
def test_prometheus_reads_it(accept: str, parse: Any) -> None:
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in parse(rendered(accept)[2].decode())
        for sample in family.samples
    }
    assert found["atendeai_health_component_status", "whatsapp"] == 0
    assert found["atendeai_health_component_status", "work"] == 1
    assert found["atendeai_health_signal", "queue_age_seconds", "work"] == 75
    assert found["atendeai_health_threshold", "queue_age_seconds"] == 60
    assert found["atendeai_health_clinics", "channel:calendar", "down"] == 1


@pytest.mark.parametrize("signal", list(THRESHOLDS))
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0, 1.0001, 40.0])
def test_what_is_called_degraded_is_what_the_alert_compares(signal: str, share: float) -> None:
    """The rule AtendeAIHealthDegraded is `atendeai_health_signal > on (signal) atendeai_health_threshold`."""
    value = THRESHOLDS[signal] * share
    part = judged(Part("part", "work", signals={signal: value}), THRESHOLDS)
    if signal in LEFT:  # of a clinic's channel, which no label may name: counted in atendeai_health_clinics instead
        assert (part.state is State.DEGRADED) is (share < 1)
        return
    picture = Picture("health", "1", PICTURE.checked_at, (part,))
    samples = {
        sample.name: sample.value
        for family in parse_prometheus(rendered("text/plain;version=0.0.4", picture)[2].decode())
        for sample in family.samples
        if sample.labels.get("signal") in {None, signal}
    }
    fires = samples["atendeai_health_signal"] > samples["atendeai_health_threshold"]
    assert fires is (picture.status == "degraded") is (part.reason is not None)


def test_of_two_complaints_the_graver_holds_and_both_are_told() -> None:
    part = Part("redis", "datastore", State.DOWN, "does not answer", signals={"latency_seconds": 1.5})
    assert judged(part, THRESHOLDS).state is State.DOWN
    assert judged(part, THRESHOLDS).reason == "does not answer; answers in 1.5 s, more than 1 s"


def test_what_was_measured_last_is_not_shown_of_a_part_that_says_nothing_now() -> None:
    registry = CollectorRegistry()
    gauges, labels = Gauges(registry), {"component": "work", "signal": "queue_age_seconds"}
    gauges.show(PICTURE, THRESHOLDS)
    assert registry.get_sample_value("atendeai_health_signal", labels) == 75.0
    gauges.show(replace(PICTURE, parts=(Part("work", "work", State.DEGRADED, "is not known"),)), THRESHOLDS)
    assert registry.get_sample_value("atendeai_health_signal", labels) is None


@pytest.mark.parametrize("media_type", ["application/json", "application/health+json"])
@pytest.mark.parametrize("picture", [PICTURE, DOWN])
def test_each_json_is_what_the_document_says(media_type: str, picture: Picture) -> None:
    document = json.loads((Path(__file__).parents[2] / "openapi" / "health.json").read_text(encoding="utf-8"))
    status, _, body = rendered(media_type, picture)
    said = document["paths"]["/health"]["get"]["responses"][str(status)]["content"]
    assert {media.partition(";")[0] for media in OFFERED} == said.keys()
    jsonschema_rs.validate({**said[media_type]["schema"], "components": document["components"]}, json.loads(body))
