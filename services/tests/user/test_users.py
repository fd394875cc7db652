"""Staff accounts under their roles, with auth beside."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import httpx
import orjson
import pytest

from atendeai.kit.testing.waiting import eventually
from tests.auth.pair import PASSWORD, Colleague, Identity, bearer

pytestmark = pytest.mark.integration
NEW = {"email": "bia@sol.example", "name": "Bia", "roles": ["receptionist"]}
WHY = {"reason": "mudou de função"}


async def patch(desk: Identity, tokens: dict[str, Any], user_id: str, **fields: Any) -> httpx.Response:
    return await desk.user.patch(f"/api/v1/users/{user_id}", json=fields, headers=bearer(tokens))


async def delete(desk: Identity, tokens: dict[str, Any], user_id: str) -> httpx.Response:
    return await desk.user.delete(f"/api/v1/users/{user_id}", params=WHY, headers=bearer(tokens))


async def me(desk: Identity, tokens: dict[str, Any]) -> str:
    return str((await desk.get("me", tokens)).json()["id"])


async def test_an_invited_receptionist_signs_in_and_may_not_manage(identity: Identity) -> None:
    owner = await identity.owner()
    bia = await identity.colleague(owner)
    mine = bearer(bia.tokens)
    own = await identity.user.get(f"/api/v1/users/{bia.id}", headers=mine)
    assert (own.json()["name"], own.json()["status"]) == ("Bia", "active")
    assert (await identity.user.get("/api/v1/users", headers=mine)).status_code == 403
    assert (await identity.user.post("/api/v1/users", json=NEW, headers=mine)).status_code == 403
    assert (await identity.user.get(f"/api/v1/users/{await me(identity, owner)}", headers=mine)).status_code == 403
    assert (await patch(identity, bia.tokens, bia.id, roles=["owner"], **WHY)).status_code == 403
    renamed = await patch(identity, bia.tokens, bia.id, name="Bia Reis")
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Bia Reis")


async def test_the_staff_is_listed_page_by_page_and_by_role(desk: Identity) -> None:
    owner = await desk.owner()
    await desk.colleague(owner)
    listed = (await desk.user.get("/api/v1/users?page_size=1", headers=bearer(owner))).json()
    assert [item["email"] for item in listed["items"]] == ["bia@sol.example"]
    rest = {"page_size": 1, "page_token": listed["next_page_token"]}
    behind = (await desk.user.get("/api/v1/users", params=rest, headers=bearer(owner))).json()
    assert [item["email"] for item in behind["items"]] == ["dona@sol.example"]
    assert behind["next_page_token"] is None
    for query, emails in (
        ({"role": "owner"}, ["dona@sol.example"]),
        ({"status": "deactivated"}, []),
        ({"sort": "-email"}, ["dona@sol.example", "bia@sol.example"]),
    ):
        found = await desk.user.get("/api/v1/users", params=query, headers=bearer(owner))
        assert [item["email"] for item in found.json()["items"]] == emails, query
    token = rest["page_token"]
    said = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    ties: list[Any] = [5, [1], {"a": 1}]
    made = [base64.urlsafe_b64encode(orjson.dumps([*said[:-1], tie])).decode().rstrip("=") for tie in ties]
    for foreign in ("\u202e", "x", "_w==", *made):
        refused = await desk.user.get("/api/v1/users", params={"page_token": foreign}, headers=bearer(owner))
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "page_token")


async def test_deactivation_ends_sessions_at_once(identity: Identity) -> None:
    owner = await identity.owner()
    bia = await identity.colleague(owner)
    assert (await delete(identity, owner, bia.id)).status_code == 204
    assert (await identity.post("refresh", {"refresh_token": bia.tokens["refresh_token"]})).status_code == 401
    assert (await identity.login(bia.email)).status_code == 403
    await identity.refused_everywhere(bia.tokens)


async def test_access_tokens_end_while_auth_is_away_and_the_sessions_when_it_is_back(desk: Identity) -> None:
    owner = await desk.owner()
    gone, moved, sent_out = [
        await desk.colleague(owner, "admin", email=f"{name}@sol.example") for name in ("bia", "caio", "davi")
    ]
    kept = await desk.colleague(owner, email="eva@sol.example")
    auth = desk.apps.pop("auth")
    assert (await delete(desk, owner, gone.id)).status_code == 204
    assert (await patch(desk, owner, moved.id, roles=["receptionist"], **WHY)).status_code == 200
    ended = await desk.user.delete(f"/api/v1/users/{sent_out.id}/sessions", params=WHY, headers=bearer(owner))
    assert ended.status_code == 204
    for one in (gone, moved, sent_out):
        await desk.refused_everywhere(one.tokens)
    assert (await desk.get("me", kept.tokens)).status_code == 200
    open_ones = (
        "SELECT 1 FROM atendeai.session WHERE clinic_id = $1 AND user_id = ANY($2::uuid[]) AND revoked_at IS NULL"
    )
    theirs = [one.id for one in (gone, moved, sent_out)]
    assert len(await desk.clinic.fetch(open_ones, desk.clinic.id, theirs)) == 3
    desk.apps["auth"] = auth

    async def all_ended() -> bool:
        return not await desk.clinic.fetch(open_ones, desk.clinic.id, theirs)

    await eventually(all_ended, what="the sessions ended by auth")
    told = [
        (one["target"], one["actor"], one["reason"])
        for one in await desk.audit()
        if one["action"] == "auth.end-sessions"
    ]
    by = f"person:{await me(desk, owner)}"
    assert sorted(told) == sorted((f"user:{one}", by, WHY["reason"]) for one in theirs)


async def test_a_lost_role_ends_sessions_and_a_reactivated_person_signs_in_again(desk: Identity) -> None:
    owner = await desk.owner()
    bia = await desk.colleague(owner, "admin")
    assert (await patch(desk, owner, bia.id, roles=["receptionist"], **WHY)).status_code == 200
    await desk.refused_everywhere(bia.tokens)
    again = (await desk.login(bia.email)).json()
    assert (await desk.get("me", again)).json()["roles"] == ["receptionist"]
    assert (await delete(desk, owner, bia.id)).status_code == 204
    assert (await patch(desk, owner, bia.id, status="active", reason="voltou")).status_code == 200
    await desk.refused_everywhere(again)
    assert (await desk.login(bia.email)).status_code == 200


async def test_a_manager_ends_the_sessions_of_somebody_below(desk: Identity) -> None:
    owner = await desk.owner()
    admin = await desk.colleague(owner, "admin", email="adm@sol.example")
    bia = await desk.colleague(owner)
    for target, holder, status in ((await me(desk, owner), admin, 403), (bia.id, bia, 403), (bia.id, admin, 204)):
        path = f"/api/v1/users/{target}/sessions"
        answer = await desk.user.delete(path, params=WHY, headers=bearer(holder.tokens))
        assert answer.status_code == status, (target, answer.text)
    await desk.refused_everywhere(bia.tokens)
    assert (await desk.login(bia.email)).status_code == 200


async def test_an_owners_invitation_for_the_address_of_other_staff_is_refused_by_name(desk: Identity) -> None:
    owner = await desk.owner()
    bia = await desk.colleague(owner, "receptionist")
    invited = {"email": "caio@sol.example", "name": "Caio", "roles": ["receptionist"]}
    assert (await desk.user.post("/api/v1/users", json=invited, headers=bearer(owner))).status_code == 201
    body = {"invitation": desk.invitation, "name": "Nova dona", "password": PASSWORD}
    for email in (bia.email, "caio@sol.example"):
        desk.clinic.credentials["owner"]["email"] = email
        await desk.clinic.write()

        async def refused() -> bool:
            answer = await desk.post("register", body)
            assert answer.status_code == 409, answer.text
            return bool(answer.json()["type"].endswith("owner-is-staff") and "spec.owner.email" in answer.text)

        await eventually(refused, seconds=5, what="the new owner's address known")
    assert (await desk.login("caio@sol.example")).status_code == 401, "no password was stored"
    assert (await desk.get("me", bia.tokens)).json()["roles"] == ["receptionist"]


async def test_the_last_owner_stays(desk: Identity) -> None:
    owner = await desk.owner()
    mine = await me(desk, owner)
    for change in ({"status": "deactivated"}, {"roles": ["admin"]}):
        answer = await patch(desk, owner, mine, **change, **WHY)
        assert answer.status_code == 409
        assert "last owner" in answer.json()["detail"]
    assert (await delete(desk, owner, mine)).status_code == 409


async def test_of_two_owners_who_remove_each_other_one_stays(desk: Identity) -> None:
    first = await desk.owner()
    second = await desk.colleague(first, "owner")
    one, other = await asyncio.gather(
        delete(desk, first, second.id), delete(desk, second.tokens, await me(desk, first))
    )
    assert sorted((one.status_code, other.status_code)) == [204, 409]


async def _ranks(desk: Identity) -> tuple[dict[str, Any], Colleague, Colleague]:
    owner = await desk.owner()
    admin = await desk.colleague(owner, "admin", email="adm@sol.example")
    return owner, admin, await desk.colleague(owner)


async def test_nobody_raises_anybody_above_themselves(desk: Identity) -> None:
    owner, admin, bia = await _ranks(desk)
    owner_id = await me(desk, owner)
    for target in (admin.id, bia.id):
        assert (await patch(desk, admin.tokens, target, roles=["owner"], **WHY)).status_code == 403
    invited = {"email": "dois@sol.example", "name": "Dois", "roles": ["owner", "receptionist"]}
    assert (await desk.user.post("/api/v1/users", json=invited, headers=bearer(admin.tokens))).status_code == 403
    assert (await patch(desk, admin.tokens, owner_id, name="Outra")).status_code == 403
    assert (await patch(desk, admin.tokens, owner_id, roles=["admin"], **WHY)).status_code == 403
    assert (await delete(desk, admin.tokens, owner_id)).status_code == 403
    assert (await patch(desk, admin.tokens, bia.id, roles=["admin", "auditor"], **WHY)).status_code == 200


async def test_a_change_of_roles_or_status_needs_a_reason(desk: Identity) -> None:
    owner, _, bia = await _ranks(desk)
    for change in ({"roles": ["professional"]}, {"status": "deactivated"}):
        refused = await patch(desk, owner, bia.id, **change)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "reason")
    refused = await desk.user.delete(f"/api/v1/users/{bia.id}", headers=bearer(owner))
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "reason")
    assert (await patch(desk, owner, bia.id, name="Beatriz")).status_code == 200


async def test_nobody_overwrites_what_they_have_not_seen(desk: Identity) -> None:
    owner, _, bia = await _ranks(desk)
    path = f"/api/v1/users/{bia.id}"
    tag = (await desk.user.get(path, headers=bearer(owner))).headers["etag"]
    assert (await desk.user.get(path, headers=bearer(owner) | {"If-None-Match": tag})).status_code == 304
    seen = bearer(owner) | {"If-Match": tag}
    first = await desk.user.patch(path, json={"name": "Beatriz"}, headers=seen)
    assert first.status_code == 200
    assert (await desk.user.patch(path, json={"name": "Bea"}, headers=seen)).status_code == 412
    assert (await desk.user.delete(path, params=WHY, headers=seen)).status_code == 412
    newer = bearer(owner) | {"If-Match": first.headers["etag"]}
    assert (await desk.user.patch(path, json={"name": "Bea"}, headers=newer)).status_code == 200


async def test_an_address_has_one_account(desk: Identity) -> None:
    owner = await desk.owner()
    assert (await desk.user.post("/api/v1/users", json=NEW, headers=bearer(owner))).status_code == 201
    twice = await desk.user.post("/api/v1/users", json=NEW | {"email": "BIA@sol.example"}, headers=bearer(owner))
    assert (twice.status_code, twice.json()["type"].rpartition(":")[2]) == (409, "email-taken")
    for unseen in "\u200b\u00ad\u2800\u202e":
        body = NEW | {"email": f"bia@sol.example{unseen}"}
        twin = await desk.user.post("/api/v1/users", json=body, headers=bearer(owner))
        assert (twin.status_code, twin.json()["errors"][0]["field"]) == (422, "email")


async def test_internal_routes_want_auth_itself(desk: Identity) -> None:
    body = {"email": "x@y.example", "name": "X"}
    headers = desk.clinic.service_headers("whatsapp")
    answer = await desk.user.post("/internal/v1/owners", json=body, headers=headers)
    assert answer.status_code == 403
    body = {"user_id": desk.invitation}
    answer = await desk.auth.post("/internal/v1/sessions/revoke", json=body, headers=headers)
    assert answer.status_code == 403
