"""Statements of entities: sent by focal points, read by everyone."""

import uuid
from typing import TYPE_CHECKING, Any, cast

from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from dialogue import papers, permissions
from dialogue.actions import papers as actions
from dialogue.forms.papers import StatementForm
from dialogue.models import Dialogue, Statement
from dialogue.views.shared import crumbs, follow_moved, get_dialogue, page
from ewaste_portal.addresses import absolute
from ewaste_portal.views import error_page
from knowledge.languages import reader_code

if TYPE_CHECKING:
    from ewaste_portal.models import User

RATES = {"statement": "30/h/user"}
State = Statement.State


def _context(request: HttpRequest, dialogue: Dialogue) -> dict[str, Any]:
    trail = [*crumbs(dialogue), (_("Documents"), reverse("dialogue:documents", args=[dialogue.slug]))]
    return {**page(request, dialogue, "documents"), "crumbs": trail}


# For everyone ----------------------------------------------------------------------------------------------------


def _readable(request: HttpRequest, dialogue: Dialogue, uid: uuid.UUID) -> Statement | None:
    """What this visitor may read: published, or any for staff and for the focal point of its entity."""
    rows = dialogue.statements.select_related("entity__merged_into", "session", "dialogue")
    public = rows.public().filter(uid=uid).first()
    if public is not None or settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return public
    found = rows.filter(uid=uid).first()
    if found is None or not request.user.is_authenticated:
        return None
    may = permissions.can_see_statements(request.user) or permissions.can_speak_for(request.user, found.entity)
    return found if may else None


@require_safe
@follow_moved
def statement_detail(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """410 for what was public once and was taken back."""
    dialogue = get_dialogue(request, slug)
    statement = _readable(request, dialogue, uid)
    if statement is None or statement.state == State.WITHDRAWN:
        get_object_or_404(dialogue.statements.exclude(published_at=None).exclude(state=State.PUBLISHED), uid=uid)
        request.noindex = True  # type: ignore[attr-defined]
        return render(request, "dialogue/statement_taken_back.html", _context(request, dialogue), status=410)
    context = _context(request, dialogue)
    if statement.state != State.PUBLISHED:
        request.noindex = True  # type: ignore[attr-defined]
    context |= {
        "said": papers.Said(statement),
        "statement": statement,
        "is_published": statement.state == State.PUBLISHED,
        "citation": papers.citation(statement, address=absolute(statement.get_absolute_url())),
    }
    return render(request, "dialogue/statement_detail.html", context)


@require_safe
@follow_moved
def statement_file(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponseBase:
    dialogue = get_dialogue(request, slug)
    statement = _readable(request, dialogue, uid)
    if statement is None or not statement.file:
        raise Http404
    is_public = dialogue.is_public and statement.state == State.PUBLISHED
    return papers.download(
        request, statement.file, title=statement.title, language=statement.language, sha256=statement.sha256,
        is_public=is_public,
    )  # fmt: skip


# For focal points -------------------------------------------------------------------------------------------------


def _tell(request: HttpRequest, error: ValidationError) -> None:
    for sentence in error.messages:
        messages.error(request, sentence)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
@follow_moved
def statement_new(request: HttpRequest, slug: str) -> HttpResponse:
    """The form; above it what the person's entities have written for this dialogue."""
    dialogue = get_dialogue(request, slug)
    entities = permissions.entities_of(request.user)
    request.noindex = True  # type: ignore[attr-defined]
    if not entities or dialogue.is_cancelled:
        context = {**_context(request, dialogue), "is_focal_point": bool(entities)}
        return render(request, "dialogue/statement_closed.html", context, status=403)
    form = StatementForm(
        request.POST or None, request.FILES or None, dialogue=dialogue, entities=entities,
        initial={"language": reader_code()},
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        if not ratelimit.consume(request, app="dialogue", action="statement", config=RATES):
            return error_page(request, 429)
        statement = _write(request, form, dialogue)
        if statement is not None:
            messages.success(request, _("Saved as a draft. Submit it when it is complete."))
            return redirect("dialogue:statement_edit", dialogue.slug, statement.uid)
    own = dialogue.statements.filter(entity__in=entities).select_related("entity").order_by("-created_at", "-pk")
    return render(request, "dialogue/statement_new.html", {**_context(request, dialogue), "form": form, "own": own})


def _write(
    request: HttpRequest, form: StatementForm, dialogue: Dialogue, statement: Statement | None = None
) -> Statement | None:
    """None, with a sentence on the form, where the action refuses."""
    data, user = form.cleaned_data, cast("User", request.user)
    try:
        return actions.write(
            dialogue=dialogue, entity=form.entity_chosen, by=user, title=data["title"], language=data["language"],
            text=data["text"], file=data["file"], session=data["session"], statement=statement,
            without_file=data.get("without_file", False),
        )  # fmt: skip
    except ValidationError as error:
        form.add_error(None, error)
        return None


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
@follow_moved
def statement_edit(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """A draft to change; what is not a draft to look at, with what can be done next."""
    dialogue = get_dialogue(request, slug)
    statement = get_object_or_404(dialogue.statements.select_related("entity", "session", "dialogue"), uid=uid)
    if not permissions.can_speak_for(request.user, statement.entity):
        raise Http404
    act = request.POST.get("act", "") if request.method == "POST" else ""
    if act in ACTS:
        return _act(request, statement, act)
    form = _form(request, dialogue, statement) if statement.state == State.DRAFT else None
    if request.method == "POST" and form is None:
        messages.error(request, _("This is no draft: take it back before you change it."))
        return redirect("dialogue:statement_edit", dialogue.slug, uid)
    if request.method == "POST" and form is not None and form.is_valid():
        if _write(request, form, dialogue, statement) is not None:
            if "submit" in request.POST:
                return _act(request, statement, "submit")
            messages.success(request, _("Saved."))
            return redirect("dialogue:statement_edit", dialogue.slug, uid)
        statement.refresh_from_db()
    request.noindex = True  # type: ignore[attr-defined]
    context = {**_context(request, dialogue), "form": form, "statement": statement, "said": papers.Said(statement)}
    return render(request, "dialogue/statement_edit.html", context)


def _form(request: HttpRequest, dialogue: Dialogue, statement: Statement) -> StatementForm:
    return StatementForm(
        request.POST or None, request.FILES or None, dialogue=dialogue, entities=[statement.entity], statement=statement,
        initial={
            "session": statement.session, "language": statement.language, "title": statement.title,
            "text": statement.text,
        },
    )  # fmt: skip


ACTS: dict[str, Any] = {"submit": actions.submit, "recall": actions.recall, "take-back": actions.take_back}


def _act(request: HttpRequest, statement: Statement, act: str) -> HttpResponse:
    try:
        ACTS[act](statement=statement, by=request.user)
    except ValidationError as error:
        _tell(request, error)
    else:
        messages.success(request, _said(act))
    return redirect("dialogue:statement_edit", statement.dialogue.slug, statement.uid)


def _said(act: str) -> str:
    return {
        "submit": _("Submitted: the secretariat reads it and publishes it, or returns it with a reason."),
        "recall": _("It is a draft again."),
        "take-back": _("Taken back."),
    }[act]
