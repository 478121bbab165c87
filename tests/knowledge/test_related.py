"""Related resources: near in topic, publisher and words; never a hidden one, never itself."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from knowledge.models import Resource
from knowledge.related import related
from tests.factories import (
    EditionFactory,
    EntityFactory,
    ResourceFactory,
    TopicFactory,
    published_resource,
    withdrawn_resource,
)
from tests.pages import read

pytestmark = pytest.mark.django_db


def near(resource: Resource, **options: int) -> list[str]:
    return [other.original_title for other in related(resource, **options)]


def test_what_shares_more_comes_first() -> None:
    topic, other, who = TopicFactory(), TopicFactory(), EntityFactory()
    one = published_resource(original_title="Batteries in Ghana", topics=[topic, other], publishers=[who])
    published_resource(original_title="Copper", topics=[topic], year=2024)
    published_resource(original_title="Lead", topics=[topic, other], publishers=[who], year=2001)
    published_resource(original_title="Zinc")

    assert near(one) == ["Lead", "Copper"]


def test_like_words_in_the_title_come_first_among_equals() -> None:
    topic = TopicFactory()
    one = published_resource(original_title="Batteries of phones", topics=[topic])
    published_resource(original_title="Copper in cables", topics=[topic], year=2024)
    published_resource(original_title="Phones and their batteries", topics=[topic], year=2001)

    assert near(one) == ["Phones and their batteries", "Copper in cables"]


def test_hidden_resources_are_never_related() -> None:
    topic = TopicFactory()
    one = published_resource(original_title="One", topics=[topic])
    published_resource(original_title="Shown", topics=[topic])
    EditionFactory(resource=ResourceFactory(original_title="Draft", topics=[topic]))
    withdrawn_resource(original_title="Withdrawn", topics=[topic])

    assert near(one) == ["Shown"]


def test_nothing_in_common_is_nothing_related() -> None:
    one = published_resource(original_title="One", topics=[TopicFactory()])
    alone = published_resource(original_title="Alone")

    assert near(one) == near(alone) == []


def test_five_at_most_and_as_many_as_there_are() -> None:
    topic, who = TopicFactory(), EntityFactory()
    one = published_resource(topics=[topic], publishers=[who])
    for _ in range(4):
        published_resource(topics=[topic], publishers=[who])
    for _ in range(4):
        published_resource(topics=[topic])

    assert (len(near(one)), len(near(one, limit=3)), len(near(one, limit=20))) == (5, 3, 8)


def test_merged_publisher_still_relates() -> None:
    old, new = EntityFactory(), EntityFactory()
    one = published_resource(original_title="One", publishers=[old])
    published_resource(original_title="Other", publishers=[new])
    old.merged_into = new
    old.save()

    assert near(one) == ["Other"]


def test_related_resources_need_three_queries_at_most() -> None:
    topic = TopicFactory()
    one = published_resource(topics=[topic])
    for _ in range(6):
        published_resource(topics=[topic])

    with CaptureQueriesContext(connection) as captured:
        assert len(related(one)) == 5

    assert len(captured) <= 3


def test_page_shows_related_titles_in_the_language_of_the_reader() -> None:
    topic = TopicFactory()
    published_resource(slug="one", topics=[topic])
    published_resource(slug="other", original_title="Lamps", title_ar="مصابيح", topics=[topic])

    html = read(Client().get("/ar/resources/one/")).one("section", aria_labelledby="related-title")

    (title,) = html.all(class_="result__title")
    assert (title.text, title.one("a")["href"], title.one("bdi")["dir"]) == ("مصابيح", "/ar/resources/other/", "rtl")
