"""Creating, deleting and re-creating a clinic: how long it takes, what goes, what stays, and who may have it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from local import database, edge, kubectl, world
from local.demo import Patient
from local.guest import create, credentials, delete, guest, leftovers, wait
from local.outside import Outside

RIO = guest("rio", 444, "Dr. Caio Luz")
pytestmark = pytest.mark.e2e


@pytest.fixture
def rio(fakes: Outside) -> Iterator[world.LocalClinic]:
    """A third clinic's credentials, known to the fakes; whatever is left of it goes at the end."""
    with credentials(RIO, fakes):
        yield RIO


def _rows(clinic_id: str) -> int:
    suffix = clinic_id.replace("-", "")
    if database.psql(f"select to_regclass('atendeai.whatsapp_inbound_{suffix}') is null") == [["t"]]:
        return 0
    return int(database.psql(f"select count(*) from atendeai.whatsapp_inbound_{suffix}")[0][0])


def test_a_shared_clinics_data_follows_its_policy(
    rio: world.LocalClinic, fakes: Outside, measured: Callable[[str], None]
) -> None:
    seconds = create(rio)
    measured(f"Shared clinic Ready after {seconds:.1f} s (goal 15 s)")
    clinic_id = database.clinic_id(rio)
    Patient(rio, fakes).ask("qual o endereço?")
    assert _rows(clinic_id) > 0

    delete(rio)
    assert leftovers(rio) == [f"secret/{rio.name}-clinic"], "Retain keeps the data, and the keys to it"
    assert _rows(clinic_id) > 0
    with edge.client(rio.host) as door:
        kubectl.wait_for("the host gone", lambda: door.get("/api/v1/clinics/me").status_code == 404, deadline=30)

    kubectl.apply(world.clinic(rio))
    wait(rio, "Stalled")
    message = kubectl.condition(kubectl.get("clinic", rio.name, namespace=world.NAMESPACE), "Stalled")["message"]
    assert clinic_id in message
    delete(rio)

    create(rio, clinicId=clinic_id, deletionPolicy="Delete")
    assert database.clinic_id(rio) == clinic_id
    assert _rows(clinic_id) > 0
    delete(rio)
    assert _rows(clinic_id) == 0
    assert leftovers(rio) == []
    assert kubectl.get("secret", f"{rio.name}-clinic", namespace=world.NAMESPACE) is None
