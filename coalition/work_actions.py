"""Every change of state of initiatives and pledges: contributed by focal points, published by staff.

draft -> submitted -> published -> withdrawn, and back to a draft from each of the last three. What was public once keeps
its address: the page says that it was taken back.
"""

from datetime import date
from typing import TYPE_CHECKING, TypeVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from coalition import mails
from coalition.models import Entity, Initiative, Pledge, PledgeUpdate
from coalition.models.work import Publication

if TYPE_CHECKING:
    from ewaste_portal.models import User

Work = TypeVar("Work", Initiative, Pledge)


def locked(work: Work, *states: str) -> Work:
    """The row as it is now, held until the transaction ends. ValidationError if its state forbids the step."""
    current = type(work).objects.select_for_update(of=("self",)).select_related("entity", "created_by").get(pk=work.pk)
    if current.publication not in states:
        raise ValidationError(
            _("“%(title)s” is in the state “%(state)s”: this step is not open to it.")
            % {"title": current, "state": current.get_publication_display()},
            code="state",
        )
    return current


def _move(work: Work, publication: str, **changes: object) -> Work:
    work.publication = publication
    for name, value in changes.items():
        setattr(work, name, value)
    work.save(update_fields=["publication", "modified_at", *changes])
    return work


@transaction.atomic
def submit(*, work: Work, by: "User") -> Work:
    """To the secretariat, which is told by mail."""
    current = _move(locked(work, Publication.DRAFT), Publication.SUBMITTED)
    if isinstance(current, Pledge) and _waits_for_its_initiative(current):
        raise ValidationError(_("The initiative that this pledge supports is not published."), code="initiative")
    message = mails.compose("staff_work_submitted", to=[settings.PORTAL_CONTACT], language="en", work=current, by=by)
    transaction.on_commit(message.send)
    return current


def _waits_for_its_initiative(pledge: Pledge) -> bool:
    return pledge.initiative is not None and pledge.initiative.publication != Publication.PUBLISHED


@transaction.atomic
def publish(*, work: Work, by: "User") -> Work:
    """By staff. ValidationError while its entity has no public page, or the initiative that it supports is not public."""
    current = locked(work, Publication.SUBMITTED, Publication.DRAFT)
    if not Entity.objects.public().filter(pk=current.entity_id).exists():
        raise ValidationError(_("The entity has no public page: check or merge it first."), code="entity")
    if isinstance(current, Pledge) and _waits_for_its_initiative(current):
        raise ValidationError(_("The initiative that this pledge supports is not published."), code="initiative")
    if isinstance(current, Initiative) and not current.source_url and current.created_by_id is None:
        raise ValidationError(
            _("A published initiative needs a source or an entity that stands for it."), code="source"
        )
    _move(current, Publication.PUBLISHED, published_at=timezone.now(), published_by=by)
    _tell_author("work_published", current)
    return current


@transaction.atomic
def return_for_changes(*, work: Work, by: "User", reason: str) -> Work:
    """By staff, with the reason in a mail to whoever contributed it."""
    if not reason.strip():
        raise ValidationError(_("Give a reason: the contributor will read it."), code="reason")
    current = _move(locked(work, Publication.SUBMITTED), Publication.DRAFT)
    _tell_author("work_returned", current, reason=reason.strip())
    return current


@transaction.atomic
def take_back(*, work: Work, by: "User") -> Work:
    """To a draft that can be corrected and submitted again; meanwhile the public page is closed."""
    return _move(locked(work, Publication.SUBMITTED, Publication.PUBLISHED, Publication.WITHDRAWN), Publication.DRAFT)


@transaction.atomic
def withdraw(*, work: Work, by: "User") -> Work:
    """The public page says that it was withdrawn. ValidationError while published pledges support the initiative."""
    current = locked(work, Publication.DRAFT, Publication.SUBMITTED, Publication.PUBLISHED)
    if isinstance(current, Initiative) and current.pledges.filter(publication=Publication.PUBLISHED).exists():
        raise ValidationError(
            _("Published pledges support this initiative: they have to be withdrawn first."), code="pledges"
        )
    return _move(current, Publication.WITHDRAWN)


@transaction.atomic
def add_update(*, pledge: Pledge, by: "User", on: date, text: str) -> PledgeUpdate:
    """A dated note on what became of a published pledge; it is never changed. The same note twice is one note."""
    current = locked(pledge, Publication.PUBLISHED)
    if on > timezone.localdate():
        raise ValidationError(_("The date must not lie in the future."), code="future")
    again = current.updates.filter(on=on, text=text).first()
    return again or PledgeUpdate.objects.create(pledge=current, on=on, text=text, created_by=by)


def _tell_author(kind: str, work: Initiative | Pledge, **context: object) -> None:
    author = work.created_by
    if author is not None:
        message = mails.compose(kind, to=[author.email], language=author.language, work=work, **context)
        transaction.on_commit(message.send)
