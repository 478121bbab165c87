"""Who does what, where; who offers what: the public pages, and those on which focal points contribute."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.formats import localize
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.http import require_safe

from coalition import exports, work_actions
from coalition.facets import Found, address
from coalition.filters import InitiativeFilter, ListFilter, PledgeFilter
from coalition.forms.work import InitiativeForm, PledgeForm, PledgeUpdateForm
from coalition.models import Entity, Initiative, Pledge
from coalition.permissions import can_add_update, can_edit_work, can_withdraw_work
from coalition.views.listing import ListingView, in_order
from coalition.views.workspace import of_entity, page, tell_refusal

if TYPE_CHECKING:
    from ewaste_portal.models import User

# The public pages ----------------------------------------------------------------------------------------


def section() -> list[tuple[str, str]]:
    return [(_("Coalition"), reverse("coalition:home"))]


class WorkListView(ListingView):
    """What is published, with facets; the same as CSV, JSON and feed."""

    page_size = 20
    crumbs = staticmethod(section)
    file_name: str
    row_template: str

    def published(self) -> QuerySet:
        raise NotImplementedError

    row: Callable[[Any], dict[str, Any]]
    item: Callable[[Any], dict[str, Any]]
    columns: tuple[str, ...]

    def load(self, numbers: list[int]) -> list[Any]:
        return in_order(self.published().in_bulk(numbers), numbers)

    def exports(self, filterset: ListFilter) -> dict[str, Any]:
        def rows() -> list[Any]:
            return self.load(filterset.found(counted=False, limit=exports.MOST_ROWS).rows)

        def newest() -> list[Any]:
            numbers = filterset.found(counted=False, limit=exports.MOST_ROWS).rows
            return list(
                self.published().filter(pk__in=numbers).order_by("-published_at", "-pk")[: exports.MOST_ENTRIES]
            )

        path = address(self.request.path, filterset.parameters)
        return {
            "csv": lambda: exports.csv_file(self.file_name, self.columns, map(self.row, rows())),
            "json": lambda: exports.json_file(map(self.item, rows()), path=path),
            "atom": lambda: exports.feed(self.feed_title(), path, exports.published(newest())),
        }

    def feed_title(self) -> str:
        raise NotImplementedError

    def context(self, request: HttpRequest, filterset: ListFilter, found: Found, page: Page) -> dict[str, Any]:
        more = {"row_template": self.row_template, "words": self.words(found.total)}
        return super().context(request, filterset, found, page) | more

    def words(self, total: int) -> dict[str, str]:
        """What the page calls its rows."""
        raise NotImplementedError


class InitiativeListView(WorkListView):
    filter_class = InitiativeFilter
    template_name, row_template = "coalition/initiative_list.html", "coalition/initiative_row.html"
    file_name, columns = "initiatives", exports.INITIATIVE_COLUMNS
    row, item = staticmethod(exports.initiative_row), staticmethod(exports.initiative_item)

    def published(self) -> QuerySet:
        rows = Initiative.objects.published().select_related("entity")
        return rows.prefetch_related("countries", "regions", "partners")

    def feed_title(self) -> str:
        return _("Initiatives on e-waste")

    def words(self, total: int) -> dict[str, str]:
        count = ngettext("%(total)s initiative", "%(total)s initiatives", total) % {"total": localize(total)}
        return {
            "search": _("Search initiatives"),
            "count": count,
            "nothing": _("No initiative was found"),
            "all": _("All initiatives"),
        }


class PledgeListView(WorkListView):
    filter_class = PledgeFilter
    template_name, row_template = "coalition/pledge_list.html", "coalition/pledge_row.html"
    file_name, columns = "pledges", exports.PLEDGE_COLUMNS
    row, item = staticmethod(exports.pledge_row), staticmethod(exports.pledge_item)

    def published(self) -> QuerySet:
        return Pledge.objects.published().select_related("entity", "initiative")

    def feed_title(self) -> str:
        return _("Pledges")

    def words(self, total: int) -> dict[str, str]:
        count = ngettext("%(total)s pledge", "%(total)s pledges", total) % {"total": localize(total)}
        return {
            "search": _("Search pledges"),
            "count": count,
            "nothing": _("No pledge was found"),
            "all": _("All pledges"),
        }


initiative_list, pledge_list = InitiativeListView.as_view(), PledgeListView.as_view()


def taken_back(request: HttpRequest, rows: QuerySet, slug: str, list_name: str) -> HttpResponse:
    """410 for what was public once, without its content. Http404 for what never was."""
    get_object_or_404(rows.exclude(published_at=None).exclude(publication="published"), slug=slug)
    request.noindex = True  # type: ignore[attr-defined]
    return render(
        request,
        "coalition/initiative_taken_back.html",
        {"list_url": reverse(list_name), "crumbs": section()},
        status=410,
    )


@require_safe
def initiative_detail(request: HttpRequest, slug: str) -> HttpResponse:
    rows = Initiative.objects.published().select_related("entity", "entity__merged_into")
    initiative = rows.prefetch_related("partners__merged_into", "countries", "regions").filter(slug=slug).first()
    if initiative is None:
        return taken_back(request, Initiative.objects.all(), slug, "coalition:initiative_list")
    request.noindex = initiative.entity.is_example  # type: ignore[attr-defined]
    context = {
        "initiative": initiative,
        "pledges": initiative.pledges.published().select_related("entity"),
        "crumbs": [*section(), (_("Initiatives"), reverse("coalition:initiative_list"))],
    }
    return render(request, "coalition/initiative_detail.html", context)


@require_safe
def pledge_detail(request: HttpRequest, slug: str) -> HttpResponse:
    rows = Pledge.objects.published().select_related("entity", "entity__merged_into", "initiative")
    pledge = rows.filter(slug=slug).first()
    if pledge is None:
        return taken_back(request, Pledge.objects.all(), slug, "coalition:pledge_list")
    request.noindex = pledge.entity.is_example  # type: ignore[attr-defined]
    first, last = exports.period(pledge)
    context = {
        "pledge": pledge,
        "first_day": first,
        "last_day": last,
        "updates": pledge.updates.all(),
        "crumbs": [*section(), (_("Pledges"), reverse("coalition:pledge_list"))],
    }
    return render(request, "coalition/pledge_detail.html", context)


# The focal point's pages ---------------------------------------------------------------------------------

MODELS: dict[str, Any] = {"initiative": Initiative, "pledge": Pledge}
FORMS: dict[str, Any] = {"initiative": InitiativeForm, "pledge": PledgeForm}


def own(entity: Entity, kind: str, item: str) -> Any:
    """Http404 for what is another entity's."""
    return get_object_or_404(MODELS[kind].objects.select_related("entity"), entity=entity, slug=item)


