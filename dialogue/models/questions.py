"""Questions: prepared by staff or asked by people who registered; nothing appears unmoderated."""

import uuid

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy as _

from dialogue.querysets import AnswerQuerySet, QuestionQuerySet
from ewaste_portal import vocabularies

PUBLIC_STATES = ("published", "on-stage", "answered", "answered-in-writing", "declined", "merged")
IN_ITS_LANGUAGE = Q()
for _code, _column in vocabularies.COLUMNS.items():
    IN_ITS_LANGUAGE |= Q(language=_code) & Q(**{f"text_{_column}__isnull": False}) & ~Q(**{f"text_{_column}": ""})


class InOneLanguage(models.Model):
    """A text in the language in which it was written; translations are in the columns beside it."""

    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES, default="en")

    class Meta:
        abstract = True

    @property
    def original(self) -> str:
        return getattr(self, f"text_{vocabularies.COLUMNS[self.language]}") or ""

    @property
    def shown_language(self) -> str:
        """The reader's language if there is a translation, else that of the original."""
        reader = get_language() or "en"
        return reader if getattr(self, f"text_{vocabularies.COLUMNS[reader]}", "") else self.language

    @property
    def shown_text(self) -> str:
        return getattr(self, f"text_{vocabularies.COLUMNS[self.shown_language]}") or ""

    def write(self, text: str, language: str) -> None:
        """Sets the original, without saving."""
        self.language = language
        setattr(self, f"text_{vocabularies.COLUMNS[language]}", text)


class Question(InOneLanguage):
    class Origin(models.TextChoices):
        PREPARED = "prepared", _("Prepared for the dialogue")
        ASKED = "asked", _("Asked by a participant")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    dialogue = models.ForeignKey(
        "dialogue.Dialogue", models.CASCADE, related_name="questions", verbose_name=_("dialogue")
    )
    session = models.ForeignKey(
        "dialogue.Session", models.SET_NULL, null=True, blank=True, related_name="questions", verbose_name=_("session")
    )
    origin = models.CharField(_("origin"), max_length=20, choices=Origin, default=Origin.PREPARED)
    text = models.TextField(_("question"), max_length=2_000)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    state = models.CharField(
        _("state"), max_length=30, choices=vocabularies.Choices("question_state"), default="pending", editable=False
    )
    reason = models.TextField(_("reason"), blank=True, editable=False, help_text=_("Of a declined question; public."))
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="merged",
        verbose_name=_("merged into"),
    )  # fmt: skip
    attendance = models.ForeignKey(
        "dialogue.Attendance", models.SET_NULL, null=True, blank=True, editable=False, related_name="questions",
        verbose_name=_("registration"),
    )  # fmt: skip
    asked_by = models.CharField(
        _("asked by"), max_length=200, blank=True, help_text=_("As shown; empty: a participant who is not named.")
    )
    asked_for = models.CharField(_("organization"), max_length=200, blank=True)
    entity = models.ForeignKey(
        "coalition.Entity", models.PROTECT, null=True, blank=True, related_name="questions",
        verbose_name=_("asked by the entity"), help_text=_("Or to be answered by it, once it is handed on."),
    )  # fmt: skip
    answer_by = models.DateField(_("to be answered by"), null=True, blank=True)
    created_at = models.DateTimeField(_("asked"), auto_now_add=True)
    published_at = models.DateTimeField(_("published"), null=True, blank=True, editable=False)
    moderated_at = models.DateTimeField(_("moderated"), null=True, blank=True, editable=False)
    moderated_by = models.CharField(_("moderated by"), max_length=200, blank=True, editable=False)
    modified_at = models.DateTimeField(_("modified"), auto_now=True)

    objects = QuestionQuerySet.as_manager()

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        ordering = ("position", "created_at", "pk")
        constraints = (
            models.CheckConstraint(
                condition=Q(state__in=vocabularies.codes("question_state")), name="question_state_is_in_the_vocabulary"
            ),
            models.CheckConstraint(
                condition=IN_ITS_LANGUAGE, name="question_is_in_its_language",
                violation_error_message=_("Write the question in the language that you chose for it."),
            ),
            models.CheckConstraint(
                condition=~Q(state="declined") | ~Q(reason=""), name="declined_question_has_a_reason",
                violation_error_message=_("Give a reason: the public reads it."),
            ),
            models.CheckConstraint(
                condition=Q(state="merged", merged_into__isnull=False)
                | ~Q(state="merged") & Q(merged_into__isnull=True),
                name="merged_question_names_the_other",
            ),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("id")),
                name="question_is_not_merged_into_itself",
            ),
            models.CheckConstraint(
                condition=Q(state="pending") | Q(moderated_at__isnull=False), name="no_question_is_public_unmoderated"
            ),
            models.UniqueConstraint(
                fields=("dialogue",), condition=Q(state="on-stage"), name="one_question_is_on_stage",
                violation_error_message=_("Another question is on stage."),
            ),
        )  # fmt: skip
        indexes = (models.Index(fields=("dialogue", "state"), name="question_by_state"),)  # the moderator's desk
        triggers = (
            pgtrigger.FSM(
                name="question_states",
                field="state",
                transitions=[
                    ("pending", "published"), ("pending", "declined"), ("pending", "merged"),
                    ("published", "on-stage"), ("published", "answered"), ("published", "answered-in-writing"),
                    ("published", "declined"), ("published", "merged"), ("published", "pending"),
                    ("on-stage", "published"), ("on-stage", "answered"), ("on-stage", "answered-in-writing"),
                    ("answered", "published"), ("answered-in-writing", "published"), ("declined", "published"),
                    ("merged", "published"),
                ],
            ),
        )  # fmt: skip

    def __str__(self) -> str:
        return self.shown_text[:120]

    def get_absolute_url(self) -> str:
        """Of the page on which it stands, however many there are."""
        return f"{reverse('dialogue:questions', args=[self.dialogue.slug])}?question={self.uid.hex[:8]}#{self.anchor}"

    def get_state_display(self) -> str:  # type: ignore[no-redef]  # in the reader's language
        return vocabularies.label("question_state", self.state)

    @property
    def anchor(self) -> str:
        return f"question-{self.uid.hex[:8]}"

    @property
    def is_answered(self) -> bool:
        return self.state in {"answered", "answered-in-writing"}


