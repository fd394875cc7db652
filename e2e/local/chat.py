"""A conversation with a clinic in the terminal, as a patient has it on the phone: `make chat CLINIC=sol`.

What is typed enters at HAProxy's port as a signed webhook; what is shown is what the faked Graph API received. `|`
separates messages sent one right after the other. What a message offers to be tapped stands below it with numbers: the
number alone, or the title, taps it while no newer message has come; `/1` also taps the first option of the last message
that had some. `/quit` ends it.

Any clinic of the local cluster will do that writes to the fake, which is told of it here.
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from local import edge, kubectl, world
from local.demo import Button, Patient, buttons_of, text_of
from local.outside import Outside, graph_account, outside

ANSWER_SECONDS = 45
_SILENT_SECONDS = 10
"""After so long without a word it is said that whoever types may go on."""
_DIGITS = range(10, 16)
"""How many a number with its country code has (ITU-T E.164)."""
PAUSE_SECONDS = 1.5
"""So long nothing more has come: the answer is complete."""
_EVERY = 0.3


def shown(message: dict[str, Any]) -> str:
    """A message's words; of a template, its name and what fills it."""
    body = message["payload"]
    if body.get("type") != "template":
        return text_of(message)
    parts = [c for c in body["template"].get("components", ()) if c.get("type") == "body"]
    words = [str(p.get("text", "")) for part in parts for p in part.get("parameters", ())]
    return f"[{body['template']['name']}] {' · '.join(words)}"


class Phone(Patient):
    """A patient who can press buttons, too, and who reads whole messages."""

    def messages(self) -> list[dict[str, Any]]:
        """What the clinic has sent to this patient so far, oldest first."""
        return self.fakes.sent_to(self.local, self.number)

    def press(self, button: Button) -> None:
        """Press a button: what arrives is the webhook of the Cloud API for it."""
        self.fakes.open_window(self.local, self.number)
        self.said.append((time.time(), f"[{button.title}]"))
        payload = edge.text_message(self.local, self.number, button.title, name=self.name)
        message = payload["entry"][0]["changes"][0]["value"]["messages"][0]
        del message["text"]
        if button.template:
            message |= {"type": "button", "button": {"payload": button.id, "text": button.title}}
        else:
            kind = "list_reply" if button.row else "button_reply"
            reply = {"id": button.id, "title": button.title}
            reply |= {"description": button.description} if button.description else {}
            message |= {"type": "interactive", "interactive": {"type": kind, kind: reply}}
        message["id"] = f"wamid.{uuid.uuid4().hex}"
        answer = edge.post_webhook(self.local, payload, self.app_secret)
        answer.raise_for_status()

    def send_voice(self, content: bytes) -> None:
        """Send a voice message, in the format of WhatsApp's own recorder."""
        self._send_file("audio", content, "audio/ogg; codecs=opus", voice=True)

    def send_photo(self, content: bytes, caption: str) -> None:
        """Send a picture, a JPEG, with some words under it."""
        self._send_file("image", content, "image/jpeg", caption=caption)

    def _send_file(self, kind: str, content: bytes, mime_type: str, **more: Any) -> None:
        self.fakes.open_window(self.local, self.number)
        self.said.append((time.time(), f"[{kind}] {more.get('caption', '')}".rstrip()))
        media = self.fakes.upload(self.local, content, mime_type)
        payload = edge.text_message(self.local, self.number, "", name=self.name)
        message = payload["entry"][0]["changes"][0]["value"]["messages"][0]
        del message["text"]
        message |= {"type": kind, kind: {"id": media, "mime_type": mime_type, **more}}
        edge.post_webhook(self.local, payload, self.app_secret).raise_for_status()

    def arriving(self, seen: int, idle: Callable[[float], None] = lambda _seconds: None) -> Iterator[dict[str, Any]]:
        """What comes after the first `seen` messages, until nothing more does; `idle` hears how long it has taken."""
        began = last = time.monotonic()
        count = seen
        while True:
            fresh = self.messages()[count:]
            now = time.monotonic()
            if fresh:
                count, last = count + len(fresh), now
                yield from fresh
            elif (now - last > PAUSE_SECONDS and count > seen) or now - began > ANSWER_SECONDS:
                return
            idle(now - began)
            time.sleep(_EVERY)


