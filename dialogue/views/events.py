"""The chain of dialogues, one dialogue, its agenda, its sessions."""

from collections.abc import Iterable
from typing import Any

from django.core.paginator import InvalidPage, Paginator
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast, Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, gettext as _
from django.views.decorators.http import require_safe
from django.views.generic import TemplateView

from coalition import signatories
from coalition.models import Entity
from dialogue import chain, programme
from dialogue.exchange import data, programme as exports
from dialogue.forms.chain import ChainFilter
from dialogue.models import (
    Answer,
    DesiredOutput,
    Dialogue,
    Document,
    ExpectedOutcome,
    OutcomeUpdate,
    Participation,
    Question,
    Session,
    Statement,
)
from dialogue.times import instant_words, when
from dialogue.views.shared import crumbs, follow_moved, get_dialogue, is_staff, page
from ewaste_portal import vocabularies
from knowledge.views import script_safe

PER_PAGE = 20  # nodes of the chain
MOST_PEOPLE = 8  # on the overview, beside the moderators
LEADING = ("moderator", "facilitator", "chair")
LISTED = (
    Q(signature__method="historical") | Q(signature__kind="withdrawal") | Q(signature__countersigned_at__isnull=False)
)
# In SQL what dialogue.outcomes.evidence() tells of one row.
PUBLIC_EVIDENCE = (
    Q(resource__state="published")
    | Q(pledge__publication="published")
    | Q(initiative__publication="published")
    | LISTED & (~Q(signature__code="") | Q(signature__letter__published_at__isnull=False))
    | Q(entity__isnull=False, entity__merged_into__isnull=True) & Q(entity__checked_at__isnull=False)
    | Q(entity__merged_into__isnull=False, entity__merged_into__merged_into__isnull=True)
    & Q(entity__merged_into__checked_at__isnull=False)
    | Q(evidence_dialogue__isnull=False) & ~Q(evidence_dialogue__status="draft")
    | Q(evidence_url__startswith="http")
)


class DialogueListView(TemplateView):
    """The chain: what is on or next, then every dialogue, Letter and entity that joined; the made up apart."""

    http_method_names = ["get", "head"]  # noqa: RUF012  as Django declares it
    template_name = "dialogue/dialogue_list.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        nodes = chain.build()
        real, examples = ([node for node in nodes if node.is_example is made_up] for made_up in (False, True))
        form = ChainFilter(self.request.GET or None, nodes=real)
        self._say_what_counts(form)
        shown = [node for node in real if form.passes(node)] if form.is_bound else real
        paginator = Paginator(shown, PER_PAGE)
        try:
            page_obj = paginator.page(self.request.GET.get("page", "1"))
        except InvalidPage as error:
            raise Http404 from error
        return super().get_context_data(
            form=form,
            is_narrowed=bool(form.is_bound and form.chosen),
            page_obj=page_obj,
            nodes=page_obj.object_list,
            examples=[] if form.is_bound else sorted(examples, key=lambda node: not node.is_live),
            now=_now(real),
            **kwargs,
        )

    def _say_what_counts(self, form: ChainFilter) -> None:
        """Narrowed lists are not for search engines; pages of the whole one are."""
        if form.is_bound and (form.chosen or form.errors):
            self.request.noindex = True  # type: ignore[attr-defined]
        elif number := self.request.GET.get("page"):
            self.request.canonical_parameters = [("page", number)]  # type: ignore[attr-defined]


def _now(nodes: Iterable[chain.Node]) -> list[Dialogue]:
    """What is live; else what comes next."""
    found = [node.dialogue for node in nodes if node.dialogue]
    live = [event for event in found if event.phase() == "live"]
    coming = sorted((event for event in found if event.phase() == "upcoming"), key=lambda event: event.starts_at)
    return live or coming[:1]


# The overview ----------------------------------------------------------------------------------------------


