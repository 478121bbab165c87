"""Changes of entities that touch more than one row."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coalition.models import Entity


@transaction.atomic
def merge(*, entity: Entity, into: Entity) -> None:
    """One of two records of the same organization gives way to the other: its address leads there, nothing is rewritten.

    ValidationError if that would make a circle.
    """
    rows = {row.pk: row for row in Entity.objects.select_for_update().filter(pk__in=[entity.pk, into.pk])}
    target = rows[into.pk]
    if target.merged_into_id is not None or entity.pk == into.pk:
        raise ValidationError(_("Choose an entity that is not itself merged into another."), code="merge")
    Entity.objects.filter(merged_into=entity).update(merged_into=target)
    Entity.objects.filter(pk=entity.pk).update(merged_into=target)
