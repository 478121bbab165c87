"""Factories of dialogues: small worlds made of real rows."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from dialogue.models import (
    Attendance,
    DesiredOutput,
    Dialogue,
    ExpectedOutcome,
    Participation,
    Person,
    Question,
    Session,
)
from tests.factories import UserFactory

_numbers = count(1)
START = datetime(2018, 3, 21, 12, 30, tzinfo=UTC)  # 13:30 in Geneva


def draft(**fields: Any) -> Dialogue:
    number = next(_numbers)
    starts_at = fields.pop("starts_at", START)
    facts = {
        "slug": f"dialogue-{number}", "title_en": f"Dialogue {number}", "place_en": "Geneva", "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=90), **fields,
    }  # fmt: skip
    return Dialogue.objects.create(**facts)


def dialogue(**fields: Any) -> Dialogue:
    """A published one, held on 21 March 2018 in Geneva, unless `starts_at` says otherwise."""
    return draft(**{"status": "confirmed", "published_at": timezone.now(), "published_by": UserFactory(), **fields})


def live(**fields: Any) -> Dialogue:
    return dialogue(**{"starts_at": timezone.now() - timedelta(minutes=30), **fields})


def upcoming(**fields: Any) -> Dialogue:
    """In ten days; registration and questions are open."""
    now = timezone.now()
    starts_at = fields.pop("starts_at", now + timedelta(days=10))
    facts = {
        "registration_opens_at": now - timedelta(days=1), "registration_closes_at": starts_at,
        "questions_open_at": now - timedelta(days=1), "questions_close_at": starts_at + timedelta(days=7), **fields,
    }  # fmt: skip
    return dialogue(starts_at=starts_at, **facts)


def session(of: Dialogue | None = None, **fields: Any) -> Session:
    number = next(_numbers)
    facts = {
        "slug": f"session-{number}", "kind": "panel", "title_en": f"Session {number}", "position": number,
        "state": "published", **fields,
    }  # fmt: skip
    return Session.objects.create(dialogue=of or dialogue(), **facts)


def person(**fields: Any) -> Person:
    number = next(_numbers)
    return Person.objects.create(**{"slug": f"person-{number}", "name": f"Person {number}", **fields})


def part(of: Dialogue | None = None, **fields: Any) -> Participation:
    """A panellist of the whole dialogue."""
    facts = {"role": "panellist", "position": next(_numbers), **fields}
    if "person" not in facts and "entity" not in facts:
        facts["person"] = person()
    return Participation.objects.create(dialogue=of or dialogue(), **facts)


def question(of: Dialogue | None = None, **fields: Any) -> Question:
    """A published one."""
    number = next(_numbers)
    facts = {
        "text_en": f"Question {number}?", "position": number, "state": "published", "published_at": timezone.now(),
        "moderated_at": timezone.now(), **fields,
    }  # fmt: skip
    return Question.objects.create(dialogue=of or dialogue(), **facts)


def output(of: Dialogue | None = None, **fields: Any) -> DesiredOutput:
    number = next(_numbers)
    return DesiredOutput.objects.create(
        dialogue=of or dialogue(), **{"text_en": f"Output {number}", "position": number, **fields}
    )


def outcome(of: Dialogue | None = None, **fields: Any) -> ExpectedOutcome:
    number = next(_numbers)
    return ExpectedOutcome.objects.create(
        dialogue=of or dialogue(), **{"text_en": f"Outcome {number}", "position": number, **fields}
    )


def attendance(of: Dialogue | None = None, **fields: Any) -> Attendance:
    """Seated."""
    number, now = next(_numbers), timezone.now()
    facts = {
        "name": f"Participant {number}", "email": f"participant{number}@example.org",
        "token_sha256": f"{number:064x}", "state": "confirmed", "confirmed_at": now, "seated_at": now, **fields,
    }  # fmt: skip
    return Attendance.objects.create(dialogue=of or upcoming(), **facts)