@require_safe
@follow_moved
def dialogue_detail(request: HttpRequest, slug: str) -> HttpResponse:
    dialogue = get_dialogue(request, slug)
    leading, others = _people(dialogue)
    context = {
        **page(request, dialogue, "dialogue_detail"),
        **_facts(request, dialogue),
        "figures": _figures(dialogue),
        "leading": leading,
        "people": others[:MOST_PEOPLE],
        "moderator_is_of_the_un": any(part.is_of_the_un for part in leading if part.role == "moderator"),
    }
    if dialogue.is_public:
        context["json_ld"] = _json_ld(dialogue, context["organizers"], [*leading, *others])
    return render(request, "dialogue/dialogue_detail.html", context)


def _json_ld(dialogue: Dialogue, organizers: Iterable[Entity], parts: list[Participation]) -> str:
    """For search engines; one query, for the sessions."""
    sessions = programme.sessions_of(dialogue).defer(*(f"summary_{column}" for column in vocabularies.COLUMNS.values()))
    items = []
    for session in sessions:
        session.dialogue = dialogue
        items.append(exports.Item(session))
    facts = [{"slug": entity.slug, "name": entity.official_name} for entity in organizers]
    return script_safe(data.json_ld(exports.Programme(dialogue, items, parts, organizers=facts)))


def _facts(request: HttpRequest, dialogue: Dialogue) -> dict[str, Any]:
    """What stands in the facts of a dialogue beside its own columns; two queries, of which each waits for its use."""
    with_drafts = is_staff(request)
    followed_by = Dialogue.objects.filter(follows=dialogue, is_example=dialogue.is_example).order_by("starts_at")
    follows = dialogue.follows
    return {
        "organizers": dialogue.organizers.all(),
        "follows": follows if follows and (follows.is_public or with_drafts) else None,
        "followed_by": followed_by if with_drafts else followed_by.public(),
        "previous": _previous(dialogue),
        "languages": [vocabularies.label("language", code) for code in dialogue.working_languages],
        "interpretation": [vocabularies.label("language", code) for code in dialogue.interpretation],
    }


def _previous(dialogue: Dialogue) -> str:
    """When a rescheduled dialogue was to begin."""
    if dialogue.status != Dialogue.Status.RESCHEDULED or dialogue.previous_starts_at is None:
        return ""
    return instant_words(dialogue.previous_starts_at, dialogue.zone, dialogue.place, has_hours=dialogue.has_hours)


def _people(dialogue: Dialogue) -> tuple[list[Participation], list[Participation]]:
    """Who leads it, and others with a part, each named once; entities where no person is known; one query."""
    parts = programme.light(programme.parts_of(dialogue)).annotate(leads=Q(role__in=LEADING))
    parts = parts.order_by("-leads", "position", "pk")[:60]
    once = {(part.person_id or f"entity {part.entity_id}"): part for part in reversed(parts)}
    rows = [part for part in parts if once[part.person_id or f"entity {part.entity_id}"] is part]
    others = [part for part in rows if part.role not in LEADING]
    return [part for part in rows if part.role in LEADING], [part for part in others if part.person] or others


def _figures(dialogue: Dialogue) -> dict[str, Any]:
    """How many signed, how many questions were answered, how many outputs and outcomes have evidence; one query."""

    def aims(model: Any, name: str, *, proved: bool) -> Coalesce:
        rows = model.objects.filter(dialogue=OuterRef("pk"))
        if proved:
            rows = rows.filter(Exists(OutcomeUpdate.objects.filter(PUBLIC_EVIDENCE, **{name: OuterRef("pk")})))
        return _count(rows, "dialogue")

    questions = Question.objects.public().filter(dialogue=OuterRef("pk"))
    answered = questions.filter(state__in=["answered", "answered-in-writing"])
    ceremonies = Session.objects.public().filter(dialogue=OuterRef("pk"), kind="signing-ceremony", state="published")
    row: dict[str, Any] = (
        Dialogue.objects.filter(pk=dialogue.pk)
        .annotate(
            question_count=_count(questions, "dialogue"),
            answered_count=_count(answered, "dialogue"),
            aim_count=aims(DesiredOutput, "desired_output", proved=False)
            + aims(ExpectedOutcome, "expected_outcome", proved=False),
            proved_count=aims(DesiredOutput, "desired_output", proved=True)
            + aims(ExpectedOutcome, "expected_outcome", proved=True),
            signed_count=Coalesce(_signed(dialogue), Value(0)),
            has_ceremony=Exists(ceremonies),
        )
        .values("question_count", "answered_count", "aim_count", "proved_count", "signed_count", "has_ceremony")
        .get()
    )
    return row


