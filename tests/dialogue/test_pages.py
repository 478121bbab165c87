"""The pages of a dialogue as a programme: the chain, the overview, the agenda, a session, everything in one page."""

import gzip
import random
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.template import Context, Template
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries

from coalition.models import Letter, Membership, Signature
from dialogue import outcomes
from dialogue.models import Answer, Dialogue, Document, OutcomeUpdate, Participation, Person, Session
from ewaste_portal.models import PastSlug
from tests.coalition.factories import published_letter
from tests.dialogue.factories import (
    dialogue,
    draft,
    live,
    outcome,
    output,
    part,
    person,
    question,
    session,
    upcoming,
)
from tests.factories import EntityFactory, ResourceFactory, UserFactory, published_resource
from tests.pages import read

pytestmark = pytest.mark.django_db

LIST = "/en/dialogues/"


@pytest.fixture
def staff(client: Client) -> Client:
    user = UserFactory(is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_dialogue"))
    client.force_login(user)
    return client


def address(event: Dialogue, page: str = "", language: str = "en") -> str:
    return f"/{language}/dialogues/{event.slug}/{page}"


def text_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    main: str = read(response).one("main").text
    return main


def hours(event: Dialogue, first: int, last: int) -> dict[str, datetime]:
    """Minutes after the beginning."""
    return {
        "starts_at": event.starts_at + timedelta(minutes=first),
        "ends_at": event.starts_at + timedelta(minutes=last),
    }


def historical_letter(**fields: Any) -> Letter:
    letter = Letter.objects.create(
        **{
            "version": "2018",
            "kind": "historical",
            "title_en": "Letter of Intent on e-waste",
            "dated": date(2018, 3, 21),
            "source_url": "https://example.org/letter",
            **fields,
        }
    )
    letter.published_at, letter.published_by = timezone.now(), UserFactory()
    letter.save(update_fields=["published_at", "published_by"])
    return letter


def recorded(letter: Letter | None, name: str, *, signed_on: date | None = None, on: date = date(2018, 3, 21)) -> None:
    entity = EntityFactory(official_name_en=name)
    membership = Membership.objects.create(
        entity=entity, origin="recorded", state="active", letter=letter, state_since=timezone.now(),
        active_since=signed_on, recorded_on=on, source_url="https://example.org/source",
    )  # fmt: skip
    if signed_on:
        Signature.objects.create(
            membership=membership, entity=entity, letter=letter, method="historical", signed_on=signed_on,
            entity_name=name, source_url="https://example.org/source",
        )  # fmt: skip


# The chain -------------------------------------------------------------------------------------------------


def chain(client: Client, query: str = "") -> list[str]:
    """The headings of the nodes."""
    page = read(client.get(f"{LIST}{query}"))
    return [heading.text for timeline in page.all("ol", "chain")[:1] for heading in timeline.all("h3")]


def test_the_chain_holds_dialogues_letters_and_who_joined_the_newest_first(client: Client) -> None:
    letter = historical_letter()
    dialogue(title_en="First", letter=letter)
    dialogue(title_en="Earlier", starts_at=datetime(2016, 5, 5, 9, tzinfo=UTC))
    for name in ("A Union", "B Union"):
        recorded(letter, name, signed_on=date(2018, 3, 21))
    recorded(letter, "C Centre", on=date(2019, 4, 10))

    assert chain(client) == ["1 entity is named as a member", "Letter of Intent on e-waste", "First", "Earlier"]
    page = read(client.get(LIST))
    letter_node = page.one("li", "chain__node--letter")
    assert [link.text for link in letter_node.one("ul").all("a")] == ["A Union", "B Union"]
    joined = page.one("li", "chain__node--joined")
    assert joined.one("ul").text == "C Centre"
    assert "no signature is known" in joined.text
    assert reverse("dialogue:joined") in [link["href"] for link in letter_node.all("a")]


def test_those_who_join_within_a_month_share_a_node(client: Client) -> None:
    for day in (3, 20):
        recorded(None, f"Entity of day {day}", on=date(2020, 6, day))
    recorded(None, "Another month", on=date(2020, 7, 1))

    times = [time["datetime"] for time in read(client.get(LIST)).one("ol", "chain").all("time")]

    assert times == ["2020-07-01", "2020-06"]


def test_many_names_are_cut_short(client: Client) -> None:
    for number in range(13):
        recorded(None, f"Entity of number {number}", on=date(2020, 6, 1))

    (node,) = read(client.get(LIST)).all("li", "chain__node--joined")

    assert len(node.one("ul").all("a")) == 10
    assert node.one("ul").all("li")[-1].text == "and 3 others"


def test_what_is_live_stands_at_the_top_and_else_what_comes_next(client: Client) -> None:
    dialogue(title_en="Held")
    upcoming(title_en="Later", starts_at=timezone.now() + timedelta(days=90))
    upcoming(title_en="Soon")

    top = read(client.get(LIST)).one("section", aria_labelledby="now")
    assert (top.one("h2").text, [heading.text for heading in top.all("h3")]) == ("The next dialogue", ["Soon"])

    live(title_en="On")
    top = read(client.get(LIST)).one("section", aria_labelledby="now")
    assert (top.one("h2").text, [heading.text for heading in top.all("h3")]) == ("Going on now", ["On"])


def test_a_cancelled_dialogue_is_in_the_chain_and_never_next(client: Client) -> None:
    upcoming(title_en="Called off", status="cancelled", status_note_en="The hall is closed.")

    page = read(client.get(LIST))

    assert chain(client) == ["Called off"]
    assert page.all("section", aria_labelledby="now") == []
    assert "Cancelled" in page.one("ol", "chain").text


def test_drafts_are_not_in_the_chain(client: Client) -> None:
    draft(title_en="Secret plan")
    dialogue(title_en="Known")

    assert "Secret plan" not in text_of(client, LIST)
    assert chain(client) == ["Known"]


def test_what_is_made_up_stands_apart(client: Client) -> None:
    dialogue(title_en="Real")
    live(title_en="Invented", is_example=True)

    page = read(client.get(LIST))

    assert chain(client) == ["Real"]
    assert page.all("section", aria_labelledby="now") == []
    assert [heading.text for heading in page.one("section", aria_labelledby="examples").all("h3")] == ["Invented"]


def test_the_chain_is_filtered_by_year_organizer_and_kind(client: Client) -> None:
    historical_letter()
    entity = EntityFactory(slug="itu")
    first = dialogue(title_en="First")
    first.organizers.add(entity)
    dialogue(title_en="Second", starts_at=datetime(2019, 4, 10, tzinfo=UTC), kind="follow-up-meeting")

    assert chain(client, "?year=2019") == ["Second"]
    assert chain(client, "?year=2018") == ["Letter of Intent on e-waste", "First"]
    assert chain(client, "?entity=itu") == ["First"]
    assert chain(client, "?kind=follow-up-meeting") == ["Second"]
    assert chain(client, "?year=2018&kind=follow-up-meeting") == []
    assert "Nothing in the chain fits" in text_of(client, f"{LIST}?year=2018&kind=follow-up-meeting")


def test_the_year_of_a_dialogue_is_that_of_its_place(client: Client) -> None:
    dialogue(title_en="New year", starts_at=datetime(2018, 12, 31, 11, tzinfo=UTC), time_zone="Pacific/Apia")

    assert chain(client, "?year=2019") == ["New year"]
    assert chain(client, "?year=2018") == chain(client)  # no such year: told, and left out


def test_an_unknown_filter_is_told_and_left_out(client: Client) -> None:
    dialogue(title_en="First")

    page = read(client.get(f"{LIST}?kind=nonsense"))

    assert page.one("form", "chain-filter").one("ul", "errorlist").text == (
        "Error: “nonsense” is not a value of this filter. It was left out."
    )
    assert chain(client, "?kind=nonsense") == ["First"]


def test_a_filtered_chain_is_not_for_search_engines(client: Client, settings: Any) -> None:
    settings.PORTAL_INDEXED = True
    dialogue()

    def robots(query: str) -> list[str]:
        return [meta["content"] for meta in read(client.get(f"{LIST}{query}")).all("meta", name="robots")]

    assert robots("?year=2018") == ["noindex, follow"]
    assert robots("") == []


def test_the_chain_has_pages(client: Client) -> None:
    for number in range(21):
        dialogue(title_en=f"Number {number}", starts_at=datetime(2000 + number, 1, 1, 9, tzinfo=UTC))

    assert len(chain(client)) == 20
    assert chain(client, "?page=2") == ["Number 0"]
    assert client.get(f"{LIST}?page=3").status_code == 404


def test_an_empty_chain_leads_on(client: Client) -> None:
    page = read(client.get(LIST))

    assert "No dialogue is published yet" in page.one("main").text
    assert reverse("coalition:home") in [link["href"] for link in page.one("div", "empty").all("a")]


@pytest.mark.parametrize("rows", [1, 3])
def test_queries_of_the_chain(client: Client, rows: int, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    letter = historical_letter()
    for number in range(rows):
        dialogue().organizers.add(EntityFactory())
        recorded(letter, f"Union of number {number}", signed_on=date(2018, 3, 21))

    with django_assert_num_queries(4):
        client.get(LIST)


# The overview ----------------------------------------------------------------------------------------------


def facts(client: Client, path: str) -> dict[str, str]:
    rows = read(client.get(path)).all("dl", "facts")[0].all("div")
    return {row.one("dt").text: row.one("dd").text for row in rows}


def test_the_facts_of_a_dialogue(client: Client) -> None:
    letter = historical_letter()
    earlier = dialogue(title_en="Before", starts_at=datetime(2017, 6, 16, 9, tzinfo=UTC))
    event = dialogue(
        title_en="An End to Electronic Waste", venue_en="CICG", room_en="Room 2", country_id="CHE",
        host_event_en="WSIS Forum 2018", host_event_url="https://example.org/wsis", host_session_number="174",
        working_languages=["en", "fr"], interpretation=["ar"], is_captioned=True, letter=letter, follows=earlier,
        recording_url="https://www.example.org/recording", source_url="https://example.org/174", source_name="ITU",
    )  # fmt: skip
    event.organizers.add(EntityFactory(official_name_en="Union of Tests"))

    assert facts(client, address(event)) == {
        "When": "Wednesday, 21 March 2018, 13:30–15:00, Geneva (CET, UTC+01:00)",
        "Where": "Room 2, CICG Geneva, Switzerland",
        "Kind": "High-level dialogue",
        "Part of": "WSIS Forum 2018, session 174",
        "Organized by": "Union of Tests",
        "How it is held": "On site",
        "Working languages": "EnglishFrench",
        "Interpretation into": "Arabic",
        "Captions": "What is said is captioned.",
        "Recording": "Recording on example.org",
        "Letter of Intent": "Letter of Intent on e-waste",
        "Follows": "Before Friday, 16 June 2017",
        "Source": "ITU",
    }
    assert facts(client, address(earlier))["Followed by"] == "An End to Electronic Waste Wednesday, 21 March 2018"


def test_a_dialogue_of_which_only_the_day_is_known_prints_no_hour(client: Client) -> None:
    event = dialogue(
        precision="day", starts_at=datetime(2016, 5, 4, 22, tzinfo=UTC), ends_at=datetime(2016, 5, 5, 22, tzinfo=UTC)
    )

    page = read(client.get(address(event)))

    assert facts(client, address(event))["When"] == "Thursday, 5 May 2016, Geneva"
    (time,) = page.one("main").all("time")
    assert time.attributes == {"datetime": "2016-05-05"}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (dialogue, "This dialogue has taken place."),
        (live, "This dialogue is going on now."),
        (upcoming, "This dialogue is still to come."),
    ],
)
def test_the_lead_says_whether_it_is_over(client: Client, make: Any, words: str) -> None:
    assert words in text_of(client, address(make()))


