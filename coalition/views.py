"""The Coalition's pages: who the entities are."""

from collections import Counter
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.generic import DetailView, ListView, TemplateView

from coalition.filters import EntityFilter
from coalition.models import Entity
from coalition.querysets import EntityQuerySet
from ewaste_portal import vocabularies
from ewaste_portal.models import PastSlug


class CoalitionView(TemplateView):
    """What the Coalition is, as far as public sources say."""

    template_name = "coalition/coalition.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(entity_count=Entity.objects.public().count(), **kwargs)


class EntityListView(ListView):
    """The directory: search by name, facet by kind."""

    context_object_name = "entities"
    paginate_by = 60

    def get_queryset(self) -> EntityQuerySet:
        self.filter = EntityFilter(self.request.GET, queryset=Entity.objects.public().for_listing())
        return self.filter.qs.order_by("official_name_en", "pk")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        chosen = set(self.request.GET.getlist("kind"))
        named = EntityFilter({"q": self.request.GET.get("q", "")}, queryset=Entity.objects.public()).qs
        counts = Counter(named.order_by().values_list("kind", flat=True))
        kinds = [
            (code, vocabularies.label("entity_kind", code), counts[code], code in chosen)
            for code in vocabularies.codes("entity_kind")
            if counts[code] or code in chosen
        ]
        words = self.request.GET.get("q", "")
        context = super().get_context_data(
            filter=self.filter, kinds=kinds, words=words, is_narrowed=bool(words or chosen),
            crumbs=[(_("Coalition"), reverse("coalition:home"))], **kwargs,
        )  # fmt: skip
        page = context["page_obj"].number
        self.request.noindex = bool(words or chosen)  # type: ignore[attr-defined]
        self.request.canonical_parameters = [  # type: ignore[attr-defined]
            *([("q", words)] if words else []),
            *(
                ("kind", code)
                for code in self.request.GET.getlist("kind")
                if code in dict(self.filter.form.fields["kind"].choices)
            ),
            *([("page", str(page))] if page > 1 else []),
        ]
        return context


class EntityDetailView(DetailView):
    """An entity; one that was merged or renamed leads to today's address."""

    context_object_name = "entity"
    queryset = Entity.objects.select_related("country", "merged_into")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            self.object = self.get_object()
        except Http404:
            past = PastSlug.objects.filter(kind="entity", slug=kwargs["slug"]).first()
            self.object = (
                Entity.objects.select_related("merged_into").filter(pk=past.object_id).first() if past else None
            )
            if self.object is None:
                raise
            return HttpResponsePermanentRedirect((self.object.merged_into or self.object).get_absolute_url())
        if self.object.merged_into:
            return HttpResponsePermanentRedirect(self.object.merged_into.get_absolute_url())
        return self.render_to_response(self.get_context_data(object=self.object))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            crumbs=[(_("Coalition"), reverse("coalition:home")), (_("Entities"), reverse("coalition:entity_list"))],
            **kwargs,
        )
