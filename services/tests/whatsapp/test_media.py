"""Files: fetched once, checked, kept; voices written down; what staff send."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from atendeai.kit.testing.clinics import TestClinic
from atendeai.kit.testing.waiting import eventually
from atendeai.whatsapp.media import is_metas
from atendeai.whatsapp.media_types import MOST_BYTES, fits, recognise
from fakes.control import Fault
from tests.whatsapp.world import PATIENT, SECONDS, World, signature, webhook

pytestmark = pytest.mark.integration
MEDIA = "/api/v1/whatsapp/media"
OGG = b"OggS\x00\x02" + bytes(range(256)) * 40
JPEG = b"\xff\xd8\xff\xe0" + b"\r\n\x00picture" * 50
PDF = b"%PDF-1.7\n" + b"pedido de exame" * 20
WEBP = b"RIFF\x10\x00\x00\x00WEBPVP8 " + b"x" * 100
MP4 = b"\x00\x00\x00\x18ftypisom" + b"x" * 100
VOICE: dict[str, Any] = {
    "ai": {"privacy": {"acknowledged": True}, "transcription": {"baseURL": "http://voices/v1", "model": "whisper-1"}}
}


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make failed fetches come again at once."""
    monkeypatch.setattr("atendeai.whatsapp.media._LONGEST_PAUSE", 0.05)


async def voice(world: World, clinic: TestClinic, **more: Any) -> str:
    """Let a person send a voice message; Meta's id of it."""
    media = await world.file(clinic, OGG, "audio/ogg; codecs=opus", **more)
    audio = {"id": media, "mime_type": "audio/ogg; codecs=opus", "voice": True}
    await world.inbound(clinic, message={"type": "audio", "audio": audio})
    return media


async def reads(world: World, media: str) -> list[str]:
    answer = await world.fake.get("/_fake/media-reads", params={"media_id": media})
    return [item["step"] for item in answer.json()["items"]]


async def test_files_of_every_kind_are_kept_and_handed_on(pool: World) -> None:
    clinic = await pool.clinic()
    kinds = {
        "image": (JPEG, "image/jpeg"),
        "document": (PDF, "application/pdf"),
        "sticker": (WEBP, "image/webp"),
        "video": (MP4, "video/mp4"),
    }
    for kind, (content, mime_type) in kinds.items():
        media = await pool.file(clinic, content, mime_type)
        named = {"filename": "pedido médico.pdf"} if kind == "document" else {}
        caption = {"caption": "meu exame"} if kind != "sticker" else {}
        message = {"type": kind, kind: {"id": media, "mime_type": mime_type, **named, **caption}}
        await pool.inbound(clinic, message=message)
    taken = await pool.conversation.until(4)
    assert [(item["kind"], item["text"]) for item in taken] == [
        ("image", "meu exame"),
        ("document", "meu exame"),
        ("sticker", ""),
        ("video", "meu exame"),
    ]
    rows = {str(row["id"]): row for row in await pool.media(clinic, "stored", 4)}
    for item in taken:
        content, mime_type = kinds[item["kind"]]
        row = rows[item["media"]["id"]]
        assert item["media"] == {"id": str(row["id"]), "mime_type": mime_type, "transcript": False}
        assert (bytes(row["content"]), row["size"]) == (content, len(content))
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
    document = taken[1]["media"]["id"]
    reader = str(uuid4())
    answer = await pool.service.get(f"{MEDIA}/{document}", headers=clinic.headers("receptionist", subject=reader))
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PDF, "application/pdf")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''pedido%20m%C3%A9dico.pdf"
    assert answer.headers["cache-control"] == "no-store"
    events = await clinic.fetch(
        "SELECT actor, target FROM atendeai.audit_event WHERE clinic_id = $1 AND action = 'whatsapp.media.read'",
        clinic.id,
    )
    assert [tuple(event) for event in events] == [(f"person:{reader}", f"media:{document}")]
    other = await pool.clinic()
    assert (await pool.service.get(f"{MEDIA}/{document}", headers=other.headers())).status_code == 404
    listed = (await pool.service.get("/api/v1/whatsapp/messages", headers=clinic.headers())).json()["items"]
    assert "pedido médico.pdf" in [item["media"]["filename"] for item in listed]


