"""What a log line holds, in both formats, and that no patient is in any."""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import httpx
import orjson
import pytest
import structlog

from atendeai.auth.app import create_app as create_auth
from atendeai.kit import said
from atendeai.kit.logging import configure, describe
from atendeai.kit.settings import Settings
from atendeai.kit.telemetry import Telemetry
from atendeai.kit.testing.plugin import ClientFactory, ClinicFactory
from atendeai.kit.testing.waiting import eventually
from tests.kit.toy import create_app
from tests.kit.whole import whole

NAME, NUMBER, WORDS = "Zenóbia Quaresma", "5511944443333", "quero marcar uma consulta amanhã às 14h, xilofone"
EMAIL = "zenobia.quaresma@example.com"
MARKS = ("Zen", "zenobia", "Quaresma", NUMBER, NUMBER[4:], "xilofone", "consulta amanh", "João")
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"

Format = Literal["JSON", "Text"]


def settings(log_format: Format = "JSON", level: Literal["DEBUG", "INFO"] = "DEBUG") -> Settings:
    return Settings(
        service="auth",
        version="1.2.3",
        database_url="postgresql://x@localhost/x",
        redis_url="redis://localhost",
        log_format=log_format,
        log_level=level,
    )


@contextmanager
def captured(own: Settings) -> Iterator[Callable[[], str]]:
    root = logging.getLogger()
    before, level, hook = root.handlers[:], root.level, sys.excepthook
    stream = io.BytesIO()
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):  # as in a process in which no other server ran before
        found = logging.getLogger(name)
        found.handlers.clear()
        found.setLevel(logging.NOTSET)
        found.propagate = True
    configure(own, stream)
    try:
        yield lambda: stream.getvalue().decode()
    finally:
        root.handlers[:], sys.excepthook = before, hook
        root.setLevel(level)
        structlog.reset_defaults()


def lines(text: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in text.splitlines()]


def fail(words: str) -> None:
    raise ValueError(words)


def test_a_line_is_of_the_elastic_common_schema() -> None:
    own = settings()
    parent = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
    with captured(own) as text, Telemetry(own).serving("POST", "/x", parent):
        said.begin(request_id="r-12345678", clinic_id="c-1")
        structlog.get_logger("atendeai.x").info(
            "request",
            method="POST",
            route="/api/v1/x/{id}",
            http_status=503,
            duration_ns=1_500_000,
            queue="q",
            none=None,
        )
    (line,) = lines(text())
    assert list(line)[:3] == ["@timestamp", "log.level", "message"]
    moment = datetime.fromisoformat(line.pop("@timestamp"))
    assert timedelta(0) <= datetime.now(UTC) - moment < timedelta(minutes=1)
    assert line == {
        "log.level": "info",
        "message": "request",
        "ecs.version": "9.0.0",
        "service.name": "auth",
        "service.version": "1.2.3",
        "service.type": "atendeai",
        "trace.id": TRACE,
        "span.id": SPAN,
        "http.request.id": "r-12345678",
        "labels.clinic_id": "c-1",
        "log.logger": "atendeai.x",
        "http.request.method": "POST",
        "url.path": "/api/v1/x/{id}",
        "http.response.status_code": 503,
        "event.duration": 1_500_000,
        "event.category": ["web"],
        "event.outcome": "failure",
        "labels.queue": "q",
    }


def test_an_error_is_its_type_its_place_and_its_causes_without_its_words() -> None:
    with captured(settings()) as text:
        try:
            try:
                fail(f"{NAME} disse {WORDS}")
            except ValueError as error:
                raise ConnectionRefusedError(111, "Connect call failed") from error
        except OSError as error:
            structlog.get_logger("x").error("failed", exc_info=error)
            logging.getLogger("library").exception("said of %s", NAME)
    ours, library = lines(text())
    for line in (ours, library):
        assert line["error.type"] == "builtins.ConnectionRefusedError"
        assert line["error.message"].endswith("Connect call failed")
        assert re.search(r"test_logging\.py:\d+ test_an_error", line["error.stack_trace"])
        assert line["error.stack_trace"].endswith("caused by builtins.ValueError")
    assert (library["message"], library["log.logger"], library["log.level"]) == ("said of %s", "library", "error")
    assert not [mark for mark in MARKS if mark in text()]


def test_an_error_of_the_database_has_its_code() -> None:
    class UniqueViolationError(Exception):
        sqlstate = "23505"

    described = describe(UniqueViolationError(f"Key (wa_id)=({NUMBER}) already exists."))
    assert described["code"] == "23505"
    assert NUMBER not in str(described)


