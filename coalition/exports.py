"""What is public of the Coalition's lists as CSV, JSON and Atom. Nothing made up for the demonstration leaves this way."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import get_language, gettext as _

from coalition import standing
from coalition.filters import in_six
from coalition.models import Entity, Initiative, Pledge, Signature
from ewaste_portal import vocabularies
from ewaste_portal.accounts import portal_name
from ewaste_portal.addresses import absolute
from ewaste_portal.context import language_tag
from ewaste_portal.tables import csv_lines

MOST_ROWS, MOST_ENTRIES = 10_000, 50
TAGS = {code: language_tag(code) for code in vocabularies.COLUMNS}


def csv_file(name: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> StreamingHttpResponse:
    lines = csv_lines(columns, ([_cell(row[column]) for column in columns] for row in rows))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _cell(value: Any) -> Any:
    """Blanks in front are taken off: a spreadsheet would look past them for a formula."""
    if isinstance(value, list):
        value = "; ".join(map(str, value))
    return value.strip().replace("＝", "=", 1) if isinstance(value, str) else value


def json_file(items: Iterable[Mapping[str, Any]], *, path: str) -> JsonResponse:
    items = list(items)
    return JsonResponse(
        {"address": absolute(path), "count": len(items), "items": items}, json_dumps_params={"ensure_ascii": False}
    )


def names(row: Any, field: str) -> dict[str, str]:
    """By language tag; only those that are known."""
    return {
        TAGS[code]: text for code, column in vocabularies.COLUMNS.items() if (text := getattr(row, f"{field}_{column}"))
    }


# Entities ------------------------------------------------------------------------------------------------

ENTITY_COLUMNS = (
    "address", "official_name", "short_name", "kind", "country", "website", "track", "status", "since", "ended_on", "source",
)  # fmt: skip


def entities(numbers: list[int]) -> list[Entity]:
    """With `standings`, in this order; two queries."""
    columns = in_six("official_name", "short_name")
    rows = (
        Entity.objects.public()
        .real()
        .only("slug", "kind", "country_id", "website", *columns)
        .in_bulk(numbers[:MOST_ROWS])
    )
    found = [rows[number] for number in numbers[:MOST_ROWS] if number in rows]
    standing.attach(found)
    return found


def entity_rows(numbers: list[int]) -> Iterator[dict[str, Any]]:
    """A line for each membership; one line for an entity without."""
    for entity in entities(numbers):
        facts = {
            "address": absolute(entity.get_absolute_url()),
            "official_name": entity.official_name,
            "short_name": entity.short_name,
            "kind": entity.get_kind_display(),
            "country": entity.country_id,
            "website": entity.website,
        }
        for held in entity.standings or [None]:  # type: ignore[attr-defined]
            yield {
                **facts,
                "track": held.track_label if held else "",
                "status": held.status_label if held else "",
                "since": held.since if held else "",
                "ended_on": held.membership.ended_on if held else "",
                "source": held.membership.source_url if held else "",
            }


def entity_item(entity: Entity) -> dict[str, Any]:
    return {
        "address": absolute(entity.get_absolute_url()),
        "slug": entity.slug,
        "official_name": names(entity, "official_name"),
        "short_name": names(entity, "short_name"),
        "kind": entity.kind,
        "country": entity.country_id,
        "website": entity.website or None,
        "memberships": [
            {
                "track": held.track,
                "status": held.status,
                "since": held.since,
                "ended_on": held.membership.ended_on,
                "recorded_from": held.membership.source_url or None,
            }
            for held in entity.standings  # type: ignore[attr-defined]
        ],
    }


# Initiatives and pledges ---------------------------------------------------------------------------------

INITIATIVE_COLUMNS = (
    "address", "title", "summary", "entity", "partners", "kind", "focus", "stages", "status", "countries", "regions",
    "first_year", "last_year", "website", "source",
)  # fmt: skip
PLEDGE_COLUMNS = (
    "address",
    "title",
    "text",
    "entity",
    "purpose",
    "initiative",
    "kind",
    "amount",
    "currency",
    "from",
    "to",
    "published",
)


def initiative_row(initiative: Initiative) -> dict[str, Any]:
    return {
        "address": absolute(initiative.get_absolute_url()),
        "title": initiative.title,
        "summary": initiative.summary,
        "entity": str(initiative.entity),
        "partners": [str(partner) for partner in initiative.partners.all()],
        "kind": initiative.get_kind_display(),
        "focus": [label for _code, label in initiative.focus_labels],
        "stages": [label for _code, label in initiative.stage_labels],
        "status": initiative.get_status_display(),
        "countries": [country.pk for country in initiative.countries.all()],
        "regions": [region.pk for region in initiative.regions.all()],
        "first_year": initiative.first_year,
        "last_year": initiative.last_year,
        "website": initiative.website,
        "source": initiative.source_url,
    }


def initiative_item(initiative: Initiative) -> dict[str, Any]:
    codes = {
        "kind": initiative.kind,
        "focus": initiative.focus,
        "stages": initiative.stages,
        "status": initiative.status,
    }
    texts = {"title": names(initiative, "title"), "summary": names(initiative, "summary")}
    partners = [partner.slug for partner in initiative.partners.all()]
    return initiative_row(initiative) | codes | texts | {"entity": initiative.entity.slug, "partners": partners}


def period(pledge: Pledge) -> tuple[date | None, date | None]:
    """First and last day."""
    if not pledge.during:
        return None, None
    first, after = pledge.during.lower, pledge.during.upper
    return first, after - timedelta(days=1) if after else None


def pledge_row(pledge: Pledge) -> dict[str, Any]:
    first, last = period(pledge)
    return {
        "address": absolute(pledge.get_absolute_url()),
        "title": pledge.title,
        "text": pledge.text,
        "entity": str(pledge.entity),
        "purpose": pledge.get_purpose_display(),
        "initiative": absolute(pledge.initiative.get_absolute_url())
        if pledge.initiative and pledge.initiative.publication == "published"
        else "",
        "kind": pledge.get_kind_display(),
        "amount": pledge.amount,
        "currency": pledge.currency,
        "from": first,
        "to": last,
        "published": pledge.published_at,
    }


def pledge_item(pledge: Pledge) -> dict[str, Any]:
    texts = {"title": names(pledge, "title"), "text": names(pledge, "text")}
    return pledge_row(pledge) | texts | {"entity": pledge.entity.slug, "kind": pledge.kind, "purpose": pledge.purpose}


# Feeds ---------------------------------------------------------------------------------------------------


def feed(title: str, path: str, entries: Iterable[dict[str, Any]]) -> HttpResponse:
    """Entries: title, path, mark (of what happened, in the entry's id), at, text."""
    atom = Atom1Feed(
        title=title,
        link=absolute(path),
        description="",
        language=language_tag(get_language() or "en"),
        feed_url=absolute(path + ("&" if "?" in path else "?") + "format=atom"),
        author_name=portal_name(),
        feed_guid=absolute(path),
    )
    for entry in entries:
        address = absolute(entry["path"])
        atom.add_item(
            title=_visible(entry["title"]), link=address, description=_visible(entry["text"]), pubdate=entry["at"],
            updateddate=entry["at"], unique_id=f"{address}#{entry['mark']}" if entry["mark"] else address,
        )  # fmt: skip
    return HttpResponse(atom.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")


def _visible(text: str) -> str:
    """XML has no control characters."""
    return "".join(character for character in text if character >= " " or character in "\n\t")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def movements(numbers: list[int] | None) -> list[dict[str, Any]]:
    """Who joined, reaffirmed and left, the newest first; of these entities, or of all. Three queries."""
    held = standing.memberships().real()
    said = Signature.objects.listed().real().filter(kind="reaffirmation", entity__is_example=False)
    if numbers is not None:
        held = held.filter(Q(entity__in=numbers) | Q(entity__merged_into__in=numbers))
        said = said.filter(Q(entity__in=numbers) | Q(entity__merged_into__in=numbers))
    held, said = held.select_related("entity__merged_into"), said.select_related("entity__merged_into")
    found = []
    row: Any  # with what the queries add
    for row in (
        held.annotate(joined=Coalesce("active_since", "recorded_on"))
        .exclude(joined=None)
        .order_by("-joined")[:MOST_ENTRIES]
    ):
        track, status = standing.of(row).track, "recorded" if row.is_recorded else "active"
        found.append(_movement(row.entity, standing.words(track, status, row.joined), f"{track}-{status}", row.joined))
    for row in held.exclude(ended_on=None).order_by("-ended_on")[:MOST_ENTRIES]:
        track = standing.of(row).track
        found.append(
            _movement(row.entity, standing.words(track, row.state, row.ended_on), f"{track}-{row.state}", row.ended_on)
        )
    found += [
        _movement(signature.entity, _("Reaffirmed its signature"), "reaffirmed", signature.signed_on)
        for signature in said.order_by("-signed_on")[:MOST_ENTRIES]
    ]
    return sorted(found, key=lambda entry: (entry["at"], entry["title"]), reverse=True)[:MOST_ENTRIES]


def _movement(entity: Entity, words: str, what: str, day: date) -> dict[str, Any]:
    shown = entity.merged_into or entity
    return {
        "title": f"{shown}: {words}", "path": reverse("coalition:entity_detail", args=[shown.slug]), "mark": f"{what}-{day}",
        "at": _midnight(day), "text": words,
    }  # fmt: skip


def published(rows: Iterable[Initiative | Pledge]) -> list[dict[str, Any]]:
    return [
        {
            "title": f"{row.entity}: {row.title}", "path": row.get_absolute_url(), "mark": "", "at": row.published_at,
            "text": row.summary if isinstance(row, Initiative) else row.text,
        }
        for row in rows
    ]  # fmt: skip
