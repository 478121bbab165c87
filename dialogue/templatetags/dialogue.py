"""What pages, of other parts too, draw of dialogues."""

from typing import Any
from urllib.parse import urlsplit

from django import template
from django.db.models import Case, Exists, IntegerField, OuterRef, Q, Value, When as Then
from django.utils import timezone

from coalition.models import Entity
from dialogue.models import Dialogue, Participation
from dialogue.times import When, when
from ewaste_portal import context

MOST_SHOWN = 10

register = template.Library()


@register.filter
def host(url: str) -> str:
    """The name of the site that an address leads to."""
    return (urlsplit(url).hostname or "").removeprefix("www.")


@register.filter
def language_tag(code: str) -> str:
    """For `lang`: zh-hans becomes zh-Hans."""
    return context.language_tag(code)


@register.filter
def days(dialogue: Dialogue) -> str:
    """The days of a dialogue in words."""
    found = when(dialogue)
    return found.days if found else ""


@register.filter
def time_of(dialogue: Dialogue) -> When | None:
    return when(dialogue)


@register.inclusion_tag("dialogue/_home.html")
def next_dialogue() -> dict[str, Any]:
    """What is live, else what comes next, else what was held last; nothing made up; one query."""
    now = timezone.now()
    live, coming = Q(starts_at__lte=now, ends_at__gt=now), Q(starts_at__gt=now)
    rank = Case(Then(live, then=Value(0)), Then(coming, then=Value(1)), default=Value(2), output_field=IntegerField())
    found = Dialogue.objects.public().real().exclude(status="cancelled").annotate(rank=rank)
    order = Case(Then(ends_at__gt=now, then="starts_at"))  # what comes first, the soonest; what was held, the latest
    dialogue = found.select_related("country").order_by("rank", order, "-starts_at").first()
    return {"dialogue": dialogue, "when": when(dialogue) if dialogue else None}


@register.inclusion_tag("dialogue/_entity_dialogues.html")
def entity_dialogues(entity: Entity) -> dict[str, Any]:
    """The dialogues that an entity organized or has a part in; of a made-up entity the made-up ones; two queries."""
    own = Q(entity=entity) | Q(entity__merged_into=entity)
    parts = Participation.objects.public().filter(own)
    organized = Dialogue.organizers.through.objects.filter(own, dialogue=OuterRef("pk"))
    rows = list(
        Dialogue.objects.public()
        .filter(is_example=entity.is_example)
        .annotate(is_organized=Exists(organized))
        .filter(Q(is_organized=True) | Exists(parts.filter(dialogue=OuterRef("pk"))))[:MOST_SHOWN]
    )
    found: dict[int, list[Participation]] = {row.pk: [] for row in rows}
    if rows:
        for part in parts.filter(dialogue__in=rows).select_related("person", "entity").order_by("position", "pk"):
            found[part.dialogue_id].append(part)
    return {"rows": [(row, _once(found[row.pk])) for row in rows], "entity": entity}


def _once(parts: list[Participation]) -> list[Participation]:
    """Each person in each role once, however many sessions."""
    return list({(part.person_id, part.role): part for part in reversed(parts)}.values())[::-1]
