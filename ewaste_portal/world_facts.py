"""Figures of the field from data/world_facts.csv: each with its year, unit and source."""

import csv
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from ewaste_portal.vocabularies import DATA

FILE = DATA / "world_facts.csv"


@dataclass(frozen=True)
class Fact:
    """`value` is in the unit that the indicator's name ends in: mt is million tonnes."""

    indicator: str
    year: int
    value: Decimal
    unit: str
    source: str


@cache
def facts() -> tuple[Fact, ...]:
    with FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Fact(row["indicator"], int(row["year"]), Decimal(row["value"]), row["unit"], row["source"])
            for row in csv.DictReader(file)
        )


def latest(indicator: str) -> Fact:
    """The fact of the latest year. ValueError for an unknown indicator."""
    return max((fact for fact in facts() if fact.indicator == indicator), key=lambda fact: fact.year)


def series(indicator: str) -> list[Fact]:
    return sorted((fact for fact in facts() if fact.indicator == indicator), key=lambda fact: fact.year)
