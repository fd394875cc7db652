"""The edge suite on a real Kong, wherever its image is reachable.

Run as `python -m local.verify_kong` on a cluster that is up. Without a Kong image it says so and exits with 1: what was
not verified is never called verified.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from cluster.steps import StepFailedError, say, step
from local import kubectl, world
from local.deploy import ready

SUITE = Path(__file__).resolve().parents[1] / "tests" / "test_front_door.py"


def main() -> int:
    """Switch the gateway to Kong, run the edge suite, and switch back; returns the suite's exit code."""
    refs = json.loads(kubectl.cluster("image-refs"))
    if not refs.get("kong"):
        say("no Kong image can be had here: nothing was verified. Run this where an image registry is reachable.")
        return 1
    version = kubectl.cluster("app-version")
    before = kubectl.get("stack", world.STACK, namespace=world.NAMESPACE)["spec"]["gateway"]["provider"]
    try:
        with step("the gateway is Kong"):
            kubectl.apply(world.stack(version, "Kong"))
            ready("stack", world.STACK, version, 300)
        return subprocess.run([sys.executable, "-m", "pytest", "-q", "-m", "e2e", str(SUITE)], check=False).returncode
    except StepFailedError as error:
        say(error.render())
        return 1
    finally:
        kubectl.apply(world.stack(version, before))


if __name__ == "__main__":
    sys.exit(main())
