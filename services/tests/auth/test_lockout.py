"""Failed sign-ins make the next wait, longer each time; not their account's holder, and not for ever."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter

import pytest
import redis.asyncio as aioredis
from pydantic import SecretStr

from atendeai.auth.app import create_app
from atendeai.auth.lockout import FIRST_SECONDS, FREE, LONGEST_SECONDS
from atendeai.kit.testing.clinics import Stack
from atendeai.kit.testing.plugin import ClientFactory, ClinicFactory
from atendeai.kit.testing.proxy import proxied
from tests.auth.pair import PASSWORD, Identity, bearer

pytestmark = pytest.mark.integration
OWNER = "dona@sol.example"
NOBODY = "ninguem@sol.example"
LOGIN = "/api/v1/auth/login"
HOME = {"X-Real-IP": "203.0.113.5"}


async def pass_time(desk: Identity) -> None:
    """Let every wait of the clinic be over: Redis' own clock cannot be moved."""
    client = aioredis.Redis.from_url(desk.clinic.stack.redis.admin_url)
    try:
        async for key in client.scan_iter(f"clinic:{desk.clinic.id}:lockout:*:lock"):
            await client.delete(key)
    finally:
        await client.aclose()


async def fail(desk: Identity, email: str, times: int, **headers: str) -> list[int]:
    return [(await desk.login(email, "not the password", **headers)).status_code for _ in range(times)]


@pytest.mark.parametrize("email", [OWNER, NOBODY])
async def test_the_wait_grows_up_to_a_quarter_of_an_hour_whether_the_account_exists_or_not(
    desk: Identity, email: str
) -> None:
    await desk.owner()
    assert await fail(desk, email, FREE + 1) == [401] * (FREE + 1)
    waits = []
    for _ in range(7):
        refused = await desk.login(email, "not the password")
        assert refused.status_code == 429
        assert refused.json()["type"].endswith("too-many-attempts")
        waits.append(int(refused.headers["retry-after"]))
        await pass_time(desk)
        assert await fail(desk, email, 1) == [401]
    expected = [min(FIRST_SECONDS * 2**step, LONGEST_SECONDS) for step in range(7)]
    assert all(full - 5 <= wait <= full for wait, full in zip(waits, expected, strict=True)), (waits, expected)


async def test_what_is_refused_while_waiting_does_not_lengthen_the_wait(desk: Identity) -> None:
    await fail(desk, NOBODY, FREE + 1)
    assert await fail(desk, NOBODY, 20) == [429] * 20
    await pass_time(desk)
    await fail(desk, NOBODY, 1)
    assert int((await desk.login(NOBODY, "x")).headers["retry-after"]) <= 2 * FIRST_SECONDS


async def test_the_right_password_waits_too_and_then_begins_anew(desk: Identity) -> None:
    await desk.owner()
    await fail(desk, OWNER, FREE + 1)
    assert (await desk.login(OWNER)).status_code == 429, "otherwise the answer would say that it is right"
    await pass_time(desk)
    assert (await desk.login(OWNER)).status_code == 200
    assert await fail(desk, OWNER, FREE) == [401] * FREE


async def test_strangers_do_not_lock_the_holder_out(desk: Identity) -> None:
    await desk.owner()
    assert (await desk.login(OWNER, **HOME)).status_code == 200
    await fail(desk, OWNER, FREE + 1)
    assert (await desk.login(OWNER)).status_code == 429, "from elsewhere it waits"
    assert (await desk.login(OWNER, **HOME)).status_code == 200, "from where it was signed in before it does not"
    assert (await desk.login(OWNER)).status_code == 429, "which opens nothing to strangers"


async def test_a_familiar_address_has_a_count_of_its_own(desk: Identity) -> None:
    await desk.owner()
    await desk.login(OWNER, **HOME)
    assert await fail(desk, OWNER, FREE + 2, **HOME) == [401] * (FREE + 1) + [429]
    assert (await desk.login(OWNER)).status_code == 200


async def test_of_many_guesses_at_once_no_more_than_the_free_ones_are_looked_at(desk: Identity) -> None:
    await desk.owner()
    guesses = [desk.login(OWNER, f"guess number {number}") for number in range(25)]
    answers = await asyncio.gather(*guesses, desk.login(OWNER, PASSWORD))
    counted = Counter(answer.status_code for answer in answers[:-1])
    assert counted[401] <= FREE + 1
    assert counted[401] + counted[429] == 25


async def test_a_holder_whose_address_is_known_is_not_refused_by_the_accounts_own_limit(identity: Identity) -> None:
    """The limit of five a minute for an account is the strangers' alone."""
    await identity.owner()
    assert (await identity.login(OWNER, **HOME)).status_code == 200
    statuses = [(await identity.login(OWNER, "not the password")).status_code for _ in range(6)]
    assert statuses[-1] == 429
    assert (await identity.login(OWNER, **HOME)).status_code == 200


async def test_what_an_outage_ended_is_no_wrong_password(desk: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = await desk.owner()
    assert await fail(desk, OWNER, FREE) == [401] * FREE
    change = {"current_password": PASSWORD, "new_password": "outra frase bem comprida"}
    with monkeypatch.context() as busy:
        full = threading.BoundedSemaphore(1)
        full.acquire()
        busy.setattr(desk.apps["auth"].state.passwords, "_room", full)
        assert (await desk.login(OWNER)).status_code == 503
        assert (await desk.auth.post("/api/v1/auth/password", json=change, headers=bearer(tokens))).status_code == 503
    with monkeypatch.context() as away:
        away.delitem(desk.apps, "user")
        assert (await desk.login(OWNER)).status_code == 503
    assert (await desk.login(OWNER)).status_code == 200


async def test_without_redis_nobody_signs_in(
    stack: Stack, clinic_factory: ClinicFactory, client_for: ClientFactory
) -> None:
    clinic = await clinic_factory()
    async with proxied(stack.redis.port) as proxy:
        url = SecretStr(f"redis://pool:pool@127.0.0.1:{proxy.port}/0")
        client = await client_for(create_app, stack.settings("auth", redis_url=url))
        body = {"email": NOBODY, "password": "not the password"}
        assert (await client.post(LOGIN, json=body, headers={"Host": clinic.host})).status_code == 401
        proxy.cut()
        answer = await client.post(LOGIN, json=body, headers={"Host": clinic.host})
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
