"""What became of a desired output or expected outcome: words that are only ever added."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from dialogue import permissions
from dialogue.models import Change, DesiredOutput, Dialogue, ExpectedOutcome, OutcomeUpdate
from dialogue.models.outcomes import EVIDENCE
from ewaste_portal import vocabularies

if TYPE_CHECKING:
    from ewaste_portal.models import User

Aim = DesiredOutput | ExpectedOutcome

ADDRESS = ("evidence_url", "evidence_name")
_is_on_the_web = URLValidator(schemes=["http", "https"])


def check(*, dialogue: Dialogue, on: date, status: str, note: str, language: str, evidence: Mapping[str, Any]) -> None:
    """ValidationError, by the names of the fields, for what no word may say; forms ask this too."""
    wrong: dict[str, ValidationError] = {}
    if on > timezone.localdate(timezone=dialogue.zone):
        wrong["on"] = ValidationError(_("The date must not lie in the future."), code="future")
    if status not in vocabularies.codes("outcome_status"):
        wrong["status"] = ValidationError(_("Choose a status from the list."), code="status")
    if not note.strip():
        wrong["note"] = ValidationError(_("Say what happened, or what is known."), code="note")
    if language not in dict(settings.LANGUAGES):
        wrong["language"] = ValidationError(_("Choose a language from the list."), code="language")
    address, name = evidence.get("evidence_url", ""), evidence.get("evidence_name", "")
    if address:
        try:
            _is_on_the_web(address)
        except ValidationError:
            text = _("Enter an address that begins with https:// or http://.")
            wrong["evidence_url"] = ValidationError(text, code="address")
    elif name:
        wrong["evidence_url"] = ValidationError(_("Give the address of what you name as evidence."), code="address")
    if status == "achieved" and not address and not any(evidence.get(field) for field in EVIDENCE):
        text = _("“Achieved” needs evidence: a resource, a signature, a meeting, an address.")
        wrong["status"] = ValidationError(text, code="evidence")
    if wrong:
        raise ValidationError(wrong)


@transaction.atomic
def add_update(
    *, aim: Aim, by: "User", on: date, status: str, note: str, language: str = "en", **evidence: Any
) -> OutcomeUpdate:
    """A dated word; it is public at once and can be corrected only by another. The same word twice is one.

    `evidence`: objects by the names of models.outcomes.EVIDENCE, and `evidence_url` with `evidence_name`.
    """
    unknown = set(evidence) - {*EVIDENCE, *ADDRESS}
    if unknown:
        raise TypeError(f"No evidence is called {', '.join(sorted(unknown))}.")
    rows = type(aim).objects.select_for_update(of=("self",)).select_related("dialogue", "owner")
    current: Aim = rows.get(pk=aim.pk)
    if not permissions.can_add_word(by, current):
        text = _("Words are added by staff and by focal points of the entity that answers for it.")
        raise ValidationError(text, code="permission")
    proofs = {name: value for name, value in evidence.items() if value}
    check(dialogue=current.dialogue, on=on, status=status, note=note, language=language, evidence=proofs)
    words = {f"note_{vocabularies.COLUMNS[language]}": note.strip()}
    facts = {"on": on, "status": status, **dict.fromkeys(EVIDENCE), **dict.fromkeys(ADDRESS, ""), **proofs}
    again = current.updates.filter(**{name: value for name, value in facts.items() if value is not None}, **words)
    again = again.filter(**{f"{name}__isnull": True for name in EVIDENCE if facts[name] is None})
    found = again.first()
    if found is not None:
        return found
    before = current.updates.first()
    update: OutcomeUpdate = current.updates.create(created_by=by, **facts, **words)
    if current.dialogue.is_public:
        _tell(current, before, update, by)
    return update


def _tell(aim: Aim, before: OutcomeUpdate | None, update: OutcomeUpdate, by: "User") -> None:
    """On the page of changes: how it stood, and how it stands now."""
    after = aim.updates.first() or update
    text: str = getattr(aim, "text_en", "") or aim.text
    Change.objects.create(
        dialogue=aim.dialogue, what=Change.What.OUTCOME, subject=text[:300], by=by,
        before=before.status if before else "", after=after.status, sequence=aim.dialogue.sequence,
    )  # fmt: skip
