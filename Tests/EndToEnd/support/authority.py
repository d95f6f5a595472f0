"""A certificate authority of the tests' own, and the certificates by which servers are known, or are not."""

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass(frozen=True)
class Certificate:
    """What a server shows, in two files."""

    certificate_file: Path
    key_file: Path

    @cached_property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate_file.read_bytes())

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate_file, self.key_file)
        return context


class Authority:
    """Its own certificate is `file`. Whoever is given that trusts what it issues."""

    def __init__(self, folder: Path, name: str = "e2e"):
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._prefix = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(f"{name} authority")
        builder = (
            self._builder(self._name, self._key, 1, 365)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(
                x509.KeyUsage(True, False, False, False, False, True, True, False, False),
                critical=True,
            )
        )
        self.file = folder / f"{name}-authority.pem"
        made = builder.sign(self._key, hashes.SHA256())
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def issue(
        self, file_name: str, *names: str, days: int = 30, days_ago: int = 1, self_signed: bool = False
    ) -> Certificate:
        """For names and addresses, until so many days from now: below zero it has ended."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(file_name)
        signer, issuer = (key, subject) if self_signed else (self._key, self._name)
        builder = (
            self._builder(subject, key, days_ago, days, issuer)
            .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        )
        made = builder.sign(signer, hashes.SHA256())
        certificate_file = self._folder / f"{self._prefix}-{file_name}.pem"
        key_file = self._folder / f"{self._prefix}-{file_name}.key"
        certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return Certificate(certificate_file, key_file)

    @staticmethod
    def _builder(
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        days_ago: int,
        days: int,
        issuer: x509.Name | None = None,
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer or subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_now() - days_ago * _DAY)
            .not_valid_after(_now() + days * _DAY)
        )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
