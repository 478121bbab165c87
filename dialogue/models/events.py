"""Dialogues and their sessions. Times are instants in UTC; what is printed is always the event's own time."""

import uuid
import zoneinfo
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pgtrigger
from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeBoundary, RangeOperators
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from dialogue.querysets import DialogueQuerySet, SessionQuerySet
from ewaste_portal import vocabularies

ZONE = r"^(UTC|[A-Za-z]+(/[A-Za-z0-9_+-]+)+)$"  # never an abbreviation such as CET or IST, which name several zones


def validate_time_zone(name: str) -> None:
    """ValidationError for what is not a name of the IANA time zone database, such as Europe/Zurich."""
    if name != "UTC" and ("/" not in name or name not in zoneinfo.available_timezones()):
        raise ValidationError(
            _("“%(name)s” is not the name of a time zone, such as Europe/Zurich."), params={"name": name}, code="zone"
        )


class IsLocalMidnight(Func):
    """Whether an instant is midnight in a zone: (zone name, instant)."""

    template = "(timezone(%(expressions)s))::time = '00:00'"
    output_field = models.BooleanField()
    conditional = True


class InstantRange(Func):
    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class Dialogue(models.Model):
    """A meeting, or an exchange in writing. Whether it is to come, live or held follows from the clock alone."""

    class Status(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("dialogue", "Draft")
        CONFIRMED = "confirmed", pgettext_lazy("dialogue", "Confirmed")
        RESCHEDULED = "rescheduled", pgettext_lazy("dialogue", "Rescheduled")
        CANCELLED = "cancelled", pgettext_lazy("dialogue", "Cancelled")

    class Precision(models.TextChoices):
        MINUTE = "minute", _("Day and hour are known")
        DAY = "day", _("Only the day is known")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    slug = models.SlugField(_("slug"), max_length=120, unique=True)
    kind = models.CharField(
        _("kind"), max_length=40, choices=vocabularies.Choices("dialogue_kind"), default="high-level-dialogue"
    )
    title = models.CharField(_("title"), max_length=300)
    theme = models.CharField(_("theme"), max_length=300, blank=True)
    overview = models.TextField(_("overview"), blank=True, help_text=_("Purpose and background, in Markdown."))

    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.DRAFT, editable=False)
    status_note = models.TextField(_("why it was moved or cancelled"), blank=True, editable=False)
    precision = models.CharField(_("precision"), max_length=10, choices=Precision, default=Precision.MINUTE)
    starts_at = models.DateTimeField(_("begins"))
    ends_at = models.DateTimeField(
        _("ends"), help_text=_("Where only the day is known: midnight at the end of the last day.")
    )
    previous_starts_at = models.DateTimeField(_("began before it was moved"), null=True, blank=True, editable=False)
    time_zone = models.CharField(
        _("time zone"), max_length=60, default="Europe/Zurich", validators=[validate_time_zone],
        help_text=_("IANA name, such as Europe/Zurich."),
    )  # fmt: skip
    place = models.CharField(_("place"), max_length=120, blank=True, help_text=_("City, such as Geneva."))
    venue = models.CharField(_("venue"), max_length=200, blank=True)
    room = models.CharField(_("room"), max_length=120, blank=True)
    country = models.ForeignKey(
        "ewaste_portal.Country", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("country")
    )
    mode = models.CharField(_("mode"), max_length=20, choices=vocabularies.Choices("dialogue_mode"), default="on-site")
    organizers = models.ManyToManyField(
        "coalition.Entity", related_name="organized_dialogues", blank=True, verbose_name=_("organizers")
    )
    host_event = models.CharField(_("host event"), max_length=200, blank=True, help_text=_("Such as WSIS Forum 2018."))
    host_event_url = models.URLField(_("address of the host event"), max_length=500, blank=True)
    host_session_number = models.CharField(_("session number there"), max_length=40, blank=True)
    working_languages = ArrayField(
        models.CharField(max_length=10, choices=vocabularies.Choices("language")),
        verbose_name=_("working languages"), default=list, blank=True,
    )  # fmt: skip
    interpretation = ArrayField(
        models.CharField(max_length=10, choices=vocabularies.Choices("language")),
        verbose_name=_("interpretation into"), default=list, blank=True,
    )  # fmt: skip
    is_captioned = models.BooleanField(_("captioned"), default=False)
    webcast_url = models.URLField(_("webcast"), max_length=500, blank=True)
    recording_url = models.URLField(_("recording"), max_length=500, blank=True)

    letter = models.ForeignKey(
        "coalition.Letter", models.PROTECT, null=True, blank=True, related_name="dialogues",
        verbose_name=_("Letter of Intent"),
    )  # fmt: skip
    round = models.ForeignKey(
        "coalition.Round", models.PROTECT, null=True, blank=True, related_name="dialogues",
        verbose_name=_("round of the Coalition"), help_text=_("In which signatories may nominate newcomers."),
    )  # fmt: skip
    follows = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="followed_by", verbose_name=_("follows")
    )
    moderator_reason = models.TextField(
        _("why the moderator comes from the UN"), blank=True,
        help_text=_("The moderator comes from outside the United Nations. A written exception is shown to the public."),
    )  # fmt: skip

    registration_opens_at = models.DateTimeField(_("registration opens"), null=True, blank=True)
    registration_closes_at = models.DateTimeField(_("registration closes"), null=True, blank=True)
    capacity_on_site = models.PositiveIntegerField(_("places on site"), null=True, blank=True)
    capacity_online = models.PositiveIntegerField(_("places online"), null=True, blank=True)
    questions_open_at = models.DateTimeField(_("questions open"), null=True, blank=True)
    questions_close_at = models.DateTimeField(_("questions close"), null=True, blank=True)

    source_url = models.URLField(_("source"), max_length=500, blank=True)
    source_name = models.CharField(_("name of the source"), max_length=200, blank=True)
    is_example = models.BooleanField(_("made up for the demonstration"), default=False)
    sequence = models.PositiveIntegerField(default=0, editable=False)  # of RFC 5545; raised by a trigger
    published_at = models.DateTimeField(_("published"), null=True, blank=True, editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    modified_at = models.DateTimeField(_("modified"), auto_now=True)

    objects = DialogueQuerySet.as_manager()

    if TYPE_CHECKING:  # columns of translation.py
        title_en: str

    class Meta:
        verbose_name = _("dialogue")
        verbose_name_plural = _("dialogues")
        ordering = ("-starts_at", "slug")
        permissions = (
            ("publish_dialogue", "Can publish, move and cancel dialogues"),
            ("moderate_question", "Can moderate questions"),
            ("check_in_attendance", "Can check people in"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="dialogue_ends_after_it_begins",
                violation_error_message=_("The end must lie after the beginning."),
            ),
            models.CheckConstraint(
                condition=Q(time_zone__regex=ZONE),
                name="dialogue_time_zone_is_a_place",
                violation_error_message=_("Enter the name of a time zone, such as Europe/Zurich."),
            ),
            models.CheckConstraint(
                condition=~Q(precision="day")
                | Q(IsLocalMidnight("time_zone", "starts_at"), IsLocalMidnight("time_zone", "ends_at")),
                name="dialogue_of_a_day_has_no_hour",
                violation_error_message=_("Where only the day is known, enter midnight as beginning and as end."),
            ),
            models.CheckConstraint(condition=Q(precision__in=["minute", "day"]), name="dialogue_precision_is_known"),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "confirmed", "rescheduled", "cancelled"]),
                name="dialogue_status_is_known",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=vocabularies.codes("dialogue_kind")), name="dialogue_kind_is_in_the_vocabulary"
            ),
            models.CheckConstraint(
                condition=Q(mode__in=vocabularies.codes("dialogue_mode")), name="dialogue_mode_is_in_the_vocabulary"
            ),
            models.CheckConstraint(
                condition=Q(status="draft", published_at__isnull=True, published_by__isnull=True)
                | ~Q(status="draft") & Q(published_at__isnull=False, published_by__isnull=False),
                name="dialogue_published_when_and_by_whom",
            ),
            models.CheckConstraint(
                condition=~Q(status="cancelled") | Q(status_note_en__isnull=False) & ~Q(status_note_en=""),
                name="cancelled_dialogue_says_why",
                violation_error_message=_("Say why it is cancelled."),
            ),
            models.CheckConstraint(
                condition=~Q(status="rescheduled") | Q(previous_starts_at__isnull=False),
                name="rescheduled_dialogue_knows_its_first_date",
            ),
            models.CheckConstraint(
                condition=Q(follows__isnull=True) | ~Q(follows=F("id")),
                name="dialogue_does_not_follow_itself",
                violation_error_message=_("A dialogue cannot follow itself."),
            ),
            models.CheckConstraint(
                condition=Q(registration_opens_at__isnull=True, registration_closes_at__isnull=True)
                | Q(registration_opens_at__isnull=False, registration_closes_at__isnull=False)
                & Q(registration_closes_at__gt=F("registration_opens_at")),
                name="registration_closes_after_it_opens",
                violation_error_message=_("Registration must close after it opens; enter both times or neither."),
            ),
            models.CheckConstraint(
                condition=Q(questions_open_at__isnull=True, questions_close_at__isnull=True)
                | Q(questions_open_at__isnull=False, questions_close_at__isnull=False)
                & Q(questions_close_at__gt=F("questions_open_at")),
                name="questions_close_after_they_open",
                violation_error_message=_("Questions must close after they open; enter both times or neither."),
            ),
        )
        triggers = (
            pgtrigger.FSM(
                name="dialogue_states",
                field="status",
                transitions=[
                    ("draft", "confirmed"), ("confirmed", "rescheduled"), ("rescheduled", "confirmed"),
                    ("confirmed", "cancelled"), ("rescheduled", "cancelled"), ("cancelled", "confirmed"),
                    ("cancelled", "rescheduled"),
                ],
            ),
            pgtrigger.Protect(
                name="published_dialogue_stays",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Q(old__published_at__isnull=False),
            ),
        )  # fmt: skip

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("dialogue:dialogue_detail", args=[self.slug])

    def clean(self) -> None:
        """Only what no constraint can say: constraints compare, this looks the zone up."""
        validate_time_zone(self.time_zone)

    def get_kind_display(self) -> str:  # type: ignore[no-redef]  # in the reader's language
        return vocabularies.label("dialogue_kind", self.kind)

    def get_mode_display(self) -> str:  # type: ignore[no-redef]
        return vocabularies.label("dialogue_mode", self.mode)

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def is_public(self) -> bool:
        return self.status != self.Status.DRAFT

    @property
    def is_cancelled(self) -> bool:
        return self.status == self.Status.CANCELLED

    @property
    def has_hours(self) -> bool:
        return self.precision == self.Precision.MINUTE

    @property
    def is_in_writing(self) -> bool:
        return self.mode == "in-writing"

    @property
    def first_day(self) -> date:
        """In the event's own zone."""
        return self.starts_at.astimezone(self.zone).date()

    @property
    def last_day(self) -> date:
        """In the event's own zone; what ends at midnight ends on the day before."""
        return (self.ends_at.astimezone(self.zone) - timedelta(microseconds=1)).date()

    def phase(self, at: datetime | None = None) -> str:
        """`cancelled`, `upcoming`, `live` or `held`: codes of the vocabulary dialogue_status."""
        now = at or timezone.now()
        if self.is_cancelled:
            return "cancelled"
        if now < self.starts_at:
            return "upcoming"
        return "live" if now < self.ends_at else "held"

    @property
    def phase_label(self) -> str:
        return vocabularies.label("dialogue_status", self.phase())

    def registration_is_open(self, at: datetime | None = None) -> bool:
        return self._is_within(self.registration_opens_at, self.registration_closes_at, at)

    def questions_are_open(self, at: datetime | None = None) -> bool:
        return self._is_within(self.questions_open_at, self.questions_close_at, at)

    def _is_within(self, opens: datetime | None, closes: datetime | None, at: datetime | None) -> bool:
        now = at or timezone.now()
        return (
            self.is_public and not self.is_cancelled and opens is not None and closes is not None
            and opens <= now < closes
        )  # fmt: skip

    def capacity(self, mode: str) -> int | None:
        """Places for a mode of attendance, `on-site` or `online`; None where nobody counts."""
        return self.capacity_on_site if mode == "on-site" else self.capacity_online


