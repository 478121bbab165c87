"""A key for the registry's seal with certificates of its own making: root, issuing, leaf. For the demo and for trials."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from coalition import seal
from ewaste_portal.accounts import portal_name

YEARS = {"root": 20, "issuing": 10, "leaf": 3}


class Command(BaseCommand):
    help = "Makes a chain of three certificates and the key of the seal; an existing key is never overwritten."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--folder", type=Path, help="default: the folder of PORTAL_SEAL_KEY")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["folder"] is None and not settings.PORTAL_SEAL_KEY:
            raise CommandError("Set PORTAL_SEAL_KEY, or name a --folder.")
        folder = options["folder"] or Path(settings.PORTAL_SEAL_KEY).parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        if any((folder / name).exists() for name in ("key.pem", "chain.pem", "root.pem")):
            self.stdout.write(f"{folder}: there is a key already; nothing was changed.")
            return
        keys = {part: ec.generate_private_key(ec.SECP256R1()) for part in YEARS}
        root = _certificate("root", keys, issuer=None)
        issuing = _certificate("issuing", keys, issuer=root)
        leaf = _certificate("leaf", keys, issuer=issuing)
        for name, part in (("root-key.pem", "root"), ("issuing-key.pem", "issuing"), ("key.pem", "leaf")):
            _write(folder / name, keys[part].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        pem = [certificate.public_bytes(Encoding.PEM) for certificate in (leaf, issuing, root)]
        _write(folder / "root.pem", pem[2])
        _write(folder / "chain.pem", b"".join(pem))
        self.stdout.write(f"{folder}: key.pem and chain.pem. SHA-256 of the root: {seal.fingerprint(root)}")


def _write(path: Path, content: bytes) -> None:
    """A new file that only its owner reads; FileExistsError if there is one."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _certificate(
    part: str, keys: dict[str, ec.EllipticCurvePrivateKey], *, issuer: x509.Certificate | None
) -> x509.Certificate:
    names = {"root": "registry root", "issuing": "registry issuing", "leaf": "registry seal"}
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, portal_name()[:64]),
            x509.NameAttribute(
                NameOID.COMMON_NAME, f"{names[part].capitalize()}{' (demonstration)' if settings.PORTAL_DEMO else ''}"
            ),
        ]
    )
    signing = keys[{"root": "root", "issuing": "root", "leaf": "issuing"}[part]]
    now = datetime.now(UTC)
    is_leaf = part == "leaf"
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(keys[part].public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=365 * YEARS[part]))
        .add_extension(
            x509.BasicConstraints(ca=not is_leaf, path_length={"root": 1, "issuing": 0, "leaf": None}[part]), critical=True
        )
        .add_extension(
            x509.KeyUsage(
                digital_signature=is_leaf, content_commitment=is_leaf, key_encipherment=False, data_encipherment=False,
                key_agreement=False, key_cert_sign=not is_leaf, crl_sign=not is_leaf, encipher_only=False, decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(keys[part].public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
        .sign(signing, SHA256())
    )  # fmt: skip
