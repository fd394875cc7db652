"""Where things are kept, how a file appears there whole or not at all, and the lock between two runs."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent


def cache() -> Path:
    """The cache directory of this user, created on first use (XDG base directory specification)."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "atendeai"
    root.mkdir(parents=True, exist_ok=True)
    return root


def digest(*parts: str | bytes, length: int = 12) -> str:
    """A short hexadecimal name for a recipe: equal parts, equal name."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "big"))
        state.update(data)
    return state.hexdigest()[:length]


@contextlib.contextmanager
def building(target: Path) -> Iterator[Path]:
    """Yield an empty directory beside ``target``; rename it to ``target`` when the block ends well.

    An interrupted run leaves only a ``.part-…`` directory, which the next clean-cache removes.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".part-{target.name}-", dir=target.parent))
    try:
        yield scratch
        scratch.chmod(0o755)
        if target.exists():
            shutil.rmtree(target)
        scratch.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextlib.contextmanager
def scratch(name: str) -> Iterator[Path]:
    """Yield an empty directory inside the cache (hard links reach it) that is gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix=f".part-{name}-", dir=cache()) as directory:
        yield Path(directory)


def write_whole(target: Path, content: str | bytes, mode: int = 0o644) -> None:
    """Write a file so that a reader sees the old content or the new one, never a part."""
    data = content.encode() if isinstance(content, str) else content
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".part-{target.name}-", dir=target.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        part.chmod(mode)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold a lock of this cache; a second run waits and says so. The kernel frees it when a process dies."""
    path = cache() / "locks" / name
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another run that holds {path}", file=sys.stderr, flush=True)
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
