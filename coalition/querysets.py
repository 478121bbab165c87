"""Which entities."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from ewaste_portal import vocabularies

if TYPE_CHECKING:
    from coalition.models import Entity  # noqa: F401


class EntityQuerySet(models.QuerySet["Entity"]):
    def public(self) -> Self:
        """Entities that have a page of their own: not those merged into another."""
        return self.filter(merged_into__isnull=True)

    def named_like(self, words: str) -> Self:
        """Entities whose official or short name holds the words, in any language."""
        names = [
            f"{field}_{column}" for field in ("official_name", "short_name") for column in vocabularies.COLUMNS.values()
        ]
        condition = Q()
        for name in names:
            condition |= Q(**{f"{name}__icontains": words})
        return self.filter(condition)

    def for_listing(self) -> Self:
        return self.select_related("country")
