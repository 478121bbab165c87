"""Registering, the line, the door, and what is erased."""

import contextlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from smtplib import SMTPException
from typing import Any
from unittest.mock import patch

import icalendar
import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries

from dialogue import tasks, tokens
from dialogue.actions import attendance as actions
from dialogue.models import Attendance, Dialogue
from dialogue.times import when
from dialogue.views.attend import check_in_address
from tests.dialogue.factories import attendance, dialogue, draft, live, question, upcoming
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

FORM = {
    "name": "Ana Silva", "email": "ana@example.org", "organization": "Recycling Union", "category": "private-sector",
    "consent": "nobody", "access_needs": "",
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_second_factor(settings: Any) -> None:
    settings.PORTAL_STAFF_MFA = False


def address(name: str, event: Dialogue, *more: Any) -> str:
    return reverse(f"dialogue:{name}", args=[event.slug, *more])


def own_page(row: Attendance) -> str:
    return address("my_attendance", row.dialogue, own_token(row))


def own_token(row: Attendance) -> str:
    """The factory's row gets the token that belongs to its uid."""
    token = tokens.token_of(row)
    Attendance.objects.filter(pk=row.pk).update(token_sha256=tokens.token_hash(token))
    return token


def code_in(message: Any) -> str:
    found = re.search(r"^([0-9A-Z]{4}-[0-9A-Z]{4})$", message.body, re.MULTILINE)
    assert found
    return found[1]


def register(client: Client, event: Dialogue, **fields: str) -> str:
    """Fills in the form. The address of the page where the code is entered."""
    response = client.post(address("attend", event), {**FORM, **fields})
    assert response.status_code == 302, response.content.decode()
    return response["Location"]


def door(**fields: Any) -> Any:
    """Staff who check people in."""
    user = UserFactory(is_staff=True, **fields)
    wanted = ["check_in_attendance", "view_dialogue", "view_attendance"]
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted, content_type__app_label="dialogue"))
    return user


def states(event: Dialogue) -> list[str]:
    return list(event.attendances.order_by("pk").values_list("state", flat=True))


# Registering --------------------------------------------------------------------------------------------------


def test_who_enters_the_code_has_a_place(client: Client) -> None:
    event = upcoming(capacity_on_site=5)

    page = register(client, event)
    row = event.attendances.get()
    assert (row.state, row.seated_at) == ("pending", None)
    assert [message.to for message in mail.outbox] == [["ana@example.org"]]
    code = code_in(mail.outbox[0])
    assert code.replace("-", "") not in (row.code_sha256, row.token_sha256)
    response = client.post(page, {"code": code.lower().replace("-", " ")})

    row.refresh_from_db()
    assert (row.state, row.name, row.mode, row.category) == ("confirmed", "Ana Silva", "on-site", "private-sector")
    assert row.confirmed_at
    assert row.seated_at
    assert response["Location"] == own_page(row)
    assert len(mail.outbox) == 2
    assert "You have a place" in mail.outbox[1].subject
    assert own_page(row) in mail.outbox[1].body


def test_no_place_without_the_code(client: Client) -> None:
    event = upcoming()
    page = register(client, event)
    code = code_in(mail.outbox[0])

    for _try in range(tokens.CODE_TRIES):
        assert "This code opens nothing" in client.post(page, {"code": "AAAA-AAAA"}).content.decode()
    worn_out = client.post(page, {"code": code})

    assert "This code opens nothing" in worn_out.content.decode()
    assert states(event) == ["pending"]


def test_a_code_lasts_thirty_minutes(client: Client) -> None:
    event = upcoming()
    page = register(client, event)
    row = event.attendances.get()
    assert timedelta(minutes=29) < row.code_expires_at - timezone.now() <= timedelta(minutes=30)

    event.attendances.update(code_expires_at=timezone.now() - timedelta(seconds=1))
    client.post(page, {"code": code_in(mail.outbox[0])})

    assert states(event) == ["pending"]


def test_another_mail_brings_another_code(client: Client) -> None:
    event = upcoming()
    page = register(client, event)

    client.post(page, {"resend": "yes"})

    first, second = mail.outbox
    client.post(page, {"code": code_in(first)})
    assert states(event) == ["pending"]
    client.post(page, {"code": code_in(second)})
    assert states(event) == ["confirmed"]


def test_the_code_of_one_page_opens_no_other(client: Client) -> None:
    event = upcoming()
    first = register(client, event)
    register(client, event, email="bo@example.org")

    client.post(first, {"code": code_in(mail.outbox[1])})

    assert states(event) == ["pending", "pending"]


