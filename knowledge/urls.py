from django.urls import path, register_converter

from knowledge import views
from knowledge.search import FACETS

app_name = "knowledge"


class FacetConverter:
    """The name of a facet."""

    regex = "|".join(FACETS)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class CitationConverter(FacetConverter):
    """The ending of a citation's file."""

    regex = "bib|ris|json"


register_converter(FacetConverter, "facet")
register_converter(CitationConverter, "citation")

urlpatterns = [
    path("resources/", views.ResourceListView.as_view(), name="resource_list"),
    path("resources/suggest/", views.resource_suggest, name="resource_suggest"),
    path("resources/browse/", views.BrowseView.as_view(), name="browse"),
    path("resources/browse/<facet:facet>/", views.FacetValuesView.as_view(), name="facet_values"),
    path("resources/<slug:slug>/", views.resource_detail, name="resource_detail"),
    path("resources/<slug:slug>.<citation:format>", views.resource_cite, name="resource_cite"),
    path("resources/<slug:slug>/<str:language>-<str:digest>.pdf", views.edition_file, name="edition_file"),
    path("topics/", views.TopicListView.as_view(), name="topic_list"),
    path("topics/<slug:slug>/", views.TopicDetailView.as_view(), name="topic_detail"),
]
