"""Lists with facets: one SQL statement finds the rows of a page, their number, and the exact count of every value.

Inside a facet any of the chosen values is enough, across facets all must hold; the counts of a facet leave its own choice
aside. What is made up for the demonstration is found apart and never counted.
"""

# ruff: noqa: S608  statements are made of our own words; what visitors type is always a parameter

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import get_language

from ewaste_portal import vocabularies

SHOWN = 8  # values in sight; then those behind "Show all"; more are on a page of their own
FOLDED = 40
MOST_EXAMPLES = 24
ORDER = 'rank, key COLLATE "C", id'

# Every region above a region; the world only where it is named itself.
LINEAGE = """
up(leaf, m49, parent_id) AS (
    SELECT m49, m49, parent_id FROM ewaste_portal_region
    UNION ALL
    SELECT up.leaf, r.m49, r.parent_id FROM up JOIN ewaste_portal_region r ON r.m49 = up.parent_id
),
lineage(leaf, place) AS (SELECT leaf, m49 FROM up WHERE m49 <> '001' OR leaf = '001')
"""


@dataclass(frozen=True)
class SQL:
    text: str
    parameters: Sequence[Any] = ()


@dataclass(frozen=True)
class Relation:
    """A facet in the database: a SELECT of distinct (id, code) of the rows `{rows}`; it may join `lineage`.

    `counts` gives (code, number) where that is quicker. `beside` names facets that speak of the same thing, whose choice
    the SELECT already applies.
    """

    text: str
    parameters: Sequence[Any] = ()
    counts: str = ""
    beside: frozenset[str] = frozenset()


@dataclass
class Found:
    rows: list[int] = field(default_factory=list)
    examples: list[int] = field(default_factory=list)
    total: int = 0
    matched: int = 0  # by the words alone, whatever the filters
    counts: dict[str, dict[str, int]] = field(default_factory=dict)


def find(
    base: QuerySet, relations: Mapping[str, Relation], chosen: Mapping[str, list[str]],
    *, beforehand: Mapping[str, SQL] | None = None, limit: int | None = None, offset: int = 0, counted: bool = True,
) -> Found:  # fmt: skip
    """Rows come by rank, then by key. `base` holds id, rank, key, made_up and what the relations read.

    `beforehand` are tables that the relations join.
    """
    ahead = [SQL(f"{name} AS MATERIALIZED ({sql.text})", sql.parameters) for name, sql in (beforehand or {}).items()]
    text, parameters = base.query.sql_with_params()
    ahead.append(SQL(f"base AS MATERIALIZED ({text})", parameters))
    flags = [
        SQL(f"id IN (SELECT id FROM ({relation.text.format(rows='base')}) AS v(id, code) WHERE code = ANY (%s)) AS ok_{name}",
            [*relation.parameters, chosen[name]])
        for name, relation in relations.items() if chosen.get(name)
    ]  # fmt: skip
    flagged = SQL(
        f"flagged AS MATERIALIZED (SELECT {', '.join(['base.*', *(flag.text for flag in flags)])} FROM base)",
        _joined(flags),
    )
    hits = f"flagged WHERE NOT made_up{_all_hold(relations, chosen)}"
    parts = [
        SQL("SELECT 'matched', '', count(*) FROM base"),
        SQL(f"SELECT 'total', '', count(*) FROM {hits}"),
        SQL(f"""SELECT 'row', id::text, row_number() OVER (ORDER BY {ORDER})
                FROM (SELECT * FROM {hits} ORDER BY {ORDER} LIMIT %s OFFSET %s) page""", [limit, offset]),
        SQL(f"""SELECT 'example', id::text, row_number() OVER (ORDER BY {ORDER})
                FROM flagged WHERE made_up{_all_hold(relations, chosen)} LIMIT {MOST_EXAMPLES}"""),
    ]  # fmt: skip
    if counted:
        parts += [_count(name, relations, chosen) for name in relations]
    statement = f"WITH RECURSIVE {LINEAGE}, {', '.join(sql.text for sql in [*ahead, flagged])} " + " UNION ALL ".join(
        f"({part.text})" for part in parts
    )
    return _read(statement, _joined([*ahead, flagged, *parts]), relations)


