"""The Google fake: tokens, free/busy, events, sync tokens, watch channels."""

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from fastapi.testclient import TestClient

from fakes.google import create_google
from fakes.google_shapes import unknown_properties
from fakes.google_token import JWT_GRANT, SCOPES

EMAIL = "agenda@clinica.iam.gserviceaccount.com"
EVENTS = "/calendar/v3/calendars/ana/events"


def assertion(credentials: dict[str, str], **changes: Any) -> str:
    now = int(time.time())
    claims = {"iss": EMAIL, "aud": credentials["token_uri"], "iat": now, "exp": now + 3600, "scope": SCOPES[0]}
    return jwt.encode({**claims, **changes}, credentials["private_key"], algorithm="RS256")


@pytest.fixture(scope="module")
def credentials() -> dict[str, str]:
    with TestClient(create_google()) as client:
        asked = {"client_email": EMAIL, "token_uri": "http://testserver/token"}
        made: dict[str, str] = client.post("/_fake/service-accounts", json=asked).json()
        made["public"] = client.app.state.google.tokens.keys[EMAIL]  # type: ignore[attr-defined]
        return made


@pytest.fixture
def google(credentials: dict[str, str]) -> Iterator[TestClient]:
    with TestClient(create_google()) as client:
        client.post("/_fake/service-accounts", json={"client_email": EMAIL, "public_key": credentials["public"]})
        client.post("/_fake/calendars", json={"calendar_id": "ana", "acl": {EMAIL: "writer"}})
        client.post("/_fake/calendars", json={"calendar_id": "ler", "acl": {EMAIL: "freeBusyReader"}})
        answer = client.post("/token", data={"grant_type": JWT_GRANT, "assertion": assertion(credentials)})
        client.headers["Authorization"] = "Bearer " + answer.json()["access_token"]
        yield client


def event(hour: int, **more: Any) -> dict[str, Any]:
    day = "2026-11-24T"
    start, end = f"{day}{hour:02}:00:00-03:00", f"{day}{hour + 1:02}:00:00-03:00"
    return {"summary": "Consulta", "start": {"dateTime": start}, "end": {"dateTime": end}, **more}


