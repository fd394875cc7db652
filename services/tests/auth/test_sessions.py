"""Sessions: listed with where they come from, ended one by one or all; refresh under concurrency and outages."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import jwt
import pytest

from atendeai.kit.testing.waiting import eventually
from tests.auth.pair import Identity, bearer, beside, overtaken

pytestmark = pytest.mark.integration
OWNER = "dona@sol.example"


async def test_sessions_are_listed_with_their_device_the_last_used_first(desk: Identity) -> None:
    first = await desk.owner()
    second = (await desk.login(OWNER, **{"User-Agent": "Painel/2.0 (Windows)", "X-Real-IP": "192.0.2.7"})).json()
    listed = (await desk.get("sessions", second)).json()["items"]
    assert [one["current"] for one in listed] == [True, False]
    assert (listed[0]["user_agent"], listed[0]["address"]) == ("Painel/2.0 (Windows)", "192.0.2.7")
    moved = {"User-Agent": "Painel/2.1 \x7f(Windows)", "X-Real-IP": "192.0.2.8"}
    refreshed = (await desk.post("refresh", {"refresh_token": first["refresh_token"]}, **moved)).json()
    listed = (await desk.get("sessions", refreshed)).json()["items"]
    assert listed[0]["current"]
    assert (listed[0]["user_agent"], listed[0]["address"]) == ("Painel/2.1 (Windows)", "192.0.2.8")
    assert listed[0]["created_at"] < listed[0]["last_used_at"] < listed[0]["expires_at"]


async def test_sessions_come_page_by_page(desk: Identity) -> None:
    mine = await desk.owner()
    for _ in range(2):
        await desk.login(OWNER)
    whole = (await desk.get("sessions", mine)).json()
    assert whole["next_page_token"] is None
    seen, path = [], "sessions?page_size=2"
    while path:
        page = (await desk.get(path, mine)).json()
        seen += page["items"]
        path = f"sessions?page_size=2&page_token={token}" if (token := page["next_page_token"]) else ""
    assert seen == whole["items"]
    assert len(seen) == 3
    oldest = (await desk.get("sessions?sort=created_at", mine)).json()["items"][0]
    assert oldest["current"], "the one of the registration"


async def test_one_session_is_ended_and_no_other(desk: Identity) -> None:
    mine, other = await desk.owner(), (await desk.login(OWNER)).json()
    listed = (await desk.get("sessions", mine)).json()["items"]
    ended = next(one["id"] for one in listed if not one["current"])
    path = f"/api/v1/auth/sessions/{ended}"
    assert (await desk.auth.delete(path, headers=bearer(mine))).status_code == 204
    await desk.refused_everywhere(other)
    assert (await desk.post("refresh", {"refresh_token": other["refresh_token"]})).status_code == 401
    assert (await desk.get("me", mine)).status_code == 200
    again = await desk.auth.delete(path, headers=bearer(mine))
    assert again.status_code == 404


async def test_nobody_ends_or_sees_anothers_session(desk: Identity) -> None:
    owner = await desk.owner()
    colleague = await desk.colleague(owner, "admin")
    theirs = (await desk.get("me", owner)).json()["session_id"]
    listed = (await desk.get("sessions", colleague.tokens)).json()["items"]
    assert theirs not in {one["id"] for one in listed}
    for session_id in (theirs, str(uuid4())):
        answer = await desk.auth.delete(f"/api/v1/auth/sessions/{session_id}", headers=bearer(colleague.tokens))
        assert answer.status_code == 404
    assert (await desk.get("me", owner)).status_code == 200


@pytest.mark.parametrize("keep", [True, False])
async def test_all_sessions_are_ended_with_or_without_this_one(desk: Identity, keep: bool) -> None:
    mine = await desk.owner()
    others = [(await desk.login(OWNER)).json() for _ in range(2)]
    answer = await desk.auth.delete("/api/v1/auth/sessions", params={"keep_current": keep}, headers=bearer(mine))
    assert answer.json() == {"sessions": 2 if keep else 3}
    for tokens in others:
        await desk.refused_everywhere(tokens)
    if keep:
        assert (await desk.get("me", mine)).status_code == 200
    else:
        await desk.refused_everywhere(mine)
    assert ("auth.end-sessions", "ended-by-holder") in {(one["action"], one["reason"]) for one in await desk.audit()}


async def test_what_has_expired_is_neither_ended_nor_counted_and_goes_with_the_next_sign_in(desk: Identity) -> None:
    mine = await desk.owner()
    hexed = desk.clinic.id.hex
    for _ in range(3):
        await desk.login(OWNER)
    long_ago = f"UPDATE atendeai.session_{hexed} SET expires_at = now() - interval '40 days' WHERE id <> $1"
    await desk.clinic.fetch(long_ago, (await desk.get("me", mine)).json()["session_id"])
    others = await desk.auth.delete("/api/v1/auth/sessions", params={"keep_current": True}, headers=bearer(mine))
    assert others.json() == {"sessions": 0}
    everywhere = {"reason": "perdeu o celular"}
    boss = (await desk.get("me", mine)).json()["id"]
    ended = await desk.user.delete(f"/api/v1/users/{boss}/sessions", params=everywhere, headers=bearer(mine))
    assert ended.status_code in {200, 204}, ended.text
    refused = "SELECT count(*) FROM atendeai.revoked_session WHERE clinic_id = $1"
    [row] = await desk.clinic.fetch(refused, desk.clinic.id)
    assert row[0] == 1, "no access token of the others lives"
    await desk.login(OWNER)
    kept = (
        f"SELECT (SELECT count(*) FROM atendeai.session_{hexed}), (SELECT count(*) FROM atendeai.refresh_token_{hexed})"
    )
    assert [tuple(row) for row in await desk.clinic.fetch(kept)] == [(2, 2)]


async def test_refresh_tokens_that_have_expired_go_with_the_next_refresh(desk: Identity) -> None:
    first = await desk.owner()
    second = (await desk.post("refresh", {"refresh_token": first["refresh_token"]})).json()
    table = f"atendeai.refresh_token_{desk.clinic.id.hex}"
    await desk.clinic.fetch(f"UPDATE {table} SET expires_at = now() - interval '1 day' WHERE used_at IS NOT NULL")
    assert (await desk.post("refresh", {"refresh_token": second["refresh_token"]})).status_code == 200
    assert [row[0] for row in await desk.clinic.fetch(f"SELECT count(*) FROM {table}")] == [2]


async def test_a_refresh_that_cannot_be_answered_can_be_sent_again(desk: Identity) -> None:
    tokens = await desk.owner()
    user = desk.apps.pop("user")
    refused = await desk.post("refresh", {"refresh_token": tokens["refresh_token"]})
    assert refused.status_code == 503
    desk.apps["user"] = user
    assert (await desk.post("refresh", {"refresh_token": tokens["refresh_token"]})).status_code == 200


async def test_a_long_chain_of_refreshes_ends_whole_when_any_old_link_comes_back(desk: Identity) -> None:
    chain = [await desk.owner()]
    for _ in range(4):
        chain.append((await desk.post("refresh", {"refresh_token": chain[-1]["refresh_token"]})).json())
    bystander = (await desk.login(OWNER)).json()
    assert (await desk.post("refresh", {"refresh_token": chain[1]["refresh_token"]})).status_code == 401
    answers = await asyncio.gather(*(desk.post("refresh", {"refresh_token": one["refresh_token"]}) for one in chain))
    assert {answer.status_code for answer in answers} == {401}
    await desk.refused_everywhere(chain[-1])
    assert (await desk.get("me", bystander)).status_code == 200
    assert "refresh-token-reused" in {one["reason"] for one in await desk.audit()}


async def test_a_session_whose_refresh_tokens_ran_out_is_ended_with_its_access_tokens(desk: Identity) -> None:
    owner = await desk.owner()
    other = (await desk.login("dona@sol.example")).json()
    session = (await desk.get("me", other)).json()["session_id"]
    await desk.clinic.fetch(
        "UPDATE atendeai.session SET expires_at = now() - interval '1 minute' WHERE clinic_id = $1"
        " AND id = CAST($2::text AS uuid)",
        desk.clinic.id,
        session,
    )
    ended = await desk.auth.delete(f"/api/v1/auth/sessions/{session}", headers=bearer(owner))
    assert ended.status_code == 204

    async def refused() -> bool:
        return (await desk.get("me", other)).status_code == 401

    await eventually(refused, seconds=5)


async def test_a_session_that_is_forgotten_while_it_is_refreshed_has_ended(desk: Identity) -> None:
    owner = await desk.owner()
    session = (await desk.get("me", owner)).json()["session_id"]
    forget = "DELETE FROM atendeai.session WHERE clinic_id = $1 AND id = CAST($2::text AS uuid)"
    body = {"refresh_token": owner["refresh_token"]}
    late = await beside(desk, "session", forget, session, lambda: desk.post("refresh", body))
    assert (late.status_code, late.json()["type"]) == (401, "urn:atendeai:problem:unauthenticated")


async def open_sessions(desk: Identity, user_id: str) -> list[Any]:
    table = f"atendeai.session_{desk.clinic.id.hex}"
    return await desk.clinic.fetch(f"SELECT id FROM {table} WHERE user_id = $1 AND revoked_at IS NULL", user_id)


async def test_a_sign_in_that_saw_the_account_open_begins_no_session_when_its_sessions_have_ended(
    desk: Identity,
) -> None:
    owner = await desk.owner()
    bia = await desk.colleague(owner)
    user, seen, go = desk.apps["user"], asyncio.Event(), asyncio.Event()

    async def late(scope: Any, receive: Any, send: Any) -> None:
        async def answer(message: Any) -> None:
            if scope["path"] == f"/internal/v1/users/{bia.id}":
                seen.set()
                await go.wait()
            await send(message)

        await user(scope, receive, answer)

    desk.apps["user"] = late
    signing_in = asyncio.create_task(desk.login(bia.email))
    await seen.wait()
    gone = await desk.user.delete(f"/api/v1/users/{bia.id}", params={"reason": "saiu"}, headers=bearer(owner))
    assert gone.status_code == 204

    async def ended() -> bool:
        return not await open_sessions(desk, bia.id)

    await eventually(ended, what="her sessions ended by auth")
    del desk.apps["user"]  # nobody is there to be asked again
    go.set()
    assert (await signing_in).status_code == 403
    assert await open_sessions(desk, bia.id) == []


async def test_a_sign_in_waits_for_whoever_takes_the_account_or_a_role_away(identity: Identity) -> None:
    bia = await identity.colleague(await identity.owner(), "admin", "receptionist")
    lesser = await overtaken(identity, bia.email, "user_account", "roles = '{receptionist}'")
    token = jwt.decode(lesser.json()["access_token"], options={"verify_signature": False})
    assert token["roles"] == ["receptionist"]
    before = len(await open_sessions(identity, bia.id))
    assert (await overtaken(identity, bia.email, "user_account", "status = 'deactivated'")).status_code == 403
    assert len(await open_sessions(identity, bia.id)) == before
