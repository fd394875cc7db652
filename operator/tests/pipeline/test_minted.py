"""Minted Secrets that somebody edits or deletes: the clinic stays who it is, and the others are not concerned."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from atendeai_operator.kube.kinds import CLINIC, CONFIG_MAP, SECRET
from tests.pipeline.samples import (
    POOL,
    clinic,
    is_ready,
    is_stalled,
    running_clinic,
    running_stack,
    secret_text,
)
from tests.pipeline.world import World


def _whatsapp(number: str) -> dict[str, Any]:
    return {"phoneNumberId": number, "credentialsSecretRef": {"name": "sol-whatsapp"}}


def _data(**values: bytes) -> dict[str, Any]:
    return {key.replace("_", "-"): base64.b64encode(value).decode() for key, value in values.items()}


@pytest.mark.parametrize("written", ["another", "", "nonsense", None])
async def test_the_id_in_an_edited_secret_does_not_move_a_clinic(world: World, written: str | None) -> None:
    await running_stack(world, sharedPool=POOL)
    await running_clinic(world)
    await world.put("Clinic", "lua", clinic(hosts=["lua.example.com"], whatsapp=_whatsapp("222"), isolation="Shared"))
    await world.settle()
    sol = (await is_ready(world))["status"]["clinicId"]
    lua = (await is_ready(world, "lua"))["status"]["clinicId"]
    value = sol if written == "another" else written
    edit = {"clinic-id": None} if value is None else _data(clinic_id=value.encode())
    marks = {"atendeai.io/clinic-id": value or None, "app.kubernetes.io/component": None}
    await world.user.patch(SECRET, world.namespace, "lua-clinic", {"data": edit, "metadata": {"labels": marks}})
    await world.settle()
    assert (await is_ready(world, "lua"))["status"]["clinicId"] == lua
    secret = await world.user.get(SECRET, world.namespace, "lua-clinic")
    assert secret_text(secret, "clinic-id") == lua
    assert secret
    assert secret["metadata"]["labels"]["atendeai.io/clinic-id"] == lua
    edge = await world.user.get(CONFIG_MAP, world.namespace, "dev-edge")
    assert edge
    assert set(edge["data"]) == {sol, lua}


async def test_an_edited_secret_takes_no_other_clinics_data_along(world: World) -> None:
    await running_stack(world, sharedPool=POOL)
    await running_clinic(world)
    await world.put(
        "Clinic",
        "lua",
        clinic(hosts=["lua.example.com"], whatsapp=_whatsapp("222"), isolation="Shared", deletionPolicy="Delete"),
    )
    await world.settle()
    sol = (await is_ready(world))["status"]["clinicId"]
    edit = {"data": _data(clinic_id=sol.encode())}
    await world.user.patch(SECRET, world.namespace, "lua-clinic", edit)
    await world.user.delete(CLINIC, world.namespace, "lua")
    await world.settle()
    assert await world.user.get(CLINIC, world.namespace, "lua") is None
    assert {str(one) for one in world.kept().partitions} == {sol}
    await is_ready(world)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("jwt-key", b"!"),
        ("jwt-key", b"c2hvcnQ"),
        ("jwt-kid", b"\xff"),
        ("data-key", b"no key"),
        ("database-password", b"with a\nline"),
    ],
)
async def test_an_unusable_minted_value_stalls_its_clinic_alone(world: World, key: str, value: bytes) -> None:
    await running_stack(world, sharedPool=POOL)
    await running_clinic(world)
    before = secret_text(await world.user.get(SECRET, world.namespace, "sol-clinic"), key)
    edit = {"data": {key: base64.b64encode(value).decode()}}
    await world.user.patch(SECRET, world.namespace, "sol-clinic", edit)
    await world.put("Clinic", "lua", clinic(hosts=["lua.example.com"], whatsapp=_whatsapp("222"), isolation="Shared"))
    await world.settle()
    lua = (await is_ready(world, "lua"))["status"]["clinicId"]
    edge = await world.user.get(CONFIG_MAP, world.namespace, "dev-edge")
    assert edge
    assert lua in edge["data"]
    stalled = await is_stalled(world)
    assert stalled["reason"] == "MintedSecretUnusable"
    assert f"Secret sol-clinic, key {key}" in stalled["message"]
    await world.user.patch(SECRET, world.namespace, "sol-clinic", {"data": {key: None}})
    await world.settle()
    await is_ready(world)
    after = secret_text(await world.user.get(SECRET, world.namespace, "sol-clinic"), key)
    assert after not in ("", before)


async def test_a_deleted_identity_comes_back_for_the_same_clinic_everywhere(world: World) -> None:
    await running_stack(world)
    await running_clinic(world)
    clinic_id = (await is_ready(world))["status"]["clinicId"]
    before = await world.user.get(SECRET, world.namespace, "sol-clinic")
    await world.user.delete(SECRET, world.namespace, "sol-clinic")
    await world.settle()
    assert (await is_ready(world))["status"]["clinicId"] == clinic_id
    secret, kept = await world.user.get(SECRET, world.namespace, "sol-clinic"), world.kept()
    password = secret_text(secret, "database-password")
    assert password != secret_text(before, "database-password")
    assert list(kept.logins.values()) == [password]
    assert list(kept.users.values()) == [secret_text(secret, "redis-password")]
    (row,) = kept.configs.values()
    assert row.data_key.decode() == secret_text(secret, "data-key")
    assert row.credentials["jwt"]["keys"] == {secret_text(secret, "jwt-kid"): secret_text(secret, "jwt-key")}
    runtime = await world.user.get(SECRET, f"{world.namespace}-sol", "runtime")
    assert password in secret_text(runtime, "database-url")


async def test_a_live_clinic_is_not_taken_over_while_its_secret_is_gone(world: World) -> None:
    await running_stack(world)
    await running_clinic(world)
    clinic_id = (await is_ready(world))["status"]["clinicId"]
    await world.user.delete(SECRET, world.namespace, "sol-clinic")
    await world.put("Clinic", "lua", clinic(clinicId=clinic_id, hosts=["lua.example.com"]))
    await world.reconcile(CLINIC, "lua")
    assert (await is_stalled(world, "lua"))["reason"] == "ClinicIdTaken"
    await world.settle()
    assert (await is_ready(world))["status"]["clinicId"] == clinic_id
