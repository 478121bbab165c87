"""The registry's seal: PAdES B-B with ECDSA P-256, put on certificates once and checked whenever asked.

The key is a PEM file (PORTAL_SEAL_KEY); the certificates, from the leaf to the root, are another (PORTAL_SEAL_CERTIFICATES).
Roots of former keys stay in that second file, so that old seals are still trusted. Without a key nothing is sealed and
everything else works.

`python -m coalition.seal CERTIFICATES < file.pdf` examines a file within limits of time and memory: uploads are never
parsed in the web server's own process.
"""

import io
import json
import logging
import resource
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from django.conf import settings
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from coalition.files import sha256

FIELD = "RegistrySeal"
SECONDS, MEMORY = 10, 1024 * 1024 * 1024  # what examining an upload may take

State = Literal["intact", "extended", "broken", "untrusted", "none", "unreadable"]


class SealError(Exception):
    """The key or its certificates cannot be used; the message says why, for those who run the portal."""


@dataclass(frozen=True)
class Key:
    """What seals: key and certificate, with the chain below the root."""

    signer: signers.SimpleSigner
    certificate: x509.Certificate

    @property
    def certificate_sha256(self) -> str:
        return self.certificate.fingerprint(SHA256()).hex()

    @property
    def ends(self) -> datetime:
        return self.certificate.not_valid_after_utc


@dataclass(frozen=True)
class Finding:
    """What was found in a file. `extended`: sealed, then something was added. `part_sha256`: of what the seal covers."""

    state: State
    certificate_sha256: str = ""
    part_sha256: str = ""
    byte_range: tuple[int, ...] = ()

    @property
    def is_intact(self) -> bool:
        return self.state == "intact"


# Key and certificates -----------------------------------------------------------------------------------


def _certificates_file() -> bytes:
    path = Path(settings.PORTAL_SEAL_CERTIFICATES) if settings.PORTAL_SEAL_CERTIFICATES else None
    return path.read_bytes() if path and path.is_file() else b""


def certificates() -> list[x509.Certificate]:
    content = _certificates_file()
    return x509.load_pem_x509_certificates(content) if content else []


def roots() -> list[x509.Certificate]:
    """What readers have to trust: every certificate of the file that signed itself."""
    return [certificate for certificate in certificates() if certificate.issuer == certificate.subject]


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 as tools print it: AB:CD:..."""
    return certificate.fingerprint(SHA256()).hex(":").upper()


def load() -> Key | None:
    """The key that seals today; None where there is none. SealError where there is one that cannot be used."""
    path = Path(settings.PORTAL_SEAL_KEY) if settings.PORTAL_SEAL_KEY else None
    if path is None or not path.is_file():
        return None
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, OSError) as error:
        raise SealError("PORTAL_SEAL_KEY cannot be read: set it to a PEM file without a password.") from error
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    chain = certificates()
    own = [c for c in chain if c.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == public]
    if not own or not roots():
        raise SealError(
            "PORTAL_SEAL_CERTIFICATES must hold the certificate of PORTAL_SEAL_KEY and those up to its root."
        )
    leaf = max(own, key=lambda certificate: certificate.not_valid_after_utc)
    if leaf.not_valid_after_utc <= datetime.now(UTC):
        raise SealError(
            f"The certificate of the seal ended on {leaf.not_valid_after_utc:%d %B %Y}: put a new one in place."
        )
    between = [c for c in chain if c not in own and c.issuer != c.subject]
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register_multiple([_asn1(certificate) for certificate in between])
    signer = signers.SimpleSigner(
        signing_cert=_asn1(leaf),
        signing_key=load_private_key_from_pemder_data(path.read_bytes(), passphrase=None),
        cert_registry=store,
        embed_roots=False,
    )
    return Key(signer, leaf)


def _asn1(certificate: x509.Certificate) -> Any:
    return next(iter(load_certs_from_pemder_data(certificate.public_bytes(Encoding.PEM))))


# Sealing and checking -----------------------------------------------------------------------------------------


def seal(pdf: bytes, key: Key, *, reason: str, location: str) -> bytes:
    """The file with the seal at its end; nothing may be added after it."""
    metadata = signers.PdfSignatureMetadata(
        field_name=FIELD,
        subfilter=SigSeedSubFilter.PADES,
        md_algorithm="sha256",
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        reason=reason,
        location=location,
    )
    signer = signers.PdfSigner(metadata, signer=key.signer, new_field_spec=SigFieldSpec(FIELD))
    return signer.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf))).getvalue()


def examine(pdf: bytes, *, at: datetime | None = None, certificates_file: bytes | None = None) -> Finding:
    """Looks for the seal in a file and checks it as of a moment (default: now). Never raises for a faulty file.

    `intact` asks three things: the bytes are those that were sealed, nothing stands after them, and the seal's chain ends
    in one of our roots.
    """
    trusted = certificates_file if certificates_file is not None else _certificates_file()
    known = list(load_certs_from_pemder_data(trusted)) if trusted else []
    try:
        signatures = PdfFileReader(io.BytesIO(pdf)).embedded_regular_signatures
    except Exception:  # noqa: BLE001  a poisoned file can raise anything
        return Finding("unreadable")
    if not signatures:
        return Finding("none")
    first = signatures[0]
    try:
        ranges = tuple(int(number) for number in first.byte_range)
        facts = (first.signer_cert.sha256.hex(), sha256(pdf[: ranges[2] + ranges[3]]), ranges)
    except Exception:  # noqa: BLE001
        return Finding("unreadable")
    try:
        context = ValidationContext(
            trust_roots=[c for c in known if c.self_issued],
            other_certs=[c for c in known if not c.self_issued],
            allow_fetching=False,
            moment=at,
        )
        status = validate_pdf_signature(first, signer_validation_context=context)
    except Exception:  # noqa: BLE001
        return Finding("broken", *facts)
    if not (status.intact and status.valid):
        return Finding("broken", *facts)
    if (
        len(signatures) > 1
        or status.coverage != SignatureCoverageLevel.ENTIRE_FILE
        or ranges[2] + ranges[3] != len(pdf)
    ):
        return Finding("extended", *facts)
    return Finding("intact" if status.bottom_line else "untrusted", *facts)


def examine_upload(pdf: bytes) -> Finding:
    """The same for a file of unknown origin, in a process of its own that may take little time and memory."""
    try:
        answer = subprocess.run(  # noqa: S603  our own module, no shell
            [sys.executable, "-m", "coalition.seal", str(settings.PORTAL_SEAL_CERTIFICATES or "")],
            input=pdf,
            capture_output=True,
            timeout=SECONDS + 5,
            check=True,
            cwd=settings.BASE_DIR,
            env={"PYTHONUTF8": "1"},
        )
        found = json.loads(answer.stdout)
    except (subprocess.SubprocessError, ValueError):
        return Finding("unreadable")
    return Finding(**{**found, "byte_range": tuple(found["byte_range"])})


def main() -> None:
    """The process of `examine_upload`."""
    for limit, value in ((resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, 0)):
        resource.setrlimit(limit, (value, value))
    logging.disable(logging.CRITICAL)
    path = Path(sys.argv[1]) if sys.argv[1] else None
    content = path.read_bytes() if path and path.is_file() else b""
    sys.stdout.write(json.dumps(asdict(examine(sys.stdin.buffer.read(), certificates_file=content))))


if __name__ == "__main__":
    main()
