"""Questions: read, asked, supported, answered; and the moderator's desk."""

from collections.abc import Callable
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import pghistory
from allauth.core.internal import ratelimit
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.core.paginator import InvalidPage, Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from coalition.exports import csv_file
from dialogue import desk as desks, permissions, questions as shown
from dialogue.actions import questions as actions
from dialogue.attending import current
from dialogue.forms.questions import AnsweredForm, AnswerForm, AskForm, DeclineForm, DeskForm, MergeForm
from dialogue.models import Answer, Attendance, Dialogue, Question, Session
from dialogue.times import When, instant_words
from dialogue.views.shared import follow_moved, get_dialogue, is_staff, page

if TYPE_CHECKING:
    from ewaste_portal.models import User

PAGE_SIZE = 40
# A room full of participants may share one address.
RATES = {"ask": "5/h/key,120/h/ip", "support": "60/h/key,1200/h/ip", "answer": "30/h/key"}


def _within(request: HttpRequest, action: str, key: str) -> bool:
    return bool(ratelimit.consume(request, app="dialogue", action=action, config=RATES, key=key))


def _period(dialogue: Dialogue) -> When | None:
    """When questions are open; None if they never are."""
    if dialogue.questions_open_at is None or dialogue.questions_close_at is None:
        return None
    return When(dialogue.questions_open_at, dialogue.questions_close_at, dialogue.zone, dialogue.place)


def _public_question(dialogue: Dialogue, uid: UUID) -> Question:
    """With its dialogue. A merged one leads to the other. Http404."""
    rows = Question.objects.filter(dialogue=dialogue)
    asked = get_object_or_404(rows.only("state", "merged_into"), uid=uid)
    number = asked.merged_into_id if asked.state == "merged" else asked.pk
    question = get_object_or_404(rows.public().with_support().select_related("session", "entity"), pk=number)
    question.dialogue = dialogue
    return question


# Reading --------------------------------------------------------------------------------------------------------


