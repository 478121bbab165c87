"""Import and export of the library as CSV and XLSX.

A row is a resource, known by its slug. Lists are joined by "; ", publishers and topics are slugs, countries ISO alpha-3
codes, regions M49 codes; editions stand one in each line of a cell as `language | address | ISBN | format | pages |
year | title`. A column that is not in the file is left as it is; an edition that is not in its cell stays. A catalogue
file (docs/catalogue.md) is understood as well. What is new comes in as a draft: nothing is published by a file.
"""

from collections.abc import Callable, Iterable
from typing import Any

import tablib
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.utils.text import slugify
from django.utils.translation import gettext as _
from import_export import fields, widgets

from coalition.models import Entity
from ewaste_portal.models import Country, Region
from ewaste_portal.workplace import FileResource, translated
from knowledge import identifiers, languages
from knowledge.catalogue_file import split
from knowledge.models import Edition, Resource, ResourcePublisher, Synonym, Topic

EDITION_PARTS = ("language", "url", "isbn", "format", "pages", "year", "title")


class Listed(widgets.Widget):
    """Texts joined by "; "."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> list[str]:
        return split(str(value or ""))

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "; ".join(value or [])


class TextCell(widgets.CharWidget):
    """Text; an empty cell is an empty text, a number of a spreadsheet its digits."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        return "" if value is None else str(value).strip()