def test_a_cancelled_dialogue_says_why(client: Client) -> None:
    event = upcoming(status="cancelled", status_note_en="The hall is closed.")

    text = text_of(client, address(event))

    assert "This dialogue is cancelled The hall is closed." in text
    assert "This dialogue does not take place." in text
    assert "still to come" not in text


def test_a_moved_dialogue_says_from_when_and_why(client: Client) -> None:
    event = dialogue(
        status="rescheduled", previous_starts_at=datetime(2018, 3, 20, 8, tzinfo=UTC), status_note_en="A strike."
    )

    assert (
        "This dialogue was moved It was to begin on Tuesday, 20 March 2018, 09:00, Geneva (CET, UTC+01:00). A strike."
        in text_of(client, address(event))
    )


def test_the_reason_for_a_moderator_of_the_un_is_shown(client: Client) -> None:
    event = dialogue(moderator_reason_en="Nobody else could come.")
    moderator = part(event, role="moderator", person=person(name="Anna Moderator"), sector="un")

    assert "Anna Moderator" in text_of(client, address(event))
    assert "Nobody else could come." in text_of(client, address(event))

    Participation.objects.filter(pk=moderator.pk).update(sector="other")
    assert "Nobody else could come." not in text_of(client, address(event))


def test_people_are_named_once_the_moderator_first(client: Client) -> None:
    event = dialogue()
    speaker = person(name="Sam Speaker")
    part(event, person=speaker, title_then="Director then")
    part(event, person=speaker, role="speaker")
    part(event, role="moderator", person=person(name="Mo Derator"))

    people = read(client.get(address(event))).one("section", aria_labelledby="people")

    assert [row.text for row in people.one("ul").all("li")] == [
        "Moderator Mo Derator",
        "Panellist Sam Speaker, Director then",
    ]


