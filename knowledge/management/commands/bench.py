"""`manage.py bench`: fills a scratch database with made-up resources and measures the pages of the library on it.

The scratch database is `portal_bench` on an embedded server of its own (var/pg-bench) or on the server of
BENCH_DATABASE_URL, whose user must be a superuser. No other database is touched.
"""

import csv
import gc
import io
import os
import random
import re
import statistics
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import environ
import psutil
from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db import connection, connections
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from coalition.models import Entity
from ewaste_portal import vocabularies
from ewaste_portal.models import Country, Region, User
from knowledge.management.commands.load_demo import DATA, load_synonyms, load_topics
from knowledge.models import Resource, Topic
from knowledge.search import catalogue as catalogues

BAR_MS = 100
WORDS = 20_000  # in each language; the last are met a few dozen times in 100 000 resources
ENTITIES = 300
EDITION_LANGUAGES = ["en", "fr", "es", "zh", "ru", "ar", "de", "pt", "ja", "it", "nl", "tr", "sv", "ko", "vi"]
BATCH = 500  # resources in one call of knowledge_refresh()
UN = {"en": "en", "fr": "fr", "es": "es", "ru": "ru", "ar": "ar", "zh": "zh_hans"}  # language and its column


# Made-up resources ---------------------------------------------------------------------------


def shipped_text(language: str) -> str:
    """What the shipped catalogue says in a language: where the made-up resources take their words from."""
    name, columns = (
        ("resources.csv", ("title", "summary"))
        if language == "en"
        else (f"translations/{UN[language]}.csv", ("title_translation", "summary_translation"))
    )
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return "\n".join(row[column] for row in csv.DictReader(file) for column in columns)


