"""Forms with which staff prepare a dialogue. Times are typed in the event's own zone."""

import zoneinfo
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_lazy

from coalition.models import Letter
from dialogue.models import Dialogue, Session
from dialogue.models.events import validate_time_zone
from dialogue.publish_check import clashes_of_rooms
from ewaste_portal.context import language_tag

FIRST_ZONE = "Europe/Zurich"
FROZEN = ("session", "person", "entity", "role", "title_then", "entity_then", "on_behalf_of")


@cache
def zones() -> list[tuple[str, str]]:
    """Names that stand for a place, and UTC."""
    found = sorted(name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith("Etc/"))
    return [(name, name) for name in ["UTC", *found]]


# Times ------------------------------------------------------------------------------------------------------


class LocalTime(forms.DateTimeField):
    """An instant, shown and typed in `zone`, in the browser's own field for date and time."""

    zone = ZoneInfo(FIRST_ZONE)
    widget = forms.DateTimeInput

    def __init__(self, **kwargs: Any) -> None:
        kwargs["widget"] = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, datetime):
            return value
        local = value.astimezone(self.zone)
        return f"{local:%Y-%m-%dT%H:%M:%S}" if local.second else f"{local:%Y-%m-%dT%H:%M}"

    def to_python(self, value: Any) -> datetime | None:
        """ValidationError for an hour that does not exist, or exists twice, because the clocks change."""
        with timezone.override(self.zone):
            return super().to_python(value)


class InZone(forms.BaseForm):
    """A form whose LocalTime fields follow one zone; of a pair of them both are entered or neither."""

    pairs: tuple[tuple[str, str], ...] = ()

    def use_zone(self, zone: ZoneInfo) -> None:
        for field in self.fields.values():
            if isinstance(field, LocalTime):
                field.zone = zone

    def clean(self) -> Any:
        cleaned = super().clean()
        for first, second in self.pairs:
            if {first, second} <= set(self.cleaned_data):
                begin, end = self.cleaned_data[first], self.cleaned_data[second]
                if bool(begin) != bool(end):
                    self.add_error(second if begin else first, _("Enter both times or neither."))
        return cleaned


def zone_of(dialogue: Dialogue | None, typed: str = "") -> ZoneInfo:
    """The zone that is being saved; while it is only shown, that of the dialogue."""
    for name in (typed, dialogue.time_zone if dialogue else ""):
        try:
            validate_time_zone(name)
        except ValidationError:
            continue
        return ZoneInfo(name)
    return ZoneInfo(FIRST_ZONE)


# The dialogue -------------------------------------------------------------------------------------------------


