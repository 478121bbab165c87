"""What people who register fill in, and what staff at the door look for."""

from typing import Any

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from coalition.forms.workspace import LineField
from dialogue.actions import attendance as actions
from dialogue.models import Attendance, Dialogue
from dialogue.models.attendance import MODES
from dialogue.querysets import AttendanceQuerySet
from ewaste_portal import vocabularies


class WishesForm(forms.ModelForm):
    """What can be changed at any time."""

    class Meta:
        model = Attendance
        fields: tuple[str, ...] = ("consent", "access_needs")
        widgets = {  # noqa: RUF012  Django's own form
            "consent": forms.RadioSelect,
            "access_needs": forms.Textarea(attrs={"rows": 3}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["consent"].help_text = _(
            "The list of participants on the page “Attend” shows name and organization of those who agree."
        )


class RegistrationForm(WishesForm):
    class Meta(WishesForm.Meta):
        fields = ("name", "email", "organization", "category", "mode", "consent", "access_needs")
        field_classes = {"name": LineField, "organization": LineField}  # noqa: RUF012  Django's own form
        widgets = WishesForm.Meta.widgets | {"mode": forms.RadioSelect}

    def __init__(self, *args: Any, dialogue: Dialogue, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dialogue = dialogue
        self.fields["name"].widget.attrs["autocomplete"] = "name"
        self.fields["email"].widget.attrs |= {"autocomplete": "email", "dir": "ltr"}
        self.fields["email"].help_text = _("A code is sent to this address; only it is used to reach you.")
        self.fields["organization"].widget.attrs["autocomplete"] = "organization"
        offered: list[Any] = actions.modes(dialogue)
        if len(offered) == 1:
            del self.fields["mode"]
        else:
            mode: Any = self.fields["mode"]
            mode.choices = offered
        self.only_mode = offered[0][0] if len(offered) == 1 else ""

    def answers(self) -> dict[str, Any]:
        return {"mode": self.only_mode, **self.cleaned_data} if self.only_mode else self.cleaned_data


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code from the mail"),
        max_length=20,
        help_text=_("Eight letters and figures, good for thirty minutes."),
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autocapitalize": "characters", "spellcheck": "false", "dir": "ltr"}
        ),
    )


class ModeForm(forms.Form):
    mode = forms.ChoiceField(choices=MODES)


class ListForm(forms.Form):
    """The check-in list: which rows. What is not understood filters nothing."""

    EVERY = ("", pgettext_lazy("every value of a filter", "All"))
    STATES = ("confirmed", "attended", "waiting-list", "pending", "cancelled", "declined")

    q = forms.CharField(label=_("Name or organization"), max_length=100, required=False)
    state = forms.ChoiceField(label=_("State"), required=False)
    category = forms.ChoiceField(label=_("Category"), required=False)
    mode = forms.ChoiceField(label=_("How they attend"), required=False, choices=[EVERY, *MODES])
    uid = forms.UUIDField(required=False, widget=forms.HiddenInput)  # of the code for the entrance

    def __init__(self, data: QueryDict) -> None:
        wishes = data.copy()
        wishes.setdefault("state", "" if "uid" in data else "expected")
        super().__init__(wishes)
        state: Any = self.fields["state"]
        state.choices = [
            ("expected", pgettext_lazy("people who registered", "With a place")),
            *((code, vocabularies.label("registration_state", code)) for code in self.STATES),
            self.EVERY,
        ]
        category: Any = self.fields["category"]
        category.choices = [self.EVERY, *vocabularies.Choices("registration_category")()]

    def rows(self, of: AttendanceQuerySet) -> AttendanceQuerySet:
        """The rows that were asked for, by name."""
        self.is_valid()
        wishes = self.cleaned_data
        if wishes.get("uid"):
            of = of.filter(uid=wishes["uid"])
        for word in wishes.get("q", "").split():
            of = of.filter(Q(name__icontains=word) | Q(organization__icontains=word))
        if wishes.get("state") == "expected":
            of = of.seated()
        elif wishes.get("state"):
            of = of.filter(state=wishes["state"])
        for name in ("category", "mode"):
            if wishes.get(name):
                of = of.filter(**{name: wishes[name]})
        return of.order_by("name", "pk")

    def parameters(self) -> dict[str, str]:
        """What is understood, for addresses of the same list."""
        return {name: str(value) for name, value in self.cleaned_data.items() if value or name == "state"}


class CheckInForm(forms.Form):
    """One button of the list: `check-in` or `undo`, with the row's uid."""

    check_in = forms.UUIDField(required=False)
    undo = forms.UUIDField(required=False)
