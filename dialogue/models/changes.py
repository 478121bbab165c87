"""What changed after publication, for the public: calendars, mails and the page of changes read this."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _, pgettext_lazy


class Change(models.Model):
    """One change: of what, from what to what. Kept as data, said in the reader's words by `dialogue.changes`.

    `before` and `after` hold the values as text: instants in ISO 8601 in UTC, names as written, codes of vocabularies.
    """

    class What(models.TextChoices):
        PUBLISHED = "published", pgettext_lazy("change", "Published")
        TIME = "time", pgettext_lazy("change", "Time")
        PLACE = "place", pgettext_lazy("change", "Place or room")
        STATUS = "status", pgettext_lazy("change", "Status")
        TITLE = "title", pgettext_lazy("change", "Title")
        SESSION = "session", pgettext_lazy("change", "Session")
        PEOPLE = "people", pgettext_lazy("change", "People")
        DOCUMENT = "document", pgettext_lazy("change", "Document")
        OUTCOME = "outcome", pgettext_lazy("change", "Outputs and outcomes")

    dialogue = models.ForeignKey(
        "dialogue.Dialogue", models.CASCADE, related_name="changes", verbose_name=_("dialogue")
    )
    session = models.ForeignKey(
        "dialogue.Session", models.SET_NULL, null=True, blank=True, related_name="changes", verbose_name=_("session")
    )
    what = models.CharField(_("what"), max_length=20, choices=What)
    subject = models.CharField(
        _("of what"), max_length=300, blank=True
    )  # a session's title, a person's name, as it was
    before = models.TextField(_("before"), blank=True)
    after = models.TextField(_("after"), blank=True)
    note = models.TextField(_("note"), blank=True)
    sequence = models.PositiveIntegerField(default=0)
    at = models.DateTimeField(_("time"), default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    mailed_at = models.DateTimeField(_("mailed"), null=True, blank=True)

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        ordering = ("-at", "-pk")
        triggers = (
            pgtrigger.Protect(
                name="change_is_final",
                operation=pgtrigger.UpdateOf("what", "subject", "before", "after", "at", "dialogue_id"),
            ),
        )

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d}: {self.get_what_display()}"

    def get_absolute_url(self) -> str:
        return f"{reverse('dialogue:changes', args=[self.dialogue.slug])}#{self.anchor}"

    @property
    def anchor(self) -> str:
        return f"change-{self.pk}"
