"""Letters of Intent: versions, their texts in up to six languages, one of them authentic."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from coalition.querysets import LetterQuerySet


class TextSHA256(models.Func):
    """SHA-256 of a text in UTF-8, hexadecimal; computed by the database, so that it cannot differ from the text."""

    function = "coalition_text_sha256"
    output_field = models.CharField(max_length=64)


class Letter(models.Model):
    """One version of a Letter of Intent. Once published it cannot change.

    A `historical` letter was signed elsewhere and is known from sources: it alone has no text here.
    """

    class Kind(models.TextChoices):
        PORTAL = "portal", _("Signed on this portal")
        HISTORICAL = "historical", _("Known from sources")

    version = models.SlugField(
        _("version"), max_length=40, unique=True, help_text=_("Part of the address, such as 2018.")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices, default=Kind.PORTAL)
    title = models.CharField(_("title"), max_length=300)
    dated = models.DateField(_("date"))
    place = models.CharField(_("place"), max_length=200, blank=True)
    authentic_language = models.CharField(
        _("authentic language"), max_length=10, choices=settings.LANGUAGES, default="en"
    )
    source_url = models.URLField(_("source"), max_length=500, blank=True)
    source_name = models.CharField(_("name of the source"), max_length=200, blank=True)
    follows = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="followed_by", verbose_name=_("follows")
    )
    is_example = models.BooleanField(_("made up for the demonstration"), default=False)
    published_at = models.DateTimeField(_("published"), null=True, blank=True, editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )

    objects = LetterQuerySet.as_manager()

    class Meta:
        verbose_name = _("Letter of Intent")
        verbose_name_plural = _("Letters of Intent")
        ordering = ("-dated", "version")
        constraints = (
            models.CheckConstraint(condition=Q(kind__in=["portal", "historical"]), name="letter_kind_is_known"),
            models.CheckConstraint(
                condition=~Q(kind="historical") | ~Q(source_url=""),
                name="historical_letter_has_a_source",
                violation_error_message=_("A letter known from sources needs its source."),
            ),
            models.CheckConstraint(
                condition=Q(published_at__isnull=True, published_by__isnull=True)
                | Q(published_at__isnull=False, published_by__isnull=False),
                name="letter_published_when_and_by_whom",
            ),
        )
        triggers = (
            pgtrigger.Protect(
                name="published_letter_is_final",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__published_at__isnull=False),
            ),
            pgtrigger.Trigger(
                name="letter_is_published_with_its_authentic_text",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("published_at"),
                condition=pgtrigger.Q(new__published_at__isnull=False, new__kind="portal"),
                func="""
                    IF NOT EXISTS (SELECT FROM coalition_lettertext WHERE letter_id = NEW.id AND language = NEW.authentic_language) THEN
                        RAISE EXCEPTION 'A letter needs its authentic text before it is published.' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,  # noqa: E501  as in the database
            ),
        )

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("coalition:letter_detail", args=[self.version])

    @property
    def is_historical(self) -> bool:
        return self.kind == self.Kind.HISTORICAL


class LetterText(models.Model):
    """A letter's words in one language, with their hash."""

    letter = models.ForeignKey(Letter, models.CASCADE, related_name="texts", verbose_name=_("letter"))
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    body = models.TextField(_("text"), help_text=_("Markdown."))
    sha256 = models.GeneratedField(
        expression=TextSHA256("body"),
        output_field=models.CharField(max_length=64),
        db_persist=True,
        verbose_name=_("SHA-256"),
    )

    class Meta:
        verbose_name = _("text of a letter")
        verbose_name_plural = _("texts of letters")
        ordering = ("letter", "language")
        constraints = (
            models.UniqueConstraint(fields=("letter", "language"), name="letter_has_one_text_a_language"),
            models.CheckConstraint(condition=~Q(body=""), name="letter_text_is_not_empty"),
        )
        triggers = (
            pgtrigger.Trigger(
                name="letter_text_is_final",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                func="""
                    IF EXISTS (SELECT FROM coalition_letter
                               WHERE id IN (CASE WHEN TG_OP <> 'DELETE' THEN NEW.letter_id END,
                                            CASE WHEN TG_OP <> 'INSERT' THEN OLD.letter_id END)
                                 AND (published_at IS NOT NULL OR kind = 'historical')) THEN
                        RAISE EXCEPTION 'The texts of a published letter cannot change; one known from sources has none.'
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
                """,
            ),
        )

    def __str__(self) -> str:
        return f"{self.letter} ({self.language})"

    @property
    def short_hash(self) -> str:
        return self.sha256[:12]
