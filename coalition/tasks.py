"""Background work of the Coalition: certificates, reminders, the nightly walk through the registry."""

import logging
from collections.abc import Iterator
from datetime import date, timedelta

from django.core.exceptions import ValidationError
from django.utils import timezone
from django_tasks import task

from coalition import actions, ceremony, certificates
from coalition.models import Invitation, Membership
from ewaste_portal import typesetting

MOST_TRIES = 5

logger = logging.getLogger(__name__)


@task()
def make_certificate(signature: int, attempt: int = 1) -> None:
    """Renders, seals and stores the certificate of a countersigned signature; does nothing if it is there.

    What fails is tried again after 2, 4, 8, 16 minutes, but for a name that cannot be set; the sweeper tries that too.
    """
    try:
        certificates.make(signature)
    except typesetting.UnsettableError:
        raise
    except Exception:
        if attempt < MOST_TRIES and make_certificate.get_backend().supports_defer:
            later = make_certificate.using(run_after=timezone.now() + timedelta(minutes=2**attempt))
            later.enqueue(signature, attempt + 1)
        raise


@task()
def make_missing_certificates() -> int:
    """The sweeper: certificates that could not be made when they were due, such as while there was no key. How many it made."""
    made = 0
    for number in certificates.missing().values_list("pk", flat=True):
        try:
            made += certificates.make(number) is not None
        except Exception as error:  # one that cannot be made must not keep back the others
            logger.exception("The certificate of signature %s waits: %s", number, type(error).__name__)
    return made


def remind_and_lapse() -> tuple[int, int]:
    """What the clock does, once a day: reminders to Heads, and files that nobody moves. How many of each.

    Not a task of the queue, whose rows staff can read: a reminder carries a secret address.
    """
    reminded = sum(
        ceremony.remind(invitation) is not None
        for invitation in Invitation.objects.alive().select_related("membership", "mandate")
        if ceremony.reminder_is_due(invitation)
    )
    lapsed = 0
    for membership in _without_movement():
        try:
            actions.lapse(membership=membership)
            lapsed += 1
        except ValidationError:  # it moved while we looked
            continue
    return reminded, lapsed


def _without_movement() -> Iterator[Membership]:
    """Open files untouched for 90 days, and those past their deadline whose Head has no invitation any more."""
    long_ago = timezone.now() - timedelta(days=actions.DAYS_TO_LAPSE)
    for membership in Membership.objects.filter(state__in=["draft", "returned", "review", "signing"]):
        invited = membership.invitations.alive().exists()
        overdue = membership.state == "signing" and (membership.sign_by or date.max) < timezone.localdate()
        if not invited and (overdue or membership.modified_at < long_ago):
            yield membership
