"""Who comes: without an account, by an e-mail address that a code confirms."""

import uuid

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from dialogue.querysets import AttendanceQuerySet
from ewaste_portal import vocabularies

MODES = (("on-site", _("On site")), ("online", _("Online")))
SHA256 = r"^[0-9a-f]{64}$"


class Attendance(models.Model):
    """A registration. Places are given in the order in which addresses were confirmed; PostgreSQL counts them.

    `token_sha256` is the hash of the secret in the person's own link; `code_sha256` that of the code in the first mail.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    dialogue = models.ForeignKey(
        "dialogue.Dialogue", models.CASCADE, related_name="attendances", verbose_name=_("dialogue")
    )
    name = models.CharField(_("full name"), max_length=200)
    email = models.EmailField(_("e-mail address"))
    organization = models.CharField(_("organization"), max_length=200, blank=True)
    category = models.CharField(
        _("category"), max_length=30, choices=vocabularies.Choices("registration_category"), default="public"
    )
    mode = models.CharField(_("how you attend"), max_length=20, choices=MODES, default="on-site")
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES, default="en")
    consent = models.CharField(
        _("who may see your name on the list"), max_length=20, choices=vocabularies.Choices("consent"), default="nobody"
    )
    access_needs = models.TextField(
        _("what you need to take part"), max_length=2_000, blank=True,
        help_text=_("Such as step-free access or sign language. Only the organizers read it; it is erased afterwards."),
    )  # fmt: skip
    state = models.CharField(
        _("state"), max_length=20, choices=vocabularies.Choices("registration_state"), default="pending", editable=False
    )
    token_sha256 = models.CharField(max_length=64, unique=True, editable=False)
    code_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    code_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    code_tries = models.PositiveSmallIntegerField(default=0, editable=False)
    confirmed_at = models.DateTimeField(
        _("address confirmed"), null=True, blank=True, editable=False, help_text=_("The place in the line.")
    )
    seated_at = models.DateTimeField(_("place given"), null=True, blank=True, editable=False)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True, editable=False)
    checked_in_at = models.DateTimeField(_("checked in"), null=True, blank=True, editable=False)
    checked_in_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    erased_at = models.DateTimeField(_("personal data erased"), null=True, blank=True, editable=False)
    is_example = models.BooleanField(_("made up for the demonstration"), default=False, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    modified_at = models.DateTimeField(_("modified"), auto_now=True)

    objects = AttendanceQuerySet.as_manager()

    class Meta:
        verbose_name = _("registration")
        verbose_name_plural = _("registrations")
        ordering = ("name", "pk")
        constraints = (
            models.UniqueConstraint(
                Lower("email"), "dialogue", condition=~Q(state__in=["cancelled", "declined"]) & ~Q(email=""),
                name="one_registration_of_an_address",
            ),
            models.CheckConstraint(
                condition=Q(state__in=vocabularies.codes("registration_state")),
                name="registration_state_is_in_the_vocabulary",
            ),
            models.CheckConstraint(
                condition=Q(category__in=vocabularies.codes("registration_category")),
                name="registration_category_is_in_the_vocabulary",
            ),
            models.CheckConstraint(
                condition=Q(consent__in=vocabularies.codes("consent")), name="registration_consent_is_in_the_vocabulary"
            ),
            models.CheckConstraint(condition=Q(mode__in=["on-site", "online"]), name="registration_mode_is_known"),
            models.CheckConstraint(condition=Q(token_sha256__regex=SHA256), name="registration_keeps_a_hash"),
            models.CheckConstraint(condition=Q(code_tries__lte=5), name="registration_code_has_five_tries"),
            models.CheckConstraint(
                condition=~Q(state__in=["confirmed", "attended"])
                | Q(confirmed_at__isnull=False, seated_at__isnull=False),
                name="seat_needs_a_confirmed_address",
            ),
            models.CheckConstraint(
                condition=~Q(state="waiting-list") | Q(confirmed_at__isnull=False, seated_at__isnull=True),
                name="waiting_needs_a_confirmed_address",
            ),
            models.CheckConstraint(
                condition=Q(checked_in_at__isnull=True, checked_in_by__isnull=True)
                | Q(checked_in_at__isnull=False, checked_in_by__isnull=False),
                name="checked_in_when_and_by_whom",
            ),
        )  # fmt: skip
        indexes = (
            # how many places are taken, and who is next in line
            models.Index(fields=("dialogue", "mode", "state", "confirmed_at"), name="attendance_line"),
        )
        triggers = (
            pgtrigger.FSM(
                name="attendance_states",
                field="state",
                transitions=[
                    ("pending", "confirmed"), ("pending", "waiting-list"), ("pending", "cancelled"),
                    ("pending", "declined"), ("waiting-list", "confirmed"), ("waiting-list", "cancelled"),
                    ("waiting-list", "declined"), ("confirmed", "cancelled"), ("confirmed", "declined"),
                    ("confirmed", "attended"), ("attended", "confirmed"),
                ],
            ),
        )  # fmt: skip

    def __str__(self) -> str:
        return self.name or str(self.uid)

    def get_state_display(self) -> str:  # type: ignore[no-redef]  # in the reader's language
        return vocabularies.label("registration_state", self.state)

    def get_category_display(self) -> str:  # type: ignore[no-redef]
        return vocabularies.label("registration_category", self.category)

    def get_consent_display(self) -> str:  # type: ignore[no-redef]
        return vocabularies.label("consent", self.consent)

    @property
    def is_seated(self) -> bool:
        return self.state in {"confirmed", "attended"}
