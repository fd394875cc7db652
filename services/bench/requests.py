"""The requests of a load, written beforehand: signing them must not be part of what is measured."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Sequence
from datetime import date, timedelta

from atendeai.kit.testing.clinics import TestClinic

PATIENTS = 500


def webhooks(clinics: Sequence[TestClinic], count: int) -> list[bytes]:
    """Webhooks of one text message each, none like another, in turn for each clinic."""
    made, now = [], int(time.time())
    for index in range(count):
        clinic = clinics[index % len(clinics)]
        sender = f"55119{80000000 + index * 7919 % PATIENTS}"
        message = {
            "from": sender,
            "id": f"wamid.{uuid.uuid4().hex}",
            "timestamp": str(now),
            "type": "text",
            "text": {"body": "Olá, quero marcar uma consulta amanhã às 14h"},
        }
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "5511999990000", "phone_number_id": clinic.phone_number_id},
            "contacts": [{"profile": {"name": "Maria Souza"}, "wa_id": sender}],
            "messages": [message],
        }
        entry = {"id": "1000", "changes": [{"value": value, "field": "messages"}]}
        body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
        secret = str(clinic.credentials["whatsapp"]["app-secret"]).encode()
        signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
        head = (
            f"POST /webhook/whatsapp HTTP/1.1\r\nHost: {clinic.host}\r\nContent-Type: application/json\r\n"
            f"X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


def reads(clinic: TestClinic, days: Sequence[date], count: int, *, people: int = 16) -> list[bytes]:
    """Reads of a day's first twenty appointments, by several people of the clinic."""
    tokens = [clinic.token("receptionist", seconds=3600) for _ in range(people)]
    return [
        (
            f"GET /api/v1/appointments?date={days[index % len(days)]}&page_size=20 HTTP/1.1\r\nHost: {clinic.host}\r\n"
            f"Authorization: Bearer {tokens[index % people]}\r\n\r\n"
        ).encode()
        for index in range(count)
    ]


def days(first: date, count: int) -> list[date]:
    """Days in a row."""
    return [first + timedelta(days=index) for index in range(count)]
