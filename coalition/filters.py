"""What a visitor may ask of the directory."""

from typing import Any

import django_filters
from django.utils.translation import gettext_lazy as _

from coalition.models import Entity
from coalition.querysets import EntityQuerySet
from ewaste_portal import vocabularies


class EntityFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(label=_("Name"), method="named_like")
    kind = django_filters.MultipleChoiceFilter(label=_("Kind"), choices=vocabularies.Choices("entity_kind"))

    class Meta:
        model = Entity
        fields: tuple[str, ...] = ()

    def named_like(self, queryset: EntityQuerySet, name: str, value: Any) -> EntityQuerySet:
        return queryset.named_like(value.replace("\x00", "")[:200])
