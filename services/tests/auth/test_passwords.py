"""Passwords: changed by their holder, set anew by a token that a manager hands over."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from atendeai.auth.accounts import Account, Accounts
from atendeai.auth.lockout import FREE
from atendeai.kit import clock
from atendeai.kit.identity import Principal
from atendeai.kit.tenancy import Tenant
from atendeai.kit.testing.waiting import eventually
from tests.auth.pair import PASSWORD, Identity, bearer, replaced_meanwhile

pytestmark = pytest.mark.integration
OWNER = "dona@sol.example"
NEXT = "outra frase bem comprida"


async def change(desk: Identity, tokens: dict[str, Any], current: str, new: str = NEXT) -> httpx.Response:
    body = {"current_password": current, "new_password": new}
    return await desk.auth.post("/api/v1/auth/password", json=body, headers=bearer(tokens))


async def issue(desk: Identity, tokens: dict[str, Any], user_id: str) -> httpx.Response:
    body = {"user_id": user_id, "reason": "esqueceu a senha"}
    return await desk.auth.post("/api/v1/auth/password-resets", json=body, headers=bearer(tokens))


async def test_a_changed_password_ends_the_other_sessions_and_keeps_this_one(desk: Identity) -> None:
    mine, other = await desk.owner(), (await desk.login(OWNER)).json()
    assert (await change(desk, mine, PASSWORD)).status_code == 204
    await desk.refused_everywhere(other)
    assert (await desk.post("refresh", {"refresh_token": other["refresh_token"]})).status_code == 401
    assert (await desk.get("me", mine)).status_code == 200
    assert (await desk.login(OWNER)).status_code == 401
    assert (await desk.login(OWNER, NEXT)).status_code == 200


async def test_a_wrong_present_password_changes_nothing_and_guessing_it_is_slowed(desk: Identity) -> None:
    mine = await desk.owner()
    wrong = await change(desk, mine, "not the password")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "current_password")
    statuses = [(await change(desk, mine, "not the password")).status_code for _ in range(FREE + 2)]
    assert statuses[-1] == 429
    assert (await desk.get("me", mine)).status_code == 200


async def test_a_change_that_began_before_a_reset_does_not_undo_it(desk: Identity) -> None:
    mine = await desk.owner()
    late = await replaced_meanwhile(desk, OWNER, lambda: change(desk, mine, PASSWORD))
    assert (late.status_code, late.json()["errors"][0]["field"]) == (422, "current_password")
    [row] = await desk.clinic.fetch(f"SELECT password_hash FROM atendeai.credential_{desk.clinic.id.hex}")
    assert row["password_hash"] == "another", "what was set meanwhile"


@pytest.mark.parametrize("new", ["curta", "x" * 129])
async def test_a_new_password_keeps_the_rules(desk: Identity, new: str) -> None:
    mine = await desk.owner()
    refused = await change(desk, mine, PASSWORD, new)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "new_password")
    assert new not in refused.text


async def test_the_present_password_is_no_new_one(desk: Identity) -> None:
    mine = await desk.owner()
    refused = await change(desk, mine, PASSWORD, PASSWORD)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "new_password")


async def test_a_reset_token_sets_a_new_password_once_and_ends_every_session(desk: Identity) -> None:
    owner = await desk.owner()
    colleague = await desk.colleague(owner)
    issued = await issue(desk, owner, colleague.id)
    assert issued.status_code == 201
    assert issued.headers["cache-control"] == "no-store"
    token = issued.json()["token"]
    stored = await desk.clinic.fetch(f"SELECT token_sha256 FROM atendeai.password_reset_{desk.clinic.id.hex}")
    assert token not in stored[0]["token_sha256"]
    attempts = [desk.post("reset", {"token": token, "password": f"{NEXT} {number}"}) for number in range(5)]
    statuses = [answer.status_code for answer in await asyncio.gather(*attempts)]
    assert sorted(statuses) == [204, 403, 403, 403, 403]
    await desk.refused_everywhere(colleague.tokens)
    assert (await desk.login(colleague.email)).status_code == 401
    assert (await desk.login(colleague.email, f"{NEXT} {statuses.index(204)}")).status_code == 200
    asked = next(one for one in await desk.audit() if one["action"] == "auth.issue-password-reset")
    assert (asked["target"], asked["reason"]) == (f"user:{colleague.id}", "esqueceu a senha")
    assert asked["actor"].startswith("person:")


async def test_a_reset_ends_what_strangers_and_the_holder_did_to_the_account(desk: Identity) -> None:
    owner = await desk.owner()
    colleague = await desk.colleague(owner)
    home = {"X-Real-IP": "203.0.113.5"}
    assert (await desk.login(colleague.email, **home)).status_code == 200
    for _ in range(FREE + 1):
        await desk.login(colleague.email, "not the password")
        await desk.login(colleague.email, "not the password", **home)
    assert (await desk.login(colleague.email)).status_code == 429
    assert (await desk.login(colleague.email, **home)).status_code == 429
    token = (await issue(desk, owner, colleague.id)).json()["token"]
    assert (await desk.post("reset", {"token": token, "password": NEXT})).status_code == 204
    assert (await desk.login(colleague.email, NEXT)).status_code == 200
    assert (await desk.login(colleague.email, NEXT, **home)).status_code == 200


async def test_no_reset_is_issued_for_an_account_that_is_closed_meanwhile(
    desk: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await desk.owner()
    colleague = await desk.colleague(owner)
    managed = Accounts.managed

    async def late(self: Accounts, tenant: Tenant, who: Principal, user_id: UUID) -> Account:
        found = await managed(self, tenant, who, user_id)
        gone = await desk.user.delete(f"/api/v1/users/{colleague.id}", params={"reason": "saiu"}, headers=bearer(owner))
        assert gone.status_code == 204
        return found

    monkeypatch.setattr(Accounts, "managed", late)
    refused = await issue(desk, owner, colleague.id)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:atendeai:problem:not-active")


async def test_a_reset_token_ends_with_the_next_one_with_time_and_with_a_change(desk: Identity) -> None:
    owner = await desk.owner()
    colleague = await desk.colleague(owner)
    first, second = [(await issue(desk, owner, colleague.id)).json()["token"] for _ in range(2)]
    assert (await desk.post("reset", {"token": first, "password": NEXT})).status_code == 403
    with clock.override(clock.now() + timedelta(minutes=61)):
        late = await desk.post("reset", {"token": second, "password": NEXT})
    assert (late.status_code, late.json()["type"].rpartition(":")[2]) == (403, "reset-unknown")
    third = (await issue(desk, owner, colleague.id)).json()["token"]
    assert (await change(desk, colleague.tokens, PASSWORD)).status_code == 204
    assert (await desk.post("reset", {"token": third, "password": "mais uma frase longa"})).status_code == 403


async def test_who_may_reset_whom(desk: Identity) -> None:
    owner = await desk.owner()
    owner_id = (await desk.get("me", owner)).json()["id"]
    admin = await desk.colleague(owner, "admin", email="adm@sol.example")
    desk_clerk = await desk.colleague(owner, "receptionist")
    auditor = await desk.colleague(owner, "auditor", email="aud@sol.example")
    assert (await issue(desk, admin.tokens, desk_clerk.id)).status_code == 201
    assert (await issue(desk, admin.tokens, owner_id)).status_code == 403
    for other in (desk_clerk, auditor):
        assert (await issue(desk, other.tokens, admin.id)).status_code == 403
    assert (await issue(desk, owner, str(uuid4()))).status_code == 404
    await desk.user.delete(f"/api/v1/users/{desk_clerk.id}", params={"reason": "saiu"}, headers=bearer(owner))
    assert (await issue(desk, owner, desk_clerk.id)).status_code == 409


async def test_nobody_resets_themselves_or_keeps_a_token_longer_than_their_rights(desk: Identity) -> None:
    owner = await desk.owner()
    owner_id = (await desk.get("me", owner)).json()["id"]
    assert (await issue(desk, owner, owner_id)).status_code == 403, "that would do without the password"
    admin = await desk.colleague(owner, "admin", email="adm@sol.example")
    clerk = await desk.colleague(owner, "receptionist")

    async def kept(change: dict[str, Any], who: str) -> int:
        token = (await issue(desk, admin.tokens, clerk.id)).json()["token"]
        body = {**change, "reason": "muda"}
        assert (await desk.user.patch(f"/api/v1/users/{who}", json=body, headers=bearer(owner))).status_code == 200
        return (await desk.post("reset", {"token": token, "password": NEXT})).status_code

    assert await kept({"roles": ["owner"]}, clerk.id) == 403, "an admin has no say over an owner"
    assert (
        await desk.user.patch(
            f"/api/v1/users/{clerk.id}", json={"roles": ["receptionist"], "reason": "volta"}, headers=bearer(owner)
        )
    ).status_code == 200
    assert await kept({"status": "deactivated"}, admin.id) == 403


async def test_a_reset_token_does_not_outlive_a_deactivation(desk: Identity) -> None:
    owner = await desk.owner()
    clerk = await desk.colleague(owner)
    token = (await issue(desk, owner, clerk.id)).json()["token"]

    async def become(status: str) -> None:
        body = {"status": status, "reason": "muda"}
        changed = await desk.user.patch(f"/api/v1/users/{clerk.id}", json=body, headers=bearer(owner))
        assert changed.status_code == 200, changed.text

    async def ended() -> bool:
        return not await desk.clinic.fetch(f"SELECT 1 FROM atendeai.password_reset_{desk.clinic.id.hex}")

    await become("deactivated")
    await eventually(ended, what="auth told, by an errand")
    await become("active")
    late = await desk.post("reset", {"token": token, "password": NEXT})
    assert (late.status_code, late.json()["type"].rpartition(":")[2]) == (403, "reset-unknown")
    assert (await desk.login(clerk.email)).status_code == 200, "the password is what it was"
    again = (await issue(desk, owner, clerk.id)).json()["token"]
    assert (await desk.post("reset", {"token": again, "password": NEXT})).status_code == 204


async def test_a_reset_needs_a_reason_and_knows_no_other_fields(desk: Identity) -> None:
    owner = await desk.owner()
    body = {"user_id": str(uuid4()), "password": NEXT}
    refused = await desk.auth.post("/api/v1/auth/password-resets", json=body, headers=bearer(owner))
    assert {error["field"] for error in refused.json()["errors"]} == {"reason", "password"}