def test_a_stranger_cannot_slip_answers_under_a_code(client: Client) -> None:
    event = upcoming()
    mine = register(client, event)
    theirs = register(Client(), event, name="Somebody Else")

    client.post(mine, {"code": code_in(mail.outbox[-1])})  # the latest mail, on the page of the first answers

    assert mine != theirs
    assert states(event) == ["pending"]


def test_nobody_learns_who_is_registered(client: Client) -> None:
    event = upcoming()
    row = attendance(event, email="Ana@example.org")
    attendance(event)
    own_token(row)

    known, unknown = (client.post(address("attend", event), {**FORM, "email": email}, follow=True) for email in
                      ("ana@EXAMPLE.org", "new@example.org"))  # fmt: skip
    known_page, unknown_page = known.redirect_chain[0][0], unknown.redirect_chain[0][0]

    def shape(response: Any) -> str:
        text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
        return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "UID", text)

    assert shape(known) == shape(unknown)
    assert str(row.uid) not in known_page
    for answer in ({"code": "AAAA-AAAA"}, {"resend": "yes"}):
        assert shape(client.post(known_page, answer, follow=True)) == shape(
            client.post(unknown_page, answer, follow=True)
        )
    to_known = [message for message in mail.outbox if message.to == ["Ana@example.org"]]
    assert [message.subject for message in to_known] == ["You are registered already"] * 2
    assert own_page(row) in to_known[0].body
    row.refresh_from_db()
    assert (row.state, row.name, event.attendances.count()) == ("confirmed", row.name, 3)


def test_an_address_is_registered_once_however_it_is_written(client: Client) -> None:
    event = upcoming()
    attendance(event, email="ana@example.org")

    register(client, event, email="ANA@example.org")

    assert states(event) == ["confirmed"]


def test_the_code_mail_repeats_nothing_that_a_stranger_typed(client: Client) -> None:
    register(client, upcoming(), name="Buy at evil.example", organization="evil.example")

    assert "evil.example" not in mail.outbox[0].body + mail.outbox[0].subject


def test_who_cancelled_can_register_again(client: Client) -> None:
    event = upcoming()
    attendance(event, email="ana@example.org", state="cancelled", cancelled_at=timezone.now())

    page = register(client, event)
    client.post(page, {"code": code_in(mail.outbox[0])})

    assert states(event) == ["cancelled", "confirmed"]


def test_the_right_code_twice_is_one_registration(client: Client) -> None:
    event = upcoming()
    page, other = register(client, event), Client()
    code = code_in(mail.outbox[0])

    answers = [browser.post(page, {"code": code})["Location"] for browser in (client, other)]

    assert answers[0] == answers[1]
    assert (states(event), len(mail.outbox)) == (["confirmed"], 2)


@pytest.mark.parametrize(
    ("mode", "offered"),
    [("on-site", ["on-site"]), ("online", ["online"]), ("hybrid", ["on-site", "online"]), ("in-writing", ["online"])],
)
def test_only_what_the_dialogue_offers_can_be_chosen(client: Client, mode: str, offered: list[str]) -> None:
    event = upcoming(mode=mode)

    text = client.get(address("attend", event)).content.decode()
    register(client, event, mode="on-site")

    assert re.findall(r'name="mode" value="([a-z-]+)"', text) == (offered if len(offered) > 1 else [])
    assert event.attendances.get().mode == offered[0]


def test_registration_that_is_not_open_takes_nothing(client: Client) -> None:
    now = timezone.now()
    later = upcoming(registration_opens_at=now + timedelta(days=1))
    closed = upcoming(registration_opens_at=now - timedelta(days=2), registration_closes_at=now - timedelta(days=1))
    called_off = upcoming(status="cancelled", status_note_en="The room burned.")
    held = dialogue()
    none = upcoming(registration_opens_at=None, registration_closes_at=None)

    for event, words in [
        (later, "Registration is not open yet. It opens:"), (closed, "Registration is closed since:"),
        (called_off, "This dialogue is cancelled"), (held, "This dialogue is over"), (none, "No registration is planned"),
    ]:  # fmt: skip
        text = client.post(address("attend", event), FORM).content.decode()
        assert words in text
        assert '<form method="post"' not in text
        assert reverse("dialogue:dialogue_list") in text
        with pytest.raises(ValidationError):
            actions.register(dialogue=event, language="en", **FORM)
    assert not Attendance.objects.exists()


