"""A dialogue is a chain of dated facts: who sat there, what was asked, signed and promised, what came of it."""

from dialogue.models.attendance import Attendance
from dialogue.models.changes import Change
from dialogue.models.events import Dialogue, Session
from dialogue.models.outcomes import DesiredOutput, ExpectedOutcome, OutcomeUpdate
from dialogue.models.papers import Document, Statement
from dialogue.models.people import Participation, Person
from dialogue.models.questions import Answer, Question, QuestionSupport

__all__ = [
    "Answer", "Attendance", "Change", "DesiredOutput", "Dialogue", "Document", "ExpectedOutcome", "OutcomeUpdate",
    "Participation", "Person", "Question", "QuestionSupport", "Session", "Statement",
]  # fmt: skip
