"""The moderator's desk is opened by one signed link, without an account.

The link is derived with SECRET_KEY from the dialogue, the moment of its publication, the time at which questions close and
the parts of its moderators; nothing of it is stored. It dies 48 hours after the dialogue. To revoke it before: replace the
moderator's part, or move the time at which questions close.
"""

from datetime import datetime, timedelta

from django.core import signing
from django.urls import reverse
from django.utils import timezone

from dialogue.models import Dialogue
from ewaste_portal.addresses import absolute

LASTS = timedelta(hours=48)  # after the end
SALT = "dialogue.desk"


def expires_at(dialogue: Dialogue) -> datetime:
    return dialogue.ends_at + LASTS


def _facts(dialogue: Dialogue) -> str:
    """What the link stands for; one query."""
    moderators = dialogue.participations.filter(role="moderator").order_by("pk").values_list("pk", flat=True)
    instants = [
        instant.isoformat() if instant else "" for instant in (dialogue.published_at, dialogue.questions_close_at)
    ]
    return "|".join([str(dialogue.uid), *instants, *map(str, moderators)])


def link(dialogue: Dialogue) -> str:
    """Absolute, in the active language. Empty for a dialogue that is not published: its desk is closed."""
    if not dialogue.is_public:
        return ""
    token = signing.Signer(salt=SALT).signature(_facts(dialogue))
    return absolute(reverse("dialogue:desk", args=[dialogue.slug, token]))


def opens(dialogue: Dialogue, token: str, *, at: datetime | None = None) -> bool:
    """Whether a token is the one of the link as it is today; also of a SECRET_KEY of before."""
    if not dialogue.is_public or (at or timezone.now()) >= expires_at(dialogue):
        return False
    try:
        signing.Signer(salt=SALT).unsign(f"{_facts(dialogue)}:{token}")
    except signing.BadSignature:
        return False
    return True
