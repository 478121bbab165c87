"""Every change of state of questions and answers: asked, moderated, put on stage, answered, merged, handed on.

`by` is the member of staff; None is whoever holds the link of the moderator's desk. `seen` is the state in which the page
showed the question: who acts on an older picture is told what became of it, and nothing changes. Asking and supporting
take no `by=`: the registration stands for the person. The table of states is in docs/dialogue.md; PostgreSQL holds it too.
"""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _, override

from coalition.models import Entity, Mandate
from dialogue import mails
from dialogue.models import Answer, Attendance, Dialogue, Participation, Question, QuestionSupport, Session
from dialogue.questions import address
from dialogue.times import day_words
from ewaste_portal import vocabularies
from ewaste_portal.addresses import absolute

if TYPE_CHECKING:
    from ewaste_portal.models import User

DESK = "moderator's desk"
OPEN = ("published", "on-stage")
ANSWERED = ("answered", "answered-in-writing")
TWICE = timedelta(minutes=10)  # the same text within them is the same question


def _conflict(current: Question) -> ValidationError:
    return ValidationError(
        _("This question is in the state “%(state)s” by now: this step is not open to it, and nothing was changed.")
        % {"state": current.get_state_display()},
        code="state",
    )


def _gone() -> ValidationError:
    return ValidationError(_("This question was deleted: nothing was changed."), code="gone")


def _locked(question: Question, *states: str, seen: str = "") -> Question:
    """The row as it is now, held until the transaction ends. ValidationError if its state forbids the step."""
    rows = Question.objects.select_for_update(of=("self",)).select_related("dialogue", "attendance", "entity")
    current = rows.filter(pk=question.pk).first()
    if current is None:
        raise _gone()
    if current.state not in states or (seen and current.state != seen):
        raise _conflict(current)
    return current


def _move(question: Question, state: str, by: "User | None", **changes: Any) -> Question:
    changes |= {
        "state": state,
        "moderated_at": timezone.now(),
        "moderated_by": DESK if by is None else str(by)[:200],
    }
    for name, value in changes.items():
        setattr(question, name, value)
    question.save(update_fields=[*changes, "modified_at"])
    return question


# Asking and supporting ------------------------------------------------------------------------------------------


@transaction.atomic
def ask(
    *,
    dialogue: Dialogue,
    attendance: Attendance,
    text: str,
    language: str,
    is_named: bool,
    session: Session | None = None,
) -> Question:
    """Takes a question down for the moderator. The same text sent twice is one question.

    ValidationError while questions are closed, or for a registration that holds no place any more.
    """
    person = _seated(dialogue, attendance)
    if not dialogue.questions_are_open():
        raise ValidationError(_("Questions are closed."), code="closed")
    question = Question(
        dialogue=dialogue,
        session=session,
        origin=Question.Origin.ASKED,
        attendance=person,
        asked_by=person.name if is_named else "",
        asked_for=person.organization if is_named else "",
    )
    question.write(text, language)
    own = {"language": language, f"text_{vocabularies.COLUMNS[language]}": text}
    again = person.questions.filter(created_at__gte=timezone.now() - TWICE, **own).first()
    if again is not None:
        return again
    question.save()
    return question


def _seated(dialogue: Dialogue, attendance: Attendance) -> Attendance:
    """Locked, so that what is sent twice at once passes one after the other."""
    rows = Attendance.objects.seated().filter(pk=attendance.pk, dialogue=dialogue, erased_at__isnull=True)
    person = rows.select_for_update(no_key=True).first()
    if person is None:
        raise ValidationError(_("This registration holds no place any more."), code="registration")
    return person


@transaction.atomic
def support(*, question: Question, attendance: Attendance) -> None:
    """Once a person; a second time changes nothing. ValidationError for one's own question, and for what is not open."""
    person = _seated(question.dialogue, attendance)
    _needs_open(question)
    if person.questions.filter(pk=question.pk).exists() or person.questions.filter(merged_into=question).exists():
        raise ValidationError(_("You asked this question yourself: it counts already."), code="own")
    QuestionSupport.objects.get_or_create(question=question, attendance=person)


