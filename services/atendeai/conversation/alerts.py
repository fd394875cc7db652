"""Which alert of a conversation is the graver one: the only place that knows, for Python and for SQL."""

from collections.abc import Iterable

from atendeai.domain.dialogue.alert import Alert

_GRAVEST_FIRST = (Alert.EMERGENCY, Alert.POSSIBLE_EMERGENCY)
"""All the others are alike: the latest of them counts."""


def gravity(alert: str | None) -> int:
    """Return how grave an alert is; 0 for what may give way to any other."""
    return next((len(_GRAVEST_FIRST) - at for at, one in enumerate(_GRAVEST_FIRST) if one == alert), 0)


def gravity_of(alert: str) -> str:
    """Return the SQL of `gravity`, of an expression that is text."""
    known = " ".join(f"WHEN '{one}' THEN {gravity(one)}" for one in _GRAVEST_FIRST)
    return f"(CASE {alert} {known} ELSE 0 END)"


def gravest(alerts: Iterable[Alert]) -> Alert | None:
    """Return the alert that staff must see first: of those that are equally grave the one that came first."""
    return max(alerts, key=gravity, default=None)