@require_safe
@follow_moved
def questions(request: HttpRequest, slug: str) -> HttpResponse:
    """All that is public, in groups. `?question=` opens the page of a long list that holds it."""
    dialogue = get_dialogue(request, slug)
    order = list(Question.objects.public().filter(dialogue=dialogue).in_groups().values_list("pk", "uid"))
    paginator = Paginator([number for number, _uid in order], PAGE_SIZE)
    number = request.GET.get("page", "1")
    if wanted := request.GET.get("question", ""):
        places = (place for place, (_number, uid) in enumerate(order) if uid.hex[:8] == wanted)
        number = str(next(places, 0) // PAGE_SIZE + 1)
    try:
        page_obj = paginator.page(number)
    except InvalidPage as error:
        raise Http404 from error
    rows = Question.objects.filter(pk__in=page_obj.object_list).for_listing().in_groups() if order else []
    if page_obj.number > 1:
        request.canonical_parameters = [("page", str(page_obj.number))]  # type: ignore[attr-defined]
    context = {
        "groups": shown.grouped(shown.show(question, dialogue) for question in rows),
        "total": len(order),
        "page_obj": page_obj,
        "is_open": dialogue.questions_are_open(),
        "period": _period(dialogue),
    }
    return render(request, "dialogue/questions.html", {**page(request, dialogue, "questions"), **context})


@require_safe
@follow_moved
def questions_csv(request: HttpRequest, slug: str) -> HttpResponseBase:
    dialogue = get_dialogue(request, slug)
    rows = Question.objects.public().filter(dialogue=dialogue).for_listing().in_groups()
    lines = [shown.row(shown.show(question, dialogue)) for question in rows]
    response = csv_file(f"{dialogue.slug}-questions", shown.COLUMNS, lines)
    response["X-Robots-Tag"] = "noindex"
    return response


WHO = ("participation__person", "participation__entity", "entity")
TYPES = {"bib": "application/x-bibtex", "ris": "application/x-research-info-systems"}


@require_safe
@follow_moved
def answer_cite(request: HttpRequest, slug: str, uid: UUID, format: str) -> HttpResponse:
    """The citation of an answer as a file: BibTeX, RIS or CSL-JSON."""
    if format not in {*TYPES, "json"}:
        raise Http404
    dialogue = get_dialogue(request, slug)
    rows = Answer.objects.public().select_related("question__session", *WHO)
    answer = get_object_or_404(rows, uid=uid, question__dialogue=dialogue)
    answer.question.dialogue = dialogue
    if format == "json":
        options = {"ensure_ascii": False, "indent": 1}
        response: HttpResponse = JsonResponse([shown.csl(answer)], safe=False, json_dumps_params=options)
        response["Content-Type"] = "application/vnd.citationstyles.csl+json; charset=utf-8"
    else:
        content = shown.citation_file(answer, format)
        response = HttpResponse(content, content_type=f"{TYPES[format]}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{answer.anchor}.{format}"'
    response["X-Robots-Tag"] = "noindex"
    return response


# Asking and supporting ------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@follow_moved
def ask(request: HttpRequest, slug: str) -> HttpResponse:
    """For people who registered. Without a registration the page says how to come to one."""
    dialogue = get_dialogue(request, slug)
    attendance = current(request, dialogue)
    is_open = dialogue.questions_are_open()
    form = None
    status = 200
    if attendance is not None and is_open:
        sessions = Session.objects.public().filter(dialogue=dialogue, state="published").in_order()
        form = AskForm(request.POST or None, sessions=sessions)
        if request.method == "POST" and form.is_valid() and _ask(request, dialogue, attendance, form):
            return redirect(request.path)
        status = 429 if form.has_error(NON_FIELD_ERRORS, "often") else 200
    elif request.method == "POST":
        status = 403
    context = {
        "form": form,
        "attendance": attendance,
        "is_open": is_open,
        "period": _period(dialogue),
        "mine": _mine(attendance),
    }
    return _private(request, "ask", dialogue, context, status)


def _ask(request: HttpRequest, dialogue: Dialogue, attendance: Attendance, form: AskForm) -> bool:
    """Whether it was taken down; else the form says why not."""
    if not _within(request, "ask", str(attendance.uid)):
        form.add_error(
            None,
            ValidationError(_("These were many questions in an hour: send this one a little later."), code="often"),
        )
        return False
    try:
        actions.ask(
            dialogue=dialogue, attendance=attendance, text=form.cleaned_data["text"],
            language=form.cleaned_data["language"], is_named=form.cleaned_data["is_named"],
            session=form.cleaned_data.get("session"),
        )  # fmt: skip
    except ValidationError as error:
        form.add_error(None, error)
        return False
    messages.success(
        request,
        _("Your question was received. A moderator reads it first; then you are told by e-mail what became of it."),
    )
    return True


def _mine(attendance: Attendance | None) -> list[Question]:
    """What this person asked, the last first."""
    if attendance is None:
        return []
    rows = attendance.questions.select_related("dialogue", "merged_into").order_by("-created_at")
    found = list(rows[:20])
    for question in found:
        question.listed_at = shown.address(question) if question.state != "pending" else ""  # type: ignore[attr-defined]
        if question.state == "declined" and question.published_at is None:
            question.listed_at = ""  # type: ignore[attr-defined]
    return found


def _private(
    request: HttpRequest, name: str, dialogue: Dialogue, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """A page below the list of questions, made for one person."""
    request.noindex = True  # type: ignore[attr-defined]
    frame = page(request, dialogue, "questions")
    frame["crumbs"] = [*frame["crumbs"], (_("Questions"), reverse("dialogue:questions", args=[dialogue.slug]))]
    return render(request, f"dialogue/{name}.html", {**frame, **context}, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@follow_moved
def support(request: HttpRequest, slug: str, uid: UUID) -> HttpResponse:
    """A question with one button: to support it, or to take the support back."""
    dialogue = get_dialogue(request, slug)
    question = _public_question(dialogue, uid)
    attendance = current(request, dialogue)
    error, status = "", 200
    if request.method == "POST" and attendance is None:
        status = 403
    elif request.method == "POST" and attendance is not None:
        if not _within(request, "support", str(attendance.uid)):
            return ratelimit.respond_429(request)
        takes_back = request.POST.get("act") == "withdraw"
        try:
            act = actions.withdraw_support if takes_back else actions.support
            act(question=question, attendance=attendance)
        except ValidationError as refusal:
            error, status = refusal.messages[0], 409
        else:
            messages.success(
                request, _("You no longer support this question.") if takes_back else _("You support this question.")
            )
            return redirect(reverse("dialogue:support", args=[dialogue.slug, question.uid]))
    context = {
        "question": question,
        "words": shown.words(question),
        "attendance": attendance,
        "supports": attendance is not None and question.support.filter(attendance=attendance).exists(),
        "is_open": dialogue.questions_are_open() and question.state in actions.OPEN,
        "error": error,
        "back_url": shown.address(question),
    }
    return _private(request, "support", dialogue, context, status)


# Answering in writing -------------------------------------------------------------------------------------------


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@follow_moved
def answer(request: HttpRequest, slug: str, uid: UUID) -> HttpResponse:
    """A focal point answers for an entity; the answer is a draft until staff publish it."""
    dialogue = get_dialogue(request, slug)
    question, user = _public_question(dialogue, uid), cast("User", request.user)
    mine = permissions.entities_of(user)
    entities = [entity for entity in mine if permissions.can_answer(user, question, entity)]
    if not entities or question.state == "declined":
        raise PermissionDenied
    drafts = question.answers.filter(entity__in=entities, participation__isnull=True, published_at__isnull=True)
    draft = drafts.order_by("-modified_at").first()
    form = AnswerForm(request.POST or None, entities=entities, initial=_initial(draft))
    if request.method == "POST" and form.is_valid():
        if not _within(request, "answer", str(user.pk)):
            return ratelimit.respond_429(request)
        try:
            actions.write_answer(question=question, by=user, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("Your answer was received. It appears here once the secretariat publishes it."))
            return redirect(request.path)
    context = {
        "question": question,
        "words": shown.words(question),
        "form": form,
        "draft": draft,
        "entity": entities[0] if len(entities) == 1 else None,
        "back_url": shown.address(question),
    }
    return _private(request, "answer", dialogue, context)


def _initial(draft: Answer | None) -> dict[str, Any]:
    if draft is None:
        return {}
    return {
        "entity": draft.entity_id, "text": draft.original, "language": draft.language, "source_url": draft.source_url,
    }  # fmt: skip


# The moderator's desk -------------------------------------------------------------------------------------------

View = Callable[..., HttpResponseBase]

STEPS: dict[str, Any] = {"decline": DeclineForm, "merge": MergeForm, "answered": AnsweredForm}  # each has its own page
ACTS: dict[str, Callable[..., Any]] = {
    "publish": actions.publish,
    "stage": actions.put_on_stage,
    "unstage": actions.take_off_stage,
    "reopen": actions.reopen,
    "unmerge": actions.unmerge,
    "take-back": actions.take_back,
    "decline": actions.decline,
    "merge": actions.merge,
    "answered": actions.answer_on_stage,
}
ORDER = {"up": True, "down": False}


def desk_page(view: View) -> View:
    """The secret address is the key of every form here, known to no other site.

    So these pages need no token against forged requests, set no cookie, and can forbid every referrer (with which browsers
    would send no origin for such a token to be checked).
    """

    @csrf_exempt
    @never_cache
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def wrapper(request: HttpRequest, slug: str, token: str) -> HttpResponseBase:
        with pghistory.context(url=request.path.replace(token, "…")):  # staff read the history, with its addresses
            response = view(request, slug=slug, token=token)
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        response._has_been_logged = True  # type: ignore[attr-defined]  # Django would log the address of a refusal
        return response

    return wrapper


@desk_page
@follow_moved
def desk(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """Lists what waits and what is open; POST does one step and leads back here."""
    dialogue = get_dialogue(request, slug)
    request.noindex = True  # type: ignore[attr-defined]
    if not desks.opens(dialogue, token):
        return render(request, "dialogue/desk_closed.html", {"dialogue": dialogue}, status=410)
    if request.method == "POST":
        return _desk_act(request, dialogue)
    act = request.GET.get("act", "")
    if act in STEPS:
        question = _of_desk(dialogue, request.GET.get("question", ""))
        return _desk_step(request, dialogue, question, act, STEPS[act](dialogue=dialogue, question=question))
    return _desk_list(request, dialogue)


def _of_desk(dialogue: Dialogue, uid: str) -> Question:
    form = DeskForm({"question": uid})
    if not form.is_valid():
        raise Http404
    question = get_object_or_404(
        Question.objects.filter(dialogue=dialogue).select_related("session"), uid=form.cleaned_data["question"]
    )
    question.dialogue = dialogue
    return question


def _desk_act(request: HttpRequest, dialogue: Dialogue) -> HttpResponse:
    act = request.POST.get("act", "")
    if act not in ACTS and act not in ORDER:
        raise Http404
    question = _of_desk(dialogue, request.POST.get("question", ""))
    by = cast("User", request.user) if is_staff(request) and permissions.can_moderate(request.user) else None
    if act in ORDER:
        do: Callable[[], Any] = partial(actions.reorder, question=question, by=by, up=ORDER[act])
    else:
        facts: dict[str, Any] = {}
        if act in STEPS:
            form = STEPS[act](request.POST, dialogue=dialogue, question=question)
            if not form.is_valid():
                return _desk_step(request, dialogue, question, act, form)
            facts = form.cleaned_data
        do = partial(ACTS[act], question=question, by=by, seen=request.POST.get("seen", ""), **facts)
    try:
        do()
    except ValidationError as error:
        return _desk_list(request, dialogue, error=error.messages[0], about=question)
    return redirect(f"{request.path}?done={act}#{question.anchor}")


def _desk_step(
    request: HttpRequest, dialogue: Dialogue, question: Question, act: str, form: forms.Form
) -> HttpResponse:
    """What a step needs to know, on a page of its own."""
    into: Any = form.fields.get("into") or form.fields.get("participation")
    context = {
        "dialogue": dialogue,
        "question": question,
        "words": shown.words(question),
        "act": act,
        "title": _step_title(act),
        "seen": request.POST.get("seen") or question.state,
        "form": form,
        "is_empty": into is not None and not into.queryset.exists(),
        "desk_url": request.path,
    }
    return render(request, "dialogue/desk_step.html", context)


def _step_title(act: str) -> str:
    return {
        "decline": _("Decline a question"),
        "merge": _("Merge a question"),
        "answered": _("Who answered?"),
    }[act]


def _desk_list(
    request: HttpRequest, dialogue: Dialogue, *, error: str = "", about: Question | None = None
) -> HttpResponse:
    rows = Question.objects.filter(dialogue=dialogue).select_related("session", "merged_into")
    by_state: dict[str, list[Any]] = {}
    for question in rows.in_groups():
        question.dialogue = dialogue
        question.words = shown.words(question)
        by_state.setdefault(question.state, []).append(question)
    waiting = sorted(by_state.get("pending", []), key=lambda row: (row.origin == "prepared", row.created_at))
    context = {
        "dialogue": dialogue,
        "on_stage": by_state.get("on-stage", []),
        "waiting": waiting,
        "published": by_state.get("published", []),
        "closed": [row for state in (*actions.ANSWERED, "declined", "merged") for row in by_state.get(state, [])],
        "done": _done(request.GET.get("done", "")),
        "error": error,
        "about": about,
        "desk_url": request.path,
        "expires": instant_words(desks.expires_at(dialogue), dialogue.zone, dialogue.place),
    }
    return render(request, "dialogue/desk.html", context, status=409 if error else 200)


def _done(act: str) -> str:
    return {
        "publish": _("The question is published."),
        "decline": _("The question is declined, and the asker is told the reason."),
        "merge": _("The questions are merged."),
        "unmerge": _("The question stands for itself again."),
        "stage": _("The question is on stage."),
        "unstage": _("The question is no longer on stage."),
        "answered": _("The question is answered. Staff complete the answer and publish it."),
        "reopen": _("The question is open again."),
        "take-back": _("The question waits for moderation again."),
        "up": _("The order is changed."),
        "down": _("The order is changed."),
    }.get(act, "")
