"""What other parts' pages draw of the library."""

from typing import Any

from django import template
from django.urls import reverse

from coalition.models import Entity, Initiative
from ewaste_portal import richtext
from knowledge import languages
from knowledge.models import Resource
from knowledge.search import search

register = template.Library()


@register.inclusion_tag("knowledge/_entity_resources.html")
def entity_resources(entity: Entity, limit: int = 10) -> dict[str, Any]:
    """The newest published resources of an entity, and a link to all of them."""
    results = search(chosen={"publisher": [entity.slug]})
    return {
        "resources": results.resources(results.ids[:limit]),
        "total": results.total,
        "all_url": f"{reverse('knowledge:resource_list')}?publisher={entity.slug}",
    }


@register.inclusion_tag("knowledge/_initiative_resources.html")
def initiative_resources(initiative: Initiative, limit: int = 50) -> dict[str, Any]:
    """The published resources on an initiative, the newest first."""
    rows = Resource.objects.published().on_initiative(initiative).newest_first()
    return {"resources": rows.for_listing()[:limit]}


@register.filter
def markdown(text: str | None) -> str:
    return richtext.render(text or "")


@register.filter
def language_name(code: str) -> str:
    return languages.name(code)


@register.filter
def language_direction(code: str) -> str:
    return languages.direction(code)
