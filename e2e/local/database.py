"""PostgreSQL and Redis as their own users see them, from inside their pods: for looking, never for changing."""

from __future__ import annotations

from local import kubectl, world

POSTGRES = f"{world.STACK}-postgres-0"
REDIS = f"{world.STACK}-redis-0"


def clinic_id(local: world.LocalClinic) -> str:
    """The clinic's stable id, from its status."""
    resource = kubectl.get("clinic", local.name, namespace=world.NAMESPACE)
    return str(resource["status"]["clinicId"])


def role(local: world.LocalClinic) -> str:
    """The clinic's database role."""
    return f"clinic_{clinic_id(local).replace('-', '')}"


def psql(query: str, *, user: str = "postgres", password: str = "") -> list[list[str]]:
    """Rows of a query, by the superuser over the socket or by any role over TCP with its password."""
    where = ["-h", "127.0.0.1"] if password else []
    command = ["-n", world.NAMESPACE, "exec", "-i", POSTGRES, "-c", "postgres", "--", "env", f"PGPASSWORD={password}"]
    command += [
        "psql",
        *where,
        "-U",
        user,
        "-d",
        "atendeai",
        "-v",
        "ON_ERROR_STOP=1",
        "-At",
        "-F",
        "|",
        "-q",
        "-f",
        "-",
    ]
    text = kubectl.kubectl(*command, stdin=query)
    return [line.split("|") for line in text.splitlines()]


def redis(*command: str, user: str, password: str) -> str:
    """What Redis answers to one command of the given user (errors are answers too)."""
    shell = ["-n", world.NAMESPACE, "exec", REDIS, "-c", "redis", "--", "env", f"REDISCLI_AUTH={password}"]
    return kubectl.kubectl(*shell, "redis-cli", "--user", user, *command).strip()


def count(table: str, local: world.LocalClinic, condition: str = "true") -> int:
    """How many rows of a clinic's partition hold a condition."""
    partition = f"atendeai.{table}_{clinic_id(local).replace('-', '')}"
    return int(psql(f"select count(*) from {partition} where {condition}")[0][0])  # noqa: S608
