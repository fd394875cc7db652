"""The service on a real PostgreSQL and Redis, with the real appointment service behind it and a stand-in WhatsApp."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from atendeai.appointment.app import create_app as create_appointment
from atendeai.conversation.app import create_app
from atendeai.kit import clock
from atendeai.kit.resources import Kit
from atendeai.kit.testing.clinics import PROFILE, TestClinic
from atendeai.kit.testing.peers import Peers
from atendeai.kit.testing.plugin import ClinicFactory
from atendeai.kit.testing.waiting import eventually

pytestmark = pytest.mark.integration

EVERY_DAY = {day: [{"opens": "07:00", "closes": "21:00"}] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
OPEN_ALWAYS = {**PROFILE, "businessHours": EVERY_DAY, "holidays": []}


class WhatsApp:
    """Takes replies like the whatsapp service; can be told to fail, and to lose its answers."""

    def __init__(self) -> None:
        self.sent: dict[str, dict[str, Any]] = {}
        self.calls = 0
        self.fail_with: list[int] = []
        self.app = FastAPI()

        @self.app.post("/internal/v1/outbound")
        async def outbound(request: Request) -> Response:
            self.calls += 1
            if self.fail_with:
                status = self.fail_with.pop(0)
                return JSONResponse({"type": "urn:atendeai:problem:told-to", "status": status}, status)
            key = request.headers["Idempotency-Key"]
            self.sent.setdefault(key, {**await request.json(), "outbound_id": str(uuid4())})
            return JSONResponse({"outbound_id": self.sent[key]["outbound_id"]}, 202)

    def texts(self, contact: UUID) -> list[str]:
        return [one["text"] for one in self.sent.values() if one["contact_id"] == str(contact)]


async def _nowhere(_: Any) -> None:
    """Where lost answers go."""


class FlakyAppointment:
    """Stands before the appointment service and can swallow answers after the work was done."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.lose: list[str] = []
        self.down = False
        self.hang: str | None = None
        self.hung = False
        self.seen: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        self.seen.append(path)
        if self.down:
            await JSONResponse({"type": "about:blank", "status": 503}, 503)(scope, receive, send)
            return
        if self.hang is not None and self.hang in path:
            self.hang = None
            await self.app(scope, receive, _nowhere)
            self.hung = True
            await asyncio.Event().wait()
        lost = next((part for part in self.lose if part in path), None)
        if lost is None:
            await self.app(scope, receive, send)
            return
        self.lose.remove(lost)
        await self.app(scope, receive, _nowhere)
        await JSONResponse({"type": "about:blank", "status": 500}, 500)(scope, receive, send)


class World:
    """One clinic with its conversation and appointment services running."""

    def __init__(
        self, clinic: TestClinic, client: httpx.AsyncClient, whatsapp: WhatsApp, appointment: FlakyAppointment
    ) -> None:
        self.clinic = clinic
        self.client = client
        self.whatsapp = whatsapp
        self.appointment = appointment

    def beside(self, clinic: TestClinic) -> World:
        """Another clinic of the same processes."""
        return World(clinic, self.client, self.whatsapp, self.appointment)

    def message(self, contact: UUID, text: str, name: str | None = "Maria Souza", **more: Any) -> dict[str, Any]:
        return {
            "message_id": str(uuid4()),
            "wamid": f"wamid.{uuid4().hex}",
            "contact_id": str(contact),
            "contact": {"wa_id": "5511987654321", **({"name": name} if name else {})},
            "kind": "text",
            "text": text,
            "sent_at": clock.now().isoformat(),
            **more,
        }

    async def post(self, message: dict[str, Any]) -> httpx.Response:
        return await self.client.post(
            "/internal/v1/messages",
            json=message,
            headers=self.clinic.service_headers("whatsapp", message["message_id"]),
        )

    async def say(self, contact: UUID, text: str, **more: Any) -> str:
        """One message, and the attendant's answer to it."""
        before = len(self.whatsapp.texts(contact))
        assert (await self.post(self.message(contact, text, **more))).status_code == 202
        await eventually(lambda: len(self.whatsapp.texts(contact)) > before, seconds=20)
        return self.whatsapp.texts(contact)[-1]

    async def appointments(self, contact: UUID) -> list[Any]:
        return await self.clinic.fetch(
            "SELECT * FROM atendeai.appointment WHERE clinic_id = $1 AND contact_id = $2 ORDER BY created_at",
            self.clinic.id,
            contact,
        )