def test_a_draft_has_no_registration(client: Client) -> None:
    now = timezone.now()
    event = draft(
        starts_at=now + timedelta(days=9), registration_opens_at=now - timedelta(days=1),
        registration_closes_at=now + timedelta(days=8),
    )  # fmt: skip

    assert client.get(address("attend", event)).status_code == 404
    assert client.post(address("attend", event), FORM).status_code == 404
    assert client.post(address("attend_confirm", event, event.uid), {"code": "AAAA-AAAA"}).status_code == 404


def test_too_many_registrations_of_one_address_are_refused(client: Client) -> None:
    event = upcoming()

    answers = [client.post(address("attend", event), FORM).status_code for _time in range(7)]

    assert answers == [302] * 6 + [429]
    assert len(mail.outbox) == 6


def test_a_mail_server_that_is_down_fails_nobody(client: Client) -> None:
    event = upcoming()

    with patch("django.core.mail.backends.locmem.EmailBackend.send_messages", side_effect=SMTPException):
        register(client, event)

    assert states(event) == ["pending"]


def test_form_shows_its_errors_and_asks_consent_for_nothing(client: Client) -> None:
    event = upcoming()

    page = client.get(address("attend", event)).content.decode()
    text = client.post(address("attend", event), {**FORM, "name": "\u202e ", "email": "nonsense"}).content.decode()

    assert re.search(r'value="nobody"[^>]*checked', page)
    assert "There is a problem" in text
    assert not event.attendances.exists()


# The line -----------------------------------------------------------------------------------------------------


def confirmed(event: Dialogue, number: int, **fields: Any) -> Attendance:
    """Registered and confirmed by the code, as far as actions go."""
    page = actions.register(
        dialogue=event, language="en", email=f"p{number}@example.org", name=f"P {number:03}",
        **{"mode": "on-site", "consent": "nobody", "category": "public", **fields},
    )  # fmt: skip
    return actions.confirm(dialogue=event, page=page, code=code_in(mail.outbox[-1]))


def test_places_go_out_and_a_line_forms() -> None:
    event = upcoming(capacity_on_site=2)

    rows = [confirmed(event, number) for number in range(4)]

    assert [row.state for row in rows] == ["confirmed", "confirmed", "waiting-list", "waiting-list"]
    assert [actions.number_in_line(row) for row in rows[2:]] == [1, 2]
    assert "your number on the waiting list is 2" in mail.outbox[-1].body


def test_a_cancelled_place_goes_to_the_first_in_line_once() -> None:
    event = upcoming(capacity_on_site=1)
    first, second, third = (confirmed(event, number) for number in range(3))
    mail.outbox.clear()

    actions.cancel(attendance=first)
    actions.cancel(attendance=first)

    assert states(event) == ["cancelled", "confirmed", "waiting-list"]
    assert [(message.to[0], message.subject) for message in mail.outbox] == [
        (first.email, f"Your registration is cancelled: {event.title}"),
        (second.email, f"A place is yours now: {event.title}"),
    ]
    assert actions.number_in_line(third) == 1


def test_a_cancelled_number_in_the_line_gives_nobody_a_place() -> None:
    event = upcoming(capacity_on_site=1)
    _first, second, _third = (confirmed(event, number) for number in range(3))

    actions.cancel(attendance=second)

    assert states(event) == ["confirmed", "cancelled", "waiting-list"]


def test_more_places_are_filled_in_order() -> None:
    event = upcoming(capacity_on_site=1)
    for number in range(4):
        confirmed(event, number)
    Dialogue.objects.filter(pk=event.pk).update(capacity_on_site=3)
    mail.outbox.clear()

    given = (actions.fill_places(dialogue=event), actions.fill_places(dialogue=event))

    assert given == (2, 0)
    assert states(event) == ["confirmed", "confirmed", "confirmed", "waiting-list"]
    assert [message.to[0] for message in mail.outbox] == ["p1@example.org", "p2@example.org"]
    assert tasks.fill_places.call(event.pk) == 0


def test_who_comes_late_does_not_overtake_the_line() -> None:
    event = upcoming(capacity_on_site=1)
    confirmed(event, 0)
    confirmed(event, 1)
    Dialogue.objects.filter(pk=event.pk).update(capacity_on_site=2)  # and nobody has filled the place yet

    late = confirmed(event, 2)

    assert late.state == "waiting-list"


def test_the_other_way_of_attending_needs_a_place() -> None:
    event = upcoming(mode="hybrid", capacity_on_site=1, capacity_online=1)
    here, waiting = confirmed(event, 0), confirmed(event, 1)
    online = confirmed(event, 2, mode="online")

    with pytest.raises(ValidationError):
        actions.change_mode(attendance=here, mode="online")
    assert states(event) == ["confirmed", "waiting-list", "confirmed"]
    actions.cancel(attendance=online)
    mail.outbox.clear()
    actions.change_mode(attendance=here, mode="online")

    assert states(event) == ["confirmed", "confirmed", "cancelled"]
    assert list(event.attendances.order_by("pk").values_list("mode", flat=True)) == ["online", "on-site", "online"]
    assert [message.to[0] for message in mail.outbox] == [here.email, waiting.email]
    with pytest.raises(ValidationError):
        actions.change_mode(attendance=here, mode="by-post")


