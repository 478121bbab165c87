"""What a visitor may ask of the library: one GET form for the page, the feed and the download."""

from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.utils.functional import cached_property
from django.utils.translation import gettext, gettext_lazy as _

from coalition.models import Entity
from ewaste_portal import vocabularies
from ewaste_portal.models import Country, Region
from knowledge.models import FIRST_YEAR, LAST_YEAR, Resource, Topic
from knowledge.search import FACETS, SORTS, Results, catalogue as catalogues, search
from knowledge.search.catalogue import Catalogue

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
        return list(dict.fromkeys(code.replace("\x00", "") for code in value or [] if code))[:50]


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

    @cached_property
    def catalogue(self) -> Catalogue:
        return catalogues.current()

    @cached_property
    def unknown(self) -> dict[str, set[str]]:
        """Chosen values that do not exist. What a resource has is known without asking the database."""
        found = {}
        for facet in FACETS:
            rest = [code for code in self.cleaned.get(facet) or [] if code not in self.catalogue.values[facet]]
            if rest and (wrong := set(rest) - known_codes(facet, rest)):
                found[facet] = wrong
        return found

    @property
    def problems(self) -> list[str]:
        """A sentence for each thing that was left out."""
        sentences = [error for errors in self.form.errors.values() for error in errors]
        return sentences + [
            gettext("“%(value)s” is not a value of the filter “%(filter)s”: the filter was left out.")
            % {"value": code[:60], "filter": self.form.fields[facet].label}
            for facet, codes in self.unknown.items()
            for code in sorted(codes)
        ]

    @property
    def text(self) -> str:
        return (self.cleaned.get("q") or "").replace("\x00", "")

    @property
    def chosen(self) -> dict[str, list[str]]:
        return {
            facet: codes
            for facet in FACETS
            if (codes := [code for code in self.cleaned.get(facet) or [] if code not in self.unknown.get(facet, ())])
        }

    @property
    def order(self) -> str:
        """One of SORTS: the one asked for, else relevance where there are words."""
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
        if self.order != ("relevance" if self.text else "newest"):
            pairs.append(("sort", self.order))
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
            sort=self.order,
            synonyms=self.with_synonyms,
            catalogue=self.catalogue,
        )
