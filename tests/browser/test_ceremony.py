"""The ceremony on a phone, in a real browser, with a virtual authenticator: from the link of the mail to the done page."""

import io
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.core.management import CommandError, call_command
from playwright.sync_api import CDPSession, Page, expect

from coalition import ceremony
from coalition.models import Invitation, JournalEntry, Signature
from tests.coalition.factories import approved, focal_point, published_letter
from tests.factories import EntityFactory

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = {"width": 390, "height": 844}
SCREENSHOTS = Path(django_settings.BASE_DIR) / "var" / "screenshots"


@pytest.fixture
def link(settings: Any, live_server: Any) -> str:
    """The address in the Head's mail; the portal's origin is that of the test's server."""
    settings.PORTAL_ORIGIN = live_server.url
    assert live_server.url.startswith("http://localhost:")
    names = {
        "official_name_fr": "Ministère exemplaire",
        "official_name_ar": "الوزارة النموذجية",
        "official_name_ru": "Министерство",
    }
    entity = EntityFactory(official_name_en="Ministry of Environment of Example", short_name_en="MoEx", **names)
    membership = approved(
        by=focal_point(entity, first_name="Fatima", last_name="Focal"), entity=entity, letter=published_letter()
    )
    message = next(m for m in mail.outbox if m.to == [membership.head_email])
    return re.search(r"http://\S+/sign/\S+", message.body)[0]  # type: ignore[index]


@pytest.fixture
def phone(page: Page) -> Page:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    return page


def authenticator(page: Page, **options: bool) -> CDPSession:
    """A passkey provider of the device that answers by itself."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    kind = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    behaviour = {"isUserVerified": True, "automaticPresenceSimulation": True, **options}
    session.send("WebAuthn.addVirtualAuthenticator", {"options": {**kind, **behaviour}})
    return session


def picture(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"ceremony-{name}.png", full_page=True)


class Taps:
    """A finger that counts."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, act: Callable[[], Any]) -> None:
        self.count += 1
        act()


