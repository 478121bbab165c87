"""Reads catalogue files: rows of bibliographic facts become resources and editions.

The columns are described in docs/catalogue.md. A row's identity is title, year and publishers. Reading is all or
nothing and idempotent: a second reading of the same file changes nothing.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from coalition.models import Entity
from ewaste_portal import vocabularies
from ewaste_portal.models import Country, Region, User
from knowledge import actions, identifiers, languages
from knowledge.models import FIRST_YEAR, LAST_YEAR, Edition, Resource, ResourcePublisher, Topic

COLUMNS = (
    "title", "title_language", "subtitle", "title_en", "edition_of", "resource_type", "year", "published_on", "publishers",
    "journal", "authors", "languages", "topics", "ewaste_categories", "sdg_targets", "countries_or_regions", "url", "doi",
    "isbn", "summary", "verified", "source",
)  # fmt: skip
TRANSLATION_COLUMNS = (
    "title",
    "year",
    "publishers",
    "title_translation",
    "subtitle_translation",
    "summary_translation",
)


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a file; lines are counted as a text editor counts them."""

    line: int
    column: str
    value: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.value!r}: {self.reason}"


class BadFile(Exception):  # noqa: N818  reads as what it says
    """Nothing of the file was taken; `problems` says what to mend."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


@dataclass
class Report:
    counts: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return ", ".join(f"{count} {what}" for what, count in self.counts.items()) or "nothing to do"


def split(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()]


def read(path: Path, columns: Iterable[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells of each row. BadFile if the file cannot be read as such a table."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in columns if column not in (reader.fieldnames or [])]
            if missing:
                raise BadFile([Problem(1, ", ".join(missing), "", "this column is missing")])
            for row in reader:
                yield reader.line_num, {column: (row[column] or "").strip() for column in columns}
    except UnicodeDecodeError as error:
        raise BadFile([Problem(1, "", "", f"the file is not UTF-8: {error.reason}")]) from error


class CatalogueReader:
    """Turns the rows of one file into resources; collects every problem before it gives up."""

    def __init__(self, by: User) -> None:
        self.by = by
        self.problems: list[Problem] = []
        self.report = Report()
        self.verified: list[Resource] = []
        self.entities: dict[str, Entity] = {}
        for entity in Entity.objects.all():
            for name in (entity.official_name_en, entity.short_name_en):
                if name:
                    self.entities.setdefault(name.casefold(), entity)
        self.topics = {topic.slug: topic for topic in Topic.objects.all()}
        self.countries = {country.iso3: country for country in Country.objects.all()}
        self.regions = {region.name_en.casefold(): region for region in Region.objects.all()}
        self.slugs = set(Resource.objects.values_list("slug", flat=True))
        self.known = {
            self._key(resource): resource for resource in Resource.objects.prefetch_related("resourcepublisher_set")
        }

    @staticmethod
    def _key(resource: Resource) -> tuple[str, int | None, frozenset[int]]:
        publishers = frozenset(row.entity_id for row in resource.resourcepublisher_set.all())
        return resource.original_title, resource.year, publishers

    def load(self, path: Path) -> Report:
        rows = list(read(path, COLUMNS))
        works = {
            row["title"]: resource
            for line, row in rows
            if not row["edition_of"]
            for resource in [self._work(line, row)]
        }
        for line, row in rows:
            if row["edition_of"]:
                self._edition_of(line, row, works.get(row["edition_of"]))
        if self.problems:
            raise BadFile(self.problems)
        return self.report

    def publish_verified(self) -> None:
        """Those rows marked `yes` that are still drafts."""
        for resource in self.verified:
            resource.refresh_from_db()
            actions.publish(resource=resource, by=self.by)
            self.report.counts["resources published"] += 1

    # One row -------------------------------------------------------------------------

    def _wrong(self, line: int, column: str, value: str, reason: str) -> None:
        self.problems.append(Problem(line, column, value[:120], reason))

    def _known_codes(self, line: int, row: dict[str, str], column: str, vocabulary: str) -> list[str]:
        codes = split(row[column])
        for code in codes:
            if code not in vocabularies.codes(vocabulary):
                self._wrong(line, column, code, "not in the vocabulary")
        return codes

    def _objects(
        self, line: int, row: dict[str, str], column: str, known: dict[str, Any], fold: bool = False
    ) -> list[Any]:
        found = []
        for name in split(row[column]):
            item = known.get(name.casefold() if fold else name)
            if item is None:
                self._wrong(line, column, name, "not known here")
            else:
                found.append(item)
        return found

    def _year(self, line: int, row: dict[str, str]) -> int | None:
        if not row["year"]:
            return None
        if not row["year"].isdecimal() or not FIRST_YEAR <= int(row["year"]) <= LAST_YEAR:
            self._wrong(line, "year", row["year"], f"not a year from {FIRST_YEAR} to {LAST_YEAR}")
            return None
        return int(row["year"])

    def _day(self, line: int, row: dict[str, str]) -> date | None:
        try:
            day = date.fromisoformat(row["published_on"]) if row["published_on"] else None
        except ValueError:
            self._wrong(line, "published_on", row["published_on"], "not a day such as 2018-03-21")
            return None
        if day and str(day.year) != row["year"]:
            self._wrong(line, "published_on", row["published_on"], f"not a day of the year {row['year'] or '(empty)'}")
            return None
        return day

    def _facts(self, line: int, row: dict[str, str]) -> dict[str, Any]:
        for column in ("title", "title_language", "resource_type", "languages"):
            if not row[column]:
                self._wrong(line, column, "", "must not be empty")
        if row["verified"] not in {"yes", "known"}:
            self._wrong(line, "verified", row["verified"], "must be yes or known")
        english = (
            {"title_en": row["title_en"], "own_titles": ["en"]}
            if row["title_en"]
            else {"title_en": "", "own_titles": []}
        )
        return {
            "resource_type": row["resource_type"],
            "original_title": row["title"],
            "original_subtitle": row["subtitle"],
            "original_language": row["title_language"],
            **english,
            "summary_en": row["summary"],
            "authors": split(row["authors"]),
            "journal": row["journal"],
            "year": self._year(line, row),
            "published_on": self._day(line, row),
            "categories": self._known_codes(line, row, "ewaste_categories", "ewaste_category"),
            "sdg_targets": self._known_codes(line, row, "sdg_targets", "sdg_target"),
            "doi": identifiers.normalise_doi(row["doi"]),
            "source": row["source"],
        }

    def _work(self, line: int, row: dict[str, str]) -> Resource | None:
        before = len(self.problems)
        facts = self._facts(line, row)
        publishers = list(dict.fromkeys(self._objects(line, row, "publishers", self.entities, fold=True)))
        topics = self._objects(line, row, "topics", self.topics)
        places = split(row["countries_or_regions"])
        countries = [self.countries[place] for place in places if place in self.countries]
        row = {**row, "countries_or_regions": "; ".join(place for place in places if place not in self.countries)}
        regions = self._objects(line, row, "countries_or_regions", self.regions, fold=True)
        if len(self.problems) > before:
            return None
        key = (facts["original_title"], facts["year"], frozenset(entity.pk for entity in publishers))
        resource = self.known.get(key)
        is_new = resource is None
        if resource is None:
            resource = Resource(slug=self._slug(row, facts["year"]))
        facts["own_titles"] = sorted({*facts["own_titles"], *(code for code in resource.own_titles if code != "en")})
        changed = [name for name, value in facts.items() if getattr(resource, name) != value]
        for name in changed:
            setattr(resource, name, facts[name])
        if changed or is_new:
            if not self._saved(line, resource):
                return None
            self.report.counts["resources created" if is_new else "resources updated"] += 1
            self.known[key] = resource
        if is_new:
            ResourcePublisher.objects.bulk_create(
                ResourcePublisher(resource=resource, entity=entity, position=place)
                for place, entity in enumerate(publishers)
            )
        subjects: list[tuple[Any, list[Any]]] = [
            (resource.topics, topics),
            (resource.countries, countries),
            (resource.regions, regions),
        ]
        for manager, wanted in subjects:
            if is_new or {item.pk for item in wanted} != set(manager.values_list("pk", flat=True)):
                manager.set(wanted)
        for place, language in enumerate(split(row["languages"])):
            is_original = language == row["title_language"] or (
                place == 0 and row["title_language"] not in split(row["languages"])
            )
            self._edition(line, resource, language, row, place=place, isbn=row["isbn"] if is_original else "")
        if row["verified"] == "yes" and resource.state == "draft":
            self.verified.append(resource)
        return resource

    def _saved(self, line: int, item: Resource | Edition) -> bool:
        try:
            item.full_clean(exclude=["resource"])
        except ValidationError as error:
            for name, reasons in error.message_dict.items():
                for reason in reasons:
                    self._wrong(line, name.removeprefix("original_"), str(getattr(item, name, "")), reason)
            return False
        item.save()
        return True

    def _edition(
        self,
        line: int,
        resource: Resource,
        language: str,
        row: dict[str, str],
        *,
        place: int,
        isbn: str,
        title: str = "",
    ) -> None:
        isbn = identifiers.normalise_isbn(isbn) if isbn else ""
        facts = {
            "isbn": isbn,
            "title": title,
            "url": row["url"],
            "year": self._year(line, row),
            "format": "PDF" if row["url"].lower().endswith(".pdf") else "",
            "position": place,
        }
        edition = Edition.objects.filter(resource=resource, language=language).first()
        if edition is None:
            edition = Edition(resource=resource, language=language, **facts)
            if self._saved(line, edition):
                self.report.counts["editions created"] += 1
            return
        changed = [name for name, value in facts.items() if getattr(edition, name) != value]
        for name in changed:
            setattr(edition, name, facts[name])
        if changed and self._saved(line, edition):
            self.report.counts["editions updated"] += 1

    def _edition_of(self, line: int, row: dict[str, str], work: Resource | None) -> None:
        """A row that is another language's edition of a work: its title is the work's title in that language."""
        if work is None:
            self._wrong(line, "edition_of", row["edition_of"], "no row of this file has this title")
            return
        language = row["title_language"]
        for place, code in enumerate(split(row["languages"]), start=work.editions.count()):
            number = work.editions.filter(language=code).values_list("position", flat=True).first()
            self._edition(
                line,
                work,
                code,
                row,
                place=place if number is None else number,
                isbn=row["isbn"],
                title=row["title"] if code == language else "",
            )
        column = languages.column(language)
        wanted = {f"title_{column}": row["title"], f"subtitle_{column}": row["subtitle"]} if column else {}
        own = [code for code in work.own_titles if code != languages.PORTAL_CODES.get(language, language)]
        if column and (own != work.own_titles or any(getattr(work, name) != value for name, value in wanted.items())):
            for name, value in wanted.items():
                setattr(work, name, value)
            work.own_titles = own
            work.save(update_fields=[*wanted, "own_titles", "modified_at"])
            self.report.counts["titles of editions"] += 1

    def _slug(self, row: dict[str, str], year: int | None) -> str:
        base = (
            slugify(row["title_en"] or row["title"])[:80].rsplit("-", 1)[0]
            if len(row["title_en"] or row["title"]) > 80
            else ""
        )
        base = base or slugify(row["title_en"] or row["title"]) or "resource"
        for candidate in (base, f"{base}-{year}" if year else base, *(f"{base}-{number}" for number in range(2, 1000))):
            if candidate not in self.slugs:
                self.slugs.add(candidate)
                return candidate
        raise ValueError(base)


@transaction.atomic
def load_catalogue(path: Path, *, by: User, dry_run: bool = False, translations: Path | None = None) -> Report:
    """Raises BadFile, and then nothing was taken. A dry run takes nothing either, but tells what would happen.

    `translations` is a folder of files ar.csv, fr.csv, ... for `load_translations`, read before anything is published.
    """
    reader = CatalogueReader(by)
    report = reader.load(path)
    for language, column in vocabularies.COLUMNS.items():
        if translations and (translations / f"{column}.csv").exists():
            report.counts.update(load_translations(translations / f"{column}.csv", language=language).counts)
    reader.publish_verified()
    if dry_run:
        transaction.set_rollback(True)
    return report


@transaction.atomic
def load_translations(path: Path, *, language: str) -> Report:
    """Our renderings of titles, and translated summaries, in one UN language. BadFile for an unknown row."""
    column = vocabularies.COLUMNS[language]
    known: dict[tuple[str, str], list[Resource]] = {}
    for resource in Resource.objects.all():
        known.setdefault((resource.original_title, str(resource.year or "")), []).append(resource)
    editions = set(Edition.objects.exclude(title="").values_list("title", flat=True))
    problems, report = [], Report()
    for line, row in read(path, TRANSLATION_COLUMNS):
        resources = known.get((row["title"], row["year"]), [])
        if not resources and row["title"] not in editions:
            problems.append(Problem(line, "title", row["title"], "no such resource"))
        for resource in resources:
            wanted = {f"summary_{column}": row["summary_translation"]}
            if row["title_translation"] and (
                language in resource.own_titles or not getattr(resource, f"title_{column}")
            ):
                wanted[f"title_{column}"] = row["title_translation"]
                wanted[f"subtitle_{column}"] = row["subtitle_translation"]
            changed = [name for name, value in wanted.items() if getattr(resource, name) != value]
            if changed:
                for name in changed:
                    setattr(resource, name, wanted[name])
                if f"title_{column}" in wanted:
                    resource.own_titles = sorted({*resource.own_titles, language})
                resource.save(update_fields=[*changed, "own_titles", "modified_at"])
                report.counts[f"resources translated into {language}"] += 1
    if problems:
        raise BadFile(problems)
    return report