def _count(rows: QuerySet, of: str) -> Coalesce:
    """As a subquery; 0 where there is none."""
    return Coalesce(Subquery(rows.order_by().values(of).annotate(number=Count("pk")).values("number")), Value(0))


def _signed(dialogue: Dialogue) -> Any:
    if dialogue.letter is None:
        return Value(0)
    rows = signatories.of(dialogue.letter).order_by().values("letter").annotate(number=Count("pk"))
    return Subquery(rows.values("number"))


# The agenda ------------------------------------------------------------------------------------------------


def _agenda(request: HttpRequest, dialogue: Dialogue) -> tuple[list[programme.Item], list[programme.Role]]:
    """The sessions with their people, and who has a part in the whole dialogue; three queries."""
    with_drafts = is_staff(request)
    documents = Document.objects.public().filter(dialogue=dialogue, session__isnull=False)
    counts = documents.order_by().values_list("session").annotate(number=Count("pk"))
    sessions = programme.sessions_of(dialogue, with_drafts=with_drafts).defer(*_SUMMARIES)
    parts = list(programme.light(programme.parts_of(dialogue, with_drafts=with_drafts)))
    rows = programme.items(dialogue, sessions, parts, dict(counts))
    return rows, programme.by_role(part for part in parts if part.session_id is None)


_SUMMARIES = ["notes", *(f"summary_{column}" for column in vocabularies.COLUMNS.values())]


@require_safe
@follow_moved
def agenda(request: HttpRequest, slug: str) -> HttpResponse:
    dialogue = get_dialogue(request, slug)
    rows, roles = _agenda(request, dialogue)
    context = {
        **page(request, dialogue, "agenda"),
        "days": programme.days(rows),
        "roles": [role for role in roles if role.code in LEADING],
        "current": programme.now_or_next(rows),
        "is_timed": any(item.when for item in rows),
    }
    return render(request, "dialogue/agenda.html", context)


# A session -------------------------------------------------------------------------------------------------


@require_safe
@follow_moved
def session_detail(request: HttpRequest, slug: str, session: str) -> HttpResponse:
    dialogue = get_dialogue(request, slug)
    with_drafts = is_staff(request)
    sessions = programme.sessions_of(dialogue, with_drafts=with_drafts)
    found = sessions.select_related("letter").filter(slug=session).first()
    if found is None:
        raise Http404
    found.dialogue = dialogue
    previous, following = _neighbours(dialogue, sessions, found)
    context = {
        **page(request, dialogue, "agenda"),
        "session": found,
        "session_when": when(found),
        "phase": found.phase(),
        "roles": programme.by_role(
            programme.light(programme.parts_of(dialogue, with_drafts=True)).filter(session=found)
        ),
        "documents": Document.objects.public().filter(session=found).for_listing(),
        "statements": Statement.objects.public().filter(session=found).select_related("entity", "dialogue"),
        "questions": Question.objects.public().filter(session=found),
        "languages": [vocabularies.label("language", code) for code in found.languages],
        "recording": found.recording_url or dialogue.recording_url,
        "previous": previous,
        "next": following,
        "crumbs": [*crumbs(dialogue), (_("Agenda"), f"{dialogue.get_absolute_url()}agenda/")],
    }
    return render(request, "dialogue/session_detail.html", context)


def _neighbours(
    dialogue: Dialogue, sessions: QuerySet[Session], session: Session
) -> tuple[Session | None, Session | None]:
    rows = list(sessions.defer(*_SUMMARIES))
    at = [row.pk for row in rows].index(session.pk)
    for row in rows:
        row.dialogue = dialogue
    return rows[at - 1] if at else None, rows[at + 1] if at + 1 < len(rows) else None


