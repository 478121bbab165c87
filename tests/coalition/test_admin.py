"""Entities in the back office: look-alikes and merging."""

import csv
import io

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from coalition.models import Entity
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
