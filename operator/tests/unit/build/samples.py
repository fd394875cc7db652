"""Facts for the tests of the pure rooms: made of resources as a user writes them, with nothing random in them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from atendeai_operator.api import names
from atendeai_operator.api.clinic import ClinicSpec, ClinicStatus
from atendeai_operator.api.stack import StackSpec, StackStatus
from atendeai_operator.clinic.facts import ClinicFacts, ClinicMinted, StackSummary
from atendeai_operator.stack.facts import EdgeClinic, InfraImages, Meta, SecretFact, StackFacts, StackMinted, TlsPair

NAMESPACE = "atendeai"
IMAGES = InfraImages(
    postgres="postgres:15",
    postgres_exporter="postgres-exporter:1",
    redis="redis:7",
    redis_exporter="redis-exporter:1",
    kong="kong:3.9",
    envoy="envoy:1",
    haproxy="haproxy:2.8",
    operator="atendeai/operator:2.0.0",
    prometheus="prometheus:3",
    prometheus_version="v3.5.0",
)


def word(name: str) -> str:
    """A made-up secret, the same for the same name."""
    return f"made-up-{name}"


def key32(name: str) -> bytes:
    """32 bytes, the same for the same name."""
    return hashlib.sha256(name.encode()).digest()


def clinic_id(name: str) -> UUID:
    """A clinic's id, the same for the same name."""
    return UUID(bytes=key32(name)[:16], version=4)


@cache
def certificate(name: str) -> TlsPair:
    """A self-signed certificate; Ed25519, because its signatures are the same each time."""
    private = Ed25519PrivateKey.from_private_bytes(key32(f"certificate of {name}"))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(int.from_bytes(key32(name)[:8], "big"))
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2126, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(private, None)
    )
    key = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return TlsPair(made.public_bytes(Encoding.PEM), key)


def tls_secret(name: str) -> SecretFact:
    """A Secret of type kubernetes.io/tls."""
    pair = certificate(name)
    return SecretFact(name, {"tls.crt": pair.certificate, "tls.key": pair.key})


def pull_secret(name: str) -> SecretFact:
    """A Secret with credentials of a registry."""
    auths = {"auths": {"registry.example.com": {"auth": word(name)}}}
    return SecretFact(name, {".dockerconfigjson": json.dumps(auths).encode()}, "kubernetes.io/dockerconfigjson")


def stack_minted() -> StackMinted:
    """What is minted for a stack."""
    return StackMinted(
        postgres_password=word("postgres"),
        migrator_password=word("migrator"),
        pool_password=word("pool"),
        exporter_password=word("exporter"),
        redis_admin_password=word("redis-admin"),
        redis_pool_password=word("redis-pool"),
        redis_exporter_password=word("redis-exporter"),
        stack_key=base64.urlsafe_b64encode(key32("stack")),
        tls=certificate("generated.atendeai.local"),
    )


def edge_clinic(name: str, **changes: Any) -> EdgeClinic:
    """A clinic as the edge sees it: Shared unless told otherwise."""
    identity = clinic_id(name)
    isolation = changes.get("isolation", "Shared")
    usual: dict[str, Any] = {
        "clinic_id": identity,
        "name": name,
        "hosts": (f"{name}.atendeai.local",),
        "isolation": isolation,
        "suspended": False,
        "namespace": names.clinic_namespace(NAMESPACE, name) if isolation == "Dedicated" else NAMESPACE,
        "issuer": f"atendeai:{identity}",
        "jwt_keys": {f"kid-{name}": key32(f"jwt {name}")},
    }
    return EdgeClinic(**(usual | changes))


def _alertmanager_config(spec: StackSpec) -> SecretFact | None:
    reference = spec.monitoring.alertmanager and spec.monitoring.alertmanager.config_secret_ref
    return SecretFact(reference.name, {"alertmanager.yaml": b"route: {}"}) if reference else None


