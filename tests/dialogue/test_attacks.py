"""What a stranger, or somebody in a hurry, tries on the pages of dialogues."""

import json
import logging
from datetime import timedelta
from typing import Any

import icalendar
import pytest
from django.core import mail
from django.test import Client, TestCase
from django.utils import timezone

from dialogue import desk, tokens
from dialogue.actions import questions as actions
from dialogue.exchange import calendars
from dialogue.models import Answer, Attendance, Dialogue
from ewaste_portal.logs import JsonFormatter
from tests.dialogue import factories
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

NONSENSE = ("9" * 5000, "99999999999", "-1", "0", "x", "1.5", "²", "%00", "%FF%FE", "%ED%A0%80", "[]", "nan")


@pytest.mark.parametrize("value", NONSENSE)
@pytest.mark.parametrize("name", ["page", "question", "since", "until", "year"])
def test_nonsense_in_an_address_is_no_error(client: Client, name: str, value: str) -> None:
    event = factories.upcoming()
    factories.question(event)
    pages = ("", "agenda/", "people/", "questions/", "changes/", "attend/", "outputs-and-outcomes/")

    addresses = [*(f"/en/dialogues/{event.slug}/{page}" for page in pages), "/en/dialogues/", "/en/dialogues/joined/"]

    assert {client.get(f"{address}?{name}={value}").status_code for address in addresses} <= {200, 400, 404}


# What is not public -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["held back", "taken back"])
def test_page_of_a_person_names_no_question_that_is_not_public(client: Client, way: str) -> None:
    event = factories.dialogue()
    speaker = factories.part(event)
    session = factories.session(event, state="draft") if way == "held back" else None
    question = factories.question(event, text_en="What of the leak?", session=session)
    Answer.objects.create(
        question=question, participation=speaker, text_en="Nothing.", given_on=event.first_day,
        published_at=timezone.now(), published_by=UserFactory(),
    )  # fmt: skip
    if way == "taken back":
        actions.take_back(question=question, by=None)

    page = client.get(f"/en/people/{speaker.person.slug}/")  # type: ignore[union-attr]

    assert page.status_code == 200
    assert b"What of the leak?" not in page.content


def test_logs_hold_no_link_of_the_desk_and_no_personal_link() -> None:
    event = factories.upcoming()
    token = tokens.token_of(factories.attendance(event))
    moderators_link = desk.link(event)
    key = moderators_link.rstrip("/").rpartition("/")[2]
    words = f"Not Found: {moderators_link} Forbidden: /en/dialogues/{event.slug}/attend/mine/{token}/calendar.ics"
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, words, None, None)

    message = json.loads(JsonFormatter().format(record))["message"]

    assert token not in message
    assert key not in message
    assert message.endswith("/attend/mine/…/calendar.ics")


# Questions --------------------------------------------------------------------------------------------------------


def _ask(attendance: Attendance, text: str) -> Any:
    return actions.ask(
        dialogue=attendance.dialogue, attendance=attendance, text=text, language="en", is_named=True, session=None
    )


def test_who_asks_in_a_dialogue_of_the_demonstration_is_told_as_the_page_promises() -> None:
    event = factories.upcoming(is_example=True)
    question = _ask(factories.attendance(event, is_example=True, email="visitor@example.org"), "Who pays?")

    with TestCase.captureOnCommitCallbacks(execute=True):
        actions.publish(question=question, by=None)

    assert [message.to for message in mail.outbox] == [["visitor@example.org"]]


def test_who_asks_the_same_twice_is_credited_once(client: Client) -> None:
    person = factories.attendance(factories.upcoming(), name="Amina Example")
    first, second = _ask(person, "Who pays?"), _ask(person, "Who pays then?")
    actions.publish(question=first, by=None)
    actions.merge(question=second, into=first, by=None)

    page = client.get(f"/en/dialogues/{person.dialogue.slug}/questions/").content.decode()

    assert page.count("Amina Example") == 1


# Calendars --------------------------------------------------------------------------------------------------------


def _event(content: bytes, number: int = 0) -> Any:
    return icalendar.Calendar.from_ical(content).walk("VEVENT")[number]


@pytest.mark.parametrize("change", [{"status": "cancelled", "status_note_en": "Too few."}, {"room_en": "Room 9"}])
def test_what_a_session_takes_from_its_dialogue_raises_its_number_in_calendars(
    client: Client, change: dict[str, str]
) -> None:
    event = factories.upcoming()
    session = factories.session(event, starts_at=event.starts_at, ends_at=event.starts_at + timedelta(minutes=30))
    address = f"/en/dialogues/{event.slug}/sessions/{session.slug}.ics"
    before = _event(client.get(address).content)

    Dialogue.objects.filter(pk=event.pk).update(**change)
    after = _event(client.get(address).content)

    assert (before["status"], before.get("location")) != (after["status"], after.get("location"))
    assert after["sequence"] > before["sequence"]
    assert after["last-modified"].dt >= before["last-modified"].dt


def test_who_cancels_and_registers_again_gets_the_event_back(client: Client) -> None:
    event = factories.upcoming()
    first = factories.attendance(event, email="amina@example.org")
    asked = _event(calendars.invitation(event, first))
    first.state, first.cancelled_at = "cancelled", timezone.now()
    first.save()
    ended = _event(calendars.invitation(event, first, "CANCEL"))
    again = factories.attendance(event, email="Amina@example.org")
    back = _event(calendars.invitation(event, again))

    assert asked["sequence"] < ended["sequence"] <= back["sequence"]
    assert ended["dtstamp"].dt <= back["dtstamp"].dt


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, "CONFIRMED"),
        ({"state": "waiting-list", "seated_at": None}, "TENTATIVE"),
        ({"state": "cancelled", "cancelled_at": timezone.now()}, "CANCELLED"),
    ],
)
def test_ones_own_calendar_file_says_how_the_registration_stands(fields: dict[str, Any], status: str) -> None:
    event = factories.upcoming()

    assert _event(calendars.invitation(event, factories.attendance(event, **fields), "PUBLISH"))["status"] == status
