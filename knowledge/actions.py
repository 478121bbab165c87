"""Every change of a resource's state: one function each, in one transaction, with who and when.

The database keeps the same rules (models.py); here they get a sentence that a person can read.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from knowledge.models import Resource

if TYPE_CHECKING:
    from ewaste_portal.models import User


def _locked(resource: Resource, *states: str) -> Resource:
    """The row as it is now, held until the transaction ends. ValidationError if its state forbids the change."""
    current = Resource.objects.select_for_update().get(pk=resource.pk)
    if current.state not in states:
        raise ValidationError(
            _("“%(resource)s” is in the state “%(state)s”: this step is not open to it.")
            % {"resource": current, "state": current.get_state_display()},
            code="state",
        )
    return current


def _save(resource: Resource, given: Resource, *fields: str) -> Resource:
    resource.save(update_fields=[*fields, "modified_at"])
    for name in fields:
        setattr(given, name, getattr(resource, name))
    return resource


@transaction.atomic
def submit(*, resource: Resource, by: "User", at: datetime | None = None) -> Resource:
    """A draft is put before those who publish."""
    current = _locked(resource, "draft")
    current.state, current.submitted_by, current.submitted_at = "in-review", by, at or timezone.now()
    return _save(current, resource, "state", "submitted_by", "submitted_at")


@transaction.atomic
def return_to_draft(*, resource: Resource, by: "User") -> Resource:
    """What is in review goes back to its editor; who sent it back stands in the history."""
    current = _locked(resource, "in-review")
    current.state, current.submitted_by, current.submitted_at = "draft", None, None
    return _save(current, resource, "state", "submitted_by", "submitted_at")


@transaction.atomic
def publish(*, resource: Resource, by: "User", at: datetime | None = None) -> Resource:
    """Readers can find it from now on. ValidationError without an edition."""
    current = _locked(resource, "draft", "in-review")
    if not current.editions.exists():
        raise ValidationError(
            _("“%(resource)s” has no edition: add one, with its language, before it is published.")
            % {"resource": current},
            code="edition",
        )
    current.state, current.published_by, current.published_at = "published", by, at or timezone.now()
    return _save(current, resource, "state", "published_by", "published_at")


@transaction.atomic
def withdraw(*, resource: Resource, by: "User", reason: str, at: datetime | None = None) -> Resource:
    """Its address stays and says since when and why. ValidationError without a reason."""
    if not reason.strip():
        raise ValidationError(_("Say why it is withdrawn: readers who follow an old link will see it."), code="reason")
    current = _locked(resource, "published")
    current.state, current.withdrawn_by, current.withdrawn_at = "withdrawn", by, at or timezone.now()
    current.withdrawal_reason = reason.strip()
    return _save(current, resource, "state", "withdrawn_by", "withdrawn_at", "withdrawal_reason")


@transaction.atomic
def reinstate(*, resource: Resource, by: "User", at: datetime | None = None) -> Resource:
    """A withdrawn resource is published again. ValidationError if another has taken its DOI meanwhile."""
    current = _locked(resource, "withdrawn")
    if (
        current.doi
        and Resource.objects.filter(doi=current.doi).exclude(pk=current.pk).exclude(state="withdrawn").exists()
    ):
        raise ValidationError(_("Another resource already has this DOI."), code="doi")
    current.state, current.published_by, current.published_at = "published", by, at or timezone.now()
    current.withdrawn_by, current.withdrawn_at, current.withdrawal_reason = None, None, ""
    return _save(
        current, resource, "state", "published_by", "published_at", "withdrawn_by", "withdrawn_at", "withdrawal_reason"
    )