# Everything in one page ------------------------------------------------------------------------------------


@require_safe
@follow_moved
def full(request: HttpRequest, slug: str) -> HttpResponse:
    """Eight queries: made for reading and printing, so without what only leads elsewhere."""
    dialogue = get_dialogue(request, slug)
    with_drafts = is_staff(request)
    sessions = programme.sessions_of(dialogue, with_drafts=with_drafts)
    parts = list(programme.light(programme.parts_of(dialogue, with_drafts=with_drafts)))
    documents = list(Document.objects.public().filter(dialogue=dialogue).for_listing())
    rows = programme.items(dialogue, sessions, parts, {})
    context = {
        **page(request, dialogue, "full"),
        **_facts(request, dialogue),
        "tab": _("The whole dialogue"),
        "days": programme.days(rows),
        "is_timed": any(item.when for item in rows),
        "people": _gathered(parts),
        "documents": documents,
        "aims": _aims(dialogue),
        "questions": _questions(dialogue, parts),
    }
    return render(request, "dialogue/full.html", context)


def _gathered(parts: Iterable[Participation]) -> list[tuple[Participation, list[str]]]:
    """Each person (or entity) once, with the capacity first named and all roles."""
    found: dict[Any, tuple[Participation, list[str]]] = {}
    for part in parts:
        _first, roles = found.setdefault(part.person_id or f"entity {part.entity_id}", (part, []))
        if part.get_role_display() not in roles:
            roles.append(part.get_role_display())
    return list(found.values())


def _aims(dialogue: Dialogue) -> list[dict[str, Any]]:
    """Desired outputs, then expected outcomes, with the last word on each; one query."""
    column = vocabularies.COLUMNS[get_language() or "en"]

    def rows(model: Any, name: str, kind: str) -> QuerySet:
        last = OutcomeUpdate.objects.filter(**{name: OuterRef("pk")}).order_by("-on", "-pk")
        words = {f"last_{field}": Subquery(last.values(field)[:1]) for field in ("status", "on")}
        words |= {
            f"note_{which}": Subquery(last.values_list(f"note_{code}")[:1])
            for which, code in (("own", column), ("english", "en"))
        }
        own, english = Cast(f"text_{column}", TextField()), Cast("text_en", TextField())
        found = model.objects.filter(dialogue=dialogue).order_by()
        found = found.annotate(kind=Value(kind), at=F("position"), text_own=own, text_english=english, **words)
        return found.values("kind", "at", "text_own", "text_english", *words)

    outputs = rows(DesiredOutput, "desired_output", "output")
    union = outputs.union(rows(ExpectedOutcome, "expected_outcome", "outcome"), all=True)
    return [
        {
            "kind": row["kind"],
            "text": row["text_own"] or row["text_english"],
            "language": "" if row["text_own"] else "en",
            "status": vocabularies.label("outcome_status", row["last_status"]) if row["last_status"] else "",
            "on": row["last_on"],
            "note": row["note_own"] or row["note_english"],
            "note_language": "" if row["note_own"] else "en",
        }
        for row in sorted(union, key=lambda row: (row["kind"] != "output", row["at"]))
    ]


def _questions(dialogue: Dialogue, parts: Iterable[Participation]) -> list[Question]:
    """The public questions, each with its published answers as `replies`; two queries."""
    names = {part.pk: part.name for part in parts}
    questions: Any = list(Question.objects.public().filter(dialogue=dialogue))
    replies: dict[int, list[Answer]] = {}
    answers: Any = Answer.objects.public().filter(question__dialogue=dialogue).select_related("entity")
    for answer in answers:
        answer.giver = names.get(answer.participation_id) or answer.entity or ""  # of a session held back: nobody
        replies.setdefault(answer.question_id, []).append(answer)
    for question in questions:
        question.dialogue = dialogue
        question.replies = replies.get(question.pk, [])
    return questions
