"""The library's pages. Every one starts at `Resource.objects.published()`, most through the search."""

import json
from typing import Any

from django.core.paginator import EmptyPage, Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _, pgettext
from django.views.decorators.http import require_safe
from django.views.generic import DetailView, ListView, TemplateView, View

from ewaste_portal.addresses import absolute
from ewaste_portal.models import PastSlug
from knowledge import citations, feeds, metadata
from knowledge.facets import NAMES, Labels, address, all_values, chips, facets, labels_for
from knowledge.filters import ResourceFilter
from knowledge.models import Edition, Resource, Topic
from knowledge.related import related
from knowledge.search import FACETS, PAGE_SIZE, Results, search, suggest


class ResourceListView(View):
    """The library: search, facets, one page of results; the same address as feed and as table."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if _has_empty(request):
            return redirect(address(request.path, [(n, v) for n, values in request.GET.lists() for v in values if v]))
        filterset = ResourceFilter(request.GET, queryset=Resource.objects.published())
        results = filterset.results()
        if request.GET.get("format") == "atom":
            return feeds.atom(
                results, address=address(request.path, filterset.parameters), title=_feed_title(filterset)
            )
        if request.GET.get("format") == "csv":
            return feeds.table(results)
        page = page_of(results, request.GET.get("page"))
        request.canonical_parameters = [  # type: ignore[attr-defined]
            *filterset.parameters,
            *([("page", str(page.number))] if page.number > 1 else []),
        ]
        request.noindex = filterset.is_narrowed  # type: ignore[attr-defined]
        return render(request, "knowledge/resource_list.html", self.context(request, filterset, results, page))

    def context(self, request: HttpRequest, filterset: ResourceFilter, results: Results, page: Any) -> dict[str, Any]:
        labels = labels_for(results)
        parameters = filterset.parameters
        plain = [pair for pair in parameters if pair[0] not in {"sort", "synonyms"}]
        names = ("relevance", "newest", "oldest", "title") if filterset.text else ("newest", "oldest", "title")
        return {
            "filter": filterset,
            "results": results,
            "resources": results.resources(page.object_list),
            "page_obj": page,
            "facets": facets(results, labels),
            "chips": chips(filterset, labels, request.path),
            "filter_count": sum(1 for name, _value in parameters if name in NAMES),
            "sorts": [
                (
                    sort_name(name),
                    address(request.path, _with_sort(parameters, name, bool(filterset.text))),
                    name == results.sort,
                )
                for name in names
            ],
            "without_synonyms_url": address(request.path, [*parameters, ("synonyms", "off")]),
            "with_synonyms_url": address(request.path, [pair for pair in parameters if pair[0] != "synonyms"]),
            "did_you_mean_url": address(request.path, [("q", results.did_you_mean)]) if results.did_you_mean else "",
            "feed_url": address(request.path, [*parameters, ("format", "atom")]),
            "csv_url": address(request.path, [*parameters, ("format", "csv")]),
            "words_only_url": address(request.path, [("q", filterset.text)]) if filterset.text else "",
            "filters_only_url": address(request.path, [pair for pair in plain if pair[0] != "q"]),
            "query_string": address("", parameters),
            "first_number": page.start_index(),
        }


def _has_empty(request: HttpRequest) -> bool:
    return any(not value for _name, values in request.GET.lists() for value in values)


def sort_name(name: str) -> str:
    return {
        "relevance": _("Relevance"),
        "newest": _("Newest"),
        "oldest": _("Oldest"),
        "title": pgettext("order of results", "Title"),
    }[name]


def _with_sort(parameters: list[tuple[str, str]], sort: str, has_words: bool) -> list[tuple[str, str]]:
    default = "relevance" if has_words else "newest"
    rest = [pair for pair in parameters if pair[0] != "sort"]
    return rest if sort == default else [*rest, ("sort", sort)]


def page_of(results: Results, number: str | None) -> Any:
    """Http404 for anything but the number of a page that exists."""
    paginator = Paginator(results.ids, PAGE_SIZE)
    if number is None:
        return paginator.page(1)
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise Http404
    try:
        return paginator.page(int(number))
    except EmptyPage as error:
        raise Http404 from error


def _feed_title(filterset: ResourceFilter) -> str:
    return _("Resources: %(words)s") % {"words": filterset.text} if filterset.text else _("Resources")


@require_safe
def resource_suggest(request: HttpRequest) -> JsonResponse:
    """Titles that begin like what is typed: {"suggestions": [{"title", "url", "kind", "lang", "dir"}]}."""
    resources = suggest(request.GET.get("q", ""))
    return JsonResponse(
        {
            "suggestions": [
                {
                    "title": resource.display_title,
                    "url": resource.get_absolute_url(),
                    "kind": resource.get_resource_type_display(),
                    "lang": resource.title_language,
                    "dir": resource.title_direction,
                }
                for resource in resources
            ]
        }
    )


# One resource ------------------------------------------------------------------------


def moved(kind: str, slug: str, model: Any) -> HttpResponse:
    """Leads from a slug of the past to today's address. Http404 if there never was such a thing."""
    past = PastSlug.objects.filter(kind=kind, slug=slug).first()
    target = model.objects.filter(pk=past.object_id).first() if past else None
    if target is None:
        raise Http404
    return HttpResponsePermanentRedirect(target.get_absolute_url())


