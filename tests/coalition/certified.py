"""Signatures with certificates: a seal of the test's own, letters in four scripts, a signature countersigned."""

import io
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.utils import timezone

from coalition import actions, ceremony, certificates, seal
from coalition.models import Letter, LetterText, Signature
from tests.coalition.factories import approved
from tests.factories import EntityFactory, UserFactory

TEXTS = {
    "ar": "نحن الموقعين أدناه نلتزم بالعمل معا بشأن النفايات الإلكترونية (e-waste) ابتداء من عام 2026.",
    "zh-hans": "我们签署方承诺自2026年起就电子废物共同采取行动。",
    "en": "We, the undersigned, will **act together** on e-waste.\n\n1. First\n2. Second\n\n> A quotation with `code`.",
    "ru": "Мы, нижеподписавшиеся, обязуемся действовать совместно.",
}


def make_key(settings: Any, folder: Path) -> seal.Key:
    """A key, its certificates, and a place for files; the settings point at them."""
    call_command("make_seal_key", folder=folder / "seal", stdout=io.StringIO())
    settings.PORTAL_SEAL_KEY = str(folder / "seal" / "key.pem")
    settings.PORTAL_SEAL_CERTIFICATES = str(folder / "seal" / "chain.pem")
    settings.MEDIA_ROOT = str(folder / "media")
    key = seal.load()
    assert key is not None
    return key


def letter(version: str = "2026-certified", *, is_example: bool = False) -> Letter:
    found = Letter.objects.filter(version=version).first()
    if found is not None:
        return found
    draft = Letter.objects.create(
        version=version, title_en="Letter of Intent", title_ar="خطاب النوايا", title_zh_hans="意向书",
        dated=date(2026, 1, 1), is_example=is_example,
    )  # fmt: skip
    for language, body in TEXTS.items():
        LetterText.objects.create(letter=draft, language=language, body=body)
    draft.published_at, draft.published_by = timezone.now(), UserFactory()
    draft.save(update_fields=["published_at", "published_by"])
    return draft


def signed(language: str = "en", *, name: str = "Amina Example", title: str = "Minister", **entity: Any) -> Signature:
    """Signed with a code by e-mail, not yet countersigned."""
    owner = EntityFactory(**entity)
    own_letter = letter("2026-example", is_example=True) if owner.is_example else letter()
    membership = approved(entity=owner, letter=own_letter, head_name=name, head_title=title)
    invitation = ceremony.Invitation.objects.select_related("membership__entity", "membership__letter", "mandate").get(
        membership=membership, revoked_at=None
    )
    prepared = ceremony.prepare(invitation, language=language)
    return ceremony.sign(invitation, sealed=prepared.sealed, code_was_checked=True, typed_name=name)


def countersigned(language: str = "en", **fields: Any) -> Signature:
    """Without certificate: commit hooks do not run inside a test's transaction."""
    return actions.countersign(membership=signed(language, **fields).membership, by=UserFactory())


def made(signature: Signature) -> bytes:
    """The certificate, made if need be."""
    certificates.make(signature.pk)
    signature.refresh_from_db()
    with signature.certificate.open() as file:
        content: bytes = file.read()
    return content
