"""Who takes part from this browser: a registration that its holder opened here by the personal link."""

from django.conf import settings
from django.http import HttpRequest

from dialogue.models import Attendance, Dialogue

ATTENDANCES = "attendances"  # in the session: the dialogue's uid -> the registration's


def current(request: HttpRequest, dialogue: Dialogue) -> Attendance | None:
    """The registration for this dialogue, its place given; one query, none for a visitor without a session."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    uid = request.session.get(ATTENDANCES, {}).get(str(dialogue.uid))
    if uid is None:
        return None
    return Attendance.objects.seated().filter(dialogue=dialogue, uid=uid, erased_at__isnull=True).first()


def remember(request: HttpRequest, attendance: Attendance) -> None:
    """From now on this browser takes part for the registration."""
    held = request.session.get(ATTENDANCES, {})
    request.session[ATTENDANCES] = {**held, str(attendance.dialogue.uid): str(attendance.uid)}


def forget(request: HttpRequest, dialogue: Dialogue) -> None:
    """This browser no longer takes part."""
    held = request.session.get(ATTENDANCES, {})
    if str(dialogue.uid) in held:
        request.session[ATTENDANCES] = {uid: held[uid] for uid in held if uid != str(dialogue.uid)}
