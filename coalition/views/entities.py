"""The Coalition's pages: who the entities are."""

import string
from typing import Any

from django.core.paginator import Page
from django.db.models import Count, Exists, F, OuterRef, Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import get_language, gettext as _, pgettext
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.generic import DetailView, TemplateView

from coalition import exports, standing
from coalition.facets import Found, address
from coalition.filters import EntityFilter, ListFilter
from coalition.models import Entity, Initiative, Letter, Membership, Pledge, Signature
from coalition.views.listing import ListingView, in_order
from ewaste_portal.models import PastSlug

MOST_LETTERS, MOST_SHOWN = 80, 10


class CoalitionView(TemplateView):
    """What the Coalition is, as far as public sources say; numbers that never hold what was made up."""

    template_name = "coalition/coalition.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            recorded=_recorded(),
            here=_signed_here(),
            entity_count=Entity.objects.public().real().count(),
            initiative_count=Initiative.objects.published().filter(entity__is_example=False).count(),
            letter=Letter.objects.published().filter(kind="historical").order_by("dated").first(),
            demonstration=Letter.objects.published().filter(is_example=True).order_by("-dated").first(),
            **kwargs,
        )


def _recorded() -> dict[str, int]:
    """How many entities are known from sources: as signatories, and as members of whom no signature is known."""
    signed = Exists(Signature.objects.filter(membership=OuterRef("pk"), method="historical"))
    rows = Membership.objects.listed().real().filter(origin="recorded").annotate(signed=signed)
    return rows.aggregate(signatories=Count("pk", filter=Q(signed=True)), members=Count("pk", filter=Q(signed=False)))


def _signed_here() -> dict[str, int]:
    """How many entities signed on this portal and stand by it today, and how many support without a signature."""
    signatures = Signature.objects.listed().standing().real().exclude(method="historical")
    return {
        "signatories": signatures.aggregate(number=Count("membership", distinct=True))["number"],
        "supporters": Membership.objects.real().filter(origin="application", track="supporter", state="active").count(),
        "pledges": Pledge.objects.published().filter(entity__is_example=False).count(),
    }


class EntityListView(ListingView):
    """The directory: search by name, facets, A to Z; cards or a table; the same as CSV, JSON and feed."""

    filter_class = EntityFilter
    template_name = "coalition/entity_list.html"
    hidden_facets = ("letter",)

    @staticmethod
    def crumbs() -> list[tuple[str, str]]:
        return [(_("Coalition"), reverse("coalition:home"))]

    def load(self, numbers: list[int]) -> list[Entity]:
        rows = in_order(Entity.objects.public().for_listing().in_bulk(numbers), numbers)
        standing.attach(rows)
        return rows

    def exports(self, filterset: ListFilter) -> dict[str, Any]:
        def numbers() -> list[int]:
            return filterset.found(counted=False, limit=exports.MOST_ROWS).rows

        path = address(self.request.path, filterset.parameters)
        return {
            "csv": lambda: exports.csv_file("entities", exports.ENTITY_COLUMNS, exports.entity_rows(numbers())),
            "json": lambda: exports.json_file(map(exports.entity_item, exports.entities(numbers())), path=path),
            "atom": lambda: exports.feed(
                _("Who joins and leaves the Coalition"),
                path,
                exports.movements(numbers() if filterset.narrowing else None),
            ),
        }

    def context(self, request: HttpRequest, filterset: Any, found: Found, page: Page) -> dict[str, Any]:
        context = super().context(request, filterset, found, page)
        return context | {
            "tabs": tabs(request.path, filterset, found),
            "letters": letters(request.path, filterset, found),
            "views": [
                (_("Cards"), filterset.changed(request.path, "view"), not filterset.is_table),
                (
                    pgettext("a way to show a list", "Table"),
                    filterset.changed(request.path, "view", "table"),
                    filterset.is_table,
                ),
            ],
        }


TABS = {"signatory": ("signatory",), "supporter": ("supporter",), "others": ("member", "none")}


