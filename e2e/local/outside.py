"""The faked outside world: its pods on the local cluster, and the control endpoints that tests and the demo use."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from local import kubectl, world

REMEMBERING, FORGETFUL = ("graph", "google"), ("openai",)
"""The fakes by whether they have anything to remember over a restart."""
CONSENTED = "/api/v1/calendar/oauth/callback"
"""Where Google leads whoever consents back to, under the clinic's host."""


def manifests(version: str) -> list[dict[str, Any]]:
    """Deployment and Service of each fake, at the fakes' own version; and its volume, if it remembers anything."""
    parts = [part for name in REMEMBERING for part in _remembering(name, version)]
    return parts + [part for name in FORGETFUL for part in _fake(name, version)]


def _remembering(name: str, version: str) -> list[dict[str, Any]]:
    deployment, service = _fake(name, version)
    pod = deployment["spec"]["template"]["spec"]
    container = pod["containers"][0]
    container["command"] += ["--keep", "/var/lib/fakes/state"]
    container["volumeMounts"] = [{"name": "state", "mountPath": "/var/lib/fakes"}]
    pod["volumes"] = [{"name": "state", "persistentVolumeClaim": {"claimName": name}}]
    # The volume is one pod's at a time, and so is what the outside world remembers.
    deployment["spec"]["strategy"] = {"type": "Recreate"}
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": deployment["metadata"],
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "64Mi"}}},
    }
    return [claim, deployment, service]


def _fake(name: str, version: str) -> list[dict[str, Any]]:
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "atendeai-fakes"}
    meta = {"name": name, "namespace": world.FAKES, "labels": labels}
    container = {
        "name": name,
        "image": f"atendeai/fakes:{version}",
        "command": ["python3", "-m", "fakes", name, "--port", "8080"],
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 2},
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    pod = {
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
    }
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": meta,
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta,
            "spec": {"selector": labels, "ports": [{"name": "http", "port": 8080, "targetPort": "http"}]},
        },
    ]


def graph_account(
    local: world.LocalClinic, credentials: Mapping[str, str], business_account_id: str | None
) -> dict[str, Any]:
    """What the fake of Meta must know of a clinic: its number, its credentials, where to call it."""
    known = {
        "phone_number_id": local.phone_number_id,
        "access_token": credentials["access-token"],
        "app_secret": credentials["app-secret"],
        "callback_url": f"https://{world.STACK}-haproxy.{world.NAMESPACE}.svc.cluster.local/webhook/whatsapp",
        "host": local.host,
        "verify_tls": False,  # the local cluster's certificate is the operator's own
        "business_account_id": business_account_id,
    }
    return {key: value for key, value in known.items() if value is not None}


