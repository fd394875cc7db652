"""What a clinic has before it is asked, and for each operation a request that succeeds with it.

A document cannot know which appointment there is, nor which password is right: of what it calls valid nearly all is
refused for that alone. So each service is given some of everything through its own routes, and its document an example
of each operation. Whoever plays requests begins with the examples and varies them.

What an operation uses up (a token, a code, an appointment that can be cancelled once) is there for it alone.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pyotp

from atendeai.appointment.keys import offer_key
from atendeai.kit import clock
from atendeai.kit.testing.clinics import TestClinic
from atendeai.kit.testing.waiting import eventually
from tests.auth.pair import PASSWORD
from tests.calendar.google_world import ACCOUNT, GoogleWorld

TZ = ZoneInfo("America/Sao_Paulo")
GOOGLE_CALENDAR = "clinica@cal.test"
GOOGLE_CLIENT = {"client-id": "clinica.apps.test", "client-secret": "segredo"}
_CALLBACK = "/api/v1/calendar/oauth/callback"
_FILE = "Traga os exames.\n"


@dataclass(frozen=True, slots=True)
class Example:
    """A request that an operation answers with success."""

    path: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    subject: str | None = None
    """The account whose token it needs; the owner's unless named."""

    def into(self, operation: dict[str, Any]) -> None:
        """Write it into an operation of a document; a header that this does not tell of becomes one of it."""
        for place, values in (("path", self.path), ("query", self.query), ("header", self.headers)):
            for name, value in values.items():
                parameters = operation.setdefault("parameters", [])
                known = [one for one in parameters if (one["in"], one["name"]) == (place, name)]
                if not known and place == "header":
                    known = [{"in": place, "name": name, "schema": {"type": "string"}}]
                    parameters += known
                [parameter] = known
                parameter["example"] = value
        if self.body is not None:
            for content in operation["requestBody"]["content"].values():
                content["example"] = self.body


