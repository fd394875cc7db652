"""Frees what this program keeps: its cache directory and the images it built. The running cluster is never touched."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from cluster import app, engine, images, kind, paths, steps

# The engine runs out of these files; they stay as long as it answers.
_ENGINE_FILES = "engine"


def clean(*, confirmed: bool) -> None:
    """Print what would be freed and its size; free it when confirmed or when the user says so on a terminal."""
    kept = {_ENGINE_FILES} if engine.answers() else set()
    entries = [entry for entry in sorted(paths.cache().iterdir()) if entry.name not in kept]
    local = _local_images()
    total = 0
    for entry in entries:
        size = _size(entry)
        total += size
        print(f"{_readable(size):>10}  {entry}")
    if local:
        # Sizes of images share layers, so their sum would promise more than is freed.
        print(f"{len(local):>7} images {images.LOCAL}/* and atendeai/*, in the container engine")
    print(f"{_readable(total):>10}  in all, and the images; making it again takes about fifteen minutes on two cores")
    if engine.answers() and kind.exists():
        raise steps.StepFailedError(
            "nothing was removed: the cluster still exists", remedy="`make down` first: its nodes use the images"
        )
    if not confirmed and not _agreed():
        print("nothing was removed (answer y, or give --yes)")
        return
    for entry in entries:
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    for name in local:
        engine.docker("rmi", "-f", name)
    print("freed")


def _agreed() -> bool:
    if not sys.stdin.isatty():
        return False
    return input("free it? [y/N] ").strip().lower() in {"y", "yes"}


def _local_images() -> list[str]:
    if not engine.answers():
        return []
    out = engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}")
    owned = {item.repository for item in app.APPS}
    names = [name for name in out.split() if not name.endswith(":<none>")]
    return [name for name in names if name.startswith(f"{images.LOCAL}/") or name.rpartition(":")[0] in owned]


def _size(path: Path) -> int:
    """Bytes on disk; a file with several hard links counts once per link, which is close enough for a prompt."""
    if not path.is_dir():
        return path.lstat().st_size
    total = 0
    for directory, _, names in os.walk(path):
        for name in names:
            total += Path(directory, name).lstat().st_blocks * 512
    return total


def _readable(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:.0f} {unit}" if unit in {"B", "KiB"} else f"{size:.1f} {unit}"
        size /= 1024
    return ""
