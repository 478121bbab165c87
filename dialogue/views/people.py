"""People of a dialogue, a person over time, and who has joined since."""

from dataclasses import dataclass, field
from typing import Any

from django.core.paginator import InvalidPage, Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dialogue import joined as joining
from dialogue.forms.people import JoinedForm
from dialogue.models import Answer, Participation, Person
from dialogue.views.shared import crumbs, follow_moved, get_dialogue, page
from ewaste_portal.models import PastSlug
from ewaste_portal.tables import csv_lines

PER_PAGE = 60
JOINED_COLUMNS = ("entity", "track", "status", "since", "ended_on", "on_first_day", "on_last_day", "change", "source")


@dataclass
class Face:
    """Somebody of a dialogue with all parts in it, in the order of the programme."""

    parts: list[Participation] = field(default_factory=list)

    @property
    def first(self) -> Participation:
        return self.parts[0]

    @property
    def person(self) -> Person | None:
        return self.first.person

    @property
    def capacities(self) -> list[Participation]:
        """One part for each title and entity of then: mostly one."""
        return list({(part.title_then, part.entity_name): part for part in reversed(self.parts)}.values())[::-1]


def faces(parts: list[Participation]) -> list[Face]:
    """People, and entities of which no person is known, each once."""
    found: dict[Any, Face] = {}
    for part in parts:
        key = ("person", part.person_id) if part.person_id else ("entity", part.entity_id)
        found.setdefault(key, Face()).parts.append(part)
    return list(found.values())


@require_safe
@follow_moved
def people(request: HttpRequest, slug: str) -> HttpResponse:
    """By order of appearance, 60 on a page."""
    dialogue = get_dialogue(request, slug)
    parts = Participation.objects.filter(dialogue=dialogue).exclude(session__state="draft").for_listing()
    ordered = parts.order_by("session__starts_at", "session__position", "position", "pk")
    everyone = faces(list(ordered))
    named = [face for face in everyone if face.person]
    try:
        page_obj = Paginator(named, PER_PAGE).page(request.GET.get("page", "1"))
    except InvalidPage as error:
        raise Http404 from error
    context = {
        **page(request, dialogue, "people"),
        "faces": page_obj.object_list,
        "page_obj": page_obj,
        "entities": [face for face in everyone if not face.person] if page_obj.number == 1 else [],
        "moderator_reason": dialogue.moderator_reason,
    }
    return render(request, "dialogue/people.html", context)


@require_safe
def person_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """All public parts of a person over time, the newest first. A former address leads to today's."""
    person = Person.objects.public().filter(slug=slug).first()
    if person is None:
        past = PastSlug.objects.filter(kind="person", slug=slug).first()
        today = Person.objects.public().filter(pk=past.object_id).first() if past else None
        if today is None:
            raise Http404
        return HttpResponsePermanentRedirect(today.get_absolute_url())
    if person.is_example:
        request.noindex = True  # type: ignore[attr-defined]
    parts = Participation.objects.public().filter(person=person).for_listing()
    answers = Answer.objects.public().filter(participation__person=person).select_related("question__dialogue")
    context = {
        "person": person,
        "parts": parts.order_by("-dialogue__starts_at", "session__position", "position"),
        "answers": answers.order_by("-given_on", "-pk"),
        "crumbs": crumbs(),
    }
    return render(request, "dialogue/person_detail.html", context)


# Who has joined since ----------------------------------------------------------------------------------------


@require_safe
def joined(request: HttpRequest) -> HttpResponse:
    form = JoinedForm(request.GET)
    if request.GET:
        request.noindex = True  # type: ignore[attr-defined]
    context: dict[str, Any] = {"form": form, "crumbs": crumbs()}
    if form.is_valid():
        since, until = form.cleaned_data["since"], form.cleaned_data["until"]
        standings = joining.all_standings()
        context |= {
            "difference": joining.between(standings, since, until),
            "steps": joining.steps(standings, since, until),
            "csv_url": f"{reverse('dialogue:joined_csv')}?since={since.isoformat()}&until={until.isoformat()}",
        }
        form = JoinedForm({"since": since, "until": until})
        context["form"] = form
    return render(request, "dialogue/joined.html", context, status=200 if form.is_valid() else 400)


@require_safe
def joined_csv(request: HttpRequest) -> HttpResponse:
    """Columns: JOINED_COLUMNS; a line for each entity that stood on one of the two days. One query."""
    form = JoinedForm(request.GET)
    if not form.is_valid():
        sentences = " ".join(str(error) for errors in form.errors.values() for error in errors)
        return HttpResponseBadRequest(sentences, content_type="text/plain; charset=utf-8")
    since, until = form.cleaned_data["since"], form.cleaned_data["until"]
    found = joining.between(joining.all_standings(), since, until)
    rows = (
        (
            held.membership.entity.official_name,
            held.track,
            held.status,
            held.since,
            held.membership.ended_on,
            "yes" if held in found.before else "no",
            "yes" if held in found.after else "no",
            "joined" if held in found.came else "left" if held in found.went else "",
            held.membership.source_url,
        )
        for held in dict.fromkeys([*found.before, *found.after])
    )
    response = HttpResponse("".join(csv_lines(JOINED_COLUMNS, rows)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="joined-{since}-{until}.csv"'
    response["X-Robots-Tag"] = "noindex"
    return response
