"""Publishing, moving, cancelling, copying and following up dialogues."""

from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from coalition.models import Membership, Round
from dialogue.actions import programme
from dialogue.models import Dialogue, Participation
from tests.coalition.factories import focal_point, published_letter
from tests.dialogue.factories import (
    dialogue,
    draft,
    outcome,
    output,
    part,
    person,
    question,
    session,
    upcoming,
)
from tests.factories import EntityFactory, UserFactory

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def recorded_signatory(entity: object) -> Membership:
    return Membership.objects.create(
        entity=entity, track="signatory", origin="recorded", state="active", state_since=timezone.now(),
        recorded_on=date(2018, 3, 21), source_url="https://example.org/",
    )  # fmt: skip


# Publishing -----------------------------------------------------------------------------------------------------


def test_publishing_holds_back_what_was_chosen() -> None:
    event, staff = draft(), UserFactory()
    shown, kept = (session(event, state="draft") for _number in range(2))

    programme.publish(dialogue=event, by=staff, hold_back=[kept])

    event.refresh_from_db()
    states = {row.pk: row.state for row in event.sessions.all()}
    assert (event.status, event.published_by) == ("confirmed", staff)
    assert states == {shown.pk: "published", kept.pk: "draft"}
    assert [change.what for change in event.changes.all()] == ["published"]


def test_publishing_fixes_capacities_of_what_is_public() -> None:
    event = draft()
    entity = EntityFactory(official_name_en="United Nations University", short_name_en="UNU")
    hidden = session(event, state="draft")
    named = part(event, entity=entity, entity_then="As it was called")
    unnamed, later = part(event, entity=entity, role="host"), part(event, entity=entity, session=hidden)

    programme.publish(dialogue=event, by=UserFactory(), hold_back=[hidden])

    rows = Participation.objects.in_bulk([named.pk, unnamed.pk, later.pk])
    assert rows[named.pk].entity_then == "As it was called"
    assert rows[unnamed.pk].entity_then == "United Nations University"
    assert [rows[row.pk].frozen_at is not None for row in (named, unnamed, later)] == [True, True, False]


def test_what_blocks_is_not_published_unless_it_is_held_back() -> None:
    event = draft()
    ceremony = session(event, kind="signing-ceremony", letter=published_letter(), state="draft")
    part(event, session=ceremony, role="signatory", person=person(name="Nobody"), position=0, title_then="Head")

    with pytest.raises(ValidationError) as refused:
        programme.publish(dialogue=event, by=UserFactory())
    programme.publish(dialogue=event, by=UserFactory(), hold_back=[ceremony])

    assert sorted(refused.value.messages) == [
        "The signatory Nobody has no entity.",
        "The signatory Nobody has no place in the protocol order.",
    ]
    assert Dialogue.objects.get(pk=event.pk).is_public


def test_a_held_back_session_is_published_later_and_told() -> None:
    event = upcoming()
    held_back = session(event, title_en="Closing", state="draft")
    speaker = part(event, session=held_back, entity=EntityFactory(official_name_en="Entity"))

    programme.publish_session(session=held_back, by=UserFactory())

    speaker.refresh_from_db()
    assert (speaker.entity_then, speaker.frozen_at is not None) == ("Entity", True)
    assert [(row.what, row.subject) for row in event.changes.all()] == [("session", "Closing")]
    with pytest.raises(ValidationError):
        programme.publish_session(session=held_back, by=UserFactory())


def test_what_the_public_saw_is_not_held_back() -> None:
    before, after = session(draft()), session(upcoming())

    programme.hold_back_session(session=before, by=UserFactory())

    before.refresh_from_db()
    assert before.state == "draft"
    with pytest.raises(ValidationError):
        programme.hold_back_session(session=after, by=UserFactory())


# Moving and cancelling --------------------------------------------------------------------------------------------


