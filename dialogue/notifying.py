"""Tells those who registered what changed: one mail each with all that was not yet told. The queue holds numbers alone."""

import logging
from datetime import timedelta
from functools import partial
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override
from django_tasks import task

from dialogue import changes, mails, tokens
from dialogue.models import Attendance, Change, Dialogue
from dialogue.times import when
from ewaste_portal.addresses import absolute

GATHERED_FOR = timedelta(minutes=10)  # what follows a small change in this time goes into the same mail
MOST_TRIES = 5
TOLD = ("confirmed", "attended", "waiting-list")
IN_CALENDARS = (Change.What.TIME, Change.What.PLACE, Change.What.STATUS, Change.What.TITLE)

logger = logging.getLogger(__name__)


def schedule(dialogue: Dialogue, *, at_once: bool) -> None:
    """After the transaction; what does not touch the dialogue's own time, place, title and status may wait for more."""
    transaction.on_commit(partial(_enqueue, dialogue.pk, at_once=at_once))


def _enqueue(number: int, *, at_once: bool) -> None:
    if at_once or not notify_of_changes.get_backend().supports_defer:
        notify_of_changes.enqueue(number)
    else:
        notify_of_changes.using(run_after=timezone.now() + GATHERED_FOR).enqueue(number)


@task()
def notify_of_changes(dialogue: int) -> int:
    """A mail for each person with a place or in line; a change is told once, however often this runs. How many mails.

    Nobody is told once the dialogue is over.
    """
    with transaction.atomic():
        row = Dialogue.objects.select_for_update(of=("self",), no_key=True).get(pk=dialogue)
        news = list(row.changes.filter(mailed_at__isnull=True).order_by("pk").values_list("pk", flat=True))
        row.changes.filter(pk__in=news).update(mailed_at=timezone.now())
        if not news or not row.is_public or row.ends_at <= timezone.now():
            return 0
        people = row.attendances.filter(state__in=TOLD, erased_at__isnull=True).exclude(email="")
        numbers = list(people.order_by("pk").values_list("pk", flat=True))
        for number in numbers:  # rows of the queue, written in this transaction: all or none
            mail_changes.enqueue(number, news)
    return len(numbers)


@task(queue_name="mail")
def mail_changes(attendance: int, news: list[int], attempt: int = 1) -> None:
    """What the mail server refuses is tried again after 2, 4, 8, 16 minutes."""
    message = compose(attendance, news)
    if message is None:
        return
    try:
        get_connection(settings.MAIL_DELIVERY_BACKEND).send_messages([message])
    except (SMTPException, OSError) as error:
        logger.warning("A mail about changes waits: %s", type(error).__name__)
        if attempt < MOST_TRIES and mail_changes.get_backend().supports_defer:
            later = mail_changes.using(run_after=timezone.now() + timedelta(minutes=2**attempt))
            later.enqueue(attendance, news, attempt + 1)
            return
        raise


def compose(number: int, news: list[int]) -> EmailMultiAlternatives | None:
    """In the person's language, with a calendar part where time, place, title or status changed; None if it is too late."""
    attendance = Attendance.objects.select_related("dialogue").filter(pk=number, state__in=TOLD).first()
    if attendance is None or not attendance.email:
        return None
    dialogue = attendance.dialogue
    rows = list(changes.public().filter(pk__in=news, dialogue=dialogue).order_by("at", "pk"))
    for change in rows:
        change.dialogue = dialogue
    calendar, method = b"", ""
    with override(attendance.language):
        if attendance.is_seated and any(not change.subject and change.what in IN_CALENDARS for change in rows):
            from dialogue.exchange import calendars  # noqa: PLC0415  needed by few mails

            method = "CANCEL" if dialogue.is_cancelled else "REQUEST"
            calendar = calendars.invitation(dialogue, attendance, method=method)
        context = {
            "attendance": attendance,
            "dialogue": dialogue,
            "told": changes.told(rows),
            "when": when(dialogue),
            "where": ", ".join(filter(None, (dialogue.room, dialogue.venue))),
            "page": absolute(dialogue.get_absolute_url()),
            "all_changes": absolute(reverse("dialogue:changes", args=[dialogue.slug])),
            "address": tokens.personal_address(attendance),
        }
    return mails.compose(
        "changes", to=[attendance.email], language=attendance.language, calendar=calendar, method=method, **context
    )
