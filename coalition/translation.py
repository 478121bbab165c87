"""Which fields have a column per language, and the history that must know these columns."""

import pghistory
from modeltranslation.translator import TranslationOptions, register

from coalition.models import Entity


@register(Entity)
class EntityTranslation(TranslationOptions):
    fields = ("official_name", "short_name", "role_on_ewaste")


# After the registration, else the history would miss the translated columns.
pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())(Entity)