MakeWorld = Callable[..., Awaitable[World]]


@asynccontextmanager
async def conversation_of(clinic: TestClinic, peers: Peers) -> AsyncIterator[httpx.AsyncClient]:
    """One process of the conversation service, from start to stop."""
    settings = clinic.service_settings("conversation")
    app = create_app(settings, kit=Kit(settings, peers=peers))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://service") as client,
    ):
        yield client


@pytest_asyncio.fixture
async def make_world(clinic_factory: ClinicFactory) -> Any:
    async with AsyncExitStack() as stack:

        async def make(**values: Any) -> World:
            clinic = await clinic_factory(**{"profile": OPEN_ALWAYS, **values})
            booking = create_appointment(clinic.service_settings("appointment"))
            await stack.enter_async_context(booking.router.lifespan_context(booking))
            whatsapp, flaky = WhatsApp(), FlakyAppointment(booking)
            peers = Peers({"appointment": flaky, "whatsapp": whatsapp.app})
            client = await stack.enter_async_context(conversation_of(clinic, peers))
            return World(clinic, client, whatsapp, flaky)

        yield make


@pytest.mark.parametrize("isolation", ["Dedicated", "Shared"])
async def test_a_patient_books(make_world: MakeWorld, isolation: str) -> None:
    world = await make_world(isolation=isolation)
    contact = uuid4()
    offer = await world.say(contact, "Olá, quero marcar uma consulta amanhã às 14h")
    assert "às 14h" in offer
    assert "Dra. Ana Souza" in offer
    assert "Maria Souza" in offer
    answer = await world.say(contact, "pode ser")
    assert answer.startswith("Agendado!")
    (appointment,) = await world.appointments(contact)
    assert (appointment["status"], appointment["patient_name"]) == ("booked", "Maria Souza")
    assert appointment["starts_at"].astimezone(world.clinic.tenant.config.tz).hour == 14


