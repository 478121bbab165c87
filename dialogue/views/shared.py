"""What every page of a dialogue begins with: the dialogue itself, its tabs, the words of its time."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy, pgettext_lazy

from dialogue import permissions
from dialogue.models import Dialogue
from dialogue.querysets import DialogueQuerySet
from dialogue.times import when
from ewaste_portal import vocabularies
from ewaste_portal.models import PastSlug

TABS = (
    ("dialogue_detail", pgettext_lazy("a page of a dialogue", "Overview")),
    ("agenda", gettext_lazy("Agenda")),
    ("people", gettext_lazy("People")),
    ("documents", gettext_lazy("Documents")),
    ("outcomes", gettext_lazy("Outputs and outcomes")),
    ("questions", gettext_lazy("Questions")),
    ("attend", pgettext_lazy("a page of a dialogue", "Attend")),
    ("changes", gettext_lazy("Changes")),
)


class MovedError(Exception):
    """The dialogue has another address today."""

    def __init__(self, slug: str) -> None:
        self.slug = slug


# Of the dialogue that one follows only the title is shown: its texts in six languages stay in the database.
NOT_OF_FOLLOWED = [
    f"follows__{name}_{column}"
    for name in ("theme", "overview", "venue", "room", "host_event", "status_note", "moderator_reason")
    for column in vocabularies.COLUMNS.values()
]


@dataclass(frozen=True)
class Tab:
    name: str
    label: str
    url: str
    is_current: bool


def is_staff(request: HttpRequest) -> bool:
    """Whether staff look who may see drafts; without a look at the session of a visitor who has none."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES and permissions.can_preview(request.user)


def visible(request: HttpRequest) -> DialogueQuerySet:
    """Published dialogues; for staff also drafts."""
    dialogues = Dialogue.objects.all()
    return dialogues if is_staff(request) else dialogues.public()


def tabs(dialogue: Dialogue, current: str) -> list[Tab]:
    """The pages of a dialogue. No query: a page that has nothing to show says so itself."""
    shown = [
        name
        for name, _label in TABS
        if name != "attend" or (dialogue.registration_opens_at and dialogue.phase() in {"upcoming", "live"})
    ]
    return [
        Tab(name, str(label), reverse(f"dialogue:{name}", args=[dialogue.slug]), name == current)
        for name, label in TABS
        if name in shown
    ]


def crumbs(dialogue: Dialogue | None = None) -> list[tuple[str, str]]:
    found = [(_("Dialogue"), reverse("dialogue:dialogue_list"))]
    return [*found, (dialogue.title, dialogue.get_absolute_url())] if dialogue else found


def page(request: HttpRequest, dialogue: Dialogue, tab: str) -> dict[str, Any]:
    """The context of templates/dialogue/page.html."""
    if not dialogue.is_public or dialogue.is_example:
        request.noindex = True  # type: ignore[attr-defined]
    return {
        "dialogue": dialogue,
        "when": when(dialogue),
        "phase": dialogue.phase(),
        "tabs": tabs(dialogue, tab),
        "tab": next((str(label) for name, label in TABS if name == tab), ""),
        "is_overview": tab == "dialogue_detail",
        "crumbs": crumbs(None if tab == "dialogue_detail" else dialogue),
    }


def get_dialogue(request: HttpRequest, slug: str, *related: str) -> Dialogue:
    """One query for what is there. Http404; `MovedError` for a slug of the past."""
    dialogues = visible(request).select_related("letter", "country", "follows", *related).defer(*NOT_OF_FOLLOWED)
    dialogue = dialogues.filter(slug=slug).first()
    if dialogue is not None:
        return dialogue
    past = PastSlug.objects.filter(kind="dialogue", slug=slug).first()
    today = visible(request).filter(pk=past.object_id).first() if past else None
    if today is None:
        raise Http404
    raise MovedError(today.slug)


def follow_moved(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For views that take `slug`: leads from an address of the past to today's."""

    @wraps(view)
    def moved(request: HttpRequest, slug: str, **others: Any) -> HttpResponseBase:
        try:
            return view(request, slug=slug, **others)
        except MovedError as error:
            assert request.resolver_match is not None  # noqa: S101  a view is called for an address
            address = reverse(request.resolver_match.view_name, kwargs={"slug": error.slug, **others})
            return HttpResponsePermanentRedirect(address)

    return moved