def tabs(path: str, filterset: EntityFilter, found: Found) -> list[tuple[str, str, int | None, bool]]:
    """(label, address, number, is current): the tracks under the current search."""
    names = {"signatory": _("Signatories"), "supporter": _("Supporters"), "others": pgettext("entities", "Others")}
    chosen, counts = set(filterset.chosen.get("track", [])), found.counts["track"]
    everything = found.total if not chosen else None
    return [
        (pgettext("entities", "All"), filterset.changed(path, "track"), everything, not chosen),
        *(
            (
                names[name],
                filterset.changed(path, "track", *tracks),
                sum(counts.get(t, 0) for t in tracks),
                chosen == set(tracks),
            )
            for name, tracks in TABS.items()
        ),
    ]


def letters(path: str, filterset: EntityFilter, found: Found) -> list[tuple[str, str, bool]]:
    """(letter, address or "" if no name begins with it, is current); A to Z where names are in Latin letters."""
    chosen = filterset.chosen.get("letter", [])
    present = {*found.counts["letter"], *chosen}
    alphabet = string.ascii_uppercase if get_language() in {"en", "fr", "es"} else ""
    return [
        (letter, filterset.changed(path, "letter", letter) if letter in present else "", letter in chosen)
        for letter in sorted(present | set(alphabet))
    ][:MOST_LETTERS]


class EntityDetailView(DetailView):
    """An entity: how it stands to the Coalition, what it signed, does and offers. Old addresses lead to today's."""

    context_object_name = "entity"
    queryset = Entity.objects.public().select_related("country")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().get(request, *args, **kwargs)
        except Http404:
            return HttpResponsePermanentRedirect(successor(kwargs["slug"]).get_absolute_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        entity = self.object
        own = Q(entity=entity) | Q(entity__merged_into=entity)
        history = standing.histories([entity])[entity.pk]
        return super().get_context_data(
            standings=standing.latest(history),
            history=history,
            signatures=Signature.objects.listed().filter(own).defer("evidence", "private").select_related("letter"),
            initiatives=initiatives_of(entity),
            pledges=Pledge.objects.published().filter(own).select_related("initiative")[:MOST_SHOWN],
            former=entity.merged_from.order_by("official_name_en"),
            crumbs=[(_("Coalition"), reverse("coalition:home")), (_("Entities"), reverse("coalition:entity_list"))],
            **kwargs,
        )


def initiatives_of(entity: Entity) -> list[Initiative]:
    """As lead (`is_lead`) and as partner; the newest few."""
    lead = Q(entity=entity) | Q(entity__merged_into=entity)
    partner = Initiative.partners.through.objects.filter(
        Q(entity=entity) | Q(entity__merged_into=entity), initiative=OuterRef("pk")
    )
    rows = Initiative.objects.published().filter(lead | Exists(partner)).select_related("entity", "entity__merged_into")
    found = list(rows.order_by(F("first_year").desc(nulls_last=True), "title_en")[:MOST_SHOWN])
    for initiative in found:
        initiative.is_lead = entity.pk in {initiative.entity_id, initiative.entity.merged_into_id}
    return found


def successor(slug: str) -> Entity:
    """The entity that an old address leads to: renamed, or merged into another. Http404 if there is none."""
    past = PastSlug.objects.filter(kind="entity", slug=slug).values("object_id")
    row = Entity.objects.filter(Q(slug=slug) | Q(pk__in=past)).values_list("pk", "merged_into").first()
    return get_object_or_404(Entity.objects.public(), pk=row and (row[1] or row[0]))


@require_safe
@cache_control(public=True, max_age=60)
def entity_badge(request: HttpRequest, slug: str) -> HttpResponse:
    """The entity's standing as a picture for its own site: it turns grey with a suspension or an end."""
    entity = Entity.objects.public().filter(slug=slug).first()
    if entity is None:
        return HttpResponsePermanentRedirect(reverse("coalition:entity_badge", args=[successor(slug).slug]))
    held = next(iter(standing.latest(standing.histories([entity])[entity.pk])), None)
    if held is None:
        raise Http404
    response = render(
        request, "coalition/entity_badge.svg", {"entity": entity, "held": held}, content_type="image/svg+xml"
    )
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["X-Robots-Tag"] = "noindex"
    return response


@require_safe
@cache_control(public=True, max_age=3600)
def entity_logo(request: HttpRequest, slug: str) -> FileResponse:
    """The logo of an entity that permitted it."""
    entity = get_object_or_404(Entity.objects.public().exclude(logo="").exclude(logo_permission=""), slug=slug)
    try:
        return FileResponse(entity.logo.open("rb"), content_type="image/png")
    except FileNotFoundError as error:
        raise Http404 from error
