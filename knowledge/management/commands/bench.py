"""`manage.py bench`: fills a scratch database with made-up rows and measures the pages of library and directory on it.

The scratch database is `portal_bench` on an embedded server of its own (var/pg-bench) or on the server of
BENCH_DATABASE_URL, whose user must be a superuser. No other database is touched.
"""

import csv
import io
import math
import os
import random
import re
import statistics
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import environ
import psutil
from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db import connection, connections
from django.http import HttpRequest, HttpResponse, QueryDict
from django.test import Client
from django.urls import path
from django.utils import timezone
from django.utils.text import slugify

from coalition.filters import EntityFilter
from coalition.models import Entity, Membership
from ewaste_portal import urls, vocabularies
from ewaste_portal.models import Country, Region, User
from knowledge.filters import ResourceFilter
from knowledge.management.commands.load_demo import DATA, load_synonyms, load_topics
from knowledge.models import Resource, Topic
from knowledge.search import catalogue as catalogues
from knowledge.search.results import MOST_RANKED

BAR_MS = 100
WORDS = 20_000  # in each language; the last are met a few dozen times in 100 000 resources
ENTITIES = 300  # that publish
DIRECTORY = 10_000  # entities in all
RECORDED = 1_000  # of them known as members of the Coalition
EDITION_LANGUAGES = ["en", "fr", "es", "zh", "ru", "ar", "de", "pt", "ja", "it", "nl", "tr", "sv", "ko", "vi"]
BATCH = 500  # resources in one call of knowledge_refresh()
UN = {"en": "en", "fr": "fr", "es": "es", "ru": "ru", "ar": "ar", "zh": "zh_hans"}  # language and its column