@transaction.atomic
def withdraw_support(*, question: Question, attendance: Attendance) -> None:
    person = _seated(question.dialogue, attendance)
    _needs_open(question)
    QuestionSupport.objects.filter(question=question, attendance=person).delete()


def _needs_open(question: Question) -> None:
    current = Question.objects.public().filter(pk=question.pk, state__in=OPEN).first()
    if current is None or not question.dialogue.questions_are_open():
        raise ValidationError(_("This question is not open: support for it no longer changes."), code="closed")


# Moderating -----------------------------------------------------------------------------------------------------


@transaction.atomic
def publish(*, question: Question, by: "User | None", seen: str = "") -> Question:
    current = _locked(question, "pending", seen=seen)
    _move(current, "published", by, published_at=timezone.now())
    _tell_asker("question_published", current)
    return current


@transaction.atomic
def decline(*, question: Question, by: "User | None", reason: str, seen: str = "") -> Question:
    """The asker reads the reason; so does the public, where the question was public before."""
    if not reason.strip():
        raise ValidationError(_("Give a reason: the asker reads it."), code="reason")
    current = _locked(question, "pending", "published", seen=seen)
    _move(current, "declined", by, reason=reason.strip())
    _tell_askers("question_declined", current)
    return current


@transaction.atomic
def take_back(*, question: Question, by: "User | None", seen: str = "") -> Question:
    """What was published by mistake waits for the moderator again; the public page forgets it."""
    return _move(_locked(question, "published", seen=seen), "pending", by, published_at=None)


@transaction.atomic
def merge(*, question: Question, into: Question, by: "User | None", seen: str = "") -> Question:
    """Two questions that ask the same: the other one credits this asker, and support counts together.

    What was merged into this one moves along.
    """
    rows = Question.objects.filter(pk__in=[question.pk, into.pk]) | Question.objects.filter(merged_into=question.pk)
    list(rows.order_by("pk").select_for_update())  # all in one order: two mergers never wait for each other
    current = _locked(question, "pending", "published", seen=seen)
    other = _locked(into, *OPEN, *ANSWERED)
    if current == other or current.dialogue_id != other.dialogue_id:
        raise ValidationError(_("Choose another question of the same dialogue."), code="into")
    Question.objects.filter(merged_into=current).update(merged_into=other, modified_at=timezone.now())
    _move(current, "merged", by, merged_into=other)
    _tell_asker("question_merged", current, other=other)
    return current


@transaction.atomic
def unmerge(*, question: Question, by: "User | None", seen: str = "") -> Question:
    """It stands for itself again, published."""
    current = _locked(question, "merged", seen=seen)
    return _move(current, "published", by, merged_into=None, published_at=current.published_at or timezone.now())


@transaction.atomic
def put_on_stage(*, question: Question, by: "User | None", seen: str = "") -> Question:
    """ValidationError while another one is there: of two moderators at once the first wins."""
    current = _locked(question, "published", seen=seen)
    try:
        with transaction.atomic():
            _move(current, "on-stage", by)
    except IntegrityError as error:
        other = Question.objects.filter(dialogue=current.dialogue, state="on-stage").first()
        raise ValidationError(
            _("Another question is on stage: take it back first. It is “%(question)s”.") % {"question": other or ""},
            code="on-stage",
        ) from error
    return current


@transaction.atomic
def take_off_stage(*, question: Question, by: "User | None", seen: str = "") -> Question:
    return _move(_locked(question, "on-stage", seen=seen), "published", by)


@transaction.atomic
def reopen(*, question: Question, by: "User | None", seen: str = "") -> Question:
    """What was declined, or not really answered, is open again. Answers that were published stay with it."""
    current = _locked(question, "declined", *ANSWERED, seen=seen)
    return _move(current, "published", by, reason="", published_at=current.published_at or timezone.now())


