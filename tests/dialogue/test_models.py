from datetime import timedelta

import pytest
from django.db import IntegrityError, InternalError, transaction

from dialogue.models import Attendance
from tests.dialogue.factories import attendance, dialogue, outcome, part, person, question, session, upcoming
from tests.factories import EntityFactory

pytestmark = pytest.mark.django_db


def refused(change: object, *errors: type[Exception]) -> bool:
    with pytest.raises(errors or (IntegrityError, InternalError)), transaction.atomic():
        change()  # type: ignore[operator]
    return True


def test_a_session_must_lie_within_its_dialogue() -> None:
    event = dialogue()

    session(event, starts_at=event.starts_at, ends_at=event.ends_at)

    assert refused(
        lambda: session(event, starts_at=event.starts_at, ends_at=event.ends_at + timedelta(minutes=1)), IntegrityError
    )


def test_the_last_place_is_given_once() -> None:
    event = upcoming(capacity_on_site=1)

    attendance(event)

    assert refused(lambda: attendance(event), IntegrityError)
    assert attendance(event, mode="online").state == "confirmed"
    assert Attendance.objects.filter(dialogue=event).count() == 2


def test_a_capacity_is_fixed_at_publication() -> None:
    row = part(person=person(), entity=EntityFactory(), title_then="Secretary-General", entity_then="Then")
    row.frozen_at = row.created_at
    row.save(update_fields=["frozen_at"])

    row.position = 7
    row.save(update_fields=["position"])
    row.title_then = "Something else"

    assert refused(lambda: row.save(update_fields=["title_then"]), IntegrityError)


def test_the_sequence_rises_with_the_time_alone() -> None:
    event = dialogue()

    event.title_en = "Another title"
    event.save(update_fields=["title_en"])
    event.refresh_from_db()
    assert event.sequence == 0

    before = event.starts_at
    event.starts_at += timedelta(hours=1)
    event.ends_at += timedelta(hours=1)
    event.save(update_fields=["starts_at", "ends_at"])
    event.refresh_from_db()
    assert (event.sequence, event.previous_starts_at) == (1, before)


def test_a_question_in_french_needs_no_english_words() -> None:
    asked = question(text_en=None, text_fr="Où vont les déchets ?", language="fr")

    assert (asked.shown_text, asked.shown_language) == ("Où vont les déchets ?", "fr")
    assert refused(lambda: question(text_en="Where?", language="fr"), IntegrityError)


def test_achieved_needs_evidence_and_stays() -> None:
    aim = outcome()
    update = aim.updates.create(
        on="2019-04-10", status="achieved", note_en="Held.", evidence_url="https://example.org/"
    )

    assert refused(lambda: aim.updates.create(on="2019-04-10", status="achieved", note_en="Held."), IntegrityError)
    assert refused(lambda: type(update).objects.filter(pk=update.pk).update(status="dropped"))
    assert refused(update.delete)


def test_one_time_of_a_window_is_not_enough() -> None:
    event = dialogue()

    assert refused(lambda: session(event, starts_at=event.starts_at), IntegrityError)
    assert refused(lambda: session(event, ends_at=event.ends_at), IntegrityError)
    for name in ("registration_opens_at", "registration_closes_at", "questions_open_at", "questions_close_at"):
        assert refused(lambda name=name: dialogue(**{name: event.starts_at}), IntegrityError)
