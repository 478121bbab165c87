"""The certificate of a countersigned signature: rendered by Typst as PDF/A-3b, sealed, stored once.

It says in the signatory's language, and in the letter's authentic one, who signed what, in which capacity and when; it holds
the text of the letter, a QR code to its page, and `evidence.json`. The state of a membership never waits for it.
"""

import io
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import segno
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, get_language_bidi, get_language_info, gettext as _, override
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from coalition import journal, seal
from coalition.files import sha256
from coalition.models import JournalEntry, Signature
from ewaste_portal import typesetting
from ewaste_portal.accounts import portal_name

FOLDER = Path(__file__).parent
TEMPLATE = FOLDER / "typst" / "certificate.typ"

_markdown = MarkdownIt("commonmark", {"html": False})


# The words of a certificate ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Head:
    """The journal's last line when the certificate was made; printed on it, so that many hold an anchor of the chain."""

    number: int
    hash: str

    @classmethod
    def now(cls) -> "Head":
        number, digest = journal_head() or (0, journal.NO_HASH)
        return cls(number, digest)


def journal_head() -> tuple[int, str] | None:
    """Number and hash of the journal's last line."""
    return JournalEntry.objects.order_by("-pk").values_list("pk", "hash").first()


def address_of(signature: Signature) -> str:
    """The page that the QR code leads to, in the signatory's language."""
    with override(signature.language):
        return str(settings.PORTAL_ORIGIN + reverse("coalition:verify_code", args=[signature.code]))


def render(signature: Signature, *, head: Head) -> bytes:
    """The certificate before its seal; the same facts give the same bytes.

    UnsettableError if a character has no font. ValueError if the letter is not the one that was signed.
    """
    texts = {text.language: text for text in signature.letter.texts.all()}
    if texts[signature.language].sha256 != signature.text_sha256:
        raise ValueError("The letter's text is not the one that was signed.")
    authentic = signature.letter.authentic_language
    languages = list(dict.fromkeys([signature.language, authentic]))
    address = address_of(signature)
    qr = io.BytesIO()
    segno.make(address, error="m", micro=False).save(qr, kind="svg", xmldecl=False, border=1)
    at = signature.countersigned_at or signature.signed_at
    assert at is not None  # noqa: S101  the database: what is signed here has its time
    with override(signature.language):
        data: dict[str, Any] = {
            "title": _("Certificate of signature: %(entity)s") % {"entity": signature.entity_name},
            "author": portal_name(),
            "description": _("Certificate %(code)s") % {"code": signature.code},
            "evidence_description": _("What is needed to check the signature"),
        }
    data |= {
        "date": [at.astimezone(UTC).year, at.astimezone(UTC).month, at.astimezone(UTC).day],
        "code": signature.code,
        "address": address,
        "qr": qr.getvalue().decode(),
        "evidence": signature.evidence,
        "faces": [_face(signature, texts[language].body, language, head, address) for language in languages],
    }
    try:
        return typesetting.typeset(typesetting.source(TEMPLATE), {"data": json.dumps(data, ensure_ascii=False)}, at=at)
    except RuntimeError as error:
        words = json.dumps(
            {name: value for name, value in data.items() if name not in {"qr", "evidence"}}, ensure_ascii=False
        )
        missing = typesetting.unsettable("".join(sorted(set(words))))
        if missing:
            raise typesetting.UnsettableError(missing) from error
        raise


def _face(signature: Signature, body: str, language: str, head: Head, address: str) -> dict[str, Any]:
    """Everything that is said in one language: the certificate's page and the letter."""
    with override(language):
        authentic = signature.letter.authentic_language
        facts = [
            (_("Entity"), signature.entity_name, "strong"),
            (_("Name"), signature.signer_name, "strong"),
            (_("Title or function"), signature.signer_title, "text"),
            (_("Capacity"), signature.get_capacity_display(), "text"),
            (_("Act"), signature.get_kind_display(), "text"),
            (_("Date and time"), moment(signature.signed_at), "text")
            if signature.hour_is_known
            else (_("Day of signature"), day(signature.signed_on), "text"),
            (_("How it was signed"), signature.get_method_display(), "text"),
            (_("Letter"), f"{signature.letter.title} ({isolated(signature.letter.version)})", "text"),
            (_("Language of the text signed"), _language(signature.language), "text"),
            (_("Countersigned by the secretariat"), moment(signature.countersigned_at), "text"),
        ]
        hashes = [
            (_("Text signed, SHA-256"), signature.text_sha256),
            (_("evidence.json, SHA-256"), signature.evidence_sha256),
            (_("Private evidence, salted, SHA-256"), signature.private_sha256),
            (_("Journal, line %(number)d") % {"number": head.number}, head.hash),
        ]
        return {
            "lang": {"zh-hans": "zh"}.get(language, language),
            "dir": "rtl" if get_language_info(language)["bidi"] else "ltr",
            "demonstration": _("Made up for the demonstration: nobody real signed this.")
            if signature.is_example
            else "",
            "title": _("Certificate of signature"),
            "intro": _(
                "The registry of the %(portal)s certifies that the Letter of Intent on the pages that follow was signed:"
            )
            % {"portal": portal_name()},
            "facts": [{"label": label, "value": str(value), "kind": kind} for label, value, kind in facts if value],
            "check_title": _("How to check this certificate"),
            "check": _(
                "Scan the code, or enter %(code)s at %(address)s. The page says whether the certificate is genuine and whether"
                " the signature still stands. Any change to this file breaks its seal. The attached file evidence.json holds"
                " what is needed to check the signature without the portal."
            )
            % {"code": isolated(str(signature.code)), "address": isolated(address.removesuffix(f"{signature.code}/"))},
            "hashes": [{"label": label, "value": value, "kind": "code"} for label, value in hashes if value],
            "note": _(
                "The seal is that of the registry, not the personal signature of the signatory. Who signed rests on the"
                " mandate that the secretariat checked. A later withdrawal does not change this certificate: the page"
                " above says what holds today."
            ),
            "letter_title": signature.letter.title,
            "letter_note": _("A translation: the authentic language of this letter is %(language)s.")
            % {"language": _language(authentic)}
            if language != authentic
            else "",
            "letter": blocks(body),
        }


