"""What the Head can send from the page of the ceremony."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _, override

from coalition.ceremony import PasskeyProof
from coalition.files import validate_document
from coalition.forms.workspace import LineField


class ReadForm(forms.Form):
    """The page was read: in which language, what it showed, and the tick behind the three sentences."""

    language = forms.ChoiceField(choices=settings.LANGUAGES, widget=forms.HiddenInput)
    shown = forms.RegexField("^[0-9a-f]{64}$", widget=forms.HiddenInput)
    confirmed = forms.BooleanField(
        label=_("I confirm these three sentences."),
        error_messages={"required": _("Tick the box to confirm the three sentences.")},
    )


def code_field() -> forms.CharField:
    return forms.CharField(
        label=_("Code from the mail"),
        max_length=20,
        help_text=_("Eight letters and figures, good for ten minutes."),
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autocapitalize": "characters", "spellcheck": "false", "dir": "ltr"}
        ),
    )


class CodeForm(forms.Form):
    """The way without a passkey: the name typed in full, and the code of the mail."""

    language = forms.ChoiceField(choices=settings.LANGUAGES, widget=forms.HiddenInput)
    shown = forms.RegexField("^[0-9a-f]{64}$", widget=forms.HiddenInput)
    name = forms.CharField(
        label=_("Your full name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    code = code_field()


class AnswerField(forms.JSONField):
    """WebAuthn's JSON; what is nested too deep to be read is no answer either."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except RecursionError as error:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error


class PasskeyForm(forms.Form):
    """What the script sends: all of it is checked by coalition/ceremony.py."""

    sealed = forms.CharField(max_length=20_000)
    state = forms.CharField(max_length=2_000)
    registration = AnswerField(max_length=20_000)
    assertion = AnswerField(max_length=20_000)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for field in ("registration", "assertion"):
            if field in data and not isinstance(data[field], dict):
                self.add_error(field, _("This is not what a passkey answers."))
        return data

    def proof(self) -> PasskeyProof:
        data = self.cleaned_data
        return PasskeyProof(data["registration"], data["state"], data["assertion"])


class AskForm(forms.Form):
    """What the Head tells the focal point and the secretariat without leaving the page."""

    about = forms.ChoiceField(choices=[("correction", ""), ("wrong-person", "")])
    words = forms.CharField(required=False, max_length=2_000)


class DeclineForm(forms.Form):
    REASONS = (
        ("wrong-person", _("Somebody else has to sign this")),
        ("not-now", _("Not at this time")),
        ("text", _("We do not agree with a part of the text")),
        ("not-authorized", _("Our rules do not allow this commitment")),
        ("other", _("Another reason")),
    )

    reason = forms.ChoiceField(label=_("Why you do not sign"), choices=REASONS, widget=forms.RadioSelect)
    words = forms.CharField(
        label=_("In your words"),
        required=False,
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Only the secretariat reads this."),
    )
    code = code_field()

    def text(self) -> str:
        """As staff read it: the reason in English, then the words."""
        with override("en"):
            reason = str(dict(self.REASONS)[self.cleaned_data["reason"]])
        return f"{reason}. {self.cleaned_data['words']}".strip()


class DelegateForm(forms.Form):
    """Who acts in the Head's place, and by which instrument."""

    name = LineField(label=_("Full name of the delegate"), max_length=200)
    title = LineField(label=_("Title or function of the delegate"), max_length=200)
    email = forms.EmailField(label=_("E-mail address of the delegate"), max_length=254)
    instrument = forms.FileField(
        label=_("Instrument of delegation"),
        validators=[validate_document],
        help_text=_("The letter in which you give this person the power to sign: PDF or picture, at most 10 MB."),
        widget=forms.FileInput(attrs={"accept": "application/pdf,image/png,image/jpeg,image/webp"}),
    )
    code = code_field()

    def delegation(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "code"}
