"""What only a browser can tell of dialogues: the reader's own time beside the event's, narrow screens, print."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Locator, Page
from pytest_django.live_server_helper import LiveServer

from dialogue.models import Dialogue
from tests.browser.conftest import Complaints
from tests.dialogue.factories import dialogue, part, person, session

pytestmark = pytest.mark.django_db(transaction=True)

ISOLATES = dict.fromkeys((0x2066, 0x2067, 0x2068, 0x2069))


@pytest.fixture
def event() -> Dialogue:
    """In Geneva on 21 March 2018, 13:30 to 15:00, with a panel from 14:00 to 15:00."""
    event = dialogue(slug="an-end", title_en="An End to Electronic Waste")
    panel = session(
        event, slug="panel", starts_at=event.starts_at + timedelta(minutes=30), ends_at=event.ends_at
    )  # fmt: skip
    part(event, session=panel, person=person(name="Ada Head"))
    return event


@pytest.fixture
def visit(browser: Browser, live_server: LiveServer) -> Callable[..., object]:
    """`with visit(path, timezone_id=...) as page`; whatever the browser complains of fails the test."""

    @contextmanager
    def _visit(path: str, **options: object) -> Iterator[Page]:
        context = browser.new_context(base_url=live_server.url, locale="en-GB", **options)  # type: ignore[arg-type]
        complaints = Complaints(context, live_server.url)
        page = context.new_page()
        page.goto(path)
        yield page
        context.close()
        assert complaints.unexpected == []

    return _visit


def read(line: Locator) -> str:
    return " ".join(line.inner_text().translate(ISOLATES).split())


GENEVA = "Wednesday, 21 March 2018, 13:30–15:00, Geneva (CET, UTC+01:00)"


@pytest.mark.parametrize(
    ("zone", "added"),
    [
        ("Asia/Kolkata", " = 18:00–19:30 your time (Kolkata)"),
        ("America/New_York", " = 08:30–10:00 your time (New York)"),
        ("Pacific/Apia", " = 02:30–04:00 your time (Apia), +1 day"),
        ("Pacific/Pago_Pago", " = 01:30–03:00 your time (Pago Pago)"),
        ("Europe/Paris", ""),  # another zone, the same clock
        ("Africa/Nairobi", " = 15:30–17:00 your time (Nairobi)"),
    ],
)
def test_the_readers_time_is_added(event: Dialogue, visit: Callable, zone: str, added: str) -> None:
    with visit("/en/dialogues/an-end/agenda/", timezone_id=zone) as page:
        assert read(page.locator(".when")) == f"{GENEVA}{added}"


def test_without_script_the_events_time_stands_alone(event: Dialogue, visit: Callable) -> None:
    with visit("/en/dialogues/an-end/agenda/", timezone_id="Asia/Kolkata", java_script_enabled=False) as page:
        assert read(page.locator(".when")) == GENEVA
        assert read(page.locator("#session-panel .timeline__time")) == "14:00–15:00 60 minutes"
        assert read(page.locator("main").get_by_role("heading", level=2)) == "Wednesday, 21 March 2018"
        assert page.get_by_text("Ada Head").is_visible()


def test_the_agenda_keeps_the_days_and_hours_of_the_event(event: Dialogue, visit: Callable) -> None:
    with visit("/en/dialogues/an-end/agenda/", timezone_id="Pacific/Apia") as page:
        assert read(page.locator("main").get_by_role("heading", level=2)) == "Wednesday, 21 March 2018"
        assert read(page.locator("#session-panel .timeline__time")) == (
            "14:00–15:00 = 03:00–04:00 your time (Apia), +1 day 60 minutes"
        )


@pytest.mark.parametrize(
    ("starts", "minutes", "zone", "added"),
    [
        # to the day before: 01:00 in Geneva is the evening before in New York
        ((2018, 3, 21, 0, 0), 90, "America/New_York", "20:00–21:30 your time (New York), −1 day"),
        # from one day into the next
        ((2018, 3, 21, 17, 0), 120, "Asia/Kolkata", "22:30 – 00:30 (+1 day) your time (Kolkata)"),
        # the end of the day is of the day
        ((2018, 3, 21, 21, 0), 120, "Africa/Nairobi", "00:00–02:00 your time (Nairobi), +1 day"),
        # the night in which Geneva's clocks go forward, read in Nairobi, where they stay
        ((2018, 3, 25, 0, 30), 60, "Africa/Nairobi", "03:30–04:30 your time (Nairobi)"),
        # over days each end is told from its own day
        ((2018, 3, 21, 8, 0), 2 * 24 * 60, "Asia/Kolkata", "13:30–13:30 your time (Kolkata)"),
        # the same clock at the beginning, another at the end: Lagos has no summer time
        ((2018, 3, 25, 0, 30), 61, "Africa/Lagos", "01:30–02:31 your time (Lagos)"),
    ],
)
def test_nights_and_days(visit: Callable, starts: tuple[int, ...], minutes: int, zone: str, added: str) -> None:
    begin = datetime(*starts, tzinfo=UTC)  # type: ignore[misc,arg-type]
    event = dialogue(starts_at=begin, ends_at=begin + timedelta(minutes=minutes))

    with visit(f"/en/dialogues/{event.slug}/", timezone_id=zone) as page:
        assert read(page.locator(".when")).split(" = ")[1] == added


def test_a_dialogue_of_a_day_has_no_time_of_the_reader(visit: Callable) -> None:
    begin = datetime(2016, 5, 4, 22, tzinfo=UTC)
    event = dialogue(precision="day", starts_at=begin, ends_at=begin + timedelta(days=1))

    with visit(f"/en/dialogues/{event.slug}/", timezone_id="Pacific/Apia") as page:
        assert read(page.locator(".when")) == "Thursday, 5 May 2016, Geneva"


def test_other_languages_name_the_zone_in_their_own_words(event: Dialogue, visit: Callable) -> None:
    with visit("/ar/dialogues/an-end/", timezone_id="Asia/Kolkata") as page:
        added = page.locator(".when .local-time").inner_text()

    assert "توقيت الهند" in added
    assert "18:00–19:30" in added


@pytest.mark.parametrize("language", ["en", "ar", "zh-hans"])
@pytest.mark.parametrize("page_name", ["", "agenda/", "sessions/panel/", "full/"])
def test_pages_fit_a_narrow_screen_and_please_axe(
    page: Page, event: Dialogue, assert_no_axe_violations: Callable, language: str, page_name: str
) -> None:
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto(f"/{language}/dialogues/an-end/{page_name}")

    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert_no_axe_violations(page)


def test_the_chain_fits_a_narrow_screen_and_pleases_axe(
    page: Page, event: Dialogue, assert_no_axe_violations: Callable
) -> None:
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto("/en/dialogues/?kind=nonsense")

    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert_no_axe_violations(page)

    page.get_by_label("Year").select_option("2018")
    page.get_by_role("button", name="Apply filters").click()
    assert page.url.endswith("?year=2018")
    assert page.get_by_role("link", name="An End to Electronic Waste").is_visible()


def test_the_whole_dialogue_prints_without_tools(page: Page, event: Dialogue) -> None:
    page.goto("/en/dialogues/an-end/full/")
    page.emulate_media(media="print")

    assert page.get_by_role("navigation", name="Pages of this dialogue").is_hidden()
    assert page.get_by_role("navigation", name="On this page").is_hidden()
    assert page.get_by_text(GENEVA).is_visible()
    assert page.get_by_text("Ada Head").first.is_visible()
