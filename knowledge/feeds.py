"""A search as an Atom feed, and as a table to download."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import get_language, gettext as _

from ewaste_portal.accounts import portal_name
from ewaste_portal.addresses import absolute
from ewaste_portal.context import language_tag
from ewaste_portal.tables import csv_lines
from knowledge.models import Resource
from knowledge.search import Results

MOST_ENTRIES = 50
MOST_ROWS = 10_000
BATCH = 500
CSV_COLUMNS = (
    "address", "original_title", "original_subtitle", "original_language", "title", "title_is_ours", "type", "year",
    "published_on", "publishers", "journal", "authors", "languages", "rights", "doi", "isbn", "links", "summary",
)  # fmt: skip


NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_safe(text: str) -> str:
    """Without the characters that XML 1.0 has no place for."""
    return NOT_XML.sub("", text)


def atom(results: Results, *, address: str, title: str) -> HttpResponse:
    """The newest entries of a search, by the day on which the portal published them."""
    ids = results.catalogue.in_order("newest", results.hits)[:MOST_ENTRIES]
    feed = Atom1Feed(
        title=xml_safe(title),
        link=absolute(xml_safe(address)),
        description="",
        language=language_tag(get_language() or "en"),
        feed_url=absolute(address + ("&" if "?" in address else "?") + "format=atom"),
        author_name=portal_name(),
        feed_guid=absolute(address),
    )
    for resource in results.resources(ids):
        feed.add_item(
            title=xml_safe(resource.display_title),
            link=absolute(resource.get_absolute_url()),
            description=xml_safe(resource.display_summary),
            unique_id=absolute(resource.get_absolute_url()),
            pubdate=_instant(resource),
            updateddate=resource.modified_at,
            categories=[resource.get_resource_type_display()],
        )
    response = HttpResponse(feed.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")
    response["X-Robots-Tag"] = "noindex"
    return response


def _instant(resource: Resource) -> datetime | None:
    if resource.published_at:
        return resource.published_at
    return datetime.combine(resource.published_on, time(), UTC) if resource.published_on else None


def table(results: Results) -> StreamingHttpResponse:
    """All resources of a search, in its order, as CSV in UTF-8 with a byte order mark."""

    def rows() -> Iterator[Sequence[Any]]:
        for start in range(0, min(len(results.ids), MOST_ROWS), BATCH):
            for resource in results.resources(results.ids[start : start + BATCH]):
                yield _row(resource)

    response = StreamingHttpResponse(csv_lines(CSV_COLUMNS, rows()), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{_("e-waste resources").replace(" ", "-")}.csv"'
    response["X-Robots-Tag"] = "noindex"
    return response


def _row(resource: Resource) -> Sequence[Any]:
    editions = list(resource.editions.all())
    return (
        absolute(resource.get_absolute_url()),
        resource.original_title,
        resource.original_subtitle,
        resource.original_language,
        resource.display_title,
        "yes" if resource.title_is_ours else "no",
        resource.get_resource_type_display(),
        resource.year,
        resource.published_on,
        "; ".join(str(entity) for entity in resource.publisher_entities),
        resource.journal,
        "; ".join(resource.authors),
        "; ".join(edition.language for edition in editions),
        resource.rights,
        resource.doi,
        "; ".join(edition.isbn for edition in editions if edition.isbn),
        " ".join(dict.fromkeys(edition.url for edition in editions if edition.url)),
        resource.display_summary,
    )