@transaction.atomic
def reorder(*, question: Question, by: "User | None", up: bool) -> None:
    """One place up or down among the prepared questions that wait or are open; at the end of the list nothing moves."""
    rows = Question.objects.filter(
        dialogue_id=question.dialogue_id, origin=Question.Origin.PREPARED, state__in=["pending", *OPEN]
    )
    listed = list(rows.order_by("pk").select_for_update())
    listed.sort(key=lambda row: (row.position, row.created_at, row.pk))
    place = next((number for number, row in enumerate(listed) if row.pk == question.pk), None)
    if place is None:
        raise ValidationError(_("Only prepared questions that wait or are open have an order."), code="order")
    other = place - 1 if up else place + 1
    if 0 <= other < len(listed):
        listed[place], listed[other] = listed[other], listed[place]
    for position, row in enumerate(listed, start=1):
        if row.position != position:
            row.position = position
            row.save(update_fields=["position", "modified_at"])


@transaction.atomic
def hand_on(*, question: Question, entity: Entity, answer_by: date, by: "User") -> Question:
    """An open question gets a named entity and a day; the entity's focal points are asked by mail."""
    current = _locked(question, *OPEN)
    if answer_by < timezone.localdate():
        raise ValidationError(_("The day to answer by must lie in the future."), code="past")
    if not Entity.objects.public().filter(pk=entity.pk).exists():
        raise ValidationError(_("The entity has no public page: check or merge it first."), code="entity")
    if current.entity is not None and current.answer_by is None and not current.asked_for:
        current.asked_for = current.entity.official_name[:200]  # it asked; the column is for the one that answers now
    current.entity, current.answer_by = entity, answer_by
    current.save(update_fields=["entity", "answer_by", "asked_for", "modified_at"])
    for person in _focal_points(entity):
        _send("question_handed_on", person.email, person.language, current, entity=entity)
    return current


def _focal_points(entity: Entity) -> "list[User]":
    mandates = Mandate.objects.holding().confirmed().filter(entity=entity, role="focal-point", user__isnull=False)
    return [mandate.user for mandate in mandates.select_related("user") if mandate.user]


# Answering ------------------------------------------------------------------------------------------------------


@transaction.atomic
def answer(
    *,
    question: Question,
    by: "User | None",
    text: str,
    language: str,
    given_on: date,
    participation: Participation | None = None,
    entity: Entity | None = None,
    recording_second: int | None = None,
    source_url: str = "",
) -> Answer:
    """A draft of what was answered, until staff publish it. The same draft sent twice is one."""
    current = _locked(question, *OPEN, *ANSWERED)
    return _draft(
        current, by=by, text=text, language=language, given_on=given_on, participation=participation, entity=entity,
        recording_second=recording_second, source_url=source_url,
    )  # fmt: skip


def _draft(question: Question, *, by: "User | None", text: str, language: str, **facts: Any) -> Answer:
    participation = facts.get("participation")
    if participation is None and facts.get("entity") is None:
        raise ValidationError(
            _("Say who gave the answer: somebody with a part in the dialogue, or an entity."), code="who"
        )
    if participation is not None and participation.dialogue_id != question.dialogue_id:
        raise ValidationError(_("This part belongs to another dialogue."), code="part")
    if facts["given_on"] > _today(question.dialogue):
        raise ValidationError(_("The day of an answer must not lie in the future."), code="future")
    if not text.strip():
        raise ValidationError(_("Write down what was answered."), code="text")
    new = Answer(question=question, written_by=by, **facts)
    new.write(text.strip(), language)
    again = question.answers.filter(
        published_at__isnull=True, language=language, participation=participation, entity=facts.get("entity")
    ).filter(**{f"text_{vocabularies.COLUMNS[language]}": new.original})
    return again.first() or _saved(new)


def _saved(new: Answer) -> Answer:
    new.save()
    return new


def _today(dialogue: Dialogue) -> date:
    return timezone.localdate(timezone=dialogue.zone)


@transaction.atomic
def answer_on_stage(
    *, question: Question, by: "User | None", participation: Participation, text: str, language: str, seen: str = ""
) -> Question:
    """The moderator's note that somebody answered in the room; staff complete and publish the draft."""
    current = _locked(question, *OPEN, seen=seen)
    _draft(
        current, by=by, text=text.strip() or _("Answered in the meeting."), language=language,
        given_on=_today(current.dialogue), participation=participation,
    )  # fmt: skip
    return _move(current, "answered", by)