class Chat:
    """The terminal's side of it."""

    def __init__(self, phone: Phone, console: Console) -> None:
        self.phone, self.console = phone, console
        self.seen = 0
        self.buttons: list[Button] = []
        """Of the last message that had some."""
        self.open: list[Button] = []
        """Of the last message."""

    def run(self) -> None:
        """Talk until the patient has enough."""
        who = self.phone
        self.console.print(
            Panel(
                f"[bold]{who.local.display_name}[/]  [dim]{who.local.host}[/]\n"
                f"Você é {who.name}, +{who.number}. Escreva como no WhatsApp.\n"
                "[dim]oi | quero marcar: duas mensagens seguidas · o número ou o título de uma opção: tocar nela · "
                "/quit: sair[/]",
                border_style="green",
            )
        )
        while True:
            self._show_new()
            try:
                line = self.console.input("[bold cyan]você[/] › ").strip()
            except (EOFError, KeyboardInterrupt):
                line = "/quit"
            if line in {"/quit", "/sair", "/q"}:
                self.console.print("[dim]Até logo![/]")
                return
            if line and self._send(line):
                self._await_answer()

    def _send(self, line: str) -> bool:
        """Send what was typed; False when there was nothing to send."""
        if line.startswith("/"):
            number = line[1:]
            if not number.isdigit():
                self.console.print("[yellow]Não conheço esse comando. /1 toca a primeira opção, /quit sai.[/]")
                return False
            if not 1 <= int(number) <= len(self.buttons):
                self.console.print(f"[yellow]{self._no_button(number)} /quit para sair.[/]")
                return False
            self._press(self.buttons[int(number) - 1])
            return True
        meant = [b for n, b in enumerate(self.open, start=1) if line.casefold() in {str(n), b.title.casefold()}]
        if meant:
            self._press(meant[0])
            return True
        for text in filter(None, (part.strip() for part in line.split("|"))):
            self.phone.say(text)
        return True

    def _press(self, button: Button) -> None:
        self.console.print(Text(f"  (opção: {button.title})", style="dim"))
        self.phone.press(button)

    def _no_button(self, number: str) -> str:
        """What to write instead of a button that is not there."""
        if self.buttons:
            return "Não há esse botão."
        return f"Nenhuma mensagem teve botões até aqui: para escolher de uma lista, escreva só o número, {number}."

    def _await_answer(self) -> None:
        """Show the answer as it comes; Ctrl-C stops waiting."""
        before = self.seen
        try:
            with self.console.status("[green]escrevendo…[/]", spinner="dots") as status:

                def idle(seconds: float) -> None:
                    if self.seen == before and seconds > _SILENT_SECONDS:
                        status.update("[dim]sem resposta ainda (Ctrl-C: não esperar mais)[/]")

                for message in self.phone.arriving(self.seen, idle):
                    self._show(message)
        except KeyboardInterrupt:
            self.console.print("[dim]  (sem esperar)[/]")
            return
        if self.seen == before:
            self.console.print(f"[dim]  (nenhuma resposta: {_why_silent(self.phone.local.name)})[/]")

    def _show_new(self) -> None:
        for message in self.phone.messages()[self.seen :]:
            self._show(message)

    def _show(self, message: dict[str, Any]) -> None:
        self.seen += 1
        self.open = offered = buttons_of(message)
        self.buttons = offered or self.buttons
        name = self.phone.local.display_name
        said = Table.grid(padding=0)
        said.add_column(no_wrap=True, style="bold green")
        said.add_column()
        said.add_row(f"{name} › ", Text(shown(message)))
        self.console.print(said)
        for number, button in enumerate(offered, start=1):
            option = Text(" " * (len(name) + 3)).append(f" {number} ", style="reverse").append(f" {button.title}")
            self.console.print(option.append(f"  {button.description}" if button.description else "", style="dim"))


def _why_silent(clinic: str) -> str:
    """Why a clinic said nothing, as far as its Clinic tells."""
    found = kubectl.get("clinic", clinic, namespace=world.NAMESPACE)
    if found is not None and found["spec"].get("suspended"):
        return "a clínica está suspensa; ao acordar, ela responde"
    return "uma pessoa da clínica está com a conversa; para devolvê-la ao atendente, veja o README"


def _number(said: str) -> str:
    """A patient's number as webhooks have it, however it is written. Raises LookupError, with the remedy."""
    digits = re.sub(r"[\s().+-]", "", said)
    if said and not (digits.isdigit() and len(digits) in _DIGITS):
        raise LookupError(
            f"NUMBER={said!r} is no telephone number: give {_DIGITS[0]} to {_DIGITS[-1]} digits with the country code, "
            f"for example NUMBER=5511999990000."
        )
    return digits


