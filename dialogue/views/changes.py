"""What changed after publication, as a page and as a feed."""

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from dialogue import changes as noticed, feeds
from dialogue.views.shared import follow_moved, get_dialogue, page

ON_A_PAGE = 50


@require_safe
@follow_moved
def changes(request: HttpRequest, slug: str) -> HttpResponse:
    """The newest first. `since`: the SEQUENCE that somebody's calendar has; anything else shows all."""
    dialogue = get_dialogue(request, slug)
    rows = noticed.public().filter(dialogue=dialogue)
    asked = request.GET.get("since", "")
    since = int(asked) if asked.isdecimal() and len(asked) < 10 else None
    if since is not None:
        rows = noticed.since(rows, since)
    page_obj = Paginator(rows, ON_A_PAGE).get_page(request.GET.get("page"))
    shown = list(page_obj)
    for change in shown:
        change.dialogue = dialogue
    context = {
        **page(request, dialogue, "changes"),
        "told": noticed.told(shown),
        "page_obj": page_obj,
        "since": since,
        "feed_url": ""
        if dialogue.is_example or not dialogue.is_public
        else reverse("dialogue:changes_feed", args=[slug]),
    }
    return render(request, "dialogue/changes.html", context)


@require_safe
@follow_moved
def changes_feed(request: HttpRequest, slug: str) -> HttpResponse:
    """Of one published dialogue that is no example."""
    dialogue = get_dialogue(request, slug)
    if dialogue.is_example or not dialogue.is_public:
        raise Http404
    shown = list(noticed.public().filter(dialogue=dialogue)[: feeds.MOST_ENTRIES])
    for change in shown:
        change.dialogue = dialogue
    return feeds.atom(
        shown,
        title=feeds.title_of(dialogue.title),
        address=reverse("dialogue:changes", args=[slug]),
        feed_address=request.path,
    )


@require_safe
def all_changes_feed(request: HttpRequest) -> HttpResponse:
    """Of all published dialogues but the examples."""
    rows = noticed.public().filter(dialogue__is_example=False).select_related("dialogue", "session")
    return feeds.atom(
        rows[: feeds.MOST_ENTRIES],
        title=feeds.title_of(_("Dialogues")),
        address=reverse("dialogue:dialogue_list"),
        feed_address=request.path,
        of_all=True,
    )