def test_a_reported_part_names_its_source(client: Client) -> None:
    event = dialogue()
    part(event, is_reported=True, source_url="https://www.example.org/report", on_behalf_of="The Director")

    text = text_of(client, address(event))

    assert "on behalf of The Director according to example.org" in text


def test_the_three_figures(client: Client) -> None:
    letter = historical_letter()
    for number in range(2):
        recorded(letter, f"Union of number {number}", signed_on=date(2018, 3, 21))
    recorded(letter, "Named alone", on=date(2019, 4, 10))
    event = dialogue(letter=letter)
    question(event, state="answered")
    question(event)
    question(event, state="pending", published_at=None)
    proved = output(event)
    outcome(event)
    facts = {"on": date(2019, 1, 1), "note_en": "It happened."}
    OutcomeUpdate.objects.create(
        desired_output=proved, status="achieved", evidence_url="https://example.org/proof", **facts
    )
    OutcomeUpdate.objects.create(desired_output=output(event), status="under-way", **facts)
    for hidden in ({"resource": ResourceFactory()}, {"evidence_dialogue": draft()}):
        OutcomeUpdate.objects.create(expected_outcome=outcome(event), status="achieved", **hidden, **facts)
    shown = {"resource": published_resource(), "entity": EntityFactory(), "evidence_dialogue": dialogue()}
    for name, row in shown.items():
        OutcomeUpdate.objects.create(expected_outcome=outcome(event), status="achieved", **{name: row}, **facts)

    tiles = read(client.get(address(event))).all("li", "stat")

    assert [tile.text for tile in tiles] == [
        "entities signed the Letter of Intent 2", "questions answered 1 of 2",
        "outputs and outcomes with evidence 4 of 8",
    ]  # fmt: skip
    assert outcomes.board(event).figures[1][0] == 4


