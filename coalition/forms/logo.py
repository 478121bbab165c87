"""A logo on its way in, from the entity's own people or from staff: drawn anew, and with the permission to show it."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from coalition import files


class LogoFields(forms.ModelForm):
    """For a form of an entity with the fields `logo` and `logo_permission`."""

    def clean_logo(self) -> Any:
        """Checked before it is drawn anew: a small file may hold a giant picture."""
        logo = self.cleaned_data["logo"]
        if not isinstance(logo, UploadedFile):
            return logo
        files.validate_image(logo)
        return files.logo(logo)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("logo") and not data.get("logo_permission", "").strip():
            self.add_error("logo_permission", _("Record who permitted the use of the logo."))
        return data

    def _get_validation_exclusions(self) -> set[str]:
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded | {"logo"}  # checked above; the model would open the stored file
