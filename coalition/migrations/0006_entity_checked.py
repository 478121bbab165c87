"""Which entities staff have checked: all but those whose `source` said that an applicant added them."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F

UNCHECKED = "Added by an applicant; not checked yet."
ADDED = "Added by an applicant."


def mark_checked(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """By the reviewer of the first application that went on; all others by the account that loads the shipped data."""
    entities = apps.get_model("coalition", "Entity").objects
    reviews = apps.get_model("coalition", "Membership").objects.filter(reviewed_at__isnull=False)
    unchecked = entities.filter(checked_at=None, source=UNCHECKED)
    known = entities.filter(checked_at=None).exclude(source=UNCHECKED)
    reviews = reviews.filter(entity__in=known).order_by("reviewed_at")
    for entity, at, by in list(reviews.values_list("entity", "reviewed_at", "reviewed_by")):
        entities.filter(pk=entity, checked_at=None).update(checked_at=at, checked_by=by)
    if known.exists():
        loader, _created = apps.get_model("ewaste_portal", "User").objects.get_or_create(
            email="load-entities@portal.invalid", defaults={"is_active": False, "password": "!"}
        )
        known.update(checked_at=F("created_at"), checked_by=loader)
    unchecked.update(source=ADDED)


def mark_in_the_source(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("coalition", "Entity").objects.filter(checked_at=None).update(source=UNCHECKED)


class Migration(migrations.Migration):
    dependencies = [("coalition", "0005_entity_checked_pair")]

    operations = [migrations.RunPython(mark_checked, mark_in_the_source)]
