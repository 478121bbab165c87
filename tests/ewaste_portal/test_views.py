"""Pages of the portal as a whole: home, words, contact, preferences, errors, and what machines ask for."""

import json
from datetime import date
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from coalition.models import Letter
from ewaste_portal import views, world_facts
from ewaste_portal.models import User
from tests.coalition.factories import published_letter
from tests.coalition.test_work import initiative, pledge
from tests.factories import (
    EditionFactory,
    EntityFactory,
    ResourceFactory,
    TopicFactory,
    UserFactory,
    published_resource,
    withdrawn_resource,
)
from tests.pages import Element, read

pytestmark = pytest.mark.django_db

ORIGIN = "http://localhost:8000"
CODES = ["ar", "zh-hans", "en", "fr", "ru", "es"]
PAGES = [
    "", "resources/", "resources/browse/", "topics/", "coalition/", "coalition/entities/", "coalition/letter/",
    "coalition/initiatives/", "coalition/pledges/", "coalition/issue-management-group/", "coalition/private-sector/",
    "coalition/verify/", "dialogues/", "dialogues/joined/", "about/", "accessibility/", "privacy/", "terms/", "contact/",
]  # fmt: skip
MAP = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "x": "http://www.w3.org/1999/xhtml"}


@pytest.fixture
def person() -> User:
    return UserFactory(email="ann@example.org", verified=True, language="en")


# Home -------------------------------------------------------------------------------------------------


def test_home_shows_what_is_here(client: Client) -> None:
    topic, who = TopicFactory(slug="health", name_en="Health"), EntityFactory(slug="who")
    for number in range(6):
        published_resource(original_title=f"Number {number}", year=2000 + number, topics=[topic], publishers=[who])
    withdrawn_resource(original_title="Withdrawn", year=2025)
    EditionFactory(resource=ResourceFactory(original_title="Draft", year=2025))

    html = read(client.get("/en/"))

    assert [title.text for title in html.all(class_="result__title")] == [
        f"Number {number}" for number in range(5, 0, -1)
    ]
    section = html.one("section", aria_labelledby="here")
    assert [a["href"] for a in section.all("a")] == [
        "/en/resources/", "/en/topics/", "/en/resources/browse/publisher/", "/en/resources/browse/language/",
    ]  # fmt: skip
    assert [dd.text for dd in section.all("dd")] == ["6", "1", "1", "1"]
    assert html.one("section", aria_labelledby="topics").one("a", class_="chip")["href"] == "/en/topics/health/"
    assert (
        html.one("section", aria_labelledby="newest").one(class_="section__more").one("a")["href"] == "/en/resources/"
    )


def test_search_of_the_home_page_leads_to_the_library(client: Client) -> None:
    form = read(client.get("/fr/")).one("form", role="search")

    assert (form["action"], form["method"]) == ("/fr/resources/", "get")
    assert form.one("label")["for"] == form.one("input")["id"]


def test_figures_of_the_field_have_year_and_source(client: Client) -> None:
    numbers = read(client.get("/en/")).one("section", aria_labelledby="numbers")

    fact = world_facts.latest("headline_generated_mt")
    stat = numbers.all("li", class_="stat")[0]
    assert stat.text == f"million tonnes of e-waste generated worldwide {fact.value.normalize()} {fact.year}"
    assert fact.source in numbers.text
    rows = [[cell.text for cell in row.children if isinstance(cell, Element)] for row in numbers.one("tbody").all("tr")]
    assert rows == [[str(f.year), f"{f.value:.1f}"] for f in world_facts.series("generated_mt")]


def test_figures_can_be_downloaded_with_their_sources(client: Client) -> None:
    response = client.get(next(a["href"] for a in read(client.get("/ar/")).all("a", type="text/csv")))

    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response.content == world_facts.FILE.read_bytes()


# Languages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("ar-EG,en;q=0.5", "ar"), ("zh-CN", "zh-hans"), ("zh-TW", "zh-hans"), ("fr-CA;q=0.3,ru;q=0.9", "ru"), ("es-419", "es"),
        ("de,ja", "en"), ("", "en"), ("*", "en"), ("\x00;q=x", "en"), ("en" * 5000, "en"),
    ],
)  # fmt: skip
def test_front_door_leads_to_the_language_that_the_browser_asks_for(client: Client, asked: str, code: str) -> None:
    response = client.get("/", headers={"accept-language": asked})

    assert (response.status_code, response["Location"], response["Vary"]) == (
        302,
        f"/{code}/",
        "Accept-Language, Cookie",
    )
    assert "public" not in response["Cache-Control"]