class DoiCell(TextCell):
    """A DOI, however it is written."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        return identifiers.normalise_doi(super().clean(value))


class LinkedField(fields.Field):
    """Rows of other tables as one text. What a file says waits on the instance until that has a key."""

    def get_value(self, instance: Any) -> str:
        waiting = getattr(instance, "from_file", {})
        if self.column_name in waiting:
            return str(waiting[self.column_name])
        return self.written(instance) if instance.pk else ""

    def save(self, instance: Any, row: dict[str, Any], is_m2m: bool = False, **kwargs: Any) -> None:
        if not hasattr(instance, "from_file"):
            instance.from_file = {}
        instance.from_file[self.column_name] = self.understood(instance, str(row[self.column_name] or ""))

    def written(self, instance: Any) -> str:
        """The rows as text, from what is prefetched."""
        raise NotImplementedError

    def understood(self, instance: Any, text: str) -> str:
        """The text as `written` would give it after it is stored. ValueError says what is wrong with it."""
        raise NotImplementedError

    def store(self, instance: Any, text: str) -> None:
        raise NotImplementedError


class Linked(LinkedField):
    """A many-to-many relation as keys joined by "; "."""

    def __init__(self, relation: str, model: type[Model], key: str) -> None:
        super().__init__(attribute=relation, column_name=relation)
        self.model, self.key = model, key

    def written(self, instance: Any) -> str:
        return "; ".join(sorted(getattr(item, self.key) for item in getattr(instance, self.attribute).all()))

    def understood(self, instance: Any, text: str) -> str:
        return "; ".join(sorted({getattr(item, self.key) for item in self._found(text)}))

    def store(self, instance: Any, text: str) -> None:
        getattr(instance, self.attribute).set(self._found(text))

    def _found(self, text: str) -> list[Any]:
        keys = list(dict.fromkeys(split(text)))
        found = {
            getattr(item, self.key): item for item in self.model._default_manager.filter(**{f"{self.key}__in": keys})
        }
        unknown = [key for key in keys if key not in found]
        if unknown:
            raise ValueError(_("Not known here: %(names)s.") % {"names": ", ".join(unknown)})
        return [found[key] for key in keys]


class Publishers(Linked):
    """The order of the title page is kept."""

    def written(self, instance: Any) -> str:
        return "; ".join(row.entity.slug for row in instance.resourcepublisher_set.all())

    def understood(self, instance: Any, text: str) -> str:
        return "; ".join(entity.slug for entity in self._found(text))

    def store(self, instance: Any, text: str) -> None:
        entities = self._found(text)
        ResourcePublisher.objects.filter(resource=instance).exclude(entity__in=entities).delete()
        for position, entity in enumerate(entities):
            ResourcePublisher.objects.update_or_create(
                resource=instance, entity=entity, defaults={"position": position}
            )


class Editions(LinkedField):
    """One in each line; the n-th line of a language is the n-th edition in it."""

    def __init__(self) -> None:
        super().__init__(attribute="editions", column_name="editions")

    def written(self, instance: Any) -> str:
        return "\n".join(self._line(edition) for edition in instance.editions.all())

    def understood(self, instance: Any, text: str) -> str:
        return "\n".join(self._line(edition) for edition in self._merged(instance, text))

    def store(self, instance: Any, text: str) -> None:
        for edition in self._merged(instance, text):
            edition.save()

    def _merged(self, instance: Any, text: str) -> list[Edition]:
        editions = list(Edition.objects.filter(resource=instance)) if instance.pk else []
        free = list(editions)
        for line in filter(None, map(str.strip, text.splitlines())):
            facts = self._facts(line)
            edition = next((item for item in free if item.language == facts["language"]), None)
            if edition is None:
                edition = Edition(resource=instance, position=len(editions))
                editions.append(edition)
            else:
                free.remove(edition)
            for name, value in facts.items():
                setattr(edition, name, value)
            try:
                edition.full_clean(exclude=["resource"])
            except ValidationError as error:
                raise ValueError(f"{line}: {' '.join(error.messages)}") from error
        return editions

    @staticmethod
    def _facts(line: str) -> dict[str, Any]:
        parts = [part.strip() for part in line.split("|", len(EDITION_PARTS) - 1)]
        facts: dict[str, Any] = dict(zip(EDITION_PARTS, [*parts, *[""] * len(EDITION_PARTS)], strict=False))
        for name in ("pages", "year"):
            if facts[name] and not facts[name].isdecimal():
                raise ValueError(_("%(line)s: “%(value)s” is not a number.") % {"line": line, "value": facts[name]})
            facts[name] = int(facts[name]) if facts[name] else None
        return facts | {"isbn": identifiers.normalise_isbn(facts["isbn"]) if facts["isbn"] else ""}

    @staticmethod
    def _line(edition: Edition) -> str:
        parts = ["" if getattr(edition, name) is None else str(getattr(edition, name)) for name in EDITION_PARTS]
        return " | ".join(parts).rstrip(" |")


class ResourceFile(FileResource):
    authors = fields.Field("authors", "authors", widget=Listed())
    own_titles = fields.Field("own_titles", "own_titles", widget=Listed())
    categories = fields.Field("categories", "categories", widget=Listed())
    sdg_targets = fields.Field("sdg_targets", "sdg_targets", widget=Listed())
    symbols = fields.Field("symbols", "symbols", widget=Listed())
    doi = fields.Field("doi", "doi", widget=DoiCell())
    publishers = Publishers("publishers", Entity, "slug")
    topics = Linked("topics", Topic, "slug")
    countries = Linked("countries", Country, "iso3")
    regions = Linked("regions", Region, "m49")
    editions = Editions()
    state = fields.Field("state", "state", readonly=True)

    class Meta:
        model = Resource
        import_id_fields = ("slug",)
        clean_model_instances = True
        skip_unchanged = True
        report_skipped = True
        fields = (
            "slug", "resource_type", "original_title", "original_subtitle", "original_language",
            *translated("title", "subtitle"), "own_titles", *translated("summary"), "authors", "publishers", "journal",
            "year", "published_on", "topics", "categories", "sdg_targets", "countries", "regions", "rights", "doi",
            "symbols", "editions", "source", "state",
        )  # fmt: skip

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for field in self.fields.values():
            if type(field.widget) is widgets.CharWidget:
                field.widget = TextCell()

    def get_queryset(self) -> QuerySet[Resource]:
        return self._with_all(super().get_queryset())

    def filter_export(self, queryset: QuerySet[Resource], **kwargs: Any) -> QuerySet[Resource]:
        return self._with_all(queryset.prefetch_related(None))

    @staticmethod
    def _with_all(queryset: QuerySet[Resource]) -> QuerySet[Resource]:
        return queryset.prefetch_related("resourcepublisher_set__entity", "topics", "countries", "regions", "editions")

    def before_import(self, dataset: tablib.Dataset, **kwargs: Any) -> None:
        if "title_language" in (dataset.headers or []):
            rows = CatalogueRows().converted(dataset.dict)
            dataset.wipe()
            dataset.dict = rows

    def skip_row(
        self, instance: Resource, original: Resource, row: dict[str, Any], import_validation_errors: Any = None
    ) -> bool:
        """Nothing changes if every cell would be exported as it already is."""
        pairs = ((field.export(instance), field.export(original)) for field in self.get_import_fields())
        return not import_validation_errors and bool(original.pk) and all(new == old for new, old in pairs)

    def before_save_instance(self, instance: Resource, row: dict[str, Any], **kwargs: Any) -> None:
        user = kwargs.get("user")
        is_public = instance.state in {Resource.State.PUBLISHED, Resource.State.WITHDRAWN}
        if user is not None and is_public and not user.has_perm("knowledge.publish_resource"):
            text = _("“%(resource)s” is published: only those who publish may change it.")
            raise ValidationError(text % {"resource": instance})

    def after_save_instance(self, instance: Resource, row: dict[str, Any], **kwargs: Any) -> None:
        for name, text in getattr(instance, "from_file", {}).items():
            self.fields[name].store(instance, text)


class CatalogueRows:
    """Rows of a catalogue file as rows of `ResourceFile`."""

    def __init__(self) -> None:
        self.entities: dict[str, str] = {}
        entity: Any  # with its column for each language
        for entity in Entity.objects.all():
            for name in (entity.official_name_en, entity.short_name_en):
                self.entities.setdefault((name or "").casefold(), entity.slug)
        self.regions = {name.casefold(): m49 for name, m49 in Region.objects.values_list("name_en", "m49")}
        self.known = {}
        for resource in Resource.objects.prefetch_related("resourcepublisher_set__entity"):
            publishers = [row.entity.slug for row in resource.resourcepublisher_set.all()]
            self.known[self._key(resource.original_title, resource.year, publishers)] = resource
        self.slugs = {resource.slug for resource in self.known.values()}

    @staticmethod
    def _key(title: str, year: Any, publishers: Iterable[str]) -> tuple[str, str, frozenset[str]]:
        return title, str(year or ""), frozenset(publishers)

    def converted(self, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        cells = [
            {name: str(cell if cell is not None else "").strip() for name, cell in row.items() if name} for row in rows
        ]
        works = [self._work(row) for row in cells if not row.get("edition_of")]
        titles = {work["original_title"]: work for work in works}
        for row in cells:
            if row.get("edition_of"):
                self._edition_of(row, titles)
        columns = list(dict.fromkeys(column for work in works for column in work))
        known = {resource.slug: resource for resource in self.known.values()}
        return [
            {
                column: work[column] if column in work else getattr(known.get(work["slug"]), column, "") or ""
                for column in columns
            }
            for work in works
        ]

    def _work(self, row: dict[str, str]) -> dict[str, Any]:
        def names(column: str, known: Callable[[str], str]) -> list[str]:
            return [known(name) for name in split(row.get(column, ""))]

        publishers = names("publishers", lambda name: self.entities.get(name.casefold(), name))
        places = names("countries_or_regions", lambda name: self.regions.get(name.casefold(), name))
        known = self.known.get(self._key(row["title"], row["year"], publishers))
        own = [code for code in known.own_titles if code != "en"] if known else []
        return {
            "slug": known.slug if known else self._slug(row),
            "resource_type": row["resource_type"],
            "original_title": row["title"],
            "original_subtitle": row.get("subtitle", ""),
            "original_language": row["title_language"],
            "title_en": row.get("title_en", ""),
            "own_titles": "; ".join(sorted([*own, *(["en"] if row.get("title_en") else [])])),
            "summary_en": row.get("summary", ""),
            "authors": row.get("authors", ""),
            "publishers": "; ".join(publishers),
            "journal": row.get("journal", ""),
            "year": row["year"],
            "published_on": row.get("published_on", ""),
            "topics": row.get("topics", ""),
            "categories": row.get("ewaste_categories", ""),
            "sdg_targets": row.get("sdg_targets", ""),
            "countries": "; ".join(place for place in places if not place.isdecimal()),
            "regions": "; ".join(place for place in places if place.isdecimal()),
            "doi": row.get("doi", ""),
            "source": row.get("source", ""),
            "editions": self._editions(row),
        }

    @staticmethod
    def _editions(row: dict[str, str], title: str = "") -> str:
        codes = split(row.get("languages", ""))
        original = row["title_language"] if row["title_language"] in codes else codes[0] if codes else ""
        url = row.get("url", "")
        file_format = "PDF" if url.lower().endswith(".pdf") else ""
        return "\n".join(
            " | ".join([code, url, row.get("isbn", "") if code == original else "", file_format, "", row["year"],
                        title if code == row["title_language"] else ""])
            for code in codes
        )  # fmt: skip

    def _edition_of(self, row: dict[str, str], titles: dict[str, dict[str, Any]]) -> None:
        """Another language's edition of a work: its title is the work's title in that language."""
        work = titles.get(row["edition_of"])
        if work is None:
            raise ValueError(_("No row of this file has the title “%(title)s”.") % {"title": row["edition_of"]})
        work["editions"] += "\n" + self._editions(row, title=row["title"])
        column = languages.column(row["title_language"])
        if column:
            work |= {f"title_{column}": row["title"], f"subtitle_{column}": row.get("subtitle", "")}

    def _slug(self, row: dict[str, str]) -> str:
        base = slugify(row.get("title_en") or row["title"])[:80].strip("-") or "resource"
        candidates = [base, f"{base}-{row['year']}" if row["year"] else base, *(f"{base}-{n}" for n in range(2, 1000))]
        slug = next(candidate for candidate in candidates if candidate not in self.slugs)
        self.slugs.add(slug)
        return slug


class TopicFile(FileResource):
    class Meta:
        model = Topic
        import_id_fields = ("slug",)
        fields = ("slug", "position", *translated("name", "introduction"))


class SynonymFile(FileResource):
    terms = fields.Field("terms", "terms", widget=Listed())

    class Meta:
        model = Synonym
        import_id_fields = ("concept",)
        clean_model_instances = True
        skip_unchanged = True
        report_skipped = True
        fields = ("concept", "terms", "is_active")