class Outside:
    """The control endpoints of the fakes, through forwarded ports."""

    def __init__(self, graph: httpx.Client, google: httpx.Client) -> None:
        self.graph, self.google = graph, google

    def register(self, local: world.LocalClinic, **account: Any) -> None:
        """Make the fakes know the clinic: its phone number and token, its calendar and who may let it in.

        `account` is what the fake of Meta shall do otherwise with the number.
        """
        whatsapp = kubectl.secret(f"{local.name}-whatsapp", world.NAMESPACE)
        calendar = kubectl.secret(f"{local.name}-calendar", world.NAMESPACE)
        assert whatsapp is not None
        assert calendar is not None
        known = graph_account(local, whatsapp, local.business_account_id)
        self.graph.post("/_fake/accounts", json=known | account).raise_for_status()
        shared = {"calendar_id": local.calendar_id, "acl": {self._google_account(local, calendar): "writer"}}
        self.google.post("/_fake/calendars", json=shared).raise_for_status()
        # Notifications enter where Google's would, under the clinic's host.
        push = {"connect_to": f"https://{world.STACK}-haproxy.{world.NAMESPACE}.svc.cluster.local"}
        self.google.post("/_fake/push", json=push).raise_for_status()

    def _google_account(self, local: world.LocalClinic, credentials: Mapping[str, str]) -> str:
        """Make the fake of Google know the clinic's credentials; returns whose account they are for."""
        if local.consents:
            client = {"client_id": credentials["client-id"], "client_secret": credentials["client-secret"]}
            address = {"redirect_uris": [f"https://{local.host}{CONSENTED}"]}
            self.google.post("/_fake/clients", json={"account": local.owner, **client, **address}).raise_for_status()
            return local.owner
        email = str(json.loads(credentials["service-account.json"])["client_email"])
        issued = {"client_email": email, "public_key": world.public_key(credentials["service-account.json"])}
        self.google.post("/_fake/service-accounts", json=issued).raise_for_status()
        return email

    def sent_to(self, local: world.LocalClinic, patient: str) -> list[dict[str, Any]]:
        """What the clinic's number sent to a patient, oldest first."""
        query = {"phone_number_id": local.phone_number_id, "to": patient}
        answer = self.graph.get("/_fake/messages", params=query).raise_for_status().json()
        found: list[dict[str, Any]] = answer["items"]
        return found

    def events(self, local: world.LocalClinic) -> list[dict[str, Any]]:
        """The live events in the clinic's calendar."""
        answer = self.google.get("/_fake/events", params={"calendar_id": local.calendar_id}).raise_for_status().json()
        found: list[dict[str, Any]] = answer["items"]
        return found

    def event_at(self, local: world.LocalClinic, start: dt.datetime) -> dict[str, Any] | None:
        """The live event that begins at a moment; None when there is none."""
        return next((e for e in self.events(local) if dt.datetime.fromisoformat(e["start"]["dateTime"]) == start), None)

    def move(self, local: world.LocalClinic, event_id: str, start: dt.datetime, length: dt.timedelta) -> None:
        """Move an event as its owner does, by hand in the calendar."""
        times = {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": (start + length).isoformat()}}
        given = {"calendar_id": local.calendar_id, "event": {"id": event_id, **times}}
        self.google.post("/_fake/events", json=given).raise_for_status()

    def remove(self, local: world.LocalClinic, event_id: str) -> None:
        """Delete an event as its owner does."""
        query = {"calendar_id": local.calendar_id}
        self.google.delete(f"/_fake/events/{event_id}", params=query).raise_for_status()

    def take(self, local: world.LocalClinic, start: dt.datetime, end: dt.datetime) -> None:
        """Have the clinic's calendar busy for a while."""
        given = {"calendar_id": local.calendar_id, "start": start.isoformat(), "end": end.isoformat()}
        self.google.post("/_fake/busy", json=given).raise_for_status()

    def free(self, local: world.LocalClinic) -> None:
        """End what `take` began."""
        self.google.delete("/_fake/busy", params={"calendar_id": local.calendar_id}).raise_for_status()

    def upload(self, local: world.LocalClinic, content: bytes, mime_type: str) -> str:
        """A file that a patient sends; returns Meta's id for it."""
        query = {"phone_number_id": local.phone_number_id, "mime_type": mime_type}
        answer = self.graph.post("/_fake/media", params=query, content=content).raise_for_status()
        return str(answer.json()["id"])

    @staticmethod
    def hear(words: str) -> None:
        """Have the transcription hear these words in every voice from now on."""
        with reached("openai") as fake:
            fake.put("/_fake/voices", json={"heard": words}).raise_for_status()

    def open_window(self, local: world.LocalClinic, patient: str) -> None:
        """Note that the patient wrote just now, as Meta would have: free text is allowed for 24 hours."""
        note = {"phone_number_id": local.phone_number_id, "user": patient}
        self.graph.post("/_fake/window", json=note).raise_for_status()


@contextmanager
def reached(name: str) -> Iterator[httpx.Client]:
    """The control endpoints of one fake, for the time of the block."""
    with (
        kubectl.forward(f"svc/{name}", 8080, namespace=world.FAKES) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client,
    ):
        yield client


@contextmanager
def outside() -> Iterator[Outside]:
    """The two fakes that every clinic has, reachable for the time of the block."""
    with reached("graph") as graph, reached("google") as google:
        yield Outside(graph, google)
