"""Whether a certificate and a key can be served. Pure.

One certificate that does not load keeps HAProxy from loading any, so what a Secret holds is tried here first.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key


def problem(certificate: bytes, key: bytes) -> str | None:
    """Return why this PEM chain and PEM key cannot be served, for a human; None when they can.

    Whether it has expired is not asked: an expired certificate is still better served than none.
    """
    try:
        chain = x509.load_pem_x509_certificates(certificate)
    except ValueError:
        return "tls.crt is not a PEM certificate"
    try:
        private = load_pem_private_key(key, password=None)
    except TypeError:
        return "tls.key is encrypted; give it without a passphrase"
    except (ValueError, UnsupportedAlgorithm):
        return "tls.key is not a PEM private key"
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if chain[0].public_key().public_bytes(*form) != private.public_key().public_bytes(*form):
        return "tls.key does not belong to the first certificate of tls.crt"
    return None
