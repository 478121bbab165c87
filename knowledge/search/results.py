"""From a query and chosen values to one page of resources, with exact counts for every facet."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from django.db import connection
from django.db.models import F, Func, TextField, Value
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from knowledge import languages
from knowledge.models import Resource, Synonym
from knowledge.search import catalogue as catalogues
from knowledge.search.catalogue import FACETS, Catalogue, from_bits
from knowledge.search.query import HAN, HAN_RUN, Query, Thesaurus, arabic, fold, parse

PAGE_SIZE = 20
SORTS = ("relevance", "newest", "oldest", "title")
MOST_REMEMBERED = 500  # queries whose matches a process keeps until the library changes
MOST_RANKED = 500  # more matches than this are ranked among those whose title matches and the newest
WITH_HEADLINES = ("en", "fr", "es", "ru")  # PostgreSQL marks matches in these
START, STOP = "\ue000", "\ue001"  # of a match inside a snippet; private characters, which no text has

# Title words weigh most, then identifiers, people and subtitle, then the summary, then names of topics and places.
WEIGHTS = "{0.1, 0.35, 0.6, 1.0}"  # D, C, B, A

# With all words wanted each document has all groups; loosened, those that have more of them come first.
RANK = """
    SELECT resource_id FROM knowledge_searchdocument
    WHERE is_public AND resource_id = ANY (%s)
    ORDER BY (SELECT count(*) FROM unnest(%s::tsquery[]) AS part WHERE vector @@ part) DESC,
             ts_rank(%s::float4[], vector, %s::tsquery, 1) DESC, newest_key DESC, title_key, resource_id
"""


@dataclass(frozen=True)
class Matches:
    """Which resources a query finds, as bitmaps; `tsquery` is what PostgreSQL made of it.

    `parts` are the groups that count where not all are wanted.
    """

    tsquery: str
    marks: str  # the words themselves, to be marked in snippets
    all: int
    in_title: int
    parts: tuple[str, ...] = ()


@dataclass
class Results:
    """What a search found. `ids` are all resources found, in order; `resources()` fetches one page of them."""

    query: Query
    chosen: dict[str, list[str]]
    sort: str
    ids: list[int]
    catalogue: Catalogue
    tsquery: str = ""
    marks: str = ""
    loosened: bool = False
    did_you_mean: str = ""
    masks: dict[str, int] = field(default_factory=dict)
    hits: int = 0

    @property
    def total(self) -> int:
        return len(self.ids)

    @cached_property
    def counts(self) -> dict[str, dict[str, int]]:
        """For each facet its values and how many resources each has, under all other choices but the facet's own."""
        return {facet: self.catalogue.counts(facet, self.masks[facet]) for facet in FACETS}

    @cached_property
    def _mark(self) -> Callable[[str], str]:
        return _marker(self.query)

    def resources(self, ids: Sequence[int]) -> list[Resource]:
        """The published resources with these ids, in their order, with `title_snippet` and `summary_snippet`."""
        rows = Resource.objects.published().filter(pk__in=ids).for_listing()
        code = languages.reader_code()
        if self.marks and code in WITH_HEADLINES:
            rows = rows.annotate(
                title_headline=_headline(code, f"title_{code}", self.marks),
                summary_headline=_headline(code, f"summary_{code}", self.marks),
                original_headline=_headline("en", "original_title", self.marks),
            )
        found = {resource.pk: resource for resource in rows}
        resources = [found[number] for number in ids if number in found]
        for resource in resources:
            self._add_snippets(resource)
        return resources

    def _add_snippets(self, resource: Resource) -> None:
        title, summary = resource.display_title, resource.display_summary
        if hasattr(resource, "title_headline"):
            own = resource.title_headline if resource.title_is_translated else resource.original_headline
            title = own or title
            summary = resource.summary_headline or summary
        elif self.query:
            title, summary = self._mark(title), self._mark(summary)
        resource.title_snippet = _marked(title)
        resource.summary_snippet = _marked(summary)


def _headline(language: str, column: str, tsquery: str) -> Func:
    options = f"HighlightAll=true, StartSel={START}, StopSel={STOP}"
    return Func(
        Value(f"public.portal_{language}"),
        F(column),
        Value(tsquery),
        Value(options),
        function="ts_headline",
        template="%(function)s(%(expressions)s)",
        arg_joiner=", ",
        output_field=TextField(),
    )