def stack_facts(spec: Mapping[str, Any] | None = None, **changes: Any) -> StackFacts:
    """Facts of the stack `dev`, migrated to the version of its spec unless told otherwise."""
    parsed = StackSpec.model_validate({"version": "2.0.0", **(spec or {})})

    def given(secret: Any) -> SecretFact | None:
        return tls_secret(secret.secret_ref.name) if secret else None

    usual: dict[str, Any] = {
        "meta": Meta("dev", NAMESPACE, "uid-of-dev", 1),
        "spec": parsed,
        "status": StackStatus(),
        "images": IMAGES,
        "minted": stack_minted(),
        "load_balancer_tls": given(parsed.load_balancer.tls),
        "gateway_tls": given(parsed.gateway.tls),
        "pull_secrets": tuple(pull_secret(ref.name) for ref in parsed.image.pull_secrets),
        "prometheus_crds": True,
        "prometheus_operator": True,
        "alertmanager_config": _alertmanager_config(parsed),
        "migrated": parsed.version,
    }
    return StackFacts(**(usual | changes))


def stack_summary(spec: Mapping[str, Any] | None = None) -> StackSummary:
    """What a clinic knows of the stack `dev`."""
    parsed = StackSpec.model_validate({"version": "2.0.0", **(spec or {})})
    return StackSummary(
        name="dev",
        namespace=NAMESPACE,
        uid="uid-of-dev",
        spec=parsed,
        version=parsed.version,
        postgres_host=f"dev-postgres.{NAMESPACE}.svc",
        redis_host=f"dev-redis.{NAMESPACE}.svc",
        stack_key=base64.urlsafe_b64encode(key32("stack")),
        images=IMAGES,
        prometheus_crds=True,
        pull_secrets=tuple(pull_secret(ref.name) for ref in parsed.image.pull_secrets),
    )


def clinic_spec(**changes: Any) -> dict[str, Any]:
    """The spec of the clinic `sol`, as small as it can be."""
    spec: dict[str, Any] = {
        "stackRef": {"name": "dev"},
        "displayName": "Clínica Sol",
        "isolation": "Dedicated",
        "hosts": ["sol.atendeai.local"],
        "whatsapp": {"phoneNumberId": "111", "credentialsSecretRef": {"name": "sol-whatsapp"}},
    }
    return spec | changes


def clinic_facts(spec: Mapping[str, Any] | None = None, *, name: str = "sol", **changes: Any) -> ClinicFacts:
    """Facts of a clinic whose Secrets all exist unless told otherwise."""
    parsed = ClinicSpec.model_validate(spec or clinic_spec())
    calendar, ai = parsed.calendar.credentials_secret_ref, parsed.ai.api_key_secret_ref
    consent = {key: word(key).encode() for key in ("client-id", "client-secret", "refresh-token")}
    usual: dict[str, Any] = {
        "meta": Meta(name, NAMESPACE, f"uid-of-{name}", 1),
        "spec": parsed,
        "status": ClinicStatus(),
        "stack": stack_summary(),
        "minted": ClinicMinted(
            clinic_id=clinic_id(name),
            database_password=word("database"),
            redis_password=word("redis"),
            data_key=base64.urlsafe_b64encode(key32("data")),
            jwt_kid=f"kid-{name}",
            jwt_key=base64.urlsafe_b64encode(key32(f"jwt {name}")).decode().rstrip("="),
            invitation_token=word("invitation") if parsed.owner else None,
        ),
        "whatsapp_secret": SecretFact(
            parsed.whatsapp.credentials_secret_ref.name,
            {key: word(key).encode() for key in ("access-token", "app-secret", "verify-token")},
        ),
        "calendar_secret": SecretFact(calendar.name, consent) if calendar else None,
        "ai_secret": SecretFact(ai.name, {"api-key": word("api-key").encode()}) if ai else None,
        "tls_secret": tls_secret(parsed.tls.secret_ref.name) if parsed.tls else None,
        "own_namespace": names.clinic_namespace(NAMESPACE, name),
    }
    return ClinicFacts(**(usual | changes))
