"""The one screen that prepares a dialogue, and the steps that follow."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.messages import get_messages
from django.core import mail
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from dialogue.groups import load_groups
from dialogue.models import Dialogue, Participation, Person, Session
from dialogue.permissions import EVENT_MANAGERS
from tests.coalition.factories import published_letter
from tests.dialogue.factories import attendance, dialogue, draft, output, part, person, session, upcoming
from tests.factories import EntityFactory, UserFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/dialogue/dialogue/"
HOUR = timedelta(hours=1)


@pytest.fixture
def staff() -> Client:
    """An event manager, and nothing more."""
    load_groups()
    user = UserFactory(verified=True, is_staff=True)
    user.groups.add(Group.objects.get(name=EVENT_MANAGERS))
    client = Client()
    client.force_login(user)
    return client


def typed(response: HttpResponse) -> dict[str, Any]:
    """What a browser would send from the screen as it is."""
    every = [response.context["adminform"].form]
    for inline in response.context["inline_admin_formsets"]:
        every += [inline.formset.management_form, *inline.formset.initial_forms]
    data = {}
    for form in every:
        for field in form:
            value = field.value()
            if field.field.disabled or value is None or value is False:
                continue
            data[field.html_name] = "on" if value is True else value
    return data


def screen(event: Dialogue) -> str:
    return f"{LIST}{event.pk}/change/"


def save(staff: Client, event: Dialogue, **changed: Any) -> HttpResponse:
    return staff.post(screen(event), {**typed(staff.get(screen(event))), **changed})


def added(data: dict[str, Any], prefix: str, **fields: Any) -> dict[str, Any]:
    """One row more in an inline."""
    number = int(data[f"{prefix}-TOTAL_FORMS"])
    rows = {f"{prefix}-{number}-{name}": value for name, value in fields.items()}
    return {**data, f"{prefix}-TOTAL_FORMS": number + 1, **rows}


def faults(response: HttpResponse) -> list[str]:
    found = [error for errors in response.context["adminform"].form.errors.values() for error in errors]
    for inline in response.context["inline_admin_formsets"]:
        found += [error for form in inline.formset.forms for errors in form.errors.values() for error in errors]
        found += inline.formset.non_form_errors()
    return [str(error) for error in found]


# Times -------------------------------------------------------------------------------------------------------------


def test_times_are_shown_and_typed_in_the_events_zone(staff: Client) -> None:
    event = draft(time_zone="Asia/Kolkata", starts_at=datetime(2031, 3, 21, 4, 0, tzinfo=UTC))
    page = staff.get(screen(event))
    shown = page.context["adminform"].form["starts_at"].value()

    response = save(staff, event, starts_at="2031-03-21T09:45", registration_opens_at="2031-03-01T00:00",
                    registration_closes_at="2031-03-20T18:00")  # fmt: skip

    event.refresh_from_db()
    assert (response.status_code, shown) == (302, "2031-03-21T09:30")
    assert event.starts_at == datetime(2031, 3, 21, 4, 15, tzinfo=UTC)
    assert event.registration_closes_at == datetime(2031, 3, 20, 12, 30, tzinfo=UTC)


def test_another_zone_keeps_the_hours_as_typed(staff: Client) -> None:
    event = draft(starts_at=datetime(2031, 1, 21, 12, 30, tzinfo=UTC))
    panel = session(event, starts_at=event.starts_at, ends_at=event.ends_at, state="draft")

    save(staff, event, time_zone="America/New_York")

    event.refresh_from_db()
    panel.refresh_from_db()
    assert event.starts_at == panel.starts_at == datetime(2031, 1, 21, 18, 30, tzinfo=UTC)


def test_an_hour_that_the_clocks_skip_is_an_error(staff: Client) -> None:
    event = draft(starts_at=datetime(2031, 3, 29, 22, 0, tzinfo=UTC), ends_at=datetime(2031, 3, 31, tzinfo=UTC))

    response = save(staff, event, starts_at="2031-03-30T02:30")

    assert response.status_code == 200
    assert "starts_at" in response.context["adminform"].form.errors


def test_dialogue_and_sessions_move_in_one_save(staff: Client) -> None:
    event = draft(starts_at=datetime(2031, 1, 21, 12, 30, tzinfo=UTC))
    panel = session(event, starts_at=event.starts_at, ends_at=event.ends_at, state="draft")
    times = {"starts_at": "2031-02-01T09:00", "ends_at": "2031-02-01T10:00"}

    refused = save(staff, event, **times)
    moved = save(staff, event, **times, **{f"sessions-0-{name}": value for name, value in times.items()})

    panel.refresh_from_db()
    assert faults(refused) == ["The session begins before the dialogue does."]
    assert moved.status_code == 302
    assert panel.starts_at == datetime(2031, 2, 1, 8, 0, tzinfo=UTC)


# Clashes -----------------------------------------------------------------------------------------------------------


def test_a_room_is_taken_once_and_two_sessions_may_change_rooms(staff: Client) -> None:
    event = draft()
    times = {"starts_at": event.starts_at, "ends_at": event.ends_at, "state": "draft"}
    one, two = (session(event, title_en=room, room=room, position=n, **times) for n, room in enumerate("AB", 1))

    refused = save(staff, event, **{"sessions-0-room": "B"})
    swapped = save(staff, event, **{"sessions-0-room": "B", "sessions-1-room": "A"})

    one.refresh_from_db()
    two.refresh_from_db()
    assert faults(refused) == ["The session “A” is in this room at this time."]
    assert swapped.status_code == 302
    assert (one.room, two.room) == ("B", "A")


def test_somebody_in_two_places_is_a_warning(staff: Client) -> None:
    event, ana = draft(), person(name="Ana")
    times = {"starts_at": event.starts_at, "ends_at": event.ends_at, "state": "draft"}
    for title in ("One", "Two"):
        part(event, session=session(event, title_en=title, room=title, **times), person=ana)

    response = save(staff, event)

    texts = [str(message) for message in get_messages(response.wsgi_request)]
    assert "Ana has a part in “One” and in “Two” at the same time." in texts


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ends_at", "2018-03-21T13:00"),
        ("time_zone", "CET"),
        ("time_zone", "Europe/Nowhere"),
        ("precision", "day"),
        ("registration_opens_at", "2018-03-21T13:00"),
        ("sessions-0-ends_at", "2018-03-21T13:00"),
        ("sessions-0-ends_at", "2018-03-21T16:00"),
        ("sessions-0-kind", "signing-ceremony"),
        ("participations-0-session", "999999"),
        ("participations-0-is_reported", "on"),
        ("participations-0-person", ""),
        ("desired_outputs-0-position", "-1"),
        ("slug", "no slug"),
    ],
)
def test_what_the_database_would_refuse_is_a_sentence(staff: Client, field: str, value: str) -> None:
    event = draft()
    session(event, starts_at=event.starts_at, ends_at=event.ends_at, state="draft")
    part(event)
    output(event)

    response = save(staff, event, **{field: value})

    assert response.status_code == 200
    assert faults(response)


def test_a_new_row_takes_the_next_position(staff: Client) -> None:
    event = draft()
    output(event, position=4)
    entity = EntityFactory()
    data = typed(staff.get(screen(event)))
    data = added(data, "sessions", position="", kind="panel", title_en="Panel", slug="panel")
    for text in ("One", "Two"):
        data = added(data, "desired_outputs", position="", text_en=text)
    data = added(data, "participations", position="", role="panellist", entity=entity.pk)

    response = staff.post(screen(event), data)

    assert response.status_code == 302
    assert list(event.desired_outputs.values_list("position", "text_en"))[1:] == [(5, "One"), (6, "Two")]
    assert (event.sessions.get().position, event.sessions.get().state) == (1, "draft")
    assert event.participations.get().position == 1


# After publication -----------------------------------------------------------------------------------------------


def test_a_change_in_the_form_is_told_and_mailed(staff: Client, django_capture_on_commit_callbacks: Any) -> None:
    event = upcoming(starts_at=datetime(2031, 1, 21, 12, 30, tzinfo=UTC), title_en="Dialogue")
    panel = session(event, title_en="Panel", starts_at=event.starts_at, ends_at=event.ends_at - HOUR)
    attendance(event)
    old = part(event, person=person(name="Old"))

    with django_capture_on_commit_callbacks(execute=True):
        data = typed(staff.get(screen(event)))
        data |= {"sessions-0-ends_at": "2031-01-21T14:30", "participations-0-DELETE": "on"}
        data = added(data, "participations", role="panellist", person=person(name="New").pk, position="")
        response = staff.post(screen(event), data)

    assert response.status_code == 302
    assert not Participation.objects.filter(pk=old.pk).exists()
    assert Participation.objects.get(dialogue=event).frozen_at is not None
    assert [(row.what, row.subject, row.session) for row in event.changes.order_by("pk")] == [
        ("time", "Panel", panel),
        ("people", "New", None),
    ]
    (sent,) = mail.outbox
    assert "New takes the place of Old (Panellist)." in sent.body


def test_saving_without_a_change_tells_nobody(staff: Client, django_capture_on_commit_callbacks: Any) -> None:
    event = upcoming()
    session(event, starts_at=event.starts_at, ends_at=event.ends_at)
    part(event)
    attendance(event)

    with django_capture_on_commit_callbacks(execute=True):
        assert save(staff, event).status_code == 302
        assert save(staff, event).status_code == 302

    event.refresh_from_db()
    assert (event.changes.count(), event.sequence, mail.outbox) == (0, 0, [])


def test_a_start_moved_in_the_form_is_rescheduled_unless_it_was_held(staff: Client) -> None:
    to_come, held = upcoming(starts_at=datetime(2031, 1, 21, 12, 30, tzinfo=UTC)), dialogue()

    save(staff, to_come, starts_at="2031-01-21T13:15", questions_close_at="2031-02-01T12:00")
    save(staff, held, starts_at="2018-03-21T13:15")

    to_come.refresh_from_db()
    held.refresh_from_db()
    assert [(row.status, row.sequence, row.changes.get().what) for row in (to_come, held)] == [
        ("rescheduled", 1, "time"),
        ("confirmed", 1, "time"),
    ]
    assert to_come.previous_starts_at == datetime(2031, 1, 21, 12, 30, tzinfo=UTC)


def test_a_fixed_capacity_is_shown_and_not_changed(staff: Client) -> None:
    event = dialogue()
    row = part(event, title_then="Minister")
    Participation.objects.filter(pk=row.pk).update(frozen_at=timezone.now())

    response = save(staff, event, **{"participations-0-title_then": "King", "participations-0-position": "7"})

    row.refresh_from_db()
    assert (response.status_code, row.title_then, row.position) == (302, "Minister", 7)


def test_a_published_session_is_not_deleted(staff: Client) -> None:
    event = dialogue()
    kept = session(event)
    gone = session(event, state="draft")

    save(staff, event, **{"sessions-0-DELETE": "on", "sessions-1-DELETE": "on"})

    assert list(event.sessions.all()) == [kept]
    assert not Session.objects.filter(pk=gone.pk).exists()


def test_more_places_go_to_those_who_wait(staff: Client, django_capture_on_commit_callbacks: Any) -> None:
    event = upcoming(capacity_on_site=1)
    attendance(event)
    waiting = attendance(event, state="waiting-list", seated_at=None)

    with django_capture_on_commit_callbacks(execute=True):
        save(staff, event, capacity_on_site="2")

    waiting.refresh_from_db()
    assert waiting.state == "confirmed"


# Steps ---------------------------------------------------------------------------------------------------------------


def test_the_publish_check_shows_what_blocks_and_then_publishes(staff: Client) -> None:
    event = draft(room_en="Room 2")
    times = {"starts_at": event.starts_at, "ends_at": event.ends_at, "state": "draft"}
    _one, two = (session(event, title_en=title, **times) for title in ("One", "Two"))
    address = f"{LIST}{event.pk}/step/publish/"

    page = staff.get(address)
    refused = staff.post(address)
    done = staff.post(address, {"hold_back": [two.pk]})

    assert [finding.text for finding in page.context["findings"] if finding.blocks] == [
        "The sessions “One” and “Two” are in one room at the same time."
    ]
    assert (refused.status_code, done.status_code) == (422, 302)
    assert list(event.sessions.order_by("pk").values_list("state", flat=True)) == ["published", "draft"]


def test_each_step_opens_and_acts(staff: Client) -> None:
    event = upcoming()
    shown, kept = session(event), session(event, state="draft")
    day = (event.starts_at + timedelta(days=1)).astimezone(event.zone)
    new_time = {"starts_at": f"{day:%Y-%m-%dT%H:%M}", "ends_at": f"{day + HOUR:%Y-%m-%dT%H:%M}"}
    steps: list[tuple[str, dict[str, Any]]] = [
        ("publish-sessions", {"sessions": [kept.pk]}),
        ("cancel-sessions", {"sessions": [shown.pk]}),
        ("reinstate-sessions", {"sessions": [shown.pk]}),
        ("reschedule", {**new_time, "shift_sessions": "on", "note_en": "Why."}),
        ("copy", {"slug": "copy", "starts_at": "2031-01-01T09:00"}),
        ("cancel", {"note_en": "Why."}),
        ("reinstate", {}),
    ]

    for name, data in steps:
        address = f"{LIST}{event.pk}/step/{name}/"
        assert staff.get(address).status_code == 200, name
        response = staff.post(address, data)
        assert response.status_code == 302, (name, response.context["form"].errors)

    event.refresh_from_db()
    assert (event.status, Dialogue.objects.filter(slug="copy").count()) == ("rescheduled", 1)
    assert staff.get(f"{LIST}{event.pk}/step/follow-up/").status_code == 302  # not before it was held


def test_a_follow_up_leads_to_its_draft(staff: Client) -> None:
    event = dialogue(letter=published_letter())
    data = {"slug": "next", "title": "Next", "starts_at": "2031-01-01T09:00", "ends_at": "2031-01-01T08:00"}
    address = f"{LIST}{event.pk}/step/follow-up/"

    refused = staff.post(address, data)
    response = staff.post(address, {**data, "ends_at": "2031-01-01T11:00"})

    assert list(refused.context["form"].errors) == ["ends_at"]
    assert response["Location"] == screen(Dialogue.objects.get(slug="next"))


def test_steps_and_published_dialogues_are_for_those_who_publish() -> None:
    helper = UserFactory(verified=True, is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(codename__in=["view_dialogue", "change_dialogue"]))
    client = Client()
    client.force_login(helper)
    event, open_one = dialogue(), draft()

    assert client.get(f"{LIST}{open_one.pk}/step/publish/").status_code == 403
    assert client.post(screen(event), {}).status_code == 403
    assert client.get(screen(event)).status_code == 200
    assert client.get(screen(open_one)).context["has_change_permission"] is True


# The start page and people ------------------------------------------------------------------------------------------


def test_drafts_that_begin_soon_and_held_back_sessions_wait(staff: Client) -> None:
    draft(starts_at=timezone.now() + timedelta(days=10))
    draft(starts_at=timezone.now() + timedelta(days=40))
    event, past = upcoming(), dialogue()
    for of in (event, event, past):
        session(of, state="draft")

    lines = {line.label: line for line in staff.get("/admin/").context["waiting"]}

    assert (lines["Dialogues to publish"].count, lines["Sessions held back"].count) == (1, 2)
    assert [row.pk for row in staff.get(lines["Sessions held back"].url).context["cl"].result_list] == [event.pk]
    assert staff.get(lines["Dialogues to publish"].url).context["cl"].result_count == 1


def test_a_new_person_is_added_from_the_screen(staff: Client) -> None:
    event = draft()
    page = staff.get(screen(event)).content.decode()

    response = staff.post(
        "/admin/dialogue/person/add/?_popup=1", {"name": "Ana Lima", "slug": "ana-lima", "_popup": "1"}
    )

    assert "/admin/dialogue/person/add/?_to_field=id&amp;_popup=1" in page
    assert response.status_code == 200
    assert Person.objects.get().name == "Ana Lima"


def test_the_screen_takes_as_many_queries_for_one_row_as_for_three(
    staff: Client, django_assert_max_num_queries: Any
) -> None:
    def prepared(count: int) -> str:
        event = draft()
        for _number in range(count):
            part(event, session=session(event, state="draft"), entity=EntityFactory())
            output(event, owner=EntityFactory())
        return screen(event)

    counts = []
    for number in (1, 3):
        path = prepared(number)
        staff.get(path)
        with django_assert_max_num_queries(30) as queries:
            staff.get(path)
        counts.append(len(queries))

    assert counts[1] <= counts[0]