def _joined(pieces: Iterable[SQL]) -> list[Any]:
    return [parameter for piece in pieces for parameter in piece.parameters]


def _count(name: str, relations: Mapping[str, Relation], chosen: Mapping[str, list[str]]) -> SQL:
    """The rows of each value of a facet; its own choice is left aside."""
    relation = relations[name]
    rows = f"(SELECT * FROM flagged WHERE NOT made_up{_all_hold(relations, chosen, but={name} | relation.beside)})"
    counts = relation.counts or f"SELECT code, count(*) FROM ({relation.text}) AS v(id, code) GROUP BY code"
    return SQL(
        f"SELECT 'count:{name}', code, number FROM ({counts.format(rows=rows)}) AS n(code, number)", relation.parameters
    )


def _all_hold(relations: Mapping[str, Relation], chosen: Mapping[str, list[str]], but: Iterable[str] = ()) -> str:
    return "".join(f" AND ok_{name}" for name in relations if chosen.get(name) and name not in but)


def _read(statement: str, parameters: list[Any], relations: Iterable[str]) -> Found:
    found = Found(counts={name: {} for name in relations})
    places: dict[str, list[tuple[int, int]]] = {"row": [], "example": []}
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        for what, code, number in cursor.fetchall():
            if what in places:
                places[what].append((number, int(code)))
            elif what.startswith("count:"):
                found.counts[what.removeprefix("count:")][code] = number
            else:
                setattr(found, what, number)
    found.rows = [row for _position, row in sorted(places["row"])]
    found.examples = [row for _position, row in sorted(places["example"])]
    return found


# As the page shows them --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Value:
    code: str
    label: str
    count: int
    is_chosen: bool


@dataclass(frozen=True)
class Facet:
    name: str
    label: str
    values: list[Value]

    @property
    def chosen(self) -> int:
        return sum(value.is_chosen for value in self.values)

    @property
    def shown(self) -> list[Value]:
        return self.values[: max(SHOWN, self.chosen)]

    @property
    def folded(self) -> list[Value]:
        return self.values[len(self.shown) : len(self.shown) + FOLDED]

    @property
    def in_list(self) -> int:
        return len(self.shown) + len(self.folded)

    @property
    def is_cut(self) -> bool:
        return self.in_list < len(self.values)

    @property
    def is_long(self) -> bool:
        return len(self.values) > 10


@dataclass(frozen=True)
class Chip:
    facet: str
    label: str
    url: str


def values(counts: Mapping[str, int], chosen: Sequence[str], label: Any) -> list[Value]:
    """Chosen first, even at 0; then the most frequent, then by name."""
    everything = dict.fromkeys(chosen, 0) | dict(counts)
    found = [Value(code, label(code), count, code in chosen) for code, count in everything.items()]
    return sorted(found, key=lambda value: (not value.is_chosen, -value.count, value.label.casefold()))


def stored_labels(*, places: Iterable[str] = (), entities: Iterable[str] = ()) -> dict[str, str]:
    """Names of countries, regions and entities in the reader's language, by code or slug; one query, or none."""
    places, entities = list(places), list(entities)
    if not (places or entities):
        return {}
    column = vocabularies.COLUMNS[get_language() or "en"]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT iso3, coalesce(nullif(name_{column}, ''), name_en) FROM ewaste_portal_country WHERE iso3 = ANY (%s)
            UNION ALL SELECT m49, coalesce(nullif(name_{column}, ''), name_en) FROM ewaste_portal_region WHERE m49 = ANY (%s)
            UNION ALL SELECT slug, coalesce(nullif(short_name_{column}, ''), nullif(official_name_{column}, ''),
                nullif(short_name_en, ''), official_name_en) FROM coalition_entity WHERE slug = ANY (%s)
            """,
            [places, places, entities],
        )
        return dict(cursor.fetchall())


def address(path: str, pairs: Sequence[tuple[str, str]]) -> str:
    return f"{path}?{urlencode(pairs)}" if pairs else path