def test_nothing_changes_once_the_dialogue_is_over() -> None:
    event = upcoming(capacity_on_site=1)
    row = confirmed(event, 0)
    confirmed(event, 1)
    past = timezone.now() - timedelta(days=1)
    Dialogue.objects.filter(pk=event.pk).update(starts_at=past - timedelta(hours=1), ends_at=past, capacity_on_site=2)

    with pytest.raises(ValidationError):
        actions.cancel(attendance=Attendance.objects.get(pk=row.pk))

    assert actions.fill_places(dialogue=event) == 0
    assert states(event) == ["confirmed", "waiting-list"]


# All at once --------------------------------------------------------------------------------------------------


def at_once(act: Any, items: list[Any], workers: int = 24) -> list[Any]:
    """Each in a thread with a connection of its own."""

    def run(item: Any) -> Any:
        try:
            return act(item)
        finally:
            connection.close()

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, items))


@pytest.fixture
def quiet() -> Iterator[list[tuple[str, int]]]:
    """What would be mailed: kind and registration."""
    sent: list[tuple[str, int]] = []
    with patch.object(type(tasks.mail_to), "enqueue", lambda _self, *words: sent.append(words)):
        yield sent


@pytest.mark.django_db(transaction=True)
def test_two_hundred_at_once_for_the_last_ten_places(quiet: list[tuple[str, int]]) -> None:
    event = upcoming(capacity_on_site=30)
    for _seated in range(20):
        attendance(event)
    codes = {}
    for number in range(200):
        page = actions.register(
            dialogue=event, language="en", email=f"p{number}@example.org", name=f"P {number}", mode="on-site"
        )
        codes[page] = tokens.new_code(event.attendances.get(uid=page))

    at_once(lambda page: actions.confirm(dialogue=event, page=page, code=codes[page]), list(codes))

    rows = list(event.attendances.filter(uid__in=codes).order_by("confirmed_at", "pk"))
    assert [row.state for row in rows] == ["confirmed"] * 10 + ["waiting-list"] * 190
    assert len({row.confirmed_at for row in rows}) == 200
    line = list(event.attendances.waiting())
    assert line == rows[10:]
    assert [actions.number_in_line(line[0]), actions.number_in_line(line[-1])] == [1, 190]
    news = [words for words in quiet if words[0] != "code"]
    assert sorted(news) == sorted(
        [("confirmed", row.pk) for row in rows[:10]] + [("waiting", row.pk) for row in rows[10:]]
    )


@pytest.mark.django_db(transaction=True)
def test_two_who_cancel_at_once_make_room_for_two(quiet: list[tuple[str, int]]) -> None:
    event = upcoming(capacity_on_site=2)
    now = timezone.now()
    seated = [attendance(event), attendance(event)]
    line = [
        attendance(event, state="waiting-list", seated_at=None, confirmed_at=now + timedelta(seconds=number))
        for number in range(5)
    ]

    at_once(lambda row: actions.cancel(attendance=row), seated * 4, workers=8)

    assert states(event) == ["cancelled"] * 2 + ["confirmed"] * 2 + ["waiting-list"] * 3
    given = [number for kind, number in quiet if kind == "place_given"]
    assert given == [line[0].pk, line[1].pk]
    assert len([number for kind, number in quiet if kind == "cancelled"]) == 2


@pytest.mark.django_db(transaction=True)
def test_one_address_at_once_is_one_registration(quiet: list[tuple[str, int]]) -> None:
    event = upcoming()

    at_once(
        lambda _n: actions.register(dialogue=event, language="en", email="a@example.org", name="A"), list(range(12)), 12
    )

    assert states(event) == ["pending"]


@pytest.mark.django_db(transaction=True)
def test_tries_are_counted_once_each_when_guessed_at_once(quiet: list[tuple[str, int]]) -> None:
    event = upcoming()
    page = actions.register(dialogue=event, language="en", email="a@example.org", name="A")
    tokens.new_code(event.attendances.get())

    def guess(number: int) -> None:
        with contextlib.suppress(ValidationError):
            actions.confirm(dialogue=event, page=page, code=f"AAAA-{number:04}")

    guessed: list[int] = []
    with patch("dialogue.actions.attendance.tokens.is_its_code", side_effect=lambda *_w: bool(guessed.append(1))):
        at_once(guess, list(range(30)), 15)

    assert (len(guessed), event.attendances.get().code_tries) == (5, 5)