@dataclass(frozen=True, slots=True)
class Desk:
    """Asks the services of one clinic from within, and takes nothing but success for an answer."""

    clinic: TestClinic
    owner: str
    apps: Mapping[str, Any]
    google: GoogleWorld | None

    async def call(self, service: str, method: str, path: str, headers: Mapping[str, str], **options: Any) -> Any:
        """Ask, and return what the answer holds."""
        transport = httpx.ASGITransport(app=self.apps[service])
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{self.clinic.host}") as client:
            answer = await client.request(method, path, headers=dict(headers), **options)
        assert answer.status_code < 400, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.headers.get("Content-Type", "").startswith("application/json") else None

    async def staff(self, service: str, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """Ask as the owner, or as another `subject`."""
        headers = self.clinic.headers("owner", subject=more.pop("subject", self.owner))
        return await self.call(service, method, f"/api/v1{path}", headers, json=body, **more)

    async def internal(self, service: str, caller: str, method: str, path: str, body: Any = None) -> Any:
        """Ask as another service."""
        return await self.call(service, method, f"/internal/v1{path}", self.clinic.service_headers(caller), json=body)

    async def contact(self) -> str:
        """Let somebody have written to the clinic this minute."""
        contact = uuid4()
        number = str(5511900000000 + contact.int % 100000000)
        await self.clinic.fetch(
            "INSERT INTO atendeai.whatsapp_contact (clinic_id, id, wa_id, number_key, name, last_inbound_at,"
            " created_at, updated_at) VALUES ($1, $2, $3, $3, 'Maria', now(), now(), now())",
            self.clinic.id,
            contact,
            number,
        )
        return str(contact)

    async def invited(self, *roles: str) -> dict[str, Any]:
        """Invite somebody."""
        body = {"email": f"{uuid4().hex}@sol.example", "name": "Bia", "roles": list(roles) or ["receptionist"]}
        found: dict[str, Any] = await self.staff("user", "POST", "/users", body)
        return found

    async def registered(self, *roles: str) -> Person:
        """Invite somebody who registers."""
        new = await self.invited(*(roles or ("owner",)))
        body = {"invitation": new["invitation"]["token"], "name": "Bia", "password": PASSWORD}
        tokens = await self.call("auth", "POST", "/api/v1/auth/register", {}, json=body)
        return Person(new["id"], new["email"], tokens["refresh_token"])

    async def guarded(self) -> Guarded:
        """Let somebody have a second factor; the code that confirmed it is used up."""
        person = await self.registered()
        secret = await self.begun(person)
        path, code = "/auth/second-factor/confirm", pyotp.TOTP(secret).at(clock.now())
        codes = await self.staff("auth", "POST", path, {"code": code}, subject=person.id)
        return Guarded(person, secret, codes["recovery_codes"])

    async def begun(self, person: Person) -> str:
        """Let somebody have begun a second factor; its secret."""
        begun = await self.staff("auth", "POST", "/auth/second-factor", {"password": PASSWORD}, subject=person.id)
        return str(begun["secret"])


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has an account with the password of the tests."""

    id: str
    email: str
    refresh_token: str


@dataclass(frozen=True, slots=True)
class Guarded:
    """Somebody with a second factor."""

    person: Person
    secret: str
    codes: list[str]


_STEP = timedelta(seconds=30)


def coming(secret: str) -> str:
    """Return the code that the app shows next: it is good already, and for a minute at least."""
    return pyotp.TOTP(secret).at(clock.now() + _STEP)


async def _auth(desk: Desk) -> dict[str, Example]:
    verifying = await desk.guarded()
    login = {"email": verifying.person.email, "password": PASSWORD}
    challenge = (await desk.call("auth", "POST", "/api/v1/auth/login", {}, json=login))["challenge"]
    resetting = await desk.registered()
    reset = await desk.staff("auth", "POST", "/auth/password-resets", {"user_id": resetting.id, "reason": "esqueceu"})
    sessions, renewing, removing = await desk.registered(), await desk.guarded(), await desk.guarded()
    [session] = (await desk.staff("auth", "GET", "/auth/sessions", subject=sessions.id))["items"]
    login_of, changing, beginning = await desk.registered(), await desk.registered(), await desk.registered()
    confirming, asking = await desk.registered(), await desk.registered()
    invited = await desk.invited()
    about = {"user_id": (await desk.registered("receptionist")).id, "reason": "esqueceu"}
    phone = {"user_id": (await desk.guarded()).person.id, "reason": "perdeu o telefone"}
    secret = await desk.begun(confirming)
    return {
        "auth_login": Example(body={"email": login_of.email, "password": PASSWORD}),
        "auth_verify": Example(body={"challenge": challenge, "code": verifying.codes[0]}),
        "auth_refresh": Example(body={"refresh_token": asking.refresh_token}),
        "auth_register": Example(
            body={"invitation": invited["invitation"]["token"], "name": "Bia", "password": PASSWORD}
        ),
        "auth_end_session": Example(path={"session_id": session["id"]}, subject=sessions.id),
        "passwords_change": Example(body={"current_password": PASSWORD, "new_password": PASSWORD}, subject=changing.id),
        "passwords_issue": Example(body=about),
        "passwords_redeem": Example(body={"token": reset["token"], "password": PASSWORD}),
        "second_factor_begin": Example(body={"password": PASSWORD}, subject=beginning.id),
        "second_factor_confirm": Example(body={"code": coming(secret)}, subject=confirming.id),
        "second_factor_renew": Example(body={"code": coming(renewing.secret)}, subject=renewing.person.id),
        "second_factor_remove": Example(body={"code": removing.codes[0]}, subject=removing.person.id),
        "second_factor_reset": Example(body=phone),
        "internal_revoke": Example(body={"user_id": about["user_id"]}),
    }


async def _user(desk: Desk) -> dict[str, Example]:
    renewed, revoked, shown = await desk.invited(), await desk.invited(), await desk.invited()
    accepted, left, ended = await desk.invited(), await desk.invited(), await desk.invited()
    reason = {"reason": "saiu da clínica"}
    return {
        "users_get_user": Example(path={"user_id": desk.owner}),
        "users_change_user": Example(path={"user_id": desk.owner}, body={"name": "Dona Rosa"}),
        "users_deactivate_user": Example(path={"user_id": left["id"]}, query=reason),
        "users_end_user_sessions": Example(path={"user_id": ended["id"]}, query=reason),
        "invitations_get_invitation": Example(path={"invitation_id": shown["invitation"]["id"]}),
        "invitations_revoke_invitation": Example(path={"invitation_id": revoked["invitation"]["id"]}, query=reason),
        "invitations_renew_invitation": Example(
            path={"invitation_id": renewed["invitation"]["id"]}, body={"reason": "perdeu o convite"}
        ),
        "internal_accept": Example(body={"token": accepted["invitation"]["token"], "name": "Bia"}),
        "internal_lookup": Example(body={"token": shown["invitation"]["token"]}),
        "internal_find_user": Example(path={"user_id": desk.owner}),
    }


async def _clinic(desk: Desk) -> dict[str, Example]:
    day = _working_day().isoformat()
    exception = await desk.staff("clinic", "POST", "/clinics/me/exceptions", {"date_from": day, "hours": []})
    return {
        "clinics_by_id": Example(path={"clinic_id": str(desk.clinic.id)}),
        "clinics_remove_exception": Example(path={"exception_id": exception["id"]}),
        "clinics_version": Example(path={"version": 1}),
        "clinics_add_exception": Example(body={"date_from": _working_day(7).isoformat(), "hours": []}),
        "clinics_change_additions": Example(body={"persona": {"greeting": "Bom dia!"}, "reason": "pedido da dona"}),
    }


async def _health(desk: Desk) -> dict[str, Example]:
    del desk  # it keeps nothing that could be asked about
    return {}


async def _conversation(desk: Desk) -> dict[str, Example]:
    def message() -> dict[str, Any]:
        return {
            "message_id": str(uuid4()),
            "contact_id": str(uuid4()),
            "contact": {"wa_id": "5511987654321", "name": "Maria"},
            "kind": "text",
            "text": "Oi",
            "sent_at": clock.now().isoformat(),
        }

    first = message()
    conversation = (await desk.internal("conversation", "whatsapp", "POST", "/messages", first))["conversation_id"]
    known = {"conversation_id": conversation}
    return {
        "conversations_get": Example(path=known),
        "conversations_messages": Example(path=known),
        "conversations_handoff": Example(path=known),
        "conversations_release": Example(path=known),
        "internal_messages_take": Example(body=message()),
        "internal_conversations_take_over": Example(
            body={"contact_id": first["contact_id"], "actor": f"person:{desk.owner}"}
        ),
        "internal_contacts_join": Example(body={"contact_id": first["contact_id"], "into": str(uuid4())}),
    }


_LATER = 700
"""Days until what is waited for: no time that gets free meanwhile is offered to who waits."""


async def _appointment(desk: Desk) -> dict[str, Example]:
    contact, elsewhere = await desk.contact(), await desk.contact()
    free = iter(_times())
    kind = {"service_code": "consulta", "professional_code": "ana"}

    async def booked() -> dict[str, Any]:
        body = kind | {"start": next(free), "patient_name": "Maria Souza", "contact_id": contact}
        made: dict[str, Any] = await desk.staff("appointment", "POST", "/appointments", body)
        return {"appointment_id": made["id"]}

    async def held() -> tuple[dict[str, Any], dict[str, Any]]:
        body = kind | {"start": next(free), "patient_name": "Maria Souza", "contact_id": str(uuid4())}
        made = await desk.internal("appointment", "conversation", "POST", "/holds", body)
        return {"appointment_id": made["id"]}, {"contact_id": body["contact_id"]}

    def wanted(who: str, days: int = 0) -> dict[str, Any]:
        first = _working_day(days)
        dates = {"date_from": first.isoformat(), "date_to": (first + timedelta(days=1)).isoformat()}
        return dates | {"contact_id": who, "patient_name": "Maria Souza", "service_code": "consulta"}

    async def waiting() -> dict[str, Any]:
        made = await desk.internal("appointment", "conversation", "POST", "/waitlist", wanted(str(uuid4()), _LATER))
        return {"wish_id": made["id"]}

    async def offered() -> tuple[dict[str, Any], dict[str, Any]]:
        """Let a held time be one that was offered to somebody who waits."""
        appointment, contact_of_it = await held()
        wish = await waiting()
        await desk.clinic.fetch(
            "UPDATE atendeai.appointment SET waitlist_id = $3 WHERE clinic_id = $1 AND id = $2",
            desk.clinic.id,
            UUID(appointment["appointment_id"]),
            UUID(wish["wish_id"]),
        )
        return appointment, contact_of_it

    of_mine = {"contact_id": contact}
    seen, shown = await booked(), await waiting()
    feed = await desk.staff("appointment", "POST", "/appointments/professionals/bruno/feed")
    to_book, by = await held()
    offer, to = await offered()
    unread, _ = await offered()
    days = {name: wanted(contact)[name] for name in ("date_from", "date_to", "service_code")}
    return {
        "appointments_create": Example(
            body=kind | {"start": next(free), "patient_name": "Maria", "contact_id": contact}
        ),
        "appointments_get": Example(path=seen),
        "appointments_history": Example(path=seen),
        "appointments_cancel": Example(path=await booked(), body={"reason": "viagem", "notify": True}),
        "appointments_confirm": Example(path=await booked()),
        "appointments_reschedule": Example(path=await booked(), body={"start": next(free), "notify": True}),
        "appointments_mark": Example(path=await booked(), body={"status": "entered-in-error"}),
        "slots_search": Example(query=days),
        "feeds_read": Example(path={"secret": feed["path"].rpartition("/")[2].removesuffix(".ics")}),
        "feeds_mint": Example(path={"professional_code": "ana"}),
        "feeds_show": Example(path={"professional_code": "ana"}),
        "feeds_revoke": Example(path={"professional_code": "ana"}),
        "waitlist_join": Example(body=wanted(contact, _LATER)),
        "waitlist_get": Example(path=shown),
        "waitlist_leave": Example(path=await waiting()),
        "internal_appointments_list": Example(query=of_mine),
        "internal_appointments_get": Example(path=seen),
        "internal_appointments_book": Example(path=to_book, body=by),
        "internal_appointments_cancel": Example(path=await booked(), body=of_mine),
        "internal_appointments_confirm": Example(path=await booked(), body=of_mine),
        "internal_appointments_decline": Example(path=offer, body=to),
        "internal_appointments_reschedule": Example(path=await booked(), body=of_mine | {"start": next(free)}),
        "internal_calendar_changes_apply": Example(body=await booked() | {"kind": "overlapped"}),
        "internal_joined": Example(body={"contact_id": elsewhere, "into": contact}),
        "internal_holds_create": Example(body=kind | {"start": next(free), "contact_id": str(uuid4())}),
        "internal_slots_search": Example(body=days),
        "internal_messages_undelivered": Example(body={"key": offer_key(UUID(unread["appointment_id"]))}),
        "internal_waitlist_join": Example(body=wanted(elsewhere, _LATER)),
        "internal_waitlist_list": Example(query=of_mine),
        "internal_waitlist_leave": Example(path=await waiting()),
    }


async def _whatsapp(desk: Desk) -> dict[str, Example]:
    contact, file = await desk.contact(), {"mime_type": "text/plain", "size": len(_FILE), "filename": "preparo.txt"}
    begun = {"media_id": (await desk.staff("whatsapp", "POST", "/whatsapp/media", file))["id"]}
    stored = {"media_id": (await desk.staff("whatsapp", "POST", "/whatsapp/media", file))["id"]}
    plain = desk.clinic.headers("owner", subject=desk.owner) | {"Content-Type": "application/octet-stream"}
    await desk.call("whatsapp", "PUT", f"/api/v1/whatsapp/media/{stored['media_id']}", plain, content=_FILE)
    secrets = desk.clinic.credentials["whatsapp"]
    delivered = {
        "object": "whatsapp_business_account",
        "entry": [
            {
                "id": "1000",
                "changes": [
                    {
                        "field": "messages",
                        "value": {"metadata": {"phone_number_id": desk.clinic.phone_number_id}, "statuses": []},
                    }
                ],
            }
        ],
    }
    signature = hmac.new(secrets["app-secret"].encode(), json.dumps(delivered).encode(), hashlib.sha256).hexdigest()
    question = {"hub.mode": "subscribe", "hub.verify_token": secrets["verify-token"], "hub.challenge": "1158201444"}
    return {
        "whatsapp_media_begin": Example(body=file),
        "whatsapp_media_part": Example(path=begun, query={"offset": 0}, body=_FILE),
        "whatsapp_media_read": Example(path=stored),
        "whatsapp_messages_send": Example(body={"contact_id": contact, "text": "Temos 14h."}),
        "internal_contacts_get": Example(path={"contact_id": contact}),
        "internal_contacts_prefer": Example(path={"contact_id": contact}, body={"opted_out": False}),
        "internal_outbound_queue": Example(
            headers={"Idempotency-Key": str(uuid4())}, body={"contact_id": contact, "text": "Temos 14h."}
        ),
        "webhook_verify": Example(query=question),
        "webhook_receive": Example(body=delivered, headers={"X-Hub-Signature-256": f"sha256={signature}"}),
    }


async def _calendar(desk: Desk) -> dict[str, Example]:
    google = desk.google
    assert google is not None
    client = {
        "account": ACCOUNT,
        "client_id": GOOGLE_CLIENT["client-id"],
        "client_secret": GOOGLE_CLIENT["client-secret"],
    }
    await google.control(
        "POST", "/clients", json=client | {"redirect_uris": [f"https://{desk.clinic.host}{_CALLBACK}"]}
    )

    async def consented() -> dict[str, str]:
        """Ask to be let in and be, as far as Google's page that leads back."""
        url = (await desk.staff("calendar", "POST", "/calendar/oauth/start"))["authorization_url"]
        async with httpx.AsyncClient(transport=google.transport) as browser:
            back = (await browser.get(url)).headers["Location"]
        said = parse_qs(urlsplit(back).query)
        return {name: said[name][0] for name in ("state", "code")}

    await desk.call("calendar", "GET", _CALLBACK, {}, params=await consented())
    again = await consented()

    async def own() -> list[dict[str, Any]]:
        """Return the channels of this clinic: the pool opens others for what other tests left behind."""
        return [one for one in await google.channels() if urlsplit(one["address"]).hostname == desk.clinic.host]

    [channel] = await eventually(own, what="a channel for the clinic's calendar")
    start = datetime.combine(_working_day(), time(9), TZ)
    span = {"time_min": start.isoformat(), "time_max": (start + timedelta(days=1)).isoformat()}
    event = {"start": start.isoformat(), "end": (start + timedelta(minutes=30)).isoformat(), "summary": "Consulta"}
    return {
        "calendar_freebusy": Example(query=span),
        "calendar_oauth_callback": Example(query=again),
        "calendar_push": Example(
            headers={"X-Goog-Channel-ID": channel["id"], "X-Goog-Channel-Token": channel["token"]}
        ),
        "internal_events_put": Example(
            path={"appointment_id": str(uuid4())}, body=event | {"professional_code": "ana", "version": 1}
        ),
        "internal_events_delete": Example(path={"appointment_id": str(uuid4())}),
        "internal_freebusy_read": Example(body=span | {"professional_codes": ["ana"]}),
    }


SEEDS: dict[str, Callable[[Desk], Awaitable[dict[str, Example]]]] = {
    "auth": _auth,
    "user": _user,
    "clinic": _clinic,
    "health": _health,
    "conversation": _conversation,
    "appointment": _appointment,
    "whatsapp": _whatsapp,
    "calendar": _calendar,
}


def _working_day(days: int = 0) -> date:
    """Return a Monday at least a fortnight ahead, and so many days further."""
    day = clock.now().astimezone(TZ).date() + timedelta(days=14 + days)
    return day + timedelta(days=-day.weekday() % 7)


def _times() -> list[str]:
    """Return when Ana has time, in that day's order."""
    first = datetime.combine(_working_day(), time(8), TZ)
    return [(first + timedelta(minutes=30 * number)).isoformat() for number in range(20)]
