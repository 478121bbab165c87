"""Mails about memberships: one template each in templates/coalition/mail/, its first line is the subject.

They go out in the language of the correspondence, after the transaction is committed.
"""

from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.utils.translation import override

from coalition.models import Membership
from ewaste_portal.accounts import portal_name


def compose(kind: str, *, to: list[str], language: str, **context: Any) -> EmailMessage:
    """A mail from the template coalition/mail/<kind>.txt."""
    with override(language):
        text = render_to_string(
            f"coalition/mail/{kind}.txt",
            {
                "portal_name": portal_name(),
                "origin": settings.PORTAL_ORIGIN,
                "contact": settings.PORTAL_CONTACT,
                **context,
            },
        ).strip()
    subject, _newline, body = text.partition("\n")
    return EmailMessage(subject=subject.strip(), body=body.strip() + "\n", to=to)


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
