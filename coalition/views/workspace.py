"""An entity's people at work: find or add the entity, apply, keep profile, people, initiatives and pledges."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import pghistory
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from coalition import actions, ceremony, lookalikes
from coalition.clock import FAMILIES, REVIEW_DAYS, clock, history
from coalition.eligibility import PRIVATE_SECTOR, WHO_SIGNS
from coalition.forms.workspace import (
    STEPS,
    FactsForm,
    FindForm,
    HeadForm,
    NewEntityForm,
    NominationForm,
    PledgeConfirmationForm,
    ProfileForm,
    RoleForm,
    WorkForm,
)
from coalition.models import Entity, Mandate, Membership, Round
from coalition.permissions import can_ask_head, can_edit_application, can_manage, is_focal_point
from coalition.views.ceremony import preview
from ewaste_portal import vocabularies
from ewaste_portal.views import error_page

RATES = {
    "search": "60/m/user",
    "add": "5/h/user,20/h/ip",  # new entities
    "ask": "10/h/user",  # requests to act for an entity
    "mail": "5/h/user",  # mails to people who did not ask for them
    "confirm": "20/h/ip",
}
DRAFT = ("draft", "returned")

View = Callable[..., HttpResponse]


def within_rate(request: HttpRequest, action: str) -> bool:
    return bool(ratelimit.consume(request, app="coalition", action=action, config=RATES, limit_get=True))


def crumbs(*more: tuple[str, str]) -> list[tuple[str, str]]:
    return [(_("Coalition"), reverse("coalition:home")), *more]


def tell_refusal(request: HttpRequest, error: ValidationError) -> None:
    for sentence in error.messages:
        messages.error(request, sentence)


# Joining ----------------------------------------------------------------------------------------------------


@require_safe
def join(request: HttpRequest) -> HttpResponse:
    """How to join: who may sign, both tracks, how long it takes. A signed-in person also finds the entity here."""
    context: dict[str, Any] = {
        "who_signs": [
            (vocabularies.label("entity_kind", kind), *WHO_SIGNS[kind]) for kind in vocabularies.codes("entity_kind")
        ],
        "crumbs": crumbs(),
        "review_days": REVIEW_DAYS,
    }
    if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
        context |= _finding(request)
    return render(request, "coalition/join.html", context)


def _finding(request: HttpRequest) -> dict[str, Any]:
    user: Any = request.user
    form = FindForm(request.GET or None)
    words = form.cleaned_data["q"] if form.is_bound and form.is_valid() else ""
    domain = lookalikes.own_domain(user.email)
    if words:
        request.noindex = True  # type: ignore[attr-defined]
    return {
        "form": form,
        "words": words,
        "results": lookalikes.find(words, domains=[domain]) if words or domain else [],
        "own_domain": domain,
        "mandates": Mandate.objects.holding()
        .filter(user=user, role__in=["focal-point", "assistant"], entity__merged_into=None)
        .select_related("entity"),
    }


@require_safe
@never_cache
@login_required
def look_alikes(request: HttpRequest) -> HttpResponse:
    """JSON for hints while typing: entities like `q`, with name, kind, country and the address where one asks to act for it."""
    form = FindForm(request.GET)
    if not within_rate(request, "search") or not form.is_valid():
        return JsonResponse({"entities": []}, status=200 if form.is_valid() else 400)
    found = lookalikes.find(
        form.cleaned_data["q"],
        domains=[lookalikes.host(request.GET.get("website", ""))],
        country=request.GET.get("country", "")[:3],
        most=5,
    )
    return JsonResponse({
        "entities": [
            {
                "name": entity.official_name,
                "about": ", ".join(str(part) for part in (entity.get_kind_display(), entity.country) if part),
                "url": reverse("coalition:join_entity", args=[entity.slug]),
            }
            for entity in found
        ]
    })  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def join_new(request: HttpRequest) -> HttpResponse:
    """Adds an entity. What looks alike is shown first; then the person asks to act for the new one."""
    user: Any = request.user
    similar: list[Entity] = []
    form = NewEntityForm(request.POST or None, initial={"official_name_en": request.GET.get("name", "")[:300]})
    if request.method == "POST" and form.is_valid():
        similar = [] if form.cleaned_data["is_new"] else form.look_alikes(domain=lookalikes.own_domain(user.email))
        if not similar:
            if not within_rate(request, "add"):
                return error_page(request, 429)
            entity = form.keep()
            if entity is not None:
                return redirect(_ask(request, entity, "focal-point"))
    return render(
        request, "coalition/join_new.html",
        {"form": form, "similar": similar, "crumbs": crumbs((_("Join the Coalition"), reverse("coalition:join")))},
    )  # fmt: skip


def _ask(request: HttpRequest, entity: Entity, role: str) -> str:
    """Asks for the role; the address to go to next."""
    user: Any = request.user
    try:
        mandate = actions.request_role(entity=entity, by=user, role=role)
    except ValidationError as error:
        tell_refusal(request, error)
        return reverse("coalition:join_entity", args=[entity.slug])
    if mandate.confirmed_at:
        messages.success(request, _("You are the focal point: your address is of the entity's own domain."))
        return reverse("coalition:workspace", args=[entity.slug])
    messages.success(request, _("Your request is on its way. You are told by mail when it is answered."))
    return reverse("coalition:join_entity", args=[entity.slug])


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def join_entity(request: HttpRequest, slug: str) -> HttpResponse:
    """Asks to act for an entity that is here."""
    entity = get_object_or_404(Entity.objects.select_related("country", "merged_into"), slug=slug)
    if entity.merged_into:
        return redirect("coalition:join_entity", entity.merged_into.slug)
    form = RoleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if not within_rate(request, "ask"):
            return error_page(request, 429)
        return redirect(_ask(request, entity, form.cleaned_data["role"]))
    user: Any = request.user
    mine = list(Mandate.objects.holding().filter(entity=entity, user=user, role__in=["focal-point", "assistant"]))
    context = {
        "entity": entity,
        "form": form,
        "mine": next(iter(sorted(mine, key=lambda mandate: mandate.confirmed_at is None)), None),
        "has_focal_point": Mandate.objects.holding().confirmed().filter(entity=entity, role="focal-point").exists(),
        "same_domain": lookalikes.own_domain(user.email) in {domain.lower() for domain in entity.domains},
        "crumbs": crumbs((_("Join the Coalition"), reverse("coalition:join"))),
    }
    return render(request, "coalition/join_entity.html", context)


@require_safe
@never_cache
@login_required
def own_work(request: HttpRequest) -> HttpResponse:
    """After signing in: the workspace, or the choice where a person acts for several entities; else the own account."""
    user: Any = request.user
    slugs = list(Entity.objects.standing().managed_by(user).values_list("slug", flat=True)[:2])
    if not slugs:
        return redirect("account_email")
    return redirect("coalition:workspace", slugs[0]) if len(slugs) == 1 else redirect("coalition:join")


# The workspace ------------------------------------------------------------------------------------------------


def of_entity(view: View) -> View:
    """Passes the entity, to those who may manage it; everybody else finds nothing, whether the address is right or guessed."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @never_cache
    @login_required
    @wraps(view)
    def inner(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponse:
        entity = Entity.objects.standing().select_related("country").filter(slug=slug).first()
        if entity is None or not can_manage(request.user, entity):
            raise Http404
        return view(request, entity, **kwargs)

    return inner


def page(request: HttpRequest, template: str, entity: Entity, context: dict[str, Any]) -> HttpResponse:
    trail = context.pop("trail", None)
    own = (str(entity), reverse("coalition:workspace", args=[entity.slug]))
    return render(
        request, f"coalition/{template}.html",
        {"entity": entity, "crumbs": crumbs(*([own] if trail is None else [own, *trail])), **context},
    )  # fmt: skip


@of_entity
def workspace(request: HttpRequest, entity: Entity) -> HttpResponse:
    """What is to do, how the applications stand, what the entity offers. POST begins an application or nominates."""
    if request.method == "POST" and "nominate" not in request.POST:
        return _begin(request, entity)
    memberships = list(
        entity.memberships.select_related("round", "nominated_by", "letter")
        .prefetch_related("journal", "invitations__mandate")
        .order_by("-pk")
    )
    nomination = _nomination(request, entity, memberships)
    if isinstance(nomination, HttpResponse):
        return nomination
    for membership in memberships:
        membership.entity = entity
    context = {
        "tasks": to_do(request, entity, memberships),
        "files": [_file(request, membership) for membership in memberships],
        "tracks": _tracks(entity, memberships),
        "round": open_round(),
        "form": nomination,
        "initiatives": entity.initiatives.order_by("publication", "title"),
        "pledges": entity.pledges.order_by("publication", "title"),
        "current": "overview",
        "crumbs": crumbs(),
    }
    return page(request, "workspace", entity, context)


def _begin(request: HttpRequest, entity: Entity) -> HttpResponse:
    track = request.POST.get("track", "")
    if track not in Membership.Track.values or (track == "supporter" and entity.kind not in PRIVATE_SECTOR):
        raise Http404
    user: Any = request.user
    try:
        actions.begin(entity=entity, by=user, track=track, round=open_round())
    except ValidationError as error:
        tell_refusal(request, error)
        return redirect("coalition:workspace", entity.slug)
    return redirect("coalition:workspace_application", entity.slug, track, "entity")


def open_round() -> Round | None:
    today = timezone.localdate()
    return Round.objects.filter(Q(closes_on=None) | Q(closes_on__gte=today), opens_on__lte=today).first()


def _tracks(entity: Entity, memberships: list[Membership]) -> list[tuple[str, str]]:
    """The tracks on which the entity can apply now."""
    taken = {membership.track for membership in memberships if membership.is_open}
    offered = ["signatory", *(["supporter"] if entity.kind in PRIVATE_SECTOR else [])]
    labels = {"signatory": _("Apply as a signatory"), "supporter": _("Apply as a supporter")}
    return [(track, labels[track]) for track in offered if track not in taken]


def _file(request: HttpRequest, membership: Membership) -> dict[str, Any]:
    """How one application stands, for the page. The Head's reason for declining is for the secretariat alone."""
    asked = ceremony.pending(membership) if membership.state == "active" else None
    return {
        "asked": asked,
        "may_ask": can_ask_head(request.user, membership),
        "membership": membership,
        "family": FAMILIES.get(membership.state, "quiet"),
        "clock": None if membership.is_recorded else clock(membership),
        "reason": membership.reason if membership.state in {"returned", "rejected", "suspended", "removed"} else "",
        "history": history(membership),
        "invitation": next(iter(membership.invitations.all()), None),
        "can_edit": membership.state in DRAFT,
        "can_ask_officer": membership.track == "supporter"
        and membership.state == "review"
        and not membership.confirmed_at,
    }


def to_do(request: HttpRequest, entity: Entity, memberships: list[Membership]) -> list[tuple[str, str]]:
    """Sentence and address for each thing that waits for the entity's people."""
    items = []
    for membership in memberships:
        if membership.state in DRAFT:
            address = reverse("coalition:workspace_check", args=[entity.slug, membership.track])
            gaps = actions.missing(membership)
            if membership.state == "returned":
                items.append((_("Change what the secretariat asks for, and send the application again."), address))
            elif gaps:
                step = next(step for step in STEPS if any(_step_of(field) == step for field, _sentence in gaps))
                items.append(
                    (
                        _("Finish the application."),
                        reverse("coalition:workspace_application", args=[entity.slug, membership.track, step]),
                    )
                )
            else:
                items.append((_("Check the application and send it."), address))
    waiting = Mandate.objects.waiting().filter(entity=entity).count()
    if waiting and is_focal_point(request.user, entity):
        words = ngettext(
            "Answer %(count)d person who asks to act for the entity.",
            "Answer %(count)d persons who ask to act for the entity.",
            waiting,
        )
        items.append((words % {"count": waiting}, reverse("coalition:workspace_people", args=[entity.slug])))
    items += _to_reaffirm(request, entity, memberships)
    profile = reverse("coalition:workspace_profile", args=[entity.slug])
    if not entity.description:
        items.append((_("Say what the entity is: its page has no description."), profile))
    if not entity.domains:
        items.append((_("Name the entity's mail domains: colleagues are recognized by them."), profile))
    if not all(getattr(entity, f"official_name_{column}") for column in vocabularies.COLUMNS.values()):
        items.append((_("Give the entity's name in all six languages."), profile))
    return items


def _to_reaffirm(request: HttpRequest, entity: Entity, memberships: list[Membership]) -> list[tuple[str, str]]:
    """A new Head is in office who has neither reaffirmed nor been asked to."""
    items: list[tuple[str, str]] = []
    for membership in memberships:
        if can_ask_head(request.user, membership) and ceremony.pending(membership) is None:
            head = ceremony.new_head(membership)
            if head is not None:
                name = format_html("<bdi>{}</bdi>", head.name)
                sentence = format_html(_("Ask the new Head, {name}, to reaffirm the Letter of Intent."), name=name)
                items.append((sentence, reverse("coalition:workspace_ask", args=[entity.slug, "reaffirmation"])))
    return items


def _nomination(
    request: HttpRequest, entity: Entity, memberships: list[Membership]
) -> NominationForm | HttpResponse | None:
    """The form, where a signatory may nominate now; a redirect once somebody is nominated."""
    current = open_round()
    if current is None or not any(m.track == "signatory" and m.state == "active" for m in memberships):
        return None
    form = NominationForm(request.POST if "nominate" in request.POST else None, prefix="nominee")
    if not form.is_bound or not form.is_valid():
        return form
    if not within_rate(request, "mail"):
        return error_page(request, 429)
    user: Any = request.user
    try:
        with transaction.atomic():
            nominee = form.entity()
            if nominee is not None:
                actions.nominate(
                    entity=nominee, by=user, sponsor=entity, round=current, email=form.cleaned_data["email"]
                )
    except ValidationError as error:
        form.add_error(None, error)
        return form
    if nominee is None:
        return form
    messages.success(
        request, _("%(entity)s is nominated: a draft waits for it, and a mail is on its way.") % {"entity": nominee}
    )
    return redirect("coalition:workspace", entity.slug)


def is_settled(entity: Entity) -> bool:
    """A review or a signature rests on the entity's name: it is no longer changed here."""
    return entity.memberships.filter(state__in=["review", "signing", "signed", "active", "suspended"]).exists()


@of_entity
def workspace_profile(request: HttpRequest, entity: Entity) -> HttpResponse:
    """What the public page tells of the entity."""
    settled = is_settled(entity)
    form = ProfileForm(request.POST or None, request.FILES or None, instance=entity, locked=settled)
    if request.method == "POST" and form.is_valid() and form.keep():
        messages.success(request, _("The profile is saved."))
        return redirect("coalition:workspace", entity.slug)
    # a refused form has written on `entity` what was typed: headings show what is stored
    stored = Entity.objects.select_related("country").get(pk=entity.pk) if form.is_bound else entity
    return page(request, "workspace_profile", stored, {"form": form, "settled": settled, "current": "profile"})


@of_entity
def workspace_people(request: HttpRequest, entity: Entity) -> HttpResponse:
    """Who acts for the entity. The focal point answers requests and ends roles; anybody may end his or her own."""
    user: Any = request.user
    answers = is_focal_point(user, entity)
    people = (
        Mandate.objects.holding().filter(entity=entity, role__in=["focal-point", "assistant"]).select_related("user")
    )
    if request.method == "POST":
        return _change_people(request, entity, answers)
    ending = people.confirmed().filter(pk=_number(request.GET.get("end"))).first()
    if ending is not None and not (answers or ending.user_id == user.pk):
        raise Http404
    context = {
        "people": people.confirmed().order_by("role", "name"),
        "waiting": Mandate.objects.waiting().filter(entity=entity).select_related("user").order_by("created_at"),
        "signers": Mandate.objects.holding().filter(entity=entity, role__in=["head", "delegate"]),
        "answers": answers,
        "join_address": settings.PORTAL_ORIGIN + reverse("coalition:join_entity", args=[entity.slug]),
        "ending": ending,
        "user_id": user.pk,
        "current": "people",
    }
    return page(request, "workspace_people", entity, context)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 10 else 0


def _change_people(request: HttpRequest, entity: Entity, answers: bool) -> HttpResponse:
    user: Any = request.user
    act, pk = request.POST.get("act"), _number(request.POST.get("mandate"))
    if act in {"confirm", "decline"}:
        mandate = get_object_or_404(Mandate.objects.waiting(), entity=entity, pk=pk)
    else:
        act = "end"
        own = Mandate.objects.holding().confirmed().filter(role__in=["focal-point", "assistant"])
        mandate = get_object_or_404(own, entity=entity, pk=pk)
    if not answers and not (act == "end" and mandate.user_id == user.pk):
        raise Http404
    try:
        if act == "confirm":
            actions.confirm_role(mandate=mandate, by=user, how="by the focal point")
            messages.success(request, _("%(name)s now acts for the entity.") % {"name": mandate.name})
        elif act == "decline":
            actions.decline_role(mandate=mandate)
            messages.success(request, _("The request of %(name)s is declined.") % {"name": mandate.name})
        else:
            actions.end_role(mandate=mandate)
            messages.success(request, _("The role of %(name)s has ended.") % {"name": mandate.name})
    except ValidationError as error:
        tell_refusal(request, error)
    gone = act == "end" and mandate.user_id == user.pk
    return redirect("coalition:join") if gone else redirect("coalition:workspace_people", entity.slug)


# After the signature --------------------------------------------------------------------------------------------


@of_entity
def workspace_ask(request: HttpRequest, entity: Entity, purpose: str) -> HttpResponse:
    """What will happen if the Head is asked to reaffirm or to withdraw, and the button. POST `back` takes a request back."""
    if purpose not in {"reaffirmation", "withdrawal"} or not is_focal_point(request.user, entity):
        raise Http404
    memberships = entity.memberships.filter(track="signatory", state="active").select_related("letter")
    membership = memberships.prefetch_related("invitations__mandate").first()
    if membership is None or not can_ask_head(request.user, membership):
        messages.info(request, _("Only an active signatory that signed here can reaffirm or withdraw here."))
        return redirect("coalition:workspace", entity.slug)
    membership.entity = entity
    if request.method == "POST":
        return _ask_head(request, entity, membership, purpose)
    head, obstacle = None, ""
    try:
        head = ceremony.head_to_ask(membership, purpose)
    except ValidationError as error:
        obstacle = error.messages[0]
    context = {
        "membership": membership,
        "purpose": purpose,
        "head": head,
        "obstacle": obstacle,
        "asked": ceremony.pending(membership),
        "days": ceremony.INVITATION_LASTS.days,
    }
    return page(request, "workspace_ask", entity, context)


def _ask_head(request: HttpRequest, entity: Entity, membership: Membership, purpose: str) -> HttpResponse:
    user: Any = request.user
    try:
        if "back" in request.POST:
            ceremony.take_back(membership=membership, by=user)
            messages.success(request, _("The request is taken back: its address opens nothing any more."))
        elif not within_rate(request, "mail"):
            return error_page(request, 429)
        else:
            invitation = ceremony.ask_head(membership=membership, by=user, purpose=purpose)
            messages.success(request, _("A mail is on its way to %(name)s.") % {"name": invitation.mandate.name})
    except ValidationError as error:
        tell_refusal(request, error)
    return redirect("coalition:workspace", entity.slug)


# The application ------------------------------------------------------------------------------------------------


def _step_titles(track: str) -> dict[str, str]:
    signatory = track == "signatory"
    return {
        "entity": _("Your entity"),
        "head": _("Your Head") if signatory else _("Your officer"),
        "work": _("Your work") if signatory else _("Your work and pledge"),
        "check": _("Check answers"),
    }


def _step_of(field: str) -> str:
    return "head" if field in HeadForm.base_fields else "work" if field in WorkForm.base_fields else "entity"


def stepper(track: str, current: str) -> list[dict[str, Any]]:
    titles = _step_titles(track)
    names = list(titles)
    at = names.index(current)
    return [
        {"title": titles[name], "is_done": number < at, "is_current": number == at} for number, name in enumerate(names)
    ]


def _application(request: HttpRequest, entity: Entity, track: str) -> Membership | HttpResponse:
    """The open application of this track, or the way back to the workspace if nothing can be edited."""
    if track not in Membership.Track.values:
        raise Http404
    membership = entity.memberships.filter(
        track=track, state__in=[*DRAFT, "review", "signing", "signed", "active", "suspended"]
    ).first()
    if membership is None:
        raise Http404
    membership.entity = entity
    if not can_edit_application(request.user, membership):
        messages.info(
            request, _("The application has been sent: it can be changed only if the secretariat returns it.")
        )
        return redirect("coalition:workspace", entity.slug)
    return membership


@of_entity
def workspace_application(request: HttpRequest, entity: Entity, track: str, step: str) -> HttpResponse:
    """One step: kept as it is typed, left and taken up again at any time."""
    membership = _application(request, entity, track)
    if isinstance(membership, HttpResponse):
        return membership
    if step not in STEPS:
        raise Http404
    later = "later" in request.POST
    form: Any
    if step == "entity":
        form = FactsForm(request.POST or None, instance=entity, locked=is_settled(entity))
    else:
        form = STEPS[step](request.POST or None, instance=membership, complete=not later)
    if request.method == "POST" and form.is_valid() and _keep(request, form, membership, step):
        return redirect(_after(request, entity, track, step, later=later))
    stored = Entity.objects.select_related("country").get(pk=entity.pk) if form.is_bound else entity
    titles, names = _step_titles(track), list(STEPS)
    at = names.index(step)
    back = reverse("coalition:workspace_application", args=[entity.slug, track, names[at - 1]]) if at else ""
    context = {
        "form": form, "membership": membership, "step": step, "title": titles[step], "number": at + 1, "count": len(titles),
        "steps": stepper(track, step), "back": back, "who_signs": WHO_SIGNS[stored.kind][0], "not_who": WHO_SIGNS[stored.kind][1],
    }  # fmt: skip
    return page(request, "workspace_application", stored, context)


def _keep(request: HttpRequest, form: Any, membership: Membership, step: str) -> bool:
    user: Any = request.user
    try:
        if step != "entity":
            actions.answer(membership=membership, by=user, **form.cleaned_data)
            return True
        with transaction.atomic():
            actions.locked(membership, *DRAFT)
            return form.keep() is not None
    except ValidationError as error:
        tell_refusal(request, error)
        return False


def _after(request: HttpRequest, entity: Entity, track: str, step: str, *, later: bool) -> str:
    if later:
        messages.success(request, _("Your answers are saved. Come back at any time."))
        return reverse("coalition:workspace", args=[entity.slug])
    following = list(STEPS)[list(STEPS).index(step) + 1 :]
    if request.GET.get("from") == "check" or not following:
        return reverse("coalition:workspace_check", args=[entity.slug, track])
    return reverse("coalition:workspace_application", args=[entity.slug, track, following[0]])


@of_entity
def workspace_check(request: HttpRequest, entity: Entity, track: str) -> HttpResponse:
    """All answers with a way to change each; then Send. In review, POST `officer` sends the officer's mail again."""
    if request.method == "POST" and "officer" in request.POST:
        return _ask_officer(request, entity, track)
    membership = _application(request, entity, track)
    if isinstance(membership, HttpResponse):
        return membership
    user: Any = request.user
    if request.method == "POST":
        try:
            actions.submit(membership=membership, by=user)
        except ValidationError as error:
            tell_refusal(request, error)
            return redirect("coalition:workspace_check", entity.slug, track)
        messages.success(request, _("The application is sent. You are told by mail of every step."))
        return redirect("coalition:workspace", entity.slug)
    gaps = [
        (sentence, _change(entity, track, _step_of(field), field)) for field, sentence in actions.missing(membership)
    ]
    context = {
        "membership": membership, "gaps": gaps, "groups": _answers(entity, membership), "steps": stepper(track, "check"),
        "count": len(STEPS) + 1, "back": reverse("coalition:workspace_application", args=[entity.slug, track, "work"]),
    }  # fmt: skip
    return page(request, "workspace_check", entity, context)


def _ask_officer(request: HttpRequest, entity: Entity, track: str) -> HttpResponse:
    membership = get_object_or_404(entity.memberships, track=track, state__in=[*DRAFT, "review"])
    if not within_rate(request, "mail"):
        return error_page(request, 429)
    user: Any = request.user
    try:
        actions.ask_officer(membership=membership, by=user)
        messages.success(request, _("A new mail is on its way to the authorised officer."))
    except ValidationError as error:
        tell_refusal(request, error)
    return redirect("coalition:workspace", entity.slug)


def _change(entity: Entity, track: str, step: str, field: str) -> str:
    return reverse("coalition:workspace_application", args=[entity.slug, track, step]) + f"?from=check#id_{field}"


def _answers(entity: Entity, membership: Membership) -> list[tuple[str, list[dict[str, str]]]]:
    """Per step: label, value, and the address where it is changed."""
    forms: dict[str, Any] = {
        "entity": FactsForm(instance=entity),
        "head": HeadForm(instance=membership),
        "work": WorkForm(instance=membership),
    }
    groups = []
    for step, form in forms.items():
        rows = [
            {
                "label": field.label,
                "value": _shown(form.instance, field.name),
                "url": _change(entity, membership.track, step, field.name),
            }
            for field in form.visible_fields()
        ]
        groups.append((_step_titles(membership.track)[step], rows))
    return groups


def _shown(instance: Any, name: str) -> str:
    value = getattr(instance, name)
    if hasattr(instance, f"get_{name}_display"):
        return str(getattr(instance, f"get_{name}_display")())
    if isinstance(value, bool):
        return _("Yes") if value else ""
    return ", ".join(value) if isinstance(value, list) else str(value or "")


# The supporter's authorised officer --------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def confirm_pledge(request: HttpRequest, token: str) -> HttpResponse:
    """The address in the officer's mail. Opening it changes nothing; the button confirms the pledge."""
    request.noindex = True  # type: ignore[attr-defined]
    try:
        membership = actions.read_pledge_token(token)
    except ValidationError as error:
        return render(
            request,
            "coalition/confirm_pledge_closed.html",
            {"reason": error.messages[0], "crumbs": crumbs()},
            status=410,
        )
    if membership is None:
        raise Http404
    form = PledgeConfirmationForm(
        request.POST or None, initial={"name": membership.head_name, "title": membership.head_title}
    )
    if request.method == "POST" and not membership.confirmed_at and form.is_valid():
        if not within_rate(request, "confirm"):
            return error_page(request, 429)
        try:
            with pghistory.context(url=request.path.replace(token, "…")):  # staff read the history, with its addresses
                actions.confirm_pledge(membership=membership, officer=form.officer)
            return redirect("coalition:confirm_pledge", token)
        except ValidationError as error:
            form.add_error(None, error)
    context = {"membership": membership, "entity": membership.entity, "form": form, "crumbs": crumbs()}
    return render(request, "coalition/confirm_pledge.html", context)


@login_required
@require_safe
@never_cache
def workspace_preview(request: HttpRequest, slug: str) -> HttpResponse:
    """The Head's page as it will be, for those who prepare it."""
    entity = get_object_or_404(Entity, slug=slug)
    if not can_manage(request.user, entity):
        raise Http404
    membership = (
        entity.memberships.filter(track="signatory", origin="application")
        .exclude(state__in=["rejected", "withdrawn", "removed"])
        .order_by("-pk")
        .first()
    )
    if membership is None:
        raise Http404
    return preview(request, membership)
