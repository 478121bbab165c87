"""Which fields have a column per language, and the history that must know these columns."""

import pghistory
from modeltranslation.translator import TranslationOptions, register

from dialogue.models import (
    Answer,
    Attendance,
    DesiredOutput,
    Dialogue,
    Document,
    ExpectedOutcome,
    OutcomeUpdate,
    Participation,
    Person,
    Question,
    Session,
    Statement,
)


@register(Dialogue)
class DialogueTranslation(TranslationOptions):
    fields = ("title", "theme", "overview", "place", "venue", "room", "host_event", "status_note", "moderator_reason")


@register(Session)
class SessionTranslation(TranslationOptions):
    fields = ("title", "summary")


@register(DesiredOutput)
class DesiredOutputTranslation(TranslationOptions):
    fields = ("text",)


@register(ExpectedOutcome)
class ExpectedOutcomeTranslation(TranslationOptions):
    fields = ("text",)


@register(OutcomeUpdate)
class OutcomeUpdateTranslation(TranslationOptions):
    fields = ("note",)


@register(Question)
class QuestionTranslation(TranslationOptions):
    fields = ("text",)


@register(Answer)
class AnswerTranslation(TranslationOptions):
    fields = ("text",)


@register(Document)
class DocumentTranslation(TranslationOptions):
    fields = ("title",)


# After the registration, else the history would miss the translated columns.
for model in (
    Dialogue, Session, Person, Participation, DesiredOutput, ExpectedOutcome, Question, Answer, Document, Statement,
):  # fmt: skip
    pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())(model)
# Of people who register only what happened, not who they are: what is erased must not live on in a history.
pghistory.track(
    pghistory.InsertEvent(), pghistory.UpdateEvent(), model_name="AttendanceEvent",
    fields=["dialogue", "category", "mode", "state", "confirmed_at", "seated_at", "cancelled_at", "checked_in_at"],
)(Attendance)  # fmt: skip
