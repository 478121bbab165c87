"""Which fields have a column per language."""

from modeltranslation.translator import TranslationOptions, register

from ewaste_portal.models import Country, Region


@register(Region)
class RegionTranslation(TranslationOptions):
    fields = ("name",)


@register(Country)
class CountryTranslation(TranslationOptions):
    fields = ("name",)
