"""``make bench-startup``: processor time from a service's start until it answers, for each of the eight.

`python -X importtime` says where it goes: ``python -m bench.startup whatsapp`` prints the dearest imports of one.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

from atendeai.kit.settings import SERVICE_PORTS
from atendeai.kit.testing.clinics import Stack
from atendeai.kit.testing.servers import free_port
from bench import stand

GOAL = 1.5
RUNS = 5


def seconds(made: Stack, name: str) -> float:
    """Processor time, user and system, until `/health/live` answers."""
    port = free_port()
    command = [sys.executable, "-m", f"atendeai.{name}"]
    with stand.running(command, stand.environment(made, port), port, "/health/live") as process:
        return stand.Server(port, process.pid).cpu()


def dearest(name: str, count: int = 25) -> None:
    """Print the imports that take longest by themselves."""
    command = [sys.executable, "-X", "importtime", "-c", f"import atendeai.{name}.app"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stderr.splitlines()
    found: list[tuple[int, str]] = []
    for line in lines:
        cost, _, rest = line.removeprefix("import time:").partition("|")
        if cost.strip().isdigit():
            found.append((int(cost), rest.partition("|")[2].strip()))
    for own, module in sorted(found, reverse=True)[:count]:
        print(f"{own / 1000:8.1f} ms  {module}")


def main() -> None:
    """Measure all, or explain one."""
    if len(sys.argv) > 1:
        dearest(sys.argv[1])
        return
    missed = False
    with stand.stack() as made:
        for name in SERVICE_PORTS:
            seconds(made, name)  # so that every file is read and compiled
            taken = [seconds(made, name) for _ in range(RUNS)]
            good = statistics.median(taken) <= GOAL
            missed |= not good
            print(
                f"{name:<14} {statistics.median(taken):5.2f} s of CPU ({min(taken):.2f} to {max(taken):.2f});"
                f" goal {GOAL}: {'met' if good else 'missed'}",
                flush=True,
            )
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