async def test_a_voice_is_written_down_and_its_order_kept(pool: World) -> None:
    clinic = await pool.clinic(settings=VOICE, credentials={"ai": {"api-key": "k"}})
    pool.voices.state.voices.api_key = "k"
    pool.voices.state.voices.heard = " Quero marcar uma consulta. "
    await voice(pool, clinic)
    await pool.inbound(clinic, "para amanhã")
    taken = await pool.conversation.until(2)
    assert [(item["kind"], item["text"]) for item in taken] == [
        ("audio", "Quero marcar uma consulta."),
        ("text", "para amanhã"),
    ]
    assert taken[0]["media"]["transcript"] is True
    assert taken[0]["media"]["mime_type"] == "audio/ogg"


@pytest.mark.parametrize("why", ["none", "no consent", "fails", "wrong key", "silence"])
async def test_a_voice_that_cannot_be_written_down_is_handed_on_without_words(pool: World, why: str) -> None:
    settings: dict[str, Any] = {"ai": {"transcription": None}} if why == "none" else VOICE
    if why == "no consent":
        settings = {"ai": {**VOICE["ai"], "privacy": {"acknowledged": False}}}
    clinic = await pool.clinic(settings=settings)
    pool.voices.state.voices.api_key = "another" if why == "wrong key" else None
    pool.voices.state.voices.heard = "  " if why == "silence" else "ouvi"
    if why == "fails":
        pool.voices.state.faults.add(Fault.model_validate({"operation": "transcribe", "http_status": 500}))
    await voice(pool, clinic)
    (taken,) = await pool.conversation.until(1)
    assert (taken["kind"], taken["text"], taken["media"]["transcript"]) == ("audio", "", False)


async def test_a_webhook_that_comes_twice_fetches_once(pool: World) -> None:
    clinic = await pool.clinic()
    media = await pool.file(clinic, JPEG, "image/jpeg")
    message = {"type": "image", "image": {"id": media, "mime_type": "image/jpeg"}}
    sent = await pool.inbound(clinic, message=message, copies=5)
    await pool.conversation.until(1)
    await pool.inbound(clinic, message=message, wamid=sent["wamid"])
    assert await pool.count(clinic, "whatsapp_media") == 1
    await pool.inbound(clinic, "pronto")
    await pool.conversation.until(2)
    assert await reads(pool, media) == ["address", "download"]