def address_of(work: Initiative | Pledge) -> str:
    return reverse(f"coalition:workspace_{work._meta.model_name}", args=[work.entity.slug, work.slug])


@of_entity
def workspace_work(request: HttpRequest, entity: Entity) -> HttpResponse:
    """All that the entity contributed, whatever its state."""
    return page(
        request, "initiative_workspace", entity,
        {"initiatives": entity.initiatives.order_by("title_en"), "pledges": entity.pledges.order_by("title_en")},
    )  # fmt: skip


@of_entity
def work_new(request: HttpRequest, entity: Entity, kind: str) -> HttpResponse:
    form = FORMS[kind](request.POST or None, entity=entity)
    if request.method == "POST" and form.is_valid() and (work := form.keep(by=request.user)):
        messages.success(request, _("Saved as a draft. Submit it when it is complete."))
        return redirect(address_of(work))
    return _form_page(request, entity, kind, form)


@of_entity
def work_edit(request: HttpRequest, entity: Entity, kind: str, item: str) -> HttpResponse:
    """A draft to change; what is not a draft to look at, with what can be done next."""
    work = own(entity, kind, item)
    may_edit = can_edit_work(request.user, work)
    if request.method == "POST" and not may_edit:
        messages.error(request, _("This is no draft: take it back before you change it."))
        return redirect(address_of(work))
    form: Any = FORMS[kind](request.POST or None, instance=work, entity=entity) if may_edit else None
    if request.method == "POST" and form.is_valid() and form.keep(by=request.user):
        messages.success(request, _("Saved."))
        return redirect(address_of(work))
    return _form_page(request, entity, kind, form, own(entity, kind, item))


def _form_page(request: HttpRequest, entity: Entity, kind: str, form: Any, work: Any = None) -> HttpResponse:
    context = {
        "kind": kind,
        "form": form,
        "work": work,
        "can_note": kind == "pledge" and work is not None and can_add_update(request.user, work),
        "trail": [(_("Initiatives and pledges"), reverse("coalition:workspace_work", args=[entity.slug]))],
    }
    return page(request, "initiative_edit", entity, context)


ACTS: dict[str, Any] = {
    "submit": work_actions.submit,
    "take-back": work_actions.take_back,
    "withdraw": work_actions.withdraw,
}


@of_entity
def work_act(request: HttpRequest, entity: Entity, kind: str, item: str, act: str) -> HttpResponse:
    """Asks once; the POST does it."""
    if act not in ACTS:
        raise Http404
    work = own(entity, kind, item)
    if act == "withdraw" and not can_withdraw_work(request.user, work):
        raise PermissionDenied
    if request.method == "POST":
        try:
            ACTS[act](work=work, by=request.user)
        except ValidationError as error:
            tell_refusal(request, error)
        else:
            messages.success(request, _said(act))
        return redirect(address_of(work))
    return page(request, "initiative_act", entity, {"work": work, "act": act, "back_url": address_of(work)})


def _said(act: str) -> str:
    return {
        "submit": _("Submitted: the secretariat looks at it and publishes it."),
        "take-back": _("It is a draft again."),
        "withdraw": _("Withdrawn."),
    }[act]


@of_entity
def pledge_update(request: HttpRequest, entity: Entity, item: str) -> HttpResponse:
    """A dated note on a published pledge."""
    pledge, user = own(entity, "pledge", item), cast("User", request.user)
    form = PledgeUpdateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            work_actions.add_update(pledge=pledge, by=user, on=form.cleaned_data["on"], text=form.cleaned_data["text"])
        except ValidationError as error:
            tell_refusal(request, error)
            return redirect(address_of(pledge))
        messages.success(request, _("The note is public."))
        return redirect(pledge.get_absolute_url())
    if not can_add_update(request.user, pledge):
        messages.error(request, _("Notes can be added once the pledge is published."))
        return redirect(address_of(pledge))
    return page(request, "pledge_update", entity, {"pledge": pledge, "form": form, "back_url": address_of(pledge)})
