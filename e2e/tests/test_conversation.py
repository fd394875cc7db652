"""A patient's message is answered and the appointment stands everywhere it must."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from local import database, kubectl, world
from local.demo import Patient, appointments

pytestmark = pytest.mark.e2e
MakePatient = Callable[[world.LocalClinic], Patient]


def test_booking_end_to_end(local: world.LocalClinic, patient_of: MakePatient) -> None:
    patient = patient_of(local)
    offer = patient.ask("Olá, quero marcar uma consulta amanhã às 9h")
    assert local.professional.split()[-1] in offer
    confirmation = patient.ask("pode ser")
    assert confirmation
    rows = kubectl.wait_for(
        "the booked row", lambda: [r for r in appointments(local, patient.number) if r["status"] == "booked"]
    )
    assert len(rows) == 1
    events = kubectl.wait_for(
        "the event", lambda: [e for e in patient.fakes.events(local) if rows[0]["start"][:10] in e["start"]["dateTime"]]
    )
    assert events
    sent = patient.fakes.sent_to(local, patient.number)
    assert len(sent) >= 2


def test_cancelling_frees_the_slot(local: world.LocalClinic, patient_of: MakePatient) -> None:
    patient = patient_of(local)
    patient.ask("quero marcar consulta amanhã às 16h")
    patient.ask("sim")
    kubectl.wait_for(
        "the booked row", lambda: [r for r in appointments(local, patient.number) if r["status"] == "booked"]
    )
    answer = patient.ask("preciso cancelar minha consulta")
    if not [r for r in appointments(local, patient.number) if r["status"] == "cancelled"]:
        assert "?" in answer
        patient.ask("sim, pode cancelar")
    kubectl.wait_for(
        "the cancelled row", lambda: [r for r in appointments(local, patient.number) if r["status"] == "cancelled"]
    )


def test_hours_and_address_are_answered_from_the_profile(local: world.LocalClinic, patient_of: MakePatient) -> None:
    patient = patient_of(local)
    assert "18" in patient.ask("que horas vocês fecham?")
    assert "Rua das Flores" in patient.ask("qual o endereço?")


@pytest.mark.parametrize("local", [world.LUA], ids=["Shared"])
def test_two_patients_do_not_share_a_slot(local: world.LocalClinic, patient_of: MakePatient) -> None:
    first, second = patient_of(local), patient_of(local)
    first.ask("quero marcar consulta amanhã às 11h")
    first.ask("pode ser")
    booked = kubectl.wait_for("the first booking", lambda: appointments(local, first.number))
    second.ask("quero marcar consulta amanhã às 11h")
    second.ask("pode ser")
    other = kubectl.wait_for("the second booking", lambda: appointments(local, second.number))
    assert booked[0]["start"] != other[0]["start"]
    double = database.psql(
        "select count(*) from atendeai.appointment a join atendeai.appointment b on a.clinic_id = b.clinic_id "
        "and a.professional_code = b.professional_code and a.id < b.id and a.starts_at < b.ends_at "
        "and b.starts_at < a.ends_at where a.status = 'booked' and b.status = 'booked'"
    )
    assert double == [["0"]]
