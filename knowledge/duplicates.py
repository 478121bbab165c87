"""Which records may be the same work twice.

Titles are near if their trigrams agree (pg_trgm) and the numbers in them are the same: the Global E-waste Monitor of
2020 is not that of 2024. On saving, one resource is held against all living ones. For the curators' list, equal titles
(whatever accents, capitals and punctuation) are found among all, near ones for the newest waiting records only, so that
the list stays one quick statement in a large library.
"""

import re
from dataclasses import dataclass

from django.contrib.postgres.search import TrigramSimilarity
from django.db import connection
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Greatest, Upper
from django.utils.translation import gettext as _

from knowledge import identifiers
from knowledge.models import Edition, Resource

NEAR = 0.5  # of a title on saving
VERY_NEAR = 0.6  # of a title on the curators' list
PROBED = 200  # waiting records whose near titles are looked for
SHOWN = 100


@dataclass(frozen=True)
class Likeness:
    """Another resource, and in a sentence's end why it may be the same."""

    resource: Resource
    reason: str


def living() -> QuerySet[Resource]:
    return Resource.objects.exclude(state=Resource.State.WITHDRAWN)


def with_doi(doi: str, *, other_than: int | None = None) -> Resource | None:
    """The living resource that has the DOI, however it is written."""
    doi = identifiers.normalise_doi(doi)
    return living().filter(doi=doi).exclude(pk=other_than or 0).first() if doi else None


def with_isbn(isbn: str, *, other_than: int | None = None) -> Edition | None:
    """The edition that has the ISBN, however it is written; `other_than` is an edition's key."""
    isbn = identifiers.normalise_isbn(isbn) if isbn else ""
    return (
        Edition.objects.filter(isbn=isbn).exclude(pk=other_than or 0).select_related("resource").first()
        if isbn
        else None
    )


def numbers(title: str) -> list[str]:
    return re.findall(r"\d+", title)


def likenesses(resource: Resource, limit: int = 5) -> list[Likeness]:
    """Resources that may be the same work as this one, the surest first. Two queries."""
    others = Resource.objects.exclude(pk=resource.pk)
    same = Q(symbols__overlap=resource.symbols)
    if resource.doi:
        same |= Q(doi=resource.doi)
    found = [
        Likeness(
            other, _("the DOI is the same") if resource.doi and other.doi == resource.doi else _("a symbol is the same")
        )
        for other in (others.filter(same)[:limit] if resource.doi or resource.symbols else [])
    ]
    known = {likeness.resource.pk for likeness in found}
    near = [
        Likeness(other, _("the title is nearly the same"))
        for other in _near_titles(resource, limit * 2)
        if other.pk not in known and numbers(other.original_title) == numbers(resource.original_title)
    ]
    return [*found, *near][:limit]


def _near_titles(resource: Resource, limit: int) -> QuerySet[Resource]:
    titles = {title.upper() for title in (resource.original_title, getattr(resource, "title_en", "")) if title}
    near, degrees = Q(), []
    for title in titles:
        near |= Q(upper_title__trigram_similar=title) | Q(upper_english__trigram_similar=title)
        degrees += [TrigramSimilarity(Upper("original_title"), title), TrigramSimilarity(Upper("title_en"), title)]
    return (
        living()
        .exclude(pk=resource.pk)
        .annotate(upper_title=Upper("original_title"), upper_english=Upper("title_en"))
        .filter(near)
        .annotate(likeness=Greatest(*degrees, Value(0.0)))
        .filter(likeness__gt=NEAR)
        .order_by("-likeness", "pk")[:limit]
    )


SUSPECTS = """
WITH living AS (
    SELECT id, original_title, year, state, created_at,
           regexp_replace(lower(public.unaccent(original_title)), '[^[:alnum:]]+', '', 'g') AS bare,
           regexp_replace(original_title, '[^0-9]+', ' ', 'g') AS numbers
    FROM knowledge_resource WHERE state <> 'withdrawn'
), waiting AS (
    SELECT * FROM living WHERE state IN ('draft', 'in-review') ORDER BY created_at DESC, id DESC LIMIT %(probed)s
), pairs AS (
    SELECT a.id AS first, b.id AS second, 1.0 AS likeness
    FROM living a JOIN living b ON a.bare = b.bare AND a.id < b.id AND a.bare <> ''
    UNION ALL
    SELECT least(a.id, b.id), greatest(a.id, b.id), similarity(upper(a.original_title), upper(b.original_title))
    FROM waiting a JOIN knowledge_resource b
      ON upper(b.original_title) %% upper(a.original_title) AND b.id <> a.id AND b.state <> 'withdrawn'
    WHERE similarity(upper(a.original_title), upper(b.original_title)) >= %(near)s
      AND regexp_replace(b.original_title, '[^0-9]+', ' ', 'g') = a.numbers
      AND (a.year IS NULL OR b.year IS NULL OR a.year = b.year)
)
SELECT first, second, max(likeness) FROM pairs GROUP BY first, second ORDER BY max(likeness) DESC, second DESC LIMIT %(shown)s
"""


def suspects(limit: int = SHOWN) -> list[tuple[int, int, float]]:
    """Keys of two living resources and how alike their titles are (0 to 1), the surest first. One query."""
    with connection.cursor() as cursor:
        cursor.execute(SUSPECTS, {"probed": PROBED, "near": VERY_NEAR, "shown": limit})
        return [(first, second, float(likeness)) for first, second, likeness in cursor.fetchall()]