# The personal page --------------------------------------------------------------------------------------------


def test_the_personal_page_tells_how_it_stands(client: Client) -> None:
    event = upcoming(capacity_on_site=1, venue_en="CICG", room_en="Room 2")
    row = attendance(event)
    waiting = attendance(event, state="waiting-list", seated_at=None)

    mine = client.get(own_page(row))
    text, theirs = mine.content.decode(), client.get(own_page(waiting)).content.decode()

    assert "You have a place" in text
    assert "number 1" in theirs
    for page in (text, theirs):
        assert when(event).words in page
        assert "Room 2" in page
    assert '<svg role="img"' in text
    assert "<svg role" not in theirs
    assert (mine["Referrer-Policy"], mine["Cache-Control"].count("no-store")) == ("same-origin", 1)
    assert client.get(address("my_attendance", event, "x" * 43)).status_code == 404
    assert client.get(address("my_attendance", upcoming(), own_token(row))).status_code == 404


def test_the_code_for_the_entrance_leads_to_the_row() -> None:
    row = attendance()

    assert check_in_address(row).endswith(f"/attend/list/?uid={row.uid}")


def test_reading_changes_nothing(client: Client) -> None:
    row = attendance()
    before = Attendance.objects.filter(pk=row.pk).values().get()
    page = own_page(row)
    before = Attendance.objects.filter(pk=row.pk).values().get()

    for query in ("", "?cancel=1", "?act=cancel"):
        client.get(page + query)

    assert Attendance.objects.filter(pk=row.pk).values().get() == before


def test_cancelling_asks_once(client: Client) -> None:
    row = attendance()
    page = own_page(row)

    asked = client.get(page, {"cancel": "1"}).content.decode()
    client.post(page, {"act": "cancel"})

    row.refresh_from_db()
    assert "Cancel your registration?" in asked
    assert row.state == "cancelled"
    assert "Your registration is cancelled" in client.get(page).content.decode()


def test_wishes_can_be_changed(client: Client) -> None:
    row = attendance()
    page = own_page(row)

    client.post(page, {"act": "wishes", "consent": "public", "access_needs": "Sign language"})
    wrong = client.post(page, {"act": "wishes", "consent": "everybody", "access_needs": ""})

    row.refresh_from_db()
    assert (row.consent, row.access_needs) == ("public", "Sign language")
    assert "There is a problem" in wrong.content.decode()
    assert client.post(page, {"act": "publish"}).status_code == 404


def test_a_browser_takes_part_until_it_stops(client: Client) -> None:
    row = attendance(upcoming(), name="Ana Silva")
    page, list_page = own_page(row), address("attend", row.dialogue)

    assert "You take part from this browser" not in client.get(list_page).content.decode()
    client.post(page, {"act": "here"})
    assert "You take part from this browser" in client.get(list_page).content.decode()
    assert "You take part from this browser" not in client.get(address("attend", upcoming())).content.decode()
    client.post(page, {"act": "leave"})

    assert "You take part from this browser" not in client.get(list_page).content.decode()


def test_a_cancelled_registration_takes_part_nowhere(client: Client) -> None:
    row = attendance()
    client.post(own_page(row), {"act": "here"}, follow=True)

    actions.cancel(attendance=row)

    assert "You take part from this browser" not in client.get(address("attend", row.dialogue)).content.decode()


def test_nobody_takes_part_who_waits(client: Client) -> None:
    row = attendance(state="waiting-list", seated_at=None)

    client.post(own_page(row), {"act": "here"})

    assert "attendances" not in client.session


def test_the_calendar_file_is_personal(client: Client) -> None:
    event = upcoming()
    row = attendance(event)

    response = client.get(address("my_calendar", event, own_token(row)))

    calendar = icalendar.Calendar.from_ical(response.content)
    assert calendar.walk("VEVENT")[0]["DTSTART"].dt == event.starts_at.replace(microsecond=0)
    assert client.get(address("my_calendar", event, "x" * 43)).status_code == 404


def test_the_history_keeps_no_secret_address(client: Client) -> None:
    row = attendance()
    token = own_token(row)

    client.post(own_page(row), {"act": "cancel"})

    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(metadata::text, ' ') FROM pghistory_context")
        assert token not in (cursor.fetchone()[0] or "")


