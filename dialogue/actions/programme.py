"""Publishing, moving, cancelling, copying and following up dialogues.

Every function holds the dialogue's row, so that they pass one after the other, and notes what the public sees differently
afterwards (dialogue.changes): those who registered are told.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import connection, models, transaction
from django.db.models import Prefetch
from django.utils import timezone
from django.utils.translation import gettext as _, override

from coalition.models import Mandate, Membership, Round
from dialogue import changes, mails, publish_check
from dialogue.models import (
    DesiredOutput,
    Dialogue,
    ExpectedOutcome,
    OutcomeUpdate,
    Participation,
    Question,
    Session,
)
from dialogue.times import when
from ewaste_portal import vocabularies
from ewaste_portal.addresses import absolute

if TYPE_CHECKING:
    from ewaste_portal.models import User

Note = str | Mapping[str, str]  # in English, or in several languages
Status, State = Dialogue.Status, Session.State
PUBLISHED = (Status.CONFIRMED, Status.RESCHEDULED)
WINDOWS = (("registration_opens_at", "registration_closes_at"), ("questions_open_at", "questions_close_at"))
OPEN = ("open", "under-way", "partly-achieved")  # outcomes that a follow-up meeting goes on with
COPIED = (
    "kind", "precision", "time_zone", "country", "mode", "working_languages", "interpretation", "is_captioned", "letter",
    "capacity_on_site", "capacity_online", "is_example",
)  # fmt: skip
COPIED_TEXTS = ("title", "theme", "overview", "place", "venue", "room", "host_event")


# The row, held -----------------------------------------------------------------------------------------------


def _locked(dialogue: Dialogue, *statuses: str) -> Dialogue:
    """As it is now, held until the transaction ends. ValidationError if its status forbids the step."""
    current = Dialogue.objects.select_for_update(of=("self",), no_key=True).get(pk=dialogue.pk)
    if current.status not in statuses:
        raise ValidationError(
            _("“%(title)s” has the status “%(status)s”: this step is not open to it.")
            % {"title": current, "status": current.get_status_display()},
            code="status",
        )
    return current


def _session(session: Session, *states: str) -> Session:
    current = Session.objects.select_for_update(of=("self",)).get(pk=session.pk)
    if current.state not in states:
        raise ValidationError(
            _("The session “%(title)s” is in the state “%(state)s”: this step is not open to it.")
            % {"title": current, "state": current.get_state_display()},
            code="state",
        )
    return current


@contextmanager
def checked_at_the_end() -> Iterator[None]:
    """Sessions and dialogue may move one after the other: what lies within what is checked when both have."""
    names = "session_lies_within, sessions_stay_within"
    with connection.cursor() as cursor:
        cursor.execute(f"SET CONSTRAINTS {names} DEFERRED")
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"SET CONSTRAINTS {names} IMMEDIATE")


def _write_note(dialogue: Dialogue, note: Note) -> str:
    """Sets the status note in every language, without saving; the English words. ValidationError without them."""
    texts = {"en": note} if isinstance(note, str) else dict(note)
    if not texts.get("en", "").strip():
        raise ValidationError(_("Say why, in English at least: the public reads it."), code="note")
    for language, column in vocabularies.COLUMNS.items():
        setattr(dialogue, f"status_note_{column}", texts.get(language, "").strip())
    return texts["en"].strip()


NOTE_FIELDS = ("status_note", *(f"status_note_{column}" for column in vocabularies.COLUMNS.values()))


# Publishing ---------------------------------------------------------------------------------------------------


@transaction.atomic
def publish(*, dialogue: Dialogue, by: "User", hold_back: Collection[Session] = ()) -> Dialogue:
    """With all its sessions but those held back. ValidationError with everything that blocks it.

    Titles and names of entities are fixed; the focal points of signatories are invited to a follow-up meeting.
    """
    current = _locked(dialogue, Status.DRAFT)
    held_back = {session.pk for session in hold_back}
    blocks = publish_check.blocks(current, without=held_back)
    if blocks:
        raise ValidationError([ValidationError(finding.text, code="publish-check") for finding in blocks])
    current.sessions.filter(pk__in=held_back, state=State.PUBLISHED).update(state=State.DRAFT)
    current.sessions.filter(state=State.DRAFT).exclude(pk__in=held_back).update(
        state=State.PUBLISHED, modified_at=timezone.now()
    )
    current.status, current.published_at, current.published_by = Status.CONFIRMED, timezone.now(), by
    current.save(update_fields=["status", "published_at", "published_by", "modified_at"])
    freeze(dialogue=current)
    changes.record(current, None, by=by)
    if current.follows_id and current.round_id:
        invite(dialogue=current)
    return current


@transaction.atomic
def publish_session(*, session: Session, by: "User") -> Session:
    """One that was held back, of a published dialogue. ValidationError with everything that blocks it."""
    dialogue = _locked(session.dialogue, *PUBLISHED)
    current = _session(session, State.DRAFT)
    others = set(dialogue.sessions.filter(state=State.DRAFT).values_list("pk", flat=True)) - {current.pk}
    blocks = publish_check.blocks(dialogue, without=others)
    if blocks:
        raise ValidationError([ValidationError(finding.text, code="publish-check") for finding in blocks])
    with changes.recorded(dialogue, by=by):
        _move(current, State.PUBLISHED)
        freeze(dialogue=dialogue)
    return current


@transaction.atomic
def hold_back_session(*, session: Session, by: "User") -> Session:
    """Before its dialogue is published; what the public has seen can be cancelled only."""
    _locked(session.dialogue, Status.DRAFT)
    return _move(_session(session, State.PUBLISHED), State.DRAFT)


@transaction.atomic
def cancel_session(*, session: Session, by: "User") -> Session:
    """It stays in the programme as cancelled; its room is free."""
    dialogue = _locked(session.dialogue, *PUBLISHED)
    current = _session(session, State.PUBLISHED)
    with changes.recorded(dialogue, by=by):
        _move(current, State.CANCELLED)
    return current


@transaction.atomic
def reinstate_session(*, session: Session, by: "User") -> Session:
    """ValidationError where its time is outside the dialogue by now, or its room is taken."""
    dialogue = _locked(session.dialogue, *PUBLISHED)
    current = _session(session, State.CANCELLED)
    with changes.recorded(dialogue, by=by), checked_at_the_end():
        others = dialogue.sessions.exclude(pk=current.pk).exclude(state=State.CANCELLED)
        current.state = State.PUBLISHED
        for one, other in publish_check.clashes_of_rooms([*others, current], dialogue.room or ""):
            if current.pk in {one.pk, other.pk}:
                raise ValidationError(
                    _("The sessions “%(one)s” and “%(other)s” are in one room at the same time.")
                    % {"one": one, "other": other},
                    code="room",
                )
        _check_within(dialogue, [current])
        _move(current, State.PUBLISHED)
    return current


def _move(session: Session, state: str) -> Session:
    session.state = state
    session.save(update_fields=["state", "modified_at"])
    return session


def freeze(*, dialogue: Dialogue) -> int:
    """Fixes in which capacity people take part in what is public: from then on the database keeps it. How many parts."""
    now, count = timezone.now(), 0
    open_parts = Participation.objects.public().filter(dialogue=dialogue, frozen_at__isnull=True)
    for part in open_parts.select_related("entity"):
        part.entity_then = part.entity_then or (part.entity.official_name_en if part.entity else "")
        part.frozen_at = now
        part.save(update_fields=["entity_then", "frozen_at", "modified_at"])
        count += 1
    return count


# Moving and cancelling ------------------------------------------------------------------------------------------


def _local(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def shifted(instant: datetime, zone: ZoneInfo, distance: timedelta) -> datetime:
    """By the clock on the wall: what began at 9 begins at 9, also where the clocks changed in between."""
    return (_local(instant, zone) + distance).replace(tzinfo=zone)


def _check_within(dialogue: Dialogue, sessions: Iterable[Session]) -> None:
    for session in sessions:
        if session.starts_at is None or session.ends_at is None or session.is_cancelled:
            continue
        if session.starts_at < dialogue.starts_at or session.ends_at > dialogue.ends_at:
            raise ValidationError(
                _("The session “%(title)s” is not within the dialogue.") % {"title": session}, code="outside"
            )


@transaction.atomic
def reschedule(
    *, dialogue: Dialogue, by: "User", starts_at: datetime, ends_at: datetime, note: Note, shift_sessions: bool = True
) -> Dialogue:
    """To another time, with the sessions where these keep their distance from the beginning.

    What has not closed yet of registration and questions closes as much later.
    """
    current = _locked(dialogue, *PUBLISHED)
    if ends_at <= starts_at:
        raise ValidationError(_("The end must lie after the beginning."), code="end")
    if (starts_at, ends_at) == (current.starts_at, current.ends_at):
        raise ValidationError(_("This is the time that it has already."), code="same")
    distance = _local(starts_at, current.zone) - _local(current.starts_at, current.zone)
    english = _write_note(current, note)
    with changes.recorded(current, by=by, note=english), checked_at_the_end():
        sessions = list(current.sessions.select_for_update(of=("self",)))
        if shift_sessions:
            _shift(sessions, current.zone, distance)
        windows = _shift_windows(current, distance)
        if starts_at != current.starts_at:
            current.status = Status.RESCHEDULED
            current.previous_starts_at = current.starts_at
        current.starts_at, current.ends_at = starts_at, ends_at
        _check_within(current, sessions)
        _clean(current)
        current.save(
            update_fields=[
                "starts_at", "ends_at", "previous_starts_at", "status", *NOTE_FIELDS, *windows, "modified_at",
            ]
        )  # fmt: skip
    current.refresh_from_db()
    return current


def _shift(sessions: Iterable[Session], zone: ZoneInfo, distance: timedelta) -> None:
    """Written from the last to the first, or the other way round, so that no two are ever in one room."""
    timed = [session for session in sessions if session.starts_at and session.ends_at]
    timed.sort(key=lambda session: session.starts_at, reverse=distance > timedelta())  # type: ignore[arg-type,return-value]
    for session in timed:
        assert session.starts_at is not None and session.ends_at is not None  # noqa: S101, PT018  as chosen above
        session.starts_at = shifted(session.starts_at, zone, distance)
        session.ends_at = shifted(session.ends_at, zone, distance)
        session.save(update_fields=["starts_at", "ends_at", "modified_at"])


def _shift_windows(dialogue: Dialogue, distance: timedelta) -> list[str]:
    moved = []
    for opens, closes in WINDOWS:
        end, begin = getattr(dialogue, closes), getattr(dialogue, opens)
        if end is None or end <= timezone.now():
            continue
        later = shifted(end, dialogue.zone, distance)
        if later > begin:
            setattr(dialogue, closes, later)
            moved.append(closes)
    return moved


def _clean(dialogue: Dialogue) -> None:
    """The constraints of the row, as sentences."""
    dialogue.validate_constraints()


@transaction.atomic
def cancel(*, dialogue: Dialogue, by: "User", note: Note) -> Dialogue:
    """Its page stays and says why; those who registered get a cancellation for their calendars."""
    current = _locked(dialogue, *PUBLISHED)
    english = _write_note(current, note)
    with changes.recorded(current, by=by, note=english):
        current.status = Status.CANCELLED
        current.save(update_fields=["status", *NOTE_FIELDS, "modified_at"])
    current.refresh_from_db()
    return current


@transaction.atomic
def reinstate(*, dialogue: Dialogue, by: "User") -> Dialogue:
    """It takes place after all, at the time that it had."""
    current = _locked(dialogue, Status.CANCELLED)
    was_moved = current.previous_starts_at is not None
    with changes.recorded(current, by=by):
        current.status = Status.RESCHEDULED if was_moved else Status.CONFIRMED
        for name in NOTE_FIELDS:
            setattr(current, name, "")
        current.save(update_fields=["status", *NOTE_FIELDS, "modified_at"])
    current.refresh_from_db()
    return current


# Anew ---------------------------------------------------------------------------------------------------------------


def _columns(row: models.Model, *names: str) -> dict[str, Any]:
    """Values of fields, and of each language of translated ones."""
    fields: set[str] = {field.name for field in row._meta.fields}
    found: dict[str, Any] = {}
    for name in names:
        columns = [f"{name}_{column}" for column in vocabularies.COLUMNS.values()]
        for column in columns if columns[0] in fields else [name]:
            found[column] = getattr(row, column)
    return found


def _free_slug(slug: str) -> None:
    if Dialogue.objects.filter(slug=slug).exists():
        raise ValidationError({"slug": _("Another dialogue has this slug.")}, code="slug")


@transaction.atomic
def copy_as_template(*, dialogue: Dialogue, by: "User", slug: str, starts_at: datetime) -> Dialogue:
    """A draft with the sessions at the same distance from its beginning, the aims and the prepared questions.

    No people, no papers, no round, no windows, no recordings, no sources: what belongs to one day stays with it.
    """
    _free_slug(slug)
    zone = dialogue.zone
    distance = _local(starts_at, zone) - _local(dialogue.starts_at, zone)
    new = Dialogue(
        slug=slug, starts_at=starts_at, ends_at=shifted(dialogue.ends_at, zone, distance),
        **_columns(dialogue, *COPIED, *COPIED_TEXTS),
    )  # fmt: skip
    _clean(new)
    new.save()
    new.organizers.set(dialogue.organizers.all())
    sessions = {}
    for session in dialogue.sessions.exclude(state=State.CANCELLED):
        sessions[session.pk] = Session.objects.create(
            dialogue=new,
            starts_at=session.starts_at and shifted(session.starts_at, zone, distance),
            ends_at=session.ends_at and shifted(session.ends_at, zone, distance),
            **_columns(session, "slug", "kind", "title", "summary", "position", "room", "languages", "letter"),
        )
    models_of_aims: tuple[Any, ...] = (DesiredOutput, ExpectedOutcome)
    for model in models_of_aims:
        for aim in model.objects.filter(dialogue=dialogue):
            model.objects.create(dialogue=new, **_columns(aim, "position", "text", "owner"))
    for question in dialogue.questions.filter(origin=Question.Origin.PREPARED).exclude(
        state__in=["merged", "declined"]
    ):
        session = sessions.get(question.session_id) if question.session_id else None  # type: ignore[assignment]
        Question.objects.create(
            dialogue=new, session=session, origin=Question.Origin.PREPARED,
            **_columns(question, "text", "language", "position"),
        )  # fmt: skip
    return new


@transaction.atomic
def follow_up(
    *, dialogue: Dialogue, by: "User", slug: str, title: str, starts_at: datetime, ends_at: datetime
) -> Dialogue:  # fmt: skip
    """From a dialogue that was held: a draft that follows it, with a point of the agenda for each outcome still open.

    It opens a round of the Coalition today, in which signatories may nominate newcomers; publishing the draft invites them.
    """
    current = _locked(dialogue, *PUBLISHED)
    if current.phase() != "held":
        raise ValidationError(_("A follow-up meeting is made from a dialogue that was held."), code="phase")
    _free_slug(slug)
    if Round.objects.filter(slug=slug).exists():
        raise ValidationError({"slug": _("Another round has this slug.")}, code="slug")
    if ends_at <= starts_at:
        raise ValidationError({"ends_at": _("The end must lie after the beginning.")}, code="end")
    opened = None  # a made-up meeting opens no round that real signatories would see
    if not current.is_example:
        opened = Round.objects.create(slug=slug, title_en=title, opens_on=timezone.localdate())
    new = Dialogue(
        slug=slug, kind="follow-up-meeting", title_en=title, starts_at=starts_at, ends_at=ends_at, follows=current,
        round=opened, precision=Dialogue.Precision.MINUTE,
        **_columns(
            current, "time_zone", "country", "mode", "working_languages", "interpretation", "is_captioned", "letter",
            "is_example", "place",
        ),
    )  # fmt: skip
    new.save()
    new.organizers.set(current.organizers.all())
    for position, aim in enumerate(open_outcomes(current), 1):
        texts = {key.replace("text", "title", 1): (text or "")[:300] for key, text in _columns(aim, "text").items()}
        Session.objects.create(
            dialogue=new, slug=f"outcome-{aim.position}", kind="discussion", position=position, **texts
        )
    return new


def open_outcomes(dialogue: Dialogue) -> list[ExpectedOutcome]:
    """Of which no word says that they were achieved, dropped or overtaken; silence counts as open. Two queries."""
    last_first = OutcomeUpdate.objects.order_by("-on", "-pk")
    aims = dialogue.expected_outcomes.prefetch_related(Prefetch("updates", queryset=last_first))
    return [aim for aim in aims if next((update.status for update in aim.updates.all()), "open") in OPEN]


def invite(*, dialogue: Dialogue) -> int:
    """Mails the focal points of signatories about a follow-up meeting and its round, after the transaction. How many."""
    entities = Membership.objects.filter(
        state="active", track=Membership.Track.SIGNATORY, entity__is_example=dialogue.is_example
    ).values("entity")
    mandates = Mandate.objects.holding().confirmed().filter(role="focal-point", entity__in=entities)
    people = {}
    for mandate in mandates.select_related("user", "entity").order_by("pk"):
        if mandate.user is not None and mandate.user.is_active:
            people.setdefault((mandate.user_id, mandate.entity_id), mandate)
    for mandate in people.values():
        assert mandate.user is not None  # noqa: S101  as chosen above
        language = mandate.user.language
        with override(language):
            context = {
                "dialogue": dialogue, "entity": mandate.entity, "when": when(dialogue), "round": dialogue.round,
                "where": ", ".join(filter(None, (dialogue.room, dialogue.venue))),
                "page": absolute(dialogue.get_absolute_url()),
            }  # fmt: skip
        mails.send("follow_up", to=[mandate.user.email], language=language, **context)
    return len(people)
