"""Where images come from on this machine: pulled from public registries, or built from package registries."""

from __future__ import annotations

import json
import os
from pathlib import Path

from cluster import engine, kind, paths, steps

_PROBE = "docker.io/library/hello-world:latest"  # 13 kB
_PROBE_SECONDS = 20


def choose() -> str:
    """``public`` or ``build``: as ATENDEAI_IMAGES says, as the running cluster was made, or as the registry answers.

    Prints the choice and its reason. Raises StepFailedError for another value of ATENDEAI_IMAGES.
    """
    mode, reason = _choose()
    steps.say(f"images: {mode} ({reason})")
    if mode == "build":
        steps.say("edge: Envoy, because Kong's image exists only in an image registry (its source needs one to build)")
    return mode


def current() -> str:
    """The same without a word, for commands whose answer is read by programs."""
    return _choose()[0]


def _choose() -> tuple[str, str]:
    wanted = os.environ.get("ATENDEAI_IMAGES", "")
    if wanted:
        if wanted not in {"public", "build"}:
            raise steps.StepFailedError(
                f"ATENDEAI_IMAGES={wanted!r} is neither public nor build",
                remedy="unset it to let the registry's answer decide",
            )
        return wanted, "as ATENDEAI_IMAGES says"
    kept = _recorded()
    if kept and kind.exists():
        return kept, "as the cluster was made"
    if steps.succeeds([engine.client(), "pull", "-q", _PROBE], timeout=_PROBE_SECONDS):
        return "public", "the image registry answers"
    return "build", f"no image registry answers within {_PROBE_SECONDS} s"


def record(mode: str, image: str) -> None:
    """Remember what the cluster was made of."""
    paths.write_whole(_file(), json.dumps({"mode": mode, "node": image}))


def forget() -> None:
    """A cluster counts as whole only between ``record`` and ``forget``."""
    _file().unlink(missing_ok=True)


def is_recorded() -> bool:
    """Whether a cluster was made to the end."""
    return bool(_read())


def recorded_node() -> str:
    """The node image of the cluster as it was made; empty when nothing is recorded."""
    return _read().get("node", "")


def _recorded() -> str:
    return _read().get("mode", "")


def _read() -> dict[str, str]:
    try:
        known: dict[str, str] = json.loads(_file().read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return known


def _file() -> Path:
    return paths.cache() / "cluster.json"
