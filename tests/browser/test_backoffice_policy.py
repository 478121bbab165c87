"""The strict content security policy holds on every page of the back office: no violation, no foreign request."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.files.temp import NamedTemporaryFile
from django.test import RequestFactory
from django.urls import NoReverseMatch, reverse

from ewaste_portal.models import User
from tests.factories import (
    EditionFactory,
    EntityFactory,
    ResourceFactory,
    SynonymFactory,
    TopicFactory,
    published_resource,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def trouble(staff_page: Any, live_server: Any) -> list[str]:
    """What the browser complains of, and every request to another host, as it happens."""
    found: list[str] = []

    def ask(request: Any) -> None:
        if not request.url.startswith((live_server.url, "data:", "blob:")):
            found.append(f"foreign request on {staff_page.url}: {request.url}")

    def hear(message: Any) -> None:
        if message.type in {"error", "warning"}:  # a breach of the policy is an error; the rest are the browser's hints
            found.append(f"{message.type} on {staff_page.url}: {message.text}")

    staff_page.on("console", hear)
    staff_page.on("pageerror", lambda error: found.append(f"script error on {staff_page.url}: {error}"))
    staff_page.on("request", ask)
    return found


@pytest.fixture
def records(db: None) -> dict[str, Any]:
    """One row of each list that is ours, and enough for its pages to be drawn in full."""
    Group.objects.get_or_create(name="Editor")
    topic, entity = TopicFactory(name_ar="موضوع"), EntityFactory()
    published = published_resource(topics=[topic], publishers=[entity], original_title="E-waste in Ghana: a survey")
    draft = EditionFactory(
        resource=ResourceFactory(original_title="E-waste in Ghana: the survey", topics=[topic])
    ).resource
    return {"published": published, "draft": draft, "topic": topic, "entity": entity, "synonym": SynonymFactory()}


def addresses() -> list[str]:
    """Every page of the admin that a superuser can ask for: lists, forms, files, histories."""
    request = RequestFactory().get("/admin/")
    request.user = User.objects.get(is_superuser=True)
    found = ["/admin/", "/admin/password_change/", reverse("admin:knowledge_resource_duplicates")]
    found += [
        reverse("admin:app_list", args=[label])
        for label in sorted({model._meta.app_label for model in admin.site._registry})
    ]
    for model, model_admin in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        found.append(reverse(f"{name}_changelist"))
        found += [reverse(f"{name}_{page}") for page in ("import", "export") if _exists(f"{name}_{page}")]
        if model_admin.has_add_permission(request):
            found.append(reverse(f"{name}_add"))
        row = model._default_manager.order_by("pk").first()
        if row is not None:
            found += [reverse(f"{name}_{page}", args=[row.pk]) for page in ("change", "history")]
        if row is not None and model_admin.has_delete_permission(request, row):
            found.append(reverse(f"{name}_delete", args=[row.pk]))
    return found


def _exists(name: str) -> bool:
    try:
        return bool(reverse(name))
    except NoReverseMatch:
        return False


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_page_of_the_back_office_keeps_the_policy(
    staff_page: Any, live_server: Any, records: dict[str, Any], trouble: list[str], language: str
) -> None:
    staff_page.context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
    walked = addresses()
    walked.append(reverse("admin:auth_user_password_change", args=[User.objects.get(is_superuser=True).pk]))
    for item in (records["published"], records["draft"]):
        walked += [
            reverse(f"admin:knowledge_resource_{page}", args=[item.pk]) for page in ("change", "preview", "history")
        ]
    walked.append(reverse("admin:knowledge_resource_withdraw", args=[records["published"].pk]))

    bad = []
    for address in walked:
        answer = staff_page.goto(f"{live_server.url}{address}")
        policy = answer.headers.get("content-security-policy", "")
        if answer.status != 200 or "script-src 'self'" not in policy or "unsafe" in policy:
            bad.append(f"{answer.status} {address}: {policy}")
        if staff_page.locator("html").get_attribute("lang") != language or staff_page.locator("h1").count() == 0:
            bad.append(f"{address}: no heading, or not in {language}")

    assert bad == []
    assert trouble == []
    assert len(walked) > 50


def test_what_scripts_do_keeps_the_policy(
    staff_page: Any, live_server: Any, records: dict[str, Any], trouble: list[str]
) -> None:
    """Tabs, autocompletes, calendar, another inline row, actions, the preview of an import."""
    change = reverse("admin:knowledge_resource_change", args=[records["draft"].pk])
    staff_page.goto(f"{live_server.url}{change}")
    tab = staff_page.get_by_role("tab", name="Arabic")
    tab.click()
    assert tab.get_attribute("aria-selected") == "true"
    assert staff_page.locator("#id_title_ar").is_visible()
    assert not staff_page.locator("#id_title_en").is_visible()
    assert staff_page.locator("#id_title_ar").evaluate("input => getComputedStyle(input).direction") == "rtl"
    staff_page.get_by_text("Add another Publisher").click()
    staff_page.locator(".field-topics .select2-container").click()
    staff_page.locator(".select2-results__option").first.wait_for()
    staff_page.keyboard.press("Escape")
    staff_page.locator("#id_year").click()
    staff_page.locator(".field-published_on .date-icon").click()
    staff_page.locator(".calendarbox >> visible=true").wait_for()

    staff_page.goto(f"{live_server.url}{reverse('admin:knowledge_resource_changelist')}")
    staff_page.locator("#action-toggle").check()
    staff_page.locator("select[name=action]").select_option("set_topics")
    staff_page.locator("button[name=index]").click()
    staff_page.locator(".confirm-list li").first.wait_for()
    assert staff_page.locator(".confirm-list li").count() == 2

    staff_page.goto(f"{live_server.url}{reverse('admin:coalition_entity_changelist')}")
    staff_page.locator("#action-toggle").check()
    staff_page.locator("select[name=action]").select_option("merge")
    staff_page.locator("button[name=index]").click()
    staff_page.locator(".select2-container").click()
    staff_page.locator(".select2-results__option").first.wait_for()

    with NamedTemporaryFile(suffix=".csv") as file:
        file.write(f"slug,title_fr\n{records['draft'].slug},Une enquête\n".encode())
        file.flush()
        staff_page.goto(f"{live_server.url}{reverse('admin:knowledge_resource_import')}")
        staff_page.locator("input[type=file]").set_input_files(file.name)
        staff_page.locator("select[name=format]").select_option("0")
        staff_page.locator("input[type=submit]").click()
    assert staff_page.locator("table.import-preview ins").inner_text() == "Une enquête"

    staff_page.goto(f"{live_server.url}{reverse('admin:knowledge_resource_export')}")
    staff_page.get_by_label("All columns").uncheck()
    assert staff_page.locator(".selectable-field-export-row input:checked").count() == 0
    assert trouble == []


def test_form_is_whole_without_scripts(
    browser: Any, staff_page: Any, live_server: Any, records: dict[str, Any]
) -> None:
    context = browser.new_context(java_script_enabled=False, storage_state=staff_page.context.storage_state())
    page = context.new_page()

    page.goto(f"{live_server.url}{reverse('admin:knowledge_resource_change', args=[records['draft'].pk])}")

    assert [
        page.locator(f"#id_title_{column}").is_visible() for column in ("ar", "zh_hans", "en", "fr", "ru", "es")
    ] == [True] * 6
    context.close()
