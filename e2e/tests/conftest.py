"""The local cluster as `make up` leaves it, and the people who use it from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from local import kubectl, world
from local.demo import Patient
from local.outside import Outside, outside

_GROUP_OF = {"test_conversation": world.LUA.name}
"""With whose the tests of a file run that name no clinic; others run with Sol's."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What mostly waits runs beside each other: tests of one clinic in a row, in one process."""
    for item in items:
        if item.get_closest_marker("beside"):
            callspec = getattr(item, "callspec", None)
            local = callspec.params.get("local") if callspec else None
            group = local.name if local else _GROUP_OF.get(item.path.stem, world.SOL.name)
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def fakes() -> Iterator[Outside]:
    """Both fakes, knowing both clinics."""
    with outside() as found:
        for local in world.CLINICS:
            found.register(local)
        yield found


@pytest.fixture
def patient_of(fakes: Outside) -> Callable[[world.LocalClinic], Patient]:
    """Makes a patient with a number of their own for a clinic."""
    return lambda local: Patient(local, fakes)


@pytest.fixture(params=world.CLINICS, ids=lambda local: local.isolation)
def local(request: pytest.FixtureRequest) -> world.LocalClinic:
    """Each of the two clinics in turn."""
    found: world.LocalClinic = request.param
    return found


@pytest.fixture(scope="session", autouse=True)
def clinics_ready() -> None:
    """The cluster is up and both clinics are Ready before the first test asks anything."""
    for local in world.CLINICS:
        kubectl.kubectl(
            "-n",
            world.NAMESPACE,
            "wait",
            "--for=condition=Ready",
            f"clinic/{local.name}",
            "--timeout=180s",
            timeout=200,
        )
