"""Watch channels: recognised by token, renewed in time, closed with their calendar; polling where there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
from cryptography.fernet import Fernet

from atendeai.calendar import channels as channels_module
from atendeai.calendar import rounds as rounds_module
from atendeai.calendar import sync as sync_module
from atendeai.calendar.access import Access
from atendeai.calendar.channels import Channels, OvertakenError
from atendeai.calendar.google_sync import OpenedChannel, open_channel
from atendeai.calendar.rounds import Rounds
from atendeai.calendar.sync_repository import SyncRepository, SyncRow
from atendeai.kit import clock
from atendeai.kit.resources import Kit
from atendeai.kit.tenancy import Tenant
from atendeai.kit.testing.clinics import TestClinic
from atendeai.kit.testing.plugin import ClientFactory, ClinicFactory
from atendeai.kit.testing.waiting import eventually
from tests.calendar.google_world import GoogleWorld
from tests.calendar.sync_world import ANA, CLINIC, DAY, HOUR, World, made, name_of

pytestmark = pytest.mark.integration


async def knock(world: World, channel: dict[str, Any], **changes: str) -> httpx.Response:
    """Call the webhook as Google would."""
    headers = {
        "Host": world.clinic.host,
        "X-Goog-Channel-ID": channel["id"],
        "X-Goog-Channel-Token": channel["token"],
        "X-Goog-Resource-ID": channel["resourceId"],
        "X-Goog-Resource-State": "exists",
        "X-Goog-Message-Number": "2",
    }
    return await world.client.post("/api/v1/calendar/push", headers=headers | changes)


async def opened(world: World) -> dict[str, Any]:
    """Wait for the channel of Ana's calendar."""
    await eventually(world.channels)
    await world.idle()
    [channel] = await world.channels()
    return dict(channel)


async def test_a_message_is_taken_with_its_channels_token_alone(
    clinic_factory: ClinicFactory, client_for: ClientFactory, google: GoogleWorld
) -> None:
    world = await made(clinic_factory, client_for, google)
    channel = await opened(world)
    assert channel["address"] == f"https://{world.clinic.host}/api/v1/calendar/push"
    assert (await knock(world, channel)).status_code == 204
    for wrong in (
        {"X-Goog-Channel-Token": "guess"},
        {"X-Goog-Channel-Token": ""},
        {"X-Goog-Channel-ID": "7b0a6a5e-52c2-4b57-8d2b-1f2d3c4b5a69"},
        {"X-Goog-Channel-ID": "no-uuid"},
    ):
        answer = await knock(world, channel, **wrong)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:atendeai:problem:not-found")
    stored = await world.one("SELECT * FROM atendeai.calendar_channel WHERE clinic_id = :clinic")
    assert channel["token"].encode() not in bytes((stored or {})["token_sha256"])


async def test_where_push_arrives_the_calendar_is_asked_less_often(
    clinic_factory: ClinicFactory, client_for: ClientFactory, google: GoogleWorld
) -> None:
    world = await made(clinic_factory, client_for, google, pushed=False)
    channel = await opened(world)
    assert (await world.ana())["watch"]["state"] == "silent"
    assert await world.idle() < clock.now() + timedelta(minutes=2)
    assert (await knock(world, channel)).status_code == 204
    await world.sync()
    assert (await world.ana())["watch"]["state"] == "live"
    assert await world.idle() > clock.now() + timedelta(minutes=5)


async def test_a_channel_is_renewed_before_it_ends(
    clinic_factory: ClinicFactory, client_for: ClientFactory, google: GoogleWorld
) -> None:
    world = await made(clinic_factory, client_for, google)
    first = await opened(world)
    await world.clinic.fetch(
        "UPDATE atendeai.calendar_channel SET opened_at = now() - interval '6 days 2 hours',"
        " expires_at = now() + interval '22 hours' WHERE clinic_id = $1",
        world.clinic.id,
    )
    await world.sync()
    second = await opened(world)
    assert second["id"] != first["id"]
    assert [call["channel_id"] for call in await google.calls("channels.stop")] == [first["id"]]
    assert (await knock(world, first)).status_code == 404
    await world.sync()
    assert len(await google.calls("events.watch")) == 2


async def test_an_address_that_google_refuses_means_asking_each_minute(
    clinic_factory: ClinicFactory, client_for: ClientFactory, google: GoogleWorld
) -> None:
    await google.fault("events.watch", reason="push.webhookUrlUnauthorized", count=0)
    world = await made(clinic_factory, client_for, google)
    await eventually(world.row)
    await world.sync()
    watch = (await world.ana())["watch"]
    assert (watch["state"], watch["reason"]) == ("refused", "push.webhookUrlUnauthorized")
    assert (await world.status())["ready"] is True
    assert await world.idle() < clock.now() + timedelta(minutes=2)
    await world.sync()
    assert len(await google.calls("events.watch")) == 1  # not each minute


