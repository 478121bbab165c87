"""What entities do on e-waste, and what they promise to support."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField, DateRangeField
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from coalition.querysets import InitiativeQuerySet, PledgeQuerySet
from ewaste_portal import vocabularies


class Publication(models.TextChoices):
    """Of what focal points contribute and staff publish."""

    DRAFT = "draft", pgettext_lazy("initiative", "Draft")
    SUBMITTED = "submitted", pgettext_lazy("initiative", "Submitted")
    PUBLISHED = "published", pgettext_lazy("initiative", "Published")
    WITHDRAWN = "withdrawn", pgettext_lazy("initiative", "Withdrawn")


class Initiative(models.Model):
    """Who does what, where, since when: a project, a guideline, a training, a partnership of an entity."""

    slug = models.SlugField(_("slug"), max_length=120, unique=True)
    entity = models.ForeignKey("coalition.Entity", models.PROTECT, related_name="initiatives", verbose_name=_("entity"))
    partners = models.ManyToManyField(
        "coalition.Entity", related_name="partner_initiatives", blank=True, verbose_name=_("partners")
    )
    title = models.CharField(_("title"), max_length=300)
    summary = models.TextField(_("summary"), blank=True)
    kind = models.CharField(_("kind"), max_length=40, choices=vocabularies.Choices("initiative_kind"))
    focus = ArrayField(
        models.CharField(max_length=60, choices=vocabularies.Choices("initiative_focus")),
        verbose_name=_("focus"),
        default=list,
        blank=True,
    )
    stages = ArrayField(
        models.CharField(max_length=60, choices=vocabularies.Choices("lifecycle_stage")),
        verbose_name=_("life-cycle stages"),
        default=list,
        blank=True,
    )
    status = models.CharField(
        _("status"), max_length=20, choices=vocabularies.Choices("initiative_status"), default="unknown"
    )
    countries = models.ManyToManyField(
        "ewaste_portal.Country", related_name="initiatives", blank=True, verbose_name=_("countries and areas")
    )
    regions = models.ManyToManyField(
        "ewaste_portal.Region", related_name="initiatives", blank=True, verbose_name=_("regions")
    )
    first_year = models.PositiveSmallIntegerField(_("first year"), null=True, blank=True)
    last_year = models.PositiveSmallIntegerField(_("last year"), null=True, blank=True)
    website = models.URLField(_("website"), max_length=500, blank=True)
    source_url = models.URLField(_("source"), max_length=500, blank=True)
    publication = models.CharField(
        _("state"), max_length=20, choices=Publication, default=Publication.DRAFT, editable=False
    )
    published_at = models.DateTimeField(_("published"), null=True, blank=True, editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    modified_at = models.DateTimeField(_("modified"), auto_now=True)

    objects = InitiativeQuerySet.as_manager()

    class Meta:
        verbose_name = _("initiative")
        verbose_name_plural = _("initiatives")
        ordering = ("title",)
        permissions = (("publish_initiative", "Can publish and withdraw initiatives"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(kind__in=vocabularies.codes("initiative_kind")), name="initiative_kind_is_in_the_vocabulary"
            ),
            models.CheckConstraint(
                condition=Q(focus__contained_by=vocabularies.codes("initiative_focus")),
                name="initiative_focus_is_in_the_vocabulary",
            ),
            models.CheckConstraint(
                condition=Q(stages__contained_by=vocabularies.codes("lifecycle_stage")),
                name="initiative_stages_are_in_the_vocabulary",
            ),
            models.CheckConstraint(
                condition=Q(status__in=vocabularies.codes("initiative_status")),
                name="initiative_status_is_in_the_vocabulary",
            ),
            models.CheckConstraint(
                condition=Q(first_year__isnull=True)
                | Q(last_year__isnull=True)
                | Q(last_year__gte=models.F("first_year")),
                name="initiative_ends_after_it_begins",
                violation_error_message=_("The last year must not lie before the first."),
            ),
            models.CheckConstraint(
                condition=~Q(publication="published")
                | Q(published_at__isnull=False, published_by__isnull=False)
                & (~Q(source_url="") | Q(created_by__isnull=False)),
                name="published_initiative_has_a_source",
                violation_error_message=_("A published initiative needs a source or an entity that stands for it."),
            ),
        )

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("coalition:initiative_detail", args=[self.slug])

    def get_kind_display(self) -> str:  # type: ignore[no-redef]  # in the reader's language
        return vocabularies.label("initiative_kind", self.kind)

    def get_status_display(self) -> str:  # type: ignore[no-redef]
        return vocabularies.label("initiative_status", self.status)

    @property
    def focus_labels(self) -> list[tuple[str, str]]:
        return [(code, vocabularies.label("initiative_focus", code)) for code in self.focus]

    @property
    def stage_labels(self) -> list[tuple[str, str]]:
        return [(code, vocabularies.label("lifecycle_stage", code)) for code in self.stages]


class Pledge(models.Model):
    """Support that an entity offers: for what, of what kind, from when to when."""

    class Purpose(models.TextChoices):
        PLATFORM = "platform", _("This platform")
        COALITION = "coalition", _("The Coalition")
        INITIATIVE = "initiative", _("An initiative")

    slug = models.SlugField(_("slug"), max_length=120, unique=True)
    entity = models.ForeignKey("coalition.Entity", models.PROTECT, related_name="pledges", verbose_name=_("entity"))
    purpose = models.CharField(_("for"), max_length=20, choices=Purpose.choices)
    initiative = models.ForeignKey(
        Initiative, models.PROTECT, null=True, blank=True, related_name="pledges", verbose_name=_("initiative")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=vocabularies.Choices("pledge_kind"))
    title = models.CharField(_("title"), max_length=200)
    text = models.TextField(_("what is offered"))
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    during = DateRangeField(_("period"), null=True, blank=True)  # type: ignore[misc]  # its stub knows no null
    publication = models.CharField(
        _("state"), max_length=20, choices=Publication, default=Publication.DRAFT, editable=False
    )
    published_at = models.DateTimeField(_("published"), null=True, blank=True, editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    modified_at = models.DateTimeField(_("modified"), auto_now=True)

    objects = PledgeQuerySet.as_manager()

    class Meta:
        verbose_name = _("pledge")
        verbose_name_plural = _("pledges")
        ordering = ("-published_at", "title")
        permissions = (("publish_pledge", "Can publish and withdraw pledges"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(kind__in=vocabularies.codes("pledge_kind")), name="pledge_kind_is_in_the_vocabulary"
            ),
            models.CheckConstraint(
                condition=Q(amount__isnull=True, currency="") | Q(amount__gt=0, currency__regex=r"^[A-Z]{3}$"),
                name="pledge_amount_has_a_currency",
                violation_error_message=_("Enter an amount with its currency, such as 1000 and USD, or neither."),
            ),
            models.CheckConstraint(
                condition=Q(purpose="initiative", initiative__isnull=False)
                | ~Q(purpose="initiative") & Q(initiative__isnull=True),
                name="pledge_names_its_initiative",
                violation_error_message=_("Choose the initiative that is supported."),
            ),
            models.UniqueConstraint(
                fields=("entity", "title"),
                condition=~Q(publication="withdrawn"),
                name="pledge_title_unique",
                violation_error_message=_("This entity already has a pledge of this title."),
            ),
            models.CheckConstraint(
                condition=~Q(publication="published") | Q(published_at__isnull=False, published_by__isnull=False),
                name="pledge_published_when_and_by_whom",
            ),
        )

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("coalition:pledge_detail", args=[self.slug])

    def get_kind_display(self) -> str:  # type: ignore[no-redef]  # in the reader's language
        return vocabularies.label("pledge_kind", self.kind)


class PledgeUpdate(models.Model):
    """A dated note on what became of a pledge; only ever added."""

    pledge = models.ForeignKey(Pledge, models.CASCADE, related_name="updates", verbose_name=_("pledge"))
    on = models.DateField(_("date"))
    text = models.TextField(_("what happened"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("progress note")
        verbose_name_plural = _("progress notes")
        ordering = ("-on", "-pk")

    def __str__(self) -> str:
        return f"{self.on}: {self.text[:60]}"
