"""The data's format and the scorer; whether the goals are met is measured by ``make eval``, not asserted here."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest

from eval.patient import MAX_TURNS, Patient, offers
from eval.run import HERE, converse, lines, main, understand
from eval.score import DATE_KEYS, INTENTS, Rate, dialogue_fault, same_dates, table, utterance_rates, within

PARTS = ("dev", "heldout")
ASKS = {"name", "insurance", "professional", "guardian", "service", "date", "time", "confirmation", "none", "after"}
OUTCOMES = {
    "booked",
    "rescheduled",
    "cancelled",
    "confirmed",
    "handed_off",
    "emergency",
    "answered",
    "opted_out",
    "nothing_booked",
}
SPACES = re.compile(r"\W+")


def utterances(part: str) -> list[dict[str, Any]]:
    return lines(HERE / part / "utterances.jsonl")


def dialogues(part: str) -> list[dict[str, Any]]:
    return lines(HERE / part / "dialogues.jsonl")


def scenes(part: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(Path(HERE / part / "scenes.json").read_text("utf-8"))
    return loaded


def labelled(dates: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every object of date keys in a label."""
    if "candidates" in dates:
        yield from dates["candidates"]
    elif not {"ambiguous", "invalid"} & set(dates):
        yield dates


@pytest.mark.parametrize("part", PARTS)
def test_utterances_are_labelled_as_the_scorer_reads_them(part: str) -> None:
    items = utterances(part)
    assert len({i["id"] for i in items}) == len({i["text"].lower() for i in items}) == len(items)
    for item in items:
        assert set(item) - {"tags"} == {"id", "text", "now", "intent", "dates"}, item
        assert item["intent"] in INTENTS or (item["intent"] is None and "near_miss" in item["tags"])
        assert set(item.get("tags", ())) <= {"near_miss", "precedence"}
        now = datetime.fromisoformat(item["now"])
        dates = item["dates"]
        if not dates:
            continue
        assert set(dates) <= {*DATE_KEYS, "ambiguous", "candidates", "invalid"}
        if "candidates" in dates:
            assert len(dates["candidates"]) == 2
        for each in labelled(dates):
            assert set(each) <= set(DATE_KEYS)
            assert each, item
            days = [date.fromisoformat(each[key]) for key in ("date", "date_from", "date_to") if key in each]
            assert all(day >= now.date() for day in days), item
            assert days == sorted(days)
            times = [time.fromisoformat(each[key]) for key in ("time", "time_from", "time_to") if key in each]
            assert times == sorted(times)
            if "date" in each and "time" in each:
                moment = datetime.combine(days[0], times[0])
                assert moment > now, item


def test_there_is_enough_of_everything() -> None:
    held, dev = utterances("heldout"), utterances("dev")
    assert len(held) >= 700
    assert len(dev) >= 200
    assert min(Counter(i["intent"] for i in held)[intent] for intent in INTENTS) >= 20
    assert sum(bool(i["dates"]) for i in held) >= 300
    assert sum(i["intent"] == "emergency" for i in held) >= 60
    assert sum("near_miss" in i.get("tags", ()) for i in held) >= 20
    assert len(dialogues("heldout")) >= 60
    assert len(dialogues("dev")) >= 15


def test_near_misses_are_no_emergencies() -> None:
    for part in PARTS:
        assert all(i["intent"] != "emergency" for i in utterances(part) if "near_miss" in i.get("tags", ()))


def test_the_parts_share_only_what_everybody_says() -> None:
    """Single words and set phrases are said by everybody; a whole sentence in both parts was copied."""
    texts = [{SPACES.sub(" ", i["text"].lower()).strip() for i in utterances(part)} for part in PARTS]
    assert not [text for text in texts[0] & texts[1] if len(text.split()) > 6]


