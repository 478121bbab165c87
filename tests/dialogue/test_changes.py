"""What changed after publication: noticed, told on a page, in feeds and by mail."""

from datetime import timedelta

import feedparser
import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone, translation
from icalendar import Calendar

from dialogue import changes, notifying
from dialogue.models import Change, Dialogue
from tests.dialogue.factories import attendance, dialogue, draft, part, person, session, upcoming
from tests.factories import EntityFactory, UserFactory

pytestmark = pytest.mark.django_db


def words(of: Dialogue) -> list[str]:
    """In the order in which they were noticed."""
    rows = changes.public().filter(dialogue=of).select_related("dialogue", "session").order_by("pk")
    return [changes.words(row) for row in rows]


def moved(event: Dialogue, **fields: object) -> list[str]:
    with changes.recorded(event, by=UserFactory()):
        Dialogue.objects.filter(pk=event.pk).update(**fields)
    return words(event)


def test_a_session_that_moves_is_told_in_the_events_own_time() -> None:
    event = dialogue(ends_at=dialogue().starts_at + timedelta(hours=8))
    panel = session(event, title_en="Panel", starts_at=event.starts_at + timedelta(minutes=30), ends_at=event.ends_at)

    with changes.recorded(event, by=None):
        panel.starts_at += timedelta(hours=1)
        panel.save()

    assert words(event) == ["The session “Panel” was moved from 14:00 to 15:00 (CET, UTC+01:00)."]


def test_a_draft_has_no_changes() -> None:
    event = draft()

    assert moved(event, title_en="Another") == []


def test_each_kind_of_change_is_a_sentence() -> None:
    event = dialogue(title_en="Before", place_en="Geneva", venue_en="CICG", room_en="Room 2")
    panel = session(event, title_en="Panel")
    session(event, title_en="Held back", state="draft")

    with changes.recorded(event, by=None):
        panel.state = "cancelled"
        panel.save()
        session(event, title_en="Closing", starts_at=event.starts_at, ends_at=event.ends_at)
    moved(event, title_en="After")
    moved(event, room_en="Room 3")
    moved(event, mode="hybrid")

    assert words(event) == [
        "The session “Panel” was cancelled.",
        "The session “Closing” is new in the programme: "
        "Wednesday, 21 March 2018, 13:30–15:00, Geneva (CET, UTC+01:00).",
        "The title is now “After”; it was “Before”.",
        "The place is now Room 3, CICG, Geneva; it was Room 2, CICG, Geneva.",
        "The way of meeting is now “Hybrid”; it was “On site”.",
    ]


def test_people_come_go_and_take_anothers_place() -> None:
    event = dialogue()
    panel, hidden = session(event, title_en="Panel"), session(event, state="draft")
    old = part(event, session=panel, person=person(name="Ana Lima"), entity=EntityFactory(official_name_en="Step"))

    with changes.recorded(event, by=None):
        old.delete()
        part(event, session=panel, person=person(name="Ben Okri"))
        part(event, session=hidden, person=person(name="Not Yet"))
    with changes.recorded(event, by=None):
        part(event, role="rapporteur", person=person(name="Cai Wen"))
    with changes.recorded(event, by=None):
        event.participations.get(role="rapporteur").delete()

    assert words(event) == [
        "Session “Panel”: Ben Okri takes the place of Ana Lima, Step (Panellist).",
        "Cai Wen takes part (Rapporteur).",
        "Cai Wen no longer takes part (Rapporteur).",
    ]


def test_sessions_that_move_with_their_dialogue_are_not_told_each() -> None:
    event = dialogue()
    with_it, later = (session(event, starts_at=event.starts_at, ends_at=event.ends_at) for _number in range(2))
    day = timedelta(days=1)

    with changes.recorded(event, by=None):
        Dialogue.objects.filter(pk=event.pk).update(ends_at=event.ends_at + day + day)
        for each, distance in ((with_it, day), (later, day + timedelta(minutes=5))):
            each.starts_at, each.ends_at = event.starts_at + distance, event.ends_at + distance
            each.save()
        Dialogue.objects.filter(pk=event.pk).update(starts_at=event.starts_at + day, ends_at=event.ends_at + day * 2)

    told = Change.objects.filter(dialogue=event)
    assert [(change.what, change.session) for change in told.order_by("pk")] == [("time", None), ("time", later)]
    assert {change.sequence for change in told} == {2}


def test_another_translation_is_no_change() -> None:
    event = dialogue(title_en="Dialogue", title_fr="Dialogue de haut niveau")

    assert moved(event, title_es="Diálogo") == []
    assert len(moved(event, title_fr="Dialogue")) == 1


def test_words_are_in_the_readers_language() -> None:
    event = dialogue(title_en="Before", title_fr="Avant")
    panel = session(event, title_en="Panel", title_fr="Table ronde")
    with changes.recorded(event, by=None):
        panel.state = "cancelled"
        panel.save()
        Dialogue.objects.filter(pk=event.pk).update(title_en="After", title_fr="Après")

    with translation.override("fr"):
        title, cancelled = words(event)

    assert "Table ronde" in cancelled
    assert "Après" in title
    assert "Avant" in title


# The page -----------------------------------------------------------------------------------------------------