def test_language_of_the_address_wins_over_the_browser(client: Client) -> None:
    html = read(client.get("/ru/about/", headers={"accept-language": "fr"}))

    assert html.one("html")["lang"] == "ru"


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("code", CODES)
def test_every_page_is_there_in_every_language(client: Client, code: str, path: str) -> None:
    html = read(client.get(f"/{code}/{path}"))

    assert html.one("html").attributes == {
        "lang": code.replace("hans", "Hans"),
        "dir": "rtl" if code == "ar" else "ltr",
    }
    assert len(html.all("h1")) == 1
    assert [a.text for a in html.all("a") if not a.get("href")] == []
    assert [a["href"] for a in html.one("ul", class_="language-switcher__list").all("a")] == [
        f"/{other}/{path}" for other in CODES
    ]
    assert html.one("link", rel="canonical")["href"] == f"{ORIGIN}/{code}/{path}"
    alternates = {a["hreflang"]: a["href"] for a in html.all("link", rel="alternate") if a.get("hreflang")}
    assert alternates["zh-Hans"] == f"{ORIGIN}/zh-hans/{path}"
    assert alternates["x-default"] == f"{ORIGIN}/en/{path}"


def test_switcher_names_each_language_in_itself(client: Client) -> None:
    links = read(client.get("/en/")).one("ul", class_="language-switcher__list").all("a")

    assert [(a.text, a["lang"], a["dir"]) for a in links] == [
        ("العربيّة", "ar", "rtl"), ("中文", "zh-Hans", "ltr"), ("English", "en", "ltr"),
        ("Français", "fr", "ltr"), ("Русский", "ru", "ltr"), ("Español", "es", "ltr"),
    ]  # fmt: skip
    assert [a.text for a in links if a.get("aria-current")] == ["English"]


def test_switcher_on_a_page_that_is_not_there_still_works(client: Client) -> None:
    html = read(client.get("/en/resources/none/?a=b"))

    assert html.all("a", hreflang="fr")[0]["href"] == "/fr/resources/none/?a=b"


def test_canonical_address_ignores_the_host_that_was_asked(client: Client) -> None:
    html = read(client.get("/en/about/", headers={"host": "127.0.0.1:1234"}))

    assert html.one("link", rel="canonical")["href"] == f"{ORIGIN}/en/about/"


# Errors, headers, cookies -----------------------------------------------------------------------------------


