"""The local world as data: one stack, two clinics, their credentials, and the outside services that are faked.

Everything here is what a platform team would write by hand; only the credentials are made up, once, and then read back
from the cluster so that a second run leaves the first one's clinics alone.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local import kubectl

NAMESPACE = "atendeai"
STACK = "dev"
FAKES = "atendeai-fakes"
MONITORING = "monitoring"
SYSTEM = "atendeai-system"
HTTP, HTTPS = 8080, 8443
NODE_HTTP, NODE_HTTPS = 30080, 30443
SERVICES = ("auth", "user", "clinic", "health", "conversation", "appointment", "whatsapp", "calendar")
GRAPH = f"http://graph.{FAKES}.svc.cluster.local:8080"
GOOGLE = f"http://google.{FAKES}.svc.cluster.local:8080"
OPENAI = f"http://openai.{FAKES}.svc.cluster.local:8080/v1"


@dataclass(frozen=True)
class LocalClinic:
    """One clinic of the local world.

    `transcribes`: its voice messages are written down; else patients are to write. `model`: what is asked for answers;
    without one the embedded dialogue gives them. `consents`: the owner lets it into the calendar, once it runs; else a
    service account does.
    """

    name: str
    display_name: str
    isolation: str
    host: str
    phone_number_id: str
    calendar_id: str
    professional: str
    transcribes: bool = False
    model: str = ""
    consents: bool = False

    @property
    def owner(self) -> str:
        """The owner's address, of their Google account as well."""
        return f"dona@{self.name}.test"

    @property
    def business_account_id(self) -> str:
        """The WhatsApp Business account, one per clinic."""
        return f"9{self.phone_number_id[1:]}"


SOL = LocalClinic(
    "sol", "Clínica Sol", "Dedicated", "sol.atendeai.local", "111000000000001", "agenda@sol.test", "Dra. Ana Lima"
)
LUA = LocalClinic(
    "lua",
    "Clínica Lua",
    "Shared",
    "lua.atendeai.local",
    "222000000000002",
    "agenda@lua.test",
    "Dr. Bruno Reis",
    transcribes=True,
)
CLINICS = (SOL, LUA)


def _namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def namespaces() -> list[dict[str, Any]]:
    """The namespaces a platform team owns; those of Dedicated clinics are the operator's."""
    return [_namespace(name) for name in (SYSTEM, NAMESPACE, FAKES, MONITORING)]


def stack(version: str, provider: str) -> dict[str, Any]:
    """The AtendeAIStack of the local cluster: small, on node ports, everything else as it comes."""
    return {
        "apiVersion": "atendeai.io/v1beta1",
        "kind": "AtendeAIStack",
        "metadata": {"name": STACK, "namespace": NAMESPACE},
        "spec": {
            "version": version,
            "image": {"repository": "atendeai/services", "pullPolicy": "IfNotPresent"},
            "sharedPool": {"enabled": True},
            "postgres": {"storage": {"size": "2Gi"}},
            "redis": {"storage": {"size": "1Gi"}},
            "gateway": {"provider": provider, "replicas": 1},
            "loadBalancer": {
                "replicas": 2,
                "serviceType": "NodePort",
                "nodePorts": {"http": NODE_HTTP, "https": NODE_HTTPS},
            },
            "monitoring": {
                "enabled": True,
                "prometheus": {"retention": "200h", "storage": {"size": "2Gi"}},
                "alertmanager": {},
            },
            "deletionPolicy": "Delete",
        },
    }


def clinic(local: LocalClinic, **changes: Any) -> dict[str, Any]:
    """The Clinic resource of a local clinic; `changes` replace fields of the spec."""
    day = [{"opens": "08:00", "closes": "18:00"}]
    spec: dict[str, Any] = {
        "stackRef": {"name": STACK},
        "owner": {"email": local.owner},
        "displayName": local.display_name,
        "timezone": "America/Sao_Paulo",
        "locale": "pt-BR",
        "isolation": local.isolation,
        "hosts": [local.host],
        "whatsapp": {
            "phoneNumberId": local.phone_number_id,
            "businessAccountId": local.business_account_id,
            "graphVersion": "v23.0",
            "baseURL": GRAPH,
            "credentialsSecretRef": {"name": f"{local.name}-whatsapp"},
        },
        "calendar": {
            "provider": "Google",
            "calendarId": local.calendar_id,
            "baseURL": GOOGLE,
            "tokenURL": f"{GOOGLE}/token",
            "credentialsSecretRef": {"name": f"{local.name}-calendar"},
        },
        "ai": _ai(local),
        "profile": {
            "businessHours": dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), day),
            "services": [{"code": "consulta", "name": "Consulta", "duration": "30m", "priceBRL": "250.00"}],
            "professionals": [{"code": "p1", "name": local.professional, "services": ["consulta"]}],
            "insurance": ["Unimed"],
            "address": {"street": "Rua das Flores, 100", "city": "São Paulo", "state": "SP"},
        },
        "security": {"corsOrigins": [f"https://painel.{local.name}.test"]},
        "deletionPolicy": "Retain",
    }
    return {
        "apiVersion": "atendeai.io/v1beta1",
        "kind": "Clinic",
        "metadata": {"name": local.name, "namespace": NAMESPACE},
        "spec": spec | changes,
    }


def _ai(local: LocalClinic) -> dict[str, Any]:
    """Voices and messages leave the cluster for what is outside, which somebody has to have acknowledged."""
    ai: dict[str, Any] = {"transcription": {"baseURL": OPENAI}} if local.transcribes else {}
    if local.model:
        key = {"apiKeySecretRef": {"name": f"{local.name}-ai"}}
        ai |= {"provider": "OpenAI", "baseURL": OPENAI, "model": local.model} | key
    return {"provider": "Embedded"} | ai | ({"privacy": {"acknowledged": True}} if ai else {})


def _opaque(name: str, values: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "stringData": values}


def service_account(local: LocalClinic) -> dict[str, str]:
    """A Google service account of our own making: the fake is told its public key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "project_id": local.name,
        "private_key_id": secrets.token_hex(20),
        "private_key": private.decode(),
        "client_email": f"agenda@{local.name}.test.example",
        "client_id": str(secrets.randbelow(10**20)),
        "token_uri": f"{GOOGLE}/token",
    }


def ensure_credentials(local: LocalClinic) -> None:
    """Create the clinic's Secrets unless they are there."""
    makers: dict[str, Callable[[], dict[str, str]]] = {"whatsapp": _whatsapp, "calendar": partial(_calendar, local)}
    if local.model:
        makers["ai"] = _api_key
    for part, values in makers.items():
        if kubectl.get("secret", f"{local.name}-{part}", namespace=NAMESPACE) is None:
            kubectl.apply(_opaque(f"{local.name}-{part}", values()))


def _token() -> str:
    return secrets.token_urlsafe(24)


def _whatsapp() -> dict[str, str]:
    return {"access-token": _token(), "app-secret": secrets.token_hex(16), "verify-token": _token()}


def _calendar(local: LocalClinic) -> dict[str, str]:
    if local.consents:
        return {"client-id": f"{local.name}.apps.test", "client-secret": _token()}
    return {"service-account.json": json.dumps(service_account(local))}


def _api_key() -> dict[str, str]:
    return {"api-key": f"sk-{_token()}"}


def public_key(service_account_json: str) -> str:
    """The PEM public key that belongs to a service account file."""
    account = json.loads(service_account_json)
    private = serialization.load_pem_private_key(account["private_key"].encode(), password=None)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return private.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