def test_sessions_keep_their_hour_on_the_wall_when_the_clocks_change() -> None:
    zone = ZoneInfo("Europe/Zurich")
    event = upcoming(starts_at=timezone.datetime(2031, 3, 26, 12, 30, tzinfo=ZoneInfo("UTC")), time_zone=zone.key)
    panel = session(event, starts_at=event.starts_at + HOUR, ends_at=event.ends_at)
    starts_at = event.starts_at + 7 * DAY - HOUR  # 13:30 again, in summer time

    programme.reschedule(
        dialogue=event, by=UserFactory(), starts_at=starts_at, ends_at=starts_at + HOUR * 1.5, note="Another week."
    )

    event.refresh_from_db()
    panel.refresh_from_db()
    assert f"{event.starts_at.astimezone(zone):%d %H:%M}" == "02 13:30"
    assert f"{panel.starts_at.astimezone(zone):%d %H:%M}" == "02 14:30"
    assert (event.status, event.sequence, event.status_note_en) == ("rescheduled", 1, "Another week.")
    assert [(row.what, row.note) for row in event.changes.all()] == [("time", "Another week.")]


def test_sessions_stay_when_asked_and_must_still_lie_within() -> None:
    event = upcoming()
    panel = session(event, starts_at=event.starts_at, ends_at=event.ends_at)
    given = {"by": UserFactory(), "note": "Why.", "shift_sessions": False}

    programme.reschedule(dialogue=event, starts_at=event.starts_at - HOUR, ends_at=event.ends_at + HOUR, **given)
    with pytest.raises(ValidationError, match="is not within the dialogue"):
        programme.reschedule(dialogue=event, starts_at=event.starts_at + HOUR, ends_at=event.ends_at + HOUR, **given)

    before = panel.starts_at
    panel.refresh_from_db()
    assert panel.starts_at == before


def test_sessions_in_one_room_follow_each_other_to_the_new_time() -> None:
    event = upcoming()
    times = [event.starts_at + timedelta(minutes=30 * number) for number in range(4)]
    rows = [session(event, starts_at=begin, ends_at=end, room="Room 2") for begin, end in pairwise(times)]

    for distance in (timedelta(minutes=30), -timedelta(minutes=30)):
        event.refresh_from_db()
        programme.reschedule(
            dialogue=event, by=UserFactory(), starts_at=event.starts_at + distance, ends_at=event.ends_at + distance,
            note="Why.",
        )  # fmt: skip

    for row, begin in zip(rows, times, strict=False):
        row.refresh_from_db()
        assert row.starts_at == begin


def test_open_windows_move_along() -> None:
    event = upcoming()
    opened, closes = event.registration_opens_at, event.registration_closes_at

    programme.reschedule(
        dialogue=event, by=UserFactory(), starts_at=event.starts_at + DAY, ends_at=event.ends_at + DAY, note="Why."
    )

    event.refresh_from_db()
    assert (event.registration_opens_at, event.registration_closes_at) == (opened, closes + DAY)


def test_a_cancellation_says_why_and_can_be_undone() -> None:
    event = upcoming()

    with pytest.raises(ValidationError):
        programme.cancel(dialogue=event, by=UserFactory(), note={"fr": "Pas de salle."})
    programme.cancel(dialogue=event, by=UserFactory(), note={"en": "No room.", "fr": "Pas de salle."})
    event.refresh_from_db()
    assert (event.status, event.status_note_fr, event.sequence) == ("cancelled", "Pas de salle.", 1)

    programme.reinstate(dialogue=event, by=UserFactory())
    event.refresh_from_db()
    assert (event.status, event.status_note_en, event.sequence) == ("confirmed", "", 2)
    assert [(row.before, row.after) for row in event.changes.order_by("pk")] == [
        ("confirmed", "cancelled"),
        ("cancelled", "confirmed"),
    ]


def test_a_cancelled_session_comes_back_only_where_its_room_is_free() -> None:
    event = upcoming()
    times = {"starts_at": event.starts_at, "ends_at": event.ends_at, "room": "Room 2"}
    gone = session(event, **times)
    programme.cancel_session(session=gone, by=UserFactory())
    other = session(event, **times)

    with pytest.raises(ValidationError, match="in one room"):
        programme.reinstate_session(session=gone, by=UserFactory())
    programme.cancel_session(session=other, by=UserFactory())
    programme.reinstate_session(session=gone, by=UserFactory())

    gone.refresh_from_db()
    assert gone.state == "published"