def test_a_new_key_of_the_portal_brings_a_new_address(settings: Any) -> None:
    row = attendance()
    old = own_token(row)

    settings.SECRET_KEY = "another-" + "y" * 60
    tasks.mail_to.enqueue("registered_already", row.pk)

    found = re.search(r"/mine/([\w-]{43})/", mail.outbox[0].body)
    assert found
    assert tokens.find(row.dialogue, found[1]) == row
    assert tokens.find(row.dialogue, old) is None


# Mails --------------------------------------------------------------------------------------------------------

KINDS = ("code", "registered_already", "confirmed", "waiting", "place_given", "cancelled")


@pytest.mark.parametrize("language", ["ar", "zh-hans", "en", "fr", "ru", "es"])
def test_mails_say_the_time_in_the_words_of_the_page(language: str) -> None:
    event = upcoming()
    facts = {"pending": {"seated_at": None, "confirmed_at": None}, "waiting-list": {"seated_at": None}}
    kept = {"code": "pending", "waiting": "waiting-list", "cancelled": "cancelled"}

    for kind in KINDS:
        state = kept.get(kind, "confirmed")
        row = attendance(event, state=state, language=language, **facts.get(state, {}))
        tasks.mail_to.enqueue(kind, row.pk)

    assert len(mail.outbox) == len(KINDS)
    with translation.override(language):
        assert [when(event).words in message.body for message in mail.outbox] == [True] * len(KINDS)
        start = reverse("dialogue:attend", args=[event.slug])
    with_link = [kind for kind, message in zip(KINDS, mail.outbox, strict=True) if f"{start}mine/" in message.body]
    assert with_link == ["registered_already", "confirmed", "waiting", "place_given"]


def parts(message: Any) -> list[tuple[str, str | None]]:
    """Content types with the method of calendars, of the parts that hold something."""
    walk = message.message().walk()
    return [(part.get_content_type(), part.get_param("method")) for part in walk if not part.is_multipart()]


def test_a_place_comes_with_an_invitation_and_goes_with_its_cancellation() -> None:
    event = upcoming()
    row = confirmed(event, 1)
    actions.cancel(attendance=row)

    place, gone = mail.outbox[-2:]

    assert parts(place) == [("text/plain", None), ("text/calendar", "REQUEST"), ("application/ics", None)]
    assert parts(gone) == [("text/plain", None), ("text/calendar", "CANCEL"), ("application/ics", None)]
    calendars = [icalendar.Calendar.from_ical(message.attachments[0][1]) for message in (place, gone)]
    events = [calendar.walk("VEVENT")[0] for calendar in calendars]
    assert [str(calendar["METHOD"]) for calendar in calendars] == ["REQUEST", "CANCEL"]
    assert events[0]["UID"] == events[1]["UID"]
    assert [str(event["ATTENDEE"]).lower() for event in events] == ["mailto:p1@example.org"] * 2
    assert events[0]["DTSTART"].dt == event.starts_at.replace(microsecond=0)
    sent = [part for part in place.message().walk() if part.get_content_type() == "text/calendar"]
    assert icalendar.Calendar.from_ical(sent[0].get_payload(decode=True)).walk("VEVENT")[0][
        "DTSTART"
    ].dt == event.starts_at.replace(microsecond=0)


def test_whoever_waits_gets_no_invitation() -> None:
    event = upcoming(capacity_on_site=0)
    row = confirmed(event, 1)
    actions.cancel(attendance=row)

    assert [parts(message) for message in mail.outbox[-2:]] == [[("text/plain", None)]] * 2


def test_a_mail_that_lost_its_sense_is_not_sent() -> None:
    row = attendance(state="cancelled")

    for kind in ("code", "confirmed", "waiting"):
        tasks.mail_to.enqueue(kind, row.pk)

    assert mail.outbox == []


# Who has registered -------------------------------------------------------------------------------------------


def test_only_those_who_agreed_are_named(client: Client) -> None:
    event = upcoming()
    media = attendance(event, name="Reporter Own", category="media", consent="own-category")
    attendance(event, name="Delegate Own", category="delegate", consent="own-category")
    attendance(event, name="Delegate Public", category="delegate", consent="public")
    attendance(event, name="Delegate Nobody", category="delegate")
    attendance(event, name="Delegate Waiting", consent="public", state="waiting-list", seated_at=None)
    attendance(event, name="Delegate Pending", consent="public", state="pending", seated_at=None, confirmed_at=None)
    names = re.compile(r'attendees__name">([^<]+)<')

    stranger = client.get(address("attend", event)).content.decode()
    client.post(own_page(media), {"act": "here"})
    reporter = client.get(address("attend", event)).content.decode()

    assert names.findall(stranger) == ["Delegate Public"]
    assert names.findall(reporter) == ["Delegate Public", "Reporter Own"]
    for text in (stranger, reporter):
        assert "4 people have a place." in text
        assert "Delegate Nobody" not in text
        assert "Delegate Own" not in text