def _language(code: str) -> str:
    return str(dict(settings.LANGUAGES)[code])


def moment(at: datetime | None) -> str:
    """Day and time, always with the zone: 20 January 2026, 14:05:09 UTC."""
    if at is None:
        return ""
    local = at.astimezone(UTC)
    return f"{day(local.date())}, {isolated(f'{local:%H:%M:%S} UTC')}"


def day(of: date) -> str:
    """20 January 2026."""
    return date_format(of, "j F Y" if get_language() == "en" else "DATE_FORMAT")


def isolated(text: str) -> str:
    """Latin letters and figures that keep their order inside Arabic."""
    return f"\u2066{text}\u2069" if get_language_bidi() else text


def blocks(text: str) -> list[dict[str, Any]]:
    """The Markdown of a letter as plain data for the template: headings, paragraphs, lists, quotations."""
    return [_block(node) for node in SyntaxTreeNode(_markdown.parse(text)).children]


def _block(node: SyntaxTreeNode) -> dict[str, Any]:
    if node.type in {"bullet_list", "ordered_list"}:
        items = [[_block(child) for child in item.children] for item in node.children]
        if node.type == "bullet_list":
            return {"kind": "bullets", "children": items}
        return {"kind": "numbers", "start": int(node.attrs.get("start", 1)), "children": items}
    if node.type == "blockquote":
        return {"kind": "quote", "children": [_block(child) for child in node.children]}
    if node.type in {"heading", "paragraph"}:
        return {"kind": node.type, "children": _inline(node.children[0])}
    return {"kind": "paragraph", "children": [{"kind": "text", "text": node.content}]}


def _inline(node: SyntaxTreeNode) -> list[dict[str, Any]]:
    kinds = {"strong": "strong", "em": "emphasis", "link": "plain", "image": "plain"}
    found: list[dict[str, Any]] = []
    for child in node.children:
        if child.type in kinds:
            found.append({"kind": kinds[child.type], "children": _inline(child)})
        elif child.type == "code_inline":
            found.append({"kind": "code", "text": child.content})
        elif child.type == "hardbreak":
            found.append({"kind": "break"})
        else:
            found.append({"kind": "text", "text": " " if child.type == "softbreak" else child.content})
    return found


# Making them ----------------------------------------------------------------------------------------------------


def missing() -> Any:
    """Countersigned signatures without a certificate, the oldest first."""
    return (
        Signature.objects.filter(countersigned_at__isnull=False, certificate="")
        .exclude(method="historical")
        .order_by("pk")
    )


def make(number: int) -> Signature | None:
    """Renders, seals and stores the certificate of a signature, once; None while there is no key, or nothing to do.

    Whoever comes second waits for the row, and finds the certificate there. UnsettableError, SealError as they say.
    """
    key = seal.load()
    if key is None:
        return None
    with transaction.atomic():
        signature = (
            Signature.objects.select_for_update(of=("self",))
            .select_related("letter", "membership__entity")
            .get(pk=number)
        )
        if (
            signature.certificate
            or signature.countersigned_at is None
            or signature.method == Signature.Method.HISTORICAL
        ):
            return None
        head, sealed_at = Head.now(), timezone.now()
        with override("en"):
            location = portal_name()
        pdf = seal.seal(render(signature, head=head), key, reason=f"Certificate {signature.code}", location=location)
        if not seal.examine(pdf, at=sealed_at).is_intact:
            raise seal.SealError(
                "A seal made now does not verify: PORTAL_SEAL_CERTIFICATES must lead from the key to its root."
            )
        _store(signature, pdf)
        signature.certificate_sha256, signature.sealed_at = sha256(pdf), sealed_at
        signature.seal_certificate_sha256 = key.certificate_sha256
        try:
            signature.save(update_fields=["certificate", "certificate_sha256", "sealed_at", "seal_certificate_sha256"])
            journal.write(
                "certificate sealed", membership=signature.membership, signature=signature.code,
                certificate_sha256=signature.certificate_sha256, journal_line=head.number,
            )  # fmt: skip
        except Exception:
            signature.certificate.storage.delete(signature.certificate.name)
            raise
    return signature


def _store(signature: Signature, pdf: bytes) -> None:
    """Under the name of the code. The row is locked and has no certificate: a file there was left by a failed try."""
    storage, name = signature.certificate.storage, f"certificates/{signature.code}.pdf"
    if storage.exists(name):
        storage.delete(name)
    signature.certificate.save(f"{signature.code}.pdf", ContentFile(pdf), save=False)


def why_waiting(signature: Signature) -> str:
    """For staff: why a countersigned signature has no certificate yet; empty if the next sweep will make it."""
    try:
        if seal.load() is None:
            return _("There is no seal key: set PORTAL_SEAL_KEY.")
        render(signature, head=Head.now())
    except (typesetting.UnsettableError, seal.SealError, ValueError, RuntimeError) as error:
        return str(error)
    return ""