def test_the_signatory_board_is_linked_where_there_is_a_ceremony(client: Client) -> None:
    letter = historical_letter()
    event = dialogue(letter=letter)
    wall = reverse("dialogue:wall", args=[event.slug])

    def links() -> set[str]:
        return {link["href"] for link in read(client.get(address(event))).all("a")}

    session(event, kind="panel")
    assert wall not in links()
    ceremony = session(event, kind="signing-ceremony", letter=letter, state="draft")
    assert wall not in links()
    Session.objects.filter(pk=ceremony.pk).update(state="published")
    assert wall in links()


def test_a_draft_that_follows_is_not_given_away(client: Client) -> None:
    event = dialogue()
    draft(title_en="Secret plan", follows=event)
    hidden = draft(title_en="Hidden origin")
    later = dialogue(follows=hidden)

    assert "Secret plan" not in text_of(client, address(event))
    for page in ("", "full/"):
        assert "Hidden origin" not in text_of(client, address(later, page))


def test_markdown_of_the_overview_is_cleaned(client: Client) -> None:
    event = dialogue(overview_en="**Strong** <script>alert(1)</script>")

    body = client.get(address(event)).content.decode()

    assert "<strong>Strong</strong>" in body
    assert "<script>alert" not in body


def test_drafts_are_for_staff_alone(client: Client) -> None:
    event = draft(title_en="Secret plan")
    session(event, slug="opening")

    for page in ("", "agenda/", "full/", "sessions/opening/"):
        assert client.get(address(event, page)).status_code == 404


@pytest.mark.parametrize("page", ["", "agenda/", "full/", "sessions/opening/"])
def test_staff_preview_drafts_and_what_is_held_back(staff: Client, page: str) -> None:
    event = draft(title_en="Plan")
    session(event, slug="opening", title_en="Held back opening", state="draft")

    text = text_of(staff, address(event, page))

    assert "Not published: only staff see this page" in text
    assert ("Held back opening" in text) is (page != "")


@pytest.mark.parametrize("page", ["", "agenda/", "full/", "sessions/opening/"])
def test_an_address_of_the_past_leads_to_todays(client: Client, page: str) -> None:
    event = dialogue(slug="new-name")
    session(event, slug="opening")
    PastSlug.objects.create(kind="dialogue", slug="old-name", object_id=event.pk)

    response = client.get(f"/en/dialogues/old-name/{page}")

    assert (response.status_code, response["Location"]) == (301, address(event, page))


# The agenda ------------------------------------------------------------------------------------------------


def agenda_rows(client: Client, event: Dialogue) -> list[Any]:
    return [
        row
        for timeline in read(client.get(address(event, "agenda/"))).all("ol", "timeline")
        for row in timeline.all("li")
    ]


def test_the_agenda_is_by_day_then_time(client: Client) -> None:
    event = dialogue(ends_at=datetime(2018, 3, 22, 15, tzinfo=UTC))
    session(event, title_en="Second day", **hours(event, 24 * 60, 24 * 60 + 30), position=1)
    session(event, title_en="Opening", **hours(event, 0, 10), position=2)
    session(event, title_en="Panel", **hours(event, 10, 55), position=1)
    session(event, title_en="Some time", position=0)

    page = read(client.get(address(event, "agenda/")))

    assert [heading.text for heading in page.one("main").all("h2")] == [
        "Wednesday, 21 March 2018", "Thursday, 22 March 2018", "Without a known hour",
    ]  # fmt: skip
    rows = agenda_rows(client, event)
    assert [row.one("h3").text for row in rows] == ["Opening", "Panel", "Second day", "Some time"]
    assert [row.one("div", "timeline__time").text for row in rows] == [
        "13:30–13:40 10 minutes", "13:40–14:25 45 minutes", "13:30–14:00 30 minutes", "1",
    ]  # fmt: skip