async def test_a_file_that_does_not_come_holds_nobody_back_for_long(
    pool: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atendeai.whatsapp.inbox.HOLD", timedelta(seconds=0.6))
    monkeypatch.setattr("atendeai.whatsapp.media._LONGEST_PAUSE", 0.4)
    clinic = await pool.clinic()
    await pool.fault(operation="download", http_status=503, count=4)
    media = await voice(pool, clinic)
    await pool.inbound(clinic, "alô?")
    taken = await pool.conversation.until(2)
    assert [(item["kind"], item["text"]) for item in taken] == [("audio", ""), ("text", "alô?")]
    assert taken[0]["media"]["mime_type"] == "audio/ogg; codecs=opus"
    # It is kept all the same, once it comes.
    (row,) = await pool.media(clinic, "stored")
    assert row["attempts"] == 4
    assert (await reads(pool, media)).count("download") == 1


async def test_an_emergency_does_not_wait_for_the_file_before_it(pool: World) -> None:
    clinic = await pool.clinic()
    await pool.fault(operation="download", http_status=503, count=0)
    await voice(pool, clinic)
    await pool.inbound(clinic, "alô?")
    await pool.inbound(clinic, "meu pai desmaiou e não acorda")
    (taken,) = await pool.conversation.until(1)
    assert taken["text"] == "meu pai desmaiou e não acorda"
    (await pool.fake.delete("/_fake/faults")).raise_for_status()
    all_three = await pool.conversation.until(3)
    assert [(item["kind"], item["text"]) for item in all_three[1:]] == [("audio", ""), ("text", "alô?")]


@pytest.mark.parametrize(
    ("content", "mime_type", "more", "problem"),
    [
        (b"MZ\x90\x00 not a picture", "image/jpeg", {}, "type"),
        (PDF, "image/jpeg", {}, "type"),
        (JPEG, "image/jpeg", {"declared_size": MOST_BYTES + 1}, "larger"),
        (JPEG + b"x" * MOST_BYTES, "image/jpeg", {"declared_size": 10}, "larger"),
        (JPEG, "image/jpeg", {"address": "http://evil.example.com/steal"}, "Meta's"),
        (JPEG, "image/jpeg", {"address": "https://lookaside.fbsbx.com.evil.example/x"}, "Meta's"),
    ],
)
async def test_a_file_that_is_not_taken_is_refused_and_its_message_goes_on(
    pool: World, content: bytes, mime_type: str, more: dict[str, Any], problem: str
) -> None:
    clinic = await pool.clinic()
    media = await pool.file(clinic, content, mime_type, **more)
    await pool.inbound(clinic, message={"type": "image", "image": {"id": media, "mime_type": mime_type}})
    (taken,) = await pool.conversation.until(1)
    assert (taken["kind"], "media" in taken) == ("image", False)
    (row,) = await pool.media(clinic, "refused")
    assert problem in row["problem"]
    assert row["content"] is None
    assert (await pool.service.get(f"{MEDIA}/{row['id']}", headers=clinic.headers())).status_code == 404


async def test_a_token_that_is_refused_is_tried_again_later(pool: World) -> None:
    clinic = await pool.clinic()
    await pool.fault(operation="media", code=190, count=2)
    await voice(pool, clinic)
    (taken,) = await pool.conversation.until(1)
    assert taken["media"]["mime_type"] == "audio/ogg"
    assert (await pool.media(clinic, "stored"))[0]["attempts"] == 2


async def test_whoever_deletes_old_messages_deletes_their_files(pool: World) -> None:
    clinic = await pool.clinic()
    await voice(pool, clinic)
    await pool.media(clinic, "stored")
    await pool.conversation.until(1)
    async with pool.service.kit.database.transaction(clinic.id) as connection:
        await connection.exec_driver_sql(f"DELETE FROM atendeai.whatsapp_inbound WHERE clinic_id = '{clinic.id}'")
    assert await pool.count(clinic, "whatsapp_media") == 0


async def test_what_was_handed_on_is_marked_as_read(pool: World) -> None:
    clinic = await pool.clinic()
    await pool.fault(operation="read", code=2, count=1)
    pool.conversation.answers = True
    sent = await pool.inbound(clinic, "Olá")
    await pool.conversation.until(1)

    async def marked() -> Any:
        answer = await pool.fake.get("/_fake/reads", params={"phone_number_id": clinic.phone_number_id})
        return answer.json()["items"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("atendeai.whatsapp.markers._AGAIN", timedelta(seconds=0.1))
        second = await pool.inbound(clinic, "tudo bem?")
        found = await eventually(marked, seconds=SECONDS, what="a read marker")
    assert (found[-1]["wamid"] in (sent["wamid"], second["wamid"]), found[-1]["typing"]) == (True, True)

    async def all_known() -> bool:
        rows = await clinic.fetch(
            "SELECT 1 FROM atendeai.whatsapp_inbound WHERE clinic_id = $1 AND read_marked_at IS NULL", clinic.id
        )
        return not rows

    await eventually(all_known, seconds=SECONDS, what="every message marked")


# ------------------------------------------------------------ what staff send
async def upload(world: World, clinic: TestClinic, content: bytes, mime_type: str, part: int = 1 << 20) -> str:
    """Upload a file in parts; its id."""
    headers = clinic.headers("receptionist")
    begun = await world.service.post(
        MEDIA, json={"mime_type": mime_type, "size": len(content), "filename": "mapa.png"}, headers=headers
    )
    assert begun.status_code == 201, begun.text
    media = str(begun.json()["id"])
    for offset in range(0, len(content), part):
        body = content[offset : offset + part]
        put = await world.service.put(f"{MEDIA}/{media}", params={"offset": offset}, content=body, headers=headers)
        assert put.status_code == 200, put.text
    assert put.json()["state"] == "stored"
    return media


async def test_staff_send_a_file_in_parts_with_a_caption(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    picture = b"\x89PNG\r\n\x1a\n" + b"\r\n--x" * 500_000
    media = await upload(pool, clinic, picture, "image/png", part=1 << 19)
    headers = clinic.headers("receptionist")
    body = {"contact_id": str(contact), "media_id": media, "text": "Como chegar"}
    await pool.fault(operation="messages", code=131000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("atendeai.whatsapp.outbox.pause", lambda *_: timedelta(seconds=0.1))
        answer = await pool.service.post("/api/v1/whatsapp/messages", json=body, headers=headers)
        assert answer.status_code == 202, answer.text
        row = await pool.outbound(clinic, answer.json()["id"], "read")
    assert (row["kind"], row["attempts"]) == ("image", 2)
    (sent,) = await pool.received(clinic)
    assert (sent["type"], sent["text"]) == ("image", "Como chegar")
    held = (await pool.fake.get(f"/_fake/media/{sent['payload']['image']['id']}")).json()
    assert (held["sha256"], held["mime_type"]) == (hashlib.sha256(picture).hexdigest(), "image/png")
    listed = (await pool.service.get("/api/v1/whatsapp/messages", headers=headers)).json()["items"][0]
    assert (listed["kind"], listed["text"], listed["media"]["size"]) == ("image", "Como chegar", len(picture))


async def test_a_file_is_given_to_meta_anew_once_it_forgets_it(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    media = await upload(pool, clinic, PDF, "application/pdf")
    body = {"contact_id": str(contact), "media_id": media}
    for days in (0, 0, 30):
        await clinic.fetch(
            "UPDATE atendeai.whatsapp_media SET created_at = now() - $2::interval WHERE clinic_id = $1",
            clinic.id,
            timedelta(days=days),
        )
        answer = await pool.service.post("/api/v1/whatsapp/messages", json=body, headers=clinic.headers())
        await pool.outbound(clinic, answer.json()["id"], "read")
    first, second, third = [item["payload"]["document"]["id"] for item in await pool.received(clinic, 3)]
    assert first == second != third


async def test_a_file_that_meta_does_not_take_is_a_failure_that_is_shown(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    media = await upload(pool, clinic, PDF, "application/pdf")
    await pool.fault(operation="upload", code=131053)
    body = {"contact_id": str(contact), "media_id": media}
    answer = await pool.service.post("/api/v1/whatsapp/messages", json=body, headers=clinic.headers())
    assert (await pool.outbound(clinic, answer.json()["id"], "failed"))["error_code"] == 131053


async def test_what_an_upload_may_be(pool: World) -> None:
    clinic = await pool.clinic()
    contact = await pool.contact(clinic)
    headers = clinic.headers()
    for body in (
        {"mime_type": "application/x-msdownload", "size": 10},
        {"mime_type": "image/png", "size": 6 << 20},
        {"mime_type": "audio/ogg", "size": MOST_BYTES + 1},
        {"mime_type": "image/png", "size": 0},
        {"mime_type": "image/png", "size": 10, "filename": "../../etc/passwd"},
    ):
        assert (await pool.service.post(MEDIA, json=body, headers=headers)).status_code == 422, body
    begun = (await pool.service.post(MEDIA, json={"mime_type": "image/png", "size": 12}, headers=headers)).json()
    url = f"{MEDIA}/{begun['id']}"
    early = await pool.service.put(url, params={"offset": 4}, content=b"1234", headers=headers)
    assert (early.status_code, early.json()["type"]) == (409, "urn:atendeai:problem:wrong-offset")
    assert (await pool.service.put(url, content=b"x" * 13, headers=headers)).status_code == 422
    unsent = {"contact_id": str(contact), "media_id": begun["id"]}
    assert (await pool.service.post("/api/v1/whatsapp/messages", json=unsent, headers=headers)).status_code == 404
    wrong = await pool.service.put(url, content=b"<html>hello>", headers=headers)
    assert (wrong.status_code, wrong.json()["type"]) == (422, "urn:atendeai:problem:wrong-type")
    sound = await upload(pool, clinic, OGG, "audio/ogg")
    spoken = {"contact_id": str(contact), "media_id": sound, "text": "ouça"}
    assert (await pool.service.post("/api/v1/whatsapp/messages", json=spoken, headers=headers)).status_code == 422
    empty = await pool.service.post("/api/v1/whatsapp/messages", json={"contact_id": str(contact)}, headers=headers)
    assert empty.status_code == 422


# ------------------------------------------------------------ the pure rooms
def test_what_a_file_is() -> None:
    office = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    for content, declared, expected in (
        (JPEG, None, "image/jpeg"),
        (OGG, "image/png", "audio/ogg"),
        (WEBP, None, "image/webp"),
        (MP4, None, "video/mp4"),
        (b"\x00\x00\x00\x18ftypM4A x", None, "audio/mp4"),
        (b"\x00\x00\x00\x18ftyp3gp4x", None, "video/3gpp"),
        (b"\xff\xf1\x50", None, "audio/aac"),
        (b"\xff\xfb\x90", None, "audio/mpeg"),
        (b"PK\x03\x04..", office, office),
        (b"PK\x03\x04..", "application/zip", None),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword", "application/msword"),
        ("olá".encode(), "text/plain; charset=utf-8", "text/plain"),
        ("olá".encode(), None, None),
        (b"a\x00b", "text/plain", None),
        (b"\x7fELF", "text/plain", "text/plain"),
        (b"", "image/png", None),
    ):
        assert recognise(content, declared) == expected, (content, declared)
    assert fits("audio", "video/mp4")
    assert not fits("image", "application/pdf")
    assert fits("document", "image/png")
    assert not fits("order", "image/png")


def test_whose_hosts_see_the_token() -> None:
    base = "https://graph.facebook.com"
    assert is_metas("https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1", base)
    assert is_metas("https://graph.facebook.com/x", base)
    for url in (
        "http://lookaside.fbsbx.com/x",
        "https://fbsbx.com.evil.example/x",
        "https://evilfbsbx.com/x",
        "https://graph.facebook.com@evil.example/x",
        "https://graph.facebook.com:8443/x",
        "file:///etc/passwd",
        "http://169.254.169.254/latest",
        "",
        "::",
    ):
        assert not is_metas(url, base), url


async def test_a_file_without_an_id_and_odd_files(pool: World) -> None:
    clinic = await pool.clinic()
    odd: list[Any] = ["text", None, {"id": 5}, {"id": ""}, {"id": "x" * 900}, {"mime_type": "a" * 900}]
    value = {
        "contacts": [{"profile": {"name": "Maria"}, "wa_id": PATIENT}],
        "messages": [
            {"from": PATIENT, "id": f"wamid.{n}", "timestamp": "1790000000", "type": "image", "image": image}
            for n, image in enumerate(odd)
        ],
    }
    body = webhook(clinic.phone_number_id, value)
    headers = {**signature(body, clinic.credentials["whatsapp"]["app-secret"]), "Host": clinic.host}
    assert (await pool.service.post("/webhook/whatsapp", content=body, headers=headers)).status_code == 200
    taken = await pool.conversation.until(len(odd))
    assert {item["kind"] for item in taken} == {"image"}
    assert await pool.count(clinic, "whatsapp_media") == 0
