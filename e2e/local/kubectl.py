"""The cluster as its users reach it: kubectl with the local context, and a forwarded port where nothing is exposed."""

from __future__ import annotations

import base64
import functools
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

CONTEXT = "kind-atendeai"
T = TypeVar("T")
_CLUSTER = Path(__file__).resolve().parents[1] / "cluster"


class KubectlError(RuntimeError):
    """kubectl ended with an error; the message is what it printed."""


def cluster(*arguments: str) -> str:
    """What `python3 e2e/cluster …` answers on its standard output."""
    done = subprocess.run([sys.executable, str(_CLUSTER), *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


@functools.cache
def binary(name: str) -> str:
    """The path of one of the cached binaries (kubectl, helm)."""
    return cluster("bin", name).splitlines()[-1]


def _command(*arguments: str) -> list[str]:
    return [binary("kubectl"), "--context", CONTEXT, *arguments]


def kubectl(*arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
    """Run kubectl against the local cluster and return its output; raises KubectlError with its complaint."""
    done = subprocess.run(
        _command(*arguments), input=stdin, capture_output=True, text=True, timeout=timeout, check=False
    )
    if done.returncode != 0:
        raise KubectlError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def popen(*arguments: str) -> subprocess.Popen[bytes]:
    """Begin a kubectl that is talked to: its input, output and complaints are pipes."""
    pipe = subprocess.PIPE
    return subprocess.Popen(_command(*arguments), stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)


def get(kind: str, name: str | None = None, *, namespace: str | None = None, selector: str | None = None) -> Any:
    """One object, or the items of a list, as JSON; None for an object that is not there."""
    arguments = ["get", kind, "-o", "json", "--ignore-not-found"]
    arguments += [name] if name else []
    arguments += ["-n", namespace] if namespace else []
    arguments += ["-l", selector] if selector else []
    text = kubectl(*arguments)
    if not text.strip():
        return None if name else []
    found = json.loads(text)
    return found if name else found["items"]


def apply(*objects: dict[str, Any]) -> None:
    """Server-side apply, as a platform team's pipeline does it."""
    bundle = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(bundle))


def change(kind: str, name: str, spec: dict[str, Any], *, namespace: str) -> None:
    """Merge this into the spec of a resource that is there (RFC 7396)."""
    kubectl("-n", namespace, "patch", kind, name, "--type=merge", "-p", json.dumps({"spec": spec}))


def secret(name: str, namespace: str) -> dict[str, str] | None:
    """The decoded values of a Secret; None when it does not exist."""
    found = get("secret", name, namespace=namespace)
    if found is None:
        return None
    return {key: base64.b64decode(value).decode() for key, value in found.get("data", {}).items()}


def condition(resource: dict[str, Any] | None, kind: str = "Ready") -> dict[str, Any]:
    """The named condition of a resource; an empty mapping when it has none yet."""
    conditions = (resource or {}).get("status", {}).get("conditions", [])
    return next((c for c in conditions if c["type"] == kind), {})


def wait_for(what: str, probe: Callable[[], T | None], *, deadline: float = 120, every: float = 0.5) -> T:
    """Ask until the answer is truthy and return it; raises TimeoutError naming what was awaited and the last error.

    What takes long is asked after more seldom, up to every two seconds: each question costs the cluster something.
    """
    began = time.monotonic()
    last: object = None
    while True:
        try:
            if answer := probe():
                return answer
            last = answer
        except (KubectlError, OSError, AssertionError) as error:
            last = error
        waited = time.monotonic() - began
        if waited > deadline:
            raise TimeoutError(f"{what}: not within {deadline:.0f} s; last seen: {last!r}")
        time.sleep(max(every, min(waited / 10, 2.0)))


def wait(kind: str, name: str, condition: str = "Ready", *, namespace: str, seconds: int = 120) -> None:
    """Wait for a condition (`Ready`, or `Suspended=False`) of a resource; raises KubectlError when it does not come."""
    limits = [f"--for=condition={condition}", f"--timeout={seconds}s"]
    kubectl("-n", namespace, "wait", *limits, f"{kind}/{name}", timeout=seconds + 20)


@contextmanager
def forward(target: str, port: int, *, namespace: str) -> Iterator[int]:
    """A local port that leads to `port` of a Service or Pod; raises KubectlError when it cannot be opened."""
    command = _command("-n", namespace, "port-forward", target, f":{port}")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = process.stdout.readline()
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        if not found:
            process.terminate()
            raise KubectlError(f"port-forward {namespace}/{target}: {process.stderr.read().strip()}")
        yield int(found[1])
    finally:
        process.terminate()
        process.wait(timeout=10)
