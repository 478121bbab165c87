"""The directory as a reader meets it: who is listed, found by which name, and where merged entities lead."""

from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from coalition import actions
from coalition.models import Entity
from ewaste_portal.models import Country
from tests.factories import EntityFactory, UserFactory, published_resource, withdrawn_resource
from tests.pages import Element, read

pytestmark = pytest.mark.django_db

LIST = "/en/coalition/entities/"


def page(client: Client, address: str, *, status: int = 200) -> Element:
    response = client.get(address)
    assert response.status_code == status
    return read(response)


def listed(client: Client, address: str = LIST) -> list[str]:
    return [title.text for title in page(client, address).all(class_="card__title")]


def test_list_shows_entities_by_name_and_no_merged_one(client: Client) -> None:
    kept = EntityFactory(official_name_en="World Health Organization", country=None)
    EntityFactory(
        official_name_en="Ministry of Environment", country=Country.objects.get(pk="GHA"), kind="national-government"
    )
    EntityFactory(official_name_en="WHO, the old record", merged_into=kept)

    html = page(client, LIST)

    assert [title.text for title in html.all(class_="card__title")] == [
        "Ministry of Environment",
        "World Health Organization",
    ]
    assert html.one(class_="results__count").text == "2 entities"
    assert html.all(class_="card__foot")[0].text.endswith("Ghana")


@pytest.mark.parametrize("words", ["World Health", "who", "الصحة العالمية", "世界卫生", "santé"])
def test_entity_is_found_by_any_of_its_names(client: Client, words: str) -> None:
    EntityFactory(
        official_name_en="World Health Organization", short_name_en="WHO", official_name_ar="منظمة الصحة العالمية",
        official_name_zh_hans="世界卫生组织", official_name_fr="Organisation mondiale de la santé",
    )  # fmt: skip
    EntityFactory(official_name_en="International Telecommunication Union")

    assert listed(client, f"{LIST}?{urlencode({'q': words})}") == ["World Health Organization"]


def test_kinds_have_counts_within_the_words(client: Client) -> None:
    EntityFactory(official_name_en="Copper United", kind="manufacturer")
    EntityFactory(official_name_en="Copper Nations", kind="un-body")
    EntityFactory(official_name_en="Lead Nations", kind="un-body")

    html = page(client, f"{LIST}?q=copper&kind=un-body")

    assert [title.text for title in html.all(class_="card__title")] == ["Copper Nations"]
    kinds = [
        (o.one("input")["value"], o.one("input").get("checked") is not None, o.one(class_="facet__count").text)
        for o in html.all(class_="facet__option")
    ]
    assert [(code, chosen) for code, chosen, _count in kinds if chosen] == [("un-body", True)]
    assert all("1" in count for _code, _chosen, count in kinds)
    assert html.one("input", id="q")["value"] == "copper"
    assert [m["content"] for m in html.all("meta", name="robots")] == ["noindex, follow"]


def test_plain_list_may_be_indexed(client: Client) -> None:
    assert page(client, LIST).all("meta", name="robots") == []


@pytest.mark.parametrize(
    "query", ["kind=nonsense", "kind=%00", "q=%00", "q=" + "x" * 10_000, "q=%25_%5C", "q=%F0%9F%98%80", "kind=a&kind=b"]
)
def test_hostile_input_never_breaks_the_list(client: Client, query: str) -> None:
    EntityFactory()

    assert len(page(client, f"{LIST}?{query}").all("h1")) == 1


@pytest.mark.parametrize("number", ["0", "2", "x", "9" * 200, "%00", "-1"])
def test_page_that_does_not_exist_is_a_404(client: Client, number: str) -> None:
    EntityFactory()

    assert page(client, f"{LIST}?page={number}", status=404).one("h1").text == "Page not found"


def test_page_links_keep_words_and_kind(client: Client) -> None:
    for number in range(61):
        EntityFactory(official_name_en=f"Entity {number:02}", kind="national-government", country_id="GHA")

    html = page(client, f"{LIST}?q=entity&kind=national-government")

    assert [a["href"] for a in html.all("a", rel="next")] == ["?q=entity&kind=national-government&page=2"]
    assert listed(client, f"{LIST}?q=entity&kind=national-government&page=2") == ["Entity 60"]


def test_further_page_of_the_list_has_an_address_of_its_own(client: Client) -> None:
    for number in range(61):
        EntityFactory(official_name_en=f"Entity {number:02}")

    html = page(client, f"{LIST}?page=2")

    assert html.one("link", rel="canonical")["href"] == f"http://localhost:8000{LIST}?page=2"


