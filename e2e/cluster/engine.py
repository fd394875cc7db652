"""The container engine: found, or installed and started; and the docker client that fits it."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from cluster import debian, paths, steps

_CAP_SYS_RESOURCE = 24  # linux/capability.h
_RUNTIME = "atendeai-runc"
_START_SECONDS = 60


@functools.cache
def client() -> str:
    """The docker client: Debian's beside Debian's engine, otherwise the first on PATH. Raises StepFailedError."""
    if debian.installed("docker.io") and Path("/usr/bin/docker").exists():
        return "/usr/bin/docker"
    found = shutil.which("docker")
    if found is None:
        raise steps.StepFailedError("no docker client found", remedy="install Docker, or run as root on Debian 12")
    return found


@functools.cache
def environment() -> dict[str, str]:
    """What docker and kind need in their environment: this client first on PATH, a builder that is present."""
    directory = paths.cache() / "engine" / "path"
    directory.mkdir(parents=True, exist_ok=True)
    link = directory / "docker"
    if not link.is_symlink() or link.readlink() != Path(client()):
        scratch = directory / f".part-docker-{os.getpid()}"
        scratch.symlink_to(client())
        scratch.replace(link)
    env = {"PATH": f"{directory}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    if not steps.succeeds([client(), "buildx", "version"]):
        env["DOCKER_BUILDKIT"] = "0"
    return env


def docker(
    *arguments: str | os.PathLike[str],
    what: str = "",
    remedy: str = "",
    stdin: str | bytes | None = None,
    timeout: float | None = None,
) -> str:
    """Run the docker client and return its stdout. Raises StepFailedError."""
    return steps.run(
        [client(), *arguments],
        env=environment(),
        what=what,
        remedy=remedy,
        stdin=stdin,
        timeout=timeout,
    )


Command = Sequence[str | os.PathLike[str]]


def pipe(producer: Command, *consumers: Command, what: str) -> None:
    """Send one command's stdout into one or several others, without a shell and without holding it in memory.

    Raises StepFailedError with what any of them said.
    """
    env = {**os.environ, **environment()}
    with tempfile.TemporaryFile() as said:
        source = subprocess.Popen([*producer], stdout=subprocess.PIPE, stderr=said, env=env)
        sinks = [
            subprocess.Popen([*consumer], stdin=subprocess.PIPE, stdout=said, stderr=said, env=env)
            for consumer in consumers
        ]
        # A consumer that died early closes its end; its exit code is what counts.
        with contextlib.suppress(BrokenPipeError):
            while chunk := source.stdout.read(1 << 20) if source.stdout else b"":
                for sink in sinks:
                    if sink.stdin:
                        sink.stdin.write(chunk)
        for sink in sinks:
            if sink.stdin:
                with contextlib.suppress(BrokenPipeError):
                    sink.stdin.close()
        if source.stdout:
            source.stdout.close()
        codes = [process.wait() for process in (*sinks, source)]
        if any(codes):
            said.seek(0)
            raise steps.StepFailedError(what, tail=said.read().decode(errors="replace"))


def answers() -> bool:
    """Whether an engine answers to the client."""
    try:
        return steps.succeeds([client(), "version"], timeout=20)
    except steps.StepFailedError:
        return False


def ensure() -> None:
    """Have an engine that answers and that can run privileged containers. Raises StepFailedError."""
    with paths.lock("engine"):
        if not answers():
            _provide()
    if lacks_sys_resource() and default_runtime() != _RUNTIME:
        # Somebody else's engine on such a host: say early what would fail late.
        raise steps.StepFailedError(
            "this host lacks CAP_SYS_RESOURCE, and the running engine was started without the runtime that copes",
            remedy="stop that engine (its containers stop with it) and run the same command again: it starts one",
        )


def default_runtime() -> str:
    """The name of the engine's default runtime."""
    return docker("info", "--format", "{{.DefaultRuntime}}").strip()


def lacks_sys_resource(status: str | None = None) -> bool:
    """Whether CAP_SYS_RESOURCE is missing from the bounding set of this process (proc(5), CapBnd)."""
    text = Path("/proc/self/status").read_text() if status is None else status
    for line in text.splitlines():
        if line.startswith("CapBnd:"):
            return not int(line.split()[1], 16) >> _CAP_SYS_RESOURCE & 1
    return False


def _provide() -> None:
    if os.geteuid():
        raise steps.StepFailedError(
            "no container engine answers, and only root may start one",
            remedy="start Docker (for instance `sudo systemctl start docker`) and run the same command again",
        )
    if shutil.which("dockerd") is None:
        debian.ensure(debian.ENGINE)
        client.cache_clear()
        environment.cache_clear()
    if Path("/run/systemd/system").is_dir() and not lacks_sys_resource():
        with steps.step("start the container engine (systemd)"):
            steps.run(["systemctl", "start", "docker"], remedy="see `journalctl -u docker`")
    else:
        with steps.step("start the container engine"):
            _start_detached()


def _start_detached() -> None:
    home = paths.cache() / "engine"
    home.mkdir(parents=True, exist_ok=True)
    log = home / "dockerd.log"
    arguments = ["dockerd"]
    if lacks_sys_resource():
        arguments += ["--add-runtime", f"{_RUNTIME}={_runtime_wrapper()}", "--default-runtime", _RUNTIME]
    # A stale pid file of an engine that died with the machine stops the next one from starting.
    pid_file = Path("/var/run/docker.pid")
    if pid_file.exists() and not Path(f"/proc/{pid_file.read_text().strip()}/cmdline").exists():
        pid_file.unlink()
    # Its output goes to a file and its session is its own: a caller's pipe would otherwise never close.
    with log.open("wb") as output:
        engine = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
        )
    deadline = time.monotonic() + _START_SECONDS
    while not answers():
        if engine.poll() is not None or time.monotonic() > deadline:
            raise steps.StepFailedError(
                "dockerd does not answer",
                tail=log.read_text(errors="replace"),
                remedy=f"its whole output is in {log}; a kernel without overlay or iptables support cannot run it",
            )
        time.sleep(0.3)


def _runtime_wrapper() -> Path:
    """Write the wrapper around runc that drops the capability which this host cannot give."""
    runc = shutil.which("runc") or "/usr/sbin/runc"
    # Debian's own interpreter where there is one: the engine must not hang on somebody's virtualenv.
    interpreter = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
    script = (paths.HERE / "runc_wrapper.py").read_text().replace("@RUNC@", runc)
    source = f"#!{interpreter} -ISs\n{script}"
    target = paths.cache() / "engine" / _RUNTIME
    paths.write_whole(target, source, mode=0o755)
    return target
