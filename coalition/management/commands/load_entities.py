"""`manage.py load_entities`: the entities that ship with the portal, with their names in six languages."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from coalition.models import Entity
from ewaste_portal.models import User

DATA = Path(__file__).parents[2] / "data"
LANGUAGES = ("ar", "zh_hans", "fr", "ru", "es")


def rows(name: str) -> Iterator[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def un_entities() -> Iterator[dict[str, Any]]:
    for row in rows("un_entities.csv"):
        names = {f"official_name_{code}": row[f"name_{code}"] or None for code in LANGUAGES}
        acronyms = {f"short_name_{code}": row[f"acronym_{code}"] or None for code in LANGUAGES}
        yield {
            "slug": slugify(row["acronym"]), "kind": row["kind"], "website": row["website"], "source": row["source"],
            "official_name_en": row["name"], "short_name_en": row["acronym"], "role_on_ewaste_en": row["role_in_ewaste"],
            **names, **acronyms,
        }  # fmt: skip


def publishers() -> Iterator[dict[str, Any]]:
    for row in rows("publishers.csv"):
        yield {
            "slug": slugify(row["name"])[:80],
            "kind": row["kind"],
            "official_name_en": row["official_name"] or row["name"],
            "short_name_en": row["name"] if row["name"] != row["official_name"] else "",
            "country_id": row["country"] or None,
        }


class Command(BaseCommand):
    help = "Adds the shipped entities that are not there yet; what is there is left as staff keep it."

    @transaction.atomic
    def handle(self, **options: Any) -> None:
        by = User.objects.service_account("load-entities")
        known = set(Entity.objects.values_list("slug", flat=True))
        created = 0
        for facts in [*un_entities(), *publishers()]:
            if facts["slug"] not in known:
                Entity.objects.create(**facts, checked_at=timezone.now(), checked_by=by)
                created += 1
        self.stdout.write(f"Entities: {created} created.")
