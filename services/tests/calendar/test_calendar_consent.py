"""A person's consent: asked for with state and PKCE, kept sealed, seen to be withdrawn, taken back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest
from cryptography.fernet import Fernet

from atendeai.calendar.access import Access
from atendeai.calendar.google_consent import SCOPES, authorization_url
from atendeai.calendar.google_errors import CalendarError, Kind
from atendeai.kit import clock
from atendeai.kit.testing.plugin import ClientFactory, ClinicFactory
from atendeai.kit.testing.waiting import eventually
from tests.calendar.google_world import ACCOUNT, GoogleWorld
from tests.calendar.sync_world import ANA, DAY, HOUR, World, made

CLIENT = {"client-id": "clinica.apps.test", "client-secret": "segredo"}
START, CALLBACK, OAUTH = "/api/v1/calendar/oauth/start", "/api/v1/calendar/oauth/callback", "/api/v1/calendar/oauth"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
"""RFC 7636, appendix B, with its challenge below."""


def test_google_itself_asks_on_a_host_of_its_own() -> None:
    url = urlsplit(
        authorization_url(
            "https://oauth2.googleapis.com/token",
            client_id="c",
            redirect_uri="https://x/y",
            state="s",
            verifier=VERIFIER,
        )
    )
    assert (url.hostname, url.path) == ("accounts.google.com", "/o/oauth2/v2/auth")
    query = {name: value for name, [value] in parse_qs(url.query).items()}
    assert query["code_challenge_method"] == "S256"
    assert query["code_challenge"] == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert (query["access_type"], query["prompt"]) == ("offline", "consent")
    assert query["scope"].split() == list(SCOPES)


async def world_of(
    clinic_factory: ClinicFactory, client_for: ClientFactory, google: GoogleWorld, **client: Any
) -> World:
    """Make a clinic with an OAuth client that Google knows."""
    world = await made(clinic_factory, client_for, google, credentials=CLIENT)
    known = {
        "account": ACCOUNT,
        "client_id": CLIENT["client-id"],
        "client_secret": CLIENT["client-secret"],
        "redirect_uris": [f"https://{world.clinic.host}{CALLBACK}"],
    }
    await google.control("POST", "/clients", json=known | client)
    return world


@pytest.fixture
async def world(clinic_factory: ClinicFactory, client_for: ClientFactory, google: GoogleWorld) -> World:
    return await world_of(clinic_factory, client_for, google)


async def asked(world: World, **token: Any) -> str:
    """Begin, as an owner, and return where to go."""
    answer = await world.client.post(START, headers=world.clinic.headers("owner", **token))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["authorization_url"])


async def consented(world: World, url: str) -> dict[str, str]:
    """Go to Google's page as a browser does, and return what it sends back."""
    async with httpx.AsyncClient(transport=world.google.transport) as browser:
        answer = await browser.get(url)
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(f"https://{world.clinic.host}{CALLBACK}?")
    return {name: value for name, [value] in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


async def returned(world: World, query: dict[str, str]) -> httpx.Response:
    """Come back from Google."""
    return await world.client.get(CALLBACK, params=query, headers={"Host": world.clinic.host})


async def connected(world: World) -> None:
    """Go the whole way."""
    assert (await returned(world, await consented(world, await asked(world)))).status_code == 200


async def offers_nothing(world: World) -> bool:
    """Whether free/busy says that Ana's calendar cannot be read."""
    body = {"professional_codes": ["ana"], "time_min": DAY.isoformat(), "time_max": (DAY + HOUR).isoformat()}
    headers = world.clinic.service_headers("appointment")
    answer = (await world.client.post("/internal/v1/freebusy", json=body, headers=headers)).json()
    return bool(answer["unavailable"] == [{"professional_code": "ana", "reason": "credentials"}])


@pytest.mark.integration
class TestConsent:
    async def test_the_whole_way(self, world: World) -> None:
        before = await world.status()
        assert (before["ready"], before["reason"], before["consent"]["state"]) == (False, "credentials", "missing")
        assert "conecte" in before["remedy"]
        assert await offers_nothing(world)

        query = await consented(world, await asked(world))
        answer = await returned(world, query)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert "está conectada" in answer.text

        after = await world.status()
        assert (after["ready"], after["consent"]["state"]) == (True, "connected")
        await world.put()
        assert len(await world.google.events(ANA)) == 1
        await eventually(world.row, what="read along at once")

        again = await returned(world, query)
        assert (again.status_code, "conecte novamente" in again.text) == (400, True)
        stored = await world.one("SELECT * FROM atendeai.calendar_consent WHERE clinic_id = :clinic")
        assert stored is not None
        sealed = bytes(stored["refresh_token"])
        [refresh] = world.google.app.state.google.tokens.refresh
        assert refresh.encode() not in sealed
        assert world.clinic.tenant.config.cipher.decrypt(sealed).decode() == refresh
        events = await world.clinic.fetch(
            "SELECT action, reason FROM atendeai.audit_event WHERE clinic_id = $1 ORDER BY at", world.clinic.id
        )
        assert [tuple(row) for row in events] == [
            ("calendar.begin-connect", "asked-by-staff"),
            ("calendar.connect", "consent-given"),
        ]

    async def test_a_state_is_the_clinics_own_and_expires(self, world: World) -> None:
        query = await consented(world, await asked(world))
        assert (await returned(world, query | {"state": "guess"})).status_code == 400
        stored = await world.one("SELECT * FROM atendeai.calendar_consent_request WHERE clinic_id = :clinic")
        assert stored is not None
        assert query["state"].encode() not in bytes(stored["state_sha256"])
        late = clock.now() + timedelta(minutes=11)
        with clock.override(late):
            assert (await returned(world, query)).status_code == 400
        query = await consented(world, await asked(world))
        # Sealed with another key, as after the clinic's data key was lost: it serves nobody.
        foreign = Fernet(Fernet.generate_key()).encrypt(b"v" * 64)
        await world.clinic.fetch(
            "UPDATE atendeai.calendar_consent_request SET verifier = $2 WHERE clinic_id = $1", world.clinic.id, foreign
        )
        assert (await returned(world, query)).status_code == 400
        assert (await world.status())["consent"]["state"] == "missing"

    async def test_another_verifier_gets_no_token(self, world: World) -> None:
        query = await consented(world, await asked(world))
        foreign = world.clinic.tenant.config.cipher.encrypt(b"v" * 64)
        await world.clinic.fetch(
            "UPDATE atendeai.calendar_consent_request SET verifier = $2 WHERE clinic_id = $1", world.clinic.id, foreign
        )
        answer = await returned(world, query)
        assert (answer.status_code, "recusou" in answer.text) == (400, True)
        assert (await world.status())["consent"]["state"] == "missing"

    async def test_a_session_that_has_ended_connects_nothing(self, world: World) -> None:
        session = str(uuid4())
        query = await consented(world, await asked(world, sid=session))
        await world.clinic.fetch(
            "INSERT INTO atendeai.revoked_session (clinic_id, sid, expires_at) VALUES ($1, $2, $3)",
            world.clinic.id,
            session,
            datetime.fromisoformat("2100-01-01T00:00:00Z"),
        )

        async def known() -> bool:
            return await world.client.kit.tenants.is_revoked(world.clinic.id, session)

        await eventually(known)
        assert (await returned(world, query)).status_code == 400

    async def test_only_those_in_charge_may(self, world: World) -> None:
        for role in ("professional", "receptionist"):
            headers = world.clinic.headers(role)
            assert (await world.client.post(START, headers=headers)).status_code == 403
            assert (await world.client.delete(OAUTH, headers=headers)).status_code == 403

    async def test_google_away_is_said_to_the_person(self, world: World) -> None:
        query = await consented(world, await asked(world))
        await world.google.fault("token", reason="internal_failure", count=0)
        answer = await returned(world, query)
        assert (answer.status_code, "não respondeu" in answer.text) == (503, True)

    async def test_a_consent_withdrawn_at_google_is_noticed_and_shown(self, world: World) -> None:
        await connected(world)
        assert not await offers_nothing(world)
        await world.google.control("POST", "/withdraw", params={"account": ACCOUNT})
        assert await offers_nothing(world)
        status = await world.status()
        assert (status["ready"], status["reason"], status["consent"]["state"]) == (False, "credentials", "refused")
        assert "conecte novamente" in status["remedy"]
        headers = world.clinic.service_headers("health")
        internal = (await world.client.get("/internal/v1/status", headers=headers)).json()
        assert "connect it again" in internal["remedy"]
        await world.sync()
        assert (await world.ana())["sync_error"] == "credentials"
        # Google is not asked all the time with what it has refused.
        await world.google.fault("token", reason="internal_failure")
        assert await offers_nothing(world)
        assert len(await world.google.control("GET", "/faults")) == 1
        await world.google.control("DELETE", "/faults")
        await connected(world)
        assert not await offers_nothing(world)
        assert (await world.status())["consent"]["state"] == "connected"

    async def test_a_refused_writing_is_noticed_as_well(self, world: World) -> None:
        await connected(world)
        await world.idle()
        await world.google.control("POST", "/withdraw", params={"account": ACCOUNT})
        body = {"professional_code": "ana", "start": DAY.isoformat(), "end": (DAY + HOUR).isoformat(), "summary": "x"}
        headers = world.clinic.service_headers("appointment")
        answer = await world.client.put(f"/internal/v1/events/{uuid4()}", json=body, headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (424, "credentials")
        stored = await world.one("SELECT refused_at FROM atendeai.calendar_consent WHERE clinic_id = :clinic")
        assert (stored or {})["refused_at"] is not None

    async def test_the_refusal_of_an_earlier_consent_says_nothing_of_a_new_one(self, world: World) -> None:
        await connected(world)
        access = Access(world.client.kit.database, httpx.AsyncClient())
        before = await access.google(world.clinic.tenant)
        assert before is not None
        await connected(world)
        refusal = CalendarError(Kind.CREDENTIALS, "the token endpoint answered 400", reason="invalid_grant")
        await access.note(world.clinic.tenant, before, refusal)
        stored = await world.one("SELECT refused_at FROM atendeai.calendar_consent WHERE clinic_id = :clinic")
        assert (stored or {})["refused_at"] is None
        assert not await offers_nothing(world)

    async def test_it_can_be_taken_back_here(self, world: World) -> None:
        await connected(world)

        async def live() -> bool:
            return bool((await world.ana())["watch"]["state"] == "live")

        await eventually(live)
        await world.idle()
        headers = world.clinic.headers("admin")
        await world.google.fault("revoke", reason="internal_failure")
        assert (await world.client.delete(OAUTH, headers=headers)).status_code == 503
        assert not await offers_nothing(world)
        assert (await world.client.delete(OAUTH, headers=headers)).status_code == 204
        assert await offers_nothing(world)
        assert world.google.app.state.google.tokens.refresh == {}
        assert await world.google.channels() == []
        assert ((await world.row()) or {})["sync_token"] is None  # who consents next may be somebody else
        assert (await world.client.delete(OAUTH, headers=headers)).status_code == 404

    async def test_a_service_account_needs_no_consent(
        self, clinic_factory: ClinicFactory, client_for: ClientFactory, google: GoogleWorld
    ) -> None:
        world = await made(clinic_factory, client_for, google)
        answer = await world.client.post(START, headers=world.clinic.headers("owner"))
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:atendeai:problem:declared-elsewhere")
        assert "consent" not in await world.status()

    @pytest.mark.parametrize(
        ("client", "words"),
        [({"denies": True}, "não foi dada"), ({"grants": SCOPES[1]}, "permitir tudo")],
    )
    async def test_a_person_may_say_no_or_half(
        self,
        clinic_factory: ClinicFactory,
        client_for: ClientFactory,
        google: GoogleWorld,
        client: dict[str, Any],
        words: str,
    ) -> None:
        world = await world_of(clinic_factory, client_for, google, **client)
        answer = await returned(world, await consented(world, await asked(world)))
        assert (answer.status_code, words in answer.text) == (400, True)
        assert google.app.state.google.tokens.refresh == {}
        assert await offers_nothing(world)