# The door -----------------------------------------------------------------------------------------------------


def test_the_list_is_for_those_at_the_door(client: Client) -> None:
    event = upcoming()
    attendance(event, name="Ana Silva", access_needs="Step-free access")
    page = address("attendance_list", event)

    stranger = client.get(page)
    assert (stranger.status_code, stranger["Location"].startswith(reverse("account_login"))) == (302, True)
    for user in (UserFactory(), UserFactory(is_staff=True)):
        client.force_login(user)
        assert (client.get(page).status_code, client.post(page, {}).status_code) == (404, 404)
        assert client.get(page, {"format": "csv"}).status_code == 404
    client.force_login(door())
    text = client.get(page).content.decode()

    assert "Ana Silva" in text
    assert "Step-free access" in text


def test_the_list_wants_the_second_factor_that_the_back_office_wants(client: Client, settings: Any) -> None:
    settings.PORTAL_STAFF_MFA = True
    event = upcoming()
    attendance(event, name="Ana Silva")
    client.force_login(door())

    response = client.get(address("attendance_list", event))

    assert response.status_code == 403
    assert "Ana Silva" not in response.content.decode()


def test_the_list_is_searched_and_filtered(client: Client) -> None:
    event = upcoming(mode="hybrid")
    ana = attendance(event, name="Ana Silva", organization="Recycling Union", category="media")
    attendance(event, name="Bo Li", mode="online")
    attendance(event, name="Cem Kaya", state="waiting-list", seated_at=None)
    attendance(name="Another Dialogue")
    client.force_login(door())

    def found(**query: str) -> list[str]:
        text = client.get(address("attendance_list", event), query).content.decode()
        return re.findall(r'<th scope="row"><bdi>([^<]+)</bdi>', text)

    assert found() == ["Ana Silva", "Bo Li"]
    assert found(state="") == ["Ana Silva", "Bo Li", "Cem Kaya"]
    assert found(state="waiting-list") == ["Cem Kaya"]
    assert found(q="union ana") == ["Ana Silva"]
    assert found(category="media") == ["Ana Silva"]
    assert found(mode="online") == ["Bo Li"]
    assert found(uid=str(ana.uid)) == ["Ana Silva"]
    assert found(category="nonsense", uid="nonsense") == ["Ana Silva", "Bo Li", "Cem Kaya"]


def test_the_code_for_the_entrance_shows_one_row_alone(client: Client) -> None:
    event = upcoming()
    row = attendance(event, name="Ana Silva", state="cancelled")
    attendance(event, name="Bo Li")
    client.force_login(door())

    known = client.get(check_in_address(row)).content.decode()
    unknown = client.get(address("attendance_list", event), {"uid": str(event.uid)}).content.decode()

    assert ("Ana Silva" in known, "Bo Li" in known, 'name="q"' in known) == (True, False, False)
    assert "This code belongs to no registration" in unknown


def test_people_are_checked_in_and_out_again(client: Client) -> None:
    event = live(capacity_on_site=1)
    row = attendance(event)
    staff = door()
    client.force_login(staff)
    page = address("attendance_list", event)

    client.post(page, {"check_in": str(row.uid)})
    row.refresh_from_db()
    assert (row.state, row.checked_in_by) == ("attended", staff)
    client.post(page, {"undo": str(row.uid)})
    row.refresh_from_db()

    assert (row.state, row.checked_in_at, row.checked_in_by) == ("confirmed", None, None)


def test_nobody_is_checked_in_without_a_place(client: Client) -> None:
    event = live()
    waiting = attendance(event, state="waiting-list", seated_at=None)
    elsewhere = attendance()
    client.force_login(door())

    refused = client.post(address("attendance_list", event), {"check_in": str(waiting.uid)}, follow=True)
    lost = client.post(address("attendance_list", event), {"check_in": str(elsewhere.uid)})

    assert "this step is not open to it" in refused.content.decode()
    assert lost.status_code == 404
    assert states(event) == ["waiting-list"]


def test_a_check_in_is_undone_though_there_are_fewer_places_now() -> None:
    event = live(capacity_on_site=2)
    rows = [attendance(event), attendance(event)]
    for row in rows:
        actions.check_in(attendance=row, by=UserFactory())
    Dialogue.objects.filter(pk=event.pk).update(capacity_on_site=1)

    actions.undo_check_in(attendance=rows[0], by=UserFactory())

    assert sorted(states(event)) == ["attended", "confirmed"]


