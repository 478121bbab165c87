"""Entities: who publishes, promises, speaks and signs."""

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Lower, Trim, Upper
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy as _

from coalition.querysets import EntityQuerySet
from ewaste_portal import vocabularies

ENTITY_KINDS = vocabularies.codes("entity_kind")
INTERNATIONAL_KINDS = ("un-body", "intergovernmental")


class Entity(models.Model):
    """An organization of any kind, known by one page however often it is renamed or merged."""

    slug = models.SlugField(_("slug"), max_length=120, unique=True)
    kind = models.CharField(_("kind"), max_length=40, choices=vocabularies.Choices("entity_kind"))
    official_name = models.CharField(_("official name"), max_length=300)
    short_name = models.CharField(_("short name"), max_length=120, blank=True)
    country = models.ForeignKey(
        "ewaste_portal.Country",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="entities",
        verbose_name=_("country"),
    )
    website = models.URLField(_("website"), max_length=500, blank=True)
    domains = ArrayField(
        models.CharField(max_length=253),
        verbose_name=_("e-mail domains"),
        default=list,
        blank=True,
        help_text=_("Domains of the entity's e-mail addresses, separated by commas."),
    )
    role_on_ewaste = models.TextField(_("role on e-waste"), blank=True)
    source = models.TextField(_("source"), blank=True, help_text=_("Where these facts were seen; for curators."))
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged_from", verbose_name=_("merged into")
    )
    is_example = models.BooleanField(_("made up for the demonstration"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    modified_at = models.DateTimeField(_("modified"), auto_now=True)

    objects = EntityQuerySet.as_manager()

    if TYPE_CHECKING:  # columns of translation.py
        official_name_en: str
        short_name_en: str | None

    class Meta:
        verbose_name = _("entity")
        verbose_name_plural = _("entities")
        ordering = ("official_name",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(kind__in=ENTITY_KINDS),
                name="entity_kind_is_in_the_vocabulary",
                violation_error_message=_("Choose a kind from the list."),
            ),
            models.CheckConstraint(
                condition=models.Q(merged_into__isnull=True) | ~models.Q(merged_into=models.F("id")),
                name="entity_is_not_merged_into_itself",
                violation_error_message=_("An entity cannot be merged into itself."),
            ),
            models.CheckConstraint(
                condition=models.Q(official_name_en__isnull=False) & ~models.Q(official_name_en=""),
                name="entity_has_a_name",
                violation_error_message=_("Enter the official name."),
            ),
            models.UniqueConstraint(
                Lower(Trim("official_name_en")),
                models.F("country"),
                condition=models.Q(merged_into__isnull=True),
                nulls_distinct=False,
                name="entity_name_unique_in_a_country",
                violation_error_message=_("An entity of this name is already recorded for this country."),
            ),
        )
        indexes = (
            # look-alikes while typing, in the directory's search and in the admin
            GinIndex(OpClass(Upper("official_name_en"), name="gin_trgm_ops"), name="entity_name_trigrams"),
        )

    def __str__(self) -> str:
        return self.short_name or self.official_name

    def get_absolute_url(self) -> str:
        return reverse("coalition:entity_detail", args=[self.slug])

    def get_kind_display(self) -> str:  # type: ignore[no-redef]  # in the reader's language
        return vocabularies.label("entity_kind", self.kind)

    @property
    def role_is_translated(self) -> bool:
        """True if `role_on_ewaste` is in the reader's language, not the English it falls back to."""
        column = vocabularies.COLUMNS[get_language() or "en"]
        return column == "en" or bool(getattr(self, f"role_on_ewaste_{column}"))

    @property
    def monogram(self) -> str:
        """Up to three letters for the tile that stands where others would print a logo."""
        name = self.short_name if self.short_name and len(self.short_name) <= 12 else self.official_name
        letters = [word[0] for word in name.replace("-", " ").split() if word[0].isalpha()]
        single = name.split()[0] if name else ""
        return (single if single.isupper() and len(single) <= 5 else "".join(letters[:3])).upper()[:5]