def find(name: str) -> world.LocalClinic:
    """The clinic of that name on the local cluster, one of the two or any other. Raises LookupError."""
    known = {local.name: local for local in world.CLINICS}
    if name in known:
        return known[name]
    found = kubectl.get("clinic", name, namespace=world.NAMESPACE)
    if found is None:
        there = [one["metadata"]["name"] for one in kubectl.get("clinics", namespace=world.NAMESPACE)]
        raise LookupError(f"There is no clinic {name!r} in {world.NAMESPACE}: try {', '.join(there) or 'make up'}.")
    _refuse(found)
    spec = found["spec"]
    people = spec.get("profile", {}).get("professionals") or [{"name": ""}]
    return world.LocalClinic(
        name,
        spec.get("displayName", name),
        spec.get("isolation", "Shared"),
        spec["hosts"][0],
        spec["whatsapp"]["phoneNumberId"],
        (spec.get("calendar") or {}).get("calendarId", ""),
        people[0]["name"],
    )


def _refuse(clinic: dict[str, Any]) -> None:
    """Raise LookupError, with the remedy, for a Clinic that no conversation here reaches."""
    name, whatsapp = clinic["metadata"]["name"], clinic["spec"]["whatsapp"]
    address = str(whatsapp.get("baseURL", "")).rstrip("/")
    if address != world.GRAPH:
        patch = json.dumps({"spec": {"whatsapp": {"baseURL": world.GRAPH}}})
        raise LookupError(
            f"Clinic {name} writes to {address or 'Meta itself'}, not to the fake of the local cluster, so its answers "
            f"would not be seen here. To have it write there:\n"
            f"  kubectl -n {world.NAMESPACE} patch clinic {name} --type=merge -p '{patch}'"
        )
    secret = whatsapp["credentialsSecretRef"]["name"]
    if secret != f"{name}-whatsapp":
        raise LookupError(
            f"make chat reads the Secret {name}-whatsapp, but Clinic {name} has its credentials in {secret}."
        )
    ready = kubectl.condition(clinic)
    if ready.get("status") != "True":
        raise LookupError(f"Clinic {name} is not ready: {ready.get('message', 'the operator has not seen it yet')}")
    if ready.get("reason") == "Suspended":
        raise LookupError(f"Clinic {name} is suspended: it answers when spec.suspended is false again.")


def is_up() -> bool:
    """Whether something answers at HAProxy's published port."""
    try:
        socket.create_connection(("127.0.0.1", world.HTTPS), timeout=2).close()
    except OSError:
        return False
    return True


def talk(name: str, number: str, patient: str, console: Console) -> None:
    """Hold the conversation. Raises what the cluster says when it is not there."""
    local = find(name)
    with outside() as fakes:
        phone = _phone(local, fakes, number, patient)
        if local in world.CLINICS:
            fakes.register(local)
        else:
            fakes.graph.post("/_fake/accounts", json=account(local)).raise_for_status()
        chat = Chat(phone, console)
        chat.seen = len(phone.messages())
        chat.run()


def account(local: world.LocalClinic) -> dict[str, Any]:
    """What the fake of Meta must know of a clinic that somebody made."""
    clinic = kubectl.get("clinic", local.name, namespace=world.NAMESPACE)
    credentials = kubectl.secret(f"{local.name}-whatsapp", world.NAMESPACE)
    assert clinic is not None
    assert credentials is not None
    return graph_account(local, credentials, clinic["spec"]["whatsapp"].get("businessAccountId"))


def _phone(local: world.LocalClinic, fakes: Outside, number: str, patient: str) -> Phone:
    if kubectl.secret(f"{local.name}-whatsapp", world.NAMESPACE) is None:
        raise LookupError(f"The Secret {local.name}-whatsapp is missing in {world.NAMESPACE}.")
    return Phone(local, fakes, number or f"55119{secrets.randbelow(10**8):08d}", patient)


def main(argv: list[str] | None = None) -> int:
    """Talk to a clinic; returns the exit code, 1 with the remedy when the cluster is not there."""
    parser = argparse.ArgumentParser(prog="make chat", description="Talk to a clinic of the local cluster.")
    parser.add_argument("clinic", nargs="?", default="sol", help="the Clinic's name (default: sol)")
    parser.add_argument("--number", default="", help="the patient's number, to go on with an earlier conversation")
    parser.add_argument("--name", default="Maria Souza", help="the name that WhatsApp shows")
    options = parser.parse_args(argv)
    console = Console(highlight=False)
    if not is_up():
        console.print(
            f"[red]Nothing answers at 127.0.0.1:{world.HTTPS}.[/] Start the local cluster with [bold]make up[/]."
        )
        return 1
    try:
        talk(options.clinic, _number(options.number), options.name, console)
    except LookupError as error:
        console.print(Text(error.args[0], style="red"), soft_wrap=True)
        return 1
    except (kubectl.KubectlError, subprocess.SubprocessError, httpx.HTTPError, OSError) as error:
        console.print(f"[red]The local cluster does not answer as it should:[/] {error}", markup=True)
        console.print("[bold]make up[/] brings it back; it is safe to run again.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
