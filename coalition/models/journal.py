"""The journal: every act on memberships and signatures, chained by hashes, only ever appended to."""

from django.db import models
from django.utils.translation import gettext_lazy as _, pgettext_lazy


class JournalEntry(models.Model):
    """One line. PostgreSQL gives number, time and hashes (migrations/0004_journal.sql) and refuses any change.

    hash = SHA-256 of `prev`, a line feed, and `payload`; all hexadecimal, lower case. `payload` is canonical JSON as text:
    the text itself is hashed, never values read back from columns.
    """

    at = models.DateTimeField(_("time"), editable=False)
    membership = models.ForeignKey(
        "coalition.Membership",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="journal",
        verbose_name=_("membership"),
    )
    event = models.CharField(_("event"), max_length=60)
    payload = models.TextField(_("content"), help_text=_("Canonical JSON, without personal contact data."))
    prev = models.CharField(_("hash of the line before"), max_length=64, unique=True, editable=False)
    hash = models.CharField(_("hash"), max_length=64, unique=True, editable=False)

    class Meta:
        verbose_name = _("journal line")
        verbose_name_plural = pgettext_lazy("register of facts, chained by hashes", "journal")
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.pk}: {self.event}"