# Names of made-up entities: what stands before or after {} is common to thousands of them, as in a real directory.
FORMS = {
    "national-government": {
        "en": "Ministry of {}", "fr": "Ministère de {}", "es": "Ministerio de {}", "ru": "Министерство {}",
        "ar": "وزارة {}", "zh": "{}部",
    },
    "academia": {
        "en": "University of {}", "fr": "Université de {}", "es": "Universidad de {}", "ru": "Университет {}",
        "ar": "جامعة {}", "zh": "{}大学",
    },
    "ngo": {
        "en": "Association for {}", "fr": "Association pour {}", "es": "Asociación para {}", "ru": "Ассоциация {}",
        "ar": "جمعية {}", "zh": "{}协会",
    },
    "recycler": {
        "en": "{} Recycling Company", "fr": "Société de recyclage {}", "es": "Empresa de reciclaje {}",
        "ru": "Перерабатывающая компания {}", "ar": "شركة {} لإعادة التدوير", "zh": "{}回收公司",
    },
}  # fmt: skip


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
    chosen: dict[str, None] = dict.fromkeys(word for word, _count in found.most_common(WORDS // 2))
    while len(chosen) < WORDS:
        chosen["".join(chance.choices(letters, k=chance.randint(*lengths)))] = None
    return list(chosen)


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
        self.checked: dict[str, Any] = {"checked_at": timezone.now(), "checked_by": self.by}
        self.topics = list(Topic.objects.values_list("pk", flat=True))
        self.countries = list(Country.objects.values_list("pk", flat=True))
        self.regions = list(Region.objects.exclude(pk="001").values_list("pk", flat=True))
        self.entities = self.add_entities()

    def add_entities(self) -> list[int]:
        more = ENTITIES - Entity.objects.count()
        Entity.objects.bulk_create(
            Entity(
                slug=f"bench-{n}",
                kind="academia",
                official_name_en=f"{self.text('en', 3)} {n}",
                is_example=True,
                **self.checked,
            )
            for n in range(more)
        )
        return list(Entity.objects.values_list("pk", flat=True))

    def add_directory(self) -> None:
        """Entities with names in all languages, from all countries; some are recorded as members."""
        places = list(Country.objects.all())
        Entity.objects.bulk_create(
            (self.made_up(n, place=self.chance.choice(places)) for n in range(DIRECTORY - Entity.objects.count())),
            batch_size=1_000,
        )
        Membership.objects.bulk_create(
            Membership(
                entity_id=entity, origin="recorded", state="active", state_since=timezone.now(), recorded_on="2018-03-21",
                source_url="https://library.example.org/2018",
            )
            for entity in Entity.objects.filter(is_example=False).values_list("pk", flat=True)[:RECORDED]
        )  # fmt: skip

    def made_up(self, n: int, *, place: Country) -> Entity:
        kind, forms = self.pick(list(FORMS.items()))
        names = {
            f"official_name_{UN[code]}": f"{form.format(self.text(code, 2))}, {getattr(place, f'name_{UN[code]}')} {n}"
            for code, form in forms.items()
        }
        short = "".join(word[0] for word in names["official_name_en"].split()).upper()
        return Entity(
            slug=f"bench-directory-{n}", kind=kind, country=place, short_name_en=f"{short[:6]}{n}",
            domains=[f"bench-{n}.example.org"], website=f"https://bench-{n}.example.org/", **names, **self.checked,
        )  # fmt: skip

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
        titles = {code: self.text(code, chance.randint(4, 9)) for code in others}
        summaries = {code: self.text(code, chance.randint(25, 45)) for code in dict.fromkeys(["en", language, *others])}
        tables.add(
            "knowledge_resource",
            id=number, slug=f"bench-{number}", resource_type=self.pick(vocabularies.codes("resource_type")),
            original_language=language, original_title=f"{self.text(language, chance.randint(4, 9))} {number}",
            original_subtitle=self.text(language, 4) if chance.random() < 0.3 else "", title="", subtitle="", summary="",
            **{f"title_{column}": titles.get(code) for code, column in UN.items()},
            **{f"summary_{column}": summaries.get(code) for code, column in UN.items()},
            own_titles=["zh-hans" if code == "zh" else code for code in others],
            authors=[f"Author{int(5000 * chance.random())}, {chance.choice('ABCDE')}." for _ in range(chance.randint(0, 4))],
            journal="", year=year,
            published_on=f"{year}-{chance.randint(1, 12):02d}-15" if year and chance.random() < 0.4 else None,
            categories=self.some(vocabularies.codes("ewaste_category"), 0, 3),
            sdg_targets=self.some(vocabularies.codes("sdg_target"), 0, 4),
            rights=self.pick(vocabularies.codes("rights")), doi=f"10.5555/bench.{number}" if chance.random() < 0.3 else "",
            symbols=[f"BENCH/{number}"] if chance.random() < 0.1 else [], source="", withdrawal_reason="",
            state="published", published_by_id=self.by.pk,
            **dict.fromkeys(["published_at", "created_at", "modified_at"], "2026-01-01"),
        )  # fmt: skip
        for position, code in enumerate(dict.fromkeys([language, *self.some(EDITION_LANGUAGES, 0, 2)])):
            tables.add(
                "knowledge_edition", id=number * 4 + position, resource_id=number, language=code, title="", position=position,
                isbn=isbn(number) if position == 0 and number % 4 == 0 else "", year=year, pages=chance.randint(4, 400),
                url=f"https://library.example.org/{number}/{code}.pdf" if chance.random() < 0.6 else "",
                format="PDF", size_bytes=number * 10, file="", sha256="",
            )  # fmt: skip
        for position, entity in enumerate(self.some(self.entities, 1, 3)):
            key = {"id": number * 4 + position, "resource_id": number}
            tables.add("knowledge_resourcepublisher", **key, entity_id=entity, position=position)
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
    library.add_directory()
    say(f"entities: {time.perf_counter() - begun:.0f} s")
    begun = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for number in range(1, resources + 1):
            library.add(number, tables)
            if number % 10_000 == 0 or number == resources:
                tables.store()
        cursor.execute("SET session_replication_role = origin")
        cursor.execute(  # known words first: two connections that add the same words would wait for each other
            "INSERT INTO knowledge_word SELECT DISTINCT word, public.unaccent('public.unaccent', word) FROM unnest(%s::text[]) t,"
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
            cursor.execute(
                "SELECT knowledge_refresh(array(SELECT generate_series(%s, %s)::bigint))", [first, first + BATCH - 1]
            )
    connections["default"].close()


# Questions ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    name: str
    address: str
    in_sql: str


def of_list(name: str, in_sql: str, reader: str = "en", /, **parameters: Any) -> Question:
    return Question(
        name, f"/{reader}/resources/" + (f"?{urlencode(parameters, doseq=True)}" if parameters else ""), in_sql
    )


LOOK_ALIKES = "/en/coalition/join/look-alikes/?"  # for those who are signed in


def questions(resources: int) -> list[Question]:
    rare = vocabulary("en", random.Random(2026))[15_000]  # noqa: S311  no secret
    topics = ["recycling-and-recovery", "policy-and-legislation"]
    three = {"type": ["report", "guideline"], "topic": topics, "language": ["en", "fr"]}
    page = "page of 20 by primary key, its editions, its publishers, labels of facets"
    words = "one GIN lookup of the words in texts, one in titles"
    ranked = f"{words}; ts_rank of at most {MOST_RANKED}"
    return [
        of_list("no query", f"catalogue of what changed; {page}"),
        of_list("rare word", ranked, q=rare),
        of_list("common word", ranked, q="management"),
        of_list("very common word", f"one lookup for a concept with 45 synonyms; {ranked}", q="e-waste"),
        of_list("two words", f"intersection of two lookups; {ranked}", q="waste collection"),
        of_list("phrase", f"lookup of both words, recheck of positions; {ranked}", q='"global assessment"'),
        of_list("OR", f"union of two lookups; {ranked}", q="batteries OR plastics"),
        of_list("not", f"two lookups, taken from each other as bitmaps; {ranked}", q="recycling -batteries"),
        of_list("three filters", "no search in SQL: bitmaps of facets in memory", **three),
        of_list("word and three filters", f"{words}; the filters in memory; ts_rank", q="management", **three),
        of_list("Chinese word", f"lookup of a pair of characters; {ranked}", "zh-hans", q="回收"),
        of_list(
            "Chinese run", f"lookup of a concept and of pairs in a row; {ranked}", "zh-hans", q="电子废物管理的国家政策"
        ),
        of_list("Arabic", f"lookup of a concept; {ranked}", "ar", q="النفايات الإلكترونية"),
        of_list("Russian", f"lookups of a stem and of a concept; {ranked}", "ru", q="переработка отходов"),
        of_list("French accents", f"three stems without accents; {ranked}", "fr", q="réglementation collecte déchets"),
        of_list("ISBN", f"one word '#{isbn(40)}'", q=isbn(40)),
        of_list("deep page", "as no query: pages are cut in memory", page=resources // 50),
        of_list("by title", "as no query: the order is kept in memory", sort="title"),
        of_list("years", "no search in SQL: a bitmap for each year in memory", year_from=2010, year_to=2020),
        of_list("publishers", "no search in SQL: bitmaps of facets in memory", publisher=["itu", "unep"]),
        of_list(
            "deep page of a very common word",
            "as the word: pages are cut in memory",
            q="e-waste",
            page=resources // 200,
        ),
        of_list(
            "phrase of very common words", f"as the phrase, with more to recheck; {ranked}", q='"electronic products"'
        ),
        of_list(
            "without synonyms", f"lookup of both words, recheck of positions; {ranked}", q="e-waste", synonyms="off"
        ),
        of_list(
            "typing error",
            "all words, then any of them, then the nearest known words by trigrams",
            q="recyclng managment",
        ),
        Question(
            "one resource", "/en/resources/bench-777/", "the resource, its rows, related ones by facets and words"
        ),
        Question("suggestions", "/en/resources/suggest/?q=elec", "GIN lookup of a beginning in titles, newest 8"),
        *directory_questions(),
    ]


def of_directory(name: str, in_sql: str, reader: str = "en", /, **parameters: Any) -> Question:
    return Question(f"directory: {name}", f"/{reader}/coalition/entities/?{urlencode(parameters)}", in_sql)


def directory_questions() -> list[Question]:
    """Words that thousands of names have are the hardest; look-alikes are what a person sees while typing a name."""
    page = "page of 60, counts of facets"
    read, like = (
        f"all names read; {page}",
        f"all names read in vain, nearest words by trigrams, all names again; {page}",
    )
    near = "nearest words by trigrams, all names read, 200 of them compared"
    return [
        of_directory("no query", page),
        of_directory("name", read, q="United Nations Environment Programme"),
        of_directory("common word", read, q="university"),
        of_directory("misspelt", like, q="enviroment programe nations"),
        of_directory("misspelt common word", like, q="univercity"),
        of_directory("misspelt Russian", like, "ru", q="програма окружающй среде"),
        of_directory("misspelt common Russian", like, "ru", q="универсетет"),
        of_directory("Chinese", read, "zh-hans", q="联合国"),
        of_directory("JSON", f"{read}; standings", q="United Nations", format="json"),
        Question("look-alikes", LOOK_ALIKES + urlencode({"q": "Enviroment Programme of the United Nations"}), near),
        Question(
            "look-alikes, common words",
            LOOK_ALIKES + urlencode({"q": "Ministry of Enviroment", "country": "GHA"}),
            near,
        ),
        Question("look-alikes, Russian", LOOK_ALIKES + urlencode({"q": "Министерство окружающй среды"}), near),
    ]


@dataclass
class Timing:
    """Milliseconds of each repetition, on the clock and on the processors; SQL statements and octets of the last."""

    times: list[float] = field(default_factory=list)
    work: list[float] = field(default_factory=list)
    statements: int = 0
    octets: int = 0

    @property
    def least(self) -> float:
        return min(self.times)

    @property
    def p50(self) -> float:
        return statistics.median(self.times)

    @property
    def p95(self) -> float:
        return sorted(self.times)[math.ceil(len(self.times) * 0.95) - 1]


def ask(client: Client, address: str, timing: Timing) -> bytes:
    statements = 0

    def count(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal statements
        statements += 1
        return execute(*arguments)

    with connection.execute_wrapper(count):
        catalogues.forget_matches()  # as if nobody had asked this before
        work, begun = processor_ms(), time.perf_counter()
        response = client.get(address)
        timing.times.append((time.perf_counter() - begun) * 1000)
        timing.work.append(processor_ms() - work)
    if response.status_code != 200:
        raise CommandError(f"{address} answered {response.status_code}.")
    timing.statements, timing.octets = statements, len(response.content)
    return bytes(response.content)


def processor_ms() -> float:
    """Processor time of this process and of its database server's: unlike the clock it knows nothing of other programs."""
    connection.ensure_connection()
    server = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
    return time.process_time() * 1000 + (int(server.read_text().split()[0]) / 1e6 if server.exists() else 0)


def bare(request: HttpRequest) -> HttpResponse:
    """The least that a page with a database can cost."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return HttpResponse(str(cursor.fetchone()))


def memory_mib() -> float:
    return float(psutil.Process().memory_info().rss / 2**20)


def connect(name: str) -> None:
    """To a scratch database of this name, migrated; made if it is not there."""
    url = os.environ.get("BENCH_DATABASE_URL", "")
    place = (
        environ.Env.db_url_config(url)
        if url
        else {
            "ENGINE": "ewaste_portal.embedded",
            "NAME": "portal",
            "OPTIONS": {"home": settings.VAR_DIR / "pg-bench", "durable": False},
        }
    )
    database = {**place, "CONN_MAX_AGE": 600, "TEST": {"NAME": name}}
    connections.settings = connections.configure_settings({"default": database})
    del connections["default"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, keepdb=True)


class Command(BaseCommand):
    help = "Fills a scratch database with made-up resources and measures the pages of the library."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--resources", type=int, default=100_000, help="at least 1000")
        parser.add_argument("--repeat", type=int, default=20)
        parser.add_argument("--keep", action="store_true", help="keep the scratch database for the next run")

    def handle(self, *, resources: int, repeat: int, keep: bool, **options: Any) -> None:
        self.use_scratch_database(resources)
        settings.DEBUG, settings.PORTAL_BURST_SECONDS = False, 0
        call_command("collectstatic", verbosity=0, interactive=False)
        urls.urlpatterns.insert(0, path("bench/", bare))
        client = Client(SERVER_NAME="localhost", HTTP_ACCEPT_ENCODING="identity")
        ask(client, "/bench/", Timing())
        self.build_catalogue()
        slow = self.measure(client, resources, repeat)
        self.edit(client)
        self.stdout.write(f"Memory of this process at the end: {memory_mib():.0f} MiB.")
        if not keep:
            connection.creation.destroy_test_db("portal", verbosity=0)
        if slow:
            raise CommandError(f"Above {BAR_MS} ms: {', '.join(slow)}.")

    def use_scratch_database(self, resources: int) -> None:
        connect("portal_bench")
        if (Resource.objects.count(), Entity.objects.count()) != (
            resources,
            DIRECTORY,
        ):  # a new one, or one that was kept by a run of another size
            connection.creation.destroy_test_db("portal", verbosity=0)
            connection.creation.create_test_db(verbosity=0, autoclobber=True)
            self.stdout.write(f"Filling a scratch database with {resources} resources ...")
            fill(resources, lambda line: self.stdout.write(f"  {line}"))

    def build_catalogue(self) -> None:
        before, begun = memory_mib(), time.perf_counter()
        catalogues.current()
        took = time.perf_counter() - begun
        self.stdout.write(
            f"Catalogue in memory: {took:.2f} s; the process grew from {before:.0f} to {memory_mib():.0f} MiB."
        )

    def measure(self, client: Client, resources: int, repeat: int) -> list[str]:
        """Prints the table; the names of those that are too slow. Round after round, so that a disturbance hits all alike."""
        asked = [Question("bare view", "/bench/", "SELECT 1"), *questions(resources)]
        timings = {question: Timing() for question in asked}
        clients = {q: self.person(q) if q.address.startswith(LOOK_ALIKES) else client for q in asked}
        for question in asked:
            ask(
                clients[question], question.address, Timing()
            )  # templates and translations are read at the first request
        for _round in range(repeat):
            for question, timing in timings.items():
                ask(clients[question], question.address, timing)
        self.stdout.write(f"{'':32}{'found':>8}{'min':>8}{'p50':>8}{'p95 ms':>8}{'work':>8}  SQL    kB")
        for question, timing in timings.items():
            verdict = "" if question is asked[0] else "PASS" if timing.p95 <= BAR_MS else "FAIL"
            self.stdout.write(
                f"{question.name:32}{self.found(question):>8}{timing.least:8.1f}{timing.p50:8.1f}{timing.p95:8.1f}{statistics.median(timing.work):8.1f}"
                f"{timing.statements:5}{timing.octets / 1000:6.0f}  {verdict:6}{question.in_sql}"
            )
        pages = list(timings.values())[1:]
        whole = Timing([milliseconds for timing in pages for milliseconds in timing.times])
        self.stdout.write(f"{'all pages':40}{whole.least:8.1f}{whole.p50:8.1f}{whole.p95:8.1f}")
        return [question.name for question, timing in timings.items() if timing.p95 > BAR_MS]

    def person(self, question: Question) -> Client:
        """Signed in, and nobody else: hints while typing are rationed."""
        client = Client(SERVER_NAME="localhost", HTTP_ACCEPT_ENCODING="identity")
        person, _created = User.objects.get_or_create(email=f"{slugify(question.name)}@bench.example.org")
        client.force_login(person)
        return client

    def found(self, question: Question) -> str:
        place, _mark, query = question.address.partition("?")
        if place.endswith("/entities/"):
            return str(EntityFilter(QueryDict(query)).found(counted=False).total)
        if not place.endswith("/resources/"):
            return ""
        return str(ResourceFilter(QueryDict(query), queryset=Resource.objects.published()).results().total)

    def edit(self, client: Client) -> None:
        """One title changed by SQL, and the next request, which must show it."""
        change = "UPDATE knowledge_resource SET original_title = {} WHERE slug = 'bench-777'"
        with connection.cursor() as cursor:
            begun = time.perf_counter()
            cursor.execute(change.format("original_title || ' quagmire'"))
            stored = (time.perf_counter() - begun) * 1000
            shown = Timing()
            page = ask(client, "/en/resources/?q=quagmire", shown)
            cursor.execute(change.format("replace(original_title, ' quagmire', '')"))
        if b"bench-777" not in page:
            raise CommandError("An edited title was not found by the next request.")
        self.stdout.write(
            f"One title edited by SQL: {stored:.0f} ms; the next request found it in {shown.least:.0f} ms."
        )
