"""Every kind of page in a real browser: fits a narrow screen, has no obstacle that axe knows of, keeps its colours apart."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.factories import EntityFactory, TopicFactory, UserFactory, published_resource, withdrawn_resource

PAGES = {
    "home": "",
    "list": "resources/",
    "filtered list": "resources/?q=copper&type=report&language=en&year_from=20x",
    "nothing found": "resources/?q=nothing-like-it&type=map",
    "browse": "resources/browse/",
    "detail": "resources/long/",
    "withdrawn": "resources/gone/",
    "topics": "topics/",
    "topic": "topics/health/",
    "coalition": "coalition/",
    "entities": "coalition/entities/",
    "entity": "coalition/entities/who/",
    "about": "about/",
    "accessibility": "accessibility/",
    "privacy": "privacy/",
    "terms": "terms/",
    "contact": "contact/",
    "sign-in": "account/login/",
    "sign-up": "account/signup/",
    "reset": "account/password/reset/",
    "404": "nowhere/",
}
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"


@pytest.fixture
def world(live_server: Any, complaints: Any) -> None:
    """One of each, with names as long as they come."""
    complaints.expected += ["404", "410"]  # the browser itself writes these into its console
    topic = TopicFactory(
        slug="health",
        name_en="Health",
        name_ar="الصحة",
        introduction_en="About *health* and [more](https://example.org/).",
    )
    who = EntityFactory(
        slug="who", official_name_en="World Health Organization", short_name_en="WHO", official_name_ar="منظمة الصحة العالمية",
        website="https://www.example.org/" + "x" * 80, role_on_ewaste_en="Protects health.",
    )  # fmt: skip
    for number in range(42):
        published_resource(
            original_title=f"Copper, number {number}",
            topics=[topic],
            publishers=[who],
            sdg_targets=["12.5"],
            categories=["lamps"],
        )
    published_resource(
        slug="long",
        original_title=f"{LONG} copper",
        original_language="de",
        title_ar="نحاس الكابلات",
        own_titles=["ar"],
        summary_en="Where the copper goes. " * 20,
        summary_ar="أين يذهب النحاس.",
        authors=[f"{LONG}, A.", "Doe, J."],
        publishers=[who],
        topics=[topic],
        symbols=["ITU-T L.1031/" + "9" * 60],
        doi="10.1016/j.wasman.2019.08.012",
        countries=["GHA"],
        regions=["002"],
        sdg_targets=["12.5"],
        categories=["lamps"],
        editions=[
            {
                "language": "de",
                "isbn": "9789240023901",
                "url": f"https://{'long-host.' * 8}org/a.pdf",
                "pages": 20,
                "size_bytes": 5_000_000,
            },
            {"language": "ar", "url": ""},
        ],
    )
    withdrawn_resource(slug="gone", original_title="Gone")


def sideways(page: Page) -> list[str]:
    """What is wider than the screen; nothing on a page that fits."""
    return page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
             .filter(e => { const box = e.getBoundingClientRect(); return box.right > innerWidth + 1 || box.left < -1; })
             .slice(0, 5).map(e => `${e.tagName}.${e.className}`)"""
    )


@pytest.mark.parametrize("language", ["en", "ar", "zh-hans"])
def test_no_page_scrolls_sideways_on_the_narrowest_screen(page: Page, world: None, language: str) -> None:
    page.set_viewport_size({"width": 320, "height": 640})

    wide = {}
    for name, path in PAGES.items():
        page.goto(f"/{language}/{path}")
        if found := sideways(page):
            wide[name] = found

    assert wide == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_axe_finds_no_obstacle(
    page: Page, world: None, language: str, scheme: str, assert_no_axe_violations: Callable[[Page], None]
) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    obstacles = []
    for path in PAGES.values():
        page.goto(f"/{language}/{path}")
        try:
            assert_no_axe_violations(page)
        except AssertionError as error:
            obstacles.append(str(error).split("\nassert ")[0])

    assert not obstacles, "\n".join(obstacles)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_axe_finds_no_obstacle_on_a_phone_with_its_drawers_open(
    page: Page, world: None, language: str, assert_no_axe_violations: Callable[[Page], None]
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/{language}/resources/")

    page.locator(".nav__open").click()
    assert_no_axe_violations(page)
    page.locator(".nav__close").click()
    page.locator(".filters__open").click()
    assert_no_axe_violations(page)


def test_every_target_is_large_enough_for_a_finger(page: Page, world: None) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/en/resources/")
    page.locator(".filters__open").click()

    small = page.evaluate(
        """() => [...document.querySelectorAll("button, summary, input, .chip, .pagination a, .facet__option")]
             .map(e => [e, e.closest("label") ?? e]).filter(([e]) => e.checkVisibility() && e.type !== "hidden")
             .map(([e, target]) => [target.getBoundingClientRect(), `${e.tagName}.${e.className}`])
             .filter(([box]) => box.width && (box.width < 24 || box.height < 24)).map(([, name]) => name)"""
    )

    assert small == []


def test_colours_follow_the_device(page: Page, world: None) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.goto("/en/")
        seen[scheme] = page.evaluate(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        )

    assert seen["light"][0] != seen["dark"][0]
    assert seen["light"][1] != seen["dark"][1]


def test_colours_of_a_person_win_over_the_device(page: Page, world: None, sign_in: Callable[..., None]) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto("/en/")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")

    sign_in(UserFactory(verified=True, theme="light"))
    page.goto("/en/about/")

    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark


def test_language_menu_opens_by_keyboard_and_stays_on_the_page(page: Page, world: None) -> None:
    page.goto("/en/resources/?q=copper")
    menu = page.locator("summary.masthead__button")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".language-switcher__list")).to_be_visible()

    page.keyboard.press("Escape")
    expect(page.locator(".language-switcher__list")).to_be_hidden()
    expect(menu).to_be_focused()
    page.keyboard.press("Enter")
    page.locator(".language-switcher__list").get_by_role("link", name="العربيّة").click()

    page.wait_for_url("**/ar/resources/?q=copper")
    assert page.locator("html").get_attribute("dir") == "rtl"


def test_navigation_of_a_phone_works_without_scripts(browser: Browser, live_server: Any, world: None) -> None:
    context = browser.new_context(
        base_url=live_server.url, java_script_enabled=False, viewport={"width": 390, "height": 844}
    )
    page = context.new_page()
    page.goto("/en/")

    page.get_by_role("button", name="Menu").click()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Topics").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Topics")
    context.close()


def test_mistake_in_a_form_is_where_the_focus_goes(page: Page, world: None) -> None:
    page.goto("/en/contact/")
    page.get_by_label("Your e-mail address").fill("ann@")

    page.get_by_role("button", name="Send message").click()

    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    summary.get_by_role("link").first.click()
    expect(page.get_by_label("Your e-mail address")).to_be_focused()
    expect(page.get_by_label("Your e-mail address")).to_have_value("ann@")


def test_page_is_printed_without_what_only_a_screen_needs(page: Page, world: None) -> None:
    page.goto("/en/resources/long/")
    page.emulate_media(media="print")

    for name in (".masthead__tools", ".nav", ".skip-link", ".no-print", ".copy-button", ".site-footer__links"):
        expect(page.locator(name).first).to_be_hidden()
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator(".print-only")).to_contain_text("/en/resources/long/")
