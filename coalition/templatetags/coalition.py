"""What pages draw of the Coalition."""

from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from coalition.models import Entity
from ewaste_portal import vocabularies
from ewaste_portal.accounts import portal_name

register = template.Library()


@register.inclusion_tag("coalition/_entity_mark.html")
def entity_mark(entity: Entity, *, large: bool = False) -> dict[str, Any]:
    """The logo, where the entity permitted it; else its monogram. No query and no look at the file."""
    return {"entity": entity, "has_logo": bool(entity.logo and entity.logo_permission), "large": large}


@register.simple_tag
def portal_title() -> str:
    return portal_name()


@register.simple_tag
def written_in(row: Any, field: str) -> SafeString:
    """Attributes for an element with a translated text: the language that it fell back to, where it is not the reader's."""
    column = vocabularies.COLUMNS[get_language() or "en"]
    is_own = column == "en" or bool(getattr(row, f"{field}_{column}"))
    return mark_safe("" if is_own else ' lang="en" dir="ltr"')  # noqa: S308  our own words