def test_an_item_of_the_agenda(client: Client) -> None:
    event = dialogue()
    panel = session(event, slug="panel", kind="panel", title_en="The panel", room="Room 3", **hours(event, 0, 60))
    part(event, session=panel, role="panellist", person=person(name="Nia Panel"), entity_then="Union of Tests")
    part(event, session=panel, role="moderator", person=person(name="Mo Derator"))
    part(event, session=panel, role="panellist", entity=EntityFactory(official_name_en="Institute of Tests"))
    Document.objects.create(dialogue=event, session=panel, document_type="programme", resource=published_resource())

    (row,) = agenda_rows(client, event)

    assert row["id"] == "session-panel"
    assert row.one("h3").one("a")["href"] == address(event, "sessions/panel/")
    assert [line.text for line in row.one("div", "timeline__body").all("p")] == [
        "Panel discussion", "Panellist: Nia Panel (Union of Tests); Institute of Tests", "Moderator: Mo Derator",
        "Room 31 documentCalendar file: The panel",
    ]  # fmt: skip
    assert address(event, "sessions/panel.ics") in [link["href"] for link in row.all("a")]
    time = row.one("time")
    assert (time["datetime"], time["data-until"]) == ("2018-03-21T13:30+01:00", "2018-03-21T14:30+01:00")


def test_names_of_a_session_are_cut_short(client: Client) -> None:
    event = dialogue()
    panel = session(event)
    for number in range(9):
        part(event, session=panel, person=person(name=f"Panellist {number}"))

    (row,) = agenda_rows(client, event)

    assert "Panellist 5" in row.text
    assert "Panellist 6" not in row.text
    assert "and 3 others" in row.text


def test_a_session_held_back_is_on_no_page(client: Client) -> None:
    event = dialogue()
    hidden = session(event, slug="hidden", title_en="Secret session", state="draft")
    part(event, session=hidden, person=person(name="Secret Speaker"))
    part(event, session=session(event, title_en="Open session"), person=person(name="Open Speaker"))

    for page in ("", "agenda/", "full/"):
        text = text_of(client, address(event, page))
        assert "Open Speaker" in text
        assert "Secret" not in text
    assert client.get(address(event, "sessions/hidden/")).status_code == 404


def test_a_cancelled_session_stays_in_the_agenda(client: Client) -> None:
    event = dialogue()
    session(event, title_en="Called off", state="cancelled", **hours(event, 0, 10))

    (row,) = agenda_rows(client, event)

    assert "Cancelled Called off" in row.text


def test_the_agenda_says_what_is_on_now(client: Client) -> None:
    event = live()
    session(event, title_en="Gone", **hours(event, 0, 20))
    session(event, title_en="On", **hours(event, 20, 50))
    session(event, title_en="Next", **hours(event, 50, 60))

    rows = agenda_rows(client, event)

    assert "On now: On" in text_of(client, address(event, "agenda/"))
    assert [row.get("aria-current") for row in rows] == [None, "time", None]


def test_hours_after_a_change_of_clocks_name_their_zone(client: Client) -> None:
    starts = datetime(2018, 3, 25, 0, 0, tzinfo=UTC)  # clocks go forward at 01:00 UTC
    event = dialogue(starts_at=starts, ends_at=starts + timedelta(hours=3))
    for first, last in ((0, 30), (30, 90), (90, 120)):
        session(event, **hours(event, first, last))

    times = [row.one("div", "timeline__time").text for row in agenda_rows(client, event)]

    assert times == [
        "01:00–01:30 30 minutes",
        "01:30–03:30 CET, UTC+01:00; at the end CEST, UTC+02:00 60 minutes",
        "03:30–04:00 CEST, UTC+02:00 30 minutes",
    ]


def test_an_agenda_without_sessions_leads_on(client: Client) -> None:
    event = dialogue()

    page = read(client.get(address(event, "agenda/")))

    assert "No session is announced yet" in page.one("main").text
    assert address(event) in [link["href"] for link in page.one("div", "empty").all("a")]


