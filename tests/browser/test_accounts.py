"""Accounts in a real browser: code by mail, second factor, passkeys (at http://localhost, by a virtual authenticator)."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.core import mail
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django import Settings

from ewaste_portal.models import User
from tests.factories import PASSWORD, UserFactory

NEW = "another good password 7"
CODE = re.compile(r"^\s*([A-Z0-9]{3,4}-?[A-Z0-9]{3,4})\s*$", re.MULTILINE)
LATIN = re.compile(r"[A-Za-z][A-Za-z’' ,.\-]*[A-Za-z]")
NAMES = re.compile(
    r"https?://\S+|\S+@\S+|\b(?:localhost|TOTP|QR|IP|WebAuthn|FIDO2?|PIN|HeadlessChrome|Chrome|Chromium|Mozilla|AppleWebKit|Safari|Gecko|KHTML|"
    r"X11|Linux|like|English|Fran|Espa)\b|x86_64|[A-Z2-7]{16,}"
)


@pytest.fixture(autouse=True)
def patience(settings: Settings) -> None:
    settings.MFA_TOTP_TOLERANCE = 1  # a code may grow old on a slow machine before it is sent


@pytest.fixture
def person(live_server: Any) -> User:
    return UserFactory(email="ann@example.org", verified=True)


def code_in(message: Any) -> str:
    found = CODE.search(message.message().get_payload(decode=True).decode())
    assert found, message.message().as_string()
    return found.group(1)


def totp(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def enter(page: Page, email: str = "ann@example.org", password: str = PASSWORD) -> None:
    page.goto("/en/account/login/")
    page.get_by_label("Email", exact=False).first.fill(email)
    page.locator("input[name=password]").fill(password)
    page.locator("main form button[type=submit]").first.click()


def sent(page: Page) -> None:
    """Sends the first form of the page."""
    page.locator("main form button[type=submit]").first.click()


@pytest.fixture
def authenticator(page: Page) -> Any:
    """A device with a passkey store that says yes to everything."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                "isUserVerified": True, "automaticPresenceSimulation": True,
            }
        },
    )  # fmt: skip
    return session


def signed_in(page: Page) -> bool:
    page.goto("/en/account/email/")
    return page.url.partition("?")[0].endswith("/account/email/")


def test_person_signs_up_with_the_code_of_a_mail(page: Page, live_server: Any) -> None:
    page.goto("/en/account/signup/")
    page.locator("input[name=email]").fill("New@example.org")
    page.locator("input[name=password1]").fill(NEW)
    sent(page)
    page.wait_for_url("**/confirm-email/")
    (message,) = mail.outbox

    page.locator("input[name=code]").fill(code_in(message))
    sent(page)

    page.wait_for_url("**/account/email/")
    expect(page.locator("main")).to_contain_text("new@example.org")
    assert EmailAddress.objects.get(email="new@example.org").verified


def test_person_signs_in_and_out(page: Page, person: User) -> None:
    enter(page, "ANN@example.org")
    page.wait_for_url("**/account/email/")
    expect(page.get_by_role("link", name="Your account").first).to_be_visible()

    page.get_by_role("link", name="Sign out").click()
    sent(page)

    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    assert not signed_in(page)


def test_first_page_after_signing_in_knows_the_person(page: Page, person: User) -> None:
    page.goto("/en/about/")
    enter(page)
    page.wait_for_url("**/account/email/")

    page.goto("/en/about/")

    expect(page.get_by_role("link", name="Your account").first).to_be_visible()


def test_wrong_password_is_told_where_the_focus_goes(page: Page, person: User) -> None:
    enter(page, password="wrong")

    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(page).to_have_title(re.compile("^Error:"))


def test_password_can_be_shown_and_is_sent_as_a_password(page: Page, person: User) -> None:
    page.goto("/en/account/login/")
    field = page.locator("input[name=password]")
    field.fill(PASSWORD)

    page.get_by_role("button", name="Show password").click()
    expect(field).to_have_attribute("type", "text")
    page.get_by_role("button", name="Hide password").click()
    expect(field).to_have_attribute("type", "password")


def test_password_is_reset_with_the_code_of_a_mail(page: Page, person: User) -> None:
    page.goto("/en/account/password/reset/")
    page.locator("input[name=email]").fill("ann@example.org")
    sent(page)
    page.locator("input[name=code]").fill(code_in(mail.outbox[0]))
    sent(page)
    page.locator("input[name=password1]").fill(NEW)
    if page.locator("input[name=password2]").count():
        page.locator("input[name=password2]").fill(NEW)
    sent(page)
    page.wait_for_load_state()

    person.refresh_from_db()
    assert person.check_password(NEW)
    page.context.clear_cookies()
    enter(page, password=NEW)
    page.wait_for_url("**/account/email/")


