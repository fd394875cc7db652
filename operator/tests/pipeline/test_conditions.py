"""Conditions say what is seen to be: routes that are served, channels and calendars that work."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from atendeai_operator.api.conditions import Reason
from atendeai_operator.kube.kinds import CLINIC, SERVICE, STACK
from atendeai_operator.kube.watch import Key
from atendeai_operator.pipeline.ports import Report, Verdict
from tests.pipeline.samples import POOL, running_clinic, running_stack
from tests.pipeline.world import World

CALENDAR = {"provider": "Google", "calendarId": "sol@group.example.com", "credentialsSecretRef": {"name": "agenda"}}


async def _condition(world: World, kind: str, name: str = "sol") -> dict[str, Any]:
    return (await world.conditions(CLINIC, name))[kind]


def _asked(world: World, what: str) -> int:
    return sum(1 for asked, _ in world.probing.asked if asked == what)


def _later(world: World, seconds: float) -> None:
    """Let time pass for the operator."""
    before = world.hub.now
    world.hub.now = lambda: before() + timedelta(seconds=seconds)


async def test_the_route_is_ready_when_the_gateway_serves_it(world: World) -> None:
    world.probing.unserved = {"sol.example.com"}
    await running_stack(world, sharedPool=POOL)
    await running_clinic(world, isolation="Shared")
    assert (await _condition(world, "RouteReady"))["status"] == "False"
    assert (await _condition(world, "Ready"))["status"] == "False"
    again = await world.reconcile(CLINIC, "sol")
    assert again is not None
    assert again <= 5
    world.probing.unserved = set()
    await world.reconcile(CLINIC, "sol")
    assert (await _condition(world, "RouteReady"))["status"] == "True"
    assert (await _condition(world, "Ready"))["status"] == "True"


async def test_a_proven_route_is_not_asked_for_again_until_it_changes(world: World) -> None:
    await running_stack(world)
    await running_clinic(world)
    assert _asked(world, "route") == 1
    await world.reconcile(CLINIC, "sol")
    assert _asked(world, "route") == 1
    world.probing.unserved = {"novo.example.com"}
    await world.change(CLINIC, "sol", {"spec": {"hosts": ["sol.example.com", "novo.example.com"]}})
    await world.settle()
    assert (await _condition(world, "RouteReady"))["status"] == "False"
    world.probing.unserved = set()
    await world.settle()
    assert (await _condition(world, "RouteReady"))["status"] == "True"


@pytest.mark.parametrize("isolation", ["Dedicated", "Shared"])
async def test_a_service_made_again_is_another_address_that_the_gateway_must_learn(
    world: World, isolation: str
) -> None:
    await running_stack(world, sharedPool=POOL)
    await running_clinic(world, isolation=isolation)
    woken: list[Key] = []
    world.hub.wake = lambda key, **_: woken.append(key)
    dedicated = isolation == "Dedicated"
    namespace, name = (f"{world.namespace}-sol", "whatsapp") if dedicated else (world.namespace, "dev-whatsapp")
    assert await world.user.delete(SERVICE, namespace, name)
    world.probing.unserved = {"sol.example.com"}
    await world.reconcile(STACK, "dev")
    assert (Key("clinic", world.namespace, "sol") in woken) is not dedicated, "its own children wake a Dedicated one"
    await world.reconcile(CLINIC, "sol")
    assert (await _condition(world, "RouteReady"))["status"] == "False"
    assert (await _condition(world, "Ready"))["status"] == "False"
    world.probing.unserved = set()
    await world.settle()
    assert (await _condition(world, "Ready"))["status"] == "True"


async def test_a_suspended_clinic_is_asked_for_as_such(world: World) -> None:
    await running_stack(world)
    await running_clinic(world, suspended=True)
    assert (await _condition(world, "Ready"))["status"] == "True"
    assert world.probing.asked == [("suspended route", "sol.example.com")]
    assert (await _condition(world, "ChannelReady"))["reason"] == "Suspended"


async def test_a_gateway_that_cannot_be_asked_takes_nothing_back(world: World) -> None:
    world.probing.up = False
    await running_stack(world)
    await running_clinic(world)
    route = await _condition(world, "RouteReady")
    assert route["status"] == "False"
    assert "dev-gateway-pods" in route["message"]
    world.probing.up = True
    await world.settle()
    assert (await _condition(world, "RouteReady"))["status"] == "True"
    world.start()
    world.probing.up = False
    await world.reconcile(CLINIC, "sol")
    assert (await _condition(world, "RouteReady"))["status"] == "True"
    assert (await _condition(world, "Ready"))["status"] == "True"


async def test_no_service_no_question(world: World) -> None:
    world.kubelet.failing = {"health", "whatsapp"}
    await running_stack(world)
    await running_clinic(world)
    assert world.probing.asked == []
    assert (await _condition(world, "RouteReady"))["status"] == "False"
    assert (await _condition(world, "ChannelReady"))["status"] == "Unknown"
    world.kubelet.failing = set()
    await world.settle()
    for kind in ("RouteReady", "ChannelReady", "Ready"):
        assert (await _condition(world, kind))["status"] == "True"


async def test_a_refused_token_shows_and_heals(world: World) -> None:
    world.probing.reports["whatsapp"] = Report(Verdict.REFUSED, "Meta refuses the access token.", credentials=True)
    await running_stack(world)
    await running_clinic(world)
    channel = await _condition(world, "ChannelReady")
    assert (channel["status"], channel["reason"]) == ("False", "Refused")
    assert "Meta refuses" in channel["message"]
    assert "sol-whatsapp" in channel["message"]
    assert (await _condition(world, "Ready"))["status"] == "True", "what Meta does is not this cluster's health"
    unwritten = Report(Verdict.WORKING, "Meta does not have atendeai_lembrete.", short=Reason.TEMPLATES_MISSING)
    world.probing.reports["whatsapp"] = unwritten
    again = await world.reconcile(CLINIC, "sol")
    assert again is not None
    assert again <= 20
    assert (await _condition(world, "ChannelReady"))["status"] == "False"
    _later(world, again + 1)
    await world.reconcile(CLINIC, "sol")
    channel = await _condition(world, "ChannelReady")
    assert (channel["status"], channel["reason"]) == ("True", "TemplatesMissing")
    assert "atendeai_lembrete" in channel["message"]
    assert "POST https://sol.example.com/api/v1/whatsapp/onboarding" in channel["message"]
    assert "token of an owner or admin" in channel["message"]


async def test_the_number_is_the_first_suspect_where_meta_does_not_know_it(world: World) -> None:
    words = "Meta refuses the phone number id, or the access token for it: Object with ID '1001' does not exist."
    world.probing.reports["whatsapp"] = Report(Verdict.REFUSED, words, credentials=True, number=True)
    await running_stack(world)
    await running_clinic(world)
    told = (await _condition(world, "ChannelReady"))["message"]
    assert told.startswith(words)
    assert 0 < told.index("spec.whatsapp.phoneNumberId, which is 1001") < told.index("sol-whatsapp")


async def test_a_new_secret_is_tried_at_once(world: World) -> None:
    world.probing.reports["whatsapp"] = Report(Verdict.REFUSED, "Meta refuses the access token.", credentials=True)
    await running_stack(world)
    await running_clinic(world)
    asked = _asked(world, "whatsapp")
    await world.secret("sol-other", access_token="t2", app_secret="s", verify_token="v")
    world.probing.reports.clear()
    await world.change(CLINIC, "sol", {"spec": {"whatsapp": {"credentialsSecretRef": {"name": "sol-other"}}}})
    await world.reconcile(CLINIC, "sol")
    assert _asked(world, "whatsapp") == asked + 1
    assert (await _condition(world, "ChannelReady"))["status"] == "True"


async def test_what_works_is_asked_about_every_few_minutes(world: World) -> None:
    await running_stack(world)
    await running_clinic(world)
    assert _asked(world, "whatsapp") == 1
    _later(world, 25)  # once more soon: the service may not have known of the change yet
    await world.reconcile(CLINIC, "sol")
    await world.reconcile(CLINIC, "sol")
    assert _asked(world, "whatsapp") == 2
    _later(world, 290)
    await world.reconcile(CLINIC, "sol")
    assert _asked(world, "whatsapp") == 2
    _later(world, 20)
    world.probing.reports["whatsapp"] = Report(Verdict.UNKNOWN, "Meta could not be asked.")
    await world.reconcile(CLINIC, "sol")
    assert _asked(world, "whatsapp") == 3
    assert (await _condition(world, "ChannelReady"))["status"] == "Unknown"
    assert (await _condition(world, "Ready"))["status"] == "True"


async def test_a_late_answer_keeps_nobody_waiting(world: World) -> None:
    world.probing.hold = asyncio.Event()
    await running_stack(world)
    await running_clinic(world)
    assert (await _condition(world, "Ready"))["status"] == "True"
    assert (await _condition(world, "ChannelReady"))["status"] == "Unknown"
    woken = asyncio.Event()
    world.hub.wake = lambda key, **_: woken.set() if key == Key("clinic", world.namespace, "sol") else None
    world.probing.hold.set()
    async with asyncio.timeout(10):
        await woken.wait()
    await world.reconcile(CLINIC, "sol")
    assert _asked(world, "whatsapp") == 1
    assert (await _condition(world, "ChannelReady"))["status"] == "True"


async def test_each_clinic_is_asked_about_at_its_own_service(world: World) -> None:
    await running_stack(world, sharedPool=POOL)
    await world.secret("agenda", client_id="c", client_secret="s", refresh_token="r")
    await running_clinic(world, calendar=CALENDAR)
    await running_clinic(
        world,
        "lua",
        isolation="Shared",
        hosts=["lua.example.com"],
        whatsapp={"phoneNumberId": "2002", "credentialsSecretRef": {"name": "lua-whatsapp"}},
    )
    asked = {url for what, url in world.probing.asked if what in ("whatsapp", "calendar")}
    assert asked == {
        f"http://whatsapp.{world.namespace}-sol.svc:3007",
        f"http://calendar.{world.namespace}-sol.svc:3008",
        f"http://dev-whatsapp.{world.namespace}.svc:3007",
    }
    assert (await _condition(world, "CalendarReady"))["reason"] == "Working"
    assert (await _condition(world, "CalendarReady", "lua"))["reason"] == "NotUsed"


async def test_refused_calendars_are_told_with_the_remedy(world: World) -> None:
    world.probing.reports["calendar"] = Report(Verdict.REFUSED, "Share the calendar with the account.")
    await running_stack(world)
    await world.secret("agenda", client_id="c", client_secret="s", refresh_token="r")
    await running_clinic(world, calendar=CALENDAR)
    told = await _condition(world, "CalendarReady")
    assert (told["status"], told["message"]) == ("False", "Share the calendar with the account.")
    assert (await _condition(world, "Ready"))["status"] == "True"


async def test_the_pool_wakes_its_clinics_when_it_is_ready(world: World) -> None:
    woken: list[Key] = []
    world.kubelet.failing = {"dev-whatsapp"}
    await running_stack(world, sharedPool=POOL)
    await running_clinic(world, isolation="Shared")
    assert (await _condition(world, "ServicesReady"))["status"] == "False"
    world.kubelet.failing = set()
    await world.kubelet.work()
    world.hub.wake = lambda key, **_: woken.append(key)
    await world.reconcile(STACK, "dev")
    assert Key("clinic", world.namespace, "sol") in woken
    await world.reconcile(CLINIC, "sol")
    assert (await _condition(world, "Ready"))["status"] == "True"
