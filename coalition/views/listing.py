"""What the Coalition's lists have in common: search, facets, a page of rows; the same address as table, data and feed."""

from typing import Any, ClassVar

from django.core.paginator import EmptyPage, Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.generic import View

from coalition.facets import Found, address
from coalition.filters import ListFilter, sort_name


class ListingView(View):
    """Subclasses say what the rows are (`load`) and how they leave (`exports`)."""

    filter_class: ClassVar[type[ListFilter]]
    template_name: ClassVar[str]
    page_size: ClassVar[int] = 60
    crumbs: ClassVar[Any] = staticmethod(list)
    hidden_facets: ClassVar[tuple[str, ...]] = ()  # drawn elsewhere on the page

    def load(self, numbers: list[int]) -> list[Any]:
        """The rows with these numbers, in this order."""
        raise NotImplementedError

    def exports(self, filterset: ListFilter) -> dict[str, Any]:
        """Functions that answer ?format=."""
        return {}

    def get(self, request: HttpRequest) -> HttpResponse:
        if any(not value for _name, values in request.GET.lists() for value in values):
            return redirect(address(request.path, [(n, v) for n, values in request.GET.lists() for v in values if v]))
        filterset = self.filter_class(request.GET)
        export = self.exports(filterset).get(request.GET.get("format", ""))
        if export is not None:
            response = export()
            response["X-Robots-Tag"] = "noindex"
            return response
        number = page_number(request.GET.get("page"))
        found = filterset.found(limit=self.page_size, offset=(number - 1) * self.page_size)
        page = page_of(found, number, self.page_size)
        filterset.name_values(found)
        request.canonical_parameters = [  # type: ignore[attr-defined]
            *(pair for pair in filterset.parameters if pair[0] not in filterset.plain_parameters),
            *([("page", str(number))] if number > 1 else []),
        ]
        request.noindex = bool(filterset.narrowing)  # type: ignore[attr-defined]
        if request.GET.get("values") in filterset.facet_names:
            return self.all_values(request, filterset, found, request.GET["values"])
        return render(request, self.template_name, self.context(request, filterset, found, page))

    def context(self, request: HttpRequest, filterset: ListFilter, found: Found, page: Page) -> dict[str, Any]:
        numbers = [*found.rows, *(found.examples if page.number == 1 else [])]
        rows = self.load(numbers)
        parameters = filterset.parameters
        return {
            "filter": filterset,
            "found": found,
            "rows": [row for row in rows if row.pk in set(found.rows)],
            "examples": [row for row in rows if row.pk in set(found.examples)],
            "page_obj": page,
            "facets": filterset.facets(found, but=self.hidden_facets),
            "chips": filterset.chips(request.path),
            "narrowed": len(filterset.narrowing),
            "list_url": request.path,
            "words_only_url": address(request.path, [("q", filterset.text)]) if filterset.text else request.path,
            "sorts": [
                (sort_name(name), filterset.sorted_by(request.path, name), name == filterset.order) for name in filterset.sorts
            ],
            "exports": {name: address(request.path, [*parameters, ("format", name)]) for name in self.exports(filterset)},
            "values_urls": {
                name: address(request.path, [*parameters, ("values", name)]) for name in filterset.facet_names
            },
            "crumbs": self.crumbs(),
        }  # fmt: skip

    def all_values(self, request: HttpRequest, filterset: ListFilter, found: Found, name: str) -> HttpResponse:
        """All values of one facet, under the current search."""
        facet = next((facet for facet in filterset.facets(found) if facet.name == name), None)
        others = [pair for pair in filterset.parameters if pair[0] != name]
        values = sorted(facet.values if facet else [], key=lambda value: value.label.casefold())
        request.noindex = True  # type: ignore[attr-defined]
        context = {
            "label": filterset.fields[name].label,
            "values": [(value, address(request.path, [*others, (name, value.code)])) for value in values],
            "is_narrowed": bool(filterset.narrowing),
            "back_url": address(request.path, filterset.parameters),
            "crumbs": self.crumbs(),
        }
        return render(request, "knowledge/facet_values.html", context)


def page_number(text: str | None) -> int:
    """Http404 for what is no number of a page."""
    if text is None:
        return 1
    if not (text.isascii() and text.isdecimal() and len(text) < 7 and int(text)):
        raise Http404
    return int(text)


def page_of(found: Found, number: int, size: int) -> Page:
    """The page for the template; Http404 beyond the last."""
    try:
        return Paginator(range(found.total), size).page(number)
    except EmptyPage as error:
        raise Http404 from error


def in_order(rows: dict[int, Any], numbers: list[int]) -> list[Any]:
    return [rows[number] for number in numbers if number in rows]
