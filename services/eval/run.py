"""Prints how well the attendant understands: ``make eval``, or ``python -m eval.run --dev --show 20`` in services/.

Asks the product only through its shell commands (``python -m atendeai.conversation understand`` and ``… converse``) and
reads the data beside this file. What went wrong is shown for the part ``dev`` alone: nobody tunes on ``heldout``.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eval.patient import Patient
from eval.score import Rate, dialogue_fault, same_dates, table, utterance_rates

HERE = Path(__file__).parent
COMMAND = (sys.executable, "-m", "atendeai.conversation")
BATCH_SECONDS = 600


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def understand(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One answer for each utterance, in order, by one batch of the command."""
    asked = "".join(json.dumps({"text": i["text"], "now": i["now"]}, ensure_ascii=False) + "\n" for i in items)
    done = subprocess.run(
        (*COMMAND, "understand"),
        input=asked,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
        timeout=BATCH_SECONDS,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(items):
        raise RuntimeError(f"{len(items)} utterances had {len(answers)} answers")
    return answers


def converse(dialogue: Mapping[str, Any], clinic: Mapping[str, Any]) -> tuple[str | None, list[str]]:
    """What is wrong with how a dialogue ends, None when nothing is, and its transcript."""
    scene = {"now": dialogue["now"], "clinic": clinic}
    scene |= {key: dialogue[key] for key in ("existing", "busy", "context") if key in dialogue}
    patient = Patient(dialogue)
    transcript: list[str] = []
    with subprocess.Popen((*COMMAND, "converse"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a process without its pipes")
        answer: dict[str, Any] | None = None
        process.stdin.write(json.dumps(scene, ensure_ascii=False) + "\n")
        while (text := patient.next(answer)) is not None:
            process.stdin.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                return "the command ended", transcript
            answer = json.loads(line)
            transcript += [f"  > {text}", f"  < {' | '.join(answer['replies'])}  [{answer['asks']}]"]
        process.stdin.close()
    state = (answer or {})["state"]
    return dialogue_fault({**dialogue, "slot": patient.slot}, state), transcript


def main(argv: list[str] | None = None) -> int:
    """Run a part and print its table; 0 whether or not the goals are met, as this measures and does not judge."""
    parser = argparse.ArgumentParser(prog="eval", description="How well the attendant understands.")
    parser.add_argument("--dev", action="store_true", help="the part that the engine's author may look at")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N failures of each kind (--dev only)")
    options = parser.parse_args(argv)
    if options.show and not options.dev:
        parser.error("failures are shown for --dev only: nobody tunes on the held-out part")
    part = HERE / ("dev" if options.dev else "heldout")
    items = lines(part / "utterances.jsonl")
    pairs = list(zip(items, understand(items), strict=True))
    scenes = json.loads((part / "scenes.json").read_text("utf-8"))
    dialogues = lines(part / "dialogues.jsonl")
    ends = [(each, *converse(each, scenes[each["scene"]])) for each in dialogues]
    rows = utterance_rates(pairs)
    rows.append(Rate("whole dialogues", sum(fault is None for _, fault, _ in ends), len(ends), 0.90))
    out = [f"{part.name}: {len(items)} utterances, {len(dialogues)} dialogues", table(rows)]
    if options.show:
        wrong = [(e, a) for e, a in pairs if e["intent"] != a["intent"]]
        out += [f"{e['id']} {e['text']!r}: {a['intent']}, not {e['intent']}" for e, a in wrong[: options.show]]
        undated = [(e, a) for e, a in pairs if e["dates"] is not None and not same_dates(e["dates"], a)]
        out += [f"{e['id']} {e['now']} {e['text']!r}: {a}, not {e['dates']}" for e, a in undated[: options.show]]
        failed = [end for end in ends if end[1]]
        out += ["\n".join([f"{e['id']}: {fault}", *said]) for e, fault, said in failed[: options.show]]
    sys.stdout.write("\n".join(out) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
