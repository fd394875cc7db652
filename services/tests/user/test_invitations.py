"""Invitations: listed, renewed, revoked, expired, taken up once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from atendeai.auth.accounts import Account, Accounts
from atendeai.kit import clock
from atendeai.kit.tenancy import Tenant
from tests.auth.pair import PASSWORD, Identity, bearer

pytestmark = pytest.mark.integration
PATH = "/api/v1/users/invitations"
NEW = {"email": "bia@sol.example", "name": "Bia", "roles": ["receptionist"]}
WHY = {"reason": "não vem mais"}


async def invite(desk: Identity, tokens: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer = await desk.user.post("/api/v1/users", json=NEW | fields, headers=bearer(tokens))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def take_up(desk: Identity, token: str) -> httpx.Response:
    return await desk.post("register", {"invitation": token, "name": "Bia Reis", "password": PASSWORD})


async def listed(desk: Identity, tokens: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await desk.user.get(PATH, headers=bearer(tokens))).json()["items"]
    return found


async def test_open_invitations_are_listed_and_leave_the_list_when_taken_up(desk: Identity) -> None:
    owner = await desk.owner()
    made = await invite(desk, owner)
    (one,) = await listed(desk, owner)
    assert (one["user"]["email"], one["expired"]) == ("bia@sol.example", False)
    assert one["id"] == made["invitation"]["id"]
    assert one["invited_by"] == f"person:{(await desk.get('me', owner)).json()['id']}"
    assert "token" not in one
    with clock.override(clock.now() + timedelta(days=7, seconds=1)):
        refused = await take_up(desk, made["invitation"]["token"])
        assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (403, "invitation-unknown")
    assert (await take_up(desk, made["invitation"]["token"])).status_code == 201
    assert await listed(desk, owner) == []


async def test_an_expired_invitation_is_listed_as_such_until_it_is_renewed(desk: Identity) -> None:
    owner = await desk.owner()
    made = await invite(desk, owner)
    table = f"atendeai.invitation_{desk.clinic.id.hex}"
    await desk.clinic.fetch(f"UPDATE {table} SET expires_at = now() - interval '1 second'")
    (one,) = await listed(desk, owner)
    assert one["expired"] is True
    assert (await take_up(desk, made["invitation"]["token"])).status_code == 403
    renewed = await desk.user.post(f"{PATH}/{one['id']}/renew", headers=bearer(owner))
    (one,) = await listed(desk, owner)
    assert one["expired"] is False
    assert (await take_up(desk, renewed.json()["token"])).status_code == 201


async def test_a_renewed_invitation_has_another_token_and_the_first_is_worth_nothing(desk: Identity) -> None:
    owner = await desk.owner()
    made = await invite(desk, owner)
    first = made["invitation"]
    renewed = await desk.user.post(f"{PATH}/{first['id']}/renew", headers=bearer(owner))
    assert renewed.status_code == 200
    assert renewed.headers["cache-control"] == "no-store"
    assert renewed.json()["expires_at"] > first["expires_at"]
    assert (await take_up(desk, first["token"])).status_code == 403
    again = await desk.user.post(f"{PATH}/{first['id']}/renew", headers=bearer(owner))
    assert again.status_code == 200
    assert [one["id"] for one in (renewed.json(), again.json(), *await listed(desk, owner))] == [first["id"]] * 3
    assert (await take_up(desk, renewed.json()["token"])).status_code == 403
    assert (await take_up(desk, again.json()["token"])).status_code == 201
    assert (await take_up(desk, again.json()["token"])).status_code == 409
    assert (await desk.user.post(f"{PATH}/{first['id']}/renew", headers=bearer(owner))).status_code == 404


async def test_an_invitation_ends_with_the_rights_of_who_issued_it(desk: Identity) -> None:
    owner = await desk.owner()
    admin = await desk.colleague(owner, "admin", email="adm@sol.example")
    made = await invite(desk, admin.tokens)
    path, body = f"/api/v1/users/{admin.id}", {"status": "deactivated", "reason": "saiu"}
    assert (await desk.user.patch(path, json=body, headers=bearer(owner))).status_code == 200
    assert (await take_up(desk, made["invitation"]["token"])).status_code == 403
    renewed = await desk.user.post(f"{PATH}/{made['invitation']['id']}/renew", headers=bearer(owner))
    assert (await take_up(desk, renewed.json()["token"])).status_code == 201


async def test_nobody_renews_or_revokes_an_invitation_other_than_they_saw_it(desk: Identity) -> None:
    owner = await desk.owner()
    made = await invite(desk, owner)
    path = f"{PATH}/{made['invitation']['id']}"
    read = await desk.user.get(path, headers=bearer(owner))
    assert read.json() == (await listed(desk, owner))[0]
    seen = bearer(owner) | {"If-Match": read.headers["etag"]}
    known = await desk.user.get(path, headers=bearer(owner) | {"If-None-Match": read.headers["etag"]})
    assert known.status_code == 304
    raised = {"roles": ["admin"], "reason": "vai gerir a agenda"}
    assert (await desk.user.patch(f"/api/v1/users/{made['id']}", json=raised, headers=bearer(owner))).status_code == 200
    assert (await desk.user.delete(path, params=WHY, headers=seen)).status_code == 412
    assert (await desk.user.post(f"{path}/renew", headers=seen)).status_code == 412
    seen["If-Match"] = (await desk.user.get(path, headers=bearer(owner))).headers["etag"]
    # Of two who renew what both of them saw, one is told that it has changed.
    body = {"reason": "perdeu o e-mail"}
    both = await asyncio.gather(*(desk.user.post(f"{path}/renew", json=body, headers=seen) for _ in range(2)))
    renewed, stale = sorted(both, key=lambda one: one.status_code)
    assert (renewed.status_code, stale.status_code) == (200, 412)
    assert (await desk.user.post(f"{path}/renew", headers=seen)).status_code == 412
    entry = next(one for one in await desk.audit() if one["action"] == "user.renew-invitation")
    assert (entry["target"], entry["reason"]) == (f"user:{made['id']}", "perdeu o e-mail")
    assert (await desk.user.get(path, headers=bearer(owner))).headers["etag"] == renewed.headers["etag"]
    seen["If-Match"] = renewed.headers["etag"]
    assert (await desk.user.delete(path, params=WHY, headers=seen)).status_code == 204


async def test_an_invitation_that_is_revoked_while_it_is_taken_up_is_refused_in_words(
    desk: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await desk.owner()
    made = await invite(desk, owner)
    lookup = Accounts.invited

    async def revoked_meanwhile(accounts: Accounts, tenant: Tenant, token: str) -> Account:
        found = await lookup(accounts, tenant, token)
        gone = await desk.user.delete(f"{PATH}/{made['invitation']['id']}", params=WHY, headers=bearer(owner))
        assert gone.status_code == 204
        return found

    monkeypatch.setattr(Accounts, "invited", revoked_meanwhile)
    answer = await take_up(desk, made["invitation"]["token"])
    assert answer.status_code == 403, answer.text
    assert "ask an owner or admin of the clinic for a new one" in answer.json()["detail"]


@pytest.mark.parametrize("by", ["invitation", "account"])
async def test_a_revoked_invitation_opens_nothing_and_its_address_is_free_again(desk: Identity, by: str) -> None:
    owner = await desk.owner()
    made = await invite(desk, owner)
    token, path = made["invitation"]["token"], f"{PATH}/{made['invitation']['id']}"
    if by == "account":
        path = f"/api/v1/users/{made['id']}"
    assert (await desk.user.delete(path, params=WHY, headers=bearer(owner))).status_code == 204
    assert (await take_up(desk, token)).status_code == 403
    assert (await desk.user.get(f"/api/v1/users/{made['id']}", headers=bearer(owner))).status_code == 404
    again = await invite(desk, owner)
    assert (await take_up(desk, again["invitation"]["token"])).status_code == 201
    entry = next(one for one in await desk.audit() if one["action"] == "user.revoke-invitation")
    assert (entry["target"], entry["reason"]) == (f"user:{made['id']}", "não vem mais")


async def test_what_was_half_taken_up_does_not_stand_in_the_way_of_the_next(desk: Identity) -> None:
    """The password was set when user went away; then the invitation is revoked and the address invited anew."""
    owner = await desk.owner()
    made = await invite(desk, owner)
    hexed = desk.clinic.id.hex
    await desk.clinic.fetch(
        f"INSERT INTO atendeai.credential_{hexed} (clinic_id, user_id, email, password_hash, updated_at)"
        " VALUES ($1, $2, 'bia@sol.example', 'x', now())",
        desk.clinic.id,
        made["id"],
    )
    path = f"{PATH}/{made['invitation']['id']}"
    assert (await desk.user.delete(path, params=WHY, headers=bearer(owner))).status_code == 204
    again = await invite(desk, owner)
    assert (await take_up(desk, again["invitation"]["token"])).status_code == 201
    assert (await desk.login("bia@sol.example")).status_code == 200


async def test_an_invited_account_is_not_opened_or_closed_by_hand(desk: Identity) -> None:
    owner = await desk.owner()
    made = await invite(desk, owner)
    for status in ("active", "deactivated"):
        body = {"status": status, "reason": "à mão"}
        answer = await desk.user.patch(f"/api/v1/users/{made['id']}", json=body, headers=bearer(owner))
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "status")


async def test_taking_up_and_revoking_at_once_leaves_either_an_account_or_none(desk: Identity) -> None:
    owner = await desk.owner()
    made = await invite(desk, owner)
    path = f"{PATH}/{made['invitation']['id']}"
    revoked, taken = await asyncio.gather(
        desk.user.delete(path, params=WHY, headers=bearer(owner)), take_up(desk, made["invitation"]["token"])
    )
    account = await desk.user.get(f"/api/v1/users/{made['id']}", headers=bearer(owner))
    if revoked.status_code == 204:
        assert (taken.status_code, account.status_code) != (201, 200)
        assert account.status_code == 404
        assert (await desk.login("bia@sol.example")).status_code in {401, 403}
    else:
        assert (revoked.status_code, taken.status_code, account.json()["status"]) == (404, 201, "active")


async def test_who_may_see_and_touch_invitations(desk: Identity) -> None:
    owner = await desk.owner()
    admin = await desk.colleague(owner, "admin", email="adm@sol.example")
    made = await invite(desk, owner, email="dois@sol.example", roles=["owner"])
    path = f"{PATH}/{made['invitation']['id']}"
    assert (await desk.user.post(f"{path}/renew", headers=bearer(admin.tokens))).status_code == 403
    assert (await desk.user.delete(path, params=WHY, headers=bearer(admin.tokens))).status_code == 403
    auditor = desk.clinic.headers("auditor")
    assert len((await desk.user.get(PATH, headers=auditor)).json()["items"]) == 1
    assert (await desk.user.delete(path, params=WHY, headers=auditor)).status_code == 403
    assert (await desk.user.get(PATH, headers=desk.clinic.headers("receptionist"))).status_code == 403