@pytest.mark.parametrize(("path", "fields"), [("signup/", ["email", "password1"]), ("password/reset/", ["email"])])
def test_known_and_unknown_address_get_the_same_answer(page: Page, person: User, path: str, fields: list[str]) -> None:
    answers = []
    for email in ("ann@example.org", "nobody@example.org"):
        page.context.clear_cookies()
        page.goto(f"/en/account/{path}")
        page.locator("input[name=email]").fill(email)
        if "password1" in fields:
            page.locator("input[name=password1]").fill(NEW)
        sent(page)
        page.wait_for_load_state()
        text = page.locator("main").inner_text().replace(email, "ADDRESS")
        answers.append((page.url, page.title(), text))

    assert answers[0] == answers[1]
    assert [message.recipients() for message in mail.outbox] == [["ann@example.org"], ["nobody@example.org"]]


def test_authenticator_app_is_enrolled_and_then_asked_for(page: Page, person: User) -> None:
    enter(page)
    page.wait_for_url("**/account/email/")
    page.goto("/en/account/2fa/totp/activate/")
    if page.locator("input[name=password]").count():
        page.locator("input[name=password]").fill(PASSWORD)
        sent(page)
    image = page.locator("main img[src^='data:image']")
    expect(image).to_be_visible()
    assert image.get_attribute("alt")
    secret = page.locator("#authenticator_secret").input_value()
    page.locator("input[name=code]").fill(totp(secret))
    sent(page)
    page.wait_for_url("**/recovery-codes/**")
    assert Authenticator.objects.get(user=person, type="totp").data["secret"] != secret

    page.context.clear_cookies()
    enter(page)
    page.wait_for_url("**/2fa/authenticate/")
    assert not signed_in(page)
    page.goto("/en/account/2fa/authenticate/")
    cache.clear()  # a code is good once: forget that this one was used
    page.locator("input[name=code]").fill(totp(secret))
    sent(page)
    page.wait_for_url("**/account/email/")


def test_recovery_codes_are_shown_and_one_opens_the_door(page: Page, person: User) -> None:
    enter(page)
    page.wait_for_url("**/account/email/")
    page.goto("/en/account/2fa/totp/activate/")
    if page.locator("input[name=password]").count():
        page.locator("input[name=password]").fill(PASSWORD)
        sent(page)
    page.locator("input[name=code]").fill(totp(page.locator("#authenticator_secret").input_value()))
    sent(page)
    page.goto("/en/account/2fa/recovery-codes/")
    codes = page.locator("#recovery_codes").input_value().split()
    assert len(codes) == 10

    page.context.clear_cookies()
    enter(page)
    page.wait_for_url("**/2fa/authenticate/")
    page.locator("input[name=code]").fill(codes[0])
    sent(page)

    page.wait_for_url("**/account/email/")
    page.goto("/en/account/2fa/")
    expect(page.locator("main")).to_contain_text("9 out of 10")


def test_person_signs_up_and_in_with_a_passkey(page: Page, live_server: Any, authenticator: Any) -> None:
    page.goto("/en/account/signup/passkey/")
    page.locator("input[name=email]").fill("key@example.org")
    sent(page)
    page.wait_for_url("**/confirm-email/")
    page.locator("input[name=code]").fill(code_in(mail.outbox[0]))
    sent(page)
    page.locator("#mfa_webauthn_signup").wait_for()
    if page.locator("main input[type=text]").count():
        page.locator("main input[type=text]").first.fill("My telephone")
    page.locator("#mfa_webauthn_signup").click()
    page.wait_for_url("**/account/email/")
    user = User.objects.get(email="key@example.org")
    assert not user.has_usable_password()
    assert Authenticator.objects.get(user=user, type="webauthn")

    page.context.clear_cookies()
    page.goto("/en/account/login/")
    page.locator("#passkey_login").click()

    page.wait_for_url("**/account/email/")
    expect(page.locator("main")).to_contain_text("key@example.org")


def test_security_key_is_added_to_an_account_and_listed(page: Page, person: User, authenticator: Any) -> None:
    enter(page)
    page.wait_for_url("**/account/email/")
    page.goto("/en/account/2fa/webauthn/add/")
    if page.locator("input[name=password]").count():
        page.locator("input[name=password]").fill(PASSWORD)
        sent(page)
    page.locator("input[name=name]").fill("Blue key")
    page.locator("#mfa_webauthn_add").click()
    page.wait_for_url("**/2fa/recovery-codes/**")

    page.goto("/en/account/2fa/webauthn/")

    expect(page.locator("main")).to_contain_text("Blue key")


