"""What staff record of things that happened outside the portal: a handwritten signature, a mail that came back."""

import io
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from PIL import Image

from coalition import actions, ceremony, files, journal, mails
from coalition.models import Invitation, Letter, LetterText, Mandate, Membership, Signature

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

    from ewaste_portal.models import User

METHODS = (Signature.Method.WET_INK, Signature.Method.QUALIFIED)


@transaction.atomic
def record_signature(
    *, membership: Membership, mandate: Mandate, method: str, signed_on: date, scan: "UploadedFile", by: "User"
) -> Signature:
    """A signature made on paper or with the entity's own electronic signature; another member of staff countersigns it.

    The scan is kept byte for byte. `signed_at` is midnight of the day, UTC: the hour is not known. ValidationError if the
    application is not with the Head, or if mandate, day or file cannot be right.
    """
    files.validate_document(scan)
    current = actions.locked(membership, "signing")
    mandate = Mandate.objects.select_for_update(of=("self",)).get(pk=mandate.pk)
    letter = current.letter
    assert letter is not None  # noqa: S101  the database: signing has a letter
    _check(current, letter, mandate, method, signed_on)
    text = letter.texts.get(language=letter.authentic_language)
    scan.seek(0)
    content = scan.read()
    code, scan_sha256 = ceremony.new_code(), files.sha256(content)
    evidence = _evidence(current, text, mandate, method, signed_on, scan_sha256, by)
    signature = Signature(
        membership=current,
        entity=current.entity,
        letter=letter,
        mandate=mandate,
        method=method,
        code=code,
        signed_on=signed_on,
        signed_at=datetime.combine(signed_on, time(), UTC),
        entity_name=current.entity.official_name,
        signer_name=mandate.name,
        signer_title=mandate.title,
        capacity=mandate.role,
        language=text.language,
        text_sha256=text.sha256,
        evidence=evidence,
        evidence_sha256=files.sha256(evidence.encode()),
        scan_sha256=scan_sha256,
        recorded_by=by,
        is_example=current.entity.is_example,
    )
    signature.scan.save(f"{code}.{_ending(content)}", ContentFile(content), save=False)
    try:
        signature.save()
    except Exception:
        signature.scan.storage.delete(signature.scan.name)
        raise
    current.invitations.filter(used_at__isnull=True, revoked_at__isnull=True).update(revoked_at=timezone.now())
    actions.move(current, "signed", "signed", by=by)
    facts = {"signature": code, "evidence_sha256": signature.evidence_sha256, "scan_sha256": scan_sha256}
    journal.write("signature original", membership=current, by=by, method=method, **facts)
    mails.to_applicants("signed_original", current, signature=signature)
    mails.to_staff("staff_signed", current, signature=signature)
    return signature


def _check(membership: Membership, letter: Letter, mandate: Mandate, method: str, signed_on: date) -> None:
    if method not in METHODS:
        raise ValidationError(
            _("Only handwritten signatures and the entity's own electronic ones are recorded."), code="method"
        )
    if mandate.entity_id != membership.entity_id or mandate.role not in {"head", "delegate"}:
        raise ValidationError(_("Choose the Head of the entity, or a delegate."), code="mandate")
    if signed_on > timezone.localdate():
        raise ValidationError(_("The day of signature must not lie in the future."), code="future")
    if signed_on < letter.dated:
        raise ValidationError(_("The day of signature lies before the date of the letter."), code="letter")
    if not mandate.holds_on(signed_on):
        raise ValidationError(
            _("The mandate of %(name)s does not cover this day: correct its period first, if that is wrong.")
            % {"name": mandate.name},
            code="mandate-ended",
        )


def _evidence(
    membership: Membership,
    text: LetterText,
    mandate: Mandate,
    method: str,
    signed_on: date,
    scan_sha256: str,
    by: "User",
) -> str:
    """As the ceremony writes it, but for the proof: a scan's hash, who recorded it (a number) and when."""
    statement = journal.canonical(
        {
            "portal": settings.PORTAL_ORIGIN,
            "kind": "original",
            "letter": text.letter.version,
            "language": text.language,
            "text_sha256": text.sha256,
            "authentic_language": text.letter.authentic_language,
            "entity": membership.entity.slug,
            "entity_name": membership.entity.official_name_en,
            "name": mandate.name,
            "title": mandate.title,
            "capacity": mandate.role,
            "instrument_sha256": mandate.instrument_sha256,
            "membership": membership.pk,
            "signed_on": signed_on.isoformat(),
            "is_example": membership.entity.is_example,
        }
    )
    evidence: dict[str, Any] = {
        "statement": statement,
        "statement_sha256": files.sha256(statement.encode()),
        "method": method,
        "mandate": mandate.pk,
        "instrument_sha256": mandate.instrument_sha256,
        "scan_sha256": scan_sha256,
        "recorded_by": by.pk,
        "recorded_at": timezone.now().isoformat(timespec="seconds"),
        "journal_head": journal.head(),
    }
    return journal.canonical(evidence)


def _ending(content: bytes) -> str:
    """By what the file is, not by its name."""
    if content.startswith(b"%PDF-"):
        return "pdf"
    with Image.open(io.BytesIO(content), formats=files.IMAGE_FORMATS) as image:
        return {"PNG": "png", "JPEG": "jpg"}.get(image.format or "", "webp")


@transaction.atomic
def record_bounce(*, invitation: Invitation, by: "User") -> Invitation:
    """The mail came back later, as a mailbox of the secretariat told: the focal point sees it, reminders stop."""
    current = (
        Invitation.objects.select_for_update(of=("self",)).select_related("membership__entity").get(pk=invitation.pk)
    )
    if current.delivery == Invitation.Delivery.BOUNCED:
        raise ValidationError(_("This is recorded already."), code="again")
    current.delivery, current.delivery_at = Invitation.Delivery.BOUNCED, timezone.now()
    current.save(update_fields=["delivery", "delivery_at"])
    journal.write("invitation came back", membership=current.membership, by=by)
    return current
