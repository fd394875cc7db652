"""The local cluster as `make up` leaves it, and the people who use it from outside."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from local import database, kubectl, world
from local.bookings import ZONE
from local.chat import Phone
from local.demo import Patient
from local.outside import Outside, outside

_ISOLATION = {f"[{local.isolation}]": local.name for local in world.CLINICS}


class _ByClinic(LoadScopeScheduling):  # type: ignore[misc]
    """Tests of one clinic run in a row, in one process, beside those of others.

    The clinic is that of the parameter `local`; a file without it, or with another one, has clinics of its own. (The
    `loadgroup` of xdist writes the group to where pytest 9.2 does not look for it.)
    """

    def _split_scope(self, nodeid: str) -> str:
        found = [name for isolation, name in _ISOLATION.items() if nodeid.endswith(isolation)]
        return found[0] if found else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Let the tests of different clinics run beside each other."""
    return _ByClinic(config, log)


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


@pytest.fixture
def phone_of(fakes: Outside) -> Iterator[Callable[[world.LocalClinic], Phone]]:
    """Makes a patient of a clinic who can press buttons, under a name of their own; shows what was said if it fails."""
    phones: list[Phone] = []

    def make(local: world.LocalClinic) -> Phone:
        phones.append(Phone(local, fakes, name=f"Rita {secrets.token_hex(2).translate(_LETTERS).title()}"))
        return phones[-1]

    yield make
    for phone in phones:
        print(phone.transcript())


_LETTERS = str.maketrans("0123456789", "ghijklmnop")


@pytest.fixture
def by_day(local: world.LocalClinic) -> Iterator[ZoneInfo]:
    """Has the clinic where it is day: nobody is written to at night, whenever these tests run."""
    zones = map(ZoneInfo, (ZONE.key, "Europe/London", "Asia/Dubai", "Asia/Tokyo", "Pacific/Auckland", "America/Denver"))
    zone = next(zone for zone in zones if 9 <= dt.datetime.now(zone).hour < 18)
    _live_in(local, zone)
    yield zone
    _live_in(local, ZONE)


def _live_in(local: world.LocalClinic, zone: ZoneInfo) -> None:
    kubectl.apply(world.clinic(local, timezone=zone.key))
    ask = f"select settings->>'timezone' from atendeai.clinic_config where clinic_id = '{database.clinic_id(local)}'"
    kubectl.wait_for(f"{local.name} in {zone.key}", lambda: database.psql(ask) == [[zone.key]] or None)


@pytest.fixture(scope="module", params=world.CLINICS, ids=lambda local: local.isolation)
def local(request: pytest.FixtureRequest) -> world.LocalClinic:
    """Each of the two clinics in turn."""
    found: world.LocalClinic = request.param
    return found


@pytest.fixture(scope="session", autouse=True)
def clinics_ready() -> None:
    """The cluster is up and both clinics are Ready before the first test asks anything."""
    for local in world.CLINICS:
        kubectl.wait("clinic", local.name, namespace=world.NAMESPACE, seconds=180)


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes a line about what the test measured; all of them are printed at the end of the run."""
    return lambda line: request.node.user_properties.append(("measured", line))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests measured, whichever process ran them."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    calls = [report for report in reports if getattr(report, "when", "") == "call"]
    lines = [line for report in calls for name, line in report.user_properties if name == "measured"]
    if lines:
        terminalreporter.section("measured")
        terminalreporter.write_line("\n".join(lines))
