"""The second factor: enrolment, sign-in in two steps, recovery codes, replay, reset by a manager."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pyotp
import pytest

from atendeai.auth.factors import CHALLENGE_ATTEMPTS
from atendeai.auth.lockout import FREE
from atendeai.kit import clock
from atendeai.kit.testing.waiting import eventually
from tests.auth.pair import PASSWORD, Identity, bearer, replaced_meanwhile

pytestmark = pytest.mark.integration
OWNER = "dona@sol.example"
FACTOR = "/api/v1/auth/second-factor"


@dataclass
class Enrolled:
    """An account with a second factor: its tokens, its app and its recovery codes."""

    tokens: dict[str, Any]
    app: pyotp.TOTP
    codes: list[str]
    used: int
    """The time step whose code confirmed it."""

    def code(self, later: int = 1) -> str:
        """The code of a step after the one that confirmed it, within the window that is accepted."""
        return self.app.generate_otp(self.used + later)


async def post(desk: Identity, tokens: dict[str, Any], path: str, body: dict[str, Any]) -> httpx.Response:
    fresh = {"X-Real-IP": "192.0.2.1", **bearer(tokens)}
    return await desk.auth.post(f"{FACTOR}{path}", json=body, headers=fresh)


async def enrol(desk: Identity, tokens: dict[str, Any]) -> Enrolled:
    begun = await post(desk, tokens, "", {"password": PASSWORD})
    assert begun.status_code == 201, begun.text
    app = pyotp.parse_uri(begun.json()["uri"])
    assert isinstance(app, pyotp.TOTP)
    assert app.secret == begun.json()["secret"]
    step = app.timecode(clock.now())
    confirmed = await post(desk, tokens, "/confirm", {"code": app.generate_otp(step)})
    assert confirmed.status_code == 200, confirmed.text
    return Enrolled(tokens, app, confirmed.json()["recovery_codes"], step)


async def challenge(desk: Identity, email: str = OWNER) -> str:
    answer = await desk.login(email)
    assert answer.status_code == 202, answer.text
    assert "access_token" not in answer.json()
    assert answer.json()["expires_in"] == 300
    return str(answer.json()["challenge"])


async def verify(desk: Identity, token: str, code: str) -> httpx.Response:
    return await desk.post("login/verify", {"challenge": token, "code": code})


async def test_signing_in_takes_two_steps_once_a_code_has_confirmed_the_app(desk: Identity) -> None:
    tokens = await desk.owner()
    begun = await post(desk, tokens, "", {"password": PASSWORD})
    assert (await desk.login(OWNER)).status_code == 200, "unconfirmed it guards nothing"
    wrong = await post(desk, tokens, "/confirm", {"code": "000000"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "code")
    assert pyotp.parse_uri(begun.json()["uri"]).issuer == f"Clínica {desk.clinic.name.capitalize()}"
    enrolled = await enrol(desk, tokens)
    assert (await desk.get("second-factor", tokens)).json()["recovery_codes_left"] == 10
    signed_in = await verify(desk, await challenge(desk), enrolled.code())
    assert signed_in.status_code == 200
    assert (await desk.get("me", signed_in.json())).json()["second_factor"] is True


async def test_the_secret_and_the_codes_are_not_stored_as_they_are(desk: Identity) -> None:
    enrolled = await enrol(desk, await desk.owner())
    hexed = desk.clinic.id.hex
    sealed = (await desk.clinic.fetch(f"SELECT secret FROM atendeai.totp_factor_{hexed}"))[0]["secret"]
    assert enrolled.app.secret.encode() not in sealed
    assert enrolled.app.secret in desk.clinic.tenant.config.cipher.decrypt(sealed).decode()
    stored = {
        row["code_sha256"] for row in await desk.clinic.fetch(f"SELECT code_sha256 FROM atendeai.recovery_code_{hexed}")
    }
    assert len(stored) == 10
    assert all(len(digest) == 64 for digest in stored)


async def test_a_secret_that_was_copied_to_another_account_opens_nothing(desk: Identity) -> None:
    owner = await desk.owner()
    enrolled = await enrol(desk, owner)
    colleague = await desk.colleague(owner)
    other = await enrol(desk, colleague.tokens)
    table = f"atendeai.totp_factor_{desk.clinic.id.hex}"
    await desk.clinic.fetch(
        f"UPDATE {table} SET secret = (SELECT secret FROM {table} WHERE user_id = $1) WHERE user_id <> $1",
        colleague.id,
    )
    assert (await verify(desk, await challenge(desk), other.code())).status_code == 401
    assert (await verify(desk, await challenge(desk), enrolled.code())).status_code == 401


async def test_a_code_serves_once_also_at_the_same_time(desk: Identity) -> None:
    enrolled = await enrol(desk, await desk.owner())
    assert (await verify(desk, await challenge(desk), enrolled.code(0))).status_code == 401, "it confirmed the app"
    challenges = [await challenge(desk) for _ in range(3)]
    answers = await asyncio.gather(*(verify(desk, token, enrolled.code()) for token in challenges))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401]
    with clock.override(clock.now() + timedelta(seconds=29)):
        assert (await verify(desk, await challenge(desk), enrolled.code())).status_code == 401
    with clock.override(clock.now() + timedelta(seconds=60)):
        assert (await verify(desk, await challenge(desk), enrolled.code(2))).status_code == 200
        assert (await verify(desk, await challenge(desk), enrolled.code(1))).status_code == 401, "an earlier one"


async def test_a_recovery_code_serves_once_however_it_is_typed(desk: Identity) -> None:
    enrolled = await enrol(desk, await desk.owner())
    typed = enrolled.codes[0].lower().replace("-", " ")
    assert (await verify(desk, await challenge(desk), typed)).status_code == 200
    assert (await verify(desk, await challenge(desk), enrolled.codes[0])).status_code == 401
    assert (await desk.get("second-factor", enrolled.tokens)).json()["recovery_codes_left"] == 9
    [used] = [one for one in await desk.audit() if one["action"] == "auth.use-recovery-code"]
    assert (used["actor"].replace("person", "user"), used["reason"]) == (used["target"], "sign-in")
    assert json.loads(used["details"]) == {"left": 9}
    renewed = await post(desk, enrolled.tokens, "/recovery-codes", {"code": enrolled.code()})
    assert renewed.status_code == 200
    assert (await verify(desk, await challenge(desk), enrolled.codes[1])).status_code == 401
    assert (await verify(desk, await challenge(desk), renewed.json()["recovery_codes"][1])).status_code == 200


async def test_a_challenge_serves_once_bears_few_wrong_answers_and_ends_with_time(desk: Identity) -> None:
    enrolled = await enrol(desk, await desk.owner())
    spent = await challenge(desk)
    assert (await verify(desk, spent, enrolled.codes[0])).status_code == 200
    assert (await verify(desk, spent, enrolled.codes[1])).status_code == 401
    late = await challenge(desk)
    with clock.override(clock.now() + timedelta(minutes=6)):
        assert (await verify(desk, late, enrolled.codes[1])).status_code == 401
    guessed = await challenge(desk)
    hexed = desk.clinic.id.hex
    await desk.clinic.fetch(f"UPDATE atendeai.login_challenge_{hexed} SET attempts = $1", CHALLENGE_ATTEMPTS)
    assert (await verify(desk, guessed, enrolled.codes[1])).status_code == 401, "worn out, though the code is right"
    assert (await verify(desk, "x" * 43, enrolled.codes[1])).status_code == 401


async def test_a_code_waits_for_whoever_takes_the_factor_away_and_holds_nothing_that_they_want(desk: Identity) -> None:
    enrolled = await enrol(desk, await desk.owner())
    token, connection = await challenge(desk), await asyncpg.connect(desk.clinic.stack.postgres.admin_dsn)
    try:
        async with connection.transaction():
            of_the_clinic = "WHERE clinic_id = $1"
            await connection.execute(f"SELECT FROM atendeai.totp_factor {of_the_clinic} FOR UPDATE", desk.clinic.id)
            answering = asyncio.create_task(verify(desk, token, enrolled.code()))
            waits = (
                "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'atendeai-auth'"
                " AND query LIKE '%totp_factor%'"
            )
            await eventually(lambda: desk.clinic.fetch(waits), what="the code waiting for the factor")
            await connection.execute(f"DELETE FROM atendeai.login_challenge {of_the_clinic}", desk.clinic.id)
        assert (await answering).status_code == 401
    finally:
        await connection.close()


async def test_guessing_codes_makes_the_account_wait_as_guessing_passwords_does(desk: Identity) -> None:
    enrolled = await enrol(desk, await desk.owner())
    challenges = [await challenge(desk) for _ in range(FREE + 3)]
    statuses = [(await verify(desk, token, "000000")).status_code for token in challenges]
    assert statuses == [401] * (FREE + 1) + [429] * 2
    assert (await desk.login(OWNER)).status_code == 429, "nor does the right password buy more guesses"
    assert (await verify(desk, challenges[-1], enrolled.codes[0])).status_code == 429


async def test_a_code_that_an_outage_kept_from_counting_is_no_wrong_one(
    desk: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolled = await enrol(desk, await desk.owner())
    for _ in range(FREE):
        assert (await desk.login(OWNER, "not the password")).status_code == 401
    pending = await challenge(desk)
    with monkeypatch.context() as away:
        away.delitem(desk.apps, "user")
        assert (await verify(desk, pending, enrolled.codes[0])).status_code == 503
    assert (await verify(desk, pending, enrolled.codes[0])).status_code == 200, "nor is it used up"


async def test_the_holder_removes_it_with_a_code_and_nobody_without(desk: Identity) -> None:
    tokens = await desk.owner()
    assert (await post(desk, tokens, "/remove", {"code": "123456"})).status_code == 404
    enrolled = await enrol(desk, tokens)
    assert (await post(desk, tokens, "", {"password": PASSWORD})).status_code == 409
    assert (await post(desk, tokens, "/confirm", {"code": enrolled.code()})).status_code == 409
    assert (await post(desk, tokens, "/remove", {"code": "000000"})).status_code == 422
    assert (await post(desk, tokens, "/remove", {"code": enrolled.codes[0]})).status_code == 204
    assert (await desk.login(OWNER)).status_code == 200
    assert (await desk.get("second-factor", tokens)).json() == {
        "enabled": False,
        "confirmed_at": None,
        "recovery_codes_left": 0,
    }


async def test_a_password_that_is_replaced_while_it_is_looked_at_gets_no_challenge(identity: Identity) -> None:
    await enrol(identity, await identity.owner())
    assert (await replaced_meanwhile(identity, "dona@sol.example")).status_code == 401


async def test_codes_are_not_guessed_with_a_session_from_many_addresses(identity: Identity) -> None:
    enrolled = await enrol(identity, await identity.owner())
    statuses = []
    for number, path in enumerate(["/remove", "/recovery-codes", "/confirm"] * 2):
        fresh = {"X-Real-IP": f"198.51.100.{number}", **bearer(enrolled.tokens)}
        answer = await identity.auth.post(f"{FACTOR}{path}", json={"code": "000000"}, headers=fresh)
        statuses.append(answer.status_code)
    assert statuses == [422, 422, 409, 422, 429, 429], "the one that confirmed it was counted, too"


async def test_guessing_codes_with_a_session_makes_the_account_wait(desk: Identity) -> None:
    tokens = await desk.owner()
    nothing = [(await post(desk, tokens, "/remove", {"code": "000000"})).status_code for _ in range(FREE + 2)]
    assert nothing == [404] * (FREE + 2), "which is no guess"
    enrolled = await enrol(desk, tokens)
    paths = ["/remove", "/recovery-codes"] * FREE
    statuses = [(await post(desk, tokens, path, {"code": "000000"})).status_code for path in paths]
    assert statuses == [422] * (FREE + 1) + [429] * (FREE - 1)
    assert (await post(desk, tokens, "/remove", {"code": enrolled.codes[0]})).status_code == 429


async def test_the_password_buys_no_guesses_of_the_code(desk: Identity) -> None:
    tokens = await desk.owner()
    await enrol(desk, tokens)
    guesses = ["/remove"] * (FREE - 1)
    assert {(await post(desk, tokens, path, {"code": "000000"})).status_code for path in guesses} == {422}
    assert (await post(desk, tokens, "", {"password": PASSWORD})).status_code == 409, "there is one already"
    statuses = [(await post(desk, tokens, path, {"code": "000000"})).status_code for path in guesses]
    assert statuses[-1] == 429


async def test_beginning_needs_the_password(desk: Identity) -> None:
    tokens = await desk.owner()
    refused = await post(desk, tokens, "", {"password": "not the password"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "password")
    assert "auth.begin-second-factor" not in {one["action"] for one in await desk.audit()}


async def test_each_secret_that_was_handed_out_is_in_the_log(desk: Identity) -> None:
    tokens = await desk.owner()
    for _ in range(2):
        assert (await post(desk, tokens, "", {"password": PASSWORD})).status_code == 201
    enrolled = await enrol(desk, tokens)
    assert (await post(desk, enrolled.tokens, "", {"password": PASSWORD})).status_code == 409
    begun = [one for one in await desk.audit() if one["action"] == "auth.begin-second-factor"]
    me = (await desk.get("me", tokens)).json()["id"]
    assert [(one["actor"], one["target"], one["reason"]) for one in begun] == [
        (f"person:{me}", f"user:{me}", "asked-by-holder")
    ] * 3


async def test_a_manager_resets_the_factor_of_somebody_who_lost_the_phone(desk: Identity) -> None:
    owner = await desk.owner()
    owner_id = (await desk.get("me", owner)).json()["id"]
    colleague = await desk.colleague(owner, "admin")
    await enrol(desk, owner)
    await enrol(desk, colleague.tokens)
    pending = await challenge(desk, colleague.email)
    reason = {"reason": "perdeu o celular"}
    assert (await post(desk, colleague.tokens, "/reset", {"user_id": owner_id, **reason})).status_code == 403
    assert (await post(desk, owner, "/reset", {"user_id": colleague.id})).status_code == 422
    assert (await post(desk, owner, "/reset", {"user_id": colleague.id, **reason})).status_code == 204
    await desk.refused_everywhere(colleague.tokens)
    assert (await verify(desk, pending, "123456")).status_code == 401
    assert (await desk.login(colleague.email)).status_code == 200
    assert (await post(desk, owner, "/reset", {"user_id": colleague.id, **reason})).status_code == 404
    entry = next(one for one in await desk.audit() if one["action"] == "auth.reset-second-factor")
    assert (entry["actor"], entry["reason"]) == (f"person:{owner_id}", "perdeu o celular")


async def test_a_challenge_does_not_outlive_a_deactivation(desk: Identity) -> None:
    owner = await desk.owner()
    colleague = await desk.colleague(owner)
    enrolled = await enrol(desk, colleague.tokens)
    pending = await challenge(desk, colleague.email)

    async def become(status: str) -> None:
        body = {"status": status, "reason": "muda"}
        changed = await desk.user.patch(f"/api/v1/users/{colleague.id}", json=body, headers=bearer(owner))
        assert changed.status_code == 200, changed.text

    async def ended() -> bool:
        return not await desk.clinic.fetch(f"SELECT 1 FROM atendeai.login_challenge_{desk.clinic.id.hex}")

    await become("deactivated")
    await eventually(ended, what="auth told, by an errand")
    await become("active")
    assert (await verify(desk, pending, enrolled.code())).status_code == 401
    assert (await verify(desk, await challenge(desk, colleague.email), enrolled.code())).status_code == 200


async def test_a_password_reset_does_not_take_the_second_factor_away(desk: Identity) -> None:
    owner = await desk.owner()
    colleague = await desk.colleague(owner)
    enrolled = await enrol(desk, colleague.tokens)
    body = {"user_id": colleague.id, "reason": "esqueceu a senha"}
    issued = await desk.auth.post("/api/v1/auth/password-resets", json=body, headers=bearer(owner))
    pending = await challenge(desk, colleague.email)
    new = {"token": issued.json()["token"], "password": "uma senha bem nova"}
    assert (await desk.post("reset", new)).status_code == 204
    assert (await verify(desk, pending, enrolled.codes[0])).status_code == 401, "given for the earlier password"
    assert (await desk.login(colleague.email, "uma senha bem nova")).status_code == 202
