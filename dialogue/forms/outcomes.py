"""A new word on an output or outcome, as staff write it."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy as _

from dialogue.actions.outcomes import ADDRESS, check
from dialogue.models import OutcomeUpdate
from dialogue.models.outcomes import EVIDENCE


class WordForm(forms.ModelForm):
    """`words` in `language`; saved by actions.outcomes.add_update, never by itself."""

    words = forms.CharField(
        label=_("what happened"), max_length=5_000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("It is public at once, and can be corrected only by another word."),
    )  # fmt: skip
    language = forms.ChoiceField(label=_("language"), choices=settings.LANGUAGES)

    class Meta:
        model = OutcomeUpdate
        fields = ("on", "status", *EVIDENCE, *ADDRESS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["language"].initial = get_language() or "en"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        aim = self.instance.desired_output or self.instance.expected_outcome
        proofs = {name: data.get(name) or "" for name in (*EVIDENCE, *ADDRESS) if name not in self.errors}
        try:
            check(
                dialogue=aim.dialogue, on=data.get("on") or timezone.localdate(timezone=aim.dialogue.zone),
                status=data.get("status") or "open", note=data.get("words") or "-",
                language=data.get("language") or "en", evidence=proofs,
            )  # fmt: skip
        except ValidationError as error:
            for name, errors in error.error_dict.items():
                self.add_error(name, errors)
        return data

    def _get_validation_exclusions(self) -> set[str]:
        """The constraint says the same as `check`, once more."""
        return {*super()._get_validation_exclusions(), "evidence_url"}  # type: ignore[misc]
