"""The library as a reader meets it: list, filters, pages, one resource, and what stays hidden."""

import json
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from ewaste_portal.models import Country
from knowledge import actions
from knowledge.models import Resource, Topic
from tests.coalition.factories import initiative
from tests.factories import (
    EditionFactory,
    EntityFactory,
    ResourceFactory,
    SynonymFactory,
    TopicFactory,
    UserFactory,
    published_resource,
    withdrawn_resource,
)
from tests.pages import Element, read

pytestmark = pytest.mark.django_db

LIST = "/en/resources/"
ORIGIN = "http://localhost:8000"
HOSTILE = {
    "nul": "\x00 e\x00waste",
    "10 000 characters": "e-waste " * 1250,
    "10 000 letters": "x" * 10_000,
    "quotes and dashes": "'\";-- DROP TABLE knowledge_resource",
    "emoji": "♻️🔋👩🏽‍🔧",
    "right-to-left marks": "\u202e\u200f\u2066نفايات\u2069",
    "operators": '-"OR" & | ! :* <-> ((( "',
    "minus only": "- -- ---",
    "markup": "<script>alert(1)</script><b>&amp;",
    "private characters": "\ue000mark\ue001",
    "percent": "100% %s %(x)s %%",
    "backslash": "\\ \\' \\u0000",
    "lone surrogate": "\ud800",
    "template": "{{ settings.SECRET_KEY }}{% debug %}",
    "path": "../../etc/passwd",
    "line ends": "a\r\nSet-Cookie: b=c",
}


def page(client: Client, address: str, *, status: int = 200) -> Element:
    response = client.get(address)
    assert response.status_code == status, (response.status_code, response.headers)
    return read(response)


def listed(client: Client, address: str = LIST) -> list[str]:
    return [title.text for title in page(client, address).all(class_="result__title")]


def options(html: Element, facet: str) -> list[tuple[str, str, str]]:
    """What a facet offers: value, name, count."""
    found = []
    for option in html.one("details", id=f"facet-{facet}").all("label", class_="facet__option"):
        count = option.one(class_="facet__count").text.strip(", ").split()[0].strip(",")
        found.append((option.one("input")["value"], option.one(class_="facet__label").text, count))
    return found


def notes(html: Element) -> list[str]:
    return [note.text for note in html.all(class_="results__note")]


def link(html: Element, text: str) -> str:
    return next(a["href"] for a in html.all("a") if a.text == text)


def meta(html: Element, name: str) -> list[str]:
    return [element["content"] for element in html.all("meta", name=name)]