def test_the_text_format_is_for_people_and_says_the_same() -> None:
    with captured(settings("Text", "INFO")) as text:
        structlog.get_logger("atendeai.x").info("work_failed", queue="reply", attempts=3)
        structlog.get_logger("atendeai.x").debug("unheard")
        try:
            fail(WORDS)
        except ValueError:
            structlog.get_logger("atendeai.x").exception("broken")
        logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)
    first, second, *frames, server = text().splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d \[info +\] work_failed +\[atendeai\.x\] attempts=3 queue=reply", first)
    assert re.fullmatch(r"\d\d:\d\d:\d\d \[error +\] broken +\[atendeai\.x\] error\.type=builtins\.ValueError", second)
    assert [frame.partition(":")[0] for frame in frames] == ["    test_logging.py"] * 2
    assert server.endswith("Started server process [7] [uvicorn.error]")
    assert "xilofone" not in text()


@pytest.mark.parametrize("log_format", ["JSON", "Text"])
async def test_what_libraries_say_below_a_warning_and_put_into_their_lines_is_left_out(log_format: Format) -> None:
    async def task() -> None:
        fail(f"{NAME} disse {WORDS}")

    loop = asyncio.get_running_loop()
    with captured(settings(log_format)) as text:
        async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
            await client.get(f"http://graph.test/{NUMBER}?name={NAME}")
        logging.getLogger("sqlalchemy.engine").info("[generated in 0.1s] ('%s',)", NUMBER)
        logging.getLogger("library").warning("cannot parse %r", WORDS)
        forgotten = loop.create_task(task())
        await asyncio.wait([forgotten])
        del forgotten
        gc.collect()
        await eventually(lambda: "never retrieved" in text())
    assert "cannot parse %r" in text()
    assert "ValueError" in text()
    assert "generated in" not in text()
    assert not [mark for mark in MARKS if mark in text()]


def test_a_line_that_cannot_be_written_is_told_of_like_any_other() -> None:
    with captured(settings()) as said:
        logging.getLogger("uvicorn.error").error("of %d", NAME)
    (line,) = lines(said())
    assert (line["message"], line["log.level"], line["log.logger"]) == ("log_failed", "error", "uvicorn.error")
    assert {"@timestamp", "ecs.version", "service.name"} <= line.keys()


@pytest.mark.integration
@pytest.mark.parametrize("log_format", ["JSON", "Text"])
async def test_no_patient_is_in_the_logs_of_any_service_even_at_debug(
    log_format: Format, clinic_factory: ClinicFactory, client_for: ClientFactory
) -> None:
    with captured(settings(log_format)) as text:
        async with whole(clinic_factory) as world:
            await world.say(WORDS, NUMBER, NAME)
            await world.answers(1)
            await world.say(f"sim, em nome de {NAME}", NUMBER, NAME)
            await world.answers(2)
            await _staff(world.apps["appointment"], world.clinic.headers())
            auth = await client_for(create_auth, world.clinic.service_settings("auth"))
            await auth.post(
                "/api/v1/auth/login",
                json={"email": EMAIL, "password": WORDS},
                headers={"Host": world.clinic.host, "X-Real-IP": "203.0.113.77"},
            )
            toy = await client_for(create_app, world.clinic.service_settings("auth"))
            assert (await toy.get("/api/v1/broken", headers=world.clinic.headers())).status_code == 500
    said = text()
    for expected in (
        "/webhook/whatsapp",
        "/internal/v1/messages",
        "/internal/v1/holds",
        "/api/v1/auth/login",
        "ValueError",
    ):
        assert expected in said
    assert not [mark for mark in (*MARKS, "203.0.113.77") if mark in said]
    if log_format == "JSON":
        assert all(line["ecs.version"] for line in lines(said))


async def _staff(app: Any, headers: dict[str, str]) -> None:
    """Somebody of the clinic books by hand, and mistypes."""
    start = (datetime.now(UTC) + timedelta(days=2)).replace(hour=15, minute=0, second=0, microsecond=0)
    wanted = {
        "service_code": "consulta",
        "professional_code": "ana",
        "start": start.isoformat(),
        "patient_name": NAME,
    }
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://service") as client:
        for body in (
            wanted,
            {**wanted, "phone": NUMBER},
            {**wanted, "start": WORDS},
            {**wanted, "patient_name": "\x00" + NAME},
        ):
            await client.post("/api/v1/appointments", json=body, headers=headers)
        await client.get(f"/api/v1/appointments/{NUMBER}?q={EMAIL}", headers=headers)
        await client.get(f"/api/v1/nothing/{NUMBER}", headers=headers)
