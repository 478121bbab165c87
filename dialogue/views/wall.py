"""The signing ceremony: who is expected, who has signed, on the wall and afterwards."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe

from dialogue import wall as walls
from dialogue.models import Dialogue
from dialogue.views.shared import follow_moved, get_dialogue, page
from ewaste_portal.addresses import absolute
from ewaste_portal.tables import csv_lines

COLUMNS = (
    "session", "entity", "entity_then", "person", "title_then", "on_behalf_of", "state", "signed_on", "signed_at",
    "method", "code", "verification", "source",
)  # fmt: skip


@require_safe
@follow_moved
def wall(request: HttpRequest, slug: str) -> HttpResponse:
    """The whole page. Http404 for a dialogue without a signing ceremony."""
    dialogue = get_dialogue(request, slug)
    boards = walls.boards(dialogue)
    if not boards:
        raise Http404
    context = {
        **page(request, dialogue, "wall"),
        "tab": _("Signing ceremony"),
        "boards": boards,
        "is_live": any(board.session.phase() == "live" for board in boards),
        "version": walls.version(slug) or "",
    }
    return render(request, "dialogue/wall.html", context)


def _etag(request: HttpRequest, slug: str) -> str | None:
    version = walls.version(slug)
    return None if version is None else f'"{version}-{get_language()}"'


@require_safe
@cache_control(public=True, no_cache=True)
@condition(etag_func=_etag)
def wall_now(request: HttpRequest, slug: str) -> HttpResponse:
    """The boards alone: what the wall asks for every two seconds. 304 while nothing changed, without a query of its own."""
    dialogue = Dialogue.objects.public().filter(slug=slug).first()
    boards = walls.boards(dialogue) if dialogue else []
    if not boards:
        raise Http404
    response = render(request, "dialogue/_wall.html", {"dialogue": dialogue, "boards": boards})
    response["X-Robots-Tag"] = "noindex"
    return response


def _row(board: walls.Board, place: walls.Place) -> tuple[Any, ...]:
    signature = place.signature if place.is_listed else None
    part = place.part
    return (
        board.session.title,
        place.entity_name,
        signature.entity_name if signature else part.entity_name if part else "",
        (signature.signer_name if signature else "") or (part.person if part else ""),
        (signature.signer_title if signature else "") or (part.title_then if part else ""),
        part.on_behalf_of if part else "",
        place.state,
        signature.signed_on if signature else "",
        signature.signed_at.isoformat() if signature and signature.signed_at and signature.hour_is_known else "",
        signature.method if signature else "",
        signature.code if signature else "",
        absolute(signature.get_absolute_url()) if signature and signature.code else "",
        (signature.source_url if signature else "") or (part.source_url if part else ""),
    )


@require_safe
@follow_moved
def signatories_csv(request: HttpRequest, slug: str) -> HttpResponse:
    """Columns: COLUMNS; a line for each entity expected or signed. Four queries at any size."""
    dialogue = get_dialogue(request, slug)
    rows = (_row(board, place) for board in walls.boards(dialogue) for place in board.places)
    response = HttpResponse("".join(csv_lines(COLUMNS, rows)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="signatories-{dialogue.slug}.csv"'
    response["X-Robots-Tag"] = "noindex"
    return response
