"""A real browser: chromium of the system, or the one that Playwright installed. Without either these tests are skipped;
REQUIRE_BROWSER=1 makes that a failure."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.factories import UserFactory

HINT = "No browser found: install chromium (Debian, Ubuntu: apt install chromium) or run `.venv/bin/playwright install chromium`."
ACCESSIBILITY = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def _chromium(playwright: Playwright) -> str | None:
    """Where chromium is; None if nowhere."""
    own = playwright.chromium.executable_path
    return shutil.which("chromium") or shutil.which("google-chrome") or (own if Path(own).exists() else None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright keeps an event loop in this thread
        with sync_playwright() as playwright:
            path = _chromium(playwright)
            if path is None:
                (pytest.fail if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip)(HINT)
            browser = playwright.chromium.launch(
                executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else []
            )
            yield browser
            browser.close()


class Complaints:
    """What the browser held against the pages: errors of scripts, of the content security policy, of missing files.

    A test that provokes one says so: `complaints.expected.append("404")`, any part of the message.
    """

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.origin = origin
        self.expected: list[str] = []
        self.found: list[str] = []
        context.on("console", self._console)
        context.on("weberror", lambda error: self.found.append(str(error.error)))
        context.on("request", lambda request: self._request(request.url))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            self.found.append(f"{message.text} ({message.location.get('url', '')})")

    def _request(self, url: str) -> None:
        if not url.startswith((self.origin, "data:", "blob:", "about:")):
            self.found.append(f"A foreign host was asked: {url}")

    @property
    def unexpected(self) -> list[str]:
        return [found for found in self.found if not any(part in found for part in self.expected)]


@pytest.fixture
def context(browser: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    """A visitor of their own at http://localhost (passkeys need that name): English, light, without motion."""
    context = browser.new_context(
        base_url=live_server.url, locale="en-GB", color_scheme="light", reduced_motion="reduce"
    )
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def complaints(context: BrowserContext, live_server: LiveServer) -> Iterator[Complaints]:
    complaints = Complaints(context, live_server.url)
    yield complaints
    assert not complaints.unexpected, "The browser complained:\n" + "\n".join(complaints.unexpected)


@pytest.fixture
def page(context: BrowserContext, complaints: Complaints) -> Page:
    """A visitor's page; any error in its console fails the test."""
    return context.new_page()


@pytest.fixture
def sign_in(context: BrowserContext, live_server: LiveServer) -> Callable[..., None]:
    """Signs the visitor of this test in, by a session made on the server: `sign_in(user)`."""

    def _sign_in(user: object) -> None:
        client = Client()
        client.force_login(user)  # type: ignore[arg-type]
        value = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live_server.url}])

    return _sign_in


@pytest.fixture
def staff_page(page: Page, sign_in: Callable[..., None]) -> Page:
    """The page of a superuser who is signed in; the demo asks for no second factor while none is enrolled."""
    sign_in(UserFactory(verified=True, is_staff=True, is_superuser=True))
    return page


@pytest.fixture
def assert_no_axe_violations() -> Callable[[Page], None]:
    """`assert_no_axe_violations(page)`: none of WCAG 2.2 AA, nor of axe's best practice."""

    def _assert(page: Page) -> None:
        results = Axe().run(page, options=ACCESSIBILITY)
        found = [
            f"{violation['id']}: {violation['help']}: {', '.join(str(node['target']) for node in violation['nodes'][:5])}"
            for violation in results.response["violations"]
        ]
        assert not found, f"{page.url}:\n" + "\n".join(found)

    return _assert
