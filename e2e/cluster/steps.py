"""What the user sees: each step with its elapsed time; of a failing command its own last lines and a remedy."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cluster import paths


def _begun() -> float:
    """When the run began that this process is a part of, by the monotonic clock; the Makefile tells its parts.

    A run of several programs has one clock then, and does not begin at zero with each of them.
    """
    now = time.monotonic()
    try:
        return now - max(0.0, time.time() - float(os.environ["ATENDEAI_STARTED"]))
    except (KeyError, ValueError):
        return now


_start = _begun()
_print_lock = threading.Lock()
TAIL_LINES = 25


class StepFailedError(Exception):
    """A step could not be done. ``remedy`` says what the user can do, ``tail`` what the command said last."""

    def __init__(self, what: str, *, remedy: str = "", tail: str = "") -> None:
        super().__init__(what)
        self.what, self.remedy, self.tail = what, remedy, tail

    def render(self) -> str:
        """The whole message, as it is printed at the end of a failed run."""
        lines = [f"failed: {self.what}"]
        if self.tail.strip():
            lines.append("its last lines:")
            lines.extend(f"    {line}" for line in self.tail.rstrip().splitlines()[-TAIL_LINES:])
        if self.remedy:
            lines.append(f"remedy: {self.remedy}")
        return "\n".join(lines)


def elapsed(seconds: float) -> str:
    """Seconds as a person reads them: ``0.4 s``, ``12 s``, ``6 min 05 s``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60:02d} s"


def say(text: str) -> None:
    """One line for the user, on stderr with the time since the start: stdout belongs to answers."""
    since = time.monotonic() - _start
    with _print_lock:
        print(f"[{int(since) // 60:3d}:{int(since) % 60:02d}] {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Announce a step, and say how long it took when it has ended."""
    began = time.monotonic()
    say(f"{name} …")
    try:
        yield
    except BaseException:
        say(f"{name}: failed after {elapsed(time.monotonic() - began)}")
        raise
    say(f"{name}: done in {elapsed(time.monotonic() - began)}")


def run(
    command: Sequence[str | os.PathLike[str]],
    *,
    remedy: str = "",
    what: str = "",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | bytes | None = None,
    timeout: float | None = None,
) -> str:
    """Run a command, its output kept in the cache's log, and return its stdout.

    ``env`` is added to the environment of this process. Raises StepFailedError with the last lines of the output.
    """
    words = [os.fspath(word) for word in command]
    what = what or " ".join(words)[:160]
    try:
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError as missing:
        raise StepFailedError(what, tail=str(missing), remedy=remedy or f"install {words[0]}") from missing
    _running.add(process)
    try:
        out, err = process.communicate(stdin.encode() if isinstance(stdin, str) else stdin, timeout)
    except subprocess.TimeoutExpired as late:
        process.kill()
        out, err = process.communicate()
        tail = (out + err).decode(errors="replace")
        raise StepFailedError(f"{what} (no end after {timeout:.0f} s)", tail=tail, remedy=remedy) from late
    except BaseException:
        process.terminate()
        process.wait()
        raise
    finally:
        _running.discard(process)
    _log(words, process.returncode, out, err)
    if process.returncode:
        tail = (out + err).decode(errors="replace")
        raise StepFailedError(f"{what} (exit {process.returncode})", tail=tail, remedy=remedy)
    return out.decode(errors="replace")


_running: set[subprocess.Popen[bytes]] = set()


def stop_others() -> None:
    """End the commands that other threads wait for; they fail there. For a lane whose neighbour has failed."""
    for process in list(_running):
        process.terminate()


def succeeds(command: Sequence[str | os.PathLike[str]], *, timeout: float = 30) -> bool:
    """Whether a command exists, ends in time and exits with 0. Its output is thrown away."""
    try:
        done = subprocess.run(
            [os.fspath(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=timeout,
            check=False,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _log(words: Sequence[str], code: int, out: bytes, err: bytes) -> None:
    """Keep what a command said. The log is started anew when it has grown past 5 MB."""
    log = paths.cache() / "cluster.log"
    with contextlib.suppress(OSError):
        mode = "ab" if log.exists() and log.stat().st_size < 5_000_000 else "wb"
        with log.open(mode) as stream:
            stream.write(f"$ {' '.join(words)[:500]}  -> {code}\n".encode())
            stream.write(out[-20_000:] + err[-20_000:] + b"\n")
