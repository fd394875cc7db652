"""Staff at the front door: invitation, sign-in, tokens that stay within their clinic, limits that hold everywhere."""

from __future__ import annotations

import datetime as dt
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import jwt
import pyotp
import pytest

from local import edge, kubectl, staff, world
from local.demo import Patient
from local.outside import Outside

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def roomy(local: world.LocalClinic) -> Iterator[world.LocalClinic]:
    """Everybody in this suite comes from one address, which would soon meet the limits that one test is about."""
    limits = {"rateLimits": {"auth": {"minute": 60, "hour": 1000}, "api": {"minute": 1000, "hour": 10000}}}
    kubectl.apply(world.clinic(local, security=_security(local) | limits))
    _until_limit(local, 60)
    yield local
    kubectl.apply(world.clinic(local))


def _security(local: world.LocalClinic) -> dict[str, Any]:
    return {"corsOrigins": [f"https://painel.{local.name}.test"]}


def _until_limit(local: world.LocalClinic, minute: int, *, in_a_row: int = 1) -> None:
    """Wait until so many answers in a row, whichever replica gave them, name the limit."""

    def named() -> bool:
        with edge.client(local.host) as door:
            answer = door.post("/api/v1/auth/login", json={"email": "ninguem@limite.test", "password": "x"})
            return f"q={minute};w=60" in answer.headers.get("ratelimit-policy", "")

    def reached() -> bool:
        return all(named() for _ in range(in_a_row))

    kubectl.wait_for(f"{local.name} limits sign-in to {minute} a minute", reached, deadline=60, every=3)


def test_the_owner_signs_in_and_is_told_apart(roomy: world.LocalClinic) -> None:
    tokens = staff.sign_in(roomy)
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    with edge.client(roomy.host) as door:
        me = door.get("/api/v1/auth/me", headers=headers)
        assert me.status_code == 200, me.text
        assert me.json()["roles"] == ["owner"]
        users = door.get("/api/v1/users", headers=headers)
        assert [user["email"] for user in users.json()["items"]] == [f"dona@{roomy.name}.test"]
        clinic = door.get("/api/v1/clinics/me", headers=headers)
        assert clinic.status_code == 200, clinic.text
        for path in ("/api/v1/appointments", "/api/v1/conversations", "/api/v1/whatsapp/messages"):
            assert door.get(path, headers=headers).status_code == 200, path
            assert door.get(path).status_code == 401, path


def test_a_token_is_worth_nothing_at_another_clinic(roomy: world.LocalClinic) -> None:
    tokens = staff.sign_in(roomy)
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    other = next(clinic for clinic in world.CLINICS if clinic is not roomy)
    with edge.client(other.host) as door:
        for path in ("/api/v1/auth/me", "/api/v1/users", "/api/v1/appointments", "/api/v1/clinics/me"):
            assert door.get(path, headers=headers).status_code == 401, path


def test_logout_takes_effect_within_five_seconds(roomy: world.LocalClinic) -> None:
    tokens = staff.sign_in(roomy)
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    with edge.client(roomy.host) as door:
        assert door.post("/api/v1/auth/logout", headers=headers).status_code == 204
        kubectl.wait_for(
            "the token refused everywhere",
            lambda: (
                door.get("/api/v1/auth/me", headers=headers).status_code == 401
                and door.get("/api/v1/users", headers=headers).status_code == 401
            ),
            deadline=5,
            every=0.2,
        )
        again = door.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert again.status_code == 401


def test_a_signing_key_is_followed_by_another_and_nobody_is_signed_out(roomy: world.LocalClinic) -> None:
    """A token of before and one that is renewed all the time, at edge and services, from the wish to the new key."""
    tokens = staff.sign_in(roomy)
    old, first = dict(tokens), _signed_with(tokens)
    wish = f"atendeai.io/rotate-signing-key={secrets.token_hex(4)}"
    kubectl.kubectl("-n", world.NAMESPACE, "annotate", "--overwrite", f"clinic/{roomy.name}", wish)
    refused: list[tuple[str, str]] = []

    def followed() -> bool:
        with edge.client(roomy.host) as door:
            renewed = door.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
            if renewed.status_code == 200:
                tokens.update(renewed.json())
            answers = [("refresh", renewed)]
            for name, held in (("old", old), ("renewed", tokens)):
                headers = {"Authorization": f"Bearer {held['access_token']}"}
                answers += [(name, door.get(path, headers=headers)) for path in ("/api/v1/auth/me", "/api/v1/users")]
        refused.extend((name, answer.text) for name, answer in answers if answer.status_code != 200)
        return _signed_with(tokens) != first

    kubectl.wait_for("a new key that signs", followed, deadline=150)
    assert followed(), "and goes on signing"
    assert refused == []


def _signed_with(tokens: dict[str, Any]) -> str:
    return str(jwt.get_unverified_header(tokens["access_token"])["kid"])