def test_the_spreadsheet_runs_nothing(client: Client) -> None:
    event = upcoming()
    attendance(
        event, name='=HYPERLINK("https://evil.example")', organization="@SUM(A1)", access_needs="A chair, please"
    )
    client.force_login(door())

    response = client.get(address("attendance_list", event), {"format": "csv"})

    lines = b"".join(response.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert (
        lines[0].lstrip("\ufeff")
        == "name,organization,email,category,mode,state,access_needs,confirmed_at,checked_in_at"
    )
    assert lines[1].startswith('"\'=HYPERLINK(""https://evil.example"")",\'@SUM(A1),')
    assert "no-store" in response["Cache-Control"]


# Queries ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 3])
def test_pages_ask_the_same_number_of_queries(
    client: Client, number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    event = upcoming(mode="hybrid", capacity_on_site=1_000)
    rows = [attendance(event, consent="public") for _row in range(number)]
    waiting = attendance(event, state="waiting-list", seated_at=None)
    pages = [
        address("attend", event),
        own_page(rows[0]),
        own_page(waiting),
        address("attend_confirm", event, event.uid),
    ]
    staff = Client()
    staff.force_login(door())
    staff.get(address("attendance_list", event))

    for page, queries in zip(pages, (4, 2, 3, 1), strict=True):
        with django_assert_num_queries(queries):
            client.get(page)
    with django_assert_num_queries(9):
        staff.get(address("attendance_list", event))


# Erasing ------------------------------------------------------------------------------------------------------


def ended(days: float) -> Dialogue:
    ends_at = timezone.now() - timedelta(days=days)
    return dialogue(starts_at=ends_at - timedelta(hours=2), ends_at=ends_at)


def test_access_needs_go_with_the_dialogue_names_thirty_days_later() -> None:
    fresh, old, coming = ended(0.1), ended(31), upcoming()
    rows = [attendance(event, access_needs="Step-free access", organization="Union") for event in (fresh, old, coming)]
    question(old, attendance=rows[1])
    unconfirmed = attendance(coming, state="pending", seated_at=None, confirmed_at=None)
    Attendance.objects.filter(pk=unconfirmed.pk).update(modified_at=timezone.now() - timedelta(days=2))

    for _time in range(2):
        call_command("erase_attendance", "--days", "30", verbosity=0)

    for row in rows:
        row.refresh_from_db()
    assert [row.access_needs for row in rows] == ["", "", "Step-free access"]
    assert [bool(row.name and row.email and row.organization) for row in rows] == [True, False, True]
    erased = rows[1]
    assert (erased.name, erased.email, erased.organization, erased.consent) == ("", "", "", "nobody")
    assert (erased.state, erased.category, erased.mode) == ("confirmed", "public", "on-site")
    assert erased.erased_at
    assert actions.counts(old)["on-site"] == {"confirmed": 1}
    assert not Attendance.objects.filter(pk=unconfirmed.pk).exists()
    assert actions.erase(days=30) == (0, 0, 0)


def test_what_is_erased_is_nowhere(client: Client) -> None:
    event = ended(31)
    rows = [attendance(event, name="Ana Silva", consent="public"), attendance(event, name="Bo Li", state="cancelled")]
    pages = [own_page(row) for row in rows]
    secrets = {tokens.token_hash(tokens.token_of(row)) for row in rows}

    actions.erase(days=30)

    assert [client.get(page).status_code for page in pages] == [404, 404]
    assert "Ana Silva" not in client.get(address("attend", event)).content.decode()
    left = set(event.attendances.values_list("token_sha256", flat=True))
    assert (len(left), left & secrets) == (2, set())
    history = next(
        model
        for model in apps.get_app_config("dialogue").get_models()
        if getattr(model, "pgh_tracked_model", None) is Attendance
    )
    assert history._default_manager.count() == 2  # that two registered, not who
    assert "Silva" not in str(list(history._default_manager.values()))


def test_my_calendar_holds_all_that_the_address_registered_for(client: Client) -> None:
    first, second, other = upcoming(), upcoming(), upcoming()
    mine = attendance(first, email="amina@example.org")
    attendance(second, email="Amina@example.org", state="waiting-list", seated_at=None)
    attendance(other, email="amina@example.org", state="pending", confirmed_at=None, seated_at=None)

    file = client.get(address("my_calendar", first, own_token(mine))).content.decode()

    assert [str(event.uid) in file for event in (first, second, other)] == [True, True, False]
    assert file.count("STATUS:TENTATIVE") == 1
