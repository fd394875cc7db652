"""Staff accounts under their roles, with auth beside."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.auth.pair import PASSWORD, Identity

pytestmark = pytest.mark.integration
NEW = {"email": "bia@sol.example", "name": "Bia", "roles": ["receptionist"]}


async def sign_in(identity: Identity, tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def test_an_invited_receptionist_signs_in_and_may_not_manage(identity: Identity) -> None:
    owner = await sign_in(identity, await identity.owner())
    invited = await identity.user.post("/api/v1/users", json=NEW, headers=owner)
    assert invited.status_code == 201
    assert invited.json()["status"] == "invited"
    token = invited.json()["invitation"]["token"]
    body = {"invitation": token, "name": "Bia Reis", "password": PASSWORD}
    registered = await identity.post("register", body)
    assert registered.status_code == 201
    mine = await sign_in(identity, registered.json())
    user_id = invited.json()["id"]
    me = await identity.user.get(f"/api/v1/users/{user_id}", headers=mine)
    assert (me.json()["name"], me.json()["status"]) == ("Bia Reis", "active")
    assert (await identity.user.get("/api/v1/users", headers=mine)).status_code == 403
    assert (await identity.user.post("/api/v1/users", json=NEW, headers=mine)).status_code == 403
    raised = await identity.user.patch(f"/api/v1/users/{user_id}", json={"roles": ["owner"]}, headers=mine)
    assert raised.status_code == 403
    again = await identity.post("register", body)
    assert again.status_code in {403, 409}
    listed = (await identity.user.get("/api/v1/users?page_size=1", headers=owner)).json()
    assert [item["email"] for item in listed["items"]] == ["bia@sol.example"]
    rest = await identity.user.get(f"/api/v1/users?page_token={listed['next_page_token']}", headers=owner)
    assert [item["email"] for item in rest.json()["items"]] == ["dona@sol.example"]
    for foreign in ("\u202e", "x", "_w=="):
        refused = await identity.user.get("/api/v1/users", params={"page_token": foreign}, headers=owner)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "page_token")


async def test_deactivation_ends_sessions_at_once(identity: Identity) -> None:
    owner = await sign_in(identity, await identity.owner())
    invited = (await identity.user.post("/api/v1/users", json=NEW, headers=owner)).json()
    body = {"invitation": invited["invitation"]["token"], "name": "Bia", "password": PASSWORD}
    tokens = (await identity.post("register", body)).json()
    assert (await identity.user.delete(f"/api/v1/users/{invited['id']}", headers=owner)).status_code == 204
    assert (await identity.post("refresh", {"refresh_token": tokens["refresh_token"]})).status_code == 401
    denied = await identity.post("login", {"email": NEW["email"], "password": PASSWORD})
    assert denied.status_code == 403
    mine = await sign_in(identity, tokens)
    for _ in range(100):
        if (await identity.auth.get("/api/v1/auth/me", headers=mine)).status_code == 401:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the access token still works after five seconds")


async def test_the_last_owner_stays(identity: Identity) -> None:
    tokens = await identity.owner()
    owner = await sign_in(identity, tokens)
    me = (await identity.auth.get("/api/v1/auth/me", headers=owner)).json()
    for change in ({"status": "deactivated"}, {"roles": ["admin"]}):
        answer = await identity.user.patch(f"/api/v1/users/{me['id']}", json=change, headers=owner)
        assert answer.status_code == 409
        assert "last owner" in answer.json()["detail"]


async def test_an_address_has_one_account_and_changes_are_audited(identity: Identity) -> None:
    owner = await sign_in(identity, await identity.owner())
    assert (await identity.user.post("/api/v1/users", json=NEW, headers=owner)).status_code == 201
    twice = await identity.user.post("/api/v1/users", json=NEW | {"email": "BIA@sol.example"}, headers=owner)
    assert twice.status_code == 409
    table = f"atendeai.audit_event_{identity.clinic.id.hex}"
    events = await identity.clinic.fetch(f"SELECT actor, action, details::text AS details FROM {table}")
    invite = next(event for event in events if event["action"] == "user.invite")
    assert invite["actor"].startswith("person:")
    assert "bia" not in invite["details"].lower()


async def test_internal_routes_want_auth_itself(identity: Identity) -> None:
    headers = identity.clinic.service_headers("whatsapp")
    answer = await identity.user.post(
        "/internal/v1/owners", json={"email": "x@y.example", "name": "X"}, headers=headers
    )
    assert answer.status_code == 403
