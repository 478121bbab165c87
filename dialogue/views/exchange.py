"""A dialogue for other machines: calendars, schedules, JSON, text, PDF. Each in at most four queries at any size."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from coalition.models import Entity
from dialogue import permissions
from dialogue.exchange import calendars, data, plain, schedules
from dialogue.exchange.programme import Programme, programmes, with_organizers
from dialogue.models import Dialogue, Document, Session
from dialogue.querysets import DialogueQuerySet
from dialogue.views.shared import MovedError, follow_moved, get_dialogue


def exported(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponseBase]:
    """Any page may read it, no search engine lists it; a former address leads to today's."""

    @require_safe
    @follow_moved
    @wraps(view)
    def answered(request: HttpRequest, **arguments: Any) -> HttpResponse:
        response = view(request, **arguments)
        response["X-Robots-Tag"] = "noindex"
        response["Access-Control-Allow-Origin"] = "*"
        return response

    return answered


def everything(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """As `exported`, for files that are not of one dialogue."""

    @require_safe
    @wraps(view)
    def answered(request: HttpRequest, **arguments: Any) -> HttpResponse:
        response = view(request, **arguments)
        response["X-Robots-Tag"] = "noindex"
        response["Access-Control-Allow-Origin"] = "*"
        return response

    return answered


def public_dialogue(slug: str) -> Dialogue:
    """Http404 for a draft, whoever asks: files travel. `MovedError` for a slug of the past."""
    found = with_organizers(Dialogue.objects.public().filter(slug=slug)).select_related("letter", "country", "follows")
    return found.first() or _moved(slug)


def _moved(slug: str) -> Dialogue:
    anonymous = HttpRequest()
    dialogue = get_dialogue(anonymous, slug)
    raise MovedError(dialogue.slug)


def programme(slug: str, **parts: bool) -> Programme:
    return programmes([public_dialogue(slug)], **parts)[0]


def _calendar(content: bytes, *name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=calendars.CONTENT_TYPE)
    response["Content-Disposition"] = f'attachment; filename="{calendars.filename(*name)}"'
    return response


# Calendars ----------------------------------------------------------------------------------------------------


def _all() -> DialogueQuerySet:
    return Dialogue.objects.public().real().order_by("starts_at", "pk")


@everything
def all_calendar(request: HttpRequest) -> HttpResponse:
    return _calendar(calendars.of_dialogues(list(_all()), name=_("High-level dialogues on e-waste")), "dialogues")


@everything
def entity_calendar(request: HttpRequest, entity: str) -> HttpResponse:
    """What the entity organizes, or has a part in."""
    found = get_object_or_404(Entity.objects.public(), slug=entity)
    merged = Entity.objects.filter(Q(pk=found.pk) | Q(merged_into=found))
    took_part = Q(participations__entity__in=merged) & (
        Q(participations__session__isnull=True) | ~Q(participations__session__state="draft")
    )
    dialogues = Dialogue.objects.public().filter(is_example=found.is_example).order_by("starts_at", "pk")
    rows = list(dialogues.filter(Q(organizers__in=merged) | took_part).distinct())
    return _calendar(calendars.of_dialogues(rows, name=str(found)), found.slug)


@exported
def dialogue_calendar(request: HttpRequest, slug: str) -> HttpResponse:
    """The dialogue; with `?sessions=all` also each session whose hours are known."""
    found = programme(slug, people=False)
    whole = request.GET.get("sessions") == "all"
    documents = [*found.documents, *(document for item in found.items for document in item.documents)]
    sessions = [item.session for item in found.items] if whole else []
    return _calendar(calendars.of_dialogue(found.dialogue, sessions, documents), slug)


@exported
def session_calendar(request: HttpRequest, slug: str, session: str) -> HttpResponse:
    """Http404 for a session whose hours are not known."""
    dialogue = public_dialogue(slug)
    found = get_object_or_404(Session.objects.public().select_related("dialogue"), dialogue=dialogue, slug=session)
    content = calendars.of_session(found, list(Document.objects.public().filter(session=found).for_listing()))
    if content is None:
        raise Http404
    return _calendar(content, slug, session)


# Schedules ------------------------------------------------------------------------------------------------------


@everything
def all_schedule_xml(request: HttpRequest) -> HttpResponse:
    schedule = schedules.of(programmes(_all()), address=request.path)
    return HttpResponse(schedules.xml(schedule), content_type="application/xml; charset=utf-8")


@everything
def all_schedule_json(request: HttpRequest) -> HttpResponse:
    return _json(schedules.json(schedules.of(programmes(_all()), address=request.path)))


@exported
def schedule_xml(request: HttpRequest, slug: str) -> HttpResponse:
    schedule = schedules.of([programme(slug)], address=request.path)
    return HttpResponse(schedules.xml(schedule), content_type="application/xml; charset=utf-8")


@exported
def schedule_json(request: HttpRequest, slug: str) -> HttpResponse:
    return _json(schedules.json(schedules.of([programme(slug)], address=request.path)))


@exported
def dialogue_json(request: HttpRequest, slug: str) -> HttpResponse:
    return _json(data.json(programme(slug)))


def _json(content: dict[str, Any]) -> JsonResponse:
    return JsonResponse(content, json_dumps_params={"ensure_ascii": False})


@exported
def agenda_text(request: HttpRequest, slug: str) -> HttpResponse:
    return HttpResponse(plain.text(programme(slug, documents=False)), content_type="text/plain; charset=utf-8")


# Paper ----------------------------------------------------------------------------------------------------------


@exported
def agenda_pdf(request: HttpRequest, slug: str) -> HttpResponse:
    from dialogue import printing  # noqa: PLC0415  loads fonts, which no other page needs

    return _pdf(printing.agenda(programme(slug, documents=False)), f"{slug}-agenda")


@require_safe
@follow_moved
def run_of_show_pdf(request: HttpRequest, slug: str) -> HttpResponse:
    """For staff: with notes, pronunciation and minutes; drafts too. PermissionDenied for everyone else."""
    from dialogue import printing  # noqa: PLC0415  loads fonts, which no other page needs

    if not permissions.can_preview(request.user):
        raise PermissionDenied
    dialogue = get_dialogue(request, slug)
    response = _pdf(printing.run_of_show(dialogue), f"{slug}-run-of-show")
    response["Cache-Control"] = "private, no-store"
    return response


def _pdf(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    response["ETag"] = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return response