@require_safe
def resource_detail(request: HttpRequest, slug: str) -> HttpResponse:
    resource = Resource.objects.published().for_detail().filter(slug=slug).first()
    if resource is not None:
        return resource_page(request, resource)
    withdrawn = Resource.objects.withdrawn().filter(slug=slug).first()
    if withdrawn is not None:
        request.noindex = True  # type: ignore[attr-defined]
        return render(request, "knowledge/resource_withdrawn.html", {"resource": withdrawn}, status=410)
    return _moved_resource(slug)


def _moved_resource(slug: str) -> HttpResponse:
    past = PastSlug.objects.filter(kind="resource", slug=slug).first()
    target = Resource.objects.filter(pk=past.object_id, state__in=["published", "withdrawn"]).first() if past else None
    if target is None:
        raise Http404
    return HttpResponsePermanentRedirect(target.get_absolute_url())


def resource_page(request: HttpRequest, resource: Resource, *, preview: bool = False) -> HttpResponse:
    """The page of a resource; as `preview`, of one that the public cannot see, for staff."""
    page_address = absolute(resource.get_absolute_url())
    item = citations.csl(resource, address=page_address)
    if preview:
        request.noindex = True  # type: ignore[attr-defined]
    return render(
        request,
        "knowledge/resource_detail.html",
        {
            "resource": resource,
            "editions": list(resource.editions.all()),
            "preview": preview,
            "related": [] if preview else related(resource),
            "citation": citations.text(item),
            "meta_tags": metadata.tags(resource, address=page_address),
            "json_ld": script_safe(metadata.json_ld(resource, address=page_address)),
            "crumbs": [(_("Resources"), reverse("knowledge:resource_list"))],
            "share_url": page_address,
        },
    )


