"""What a visitor of the verification page may give: a code, a fingerprint, a file."""

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from coalition import verification
from coalition.files import LARGEST_DOCUMENT

SHA256 = r"^[0-9a-f]{64}$"


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code of the certificate"),
        max_length=40,
        help_text=_("Twelve characters, for example 7F3K-9QXM-24TB. Capitals, spaces and hyphens do not matter."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "dir": "ltr"}
        ),
        error_messages={"required": _("Enter the code.")},
    )

    def clean_code(self) -> str:
        code = verification.read_code(self.cleaned_data["code"])
        if code is None:
            raise forms.ValidationError(
                _("A code has twelve letters and figures: compare with the certificate."), code="code"
            )
        return code


class FingerprintForm(forms.Form):
    """What the script computed: of the whole file, and of the part that a seal in it covers."""

    sha256 = forms.RegexField(SHA256)
    part = forms.RegexField(SHA256, required=False)


class FileForm(forms.Form):
    file = forms.FileField(
        label=_("Certificate (PDF, at most 10 MB)"),
        widget=forms.FileInput(attrs={"accept": "application/pdf,.pdf"}),
        error_messages={"required": _("Choose the file of the certificate."), "empty": _("This file is empty.")},
    )

    def clean_file(self) -> bytes:
        file: UploadedFile = self.cleaned_data["file"]
        if file.size is None or file.size > LARGEST_DOCUMENT:
            raise forms.ValidationError(_("The file is larger than 10 MB: it is not a certificate."), code="size")
        content: bytes = file.read()
        return content