def reason(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["errors"][0]["reason"]


def test_token_grants(google: TestClient, credentials: dict[str, str]) -> None:
    def grant(**form: str) -> tuple[int, str]:
        answer = google.post("/token", data=form)
        return answer.status_code, answer.json().get("error", "")

    now = int(time.time())
    for bad in (
        assertion(credentials, aud="https://elsewhere/token"),
        assertion(credentials, iss="nobody@example.com"),
        assertion(credentials, iat=now - 7200, exp=now - 3600),
        assertion(credentials, exp=now + 7200),
        assertion(credentials)[:-6] + "AAAAAA",
    ):
        assert grant(grant_type=JWT_GRANT, assertion=bad) == (400, "invalid_grant")
    assert grant(grant_type="password") == (400, "unsupported_grant_type")
    client = {"client_id": "id", "client_secret": "s", "refresh_token": "r"}
    assert grant(grant_type="refresh_token", **client) == (400, "invalid_grant")
    google.post("/_fake/clients", json={"account": "ana@gmail.com", **client})
    assert grant(grant_type="refresh_token", **client) == (200, "")
    assert grant(grant_type="refresh_token", **{**client, "client_secret": "x"}) == (401, "invalid_client")


def test_events_and_their_ids(google: TestClient) -> None:
    assert reason(google.post(EVENTS, json=event(9, id="WXYZ!"))) == (400, "invalid")
    assert reason(google.post(EVENTS, json={"summary": "sem hora"})) == (400, "required")
    made = google.post(EVENTS, json=event(9, id="abc123"))
    assert (made.status_code, made.json()["status"]) == (200, "confirmed")
    assert reason(google.post(EVENTS, json=event(9, id="abc123"))) == (409, "duplicate")
    moved = google.patch(f"{EVENTS}/abc123", json={k: event(11)[k] for k in ("start", "end")})
    assert (moved.json()["sequence"], moved.json()["summary"]) == (1, "Consulta")
    assert reason(google.patch(f"{EVENTS}/abc123", json={}, headers={"If-Match": '"0"'})) == (412, "conditionNotMet")
    by_hand = {"id": "abc123", "start": {"date": "2026-11-24"}, "end": {"date": "2026-11-25"}}
    assert google.post("/_fake/events", json={"calendar_id": "ana", "event": by_hand}).json()["end"] == by_hand["end"]
    timed = {edge: {"dateTime": event(11)[edge]["dateTime"]} for edge in ("start", "end")}
    assert reason(google.patch(f"{EVENTS}/abc123", json=timed)) == (400, "invalid"), "a date is there already"
    cleared = {edge: {"date": None, **given} for edge, given in timed.items()}
    assert google.patch(f"{EVENTS}/abc123", json=cleared).json()["start"] == timed["start"]
    assert google.delete(f"{EVENTS}/abc123").status_code == 204
    assert reason(google.delete(f"{EVENTS}/abc123")) == (410, "deleted")
    assert google.get(f"{EVENTS}/abc123").json()["status"] == "cancelled"
    assert reason(google.post(EVENTS, json=event(9, id="abc123"))) == (409, "duplicate")
    assert reason(google.get(f"{EVENTS}/nada0")) == (404, "notFound")


def test_rights(google: TestClient) -> None:
    assert reason(google.get("/calendar/v3/calendars/outro/events")) == (404, "notFound")
    assert reason(google.post("/calendar/v3/calendars/ler/events", json=event(9))) == (403, "requiredAccessLevel")
    google.post("/_fake/revoke-tokens")
    assert reason(google.get(EVENTS)) == (401, "authError")


def test_free_busy(google: TestClient) -> None:
    google.post(EVENTS, json=event(9))
    google.post(EVENTS, json=event(10))
    google.post(EVENTS, json=event(14, transparency="transparent"))
    busy = {"calendar_id": "ana", "start": "2026-11-24T18:00:00-03:00", "end": "2026-11-24T19:00:00-03:00"}
    google.post("/_fake/busy", json=busy)
    asked = {"timeMin": "2026-11-24T09:30:00-03:00", "timeMax": "2026-11-24T18:30:00-03:00"}
    items = [{"id": "ana"}, {"id": "ler"}, {"id": "outro"}]
    found = google.post("/calendar/v3/freeBusy", json={**asked, "items": items}).json()["calendars"]
    assert found["ana"]["busy"] == [
        {"start": "2026-11-24T12:30:00Z", "end": "2026-11-24T14:00:00Z"},
        {"start": "2026-11-24T21:00:00Z", "end": "2026-11-24T21:30:00Z"},
    ]
    assert found["ler"] == {"busy": []}
    assert found["outro"]["errors"][0]["reason"] == "notFound"
    many = google.post("/calendar/v3/freeBusy", json={**asked, "items": [{"id": f"c{i}"} for i in range(51)]}).json()
    assert many["calendars"]["c0"]["errors"][0]["reason"] == "tooManyCalendarsRequested"
    empty = {"timeMin": asked["timeMax"], "timeMax": asked["timeMin"], "items": items}
    assert reason(google.post("/calendar/v3/freeBusy", json=empty)) == (400, "timeRangeEmpty")


def test_sync_tokens(google: TestClient) -> None:
    for hour in (8, 9, 10):
        google.post(EVENTS, json=event(hour, id=f"event{hour}"))
    first = google.get(EVENTS, params={"maxResults": 2}).json()
    assert len(first["items"]) == 2
    assert "nextSyncToken" not in first
    google.delete(f"{EVENTS}/event8")
    last = google.get(EVENTS, params={"maxResults": 2, "pageToken": first["nextPageToken"]}).json()
    token = last["nextSyncToken"]
    changed = google.get(EVENTS, params={"syncToken": token}).json()
    assert [(e["id"], e["status"]) for e in changed["items"]] == [("event8", "cancelled")]
    assert google.get(EVENTS, params={"syncToken": changed["nextSyncToken"]}).json()["items"] == []
    assert reason(google.get(EVENTS, params={"syncToken": token, "timeMin": "2026-11-24T00:00:00Z"}))[0] == 400
    google.post("/_fake/expire-sync-tokens", params={"calendar_id": "ana"})
    assert reason(google.get(EVENTS, params={"syncToken": token})) == (410, "fullSyncRequired")


def test_watch_channels(google: TestClient) -> None:
    asked = {"id": "canal-1", "type": "web_hook", "address": "https://127.0.0.1:9/push", "token": "segredo"}
    refused = google.post(f"{EVENTS}/watch", json={**asked, "address": "http://clinic.example.com/push"})
    assert reason(refused) == (400, "push.webhookUrlNotHttps")
    channel = google.post(f"{EVENTS}/watch", json=asked).json()
    assert int(channel["expiration"]) > time.time() * 1000
    assert reason(google.post(f"{EVENTS}/watch", json=asked)) == (400, "channelIdNotUnique")
    google.post("/_fake/push", json={"unverified": ["clinic.example.com"]})
    unproven = {**asked, "id": "canal-2", "address": "https://clinic.example.com/push"}
    assert reason(google.post(f"{EVENTS}/watch", json=unproven)) == (401, "push.webhookUrlUnauthorized")
    stop = {"id": "canal-1", "resourceId": channel["resourceId"]}
    assert google.post("/calendar/v3/channels/stop", json=stop).status_code == 204
    assert reason(google.post("/calendar/v3/channels/stop", json=stop)) == (404, "notFound")


def test_a_channels_messages(google: TestClient) -> None:
    heard: list[httpx.Request] = []

    def hear(request: httpx.Request) -> httpx.Response:
        heard.append(request)
        return httpx.Response(204)

    google.app.state.pusher.transport = httpx.MockTransport(hear)  # type: ignore[attr-defined]
    asked = {"id": "canal-1", "type": "web_hook", "address": "https://clinic.example.com/push", "token": "segredo"}
    channel = google.post(f"{EVENTS}/watch", json=asked).json()
    google.post(EVENTS, json=event(9))
    deadline = time.monotonic() + 10
    while len(heard) < 2 and time.monotonic() < deadline:
        google.get("/healthz")
    assert [one.headers["X-Goog-Resource-State"] for one in heard] == ["sync", "exists"]
    for number, one in enumerate(heard, 1):
        assert (str(one.url), one.content) == (asked["address"], b"")
        assert one.headers["X-Goog-Channel-ID"] == "canal-1"
        assert one.headers["X-Goog-Channel-Token"] == "segredo"
        assert one.headers["X-Goog-Message-Number"] == str(number)
        assert one.headers["X-Goog-Resource-ID"] == channel["resourceId"]
        until = parsedate_to_datetime(one.headers["X-Goog-Channel-Expiration"])
        assert until.timestamp() == int(channel["expiration"]) // 1000


def test_faults(google: TestClient) -> None:
    google.post("/_fake/faults", json={"operation": "events.insert", "reason": "rateLimitExceeded", "count": 2})
    assert reason(google.post(EVENTS, json=event(9, id="abcde"))) == (403, "rateLimitExceeded")
    google.post("/_fake/faults", json={"operation": "freebusy", "http_status": 503})
    assert google.post("/calendar/v3/freeBusy", json={"items": []}).status_code == 503
    google.delete("/_fake/faults")
    google.post("/_fake/faults", json={"operation": "events.insert", "reason": "backendError", "after": True})
    assert reason(google.post(EVENTS, json=event(9, id="abcde"))) == (503, "backendError")
    assert reason(google.post(EVENTS, json=event(9, id="abcde"))) == (409, "duplicate")


def test_shapes_are_those_of_the_discovery_document(google: TestClient) -> None:
    assert reason(google.get(EVENTS, params={"syncTokens": "x"})) == (400, "invalid")
    assert reason(google.post(EVENTS, json=event(9, titel="x"))) == (400, "invalid")
    assert reason(google.post(EVENTS, json={**event(9), "start": {"datetime": "x"}})) == (400, "invalid")
    private = {"extendedProperties": {"private": {"anything": "goes"}}}
    made = google.post(EVENTS, json=event(9, id="abcde", **private), params={"sendUpdates": "none"}).json()
    assert unknown_properties("Event", made) == []
    google.delete(f"{EVENTS}/abcde")
    listed = google.get(EVENTS, params={"showDeleted": "true"}).json()
    assert unknown_properties("Events", listed) == []
    assert [set(one) for one in listed["items"]] == [{"kind", "etag", "id", "status"}]
    asked = {"timeMin": "2026-11-24T09:30:00-03:00", "timeMax": "2026-11-24T18:30:00-03:00"}
    busy = google.post("/calendar/v3/freeBusy", json={**asked, "items": [{"id": "ana"}, {"id": "outro"}]}).json()
    assert unknown_properties("FreeBusyResponse", busy) == []
    channel = {"id": "canal", "type": "web_hook", "address": "https://127.0.0.1:9/push", "params": {"ttl": "60"}}
    assert unknown_properties("Channel", google.post(f"{EVENTS}/watch", json=channel).json()) == []
    assert unknown_properties("Event", {"attendees": [{"mail": "x"}], "id": 1}) == ["attendees[].mail"]


def test_fields_cut_an_answer_down(google: TestClient) -> None:
    google.post(EVENTS, json=event(9, id="abcde"))
    found = google.get(EVENTS, params={"fields": "items(id,start/dateTime),nextSyncToken"}).json()
    assert set(found) == {"items", "nextSyncToken"}
    assert found["items"] == [{"id": "abcde", "start": {"dateTime": "2026-11-24T09:00:00-03:00"}}]
    for bad in ("items(id", "items(id)x", ",", "items()"):
        assert reason(google.get(EVENTS, params={"fields": bad})) == (400, "invalid")


CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
PAGE = {
    "client_id": "id",
    "redirect_uri": "https://clinic.example.com/back",
    "response_type": "code",
    "scope": SCOPES[1],
    "access_type": "offline",
    "state": "s",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def page(google: TestClient, **changes: str) -> Any:
    return google.get("/o/oauth2/v2/auth", params={**PAGE, **changes}, follow_redirects=False)


def test_consent(google: TestClient) -> None:
    client = {"account": "ana@gmail.com", "client_id": "id", "client_secret": "s"}
    google.post("/_fake/clients", json={**client, "redirect_uris": [PAGE["redirect_uri"]]})
    assert page(google, client_id="other").status_code == 401
    assert page(google, redirect_uri="https://elsewhere.example.com").status_code == 400
    assert "error=invalid_scope" in page(google, scope="mail").headers["Location"]

    def code() -> str:
        back = page(google).headers["Location"]
        assert back.startswith(PAGE["redirect_uri"])
        query = parse_qs(urlsplit(back).query)
        assert query["state"] == ["s"]
        return str(query["code"][0])

    form = {
        "grant_type": "authorization_code",
        "client_id": "id",
        "client_secret": "s",
        "redirect_uri": PAGE["redirect_uri"],
        "code_verifier": VERIFIER,
    }
    for wrong, error in (
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"client_secret": "x"}, "invalid_client"),
        ({"redirect_uri": "https://elsewhere.example.com"}, "redirect_uri_mismatch"),
        ({"code": "guess"}, "invalid_grant"),
    ):
        assert google.post("/token", data={**form, "code": code(), **wrong}).json()["error"] == error
    given = {**form, "code": code()}
    granted = google.post("/token", data=given).json()
    assert granted["scope"] == SCOPES[1]
    assert google.post("/token", data=given).json()["error"] == "invalid_grant"

    bearer = {"Authorization": f"Bearer {granted['access_token']}"}
    busy = {"timeMin": "2026-11-24T09:30:00Z", "timeMax": "2026-11-24T18:30:00Z", "items": [{"id": "ana"}]}
    assert reason(google.post("/calendar/v3/freeBusy", json=busy, headers=bearer)) == (403, "insufficientPermissions")
    assert reason(google.get(EVENTS, headers=bearer)) == (404, "notFound")

    refresh = {"grant_type": "refresh_token", "client_id": "id", "client_secret": "s"}
    refresh["refresh_token"] = granted["refresh_token"]
    assert google.post("/token", data=refresh).status_code == 200
    assert google.post("/revoke", data={"token": granted["refresh_token"]}).status_code == 200
    assert google.post("/token", data=refresh).json()["error"] == "invalid_grant"
    assert reason(google.get(EVENTS, headers=bearer)) == (401, "authError")
    assert google.post("/revoke", data={"token": "x"}).status_code == 400
    google.post("/_fake/clients", json={**client, "redirect_uris": [PAGE["redirect_uri"]], "denies": True})
    assert "error=access_denied" in page(google).headers["Location"]


