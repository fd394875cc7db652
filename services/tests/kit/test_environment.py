"""What a process says of a wrong environment: everything at once, in words that help, and no secret."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from atendeai.health.settings import HealthSettings
from atendeai.kit.environment import ConfigurationError, database_url, unknown

SECRET = "wrong-horse-battery"


def environment(key_file: Path, **changed: str | None) -> dict[str, str]:
    key_file.write_text(Fernet.generate_key().decode())
    values: dict[str, str | None] = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "ATENDEAI_DATABASE_URL": f"postgresql://atendeai_pool:{SECRET}@127.0.0.1:1/atendeai",
        "ATENDEAI_REDIS_URL": f"redis://pool:{SECRET}@127.0.0.1:1/0",
        "ATENDEAI_STACK_KEY_FILE": str(key_file),
        **changed,
    }
    return {name: value for name, value in values.items() if value is not None}


def refusal(name: str, env: dict[str, str]) -> list[str]:
    """The lines a process prints that cannot start; it ends with the code of a wrong configuration, and no more."""
    done = subprocess.run(
        [sys.executable, "-m", f"atendeai.{name}"], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr
    return done.stderr.splitlines()


def test_every_wrong_variable_is_named_at_once_with_reason_and_remedy(tmp_path: Path) -> None:
    env = environment(
        tmp_path / "key",
        ATENDEAI_DATABASE_URL=None,
        ATENDEAI_REDIS_URL=f"amqp://pool:{SECRET}@cache:6379/0",
        ATENDEAI_CLINIC_ID="nonsense",
        ATENDEAI_PORT="70000",
        ATENDEAI_GRACE_SECONDS="soon",
        ATENDEAI_LOG_FORMAT="XML",
        ATENDEAI_SERVICE_URL_TEMPLATE="http://{servce}",
        ATENDEAI_GATEWAY_HEALTH_URL="gateway:8080",
        ATENDEAI_MAX_BODY_BYTES="12.5",
        ATENDEAI_BIND_HOST="everywhere",
        ATENDEAI_REPLY_QUIET_SECONDS="9",
        ATENDEAI_STACK_KEY_FILE=str(tmp_path / "absent"),
    )
    first, *problems = refusal("clinic", env)
    assert first == "clinic cannot start: 12 variables are wrong."
    said = dict(line.strip().split(": ", 1) for line in problems)
    assert said == {
        "ATENDEAI_DATABASE_URL": "is missing. Set it to postgresql://role:password@host:5432/database.",
        "ATENDEAI_REDIS_URL": "does not begin with redis://. Set it to redis://user:password@host:6379/0.",
        "ATENDEAI_CLINIC_ID": "is not a UUID. Set it to the clinic's id, a UUID; leave it out in the shared pool.",
        "ATENDEAI_PORT": "must be at most 65535. Correct it, or leave it out.",
        "ATENDEAI_GRACE_SECONDS": "is not a number. Correct it, or leave it out for the default, 20.0.",
        "ATENDEAI_LOG_FORMAT": "is none of the values it may have. Set it to JSON or Text.",
        "ATENDEAI_SERVICE_URL_TEMPLATE": "has a placeholder that is neither {service} nor {port}. Set it to an address"
        " with the placeholders {service} and {port}, e.g. http://{service}:{port}.",
        "ATENDEAI_GATEWAY_HEALTH_URL": "does not begin with http://. Set it to an address that begins with http:// or"
        " https://.",
        "ATENDEAI_BIND_HOST": "is not an IP address. Set it to an address of this machine to listen on; leave it out to"
        " listen on all, 0.0.0.0.",
        "ATENDEAI_REPLY_WAIT_SECONDS": "is shorter than ATENDEAI_REPLY_QUIET_SECONDS. Set it to seconds, no fewer than"
        " ATENDEAI_REPLY_QUIET_SECONDS; both may be left out, for 8 and 2.5.",
        "ATENDEAI_MAX_BODY_BYTES": "is not a whole number. Correct it, or leave it out for the default, 1048576.",
        "ATENDEAI_STACK_KEY_FILE": "its file cannot be read (No such file or directory). Set it to the path of a file"
        " that holds the stack's key and that this process may read.",
    }


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (f"mysql://role:{SECRET}@host/db", "does not begin with postgresql://"),
        (f"postgresql://role:{SECRET}@/db", "names no host"),
        (f"postgresql://role:{SECRET}@host:port/db", "is not an address"),
        (f"postgresql://role:{SECRET}@host:5432", "names no database"),
        (SECRET, "does not begin with postgresql://"),
    ],
)
def test_a_wrong_address_is_described_and_its_password_is_not_shown(tmp_path: Path, url: str, reason: str) -> None:
    first, problem = refusal("auth", environment(tmp_path / "key", ATENDEAI_DATABASE_URL=url))
    assert first == "auth cannot start: one variable is wrong."
    assert problem.strip().startswith(f"ATENDEAI_DATABASE_URL: {reason}. ")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (None, "is missing"),
        ("", "is missing"),
        (f"mysql://role:{SECRET}@host/db", "does not begin with postgresql://"),
        (f"postgresql://role:{SECRET}@host", "names no database"),
    ],
)
def test_a_process_that_needs_the_database_alone_says_the_same_of_its_address(url: str | None, reason: str) -> None:
    environ = {} if url is None else {"ATENDEAI_DATABASE_URL": url}
    with pytest.raises(ConfigurationError) as refused:
        database_url("migrations", environ)
    remedy = "Set it to postgresql://role:password@host:5432/database."
    assert str(refused.value).splitlines() == [
        "migrations cannot start: one variable is wrong.",
        f"  ATENDEAI_DATABASE_URL: {reason}. {remedy}",
    ]
    assert database_url("migrations", {"ATENDEAI_DATABASE_URL": "postgresql://role:x@host/db"})


def test_what_could_not_serve_is_refused_at_the_start(tmp_path: Path) -> None:
    wrong = {"ATENDEAI_GRACE_SECONDS": "inf", "ATENDEAI_SERVICE_URL_TEMPLATE": "http://auth:3001"}
    first, *problems = refusal("user", environment(tmp_path / "key", **wrong))
    assert first == "user cannot start: 2 variables are wrong."
    said = dict(line.strip().split(": ", 1) for line in problems)
    assert said["ATENDEAI_SERVICE_URL_TEMPLATE"].startswith("is one address for several services: it needs {service}")
    assert said["ATENDEAI_GRACE_SECONDS"] == "is no finite number. Correct it, or leave it out for the default, 20.0."


def test_a_stack_key_that_is_none_is_refused_before_a_clinic_meets_it(tmp_path: Path) -> None:
    env = environment(tmp_path / "key")
    (tmp_path / "key").write_text(SECRET)
    _, problem = refusal("whatsapp", env)
    assert problem.strip().startswith("ATENDEAI_STACK_KEY_FILE: does not hold a Fernet key")


def test_what_health_reads_besides_is_part_of_the_one_message(tmp_path: Path) -> None:
    wrong = {"ATENDEAI_HEALTH_QUEUE_AGE_SECONDS": SECRET, "ATENDEAI_HEALTH_KEPT_DAYS": "0"}
    first, *problems = refusal("health", environment(tmp_path / "key", ATENDEAI_REDIS_URL=None, **wrong))
    assert first == "health cannot start: 3 variables are wrong."
    assert [line.strip() for line in problems] == [
        "ATENDEAI_REDIS_URL: is missing. Set it to redis://user:password@host:6379/0.",
        "ATENDEAI_HEALTH_QUEUE_AGE_SECONDS: is not a number. Correct it, or leave it out for the default, 60.0.",
        "ATENDEAI_HEALTH_KEPT_DAYS: must be at least 1. Correct it, or leave it out for the default, 30.",
    ]


def test_a_variable_that_means_nothing_is_found_and_its_likely_meaning_named() -> None:
    environ = {
        "ATENDEAI_DATABSE_URL": "x",
        "ATENDEAI_COLOUR": "blue",
        "ATENDEAI_REDIS_URL": "x",
        "atendeai_port": "80",
        "ATENDEAI_SERVICE_HOST": "10.0.0.1",
        "ATENDEAI_PORT_80_TCP_ADDR": "10.0.0.1",
        "OTHER": "x",
    }
    wrong = {"ATENDEAI_DATABSE_URL": "ATENDEAI_DATABASE_URL", "ATENDEAI_COLOUR": None}
    assert dict(unknown(environ)) == wrong
    environ["ATENDEAI_HEALTH_QUEUE_AGE_SECONDS"] = environ["ATENDEAI_HEALTH_QUEUE_AGE_SECOND"] = "60"
    misspelt = {"ATENDEAI_HEALTH_QUEUE_AGE_SECOND": "ATENDEAI_HEALTH_QUEUE_AGE_SECONDS"}
    assert dict(unknown(environ, HealthSettings)) == wrong | misspelt
