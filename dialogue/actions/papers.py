"""Documents that staff keep, and every change of state of statements: written by focal points, published by staff.

draft -> submitted -> published -> withdrawn; back to a draft from submitted (returned, or recalled by the entity) and from
withdrawn. What was public once keeps its address: the page says that it was taken back.
"""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from coalition.models import Entity
from dialogue import changes, mails, papers, permissions
from dialogue.models import Change, Dialogue, Document, Session, Statement

if TYPE_CHECKING:
    from ewaste_portal.models import User

State = Statement.State


# Documents ------------------------------------------------------------------------------------------------------


@transaction.atomic
def keep_document(*, document: Document, by: "User") -> Document:
    """Saves a new or changed document. A new file is described by what is in it; its name is not believed.

    What the public sees differently afterwards is noted on the page of changes.
    """
    if not document.file:
        document.sha256, document.size, document.page_count = "", None, None
    elif not document.file._committed:
        found = papers.described(document.file)
        document.sha256, document.size, document.page_count = found.sha256, found.size, found.pages
        document.file.name = found.name
    if document.file and not (getattr(document, "title_en", "") and document.language):
        raise ValidationError(_("A file needs a title and a language."), code="title")
    with changes.recorded(document.dialogue, by=by):
        document.save()
    return document


@transaction.atomic
def remove_document(*, document: Document, by: "User") -> None:
    """The row goes, and the page of changes says so where it was public; the history keeps what it was."""
    with changes.recorded(document.dialogue, by=by):
        document.delete()


# Statements -------------------------------------------------------------------------------------------------------


def locked(statement: Statement, *states: str) -> Statement:
    """The row as it is now, held until the transaction ends. ValidationError if its state forbids the step."""
    rows = Statement.objects.select_for_update(of=("self",)).select_related("dialogue", "entity", "created_by")
    current = rows.get(pk=statement.pk)
    if current.state not in states:
        raise ValidationError(
            _("“%(title)s” is in the state “%(state)s”: this step is not open to it.")
            % {"title": current, "state": current.get_state_display()},
            code="state",
        )
    return current


def _move(statement: Statement, state: str, **facts: object) -> Statement:
    for name, value in {"state": state, **facts}.items():
        setattr(statement, name, value)
    statement.save(update_fields=["state", "modified_at", *facts])
    return statement


def _must_speak(by: "User", entity: Entity) -> None:
    if not (permissions.can_speak_for(by, entity) or (by.is_staff and by.has_perm("dialogue.add_statement"))):
        raise ValidationError(_("A statement is sent by a focal point of the entity."), code="permission")


@transaction.atomic
def write(
    *,
    dialogue: Dialogue,
    entity: Entity,
    by: "User",
    title: str,
    language: str,
    text: str = "",
    file: UploadedFile | None = None,
    session: Session | None = None,
    statement: Statement | None = None,
    without_file: bool = False,
) -> Statement:
    """A new draft, or a draft changed; the same draft sent twice is one.

    A file that is there stays unless another comes in its place or it is to go.
    """
    _must_speak(by, entity)
    Dialogue.objects.select_for_update(of=("self",), no_key=True).get(pk=dialogue.pk)
    if dialogue.is_cancelled:
        raise ValidationError(_("This dialogue was cancelled: it takes no statements."), code="cancelled")
    current = locked(statement, State.DRAFT) if statement else Statement(dialogue=dialogue, created_by=by)
    if statement:
        _must_speak(by, current.entity)
    current.entity, current.session, current.title = entity, session, title
    current.language, current.text = language, text.strip()
    found = papers.described(file) if file else None
    if without_file and not file:
        current.file, current.sha256 = "", ""
    if not (current.text or found or current.file):
        raise ValidationError(_("Write the statement, or upload it as a file."), code="empty")
    if statement is None:
        digest = found.sha256 if found else ""
        same = {"entity": entity, "session": session, "title": title, "language": language, "text": current.text}
        again = dialogue.statements.filter(created_by=by, state=State.DRAFT, sha256=digest, **same).first()
        if again is not None:
            return again
    if file and found:
        current.file.save(found.name, file, save=False)
        current.sha256 = found.sha256
    current.save()
    return current


