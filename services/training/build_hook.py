"""Trains the classifier of intents whenever the package is built or installed for development (a hatchling hook)."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_MODEL = "services/atendeai/domain/understanding/intents.model.json"


class TrainingHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs ``python -m training.train`` among the package's sources before they are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Trains; a failure fails the build, as a package without its classifier understands less."""
        services = Path(self.root) / "services"
        subprocess.run([sys.executable, "-m", "training.train"], cwd=services, check=True)
        build_data["artifacts"].append(_MODEL)
