"""Registering, confirming, giving places, cancelling, checking in.

Places are given in the order in which addresses were confirmed. Every function that gives or frees one first locks the
dialogue's row, so that they pass one after the other; PostgreSQL counts once more (migration 0002). What the person who
registered does takes no `by=`: the secret in the mail stands for him or her.
"""

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Count, F, Func, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from dialogue import tasks, tokens
from dialogue.models import Attendance, Dialogue
from dialogue.models.attendance import MODES

if TYPE_CHECKING:
    from ewaste_portal.models import User

DAYS_KEPT = 30  # after the dialogue, until names and addresses are erased
DAYS_PENDING = 1  # of a registration that nobody confirms
OVER = ("cancelled", "declined")


def modes(dialogue: Dialogue) -> list[tuple[str, Any]]:
    """How one can attend: on site, online or both. What is held in writing is attended online."""
    offered = {"on-site": ("on-site",), "hybrid": ("on-site", "online")}.get(dialogue.mode, ("online",))
    return [(code, label) for code, label in MODES if code in offered]


def _hold(dialogue: Dialogue) -> Dialogue:
    """The dialogue as it is now, locked until the transaction ends: always before any registration is locked."""
    return Dialogue.objects.select_for_update(of=("self",), no_key=True).get(pk=dialogue.pk)


def _held(attendance: Attendance, *states: str) -> tuple[Dialogue, Attendance]:
    """Dialogue and registration as they are now, both locked. ValidationError if the state forbids the step."""
    dialogue = _hold(attendance.dialogue)
    current = Attendance.objects.select_for_update(of=("self",)).get(pk=attendance.pk)
    current.dialogue = dialogue
    if current.state not in states:
        raise ValidationError(
            _("The registration is in the state “%(state)s”: this step is not open to it.")
            % {"state": current.get_state_display()},
            code="state",
        )
    return dialogue, current


def free_places(dialogue: Dialogue, mode: str) -> int | None:
    """None where nobody counts."""
    capacity = dialogue.capacity(mode)
    if capacity is None:
        return None
    return max(0, capacity - Attendance.objects.seated().filter(dialogue=dialogue, mode=mode).count())


def _has_place(dialogue: Dialogue, mode: str) -> bool:
    """A place is free and nobody waits for it."""
    return free_places(dialogue, mode) != 0 and not dialogue.attendances.waiting().filter(mode=mode).exists()


def _needs_to_come(dialogue: Dialogue) -> None:
    if not dialogue.is_public or dialogue.phase() not in {"upcoming", "live"}:
        raise ValidationError(_("This dialogue is over or cancelled: registrations no longer change."), code="over")


# Registering --------------------------------------------------------------------------------------------------


@transaction.atomic
def register(*, dialogue: Dialogue, language: str, email: str, **answers: Any) -> uuid.UUID:
    """Takes a registration down and mails a code. The uid of the page where the code is entered.

    An address that is registered already gets a mail with its personal address instead, and the visitor a page of the same
    kind that no code opens: nobody learns who is registered. Whoever fills in the form anew for an address that is not
    confirmed gets a page of his or her own; what was written before is gone, so a code never confirms another's answers.
    """
    dialogue = _hold(dialogue)
    if not dialogue.registration_is_open():
        raise ValidationError(_("Registration is not open."), code="closed")
    attendance = dialogue.attendances.filter(email__iexact=email).exclude(state__in=OVER).first()
    if attendance is not None and attendance.state != "pending":
        tasks.mail_to.enqueue("registered_already", attendance.pk)
        return _page_without_code(attendance)
    attendance = attendance or Attendance(dialogue=dialogue)
    for name, value in {**answers, "email": email, "language": language}.items():
        setattr(attendance, name, value)
    attendance.uid, attendance.is_example = uuid.uuid4(), dialogue.is_example
    attendance.token_sha256 = tokens.token_hash(tokens.token_of(attendance))
    attendance.code_sha256 = ""
    attendance.save()
    tasks.mail_to.enqueue("code", attendance.pk)
    return attendance.uid


