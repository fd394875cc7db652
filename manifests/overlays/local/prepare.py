"""Write the two files of this overlay: which images the local cluster has.

Asks `python3 e2e/cluster`, which knows, and writes `images.json` and `operator-image` beside itself.
"""

# ruff: noqa: INP001 - a script beside the data it writes

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLUSTER = HERE.parents[2] / "e2e" / "cluster"
NAMES = ("postgres", "postgresExporter", "redis", "redisExporter", "kong", "envoy", "haproxy")
MONITORING = ("prometheus", "prometheusVersion", "alertmanager", "alertmanagerVersion")
PUBLIC_KONG = "docker.io/library/kong:3.9"
"""Named where Kong cannot be had locally: a stack that asks for it anyway shows a failing pull."""


def ask(command: str) -> str:
    """Return what the local cluster's program answers; raises CalledProcessError."""
    done = subprocess.run([sys.executable, str(CLUSTER), command], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def main() -> int:
    """Write both files; return the exit status."""
    references = json.loads(ask("image-refs"))
    operator = f"atendeai/operator:{ask('app-version')}"
    images = {name: references.get(name) or PUBLIC_KONG for name in NAMES} | {"operator": operator}
    images |= {name: references[name] for name in MONITORING if references.get(name)}
    (HERE / "images.json").write_text(json.dumps(images, sort_keys=True), encoding="utf-8")
    (HERE / "operator-image").write_text(operator, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
