"""Clinics from their first status to their end, on a real API server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from atendeai_operator.clinic.reconcile import STACK_PATIENCE
from atendeai_operator.kube.kinds import (
    CLINIC,
    CONFIG_MAP,
    DEPLOYMENT,
    NAMESPACE,
    NETWORK_POLICY,
    SECRET,
    STACK,
    of_object,
)
from atendeai_operator.kube.watch import Key
from atendeai_operator.pipeline.ports import Claim, ClaimKind
from tests.pipeline.samples import (
    POOL,
    clinic,
    is_ready,
    is_stalled,
    running_clinic,
    running_stack,
    secret_text,
    whatsapp_secret,
)
from tests.pipeline.world import World


async def _edge(world: World) -> str:
    """Return the digest of what the edge was given for the one clinic."""
    told = await world.user.get(CONFIG_MAP, world.namespace, "dev-edge")
    assert told
    return str(next(iter(told["data"].values())))


async def test_a_dedicated_clinic_becomes_ready(world: World) -> None:
    await running_stack(world)
    await running_clinic(world)
    live = await is_ready(world)
    status = live["status"]
    assert status["namespace"] == f"{world.namespace}-sol"
    assert status["url"] == "https://sol.example.com"
    assert status["version"] == "2.0.0"
    assert len(status["services"]) == 8
    assert all(entry["ready"] == entry["desired"] for entry in status["services"])
    deployments = await world.user.list(DEPLOYMENT, f"{world.namespace}-sol")
    assert {d["metadata"]["name"] for d in deployments} >= {"auth", "whatsapp", "calendar"}
    kept = world.kept()
    (clinic_id,) = kept.partitions
    assert str(clinic_id) == status["clinicId"]
    assert set(kept.logins) == set(kept.users) == {clinic_id}
    assert kept.configs[clinic_id].settings["hosts"] == ["sol.example.com"]
    edge = await world.user.get(CONFIG_MAP, world.namespace, "dev-edge")
    assert edge
    assert list(edge["data"]) == [str(clinic_id)]


async def test_a_shared_clinic_has_no_object_of_its_own(world: World) -> None:
    await running_stack(world, sharedPool=POOL)
    await running_clinic(world, isolation="Shared")
    live = await is_ready(world)
    assert live["status"]["namespace"] == world.namespace
    assert await world.user.get(NAMESPACE, None, f"{world.namespace}-sol") is None
    kept = world.kept()
    assert kept.partitions
    assert not kept.logins
    assert not kept.users


async def test_a_shared_clinic_looks_again_until_the_pool_is_back(world: World) -> None:
    await running_stack(world, sharedPool=POOL)
    await running_clinic(world, isolation="Shared")
    await is_ready(world)
    world.kubelet.failing.add("dev-auth")
    await world.settle()
    conditions = await world.conditions(CLINIC, "sol")
    assert "auth 0/1" in conditions["ServicesReady"]["message"]
    world.kubelet.failing.clear()
    await world.kubelet.work()
    again = await world.reconcile(CLINIC, "sol")  # the stack has not said so yet
    assert again is not None
    assert again <= STACK_PATIENCE
    await world.settle()
    await is_ready(world)


async def test_a_second_pass_writes_nothing(world: World) -> None:
    await running_stack(world)
    await running_clinic(world)
    world.meter.writes.clear()
    before = world.kept().writes
    await world.reconcile(CLINIC, "sol")
    assert world.meter.writes == []
    assert world.kept().writes == before


async def test_every_deleted_child_comes_back(world: World) -> None:
    await running_stack(world)
    await running_clinic(world)
    own = f"{world.namespace}-sol"
    before = await world.children(own)
    for (kind, namespace, name), live in before.items():
        if kind != "Namespace":
            await world.user.delete(of_object(live), namespace or None, name)
    await world.user.delete(SECRET, world.namespace, "sol-clinic")
    clinic_id = (await is_ready(world))["status"]["clinicId"]
    await world.settle()
    assert set(await world.children(own)) == set(before)
    assert (await is_ready(world))["status"]["clinicId"] == clinic_id
    assert secret_text(await world.user.get(SECRET, world.namespace, "sol-clinic"), "clinic-id") == clinic_id


async def test_a_deleted_namespace_comes_back(world: World) -> None:
    await running_stack(world)
    await running_clinic(world)
    own = f"{world.namespace}-sol"
    before = await world.children(own)
    await world.user.delete(NAMESPACE, None, own)
    await world.settle()
    assert set(await world.children(own)) == set(before)
    await is_ready(world)


async def test_every_edited_child_is_put_right(world: World) -> None:
    await running_stack(world)
    await running_clinic(world)
    own = f"{world.namespace}-sol"
    before = await world.children(own)
    for (kind, namespace, name), live in before.items():
        patch: dict[str, Any]
        if kind in ("ConfigMap", "Secret"):
            patch = {"data": {"extra": "dmFsdWU="}}
        elif kind == "Deployment":
            patch = {"spec": {"replicas": 7, "template": {"spec": {"hostNetwork": True}}}}
        elif kind == "NetworkPolicy":
            patch = {"spec": {"ingress": [{}]}}
        elif kind == "Service":
            patch = {"spec": {"selector": {"odd": "one"}}}
        elif kind == "ResourceQuota":
            patch = {"spec": {"hard": {"pods": "1", "services": "3"}}}
        else:
            patch = {
                "metadata": {"labels": {"app.kubernetes.io/managed-by": "somebody", "app.kubernetes.io/part-of": "x"}}
            }
        await world.change(of_object(live), name, patch, namespace)
    await world.settle()
    after = await world.children(own)
    for key, live in before.items():
        for part in ("spec", "data"):
            assert after[key].get(part) == live.get(part), key
        assert after[key]["metadata"]["labels"] == live["metadata"]["labels"], key


async def test_a_changed_spec_reaches_configuration_and_pods(world: World) -> None:
    await running_stack(world)
    await running_clinic(world)
    await world.change(
        CLINIC, "sol", {"spec": {"displayName": "Sol Nova", "services": {"overrides": {"whatsapp": {"replicas": 3}}}}}
    )
    await world.settle()
    (row,) = world.kept().configs.values()
    assert row.display_name == "Sol Nova"
    live = await world.user.get(DEPLOYMENT, f"{world.namespace}-sol", "whatsapp")
    assert live
    assert live["spec"]["replicas"] == 3


async def test_dedicated_becomes_shared_and_back_and_somebody_always_takes_its_messages_in(world: World) -> None:
    await running_stack(world, sharedPool=POOL)
    await running_clinic(world)
    own = f"{world.namespace}-sol"
    clinic_id = (await is_ready(world))["status"]["clinicId"]
    dedicated = await _edge(world)
    world.probing.unserved.add("sol.example.com")  # some pod of the gateway still has the old routes
    await world.change(CLINIC, "sol", {"spec": {"isolation": "Shared"}})
    await world.settle()
    resting = await _edge(world)
    assert resting != dedicated
    assert ("suspended route", "sol.example.com") in world.probing.asked
    assert {d["spec"]["replicas"] for d in await world.user.list(DEPLOYMENT, own)} == {1}
    assert len(world.kept().logins) == len(world.kept().users) == 1
    world.probing.unserved.clear()
    await world.settle()
    live = await is_ready(world)
    assert live["status"]["clinicId"] == clinic_id
    assert (await world.conditions(CLINIC, "sol"))["Suspended"]["status"] == "False"
    assert await _edge(world) not in (resting, dedicated)
    assert await world.user.get(NAMESPACE, None, own) is None
    assert not world.kept().logins
    assert not world.kept().users
    world.kubelet.failing |= {"whatsapp", "health"}
    await world.change(CLINIC, "sol", {"spec": {"isolation": "Dedicated"}})
    await world.settle()
    moving = (await world.conditions(CLINIC, "sol"))["Suspended"]
    assert (moving["status"], moving["reason"]) == ("True", "Waking")
    assert await _edge(world) != dedicated
    world.kubelet.failing.clear()
    await world.settle()
    assert (await is_ready(world))["status"]["namespace"] == own
    assert (await world.conditions(CLINIC, "sol"))["Suspended"]["status"] == "False"
    assert await _edge(world) == dedicated


async def test_suspended_has_no_pods_and_wakes(world: World) -> None:
    await running_stack(world)
    await running_clinic(world)
    own = f"{world.namespace}-sol"
    await world.change(CLINIC, "sol", {"spec": {"suspended": True}})
    await world.settle()
    await is_ready(world)
    conditions = await world.conditions(CLINIC, "sol")
    assert conditions["Suspended"]["status"] == "True"
    assert "its pods go" in conditions["Suspended"]["message"]
    assert all(d["spec"]["replicas"] == 0 for d in await world.user.list(DEPLOYMENT, own))
    (row,) = world.kept().configs.values()
    assert row.suspended
    world.start()
    world.probing.up = False  # an operator that begins anew wakes nobody because it cannot ask the gateway
    await world.settle()
    assert all(d["spec"]["replicas"] == 0 for d in await world.user.list(DEPLOYMENT, own))
    world.probing.up = True
    await world.change(CLINIC, "sol", {"spec": {"suspended": False}})
    await world.settle()
    assert all(d["spec"]["replicas"] > 0 for d in await world.user.list(DEPLOYMENT, own))
    assert (await world.conditions(CLINIC, "sol"))["Suspended"]["status"] == "False"


async def test_whoever_takes_the_messages_in_is_there_before_the_other_goes(world: World) -> None:
    await running_stack(world)
    await running_clinic(world)
    own = f"{world.namespace}-sol"

    async def replicas() -> set[int]:
        return {d["spec"]["replicas"] for d in await world.user.list(DEPLOYMENT, own)}

    active = await _edge(world)
    world.probing.unserved.add("sol.example.com")  # some pod of the gateway still has the old routes
    await world.change(CLINIC, "sol", {"spec": {"suspended": True}})
    await world.settle()
    suspended = await _edge(world)
    assert suspended != active
    assert await replicas() == {1}
    world.probing.unserved.clear()
    await world.settle()
    assert await replicas() == {0}
    world.kubelet.failing |= {"whatsapp", "health"}
    await world.change(CLINIC, "sol", {"spec": {"suspended": False}})
    await world.settle()
    assert await replicas() == {1}
    waking = (await world.conditions(CLINIC, "sol"))["Suspended"]
    assert (waking["status"], waking["reason"]) == ("True", "Waking")
    assert await _edge(world) == suspended
    world.kubelet.failing.clear()
    await world.settle()
    await is_ready(world)
    assert (await world.conditions(CLINIC, "sol"))["Suspended"]["status"] == "False"
    assert await _edge(world) == active


async def test_paused_is_left_alone_and_says_so(world: World) -> None:
    await running_stack(world)
    await running_clinic(world)
    await world.change(CLINIC, "sol", {"spec": {"paused": True, "displayName": "Outro"}})
    await world.settle()
    conditions = await world.conditions(CLINIC, "sol")
    assert conditions["Paused"]["status"] == "True"
    assert (conditions["Ready"]["status"], conditions["Ready"]["reason"]) == ("True", "Paused")
    (row,) = world.kept().configs.values()
    assert row.display_name == "Clínica Sol"
    told = [(reason, message) for name, reason, message in await world.events() if name == "sol" and reason == "Paused"]
    assert len(told) == 1
    await world.change(CLINIC, "sol", {"spec": {"paused": False}})
    await world.settle()
    conditions = await world.conditions(CLINIC, "sol")
    assert (conditions["Paused"]["status"], conditions["Ready"]["reason"]) == ("False", "Ready")


# ---------------------------------------------------------------- what a user must mend
async def test_a_missing_secret_stalls_and_heals(world: World) -> None:
    await running_stack(world)
    await world.put("Clinic", "sol", clinic())
    await world.settle()
    stalled = await is_stalled(world)
    assert stalled["reason"] == "SecretMissing"
    assert "sol-whatsapp" in stalled["message"]
    await whatsapp_secret(world)
    await world.settle()
    await is_ready(world)


async def test_a_missing_key_is_named(world: World) -> None:
    await running_stack(world)
    await world.secret("sol-whatsapp", access_token="t", verify_token="v")
    await world.put("Clinic", "sol", clinic())
    await world.settle()
    assert "app-secret" in (await is_stalled(world))["message"]


async def test_no_such_stack_stalls_and_heals(world: World) -> None:
    await whatsapp_secret(world)
    await world.put("Clinic", "sol", clinic())
    await world.settle()
    stalled = await is_stalled(world)
    assert stalled["reason"] == "StackNotFound"
    assert "dev" in stalled["message"]
    await running_stack(world)
    await is_ready(world)


@pytest.mark.parametrize(
    ("field", "claim", "remedy"),
    [("host", Claim("host", "sol.example.com"), "sol.example.com"), ("phone", Claim("phone", "1001"), "1001")],
)
async def test_the_later_claim_is_refused(world: World, field: str, claim: Claim, remedy: str) -> None:
    await running_stack(world, sharedPool=POOL)
    await running_clinic(world)
    first = (await is_ready(world))["status"]["clinicId"]
    other = {"hosts": ["lua.example.com"]} if field == "phone" else {}
    await whatsapp_secret(world, "lua-whatsapp")
    spec = clinic(isolation="Shared", **other)
    spec["whatsapp"] = {
        "phoneNumberId": "1001" if field == "phone" else "2002",
        "credentialsSecretRef": {"name": "lua-whatsapp"},
    }
    await world.put("Clinic", "lua", spec)
    await world.settle()
    stalled = await is_stalled(world, "lua")
    assert stalled["reason"] == "ClaimLost"
    assert remedy in stalled["message"]
    assert "sol" not in stalled["message"].replace("sol.example.com", "")
    assert str(world.kept().claims[claim]) == first
    await world.change(CLINIC, "sol", {"spec": {"displayName": "Editada"}})
    await world.settle()
    await is_ready(world)
    await is_stalled(world, "lua")
    assert str(world.kept().claims[claim]) == first


async def test_a_released_host_can_be_had(world: World) -> None:
    await running_stack(world, sharedPool=POOL)
    await running_clinic(world)
    await running_clinic(
        world, "lua", isolation="Shared", whatsapp={"phoneNumberId": "2002", "credentialsSecretRef": {"name": "x"}}
    )
    await is_stalled(world, "lua")
    await world.change(CLINIC, "sol", {"spec": {"hosts": ["novo.example.com"]}})
    await world.settle()
    live = await is_ready(world, "lua")
    assert live["status"]["hosts"] == ["sol.example.com"]


async def _two_clinics(world: World) -> list[Key]:
    """Run two Shared clinics; return the list of those who are woken from now on."""
    await running_stack(world, sharedPool=POOL)
    await running_clinic(world, isolation="Shared")
    whatsapp = {"phoneNumberId": "2002", "credentialsSecretRef": {"name": "lua-whatsapp"}}
    await running_clinic(world, "lua", isolation="Shared", hosts=["lua.example.com"], whatsapp=whatsapp)
    for name in ("sol", "lua"):
        await is_ready(world, name)
    woken: list[Key] = []
    world.hub.wake = lambda key, **_: woken.append(key)
    return woken


@pytest.mark.parametrize(
    ("kind", "values", "patch"),
    [
        ("host", ("sol.example.com", "lua.example.com"), lambda value: {"hosts": [value]}),
        ("phone", ("1001", "2002"), lambda value: {"whatsapp": {"phoneNumberId": value}}),
    ],
)
async def test_two_clinics_exchange_what_they_hold(
    world: World, kind: ClaimKind, values: tuple[str, str], patch: Callable[[str], dict[str, Any]]
) -> None:
    woken = await _two_clinics(world)
    kept, (mine, other) = world.kept(), values
    sol, lua = (kept.claims[Claim(kind, value)] for value in values)
    await world.change(CLINIC, "sol", {"spec": patch(other)})
    await world.change(CLINIC, "lua", {"spec": patch(mine)})

    await world.reconcile(CLINIC, "sol")
    assert (await is_stalled(world))["reason"] == "ClaimLost"
    assert Claim(kind, mine) not in kept.claims
    assert kept.claims[Claim(kind, other)] == lua
    live = await world.user.get(CLINIC, world.namespace, "sol")
    assert live
    # The edge must not serve what is another's from now on, and goes on with the rest.
    assert live["status"]["hosts"] == ([] if kind == "host" else ["sol.example.com"])
    assert Key("clinic", world.namespace, "lua") in woken

    woken.clear()
    await world.reconcile(CLINIC, "lua")
    assert kept.claims[Claim(kind, mine)] == lua
    assert Claim(kind, other) not in kept.claims
    assert Key("clinic", world.namespace, "sol") in woken

    await world.settle()
    assert kept.claims[Claim(kind, other)] == sol
    served = [(await is_ready(world, name))["status"]["hosts"] for name in ("sol", "lua")]
    hosts = [["sol.example.com"], ["lua.example.com"]]
    assert served == (hosts[::-1] if kind == "host" else hosts)


async def test_a_refused_clinic_keeps_what_it_holds_and_wants(world: World) -> None:
    woken = await _two_clinics(world)
    await world.change(CLINIC, "sol", {"spec": {"hosts": ["sol.example.com", "free.example.com", "lua.example.com"]}})
    await world.settle()
    assert (await is_stalled(world))["reason"] == "ClaimLost"
    live = await world.user.get(CLINIC, world.namespace, "sol")
    assert live
    assert live["status"]["hosts"] == ["sol.example.com"]
    assert live["status"]["url"] == "https://sol.example.com"
    held = {claim.value for claim, holder in world.kept().claims.items() if str(holder) == live["status"]["clinicId"]}
    assert held == {"sol.example.com", "free.example.com", "1001"}
    assert (await is_ready(world, "lua"))["status"]["hosts"] == ["lua.example.com"]
    assert Key("clinic", world.namespace, "lua") not in woken


async def test_a_clinic_given_anothers_host_by_mistake_is_reached_at_its_own_meanwhile(world: World) -> None:
    await _two_clinics(world)
    await world.change(CLINIC, "sol", {"spec": {"hosts": ["lua.example.com"]}})
    await world.settle()
    assert (await is_stalled(world))["reason"] == "ClaimLost"
    live = await world.user.get(CLINIC, world.namespace, "sol")
    assert live
    assert live["status"]["hosts"] == ["sol.example.com"]
    assert str(world.kept().claims[Claim("host", "sol.example.com")]) == live["status"]["clinicId"]


@pytest.mark.parametrize("failing", ["release", "the spec"])
async def test_nothing_is_let_go_by_a_pass_that_fails_for_another_reason(world: World, failing: str) -> None:
    await _two_clinics(world)
    kept = world.kept()
    wanted: dict[str, Any] = {"hosts": ["lua.example.com"]}
    if failing == "release":
        kept.fail = "release"
        await world.change(CLINIC, "lua", {"spec": {"hosts": ["sol.example.com"]}})
    else:
        wanted = {"hosts": ["free.example.com"], "timezone": "Nowhere/City"}
    await world.change(CLINIC, "sol", {"spec": wanted})
    await world.settle()
    assert (await is_stalled(world))["reason"] == ("ClaimLost" if failing == "release" else "UnknownTimezone")
    live = await world.user.get(CLINIC, world.namespace, "sol")
    assert live
    assert live["status"]["hosts"] == ["sol.example.com"]
    assert str(kept.claims[Claim("host", "sol.example.com")]) == live["status"]["clinicId"]


async def test_shared_without_a_pool(world: World) -> None:
    await running_stack(world)
    await running_clinic(world, isolation="Shared")
    assert (await is_stalled(world))["reason"] == "NoSharedPool"
    await world.change(STACK, "dev", {"spec": {"sharedPool": {"enabled": True}}})
    await world.settle()
    await is_ready(world)


async def test_a_foreign_namespace_is_refused_and_untouched(world: World) -> None:
    own = f"{world.namespace}-sol"
    before = await world.user.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": own}})
    await running_stack(world)
    await running_clinic(world)
    assert own in (await is_stalled(world))["message"]
    await world.user.delete(CLINIC, world.namespace, "sol")
    await world.settle()
    assert await world.user.get(CLINIC, world.namespace, "sol") is None
    after = await world.user.get(NAMESPACE, None, own)
    assert after
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert await world.user.list(NETWORK_POLICY, own) == []


# ---------------------------------------------------------------- the end, and after it
async def test_deletion_retains_data_that_only_its_id_takes_over(world: World) -> None:
    await running_stack(world)
    await running_clinic(world)
    clinic_id = (await is_ready(world))["status"]["clinicId"]
    await world.user.delete(CLINIC, world.namespace, "sol")
    await world.settle()
    kept = world.kept()
    assert await world.user.get(CLINIC, world.namespace, "sol") is None
    assert await world.user.get(NAMESPACE, None, f"{world.namespace}-sol") is None
    assert {str(one) for one in kept.partitions} == {clinic_id}
    assert not kept.configs
    assert not kept.claims
    assert not kept.users
    told = [message for name, reason, message in await world.events() if (name, reason) == ("sol", "DataRetained")]
    assert clinic_id in told[0]
    left = {name for kind, _, name in await world.children() if kind == "Secret" and name.startswith("sol")}
    assert left == {"sol-clinic"}

    await world.put("Clinic", "sol", clinic())
    await world.settle()
    stalled = await is_stalled(world)
    assert stalled["reason"] == "RetainedData"
    assert clinic_id in stalled["message"]
    assert "another name" in stalled["message"]
    wrong = "00000000-0000-4000-8000-000000000000"
    await world.change(CLINIC, "sol", {"spec": {"clinicId": wrong}})
    await world.settle()
    stalled = await is_stalled(world)
    assert stalled["reason"] == "RetainedData"
    assert f"{wrong} is not the id of the data that an earlier clinic of this name has left" in stalled["message"]
    assert f"set spec.clinicId to {clinic_id}" in stalled["message"]
    await world.change(CLINIC, "sol", {"spec": {"clinicId": clinic_id}})
    await world.settle()
    assert (await is_ready(world))["status"]["clinicId"] == clinic_id


@pytest.mark.parametrize("reason", ["SecretMissing", "UnknownTimezone"])
async def test_a_clinic_that_never_ran_retains_nothing(world: World, reason: str) -> None:
    await running_stack(world)
    if reason == "UnknownTimezone":
        await whatsapp_secret(world)
    wrong = {"timezone": "America/Sao_Paolo"} if reason == "UnknownTimezone" else {}
    await world.put("Clinic", "sol", clinic(**wrong))
    await world.settle()
    assert (await is_stalled(world))["reason"] == reason
    await world.user.delete(CLINIC, world.namespace, "sol")
    await world.settle()
    kept = world.kept()
    assert await world.user.get(CLINIC, world.namespace, "sol") is None
    assert not any([kept.partitions, kept.configs, kept.claims, kept.users, kept.logins])
    assert not [name for kind, _, name in await world.children() if kind == "Secret" and name.startswith("sol")]
    assert "DataRetained" not in [told for name, told, _ in await world.events() if name == "sol"]
    if reason == "SecretMissing":
        await whatsapp_secret(world)
    await world.put("Clinic", "sol", clinic())
    await world.settle()
    await is_ready(world)


async def test_a_clinic_that_ran_keeps_its_keys_though_its_database_is_empty(world: World) -> None:
    await running_stack(world)
    await running_clinic(world)
    await world.change(CLINIC, "sol", {"spec": {"timezone": "America/Sao_Paolo"}})
    await world.settle()
    await is_stalled(world)
    world.kept().partitions.clear()  # its volume was lost; a backup needs the keys
    await world.user.delete(CLINIC, world.namespace, "sol")
    await world.settle()
    assert await world.user.get(CLINIC, world.namespace, "sol") is None
    assert await world.user.get(SECRET, world.namespace, "sol-clinic")


async def test_retained_data_is_taken_over_under_another_name(world: World) -> None:
    await running_stack(world)
    await running_clinic(world)
    clinic_id = (await is_ready(world))["status"]["clinicId"]
    await world.user.delete(CLINIC, world.namespace, "sol")
    await world.settle()
    await world.put("Clinic", "lua", clinic(clinicId=clinic_id))
    await world.settle()
    assert (await is_ready(world, "lua"))["status"]["clinicId"] == clinic_id
    assert await world.user.get(SECRET, world.namespace, "sol-clinic") is None


async def test_an_id_that_is_in_use_is_refused(world: World) -> None:
    await running_stack(world)
    await running_clinic(world)
    clinic_id = (await is_ready(world))["status"]["clinicId"]
    await world.put("Clinic", "lua", clinic(clinicId=clinic_id, hosts=["lua.example.com"]))
    await world.settle()
    assert (await is_stalled(world, "lua"))["reason"] == "ClinicIdTaken"
    await is_ready(world)


async def test_an_id_of_nobody_is_refused_and_can_be_taken_back(world: World) -> None:
    await running_stack(world)
    await running_clinic(world, clinicId="6f9d2a2e-3a0f-4f44-9f0e-0c2ad4e7c001")
    stalled = await is_stalled(world)
    assert stalled["reason"] == "NothingRetained"
    assert "write another id or, to begin anew, remove spec.clinicId" in stalled["message"]
    await world.change(CLINIC, "sol", {"spec": {"clinicId": None}})
    await world.settle()
    await is_ready(world)


async def test_deletion_takes_data_when_told_to(world: World) -> None:
    await running_stack(world)
    await running_clinic(world, deletionPolicy="Delete")
    await world.user.delete(CLINIC, world.namespace, "sol")
    await world.settle()
    kept = world.kept()
    assert not any([kept.partitions, kept.configs, kept.claims, kept.users, kept.logins])
    assert not [name for kind, _, name in await world.children() if name.startswith("sol")]


async def test_a_clinic_whose_stack_is_gone_still_deletes(world: World) -> None:
    await running_stack(world)
    await running_clinic(world)
    await world.user.patch(STACK, world.namespace, "dev", {"metadata": {"finalizers": None}})
    await world.user.delete(STACK, world.namespace, "dev")
    await world.settle()
    assert (await is_stalled(world))["reason"] == "StackNotFound"
    await world.user.delete(CLINIC, world.namespace, "sol")
    await world.settle()
    assert await world.user.get(CLINIC, world.namespace, "sol") is None
    assert "StackGone" in [reason for name, reason, _ in await world.events() if name == "sol"]


async def test_a_stalled_clinic_deletes_without_touching_retained_data(world: World) -> None:
    await running_stack(world)
    await running_clinic(world)
    clinic_id = (await is_ready(world))["status"]["clinicId"]
    await world.user.delete(CLINIC, world.namespace, "sol")
    await world.settle()
    await world.put("Clinic", "sol", clinic(deletionPolicy="Delete"))
    await world.settle()
    await is_stalled(world)
    await world.user.delete(CLINIC, world.namespace, "sol")
    await world.settle()
    assert await world.user.get(CLINIC, world.namespace, "sol") is None
    assert {str(one) for one in world.kept().partitions} == {clinic_id}
    assert await world.user.get(SECRET, world.namespace, "sol-clinic")


async def test_a_database_that_is_away_stops_no_repair(world: World) -> None:
    await running_stack(world)
    await running_clinic(world)
    world.kept().up = False
    await world.user.delete(DEPLOYMENT, f"{world.namespace}-sol", "whatsapp")
    for _ in range(3):
        await world.reconcile(CLINIC, "sol")
        await world.kubelet.work()
    assert await world.user.get(DEPLOYMENT, f"{world.namespace}-sol", "whatsapp")
    assert (await world.conditions(CLINIC, "sol"))["DatabaseReady"]["status"] == "False"
    world.kept().up = True
    await world.settle()
    await is_ready(world)
