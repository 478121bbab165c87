from datetime import UTC, datetime

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from coalition.models import Membership
from tests.dialogue.factories import dialogue, draft, part, person, session
from tests.factories import EntityFactory

pytestmark = pytest.mark.django_db


def member(name: str, since: str, **fields: object) -> Membership:
    return Membership.objects.create(
        entity=EntityFactory(official_name_en=name), origin="recorded", state="active",
        state_since=datetime(2018, 3, 21, tzinfo=UTC), recorded_on=since, source_url="https://example.org/", **fields,
    )  # fmt: skip


def test_people_stand_with_the_title_of_then(client: Client) -> None:
    event, somebody = dialogue(), person(name="Amina Example")
    part(
        event,
        person=somebody,
        entity=EntityFactory(official_name_en="Today"),
        title_then="Minister",
        entity_then="Then",
    )

    page = client.get(f"/en/dialogues/{event.slug}/people/").content.decode()

    assert "<bdi>Minister</bdi>, <bdi>Then</bdi>" in page
    assert "Today" not in page


def test_parts_in_sessions_held_back_stay_hidden(client: Client) -> None:
    event, shown, hidden = dialogue(), person(name="Shown Person"), person(name="Hidden Person")
    part(event, person=shown)
    part(event, session=session(event, state="draft"), person=hidden)

    page = client.get(f"/en/dialogues/{event.slug}/people/").content.decode()

    assert ("Shown Person" in page, "Hidden Person" in page) == (True, False)
    assert client.get(hidden.get_absolute_url()).status_code == 404
    assert client.get(shown.get_absolute_url()).status_code == 200


def test_a_person_of_a_draft_alone_has_no_page(client: Client) -> None:
    somebody = person()
    part(draft(), person=somebody)

    assert client.get(somebody.get_absolute_url()).status_code == 404


def test_a_person_renamed_keeps_the_old_address(client: Client) -> None:
    somebody = person(slug="old")
    part(person=somebody)
    somebody.slug = "new"
    somebody.save(update_fields=["slug"])

    response = client.get("/en/people/old/")

    assert (response.status_code, response["Location"]) == (301, "/en/people/new/")


def test_the_difference_between_two_days(client: Client) -> None:
    member("Founder", "2018-03-21")
    member("Newcomer", "2019-04-10")

    rows = client.get("/en/dialogues/joined.csv?since=2018-03-21&until=2019-04-10").content.decode("utf-8-sig")

    assert [line.split(",")[0] + ":" + line.split(",")[7] for line in rows.splitlines()[1:]] == [
        "Founder:",
        "Newcomer:joined",
    ]
    page = client.get("/en/dialogues/joined/?since=2018-03-21&until=2019-04-09").content.decode()
    assert ("From 1 to 1" in page, "Newcomer" in page) == (True, False)


@pytest.mark.parametrize("query", ["since=yesterday", "since=2019-01-01&until=2018-01-01"])
def test_days_that_make_no_sense_get_a_sentence(client: Client, query: str) -> None:
    page = client.get(f"/en/dialogues/joined/?{query}")

    assert page.status_code == 400
    assert b"Enter a day" in page.content


@pytest.mark.parametrize("size", [1, 3])
def test_people_take_constant_queries(
    client: Client, size: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    event = dialogue()
    for _number in range(size):
        part(event, session=session(event), entity=EntityFactory(), person=person())

    with django_assert_num_queries(2):
        client.get(f"/en/dialogues/{event.slug}/people/")