async def test_moving_and_cancelling(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    await world.say(contact, "quero marcar consulta amanhã às 9h")
    await world.say(contact, "sim")
    assert "16h" in await world.say(contact, "preciso remarcar para amanhã às 16h")
    assert (await world.say(contact, "confirmo")).startswith("Remarcado!")
    (moved,) = await world.appointments(contact)
    assert moved["starts_at"].astimezone(world.clinic.tenant.config.tz).hour == 16
    assert "16h" in await world.say(contact, "quando é minha consulta?")
    assert "Presença confirmada" in await world.say(contact, "quero confirmar minha presença")
    assert "cancelamento" in await world.say(contact, "quero cancelar minha consulta")
    assert (await world.say(contact, "sim")).startswith("Cancelado")
    (gone,) = await world.appointments(contact)
    assert gone["status"] == "cancelled"


async def test_the_same_message_many_times_is_answered_once(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    message = world.message(contact, "qual o endereço?")
    answers = await asyncio.gather(*(world.post(message) for _ in range(10)))
    assert {a.status_code for a in answers} == {202}
    await eventually(lambda: world.whatsapp.texts(contact))
    await world.say(contact, "obrigado")
    assert len(world.whatsapp.texts(contact)) == 2
    rows = await world.clinic.fetch(
        "SELECT id FROM atendeai.conversation_message WHERE clinic_id = $1", world.clinic.id
    )
    assert len(rows) == 2


async def test_two_patients_who_want_one_time(make_world: MakeWorld) -> None:
    world = await make_world(
        profile={**OPEN_ALWAYS, "professionals": [{"code": "ana", "name": "Dra. Ana", "services": ["consulta"]}]}
    )
    first, second = uuid4(), uuid4()
    assert "às 11h" in await world.say(first, "quero marcar consulta amanhã às 11h")
    assert "Não tenho horário livre" in await world.say(second, "quero marcar consulta amanhã às 11h", name="Rui Sá")
    assert (await world.say(second, "pode ser")).startswith("Agendado!")
    assert (await world.say(first, "pode ser")).startswith("Agendado!")
    (one,), (other,) = await world.appointments(first), await world.appointments(second)
    assert one["starts_at"] != other["starts_at"]


async def test_messages_are_handled_in_order(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    for text in ("quero marcar consulta amanhã às 10h", "sim", "obrigada"):
        assert (await world.post(world.message(contact, text))).status_code == 202
    await eventually(lambda: len(world.whatsapp.texts(contact)) == 3, seconds=20)
    texts = world.whatsapp.texts(contact)
    assert "Pode ser?" in texts[0]
    assert texts[1].startswith("Agendado!")
    assert texts[2].startswith("Por nada")


@pytest.mark.parametrize("lost", ["/holds", "/book", "/slots/search"])
async def test_a_lost_answer_books_once(make_world: MakeWorld, lost: str) -> None:
    world = await make_world()
    contact = uuid4()
    world.appointment.lose = [lost]
    assert "às 11h" in await world.say(contact, "quero marcar consulta amanhã às 11h")
    assert (await world.say(contact, "sim")).startswith("Agendado!")
    assert not world.appointment.lose
    live = [a for a in await world.appointments(contact) if a["status"] != "cancelled"]
    assert [a["status"] for a in live] == ["booked"]
    assert len(world.whatsapp.texts(contact)) == 2


async def test_nothing_is_lost_while_the_others_are_down(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    world.appointment.down = True
    message = world.message(contact, "quero marcar consulta amanhã às 15h")
    assert (await world.post(message)).status_code == 202
    await eventually(lambda: world.appointment.seen)
    world.whatsapp.fail_with = [503, 503, 503, 401]
    world.appointment.down = False
    await eventually(lambda: world.whatsapp.texts(contact), seconds=30)
    assert len(world.whatsapp.texts(contact)) == 1
    assert "às 15h" in world.whatsapp.texts(contact)[0]


async def test_a_process_that_dies_in_the_middle_is_followed_by_another(clinic_factory: Any) -> None:
    clinic = await clinic_factory(profile=OPEN_ALWAYS)
    booking = create_appointment(clinic.service_settings("appointment"))
    async with booking.router.lifespan_context(booking):
        whatsapp, flaky = WhatsApp(), FlakyAppointment(booking)
        peers = Peers({"appointment": flaky, "whatsapp": whatsapp.app})
        contact = uuid4()
        flaky.hang = "/holds"
        async with conversation_of(clinic, peers) as client:
            world = World(clinic, client, whatsapp, flaky)
            await world.post(world.message(contact, "quero marcar consulta amanhã às 17h"))
            await eventually(lambda: flaky.hung)
        # It ended after the hold was made and before its answer came.
        assert len(await world.appointments(contact)) == 1
        assert whatsapp.texts(contact) == []
        async with conversation_of(clinic, peers) as client:
            await eventually(lambda: whatsapp.texts(contact), seconds=60)
            world = World(clinic, client, whatsapp, flaky)
            assert (await world.say(contact, "pode ser")).startswith("Agendado!")
        (appointment,) = await world.appointments(contact)
        assert appointment["status"] == "booked"
        assert "às 17h" in whatsapp.texts(contact)[0]
        assert len(whatsapp.texts(contact)) == 2


async def test_a_refused_reply_is_shown_to_staff(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    world.whatsapp.fail_with = [404]
    await world.post(world.message(contact, "onde fica?"))
    headers = world.clinic.headers("receptionist")

    async def alerted() -> bool:
        page = (await world.client.get("/api/v1/conversations", params={"alerted": True}, headers=headers)).json()
        return [c["alert"] for c in page["items"]] == ["undelivered"]

    await eventually(alerted)
    assert await world.say(contact, "onde fica?")  # what comes after is not held back


async def test_staff_reads_takes_over_and_gives_back(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    await world.say(contact, "bom dia")
    await world.say(contact, "quero falar com um atendente")
    headers = world.clinic.headers("receptionist")
    page = (await world.client.get("/api/v1/conversations?status=handed_off", headers=headers)).json()
    (conversation,) = page["items"]
    assert (conversation["status"], conversation["alert"]) == ("handed_off", "human")
    assert conversation["contact_name"] == "Maria Souza"
    path = f"/api/v1/conversations/{conversation['id']}"

    await world.post(world.message(contact, "alguém aí?"))

    async def handled() -> bool:
        shown = (await world.client.get(f"{path}/messages", headers=headers)).json()["items"]
        return len(shown) == 5 and all(e["state"] != "received" for e in shown)

    await eventually(handled)
    assert len(world.whatsapp.texts(contact)) == 2  # the machine keeps quiet

    released = await world.client.post(f"{path}/release", headers=headers)
    assert (released.json()["status"], released.json()["alert"]) == ("open", None)
    assert "Estamos em" in await world.say(contact, "qual o endereço?")
    taken = await world.client.post(f"{path}/handoff", headers=headers)
    assert taken.json()["status"] == "handed_off"

    shown = (await world.client.get(f"{path}/messages?limit=3", headers=headers)).json()
    assert [e["author"] for e in shown["items"]] == ["attendant", "patient", "patient"]
    rest = await world.client.get(f"{path}/messages", params={"before": shown["next_before"]}, headers=headers)
    assert [e["position"] for e in rest.json()["items"]] == [4, 3, 2, 1]
    audited = await world.clinic.fetch(
        "SELECT action FROM atendeai.audit_event WHERE clinic_id = $1 AND target = $2",
        world.clinic.id,
        f"conversation:{conversation['id']}",
    )
    assert {"conversation.messages.read", "conversation.handoff", "conversation.release"} <= {
        row["action"] for row in audited
    }


async def test_an_emergency_calls_a_person(make_world: MakeWorld) -> None:
    world = await make_world()
    contact = uuid4()
    assert "192" in await world.say(contact, "meu pai desmaiou e não acorda")
    headers = world.clinic.headers("owner")
    (conversation,) = (await world.client.get("/api/v1/conversations", headers=headers)).json()["items"]
    assert (conversation["alert"], conversation["outcome"]) == ("emergency", "emergency")


async def test_lists_page_by_page(make_world: MakeWorld) -> None:
    world = await make_world()
    contacts = [uuid4() for _ in range(5)]
    for contact in contacts:
        await world.post(world.message(contact, "oi"))
    headers = world.clinic.headers("owner")
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params: dict[str, int | str] = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await world.client.get("/api/v1/conversations", params=params, headers=headers)).json()
        seen += [c["contact_id"] for c in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [str(c) for c in reversed(contacts)]
    bad = await world.client.get("/api/v1/conversations?cursor=xyz", headers=headers)
    assert bad.status_code == 422
    assert bad.json()["errors"][0]["field"] == "cursor"


@pytest.mark.parametrize("isolation", ["Dedicated", "Shared"])
async def test_clinics_see_nothing_of_each_other(
    make_world: MakeWorld, clinic_factory: ClinicFactory, isolation: str
) -> None:
    one = await make_world(isolation=isolation)
    if isolation == "Dedicated":
        other = await make_world(isolation=isolation)
    else:  # one pool serves both: a second one might take the first clinic's work, and rightly so
        other = one.beside(await clinic_factory(profile=OPEN_ALWAYS))
    contact = uuid4()
    await one.say(contact, "oi")
    headers = one.clinic.headers("owner")
    (conversation,) = (await one.client.get("/api/v1/conversations", headers=headers)).json()["items"]
    theirs = other.clinic.headers("owner")
    assert (await other.client.get("/api/v1/conversations", headers=theirs)).json()["items"] == []
    path = f"/api/v1/conversations/{conversation['id']}"
    assert (await other.client.get(path, headers=theirs)).status_code == 404
    assert (await other.client.post(f"{path}/handoff", headers=theirs)).status_code == 404


async def test_who_may_hand_messages_on(make_world: MakeWorld) -> None:
    world = await make_world()
    message = world.message(uuid4(), "oi")
    anonymous = await world.client.post(
        "/internal/v1/messages", json=message, headers={"X-Clinic-ID": str(world.clinic.id)}
    )
    assert anonymous.status_code == 401
    stranger = await world.client.post(
        "/internal/v1/messages", json=message, headers=world.clinic.service_headers("calendar")
    )
    assert stranger.status_code == 403
    nobody = await world.client.get("/api/v1/conversations", headers={"Host": world.clinic.host})
    assert nobody.status_code == 401


async def test_what_is_not_text_is_asked_for_in_words(make_world: MakeWorld) -> None:
    world = await make_world()
    assert "texto" in await world.say(uuid4(), "", kind="audio")