def script_safe(data: dict[str, Any]) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(data, ensure_ascii=False)
    return mark_safe(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S308  escaped here


@require_safe
def resource_cite(request: HttpRequest, slug: str, format: str) -> HttpResponse:
    """The citation as a file: BibTeX, RIS or CSL-JSON."""
    resource = Resource.objects.published().for_listing().filter(slug=slug).first()
    if resource is None:
        raise Http404
    item = citations.csl(resource, address=absolute(resource.get_absolute_url()))
    if format == "json":
        response: HttpResponse = JsonResponse(
            [item], safe=False, json_dumps_params={"ensure_ascii": False, "indent": 1}
        )
        response["Content-Type"] = "application/vnd.citationstyles.csl+json; charset=utf-8"
    elif format == "ris":
        response = HttpResponse(
            citations.ris(item, resource), content_type="application/x-research-info-systems; charset=utf-8"
        )
    else:
        response = HttpResponse(citations.bibtex(item, resource), content_type="application/x-bibtex; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{resource.slug}.{format}"'
    response["X-Robots-Tag"] = "noindex"
    return response


@require_safe
def edition_file(request: HttpRequest, slug: str, language: str, digest: str) -> FileResponse:
    """The file of an edition of a published resource; an address of an older file is gone."""
    if len(digest) != 16:
        raise Http404
    edition = get_object_or_404(
        Edition.objects.published().exclude(file=""), resource__slug=slug, language=language, sha256__startswith=digest
    )
    response = FileResponse(edition.file.open("rb"), content_type="application/pdf", filename=f"{slug}-{language}.pdf")
    response["Cache-Control"] = "public, max-age=3600"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


# Ways in ---------------------------------------------------------------------------------


class BrowseView(TemplateView):
    """The library by type, place, target, category: the most frequent values of each facet."""

    template_name = "knowledge/browse.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        results = search()
        return super().get_context_data(
            facets=facets(results, labels_for(results)),
            list_url=reverse("knowledge:resource_list"),
            crumbs=[(_("Resources"), reverse("knowledge:resource_list"))],
            **kwargs,
        )


class FacetValuesView(View):
    """All values of one facet, under the current search."""

    def get(self, request: HttpRequest, facet: str) -> HttpResponse:
        filterset = ResourceFilter(request.GET, queryset=Resource.objects.published())
        results = filterset.results()
        labels = Labels.of({facet: {*results.counts[facet], *results.chosen.get(facet, [])}})
        list_url = reverse("knowledge:resource_list")
        others = [pair for pair in filterset.parameters if pair[0] != facet]
        values = [
            (value, address(list_url, [*others, (facet, value.code)])) for value in all_values(facet, results, labels)
        ]
        if facet in {"publisher", "place", "language"}:
            values.sort(key=lambda pair: pair[0].label.casefold())
        request.noindex = filterset.is_narrowed  # type: ignore[attr-defined]
        return render(
            request,
            "knowledge/facet_values.html",
            {
                "facet": facet,
                "label": NAMES[facet],
                "values": values,
                "is_narrowed": filterset.is_narrowed,
                "back_url": address(list_url, filterset.parameters),
                "crumbs": [(_("Resources"), list_url), (_("Browse"), reverse("knowledge:browse"))],
            },
        )


class TopicListView(ListView):
    """All topics, with how much there is about each."""

    queryset = Topic.objects.with_resource_count()
    context_object_name = "topics"


class TopicDetailView(DetailView):
    """A topic: what it covers, who publishes on it, the newest resources."""

    model = Topic
    context_object_name = "topic"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().get(request, *args, **kwargs)
        except Http404:
            return moved("topic", kwargs["slug"], Topic)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        topic = self.object
        results = search(chosen={"topic": [topic.slug]})
        labels = labels_for(results)
        list_url = reverse("knowledge:resource_list")
        among = {
            facet: [v for v in all_values(facet, results, labels) if v.code != topic.slug and v.count]
            for facet in FACETS
        }
        among["topic"] = self._neighbours(results, labels)
        narrowed = {
            facet: [(value, address(list_url, [("topic", topic.slug), (facet, value.code)])) for value in values[:8]]
            for facet, values in among.items()
        }
        return super().get_context_data(
            results=results,
            resources=results.resources(results.ids[:PAGE_SIZE]),
            list_url=address(list_url, [("topic", topic.slug)]),
            feed_url=address(list_url, [("topic", topic.slug), ("format", "atom")]),
            publishers=narrowed["publisher"],
            types=narrowed["type"],
            places=narrowed["place"],
            neighbours=among["topic"][:5],
            crumbs=[(_("Topics"), reverse("knowledge:topic_list"))],
            **kwargs,
        )

    def _neighbours(self, results: Results, labels: Labels) -> list[Any]:
        """Topics that the same resources are about, most shared first."""
        counts = results.catalogue.counts("topic", results.hits)
        found = [value for value in all_values("topic", results, labels) if value.code != self.object.slug]
        return sorted(
            (value for value in found if counts.get(value.code)), key=lambda value: (-counts[value.code], value.label)
        )
