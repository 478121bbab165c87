"""`manage.py load_coalition`: what is publicly known of the Coalition, and the demonstration letter (docs/sources.md)."""

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from coalition import journal
from coalition.models import Entity, Initiative, Letter, LetterText, Membership, Signature
from ewaste_portal import vocabularies
from ewaste_portal.models import Country, Region, User

DATA = Path(__file__).parents[2] / "data"


def rows(name: str) -> Iterator[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def several(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()]


def in_languages(row: dict[str, str], field: str) -> dict[str, str]:
    return {f"{field}_{column}": row[f"{field}_{column}"] for column in vocabularies.COLUMNS.values()}


class Command(BaseCommand):
    help = "Adds shipped letters, recorded memberships and known initiatives that are not there yet."

    @transaction.atomic
    def handle(self, **options: Any) -> None:
        by = User.objects.service_account("load-coalition")
        self.entities = {entity.slug: entity for entity in Entity.objects.all()}
        letters, memberships = self.load_letters(by), self.load_memberships(by)
        initiatives = self.load_initiatives(by)
        self.stdout.write(
            f"Coalition: {letters} letters, {memberships} memberships, {initiatives} initiatives created."
        )

    def entity(self, slug: str) -> Entity | None:
        entity = self.entities.get(slug)
        if entity is None:
            self.stderr.write(f"Coalition: no entity has the slug {slug}; what is known of it is passed over.")
        return entity

    def load_letters(self, by: User) -> int:
        known, created = set(Letter.objects.values_list("version", flat=True)), 0
        for row in rows("letters.csv"):
            if row["version"] in known:
                continue
            letter = Letter.objects.create(
                version=row["version"], kind=row["kind"], dated=row["dated"], place=row["place"],
                authentic_language=row["authentic_language"], is_example=row["is_example"] == "yes",
                source_url=row["source_url"], source_name=row["source_name"], **in_languages(row, "title"),
            )  # fmt: skip
            for code in vocabularies.COLUMNS:
                file = DATA / "letters" / f"{row['version']}.{code}.md"
                if file.exists():
                    LetterText.objects.create(
                        letter=letter, language=code, body=file.read_text(encoding="utf-8").strip()
                    )
            letter.published_at, letter.published_by = timezone.now(), by
            letter.save(update_fields=["published_at", "published_by"])
            created += 1
        return created

    def load_memberships(self, by: User) -> int:
        """Recorded from sources; a signature only where a source tells of one."""
        letters, created = {letter.version: letter for letter in Letter.objects.filter(kind="historical")}, 0
        taken = set(Membership.objects.filter(track="signatory").values_list("entity__slug", flat=True))
        for row in rows("memberships.csv"):
            entity = self.entity(row["entity"])
            if entity is None or entity.slug in taken:
                continue
            recorded_on = date.fromisoformat(row["recorded_on"])
            signed_on = date.fromisoformat(row["signed_on"]) if row["signed_on"] else None
            membership = Membership.objects.create(
                entity=entity, track="signatory", origin="recorded", state="active", letter=letters.get(row["letter"]),
                state_since=datetime.combine(recorded_on, time(), UTC), active_since=signed_on,
                recorded_on=recorded_on, source_url=row["source_url"],
            )  # fmt: skip
            if signed_on:
                Signature.objects.create(
                    membership=membership, entity=entity, letter=letters[row["letter"]], method="historical",
                    signed_on=signed_on, entity_name=row["entity_name"], source_url=row["source_url"],
                )  # fmt: skip
            facts = {"signed_on": row["signed_on"]} if signed_on else {}
            journal.write("recorded from sources", membership=membership, by=by, source=row["source_url"], **facts)
            created += 1
        return created

    def load_initiatives(self, by: User) -> int:
        known, created = set(Initiative.objects.values_list("slug", flat=True)), 0
        for row in rows("initiatives.csv"):
            entity = None if row["slug"] in known else self.entity(row["entity"])
            if entity is None:
                continue
            initiative = Initiative.objects.create(
                slug=row["slug"], entity=entity, kind=row["kind"], focus=several(row["focus"]),
                stages=several(row["stages"]), status=row["status"], website=row["website"], source_url=row["source_url"],
                first_year=row["first_year"] or None, last_year=row["last_year"] or None,
                publication="published", published_at=timezone.now(), published_by=by,
                **in_languages(row, "title"), **in_languages(row, "summary"),
            )  # fmt: skip
            partners = [self.entity(slug) for slug in several(row["partners"])]
            initiative.partners.set(partner for partner in partners if partner)
            places = several(row["places"])
            initiative.countries.set(Country.objects.filter(iso3__in=places))
            initiative.regions.set(Region.objects.filter(m49__in=places))
            created += 1
        return created