def test_nothing_found_is_said(client: Client) -> None:
    assert page(client, f"{LIST}?q=nothing").one(class_="empty").one("h3").text == "No entity was found"


# One entity ------------------------------------------------------------------------------------------------


def test_entity_shows_its_facts_and_published_resources(client: Client) -> None:
    who = EntityFactory(
        slug="who", official_name_en="World Health Organization", short_name_en="WHO", website="https://www.who.int/",
        role_on_ewaste_en="Protects health.",
    )  # fmt: skip
    published_resource(original_title="Old", year=2001, publishers=[who])
    published_resource(original_title="New", year=2024, publishers=[who])
    withdrawn_resource(original_title="Withdrawn", publishers=[who])
    published_resource(original_title="Of another", publishers=[EntityFactory()])

    html = page(client, f"{LIST}who/")

    assert html.one("h1").text == "World Health Organization"
    assert {row.one("dt").text: row.one("dd").text for row in html.one("dl", class_="facts").all("div")} == {
        "Website": "https://www.who.int/",
        "Role on e-waste": "Protects health.",
    }
    assert [title.text for title in html.all(class_="result__title")] == ["New", "Old"]
    assert html.one(id="entity-resources").text == "2 resources in the library"
    assert "/en/resources/?publisher=who" in [a["href"] for a in html.all("a")]


def test_name_is_in_the_language_of_the_reader_and_english_words_are_marked(client: Client) -> None:
    EntityFactory(
        slug="who",
        official_name_en="World Health Organization",
        official_name_ar="منظمة الصحة العالمية",
        role_on_ewaste_en="Protects health.",
    )

    html = page(client, "/ar/coalition/entities/who/")

    assert html.one("h1").text == "منظمة الصحة العالمية"
    role = next(dd for dd in html.all("dd") if dd.text == "Protects health.")
    assert role.attributes == {"lang": "en", "dir": "ltr"}


def test_merged_entity_leads_to_the_one_that_is_kept(client: Client) -> None:
    old, kept = EntityFactory(slug="old"), EntityFactory(slug="kept")
    published_resource(original_title="Of the old one", publishers=[old])

    actions.merge(entity=old, into=kept, by=UserFactory())

    response = client.get("/fr/coalition/entities/old/")
    assert (response.status_code, response["Location"]) == (301, "/fr/coalition/entities/kept/")
    assert [title.text for title in page(client, f"{LIST}kept/").all(class_="result__title")] == ["Of the old one"]
    resource = read(client.get(page(client, f"{LIST}kept/").one(class_="result__title").one("a")["href"]))
    assert f"{LIST}kept/" in [a["href"] for a in resource.one("dl", class_="facts").all("a")]


def test_past_slug_leads_to_the_entity_of_today_in_one_step(client: Client) -> None:
    old, kept = EntityFactory(slug="first"), EntityFactory(slug="kept")
    Entity.objects.filter(pk=old.pk).update(slug="second")
    renamed = client.get(f"{LIST}first/")
    actions.merge(entity=old, into=kept, by=UserFactory())

    merged = client.get(f"{LIST}first/")

    assert (renamed.status_code, renamed["Location"]) == (301, f"{LIST}second/")
    assert (merged.status_code, merged["Location"]) == (301, f"{LIST}kept/")
    assert client.get(f"{LIST}never/").status_code == 404


def test_entity_made_up_for_the_demonstration_says_so(client: Client) -> None:
    EntityFactory(slug="made-up", is_example=True)
    EntityFactory(slug="real")

    assert page(client, f"{LIST}made-up/").one(class_="alert").text == (
        "This entity does not exist: it was made up for the demonstration."
    )
    assert page(client, f"{LIST}real/").all(class_="alert") == []


def test_coalition_page_claims_only_what_is_recorded(client: Client) -> None:
    html = page(client, "/en/coalition/")

    facts = {fact.one("time")["datetime"]: fact.all("a", rel="noopener") for fact in html.one("ol", class_="timeline").all("li")
             if fact.all("time")}  # fmt: skip
    assert list(facts) == ["2016-05", "2018-03-21", "2019-01-24", "2019-04-10", "2019", "2020"]
    for day, sources in facts.items():
        assert sources, day
        assert all(
            source["href"].startswith("https://") and source.text.startswith("Source: ") for source in sources
        ), day


def test_list_needs_as_many_queries_for_one_as_for_forty(client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(LIST).status_code == 200
        return len(captured)

    counts = []
    for more in (1, 2, 37):
        for _ in range(more):
            EntityFactory(country=Country.objects.get(pk="GHA"))
        counts.append(queries())

    assert counts[0] == counts[1] == counts[2] <= 8