def _marked(text: str) -> SafeString:
    """Neighbouring matches become one mark; a letter alone (the d of d'Ivoire) is none."""
    text = re.sub(f"{STOP}([ -]){START}", r"\1", text)
    text = re.sub(f"{START}(\\w){STOP}", r"\1", text)
    return mark_safe(escape(text).replace(START, "<mark>").replace(STOP, "</mark>"))  # noqa: S308  escaped just before


def _marker(query: Query) -> Callable[[str], str]:
    """Marks matches in scripts for which PostgreSQL has no headlines: Chinese by substring, the rest by folded word."""
    texts = [text for term in query.terms for text in (term.text, *term.synonyms)]
    han = sorted({text for text in texts if HAN_RUN.search(text)}, key=len, reverse=True)
    words = {word for text in texts if not HAN_RUN.search(text) for word in fold(text).split() if len(word) > 2}
    pattern = re.compile("|".join([*(re.escape(text) for text in han), rf"(?:(?![{HAN}])[^\W\d_])+"]))

    def mark(text: str) -> str:
        return pattern.sub(
            lambda match: (
                f"{START}{match.group()}{STOP}"
                if match.group() in han or fold(match.group()) in words or arabic(match.group()) in words
                else match.group()
            ),
            text,
        )

    return mark


def search(
    text: str = "",
    *,
    chosen: dict[str, list[str]] | None = None,
    year_from: int | None = None,
    year_to: int | None = None,
    sort: str = "",
    synonyms: bool = True,
    catalogue: Catalogue | None = None,
) -> Results:
    """All published resources that match; facet values are OR within a facet, AND across facets.

    `sort` is one of SORTS; empty means relevance where there are words, else newest. When no resource has all the words,
    those with any of them are given and `loosened` says so.
    """
    chosen = {facet: codes for facet, codes in (chosen or {}).items() if codes}
    catalogue = catalogue or catalogues.current()
    query = parse(text, _thesaurus() if synonyms and text else None)
    matches = _match(query, catalogue)
    loosened = False
    if not matches.all and matches.tsquery and len(query.loosened().wanted) > 1:
        query, loosened = query.loosened(), True
        matches = _match(query, catalogue)

    selections = {facet: catalogue.having(facet, codes) for facet, codes in chosen.items()}
    if year_from is not None or year_to is not None:
        selections["year"] = catalogue.in_years(year_from, year_to)
    masks = {facet: _all_but(facet, selections, matches.all) for facet in FACETS}
    hits = _all_but("", selections, matches.all)

    sort = sort if sort in SORTS else ("relevance" if query.wanted else "newest")
    if sort == "relevance" and query.wanted:
        ids = _by_relevance(catalogue, matches, hits)
    else:
        ids = catalogue.in_order("newest" if sort == "relevance" else sort, hits)
    results = Results(
        query, chosen, sort, ids, catalogue, matches.tsquery, matches.marks, loosened, masks=masks, hits=hits
    )
    if matches.tsquery and (loosened or not matches.all):
        results.did_you_mean = _did_you_mean(query, catalogue)
    return results


def _all_but(facet: str, selections: dict[str, int], bits: int) -> int:
    for other, selection in selections.items():
        if other != facet:
            bits &= selection
    return bits


def _thesaurus() -> Thesaurus:
    return _thesaurus_of(tuple(map(tuple, Synonym.objects.filter(is_active=True).values_list("terms", flat=True))))


@lru_cache(maxsize=2)
def _thesaurus_of(groups: tuple[tuple[str, ...], ...]) -> Thesaurus:
    return Thesaurus.of(groups)