def test_sessions_are_listed_and_others_can_be_ended(page: Page, person: User) -> None:
    other = Client()
    other.post("/en/account/login/", {"login": person.email, "password": PASSWORD})
    enter(page)
    page.wait_for_url("**/account/email/")

    page.goto("/en/account/sessions/")
    expect(page.locator("main tbody tr")).to_have_count(2)
    page.get_by_role("button", name="Sign Out Other Sessions").click()

    expect(page.locator("main tbody tr")).to_have_count(1)
    assert other.get("/en/account/email/").status_code == 302
    assert signed_in(page)


def test_sign_in_of_the_admin_is_ours(page: Page, live_server: Any) -> None:
    UserFactory(email="staff@example.org", verified=True, is_staff=True, is_superuser=True)

    page.goto("/admin/login/?next=/admin/")

    assert "/account/login/" in page.url
    page.locator("input[name=login]").fill("staff@example.org")
    page.locator("input[name=password]").fill(PASSWORD)
    sent(page)
    page.wait_for_url("**/admin/")


def test_password_alone_does_not_open_the_admin_once_a_second_factor_is_enrolled(
    page: Page, live_server: Any, sign_in: Callable[..., None], complaints: Any
) -> None:
    complaints.expected.append("403")
    staff = UserFactory(email="staff@example.org", verified=True, is_staff=True, is_superuser=True)
    TOTP.activate(staff, "JBSWY3DPEHPK3PXP")
    sign_in(staff)

    answer = page.goto("/admin/")

    assert answer
    assert (answer.status, page.locator("#changelist, .module").count()) == (403, 0)


def test_portal_that_demands_a_second_factor_leads_staff_to_enrol(
    page: Page, live_server: Any, sign_in: Callable[..., None], settings: Settings, complaints: Any
) -> None:
    complaints.expected.append("403")
    settings.PORTAL_STAFF_MFA = True
    sign_in(UserFactory(verified=True, is_staff=True, is_superuser=True))

    page.goto("/admin/")

    page.locator("main a[href*='/account/2fa/']").first.click()
    page.wait_for_url("**/account/2fa/**")


ACCOUNT_PAGES = [
    "login/", "signup/", "signup/passkey/", "password/reset/",
    "",  # here the person signs in
    "email/", "password/change/", "2fa/", "2fa/totp/activate/", "2fa/webauthn/", "2fa/webauthn/add/",
    "2fa/recovery-codes/generate/", "sessions/", "preferences/", "logout/",
]  # fmt: skip


def test_no_english_is_left_on_arabic_account_pages(page: Page, person: User) -> None:
    left: dict[str, list[str]] = {}
    for path in ACCOUNT_PAGES:
        if path == "":
            page.goto("/ar/account/login/")
            page.locator("input[name=login]").fill(person.email)
            page.locator("input[name=password]").fill(PASSWORD)
            sent(page)
            continue
        page.goto(f"/ar/account/{path}")
        if "reauthenticate" in page.url:
            page.locator("input[name=password]").fill(PASSWORD)
            sent(page)
        lines = f"{page.title()}\n{page.locator('main').inner_text()}".splitlines()
        found = sorted({match for line in lines for match in LATIN.findall(NAMES.sub(" ", line))})
        if found:
            left[path] = found

    assert left == {}


@pytest.mark.parametrize("language", ["en", "ar"])
def test_account_pages_have_no_obstacle_and_fit(
    page: Page,
    person: User,
    sign_in: Callable[..., None],
    language: str,
    assert_no_axe_violations: Callable[[Page], None],
) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    troubles = []
    for path in ACCOUNT_PAGES:
        if path == "":
            page.goto("/en/account/login/")
            page.locator("input[name=login]").fill(person.email)
            page.locator("input[name=password]").fill(PASSWORD)
            sent(page)
            page.wait_for_url("**/account/email/")
            continue
        page.goto(f"/{language}/account/{path}")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            troubles.append(f"{path}: wider than the screen")
        if page.locator("h1").count() != 1:
            troubles.append(f"{path}: {page.locator('h1').count()} h1")
        try:
            assert_no_axe_violations(page)
        except AssertionError as error:
            troubles.append(str(error).split("\nassert ")[0])

    assert not troubles, "\n".join(troubles)
