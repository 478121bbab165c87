"""Mails about memberships: one template each in templates/coalition/mail/, its first line is the subject.

They go out in the language of the correspondence, after the transaction is committed.
"""

from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

from coalition.models import Membership
from ewaste_portal.mail import written


def compose(kind: str, *, to: list[str], language: str, **context: Any) -> EmailMessage:
    """A mail from the template coalition/mail/<kind>.txt."""
    subject, body = written(f"coalition/mail/{kind}.txt", language=language, **context)
    return EmailMessage(subject=subject, body=body, to=to)


def to_applicants(kind: str, membership: Membership, **context: Any) -> None:
    """To the focal point who owns the application."""
    if membership.owner is not None:
        message = compose(
            kind, to=[membership.owner.email], language=membership.language, membership=membership, **context
        )
        transaction.on_commit(message.send)


def to_staff(kind: str, membership: Membership, **context: Any) -> None:
    message = compose(kind, to=[settings.PORTAL_CONTACT], language="en", membership=membership, **context)
    transaction.on_commit(message.send)
