"""Invitation, sign-in, rotation, reuse, logout, limits: on real servers, with auth and user as two services."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any

import jwt
import pytest
from pwdlib.hashers.bcrypt import BcryptHasher

from atendeai.auth.accounts import Account, Accounts
from atendeai.kit.tenancy import Tenant
from atendeai.kit.testing.waiting import eventually
from tests.auth.pair import PASSWORD, Identity, bearer, replaced_meanwhile

pytestmark = pytest.mark.integration


async def test_the_owner_registers_by_invitation_and_signs_in(identity: Identity) -> None:
    tokens = await identity.owner()
    me = await identity.auth.get("/api/v1/auth/me", headers=bearer(tokens))
    assert me.json()["email"] == "dona@sol.example"
    assert me.json()["roles"] == ["owner"]
    answer = await identity.post("login", {"email": "DONA@sol.example", "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert claims["iss"] == f"atendeai:{identity.clinic.id}"
    assert claims["aud"] == "atendeai"
    assert claims["exp"] - claims["iat"] == 900


async def test_an_invitation_is_good_once_and_an_unknown_one_never(identity: Identity) -> None:
    await identity.owner()
    body = {"invitation": identity.invitation, "name": "Outra", "password": PASSWORD}
    used = await identity.post("register", body)
    assert used.status_code == 409
    assert "spec.owner.email" in used.json()["detail"]
    unknown = await identity.post("register", body | {"invitation": "x" * 43})
    assert unknown.status_code == 403
    assert "invitation" in unknown.json()["detail"]


async def test_whose_registration_is_overtaken_at_the_last_hears_that_it_was(
    desk: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = {"email": "bia@sol.example", "name": "Bia", "roles": ["receptionist"]}
    invited = await desk.user.post("/api/v1/users", json=new, headers=bearer(await desk.owner()))
    body = {"invitation": invited.json()["invitation"]["token"], "name": "Bia"}
    accept, accepting, go = Accounts.accept, asyncio.Event(), asyncio.Event()

    async def late(self: Accounts, tenant: Tenant, token: str, name: str) -> Account:
        if not accepting.is_set():
            accepting.set()
            await go.wait()
        return await accept(self, tenant, token, name)

    monkeypatch.setattr(Accounts, "accept", late)
    other = asyncio.create_task(desk.post("register", body | {"password": "a phrase of somebody else"}))
    await accepting.wait()
    taken = await desk.post("register", body | {"password": PASSWORD})
    go.set()
    overtaken = await other
    assert (taken.status_code, overtaken.status_code) == (201, 409)
    assert overtaken.json()["type"] == "urn:atendeai:problem:invitation-used"
    assert (await desk.login("bia@sol.example")).status_code == 200


async def test_an_invitation_that_is_taken_up_meanwhile_is_not_taken_up_again(
    desk: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = {"email": "bia@sol.example", "name": "Bia", "roles": ["receptionist"]}
    invited = await desk.user.post("/api/v1/users", json=new, headers=bearer(await desk.owner()))
    body = {"invitation": invited.json()["invitation"]["token"], "name": "Bia"}
    passwords, hashing, go = desk.apps["auth"].state.passwords, asyncio.Event(), asyncio.Event()
    hashed = passwords.hash

    async def late(password: str) -> str:
        found: str = await hashed(password)
        if password != PASSWORD:
            hashing.set()
            await go.wait()
        return found

    monkeypatch.setattr(passwords, "hash", late)
    other = asyncio.create_task(desk.post("register", body | {"password": "a phrase of somebody else"}))
    await hashing.wait()
    taken = await desk.post("register", body | {"password": PASSWORD})
    go.set()
    assert (taken.status_code, (await other).status_code) == (201, 409)
    assert (await desk.login("bia@sol.example")).status_code == 200


async def test_who_is_invited_as_another_owner_gives_the_lost_account_back(desk: Identity) -> None:
    lost = (await desk.get("me", await desk.owner())).json()["id"]
    token = token_urlsafe(24)
    another = {"email": "dona@outra.example", "tokenSha256": sha256(token.encode()).hexdigest()}
    desk.clinic.credentials["owner"] = another
    await desk.clinic.write()
    body = {"invitation": token, "name": "Dona Rosa", "password": PASSWORD}

    async def registered() -> Any:
        answer = await desk.post("register", body)
        return answer.json() if answer.status_code == 201 else None

    tokens: Any = await eventually(registered, seconds=5, what="the other address invited")
    wanted = {"user_id": lost, "reason": "perdeu a senha"}
    issued = await desk.post("password-resets", wanted, **bearer(tokens))
    new = {"token": issued.json()["token"], "password": "uma frase bem nova"}
    assert (await desk.post("reset", new)).status_code == 204
    assert (await desk.login("dona@sol.example", "uma frase bem nova")).status_code == 200


async def test_a_short_password_and_an_unknown_field_are_named(identity: Identity) -> None:
    body = {"invitation": identity.invitation, "name": "Rosa", "password": "curta", "admin": True}
    answer = await identity.post("register", body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    reasons = {error["field"]: error["reason"] for error in answer.json()["errors"]}
    assert reasons.keys() == {"password", "admin"}
    assert "at least 10 characters" in reasons["password"]
    assert "curta" not in answer.text


async def test_wrong_password_and_unknown_account_look_the_same(identity: Identity) -> None:
    await identity.owner()
    wrong = await identity.post("login", {"email": "dona@sol.example", "password": "not the password"})
    nobody = await identity.post("login", {"email": "nobody@sol.example", "password": "not the password"})
    assert wrong.status_code == nobody.status_code == 401
    assert wrong.json()["detail"] == nobody.json()["detail"]


async def test_refresh_rotates_and_reuse_ends_the_family(identity: Identity) -> None:
    first = await identity.owner()
    second = (await identity.post("refresh", {"refresh_token": first["refresh_token"]})).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert (await identity.post("refresh", {"refresh_token": first["refresh_token"]})).status_code == 401
    assert (await identity.post("refresh", {"refresh_token": second["refresh_token"]})).status_code == 401
    await identity.refused_everywhere(second)


async def test_of_concurrent_refreshes_one_wins_and_the_family_ends(identity: Identity) -> None:
    tokens = await identity.owner()
    answers = await asyncio.gather(
        *(identity.post("refresh", {"refresh_token": tokens["refresh_token"]}) for _ in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7
    winner = next(answer.json() for answer in answers if answer.status_code == 200)
    assert (await identity.post("refresh", {"refresh_token": winner["refresh_token"]})).status_code == 401


async def test_logout_ends_access_tokens_too(identity: Identity) -> None:
    tokens = await identity.owner()
    assert (await identity.auth.post("/api/v1/auth/logout", headers=bearer(tokens))).status_code == 204
    await identity.refused_everywhere(tokens)
    assert (await identity.post("refresh", {"refresh_token": tokens["refresh_token"]})).status_code == 401


async def test_a_password_that_is_replaced_while_it_is_looked_at_opens_no_session(identity: Identity) -> None:
    await identity.owner()
    assert (await replaced_meanwhile(identity, "dona@sol.example")).status_code == 401
    clinic = identity.clinic
    [row] = await clinic.fetch("SELECT count(*) FROM atendeai.session WHERE clinic_id = $1", clinic.id)
    assert row[0] == 1, "the one of the registration"


async def test_a_bcrypt_hash_is_accepted_and_renewed(identity: Identity) -> None:
    await identity.owner()
    table = f"atendeai.credential_{identity.clinic.id.hex}"
    await identity.clinic.fetch(f"UPDATE {table} SET password_hash = $1", BcryptHasher(rounds=4).hash(PASSWORD))
    answer = await identity.post("login", {"email": "dona@sol.example", "password": PASSWORD})
    assert answer.status_code == 200
    stored = await identity.clinic.fetch(f"SELECT password_hash FROM {table}")
    assert stored[0]["password_hash"].startswith("$argon2id$")


async def test_the_sixth_sign_in_of_a_minute_is_refused_with_the_time_to_wait(identity: Identity) -> None:
    body = {"email": "dona@sol.example", "password": "not the password"}
    statuses = [(await identity.post("login", body, **{"X-Real-IP": "198.51.100.7"})).status_code for _ in range(5)]
    assert statuses == [401] * 5
    sixth = await identity.post("login", body, **{"X-Real-IP": "198.51.100.7"})
    assert sixth.status_code == 429
    assert 1 <= int(sixth.headers["retry-after"]) <= 60
    elsewhere = await identity.post("login", body)
    assert elsewhere.status_code == 429, "the account is counted too, wherever the guesses come from"
