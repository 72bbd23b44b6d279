"""A certificate authority of one's own, for programs whose host is fixed at `api.na1.insightly.com`."""

import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOSTS = ("api.insightly.com", "api.na1.insightly.com", "api.eu1.insightly.com", "api.au1.insightly.com", "localhost")
ADDRESSES = ("127.0.0.1", "::1")
LIFE = timedelta(days=365)
SLACK = timedelta(days=1)
"""How long before its making a certificate is already good, for clocks that are behind."""


@dataclass(frozen=True, slots=True)
class Files:
    """Where the certificates lie: `authority` is what a program must trust."""

    authority: Path
    certificate: Path
    key: Path


def make_tls(folder: Path, now: datetime) -> tuple[ssl.SSLContext, Files]:
    """Make the certificates once, or again when they are near their end, and load them."""
    files = Files(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not still_good(files, now):
        write_certificates(files, now)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    return context, files


def still_good(files: Files, now: datetime) -> bool:
    """Whether the files are all there and the certificate lasts a day more."""
    if not all(path.exists() for path in (files.authority, files.certificate, files.key)):
        return False
    found = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    return found.not_valid_after_utc > now + SLACK


def write_certificates(files: Files, now: datetime) -> None:
    """Make an authority, whose key is thrown away, and one certificate signed by it."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name("Crosswalk sandbox authority")
    authority = (
        _start(issuer, issuer, now)
        .public_key(authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        _start(_name(HOSTS[1]), issuer, now)
        .public_key(key.public_key())
        .add_extension(x509.SubjectAlternativeName(_subjects(HOSTS, ADDRESSES)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    files.authority.write_bytes(authority.public_bytes(pem))
    files.certificate.write_bytes(certificate.public_bytes(pem))
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_secret(files.key, secret)


def write_secret(path: Path, secret: bytes) -> None:
    """Write a file that only its owner may read, from its first byte on."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secret)


def _start(subject: x509.Name, issuer: x509.Name, now: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SLACK)
        .not_valid_after(now + LIFE)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _subjects(hosts: Sequence[str], addresses: Sequence[str]) -> list[x509.GeneralName]:
    return [*(x509.DNSName(host) for host in hosts), *(x509.IPAddress(ip_address(a)) for a in addresses)]


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
