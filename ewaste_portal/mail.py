"""Mail goes out as a task: a mail server that is down fails nobody's request."""

from collections.abc import Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage as MimeMessage
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string
from django.utils.translation import override
from django_tasks import task

from ewaste_portal.accounts import portal_name


def written(template: str, *, language: str, **context: Any) -> tuple[str, str]:
    """Subject, in one line, and body of a mail from a template whose first line is the subject."""
    with override(language):
        text = render_to_string(
            template,
            {
                "portal_name": portal_name(),
                "origin": settings.PORTAL_ORIGIN,
                "contact": settings.PORTAL_CONTACT,
                **context,
            },
        ).strip()
    subject, _newline, body = text.partition("\n")
    return " ".join(subject.split()), body.strip() + "\n"


class QueuedEmailBackend(BaseEmailBackend):
    """Django's mail backend that only puts messages into the queue `mail`.

    A task's arguments are JSON: each byte of the message travels as one character of Latin-1.
    """

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            deliver.enqueue(message.message().as_bytes().decode("latin-1"), message.recipients())
        return len(email_messages)


class RenderedMessage(EmailMessage):
    """A message that is already written: sent as it is."""

    def __init__(self, raw: str, recipients: list[str]) -> None:
        self.mime: MimeMessage = message_from_bytes(raw.encode("latin-1"), policy=policy.SMTP)
        super().__init__(from_email=str(self.mime["From"]), to=recipients)

    def message(self) -> MimeMessage:
        return self.mime


@task(queue_name="mail")
def deliver(raw: str, recipients: list[str]) -> None:
    """Hands one message to the mail server named by EMAIL_URL. Raises OSError or SMTPException if it refuses."""
    connection = get_connection(settings.MAIL_DELIVERY_BACKEND)
    connection.send_messages([RenderedMessage(raw, recipients)])
