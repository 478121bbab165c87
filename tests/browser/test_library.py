"""The library in a real browser: by keyboard, with and without scripts, on a phone."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from knowledge.models import Resource
from tests.factories import EntityFactory, TopicFactory, published_resource

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}


@pytest.fixture
def library(live_server: Any) -> Resource:
    """22 reports and 2 maps; the report about copper is returned."""
    topic, who = TopicFactory(slug="health", name_en="Health"), EntityFactory(slug="who", short_name_en="WHO")
    for number in range(21):
        published_resource(original_title=f"Report number {number:02}", topics=[topic], year=2000 + number)
    for number in range(2):
        published_resource(original_title=f"Map number {number}", resource_type="map", year=1990)
    return published_resource(
        slug="copper", original_title="Copper from cables", title_ar="نحاس الكابلات", own_titles=["ar"], authors=["Doe, J."],
        topics=[topic], publishers=[who], year=2021, summary_en="Where the copper of e-waste goes.",
    )  # fmt: skip


@pytest.fixture
def without_scripts(browser: Browser, live_server: Any) -> Iterator[Page]:
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False, viewport=PHONE, locale="en-GB")
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def stay(page: Page) -> None:
    """Leaves a mark that a new document would not have."""
    page.evaluate("window.stayed = true")


def stayed(page: Page) -> bool:
    return bool(page.evaluate("window.stayed === true"))


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim()"))


def test_reader_gets_from_the_first_page_to_a_resource_by_keyboard(page: Page, library: Resource) -> None:
    page.goto("/en/")

    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to main content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("combobox", name="Search the library")).to_be_focused()
    page.keyboard.type("copper")
    page.keyboard.press("Enter")
    page.wait_for_url("**/en/resources/?q=copper")

    result = page.get_by_role("link", name="Copper from cables")
    for _ in range(80):
        page.keyboard.press("Tab")
        if result.evaluate("link => link === document.activeElement"):
            break
    expect(result).to_be_focused()
    assert result.evaluate("link => getComputedStyle(link).outlineStyle") != "none"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Copper from cables")


def test_filters_of_a_phone_work_without_scripts(without_scripts: Page, library: Resource) -> None:
    page = without_scripts
    page.goto("/en/resources/")
    drawer = page.locator("#filters")
    expect(drawer).to_be_hidden()

    page.get_by_role("button", name="Filters", exact=True).click()
    expect(drawer).to_be_visible()
    page.get_by_role("checkbox", name=re.compile("^Map")).check()
    page.get_by_role("button", name="Apply filters").click()

    page.wait_for_url(re.compile(r"/en/resources/\?type=map$"))
    expect(page.locator(".results__count")).to_have_text("2 results")
    expect(page.get_by_role("link", name="Remove filter: Type: Map")).to_be_visible()


def test_filters_of_a_phone_can_be_closed_without_scripts(without_scripts: Page, library: Resource) -> None:
    page = without_scripts
    page.goto("/en/resources/")

    page.get_by_role("button", name="Filters", exact=True).click()
    page.get_by_role("button", name="Close filters").click()

    expect(page.locator("#filters")).to_be_hidden()


def test_search_and_pages_work_without_scripts(without_scripts: Page, library: Resource) -> None:
    page = without_scripts
    page.goto("/en/resources/")
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".results__count")).to_have_text("24 results, page 2 of 2")

    page.get_by_role("searchbox", name="Search resources").fill("copper")
    page.get_by_role("search").get_by_role("button", name="Search").click()

    page.wait_for_url(re.compile(r"/en/resources/\?q=copper$"))
    expect(page.locator(".results__count")).to_have_text("1 result")


def test_filters_of_a_phone_apply_in_place_and_give_the_focus_to_the_count(page: Page, library: Resource) -> None:
    page.set_viewport_size(PHONE)
    page.goto("/en/resources/")
    stay(page)

    page.get_by_role("button", name="Filters", exact=True).click()
    page.get_by_role("checkbox", name=re.compile("^Map")).check()
    page.get_by_role("button", name="Apply filters").click()

    count = page.locator(".results__count")
    expect(count).to_have_text("2 results")
    expect(count).to_be_focused()
    expect(page.locator("#filters")).to_be_hidden()
    assert page.url.endswith("/en/resources/?type=map")
    assert stayed(page)


def test_drawer_closes_with_escape_and_gives_the_focus_back(page: Page, library: Resource) -> None:
    page.set_viewport_size(PHONE)
    page.goto("/en/resources/")
    opener = page.get_by_role("button", name="Filters", exact=True)
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#filters")).to_be_visible()

    page.keyboard.press("Escape")

    expect(page.locator("#filters")).to_be_hidden()
    expect(opener).to_be_focused()


def test_filters_apply_in_place_and_back_undoes_them(page: Page, library: Resource) -> None:
    page.set_viewport_size(DESKTOP)
    page.goto("/en/resources/")
    stay(page)
    box = page.get_by_role("checkbox", name=re.compile("^Map"))

    box.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")

    expect(page.locator(".results__count")).to_have_text("2 results")
    expect(page.locator("p[role=status]")).to_have_text("2 results")
    assert page.url.endswith("/en/resources/?type=map")
    assert focused(page) == "Apply filters"
    expect(page.locator("a[hreflang=fr]").first).to_have_attribute("href", "/fr/resources/?type=map")
    expect(page.locator(".results__feeds").get_by_role("link", name="feed")).to_have_attribute(
        "href", re.compile("type=map&format=atom")
    )

    page.go_back()

    expect(page.locator(".results__count")).to_have_text("24 results, page 1 of 2")
    expect(page.get_by_role("checkbox", name=re.compile("^Map"))).not_to_be_checked()
    expect(page.get_by_role("checkbox", name=re.compile("^Report"))).not_to_be_checked()
    assert page.url.endswith("/en/resources/")
    assert stayed(page)

    page.go_forward()

    expect(page.locator(".results__count")).to_have_text("2 results")
    expect(page.get_by_role("checkbox", name=re.compile("^Map"))).to_be_checked()


def test_search_in_place_keeps_the_filters_and_leaves_empty_fields_out(page: Page, library: Resource) -> None:
    page.goto("/en/resources/?type=report")
    stay(page)

    page.get_by_role("combobox", name="Search resources").fill("copper")
    page.get_by_role("search").get_by_role("button", name="Search").click()

    expect(page.locator(".results__count")).to_have_text("1 result")
    assert page.url.endswith("/en/resources/?q=copper&type=report") or page.url.endswith(
        "/en/resources/?type=report&q=copper"
    )
    expect(page).to_have_title(re.compile("^Search: copper"))
    assert stayed(page)


def test_wrong_year_in_place_keeps_what_was_typed(page: Page, library: Resource) -> None:
    page.set_viewport_size(DESKTOP)
    page.goto("/en/resources/")
    page.get_by_text("Year", exact=True).click()

    page.get_by_label("From year").fill("20x9")
    page.get_by_role("button", name="Apply filters").click()

    expect(page.get_by_label("From year")).to_have_value("20x9")
    expect(page.get_by_label("From year")).to_have_accessible_description(re.compile("Enter a year such as 2019"))


def test_server_in_trouble_falls_back_to_a_plain_request(page: Page, library: Resource, complaints: Any) -> None:
    complaints.expected.append("503")
    page.set_viewport_size(DESKTOP)
    page.goto("/en/resources/")
    page.route(
        "**/resources/?type=map",
        lambda route: route.fulfill(status=503, body="<h1>Away</h1>", content_type="text/html"),
    )

    page.get_by_role("checkbox", name=re.compile("^Map")).check()
    page.get_by_role("button", name="Apply filters").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Away")


def test_suggestions_are_chosen_by_keyboard(page: Page, library: Resource) -> None:
    page.goto("/en/")
    box = page.get_by_role("combobox", name="Search the library")
    expect(box).to_have_attribute("aria-expanded", "false")

    box.press_sequentially("cop")
    option = page.get_by_role("option", name=re.compile("Copper from cables"))
    expect(option).to_be_visible()
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    expect(box).to_be_focused()
    assert box.get_attribute("aria-activedescendant") == option.get_attribute("id")
    page.keyboard.press("Enter")

    page.wait_for_url("**/en/resources/copper/")


def test_suggestions_close_with_escape_and_leave_what_was_typed(page: Page, library: Resource) -> None:
    page.goto("/en/")
    box = page.get_by_role("combobox", name="Search the library")
    box.press_sequentially("report")
    expect(page.get_by_role("option")).to_have_count(8)

    page.keyboard.press("Escape")

    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(box).to_have_value("report")
    page.keyboard.press("Enter")
    page.wait_for_url("**/en/resources/?q=report")


def test_suggestion_has_its_own_direction(page: Page, library: Resource) -> None:
    page.goto("/ar/")
    box = page.locator("input[name=q]").first
    box.press_sequentially("نحاس")

    title = page.get_by_role("option").locator("bdi")
    expect(title).to_have_text("نحاس الكابلات")
    assert title.evaluate("bdi => [bdi.lang, getComputedStyle(bdi).direction]") == ["ar", "rtl"]


def test_citation_is_copied(page: Page, context: BrowserContext, library: Resource) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/en/resources/copper/")
    cite = page.locator(".cite")

    cite.get_by_role("button", name="Copy").click()

    expect(cite.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == cite.locator(".cite__text").inner_text()
    assert copied.startswith("Doe, J. (2021). Copper from cables.")


def test_citation_file_is_downloaded(page: Page, library: Resource) -> None:
    page.goto("/en/resources/copper/")

    with page.expect_download() as download:
        page.get_by_role("link", name="BibTeX").click()

    assert download.value.suggested_filename == "copper.bib"


def test_long_list_of_values_can_be_narrowed(page: Page, library: Resource) -> None:
    for number in range(12):
        published_resource(publishers=[EntityFactory(short_name_en=f"Éditeur {number:02}")])
    page.set_viewport_size(DESKTOP)
    page.goto("/en/resources/")
    page.locator("#facet-publisher > summary").click()

    page.get_by_label("Narrow the list: Publisher").fill("editeur 07")

    expect(page.locator("#facet-publisher .facet__option:visible")).to_have_count(1)
    expect(page.locator("#facet-publisher .facet__option:visible")).to_contain_text("Éditeur 07")


def test_filters_stand_before_the_results_in_either_direction(page: Page, library: Resource) -> None:
    page.set_viewport_size(DESKTOP)
    places = {}
    for language in ("en", "ar"):
        page.goto(f"/{language}/resources/")
        filters, results = page.locator("#filters").bounding_box(), page.locator("#results").bounding_box()
        assert filters
        assert results
        places[language] = filters["x"] < results["x"]

    assert places == {"en": True, "ar": False}


def test_arabic_page_reads_from_the_right(page: Page, library: Resource) -> None:
    page.goto("/ar/resources/copper/")

    direction = "element => [getComputedStyle(element).direction, getComputedStyle(element).textAlign]"
    assert page.locator("main").evaluate(direction) == ["rtl", "start"]
    assert page.locator("h1 bdi").evaluate("e => getComputedStyle(e).direction") == "rtl"
    assert page.locator(".page-head cite bdi").evaluate("e => getComputedStyle(e).direction") == "ltr"
    heading, main = page.locator("h1").bounding_box(), page.locator("main").bounding_box()
    assert heading
    assert main
    assert page.locator("h1 bdi").evaluate("e => e.getBoundingClientRect().right") > main["x"] + main["width"] / 2
