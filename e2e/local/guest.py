"""Clinics that a test makes for itself: made with all they need, removed with all that is theirs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local import kubectl, world
from local.outside import Outside


def guest(name: str, number: int, professional: str, isolation: str = "Shared") -> world.LocalClinic:
    """A clinic beside the two of the local world; `number` tells its phone number from the others'."""
    return world.LocalClinic(
        name=name,
        display_name=f"Clínica {name.title()}",
        isolation=isolation,
        host=f"{name}.atendeai.local",
        phone_number_id=f"{number:03d}00000000000{number % 10}",
        calendar_id=f"agenda@{name}.test",
        professional=professional,
    )


def wait(local: world.LocalClinic, condition: str = "Ready", *, seconds: int = 120) -> None:
    """Wait for a condition of the clinic (`Ready`, or `Suspended=False`); raises KubectlError when it does not come."""
    kubectl.wait("clinic", local.name, condition, namespace=world.NAMESPACE, seconds=seconds)


def create(local: world.LocalClinic, **changes: Any) -> float:
    """Apply the clinic, wait until it is Ready and return how many seconds that took."""
    began = time.monotonic()
    kubectl.apply(world.clinic(local, **changes))
    wait(local)
    return time.monotonic() - began


def exists(local: world.LocalClinic) -> bool:
    """Whether the cluster has the clinic's resource."""
    return kubectl.get("clinic", local.name, namespace=world.NAMESPACE) is not None


def delete(local: world.LocalClinic) -> None:
    """Delete the clinic's resource and wait until it is gone."""
    kubectl.kubectl("-n", world.NAMESPACE, "delete", "clinic", local.name, "--timeout=120s", timeout=150)


def namespace_of(local: world.LocalClinic) -> str:
    """The namespace in which the clinic's own pods run."""
    return str(kubectl.get("clinic", local.name, namespace=world.NAMESPACE)["status"]["namespace"])


def leftovers(local: world.LocalClinic) -> list[str]:
    """Whatever in the cluster still carries the clinic's label, as kind/name."""
    kinds = (
        "namespaces,deployments,services,configmaps,secrets,networkpolicies,serviceaccounts,poddisruptionbudgets,"
        "resourcequotas,limitranges,roles,rolebindings"
    )
    label = f"atendeai.io/clinic={world.NAMESPACE}.{local.name}"
    return kubectl.kubectl("get", kinds, "-A", "-l", label, "-o", "name").split()


@contextmanager
def credentials(local: world.LocalClinic, fakes: Outside | None = None) -> Iterator[None]:
    """The clinic's Secrets, known to the fakes if given; at the end they go, and of the clinic whatever is left."""
    world.ensure_credentials(local)
    if fakes is not None:
        fakes.register(local)
    try:
        yield
    finally:
        remove(local)


def remove(local: world.LocalClinic) -> None:
    """Remove the clinic with its data, and every Secret that carries its name."""
    if exists(local):
        kubectl.change("clinic", local.name, {"deletionPolicy": "Delete"}, namespace=world.NAMESPACE)
        delete(local)
    names = [f"{local.name}-{part}" for part in ("whatsapp", "calendar", "ai", "clinic", "owner-invitation")]
    kubectl.kubectl("-n", world.NAMESPACE, "delete", "secret", *names, "--ignore-not-found")