def test_head_signs_with_a_passkey_in_four_taps_and_two_minutes(
    phone: Page, link: str, assert_no_axe_violations: Callable[[Page], None], tmp_path: Path
) -> None:
    authenticator(phone)
    tap, begun = Taps(), time.monotonic()

    tap(lambda: phone.goto(link))
    picture(phone, "1-letter")
    tap(phone.get_by_label("I confirm these three sentences.").check)
    tap(phone.get_by_role("button", name="Sign the Letter of Intent").click)
    expect(phone.get_by_role("heading", level=1)).to_have_text("You have signed the Letter of Intent")

    assert tap.count <= 4
    assert time.monotonic() - begun < 120
    picture(phone, "2-done")
    signature = Signature.objects.get()
    assert signature.method == "passkey"
    expect(phone.get_by_text(signature.code, exact=True)).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert_no_axe_violations(phone)

    evidence = json.loads(signature.evidence)
    ceremony.verify_passkey_evidence(evidence)
    file, out = tmp_path / "evidence.json", io.StringIO()
    file.write_text(signature.evidence, encoding="utf-8")
    call_command("verify_evidence", file, stdout=out)
    assert "signs exactly this statement" in out.getvalue()
    file.write_text(
        json.dumps({**evidence, "statement": evidence["statement"].replace("Amina", "Anima")}), encoding="utf-8"
    )
    with pytest.raises(CommandError):
        call_command("verify_evidence", file)

    phone.goto(link)  # the mail leads here for good
    expect(phone.get_by_text(signature.code, exact=True)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_of_the_head_is_accessible_and_fits_the_phone(
    phone: Page, link: str, assert_no_axe_violations: Callable[[Page], None], scheme: Any
) -> None:
    phone.emulate_media(color_scheme=scheme)
    phone.goto(link)

    assert_no_axe_violations(phone)
    for width in (320, 390, 1440):
        phone.set_viewport_size({"width": width, "height": 800})
        assert phone.evaluate("document.documentElement.scrollWidth") <= width
    picture(phone, f"wide-{scheme}")


def test_page_of_the_head_in_arabic(phone: Page, link: str, assert_no_axe_violations: Callable[[Page], None]) -> None:
    phone.goto(link.replace("/en/", "/ar/"))

    assert phone.evaluate("getComputedStyle(document.querySelector('main')).direction") == "rtl"
    expect(phone.get_by_text("Text of the letter in ar.")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert_no_axe_violations(phone)
    picture(phone, "arabic")


def test_machine_that_runs_scripts_changes_nothing(phone: Page, link: str) -> None:
    """A mail scanner loads the page, runs its script and waits."""
    authenticator(phone)
    before = (JournalEntry.objects.count(), list(Invitation.objects.values()))

    phone.goto(link, wait_until="networkidle")
    phone.mouse.wheel(0, 5_000)
    phone.wait_for_timeout(300)

    assert (JournalEntry.objects.count(), list(Invitation.objects.values())) == before
    assert phone.context.cookies() == []


def test_without_the_tick_nothing_is_sent(phone: Page, link: str) -> None:
    authenticator(phone)
    phone.goto(link)
    asked: list[str] = []
    phone.on("request", lambda request: asked.append(request.method))

    phone.get_by_role("button", name="Sign the Letter of Intent").click()
    phone.wait_for_timeout(200)

    assert "POST" not in asked
    assert phone.get_by_label("I confirm these three sentences.").evaluate("box => box.matches(':invalid')")


def test_device_that_does_not_verify_its_user_leads_to_the_code(phone: Page, link: str) -> None:
    authenticator(phone, isUserVerified=False)
    phone.goto(link)
    phone.get_by_label("I confirm these three sentences.").check()

    phone.get_by_role("button", name="Sign the Letter of Intent").click()
    expect(phone.get_by_role("alert")).to_contain_text("The passkey did not sign.")
    picture(phone, "no-passkey")
    phone.get_by_role("button", name="Get a code by e-mail instead").click()
    finish_with_code(phone)

    assert Signature.objects.get().method == "email-code"


def finish_with_code(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Enter the code")
    code = re.search(r"^(\w{4}-\w{4})$", mail.outbox[-1].body, re.MULTILINE)[1]  # type: ignore[index]
    page.get_by_label("Your full name").fill("Amina Example")
    page.get_by_label("Code from the mail").fill(code)
    picture(page, "code")
    page.get_by_role("button", name="Sign the Letter of Intent").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You have signed the Letter of Intent")


def test_head_signs_without_javascript(browser: Any, link: str, live_server: Any) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=PHONE, locale="en-GB")
    page = context.new_page()
    try:
        page.goto(link)
        expect(page.get_by_role("button", name="Get a code by e-mail instead")).to_be_hidden()
        page.get_by_label("I confirm these three sentences.").check()
        page.get_by_role("button", name="Sign the Letter of Intent").click()
        finish_with_code(page)
    finally:
        context.close()

    assert Signature.objects.get().method == "email-code"


def test_letter_changed_while_it_was_read_is_told_on_the_page(phone: Page, link: str, complaints: Any) -> None:
    complaints.expected.append("409")
    authenticator(phone)
    phone.goto(link)
    Invitation.objects.get().membership.__class__.objects.update(letter=published_letter("2026-second"))

    phone.get_by_label("I confirm these three sentences.").check()
    phone.get_by_role("button", name="Sign the Letter of Intent").click()

    expect(phone.get_by_role("alert")).to_contain_text("changed while you read")
    assert Signature.objects.count() == 0


def test_forms_work_under_the_policy_that_forbids_every_referrer(phone: Page, link: str) -> None:
    phone.goto(link)
    phone.get_by_role("button", name="Ask for a correction").click()
    expect(phone.get_by_role("status").first).to_contain_text("something has to be corrected")

    phone.get_by_role("link", name="Decline, with a reason").click()
    phone.get_by_role("button", name="Send the code").click()
    phone.get_by_label("Not at this time").check()
    code = re.search(r"^(\w{4}-\w{4})$", mail.outbox[-1].body, re.MULTILINE)[1]  # type: ignore[index]
    phone.get_by_label("Code from the mail").fill(code)
    phone.get_by_role("button", name="Decline to sign").click()

    expect(phone.get_by_role("heading", level=1)).to_have_text("You declined to sign")
    assert phone.url == link