NAMES = (
    "Amina Brahima Chen Dolores Elena Farid Grace Hiroshi Ines Jamal Kofi Lucia Mei Nikhil Olga Pavel Rolf Sana Abara Bernal "
    "Castro Diallo Eriksen Fofana Garcia Haddad Ivanov Jensen Kimura Lopez Moreau Nakamura Okafor"
)
WORDS = (
    "batteries collection recycling producers responsibility informal workers health metals trade ports customs data "
    "statistics children repair design lamps screens refrigerants schools cities islands finance law inspection"
)


def crowd(event: Dialogue, sessions: int, people: int) -> None:
    """A long programme of words that differ, as they do in life."""
    dice = random.Random(4)
    rows = []
    for number in range(sessions):
        title = " ".join(dice.sample(WORDS.split(), 5)).capitalize()
        rows.append(
            Session(
                dialogue=event, slug=f"{number}-{title[:40].lower().replace(' ', '-')}", kind=dice.choice(["panel", "keynote"]),
                title_en=title, position=number, state="published", **hours(event, number * 20, number * 20 + 20),
            )
        )  # fmt: skip
    Session.objects.bulk_create(rows)
    names = [" ".join(dice.sample(NAMES.split(), 2)) for _number in range(people)]
    found = Person.objects.bulk_create(Person(slug=f"p-{at}", name=name) for at, name in enumerate(names))
    entity = EntityFactory()
    Participation.objects.bulk_create(
        Participation(
            dialogue=event, session=rows[at % sessions], person=who, entity=entity, role="panellist", position=at
        )
        for at, who in enumerate(found)
    )