def test_every_kind_of_answer_carries_the_policy(client: Client) -> None:
    published_resource(slug="here")
    withdrawn_resource(slug="gone")
    addresses = {
        "/en/": 200, "/en/resources/here/": 200, "/en/resources/?format=atom": 200, "/en/resources/?format=csv": 200,
        "/en/resources/none/": 404, "/nowhere": 404, "/en/resources/gone/": 410, "/en/account/login/": 200, "/": 302,
        "/en/resources/suggest/?q=ab": 200, "/sitemap.xml": 200,
    }  # fmt: skip

    for address, status in addresses.items():
        response = client.get(address)
        assert response.status_code == status, address
        policy = {part.strip() for part in response["Content-Security-Policy"].split(";")}
        assert {
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        } <= policy
        assert "unsafe" not in response["Content-Security-Policy"]
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["X-Frame-Options"] == "DENY"
        assert response["Referrer-Policy"] == "strict-origin-when-cross-origin"
        assert response["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in response["Permissions-Policy"]


@pytest.mark.parametrize(
    "address", ["/en/", "/ar/resources/", "/en/resources/here/", "/en/topics/", "/en/resources/?q=copper&format=atom"]
)
def test_visitor_without_a_cookie_stays_without_and_gets_304(client: Client, address: str) -> None:
    published_resource(slug="here", original_title="Copper")

    first = client.get(address)
    again = client.get(address, headers={"if-none-match": first["ETag"]})

    assert (first.status_code, dict(first.cookies), again.status_code, again.content) == (200, {}, 304, b"")
    assert set(first["Cache-Control"].split(", ")) == {"public", "max-age=60"}
    assert "Cookie" in first["Vary"]  # whoever signs in gets a page anew


def test_page_of_a_signed_in_person_is_private(client: Client, person: User) -> None:
    published_resource(slug="here")
    client.force_login(person)

    for address in ("/en/", "/en/resources/", "/en/resources/here/"):
        response = client.get(address)
        assert response["Cache-Control"] == "private, no-cache", address
        assert "Cookie" in response["Vary"]


@pytest.mark.parametrize(
    "address", ["/en/contact/", "/en/account/login/", "/en/account/signup/", "/en/account/password/reset/"]
)
def test_page_with_a_form_is_kept_by_nobody(client: Client, address: str) -> None:
    assert "no-store" in client.get(address)["Cache-Control"]


def test_page_not_found_helps_on_in_the_language(client: Client) -> None:
    response = client.get("/ar/nowhere/")

    html = read(response)
    assert (response.status_code, html.one("html")["dir"], len(html.all("h1"))) == (404, "rtl", 1)
    assert html.one("main").one("form", role="search")["action"] == "/ar/resources/"
    assert [m["content"] for m in html.all("meta", name="robots")] == ["noindex, follow"]


def test_form_without_its_token_is_refused_with_a_page() -> None:
    response = Client(enforce_csrf_checks=True).post("/en/contact/", {})

    assert response.status_code == 403
    assert len(read(response).all("h1")) == 1


def test_server_error_page_needs_no_database(
    client: Client, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.raise_request_exception = False

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(views.PageView, "get", broken, raising=False)
    with django_assert_num_queries(0):
        response = client.get("/fr/about/")

    assert response.status_code == 500
    assert b"<h1" in response.content
    assert b"secret detail" not in response.content


# What machines ask for --------------------------------------------------------------------------------------------


def test_health_is_plain_and_never_cached(client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        response = client.get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok\n")
    assert "no-store" in response["Cache-Control"]


def test_readiness_names_what_it_looked_at(client: Client) -> None:
    response = client.get("/readyz")

    assert (response.status_code, response.json()) == (
        200,
        dict.fromkeys(("database", "migrations", "queue", "storage"), "ok"),
    )


def test_readiness_is_503_where_something_is_wrong(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_disk() -> str:
        raise OSError("/secret/path is full")

    monkeypatch.setitem(views.READINESS, "storage", no_disk)
    monkeypatch.setitem(views.READINESS, "migrations", lambda: "2 to apply")

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {
        "database": "ok",
        "migrations": "2 to apply",
        "queue": "ok",
        "storage": "failed: OSError",
    }


def test_readiness_tells_of_tasks_that_nobody_does(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_tasks_database_dbtaskresult (id, status, enqueued_at, run_after, args_kwargs, priority,"
            " task_path, queue_name, backend_name, exception_class_path, traceback, worker_ids)"
            " VALUES (gen_random_uuid(), 'READY', now() - interval '11 minutes', now() - interval '11 minutes', '{}', 0, 'x'"
            ", 'mail', 'default', '', '', '[]')"
        )

    assert client.get("/readyz").json()["queue"] == "1 tasks wait for a worker"


def test_robots_keep_out_of_what_is_not_for_them(client: Client) -> None:
    lines = client.get("/robots.txt").content.decode().splitlines()

    assert lines[0] == "User-agent: *"
    assert {"Disallow: /admin/", "Disallow: /*/account/"} <= set(lines)
    assert f"Sitemap: {ORIGIN}/sitemap.xml" in lines


def test_portal_that_is_not_to_be_indexed_says_so_twice(client: Client, settings: Settings) -> None:
    settings.PORTAL_INDEXED = False

    assert client.get("/robots.txt").content == b"User-agent: *\nDisallow: /\n"
    assert [m["content"] for m in read(client.get("/en/")).all("meta", name="robots")] == ["noindex, follow"]


def sitemap(client: Client, section: str) -> dict[str, dict[str, str]]:
    """Each address of a section with its alternates."""
    response = client.get(f"/sitemap-{section}.xml")
    assert response.status_code == 200
    return {
        url.findtext("s:loc", "", MAP): {
            link.attrib["hreflang"]: link.attrib["href"] for link in url.findall("x:link", MAP)
        }
        for url in ElementTree.fromstring(response.content).findall("s:url", MAP)
    }


def test_sitemap_has_published_resources_in_all_languages(client: Client) -> None:
    published_resource(slug="here")
    withdrawn_resource(slug="gone")
    EditionFactory(resource=ResourceFactory(slug="draft"))

    found = sitemap(client, "resources")

    assert set(found) == {f"{ORIGIN}/{code}/resources/here/" for code in CODES}
    alternates = found[f"{ORIGIN}/ar/resources/here/"]
    assert set(found) <= set(alternates.values())
    default = client.get(alternates["x-default"].removeprefix(ORIGIN), follow=True)
    assert default.redirect_chain[-1:] in ([], [("/en/resources/here/", 302)])


def test_sitemap_names_languages_as_the_pages_do(client: Client) -> None:
    published_resource(slug="here")

    on_page = {
        a["hreflang"] for a in read(client.get("/en/resources/here/")).all("link", rel="alternate") if a.get("hreflang")
    }

    assert {tag.lower() for tag in sitemap(client, "resources")[f"{ORIGIN}/en/resources/here/"]} == {
        tag.lower() for tag in on_page
    }


def test_sitemap_has_public_entities_topics_and_pages(client: Client) -> None:
    into = EntityFactory(slug="kept")
    EntityFactory(slug="merged", merged_into=into)
    EntityFactory(slug="made-up", is_example=True)
    TopicFactory(slug="health")

    assert {address for address in sitemap(client, "entities") if "/en/" in address} == {
        f"{ORIGIN}/en/coalition/entities/kept/"
    }
    assert {address for address in sitemap(client, "topics") if "/en/" in address} == {f"{ORIGIN}/en/topics/health/"}
    assert {address for address in sitemap(client, "pages") if "/en/" in address} == {
        f"{ORIGIN}/en/{path}" for path in PAGES
    }


def test_sitemap_has_what_was_published_of_the_coalition_and_nothing_made_up(client: Client) -> None:
    example = EntityFactory(is_example=True)
    published_letter("2026-real"), published_letter("2026-example", is_example=True)
    Letter.objects.create(version="2026-draft", title_en="Draft", dated=date(2026, 1, 1))
    shown = [initiative("Shown"), pledge("Shown")]
    initiative("Draft", publication="draft"), initiative("Made up", entity=example)
    pledge("Draft", publication="draft"), pledge("Made up", entity=example)

    found = [
        address
        for section in ("letters", "initiatives", "pledges")
        for address in sitemap(client, section)
        if "/en/" in address
    ]

    assert found == [
        f"{ORIGIN}{path}" for path in ("/en/coalition/letter/2026-real/", *(row.get_absolute_url() for row in shown))
    ]
    assert [client.get(address.removeprefix(ORIGIN)).status_code for address in found] == [200, 200, 200]


def test_index_of_the_sitemaps_leads_to_each(client: Client) -> None:
    response = client.get("/sitemap.xml")

    places = [loc.text for loc in ElementTree.fromstring(response.content).iter(f"{{{MAP['s']}}}loc")]
    assert places == [
        f"{ORIGIN}/sitemap-{name}.xml"
        for name in (
            "pages",
            "topics",
            "entities",
            "letters",
            "initiatives",
            "pledges",
            "dialogues",
            "people",
            "resources",
        )
    ]
    assert response["Cache-Control"] == "public, max-age=3600"


# Contact -----------------------------------------------------------------------------------------------------------


MESSAGE = {
    "name": "Ann",
    "email": "ann@example.org",
    "subject": "correction",
    "page": "/en/resources/x/",
    "message": "It is wrong.",
}


def subject_of(message: Any) -> str:
    return str(make_header(decode_header(str(message.message()["Subject"]))))


def test_message_goes_out_once_with_the_address_to_answer_to(client: Client, settings: Settings) -> None:
    response = client.post("/en/contact/", MESSAGE, follow=True)

    (message,) = mail.outbox
    assert message.to == [settings.PORTAL_CONTACT]
    assert str(message.message()["Reply-To"]) == "ann@example.org"
    assert subject_of(message) == "A correction – /en/resources/x/"
    body = message.message().get_payload(decode=True).decode()
    assert body.strip() == "Ann\n\n/en/resources/x/\n\nIt is wrong."
    assert read(response).one(class_="alert--ok").text == "Your message is on its way. We answer by e-mail."
    assert response.redirect_chain == [("/en/contact/", 302)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", ""), ("email", "ann@"), ("email", "ann@example.org\r\nBcc: all@example.org"), ("subject", "nonsense"),
        ("message", ""), ("message", "x" * 5001), ("page", "x" * 501), ("name", "x" * 121), ("message", "a\x00b"),
    ],
)  # fmt: skip
def test_message_with_a_mistake_is_not_sent_and_names_it(client: Client, field: str, value: str) -> None:
    response = client.post("/en/contact/", {**MESSAGE, field: value})

    html = read(response)
    assert (response.status_code, mail.outbox) == (200, [])
    assert [a["href"] for a in html.one(class_="error-summary").all("a")] == [f"#id_{field}"]
    wrong = html.one(id=f"id_{field}")
    assert wrong["aria-invalid"] == "true"
    assert html.one("title").text.startswith("Error: Contact")
    if field != "message":
        assert html.one("textarea").text == MESSAGE["message"]


@pytest.mark.parametrize("field", ["name", "page", "message"])
def test_line_ends_in_a_field_make_no_header(client: Client, field: str) -> None:
    client.post("/en/contact/", {**MESSAGE, field: "x\r\nBcc: all@example.org\r\n\r\nHello"})

    (message,) = mail.outbox
    assert message.recipients() == ["contact@example.org"]
    assert [message.message()[name] for name in ("Bcc", "Cc")] == [None, None]


def test_too_many_messages_are_refused_with_a_page(client: Client) -> None:
    statuses = [client.post("/en/contact/", MESSAGE).status_code for _ in range(40)]

    assert statuses[0] == 302
    assert statuses[-1] == 429
    assert len(mail.outbox) == statuses.count(302) < 40
    assert len(read(client.post("/en/contact/", MESSAGE)).all("h1")) == 1


def test_contact_form_can_be_filled_by_the_address(client: Client) -> None:
    html = read(client.get("/en/contact/?subject=address&page=%22%3E%3Cscript%3E"))

    assert html.one("input", name="page")["value"] == '"><script>'
    assert [o["value"] for o in html.one("select").all("option") if o.get("selected") is not None] == ["address"]


# Preferences and the demo's mails -------------------------------------------------------------------------------


def test_preferences_are_saved_and_answered_in_the_new_language(client: Client, person: User) -> None:
    client.force_login(person)

    response = client.post(
        "/en/account/preferences/", {"first_name": "Ann", "last_name": "", "language": "ar", "theme": "dark"}
    )

    person.refresh_from_db()
    assert (person.first_name, person.language, person.theme) == ("Ann", "ar", "dark")
    assert response["Location"] == "/ar/account/preferences/"
    assert read(client.get("/ar/")).one("html").get("data-theme") == "dark"


def test_preferences_need_a_person(client: Client) -> None:
    assert client.get("/en/account/preferences/")["Location"] == "/en/account/login/?next=/en/account/preferences/"


def test_preferences_of_nonsense_are_refused(client: Client, person: User) -> None:
    client.force_login(person)

    response = client.post("/en/account/preferences/", {"language": "xx", "theme": "pink", "is_staff": "on"})

    person.refresh_from_db()
    assert (response.status_code, person.language, person.theme, person.is_staff) == (200, "en", "", False)


def test_theme_is_unknown_to_those_who_are_not_signed_in(client: Client) -> None:
    assert read(client.get("/en/")).one("html").get("data-theme") is None


def test_mails_of_the_demo_can_be_read(client: Client, settings: Settings, tmp_path: Path) -> None:
    settings.EMAIL_FILE_PATH = tmp_path
    (tmp_path / "20250101-1.log").write_text(
        "Subject: =?utf-8?q?Votre_code_=C3=A9t=C3=A9?=\nTo: ann@example.org\nDate: Wed, 01 Jan 2025 10:00:00 -0000\n"
        "\nABCD-EFGH <b>\n" + "-" * 79 + "\n"
    )

    html = read(client.get("/en/demo/mail/20250101-1/"))

    assert [a.text for a in html.one("ol").all("a")] == ["Votre code été"]
    assert html.one(class_="mail").text == "ABCD-EFGH <b>"
    assert client.get("/en/demo/mail/nothing/")["Location"] == "/en/demo/mail/"


def test_mails_are_a_matter_of_the_demo_alone(client: Client, settings: Settings, tmp_path: Path) -> None:
    settings.EMAIL_FILE_PATH = tmp_path
    (tmp_path / "a.log").write_text("Subject: x\nTo: a@example.org\n\nsecret\n")
    settings.PORTAL_DEMO = False

    assert [client.get(address).status_code for address in ("/en/demo/mail/", "/en/demo/mail/a/")] == [404, 404]
    assert [a for a in read(client.get("/en/")).all("a") if "demo/mail" in a["href"]] == []


def test_json_of_suggestions_may_be_kept_for_a_minute(client: Client) -> None:
    published_resource(original_title="Copper")

    response = client.get("/en/resources/suggest/?q=copper")

    assert [s["title"] for s in json.loads(response.content)["suggestions"]] == ["Copper"]
    assert (response["Cache-Control"], dict(response.cookies)) == ("public, max-age=60", {})
