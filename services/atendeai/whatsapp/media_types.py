"""What a file is, judged by its first bytes and not by what its sender calls it. Pure.

Source: the formats' own signatures (RFC 2083, RFC 6386 with RFC 9649, RFC 3533, RFC 4867, ISO 14496-12, ISO 32000);
developers.facebook.com, "WhatsApp Cloud API: supported media types".
"""

from __future__ import annotations

MIB = 1024 * 1024
MOST_BYTES = 16 * MIB
"""What is kept of one file, until an object store holds them."""

_OFFICE = "application/vnd.openxmlformats-officedocument."
_ZIPPED = frozenset({f"{_OFFICE}{name}" for name in ("wordprocessingml.document", "spreadsheetml.sheet")}) | {
    f"{_OFFICE}presentationml.presentation"
}
_OLE = frozenset({"application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"})
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"%PDF-", "application/pdf"),
    (b"OggS", "audio/ogg"),
    (b"#!AMR", "audio/amr"),
    (b"ID3", "audio/mpeg"),
)
_MPEG = (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")
_ADTS = (b"\xff\xf1", b"\xff\xf9")
_BRANDS = {b"M4A ": "audio/mp4", b"M4B ": "audio/mp4"}
_SNIFFED = 4096

ALLOWED: dict[str, frozenset[str]] = {
    # Voices also come in containers that could hold a picture.
    "audio": frozenset({"audio/ogg", "audio/amr", "audio/mpeg", "audio/aac", "audio/mp4", "video/mp4", "video/3gpp"}),
    "image": frozenset({"image/jpeg", "image/png", "image/webp"}),
    "sticker": frozenset({"image/webp"}),
    "video": frozenset({"video/mp4", "video/3gpp"}),
}
_DOCUMENTS = frozenset({"application/pdf", "text/plain", "image/jpeg", "image/png"}) | _ZIPPED | _OLE

SENT_AS: dict[str, tuple[str, int]] = {
    **dict.fromkeys(("image/jpeg", "image/png"), ("image", 5 * MIB)),
    "image/webp": ("sticker", 500 * 1024),
    **dict.fromkeys(("video/mp4", "video/3gpp"), ("video", MOST_BYTES)),
    **dict.fromkeys(("audio/ogg", "audio/amr", "audio/mpeg", "audio/aac", "audio/mp4"), ("audio", MOST_BYTES)),
    **dict.fromkeys(("application/pdf", "text/plain", *sorted(_ZIPPED | _OLE)), ("document", MOST_BYTES)),
}
"""As what kind of message a file is sent, and how many bytes Meta takes of it."""

EXTENSIONS = {
    "audio/ogg": "ogg",
    "audio/amr": "amr",
    "audio/mpeg": "mp3",
    "audio/aac": "aac",
    "audio/mp4": "m4a",
    "video/mp4": "mp4",
    "video/3gpp": "3gp",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "text/plain": "txt",
}


def bare(mime_type: str | None) -> str:
    """Return a media type without its parameters: `audio/ogg; codecs=opus` is `audio/ogg`."""
    return (mime_type or "").partition(";")[0].strip().lower()


def recognise(content: bytes, declared: str | None) -> str | None:  # noqa: PLR0911 - one line for each family
    """Return the type of a file; None for what is not one of the types that are kept.

    `declared` only tells apart what has one signature in common (the formats of Office).
    """
    named = bare(declared)
    for signature, mime_type in _SIGNATURES:
        if content.startswith(signature):
            return mime_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp":
        brand = content[8:12]
        return _BRANDS.get(brand) or ("video/3gpp" if brand.startswith(b"3g") else "video/mp4")
    if content.startswith(_ADTS):
        return "audio/aac"
    if content.startswith(_MPEG):
        return "audio/mpeg"
    if content.startswith(b"PK\x03\x04"):
        return named if named in _ZIPPED else None
    if content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return named if named in _OLE else None
    return "text/plain" if named == "text/plain" and _is_text(content[:_SNIFFED]) else None


def fits(kind: str, mime_type: str) -> bool:
    """Whether a message of this kind may carry such a file."""
    return mime_type in (_DOCUMENTS if kind == "document" else ALLOWED.get(kind, frozenset()))


def _is_text(head: bytes) -> bool:
    if b"\x00" in head:
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True
