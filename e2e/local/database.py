"""PostgreSQL and Redis as their own users see them, from inside their pods: for looking, never for changing."""

from __future__ import annotations

import functools
import os
import secrets
import select
import subprocess
import threading
import time
from contextlib import suppress

from local import kubectl, world

POSTGRES = f"{world.STACK}-postgres-0"
REDIS = f"{world.STACK}-redis-0"
PATIENCE = 60.0
"""Seconds after which a query counts as unanswered."""


def clinic_id(local: world.LocalClinic) -> str:
    """The clinic's stable id, from its status."""
    resource = kubectl.get("clinic", local.name, namespace=world.NAMESPACE)
    return str(resource["status"]["clinicId"])


def role(local: world.LocalClinic) -> str:
    """The clinic's database role."""
    return f"clinic_{clinic_id(local).replace('-', '')}"


def psql(query: str, *, user: str = "postgres", password: str = "") -> list[list[str]]:
    """Rows of a query, by the superuser over the socket or by any role over TCP with its password.

    Raises KubectlError with what PostgreSQL said, or when its pod cannot be reached.
    """
    if password:  # a session of its own, whose end undoes what it left open
        return _rows(kubectl.kubectl(*_command(user, password), stdin=query).splitlines())
    return _rows(_superuser().ask(query))


def _rows(lines: list[str]) -> list[list[str]]:
    return [line.split("|") for line in lines]


def _command(user: str, password: str = "") -> list[str]:
    where = ["-h", "127.0.0.1"] if password else []
    begun = ["-n", world.NAMESPACE, "exec", "-i", POSTGRES, "-c", "postgres", "--", "env", f"PGPASSWORD={password}"]
    return [*begun, "psql", *where, "-U", user, "-d", "atendeai", "-v", "ON_ERROR_STOP=1", "-At", "-F", "|", "-qf", "-"]


@functools.cache
def _superuser() -> _Session:
    return _Session(_command("postgres"))


class _Session:
    """A psql in the database's pod that stays: to begin one costs what hundreds of queries do."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def ask(self, query: str) -> list[str]:
        """The lines of the answer; a session that ended meanwhile, with its pod, is begun anew by the next question."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._process = kubectl.popen(*self._command)
            process = self._process
            try:
                return self._answer(process, query)
            except BaseException:
                self._process = None
                process.kill()
                process.communicate()
                raise

    def _answer(self, process: subprocess.Popen[bytes], query: str) -> list[str]:
        end = secrets.token_hex(8)
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):  # its end says why
            process.stdin.write(f"{query}\n;\nselect '{end}';\n".encode())
            process.stdin.flush()
        deadline, text = time.monotonic() + PATIENCE, b""
        last = f"{end}\n".encode()
        while not text.endswith(last):
            ready, _, _ = select.select([process.stdout], [], [], max(deadline - time.monotonic(), 0))
            if not ready:
                raise kubectl.KubectlError(f"psql: no answer within {PATIENCE} s to: {query}")
            read = os.read(process.stdout.fileno(), 1 << 16)
            if not read:
                _, said = process.communicate()
                raise kubectl.KubectlError(f"psql: {said.decode(errors='replace').strip()}")
            text += read
        return text[: -len(last)].decode().splitlines()


def redis(*command: str, user: str, password: str) -> str:
    """What Redis answers to one command of the given user (errors are answers too)."""
    shell = ["-n", world.NAMESPACE, "exec", REDIS, "-c", "redis", "--", "env", f"REDISCLI_AUTH={password}"]
    return kubectl.kubectl(*shell, "redis-cli", "--user", user, *command).strip()


def count(table: str, local: world.LocalClinic, condition: str = "true") -> int:
    """How many rows of a clinic's partition hold a condition."""
    partition = f"atendeai.{table}_{clinic_id(local).replace('-', '')}"
    return int(psql(f"select count(*) from {partition} where {condition}")[0][0])  # noqa: S608
