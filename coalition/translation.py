"""Which fields have a column per language, and the history that must know these columns."""

import pghistory
from django.db.models import GeneratedField
from modeltranslation.translator import TranslationOptions, register

from coalition.models import Entity, Initiative, Letter, Mandate, Membership, Pledge, Round


@register(Entity)
class EntityTranslation(TranslationOptions):
    fields = ("official_name", "short_name", "role_on_ewaste", "description")


@register(Letter)
class LetterTranslation(TranslationOptions):
    fields = ("title",)


@register(Round)
class RoundTranslation(TranslationOptions):
    fields = ("title",)


@register(Initiative)
class InitiativeTranslation(TranslationOptions):
    fields = ("title", "summary")


@register(Pledge)
class PledgeTranslation(TranslationOptions):
    fields = ("title", "text")


# After the registration, else the history would miss the translated columns.
for model in (Entity, Mandate, Letter, Membership, Initiative, Pledge, Round):
    computed = [field.name for field in model._meta.fields if isinstance(field, GeneratedField)]
    pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent(), exclude=computed)(model)
