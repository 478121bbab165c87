"""What every answer carries: who may keep it, what the browser may do, under which id it stands in the log."""

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from tests.factories import UserFactory, published_resource, withdrawn_resource

pytestmark = pytest.mark.django_db

ANONYMOUS_PAGES = ["/en/", "/ar/resources/", "/en/topics/", "/fr/coalition/", "/ru/about/", "/en/resources/browse/"]


@pytest.fixture
def signed_in() -> Client:
    client = Client()
    client.force_login(UserFactory(verified=True))
    return client


# Caches ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ANONYMOUS_PAGES)
def test_page_for_a_visitor_sets_no_cookie_and_anyone_may_keep_it_for_a_minute(client: Client, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 200
    assert not response.cookies
    assert set(response["Cache-Control"].replace(" ", "").split(",")) == {"public", "max-age=60"}
    assert "cookie" in response["Vary"].lower()  # whoever signs in gets a page anew


@pytest.mark.parametrize("path", ANONYMOUS_PAGES)
def test_page_that_is_still_the_same_is_answered_with_304(client: Client, path: str) -> None:
    etag = client.get(path)["ETag"]

    again = client.get(path, headers={"if-none-match": etag})

    assert (again.status_code, again.content) == (304, b"")


def test_page_that_changed_is_sent_again(client: Client) -> None:
    etag = client.get("/en/resources/")["ETag"]
    published_resource()

    assert client.get("/en/resources/", headers={"if-none-match": etag}).status_code == 200


@pytest.fixture
def burst(settings: Settings) -> None:
    settings.PORTAL_BURST_SECONDS = 60


def test_crowd_is_answered_from_memory(
    client: Client, burst: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first = client.get("/en/topics/")

    with django_assert_num_queries(0):
        again = client.get("/en/topics/")
        unchanged = client.get("/en/topics/", headers={"if-none-match": first["ETag"]})

    assert (again.content, again["Cache-Control"], again["ETag"]) == (
        first.content, first["Cache-Control"], first["ETag"],
    )  # fmt: skip
    assert unchanged.status_code == 304
    assert client.get("/ar/topics/").content != first.content


def test_crowd_gets_nothing_that_was_made_for_one_person(client: Client, signed_in: Client, burst: None) -> None:
    mine = signed_in.get("/en/")
    theirs = client.get("/en/")

    assert "Your account" in mine.content.decode()
    assert "Your account" not in theirs.content.decode()
    assert "Your account" in signed_in.get("/en/").content.decode()


@pytest.mark.parametrize("path", ["/en/account/login/", "/en/contact/", "/", "/readyz", "/en/nothing-here/"])
def test_forms_doors_and_errors_are_made_anew_for_everyone(client: Client, burst: None, path: str) -> None:
    first, second = Client().get(path), Client().get(path, headers={"accept-language": "ar"})

    if path == "/":
        assert second["Location"] == "/ar/"
    if first.cookies:
        assert first.cookies["csrftoken"].value != second.cookies["csrftoken"].value
    assert first["X-Request-ID"] != second["X-Request-ID"]


def test_page_for_somebody_signed_in_is_private(signed_in: Client) -> None:
    response = signed_in.get("/en/resources/")

    assert response["Cache-Control"] == "private, no-cache"


def test_page_with_a_form_to_post_is_kept_by_nobody(client: Client) -> None:
    response = client.get("/en/account/login/")

    assert "csrftoken" in response.cookies
    assert "no-store" in response["Cache-Control"]


def test_answer_to_a_post_is_kept_by_nobody(client: Client) -> None:
    assert "no-store" in client.post("/en/account/login/", {})["Cache-Control"]


def test_pages_that_are_not_there_may_be_kept_as_well(client: Client) -> None:
    withdrawn = withdrawn_resource()

    missing, gone = client.get("/en/resources/never-was/"), client.get(f"/en/resources/{withdrawn.slug}/")

    assert (missing.status_code, gone.status_code) == (404, 410)
    assert "public" in missing["Cache-Control"]
    assert "public" in gone["Cache-Control"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_answer_for_machines_is_always_fresh(client: Client, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 200, response.content
    assert "no-store" in response["Cache-Control"]


def test_front_door_leads_to_the_language_of_the_browser(client: Client) -> None:
    for asked, path in {"ru": "/ru/", "zh-CN,zh;q=0.9": "/zh-hans/", "de": "/en/", "ar-EG": "/ar/"}.items():
        response = client.get("/", headers={"accept-language": asked})
        assert (response.status_code, response["Location"]) == (302, path)
        assert "Accept-Language" in response["Vary"]


# Safety ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/en/", "/en/account/login/", "/en/nothing-here/", "/admin/", "/healthz"])
def test_every_answer_says_what_the_browser_may_do(client: Client, path: str) -> None:
    response = client.get(path)

    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?:|\*", policy)
    assert (response["X-Frame-Options"], response["X-Content-Type-Options"]) == ("DENY", "nosniff")
    assert response["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert "camera=()" in response["Permissions-Policy"]
    assert "publickey-credentials-get=(self)" in response["Permissions-Policy"]


# Ids ---------------------------------------------------------------------------------------------------


def test_every_answer_has_an_id_of_its_own(client: Client) -> None:
    one, other = client.get("/healthz")["X-Request-ID"], client.get("/healthz")["X-Request-ID"]

    assert re.fullmatch(r"[0-9a-f]{32}", one)
    assert one != other


@pytest.mark.parametrize("given", ["abcdef12-3456", "A" * 64])
def test_sensible_id_of_the_proxy_is_kept(client: Client, given: str) -> None:
    assert client.get("/healthz", headers={"x-request-id": given})["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["short", "A" * 65, "with space 1234", "line\tbreak-1234", "ид-1234567890"])
def test_other_id_of_the_proxy_is_replaced(client: Client, given: str) -> None:
    assert client.get("/healthz", headers={"x-request-id": given})["X-Request-ID"] != given


# Methods -----------------------------------------------------------------------------------------------


def test_wrong_method_is_answered_with_a_page_of_ours(client: Client) -> None:
    response = client.post("/en/about/")

    assert response.status_code == 405
    assert "GET" in response["Allow"]
    assert "<h1" in response.content.decode()


def test_unknown_host_is_answered_with_400_and_a_page(client: Client) -> None:
    response = client.get("/en/", headers={"host": "evil.example.org"})

    assert response.status_code == 400
    assert "evil.example.org" not in response.content.decode()
