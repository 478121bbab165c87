"""What a visitor may ask of the library: one GET form for the page, the feed and the download."""

from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from coalition.models import Entity
from ewaste_portal import vocabularies
from ewaste_portal.models import Country, Region
from knowledge.models import FIRST_YEAR, LAST_YEAR, Resource, Topic
from knowledge.search import FACETS, SORTS, Results, search

VOCABULARIES = {"type": "resource_type", "category": "ewaste_category", "target": "sdg_target"}


def known_codes(facet: str, codes: Iterable[str]) -> set[str]:
    """Those of the codes that exist, whether or not a resource has them."""
    codes = list(codes)
    if facet in VOCABULARIES:
        return set(codes) & set(vocabularies.codes(VOCABULARIES[facet]))
    if facet == "language":
        return {code for code in codes if len(code) == 2 and code.isascii() and code.islower()}
    if facet == "topic":
        return set(Topic.objects.filter(slug__in=codes).values_list("slug", flat=True))
    if facet == "publisher":
        return set(Entity.objects.filter(slug__in=codes).values_list("slug", flat=True))
    places = Country.objects.filter(pk__in=codes).values_list("pk", flat=True)
    return set(places.union(Region.objects.filter(pk__in=codes).values_list("pk", flat=True)))


class FacetField(forms.Field):
    """Any number of values of one facet."""

    widget = forms.MultipleHiddenInput

    def __init__(self, facet: str, **kwargs: Any) -> None:
        self.facet = facet
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> list[str]:
        return list(dict.fromkeys(code for code in value or [] if code))[:50]

    def validate(self, value: list[str]) -> None:
        if not value:
            return
        unknown = [code for code in value if code not in known_codes(self.facet, value)]
        if unknown:
            raise ValidationError(
                _("“%(value)s” is not a value of the filter “%(filter)s”: the filter was left out."),
                params={"value": unknown[0][:60], "filter": self.label},
                code="unknown",
            )


class YearField(forms.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=False,
            min_value=FIRST_YEAR,
            max_value=LAST_YEAR,
            widget=forms.TextInput(attrs={"inputmode": "numeric", "maxlength": 4, "autocomplete": "off"}),
            error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), _("Enter a year such as 2019.")),
            label=kwargs.get("label"),
        )


class SearchFilter(django_filters.Filter):
    """Takes its value from the form and leaves the rows alone: the search looks at all values at once."""

    def filter(self, qs: Any, value: Any) -> Any:
        return qs


class FacetFilter(SearchFilter):
    field_class = FacetField


class YearFilter(SearchFilter):
    field_class = YearField


class TextFilter(SearchFilter):
    field_class = forms.CharField


class ResourceFilter(django_filters.FilterSet):
    """`results` is the search with all that is valid; `problems` says what was left out."""

    q = TextFilter(label=_("Words"))
    type = FacetFilter(facet="type", label=_("Type"))
    topic = FacetFilter(facet="topic", label=_("Topic"))
    language = FacetFilter(facet="language", label=_("Language"))
    publisher = FacetFilter(facet="publisher", label=_("Publisher"))
    place = FacetFilter(facet="place", label=_("Country or region"))
    category = FacetFilter(facet="category", label=_("E-waste category"))
    target = FacetFilter(facet="target", label=_("SDG target"))
    year_from = YearFilter(label=_("From year"))
    year_to = YearFilter(label=_("To year"))
    sort = TextFilter()
    synonyms = TextFilter()

    class Meta:
        model = Resource
        fields: tuple[str, ...] = ()

    @property
    def cleaned(self) -> dict[str, Any]:
        self.form.is_valid()
        return self.form.cleaned_data

    @property
    def problems(self) -> list[str]:
        return [error for errors in self.form.errors.values() for error in errors]

    @property
    def text(self) -> str:
        return (self.cleaned.get("q") or "").replace("\x00", "")

    @property
    def chosen(self) -> dict[str, list[str]]:
        return {facet: codes for facet in FACETS if (codes := self.cleaned.get(facet))}

    @property
    def sort(self) -> str:
        sort = self.cleaned.get("sort") or ""
        return sort if sort in SORTS else ("relevance" if self.text else "newest")

    @property
    def with_synonyms(self) -> bool:
        return self.cleaned.get("synonyms") != "off"

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The address of this search: valid values only, in one order, empty ones dropped."""
        cleaned = self.cleaned
        pairs = [("q", self.text)] if self.text else []
        pairs += [(facet, code) for facet, codes in self.chosen.items() for code in codes]
        pairs += [(name, str(cleaned[name])) for name in ("year_from", "year_to") if cleaned.get(name)]
        if self.sort != ("relevance" if self.text else "newest"):
            pairs.append(("sort", self.sort))
        if not self.with_synonyms:
            pairs.append(("synonyms", "off"))
        return pairs

    @property
    def is_narrowed(self) -> bool:
        return any(name not in {"sort", "synonyms"} for name, _value in self.parameters)

    def results(self) -> Results:
        cleaned = self.cleaned
        return search(
            self.text,
            chosen=self.chosen,
            year_from=cleaned.get("year_from"),
            year_to=cleaned.get("year_to"),
            sort=self.sort,
            synonyms=self.with_synonyms,
        )