@transaction.atomic
def submit(*, statement: Statement, by: "User") -> Statement:
    """To the secretariat, which is told by mail."""
    current = locked(statement, State.DRAFT)
    _must_speak(by, current.entity)
    if current.dialogue.is_cancelled:
        raise ValidationError(_("This dialogue was cancelled: it takes no statements."), code="cancelled")
    _move(current, State.SUBMITTED)
    _tell_staff("statement_submitted", current, by=by)
    return current


@transaction.atomic
def publish(*, statement: Statement, by: "User") -> Statement:
    """By staff; of drafts only their own. ValidationError while its entity has no public page."""
    current = locked(statement, State.SUBMITTED, State.DRAFT)
    if current.state == State.DRAFT and current.created_by_id != by.pk:
        raise ValidationError(_("“%(title)s” has not been submitted yet.") % {"title": current}, code="state")
    if not current.dialogue.is_public:
        raise ValidationError(_("The dialogue is not published yet."), code="dialogue")
    if not Entity.objects.public().filter(pk=current.entity_id).exists():
        raise ValidationError(_("The entity has no public page: check or merge it first."), code="entity")
    _move(current, State.PUBLISHED, published_at=timezone.now(), published_by=by)
    _note(current, by, after=str(current.uid))
    if current.created_by_id != by.pk:
        _tell_author("statement_published", current)
    return current


@transaction.atomic
def return_for_changes(*, statement: Statement, by: "User", reason: str) -> Statement:
    """By staff, with the reason in a mail to whoever wrote it."""
    if not reason.strip():
        raise ValidationError(_("Give a reason: the author will read it."), code="reason")
    current = _move(locked(statement, State.SUBMITTED), State.DRAFT)
    _tell_author("statement_returned", current, reason=reason.strip())
    return current


@transaction.atomic
def recall(*, statement: Statement, by: "User") -> Statement:
    """By the entity: a draft again, that can be changed and submitted."""
    current = locked(statement, State.SUBMITTED, State.WITHDRAWN)
    _must_speak(by, current.entity)
    return _move(current, State.DRAFT)


@transaction.atomic
def take_back(*, statement: Statement, by: "User") -> Statement:
    """By the entity, or by staff who then tell its author. A page that was public says that it was taken back."""
    current = locked(statement, State.DRAFT, State.SUBMITTED, State.PUBLISHED)
    is_own = permissions.can_speak_for(by, current.entity)
    if not is_own and not permissions.can_publish(by):
        raise ValidationError(_("A statement is taken back by its entity or by staff."), code="permission")
    was_public = current.state == State.PUBLISHED
    _move(current, State.WITHDRAWN)
    if was_public:
        _note(current, by, before=str(current.uid))
        if is_own:
            _tell_staff("statement_taken_back_by_entity", current, by=by)
        else:
            _tell_author("statement_taken_back", current)
    return current


def _note(statement: Statement, by: "User", *, before: str = "", after: str = "") -> None:
    """On the page of changes; not of a session that is held back."""
    dialogue, session = statement.dialogue, statement.session
    if dialogue.is_public and (session is None or session.state != Session.State.DRAFT):
        Change.objects.create(
            dialogue=dialogue, what=Change.What.DOCUMENT, subject=statement.title[:300], before=before, after=after,
            by=by, sequence=dialogue.sequence,
        )  # fmt: skip


def _tell_staff(kind: str, statement: Statement, **context: Any) -> None:
    mails.send(kind, to=[settings.PORTAL_CONTACT], language="en", statement=statement, **context)


def _tell_author(kind: str, statement: Statement, **context: Any) -> None:
    author = statement.created_by
    if author is not None and author.is_active:
        mails.send(kind, to=[author.email], language=author.language, statement=statement, **context)