async def test_a_calendar_that_goes_takes_its_channel_along(
    clinic_factory: ClinicFactory, client_for: ClientFactory, google: GoogleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds_module, "EVERY_SECONDS", 0.1)
    world = await made(clinic_factory, client_for, google)
    first = await opened(world)
    world.clinic.profile["professionals"][0]["calendarId"] = CLINIC
    await world.clinic.write()

    async def changed() -> bool:
        channels = await google.channels()
        return [one["calendar_id"] for one in channels] == [CLINIC]

    await eventually(changed, what="the channel of the new calendar alone")
    assert first["id"] in [call["channel_id"] for call in await google.calls("channels.stop")]
    await eventually(lambda: _gone(world), what="the old calendar is forgotten")


async def _gone(world: World) -> bool:
    return await world.row(ANA) is None


async def test_a_first_message_confirms_a_channel_whose_opening_was_never_answered(
    clinic_factory: ClinicFactory, client_for: ClientFactory, google: GoogleWorld
) -> None:
    await google.fault("events.watch", reason="backendError", after=True)
    world = await made(clinic_factory, client_for, google)

    async def live() -> bool:
        return bool((await world.ana())["watch"]["state"] == "live")

    await eventually(live)
    await world.sync()
    channel = await opened(world)
    assert len(await google.calls("events.watch")) == 1
    stored = await world.one("SELECT * FROM atendeai.calendar_channel WHERE clinic_id = :clinic")
    assert stored is not None
    assert stored["resource_id"] == channel["resourceId"]
    assert stored["expires_at"].timestamp() == channel["expiration"] // 1000


async def test_one_that_nobody_hears_of_is_replaced_and_forgotten_after_a_while(
    clinic_factory: ClinicFactory, client_for: ClientFactory, google: GoogleWorld
) -> None:
    await google.fault("events.watch", reason="backendError", after=True)
    world = await made(clinic_factory, client_for, google, pushed=False)
    await eventually(world.channels)
    await world.sync()
    assert len(await google.calls("events.watch")) == 2
    assert (await world.ana())["watch"]["state"] == "silent"
    await world.clinic.fetch(
        "UPDATE atendeai.calendar_channel SET opened_at = opened_at - $2::interval WHERE clinic_id = $1",
        world.clinic.id,
        2 * HOUR,
    )
    await world.sync()
    rows = await world.clinic.fetch("SELECT id FROM atendeai.calendar_channel WHERE clinic_id = $1", world.clinic.id)
    assert len(rows) == 1


