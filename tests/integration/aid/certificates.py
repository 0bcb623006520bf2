# SPDX-License-Identifier: Apache-2.0
"""Certificates for TLS stand-ins: good ones, expired ones, for other names."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Certificate:
    """A self-signed certificate, which is its own CA bundle."""

    path: str
    key: str

    @property
    def tls(self) -> tuple[str, str]:
        """The pair of paths that the stand-ins take."""
        return self.path, self.key


def general_name(name: str) -> x509.GeneralName:
    """An address or a host name as a certificate holds it."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def make(
    folder: Path,
    names: tuple[str, ...] = ("127.0.0.1", "localhost"),
    begins: float = -1.0,
    ends: float = 1.0,
) -> Certificate:
    """Write a certificate for names, valid from begins to ends, in days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=begins))
        .not_valid_after(now + timedelta(days=ends))
        .add_extension(
            x509.SubjectAlternativeName([general_name(n) for n in names]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    result = Certificate(str(folder / "cert.pem"), str(folder / "key.pem"))
    Path(result.path).write_bytes(certificate.public_bytes(pem))
    Path(result.key).write_bytes(
        key.private_bytes(
            pem,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return result
