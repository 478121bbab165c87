"""search_quality.csv: for each query, in the language of the interface, the resource that must be among the first three."""

import csv
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.utils import translation

from knowledge.models import Resource
from knowledge.search import search

FIRST = 3

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Wanted:
    language: str
    query: str
    title: str
    year: int | None

    def place(self) -> int | None:
        """Where the resource comes in the results, from 1; None if it is not found."""
        with translation.override(self.language):
            ids = search(self.query).ids
        numbers = set(
            Resource.objects.published().filter(original_title=self.title, year=self.year).values_list("pk", flat=True)
        )
        assert numbers, f"No published resource has the title {self.title!r} and the year {self.year}."
        return next((place for place, number in enumerate(ids, start=1) if number in numbers), None)


def _rows() -> list[Wanted]:
    with Path(__file__).with_name("search_quality.csv").open(encoding="utf-8", newline="") as file:
        return [
            Wanted(
                row["language"],
                row["query"],
                row["expected_title"],
                int(row["expected_year"]) if row["expected_year"] else None,
            )
            for row in csv.DictReader(file)
        ]


ROWS = _rows()


def test_table_has_ten_queries_in_each_language() -> None:
    languages = [row.language for row in ROWS]

    assert len(ROWS) >= 60
    assert {language: languages.count(language) >= 10 for language in languages} == dict.fromkeys(
        ("ar", "zh-hans", "en", "fr", "ru", "es"), True
    )


@pytest.mark.parametrize("wanted", ROWS, ids=lambda row: f"{row.language}: {row.query}")
def test_resource_is_among_the_first_three(catalogue: None, wanted: Wanted) -> None:
    place = wanted.place()

    assert place is not None, f"{wanted.query!r} does not find {wanted.title!r}."
    assert place <= FIRST, f"{wanted.query!r} has {wanted.title!r} in place {place}."


def test_no_query_of_the_table_misses(catalogue: None) -> None:
    places = {row: row.place() for row in ROWS}

    misses = [
        f"{row.language}: {row.query} -> {row.title} ({f'place {place}' if place else 'not found'})"
        for row, place in places.items()
        if place is None or place > FIRST
    ]
    assert not misses, f"{len(misses)} of {len(ROWS)} queries miss:\n" + "\n".join(misses)
