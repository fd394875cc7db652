"""A patient books an appointment at each clinic, through every part of the system, and the transcript is printed.

Run as `python -m local.demo`. Everything is seen from outside: the webhook enters at HAProxy's port, the answers are
what the faked Graph API received, the booking is a row in the clinic's partition and an event in its calendar.
"""

from __future__ import annotations

import datetime as dt
import secrets
import sys
import time
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from cluster.steps import step
from local import database, edge, kubectl, world
from local.outside import Outside, outside

NAME = "Maria Souza"
TIMEZONE = ZoneInfo("America/Sao_Paulo")


class Patient:
    """Somebody with a phone: says something to a clinic and reads the answer."""

    def __init__(self, local: world.LocalClinic, fakes: Outside, number: str = "", name: str = NAME) -> None:
        self.local, self.fakes, self.name = local, fakes, name
        self.number = number or f"55119{secrets.randbelow(10**8):08d}"
        self.said: list[tuple[float, str]] = []
        credentials = kubectl.secret(f"{local.name}-whatsapp", world.NAMESPACE)
        assert credentials is not None
        self.app_secret = credentials["app-secret"]

    def say(self, text: str, *, wamid: str = "") -> None:
        """Write a message: Meta notes the open window and delivers the webhook."""
        self.fakes.open_window(self.local, self.number)
        self.said.append((time.time(), text))
        payload = edge.text_message(self.local, self.number, text, name=self.name, wamid=wamid)
        answer = edge.post_webhook(self.local, payload, self.app_secret)
        assert answer.status_code == 200, f"the webhook was answered {answer.status_code}: {answer.text}"

    def heard(self) -> list[str]:
        """The texts the clinic has sent to this patient so far."""
        return [text_of(message) for message in self.fakes.sent_to(self.local, self.number)]

    def transcript(self) -> str:
        """Both sides of the conversation so far in the order of time, each line with its clock time in UTC."""
        sent = self.fakes.sent_to(self.local, self.number)
        heard = [(one["received_at"], "clínica ", text_of(one) + _offered(one)) for one in sent]
        lines = sorted([*heard, *((at, "paciente", text) for at, text in self.said)])
        told = (f"  {dt.datetime.fromtimestamp(at, dt.UTC):%H:%M:%S.%f} {who} {text!r}" for at, who, text in lines)
        return "\n".join((f"── {self.name} and {self.local.name}, +{self.number}", *told))

    def ask(self, text: str, *, deadline: float = 60) -> str:
        """Say something and wait for the answer to it."""
        before = len(self.heard())
        self.say(text)
        return kubectl.wait_for(
            f"an answer of {self.local.name} to {text!r}",
            lambda: "\n".join(self.heard()[before:]),
            deadline=deadline,
            every=0.3,
        )


@dataclass(frozen=True)
class Button:
    """A button under a message, or a row of its list. ``template``: a template's, which comes back in another shape."""

    id: str
    title: str
    description: str = ""
    row: bool = False
    template: bool = False


def buttons_of(message: dict[str, Any]) -> list[Button]:
    """The buttons and rows of a message as the Graph API received it."""
    body = message["payload"]
    if body.get("type") == "template":
        parts = [c for c in body["template"].get("components", ()) if c.get("type") == "button"]
        payloads = [p["payload"] for part in parts for p in part.get("parameters", ()) if "payload" in p]
        return [Button(payload, payload.partition(":")[0], template=True) for payload in payloads]
    action = (body.get("interactive") or {}).get("action", {})
    rows = [row for section in action.get("sections", ()) for row in section.get("rows", ())]
    replies = [button["reply"] for button in action.get("buttons", ())]
    return [
        *(Button(str(one["id"]), str(one["title"])) for one in replies),
        *(Button(str(one["id"]), str(one["title"]), str(one.get("description", "")), row=True) for one in rows),
    ]


def text_of(message: dict[str, Any]) -> str:
    """The readable text of a message as the Graph API received it."""
    body = message["payload"]
    kind = body.get("type", "text")
    if kind == "text":
        return str(body["text"]["body"])
    if kind == "interactive":
        return str(body["interactive"]["body"]["text"])
    return f"[{kind}]"


def _offered(message: dict[str, Any]) -> str:
    return "".join(f" [{button.title}]" for button in buttons_of(message))


def appointments(local: world.LocalClinic, patient: str) -> list[dict[str, str]]:
    """The patient's appointments, read from the clinic's own partition by the database's superuser."""
    suffix = database.clinic_id(local).replace("-", "")
    query = (
        "select a.status, a.starts_at at time zone 'America/Sao_Paulo' "  # noqa: S608
        f"from atendeai.appointment_{suffix} a join atendeai.whatsapp_contact_{suffix} c on c.id = a.contact_id "
        f"where c.wa_id = '{patient}' order by a.created_at"
    )
    return [dict(zip(("status", "start"), row, strict=True)) for row in database.psql(query)]


def book(local: world.LocalClinic, fakes: Outside) -> None:
    """One whole conversation, checked at every place where it must leave a trace."""
    patient = Patient(local, fakes)
    print(f"\n── {local.display_name} ({local.isolation}, {local.host}) ── patient +{patient.number}")
    answer = ""
    for text in ("Olá, quero marcar uma consulta amanhã às 14h", "pode ser"):
        print(f"  paciente   {text}")
        before = len(patient.heard())
        answer = patient.ask(text)
        for message in fakes.sent_to(local, patient.number)[before:]:
            for line in filter(None, (*text_of(message).splitlines(), _offered(message).strip())):
                print(f"  clínica    {line}")
    booked = kubectl.wait_for(
        "the booking in the clinic's partition",
        lambda: [row for row in appointments(local, patient.number) if row["status"] == "booked"],
        deadline=30,
    )
    start = dt.datetime.fromisoformat(booked[0]["start"])
    assert f"{start:%d/%m}" in answer, f"the confirmation does not name the day {start:%d/%m}: {answer}"
    print(f"  PostgreSQL booked for {start} in the partition of {local.name}")
    event = kubectl.wait_for(
        "the event in the clinic's calendar", lambda: fakes.event_at(local, start.replace(tzinfo=TIMEZONE)), deadline=60
    )
    print(f"  Calendar   {event['summary']!r} at {event['start']['dateTime']} in {local.calendar_id}")
    print(f"  Graph API  {len(patient.heard())} message(s) under phone number id {local.phone_number_id}")


NEXT = f"""
Try next:
  for tool in kubectl helm; do export PATH="$(dirname "$(python3 e2e/cluster bin $tool)"):$PATH"; done
  export PATH="$PWD/.venv/bin:$PATH"                # with it kubectl has the plugin: kubectl atendeai
  kubectl config use-context {kubectl.CONTEXT}
  kubectl atendeai clinics
  kubectl atendeai explain sol -n {world.NAMESPACE}          # how it stands, why, and what to do next
  kubectl get pods -A
  make chat CLINIC=sol                              # talk to a clinic as a patient would
  curl -sk --resolve sol.atendeai.local:{world.HTTPS}:127.0.0.1 https://sol.atendeai.local:{world.HTTPS}/health
  make test                                         # everything CI runs
  make down                                         # remove the cluster
README.md has a clinic of your own, and its owner's first sign-in.
"""


def main() -> int:
    """Book at both clinics; returns the exit code."""
    with outside() as fakes:
        for local in world.CLINICS:
            fakes.register(local)
            with step(f"a patient of {local.name} books"):
                book(local, fakes)
    print("\n" + kubectl.kubectl("-n", world.NAMESPACE, "get", "clinics"))
    print(NEXT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