async def test_push_that_does_not_arrive_any_more_is_noticed(
    clinic_factory: ClinicFactory, client_for: ClientFactory, google: GoogleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await made(clinic_factory, client_for, google)
    await opened(world)
    await world.sync()
    assert (await world.ana())["watch"]["state"] == "live"
    google.deliver_nothing()
    await world.block(DAY)
    await world.sync()
    assert (await world.ana())["watch"]["state"] == "live"  # it may still be on its way
    monkeypatch.setattr(sync_module, "_PUSH_DELAY", timedelta(0))
    await world.block(DAY + HOUR)
    await world.sync()
    assert (await world.ana())["watch"]["state"] == "silent"
    assert await world.idle() < clock.now() + timedelta(minutes=2)


class TestOneReader:
    """Replicas share the work; a reader that was overtaken and does not know it does no harm."""

    @pytest.fixture
    async def world(self, clinic_factory: ClinicFactory, client_for: ClientFactory, google: GoogleWorld) -> World:
        world = await made(clinic_factory, client_for, google)
        await opened(world)
        return world

    async def begun(self, world: World) -> SyncRow:
        """Begin to read Ana's calendar."""
        async with world.client.kit.database.transaction(world.clinic.id) as connection:
            return await SyncRepository(connection, world.clinic.id).begin(ANA)

    async def without_channel(self, world: World) -> None:
        """Have the calendar need a channel; the work queue leaves it alone, once what it handles has ended."""

        async def idle() -> bool:
            handled = "SELECT FROM atendeai.work WHERE clinic_id = $1 AND lease_token IS NOT NULL"
            return not await world.clinic.fetch(handled, world.clinic.id)

        await eventually(idle)
        await world.clinic.fetch("DELETE FROM atendeai.work WHERE clinic_id = $1", world.clinic.id)
        await world.clinic.fetch("DELETE FROM atendeai.calendar_channel WHERE clinic_id = $1", world.clinic.id)
        world.google.app.state.google.channels.clear()
        world.google.app.state.google.calls.clear()
        world.google.deliver_nothing()

    async def keep(self, world: World, row: SyncRow) -> None:
        """See to the channel as the reader that was given `row`."""
        database, tenant = world.client.kit.database, world.clinic.tenant
        async with httpx.AsyncClient(transport=world.google.transport) as http:
            google = await Access(database, http).google(tenant)
            assert google is not None
            await Channels(database).keep(tenant, google, row)

    async def test_replicas_open_one_channel_and_tell_each_change_once(
        self, world: World, client_for: ClientFactory
    ) -> None:
        for _ in range(2):
            await client_for(world.create, world.clinic.service_settings("calendar"))
        starts = [DAY + hour * HOUR for hour in range(4)]
        appointments = [await world.put(start) for start in starts]
        await world.sync()
        for appointment, start in zip(appointments, starts, strict=True):
            await world.google.move(ANA, name_of(appointment), start + 6 * HOUR, start + 7 * HOUR)
        await eventually(lambda: len(world.appointments.told) >= len(appointments))
        await world.sync()
        assert sorted(one["appointment_id"] for one in world.appointments.told) == sorted(map(str, appointments))
        assert len(await world.channels()) == 1
        assert len(await world.google.calls("events.watch")) == 1

    async def test_one_that_was_overtaken_opens_no_channel_and_writes_nothing(self, world: World) -> None:
        await self.without_channel(world)
        old = await self.begun(world)
        await self.begun(world)
        with pytest.raises(OvertakenError):
            await self.keep(world, old)
        assert await world.google.calls("events.watch") == []
        async with world.client.kit.database.transaction(world.clinic.id) as connection:
            assert await SyncRepository(connection, world.clinic.id).save(replace(old, sync_token="old")) is False

    async def test_one_that_is_overtaken_while_google_opens_its_channel_closes_it(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await self.without_channel(world)
        old = await self.begun(world)

        async def slow(*arguments: Any) -> OpenedChannel:
            answer = await open_channel(*arguments)
            await self.begun(world)
            return answer

        monkeypatch.setattr(channels_module, "open_channel", slow)
        with pytest.raises(OvertakenError):
            await self.keep(world, old)
        assert await world.channels() == []
        assert await world.one("SELECT id FROM atendeai.calendar_channel WHERE clinic_id = :clinic") is None


@pytest.fixture
async def broken(clinic_factory: ClinicFactory) -> AsyncIterator[list[TestClinic]]:
    """Give clinics of the pool that cannot be read: of another stack's key, and of a key that is none."""
    clinics = [await clinic_factory(isolation="Shared") for _ in range(2)]
    wrapped = (b"x", Fernet(clinics[0].stack.key.encode()).encrypt(b"no key"))
    for clinic, key in zip(clinics, wrapped, strict=True):
        await clinic.fetch("UPDATE atendeai.clinic_config SET wrapped_key = $2 WHERE clinic_id = $1", clinic.id, key)
    yield clinics
    for clinic in clinics:
        await clinic.fetch("DELETE FROM atendeai.clinic_config WHERE clinic_id = $1", clinic.id)


async def test_the_pool_reads_along_for_each_clinic_and_tells_them_apart(
    clinic_factory: ClinicFactory,
    client_for: ClientFactory,
    google: GoogleWorld,
    broken: list[TestClinic],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rounds_module, "EVERY_SECONDS", 0.1)
    world = await made(clinic_factory, client_for, google, isolation="Shared")
    other = await clinic_factory(isolation="Shared")
    channel = await opened(world)
    assert (await knock(world, channel)).status_code == 204
    assert (await knock(world, channel, Host=other.host)).status_code == 404
    assert (await knock(world, channel, Host="nobody.example.com")).status_code == 404


async def test_clinics_that_cannot_be_read_keep_no_other_waiting(
    clinic_factory: ClinicFactory, client_for: ClientFactory, google: GoogleWorld, broken: list[TestClinic]
) -> None:
    world = await made(clinic_factory, client_for, google, isolation="Shared")
    kit, asked = world.client.kit, Counter[UUID]()

    async def counted(clinic_id: UUID) -> Tenant:
        asked[clinic_id] += 1
        return await kit.tenants.get(clinic_id)

    tenants = SimpleNamespace(get=counted)
    rounds = Rounds(cast("Kit", SimpleNamespace(settings=kit.settings, database=kit.database, tenants=tenants)))
    await rounds.once()
    await rounds.once()
    # The broken ones are left alone for a while; the others are looked at each time.
    assert [asked[clinic.id] for clinic in (*broken, world.clinic)] == [1, 1, 2]
