"""`manage.py load_demo`: the shipped starting content: entities, topics, thesaurus, catalogue and its translations."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection

from coalition.groups import load_groups as load_coalition_groups
from ewaste_portal import vocabularies
from ewaste_portal.models import User
from knowledge import permissions
from knowledge.catalogue_file import load_catalogue
from knowledge.models import Synonym, Topic

DATA = Path(__file__).parents[2] / "data"


def rows(name: str) -> Iterator[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def load_groups() -> None:
    """Editors prepare and submit; publishers also publish, withdraw and reinstate."""
    editors, _created = Group.objects.get_or_create(name=permissions.EDITORS)
    publishers, _created = Group.objects.get_or_create(name=permissions.PUBLISHERS)
    models = ("resource", "edition", "resourcepublisher", "topic", "synonym")
    editing = [f"{verb}_{model}" for model in models for verb in ("view", "add", "change")] + [
        "delete_edition",
        "delete_resourcepublisher",
    ]
    entity = ["view_entity", "add_entity", "change_entity", "view_initiative"]
    found = Permission.objects.filter(content_type__app_label__in=["knowledge", "coalition"])
    editors.permissions.set(found.filter(codename__in=[*editing, *entity, "review_resource"]))
    publishers.permissions.set(
        found.filter(
            codename__in=[*editing, *entity, "review_resource", "publish_resource", "delete_resource", "delete_synonym"]
        )
    )


def load_topics() -> None:
    introductions = {row["slug"]: row for row in rows("topics.csv")}
    for position, slug in enumerate(vocabularies.codes("topic")):
        names = {
            f"name_{column}": vocabularies.label("topic", slug, code) for code, column in vocabularies.COLUMNS.items()
        }
        texts = {f"introduction_{column}": introductions[slug][column] for column in vocabularies.COLUMNS.values()}
        Topic.objects.get_or_create(slug=slug, defaults={"position": position, **names, **texts})


def load_synonyms() -> None:
    for row in rows("synonyms.csv"):
        terms = [term.strip() for term in row["terms"].split(";") if term.strip()]
        Synonym.objects.get_or_create(concept=row["concept"], defaults={"terms": terms})


class Command(BaseCommand):
    help = "Loads the starting content that ships with the portal. Can be repeated: adds what is missing."

    def handle(self, **options: Any) -> None:
        load_groups()
        load_coalition_groups()
        call_command("load_entities", stdout=self.stdout)
        call_command("load_coalition", stdout=self.stdout)
        load_topics()
        load_synonyms()
        by = User.objects.service_account("load-catalogue")
        report = load_catalogue(DATA / "resources.csv", by=by, translations=DATA / "translations")
        self.stdout.write(f"Catalogue: {report}.")
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # so that the first searches are planned on what is there
