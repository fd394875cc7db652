"""The access rules of Redis users (pure).

A clinic's rules were tried word by word on 7.0.15. `@connection` is left out as a whole: CLIENT TRACKING would show
other clinics' key names. SCAN, RANDOMKEY and DBSIZE name no key, so no key pattern guards them. Commands inside
scripts pass the same rules, undeclared keys included.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from atendeai_operator.tenancy import names

CLINIC_COMMANDS = (
    "-@all",
    "+@read",
    "+@write",
    "+@transaction",
    "+subscribe",
    "+unsubscribe",
    "+psubscribe",
    "+punsubscribe",
    "+publish",
    "+ping",
    "+quit",
    "+client|setname",
    "-@dangerous",
    "-@admin",
    "-@scripting",
    "+eval",
    "+evalsha",
    "+script|load",
    "-scan",
    "-randomkey",
    "-dbsize",
    "-lolwut",
)

EXPORTER_COMMANDS = (
    "-@all",
    "+ping",
    "+quit",
    "+info",
    "+config|get",
    "+client|setname",
    "+latency|latest",
    "+latency|histogram",
    "+slowlog|len",
)
"""What redis_exporter asks. Not SLOWLOG GET: it shows the arguments of commands, and so patients' data."""

ADMIN = "operator"
POOL = "pool"
EXPORTER = "exporter"


@dataclass(frozen=True)
class User:
    """What a Redis user must be."""

    name: str
    password: str
    commands: tuple[str, ...]
    patterns: tuple[str, ...] = ()
    """Of keys and of channels alike."""

    @property
    def reference(self) -> str:
        """A user, never enabled and without password, that holds the same command rules.

        Redis rewrites command rules into a form of its own that depends on its version and its tables; what it made of
        these rules is known only by asking it. The reference user keeps the answer beside the users it is compared to.
        """
        return "reference-" + hashlib.sha256(" ".join(self.commands).encode()).hexdigest()[:12]

    @property
    def rules(self) -> list[str]:
        """The arguments of ACL SETUSER."""
        keys = [f"~{pattern}" for pattern in self.patterns]
        channels = [f"&{pattern}" for pattern in self.patterns]
        return ["reset", "on", f">{self.password}", *keys, *channels, *self.commands]


def clinic_user(clinic_id: UUID, password: str) -> User:
    """Return the user of a Dedicated clinic: its own keys and channels."""
    pattern = f"{names.redis_prefix(clinic_id)}*"
    return User(names.redis_user(clinic_id), password, CLINIC_COMMANDS, (pattern,))


def pool_user(password: str) -> User:
    """Return the user of the shared pool: every clinic's keys and channels, and nothing of the operator's."""
    return User(POOL, password, CLINIC_COMMANDS, ("clinic:*",))


def exporter_user(password: str) -> User:
    """Return the user of the metrics exporter: figures, no keys."""
    return User(EXPORTER, password, EXPORTER_COMMANDS)


def digest(password: str) -> str:
    """Return how Redis remembers a password."""
    return hashlib.sha256(password.encode()).hexdigest()


def commands_of(found: Mapping[str, Any]) -> frozenset[str]:
    """Return the command rules of an ACL GETUSER answer, whatever their order."""
    return frozenset([*found["commands"], *found["categories"]])


def _patterns(found: Iterable[str], sign: str) -> frozenset[str]:
    return frozenset(pattern.removeprefix(sign) for pattern in found)


def holds(user: User, found: Mapping[str, Any], reference: Mapping[str, Any]) -> bool:
    """Tell whether an ACL GETUSER answer is what `user` must be."""
    return (
        "on" in found["flags"]
        and "nopass" not in found["flags"]
        and list(found["passwords"]) == [digest(user.password)]
        and not found["selectors"]
        and _patterns(found["keys"], "~") == frozenset(user.patterns)
        and _patterns(found["channels"], "&") == frozenset(user.patterns)
        and commands_of(found) == commands_of(reference)
    )
