"""What a dialogue wants to bring about, and what came of it. Outputs and outcomes are two things.

A desired output is what the meeting itself should yield; an expected outcome is what should follow from it. What is
known of either is a row of dated words that are only ever added.
"""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from dialogue.querysets import OutcomeQuerySet
from ewaste_portal import vocabularies


class Aim(models.Model):
    """What desired outputs and expected outcomes have in common."""

    position = models.PositiveSmallIntegerField(_("position"), default=0)
    text = models.TextField(_("text"))
    owner = models.ForeignKey(
        "coalition.Entity", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("owner"),
        help_text=_("The entity that answers for it."),
    )  # fmt: skip
    due_on = models.DateField(_("due"), null=True, blank=True)
    source_url = models.URLField(_("source"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    modified_at = models.DateTimeField(_("modified"), auto_now=True)

    objects = OutcomeQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ("position", "pk")

    def __str__(self) -> str:
        return self.text[:120]


class DesiredOutput(Aim):
    dialogue = models.ForeignKey(
        "dialogue.Dialogue", models.CASCADE, related_name="desired_outputs", verbose_name=_("dialogue")
    )

    class Meta(Aim.Meta):
        verbose_name = _("desired output")
        verbose_name_plural = _("desired outputs")
        constraints = (models.UniqueConstraint(fields=("dialogue", "position"), name="desired_output_position_unique"),)

    def get_absolute_url(self) -> str:
        return f"{reverse('dialogue:outcomes', args=[self.dialogue.slug])}#{self.anchor}"

    @property
    def anchor(self) -> str:
        return f"output-{self.position}"


class ExpectedOutcome(Aim):
    dialogue = models.ForeignKey(
        "dialogue.Dialogue", models.CASCADE, related_name="expected_outcomes", verbose_name=_("dialogue")
    )

    class Meta(Aim.Meta):
        verbose_name = _("expected outcome")
        verbose_name_plural = _("expected outcomes")
        constraints = (
            models.UniqueConstraint(fields=("dialogue", "position"), name="expected_outcome_position_unique"),
        )

    def get_absolute_url(self) -> str:
        return f"{reverse('dialogue:outcomes', args=[self.dialogue.slug])}#{self.anchor}"

    @property
    def anchor(self) -> str:
        return f"outcome-{self.position}"


EVIDENCE = ("resource", "signature", "pledge", "entity", "initiative", "evidence_dialogue")


class OutcomeUpdate(models.Model):
    """A dated word on an output or outcome; never changed, never deleted. The last one tells how it stands."""

    desired_output = models.ForeignKey(
        DesiredOutput, models.CASCADE, null=True, blank=True, related_name="updates", verbose_name=_("desired output")
    )
    expected_outcome = models.ForeignKey(
        ExpectedOutcome, models.CASCADE, null=True, blank=True, related_name="updates",
        verbose_name=_("expected outcome"),
    )  # fmt: skip
    on = models.DateField(_("date"), help_text=_("Of what happened, or of the day on which somebody looked."))
    status = models.CharField(_("status"), max_length=30, choices=vocabularies.Choices("outcome_status"))
    note = models.TextField(_("what happened"))
    resource = models.ForeignKey(
        "knowledge.Resource", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("resource")
    )
    signature = models.ForeignKey(
        "coalition.Signature", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("signature")
    )
    pledge = models.ForeignKey(
        "coalition.Pledge", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("pledge")
    )
    entity = models.ForeignKey(
        "coalition.Entity", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("entity")
    )
    initiative = models.ForeignKey(
        "coalition.Initiative", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("initiative")
    )
    evidence_dialogue = models.ForeignKey(
        "dialogue.Dialogue", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("dialogue")
    )
    evidence_url = models.URLField(_("address of the evidence"), max_length=500, blank=True)
    evidence_name = models.CharField(_("name of the evidence"), max_length=300, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("update")
        verbose_name_plural = _("updates")
        ordering = ("-on", "-pk")
        constraints = (
            models.CheckConstraint(
                condition=Q(desired_output__isnull=False, expected_outcome__isnull=True)
                | Q(desired_output__isnull=True, expected_outcome__isnull=False),
                name="update_is_of_one_output_or_outcome",
            ),
            models.CheckConstraint(
                condition=Q(status__in=vocabularies.codes("outcome_status")), name="update_status_is_in_the_vocabulary"
            ),
            models.CheckConstraint(
                condition=~Q(status="achieved")
                | Q(resource__isnull=False)
                | Q(signature__isnull=False)
                | Q(pledge__isnull=False)
                | Q(entity__isnull=False)
                | Q(initiative__isnull=False)
                | Q(evidence_dialogue__isnull=False)
                | ~Q(evidence_url=""),
                name="achieved_needs_evidence",
                violation_error_message=_("“Achieved” needs evidence: a resource, a signature, a meeting, an address."),
            ),
        )
        triggers = (
            pgtrigger.Protect(name="update_is_final", operation=pgtrigger.Update),
            pgtrigger.Protect(name="update_stays", operation=pgtrigger.Delete),
        )

    def __str__(self) -> str:
        return f"{self.on}: {self.note[:60]}"

    def get_status_display(self) -> str:  # type: ignore[no-redef]  # in the reader's language
        return vocabularies.label("outcome_status", self.status)