def test_a_second_factor_is_asked_for_once_it_guards_the_account(roomy: world.LocalClinic) -> None:
    headers = {"Authorization": f"Bearer {staff.sign_in(roomy)['access_token']}"}
    with edge.client(roomy.host) as door:
        begun = door.post("/api/v1/auth/second-factor", json={"password": staff.PASSWORD}, headers=headers)
        assert begun.status_code == 201, begun.text
        code = pyotp.TOTP(begun.json()["secret"]).now()
        confirmed = door.post("/api/v1/auth/second-factor/confirm", json={"code": code}, headers=headers)
        assert confirmed.status_code == 200, confirmed.text
        recovery = confirmed.json()["recovery_codes"]
        try:
            email = f"dona@{roomy.name}.test"
            asked = door.post("/api/v1/auth/login", json={"email": email, "password": staff.PASSWORD})
            assert asked.status_code == 202, asked.text
            answer = {"challenge": asked.json()["challenge"], "code": code}
            assert door.post("/api/v1/auth/login/verify", json=answer).status_code == 401, "a code serves once"
            signed_in = door.post("/api/v1/auth/login/verify", json=answer | {"code": recovery[0]})
            assert signed_in.status_code == 200, signed_in.text
        finally:
            removed = door.post("/api/v1/auth/second-factor/remove", json={"code": recovery[1]}, headers=headers)
            assert removed.status_code == 204, removed.text


def test_a_day_that_staff_close_is_closed_for_patients(roomy: world.LocalClinic, fakes: Outside) -> None:
    headers = {"Authorization": f"Bearer {staff.sign_in(roomy)['access_token']}"}
    day = dt.datetime.now(ZoneInfo("America/Sao_Paulo")).date() + dt.timedelta(days=12)
    wish = f"quero marcar consulta dia {day:%d/%m} às 15h"
    with edge.client(roomy.host) as door:
        closed = door.post("/api/v1/clinics/me/exceptions", json={"date_from": day.isoformat()}, headers=headers)
        assert closed.status_code == 201, closed.text
        try:
            kubectl.wait_for(
                "a patient told so",
                lambda: "não abrimos" in Patient(roomy, fakes).ask(wish),
                deadline=30,
            )
        finally:
            path = f"/api/v1/clinics/me/exceptions/{closed.json()['id']}"
            assert door.delete(path, headers=headers).status_code == 204
    kubectl.wait_for("it open again", lambda: "15h" in Patient(roomy, fakes).ask(wish), deadline=30)


def test_what_the_resource_says_is_followed_within_five_seconds(
    roomy: world.LocalClinic, measured: Callable[[str], None]
) -> None:
    headers = {"Authorization": f"Bearer {staff.sign_in(roomy)['access_token']}"}
    plan = f"Plano {secrets.token_hex(3)}"
    with edge.client(roomy.host) as door:

        def shown() -> list[str]:
            found: list[str] = door.get("/api/v1/clinics/me", headers=headers).json()["profile"]["insurance"]
            return found

        before = shown()
        wished = {"profile": {"insurance": [*before, plan]}}
        kubectl.change("clinic", roomy.name, wished, namespace=world.NAMESPACE)
        began = time.monotonic()
        kubectl.wait_for("the plan in the profile", lambda: shown() == [*before, plan], deadline=5, every=0.1)
        measured(
            f"The profile of a {roomy.isolation} clinic follows its resource after {time.monotonic() - began:.1f} s"
        )
        changed = door.patch("/api/v1/clinics/me", json={"insurance": []}, headers=headers)
        assert changed.status_code == 409, changed.text
        assert "spec.profile" in changed.json()["detail"]


def _sign_in(local: world.LocalClinic, email: str) -> tuple[int, str | None]:
    with edge.client(local.host) as door:
        answer = door.post("/api/v1/auth/login", json={"email": email, "password": "errada"})
        return answer.status_code, answer.headers.get("retry-after")


@pytest.mark.parametrize("local", [world.LUA], ids=["Shared"])
def test_the_sixth_sign_in_of_a_minute_is_429_across_two_replicas(local: world.LocalClinic) -> None:
    """Two replicas of the pool's auth share one count; each request may meet either."""
    stack = kubectl.get("stack", world.STACK, namespace=world.NAMESPACE)
    spec = world.stack(stack["spec"]["version"], stack["spec"]["gateway"]["provider"])
    doubled = {"services": {"overrides": {"auth": {"replicas": 2}}}}
    kubectl.apply(spec | {"spec": spec["spec"] | doubled})
    try:
        deployment = f"deployment/{world.STACK}-auth"
        kubectl.wait_for(
            "two replicas of auth",
            lambda: (
                kubectl.kubectl("-n", world.NAMESPACE, "get", deployment, "-o", "jsonpath={.status.readyReplicas}")
                == "2"
            ),
            deadline=120,
        )
        limits = {"rateLimits": {"auth": {"minute": 5, "hour": 100}, "api": {"minute": 1000, "hour": 10000}}}
        kubectl.apply(world.clinic(local, security=_security(local) | limits))
        _until_limit(local, 5, in_a_row=6)
        # What this address has used up already counts too: an account's own five are the most that may be looked at.
        email = f"{secrets.token_hex(6)}@limite.test"
        answers = [_sign_in(local, email) for _ in range(6)]
        assert {status for status, _ in answers} <= {401, 429}, answers
        assert answers[-1][0] == 429, answers
        assert 1 <= int(answers[-1][1] or 0) <= 60, answers
    finally:
        kubectl.apply(
            world.clinic(local), spec | {"spec": spec["spec"] | {"services": {"overrides": {"auth": {"replicas": 1}}}}}
        )