def _page_without_code(attendance: Attendance) -> uuid.UUID:
    page = uuid.uuid4()
    cache.set(_cache_key(page), attendance.pk, tokens.CODE_LASTS.total_seconds())
    return page


def _cache_key(page: uuid.UUID) -> str:
    return f"dialogue-registered-already-{page}"


def send_again(*, dialogue: Dialogue, page: uuid.UUID) -> None:
    """The mail that belongs to a page of register(), once more; nothing for a page that never was."""
    if not dialogue.registration_is_open():
        return
    pending = dialogue.attendances.filter(uid=page, state="pending").first()
    if pending is not None:
        tasks.mail_to.enqueue("code", pending.pk)
    elif number := cache.get(_cache_key(page)):
        tasks.mail_to.enqueue("registered_already", number)


def confirm(*, dialogue: Dialogue, page: uuid.UUID, code: str) -> Attendance:
    """Gives a place, or the next number in the line, to whoever types the code of the mail; a second time changes nothing.

    ValidationError, always with the same sentence, for a code that is wrong, old or worn out.
    """
    attendance = dialogue.attendances.filter(uid=page).exclude(state__in=OVER).first()
    if attendance is None or not _spend_try(attendance) or not tokens.is_its_code(attendance, code):
        raise ValidationError(
            _(
                "This code opens nothing: it is mistyped, older than thirty minutes, or was tried too often. Ask for another one."
            ),
            code="code",
        )
    return _take_place(attendance)


def _spend_try(attendance: Attendance) -> bool:
    """Counted at once and for good, before the code is looked at."""
    live = Attendance.objects.filter(
        pk=attendance.pk, code_tries__lt=tokens.CODE_TRIES, code_expires_at__gt=timezone.now()
    ).exclude(code_sha256="")
    return bool(live.update(code_tries=F("code_tries") + 1))


@transaction.atomic
def _take_place(attendance: Attendance) -> Attendance:
    dialogue, current = _held(attendance, "pending", "waiting-list", "confirmed", "attended")
    if current.state != "pending":
        return current
    _needs_to_come(dialogue)
    current.confirmed_at = timezone.now()  # after the lock: the order of the line
    if _has_place(dialogue, current.mode):
        _seat(current, "confirmed")
        return current
    current.state = "waiting-list"
    current.save(update_fields=["state", "confirmed_at", "modified_at"])
    tasks.mail_to.enqueue("waiting", current.pk)
    return current


def _seat(attendance: Attendance, mail: str) -> None:
    attendance.state, attendance.seated_at = "confirmed", timezone.now()
    attendance.save(update_fields=["state", "mode", "confirmed_at", "seated_at", "modified_at"])
    tasks.mail_to.enqueue(mail, attendance.pk)


# The line -----------------------------------------------------------------------------------------------------


@transaction.atomic
def fill_places(*, dialogue: Dialogue) -> int:
    """Gives free places to those who wait, the first first, and mails them. How many it gave.

    Call it after the number of places was raised; after a cancellation it runs by itself.
    """
    dialogue = _hold(dialogue)
    return _fill(dialogue)


def _fill(dialogue: Dialogue) -> int:
    """The dialogue is locked by the caller."""
    if not dialogue.is_public or dialogue.phase() not in {"upcoming", "live"}:
        return 0
    given = 0
    for mode, _label in MODES:
        free = free_places(dialogue, mode)
        line = dialogue.attendances.waiting().filter(mode=mode).select_for_update()
        for attendance in line if free is None else line[:free]:
            _seat(attendance, "place_given")
            given += 1
    return given


def number_in_line(attendance: Attendance) -> int:
    """1 for the first who waits for a place of this kind."""
    before = Q(confirmed_at__lt=attendance.confirmed_at) | Q(confirmed_at=attendance.confirmed_at, pk__lt=attendance.pk)
    line = Attendance.objects.waiting().filter(dialogue_id=attendance.dialogue_id, mode=attendance.mode)
    return line.filter(before).count() + 1


