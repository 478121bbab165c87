"""Entities in the back office: look-alikes and merging, checking, logos."""

import csv
import io
import json
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from coalition.models import Entity, JournalEntry, Membership
from ewaste_portal.models import User
from tests.coalition.factories import in_review
from tests.factories import EntityFactory, published_resource

pytestmark = pytest.mark.django_db

LIST = "/admin/coalition/entity/"


def test_merge_names_what_goes_and_then_does_it(admin_client: Client) -> None:
    going, staying = (
        EntityFactory(official_name_en="StEP"),
        EntityFactory(official_name_en="Solving the E-waste Problem"),
    )
    data = {"action": "merge", "_selected_action": [going.pk]}

    page = admin_client.post(LIST, data)
    before = Entity.objects.get(pk=going.pk).merged_into
    admin_client.post(LIST, {**data, "confirmed": "yes", "into": staying.pk})

    assert [item.official_name_en for item in page.context["items"]] == ["StEP"]
    assert (before, Entity.objects.get(pk=going.pk).merged_into) == (None, staying)


def test_an_entity_is_not_merged_into_one_of_the_chosen(admin_client: Client) -> None:
    one, two = EntityFactory(), EntityFactory()
    data = {"action": "merge", "_selected_action": [one.pk, two.pk], "confirmed": "yes", "into": two.pk}

    response = admin_client.post(LIST, data)

    assert "into" in response.context["form"].errors
    assert not Entity.objects.filter(merged_into__isnull=False).exists()


def test_fields_offer_no_merged_entity(admin_client: Client) -> None:
    staying = EntityFactory(official_name_en="Basel Secretariat")
    EntityFactory(official_name_en="Basel Office", merged_into=staying)
    query = {"app_label": "knowledge", "model_name": "resourcepublisher", "field_name": "entity", "term": "Basel"}

    response = admin_client.get(reverse("admin:autocomplete"), query)

    assert [row["text"] for row in response.json()["results"]] == ["Basel Secretariat"]


def test_saving_a_look_alike_warns_with_a_link(admin_client: Client) -> None:
    known = EntityFactory(official_name_en="United Nations Environment Programme")
    data = {"kind": "un-body", "slug": "unep-2", "domains": "unep.org\nun.org"}
    data["official_name_en"] = "United Nations Environmental Programme"

    response = admin_client.post(f"{LIST}add/", data)

    warnings = [str(message) for message in get_messages(response.wsgi_request) if "looks like" in str(message)]
    assert Entity.objects.get(slug="unep-2").domains == ["unep.org", "un.org"]
    assert len(warnings) == 1
    assert f'href="{LIST}{known.pk}/change/"' in warnings[0]


def test_export_gives_names_in_six_languages(admin_client: Client) -> None:
    entity = EntityFactory(official_name_ru="Программа", short_name_en="UNEP")
    published_resource(publishers=[entity])
    page = admin_client.get(f"{LIST}export/")
    columns = {
        field.html_name: "on" for field in page.context["form"] if getattr(field.field, "is_selectable_field", False)
    }

    content = admin_client.post(f"{LIST}export/", {"format": 0, "resource": "", **columns}).content.decode()

    (row,) = csv.DictReader(io.StringIO(content))
    assert (row["slug"], row["official_name_ru"], row["short_name_en"]) == (entity.slug, "Программа", "UNEP")


# Checking ------------------------------------------------------------------------------------------------


def test_added_entity_is_marked_as_checked_by_whom_and_in_the_journal(admin_client: Client, admin_user: User) -> None:
    entity, known = EntityFactory(slug="added", unchecked=True), EntityFactory()
    before = Client().get(entity.get_absolute_url()).status_code

    admin_client.post(LIST, {"action": "mark_checked", "_selected_action": [entity.pk, known.pk]})

    entity.refresh_from_db()
    last = json.loads(JournalEntry.objects.latest("pk").payload)
    assert (before, Client().get(entity.get_absolute_url()).status_code) == (404, 200)
    assert entity.checked_by == admin_user
    assert (last["event"], last["entity"], last["account"]) == ("entity checked", "added", admin_user.pk)
    assert JournalEntry.objects.count() == 1
    event = Entity.pgh_event_model.objects.filter(pgh_obj_id=entity.pk).latest("pgh_id")
    assert event.checked_by_id == admin_user.pk


