"""Which fields have a column per language, and the history that must know these columns."""

import pghistory
from modeltranslation.translator import TranslationOptions, register

from knowledge.models import Edition, Resource, Synonym, Topic


@register(Topic)
class TopicTranslation(TranslationOptions):
    fields = ("name", "introduction")


@register(Resource)
class ResourceTranslation(TranslationOptions):
    """No fallback: the page itself says which language it shows, and whose words they are."""

    fields = ("title", "subtitle", "summary")
    fallback_languages = {"default": ()}  # noqa: RUF012  modeltranslation wants a plain dict
    fallback_values = ""


# After the registration, else the history would miss the translated columns.
for model in (Topic, Resource, Edition, Synonym):
    pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())(model)
