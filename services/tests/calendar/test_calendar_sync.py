"""What changes on Google's side reaches the appointment service once, and what we wrote ourselves never does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from atendeai.calendar import service as service_module
from atendeai.calendar import sync as sync_module
from atendeai.calendar.changes import Verdict, judge
from atendeai.calendar.google_client import GoogleCalendar, Patience
from atendeai.calendar.google_events import SeenEvent
from atendeai.calendar.repository import EventRow
from atendeai.domain.slots import Interval
from atendeai.kit import clock
from atendeai.kit.testing.plugin import ClientFactory, ClinicFactory
from atendeai.kit.testing.waiting import eventually
from tests.calendar.google_world import GoogleWorld
from tests.calendar.sync_world import ANA, DAY, HOUR, World, made, name_of


@pytest.fixture
async def world(clinic_factory: ClinicFactory, client_for: ClientFactory, google: GoogleWorld) -> World:
    return await made(clinic_factory, client_for, google)


MOMENT = datetime(2030, 1, 7, 12, 0, tzinfo=UTC)
ROW = EventRow(uuid4(), "ana", ANA, 0, "live", 1, MOMENT, MOMENT + HOUR, MOMENT - timedelta(days=9))


@pytest.mark.parametrize(
    ("row", "event", "verdict"),
    [
        ({}, {}, Verdict.NOTHING),
        ({}, {"interval": Interval(MOMENT + HOUR, MOMENT + 2 * HOUR)}, Verdict.MOVED),
        ({}, {"interval": Interval(MOMENT, MOMENT + 2 * HOUR)}, Verdict.MOVED),
        # seen before our last writing, or as our last writing
        ({}, {"interval": Interval(MOMENT + HOUR, MOMENT + 2 * HOUR), "age": 99}, Verdict.NOTHING),
        ({}, {"interval": Interval(MOMENT + HOUR, MOMENT + 2 * HOUR), "age": 9}, Verdict.NOTHING),
        ({}, {"cancelled": True, "interval": None, "age": None}, Verdict.DELETED),
        ({"conflict": "moved"}, {}, Verdict.CLEARED),
        ({"conflict": "overlapped"}, {}, Verdict.NOTHING),
        ({"state": "writing"}, {"cancelled": True}, Verdict.NOTHING),
        ({"state": "deleted"}, {"cancelled": True}, Verdict.NOTHING),
        # written before anybody kept note
        ({"google_updated_at": None}, {"interval": Interval(MOMENT + HOUR, MOMENT + 2 * HOUR)}, Verdict.ASTRAY),
        ({"google_updated_at": None}, {"cancelled": True, "interval": None}, Verdict.ASTRAY),
        ({"google_updated_at": None}, {}, Verdict.NOTHING),
        # over
        (
            {"starts_at": MOMENT - timedelta(days=8), "ends_at": MOMENT - timedelta(days=8)},
            {"cancelled": True},
            Verdict.NOTHING,
        ),
    ],
)
def test_rules(row: dict[str, Any], event: dict[str, Any], verdict: Verdict) -> None:
    values = {field: getattr(ROW, field) for field in ROW.__slots__} | row
    age = event.get("age", 1)
    shown = SeenEvent(
        ROW.name,
        event.get("cancelled", False),
        None if age is None else MOMENT - timedelta(days=age),
        event.get("interval", Interval(MOMENT, MOMENT + HOUR)),
    )
    assert judge(EventRow(**values), shown, MOMENT - timedelta(days=1)) is verdict


@pytest.mark.integration
class TestReadingAlong:
    async def test_a_calendar_is_read_from_the_start_on_and_push_arrives(self, world: World) -> None:
        async def live() -> bool:
            found = await world.ana()
            return found["readable"] and found["watch"]["state"] == "live" and bool(found["last_synced_at"])

        await eventually(live, what="push")
        row = await world.sync()
        assert row["sync_token"]
        assert world.appointments.told == []

    async def test_what_we_write_ourselves_is_no_change(self, world: World) -> None:
        appointment = await world.put()
        await world.sync()
        await world.put(DAY + 2 * HOUR, appointment=appointment, version=2)
        await world.sync()
        await world.put(DAY + 2 * HOUR, appointment=appointment, version=3)
        headers = world.clinic.service_headers("appointment")
        await world.sync()
        await world.client.delete(f"/internal/v1/events/{appointment}?version=4", headers=headers)
        await world.sync()
        assert world.appointments.told == []

    async def test_a_moved_event_is_told_once_and_the_appointment_follows(self, world: World) -> None:
        appointment = await world.put()
        await world.sync()
        await world.google.move(ANA, name_of(appointment), DAY + 3 * HOUR, DAY + 4 * HOUR)
        told = await world.told("moved")
        assert told["appointment_id"] == str(appointment)
        assert datetime.fromisoformat(told["start"]) == DAY + 3 * HOUR
        assert datetime.fromisoformat(told["end"]) == DAY + 4 * HOUR
        assert told["start"].endswith("-03:00")
        assert "movido" in told["detail"]
        row = await world.event(appointment)
        assert (row["starts_at"], row["conflict"]) == (DAY + 3 * HOUR, None)
        # the appointment service then writes what it made of it
        await world.put(DAY + 3 * HOUR, appointment=appointment, version=2)
        await world.told("moved")

    async def test_a_move_that_is_no_good_is_a_conflict_until_it_is_put_back(self, world: World) -> None:
        world.appointments.answers["moved"] = "conflict"
        appointment = await world.put()
        await world.sync()
        await world.google.move(ANA, name_of(appointment), DAY + 3 * HOUR, DAY + 4 * HOUR)
        await world.told("moved")
        row = await world.event(appointment)
        assert (row["starts_at"], row["conflict"]) == (DAY, "moved")
        await world.google.move(ANA, name_of(appointment), DAY, DAY + HOUR)
        await world.told("moved", "cleared")
        assert (await world.event(appointment))["conflict"] is None

    async def test_an_event_made_all_day_is_given_its_time_again(self, world: World) -> None:
        world.appointments.answers["moved"] = "conflict"
        appointment = await world.put()
        await world.sync()
        dates = {"start": {"date": f"{DAY:%Y-%m-%d}"}, "end": {"date": f"{DAY + timedelta(days=1):%Y-%m-%d}"}}
        await world.google.by_hand(ANA, {"id": name_of(appointment)} | dates)
        await world.told("moved")
        # What the conflict is solved with: the clinic moves the appointment.
        await world.put(DAY + 2 * HOUR, appointment=appointment, version=2)
        [event] = await world.google.events(ANA)
        assert datetime.fromisoformat(event["start"]["dateTime"]) == DAY + 2 * HOUR
        assert "date" not in event["start"]

    async def test_a_move_is_not_lost_when_the_appointment_is_written_just_then(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        appointment = await world.put()
        await world.sync()
        # Nothing is told while this fault lasts, so the appointment's writing comes first.
        monkeypatch.setattr(sync_module, "IN_BACKGROUND", Patience(1, 0.01, 0.01))
        await world.google.fault("events.list", reason="backendError", count=0)
        await world.google.move(ANA, name_of(appointment), DAY + 3 * HOUR, DAY + 4 * HOUR)
        await world.put(appointment=appointment, version=2)
        await world.google.control("DELETE", "/faults")
        await world.told("moved")
        [event] = await world.google.events(ANA)
        assert datetime.fromisoformat(event["start"]["dateTime"]) == DAY + 3 * HOUR

    async def test_a_deleted_event_cancels(self, world: World) -> None:
        appointment = await world.put()
        await world.sync()
        await world.google.delete(ANA, name_of(appointment))
        told = await world.told("deleted")
        assert (told["appointment_id"], "start" in told) == (str(appointment), False)
        assert (await world.event(appointment))["state"] == "deleted"

    async def test_a_deletion_is_not_lost_when_the_appointment_is_written_just_then(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        appointment = await world.put()
        await world.sync()
        patch = GoogleCalendar.patch_event

        async def late(google: GoogleCalendar, *arguments: Any) -> dict[str, Any]:
            # It is deleted, and this is read, while the event is in our hands.
            await world.google.delete(ANA, name_of(appointment))
            await world.sync()
            return await patch(google, *arguments)

        monkeypatch.setattr(service_module, "WRITE_SECONDS", 60.0)
        monkeypatch.setattr(GoogleCalendar, "patch_event", late)
        await world.put(appointment=appointment, version=2)
        await world.told("deleted")
        assert await world.google.events(ANA) == []
        assert (await world.event(appointment))["state"] == "deleted"

    async def test_what_we_delete_ourselves_is_never_taken_for_a_deletion_by_hand(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        appointment = await world.put()
        await world.sync()
        delete = GoogleCalendar.delete_event

        async def seen_at_once(google: GoogleCalendar, *arguments: Any) -> None:
            await delete(google, *arguments)
            await world.sync()

        monkeypatch.setattr(service_module, "WRITE_SECONDS", 60.0)
        monkeypatch.setattr(GoogleCalendar, "delete_event", seen_at_once)
        headers = world.clinic.service_headers("appointment")
        answer = await world.client.delete(f"/internal/v1/events/{appointment}?version=2", headers=headers)
        assert answer.status_code == 204
        await world.sync()
        assert world.appointments.told == []

    async def test_somebody_elses_event_over_an_appointment_is_a_conflict_until_it_goes(self, world: World) -> None:
        appointment = await world.put()
        await world.put(DAY + 5 * HOUR)
        await world.block(DAY + HOUR / 2)
        told = await world.told("overlapped")
        assert (told["appointment_id"], datetime.fromisoformat(told["start"])) == (str(appointment), DAY + HOUR / 2)
        assert "particular" not in str(told)
        await world.block(DAY + HOUR / 2, summary="outro nome")
        await world.told("overlapped")
        await world.google.delete(ANA, "particular")
        await world.told("overlapped", "cleared")

    async def test_a_conflict_told_while_the_event_is_written_is_taken_back_all_the_same(self, world: World) -> None:
        appointment = await world.put()
        await world.sync()
        world.appointments.meanwhile = lambda: world.put(appointment=appointment, version=2)
        await world.block(DAY)
        await world.told("overlapped")
        await world.idle()
        await world.google.delete(ANA, "particular")
        await world.told("overlapped", "cleared")
        assert len(set(world.appointments.keys)) == len(world.appointments.keys)

    async def test_what_takes_no_time_is_no_conflict(self, world: World) -> None:
        await world.put()
        await world.block(DAY, transparency="transparent")
        await world.block(DAY + HOUR, "depois")
        await world.sync()
        assert world.appointments.told == []

    async def test_an_expired_token_means_reading_everything_anew(self, world: World) -> None:
        gone, moved, kept = await world.put(), await world.put(DAY + 2 * HOUR), await world.put(DAY + 4 * HOUR)
        before = await world.sync()
        await world.google.fault("events.list", reason="backendError", count=0)
        await world.google.delete(ANA, name_of(gone))
        await world.google.move(ANA, name_of(moved), DAY + 6 * HOUR, DAY + 7 * HOUR)
        await world.google.control("POST", "/expire-sync-tokens", params={"calendar_id": ANA})
        await world.google.control("DELETE", "/faults")
        await world.sync()
        assert {one["appointment_id"]: one["kind"] for one in world.appointments.told} == {
            str(gone): "deleted",
            str(moved): "moved",
        }
        assert (await world.event(kept))["state"] == "live"
        row = await world.row()
        assert row is not None
        assert row["sync_token"] != before["sync_token"]

    async def test_a_token_that_google_cannot_make_sense_of_is_as_useless_as_an_expired_one(self, world: World) -> None:
        appointment = await world.put()
        await world.sync()
        await world.google.fault("events.list", reason="invalid")
        await world.google.move(ANA, name_of(appointment), DAY + 3 * HOUR, DAY + 4 * HOUR)
        await world.told("moved")
        assert (await world.ana())["sync_error"] is None

    async def test_an_event_no_list_shows_any_more_is_asked_for(self, world: World) -> None:
        appointment = await world.put()
        await world.sync()
        calendar = world.google.app.state.google.calendars[ANA]
        del calendar.events[name_of(appointment)]
        await world.google.control("POST", "/expire-sync-tokens", params={"calendar_id": ANA})
        await world.sync()
        await world.told("deleted")

    async def test_changes_come_in_pages(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        await world.sync()
        monkeypatch.setattr("fakes.google_list.MOST", 2)
        appointments = [await world.put(DAY + hour * HOUR) for hour in range(5)]
        for appointment in appointments:
            await world.google.delete(ANA, name_of(appointment))
        await world.sync()
        assert {one["appointment_id"] for one in world.appointments.told} == {str(one) for one in appointments}

    async def test_the_token_is_kept_back_until_everything_was_handed_on(self, world: World) -> None:
        appointment = await world.put()
        before = await world.sync()
        world.appointments.refusals = [503] * 1000
        await world.google.delete(ANA, name_of(appointment))
        await eventually(lambda: len(world.appointments.keys) >= 3, what="one call with its repetitions")
        row = await world.row()
        assert row is not None
        assert row["sync_token"] == before["sync_token"]
        world.appointments.refusals.clear()
        await world.told("deleted")
        assert len(set(world.appointments.keys)) == 1

    async def test_an_appointment_nobody_knows_holds_nothing_up(self, world: World) -> None:
        appointment = await world.put()
        await world.sync()
        world.appointments.refusals = [404]
        await world.google.delete(ANA, name_of(appointment))
        await eventually(lambda: not world.appointments.refusals)
        await world.sync()
        assert (len(world.appointments.keys), world.appointments.told) == (1, [])

    async def test_what_is_still_being_handled_is_not_refused(self, world: World) -> None:
        appointment = await world.put()
        await world.sync()
        world.appointments.slug, world.appointments.refusals = "idempotency-key-in-flight", [409]
        await world.google.move(ANA, name_of(appointment), DAY + 3 * HOUR, DAY + 4 * HOUR)
        await world.told("moved")
        assert len(set(world.appointments.keys)) == 1

    async def test_what_changed_before_anybody_kept_note_is_left_to_people(self, world: World) -> None:
        moved, deleted, kept = await world.put(), await world.put(DAY + 2 * HOUR), await world.put(DAY + 4 * HOUR)
        await world.sync()
        await world.google.fault("events.list", reason="backendError", count=0)
        await world.clinic.fetch(
            "UPDATE atendeai.calendar_event SET google_updated_at = NULL WHERE clinic_id = $1", world.clinic.id
        )
        await world.google.move(ANA, name_of(moved), DAY + 6 * HOUR, DAY + 7 * HOUR)
        await world.google.delete(ANA, name_of(deleted))
        await world.google.control("POST", "/expire-sync-tokens", params={"calendar_id": ANA})
        await world.google.control("DELETE", "/faults")
        await world.sync()
        await world.sync()
        assert sorted((one["appointment_id"], one["kind"]) for one in world.appointments.told) == sorted(
            (str(one), "overlapped") for one in (moved, deleted)
        )
        assert (await world.event(kept))["google_updated_at"] is not None

    async def test_a_reschedule_takes_a_conflict_back(self, world: World) -> None:
        appointment = await world.put()
        await world.block(DAY)
        await world.told("overlapped")
        await world.put(DAY + 3 * HOUR, appointment=appointment, version=2)
        await world.told("overlapped", "cleared")

    async def test_limits_are_waited_out_ever_longer_and_nothing_is_lost(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        appointment = await world.put()
        await world.sync()
        monkeypatch.setattr(sync_module, "IN_BACKGROUND", Patience(2, 0.01, 0.01))
        await world.google.fault("events.list", reason="userRateLimitExceeded", count=0)
        await world.google.move(ANA, name_of(appointment), DAY + 3 * HOUR, DAY + 4 * HOUR)
        row = await world.sync()
        while row["failures"] < 3:
            row = await world.sync()
        assert row["error"] == "rate-limited"
        assert timedelta(seconds=60) < await world.idle() - clock.now() < timedelta(minutes=35)
        assert world.appointments.told == []
        await world.google.control("DELETE", "/faults")
        await world.told("moved")
        row = await world.sync()
        assert (row["failures"], row["error"]) == (0, None)

    async def test_a_calendar_that_cannot_be_written_is_not_ready(self, world: World) -> None:
        await world.sync()
        assert (await world.status())["ready"] is True
        await world.google.calendar(ANA, role="reader")
        await world.sync()
        status = await world.status()
        assert (status["ready"], status["reason"]) == (False, "forbidden")
        assert "permissão para fazer alterações" in status["remedy"]
        assert (await world.ana())["readable"] is True
        await world.google.calendar(ANA)
        await world.sync()
        assert (await world.status())["ready"] is True

    async def test_a_calendar_that_cannot_be_read_says_why_and_is_tried_again(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await world.sync()
        monkeypatch.setattr(sync_module, "IN_BACKGROUND", Patience(2, 0.01, 0.01))
        await world.google.fault("events.list", reason="quotaExceeded", count=0)
        await world.sync()
        assert ((await world.row()) or {})["error"] == "rate-limited"
        assert timedelta(seconds=20) < await world.idle() - clock.now() < timedelta(minutes=3)
        await world.google.control("DELETE", "/faults")
        await world.google.calendar(ANA, role="freeBusyReader")
        await world.sync()
        assert (await world.ana())["sync_error"] == "forbidden"
        await world.google.calendar(ANA)
        await world.sync()
        assert (await world.ana())["sync_error"] is None