@transaction.atomic
def cancel(*, attendance: Attendance) -> Attendance:
    """Gives up a place or a number in the line; a place goes to the first in line at once. A second time changes nothing."""
    dialogue, current = _held(attendance, "confirmed", "waiting-list", "cancelled")
    if current.state == "cancelled":
        return current
    _needs_to_come(dialogue)
    current.state, current.cancelled_at = "cancelled", timezone.now()
    current.save(update_fields=["state", "cancelled_at", "modified_at"])
    tasks.mail_to.enqueue("cancelled", current.pk)
    _fill(dialogue)
    return current


@transaction.atomic
def change_mode(*, attendance: Attendance, mode: str) -> Attendance:
    """From on site to online or back, at once and only where a place is free; the place before goes to the first in line."""
    dialogue, current = _held(attendance, "confirmed", "waiting-list")
    _needs_to_come(dialogue)
    if mode not in dict(modes(dialogue)):
        raise ValidationError(_("The dialogue cannot be attended in this way."), code="mode")
    if mode == current.mode:
        return current
    if not _has_place(dialogue, mode):
        raise ValidationError(
            _("No place of this kind is free now. Your registration stays as it is."), code="no-place"
        )
    current.mode = mode
    _seat(current, "confirmed")
    _fill(dialogue)
    return current


@transaction.atomic
def change_wishes(*, attendance: Attendance, consent: str, access_needs: str) -> Attendance:
    """Who may see the name, and what the person needs."""
    current = Attendance.objects.select_for_update(of=("self",)).get(pk=attendance.pk)
    current.consent, current.access_needs = consent, access_needs
    current.save(update_fields=["consent", "access_needs", "modified_at"])
    return current


# At the door --------------------------------------------------------------------------------------------------


@transaction.atomic
def check_in(*, attendance: Attendance, by: "User") -> Attendance:
    """A second time changes nothing. ValidationError for somebody without a place."""
    _dialogue, current = _held(attendance, "confirmed", "attended")
    if current.state == "confirmed":
        current.state, current.checked_in_at, current.checked_in_by = "attended", timezone.now(), by
        current.save(update_fields=["state", "checked_in_at", "checked_in_by", "modified_at"])
    return current


@transaction.atomic
def undo_check_in(*, attendance: Attendance, by: "User") -> Attendance:
    _dialogue, current = _held(attendance, "confirmed", "attended")
    if current.state == "attended":
        current.state, current.checked_in_at, current.checked_in_by = "confirmed", None, None
        current.save(update_fields=["state", "checked_in_at", "checked_in_by", "modified_at"])
    return current


# Counting, erasing --------------------------------------------------------------------------------------


def counts(dialogue: Dialogue) -> dict[str, dict[str, int]]:
    """How many, by mode and state; one query."""
    found: dict[str, dict[str, int]] = {mode: {} for mode, _label in MODES}
    rows = dialogue.attendances.order_by().values_list("mode", "state").annotate(number=Count("pk"))
    for mode, state, number in rows:
        found[mode][state] = number
    return found


class _NewHash(Func):
    """The hash of nothing that anybody knows, another one in each row."""

    template = "encode(sha256(convert_to(gen_random_uuid()::text, 'UTF8')), 'hex')"
    output_field = models.CharField()


@transaction.atomic
def erase(*, days: int = DAYS_KEPT) -> tuple[int, int, int]:
    """What people told is erased once it is not needed; the rows stay as numbers.

    How many rows lost what the person needs to take part (as soon as the dialogue ended), names and addresses (`days`
    later), and how many were never confirmed and are gone.
    """
    now = timezone.now()
    ended = Attendance.objects.filter(dialogue__ends_at__lte=now)
    needs = ended.exclude(access_needs="").update(access_needs="", modified_at=now)
    persons = ended.filter(dialogue__ends_at__lte=now - timedelta(days=days), erased_at__isnull=True)
    erased = persons.exclude(state="pending").update(
        name="", email="", organization="", access_needs="", consent="nobody", language="en", token_sha256=_NewHash(),
        code_sha256="", code_expires_at=None, erased_at=now, modified_at=now,
    )  # fmt: skip
    stale = Attendance.objects.filter(state="pending", modified_at__lte=now - timedelta(days=DAYS_PENDING))
    _number, gone = stale.delete()
    return needs, erased, gone.get("dialogue.Attendance", 0)
