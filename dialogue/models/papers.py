"""Papers of a dialogue: documents for one of four audiences, and statements of entities."""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from coalition import files
from dialogue.querysets import DocumentQuerySet, StatementQuerySet
from ewaste_portal import vocabularies


class Document(models.Model):
    """A resource of the library, or a file, in one language; for an audience, perhaps not before an instant."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    dialogue = models.ForeignKey(
        "dialogue.Dialogue", models.CASCADE, related_name="documents", verbose_name=_("dialogue")
    )
    session = models.ForeignKey(
        "dialogue.Session", models.SET_NULL, null=True, blank=True, related_name="documents",
        verbose_name=_("session"),
    )  # fmt: skip
    document_type = models.CharField(_("type"), max_length=40, choices=vocabularies.Choices("document_type"))
    title = models.CharField(
        _("title"), max_length=300, blank=True, help_text=_("Of a file; a resource brings its own.")
    )
    symbol = models.CharField(_("symbol"), max_length=60, blank=True, help_text=_("UN document symbol, if any."))
    language = models.CharField(_("language"), max_length=10, choices=vocabularies.Choices("language"), blank=True)
    resource = models.ForeignKey(
        "knowledge.Resource", models.PROTECT, null=True, blank=True, related_name="dialogue_documents",
        verbose_name=_("resource"),
    )  # fmt: skip
    file = models.FileField(_("file"), upload_to="dialogues/", blank=True, validators=[files.validate_document])
    sha256 = models.CharField(max_length=64, blank=True, editable=False)
    size = models.PositiveIntegerField(_("size in bytes"), null=True, blank=True, editable=False)
    page_count = models.PositiveIntegerField(_("pages"), null=True, blank=True, editable=False)
    audience = models.CharField(
        _("audience"), max_length=20, choices=vocabularies.Choices("document_audience"), default="public"
    )
    embargo_until = models.DateTimeField(_("not before"), null=True, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    modified_at = models.DateTimeField(_("modified"), auto_now=True)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        ordering = ("position", "pk")
        constraints = (
            models.CheckConstraint(
                condition=Q(resource__isnull=False, file="") | Q(resource__isnull=True) & ~Q(file=""),
                name="document_is_a_resource_or_a_file",
                violation_error_message=_("Choose a resource of the library, or upload a file."),
            ),
            models.CheckConstraint(
                condition=Q(file="") | Q(sha256__regex=r"^[0-9a-f]{64}$") & ~Q(title_en="") & ~Q(language=""),
                name="file_has_title_language_and_hash",
                violation_error_message=_("A file needs a title and a language."),
            ),
            models.CheckConstraint(
                condition=Q(document_type__in=vocabularies.codes("document_type")),
                name="document_type_is_in_the_vocabulary",
            ),
            models.CheckConstraint(
                condition=Q(audience__in=vocabularies.codes("document_audience")),
                name="document_audience_is_in_the_vocabulary",
            ),
            models.UniqueConstraint(
                fields=("dialogue", "resource", "session"), condition=Q(resource__isnull=False),
                name="document_resource_once", nulls_distinct=False,
            ),
        )  # fmt: skip

    def __str__(self) -> str:
        return self.title or (self.resource.display_title if self.resource else str(self.uid))

    def get_absolute_url(self) -> str:
        """The page of a resource; of a file the address from which it is fetched."""
        if self.resource:
            return self.resource.get_absolute_url()
        return reverse("dialogue:document_file", args=[self.dialogue.slug, self.uid])

    def get_document_type_display(self) -> str:  # type: ignore[no-redef]  # in the reader's language
        return vocabularies.label("document_type", self.document_type)

    def get_audience_display(self) -> str:  # type: ignore[no-redef]
        return vocabularies.label("document_audience", self.audience)

    def is_embargoed(self, at: datetime | None = None) -> bool:
        return self.embargo_until is not None and (at or timezone.now()) < self.embargo_until


class Statement(models.Model):
    """What an entity says on the occasion of a dialogue; sent by its focal point, published by staff."""

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("statement", "Draft")
        SUBMITTED = "submitted", pgettext_lazy("statement", "Submitted")
        PUBLISHED = "published", pgettext_lazy("statement", "Published")
        WITHDRAWN = "withdrawn", pgettext_lazy("statement", "Taken back")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    dialogue = models.ForeignKey(
        "dialogue.Dialogue", models.CASCADE, related_name="statements", verbose_name=_("dialogue")
    )
    session = models.ForeignKey(
        "dialogue.Session", models.SET_NULL, null=True, blank=True, related_name="statements",
        verbose_name=_("session"),
    )  # fmt: skip
    entity = models.ForeignKey("coalition.Entity", models.PROTECT, related_name="statements", verbose_name=_("entity"))
    title = models.CharField(_("title"), max_length=200)
    language = models.CharField(_("language"), max_length=10, choices=vocabularies.Choices("language"), default="en")
    text = models.TextField(_("text"), max_length=30_000, blank=True, help_text=_("In Markdown."))
    file = models.FileField(_("file"), upload_to="statements/", blank=True, validators=[files.validate_document])
    sha256 = models.CharField(max_length=64, blank=True, editable=False)
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.DRAFT, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    published_at = models.DateTimeField(_("published"), null=True, blank=True, editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    modified_at = models.DateTimeField(_("modified"), auto_now=True)

    objects = StatementQuerySet.as_manager()

    class Meta:
        verbose_name = _("statement")
        verbose_name_plural = _("statements")
        ordering = ("published_at", "pk")
        constraints = (
            models.CheckConstraint(
                condition=~Q(text="") | ~Q(file=""), name="statement_says_something",
                violation_error_message=_("Write the statement, or upload it as a file."),
            ),
            models.CheckConstraint(
                condition=Q(file="") | Q(sha256__regex=r"^[0-9a-f]{64}$"), name="statement_file_has_a_hash"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "submitted", "published", "withdrawn"]), name="statement_state_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="published") | Q(published_at__isnull=False, published_by__isnull=False),
                name="statement_published_when_and_by_whom",
            ),
        )  # fmt: skip

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("dialogue:statement_detail", args=[self.dialogue.slug, self.uid])
