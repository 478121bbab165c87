"""Every change is kept, whatever the path."""

from typing import Any

import pghistory
import pytest
from django.db import connection, models

from coalition.models import Entity
from knowledge import actions
from knowledge.models import Edition, Resource, Synonym, Topic
from tests.factories import EditionFactory, EntityFactory, ResourceFactory, SynonymFactory, TopicFactory, UserFactory

KEPT = [
    (Resource, ResourceFactory),
    (Edition, EditionFactory),
    (Topic, TopicFactory),
    (Synonym, SynonymFactory),
    (Entity, EntityFactory),
]


def columns(model: type[models.Model]) -> set[str]:
    """Those that are written: what the database computes from them needs no history."""
    written = (field for field in model._meta.concrete_fields if not field.generated)
    return {field.column for field in written if not field.column.startswith("pgh_")}


@pytest.mark.parametrize("model", [model for model, _factory in KEPT])
def test_history_keeps_every_column_of_the_model_the_translated_ones_too(model: Any) -> None:
    assert columns(model.events.rel.related_model) == columns(model)


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "factory"), KEPT)
def test_history_table_has_every_column_that_django_writes(model: Any, factory: Any) -> None:
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(
            cursor, model.events.rel.related_model._meta.db_table
        )

    assert columns(model) <= {column.name for column in described}


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "factory"), KEPT)
def test_insert_update_and_delete_are_kept_whatever_the_path(model: Any, factory: Any) -> None:
    thing = factory()
    field = "is_active" if model is Synonym else "format" if model is Edition else "slug"
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {model._meta.db_table} SET {field} = %s WHERE id = %s", ["false", thing.pk])
        cursor.execute(f"DELETE FROM {model._meta.db_table} WHERE id = %s", [thing.pk])

    kept = model.events.rel.related_model.objects.filter(id=thing.pk).order_by("pgh_id")

    assert [event.pgh_label for event in kept] == ["insert", "update", "delete"]
    assert [str(getattr(event, field)).lower() for event in kept][1:] == ["false", "false"]


@pytest.mark.django_db
def test_update_that_changes_nothing_is_not_kept() -> None:
    topic = TopicFactory()

    Topic.objects.filter(pk=topic.pk).update(slug=topic.slug)

    assert topic.events.filter(pgh_label="update").count() == 0


@pytest.mark.django_db
def test_translation_that_changes_is_kept() -> None:
    resource = ResourceFactory(title_fr="Ancien")

    Resource.objects.filter(pk=resource.pk).update(title_fr="Nouveau")

    kept = resource.events.order_by("pgh_id").values_list("pgh_label", "title_fr")
    assert list(kept) == [("insert", "Ancien"), ("update", "Nouveau")]


@pytest.mark.django_db
def test_history_says_who_when_the_context_does() -> None:
    resource, by = EditionFactory().resource, UserFactory()

    with pghistory.context(user=by.pk):
        actions.publish(resource=resource, by=by)

    event = resource.events.get(pgh_label="update")
    assert (event.state, event.published_by_id, event.pgh_context.metadata["user"]) == ("published", by.pk, by.pk)
