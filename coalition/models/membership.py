"""How an entity comes to belong: the membership from draft to its end, the invitation to its Head, the signatures."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from coalition.querysets import InvitationQuerySet, MembershipQuerySet, SignatureQuerySet
from ewaste_portal import vocabularies

OPEN_STATES = ("draft", "review", "returned", "signing", "signed", "active", "suspended")
CODE = r"^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$"  # Crockford's base 32
SHA256 = r"^[0-9a-f]{64}$"


class Round(models.Model):
    """A time in which a follow-up meeting invites new signatories and supporters."""

    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    title = models.CharField(_("title"), max_length=200)
    opens_on = models.DateField(_("opens"))
    closes_on = models.DateField(_("closes"), null=True, blank=True)

    class Meta:
        verbose_name = _("round")
        verbose_name_plural = _("rounds")
        ordering = ("-opens_on",)
        constraints = (
            models.CheckConstraint(
                condition=Q(closes_on__isnull=True) | Q(closes_on__gte=F("opens_on")),
                name="round_closes_after_it_opens",
                violation_error_message=_("The round must close after it opens."),
            ),
        )

    def __str__(self) -> str:
        return self.title


class Membership(models.Model):
    """One row from the first draft to the end. `recorded` ones are known from sources and never had an application here."""

    class Track(models.TextChoices):
        SIGNATORY = "signatory", _("Signatory")
        SUPPORTER = "supporter", _("Supporter")

    class Origin(models.TextChoices):
        APPLICATION = "application", _("Applied here")
        RECORDED = "recorded", _("Recorded from sources")

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("membership", "Draft")
        REVIEW = "review", pgettext_lazy("membership", "In review")
        RETURNED = "returned", pgettext_lazy("membership", "Returned for changes")
        SIGNING = "signing", pgettext_lazy("membership", "With the Head for signature")
        SIGNED = "signed", pgettext_lazy("membership", "Signed, to be countersigned")
        ACTIVE = "active", pgettext_lazy("membership", "Active")
        SUSPENDED = "suspended", pgettext_lazy("membership", "Suspended")
        REJECTED = "rejected", pgettext_lazy("membership", "Rejected")
        DECLINED = "declined", pgettext_lazy("membership", "Declined by the Head")
        LAPSED = "lapsed", pgettext_lazy("membership", "Lapsed")
        WITHDRAWN = "withdrawn", pgettext_lazy("membership", "Withdrawn")
        REMOVED = "removed", pgettext_lazy("membership", "Removed")

    entity = models.ForeignKey("coalition.Entity", models.PROTECT, related_name="memberships", verbose_name=_("entity"))
    track = models.CharField(_("track"), max_length=20, choices=Track.choices, default=Track.SIGNATORY)
    origin = models.CharField(
        _("origin"), max_length=20, choices=Origin.choices, default=Origin.APPLICATION, editable=False
    )
    state = models.CharField(_("state"), max_length=20, choices=State.choices, default=State.DRAFT, editable=False)
    state_since = models.DateTimeField(_("in this state since"), editable=False)
    letter = models.ForeignKey(
        "coalition.Letter", models.PROTECT, null=True, blank=True, related_name="memberships", verbose_name=_("letter")
    )
    round = models.ForeignKey(
        Round, models.PROTECT, null=True, blank=True, related_name="memberships", verbose_name=_("round")
    )
    nominated_by = models.ForeignKey(
        "coalition.Entity",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="nominations",
        verbose_name=_("nominated by"),
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="memberships",
        verbose_name=_("focal point"),
    )
    language = models.CharField(
        _("language of correspondence"), max_length=10, choices=settings.LANGUAGES, default="en"
    )

    # what the applicant fills in
    head_name = models.CharField(_("name of the Head"), max_length=200, blank=True)
    head_title = models.CharField(_("title of the Head"), max_length=200, blank=True)
    head_email = models.EmailField(_("e-mail address of the Head's office"), blank=True)
    work = models.TextField(_("work on e-waste"), blank=True)
    pledge_text = models.TextField(_("pledge"), blank=True, help_text=_("Supporters: what the entity will do."))
    exclusions_declared = models.BooleanField(_("no exclusion applies"), default=False)

    # what staff do
    checklist = models.JSONField(_("checklist"), default=dict, blank=True, editable=False)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    reviewed_at = models.DateTimeField(_("reviewed"), null=True, blank=True, editable=False)
    reason = models.TextField(
        _("reason"), blank=True, editable=False, help_text=_("Of the last return, rejection, suspension or removal.")
    )
    proposed_end = models.JSONField(default=dict, blank=True, editable=False)
    sign_by = models.DateField(_("to be signed by"), null=True, blank=True, editable=False)
    submitted_at = models.DateTimeField(_("submitted"), null=True, blank=True, editable=False)
    confirmed_by_officer = models.CharField(_("confirmed by"), max_length=300, blank=True, editable=False)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True, editable=False)
    active_since = models.DateField(_("active since"), null=True, blank=True, editable=False)
    ended_on = models.DateField(_("ended"), null=True, blank=True, editable=False)

    # of what is recorded from sources
    recorded_on = models.DateField(_("date of the source"), null=True, blank=True)
    source_url = models.URLField(_("source"), max_length=500, blank=True)

    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    modified_at = models.DateTimeField(_("modified"), auto_now=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ("entity", "track", "-created_at")
        permissions = (
            ("review_membership", "Can review applications"),
            ("countersign_membership", "Can countersign, suspend and remove"),
        )
        constraints = (
            models.CheckConstraint(condition=Q(track__in=["signatory", "supporter"]), name="membership_track_is_known"),
            models.CheckConstraint(
                condition=Q(state__in=vocabularies.codes("membership_state")), name="membership_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(origin="application", recorded_on__isnull=True)
                | Q(origin="recorded", recorded_on__isnull=False) & ~Q(source_url=""),
                name="recorded_membership_has_date_and_source",
                violation_error_message=_("What is recorded from sources needs the date and the source."),
            ),
            models.CheckConstraint(
                condition=~Q(state="signing") | Q(sign_by__isnull=False, letter__isnull=False),
                name="signing_has_letter_and_deadline",
            ),
            models.CheckConstraint(condition=~Q(state="signing") | Q(track="signatory"), name="only_signatories_sign"),
            models.CheckConstraint(
                condition=~Q(state__in=["rejected", "returned", "suspended", "removed"]) | ~Q(reason=""),
                name="adverse_state_has_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(reviewed_at__isnull=True, reviewed_by__isnull=True)
                | Q(reviewed_at__isnull=False, reviewed_by__isnull=False),
                name="membership_reviewed_when_and_by_whom",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["withdrawn", "removed"], ended_on__isnull=False)
                | ~Q(state__in=["withdrawn", "removed"]) & Q(ended_on__isnull=True),
                name="ended_membership_has_a_date",
            ),
            models.UniqueConstraint(
                fields=("entity", "track"),
                condition=Q(state__in=OPEN_STATES),
                name="one_open_membership_of_a_track",
                violation_error_message=_("This entity already has an application or membership of this kind."),
            ),
        )
        indexes = (models.Index(fields=("state", "state_since"), name="membership_by_state"),)  # the reviewers' desk
        triggers = (
            pgtrigger.FSM(
                name="membership_states",
                field="state",
                transitions=[
                    ("draft", "review"), ("draft", "lapsed"),
                    ("review", "returned"), ("returned", "review"), ("returned", "lapsed"), ("review", "signing"),
                    ("review", "active"), ("review", "rejected"), ("review", "lapsed"),
                    ("signing", "signed"), ("signing", "declined"), ("signing", "lapsed"), ("signing", "review"),
                    ("declined", "signing"), ("lapsed", "signing"), ("lapsed", "draft"),
                    ("signed", "active"), ("signed", "rejected"),
                    ("active", "suspended"), ("suspended", "active"), ("suspended", "removed"),
                    ("active", "withdrawn"), ("suspended", "withdrawn"),
                ],
            ),
            pgtrigger.Trigger(
                name="application_begins_as_a_draft",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__origin="application") & ~pgtrigger.Q(new__state="draft"),
                func="RAISE EXCEPTION 'An application begins as a draft.' USING ERRCODE = 'check_violation';",
            ),
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.entity} ({self.get_track_display()})"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def is_recorded(self) -> bool:
        return self.origin == self.Origin.RECORDED


class Invitation(models.Model):
    """A secret address for the Head: only its hash is kept; one is alive at a time."""

    class Delivery(models.TextChoices):
        QUEUED = "queued", _("Waiting to be sent")
        ACCEPTED = "accepted", _("Accepted by the mail server")
        REFUSED = "refused", _("Refused by the mail server")
        BOUNCED = "bounced", _("Came back")

    membership = models.ForeignKey(Membership, models.PROTECT, related_name="invitations", verbose_name=_("membership"))
    mandate = models.ForeignKey(
        "coalition.Mandate", models.PROTECT, related_name="invitations", verbose_name=_("mandate")
    )
    purpose = models.CharField(
        _("purpose"),
        max_length=20,
        choices=[
            ("original", _("Sign")),
            ("reaffirmation", _("Reaffirm")),
            ("withdrawal", pgettext_lazy("leave the Letter of Intent", "Withdraw")),
        ],
        default="original",
    )
    token_sha256 = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    delivery = models.CharField(_("delivery"), max_length=20, choices=Delivery.choices, default=Delivery.QUEUED)
    delivery_at = models.DateTimeField(_("delivery known"), null=True, blank=True)
    opened_at = models.DateTimeField(
        _("opened"), null=True, blank=True, help_text=_("By a person or a machine: no proof of reading.")
    )
    reminder_count = models.PositiveSmallIntegerField(_("reminders"), default=0)
    reminded_at = models.DateTimeField(_("last reminder"), null=True, blank=True)
    used_at = models.DateTimeField(_("used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("membership",),
                condition=Q(used_at__isnull=True, revoked_at__isnull=True),
                name="one_invitation_is_alive",
            ),
            models.CheckConstraint(condition=Q(token_sha256__regex=SHA256), name="invitation_keeps_a_hash"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="invitation_expires_later"),
            models.CheckConstraint(condition=Q(reminder_count__lte=5), name="invitation_reminds_at_most_five_times"),
            models.CheckConstraint(
                condition=Q(used_at__isnull=True) | Q(revoked_at__isnull=True), name="invitation_used_or_revoked"
            ),
        )

    def __str__(self) -> str:
        return f"{self.membership}: {self.created_at:%Y-%m-%d}"


class Signature(models.Model):
    """A fact: this entity, by this person, in this capacity, signed these words at this time. Written once.

    Names are as they were then. `evidence` is public, hashed and inside the certificate; `private` is not, is committed by
    a salted hash, and can be erased while the public proof still verifies.
    """

    class Kind(models.TextChoices):
        ORIGINAL = "original", _("Signature")
        REAFFIRMATION = "reaffirmation", _("Reaffirmation")
        WITHDRAWAL = "withdrawal", _("Withdrawal")

    class Method(models.TextChoices):
        PASSKEY = "passkey", _("Passkey")
        EMAIL_CODE = "email-code", _("Code by e-mail and typed name")
        WET_INK = "wet-ink", _("Handwritten, recorded by staff")
        QUALIFIED = "qualified-signature", _("Own electronic signature, recorded by staff")
        HISTORICAL = "historical", _("Recorded from sources")

    membership = models.ForeignKey(Membership, models.PROTECT, related_name="signatures", verbose_name=_("membership"))
    entity = models.ForeignKey("coalition.Entity", models.PROTECT, related_name="signatures", verbose_name=_("entity"))
    letter = models.ForeignKey("coalition.Letter", models.PROTECT, related_name="signatures", verbose_name=_("letter"))
    mandate = models.ForeignKey(
        "coalition.Mandate", models.PROTECT, null=True, blank=True, related_name="signatures", verbose_name=_("mandate")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices, default=Kind.ORIGINAL)
    method = models.CharField(_("method"), max_length=30, choices=Method.choices)
    code = models.CharField(_("code"), max_length=14, unique=True, null=True, blank=True)
    signed_on = models.DateField(_("day of signature"))
    signed_at = models.DateTimeField(_("time of signature"), null=True, blank=True)
    entity_name = models.CharField(_("entity, as signed"), max_length=300)
    signer_name = models.CharField(_("name, as signed"), max_length=200, blank=True)
    signer_title = models.CharField(_("title, as signed"), max_length=200, blank=True)
    capacity = models.CharField(
        _("capacity"), max_length=20, blank=True, choices=[("head", _("Head")), ("delegate", _("Delegate of the Head"))]
    )
    language = models.CharField(_("language"), max_length=10, blank=True, choices=settings.LANGUAGES)
    text_sha256 = models.CharField(max_length=64, blank=True)
    evidence = models.TextField(_("evidence"), blank=True)
    evidence_sha256 = models.CharField(max_length=64, blank=True)
    private = models.TextField(_("private evidence"), blank=True)
    private_sha256 = models.CharField(max_length=64, blank=True)
    scan = models.FileField(_("scan or file"), upload_to="scans/", blank=True)
    scan_sha256 = models.CharField(max_length=64, blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("recorded by")
    )
    source_url = models.URLField(_("source"), max_length=500, blank=True)
    is_example = models.BooleanField(_("made up for the demonstration"), default=False)
    nonce = models.CharField(max_length=64, unique=True, null=True, blank=True, editable=False)
    countersigned_at = models.DateTimeField(_("countersigned"), null=True, blank=True)
    countersigned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    certificate = models.FileField(_("certificate"), upload_to="certificates/", blank=True)
    certificate_sha256 = models.CharField(max_length=64, blank=True)
    sealed_at = models.DateTimeField(_("sealed"), null=True, blank=True)
    seal_certificate_sha256 = models.CharField(max_length=64, blank=True)

    objects = SignatureQuerySet.as_manager()

    class Meta:
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        ordering = ("signed_on", "pk")
        constraints = (
            models.CheckConstraint(
                condition=Q(code__isnull=True) | Q(code__regex=CODE), name="signature_code_is_well_formed"
            ),
            models.UniqueConstraint(
                fields=("membership", "letter", "mandate", "kind"), name="signature_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=~Q(method="historical")
                | Q(
                    mandate__isnull=True,
                    code__isnull=True,
                    scan="",
                    certificate="",
                    sealed_at__isnull=True,
                    signed_at__isnull=True,
                    signer_name="",
                    signer_title="",
                    evidence="",
                    countersigned_at__isnull=True,
                )
                & ~Q(source_url=""),
                name="historical_signature_claims_nothing_more",
            ),
            models.CheckConstraint(
                condition=Q(method="historical")
                | Q(code__isnull=False, mandate__isnull=False, signed_at__isnull=False)
                & ~Q(signer_name="")
                & ~Q(evidence="")
                & Q(evidence_sha256__regex=SHA256)
                & Q(text_sha256__regex=SHA256),
                name="signature_has_its_evidence",
            ),
            models.CheckConstraint(
                condition=~Q(method="passkey") | Q(evidence__contains='"assertion"'),
                name="passkey_signature_has_its_assertion",
            ),
            models.CheckConstraint(
                condition=~Q(method__in=["wet-ink", "qualified-signature"])
                | Q(scan_sha256__regex=SHA256, recorded_by__isnull=False)
                & (Q(countersigned_by__isnull=True) | ~Q(countersigned_by=F("recorded_by"))),
                name="recorded_signature_has_scan_and_four_eyes",
            ),
            models.CheckConstraint(
                condition=Q(countersigned_at__isnull=True, countersigned_by__isnull=True)
                | Q(countersigned_at__isnull=False, countersigned_by__isnull=False),
                name="signature_countersigned_when_and_by_whom",
            ),
            models.UniqueConstraint(
                fields=("certificate_sha256",), condition=~Q(certificate_sha256=""), name="certificate_is_unique"
            ),
            models.CheckConstraint(
                condition=Q(sealed_at__isnull=True, seal_certificate_sha256="")
                | Q(sealed_at__isnull=False) & ~Q(certificate_sha256=""),
                name="seal_is_on_a_certificate",
            ),
        )

    def __str__(self) -> str:
        return f"{self.entity_name}, {self.signed_on}"

    def get_absolute_url(self) -> str:
        return reverse("coalition:verify_code", args=[self.code])

    @property
    def hour_is_known(self) -> bool:
        """True for what was signed here; what staff record has its day alone, and midnight UTC as its `signed_at`."""
        return self.method in {self.Method.PASSKEY, self.Method.EMAIL_CODE}
