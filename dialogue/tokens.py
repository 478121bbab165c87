"""The two secrets of a registration: its holder's own address, and the code that proves an e-mail address.

The token of the address is derived from the registration's uid with the portal's SECRET_KEY, so every mail can name the
same address although the database keeps nothing but its hash, and no queue ever holds a secret. Whoever has the database
alone cannot derive it. After a change of SECRET_KEY the next mail brings a new address, and the old one dies with it.
"""

import base64
import secrets
from datetime import timedelta

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from coalition.ceremony import ALPHABET, read_code
from coalition.files import sha256
from dialogue.models import Attendance, Dialogue

CODE_LASTS, CODE_LENGTH = timedelta(minutes=30), 8
CODE_TRIES = 5  # a check constraint of the table says the same


def token_of(attendance: Attendance) -> str:
    """256 bits as 43 characters."""
    digest = salted_hmac("dialogue.attendance", str(attendance.uid), algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def token_hash(token: str) -> str:
    return sha256(token.encode())


def find(dialogue: Dialogue, token: str) -> Attendance | None:
    """The registration of a personal address, once its e-mail address is confirmed."""
    return (
        Attendance.objects.filter(dialogue=dialogue, token_sha256=token_hash(token), erased_at__isnull=True)
        .exclude(state="pending")
        .first()
    )


def personal_address(attendance: Attendance) -> str:
    """Absolute, in the active language. Writes the hash anew if it is still that of a former SECRET_KEY."""
    token = token_of(attendance)
    if attendance.token_sha256 != token_hash(token):
        attendance.token_sha256 = token_hash(token)
        attendance.save(update_fields=["token_sha256"])
    return settings.PORTAL_ORIGIN + reverse("dialogue:my_attendance", args=[attendance.dialogue.slug, token])


def new_code(attendance: Attendance) -> str:
    """Eight characters, good for thirty minutes and five tries; the code before is void."""
    code = "".join(secrets.choice(ALPHABET) for _place in range(CODE_LENGTH))
    attendance.code_sha256, attendance.code_tries = _code_hash(attendance, code), 0
    attendance.code_expires_at = timezone.now() + CODE_LASTS
    attendance.save(update_fields=["code_sha256", "code_tries", "code_expires_at"])
    return code


def is_its_code(attendance: Attendance, typed: str) -> bool:
    """Whether the latest code was typed; says nothing of its age and tries."""
    return constant_time_compare(attendance.code_sha256, _code_hash(attendance, read_code(typed)))


def _code_hash(attendance: Attendance, code: str) -> str:
    return salted_hmac("dialogue.attendance.code", f"{attendance.uid}:{code}", algorithm="sha256").hexdigest()
