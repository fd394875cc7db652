"""The shell commands as a user runs them."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from atendeai.conversation.shell import SceneError, converse, main


def run(arguments: list[str], stdin: str = "") -> tuple[int, list[dict[str, object]]]:
    out = io.StringIO()
    code = main(arguments, stdin=io.StringIO(stdin), stdout=out)
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


def test_understand_one_message() -> None:
    code, (line,) = run(["understand", "--now", "2026-11-24T09:00", "quero marcar amanhã às 14h"])
    assert code == 0
    assert (line["intent"], line["date"], line["time"]) == ("book", "2026-11-25", "14:00")


def test_understand_lines() -> None:
    lines = [{"text": "amanhã", "now": "2026-11-24T09:00"}, {"text": "terça", "now": "2026-11-24T09:00"}]
    code, (first, second) = run(["understand"], "\n".join(json.dumps(line) for line in lines))
    assert (code, first["date"], second["ambiguous"]) == (0, "2026-11-25", True)


def test_now_is_by_the_clinics_clock() -> None:
    days = [str(run(["understand", "--timezone", zone, "hoje"])[1][0]["date"]) for zone in ("Etc/GMT-14", "Etc/GMT+12")]
    assert days[0] > days[1]  # never the same day: 26 hours lie between them
    assert run(["understand", "--timezone", "Nada", "hoje"]) == (2, [])


@pytest.mark.parametrize(
    ("stdin", "named"),
    [
        ("", "first line"),
        ("not json", "line 1"),
        ('{"now": "yesterday", "clinic": {}}', "now"),
        ('{"now": "2026-11-24T09:00"}', "clinic"),
        ('{"now": "2026-11-24T09:00", "clinic": {"hours": {"monday": []}}}', "businessHours"),
        ('{"now": "2026-11-24T09:00", "clinic": {}, "busy": [{"professional": "X"}]}', "busy.professional"),
        ('{"now": "2026-11-24T09:00", "clinic": {}}\n{"message": "oi"}', "text"),
    ],
)
def test_bad_input_names_the_field(stdin: str, named: str) -> None:
    with pytest.raises(SceneError, match=named):
        list(converse(io.StringIO(stdin)))


def test_bad_input_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["converse"], stdin=io.StringIO("nonsense"), stdout=io.StringIO()) == 2
    assert "line 1" in capsys.readouterr().err


def test_it_runs_as_a_module() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "atendeai.conversation",
            "understand",
            "--now",
            "2026-11-24T09:00",
            "não consigo respirar",
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert json.loads(done.stdout)["intent"] == "emergency"