def queries(client: Client, address: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return [query["sql"] for query in captured.captured_queries]


# The list ------------------------------------------------------------------------------------------


def test_list_shows_published_resources_only(client: Client) -> None:
    published_resource(original_title="Shown to all")
    EditionFactory(resource__original_title="Still a draft")
    review = EditionFactory(resource__original_title="In review").resource
    actions.submit(resource=review, by=UserFactory())
    withdrawn_resource(original_title="Taken back")

    html = page(client, LIST)

    assert [title.text for title in html.all(class_="result__title")] == ["Shown to all"]
    assert html.one(class_="results__count").text == "1 result"


def test_list_is_newest_first_and_sorts_by_title_and_age(client: Client) -> None:
    published_resource(original_title="Éclair", year=2015)
    published_resource(original_title="Zinc", year=2024)
    published_resource(original_title="Anode", year=None)

    assert listed(client) == ["Zinc", "Éclair", "Anode"]
    assert listed(client, f"{LIST}?sort=oldest") == ["Éclair", "Zinc", "Anode"]
    assert listed(client, f"{LIST}?sort=title") == ["Anode", "Éclair", "Zinc"]


def test_result_tells_type_year_languages_and_publishers(client: Client) -> None:
    who = EntityFactory(official_name_en="World Health Organization", short_name_en="WHO")
    published_resource(
        original_title="Children and dumpsites",
        year=2021,
        publishers=[who],
        editions=[{"language": "en"}, {"language": "fr"}],
    )

    result = page(client, LIST).one(class_="result")

    assert result.one("article").text == "Report 2021 English, French Children and dumpsites WHO"


def test_empty_parameters_are_dropped_from_the_address(client: Client) -> None:
    response = client.get(f"{LIST}?q=&type=report&year_from=&page=&sort=title")

    assert (response.status_code, response["Location"]) == (302, f"{LIST}?type=report&sort=title")


def test_address_without_empty_parameters_is_left_alone(client: Client) -> None:
    assert client.get(f"{LIST}?type=report&sort=title").status_code == 200


@pytest.mark.parametrize("facet", ["type", "topic", "language", "publisher", "place", "category", "target"])
def test_unknown_value_of_a_filter_is_named_and_left_out(client: Client, facet: str) -> None:
    published_resource(original_title="All the same")

    html = page(client, f"{LIST}?{facet}=no-such-value")

    assert "“no-such-value” is not a value of the filter" in html.one(class_="alert").text
    assert [title.text for title in html.all(class_="result__title")] == ["All the same"]
    assert html.all(class_="chip") == []


def test_known_value_that_nothing_has_is_no_mistake(client: Client) -> None:
    published_resource(resource_type="report")

    html = page(client, f"{LIST}?type=map")

    assert html.all(class_="alert") == []
    assert html.one(class_="results__count").text == "0 results"
    assert ("map", "Map", "0") in options(html, "type")


@pytest.mark.parametrize("typed", ["20x9", "1066", "3000", "-1", "٢٠١٩٩", "1e3", "2019.5"])
def test_nonsense_year_stays_in_its_field_with_an_error_beside_it(client: Client, typed: str) -> None:
    published_resource(original_title="All the same")

    html = page(client, f"{LIST}?{urlencode({'year_from': typed})}")

    year = html.one("input", name="year_from")
    assert (year["value"], year["aria-invalid"]) == (typed, "true")
    error = next(e for e in html.below() if e.get("id") and e["id"] in (year.get("aria-describedby") or "").split())
    assert error.text == "Error: Enter a year such as 2019."
    assert html.one("details", id="facet-year").get("open") is not None
    assert [title.text for title in html.all(class_="result__title")] == ["All the same"]


def test_years_include_both_ends(client: Client) -> None:
    for year in (2018, 2019, 2020, 2021):
        published_resource(original_title=f"Of {year}", year=year)

    assert listed(client, f"{LIST}?year_from=2019&year_to=2020") == ["Of 2020", "Of 2019"]


@pytest.mark.parametrize("number", ["0", "-1", "2", "99", "abc", "1e3", "١", "9" * 400, "1.0", "+1", "1 ", "last"])
def test_page_that_does_not_exist_is_a_kind_404(client: Client, number: str) -> None:
    published_resource()

    html = page(client, f"{LIST}?{urlencode({'page': number})}", status=404)

    assert html.one("h1").text == "Page not found"
    assert html.one("main").one("form", role="search")["action"] == LIST


@pytest.fixture
def three_pages(db: None) -> None:
    for number in range(41):
        published_resource(original_title=f"Number {number:02}", resource_type="dataset")
    published_resource(original_title="Another", resource_type="map")


def test_page_links_keep_the_filters(client: Client, three_pages: None) -> None:
    first = page(client, f"{LIST}?type=dataset&sort=title")
    second = page(client, f"{LIST}?type=dataset&sort=title&page=2")
    last = page(client, f"{LIST}?type=dataset&sort=title&page=3")

    def leads(html: Element) -> dict[str, list[str]]:
        return {rel: [a["href"] for a in html.all(rel=rel)] for rel in ("prev", "next")}

    assert leads(first) == {"prev": [], "next": ["?type=dataset&sort=title&page=2"] * 2}
    assert leads(second) == {"prev": ["?type=dataset&sort=title"] * 2, "next": ["?type=dataset&sort=title&page=3"] * 2}
    assert leads(last) == {"prev": ["?type=dataset&sort=title&page=2"] * 2, "next": []}
    assert [title.text for title in last.all(class_="result__title")] == ["Number 40"]
    assert last.one("ol", class_="result-list")["start"] == "41"
    assert second.one(class_="pagination").one(aria_current="page").text == "2"


def test_page_number_stands_in_the_title_and_the_count(client: Client, three_pages: None) -> None:
    html = page(client, f"{LIST}?page=2")

    assert html.one("title").text.startswith("Resources, page 2 –")
    assert html.one(class_="results__count").text == "42 results, page 2 of 3"


def test_canonical_address_has_what_counts_in_one_order(client: Client) -> None:
    published_resource(original_title="Copper")

    html = page(client, f"{LIST}?utm_source=mail&type=report&page=1&q=copper&sort=relevance&synonyms=on&target=99.9")

    assert html.one("link", rel="canonical")["href"] == f"{ORIGIN}{LIST}?q=copper&type=report"


def test_canonical_address_of_a_further_page_is_its_own(client: Client, three_pages: None) -> None:
    html = page(client, f"{LIST}?page=2&nonsense=1")

    assert html.one("link", rel="canonical")["href"] == f"{ORIGIN}{LIST}?page=2"


def test_alternates_are_the_same_search_in_six_languages(client: Client) -> None:
    html = page(client, f"{LIST}?type=report&nonsense=1")

    alternates = {a["hreflang"]: a["href"] for a in html.all("link", rel="alternate") if a.get("hreflang")}
    codes = {"ar": "ar", "zh-Hans": "zh-hans", "en": "en", "fr": "fr", "ru": "ru", "es": "es", "x-default": "en"}
    assert alternates == {tag: f"{ORIGIN}/{code}/resources/?type=report" for tag, code in codes.items()}


@pytest.mark.parametrize(
    ("query", "robots"),
    [
        ("", []),
        ("?sort=title", []),
        ("?type=report", ["noindex, follow"]),
        ("?q=copper", ["noindex, follow"]),
        ("?year_from=2019", ["noindex, follow"]),
        ("?type=no-such-value", []),
    ],
)
def test_only_the_plain_list_may_be_indexed(client: Client, query: str, robots: list[str]) -> None:
    published_resource(original_title="Copper")

    assert meta(page(client, LIST + query), "robots") == robots


def test_language_switcher_stays_on_the_search(client: Client) -> None:
    html = page(client, f"{LIST}?q=a+b&type=report&page=1")

    french = [a["href"] for a in html.all("a", hreflang="fr")]
    assert french == ["/fr/resources/?q=a+b&type=report&page=1"] * 2


# Filters ---------------------------------------------------------------------------------------------


def test_facets_have_counts_and_names_in_the_language_of_the_reader(client: Client) -> None:
    batteries = TopicFactory(slug="batteries", name_en="Batteries", name_fr="Piles et batteries")
    who = EntityFactory(slug="who", official_name_en="World Health Organization", short_name_fr="OMS")
    ghana = Country.objects.get(pk="GHA")
    for _ in range(2):
        published_resource(topics=[batteries], publishers=[who], countries=[ghana], editions=[{"language": "es"}])
    published_resource(resource_type="map", sdg_targets=["12.5"], categories=["lamps"])

    html = page(client, "/fr/resources/")

    assert options(html, "type") == [("report", "Rapport", "2"), ("map", "Carte", "1")]
    assert options(html, "topic") == [("batteries", "Piles et batteries", "2")]
    assert options(html, "publisher") == [("who", "OMS", "2")]
    assert options(html, "language") == [("es", "Espagnol", "2"), ("en", "Anglais", "1")]
    assert ("GHA", "Ghana", "2") in options(html, "place")
    assert [option[::2] for option in options(html, "category")] == [("lamps", "1")]
    assert [option[::2] for option in options(html, "target")] == [("12.5", "1")]


def test_facet_ignores_only_its_own_choice(client: Client) -> None:
    published_resource(resource_type="report", editions=[{"language": "en"}])
    published_resource(resource_type="report", editions=[{"language": "fr"}])
    published_resource(resource_type="map", editions=[{"language": "en"}])

    html = page(client, f"{LIST}?type=report&language=en")

    assert html.one(class_="results__count").text == "1 result"
    assert options(html, "type") == [("report", "Report", "1"), ("map", "Map", "1")]
    assert options(html, "language") == [("en", "English", "1"), ("fr", "French", "1")]


def test_values_of_a_facet_add_up_and_facets_narrow(client: Client) -> None:
    published_resource(original_title="Report in English", resource_type="report")
    published_resource(original_title="Map in English", resource_type="map")
    published_resource(original_title="Video in English", resource_type="video")
    published_resource(original_title="Map in French", resource_type="map", editions=[{"language": "fr"}])

    assert sorted(listed(client, f"{LIST}?type=report&type=map&language=en")) == ["Map in English", "Report in English"]


def test_counts_leave_out_what_is_hidden(client: Client) -> None:
    topic = TopicFactory(slug="health")
    published_resource(topics=[topic])
    EditionFactory(resource=ResourceFactory(topics=[topic]))
    withdrawn_resource(topics=[topic])

    html = page(client, LIST)

    assert options(html, "topic") == [("health", topic.name_en, "1")]
    assert options(html, "language") == [("en", "English", "1")]


def test_chosen_values_stay_in_sight_and_can_be_removed_one_by_one(client: Client) -> None:
    published_resource(original_title="Copper", resource_type="map")

    html = page(client, f"{LIST}?q=copper&type=report&type=map&year_to=2025")

    chips = {chip.one("bdi").text: chip["href"] for chip in html.all("a", class_="chip")}
    assert chips == {
        "Report": f"{LIST}?q=copper&type=map&year_to=2025",
        "Map": f"{LIST}?q=copper&type=report&year_to=2025",
        "2025": f"{LIST}?q=copper&type=report&type=map",
    }
    assert html.one("a", class_="chips__clear")["href"] == f"{LIST}?q=copper"
    assert options(html, "type") == [("map", "Map", "1"), ("report", "Report", "0")]
    checked = [i["value"] for i in html.all("input", name="type") if i.get("checked") is not None]
    assert checked == ["map", "report"]


def test_chips_are_named_in_the_language_of_the_reader(client: Client) -> None:
    published_resource(publishers=[EntityFactory(slug="who", short_name_en="WHO", short_name_ar="المنظمة")])

    html = page(client, "/ar/resources/?publisher=who&type=report&language=fr")

    assert [chip.one("bdi").text for chip in html.all("a", class_="chip")] == ["تقرير", "الفرنسية", "المنظمة"]


def test_long_facet_folds_and_leads_to_all_its_values(client: Client) -> None:
    for number in range(50):
        published_resource(
            publishers=[EntityFactory(slug=f"publisher-{number:02}", official_name_en=f"Publisher {number:02}")]
        )

    html = page(client, f"{LIST}?type=report")

    facet = html.one("details", id="facet-publisher")
    assert len(facet.all("label", class_="facet__option")) == 48
    assert len(facet.one("details", class_="facet__more").all("label")) == 40
    everything = page(client, facet.one(class_="facet__all").one("a")["href"])
    values = everything.one("ul", class_="columns").all("li")
    assert [value.text for value in values] == [f"Publisher {number:02} 1" for number in range(50)]
    assert values[7].one("a")["href"] == f"{LIST}?type=report&publisher=publisher-07"
    assert link(everything, "Back to the results") == f"{LIST}?type=report"
    assert meta(everything, "robots") == ["noindex, follow"]


# Words -------------------------------------------------------------------------------------------------


def test_words_find_and_stand_in_the_box_and_the_title(client: Client) -> None:
    published_resource(original_title="Copper & gold")
    published_resource(original_title="Lead")

    html = page(client, f"{LIST}?{urlencode({'q': 'copper & gold'})}")

    assert [title.text for title in html.all(class_="result__title")] == ["Copper & gold"]
    assert html.one("input", id="q")["value"] == "copper & gold"
    assert html.one("title").text.startswith("Search: copper & gold –")
    assert [mark.text for mark in html.one(class_="result__title").all("mark")] == ["Copper", "gold"]


def test_typing_error_is_answered_with_a_link(client: Client) -> None:
    published_resource(original_title="Recycling of batteries")

    html = page(client, f"{LIST}?q=baterries")

    assert [note for note in notes(html) if note.startswith("Did you mean")] == ["Did you mean batteries?"]
    assert listed(client, link(html, "batteries")) == ["Recycling of batteries"]


def test_words_of_the_same_meaning_are_told_and_can_be_switched_off(client: Client) -> None:
    SynonymFactory(terms=["e-waste", "WEEE", "DEEE"])
    published_resource(original_title="WEEE in Ghana")
    published_resource(original_title="E-waste in Ghana")

    html = page(client, f"{LIST}?q=e-waste+Ghana")

    assert len(html.all(class_="result")) == 2
    note = html.one("details", class_="results__note")
    assert note.one("summary").text == "“e-waste” was also searched for in 2 other wordings"
    assert [word.text for word in note.all("bdi")] == ["WEEE", "DEEE"]
    off = link(html, "Search only for the words as typed")
    assert off == f"{LIST}?q=e-waste+Ghana&synonyms=off"
    assert listed(client, off) == ["E-waste in Ghana"]
    back = link(page(client, off), "Search for words of the same meaning too")
    assert back == f"{LIST}?q=e-waste+Ghana"


def test_some_of_the_words_are_better_than_nothing_and_are_told(client: Client) -> None:
    published_resource(original_title="Copper")

    html = page(client, f"{LIST}?q=copper+moonshine")

    assert [title.text for title in html.all(class_="result__title")] == ["Copper"]
    assert "No resource has all of these words. These have some of them, the best first." in notes(html)


@pytest.mark.parametrize("typed", ["the of and", "--", "!!!", "'\";--"])
def test_search_without_a_word_gives_all_or_a_sentence(client: Client, typed: str) -> None:
    published_resource(original_title="Copper")

    html = page(client, f"{LIST}?{urlencode({'q': typed})}")

    sentence = " ".join([*notes(html), *(empty.text for empty in html.all(class_="empty"))])
    assert "The search has no word to look for" in sentence


def test_nothing_found_offers_ways_on(client: Client) -> None:
    published_resource(original_title="Copper", resource_type="map")

    html = page(client, f"{LIST}?q=copper&type=report")

    empty = html.one(class_="empty")
    assert empty.one("h3").text == "Nothing was found"
    assert link(empty, "All resources for “copper”") == f"{LIST}?q=copper"
    assert link(empty, "All resources") == LIST


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize(
    "name", ["q", "type", "topic", "publisher", "place", "language", "year_from", "sort", "page", "format"]
)
def test_hostile_input_never_breaks_the_list(client: Client, name: str, hostile: str) -> None:
    published_resource(original_title="E-waste")

    response = client.get(f"{LIST}?{urlencode({name: hostile}, errors='surrogatepass')}")

    assert response.status_code in ({200, 404} if name == "page" else {200})
    assert len(read(response).all("h1")) == 1
    assert [script for script in read(response).all("script") if "alert" in script.text] == []


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize(
    "address",
    ["/en/resources/suggest/", "/ar/resources/", "/zh-hans/resources/", "/en/resources/browse/topic/", "/en/contact/"],
)
def test_hostile_words_never_break_a_page(client: Client, address: str, hostile: str) -> None:
    published_resource(original_title="E-waste")
    query = urlencode({"q": hostile, "subject": hostile, "page": hostile}, errors="surrogatepass")

    response = client.get(
        f"{address}?{query if 'contact' in address else urlencode({'q': hostile}, errors='surrogatepass')}"
    )

    assert response.status_code == 200


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("format", ["atom", "csv"])
def test_hostile_words_never_break_a_download(client: Client, format: str, hostile: str) -> None:
    published_resource(original_title="E-waste")

    response = client.get(f"{LIST}?{urlencode({'q': hostile, 'format': format}, errors='surrogatepass')}")

    assert response.status_code == 200
    assert b"".join(response) != b""


@pytest.mark.parametrize(
    "tail", ["%00", "%F0%9F%98%80", "a%00b", "..%2f..%2fetc", "%ED%A0%80", "x" * 3000, "%27%22--", "a.b.json"]
)
def test_hostile_path_is_a_404(client: Client, tail: str) -> None:
    for address in (f"{LIST}{tail}/", f"/en/topics/{tail}/", f"/en/coalition/entities/{tail}/"):
        assert client.get(address).status_code == 404


def test_thousand_values_of_a_filter_do_no_harm(client: Client) -> None:
    published_resource()

    assert client.get(LIST + "?" + "&".join(f"topic=topic-{number}" for number in range(900))).status_code == 200


# What a page costs ---------------------------------------------------------------------------------------


def fill(number: int) -> None:
    topic, entity = TopicFactory(), EntityFactory(official_name_ar="هيئة")
    for _ in range(number):
        published_resource(
            original_title="E-waste and copper", topics=[topic], publishers=[entity], sdg_targets=["12.5"], categories=["lamps"],
            countries=[Country.objects.get(pk="GHA")], editions=[{"language": "en"}, {"language": "ar"}],
        )  # fmt: skip


@pytest.mark.parametrize(
    ("address", "most"),
    [
        ("/en/resources/", 8),
        ("/ar/resources/", 8),
        ("/en/resources/?q=copper&type=report&topic=topic-x", 8),
        ("/zh-hans/resources/?q=copper", 8),
        ("/en/resources/?format=atom", 8),
        ("/en/resources/browse/", 8),
        ("/en/resources/browse/publisher/", 8),
        ("/en/resources/suggest/?q=copper", 8),
        ("/en/topics/", 8),
        ("/en/topics/topic-x/", 8),
        ("/en/coalition/entities/", 8),
        ("/en/coalition/entities/entity-x/", 12),
        ("/en/", 12),
    ],
)
def test_number_of_queries_does_not_grow_with_the_rows(client: Client, address: str, most: int) -> None:
    topic, entity = TopicFactory(slug="topic-x"), EntityFactory(slug="entity-x")
    counts = []
    for more in (1, 2, 37):  # 1, 3 and 40 rows
        for _ in range(more):
            published_resource(
                original_title="Copper", topics=[topic], publishers=[entity], countries=[Country.objects.get(pk="GHA")]
            )
        counts.append(len(queries(client, address)))

    one, three, forty = counts
    assert one <= three == forty  # one match alone needs no ranking
    assert forty <= most


def test_resource_page_needs_few_queries(client: Client) -> None:
    fill(3)
    resource = Resource.objects.all()[0]
    few = len(queries(client, resource.get_absolute_url()))
    fill(37)
    resource.topics.add(TopicFactory(), TopicFactory())
    resource.countries.add("KEN", "NGA")
    EditionFactory(resource=resource, language="fr")

    assert len(queries(client, resource.get_absolute_url())) == few <= 12


def test_initiatives_and_resources_name_each_other_where_both_are_public(client: Client) -> None:
    resource = published_resource(original_title="Manual on lamps")
    shown, hidden = initiative("Lamps back"), initiative("Secret plan", publication="submitted")
    resource.initiatives.set([shown, hidden])
    ResourceFactory(original_title="Draft on lamps").initiatives.set([shown])
    withdrawn_resource(original_title="Withdrawn on lamps").initiatives.set([shown])

    page, back = read(client.get(resource.get_absolute_url())), read(client.get(shown.get_absolute_url()))

    assert [a.text for a in page.all("a", href=shown.get_absolute_url())] == ["Lamps back"]
    assert "Secret plan" not in page.one("main").text
    assert [a.text for a in back.all("a", href=resource.get_absolute_url())] == ["Manual on lamps"]
    assert not any(title in back.one("main").text for title in ("Draft on lamps", "Withdrawn on lamps"))
    assert "Resources on this initiative" in back.one("main").text


def test_pages_without_the_other_have_no_heading_for_it(client: Client) -> None:
    resource, row = published_resource(), initiative()

    headings = [read(client.get(item.get_absolute_url())).all("h2") for item in (resource, row)]

    assert not {"Initiatives", "Resources on this initiative"} & {h2.text for page in headings for h2 in page}


def test_resources_of_an_initiative_stand_newest_first_with_publishers_in_their_language(client: Client) -> None:
    row, entity = initiative(), EntityFactory(official_name_en="Publisher")
    for year, title in ((2019, "Older"), (2021, "Newer")):
        published_resource(
            original_title=title, title_fr=f"{title} en français", year=year, publishers=[entity]
        ).initiatives.set([row])

    page = read(client.get(f"/fr{row.get_absolute_url().removeprefix('/en')}"))
    section = page.one("section", **{"aria-labelledby": "initiative-resources"})

    assert [title.text for title in section.all("h3")] == ["Newer en français", "Older en français"]
    assert section.text.count("Publisher") == 2


def test_queries_do_not_grow_with_initiatives_and_resources(client: Client) -> None:
    resource, row = published_resource(), initiative()
    counts = []
    for more in (1, 2, 17):
        for _ in range(more):
            resource.initiatives.add(initiative())
            published_resource(publishers=[EntityFactory(), EntityFactory()]).initiatives.add(row)
        counts.append([len(queries(client, item.get_absolute_url())) for item in (resource, row)])

    assert counts[0] == counts[1] == counts[2]
    assert max(counts[2]) <= 12


# One resource ----------------------------------------------------------------------------------------------


def full_resource(**fields: Any) -> Resource:
    who = EntityFactory(
        slug="who", official_name_en="World Health Organization", short_name_en="WHO", short_name_ar="المنظمة"
    )
    return published_resource(
        **{
            "slug": "children",
            "original_title": "Children and digital dumpsites",
            "original_subtitle": "E-waste exposure and child health",
            "title_ar": "الأطفال ومكبات النفايات الرقمية",
            "title_zh_hans": "儿童与数字垃圾场",
            "own_titles": ["ar"],
            "summary_en": "What e-waste does to children.",
            "summary_ar": "ماذا تفعل النفايات بالأطفال.",
            "authors": ["Adeola, M.", "Pronczuk, J."],
            "publishers": [who],
            "published_on": date(2021, 6, 15),
            "year": 2021,
            "doi": "10.1016/j.wasman.2019.08.012",
            "rights": "cc-by-nc-sa-3.0-igo",
            "editions": [
                {"language": "en", "isbn": "9789240023901", "url": "https://iris.who.int/en.pdf", "pages": 115},
                {"language": "fr", "url": "", "format": ""},
            ],
            **fields,
        }
    )


def test_translated_title_is_marked_as_ours_with_the_original_below(client: Client) -> None:
    full_resource()

    html = page(client, "/ar/resources/children/")

    assert (html.one("html")["lang"], html.one("html")["dir"]) == ("ar", "rtl")
    title = html.one("h1").one("bdi")
    assert (title.text, title["lang"], title["dir"]) == ("الأطفال ومكبات النفايات الرقمية", "ar", "rtl")
    with translation.override("ar"):
        assert html.one(class_="badge--quiet").text == translation.gettext("Title translated by this portal")
    original = html.one(class_="page-head").one("cite").one("bdi")
    assert original.text == "Children and digital dumpsites: E-waste exposure and child health"
    assert (original["lang"], original["dir"]) == ("en", "ltr")


def test_title_of_the_publisher_is_not_marked_as_ours(client: Client) -> None:
    full_resource()

    html = page(client, "/zh-hans/resources/children/")

    assert html.one("html")["lang"] == "zh-Hans"
    title = html.one("h1").one("bdi")
    assert (title.text, title["lang"], title["dir"]) == ("儿童与数字垃圾场", "zh", "ltr")
    assert html.all(class_="badge--quiet") == []
    assert (
        html.one(class_="page-head").one("cite").text
        == "Children and digital dumpsites: E-waste exposure and child health"
    )


def test_title_without_a_translation_is_the_original_with_its_language(client: Client) -> None:
    full_resource()

    html = page(client, "/fr/resources/children/")

    title = html.one("h1").one("bdi")
    assert (title.text, title["lang"], title["dir"]) == ("Children and digital dumpsites", "en", "ltr")
    assert html.one(class_="page-head").all("cite") == []
    summary = html.one(class_="prose")
    assert (summary.text, summary["lang"]) == ("What e-waste does to children.", "en")


def test_list_shows_our_title_with_the_original_below(client: Client) -> None:
    full_resource()

    arabic = page(client, "/ar/resources/").one(class_="result")
    chinese = page(client, "/zh-hans/resources/").one(class_="result")

    assert arabic.one(class_="result__title").text == "الأطفال ومكبات النفايات الرقمية"
    assert arabic.one(class_="result__original").one("bdi").attributes == {"lang": "en", "dir": "ltr"}
    assert chinese.one(class_="result__title").text == "儿童与数字垃圾场"
    assert chinese.all(class_="result__original") == []


def test_editions_say_where_to_read_them_and_that_none_is_recorded(client: Client) -> None:
    full_resource()

    rows = page(client, "/en/resources/children/").one("table").one("tbody").all("tr")

    assert [row.one("th").text for row in rows] == ["English", "Français French"]
    assert rows[0].one("a")["href"] == "https://iris.who.int/en.pdf"
    assert rows[0].one("a").text == "Open at iris.who.int (English)"
    assert rows[0].one("p").text == "PDF115 pagesISBN 978-924002390-1"
    assert "No online copy is recorded." in rows[1].text
    form = read(client.get(rows[1].one("a")["href"]))
    assert form.one("input", name="page")["value"] == f"{ORIGIN}/en/resources/children/"
    assert [o["value"] for o in form.one("select", name="subject").all("option") if o.get("selected") is not None] == [
        "address"
    ]


def test_facts_lead_to_publisher_topic_place_and_target(client: Client) -> None:
    full_resource(
        topics=[TopicFactory(slug="health", name_en="Health")],
        countries=[Country.objects.get(pk="GHA")],
        sdg_targets=["12.5"],
    )

    facts = page(client, "/en/resources/children/").one("dl", class_="facts")

    links = {a.text: a["href"] for a in facts.all("a")}
    assert links["WHO"] == "/en/coalition/entities/who/"
    assert links["Health"] == "/en/topics/health/"
    assert links["Ghana"] == "/en/resources/?place=GHA"
    assert "/en/resources/?target=12.5" in links.values()
    assert links["10.1016/j.wasman.2019.08.012"] == "https://doi.org/10.1016/j.wasman.2019.08.012"
    assert f"{ORIGIN}/en/resources/children/" in facts.text


def test_json_ld_says_what_the_resource_is(client: Client) -> None:
    full_resource()

    data = json.loads(page(client, "/ar/resources/children/").one("script", type="application/ld+json").text)

    assert {
        name: data[name] for name in ("@type", "name", "alternateName", "inLanguage", "datePublished", "license")
    } == {
        "@type": "Report",
        "name": "Children and digital dumpsites: E-waste exposure and child health",
        "alternateName": "الأطفال ومكبات النفايات الرقمية",
        "inLanguage": ["en", "fr"],
        "datePublished": "2021-06-15",
        "license": "https://creativecommons.org/licenses/by-nc-sa/3.0/igo/",
    }
    assert data["publisher"] == [{"@type": "Organization", "name": "World Health Organization"}]
    assert [author["name"] for author in data["author"]] == ["Adeola, M.", "Pronczuk, J."]
    assert data["workExample"][0]["isbn"] == "9789240023901"


def test_json_ld_cannot_end_its_script_element(client: Client) -> None:
    title = '</script><script>alert("x")</script><!-- & \u2028 ]]>'
    full_resource(original_title=title)

    response = client.get("/en/resources/children/")

    html = read(response)
    data = json.loads("".join(html.one("script", type="application/ld+json").pieces()))
    assert data["name"].startswith(title)
    assert [script["type"] for script in html.all("script")] == ["module", "application/ld+json"]


def test_reference_managers_find_their_tags(client: Client) -> None:
    full_resource()

    html = page(client, "/en/resources/children/")

    assert {name: meta(html, name) for name in ("citation_title", "citation_author", "citation_publication_date")} == {
        "citation_title": ["Children and digital dumpsites: E-waste exposure and child health"],
        "citation_author": ["Adeola, M.", "Pronczuk, J."],
        "citation_publication_date": ["2021/06/15"],
    }
    assert meta(html, "citation_technical_report_institution") == ["World Health Organization"]
    assert meta(html, "citation_doi") == ["10.1016/j.wasman.2019.08.012"]
    assert meta(html, "citation_isbn") == ["9789240023901"]
    assert meta(html, "citation_pdf_url") == ["https://iris.who.int/en.pdf"]
    assert meta(html, "DC.creator") == ["Adeola, M.", "Pronczuk, J."]
    assert meta(html, "DC.date") == ["2021-06-15"]


def test_page_tells_social_networks_its_title_and_address(client: Client) -> None:
    full_resource()

    html = page(client, "/en/resources/children/?utm_source=x")

    assert html.one("meta", property="og:title")["content"] == "Children and digital dumpsites"
    assert html.one("meta", property="og:url")["content"] == f"{ORIGIN}/en/resources/children/"
    assert html.one("link", rel="canonical")["href"] == f"{ORIGIN}/en/resources/children/"
    assert meta(html, "robots") == []


# What is hidden, gone or moved --------------------------------------------------------------------------------


def everywhere(resource: Resource) -> dict[str, int | bool]:
    """Every address by which a resource could be seen; True where a page that lists resources names it."""
    client, title = Client(), resource.original_title
    own = [
        resource.get_absolute_url(),
        *(f"{resource.get_absolute_url()[:-1]}.{ending}" for ending in ("bib", "ris", "json")),
    ]
    lists = [
        f"{LIST}?q=secretive", LIST, f"{LIST}?format=atom", f"{LIST}?format=csv",
        f"{LIST}?{urlencode({'q': resource.doi})}", "/en/", "/en/topics/hidden/", "/en/coalition/entities/hidden/",
        "/en/resources/suggest/?q=secretive",
        "/sitemap-resources.xml", "/en/resources/neighbour/",
    ]  # fmt: skip
    seen: dict[str, int | bool] = {address: client.get(address).status_code for address in own}
    for address in lists:
        response = client.get(address)
        assert response.status_code == 200, address
        text = b"".join(response).decode()
        seen[address] = title in text or f"/resources/{resource.slug}/" in text
    return seen


@pytest.fixture
def hidden(db: None) -> Resource:
    topic, entity = TopicFactory(slug="hidden"), EntityFactory(slug="hidden")
    published_resource(slug="neighbour", original_title="Neighbour", topics=[topic], publishers=[entity])
    fields = {"topics": [topic], "publishers": [entity], "doi": "10.1016/j.wasman.2019.08.012"}
    return EditionFactory(resource=ResourceFactory(slug="secret", original_title="Secretive", **fields)).resource


def test_draft_is_seen_by_no_address(hidden: Resource) -> None:
    draft = everywhere(hidden)
    actions.submit(resource=hidden, by=UserFactory())
    in_review = everywhere(hidden)
    actions.publish(resource=hidden, by=UserFactory())
    published = everywhere(hidden)

    assert [seen for seen in draft.values() if seen not in {404, False}] == []
    assert in_review == draft
    assert [address for address, seen in published.items() if seen not in {200, True}] == []


def test_withdrawn_is_seen_only_as_a_tombstone(hidden: Resource) -> None:
    actions.publish(resource=hidden, by=UserFactory())
    actions.withdraw(resource=hidden, by=UserFactory(), reason="Found to be wrong.")

    seen = everywhere(hidden)

    assert seen.pop("/en/resources/secret/") == 410
    assert [address for address, answer in seen.items() if answer not in {404, 410, False}] == []


def test_tombstone_says_since_when_and_why(client: Client) -> None:
    resource = published_resource(slug="gone", original_title="A report of the past")
    actions.withdraw(
        resource=resource,
        by=UserFactory(),
        reason="Replaced <b>by</b> a newer one.",
        at=datetime(2025, 3, 9, 12, tzinfo=UTC),
    )

    html = page(client, "/en/resources/gone/", status=410)

    facts = {row.one("dt").text: row.one("dd") for row in html.one("dl", class_="facts").all("div")}
    assert facts["Title"].text == "A report of the past"
    assert facts["Withdrawn on"].one("time")["datetime"] == "2025-03-09"
    assert facts["Reason"].text == "Replaced <b>by</b> a newer one."
    assert meta(html, "robots") == ["noindex, follow"]
    assert html.all("script", type="application/ld+json") == []


def test_past_slug_leads_to_the_address_of_today(client: Client) -> None:
    resource, topic = published_resource(slug="old-name"), TopicFactory(slug="old-topic")
    Resource.objects.filter(pk=resource.pk).update(slug="new-name")
    Topic.objects.filter(pk=topic.pk).update(slug="new-topic")

    answers = [client.get(address) for address in ("/fr/resources/old-name/", "/fr/topics/old-topic/")]

    assert [(a.status_code, a["Location"]) for a in answers] == [
        (301, "/fr/resources/new-name/"),
        (301, "/fr/topics/new-topic/"),
    ]


def test_past_slug_of_a_draft_tells_nothing(client: Client) -> None:
    resource = ResourceFactory(slug="old-draft")
    Resource.objects.filter(pk=resource.pk).update(slug="new-draft")

    assert client.get("/en/resources/old-draft/").status_code == 404


# Ways in ------------------------------------------------------------------------------------------------------------


def test_browse_page_names_values_with_counts(client: Client) -> None:
    published_resource(resource_type="map")
    published_resource(resource_type="map")
    EditionFactory(resource__resource_type="video")

    section = page(client, "/en/resources/browse/").one("section", aria_labelledby="browse-type")

    assert [(chip.text, chip["href"]) for chip in section.all("a", class_="chip")] == [
        ("Map 2", "/en/resources/?type=map")
    ]


def test_all_values_of_a_facet_are_on_a_page(client: Client) -> None:
    published_resource(sdg_targets=["12.5", "3.9"])

    html = page(client, "/fr/resources/browse/target/")

    values = html.one("ul", class_="columns").all("li")
    assert [value.one("a")["href"] for value in values] == ["/fr/resources/?target=3.9", "/fr/resources/?target=12.5"]
    assert client.get("/en/resources/browse/nonsense/").status_code == 404


def test_topics_count_what_is_published(client: Client) -> None:
    topic = TopicFactory(name_en="Batteries", name_es="Baterías", slug="batteries")
    published_resource(topics=[topic])
    EditionFactory(resource=ResourceFactory(topics=[topic]))
    withdrawn_resource(topics=[topic])

    card = page(client, "/en/topics/").one(class_="card")

    assert card.one("a").attributes["href"] == "/en/topics/batteries/"
    assert card.one(class_="card__foot").text == "1 resource"
    assert page(client, "/es/topics/").one(class_="card__title").text == "Baterías"


def test_topic_page_shows_its_newest_and_who_publishes_on_it(client: Client) -> None:
    topic, other = (
        TopicFactory(slug="batteries", introduction_en="All *about* them."),
        TopicFactory(name_en="Lamps", slug="lamps"),
    )
    who = EntityFactory(slug="who", short_name_en="WHO")
    published_resource(original_title="Old", year=2001, topics=[topic], publishers=[who])
    published_resource(original_title="New", year=2024, topics=[topic, other])
    published_resource(original_title="Elsewhere", topics=[other])

    html = page(client, "/en/topics/batteries/")

    assert [title.text for title in html.all(class_="result__title")] == ["New", "Old"]
    assert html.one(class_="lead").one("em").text == "about"
    links = {a.text: a["href"] for a in html.one("aside").all("a")}
    assert links["WHO"] == "/en/resources/?topic=batteries&publisher=who"
    assert links["Lamps"] == "/en/topics/lamps/"


def test_introduction_of_a_topic_cannot_carry_a_script(client: Client) -> None:
    TopicFactory(
        slug="batteries",
        introduction_en='<script>alert(1)</script><a href="javascript:alert(1)" onclick="x">a</a> [b](javascript:x)',
    )

    html = page(client, "/en/topics/batteries/")

    lead = html.one("div", class_="lead")
    assert lead.all("script") == []
    assert [a for a in lead.all("a") if "javascript" in (a.get("href") or "") or a.get("onclick")] == []


def test_suggestions_are_titles_with_their_addresses(client: Client) -> None:
    full_resource()
    withdrawn_resource(original_title="Children, withdrawn")

    answer = client.get("/ar/resources/suggest/?q=children")

    assert answer.json() == {
        "suggestions": [
            {
                "title": "الأطفال ومكبات النفايات الرقمية",
                "url": "/ar/resources/children/",
                "kind": "تقرير",
                "lang": "ar",
                "dir": "rtl",
            }
        ]
    }


@pytest.mark.parametrize("query", ["", "?q=", "?q=c", "?q=%20%20", "?q=zzzzzz"])
def test_suggestions_of_nothing_are_none(client: Client, query: str) -> None:
    full_resource()

    assert client.get(f"/en/resources/suggest/{query}").json() == {"suggestions": []}
