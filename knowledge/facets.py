"""Facets as the page shows them: values with names in the reader's language, counts, and links that add or remove them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.db import connection
from django.utils.translation import get_language, gettext_lazy as _

from ewaste_portal import vocabularies
from knowledge import languages
from knowledge.filters import VOCABULARIES, ResourceFilter
from knowledge.search import FACETS, Results

SHOWN, FOLDED = 8, 40  # values in sight, and behind "Show all"; more are on a page of their own

NAMES = {
    "type": _("Type"),
    "topic": _("Topic"),
    "language": _("Language"),
    "publisher": _("Publisher"),
    "place": _("Country or region"),
    "category": _("E-waste category"),
    "target": _("SDG target"),
    "year_from": _("From year"),
    "year_to": _("To year"),
}


@dataclass(frozen=True)
class Value:
    code: str
    label: str
    count: int
    is_chosen: bool


@dataclass
class Facet:
    name: str
    label: str
    values: list[Value]
    chosen: int = 0
    beyond: int = 0

    @property
    def shown(self) -> list[Value]:
        return self.values[: max(SHOWN, self.chosen)]

    @property
    def folded(self) -> list[Value]:
        return self.values[len(self.shown) :]

    @property
    def is_long(self) -> bool:
        return len(self.values) > 10


@dataclass(frozen=True)
class Chip:
    facet: str
    label: str
    url: str


@dataclass
class Labels:
    """Names of facet values in the active language: vocabularies from memory, the rest by one query."""

    stored: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, wanted: dict[str, Iterable[str]]) -> "Labels":
        column = vocabularies.COLUMNS[get_language() or "en"]
        topics, publishers, places = (list(wanted.get(facet, ())) for facet in ("topic", "publisher", "place"))
        if not (topics or publishers or places):
            return cls()
        with connection.cursor() as cursor:
            cursor.execute(
                f"""
                SELECT 'topic', slug, coalesce(nullif(name_{column}, ''), name_en) FROM knowledge_topic WHERE slug = ANY (%s)
                UNION ALL
                SELECT 'publisher', slug, coalesce(nullif(short_name_{column}, ''), nullif(official_name_{column}, ''),
                       nullif(short_name_en, ''), official_name_en) FROM coalition_entity WHERE slug = ANY (%s)
                UNION ALL SELECT 'place', iso3, name_{column} FROM ewaste_portal_country WHERE iso3 = ANY (%s)
                UNION ALL SELECT 'place', m49, name_{column} FROM ewaste_portal_region WHERE m49 = ANY (%s)
                """,  # noqa: S608  the column is one of six
                [topics, publishers, places, places],
            )
            return cls({(facet, code): label for facet, code, label in cursor.fetchall()})

    def label(self, facet: str, code: str) -> str:
        if facet == "language":
            return languages.name(code)
        if facet == "target":
            return f"{code} {vocabularies.label('sdg_target', code)}"
        if facet in VOCABULARIES:
            return vocabularies.label(VOCABULARIES[facet], code)
        return self.stored.get((facet, code), code)


def all_values(facet: str, results: Results, labels: Labels) -> list[Value]:
    """Most frequent first, then by name; chosen ones always, even at 0."""
    counts = dict.fromkeys(results.chosen.get(facet, []), 0) | results.counts[facet]
    values = [
        Value(code, labels.label(facet, code), count, code in results.chosen.get(facet, []))
        for code, count in counts.items()
    ]
    if facet == "target":
        return sorted(values, key=lambda value: (not value.is_chosen, *map(int, value.code.split("."))))
    return sorted(values, key=lambda value: (not value.is_chosen, -value.count, value.label.casefold()))


def facets(results: Results, labels: Labels) -> list[Facet]:
    found = []
    for name in FACETS:
        values = all_values(name, results, labels)
        if values:
            kept = values[: SHOWN + FOLDED]
            found.append(
                Facet(name, str(NAMES[name]), kept, len(results.chosen.get(name, [])), len(values) - len(kept))
            )
    return found


def labels_for(results: Results) -> Labels:
    """Names of every value that the page may print."""
    return Labels.of(
        {facet: {*results.counts[facet], *results.chosen.get(facet, [])} for facet in ("topic", "publisher", "place")}
    )


def chips(filterset: ResourceFilter, labels: Labels, path: str) -> list[Chip]:
    """One for each active filter; its link is the same search without it."""
    pairs = filterset.parameters
    return [
        Chip(
            str(NAMES[name]),
            labels.label(name, value) if name in FACETS else value,
            address(path, without(pairs, place)),
        )
        for place, (name, value) in enumerate(pairs)
        if name in NAMES
    ]


def without(pairs: Sequence[tuple[str, str]], place: int) -> list[tuple[str, str]]:
    return [*pairs[:place], *pairs[place + 1 :]]


def address(path: str, pairs: Sequence[tuple[str, str]]) -> str:
    return f"{path}?{urlencode(pairs)}" if pairs else path
