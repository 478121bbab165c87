"""Mails to people who registered. The queue holds numbers alone: no name, no address, no code, no link."""

import logging
from datetime import timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import get_connection
from django.utils import timezone
from django_tasks import task

MOST_TRIES = 5

logger = logging.getLogger(__name__)


@task(queue_name="mail")
def mail_to(kind: str, attendance: int, attempt: int = 1) -> None:
    """Writes a mail of templates/dialogue/mail/ to the person of a registration as it is now, and sends it.

    Nothing where the mail makes no sense any more. What the mail server refuses is tried again after 2, 4, 8, 16 minutes.
    """
    from dialogue import mails  # noqa: PLC0415  templates and calendars are the worker's business

    message = mails.to_person(kind, attendance)
    if message is None:
        return
    try:
        get_connection(settings.MAIL_DELIVERY_BACKEND).send_messages([message])
    except (SMTPException, OSError) as error:
        logger.warning("A mail of the kind %s waits: %s", kind, type(error).__name__)
        if attempt < MOST_TRIES and mail_to.get_backend().supports_defer:
            later = mail_to.using(run_after=timezone.now() + timedelta(minutes=2**attempt))
            later.enqueue(kind, attendance, attempt + 1)
            return
        raise


@task()
def fill_places(dialogue: int) -> int:
    """Gives free places to those who wait, such as after more places were made. How many it gave."""
    from dialogue.actions import attendance  # noqa: PLC0415  which imports this module
    from dialogue.models import Dialogue  # noqa: PLC0415

    return attendance.fill_places(dialogue=Dialogue.objects.get(pk=dialogue))