def test_calendars_channels_and_tokens_outlive_a_restart(credentials: dict[str, str], tmp_path: Path) -> None:
    keep = tmp_path / "state"
    with TestClient(create_google(keep)) as client:
        client.post("/_fake/service-accounts", json={"client_email": EMAIL, "public_key": credentials["public"]})
        client.post("/_fake/calendars", json={"calendar_id": "ana", "acl": {EMAIL: "writer"}})
        answer = client.post("/token", data={"grant_type": JWT_GRANT, "assertion": assertion(credentials)})
        bearer = {"Authorization": "Bearer " + answer.json()["access_token"]}
        made = client.post(EVENTS, json=event(10), headers=bearer).json()
        channel = {"id": "c1", "type": "web_hook", "address": "https://sol.test/hook", "token": "t"}
        client.app.state.pusher.transport = httpx.MockTransport(lambda _: httpx.Response(200))  # type: ignore[attr-defined]
        assert client.post(EVENTS + "/watch", json=channel, headers=bearer).status_code == 200
        sync = client.get(EVENTS, headers=bearer).json()["nextSyncToken"]

    heard: list[str] = []
    with TestClient(create_google(keep)) as client:

        def hear(request: httpx.Request) -> httpx.Response:
            heard.append(request.headers["x-goog-resource-state"])
            return httpx.Response(200)

        client.app.state.pusher.transport = httpx.MockTransport(hear)  # type: ignore[attr-defined]
        assert client.delete(f"/_fake/events/{made['id']}", params={"calendar_id": "ana"}).status_code == 204
        changed = client.get(EVENTS, params={"syncToken": sync}, headers=bearer).json()["items"]
        assert [(one["id"], one["status"]) for one in changed] == [(made["id"], "cancelled")]
    assert heard == ["exists"]


def test_a_memory_of_another_version_is_left_aside(tmp_path: Path) -> None:
    keep = tmp_path / "state"
    keep.write_bytes(b"not a pickle")
    with TestClient(create_google(keep)) as client:
        assert client.get("/_fake/channels").json() == []


def test_a_calendar_made_anew_knows_no_sync_token_of_the_old_one(google: TestClient) -> None:
    sync = google.get(EVENTS).json()["nextSyncToken"]
    assert google.get(EVENTS, params={"syncToken": sync}).status_code == 200
    assert google.delete("/_fake/calendars/ana").status_code == 204
    google.post("/_fake/calendars", json={"calendar_id": "ana", "acl": {EMAIL: "writer"}})
    answer = google.get(EVENTS, params={"syncToken": sync})
    assert answer.json()["error"]["errors"][0]["reason"] == "fullSyncRequired"
