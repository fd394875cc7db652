"""Runs runc without CAP_SYS_RESOURCE, for hosts whose bounding set lacks it.

``docker run --privileged`` asks for every capability, and runc fails on one that the host cannot give. This wrapper
takes that one out of the bundle's config.json (create, run) and of the process file (exec), then becomes runc.
engine.py writes it into the cache with the path of runc filled in; it is never used on an ordinary host.
"""

import json
import os
import sys
from pathlib import Path

RUNC = "@RUNC@"
MISSING = "CAP_SYS_RESOURCE"


def value_of(arguments: list[str], *names: str) -> str | None:
    """The value of a flag, as ``--flag value`` or ``--flag=value``."""
    for index, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        if name in names:
            return value if equals else arguments[index + 1]
    return None


def drop(path: Path, *keys: str) -> None:
    """Remove the capability from the process description inside a JSON file."""
    document = json.loads(path.read_text(encoding="utf-8"))
    process = document
    for key in keys:
        process = process.get(key) or {}
    for name, held in (process.get("capabilities") or {}).items():
        process["capabilities"][name] = [capability for capability in held if capability != MISSING]
    # In place: the file is the engine's, and its owner and mode must stay.
    path.write_text(json.dumps(document), encoding="utf-8")


def main(arguments: list[str]) -> None:
    """Adjust what runc will read, then replace this process by runc."""
    if "create" in arguments or "run" in arguments:
        drop(Path(value_of(arguments, "--bundle", "-b") or ".") / "config.json", "process")
    elif "exec" in arguments:
        process = value_of(arguments, "--process", "-p")
        if process:
            drop(Path(process))
    os.execv(RUNC, [RUNC, *arguments])  # noqa: S606 - this process becomes runc


if __name__ == "__main__":
    main(sys.argv[1:])
