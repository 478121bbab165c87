"""What a reader may ask of the list of members: two days."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy as _

FIRST_DAY = date(2018, 3, 21)  # of the first Letter


def _day(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("Enter a day as year, month and day, such as 2018-03-21.")},
    )


class JoinedForm(forms.Form):
    """`since` and `until`; without them from the first Letter to today."""

    since = _day(_("From the end of this day"))
    until = _day(_("To the end of this day"))

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        data["since"], data["until"] = data.get("since") or FIRST_DAY, data.get("until") or timezone.localdate()
        if not self.errors and data["until"] < data["since"]:
            raise ValidationError({"until": gettext("Enter a day that is not before the first one.")}, code="order")
        return data
