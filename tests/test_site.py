"""Walks the whole site: every address without arguments in all six languages, every list and form of the back office."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.contrib import admin
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse, translate_url
from django.utils import translation

from ewaste_portal.models import User
from tests.factories import (
    EntityFactory,
    ResourceFactory,
    SynonymFactory,
    TopicFactory,
    UserFactory,
    published_resource,
    withdrawn_resource,
)

pytestmark = pytest.mark.django_db

TAGS = {"ar": "ar", "zh-hans": "zh-Hans", "en": "en", "fr": "fr", "ru": "ru", "es": "es"}
# Answers that are no page: data for scripts, files, and what only follows a step before (allauth).
NO_PAGES = {
    "knowledge:resource_suggest",
    "world_facts_csv",
    "coalition:journal_file",
    "coalition:look_alikes",
    "coalition:root_certificate",
    "dialogue:joined_csv",
    "dialogue:all_calendar",
    "dialogue:all_schedule_xml",
    "dialogue:all_schedule_json",
    "dialogue:all_changes_feed",
}
# Pages of whoever has signed in; a stranger is sent to sign in and comes back.
FOR_SIGNED_IN = {"coalition:own_work", "preferences", "coalition:join_new"}


class Outline(HTMLParser):
    """What can be said of a page without a browser."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.html: dict[str, str | None] = {}
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.hreflangs: dict[str, str] = {}
        self.mains = 0
        self.title = ""
        self._in_title = False
        self.feed(response.content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "html":
            self.html = values
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "main":
            self.mains += 1
        if tag == "a" and values.get("href"):
            self.links.append(str(values["href"]))
        if tag == "link" and values.get("hreflang"):
            self.hreflangs[str(values["hreflang"])] = str(values["href"])
        if values.get("id"):
            self.ids.append(str(values["id"]))
        self._in_title = tag == "title" and not self.title

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data.strip()

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False


def names(patterns: list[URLPattern | URLResolver], space: str = "") -> Iterator[str]:
    """Names of all addresses below a language that take no argument."""
    for pattern in patterns:
        if getattr(pattern.pattern, "converters", None) or re.search(
            r"\(\?P?<|\\d|\[", str(getattr(pattern.pattern, "_regex", ""))
        ):
            continue
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from names(pattern.url_patterns, inner)
        elif pattern.name:
            yield f"{space}{pattern.name}"


def all_names() -> list[str]:
    (languages,) = (
        r
        for r in get_resolver().url_patterns
        if isinstance(r, URLResolver) and "LocalePrefix" in type(r.pattern).__name__
    )
    return list(dict.fromkeys(names(languages.url_patterns)))


def is_account(name: str) -> bool:
    return name.startswith(("account_", "mfa_", "usersessions_", "socialaccount_"))


PUBLIC = [
    "home", "knowledge:resource_list", "knowledge:browse", "knowledge:topic_list", "coalition:home", "coalition:entity_list",
    "about", "accessibility", "privacy", "terms", "contact", "account_login", "account_signup", "account_reset_password",
]  # fmt: skip


@pytest.fixture
def world() -> None:
    """A little of everything, so that no list is walked empty."""
    topic, entity = TopicFactory(), EntityFactory(short_name_en="ENT")
    for _number in range(3):
        published_resource(topics=[topic], publishers=[entity], summary_en="About e-waste.", doi="")
    withdrawn_resource()
    ResourceFactory()
    SynonymFactory()


def check_page(response: HttpResponse, language: str, where: str) -> Outline:
    page = Outline(response)
    assert page.headings.count(1) == 1, f"{where}: {page.headings.count(1)} headings of the first level"
    assert page.html.get("lang") == TAGS[language], where
    assert page.html.get("dir", "ltr") == ("rtl" if language == "ar" else "ltr"), where
    assert page.mains == 1, where
    assert page.title, where
    assert page.headings[0] == 1, where
    skipped = [pair for pair in zip(page.headings, page.headings[1:], strict=False) if pair[1] > pair[0] + 1]
    assert not skipped, f"{where}: a level of headings is skipped: {page.headings}"
    assert len(page.ids) == len(set(page.ids)), (
        f"{where}: an id stands twice: {[i for i in page.ids if page.ids.count(i) > 1]}"
    )
    return page


@pytest.mark.parametrize("language", TAGS)
def test_every_public_address_is_a_page_in_its_language(
    client: Client, world: None, language: str, subtests: pytest.Subtests
) -> None:
    walked = []
    for name in all_names():
        if name in NO_PAGES or (is_account(name) and name not in PUBLIC):
            continue
        with translation.override(language):
            path = reverse(name)
        response = client.get(path)
        if name in FOR_SIGNED_IN:
            assert (response.status_code, response["Location"]) == (302, f"/{language}/account/login/?next={path}")
            continue
        with subtests.test(path=path):
            assert response.status_code == 200, path
            check_page(response, language, path)
        walked.append(name)

    assert set(PUBLIC) <= set(walked)
    assert len(walked) >= 15


@pytest.mark.parametrize("language", TAGS)
def test_every_address_of_an_account_is_a_page_or_leads_to_one(world: None, language: str) -> None:
    client = Client()
    client.force_login(UserFactory(verified=True))
    pages = 0
    for name in [name for name in all_names() if is_account(name) or name in FOR_SIGNED_IN]:
        with translation.override(language):
            path = reverse(name)
        response = client.get(path)
        assert response.status_code in {200, 302, 403, 404, 405, 410}, path
        if response.status_code == 302:
            assert response["Location"].startswith(f"/{language}/"), f"{path} leads to {response['Location']}"
        elif response.get("Content-Type", "").startswith("text/html"):
            check_page(response, language, path)
            pages += response.status_code == 200

    assert pages >= 6


@pytest.mark.parametrize("language", TAGS)
def test_pages_with_arguments_are_pages_too(client: Client, language: str) -> None:
    topic, entity = TopicFactory(), EntityFactory()
    resource = published_resource(topics=[topic], publishers=[entity], title_fr="Titre", own_titles=["fr"])
    withdrawn = withdrawn_resource(reason="A reason that readers see.")

    with translation.override(language):
        paths = [thing.get_absolute_url() for thing in (resource, topic, entity)]
        paths += [
            reverse("knowledge:facet_values", args=[facet])
            for facet in ("type", "topic", "language", "publisher", "place", "category", "target")
        ]
        paths += [
            reverse("knowledge:resource_list") + query
            for query in ("?q=resource", "?type=report&type=nothing&page=1", "?q=absent", "?sort=title")
        ]
        gone = withdrawn.get_absolute_url()
    for path in paths:
        response = client.get(path)
        assert response.status_code == 200, path
        check_page(response, language, path)

    response = client.get(gone)
    assert response.status_code == 410
    check_page(response, language, gone)
    assert "A reason that readers see." in response.content.decode()


@pytest.mark.parametrize("language", TAGS)
def test_page_that_is_not_there_is_a_page_in_the_language_of_its_address(client: Client, language: str) -> None:
    response = client.get(f"/{language}/nothing-here/")

    assert response.status_code == 404
    check_page(response, language, "404")


def test_draft_has_no_page(client: Client) -> None:
    draft, shown = ResourceFactory(), published_resource()

    assert client.get(shown.get_absolute_url()).status_code == 200
    assert client.get(draft.get_absolute_url()).status_code == 404
    for ending in ("bib", "ris", "json"):
        assert client.get(f"/en/resources/{draft.slug}.{ending}").status_code == 404
        assert client.get(f"/en/resources/{shown.slug}.{ending}").status_code == 200


def test_every_page_names_itself_in_all_languages(client: Client, world: None) -> None:
    for name in PUBLIC[:6]:
        path = reverse(name)
        page = Outline(client.get(path))

        expected = {tag: settings.PORTAL_ORIGIN + translate_url(path, code) for code, tag in TAGS.items()}
        assert page.hreflangs == {**expected, "x-default": expected["en"]}


def test_no_link_of_any_page_leads_to_nowhere(client: Client, world: None) -> None:
    seen, waiting = set(), ["/en/"]
    while waiting:
        path = waiting.pop()
        response = client.get(path)
        assert response.status_code in {200, 301, 302, 410}, path
        if not response.get("Content-Type", "").startswith("text/html"):
            continue
        for link in Outline(response).links:
            bare = link.split("#")[0]
            # one address each of what filters make without end; the other languages are walked above
            key = re.sub(r"=[^&]*", "=", bare)
            if bare.startswith("/en/") and key not in seen and len(seen) < 150:
                seen.add(key)
                waiting.append(bare)

    assert len(seen) >= 20


def test_sitemap_lists_what_is_public_and_every_address_of_it_answers(client: Client, world: None) -> None:
    index = client.get("/sitemap.xml").content.decode()
    sections = re.findall(r"<loc>[^<]*?(/sitemap-[^<]*)</loc>", index)
    assert len(sections) >= 4

    addresses = [
        address
        for section in sections
        for address in re.findall(r"<loc>([^<]*)</loc>", client.get(section).content.decode())
    ]

    assert len(addresses) >= 6 * 14
    assert [
        address for address in addresses if client.get(address.removeprefix(settings.PORTAL_ORIGIN)).status_code != 200
    ] == []


# The back office ----------------------------------------------------------------------------------------------


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(UserFactory(verified=True, is_staff=True, is_superuser=True))
    return client


def back_office() -> list[str]:
    return [f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry]


def test_every_list_and_form_of_the_back_office_opens(staff: Client, world: None, subtests: pytest.Subtests) -> None:
    walked = {"changelist": 0, "search": 0, "add": 0, "change": 0, "history": 0}
    for model, office in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        paths = {"changelist": reverse(f"{name}_changelist")}
        request = staff.get(paths["changelist"]).wsgi_request
        if office.search_fields:
            paths["search"] = paths["changelist"] + "?q=a%27b%22%25"
        if office.has_add_permission(request):
            paths["add"] = reverse(f"{name}_add")
        if thing := model._default_manager.first():
            paths["change"] = reverse(f"{name}_change", args=[thing.pk])
            paths["history"] = reverse(f"{name}_history", args=[thing.pk])
        for kind, path in paths.items():
            with subtests.test(path=path):
                response = staff.get(path)
                assert response.status_code == 200, path
                assert Outline(response).headings.count(1) == 1, path
            walked[kind] += 1

    assert {"knowledge_resource", "knowledge_topic", "knowledge_synonym", "coalition_entity"} <= set(back_office())
    assert min(walked.values()) >= 5, walked


@pytest.mark.parametrize("language", TAGS)
def test_start_page_of_the_back_office_opens_in_every_language(staff: Client, world: None, language: str) -> None:
    staff.cookies["django_language"] = language

    response = staff.get("/admin/", headers={"accept-language": language})

    assert response.status_code == 200
    assert Outline(response).headings.count(1) == 1


def test_back_office_is_closed_to_everyone_else(world: None) -> None:
    visitor, person = Client(), Client()
    person.force_login(UserFactory(verified=True))
    paths = [reverse("admin:index"), *(reverse(f"admin:{name}_changelist") for name in back_office())]

    for path in paths:
        for client in (visitor, person):
            response = client.get(path)
            assert response.status_code == 302, path
            assert response["Location"].startswith(("/admin/login/", "/en/account/login/"))


def test_stranger_to_a_group_sees_no_model(client: Client) -> None:
    client.force_login(User.objects.create_user("clerk@example.org", is_staff=True))

    assert client.get(reverse("admin:index")).status_code == 200
    assert client.get(reverse("admin:knowledge_resource_changelist")).status_code == 403