def test_list_is_filtered_by_what_is_checked_and_the_start_page_counts(admin_client: Client) -> None:
    added, known = EntityFactory(unchecked=True), EntityFactory()
    EntityFactory(unchecked=True, merged_into=known)

    lists = {
        answer: set(admin_client.get(f"{LIST}?checked={answer}&merged=no").context["cl"].queryset)
        for answer in ("no", "yes")
    }
    waiting = {line.label: line.count for line in admin_client.get("/admin/").context["waiting"]}

    assert lists == {"no": {added}, "yes": {known}}
    assert waiting["Entities to check"] == 1


def test_entity_that_staff_add_is_checked(admin_client: Client, admin_user: User) -> None:
    data = {"kind": "un-body", "slug": "added", "official_name_en": "Added"}

    admin_client.post(f"{LIST}add/", data)

    assert Entity.objects.public().get(slug="added").checked_by == admin_user


def test_migration_marks_all_but_what_applicants_added(admin_user: User) -> None:
    migration = import_module("coalition.migrations.0006_entity_checked")
    shipped, added, reviewed = (EntityFactory(unchecked=True) for _turn in range(3))
    Entity.objects.filter(pk=added.pk).update(source=migration.UNCHECKED)
    day = timezone.now()
    Membership.objects.filter(pk=in_review(entity=reviewed).pk).update(reviewed_at=day, reviewed_by=admin_user)

    migration.mark_checked(apps, None)
    found = {row.pk: (row.checked_at, row.checked_by and row.checked_by.email) for row in Entity.objects.all()}
    source = Entity.objects.get(pk=added.pk).source
    migration.mark_in_the_source(apps, None)

    assert found[shipped.pk] == (shipped.created_at, "load-entities@portal.invalid")
    assert found[added.pk] == (None, None)
    assert found[reviewed.pk] == (day, admin_user.email)
    assert (source, Entity.objects.get(pk=added.pk).source) == ("Added by an applicant.", migration.UNCHECKED)


# The logo ------------------------------------------------------------------------------------------------


def logo_form(**more: Any) -> dict[str, Any]:
    picture = io.BytesIO()
    Image.new("RGB", (900, 300), "red").save(picture, "JPEG", comment=b"secret")
    upload = SimpleUploadedFile("logo.jpg", picture.getvalue(), "image/jpeg")
    return {"kind": "un-body", "slug": "e", "official_name_en": "Entity", "logo": upload, **more}


def test_logo_is_drawn_anew_and_shown_with_its_permission(admin_client: Client) -> None:
    entity = EntityFactory(slug="e", official_name_en="Entity")

    admin_client.post(f"{LIST}{entity.pk}/change/", logo_form(logo_permission="By letter, 5 May 2026."))

    shown = b"".join(Client().get("/en/coalition/entities/e/logo.png"))
    with Image.open(io.BytesIO(shown)) as image:
        assert (image.format, max(image.size)) == ("PNG", 512)
    assert b"secret" not in shown
    event = Entity.pgh_event_model.objects.filter(pgh_obj_id=entity.pk).latest("pgh_id")
    assert event.logo_permission == "By letter, 5 May 2026."


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"logo_permission": " "}, "logo_permission"),
        ({"logo_permission": "Yes.", "logo": SimpleUploadedFile("logo.png", b"<svg/>", "image/png")}, "logo"),
    ],
)
def test_logo_without_permission_or_that_is_none_is_told_beside_its_field(
    admin_client: Client, more: dict[str, Any], field: str
) -> None:
    entity = EntityFactory(slug="e", official_name_en="Entity")

    answer = admin_client.post(f"{LIST}{entity.pk}/change/", logo_form(**more))

    assert list(answer.context["adminform"].form.errors) == [field]
    assert not Entity.objects.get(pk=entity.pk).logo


def test_logo_is_taken_away_and_an_entity_with_one_can_be_saved(admin_client: Client) -> None:
    entity = EntityFactory(slug="e", official_name_en="Entity")
    address, kept = f"{LIST}{entity.pk}/change/", {"logo_permission": "Yes."}
    admin_client.post(address, logo_form(**kept))
    plain = {name: value for name, value in logo_form(**kept).items() if name != "logo"}

    admin_client.post(address, {**plain, "website": "https://e.example.org"})
    saved = Entity.objects.get(pk=entity.pk)
    admin_client.post(address, {**plain, "logo-clear": "on"})

    assert (saved.website, bool(saved.logo)) == ("https://e.example.org", True)
    assert not Entity.objects.get(pk=entity.pk).logo
