"""A search as a feed and as a table: the same address, read by the programs that will read it."""

import csv
import io
from datetime import date
from typing import Any
from urllib.parse import urlencode

import feedparser
import pytest
from django.test import Client

from tests.factories import EntityFactory, TopicFactory, published_resource, withdrawn_resource

pytestmark = pytest.mark.django_db

ORIGIN = "http://localhost:8000"


def feed(address: str) -> Any:
    response = Client().get(address)
    assert (response.status_code, response["Content-Type"]) == (200, "application/atom+xml; charset=utf-8")
    parsed = feedparser.parse(response.content, response_headers={"content-type": response["Content-Type"]})
    assert (parsed.bozo, parsed.get("bozo_exception")) == (0, None)
    return parsed


def table(address: str) -> list[dict[str, str]]:
    response = Client().get(address)
    assert (response.status_code, response["Content-Type"]) == (200, "text/csv; charset=utf-8")
    text = b"".join(response.streaming_content).decode()
    assert text[0] == "\ufeff"
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


# Feed ------------------------------------------------------------------------------------------------


def test_feed_is_the_search_at_the_same_address() -> None:
    published_resource(slug="map", original_title="A map", resource_type="map", summary_en="Where it goes.")
    published_resource(original_title="A report")
    withdrawn_resource(original_title="A map withdrawn", resource_type="map")

    parsed = feed("/en/resources/?type=map&format=atom")

    (entry,) = parsed.entries
    assert (entry.title, entry.summary) == ("A map", "Where it goes.")
    assert entry.link == entry.id == f"{ORIGIN}/en/resources/map/"
    assert [tag.term for tag in entry.tags] == ["Map"]
    links = {link.rel: link.href for link in parsed.feed.links}
    assert links == {
        "alternate": f"{ORIGIN}/en/resources/?type=map",
        "self": f"{ORIGIN}/en/resources/?type=map&format=atom",
    }
    assert parsed.feed.id == f"{ORIGIN}/en/resources/?type=map"


def test_feed_of_everything_knows_its_own_address() -> None:
    published_resource()

    links = {link.rel: link.href for link in feed("/en/resources/?format=atom").feed.links}

    assert links == {"alternate": f"{ORIGIN}/en/resources/", "self": f"{ORIGIN}/en/resources/?format=atom"}


def test_feed_speaks_the_language_of_its_address() -> None:
    published_resource(original_title="A map", title_zh_hans="地图 & <b>", resource_type="map")

    parsed = feed("/zh-hans/resources/?format=atom")

    assert parsed.feed.language == "zh-Hans"
    assert [tag.term for tag in parsed.entries[0].tags] == ["地图"]
    assert "地图 &" in parsed.entries[0].title


def test_feed_begins_with_the_newest_and_has_fifty_at_most() -> None:
    for number in range(52):
        published_resource(original_title=f"Of {1960 + number}", year=1960 + number)

    titles = [entry.title for entry in feed("/en/resources/?format=atom&sort=title").entries]

    assert titles == [f"Of {year}" for year in range(2011, 1961, -1)]


def test_feed_of_nothing_is_still_a_feed() -> None:
    assert feed("/en/resources/?q=nothing-like-it&format=atom").entries == []


@pytest.mark.parametrize("title", ["A & B <c> \"d\" 'e'", "]]>", "Отходы 电子 نفايات", "emoji ♻️", "</entry></feed>"])
def test_feed_survives_any_title(title: str) -> None:
    published_resource(original_title=title)

    (entry,) = feed("/en/resources/?format=atom").entries

    assert entry.title_detail.value.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">") == title


@pytest.mark.parametrize("character", ["\x0b", "\x01", "\ufffe", "\x1f"])
def test_character_that_xml_forbids_does_not_break_the_feed(character: str) -> None:
    published_resource(original_title=f"Bad{character} title", summary_en=f"Bad{character} summary")

    assert len(feed("/en/resources/?format=atom").entries) == 1


def test_character_that_xml_forbids_in_the_words_does_not_break_the_feed() -> None:
    published_resource(original_title="Copper")

    feed("/en/resources/?" + urlencode({"q": "copper\x0b\x01", "format": "atom"}))


# Table -----------------------------------------------------------------------------------------------------


def test_table_has_all_of_the_search_in_its_order() -> None:
    topic = TopicFactory(slug="health")
    for number in range(25):
        published_resource(original_title=f"Number {number:02}", topics=[topic], year=2000 + number)
    published_resource(original_title="Another")
    withdrawn_resource(original_title="Withdrawn", topics=[topic])

    rows = table("/en/resources/?topic=health&format=csv")

    assert [row["original_title"] for row in rows] == [f"Number {number:02}" for number in range(24, -1, -1)]


def test_row_tells_what_the_page_tells() -> None:
    who = EntityFactory(official_name_en="World Health Organization", short_name_en="WHO")
    published_resource(
        slug="children", original_title="Children", title_fr="Les enfants", own_titles=["fr"], summary_fr="Un résumé, « long ».",
        authors=["Adeola, M.", "Pronczuk, J."], publishers=[who, EntityFactory(official_name_en="Other")], year=2021,
        published_on=date(2021, 6, 15), rights="cc0", doi="10.1016/j.wasman.2019.08.012",
        editions=[
            {"language": "en", "isbn": "9789240023901", "url": "https://example.org/en.pdf"}, {"language": "fr", "url": ""},
        ],
    )  # fmt: skip

    assert table("/fr/resources/?format=csv") == [
        {
            "address": f"{ORIGIN}/fr/resources/children/", "original_title": "Children", "original_subtitle": "",
            "original_language": "en", "title": "Les enfants", "title_is_ours": "yes", "type": "Rapport", "year": "2021",
            "published_on": "2021-06-15", "publishers": "WHO; Other", "journal": "", "authors": "Adeola, M.; Pronczuk, J.",
            "languages": "en; fr", "rights": "cc0", "doi": "10.1016/j.wasman.2019.08.012", "isbn": "9789240023901",
            "links": "https://example.org/en.pdf", "summary": "Un résumé, « long ».",
        }
    ]  # fmt: skip


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r="])
def test_cell_that_a_spreadsheet_would_compute_is_text(start: str) -> None:
    published_resource(original_title=f'{start}HYPERLINK("https://evil.example")', authors=[f"{start}1+1"])

    (row,) = table("/en/resources/?format=csv")

    assert row["original_title"][0] == row["title"][0] == row["authors"][0] == "'"


def test_plain_cell_has_no_apostrophe() -> None:
    published_resource(original_title="E-waste = a resource")

    assert table("/en/resources/?format=csv")[0]["original_title"] == "E-waste = a resource"


def test_table_is_saved_as_a_file_and_not_indexed() -> None:
    response = Client().get("/en/resources/?format=csv")

    assert response["Content-Disposition"] == 'attachment; filename="e-waste-resources.csv"'
    assert response["X-Robots-Tag"] == Client().get("/en/resources/?format=atom")["X-Robots-Tag"] == "noindex"


@pytest.mark.parametrize("language", ["ar", "zh-hans", "fr", "ru", "es"])
def test_name_of_the_file_is_one_that_browsers_take(language: str) -> None:
    header = Client().get(f"/{language}/resources/?format=csv")["Content-Disposition"]

    assert header.isascii()
    assert header.startswith("attachment; filename")