class DialogueForm(InZone, forms.ModelForm):
    pairs = (("registration_opens_at", "registration_closes_at"), ("questions_open_at", "questions_close_at"))
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        choices=zones,
        initial=FIRST_ZONE,
        help_text=gettext_lazy("All times on this page are typed and shown in this zone."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone: Any = self.fields.get("time_zone")
        if zone and self.instance.time_zone not in {
            name for name, _label in zones()
        }:  # such as an older name of a place
            zone.choices = [(self.instance.time_zone, self.instance.time_zone), *zones()]
        self.use_zone(zone_of(self.instance, self.data.get("time_zone", "")))


class Numbered(forms.BaseInlineFormSet):
    """Rows without a position get the next one."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if "position" in form.fields:
            form.fields["position"].required = False
            if not form.instance.pk:
                form.fields["position"].initial = None
                form.initial.pop("position", None)
                form.fields["position"].help_text = form.fields["position"].help_text or _("Empty: the next one.")

    def clean(self) -> None:
        rows = [form for form in self.forms if form not in self.deleted_forms]
        last = max([form.instance.position or 0 for form in rows], default=0)
        for form in rows:
            if form.has_changed() and form.instance.position is None:
                last += 1
                form.instance.position = last
                form.cleaned_data["position"] = last
        super().clean()


# Sessions -----------------------------------------------------------------------------------------------------


class SessionForm(InZone, forms.ModelForm):
    pairs = (("starts_at", "ends_at"),)

    def __init__(
        self, *args: Any, zone: ZoneInfo | None = None, letters: list[Letter] | None = None, **kwargs: Any
    ) -> None:
        """`letters`: all there are, read once for all rows."""
        super().__init__(*args, **kwargs)
        if "letter" in self.fields and letters is not None:
            field: Any = self.fields["letter"]
            field.widget.choices = [("", field.empty_label), *((letter.pk, str(letter)) for letter in letters)]
        self.use_zone(zone or ZoneInfo(FIRST_ZONE))
        if "title_en" in self.fields:
            self.fields["title_en"].required = True
        if "slug" in self.fields and self.instance.pk and self.instance.state != Session.State.DRAFT:
            self.fields["slug"].disabled = True
            self.fields["slug"].help_text = _("Published: the address stays.")

    def _get_validation_exclusions(self) -> set[str]:
        """Overlaps in a room are looked at among all rows of the form: two may change places."""
        return {*super()._get_validation_exclusions(), "room"}  # type: ignore[misc]


class SessionFormSet(Numbered):
    """The sessions of a dialogue: within it, one in a room, the published ones never deleted."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if form.instance.pk and form.instance.state != Session.State.DRAFT and "DELETE" in form.fields:
            form.fields["DELETE"].disabled = True  # it is cancelled instead

    @property
    def standing(self) -> list[Session]:
        """What will be there after saving."""
        return [
            form.instance
            for form in self.forms
            if form not in self.deleted_forms and (form.instance.pk or form.has_changed())
        ]

    def clean(self) -> None:
        super().clean()
        dialogue: Any = self.instance
        forms_of = {id(form.instance): form for form in self.forms}
        slugs: dict[str, Any] = {}
        for session in self.standing:
            form = forms_of[id(session)]
            if session.slug and slugs.setdefault(session.slug, session) is not session:
                form.add_error("slug", _("Another session of this dialogue has this slug."))
            if session.is_cancelled or not (session.starts_at and session.ends_at and dialogue.starts_at):
                continue
            if session.starts_at < dialogue.starts_at:
                form.add_error("starts_at", _("The session begins before the dialogue does."))
            if dialogue.ends_at and session.ends_at > dialogue.ends_at:
                form.add_error("ends_at", _("The session ends after the dialogue does."))
        named = [session for session in self.standing if session.room]
        for one, other in clashes_of_rooms(named, ""):
            form = forms_of[id(other)]
            text = _("The session “%(title)s” is in this room at this time.") % {"title": one.title_en}  # type: ignore[attr-defined]
            form.add_error("room" if "room" in form.fields else None, text)


# Rows that refer to others -----------------------------------------------------------------------------------------


class KnownAutocomplete(AutocompleteSelect):
    """Draws what is chosen without asking the database again for each row: `known` holds it by key."""

    known: dict[str, str]

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        chosen = {str(each) for each in value if each not in self.choices.field.empty_values}
        if not chosen <= set(getattr(self, "known", {})):
            return super().optgroups(name, value, attr)
        empty = [] if self.is_required else [self.create_option(name, "", "", False, 0)]
        options = [self.create_option(name, key, self.known[key], True, number) for number, key in enumerate(chosen, 1)]
        return [(None, [*empty, *options], 0)]


def know(form: Any, *names: str) -> None:
    """Tells the widgets what the form's row refers to, which was read together with it."""
    for name in names:
        widget = getattr(getattr(form.fields.get(name), "widget", None), "widget", None)
        if isinstance(widget, KnownAutocomplete):
            related = getattr(form.instance, name) if getattr(form.instance, f"{name}_id") else None
            widget.known = {str(related.pk): str(related)} if related else {}


class AimForm(forms.ModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        know(self, "owner")


# People ---------------------------------------------------------------------------------------------------------


class ParticipationForm(forms.ModelForm):
    def __init__(self, *args: Any, sessions: list[Session] | None = None, **kwargs: Any) -> None:
        """`sessions`: those of the dialogue, read once for all rows."""
        super().__init__(*args, **kwargs)
        if "session" in self.fields:
            field: Any = self.fields["session"]
            field.queryset = Session.objects.filter(pk__in=[session.pk for session in sessions or []])
            field.widget.choices = [("", _("The whole dialogue")), *((row.pk, str(row)) for row in sessions or [])]
        know(self, "person", "entity")
        if self.instance.frozen_at:
            for name in FROZEN:
                if name in self.fields:
                    self.fields[name].disabled = True


# Steps ------------------------------------------------------------------------------------------------------------


class StepForm(forms.Form):
    """Base of the pages between a button and the act."""

    def __init__(self, *args: Any, dialogue: Dialogue, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dialogue = dialogue
        for field in self.fields.values():
            if isinstance(field, LocalTime):
                field.zone = dialogue.zone
                field.help_text = field.help_text or _("In the zone of the event: %(zone)s.") % {
                    "zone": dialogue.time_zone
                }


class NoteForm(StepForm):
    """Why: in English for sure, in the other languages where somebody can write it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = dict(settings.LANGUAGES)
        for code in ["en", *(code for code in names if code != "en")]:
            self.fields[f"note_{code}"] = forms.CharField(
                label=_("Why, in %(language)s") % {"language": names[code]},
                required=code == "en",
                max_length=1_000,
                widget=forms.Textarea(
                    attrs={
                        "rows": 2,
                        "class": "vLargeTextField",
                        "lang": language_tag(code),
                        "dir": "rtl" if code == "ar" else "ltr",
                    }
                ),
            )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        notes = {name: cleaned.pop(name) for name in list(cleaned) if name.startswith("note_")}
        return {**cleaned, "note": {name.removeprefix("note_"): text for name, text in notes.items() if text.strip()}}


class PublishForm(StepForm):
    hold_back = forms.ModelMultipleChoiceField(
        Session.objects.none(),
        required=False,
        label=gettext_lazy("Hold back"),
        help_text=gettext_lazy("These sessions stay hidden until they are published by themselves."),
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["hold_back"]
        field.queryset = (
            Session.objects.filter(dialogue=self.dialogue).exclude(state=Session.State.CANCELLED).in_order()
        )
        if not field.queryset.exists():
            del self.fields["hold_back"]


class SessionsForm(StepForm):
    """Some sessions in one state."""

    state = Session.State.DRAFT
    sessions = forms.ModelMultipleChoiceField(
        Session.objects.none(), label=gettext_lazy("Sessions"), widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["sessions"]
        field.queryset = Session.objects.filter(dialogue=self.dialogue, state=self.state).in_order()


class PublishedSessionsForm(SessionsForm):
    state = Session.State.PUBLISHED


class CancelledSessionsForm(SessionsForm):
    state = Session.State.CANCELLED


class RescheduleForm(NoteForm):
    starts_at = LocalTime(label=gettext_lazy("Begins"))
    ends_at = LocalTime(label=gettext_lazy("Ends"))
    shift_sessions = forms.BooleanField(
        label=gettext_lazy("Move the sessions along"),
        required=False,
        initial=True,
        help_text=gettext_lazy("Each keeps its distance from the beginning."),
    )
    field_order = ("starts_at", "ends_at", "shift_sessions")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(self.field_order)
        self.initial = {"starts_at": self.dialogue.starts_at, "ends_at": self.dialogue.ends_at, **self.initial}


class CopyForm(StepForm):
    slug = forms.SlugField(label=gettext_lazy("Slug of the copy"), max_length=120)
    starts_at = LocalTime(label=gettext_lazy("Begins"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {"starts_at": self.dialogue.starts_at + timedelta(days=364), **self.initial}


class FollowUpForm(StepForm):
    slug = forms.SlugField(
        label=gettext_lazy("Slug"), max_length=60, help_text=gettext_lazy("Of the follow-up meeting and of its round.")
    )
    title = forms.CharField(label=gettext_lazy("Title in English"), max_length=200)
    starts_at = LocalTime(label=gettext_lazy("Begins"))
    ends_at = LocalTime(label=gettext_lazy("Ends"))