class QuestionSupport(models.Model):
    """Somebody who registered would like this question answered; once a person."""

    question = models.ForeignKey(Question, models.CASCADE, related_name="support", verbose_name=_("question"))
    attendance = models.ForeignKey(
        "dialogue.Attendance", models.CASCADE, related_name="support", verbose_name=_("registration")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("support")
        verbose_name_plural = _("support")
        constraints = (models.UniqueConstraint(fields=("question", "attendance"), name="support_once_a_person"),)

    def __str__(self) -> str:
        return f"{self.question_id}: {self.attendance_id}"


class Answer(InOneLanguage):
    """What was answered: by whom, when, on whose authority. A draft until staff publish it."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    question = models.ForeignKey(Question, models.CASCADE, related_name="answers", verbose_name=_("question"))
    text = models.TextField(_("answer"), max_length=10_000)
    participation = models.ForeignKey(
        "dialogue.Participation", models.PROTECT, null=True, blank=True, related_name="answers",
        verbose_name=_("given by"),
    )  # fmt: skip
    entity = models.ForeignKey(
        "coalition.Entity", models.PROTECT, null=True, blank=True, related_name="answers",
        verbose_name=_("given by the entity"),
    )  # fmt: skip
    given_on = models.DateField(_("given on"))
    recording_second = models.PositiveIntegerField(
        _("second in the recording"), null=True, blank=True, help_text=_("Counted from the recording's beginning.")
    )
    source_url = models.URLField(_("source"), max_length=500, blank=True)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    published_at = models.DateTimeField(_("published"), null=True, blank=True, editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    modified_at = models.DateTimeField(_("modified"), auto_now=True)

    objects = AnswerQuerySet.as_manager()

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        ordering = ("given_on", "pk")
        constraints = (
            models.CheckConstraint(
                condition=Q(participation__isnull=False) | Q(entity__isnull=False), name="answer_names_who_gave_it",
                violation_error_message=_("Say who gave the answer: somebody with a part in the dialogue, or an entity."),
            ),
            models.CheckConstraint(
                condition=IN_ITS_LANGUAGE, name="answer_is_in_its_language",
                violation_error_message=_("Write the answer in the language that you chose for it."),
            ),
            models.CheckConstraint(
                condition=Q(published_at__isnull=True, published_by__isnull=True)
                | Q(published_at__isnull=False, published_by__isnull=False),
                name="answer_published_when_and_by_whom",
            ),
        )  # fmt: skip

    def __str__(self) -> str:
        return self.shown_text[:120]

    def get_absolute_url(self) -> str:
        question = self.question
        page = reverse("dialogue:questions", args=[question.dialogue.slug])
        return f"{page}?question={question.uid.hex[:8]}#{self.anchor}"

    @property
    def anchor(self) -> str:
        return f"answer-{self.uid.hex[:8]}"

    @property
    def given_by(self) -> str:
        return self.participation.name if self.participation else str(self.entity)