def vocabulary(language: str, chance: random.Random) -> list[str]:
    """The words and pairs of words of the shipped catalogue, the commonest first, then words that nobody knows."""
    found: Counter[str] = Counter()
    text = shipped_text(language)
    if language == "zh":
        for run in re.findall("[\u4e00-\u9fff]+", text):
            found.update(run[place : place + length] for length in (2, 4) for place in range(len(run) - length + 1))
        lengths, letters = (2, 3), re.findall("[\u4e00-\u9fff]", text)
    else:
        for line in text.splitlines():
            words = re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", line)
            found.update(words)
            found.update(f"{first} {second}" for first, second in pairwise(words))
        lengths, letters = (5, 9), [letter for letter in text.lower() if letter.isalpha()]
    words = dict.fromkeys(word for word, _count in found.most_common(WORDS // 2))
    while len(words) < WORDS:
        words["".join(chance.choices(letters, k=chance.randint(*lengths)))] = None
    return list(words)


def isbn(number: int) -> str:
    digits = f"978{number:09d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


@dataclass
class Tables:
    """Rows on their way into the database, as lines of COPY."""

    lines: dict[str, list[str]] = field(default_factory=dict)
    columns: dict[str, Sequence[str]] = field(default_factory=dict)

    def add(self, table: str, **values: Any) -> None:
        self.columns.setdefault(table, list(values))
        self.lines.setdefault(table, []).append("\t".join(map(self.written, values.values())) + "\n")

    @staticmethod
    def written(value: Any) -> str:
        if value is None:
            return r"\N"
        if isinstance(value, list):
            return "{" + ",".join(f'"{item}"' for item in value) + "}"
        return str(value)

    def store(self) -> None:
        with connection.cursor() as cursor:
            for table, lines in self.lines.items():
                columns = ", ".join(self.columns[table])
                cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", io.StringIO("".join(lines)))
        self.lines.clear()


class Library:
    """Makes up resources: the same ones each time, for one number is all the chance there is."""

    def __init__(self) -> None:
        self.chance = random.Random(2026)  # noqa: S311  no secret
        self.words = {language: vocabulary(language, self.chance) for language in UN}
        self.by = User.objects.service_account("bench")
        self.topics = list(Topic.objects.values_list("pk", flat=True))
        self.countries = list(Country.objects.values_list("pk", flat=True))
        self.regions = list(Region.objects.exclude(pk="001").values_list("pk", flat=True))
        self.entities = self.add_entities()

    def add_entities(self) -> list[int]:
        more = ENTITIES - Entity.objects.count()
        Entity.objects.bulk_create(
            Entity(slug=f"bench-{n}", kind="national-government", official_name_en=f"{self.text('en', 3)} {n}", is_example=True)
            for n in range(more)
        )
        return list(Entity.objects.values_list("pk", flat=True))

    def pick(self, values: Sequence[Any]) -> Any:
        """One of the values; the n-th comes up n times less often than the first (Zipf's law)."""
        return values[int(len(values) ** self.chance.random()) - 1]

    def some(self, values: Sequence[Any], least: int, most: int) -> list[Any]:
        return list(dict.fromkeys(self.pick(values) for _ in range(self.chance.randint(least, most))))

    def text(self, language: str, length: int) -> str:
        words = [self.pick(self.words[language]) for _ in range(length)]
        return ("" if language == "zh" else " ").join(words)

    def add(self, number: int, tables: Tables) -> None:
        chance = self.chance
        language = self.pick(list(UN))
        others = [other for other in UN if other != language and chance.random() < 0.4]
        year = None if chance.random() < 0.03 else 2026 - int(37 * chance.random() ** 2)
        titles: dict[str, str] = {f"title_{UN[code]}": self.text(code, chance.randint(4, 9)) for code in others}
        summaries = {f"summary_{UN[code]}": self.text(code, chance.randint(25, 45)) for code in {"en": 0, language: 0, **dict.fromkeys(others)}}
        own = [vocabularies_code for code in others if (vocabularies_code := "zh-hans" if code == "zh" else code)]
        tables.add(
            "knowledge_resource",
            id=number, slug=f"bench-{number}", resource_type=self.pick(vocabularies.codes("resource_type")),
            original_language=language, original_title=f"{self.text(language, chance.randint(4, 9))} {number}",
            original_subtitle=self.text(language, 4) if chance.random() < 0.3 else "", title="", subtitle="", summary="",
            **{f"title_{column}": titles.get(f"title_{column}") for column in UN.values()},
            **{f"summary_{column}": summaries.get(f"summary_{column}") for column in UN.values()},
            own_titles=own, authors=[f"Author{int(5000 * chance.random())}, {chance.choice('ABCDE')}." for _ in range(chance.randint(0, 4))],
            journal="", year=year, published_on=f"{year}-{chance.randint(1, 12):02d}-15" if year and chance.random() < 0.4 else None,
            categories=self.some(vocabularies.codes("ewaste_category"), 0, 3), sdg_targets=self.some(vocabularies.codes("sdg_target"), 0, 4),
            rights=self.pick(vocabularies.codes("rights")), doi=f"10.5555/bench.{number}" if chance.random() < 0.3 else "",
            symbols=[f"BENCH/{number}"] if chance.random() < 0.1 else [], source="", withdrawal_reason="",
            state="published", published_at="2026-01-01", published_by_id=self.by.pk, created_at="2026-01-01", modified_at="2026-01-01",
        )  # fmt: skip
        for position, code in enumerate(dict.fromkeys([language, *self.some(EDITION_LANGUAGES, 0, 2)])):
            tables.add(
                "knowledge_edition", id=number * 4 + position, resource_id=number, language=code, title="", position=position,
                isbn=isbn(number) if position == 0 and number % 4 == 0 else "", year=year, pages=chance.randint(4, 400),
                url=f"https://library.example.org/{number}/{code}.pdf" if chance.random() < 0.6 else "", format="PDF", size_bytes=number * 10,
            )  # fmt: skip
        for position, entity in enumerate(self.some(self.entities, 1, 3)):
            tables.add("knowledge_resourcepublisher", id=number * 4 + position, resource_id=number, entity_id=entity, position=position)
        for position, topic in enumerate(self.some(self.topics, 1, 4)):
            tables.add("knowledge_resource_topics", id=number * 4 + position, resource_id=number, topic_id=topic)
        for position, country in enumerate(self.some(self.countries, 0, 3)):
            tables.add("knowledge_resource_countries", id=number * 4 + position, resource_id=number, country_id=country)
        if chance.random() < 0.3:
            tables.add("knowledge_resource_regions", id=number, resource_id=number, region_id=self.pick(self.regions))


def fill(resources: int, say: Callable[[str], None]) -> None:
    """Rows with the triggers off, then the search documents from them, by two connections at once."""
    call_command("load_entities", stdout=io.StringIO())
    load_topics()
    load_synonyms()
    library, tables = Library(), Tables()
    begun = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for number in range(1, resources + 1):
            library.add(number, tables)
            if number % 10_000 == 0 or number == resources:
                tables.store()
        cursor.execute("SET session_replication_role = origin")
        cursor.execute(  # known words first: two connections that add the same words would wait for each other
            "INSERT INTO knowledge_word SELECT DISTINCT word FROM unnest(%s::text[]) t,"
            " regexp_split_to_table(lower(public.knowledge_plain(t)), '[^[:alpha:]]+') word"
            " WHERE length(word) BETWEEN 4 AND 40 ON CONFLICT DO NOTHING",
            [[word for words in library.words.values() for word in words]],
        )
        cursor.execute("ANALYZE")
    say(f"rows: {time.perf_counter() - begun:.0f} s")
    begun = time.perf_counter()
    with ThreadPoolExecutor(max_workers=2) as workers:
        halves = [range(first, resources + 1, 2 * BATCH) for first in (1, BATCH + 1)]
        list(workers.map(refresh, halves))
    say(f"knowledge_refresh() in batches of {BATCH}, two at once: {time.perf_counter() - begun:.0f} s")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def refresh(starts: Iterable[int]) -> None:
    with connections["default"].cursor() as cursor:
        for first in starts:
            cursor.execute("SELECT knowledge_refresh(array(SELECT generate_series(%s, %s)::bigint))", [first, first + BATCH - 1])
    connections["default"].close()
