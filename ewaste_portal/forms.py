"""Forms of the portal as a whole."""

from typing import Any

from allauth.mfa.webauthn.forms import AddWebAuthnForm, SignupWebAuthnForm
from django import forms
from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.translation import gettext_lazy as _

from ewaste_portal.models import User


class ContactForm(forms.Form):
    SUBJECTS = (
        ("question", _("A question")),
        ("address", _("An address for a document, or a link that is broken")),
        ("correction", _("A correction")),
        ("accessibility", _("An obstacle on a page")),
        ("other", _("Something else")),
    )

    name = forms.CharField(label=_("Your name"), max_length=120, required=False)
    email = forms.EmailField(label=_("Your e-mail address"), max_length=254)
    subject = forms.ChoiceField(label=_("What it is about"), choices=SUBJECTS)
    page = forms.CharField(
        label=_("The page it is about"), max_length=500, required=False, help_text=_("Its address or title.")
    )
    message = forms.CharField(label=_("Your message"), max_length=5000, widget=forms.Textarea(attrs={"rows": 8}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["autocomplete"] = "name"
        self.fields["email"].widget.attrs["autocomplete"] = "email"

    def send(self) -> None:
        data = self.cleaned_data
        EmailMessage(
            subject=f"{dict(self.SUBJECTS)[data['subject']]} – {' '.join(data['page'].split())[:80]}".rstrip(" –"),
            body="\n\n".join(part for part in (data["name"], data["page"], data["message"]) if part),
            to=[settings.PORTAL_CONTACT],
            reply_to=[data["email"]],
        ).send()


class PreferencesForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ("first_name", "last_name", "language", "theme")


class AddPasskeyForm(AddWebAuthnForm):
    """allauth's, with a label that can be translated."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name")


class SignupPasskeyForm(SignupWebAuthnForm):
    """allauth's, with a label that can be translated."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name")