def _match(query: Query, catalogue: Catalogue) -> Matches:
    """Asks PostgreSQL once which resources match, and which match in their title."""
    if not query:
        return Matches("", "", catalogue.everything, 0)
    groups, unwanted, parameters = query.sql()
    asked = (query, languages.reader_code())
    if asked in catalogue.matches:  # of this very catalogue: any change of a resource begins a new one
        return catalogue.matches[asked]
    together = "knowledge_any" if query.any_word else "knowledge_all"
    code = languages.reader_code()
    marked = [text for term in query.terms for text in (term.text, *term.synonyms)]
    found = (
        "(SELECT string_agg(int8send(resource_id), '') FROM knowledge_searchdocument"
        " WHERE is_public AND {} @@ (SELECT {} FROM query))"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH given AS MATERIALIZED (SELECT {groups} AS groups, {unwanted} AS unwanted),"  # noqa: S608  built from constants
            f" query AS MATERIALIZED (SELECT groups, unwanted, public.{together}(groups) AS wanted FROM given)"
            " SELECT wanted::text, groups::text[], public.knowledge_marks(%s, %s::text[])::text,"
            f" {found.format('vector', 'wanted')}, {found.format('title_vector', 'wanted')},"
            f" {found.format('vector', 'unwanted')} FROM query",
            [*parameters, f"public.portal_{code if code in WITH_HEADLINES else 'en'}", marked],
        )
        tsquery, parts, marks, everywhere, in_title, unwanted_ids = cursor.fetchone()
    size = catalogue.everything.bit_length() + 1
    hits = _bits(everywhere, size) if query.wanted else catalogue.everything
    hits &= catalogue.everything & ~_bits(unwanted_ids, size)
    matches = Matches(tsquery, marks or "", hits, _bits(in_title, size) & hits, tuple(parts) if query.any_word else ())
    if len(catalogue.matches) < MOST_REMEMBERED:
        catalogue.matches[asked] = matches
    return matches


def _bits(ids: memoryview | None, size: int) -> int:
    """The bitmap of 8-octet big-endian numbers; those beyond the catalogue's size are newer than it and left out."""
    if not ids:
        return 0
    numbers = memoryview(bytes(ids)[::-1]).cast("q")  # reversed octets: little-endian, last number first
    return catalogues.to_bits(numbers, max(size, max(numbers) + 1)) & ((1 << size) - 1)


def _by_relevance(catalogue: Catalogue, matches: Matches, hits: int) -> list[int]:
    if hits.bit_count() <= MOST_RANKED:
        return _ranked(list(from_bits(hits)), matches)
    head = catalogue.in_order("newest", matches.in_title & hits, MOST_RANKED)
    others = catalogue.in_order("newest", hits & ~catalogues.to_bits(head, catalogue.everything.bit_length()))
    wanted = MOST_RANKED - len(head)
    return [*_ranked([*head, *others[:wanted]], matches), *others[wanted:]]


def _ranked(ids: list[int], matches: Matches) -> list[int]:
    if not ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(RANK, [ids, list(matches.parts), WEIGHTS, matches.tsquery])
        return [number for (number,) in cursor.fetchall()]


def _did_you_mean(query: Query, catalogue: Catalogue) -> str:
    """The query with each unknown word replaced by its nearest known one; empty if that finds nothing either."""
    words = [term.text for term in query.terms if not term.is_phrase and not term.synonyms and term.text.isalpha()]
    if not words:
        return ""
    nearest = (
        "SELECT asked.word, near.word FROM unnest(%s::text[]) AS asked(word)"
        " CROSS JOIN LATERAL (SELECT word FROM knowledge_word"
        " WHERE plain %% public.unaccent('public.unaccent', lower(asked.word))"
        " ORDER BY similarity(plain, public.unaccent('public.unaccent', lower(asked.word))) DESC,"
        " abs(length(word) - length(asked.word)), word LIMIT 1) near"
        " WHERE NOT EXISTS (SELECT FROM knowledge_searchdocument"
        " WHERE is_public AND vector @@ public.knowledge_query(asked.word, false))"
    )
    with connection.cursor() as cursor:
        cursor.execute(nearest, [words])
        replacements = dict(cursor.fetchall())
    if not replacements:
        return ""
    better = re.sub(r"\w+", lambda match: replacements.get(match.group(), match.group()), query.text)
    return better if _match(replace(parse(better), any_word=False), catalogue).all else ""


def suggest(text: str, *, limit: int = 8) -> list[Resource]:
    """Published resources whose title has words that begin like these, for suggestions while typing."""
    words = re.findall(r"\w+", text[:80])
    if not words or len("".join(words)) < 2:
        return []
    if HAN_RUN.search(text):
        condition, parameters = "public.knowledge_query(%s, true)", [text.strip()]
    else:
        prefixes = " & ".join(f"{word}:*" for word in fold(" ".join(words)).split())
        condition, parameters = "to_tsquery('public.portal_plain', %s)", [prefixes]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT resource_id FROM knowledge_searchdocument WHERE is_public AND title_vector @@ {condition}"  # noqa: S608  one of two constants
            " ORDER BY newest_key DESC, title_key LIMIT %s",
            [*parameters, limit],
        )
        ids = [number for (number,) in cursor.fetchall()]
    found = Resource.objects.published().in_bulk(ids)
    return [found[number] for number in ids if number in found]