@pytest.mark.parametrize("part", PARTS)
def test_dialogues_name_only_what_their_clinic_has(part: str) -> None:
    clinics, told = scenes(part), dialogues(part)
    assert len({d["id"] for d in told}) == len(told)
    for each in told:
        clinic = clinics[each["scene"]]
        services = {s["name"] for s in clinic["services"]}
        does = {p["name"]: set(p["services"]) for p in clinic["professionals"]}
        assert set().union(*does.values()) == services
        assert set(each["on"]) <= ASKS, each["id"]
        assert 0 < len(each["open"]) < MAX_TURNS
        expect = each["expect"]
        wanted = expect["outcome"] if isinstance(expect["outcome"], list) else [expect["outcome"]]
        assert set(wanted) <= OUTCOMES
        if set(wanted) & {"booked", "rescheduled"}:
            assert each["slot"], each["id"]
            assert expect["service"] in services
        if "professional" in expect:
            assert expect["service"] in does[expect["professional"]], each["id"]
        for mine in each.get("existing", ()):
            assert mine["service"] in does[mine["professional"]]
            weekday = date.fromisoformat(mine["date"]).strftime("%a").lower()
            assert any(opens <= mine["time"] < closes for opens, closes in clinic["hours"][weekday]), each["id"]
        for busy in each.get("busy", ()):
            assert busy.get("professional") in {None, *does}  # None: everybody is busy


def test_wilson_intervals_are_those_of_the_tables() -> None:
    low, high = Rate("r", 81, 263).interval()
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert Rate("all", 10, 10).interval() == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert Rate("none", 0, 0).interval() == (0.0, 1.0)


def test_dates_are_compared_key_by_key() -> None:
    assert same_dates({"date": "2026-12-01"}, {"intent": "book", "date": "2026-12-01", "time": None})
    assert not same_dates({"date": "2026-12-01"}, {"date": "2026-12-01", "time": "10:00"})
    assert not same_dates({"date": "2026-12-01"}, {})
    assert not same_dates({}, {"time": "10:00"})
    assert not same_dates({}, {"invalid": True})
    assert not same_dates({"invalid": True}, {"date": "2026-12-01"})
    assert same_dates({"ambiguous": True}, {"ambiguous": True, "candidates": [{"date": "2027-02-10"}]})
    assert not same_dates({"ambiguous": True}, {"date": "2027-02-10"})


def test_candidates_are_a_set_and_what_is_said_beside_them_holds_for_each() -> None:
    label = {"ambiguous": True, "candidates": [{"date": "d1", "time": "10:00"}, {"date": "d2", "time": "10:00"}]}
    beside = {"ambiguous": True, "time": "10:00", "candidates": [{"date": "d2"}, {"date": "d1"}]}
    assert same_dates(label, beside)
    assert not same_dates(label, {**beside, "time": "11:00"})
    assert not same_dates(label, {**beside, "candidates": [{"date": "d1"}]})


def test_rates_of_emergencies_count_the_missed_and_the_false() -> None:
    said = [("emergency", "emergency"), ("emergency", "book"), ("book", "emergency"), ("book", "book")]
    pairs = [({"intent": e, "dates": None}, {"intent": a}) for e, a in said]
    rows = {row.name: row for row in utterance_rates(pairs)}
    assert (rows["emergencies, recall"].hits, rows["emergencies, recall"].total) == (1, 2)
    assert (rows["emergencies, precision"].hits, rows["emergencies, precision"].total) == (1, 2)
    assert rows["intents"].hits == 2
    near = [({"intent": None, "dates": None, "tags": ["near_miss"]}, {"intent": a}) for a in ("emergency", "book")]
    rows = {row.name: row for row in utterance_rates([*pairs, *near])}
    assert (rows["  near misses let pass"].hits, rows["  near misses let pass"].total) == (1, 2)
    assert (rows["intents"].total, rows["emergencies, precision"].total) == (4, 3)
    assert rows["dates, exactly"].total == 0
    assert "50.0%" in table(rows.values())
    assert "MISSED" in table(rows.values())


