"""Entities: who publishes, promises, speaks and signs."""

from datetime import date
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.db import models
from django.db.models.functions import Lower, Trim
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy as _

from coalition import files
from coalition.querysets import EntityQuerySet, MandateQuerySet
from ewaste_portal import vocabularies

NAME_COLUMNS = [
    f"{field}_{column}" for field in ("official_name", "short_name") for column in vocabularies.COLUMNS.values()
]
ENTITY_KINDS = vocabularies.codes("entity_kind")
TERRITORIAL_KINDS = ("national-government", "local-authority")


class Folded(models.Func):
    """Texts as one, without case and accents, for searching in; null ones are passed over."""

    function = "public.coalition_fold"
    output_field = models.TextField()


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
    description = models.TextField(_("description"), blank=True, help_text=_("What the entity is, in Markdown."))
    logo = models.ImageField(_("logo"), upload_to="logos/", blank=True, validators=[files.validate_image])
    logo_permission = models.TextField(
        _("permission for the logo"),
        blank=True,
        help_text=_("Who gave it, when, for what. Without it no logo is shown."),
    )
    source = models.TextField(_("source"), blank=True, help_text=_("Where these facts were seen; for curators."))
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged_from", verbose_name=_("merged into")
    )
    is_example = models.BooleanField(_("made up for the demonstration"), default=False)
    checked_at = models.DateTimeField(
        _("checked"), null=True, blank=True, editable=False, help_text=_("Until then the public does not see it.")
    )
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("checked by"),
    )
    names = models.GeneratedField(
        expression=Folded(*NAME_COLUMNS), output_field=models.TextField(), db_persist=True, verbose_name=_("all names")
    )
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
            models.CheckConstraint(
                condition=~models.Q(kind__in=TERRITORIAL_KINDS)
                | models.Q(country__isnull=False)
                | models.Q(is_example=True),
                name="government_has_a_country",
                violation_error_message=_("A government or local authority needs a country."),
            ),
            models.CheckConstraint(
                condition=models.Q(logo="") | ~models.Q(logo_permission=""),
                name="logo_has_a_permission",
                violation_error_message=_("Record who permitted the use of the logo."),
            ),
            models.CheckConstraint(
                condition=models.Q(checked_at__isnull=True, checked_by__isnull=True)
                | models.Q(checked_at__isnull=False, checked_by__isnull=False),
                name="entity_checked_when_and_by_whom",
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


class Mandate(models.Model):
    """A person's role in an entity for a period: who may act for it, sign for it, prepare for it."""

    class Role(models.TextChoices):
        HEAD = "head", _("Head")
        DELEGATE = "delegate", _("Delegate of the Head")
        FOCAL_POINT = "focal-point", _("Focal point")
        ASSISTANT = "assistant", _("Assistant")

    entity = models.ForeignKey(Entity, models.PROTECT, related_name="mandates", verbose_name=_("entity"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="mandates",
        verbose_name=_("account"),
    )
    role = models.CharField(_("role"), max_length=20, choices=Role.choices)
    name = models.CharField(_("full name"), max_length=200)
    title = models.CharField(_("title or function"), max_length=200, blank=True)
    email = models.EmailField(_("e-mail address"), blank=True)
    during = DateRangeField(
        _("period"), help_text=_("First day, and the day after the last; open where the end is not known.")
    )
    delegated_by = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="delegations", verbose_name=_("delegated by")
    )
    instrument = models.FileField(
        _("instrument of delegation"), upload_to="instruments/", blank=True, validators=[files.validate_document]
    )
    instrument_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True, editable=False)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    confirmed_how = models.CharField(_("how it was confirmed"), max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = MandateQuerySet.as_manager()

    class Meta:
        verbose_name = _("mandate")
        verbose_name_plural = _("mandates")
        ordering = ("entity", "role", "-during")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(role__in=["head", "delegate", "focal-point", "assistant"]),
                name="mandate_role_is_known",
            ),
            models.CheckConstraint(condition=models.Q(during__isempty=False), name="mandate_lasts_a_day"),
            models.CheckConstraint(
                condition=~models.Q(role="delegate")
                | models.Q(delegated_by__isnull=False) & ~models.Q(instrument_sha256=""),
                name="delegate_has_an_instrument",
                violation_error_message=_("A delegate needs the Head who delegates and the instrument of delegation."),
            ),
            models.CheckConstraint(
                condition=~models.Q(role__in=["focal-point", "assistant"]) | models.Q(user__isnull=False),
                name="focal_point_has_an_account",
            ),
            models.CheckConstraint(
                condition=models.Q(confirmed_at__isnull=True, confirmed_how="")
                | models.Q(confirmed_at__isnull=False) & ~models.Q(confirmed_how=""),
                name="mandate_confirmed_when_and_how",
            ),
            ExclusionConstraint(
                name="one_head_on_a_day",
                expressions=[("entity", RangeOperators.EQUAL), ("during", RangeOperators.OVERLAPS)],
                condition=models.Q(role="head"),
                violation_error_message=_("The entity already has a Head in this period."),
            ),
            models.UniqueConstraint(
                fields=("entity", "user", "role"),
                condition=models.Q(during__endswith__isnull=True, user__isnull=False),
                name="one_open_mandate_of_a_role",
                violation_error_message=_("This person already has this role."),
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.get_role_display()})"

    def holds_on(self, day: date) -> bool:
        lower, upper = self.during.lower, self.during.upper
        return (lower is None or lower <= day) and (upper is None or day < upper)