@pytest.mark.parametrize("page", ["", "agenda/"])
def test_forty_sessions_take_at_most_six_queries(
    client: Client, page: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    event = dialogue(ends_at=datetime(2018, 3, 22, 12, tzinfo=UTC), letter=historical_letter())
    crowd(event, 40, 60)

    with django_assert_max_num_queries(6):
        response = client.get(address(event, page))

    assert len(gzip.compress(response.content)) < 15_000


def test_a_very_long_agenda_is_light(client: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    event = dialogue(ends_at=datetime(2018, 3, 25, 12, tzinfo=UTC))
    crowd(event, 200, 400)

    with django_assert_max_num_queries(8):
        response = client.get(address(event, "agenda/"))

    size = len(gzip.compress(response.content))
    assert response.content.decode().count('class="timeline__body"') == 200
    assert size < 25_000


@pytest.mark.parametrize("rows", [1, 3])
def test_queries_of_the_pages(client: Client, rows: int, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    letter = historical_letter()
    event = dialogue(letter=letter, follows=dialogue())
    for number in range(rows):
        event.organizers.add(EntityFactory())
        found = session(event, slug=f"number-{number}")
        given = part(event, session=found, person=person(), entity=EntityFactory())
        Document.objects.create(dialogue=event, session=found, document_type="programme", resource=published_resource())
        asked = question(event, session=found, state="answered")
        Answer.objects.create(
            question=asked, text_en="Yes.", participation=given, given_on=date(2018, 3, 21),
            published_at=timezone.now(), published_by=UserFactory(),
        )  # fmt: skip
        for aim in (output(event), outcome(event)):
            OutcomeUpdate.objects.create(
                **{aim._meta.model_name.replace("desired", "desired_").replace("expected", "expected_"): aim},
                status="open", on=date(2019, 1, 1), note_en="Open.",
            )  # fmt: skip

    for page, queries in (("", 6), ("agenda/", 4), ("sessions/number-0/", 7), ("full/", 8)):
        with django_assert_num_queries(queries):
            assert client.get(address(event, page)).status_code == 200


@pytest.mark.parametrize("page", ["", "agenda/", "full/", "sessions/opening/"])
def test_reading_sets_no_cookie(client: Client, page: str) -> None:
    event = upcoming()
    session(event, slug="opening")

    assert client.get(address(event, page)).cookies == {}
    assert client.get(LIST).cookies == {}


# A session -------------------------------------------------------------------------------------------------


def test_the_page_of_a_session(client: Client) -> None:
    event = dialogue(title_en="An End to Electronic Waste", room_en="Room 2", recording_url="https://example.org/rec")
    panel = session(
        event,
        slug="panel",
        title_en="The panel",
        summary_en="What *Heads* say.",
        languages=["en"],
        **hours(event, 0, 60),
    )
    part(
        event, session=panel, role="head", person=person(name="Ada Head"), title_then="Director then",
        entity=EntityFactory(official_name_en="Called so today"), entity_then="Called so then", on_behalf_of="The Chief",
    )  # fmt: skip
    asked = question(event, session=panel, text_en="Who pays?")
    session(event, slug="before", title_en="Before it", position=panel.position - 1)
    question(event, text_en="Of another session?")

    text = text_of(client, address(event, "sessions/panel/"))

    assert "Wednesday, 21 March 2018, 13:30–14:30, Geneva (CET, UTC+01:00) 60 minutes" in text
    assert "Head of entity Ada Head, Director then, Called so then on behalf of The Chief" in text
    assert "Called so today" not in text
    assert "What Heads say." in text
    assert "RoomRoom 2" in text
    assert "Recording on example.org" in text
    assert "Of another session?" not in text
    page = read(client.get(address(event, "sessions/panel/")))
    links = {link.text: link["href"] for link in page.one("main").all("a")}
    assert links["Who pays?"] == f"{address(event, 'questions/')}#{asked.anchor}"
    assert links["Before it"] == address(event, "sessions/before/")


def test_sessions_lead_to_those_around_them(client: Client) -> None:
    event = dialogue()
    for number, name in enumerate("abc"):
        session(event, slug=name, title_en=f"Session {name}", position=number)
    session(event, slug="hidden", state="draft", position=1)

    def around(slug: str) -> dict[str, str]:
        page = read(client.get(address(event, f"sessions/{slug}/")))
        return {link["rel"]: link["href"] for link in page.one("main").all("a") if link.get("rel") in {"prev", "next"}}

    assert around("a") == {"next": address(event, "sessions/b/")}
    assert around("b") == {"prev": address(event, "sessions/a/"), "next": address(event, "sessions/c/")}
    assert around("c") == {"prev": address(event, "sessions/b/")}


def test_papers_of_a_session_are_public_ones_alone(client: Client) -> None:
    event = dialogue()
    panel = session(event, slug="panel")
    facts = {"dialogue": event, "session": panel, "document_type": "presentation"}
    later = timezone.now() + timedelta(days=1)
    papers: dict[str, dict[str, Any]] = {
        "Open paper": {},
        "Paper of participants": {"audience": "participants"},
        "Paper of tomorrow": {"embargo_until": later},
    }
    for title, more in papers.items():
        Document.objects.create(**facts, resource=published_resource(original_title=title, title_en=title), **more)

    for page in ("sessions/panel/", "full/"):
        text = text_of(client, address(event, page))
        assert "Open paper" in text
        assert "Paper of" not in text


def test_a_pending_question_is_on_no_page(client: Client) -> None:
    event = dialogue()
    panel = session(event, slug="panel")
    question(event, session=panel, state="pending", published_at=None, moderated_at=None, text_en="Not yet read?")
    question(event, session=panel, text_en="Let through?")

    for page in ("sessions/panel/", "full/"):
        text = text_of(client, address(event, page))
        assert "Let through?" in text
        assert "Not yet read?" not in text


def test_a_session_of_another_dialogue_is_not_found(client: Client) -> None:
    session(dialogue(), slug="opening")

    assert client.get(address(dialogue(), "sessions/opening/")).status_code == 404


# Everything in one page ------------------------------------------------------------------------------------


def test_the_whole_dialogue_in_one_page(client: Client) -> None:
    event = dialogue(title_en="An End", overview_en="The purpose.")
    panel = session(event, title_en="The panel", summary_en="A summary.", **hours(event, 0, 60))
    given = part(event, session=panel, person=person(name="Ada Head"), title_then="Director then")
    part(event, person=given.person, role="moderator")
    asked = question(event, text_en="Who pays?", state="answered")
    publication = {"published_at": timezone.now(), "published_by": UserFactory()}
    facts = {"question": asked, "participation": given, "given_on": date(2018, 3, 21)}
    Answer.objects.create(text_en="The producers.", **facts, **publication)
    Answer.objects.create(text_en="A draft of an answer.", **facts)
    aim = output(event, text_en="Work is shown.")
    OutcomeUpdate.objects.create(desired_output=aim, status="open", on=date(2018, 4, 1), note_en="An older word.")
    OutcomeUpdate.objects.create(desired_output=aim, status="under-way", on=date(2019, 4, 1), note_en="The last word.")
    outcome(event, text_en="Others join.")

    text = text_of(client, address(event, "full/"))

    assert re.search(
        "An End.*The purpose.*Wednesday, 21 March 2018 13:30–14:30.*The panel.*A summary.*Panellist: Ada Head"
        ".*Ada Head, Director then Panellist *Moderator.*Desired outputs Work is shown. Under way 1 April 2019 *The last word."
        ".*Expected outcomes Others join. Nothing has been said of it since."
        ".*Who pays\\? The producers. Ada Head *21 March 2018",
        text,
    )
    assert "An older word." not in text
    assert "A draft of an answer." not in text


@pytest.mark.parametrize("language", ["ar", "zh-hans"])
@pytest.mark.parametrize("page", ["", "agenda/", "full/", "sessions/opening/"])
def test_what_is_not_translated_carries_its_language(client: Client, page: str, language: str) -> None:
    event = dialogue(title_en="An End")
    session(event, slug="opening", title_en="Opening words")
    output(event, text_en="Work is shown.")

    body = read(client.get(address(event, page, language))).one("main")

    words = {"": "An End", "agenda/": "Opening words", "full/": "Work is shown.", "sessions/opening/": "Opening words"}
    holders = [element for element in body.below() if element.text == words[page] and element.get("lang")]
    assert {element["lang"] for element in holders} == {"en"}


# Elsewhere -------------------------------------------------------------------------------------------------


def home_block(client: Client) -> str:
    sections = read(client.get("/en/")).all("section", aria_labelledby="dialogue")
    return " ".join(section.text for section in sections)


def test_the_home_page_tells_of_the_next_or_last_dialogue(client: Client) -> None:
    assert home_block(client) == ""

    dialogue(title_en="Long ago", starts_at=datetime(2016, 5, 5, 9, tzinfo=UTC))
    dialogue(title_en="The last")
    live(title_en="Invented", is_example=True)
    upcoming(title_en="Called off", status="cancelled", status_note_en="No hall.")
    draft(title_en="Plan", starts_at=timezone.now() + timedelta(days=1))
    assert home_block(client).startswith(
        "The last dialogue The last Wednesday, 21 March 2018, 13:30–15:00, Geneva (CET, UTC+01:00)"
    )

    upcoming(title_en="Later", starts_at=timezone.now() + timedelta(days=40))
    upcoming(title_en="Soon")
    assert home_block(client).startswith("The next dialogue Soon")

    live(title_en="On")
    assert home_block(client).startswith("A dialogue is going on now On")


def test_the_home_block_takes_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    dialogue()
    template = Template("{% load dialogue %}{% next_dialogue %}")

    with translation.override("en"), django_assert_num_queries(1):
        assert "Dialogue" in template.render(Context())


def entity_block(entity: Any) -> str:
    with translation.override("en"):
        html = Template("{% load dialogue %}{% entity_dialogues entity %}").render(Context({"entity": entity}))
    return " ".join(re.sub("<[^>]+>", " ", html).split())


def test_an_entity_has_its_dialogues(client: Client) -> None:
    entity = EntityFactory(slug="union")
    organized = dialogue(title_en="Organized")
    organized.organizers.add(entity)
    joined = dialogue(title_en="Took part")
    for _number in range(2):
        part(joined, session=session(joined), entity=entity, person=Person.objects.first() or person(name="Ada Head"))
    dialogue(title_en="Of others")
    part(draft(title_en="Secret plan"), entity=entity)
    part(joined, session=session(joined, state="draft"), entity=entity, person=person(name="Secret Speaker"))
    live(title_en="Invented", is_example=True).organizers.add(entity)

    block = entity_block(entity)

    assert "Organized Organizer" in block
    assert "Took part Panellist: Ada Head" in block
    assert block.count("Ada Head") == 1
    for hidden in ("Of others", "Secret", "Invented"):
        assert hidden not in block
    assert "Took part" in text_of(client, "/en/coalition/entities/union/")


def test_an_entity_that_was_made_up_has_made_up_dialogues() -> None:
    entity = EntityFactory(is_example=True)
    dialogue(title_en="Real").organizers.add(entity)
    live(title_en="Invented", is_example=True).organizers.add(entity)

    assert "Invented" in entity_block(entity)
    assert "Real" not in entity_block(entity)


@pytest.mark.parametrize("rows", [1, 3])
def test_queries_of_an_entitys_dialogues(rows: int, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    entity = EntityFactory()
    for _number in range(rows):
        part(dialogue(), entity=entity, person=person())

    with django_assert_num_queries(2):
        entity_block(entity)


def test_the_sitemap_holds_what_is_real_and_public(client: Client) -> None:
    event = dialogue(slug="real-one")
    part(event, person=person(slug="real-person"))
    draft(slug="plan")
    part(dialogue(slug="invented-one", is_example=True), person=person(slug="invented-person", is_example=True))
    person(slug="without-a-part")

    def found(section: str) -> set[str]:
        body = client.get(f"/sitemap-{section}.xml").content.decode()
        return set(re.findall(r"<loc>[^<]*/en/(?:dialogues|people)/([\w-]+)/</loc>", body))

    assert found("dialogues") == {"real-one"}
    assert found("people") == {"real-person"}


def test_the_page_about_the_portal_leads_to_the_dialogues(client: Client) -> None:
    links = [link["href"] for link in read(client.get("/en/about/")).one("main").all("a")]

    assert LIST in links


def test_a_published_letter_of_the_portal_is_a_node(client: Client) -> None:
    published_letter(title_fr="Lettre")

    assert chain(client) == ["Letter of Intent"]
