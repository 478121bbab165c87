"""What a reader may ask of a letter: in which language, beside which other, and who had signed on a day."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy as _


class SignatoriesForm(forms.Form):
    on = forms.DateField(
        label=_("Who had signed on a given day"),
        required=False,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Year, month and day, such as 2018-03-21."),
        error_messages={"invalid": _("Enter a day as year, month and day, such as 2018-03-21.")},
    )

    def clean_on(self) -> date | None:
        day: date | None = self.cleaned_data["on"]
        if day and day > timezone.localdate():
            raise ValidationError(gettext("Enter a day that is not in the future."), code="future")
        return day


class ReadingForm(forms.Form):
    """`language` and `beside`: each of the languages that the letter has."""

    language = forms.ChoiceField(required=False)
    beside = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, languages: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.choices = [(code, code) for code in languages]  # type: ignore[attr-defined]

    def chosen(self, name: str, default: str = "") -> str:
        """The language asked for; the default where none is, or one that the letter does not have."""
        self.is_valid()
        return str(self.cleaned_data.get(name) or default)