def test_a_dialogue_fails_for_its_first_difference() -> None:
    told = {"expect": {"outcome": "booked", "service": "Canal"}, "slot": {"date": "2026-12-04", "time_from": "09:00"}}
    state = {"outcome": "booked", "service": "Canal", "date": "2026-12-04", "time": "09:00"}
    assert dialogue_fault(told, state) is None
    assert "service" in (dialogue_fault(told, {**state, "service": None}) or "")
    assert "within" in (dialogue_fault(told, {**state, "time": "08:30"}) or "")
    assert "within" in (dialogue_fault(told, {**state, "date": None}) or "")
    either = {"expect": {"outcome": ["answered", "nothing_booked"]}}
    assert dialogue_fault(either, {"outcome": "answered"}) is None
    assert "outcome" in (dialogue_fault(either, {"outcome": "booked"}) or "")
    assert within({"date_from": "2026-12-01", "date_to": "2026-12-03"}, "2026-12-03", None)
    assert not within({"date_from": "2026-12-01", "date_to": "2026-12-03"}, "2026-12-04", None)


def test_a_patient_reads_offers() -> None:
    today = date(2026, 12, 30)
    read = offers(["1) amanhã (quinta-feira, 31/12) às 9h ou 14h30", "sábado, 02/01 às 10:00, R$ 250,00"], today)
    assert read == [("2026-12-31", "09:00"), ("2026-12-31", "14:30"), ("2027-01-02", "10:00")]


def patient(**more: Any) -> Patient:
    told = {
        "now": "2026-12-01T09:00",
        "open": ["oi"],
        "wish": "quarta às 14h",
        "slot": {"date": "2026-12-02", "time": "14:00"},
        "on": {"name": ["Ana Reis"]},
        "expect": {"outcome": "booked", "service": "Canal"},
    }
    return Patient(told | more)


def asked(asks: str | None, reply: str = "", outcome: str = "nothing_booked") -> dict[str, Any]:
    return {"replies": [reply], "asks": asks, "state": {"outcome": outcome}}


def test_a_patient_takes_what_suits_and_refuses_what_does_not() -> None:
    one = patient()
    assert one.next(None) == "oi"
    assert one.next(asked("service")) == "canal"
    assert one.next(asked("time", "amanhã (02/12) às 9h ou 14h")) == "pode ser dia 02/12 às 14h"
    assert one.next(asked("time", "amanhã (02/12) às 9h")) == "quarta às 14h"
    assert one.next(asked("confirmation", "amanhã, 02/12 às 9h?")) == "não, quarta às 14h"
    assert one.next(asked("name")) == one.next(asked("name")) == "Ana Reis"
    assert one.next(asked("confirmation", "amanhã, 02/12 às 14h?")) == "sim"
    assert one.next(asked(None, "Agendado!", "booked")) is None


def test_a_patient_changes_its_mind_once_and_gives_up_in_the_end() -> None:
    change = {"say": "melhor quinta às 9h", "slot": {"date": "2026-12-03", "time": "09:00"}}
    one = patient(on={"confirmation": [change, "@slot"], "none": ["alô?"]})
    one.next(None)
    assert one.next(asked("confirmation", "02/12 às 14h?")) == "melhor quinta às 9h"
    assert one.next(asked("confirmation", "02/12 às 14h?")) == "não, melhor quinta às 9h"
    assert one.next(asked("confirmation", "03/12 às 9h?")) == "sim"
    assert one.next(asked(None)) == "alô?"
    said = [one.next(asked("time")) for _ in range(MAX_TURNS)]
    assert said[-1] is None


def test_what_went_wrong_is_never_shown_of_the_heldout_part(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--show", "3"])
    assert "--dev only" in capsys.readouterr().err


def test_the_product_is_asked_through_its_shell_commands() -> None:
    """One answer for each utterance in order, and a dialogue to its end; how good they are is measured elsewhere."""
    items = utterances("dev")[:3]
    answers = understand(items)
    assert [set(answer) >= {"intent", "confidence", "entities"} for answer in answers] == [True] * 3
    told = dialogues("dev")[0]
    _, transcript = converse(told, scenes("dev")[told["scene"]])
    assert transcript[0] == f"  > {told['open'][0]}"
    assert len(transcript) >= 2
    assert all(line.startswith("  < ") for line in transcript[1::2])
