"""Invitation, sign-in, rotation, reuse, logout, limits: on real servers, with auth and user as two services."""

from __future__ import annotations

import asyncio

import jwt
import pytest
from pwdlib.hashers.bcrypt import BcryptHasher

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
    assert (await identity.post("register", body)).status_code == 409
    unknown = await identity.post("register", body | {"invitation": "x" * 43})
    assert unknown.status_code == 403
    assert "invitation" in unknown.json()["detail"]


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
