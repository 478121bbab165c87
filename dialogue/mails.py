"""Mails about dialogues: one template each in templates/dialogue/mail/, its first line is the subject.

Mails to people who registered are written by the task that sends them, in the language in which they registered.
"""

from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.utils.translation import override

from dialogue import tokens
from dialogue.models import Attendance
from dialogue.times import when
from ewaste_portal.addresses import absolute
from ewaste_portal.mail import written

STATES = {  # in which a mail of this kind makes sense
    "code": ("pending",),
    "registered_already": ("waiting-list", "confirmed", "attended"),
    "confirmed": ("confirmed", "attended"),
    "waiting": ("waiting-list",),
    "place_given": ("confirmed", "attended"),
    "cancelled": ("cancelled",),
}
METHODS = {"confirmed": "REQUEST", "place_given": "REQUEST", "cancelled": "CANCEL"}  # of the calendar part


def compose(
    kind: str, *, to: list[str], language: str, calendar: bytes = b"", method: str = "", **context: Any
) -> EmailMultiAlternatives:
    """A mail from the template dialogue/mail/<kind>.txt.

    A calendar goes along twice: as a part that calendars act upon, by its method, and as a file for those that do not.
    """
    subject, body = written(f"dialogue/mail/{kind}.txt", language=language, **context)
    message = EmailMultiAlternatives(subject=subject, body=body, to=to)
    if calendar:
        message.attach_alternative(calendar.decode(), f"text/calendar; method={method}")
        message.attach("invitation.ics" if method == "REQUEST" else "cancellation.ics", calendar, "application/ics")
    return message


def send(kind: str, *, to: list[str], language: str, **context: Any) -> None:
    """Through the queue, after the transaction is committed: for mails without a secret."""
    message = compose(kind, to=to, language=language, **context)
    transaction.on_commit(message.send)


def to_person(kind: str, number: int) -> EmailMultiAlternatives | None:
    """To the person of a registration; None where the mail makes no sense any more.

    A mail with a code makes that code: nothing but this mail ever holds it.
    """
    attendance = Attendance.objects.select_related("dialogue__country").filter(pk=number).first()
    if attendance is None or not attendance.email or attendance.state not in STATES[kind]:
        return None
    dialogue = attendance.dialogue
    with override(attendance.language):
        context: dict[str, Any] = {
            "attendance": attendance,
            "dialogue": dialogue,
            "when": when(dialogue),
            "where": ", ".join(filter(None, (dialogue.room, dialogue.venue))),
            "page": absolute(dialogue.get_absolute_url()),
            "address": "" if kind == "code" else tokens.personal_address(attendance),
        }
        if kind == "code":
            code = tokens.new_code(attendance)
            context["code"] = f"{code[:4]}-{code[4:]}"
        if kind == "waiting":
            from dialogue.actions.attendance import number_in_line  # noqa: PLC0415  which imports the tasks

            context["number"] = number_in_line(attendance)
        method = METHODS.get(kind, "") if attendance.seated_at else ""
        calendar = _calendar(attendance, method) if method else b""
    return compose(
        f"attend_{kind}",
        to=[attendance.email],
        language=attendance.language,
        calendar=calendar,
        method=method,
        **context,
    )


def _calendar(attendance: Attendance, method: str) -> bytes:
    from dialogue.exchange import calendars  # noqa: PLC0415  needed by few mails

    return calendars.invitation(attendance.dialogue, attendance, method=method)
