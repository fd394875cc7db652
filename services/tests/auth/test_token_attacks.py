"""Attacks on tokens: each is tried on every kind of protected route, and each gets nowhere.

What is forged here is signed, where it is signed, with what an attacker could have: another clinic's keys, public
values, keys of their own. The one exception is marked: claims that even the holder of the right key must not get by.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import random
import time
from collections.abc import Iterator
from secrets import token_urlsafe
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from atendeai.appointment.app import create_app as create_appointment
from atendeai.auth.app import create_app as create_auth
from atendeai.kit.identity import MAX_TOKEN_LENGTH, issue_service_token, signing_key
from atendeai.kit.resources import Kit
from atendeai.kit.testing.clinics import Stack, TestClinic, make_clinic
from atendeai.kit.testing.peers import Peers
from atendeai.kit.testing.plugin import ClientFactory
from tests.auth.pair import Identity, bearer, running

pytestmark = pytest.mark.integration


DIARY = "/api/v1/appointments?date=2030-01-07&page_size=20"


def encoded(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def claims(clinic: TestClinic, **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    base = {
        "iss": f"atendeai:{clinic.id}",
        "aud": "atendeai",
        "sub": str(uuid4()),
        "iat": now,
        "exp": now + 600,
        "jti": str(uuid4()),
        "sid": str(uuid4()),
        "clinic_id": str(clinic.id),
        "roles": ["owner"],
    }
    return base | changes


def signed(header: dict[str, Any], body: Any, key: bytes, digest: str = "sha256") -> str:
    """A token put together by hand: the library would refuse to make most of these."""
    content = f"{encoded(header)}.{encoded(body)}"
    return f"{content}.{encoded(hmac.new(key, content.encode(), digest).digest())}"


def head(clinic: TestClinic, **changes: Any) -> dict[str, Any]:
    return {"alg": "HS256", "typ": "JWT", "kid": signing_key(clinic.tenant)[0]} | changes


async def refused(desk: Identity, token: str, why: str, *others: httpx.AsyncClient) -> None:
    """Nothing lets it in: reading, changing, the audit log, an internal route; and no answer says why.

    `others` are clients of appointment, whose diary is read past the framework.
    """
    headers = [(b"Authorization", b"Bearer " + token.encode())]
    internal = [*headers, (b"X-Clinic-ID", str(desk.clinic.id).encode())]
    answers = [
        await desk.user.get("/api/v1/users", headers=headers),
        await desk.user.get("/api/v1/audit", headers=headers),
        await desk.auth.get("/api/v1/auth/me", headers=headers),
        await desk.auth.delete("/api/v1/auth/sessions", headers=headers),
        await desk.user.get(f"/internal/v1/users/{uuid4()}", headers=internal),
        *[await one.get(DIARY, headers=[(b"Host", desk.clinic.host.encode()), *headers]) for one in others],
    ]
    for answer in answers:
        assert answer.status_code == 401, (why, answer.request.url, answer.status_code, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"] in {
            "The token is not valid here; sign in at this clinic's own address.",
            "The token has expired; refresh it or sign in again.",
        }, why


def without_signature(clinic: TestClinic) -> Iterator[tuple[str, str]]:
    key = signing_key(clinic.tenant)[1]
    for name in ("none", "None", "NONE", "nOnE", "", None, "HS256 ", "hs256"):
        content = f"{encoded(head(clinic, alg=name))}.{encoded(claims(clinic))}"
        yield f"alg {name!r} unsigned", f"{content}."
        yield f"alg {name!r} signed with nothing", signed(head(clinic, alg=name), claims(clinic), b"")
    good = signed(head(clinic), claims(clinic), key)
    yield "signature cut off", good.rpartition(".")[0] + "."
    yield "no signature part", good.rpartition(".")[0]
    header = {field: value for field, value in head(clinic).items() if field != "alg"}
    yield "no alg at all", f"{encoded(header)}.{encoded(claims(clinic))}."


def confused(clinic: TestClinic) -> Iterator[tuple[str, str]]:
    key = signing_key(clinic.tenant)[1]
    body = claims(clinic)
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = own.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for algorithm, digest in (("HS384", "sha384"), ("HS512", "sha512")):
        yield f"{algorithm} with the right key", signed(head(clinic, alg=algorithm), body, key, digest)
    for algorithm in ("RS256", "PS256", "ES256", "EdDSA", "dir", "A256GCM"):
        yield f"{algorithm} named over an HMAC of the right key", signed(head(clinic, alg=algorithm), body, key)
    kid = signing_key(clinic.tenant)[0]
    yield "RS256 by a key of the attacker's", jwt.encode(body, own, algorithm="RS256", headers={"kid": kid})
    yield "HS256 keyed with the attacker's public key", signed(head(clinic), body, public)
    jwk = {"kty": "oct", "k": encoded(b"a" * 32)}
    for field, value in (
        ("jwk", jwk),
        ("jku", "http://evil.invalid/jwks"),
        ("x5u", "http://evil.invalid/x"),
        ("x5c", ["AA"]),
    ):
        yield f"a key brought along in {field}", signed(head(clinic, **{field: value}), body, b"a" * 32)
    for named in ("", "../../../../dev/null", "' OR ''='", "0", "\u0000", "x" * 500, kid.upper()):
        for guess in (b"", b"\0" * 32, named.encode()):
            yield f"kid {named[:20]!r}", signed(head(clinic, kid=named), body, guess)
    odd: list[Any] = [None, 0, [], {}, True, [kid], {"kid": kid}]
    for value in odd:
        yield f"kid {value!r}", signed(head(clinic, kid=value), body, b"")


def miskeyed(clinic: TestClinic, other: TestClinic) -> Iterator[tuple[str, str]]:
    kid, _ = signing_key(clinic.tenant)
    other_kid, other_key = signing_key(other.tenant)
    yield "another clinic's own token", other.token("owner")
    yield "another clinic's service token", issue_service_token(other.tenant, "auth")
    yield "another clinic's key under its own kid", signed(head(clinic, kid=other_kid), claims(clinic), other_key)
    yield "another clinic's key under our kid", signed(head(clinic, kid=kid), claims(clinic), other_key)
    for guess in (b"secret", b"0" * 32, str(clinic.id).encode(), kid.encode(), hashlib.sha256(b"atendeai").digest()):
        yield "a guessed key", signed(head(clinic), claims(clinic), guess)


def misclaimed(clinic: TestClinic, other: TestClinic) -> Iterator[tuple[str, str]]:
    """Signed with the right key: as if a service had issued it by mistake."""
    key, now = signing_key(clinic.tenant)[1], int(time.time())
    wrong: dict[str, dict[str, Any]] = {
        "expired a second ago": {"exp": now - 1},
        "expired long ago": {"iat": 0, "exp": 1},
        "never expiring": {"exp": None},
        "expiry as a text": {"exp": "never"},
        "expiry as a list": {"exp": [now + 600]},
        "not valid yet": {"nbf": now + 600},
        "issued in the future": {"iat": now + 600},
        "the audience of services, as a person": {"aud": "atendeai-internal-2"},
        "another audience": {"aud": "grafana"},
        "no audience": {"aud": ""},
        "several audiences": {"aud": ["atendeai", "atendeai-internal"]},
        "a part of the audience": {"aud": "atende"},
        "another issuer": {"iss": "https://accounts.google.com"},
        "another clinic's issuer": {"iss": f"atendeai:{other.id}"},
        "an issuer in capitals": {"iss": f"ATENDEAI:{clinic.id}"},
        "several issuers": {"iss": [f"atendeai:{clinic.id}"]},
        "another clinic's id": {"clinic_id": str(other.id)},
        "roles as a text": {"roles": "owner"},
        "no roles": {"roles": None},
        "a subject that is none": {"sub": 7},
    }
    for why, changes in wrong.items():
        yield why, signed(head(clinic), claims(clinic, **changes), key)
    for missing in ("iss", "aud", "sub", "exp", "iat", "jti", "sid", "clinic_id", "roles"):
        body = {name: value for name, value in claims(clinic).items() if name != missing}
        yield f"without {missing}", signed(head(clinic), body, key)
    for number in (b"NaN", b"Infinity", b"-Infinity", b"1e400"):
        raw = json.dumps(claims(clinic, exp=0)).encode().replace(b'"exp": 0', b'"exp": ' + number)
        yield f"expiry {number.decode()}", signed(head(clinic), raw, key)
    yield "an extension it insists on", signed(head(clinic, crit=["x"], x=1), claims(clinic), key)
    yield "an unencoded payload", signed(head(clinic, b64=False, crit=["b64"]), claims(clinic), key)


def oversized(clinic: TestClinic) -> Iterator[tuple[str, str]]:
    key = signing_key(clinic.tenant)[1]
    padded = signed(head(clinic), claims(clinic, pad="x" * MAX_TOKEN_LENGTH), key)
    assert len(padded) > MAX_TOKEN_LENGTH
    yield "longer than any of ours, though the signature is right", padded
    yield "a hundred thousand characters", "x" * 100_000
    yield "a huge header", signed(head(clinic, pad="x" * 200_000), claims(clinic), key)
    yield "nested without end", signed(head(clinic), b'{"a":' * 1200, key)
    yield "a header nested without end", f"{encoded(b'[' * 2500)}.e30.AA"
    yield "a thousand dots", "." * 1000
    yield "ten thousand roles", signed(head(clinic), claims(clinic, roles=["owner"] * 10_000), key)


def garbled(clinic: TestClinic) -> Iterator[tuple[str, str]]:
    good = clinic.token("receptionist")
    header, payload, signature = good.split(".")
    body = json.loads(base64.urlsafe_b64decode(payload + "=="))
    yield "a role raised under the old signature", f"{header}.{encoded(body | {'roles': ['owner']})}.{signature}"
    yield "the signature of another token", f"{header}.{payload}.{clinic.token('owner').rpartition('.')[2]}"
    yield "parts in another order", f"{payload}.{header}.{signature}"
    yield "five parts, as if encrypted", f"{header}.{payload}.{signature}.AA.AA"
    yield "not base64", f"{header}.{payload}!.{signature}"
    yield "no JSON", f"{encoded(b'{')}.{payload}.{signature}"
    yield "JSON, but no object", f"{encoded([1])}.{payload}.{signature}"
    yield "characters of other scripts", "токен.токен.токен"
    yield "bytes that are no text", f"{encoded(bytes([255, 254]))}.{encoded(bytes([255]))}.{signature}"
    chance = random.Random(5)  # noqa: S311 - the same attacks in every run
    for _ in range(40):
        place = chance.randrange(len(good) - 1)  # the last character's low bits are not part of the signature
        if good[place] != ".":
            changed = chance.choice([letter for letter in "AZaz09-_" if letter != good[place]])
            yield f"character {place} changed", good[:place] + changed + good[place + 1 :]


@pytest.mark.parametrize("attack", [without_signature, confused, oversized, garbled])
async def test_a_forged_token_gets_nowhere(client_for: ClientFactory, desk: Identity, attack: Any) -> None:
    diary = await client_for(create_appointment, desk.clinic.service_settings("appointment"))
    for client, path in ((desk.user, "/api/v1/users"), (diary, DIARY)):
        assert (await client.get(path, headers=desk.clinic.headers("owner"))).status_code == 200
    for why, token in attack(desk.clinic):
        await refused(desk, token, why, diary)


@pytest.mark.parametrize("attack", [miskeyed, misclaimed])
async def test_a_token_of_elsewhere_or_of_other_claims_gets_nowhere(
    client_for: ClientFactory, desk: Identity, attack: Any
) -> None:
    diary = await client_for(create_appointment, desk.clinic.service_settings("appointment"))
    other = await make_clinic(desk.clinic.stack)
    for why, token in attack(desk.clinic, other):
        await refused(desk, token, why, diary)


async def test_our_key_opens_no_other_clinic_of_the_same_pool(
    client_for: ClientFactory, desk: Identity, stack: Any
) -> None:
    """One process serves both; the host says whose request it is, and the token must say the same."""
    ours, theirs = await make_clinic(stack), await make_clinic(stack)
    pool = await client_for(create_auth, stack.settings("auth"))
    for token in (ours.token("owner"), signed(head(ours), claims(ours, clinic_id=str(theirs.id)), b"x" * 32)):
        headers = {"Host": theirs.host, "Authorization": f"Bearer {token}"}
        assert (await pool.get("/api/v1/auth/sessions", headers=headers)).status_code == 401
    headers = {"Host": ours.host, "Authorization": f"Bearer {ours.token('owner')}"}
    assert (await pool.get("/api/v1/auth/sessions", headers=headers)).status_code == 200


async def test_a_refresh_token_opens_no_other_clinic_of_the_same_pool(stack: Stack) -> None:
    """One process serves both; nor does the try end the session of its holder, as a second use would."""
    async with running(stack, "Shared") as pool:
        theirs, tokens = await make_clinic(stack), await pool.owner()
        body = {"refresh_token": tokens["refresh_token"]}
        for _ in range(2):
            assert (await pool.post("refresh", body, Host=theirs.host)).status_code == 401
        assert (await pool.get("me", tokens)).status_code == 200
        assert (await pool.post("refresh", body)).status_code == 200


async def test_a_token_of_one_kind_does_not_serve_as_another(desk: Identity) -> None:
    tokens = await desk.owner()
    bia = await desk.colleague(tokens)
    body = {"user_id": bia.id, "reason": "esqueceu a senha"}
    issued = await desk.auth.post("/api/v1/auth/password-resets", json=body, headers=bearer(tokens))
    reset, refresh, access = issued.json()["token"], tokens["refresh_token"], tokens["access_token"]
    service = issue_service_token(desk.clinic.tenant, "auth")
    assert (await desk.get("me", {"access_token": service})).status_code == 401, "a service is no person"
    for secret in (reset, refresh, desk.invitation):
        await refused(desk, secret, "an opaque token as an access token")
    internal = {"X-Clinic-ID": str(desk.clinic.id), "Authorization": f"Bearer {access}"}
    assert (await desk.user.get(f"/internal/v1/users/{bia.id}", headers=internal)).status_code == 401
    for secret in (reset, desk.invitation, access[:200]):
        assert (await desk.post("refresh", {"refresh_token": secret})).status_code == 401
    for secret in (refresh, desk.invitation):
        wanted = {"token": secret, "password": "uma frase bem comprida"}
        assert (await desk.post("reset", wanted)).status_code == 403
        assert (await desk.post("login/verify", {"challenge": secret, "code": "123456"})).status_code == 401
    for secret in (refresh, reset):
        taken = {"invitation": secret, "name": "Eva", "password": "uma frase bem comprida"}
        assert (await desk.post("register", taken)).status_code == 403
    assert (await desk.get("me", tokens)).status_code == 200, "none of it did the holder harm"


async def test_a_header_that_is_no_single_bearer_token_gets_nowhere(desk: Identity) -> None:
    token = desk.clinic.token("owner")
    for value in (f"Basic {token}", f"Token {token}", token, f"Bearer {token} {token}", f"Bearer,{token}", "Bearer"):
        answer = await desk.user.get("/api/v1/users", headers={"Authorization": value})
        assert answer.status_code == 401, value
    assert (await desk.user.get("/api/v1/users", params={"access_token": token})).status_code == 401
    assert (await desk.user.get("/api/v1/users", headers={"Cookie": f"access_token={token}"})).status_code == 401


async def test_a_refresh_token_replayed_at_two_replicas_at_once_ends_the_family(desk: Identity) -> None:
    """Thief and holder race: one exchange at most succeeds, and what it gave is worth nothing soon after."""
    settings = desk.clinic.service_settings("auth")
    replica = create_auth(settings, kit=Kit(settings, peers=Peers(desk.apps)))
    async with replica.router.lifespan_context(replica):
        for race in range(3):
            tokens = (await desk.login("dona@sol.example")).json() if race else await desk.owner()
            body = {"refresh_token": tokens["refresh_token"]}

            async def exchange(number: int, body: dict[str, str] = body) -> Any:
                app = replica if number % 2 else desk.apps["auth"]
                headers = {"Host": desk.clinic.host, "X-Real-IP": token_urlsafe(4)}
                transport = Peers({"service": app})
                async with desk.client(transport) as client:
                    return await client.post("/api/v1/auth/refresh", json=body, headers=headers)

            racing = [asyncio.create_task(exchange(number)) for number in range(16)]
            racing[5].cancel()  # a client that hangs up in the middle
            answers = [
                one
                for one in await asyncio.gather(*racing, return_exceptions=True)
                if not isinstance(one, BaseException)
            ]
            statuses = sorted(answer.status_code for answer in answers)
            assert statuses.count(200) <= 1
            assert set(statuses) <= {200, 401}
            for answer in answers:
                if answer.status_code == 200:
                    await desk.refused_everywhere(answer.json())
                    assert (
                        await desk.post("refresh", {"refresh_token": answer.json()["refresh_token"]})
                    ).status_code == 401
            await desk.refused_everywhere(tokens)