class Session(models.Model):
    """An item of the programme. Its hours may be unknown: then its position alone tells the order."""

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("session", "Held back")
        PUBLISHED = "published", pgettext_lazy("session", "Published")
        CANCELLED = "cancelled", pgettext_lazy("session", "Cancelled")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    dialogue = models.ForeignKey(Dialogue, models.CASCADE, related_name="sessions", verbose_name=_("dialogue"))
    slug = models.SlugField(_("slug"), max_length=120)
    kind = models.CharField(_("kind"), max_length=40, choices=vocabularies.Choices("session_kind"))
    title = models.CharField(_("title"), max_length=300)
    summary = models.TextField(_("summary"), blank=True, help_text=_("What it is about, in Markdown."))
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    starts_at = models.DateTimeField(_("begins"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends"), null=True, blank=True)
    room = models.CharField(_("room"), max_length=120, blank=True, help_text=_("Empty: the dialogue's own room."))
    languages = ArrayField(
        models.CharField(max_length=10, choices=vocabularies.Choices("language")),
        verbose_name=_("languages"), default=list, blank=True,
    )  # fmt: skip
    letter = models.ForeignKey(
        "coalition.Letter", models.PROTECT, null=True, blank=True, related_name="signing_sessions",
        verbose_name=_("Letter of Intent"), help_text=_("Of a signing ceremony; nothing else has one."),
    )  # fmt: skip
    recording_url = models.URLField(_("recording"), max_length=500, blank=True)
    notes = models.TextField(_("notes for the run of show"), blank=True, help_text=_("Staff and moderator only."))
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.DRAFT, editable=False)
    sequence = models.PositiveIntegerField(default=0, editable=False)  # of RFC 5545; raised by a trigger
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    modified_at = models.DateTimeField(_("modified"), auto_now=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ("position", "starts_at", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("dialogue", "slug"), name="session_slug_unique_in_a_dialogue",
                violation_error_message=_("Another session of this dialogue has this slug."),
            ),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True, ends_at__isnull=True)
                | Q(starts_at__isnull=False, ends_at__isnull=False) & Q(ends_at__gt=F("starts_at")),
                name="session_ends_after_it_begins",
                violation_error_message=_("The end must lie after the beginning; enter both or neither."),
            ),
            models.CheckConstraint(
                condition=Q(kind__in=vocabularies.codes("session_kind")), name="session_kind_is_in_the_vocabulary"
            ),
            models.CheckConstraint(
                condition=Q(kind="signing-ceremony", letter__isnull=False)
                | ~Q(kind="signing-ceremony") & Q(letter__isnull=True),
                name="signing_ceremony_has_its_letter",
                violation_error_message=_("A signing ceremony has its Letter of Intent; no other session has one."),
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "published", "cancelled"]), name="session_state_is_known"
            ),
            ExclusionConstraint(
                name="one_session_in_a_room",
                expressions=[
                    ("dialogue", RangeOperators.EQUAL),
                    ("room", RangeOperators.EQUAL),
                    (InstantRange("starts_at", "ends_at", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                condition=~Q(room="") & Q(starts_at__isnull=False) & ~Q(state="cancelled"),
                violation_error_message=_("Another session is in this room at this time."),
            ),
        )  # fmt: skip
        triggers = (
            pgtrigger.FSM(
                name="session_states",
                field="state",
                transitions=[
                    ("draft", "published"), ("published", "draft"), ("published", "cancelled"), ("cancelled", "published"),
                ],
            ),
        )  # fmt: skip

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("dialogue:session_detail", args=[self.dialogue.slug, self.slug])

    def get_kind_display(self) -> str:  # type: ignore[no-redef]  # in the reader's language
        return vocabularies.label("session_kind", self.kind)

    @property
    def anchor(self) -> str:
        return f"session-{self.slug}"

    @property
    def is_cancelled(self) -> bool:
        return self.state == self.State.CANCELLED

    @property
    def minutes(self) -> int | None:
        """Its length; None where the hours are not known."""
        if self.starts_at is None or self.ends_at is None:
            return None
        return round((self.ends_at - self.starts_at).total_seconds() / 60)

    def phase(self, at: datetime | None = None) -> str:
        """As of a dialogue; of one without hours that of its dialogue."""
        if self.is_cancelled or self.starts_at is None or self.ends_at is None:
            return "cancelled" if self.is_cancelled else self.dialogue.phase(at)
        now = at or timezone.now()
        if self.dialogue.is_cancelled:
            return "cancelled"
        return "upcoming" if now < self.starts_at else "live" if now < self.ends_at else "held"
