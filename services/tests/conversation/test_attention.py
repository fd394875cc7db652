"""How long what was left to a person waits for one: an emergency at any hour, the rest while the clinic is open."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from atendeai.conversation.attention import open_time
from atendeai.domain.dialogue.clinic import Clinic
from atendeai.kit.testing.waiting import eventually
from tests.conversation.world import MakeWorld, World

SPANS = ((time(8), time(12)), (time(14), time(18)))
WEEKDAYS = Clinic(
    "Sol",
    hours=dict.fromkeys(range(5), SPANS),
    holidays=frozenset([date(2026, 11, 26)]),
    special={date(2026, 11, 28): ()},
)


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [
        ("2026-11-24T09:00", "2026-11-24T10:30", 1.5),
        ("2026-11-24T11:00", "2026-11-24T15:00", 2),  # over lunch
        ("2026-11-24T19:00", "2026-11-25T07:59", 0),  # over night
        ("2026-11-25T17:00", "2026-11-27T09:00", 2),  # over a holiday
        ("2026-11-27T17:30", "2026-11-30T08:30", 1),  # over the weekend
    ],
)
def test_only_what_is_open_counts(since: str, until: str, hours: float) -> None:
    found = open_time(WEEKDAYS, datetime.fromisoformat(since), datetime.fromisoformat(until))
    assert found == timedelta(hours=hours)
    unknown = open_time(Clinic("Lua"), datetime.fromisoformat(since), datetime.fromisoformat(until))
    assert unknown == datetime.fromisoformat(until) - datetime.fromisoformat(since)


def waits(reason: str) -> float:
    found = REGISTRY.get_sample_value("atendeai_conversation_unattended_seconds", {"reason": reason})
    assert found is not None
    return found


async def longer(world: World, minutes: int) -> None:
    """Let the alerts be older, and look now."""
    await world.clinic.fetch(
        "UPDATE atendeai.conversation SET alert_at = alert_at - make_interval(mins => $2),"
        " handed_off_at = handed_off_at - make_interval(mins => $2) WHERE clinic_id = $1",
        world.clinic.id,
        minutes,
    )
    await look(world)


async def look(world: World) -> None:
    await world.clinic.fetch(
        "UPDATE atendeai.work SET due_at = now() WHERE clinic_id = $1 AND queue = 'unattended'", world.clinic.id
    )


@pytest.mark.integration
async def test_who_was_left_to_a_person_waits_until_somebody_comes(make_world: MakeWorld) -> None:
    world = await make_world(profile={})
    ill, asking = uuid4(), uuid4()
    await world.say(ill, "meu pai desmaiou e não acorda")
    await world.say(asking, "quero falar com uma pessoa")
    await longer(world, 10)
    await eventually(lambda: min(waits("emergency"), waits("other")) >= 600)
    headers = world.clinic.headers("receptionist")
    listed = (await world.client.get("/api/v1/conversations?alerted=true", headers=headers)).json()["items"]
    of = {one["alert"]: f"/api/v1/conversations/{one['id']}" for one in listed}
    # The attendant had left it to a person: taking it is what tells that one has come.
    taken = await world.client.post(f"{of['emergency']}/handoff", headers=headers)
    assert (taken.json()["status"], taken.json()["alert"]) == ("handed_off", "emergency")
    await look(world)
    await eventually(lambda: waits("emergency") == 0)
    assert waits("other") >= 600
    body = {"contact_id": str(asking), "actor": f"person:{uuid4()}"}
    given = world.clinic.service_headers("whatsapp", uuid4())
    await world.client.post("/internal/v1/takeovers", json=body, headers=given)
    await look(world)
    await eventually(lambda: waits("other") == 0)

    async def over() -> bool:
        query = "SELECT FROM atendeai.work WHERE clinic_id = $1 AND queue = 'unattended'"
        return not await world.clinic.fetch(query, world.clinic.id)

    await eventually(over)
