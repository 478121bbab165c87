"""Which dialogues, sessions, people and papers. Public pages start at `public()`."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Case, Count, Exists, F, OuterRef, Prefetch, Q, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

if TYPE_CHECKING:
    from dialogue.models import (  # noqa: F401
        Answer,
        Attendance,
        Dialogue,
        Document,
        Participation,
        Person,
        Question,
        Session,
        Statement,
    )

QUESTION_GROUPS = ("on-stage", "published", "answered", "answered-in-writing", "declined")  # in the order of the page
MOST_POSITIONS = 32_767  # of a small positive integer


class DialogueQuerySet(models.QuerySet["Dialogue"]):
    def public(self) -> Self:
        """Published, whatever became of them: a cancelled one keeps its page."""
        return self.exclude(status="draft")

    def real(self) -> Self:
        """Not made up for the demonstration: what counts, feeds and the sitemap hold."""
        return self.filter(is_example=False)

    def held(self, *, at: datetime | None = None) -> Self:
        return self.exclude(status="cancelled").filter(ends_at__lte=at or timezone.now())

    def upcoming(self, *, at: datetime | None = None) -> Self:
        return self.exclude(status="cancelled").filter(starts_at__gt=at or timezone.now())

    def live(self, *, at: datetime | None = None) -> Self:
        now = at or timezone.now()
        return self.exclude(status="cancelled").filter(starts_at__lte=now, ends_at__gt=now)


class SessionQuerySet(models.QuerySet["Session"]):
    def public(self) -> Self:
        """Sessions that are not held back, of dialogues that are published."""
        return self.exclude(state="draft").exclude(dialogue__status="draft")

    def in_order(self) -> Self:
        """By time where it is known, else by position."""
        return self.order_by("starts_at", "position", "pk")


class PersonQuerySet(models.QuerySet["Person"]):
    def public(self) -> Self:
        """People with a part in something published."""
        return self.filter(participations__in=_public_parts()).distinct()

    def real(self) -> Self:
        return self.filter(is_example=False)


class ParticipationQuerySet(models.QuerySet["Participation"]):
    def public(self) -> Self:
        """Parts in published dialogues; in sessions only where these are not held back."""
        return self.exclude(dialogue__status="draft").exclude(session__state="draft")

    def for_listing(self) -> Self:
        return self.select_related("person", "entity", "session", "dialogue").order_by("position", "pk")


def _public_parts() -> Any:
    from dialogue.models import Participation  # noqa: PLC0415  the models import this module

    return Participation.objects.public()


class QuestionQuerySet(models.QuerySet["Question"]):
    def public(self) -> Self:
        """What a moderator let through, and what was declined after it was public; merged ones stand with the other.

        Not what belongs to a session that is held back.
        """
        return (
            self.exclude(dialogue__status="draft")
            .exclude(session__state="draft")
            .filter(
                Q(state__in=["published", "on-stage", "answered", "answered-in-writing"])
                | Q(state="declined", published_at__isnull=False)
            )
        )

    def pending(self) -> Self:
        return self.filter(state="pending")

    def with_support(self) -> Self:
        """Adds `support_count`: people who support it or one merged into it, and those who asked a merged one.

        Each person counts once, the asker not at all.
        """
        from dialogue.models import Question, QuestionSupport  # noqa: PLC0415  the models import this module

        itself = Question.objects.filter(Q(pk=OuterRef(OuterRef("pk"))) | Q(merged_into=OuterRef(OuterRef("pk"))))
        supporters = (
            QuestionSupport.objects.filter(question__in=itself.values("pk"))
            .exclude(attendance=Coalesce(OuterRef("attendance"), 0))
            .order_by()
            .annotate(one=Value(1))
            .values("one")
            .annotate(number=Count("attendance", distinct=True))
        )
        supports_too = QuestionSupport.objects.filter(
            attendance=OuterRef("attendance"),
            question__in=Question.objects.filter(
                Q(pk=OuterRef(OuterRef("merged_into"))) | Q(merged_into=OuterRef(OuterRef("merged_into")))
            ).values("pk"),
        )
        askers = (
            Question.objects.filter(~Exists(supports_too), merged_into=OuterRef("pk"), origin="asked")
            .exclude(attendance=Coalesce(OuterRef("attendance"), 0))
            .order_by()
            .annotate(one=Value(1))
            .values("one")
            .annotate(number=Count(Coalesce("attendance", -F("pk")), distinct=True))
        )
        return self.annotate(
            support_count=Coalesce(Subquery(supporters.values("number")), 0)
            + Coalesce(Subquery(askers.values("number")), 0)
        )

    def in_groups(self) -> Self:
        """On stage, open, answered, answered in writing, declined. Prepared ones first, in their order; then by support."""
        ranks = [When(state=state, then=rank) for rank, state in enumerate(QUESTION_GROUPS)]
        return self.with_support().order_by(
            Case(*ranks, default=len(ranks)),
            Case(When(origin="prepared", then=F("position")), default=MOST_POSITIONS),
            "-support_count",
            "created_at",
            "pk",
        )

    def for_listing(self) -> Self:
        """With what the public list shows of each, two queries more."""
        from dialogue.models import Answer, Question  # noqa: PLC0415  the models import this module

        merged = Question.objects.filter(origin="asked").only("merged_into", "asked_by", "asked_for")
        return (
            self.with_support()
            .select_related("session", "entity__merged_into")
            .prefetch_related(
                Prefetch("merged", queryset=merged.order_by("created_at", "pk")),
                Prefetch("answers", queryset=Answer.objects.published().with_who()),
            )
        )


class AnswerQuerySet(models.QuerySet["Answer"]):
    def published(self) -> Self:
        return self.filter(published_at__isnull=False)

    def public(self) -> Self:
        """Published, of questions that are public."""
        from dialogue.models import Question  # noqa: PLC0415  the models import this module

        return self.published().filter(question__in=Question.objects.public())

    def with_who(self) -> Self:
        return self.select_related("participation__person", "participation__entity", "entity__merged_into")


class OutcomeQuerySet(models.QuerySet[Any]):
    def public(self) -> Self:
        return self.exclude(dialogue__status="draft")


class DocumentQuerySet(models.QuerySet["Document"]):
    def of_public_dialogues(self) -> Self:
        return self.exclude(dialogue__status="draft").exclude(session__state="draft")

    def public(self, *, at: datetime | None = None) -> Self:
        """For everyone, after any embargo; of resources the published ones."""
        return self.for_audiences("public", at=at)

    def for_audiences(self, *audiences: str, at: datetime | None = None) -> Self:
        now = at or timezone.now()
        return (
            self.of_public_dialogues()
            .filter(Q(embargo_until__isnull=True) | Q(embargo_until__lte=now), audience__in=audiences)
            .filter(Q(resource__isnull=True) | Q(resource__state="published"))
        )

    def for_listing(self) -> Self:
        return self.select_related("dialogue", "session", "resource").order_by("position", "pk")


class StatementQuerySet(models.QuerySet["Statement"]):
    def public(self) -> Self:
        return self.filter(state="published").exclude(dialogue__status="draft").exclude(session__state="draft")


class AttendanceQuerySet(models.QuerySet["Attendance"]):
    def seated(self) -> Self:
        return self.filter(state__in=["confirmed", "attended"])

    def of_the_same_person(self, attendance: "Attendance") -> Self:
        """Registrations with the address of this one that were confirmed by a code; the last of each dialogue."""
        mine = Q(pk=attendance.pk)
        if attendance.email:
            mine |= Q(email__iexact=attendance.email, confirmed_at__isnull=False)
        rows = self.filter(mine).exclude(dialogue__status="draft")
        return rows.order_by("dialogue_id", "-created_at").distinct("dialogue_id")

    def waiting(self) -> Self:
        """In line for a place, the first first."""
        return self.filter(state="waiting-list").order_by("confirmed_at", "pk")

    def listed_to(self, category: str = "") -> Self:
        """People who agreed to be seen: by everyone, and by those of their own category."""
        return self.seated().filter(
            Q(consent="public") | Q(consent="own-category", category=category) if category else Q(consent="public")
        )
