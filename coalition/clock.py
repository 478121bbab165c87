"""Where an application stands, in the applicant's words: what happened, what happens next, how long it usually takes."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import formats, timezone
from django.utils.translation import gettext as _, gettext_lazy

from coalition.actions import DAYS_TO_LAPSE
from coalition.models import Membership

REVIEW_DAYS, COUNTERSIGN_DAYS = 10, 5  # working days

# The journal's events that the applicant reads of; the reviewers' own notes are not among them.
EVENTS = {
    "nominated": gettext_lazy("A signatory nominated the entity."),
    "application begun": gettext_lazy("The application was begun."),
    "application submitted": gettext_lazy("The application was sent to the secretariat."),
    "application returned": gettext_lazy("The secretariat returned the application for changes."),
    "application approved": gettext_lazy("The secretariat approved the application."),
    "back to review": gettext_lazy("The secretariat took the application back to review."),
    "pledge confirmation asked": gettext_lazy("The authorised officer was asked by mail to confirm the pledge."),
    "mail to the officer refused": gettext_lazy("The mail to the authorised officer was refused by the mail server."),
    "pledge confirmed": gettext_lazy("The authorised officer confirmed the pledge."),
    "supporter accepted": gettext_lazy("The entity became a supporter."),
    "invited": gettext_lazy("The invitation was sent to the Head's office."),
    "reaffirmation asked": gettext_lazy("The Head was asked to reaffirm."),
    "withdrawal asked": gettext_lazy("The Head was asked to withdraw."),
    "request taken back": gettext_lazy("The request to the Head was taken back."),
    "invitation opened": gettext_lazy("The invitation was opened."),
    "delegated": gettext_lazy("The Head handed over to a delegate."),
    "signed": gettext_lazy("The Letter of Intent was signed."),
    "declined": gettext_lazy("The Head declined to sign."),
    "countersigned": gettext_lazy("The signature was accepted: the entity is a signatory."),
    "signature reaffirmation": gettext_lazy("The signature was reaffirmed."),
    "reaffirmation countersigned": gettext_lazy("The reaffirmation was accepted."),
    "withdrawn": gettext_lazy("The entity withdrew."),
    "lapsed": gettext_lazy("The file was closed because nothing moved."),
    "reopened": gettext_lazy("The secretariat reopened the file."),
    "rejected": gettext_lazy("The secretariat rejected the application."),
    "suspended": gettext_lazy("The membership was suspended."),
    "reinstated": gettext_lazy("The membership was reinstated."),
    "removed": gettext_lazy("The entity was removed from the list."),
}

FAMILIES = {
    "review": "warning", "returned": "danger", "signing": "warning", "signed": "warning", "active": "success",
    "suspended": "danger", "rejected": "danger", "declined": "danger", "removed": "danger",
}  # fmt: skip


@dataclass(frozen=True)
class Clock:
    """`now` and `next`: a sentence each. `due`: the day by which this usually happens. `is_late`: that day is over."""

    now: str
    next: str
    due: date | None = None

    @property
    def is_late(self) -> bool:
        return self.due is not None and self.due < timezone.localdate()


def working_days_after(day: date, count: int) -> date:
    """Monday to Friday; holidays are not known here."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


def clock(membership: Membership) -> Clock:
    since = timezone.localdate(membership.state_since)
    day = {"day": formats.date_format(since, "DATE_FORMAT")}
    supporter = membership.track == "supporter"
    match membership.state:
        case "draft":
            last = timezone.localdate(membership.modified_at) + timedelta(days=DAYS_TO_LAPSE)
            return Clock(
                _("A draft since %(day)s: nobody but you reads it.") % day,
                _("Finish it and send it. A draft that nobody touches is closed after 90 days and can be reopened."),
                last,
            )
        case "returned":
            return Clock(
                _("Returned on %(day)s: the secretariat asks for changes.") % day,
                _("Change what is asked and send the application again."),
            )
        case "review":
            awaited = supporter and membership.confirmed_at is None
            return Clock(
                _("In review since %(day)s. A review usually takes 10 working days.") % day,
                _("The authorised officer confirms the pledge by the mail that we sent; then the secretariat decides.")
                if awaited
                else _("The secretariat checks the application and calls back; you are told by mail."),
                working_days_after(since, REVIEW_DAYS),
            )
        case "signing":
            return Clock(
                _("Approved on %(day)s: the invitation to sign is with the Head's office.") % day,
                _(
                    "The Head reads the Letter of Intent and signs, hands over to a delegate, or declines. Nobody else can sign."
                ),
                membership.sign_by,
            )
        case "signed":
            return Clock(
                _("Signed on %(day)s. The countersignature usually takes 5 working days.") % day,
                _(
                    "A second member of the secretariat checks the signature; then the entity is listed and the certificate made."
                ),
                working_days_after(since, COUNTERSIGN_DAYS),
            )
        case "active":
            active = (
                formats.date_format(membership.active_since, "DATE_FORMAT") if membership.active_since else day["day"]
            )
            return Clock(
                _("Supporter since %(day)s.") % {"day": active}
                if supporter
                else _("Signatory since %(day)s.") % {"day": active},
                _("Keep the profile true and tell of your initiatives and pledges."),
            )
    return Clock(*ENDS[membership.state](day))


ENDS = {
    "suspended": lambda day: (
        _("Suspended on %(day)s.") % day,
        _("Write to the secretariat: the membership is reinstated or ended by a decision of two members of staff."),
    ),
    "rejected": lambda day: (
        _("Rejected on %(day)s.") % day,
        _("You may apply again once the reason no longer stands."),
    ),
    "declined": lambda day: (
        _("The Head declined on %(day)s.") % day,
        _("Declining is not for ever: the secretariat can invite again when you ask for it."),
    ),
    "lapsed": lambda day: (
        _("Closed on %(day)s because nothing moved.") % day,
        _("Write to the secretariat to have it reopened: nothing was deleted."),
    ),
    "withdrawn": lambda day: (_("Withdrawn on %(day)s.") % day, _("The list keeps the line with both dates.")),
    "removed": lambda day: (_("Removed on %(day)s.") % day, _("The list keeps the line with both dates.")),
}


def history(membership: Membership) -> list[tuple[datetime, str]]:
    """Time and sentence of what happened, the newest first. Reads the prefetched `journal`."""
    told = [(entry.at, str(EVENTS[entry.event])) for entry in membership.journal.all() if entry.event in EVENTS]
    return told[::-1]
