"""Resources near a resource: of the same publishers and topics, with like words in the title."""

from django.db import connection

from knowledge.models import Resource
from knowledge.search import catalogue as catalogues

MOST_COMPARED = 300

NEAREST = """
    SELECT other.resource_id
    FROM knowledge_searchdocument mine, knowledge_searchdocument other
    WHERE mine.resource_id = %s AND other.is_public AND other.resource_id = ANY (%s)
    ORDER BY (SELECT count(*) FROM unnest(other.facets) facet
              WHERE facet = ANY (mine.facets) AND (facet LIKE 'topic:%%' OR facet LIKE 'publisher:%%')) * 0.5
             + (SELECT count(*) FROM unnest(tsvector_to_array(other.title_vector)) word
                WHERE word = ANY (tsvector_to_array(mine.title_vector)))::float / (5 + length(other.title_vector)) * 8 DESC,
             other.newest_key DESC, other.resource_id
    LIMIT %s
"""


def related(resource: Resource, *, limit: int = 5) -> list[Resource]:
    """Published resources, nearest first; at most three queries."""
    catalogue = catalogues.current()
    mine = {
        facet: [code for code, bits in catalogue.values[facet].items() if bits >> resource.pk & 1]
        for facet in ("topic", "publisher")
    }
    shared = [catalogue.values[facet][code] for facet, codes in mine.items() for code in codes]
    if not shared:
        return []
    once = twice = 0
    for bits in shared:
        twice |= once & bits
        once |= bits
    me = 1 << resource.pk
    candidates = twice & ~me if (twice & ~me).bit_count() >= limit else once & ~me
    ids = catalogue.in_order("newest", candidates)[:MOST_COMPARED]
    with connection.cursor() as cursor:
        cursor.execute(NEAREST, [resource.pk, ids, limit])
        nearest = [number for (number,) in cursor.fetchall()]
    found = Resource.objects.published().in_bulk(nearest)
    return [found[number] for number in nearest if number in found]