def test_the_page_tells_the_newest_first_in_few_queries(client: Client, django_assert_num_queries: object) -> None:
    event = dialogue()
    moved(event, title_en="One")
    client.get(f"/en/dialogues/{event.slug}/changes/")
    with django_assert_num_queries(3):  # the dialogue, how many, which
        client.get(f"/en/dialogues/{event.slug}/changes/")
    panel = session(event, title_en="Panel", state="published")
    with changes.recorded(event, by=None):
        panel.state = "cancelled"
        panel.save()
    moved(event, title_en="Three")

    with django_assert_num_queries(3):
        page = client.get(f"/en/dialogues/{event.slug}/changes/")

    assert [item["words"] for item in page.context["told"]] == [
        "The title is now “Three”; it was “One”.",
        "The session “Panel” was cancelled.",
        f"The title is now “One”; it was “{event.title_en}”.",
    ]
    assert f'id="{event.changes.first().anchor}"' in page.content.decode()
    assert not page.cookies


def test_since_leaves_out_what_the_calendar_knows(client: Client) -> None:
    event = dialogue(title_en="Before")
    hour = timedelta(hours=1)
    moved(event, ends_at=event.ends_at + hour)  # SEQUENCE 1
    moved(event, title_en="After")
    moved(event, ends_at=event.ends_at + hour * 2)  # SEQUENCE 2

    def told(query: str) -> list[str]:
        return [
            item["change"].what for item in client.get(f"/en/dialogues/{event.slug}/changes/{query}").context["told"]
        ]

    assert told("?since=0") == ["time", "title", "time"]
    assert told("?since=1") == ["time", "title"]
    assert told("?since=2") == []
    assert told("?since=x") == ["time", "title", "time"]


def test_changes_of_a_draft_are_nowhere(client: Client) -> None:
    hidden, shown = draft(), dialogue(title_en="Before")
    for event in (hidden, shown):
        Change.objects.create(dialogue=event, what="published")

    assert client.get(f"/en/dialogues/{hidden.slug}/changes/").status_code == 404
    assert client.get(f"/en/dialogues/{hidden.slug}/changes.atom").status_code == 404
    entries = feedparser.parse(client.get("/en/dialogues/changes.atom").content).entries
    assert [entry.title for entry in entries] == ["Before: The dialogue was published."]


def test_the_feed_names_changes_and_leaves_examples_out(client: Client) -> None:
    real, example = dialogue(title_en="Real"), dialogue(is_example=True)
    moved(real, mode="online")
    moved(example, mode="online")

    one = feedparser.parse(client.get(f"/en/dialogues/{real.slug}/changes.atom").content)
    of_all = feedparser.parse(client.get("/en/dialogues/changes.atom").content)

    assert [entry.title for entry in one.entries] == ["The way of meeting is now “Online”; it was “On site”."]
    assert [entry.title for entry in of_all.entries] == ["Real: " + one.entries[0].title]
    assert one.entries[0].link.endswith(f"/en/dialogues/{real.slug}/changes/#{real.changes.get().anchor}")
    assert not one.bozo
    assert client.get(f"/en/dialogues/{example.slug}/changes.atom").status_code == 404


# Mails ----------------------------------------------------------------------------------------------------------


def test_everyone_registered_gets_one_mail_in_their_language(django_capture_on_commit_callbacks: object) -> None:
    event = upcoming(title_en="Dialogue", title_fr="Le dialogue")
    seated = attendance(event, language="fr")
    waiting = attendance(event, state="waiting-list", seated_at=None)
    attendance(event, state="cancelled")
    attendance()

    with django_capture_on_commit_callbacks(execute=True):
        moved(event, starts_at=event.starts_at + timedelta(minutes=15))

    first, second = mail.outbox
    assert (first.to, second.to) == ([seated.email], [waiting.email])
    assert (first.subject.count("Le dialogue"), second.subject) == (1, "Changed: Dialogue")
    assert "The dialogue was moved from" in second.body
    assert [part.get_content_type() for part in first.message().walk()].count("text/calendar") == 1
    assert "text/calendar" not in [part.get_content_type() for part in second.message().walk()]
    (event_in_file,) = Calendar.from_ical(first.alternatives[0][0]).walk("VEVENT")
    assert (first.alternatives[0][1].replace('"', ""), event_in_file["SEQUENCE"]) == (
        "text/calendar; method=REQUEST",
        1,
    )


def test_a_change_is_mailed_once(django_capture_on_commit_callbacks: object) -> None:
    event = upcoming()
    attendance(event)
    with django_capture_on_commit_callbacks(execute=True):
        moved(event, mode="online")
    count = len(mail.outbox)

    notifying.notify_of_changes.call(event.pk)

    assert (count, len(mail.outbox)) == (1, 1)
    assert not event.changes.filter(mailed_at__isnull=True).exists()


def test_a_cancellation_cancels_in_calendars(django_capture_on_commit_callbacks: object) -> None:
    event = upcoming(title_en="Dialogue")
    attendance(event)

    with django_capture_on_commit_callbacks(execute=True):
        moved(event, status="cancelled", status_note_en="No room.")

    (sent,) = mail.outbox
    assert sent.subject == "Cancelled: Dialogue"
    assert "The dialogue was cancelled." in sent.body
    assert sent.alternatives[0][1] == "text/calendar; method=CANCEL"


def test_nobody_is_told_once_it_is_over(django_capture_on_commit_callbacks: object) -> None:
    event = dialogue(starts_at=timezone.now() - timedelta(days=3))
    attendance(event)

    with django_capture_on_commit_callbacks(execute=True):
        moved(event, mode="online")

    assert mail.outbox == []
    assert event.changes.filter(mailed_at__isnull=True).count() == 0