@transaction.atomic
def write_answer(
    *, question: Question, entity: Entity, by: "User", text: str, language: str, source_url: str = ""
) -> Answer:
    """In writing, by a focal point for the entity: a draft that replaces the entity's draft of before. Staff are told."""
    current = _locked(question, *OPEN, *ANSWERED)
    if not text.strip():
        raise ValidationError(_("Write the answer."), code="text")
    draft = current.answers.filter(entity=entity, participation__isnull=True, published_at__isnull=True).first()
    if draft is not None and (draft.language, draft.original, draft.source_url) == (language, text.strip(), source_url):
        return draft
    draft = draft or Answer(question=current, entity=entity)
    draft.given_on, draft.written_by, draft.source_url = _today(current.dialogue), by, source_url
    for column in vocabularies.COLUMNS.values():  # translations of the words of before
        setattr(draft, f"text_{column}", None)
    draft.write(text.strip(), language)
    draft.save()
    mails.send(
        "staff_answer_written",
        to=[settings.PORTAL_CONTACT],
        language="en",
        answer=draft,
        entity=entity,
        question=current,
    )
    return draft


@transaction.atomic
def publish_answer(*, answer: Answer, by: "User", in_writing: bool | None = None) -> Answer:
    """By staff; everyone who asked is told. The question counts as answered, or as answered in writing.

    Without `in_writing` the answer tells: in an exchange in writing, or by an entity that nobody spoke for in a recording.
    """
    question = _locked(answer.question, *OPEN, *ANSWERED)
    current = Answer.objects.select_for_update(of=("self",)).filter(pk=answer.pk).first()
    if current is None or current.published_at is not None:
        raise ValidationError(_("This answer is published already, or gone: nothing was changed."), code="state")
    current.question = question
    current.published_at, current.published_by = timezone.now(), by
    current.save(update_fields=["published_at", "published_by", "modified_at"])
    if question.state in OPEN:
        if in_writing is None:
            spoken = current.participation_id is not None or current.recording_second is not None
            in_writing = question.dialogue.is_in_writing or not spoken
        _move(question, "answered-in-writing" if in_writing else "answered", by)
    _tell_askers("question_answered", question, answer=current)
    return current


@transaction.atomic
def withdraw_answer(*, answer: Answer, by: "User") -> Answer:
    """A draft again. A question without another published answer is open again."""
    question = _locked(answer.question, *OPEN, *ANSWERED)
    current = Answer.objects.select_for_update(of=("self",)).filter(pk=answer.pk, published_at__isnull=False).first()
    if current is None:
        raise ValidationError(_("This answer is not published: nothing was changed."), code="state")
    current.published_at = current.published_by = None
    current.save(update_fields=["published_at", "published_by", "modified_at"])
    if question.state in ANSWERED and not Answer.objects.published().filter(question=question).exists():
        _move(question, "published", by)
    return current


# Mails ----------------------------------------------------------------------------------------------------------


def _tell_asker(kind: str, question: Question, **context: Any) -> None:
    """In the language in which the person registered; nobody without an address."""
    person = question.attendance
    if person is not None and person.email:
        _send(kind, person.email, person.language, question, **context)


def _tell_askers(kind: str, question: Question, **context: Any) -> None:
    """Of the question and of those merged into it; each person once."""
    told = {question.attendance_id}
    _tell_asker(kind, question, **context)
    for other in question.merged.select_related("attendance", "dialogue"):
        if other.attendance_id not in told:
            told.add(other.attendance_id)
            _tell_asker(kind, other, **{**context, "other": question})


def _send(kind: str, email: str, language: str, question: Question, **context: Any) -> None:
    with override(language):
        context |= {
            "until": day_words(question.answer_by) if question.answer_by else "",
            "address": absolute(_page_of(question, **context)),
        }
    mails.send(kind, to=[email], language=language, question=question, **context)


def _page_of(question: Question, *, answer: Answer | None = None, other: Question | None = None, **_more: Any) -> str:
    """The page that a mail leads to: the answer, or the question where the public finds it; else the list."""
    listed = other or question
    if answer is None and not Question.objects.public().filter(pk=listed.pk).exists():
        return reverse("dialogue:questions", args=[question.dialogue.slug])
    return address(answer or listed)
