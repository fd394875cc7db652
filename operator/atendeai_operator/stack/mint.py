"""What must exist before a stack's plan: passwords, the stack's key, a certificate. Created if absent.

The certificate is the exception to "never overwritten": a self-signed one that is about to end, or that somebody has
made unusable, is minted anew.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from atendeai_operator.api import names
from atendeai_operator.gateway import certificates
from atendeai_operator.kube.client import Cluster
from atendeai_operator.kube.kinds import SECRET
from atendeai_operator.pipeline import minting
from atendeai_operator.stack.facts import Meta, StackMinted, TlsPair

CERTIFICATE_LIFE = timedelta(days=365)
CERTIFICATE_RENEWAL = timedelta(days=30)
PASSWORD_BYTES = 32


def password() -> bytes:
    """Return a new password: URL-safe text of 32 random bytes."""
    return secrets.token_urlsafe(PASSWORD_BYTES).encode()


def labels(meta: Meta, component: str) -> dict[str, str]:
    """Return the labels of a minted Secret of a stack."""
    return {
        names.LABEL_NAME: component,
        names.LABEL_INSTANCE: meta.name,
        names.LABEL_COMPONENT: component,
        names.LABEL_PART_OF: "atendeai",
        names.LABEL_MANAGED_BY: names.FIELD_MANAGER,
        names.LABEL_STACK: names.label_value(meta.namespace, meta.name),
    }


def self_signed(common_name: str, dns_names: list[str], now: datetime) -> TlsPair:
    """Return a new self-signed certificate (ECDSA P-256) for these names, valid for a year from yesterday."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + CERTIFICATE_LIFE)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in dns_names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return TlsPair(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def ends_soon(certificate: bytes, now: datetime) -> bool:
    """Tell whether a PEM certificate ends within the renewal time, or cannot be read."""
    try:
        end = x509.load_pem_x509_certificate(certificate).not_valid_after_utc
    except ValueError:
        return True
    return end - now < CERTIFICATE_RENEWAL


async def mint(cluster: Cluster, meta: Meta, now: datetime) -> StackMinted:
    """Make the stack's Secrets exist and return what is in them. Raises InvalidSpec when a name is taken."""

    async def ensure(part: str, keys: dict[str, minting.Mint], kind: str = "Opaque") -> dict[str, bytes]:
        return await minting.ensure(
            cluster,
            namespace=meta.namespace,
            name=names.child(meta.name, part),
            labels=labels(meta, part),
            annotations={
                names.ANNOTATION_OWNER: f"{names.STACK_KIND}/{meta.name}",
                names.ANNOTATION_OWNER_UID: meta.uid,
            },
            keys=keys,
            kind=kind,
        )

    postgres_keys = ("postgres-password", "migrator-password", "pool-password", "exporter-password")
    postgres = await ensure("postgres", dict.fromkeys(postgres_keys, password))
    redis = await ensure("redis", dict.fromkeys(("admin-password", "pool-password", "exporter-password"), password))
    key = await ensure("key", {"stack-key": Fernet.generate_key})
    tls = await _certificate(cluster, meta, ensure, now)
    passwords = minting.Checked(names.child(meta.name, "postgres"), postgres)
    cache = minting.Checked(names.child(meta.name, "redis"), redis)
    return StackMinted(
        postgres_password=passwords.text("postgres-password"),
        migrator_password=passwords.text("migrator-password"),
        pool_password=passwords.text("pool-password"),
        exporter_password=passwords.text("exporter-password"),
        redis_admin_password=cache.text("admin-password"),
        redis_pool_password=cache.text("pool-password"),
        redis_exporter_password=cache.text("exporter-password"),
        stack_key=minting.Checked(names.child(meta.name, "key"), key).fernet_key("stack-key"),
        tls=tls,
    )


async def _certificate(cluster: Cluster, meta: Meta, ensure: minting.Ensure, now: datetime) -> TlsPair:
    haproxy = names.child(meta.name, "haproxy")
    hosts = [haproxy, f"{haproxy}.{meta.namespace}", f"{haproxy}.{meta.namespace}.svc", "localhost"]
    fresh = self_signed(meta.name, hosts, now)
    data = await ensure(
        "tls", {"tls.crt": lambda: fresh.certificate, "tls.key": lambda: fresh.key}, "kubernetes.io/tls"
    )
    if certificates.problem(data["tls.crt"], data["tls.key"]) or ends_soon(data["tls.crt"], now):
        body = {"data": minting.encoded({"tls.crt": fresh.certificate, "tls.key": fresh.key})}
        patched = await cluster.patch(SECRET, meta.namespace, names.child(meta.name, "tls"), body)
        data = minting.decoded(patched) or {}
    return TlsPair(data["tls.crt"], data["tls.key"])