# Anew ---------------------------------------------------------------------------------------------------------------


def test_a_copy_is_a_draft_without_people_and_papers() -> None:
    event = upcoming(title_en="Dialogue", title_ar="حوار", capacity_on_site=10)
    panel = session(
        event, slug="panel", starts_at=event.starts_at + HOUR, ends_at=event.ends_at, notes="Ask Ana first."
    )
    part(event, session=panel)
    output(event, text_en="An output")
    outcome(event, text_en="An outcome").updates.create(on="2020-01-01", status="open", note_en="Word.")
    question(event, text_en="Prepared?", session=panel)
    question(event, text_en="Asked?", origin="asked")

    new = programme.copy_as_template(
        dialogue=event, by=UserFactory(), slug="next-year", starts_at=event.starts_at + 364 * DAY
    )

    (copied,) = new.sessions.all()
    asked = new.questions.get()
    assert (new.status, new.title_ar, new.capacity_on_site) == ("draft", "حوار", 10)
    assert (copied.slug, copied.state, copied.starts_at - new.starts_at, copied.notes) == ("panel", "draft", HOUR, "")
    assert (asked.text_en, asked.state, asked.session) == ("Prepared?", "pending", copied)
    assert [new.desired_outputs.get().text_en, new.expected_outcomes.get().text_en] == ["An output", "An outcome"]
    assert new.expected_outcomes.get().updates.count() == new.participations.count() == 0
    with pytest.raises(ValidationError):
        programme.copy_as_template(dialogue=event, by=UserFactory(), slug="next-year", starts_at=event.starts_at)


def follow_up(event: Dialogue, slug: str = "follow-up") -> Dialogue:
    starts_at = timezone.now() + 60 * DAY
    return programme.follow_up(
        dialogue=event, by=UserFactory(), slug=slug, title="Follow-up meeting", starts_at=starts_at,
        ends_at=starts_at + HOUR,
    )  # fmt: skip


def test_a_follow_up_makes_open_outcomes_its_points() -> None:
    event = dialogue(letter=published_letter())
    outcome(event, text_en="Nobody spoke of it", text_fr="Silence", position=1)
    for position, status in enumerate(("open", "under-way", "partly-achieved", "dropped", "overtaken"), 2):
        aim = outcome(event, text_en=status, position=position)
        aim.updates.create(on="2019-01-01", status="open", note_en="First word.")
        aim.updates.create(on="2019-04-10", status=status, note_en="Last word.")

    new = follow_up(event)

    points = list(new.sessions.order_by("position"))
    assert (new.status, new.follows, new.letter, new.kind) == ("draft", event, event.letter, "follow-up-meeting")
    assert [point.title_en for point in points] == ["Nobody spoke of it", "open", "under-way", "partly-achieved"]
    assert {point.kind for point in points} == {"discussion"}
    assert points[0].title_fr == "Silence"
    assert (new.round.slug, new.round.opens_on) == ("follow-up", timezone.localdate())


def test_a_follow_up_is_made_of_what_was_held_and_once_a_slug() -> None:
    event = dialogue()
    follow_up(event)

    for other, slug in ((upcoming(), "another"), (event, "follow-up")):
        with pytest.raises(ValidationError):
            follow_up(other, slug)
    assert Round.objects.count() == 1


def test_publishing_a_follow_up_invites_focal_points_of_signatories(
    django_capture_on_commit_callbacks: object,
) -> None:
    signatory, stranger, silent = EntityFactory(official_name_en="Signatory"), EntityFactory(), EntityFactory()
    for entity in (signatory, silent):
        recorded_signatory(entity)
    invited = focal_point(signatory, language="fr")
    focal_point(stranger)
    new = follow_up(dialogue())

    with django_capture_on_commit_callbacks(execute=True):
        programme.publish(dialogue=new, by=UserFactory())

    (sent,) = mail.outbox
    assert sent.to == [invited.email]
    assert f"/fr/dialogues/{new.slug}/" in sent.body
    assert reverse("coalition:workspace", args=[signatory.slug]).removeprefix("/en/") in sent.body
